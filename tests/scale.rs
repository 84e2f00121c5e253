//! Many tasks on a local disk: how much memory and how much time.
//!
//! The everyday run takes 20,000 tasks. `COMPTASK_SCALE_TASKS=100000` takes that many, and holds the second run to two
//! seconds. Each measurement is a process of its own, since the peak of a process's memory never falls; it is this
//! binary, run again with `COMPTASK_SCALE_ROOT` set.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use comptask_upgrade::task::StateV1;
use comptask_upgrade::Operation;
use support::sessions::{local, run};
use support::trees::CATALOG;
use support::v1_files::{v1_bytes, v1_name, v1_task};
use tempfile::TempDir;

const TASKS_VARIABLE: &str = "COMPTASK_SCALE_TASKS";
const ROOT_VARIABLE: &str = "COMPTASK_SCALE_ROOT";
/// How much the peak may grow over what the process has when it begins.
const GROWTH_LIMIT_KIB: u64 = 64 << 10;
/// What 100,000 tasks may take the second time.
const SECOND_RUN_LIMIT_MS: u128 = 2_000;

fn tasks() -> u64 {
    std::env::var(TASKS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(20_000)
}

/// The highest that the memory of this process has been, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells the peak");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn fill(root: &Path, tasks: u64) {
    let folder = root.join("Compaction/Scheduler");
    std::fs::create_dir_all(&folder).unwrap();
    let schemas = [("sales", "eu"), ("sales", "any"), ("sales", "solo"), ("sales", "nopc")];
    for number in 0..tasks {
        let place = usize::try_from(number).unwrap();
        let (state, schema) = (StateV1::ALL[place % 4], schemas[place / 4 % 4]);
        let (pu, ts) = (["xcloud24_9876", "xcloud25_9876", "xcloud26_9876"][place % 3], 1_617_693_156_000 + number / 6);
        let seq = i32::try_from(number / 3 % 2).unwrap();
        let bytes = v1_bytes(&v1_task(pu, seq, ts, state, schema));
        std::fs::write(folder.join(v1_name(pu, seq, ts, state)), bytes).unwrap();
    }
    let there = std::fs::read_dir(&folder).unwrap().count() as u64;
    assert_eq!(there, tasks, "every task has its own name");
}

#[test]
fn the_second_self_measures_one_upgrade() {
    let Some(root) = std::env::var_os(ROOT_VARIABLE) else { return };
    let session = local(Path::new(&root), CATALOG);
    let before = peak_kib();
    let begun = Instant::now();
    let report = run(&session, Operation::Upgrade).unwrap_or_else(|failure| panic!("{}", failure.error));
    let upgraded = report.counts.converted + report.counts.cancelled;
    let millis = begun.elapsed().as_millis();
    println!("MEASURED {upgraded} {} {millis} {}", report.counts.skipped, peak_kib() - before);
}

/// Upgraded, skipped, milliseconds, growth in KiB.
fn measured(root: &Path) -> [u128; 4] {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_second_self_measures_one_upgrade", "--nocapture"])
        .env(ROOT_VARIABLE, root)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("MEASURED ")).map(|(_, numbers)| numbers.to_owned());
    let line =
        line.unwrap_or_else(|| panic!("nothing was measured: {text}{}", String::from_utf8_lossy(&output.stderr)));
    let numbers: Vec<u128> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
    numbers.try_into().expect("four numbers")
}

#[test]
fn memory_does_not_grow_with_the_tasks_and_a_second_run_is_quick() {
    let tasks = tasks();
    println!("{tasks} tasks ({TASKS_VARIABLE}=100000 for the full number)");
    let folder = TempDir::new().unwrap();
    fill(folder.path(), tasks);
    let [upgraded, skipped, millis, growth] = measured(folder.path());
    println!("upgrade: {upgraded} tasks in {millis} ms, memory grew by {growth} KiB");
    assert_eq!((upgraded, skipped), (u128::from(tasks), 0));
    assert!(growth <= u128::from(GROWTH_LIMIT_KIB), "memory grew by {growth} KiB, over {GROWTH_LIMIT_KIB}");
    let [upgraded, skipped, millis, growth] = measured(folder.path());
    println!("second run: {skipped} tasks in {millis} ms, memory grew by {growth} KiB");
    assert_eq!((upgraded, skipped), (0, u128::from(tasks)));
    assert!(growth <= u128::from(GROWTH_LIMIT_KIB), "memory grew by {growth} KiB, over {GROWTH_LIMIT_KIB}");
    assert!(millis <= SECOND_RUN_LIMIT_MS, "the second run took {millis} ms, over {SECOND_RUN_LIMIT_MS}");
}
