//! What HDFS is asked for while its servers are well.

use super::*;

pub(crate) fn it_keeps_the_contract(open: Open) {
    let hdfs = shared();
    conformance::check(&|| new_storage(&hdfs, open, &[]));
}

pub(crate) fn a_thousand_files_go_in_one_batch(open: Open) {
    let hdfs = shared();
    let storage = new_storage(&hdfs, open, &[]);
    let bytes = |number: usize| format!("task {number}").repeat(40).into_bytes();
    let changes: Vec<Change> = (0..1_000).map(|number| create(&format!("f{number}"), &bytes(number))).collect();
    let begun = Instant::now();
    let answers = apply_all(&*storage, &changes);
    let took = begun.elapsed();
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).collect::<Vec<_>>(), Vec::<&Result<()>>::new());
    // One after the other they take over 500 s, since the close of each waits half a second.
    assert!(took < Duration::from_secs(100), "{took:?}");
    println!("1,000 files in {took:?}");
    let paths: Vec<TreePath> = changes.iter().map(|change| change.path().clone()).collect();
    let begun = Instant::now();
    for (number, read) in storage.read_batch(&paths, 1 << 20, 0).into_iter().enumerate() {
        assert_eq!(read.unwrap(), bytes(number));
    }
    println!("read in {:?}", begun.elapsed());
}

pub(crate) fn a_large_folder_is_listed_whole_and_each_name_once(open: Open) {
    let hdfs = shared();
    let storage = new_storage(&hdfs, open, &[]);
    let name = |number: usize| if number % 2 == 0 { format!("文{number}") } else { format!("f{number}") };
    let changes: Vec<Change> = (0..3_500).map(|number| create(&format!("d/{}", name(number)), b"")).collect();
    apply(&*storage, folder("d")).unwrap();
    assert!(apply_all(&*storage, &changes).iter().all(Result::is_ok));
    let mut listed = Vec::new();
    storage
        .list(&path("d"), &mut |entry| {
            listed.push(entry.name);
            ControlFlow::Continue(())
        })
        .unwrap();
    listed.sort_unstable();
    let mut expected: Vec<String> = (0..3_500).map(name).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

pub(crate) fn what_cannot_be_opened_is_named(open: Open) {
    let hdfs = shared();
    let root = new_root(&hdfs, open);
    apply(&*open(&root, &[]).unwrap(), create("file", b"x")).unwrap();
    let open = |uri: &str| open(uri, &[]).err().unwrap();
    for (uri, kind) in [
        (format!("{root}/absent"), ErrorKind::NotFound),
        (format!("{root}/file"), ErrorKind::Refused),
        (format!("{root}/file/below"), ErrorKind::NotFound),
    ] {
        let error = open(&uri);
        assert_eq!((error.kind(), error.path()), (kind, uri.as_str()), "{error}");
    }
    for uri in ["hdfs://", "hdfs:///x", "file:///x", "hdfs://u:secret@h:1/x", "hdfs://h:1/a/../b", "hdfs://h:1//a"] {
        let error = open(uri);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{uri}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let nobody_listens = format!("hdfs://127.0.0.1:{}/x", cluster::ports::free().unwrap());
    let begun = Instant::now();
    let error = open(&nobody_listens);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!((error.kind(), error.path()), (ErrorKind::RetryLater, nobody_listens.as_str()), "{error}");
    assert!(error.message().contains("refused"), "{error}");
    assert_eq!(open("hdfs://no-such-host.invalid:9000/x").kind(), ErrorKind::Storage);
}

pub(crate) fn the_configuration_of_hadoop_is_taken_when_asked_for(open: Open) {
    let hdfs = shared();
    let root = new_root(&hdfs, open);
    let name = root.rsplit('/').next().unwrap();
    let conf = hdfs.conf();
    let storage = open(&format!("hdfs:///{name}"), &[("conf_dir", conf.to_str().unwrap())]).unwrap();
    assert!(storage.describe().starts_with(&format!("HDFS {root} (")), "{}", storage.describe());
    assert_eq!(storage.folder_entries_limit(), Some(1_048_576));

    // The same NameNode as a name service of which the first is down.
    let port = cluster::ports::free().unwrap();
    let live = hdfs.uri().trim_start_matches("hdfs://").to_owned();
    let service = [
        ("dfs.ha.namenodes.ns1", "a,b"),
        ("dfs.namenode.rpc-address.ns1.a", &format!("127.0.0.1:{port}")),
        ("dfs.namenode.rpc-address.ns1.b", &live),
        ("dfs.namenode.fs-limits.max-directory-items", "77"),
    ];
    let storage = open(&format!("hdfs://ns1/{name}"), &service).unwrap();
    assert_eq!(storage.folder_entries_limit(), Some(77));
    apply(&*storage, create("by-name-service", b"x")).unwrap();
    assert_eq!(storage.read(&path("by-name-service"), 10).unwrap(), b"x");
}
