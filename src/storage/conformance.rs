//! One suite over every backend: what the contract says, tried.

use std::ops::ControlFlow;

use super::{Fence, Flow, NoFence, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Kind, TreePath};

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn create(text: &str, bytes: &[u8]) -> Change {
    Change::Create { path: path(text), bytes: bytes.to_vec() }
}

fn folder(text: &str) -> Change {
    Change::MakeFolder { path: path(text) }
}

fn rename(from: &str, to: &str) -> Change {
    Change::Rename { from: path(from), to: path(to) }
}

fn remove(text: &str, recursive: bool) -> Change {
    Change::Remove { path: path(text), recursive }
}

fn apply(storage: &dyn Storage, changes: &[Change]) -> Vec<Option<ErrorKind>> {
    let answers = storage.change_batch(changes, Flow { fence: &NoFence, in_flight: 0 });
    assert_eq!(answers.len(), changes.len(), "every change has its answer");
    answers.into_iter().map(|answer| answer.err().map(|error| error.kind())).collect()
}

fn do_all(storage: &dyn Storage, changes: &[Change]) {
    assert_eq!(apply(storage, changes), vec![None; changes.len()], "{changes:?}");
}

fn fails(storage: &dyn Storage, change: &Change, kind: ErrorKind) {
    let before = tree(storage);
    assert_eq!(apply(storage, std::slice::from_ref(change)), [Some(kind)], "{change}");
    assert_eq!(tree(storage), before, "a change that is not done changes nothing: {change}");
}

/// Every path with the bytes of files.
pub(crate) fn tree(storage: &dyn Storage) -> Vec<(String, Option<Vec<u8>>)> {
    fn walk(storage: &dyn Storage, folder: &TreePath, found: &mut Vec<(String, Option<Vec<u8>>)>) {
        for entry in storage.children(folder).unwrap().unwrap() {
            let path = folder.child(&entry.name).unwrap();
            if entry.is_folder() {
                found.push((path.as_str().to_owned(), None));
                walk(storage, &path, found);
            } else {
                found.push((path.as_str().to_owned(), Some(storage.read(&path, 1 << 20).unwrap())));
            }
        }
    }
    let mut found = Vec::new();
    walk(storage, &TreePath::root(), &mut found);
    found
}

fn read(storage: &dyn Storage, text: &str) -> Result<Vec<u8>> {
    storage.read(&path(text), 1 << 20)
}

/// Runs the whole suite; `open` gives an empty storage each time it is called.
pub(crate) fn check(open: &dyn Fn() -> Box<dyn Storage>) {
    creating(&*open());
    making_folders(&*open());
    changing_in_order(&*open());
    listing_many(&*open());
    renaming(&*open());
    removing(&*open());
    listing(&*open());
    reading(&*open());
    batches(&*open());
    fencing(&*open());
}

fn creating(storage: &dyn Storage) {
    do_all(storage, &[create("a", b"one"), create("empty", b"")]);
    assert_eq!(read(storage, "a").unwrap(), b"one");
    assert_eq!(read(storage, "empty").unwrap(), b"");
    fails(storage, &create("a", b"two"), ErrorKind::AlreadyExists);
    fails(storage, &create("no/parent", b""), ErrorKind::NotFound);
    fails(storage, &create("a/below", b""), ErrorKind::NotFound);
    do_all(storage, &[folder("f")]);
    fails(storage, &create("f", b""), ErrorKind::AlreadyExists);
    let large = vec![7_u8; 3 << 20];
    do_all(storage, &[create("f/large", &large)]);
    assert_eq!(storage.read(&path("f/large"), 4 << 20).unwrap(), large);
    do_all(storage, &[create("f/文件 %2E~", b"x")]);
    assert_eq!(read(storage, "f/文件 %2E~").unwrap(), b"x");
    // HDFS has no colon in a name, and `layout` writes none; elsewhere it is a letter like any other.
    match apply(storage, &[create("f/a:b", b"x")])[..] {
        [None] => assert_eq!(read(storage, "f/a:b").unwrap(), b"x"),
        [Some(ErrorKind::InvalidArgument)] => assert_eq!(storage.children(&path("f")).unwrap().unwrap().len(), 2),
        ref other => panic!("{other:?}"),
    }
}

