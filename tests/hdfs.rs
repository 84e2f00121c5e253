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

/// What an operation asked of the `NameNode`, by the names of its audit log.
type Calls = BTreeMap<String, u64>;

/// What each operation asks for on a tree of so many tasks, in the order in which an operator may run them.
fn calls_of_each_operation(hdfs: &Hdfs, adapter: Adapter, tasks: u64) -> Vec<(&'static str, Calls)> {
    let root = root_of(hdfs, adapter, tasks);
    let session = session(adapter, &root);
    let by = |recovery_mode| RunOptions { recovery_mode, force: true, ..RunOptions::default() };
    let plain = RunOptions::default();
    let courses = [
        ("UPGRADE", Operation::Upgrade, plain),
        ("UPGRADE again", Operation::Upgrade, plain),
        ("STATUS", Operation::Status, plain),
        ("UPGRADE with verify", Operation::Upgrade, RunOptions { verify: true, ..plain }),
        ("RECOVERY by cancel", Operation::Recovery, by(RecoveryMode::Cancel)),
        ("", Operation::Upgrade, plain),
        ("RECOVERY by downgrade", Operation::Recovery, by(RecoveryMode::Downgrade)),
        ("", Operation::Upgrade, plain),
        ("DELETE", Operation::Delete, plain),
        ("STATUS after DELETE", Operation::Status, plain),
        ("RECOVERY by downgrade after DELETE", Operation::Recovery, by(RecoveryMode::Downgrade)),
    ];
    let mut counted = Vec::new();
    for (name, operation, options) in courses {
        hdfs.forget_calls().unwrap();
        session.run(operation, &options, None).unwrap_or_else(|failure| panic!("{name}: {}", failure.error));
        if !name.is_empty() {
            counted.push((name, hdfs.calls().unwrap()));
        }
    }
    counted
}

/// The table of `docs/speed.md`: what 100 tasks more cost, and what a run costs beside its tasks.
fn what_a_task_costs_at_the_name_node_is_known(adapter: Adapter) {
    let _one = ONE_AT_A_TIME.lock();
    let hdfs = Hdfs::start().unwrap();
    let few = calls_of_each_operation(&hdfs, adapter, 20);
    let more = calls_of_each_operation(&hdfs, adapter, 120);
    // Calls for each 100 tasks. UPGRADE: a mark, a `TaskInfo`, a `Status`, and for each second task a manager; the folder;
    // it and the mark renamed; the V1 file read. What reads V2 lists each task's folder and opens its file, and opens V1's;
    // a call that comes for each task beside these is a mistake. (`complete` and `addBlock` are not in the audit log.)
    let listed = [("listStatus", 100), ("open", 200)];
    let expected: [(&str, &[(&str, u64)]); 9] = [
        ("UPGRADE", &[("create", 350), ("mkdirs", 100), ("open", 100), ("rename", 200)]),
        ("UPGRADE again", &[]),
        ("STATUS", &[]),
        ("UPGRADE with verify", &listed),
        ("RECOVERY by cancel", &listed),
        ("RECOVERY by downgrade", &[("listStatus", 200), ("open", 400)]),
        ("DELETE", &[("listStatus", 100), ("open", 300)]),
        ("STATUS after DELETE", &[]),
        ("RECOVERY by downgrade after DELETE", &[("create", 200), ("listStatus", 200), ("open", 200), ("rename", 200)]),
    ];
    let mut wrong = Vec::new();
    for (((name, few), (_, more)), (expected_name, expected)) in few.iter().zip(&more).zip(expected) {
        assert_eq!(*name, expected_name);
        let grown =
            |call: &str| more.get(call).copied().unwrap_or(0).saturating_sub(few.get(call).copied().unwrap_or(0));
        let per_100: BTreeMap<&str, u64> =
            more.keys().map(|call| (call.as_str(), grown(call))).filter(|(_, count)| *count > 2).collect();
        let fixed: u64 =
            few.iter().map(|(call, count)| count.saturating_sub(per_100.get(call.as_str()).unwrap_or(&0) / 5)).sum();
        println!("{name}: 100 tasks cost {per_100:?}; a run costs {fixed} calls beside its tasks");
        if per_100 != expected.iter().copied().collect() {
            wrong.push((name, per_100));
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
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
