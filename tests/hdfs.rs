//! The operations on a real HDFS, by either client: what they leave is what they leave in memory, and what they ask of
//! the `NameNode` for each task is counted in its own audit log.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod adapters;
mod cluster;
mod support;

use std::collections::BTreeMap;

use adapters::flow::there_and_back;
use adapters::{many, new_root, plant, Adapter};
use cluster::hdfs::Hdfs;
use comptask_upgrade::{Operation, RecoveryMode, RunOptions, Session};
use parking_lot::Mutex;
use support::sessions::{builder, run, OneLock};
use support::trees::CATALOG;

/// Threads are counted, and a cluster is two JVMs.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// An empty root.
fn empty(hdfs: &Hdfs, (client, open): Adapter, name: &str) -> String {
    new_root(&*open(&hdfs.uri(), &[]).unwrap(), &hdfs.uri(), &format!("{client}-{name}"))
}

/// The root of a new tree of so many tasks.
fn root_of(hdfs: &Hdfs, adapter: Adapter, tasks: u64) -> String {
    let root = empty(hdfs, adapter, &format!("tasks-{tasks}"));
    plant(&*(adapter.1)(&root, &[]).unwrap(), &many(tasks));
    root
}

fn session((_, open): Adapter, root: &str) -> Session {
    builder(open(root, &[]).unwrap(), OneLock::default(), CATALOG).open().unwrap()
}

fn a_tree_is_upgraded_recovered_and_deleted_as_in_memory(adapter: Adapter) {
    let _one = ONE_AT_A_TIME.lock();
    let hdfs = Hdfs::start().unwrap();
    for name in ["seed", "thirty"] {
        let root = empty(&hdfs, adapter, name);
        there_and_back(&(adapter.1)(&root, &[]).unwrap(), name);
    }
}

fn what_a_task_costs_at_the_name_node_is_known(adapter: Adapter) {
    let _one = ONE_AT_A_TIME.lock();
    let hdfs = Hdfs::start().unwrap();
    let calls = |tasks: u64| -> BTreeMap<String, u64> {
        let root = root_of(&hdfs, adapter, tasks);
        let session = session(adapter, &root);
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

fn a_host_inside_a_runtime_of_its_own_is_served_and_no_thread_is_left(adapter: Adapter) {
    let _one = ONE_AT_A_TIME.lock();
    let hdfs = Hdfs::start().unwrap();
    let root = root_of(&hdfs, adapter, 6);
    for host in [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()] {
        let mut host = host;
        host.build().unwrap().block_on(async {
            let session = session(adapter, &root);
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
                super::$name(super::adapters::by_name(super::adapters::HDFS_NATIVE));
            })+
        }

        mod libhdfs {
            $(#[test]
            fn $name() {
                super::$name(super::adapters::by_name(super::adapters::LIBHDFS));
            })+
        }
    };
}

with_either_client!(
    a_tree_is_upgraded_recovered_and_deleted_as_in_memory,
    what_a_task_costs_at_the_name_node_is_known,
    a_host_inside_a_runtime_of_its_own_is_served_and_no_thread_is_left
);
