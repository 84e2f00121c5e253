//! The operations on a real HDFS, by either client: what they leave is what they leave in memory, and what they ask of
//! the `NameNode` for each task is counted in its own audit log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod cluster;
mod support;

use std::collections::BTreeMap;

use cluster::hdfs::Hdfs;
use comptask_upgrade::storage::Flow;
use comptask_upgrade::task::StateV1;
use comptask_upgrade::tree::{Change, TreePath};
use comptask_upgrade::{
    AssumeOffline, CatalogSnapshot, HdfsNativeStorage, HdfsOptions, Operation, RecoveryMode, RunOptions, Session,
    SessionBuilder, Storage,
};
use parking_lot::Mutex;
use support::checker::{differences, image, normal, Checker, Image};
use support::sessions::{fresh, run, OneLock};
use support::trees::{fixture, CATALOG};
use support::v1_files::{folder, path, v1_bytes, v1_name, v1_task, Open};

/// Threads are counted, and a cluster is two JVMs.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The root of a new tree that holds what an image does.
fn plant(hdfs: &Hdfs, name: &str, image: &Image) -> String {
    let top = HdfsNativeStorage::open(&hdfs.uri(), &HdfsOptions::default()).unwrap();
    folder(&top, name);
    let root = format!("{}/{name}", hdfs.uri());
    let storage = HdfsNativeStorage::open(&root, &HdfsOptions::default()).unwrap();
    let folders = image.iter().filter(|(_, bytes)| bytes.is_none());
    let folders: Vec<Change> = folders.map(|(at, _)| Change::MakeFolder { path: path(at) }).collect();
    let files = image.iter().filter_map(|(at, bytes)| Some((at, bytes.clone()?)));
    let files: Vec<Change> = files.map(|(at, bytes)| Change::Create { path: path(at), bytes }).collect();
    for changes in [folders, files] {
        let answers = storage.change_batch(&changes, Flow { fence: &Open, in_flight: 0 });
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
    root
}

/// Every path of a tree on HDFS with the bytes of files.
fn image_of(root: &str) -> Image {
    fn walk(storage: &dyn Storage, folder: &TreePath, image: &mut Image) {
        for entry in storage.children(folder).unwrap().unwrap() {
            let path = folder.child(&entry.name).unwrap();
            if entry.is_folder() {
                image.insert(path.as_str().to_owned(), None);
                walk(storage, &path, image);
            } else {
                image.insert(path.as_str().to_owned(), Some(storage.read(&path, 1 << 24).unwrap()));
            }
        }
    }
    let mut image = Image::new();
    walk(&HdfsNativeStorage::open(root, &HdfsOptions::default()).unwrap(), &TreePath::root(), &mut image);
    image
}

/// Which client serves the root.
#[derive(Debug, Clone, Copy)]
enum Client {
    Native,
    Libhdfs,
}

fn session(client: Client, root: &str) -> Session {
    let mut options = HdfsOptions::default();
    let builder = match client {
        Client::Native => SessionBuilder::hdfs_native(root, &options).unwrap(),
        Client::Libhdfs => {
            for (key, value) in cluster::java::for_libhdfs().unwrap() {
                options.set(key, &value).unwrap();
            }
            SessionBuilder::libhdfs(root, &options).unwrap()
        }
    };
    let builder = builder.lock(OneLock::default()).catalog(CatalogSnapshot::parse(CATALOG).unwrap());
    builder.liveness(AssumeOffline).open().unwrap()
}

fn a_tree_is_upgraded_recovered_and_deleted_as_in_memory(client: Client) {
    let _one = ONE_AT_A_TIME.lock();
    let hdfs = Hdfs::start().unwrap();
    for name in ["seed", "thirty"] {
        let made = fixture(name);
        let (start, checker) = (image(&made.storage), Checker::new(&made));
        run(&fresh(&made.storage, made.catalog), Operation::Upgrade).unwrap();
        let upgraded = normal(image(&made.storage));

        let root = plant(&hdfs, name, &start);
        assert_eq!(differences(&image_of(&root), &start), Vec::<String>::new());
        let session = session(client, &root);
        run(&session, Operation::Upgrade).unwrap();
        checker.upgraded(&image_of(&root)).unwrap();
        assert_eq!(differences(&normal(image_of(&root)), &upgraded), Vec::<String>::new());
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        session.run(Operation::Status, &verify, None).unwrap();

        let cancel = RunOptions { recovery_mode: RecoveryMode::Cancel, ..RunOptions::default() };
        session.run(Operation::Recovery, &cancel, None).unwrap();
        let v1 = |image: &Image| {
            let of_v1 = image.iter().filter(|(path, _)| path.starts_with("Compaction/"));
            of_v1.map(|(path, bytes)| (path.clone(), bytes.clone())).collect::<Image>()
        };
        assert_eq!(v1(&image_of(&root)), v1(&start));

        run(&session, Operation::Upgrade).unwrap();
        assert_eq!(differences(&normal(image_of(&root)), &upgraded), Vec::<String>::new());
        run(&session, Operation::Delete).unwrap();
        checker.deleted(&image_of(&root)).unwrap();

        // Back again from V2 alone.
        let downgrade = RunOptions { recovery_mode: RecoveryMode::Downgrade, ..RunOptions::default() };
        session.run(Operation::Recovery, &downgrade, None).unwrap();
        let back = image_of(&root);
        let tasks = |image: &Image| image.keys().filter(|path| path.starts_with("Compaction/Scheduler/")).count();
        assert_eq!(tasks(&back), tasks(&start));
        assert!(!back.keys().any(|path| path.starts_with("Compaction_V2/Scheduler/")), "{:?}", back.keys());
    }
}

/// A V1 tree of so many tasks that are to be converted, half of which get a manager.
fn many(tasks: u64) -> Image {
    let mut image = Image::new();
    for at in ["Compaction", "Compaction/Scheduler", "Compaction/TaskAssigned"] {
        image.insert(at.to_owned(), None);
    }
    for number in 0..tasks {
        let state = if number % 2 == 0 { StateV1::Init } else { StateV1::Done };
        let ts = 1_650_000_000_000 + number;
        let bytes = v1_bytes(&v1_task("pu_1", 0, ts, state, ("sales", "eu")));
        image.insert(format!("Compaction/Scheduler/{}", v1_name("pu_1", 0, ts, state)), Some(bytes));
    }
    image
}

fn what_a_task_costs_at_the_name_node_is_known(client: Client) {
    let _one = ONE_AT_A_TIME.lock();
    let hdfs = Hdfs::start().unwrap();
    let calls = |tasks: u64| -> BTreeMap<String, u64> {
        let root = plant(&hdfs, &format!("tasks-{tasks}"), &many(tasks));
        let session = session(client, &root);
        hdfs.forget_calls().unwrap();
        run(&session, Operation::Upgrade).unwrap();
        hdfs.calls().unwrap()
    };
    let (few, more) = (calls(20), calls(120));
    println!("20 tasks: {few:?}\n120 tasks: {more:?}");
    let more_per_100 = |name: &str| more.get(name).copied().unwrap_or(0) - few.get(name).copied().unwrap_or(0);
    let per_100: BTreeMap<&str, u64> = more.keys().map(|name| (name.as_str(), more_per_100(name))).collect();
    println!("100 tasks cost {per_100:?}");
    // A mark, a `TaskInfo`, a `Status`, and for each second one a manager; the folder; it and the mark renamed; one V1
    // file read. A call that comes for each task beside these is a mistake. (`complete` and `addBlock` of files are
    // not in the audit log.)
    let expected = [("create", 350), ("mkdirs", 100), ("open", 100), ("rename", 200)];
    for (name, cost) in expected {
        assert_eq!(per_100.get(name), Some(&cost), "{name}: {per_100:?}");
    }
    let others: u64 =
        per_100.iter().filter(|(name, _)| !expected.iter().any(|row| row.0 == **name)).map(|row| row.1).sum();
    assert!(others <= 2, "{per_100:?}");
}

/// The client's threads of this process, by their names.
fn threads_of_the_client() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("ctu-")).collect()
}

