//! What the guides must hold: a row for each function of the ABI, each error code and each phase; links that lead
//! somewhere, and commands and tests that there are. Their blocks of commands are run by `tests/documents`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use comptask_upgrade::{ErrorKind, Phase};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file of the repository, relative to its root.
fn documents() -> Vec<PathBuf> {
    fn below(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let name = PathBuf::from(entry.unwrap().file_name());
            let path = folder.join(&name);
            let is_ours = !["target", "build", ".git"].iter().any(|other| name.as_os_str() == *other);
            if is_ours && root().join(&path).is_dir() {
                below(&path, into);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                into.push(path);
            }
        }
    }
    let mut found = Vec::new();
    below(Path::new(""), &mut found);
    found.sort();
    assert!(found.len() > 15, "{found:?}");
    found
}

/// The names before an opening parenthesis that begin with `ctu_`.
fn functions_of(header: &str) -> BTreeSet<String> {
    let declared = header.lines().filter(|line| !line.trim_start().starts_with("//"));
    let names = declared.filter_map(|line| {
        let (before, _) = line.split_once('(')?;
        let name = before.rsplit(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next()?;
        name.starts_with("ctu_").then(|| name.to_owned())
    });
    names.collect()
}

/// The first cells of the rows of every table, without backticks.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    rows.map(|row| row.split(" | ").map(|cell| cell.trim().trim_matches('`').to_owned()).collect()).collect()
}

#[test]
fn the_abi_guide_has_one_row_for_each_function() {
    let wanted = functions_of(&read("include/comptask_upgrade.h"));
    assert!(wanted.len() >= 81, "{wanted:?}");
    let guide = read("docs/abi.md");
    let (_, tables) = guide.split_once("## Every function").unwrap();
    let listed: Vec<String> = rows(tables).into_iter().map(|row| row[0].clone()).collect();
    let listed: Vec<String> = listed.into_iter().filter(|name| name.starts_with("ctu_")).collect();
    let once: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "a function is listed twice");
    let missing: Vec<&String> = wanted.difference(&once).collect();
    let strange: Vec<&String> = once.difference(&wanted).collect();
    assert!(missing.is_empty() && strange.is_empty(), "docs/abi.md lacks {missing:?}; the header lacks {strange:?}");
}

#[test]
fn the_operators_guide_has_a_row_for_each_code_and_each_phase() {
    let rows_of_guide = rows(&read("docs/operations.md"));
    for kind in ErrorKind::all() {
        let row = rows_of_guide.iter().find(|row| row[0] == kind.code().to_string());
        let row = row.unwrap_or_else(|| panic!("docs/operations.md has no row for {} {}", kind.code(), kind.name()));
        assert_eq!(row[1], kind.name(), "of {}", kind.code());
        assert_eq!(row.len(), 6, "what happened, the tree, what to do, the command: {row:?}");
        assert!(row.iter().all(|cell| !cell.is_empty()), "{row:?}");
    }
    for phase in Phase::ALL {
        let row = rows_of_guide.iter().find(|row| row[0] == phase.word());
        assert!(row.is_some(), "docs/operations.md has no row for {}", phase.word());
    }
    let of_tool = rows(&read("ffi_examples/cirrodata_tool/README.md"));
    for kind in ErrorKind::all() {
        let wanted = [kind.code().to_string(), kind.c_name().to_owned()];
        assert!(of_tool.iter().any(|row| row.starts_with(&wanted)), "the tool's README has no row for {wanted:?}");
    }
}

/// A text without its fenced blocks and without what is between backticks.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            prose.extend(line.split('`').step_by(2));
            prose.push('\n');
        }
    }
    prose
}

/// The anchor that a heading has on the pages of a repository.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    for path in documents() {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let folder = path.parent().unwrap();
        for rest in prose(&text).split("](").skip(1) {
            let target = rest.split(')').next().unwrap();
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { folder.join(file) };
            assert!(root().join(&file).exists(), "{}: nothing is at {target}", path.display());
            if !fragment.is_empty() {
                let there = fs::read_to_string(root().join(&file)).unwrap();
                let headings = there.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#')));
                assert!(anchors.any(|anchor| anchor == fragment), "{}: no heading for {target}", path.display());
            }
        }
    }
    assert!(links > 40, "{links} links");
}

/// The words that follow some text, wherever it stands.
fn words_after<'t>(text: &'t str, before: &'t str) -> impl Iterator<Item = &'t str> {
    let is_of_word = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '/' | '.');
    let found = text.split(before).skip(1);
    found.map(move |rest| rest.split(|letter| !is_of_word(letter)).next().unwrap().trim_end_matches('.'))
}

#[test]
fn every_make_target_and_every_test_that_is_named_is_there() {
    let makefile = read("Makefile");
    let manifest = read("Cargo.toml");
    let (mut targets, mut tests) = (0, 0);
    for path in documents() {
        // A command may be broken over two lines of a text.
        let text = fs::read_to_string(root().join(&path)).unwrap().replace('\n', " ");
        for word in words_after(&text, "`make ").filter(|word| word.starts_with(|letter: char| letter.is_lowercase())) {
            targets += 1;
            let is_target = makefile.lines().any(|line| line.starts_with(&format!("{word}:")));
            assert!(is_target, "{}: the Makefile has no target {word}", path.display());
        }
        for word in words_after(&text, "--test ") {
            tests += 1;
            let is_there = ["tests/NAME.rs", "tests/NAME/main.rs"].iter().any(|place| {
                root().join(place.replace("NAME", word)).exists() || manifest.contains(&format!("name = \"{word}\""))
            });
            assert!(is_there, "{}: there is no test {word}", path.display());
        }
        for folder in ["`src/", "`tests/", "`cpp_tests/", "`docs/", "`fuzz/", "`ffi_examples/"] {
            for rest in words_after(&text, folder) {
                // `tests/teeth/NN-name.patch` stands for many, and what is built is there later.
                let named = format!("{}{}", &folder[1..], rest);
                if !["NN", "/target/"].iter().any(|part| named.contains(part)) {
                    assert!(root().join(&named).exists(), "{}: there is no {named}", path.display());
                }
            }
        }
    }
    assert!(targets > 20 && tests > 2, "{targets} targets, {tests} tests");
}
