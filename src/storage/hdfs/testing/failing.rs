//! Servers that fail: each test has a cluster of its own.

use super::*;

/// Names and their answers, sorted into done, not done for certain, and unknown.
fn count(answers: &[Result<()>]) -> (usize, usize, usize) {
    let of = |kind| answers.iter().filter(|answer| answer.as_ref().err().map(Error::kind) == kind).count();
    (of(None), of(Some(ErrorKind::RetryLater)), of(Some(ErrorKind::OutcomeUnknown)))
}

pub(crate) fn safe_mode_is_waited_for_with_a_limit(open: Open) {
    let hdfs = Arc::new(Hdfs::start().unwrap());
    let root = new_root(&hdfs, open);
    let patient = open(&root, &[]).unwrap();
    let hasty = open(&root, &[("wait_ms", "1000")]).unwrap();
    apply(&*patient, create("file", b"x")).unwrap();
    hdfs.safe_mode(true).unwrap();

    let begun = Instant::now();
    let many: Vec<Change> = (0..600).map(|number| create(&format!("f{number}"), b"")).collect();
    let answers = apply_all(&*hasty, &many);
    assert_eq!(count(&answers), (0, 600, 0));
    let waited = begun.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(15)).contains(&waited), "{waited:?}");
    let error = answers.into_iter().find_map(Result::err).unwrap();
    assert!(error.message().contains("SafeMode"), "{error}");
    let read = |storage: &dyn Storage, name: &str| storage.read(&path(name), 10);
    assert_eq!(read(&*hasty, "file").unwrap(), b"x", "reads go on");
    let listed = hasty.children(&TreePath::root()).unwrap().unwrap();
    assert_eq!(listed.len(), 1, "nothing was changed");

    let leaver = std::thread::spawn({
        let hdfs = Arc::clone(&hdfs);
        move || hdfs.safe_mode(false).unwrap()
    });
    assert_eq!(count(&apply_all(&*patient, &many)), (600, 0, 0), "it is done as soon as it can be");
    leaver.join().unwrap();
}

pub(crate) fn a_name_node_that_dies_in_a_batch_leaves_no_wrong_answer(open: Open) {
    let mut hdfs = Hdfs::start().unwrap();
    let storage = new_storage(&hdfs, open, &[("wait_ms", "1000"), ("call_timeout_ms", "20000")]);
    let many: Vec<Change> = (0..20_000).map(|number| create(&format!("f{number:05}"), b"")).collect();
    let answers = std::thread::scope(|scope| {
        let batch = scope.spawn(|| apply_all(&*storage, &many));
        // Some are done then and most are not, on a machine with other work too.
        while !batch.is_finished() && storage.find(&path("f02000")).unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
        hdfs.name_node.kill();
        batch.join().unwrap()
    });
    let (done, not_done, unknown) = count(&answers);
    println!("{done} done, {not_done} not done, {unknown} unknown");
    assert_eq!(done + not_done + unknown, many.len());
    assert!(done > 0 && not_done > 0 && unknown > 0, "{done} done, {not_done} not done, {unknown} unknown");
    // Each of the 256 places may be filled once more before the broken connection is seen as that.
    assert!(unknown <= 512, "only what was under way is unknown: {unknown}");

    hdfs.restart_name_node().unwrap();
    let paths: Vec<TreePath> = many.iter().map(|change| change.path().clone()).collect();
    for ((answer, found), path) in answers.iter().zip(storage.stat_batch(&paths, 0)).zip(&paths) {
        match answer {
            Ok(()) => assert!(found.is_ok(), "{path} was answered as done and is not there"),
            Err(error) if error.kind() == ErrorKind::RetryLater => {
                assert_eq!(found.unwrap_err().kind(), ErrorKind::NotFound, "{path} was answered as not done");
            }
            Err(_) => {}
        }
    }
}

pub(crate) fn a_name_node_that_is_gone_for_a_while_is_waited_for(open: Open) {
    let mut hdfs = Hdfs::start().unwrap();
    let storage = new_storage(&hdfs, open, &[("call_timeout_ms", "3000")]);
    apply(&*storage, create("before", b"x")).unwrap();
    hdfs.name_node.kill();
    let answer = std::thread::scope(|scope| {
        let call = scope.spawn(|| apply_all(&*storage, &[folder("one"), folder("two")]));
        std::thread::sleep(Duration::from_secs(1));
        hdfs.restart_name_node().unwrap();
        call.join().unwrap()
    });
    // The first request may have gone out on the connection that just broke; one made after that was refused and is
    // sent when the NameNode is back.
    for one in answer {
        assert!(one.is_ok() || one.as_ref().is_err_and(|error| error.kind() == ErrorKind::OutcomeUnknown), "{one:?}");
    }
    apply(&*storage, folder("three")).unwrap();

    // One that hangs is as good as one whose reply is lost.
    hdfs.name_node.pause().unwrap();
    let begun = Instant::now();
    assert_eq!(apply(&*storage, folder("four")).unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    let error = storage.stat(&path("three")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    hdfs.name_node.resume().unwrap();
    assert!(storage.has_folder(&path("three")).unwrap());
}

pub(crate) fn without_a_data_node_no_file_counts_as_made(open: Open) {
    let mut hdfs = Hdfs::start().unwrap();
    let storage = new_storage(&hdfs, open, &[("call_timeout_ms", "20000")]);
    let dynamic = &*storage;
    apply(&*storage, create("before", b"x")).unwrap();
    hdfs.data_node.kill();
    for _ in 0..2 {
        // At first the NameNode still hands out the DataNode, later it says that none is alive.
        let answers = apply_all(&*storage, &[create("bytes", b"bytes"), create("empty", b"")]);
        let error = answers[0].clone().unwrap_err();
        println!("{error}");
        assert_eq!((error.kind(), error.path()), (ErrorKind::Storage, "bytes"), "{error}");
        assert!(answers[1].is_ok(), "a name needs no DataNode");
        assert_eq!(dynamic.find(&path("bytes")).unwrap(), None, "and nothing is left of it");
        apply(&*storage, Change::Remove { path: path("empty"), recursive: false }).unwrap();
        while !hdfs.admin(&["-report"]).unwrap().contains("Dead datanodes (1)") {
            std::thread::sleep(Duration::from_millis(500));
        }
    }
    let error = apply(&*storage, create("bytes", b"bytes")).unwrap_err();
    assert!(error.message().contains("There are 0 datanode(s) running"), "{error}");
    let error = dynamic.read(&path("before"), 10).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Storage, "before"), "{error}");
    hdfs.restart_data_node().unwrap();
    apply(&*storage, create("bytes", b"bytes")).unwrap();
    assert_eq!(dynamic.read(&path("before"), 10).unwrap(), b"x");
}
