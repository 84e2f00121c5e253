//! Every kind of error is one that some test has raised and asked for by its name.

use std::fs;
use std::path::{Path, PathBuf};

use comptask_upgrade::ErrorKind;

/// The sources of tests below a folder of the crate: in `src` only files that hold nothing else.
fn test_sources(folder: &Path, is_src: bool, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            test_sources(&path, is_src && !path.ends_with("testing"), into);
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_source = [".rs", ".cpp", ".c"].iter().any(|ending| name.ends_with(ending));
        if is_source && (!is_src || ["tests.rs", "conformance.rs"].contains(&name.as_str())) {
            into.push(path);
        }
    }
}

#[test]
fn every_kind_is_raised_by_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    for (folder, is_src) in [("tests", false), ("cpp_tests", false), ("src", true)] {
        test_sources(&root.join(folder), is_src, &mut sources);
    }
    let texts: Vec<String> = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    for kind in ErrorKind::all() {
        let names = [format!("ErrorKind::{kind:?}"), format!("Code::k{kind:?}")];
        let is_asked_for = |line: &str| {
            let line = line.trim_start();
            !line.starts_with("//") && names.iter().any(|name| line.contains(name.as_str()))
        };
        let raised_in = texts.iter().filter(|text| text.lines().any(is_asked_for)).count();
        println!("{kind:?}: in {raised_in} files of tests");
        assert!(raised_in > 0, "no test asks for {kind:?}");
    }
}
