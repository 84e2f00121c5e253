//! A real NameNode and a real DataNode say what is right.

mod failing;
mod limits;

#[path = "../../../../tests/cluster/mod.rs"]
mod cluster;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::cluster::hdfs::Hdfs;
use super::super::{conformance, NoFence};
use super::*;

/// One cluster for the tests that leave its servers alone; it goes with the last of those that run at a time.
pub(super) fn shared() -> Arc<Hdfs> {
    static SHARED: Mutex<Weak<Hdfs>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock();
    shared.upgrade().unwrap_or_else(|| {
        let started = Arc::new(Hdfs::start().unwrap());
        *shared = Arc::downgrade(&started);
        started
    })
}

pub(super) fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

pub(super) fn create(text: &str, bytes: &[u8]) -> Change {
    Change::Create { path: path(text), bytes: bytes.to_vec() }
}

pub(super) fn folder(text: &str) -> Change {
    Change::MakeFolder { path: path(text) }
}

pub(super) fn options(pairs: &[(&str, &str)]) -> HdfsOptions {
    let mut options = HdfsOptions::default();
    for (key, value) in pairs {
        options.set(key, value).unwrap();
    }
    options
}

pub(super) fn apply(storage: &dyn Storage, change: Change) -> Result<()> {
    only(storage.change_batch(&[change], Flow { fence: &NoFence, in_flight: 0 }))
}

pub(super) fn apply_all(storage: &dyn Storage, changes: &[Change]) -> Vec<Result<()>> {
    storage.change_batch(changes, Flow { fence: &NoFence, in_flight: 0 })
}

/// The root of a new, empty folder.
pub(super) fn new_root(hdfs: &Hdfs) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("root-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    apply(&HdfsNativeStorage::open(&hdfs.uri(), &HdfsOptions::default()).unwrap(), folder(&name)).unwrap();
    format!("{}/{name}", hdfs.uri())
}

pub(super) fn new_storage(hdfs: &Hdfs, pairs: &[(&str, &str)]) -> HdfsNativeStorage {
    HdfsNativeStorage::open(&new_root(hdfs), &options(pairs)).unwrap()
}

#[test]
fn it_keeps_the_contract() {
    let hdfs = shared();
    conformance::check(&|| Box::new(new_storage(&hdfs, &[])));
}

#[test]
fn a_thousand_files_go_in_one_batch() {
    let hdfs = shared();
    let storage = new_storage(&hdfs, &[]);
    let bytes = |number: usize| format!("task {number}").repeat(40).into_bytes();
    let changes: Vec<Change> = (0..1_000).map(|number| create(&format!("f{number}"), &bytes(number))).collect();
    let begun = Instant::now();
    let answers = apply_all(&storage, &changes);
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

#[test]
fn a_large_folder_is_listed_whole_and_each_name_once() {
    let hdfs = shared();
    let storage = new_storage(&hdfs, &[]);
    let name = |number: usize| if number % 2 == 0 { format!("文{number}") } else { format!("f{number}") };
    let changes: Vec<Change> = (0..3_500).map(|number| create(&format!("d/{}", name(number)), b"")).collect();
    apply(&storage, folder("d")).unwrap();
    assert!(apply_all(&storage, &changes).iter().all(Result::is_ok));
    let mut listed = Vec::new();
    storage
        .list(&path("d"), &mut |entry| {
            listed.push(entry.name);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(calls::tests::are_in_listing_order(&listed), "the order by which a listing is taken up again");
    listed.sort_unstable();
    let mut expected: Vec<String> = (0..3_500).map(name).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

#[test]
fn a_listing_that_broke_off_goes_on_behind_the_last_name() {
    let hdfs = shared();
    let storage = new_storage(&hdfs, &[]);
    let changes: Vec<Change> = (0..2_500).map(|number| create(&format!("f{number:04}"), b"")).collect();
    assert!(apply_all(&storage, &changes).iter().all(Result::is_ok));
    let listing = Arc::new(Mutex::new(Listing::new()));
    let mut names = Vec::new();
    loop {
        let page =
            only(storage.reads(&[TreePath::root()], 1, true, |calls, folder| {
                Box::pin(calls.page(folder, Arc::clone(&listing)))
            }))
            .unwrap();
        names.extend(page.entries.into_iter().map(|entry| entry.name));
        if page.is_last {
            break;
        }
        // As a failure does: the client's place is lost.
        listing.lock().forget_place();
    }
    assert_eq!(names, (0..2_500).map(|number| format!("f{number:04}")).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_opened_is_named() {
    let hdfs = shared();
    let root = new_root(&hdfs);
    apply(&HdfsNativeStorage::open(&root, &HdfsOptions::default()).unwrap(), create("file", b"x")).unwrap();
    let open = |uri: &str| HdfsNativeStorage::open(uri, &HdfsOptions::default()).unwrap_err();
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

#[test]
fn the_configuration_of_hadoop_is_taken_when_asked_for() {
    let hdfs = shared();
    let root = new_root(&hdfs);
    let name = root.rsplit('/').next().unwrap();
    let conf = hdfs.conf();
    let with_conf = options(&[("conf_dir", conf.to_str().unwrap())]);
    let storage = HdfsNativeStorage::open(&format!("hdfs:///{name}"), &with_conf).unwrap();
    assert_eq!(storage.describe(), format!("HDFS {root} (hdfs-native)"));
    assert_eq!(storage.folder_entries_limit(), Some(1_048_576));

    // The same NameNode as a name service of which the first is down.
    let port = cluster::ports::free().unwrap();
    let live = hdfs.uri().trim_start_matches("hdfs://").to_owned();
    let service = options(&[
        ("dfs.ha.namenodes.ns1", "a,b"),
        ("dfs.namenode.rpc-address.ns1.a", &format!("127.0.0.1:{port}")),
        ("dfs.namenode.rpc-address.ns1.b", &live),
        ("dfs.namenode.fs-limits.max-directory-items", "77"),
    ]);
    let storage = HdfsNativeStorage::open(&format!("hdfs://ns1/{name}"), &service).unwrap();
    assert_eq!(storage.folder_entries_limit(), Some(77));
    apply(&storage, create("by-name-service", b"x")).unwrap();
    assert_eq!((&storage as &dyn Storage).read(&path("by-name-service"), 10).unwrap(), b"x");
}