fn making_folders(storage: &dyn Storage) {
    do_all(storage, &[folder("a/b/c")]);
    do_all(storage, &[folder("a/b/c"), folder("a")]);
    assert_eq!(storage.stat(&path("a/b/c")).unwrap().kind, Kind::Folder);
    do_all(storage, &[create("a/file", b"")]);
    fails(storage, &folder("a/file"), ErrorKind::AlreadyExists);
    fails(storage, &folder("a/file/below"), ErrorKind::AlreadyExists);
    assert!(storage.has_folder(&path("a")).unwrap());
    assert!(!storage.has_folder(&path("z")).unwrap());
    assert_eq!(storage.has_folder(&path("a/file")).unwrap_err().kind(), ErrorKind::Refused);
}

fn renaming(storage: &dyn Storage) {
    do_all(storage, &[folder("from/deep"), folder("to"), folder("empty"), folder("full")]);
    do_all(storage, &[create("from/deep/file", b"x"), create("full/file", b"y"), create("file", b"z")]);
    fails(storage, &rename("absent", "new"), ErrorKind::NotFound);
    fails(storage, &rename("file", "absent/new"), ErrorKind::NotFound);
    fails(storage, &rename("file", "full/file"), ErrorKind::AlreadyExists);
    fails(storage, &rename("file", "empty"), ErrorKind::AlreadyExists);
    fails(storage, &rename("from", "empty"), ErrorKind::AlreadyExists);
    fails(storage, &rename("from", "full"), ErrorKind::AlreadyExists);
    fails(storage, &rename("from", "file"), ErrorKind::AlreadyExists);
    fails(storage, &rename("from", "from/deep/inside"), ErrorKind::InvalidArgument);
    fails(storage, &rename("file", "file"), ErrorKind::AlreadyExists);
    do_all(storage, &[rename("from", "to/moved"), rename("file", "to/file")]);
    assert_eq!(read(storage, "to/moved/deep/file").unwrap(), b"x");
    assert_eq!(read(storage, "to/file").unwrap(), b"z");
    assert_eq!(storage.find(&path("from")).unwrap(), None);
    assert_eq!(storage.find(&path("file")).unwrap(), None);
}

fn removing(storage: &dyn Storage) {
    do_all(storage, &[folder("a/b"), folder("a.x"), folder("empty"), create("file", b"")]);
    do_all(storage, &[create("a/b/file", b""), create("a/file", b"")]);
    fails(storage, &remove("absent", false), ErrorKind::NotFound);
    fails(storage, &remove("absent", true), ErrorKind::NotFound);
    fails(storage, &remove("a", false), ErrorKind::NotEmpty);
    do_all(storage, &[remove("file", false), remove("empty", false)]);
    do_all(storage, &[remove("a", true)]);
    assert_eq!(tree(storage), [("a.x".to_owned(), None)]);
}

