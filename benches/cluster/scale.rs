//! Very many tasks in one folder, by the client without a JVM, and the memory that they take.

use std::process::{Command, Stdio};

use crate::adapters::{by_name, HDFS_NATIVE};
use crate::common::{forget_peak_kib, machine, memory_kib};
use crate::support::v1_files::names;
use crate::{open, rate, upgrade, Field};

/// The option by which this program measures one upgrade in a process of its own: what lays the tree out leaves its
/// own memory behind.
pub const ONE_UPGRADE: &str = "--one-upgrade";

/// Lays a tree out and prints what its upgrade takes.
pub fn measure(field: &mut Field, tasks: u64) {
    println!("laying out {tasks} tasks; {}", machine());
    let root = field.plant(tasks);
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program).args([ONE_UPGRADE, &root]).stdin(Stdio::null()).status().unwrap();
    assert!(status.success(), "the upgrade ended with {status}");
}

/// One upgrade, measured in this process.
pub fn tell_one_upgrade(root: &str) {
    let (top, name) = root.rsplit_once('/').expect("a root below the top");
    let top = (by_name(HDFS_NATIVE).1)(top, &[]).unwrap();
    let tasks = names(&*top, &format!("{name}/Compaction/Scheduler")).len() as u64;
    let session = open(by_name(HDFS_NATIVE), root);
    let before = forget_peak_kib();
    let duration = upgrade(&session, tasks);
    let peak = memory_kib("VmHWM");
    println!(
        "{tasks} tasks in {:.1} s, {:.0} a second; peak memory {before} KiB before and {peak} KiB after, {} bytes a task",
        duration.as_secs_f64(),
        rate(tasks, duration),
        ((peak - before) << 10) / tasks.max(1)
    );
}
