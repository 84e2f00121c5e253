//! Many tasks in one folder, from the first to the last.

use std::time::Instant;

use comptask_upgrade::task::StateV1;
use comptask_upgrade::{MemoryStorage, Operation};

use crate::servers::Servers;
use crate::support::checker::{image, normal};
use crate::support::sessions::{fresh, run};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{folder, v1};
use crate::tool::Call;
use crate::tree::Tree;

/// Upgrades a folder of so many tasks of every state, half of which get a manager.
fn upgrade(servers: &Servers, tasks: u64) {
    let memory = MemoryStorage::new();
    for at in ["Compaction/TaskAssigned", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"] {
        folder(&memory, at);
    }
    let schemas = [("sales", "eu"), ("sales", "any"), ("d.b/x", "odd")];
    for (number, state) in (0..tasks).zip(StateV1::ALL.into_iter().cycle()) {
        let schema = schemas[usize::try_from(number % 3).unwrap()];
        v1(&memory, "pu_1", 0, 1_650_000_000_000 + number, state, schema);
    }
    let start = image(&memory);
    run(&fresh(&memory, CATALOG), Operation::Upgrade).unwrap();
    let end = normal(image(&memory));

    let begun = Instant::now();
    let tree = Tree::plant(servers, &start);
    println!("{tasks} tasks planted in {} s", begun.elapsed().as_secs());
    let mut tool = Call::upgrade().start(&tree);
    let mut peak_kib = 0;
    while tool.is_running() {
        peak_kib = tool.peak_memory_kib().map_or(peak_kib, |kib| kib.max(peak_kib));
        std::thread::sleep(crate::tool::LOOK);
    }
    let duration = tool.started.elapsed();
    tool.end().assert_success("many tasks");
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = tasks as f64 / duration.as_secs_f64();
    println!(
        "{tasks} tasks upgraded in {:.1} s, {rate:.0} a second, peak memory {peak_kib} KiB",
        duration.as_secs_f64()
    );
    tree.assert_is(&end, "after the upgrade");
}

#[test]
fn two_thousand_tasks_are_upgraded() {
    upgrade(&Servers::shared(), 2_100);
}

#[test]
#[ignore = "takes many minutes: `make test-cluster-long`"]
fn a_hundred_thousand_tasks_are_upgraded() {
    upgrade(&Servers::shared(), 100_000);
}