fn a_host_inside_a_runtime_of_its_own_is_served_and_no_thread_is_left(client: Client) {
    let _one = ONE_AT_A_TIME.lock();
    let hdfs = Hdfs::start().unwrap();
    let root = plant(&hdfs, "host", &many(6));
    for host in [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()] {
        let mut host = host;
        host.build().unwrap().block_on(async {
            let session = session(client, &root);
            assert!(!threads_of_the_client().is_empty());
            run(&session, Operation::Upgrade).unwrap();
            let cancel = RunOptions { recovery_mode: RecoveryMode::Cancel, ..RunOptions::default() };
            session.run(Operation::Recovery, &cancel, None).unwrap();
            drop(session);
            assert_eq!(threads_of_the_client(), Vec::<String>::new());
        });
    }
}

/// Each of these, once with either client.
macro_rules! with_either_client {
    ($($name:ident),+) => {
        mod native {
            $(#[test]
            fn $name() {
                super::$name(super::Client::Native);
            })+
        }

        mod libhdfs {
            $(#[test]
            fn $name() {
                super::$name(super::Client::Libhdfs);
            })+
        }
    };
}

with_either_client!(
    a_tree_is_upgraded_recovered_and_deleted_as_in_memory,
    what_a_task_costs_at_the_name_node_is_known,
    a_host_inside_a_runtime_of_its_own_is_served_and_no_thread_is_left
);
