//! The fenced blocks of the documents, and the commands in them.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block.
pub struct Block {
    /// Its document, relative to the root of the repository.
    pub document: String,
    /// The line of its fence, from 1.
    pub line: usize,
    pub language: String,
    pub text: String,
}

/// A command, and what the block shows below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Command {
    pub text: String,
    pub shown: String,
}

/// The documents whose blocks are run.
pub fn documents() -> Vec<PathBuf> {
    let named = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "ffi_examples/cirrodata_tool/README.md"];
    let mut documents: Vec<PathBuf> = named.iter().map(PathBuf::from).collect();
    for entry in fs::read_dir(project().join("docs")).unwrap() {
        let path = Path::new("docs").join(entry.unwrap().file_name());
        if path.extension().is_some_and(|ending| ending == "md") {
            documents.push(path);
        }
    }
    documents[named.len()..].sort();
    documents
}

/// The blocks of a document.
pub fn read(document: &Path) -> Vec<Block> {
    let text = fs::read_to_string(project().join(document)).unwrap();
    blocks_of(&document.display().to_string(), &text)
}

fn blocks_of(document: &str, text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open) {
            (Some(language), false) => {
                let (document, language) = (document.to_owned(), language.to_owned());
                blocks.push(Block { document, line: number + 1, language, text: String::new() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {
                assert!(!line.trim_start().starts_with("```"), "{document}:{}: an indented fence", number + 1)
            }
        }
    }
    assert!(!open, "{document}: a block has no end");
    blocks
}

impl Block {
    /// Whether it names a cluster, of which there must be one to run it.
    pub fn is_on_a_cluster(&self) -> bool {
        ["hdfs://", "zk1:"].iter().any(|word| self.text.contains(word))
    }

    /// Its commands, each on one line as it is written or broken by a backslash. In a `console` block they follow a `$`.
    pub fn commands(&self) -> Vec<Command> {
        let is_console = self.language == "console";
        let mut commands: Vec<Command> = Vec::new();
        let mut goes_on = false;
        for line in self.text.lines() {
            let begins = if is_console { line.strip_prefix("$ ") } else { Some(line).filter(|line| !line.is_empty()) };
            match (begins, commands.last_mut()) {
                (_, Some(command)) if goes_on => {
                    command.text.push('\n');
                    command.text.push_str(line);
                }
                (Some(text), _) => commands.push(Command { text: text.to_owned(), shown: String::new() }),
                (None, Some(command)) if is_console => {
                    command.shown.push_str(line);
                    command.shown.push('\n');
                }
                // An empty line between two commands.
                (None, _) if !is_console => {}
                (None, _) => panic!("{}:{}: it begins with no command", self.document, self.line),
            }
            let is_output = is_console && begins.is_none() && !goes_on;
            goes_on = !is_output && line.ends_with('\\');
        }
        commands
    }

    /// Writes into a `console` block of the document what its commands printed.
    pub fn write(&self, printed: &[String]) {
        let path = project().join(&self.document);
        let blocks = self.commands().into_iter().zip(printed).map(|(command, printed)| {
            let apart = if printed.is_empty() { "" } else { "\n" };
            format!("$ {}\n{printed}{apart}", command.text)
        });
        let block = format!("{}\n", blocks.collect::<String>().trim_end());
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(&self.text).count(), 1, "{}:{}: there are two such blocks", self.document, self.line);
        fs::write(&path, text.replace(&self.text, &block)).unwrap();
    }
}

#[test]
fn blocks_and_their_commands_are_told_apart() {
    let text = "a\n```console\n$ one \\\n    two\nsaid \\\n\n$ three\n```\n```sh\nfour  # a remark\n\nfive\n```\n";
    let blocks = blocks_of("d", text);
    let command = |text: &str, shown: &str| Command { text: text.to_owned(), shown: shown.to_owned() };
    assert_eq!((blocks[0].line, blocks[0].language.as_str()), (2, "console"));
    assert_eq!(blocks[0].commands(), [command("one \\\n    two", "said \\\n\n"), command("three", "")]);
    assert_eq!(blocks[1].commands(), [command("four  # a remark", ""), command("five", "")]);
}