fn listing(storage: &dyn Storage) {
    do_all(storage, &[folder("d/sub"), folder("d-1")]);
    let names: Vec<String> = (0..1_100).map(|number| format!("d/file{number:04}")).collect();
    do_all(storage, &names.iter().map(|name| create(name, b"abc")).collect::<Vec<_>>());
    do_all(storage, &[create("d/sub/below", b"")]);
    let entries = storage.children(&path("d")).unwrap().unwrap();
    assert_eq!(entries.len(), 1_101, "every child once, and no grandchild");
    assert!(entries.iter().all(|entry| entry.exact));
    let file = &entries[0];
    assert_eq!((file.name.as_str(), file.is_file(), file.stat.length), ("file0000", true, 3));
    assert!(file.stat.mtime_ms > 1_600_000_000_000, "milliseconds since 1970, not seconds");
    assert!(entries[1_100].is_folder() && entries[1_100].name == "sub");
    assert_eq!(storage.children(&path("absent")).unwrap(), None);
    assert_eq!(storage.children(&path("d/file0000")).unwrap(), None, "a file is no folder");
    let mut seen = 0;
    let stop_at_three = &mut |_| {
        seen += 1;
        if seen == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    storage.list(&path("d"), stop_at_three).unwrap();
    assert_eq!(seen, 3, "the sink can end it");
}

fn reading(storage: &dyn Storage) {
    do_all(storage, &[folder("d"), create("ten", b"0123456789")]);
    assert_eq!(storage.read(&path("ten"), 10).unwrap(), b"0123456789");
    assert_eq!(storage.read(&path("ten"), 9).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(read(storage, "absent").unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(read(storage, "ten/below").unwrap_err().kind(), ErrorKind::NotFound);
    assert!(read(storage, "d").is_err(), "a folder cannot be read");
    let stat = storage.stat(&path("ten")).unwrap();
    assert_eq!((stat.kind, stat.length), (Kind::File, 10));
    assert_eq!(storage.stat(&path("absent")).unwrap_err().path(), "absent", "an error names its path");
    assert_eq!(storage.stat(&TreePath::root()).unwrap().kind, Kind::Folder);
}

fn batches(storage: &dyn Storage) {
    do_all(storage, &[folder("d")]);
    do_all(storage, &[create("d/old", b"")]);
    let changes =
        [create("d/a", b"1"), create("d/old", b""), create("d/b", b"2"), rename("d/absent", "d/c"), folder("d/e")];
    let expected = [None, Some(ErrorKind::AlreadyExists), None, Some(ErrorKind::NotFound), None];
    assert_eq!(apply(storage, &changes), expected, "each call has its own answer, in order");
    let answers = storage.read_batch(&[path("d/b"), path("d/absent"), path("d/a")], 10, 0);
    let texts: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
    assert_eq!(texts, [Ok(b"2".to_vec()), Err(ErrorKind::NotFound), Ok(b"1".to_vec())]);
    assert!(apply(storage, &[]).is_empty());
}

struct After(std::sync::atomic::AtomicI32);

impl Fence for After {
    fn permit(&self) -> Result<()> {
        if self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) > 0 {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LockLost, "lost"))
    }
}

fn fencing(storage: &dyn Storage) {
    let fence = After(3.into());
    let names: Vec<String> = (0..10).map(|number| format!("f{number}")).collect();
    let changes: Vec<Change> = names.iter().map(|name| create(name, b"")).collect();
    let answers = storage.change_batch(&changes, Flow { fence: &fence, in_flight: 4 });
    let done = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(done, 3, "the fence is asked once for every change");
    assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|error| error.kind() == ErrorKind::LockLost));
    assert_eq!(tree(storage).len(), 3, "and what it refuses is not made");
}

fn changing_in_order(storage: &dyn Storage) {
    let mut changes = Vec::new();
    let mut after = Vec::new();
    for task in 0..40 {
        let built = format!("built/{task}");
        let first = changes.len();
        changes.extend([
            folder(&built),
            create(&format!("{built}/bytes"), format!("bytes of {task}").as_bytes()),
            create(&format!("{built}/empty"), b""),
            rename(&format!("{built}/empty"), &format!("{built}/renamed")),
        ]);
        after.extend([None, Some(first), Some(first), Some(first + 2)]);
    }
    // The last chain breaks at its second change, and with it what needs that one.
    let broken = changes.len();
    changes.extend([folder("last"), create("missing/file", b"x"), rename("missing/file", "last/file")]);
    after.extend([None, Some(broken), Some(broken + 1)]);
    let answers = storage.change_in_order(&changes, &after, Flow { fence: &NoFence, in_flight: 0 });
    let kinds: Vec<Option<Option<ErrorKind>>> =
        answers.into_iter().map(|answer| answer.map(|answer| answer.err().map(|error| error.kind()))).collect();
    let mut expected = vec![Some(None); changes.len()];
    expected[broken + 1] = Some(Some(ErrorKind::NotFound));
    expected[broken + 2] = None;
    assert_eq!(kinds, expected);
    assert_eq!(tree(storage).len(), 2 + 40 * 3);
    assert_eq!(read(storage, "built/39/bytes").unwrap(), b"bytes of 39");

    let refused =
        storage.change_in_order(&changes[..2], &[None, Some(0)], Flow { fence: &After(0.into()), in_flight: 0 });
    assert_eq!(refused[0].clone().unwrap().unwrap_err().kind(), ErrorKind::LockLost);
    assert!(refused[1].clone().is_none_or(|answer| answer.is_err()));
}

fn listing_many(storage: &dyn Storage) {
    do_all(storage, &[folder("few"), folder("none")]);
    do_all(storage, &[create("few/a", b"1"), create("few/b", b"")]);
    let folders = ["few", "none", "missing", "few/a"].map(path);
    let answers = storage.list_batch(&folders, 0);
    let names = |entries: &Vec<crate::tree::Entry>| {
        let mut names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
        names.sort_unstable();
        names
    };
    let answers: Vec<std::result::Result<Vec<String>, ErrorKind>> =
        answers.iter().map(|answer| answer.as_ref().map(names).map_err(Error::kind)).collect();
    let both = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(answers, [Ok(both), Ok(Vec::new()), Err(ErrorKind::NotFound), Err(ErrorKind::NotFound)]);
}
