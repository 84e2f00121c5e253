//! How a block is run.

use std::fs;
use std::process::Command;

use crate::blocks::{self, project, Block};
use crate::places::Place;
use crate::support::run_names::same_run;

/// How long the commands of a block may take before it has failed.
const PATIENCE_S: &str = "180";

/// What went wrong, in words.
type Answer = Result<(), String>;

/// Runs the commands of a block one after the other in one shell, and compares what they print with what it shows.
pub fn run(block: &Block, place: &Place) -> Answer {
    let commands = block.commands();
    for command in commands.iter().filter(|command| is_make(command)) {
        has_target(&command.text)?;
    }
    let commands: Vec<blocks::Command> = commands.into_iter().filter(|command| !is_make(command)).collect();
    let mut script = "set -u -o pipefail\n".to_owned();
    for (number, command) in commands.iter().enumerate() {
        let text = place.translated(&command.text);
        script += &format!("{{ {text}\n}} >.printed.{number} 2>.complained.{number} || exit $((100 + {number}))\n");
        // What a document compiles has to run too.
        if text.starts_with("g++ ") {
            script += &format!("./a.out >>.complained.{number} 2>&1 && rm a.out || exit $((100 + {number}))\n");
        }
    }
    fs::write(place.host().join(".script"), script).unwrap();
    let output = place.command("timeout").args([PATIENCE_S, "bash", ".script"]).output().unwrap();
    let said = |what: &str, number: usize| {
        fs::read_to_string(place.host().join(format!(".{what}.{number}"))).unwrap_or_default()
    };
    if !output.status.success() {
        let number = output
            .status
            .code()
            .and_then(|code| usize::try_from(code - 100).ok())
            .filter(|number| *number < commands.len());
        let (which, said) = match number {
            Some(number) => (commands[number].text.clone(), said("printed", number) + &said("complained", number)),
            None => ("the block".to_owned(), String::from_utf8_lossy(&output.stderr).into_owned()),
        };
        return Err(format!("{which}\nended with {}:\n{said}", output.status));
    }
    let printed: Vec<String> = (0..commands.len()).map(|number| said("printed", number)).collect();
    if block.language != "console" || commands.iter().all(|command| command.shown.is_empty()) && !is_to_be_shown(block)
    {
        return Ok(());
    }
    if std::env::var_os("COMPTASK_WRITE_DOCUMENTS").is_some() {
        block.write(&printed);
        return Ok(());
    }
    for (command, printed) in commands.iter().zip(&printed) {
        let same = |text: &str| same_run(text).trim_end().to_owned();
        if same(&command.shown) != same(printed) {
            let (command, shown) = (&command.text, &command.shown);
            return Err(format!("{command}\nthe document shows:\n{shown}\nit printed:\n{printed}"));
        }
    }
    Ok(())
}

/// What a cluster says holds its addresses, so a block on one shows commands only; any other shows what they print.
fn is_to_be_shown(block: &Block) -> bool {
    !block.is_on_a_cluster()
}

fn is_make(command: &blocks::Command) -> bool {
    command.text.starts_with("make ")
}

/// That `make` knows what to do; nothing is done.
fn has_target(text: &str) -> Answer {
    let words = text.split('#').next().unwrap_or_default().split_whitespace().skip(1);
    let output = Command::new("make").arg("-n").arg("-C").arg(project()).args(words).output().unwrap();
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{text}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Compiles a program without a warning, with the library that is installed, and runs it on the sample tree.
pub fn compile(block: &Block, place: &Place) -> Answer {
    let (compiler, standard, file) = match block.language.as_str() {
        "c" => ("gcc", "-std=c11", "example.c"),
        _ => ("g++", "-std=c++17", "example.cpp"),
    };
    fs::write(place.host().join(file), &block.text).unwrap();
    let prefix = place.translated("/opt/comptask");
    let mut compile = place.command(compiler);
    compile.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-o", "example", file]);
    compile.args([format!("-I{prefix}/include"), format!("-L{prefix}/lib"), "-lcomptask_upgrade".to_owned()]);
    for mut command in [compile, place.command("./example")] {
        let output = command.output().unwrap();
        if !output.status.success() {
            return Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}
