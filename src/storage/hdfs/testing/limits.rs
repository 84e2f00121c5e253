//! What a NameNode refuses for good: a quota, a right, a name.

use super::*;

/// What a folder holds, by name.
fn names(storage: &dyn Storage) -> Vec<String> {
    storage.children(&TreePath::root()).unwrap().unwrap().into_iter().map(|entry| entry.name).collect()
}

pub(crate) fn a_quota_is_told_from_other_errors_and_leaves_no_empty_file(open: Open) {
    let hdfs = shared();
    let root = new_root(&hdfs, open);
    let folder = root.strip_prefix(&hdfs.uri()).unwrap();
    let storage = open(&root, &[]).unwrap();

    hdfs.name_quota(folder, Some(2)).unwrap();
    apply(&*storage, create("first", b"")).unwrap();
    let error = apply(&*storage, create("second", b"")).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Quota, "second"), "{error}");
    assert_eq!(apply(&*storage, super::folder("third")).unwrap_err().kind(), ErrorKind::Quota);
    hdfs.name_quota(folder, None).unwrap();

    // Less than a block: the name is made, and then there is no room for its bytes.
    hdfs.space_quota(folder, Some(1_000)).unwrap();
    let error = apply(&*storage, create("bytes", b"bytes")).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Quota, "bytes"), "{error}");
    assert!(error.message().contains("DSQuotaExceeded"), "{error}");
    hdfs.space_quota(folder, None).unwrap();
    assert_eq!(names(&*storage), ["first"], "what could not be filled is not there");
    apply(&*storage, create("bytes", b"bytes")).unwrap();
}

pub(crate) fn a_right_that_is_missing_is_named_before_and_after(open: Open) {
    let hdfs = shared();
    let root = new_root(&hdfs, open);
    let mine = open(&root, &[]).unwrap();
    apply(&*mine, folder("f")).unwrap();
    apply(&*mine, create("f/file", b"x")).unwrap();
    let theirs = open(&root, &[("user", "a_stranger")]).unwrap();
    let before = (names(&*mine), mine.stat_batch(&[path("f"), TreePath::root()], 0));
    for change in [
        create("new", b""),
        folder("new"),
        Change::Rename { from: path("f/file"), to: path("f/new") },
        Change::Remove { path: path("f"), recursive: true },
    ] {
        let error = apply(&*theirs, change.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Permission, "{change:?}: {error}");
        assert!(error.message().contains("a_stranger"), "{error}");
    }
    let error = theirs.check_writable(&path("f")).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Permission, "f"), "{error}");
    mine.check_writable(&path("f")).unwrap();
    mine.check_writable(&TreePath::root()).unwrap();
    assert_eq!((names(&*mine), mine.stat_batch(&[path("f"), TreePath::root()], 0)), before, "and nothing was changed");

    // Rights that only the group or an ACL gives are seen too, since the NameNode itself is asked.
    let folder_path = format!("{}/f", root.strip_prefix(&hdfs.uri()).unwrap());
    hdfs.shell(&["-chmod", "777", &folder_path]).unwrap();
    theirs.check_writable(&path("f")).unwrap();
}

pub(crate) fn a_name_that_cannot_be_is_refused_and_nothing_is_made(open: Open) {
    let hdfs = shared();
    let storage = new_storage(&hdfs, open, &[]);
    for (name, kind) in [
        ("x".repeat(256), ErrorKind::TooLarge),
        ("a:b".to_owned(), ErrorKind::InvalidArgument),
        (vec!["y".repeat(200); 41].join("/"), ErrorKind::TooLarge),
    ] {
        for change in [create(&name, b""), folder(&name)] {
            let error = apply(&*storage, change).unwrap_err();
            assert_eq!(error.kind(), kind, "{error}");
        }
    }
    assert!(names(&*storage).is_empty());
    apply(&*storage, create(&"x".repeat(255), b"")).unwrap();
    let top = open(&hdfs.uri(), &[]).unwrap();
    let error = top.stat(&path(".reserved/.inodes/16385")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
}
