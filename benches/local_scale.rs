//! What a task costs on the local disk, at 1,000 tasks and at 100,000, as a ratio; and what a second run costs.
//!
//! `cargo bench --bench local_scale` runs it all in the system's temporary folder; `-- FOLDER` runs it elsewhere. Every
//! figure of one line comes from one run of this program, so the ratios hold on a machine whose speed drifts.

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    missing_docs,
    reason = "a program for people, not a library"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use comptask_upgrade::task::{RepeatInfo, ResultInfo, StateV1, TaskIdV1, TaskV1};
use comptask_upgrade::{AssumeOffline, CatalogSnapshot, Codec, DefaultCodec, Operation, RunOptions, SessionBuilder};

const CATALOG: &str = r#"{"process_groups": [{"name": "pc1", "nodes": ["n1_1", "n2_1"]}, {"name": "pc2", "nodes": ["n3_1"]}],
    "nodes": ["n1_1", "n2_1", "n3_1"], "schemas": [{"db": "d", "schema": "s", "process_groups": ["pc1", "pc2"]}]}"#;

fn main() {
    let place = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let place = place.map_or_else(std::env::temp_dir, Into::into);
    println!("tasks     upgrade    a task  ratio to 1,000  again");
    // The small one is run before and after the large ones, so that a drift of the machine shows.
    let base = measure(&place, 1_000, 9);
    let mut first = None;
    for (tasks, times) in [(1_000, 0), (10_000, 3), (100_000, 1), (1_000, 9)] {
        let (upgrade, again) = if times == 0 { base } else { measure(&place, tasks, times) };
        let each = upgrade.as_secs_f64() / f64::from(tasks);
        let first = *first.get_or_insert(each);
        println!(
            "{tasks:7} {:8.2} s {:6.1} us  {:14.2}  {:5.3} s",
            upgrade.as_secs_f64(),
            each * 1e6,
            each / first,
            again.as_secs_f64()
        );
    }
}

/// The medians of an upgrade and of a second run over so many tasks.
fn measure(place: &Path, tasks: u32, times: usize) -> (Duration, Duration) {
    let mut upgrades = Vec::new();
    let mut again = Vec::new();
    for _ in 0..times {
        let folder = tempfile::TempDir::new_in(place).unwrap();
        lay_out(folder.path(), tasks);
        upgrades.push(run(folder.path()));
        again.push(run(folder.path()));
    }
    upgrades.sort();
    again.sort();
    (upgrades[times / 2], again[times / 2])
}

fn run(root: &Path) -> Duration {
    let session = SessionBuilder::local(root)
        .unwrap()
        .catalog(CatalogSnapshot::parse(CATALOG).unwrap())
        .liveness(AssumeOffline)
        .open()
        .unwrap();
    let begun = Instant::now();
    session.run(Operation::Upgrade, &RunOptions::default(), None).unwrap();
    begun.elapsed()
}

fn lay_out(root: &Path, tasks: u32) {
    let scheduler = root.join("Compaction/Scheduler");
    std::fs::create_dir_all(&scheduler).unwrap();
    for number in 0..tasks {
        let receive_ts = 1_617_693_156_000 + u64::from(number);
        let task = TaskV1 {
            task_id: TaskIdV1 { receive_pu: "xcloud24_9876".into(), sequence_no: 0, receive_ts },
            state: StateV1::Init,
            repeat_flag: false,
            sub_task_flag: false,
            repeat_info: RepeatInfo::default(),
            result_info: ResultInfo::default(),
            db_name: "d".into(),
            schema_name: "s".into(),
            table_name: format!("table_{number}"),
            partition_name: String::new(),
        };
        let name = scheduler.join(format!("compct.xcloud24_9876.0.{receive_ts}"));
        std::fs::write(name, DefaultCodec.encode_v1(&task).unwrap()).unwrap();
    }
    rustix::fs::syncfs(std::fs::File::open(root).unwrap()).unwrap();
}
