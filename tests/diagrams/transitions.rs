//! Which phase follows which operation: found by running each operation on trees in each phase, to its end and stopped
//! before each of its changes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use comptask_upgrade::task::StateV1;
use comptask_upgrade::{MemoryStorage, Operation, Phase, RecoveryMode, RunOptions};

use super::{mermaid, table};
use crate::support::disk::Disk;
use crate::support::faults::{Call, Fault, FaultStorage};
use crate::support::sessions::{builder, fresh, run};
use crate::support::trees::{fixture, CATALOG};
use crate::support::v1_files::{folder, v1};

/// A way to run an operation.
struct Way {
    name: &'static str,
    operation: Operation,
    options: RunOptions,
}

fn ways(phase: Phase) -> Vec<Way> {
    let plain = RunOptions::default();
    let way = |name, operation, options| Way { name, operation, options };
    let back = |name, recovery_mode| way(name, Operation::Recovery, RunOptions { recovery_mode, force: true, ..plain });
    let mut ways = vec![
        way("UPGRADE", Operation::Upgrade, plain),
        way("UPGRADE with reopen", Operation::Upgrade, RunOptions { reopen: true, ..plain }),
        way("DELETE", Operation::Delete, plain),
    ];
    if phase == Phase::Recovering {
        ways.push(way("RECOVERY", Operation::Recovery, plain));
    } else {
        ways.push(back("RECOVERY by cancel", RecoveryMode::Cancel));
        ways.push(back("RECOVERY by downgrade", RecoveryMode::Downgrade));
        ways.push(back("RECOVERY by downgrade_old", RecoveryMode::DowngradeOld));
    }
    ways
}

fn phase_of(tree: &MemoryStorage) -> Phase {
    run(&fresh(tree, CATALOG), Operation::Status).unwrap().phase
}

/// Runs an operation on a copy of a tree, which is gone before the call of this number; gives the tree, what its calls
/// were, and whether it succeeded.
fn stopped_before(tree: &MemoryStorage, way: &Way, call: Option<u64>) -> (MemoryStorage, Vec<Call>, bool) {
    let disk = Disk::new(&tree.copy());
    let storage = FaultStorage::on(&disk, call.map(|call| (call, Fault::CrashBefore)), 1);
    let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
    let answer = session.run(way.operation, &way.options, None);
    drop(session);
    (disk.live().copy(), storage.calls(), answer.is_ok())
}

/// From which phase by what to which: by a run that went through, and by one that was stopped on its way.
#[derive(Default)]
struct Found {
    whole: BTreeMap<(u8, u8), BTreeSet<&'static str>>,
    stopped: BTreeMap<(u8, u8), BTreeSet<&'static str>>,
    /// In which phases an operation went through and left the phase as it was.
    stays: BTreeMap<u8, BTreeSet<&'static str>>,
    runs: u64,
}

fn found() -> Found {
    let empty = MemoryStorage::new();
    folder(&empty, "Compaction/Scheduler");
    folder(&empty, "Compaction_V2/Scheduler");
    let mut open = VecDeque::from([empty, fixture("two").storage]);
    let mut seen: BTreeSet<(u8, u8, &str)> = BTreeSet::new();
    let mut found = Found::default();
    while let Some(tree) = open.pop_front() {
        let before = phase_of(&tree);
        for way in ways(before) {
            let tree = tree.copy();
            if way.options.reopen && before == Phase::Upgraded {
                v1(&tree, "late", 0, 1_700_000_000_000 + found.runs, StateV1::Init, ("sales", "eu"));
            }
            let (end, calls, went_through) = stopped_before(&tree, &way, None);
            found.runs += 1;
            let mut ends = Vec::new();
            if went_through {
                ends.push((end, true));
                let changes = calls.iter().zip(1..).filter(|(call, _)| **call != Call::Look);
                ends.extend(changes.map(|(_, number)| (stopped_before(&tree, &way, Some(number)).0, false)));
            }
            for (end, whole) in ends {
                found.runs += 1;
                let after = phase_of(&end);
                let edge = (before as u8, after as u8);
                match (before == after, whole) {
                    (false, true) => drop(found.whole.entry(edge).or_default().insert(way.name)),
                    (false, false) => drop(found.stopped.entry(edge).or_default().insert(way.name)),
                    (true, true) => drop(found.stays.entry(before as u8).or_default().insert(way.name)),
                    (true, false) => {}
                }
                if before != after && seen.insert((before as u8, after as u8, way.name)) {
                    open.push_back(end);
                }
            }
        }
    }
    found
}

fn name(number: u8) -> &'static str {
    Phase::ALL.into_iter().find(|phase| *phase as u8 == number).unwrap().word()
}

/// The diagrams and the table.
pub fn drawn() -> String {
    let found = found();
    let diagram = |edges: &BTreeMap<(u8, u8), BTreeSet<&str>>, also: &BTreeMap<(u8, u8), BTreeSet<&str>>| {
        let mut lines = vec!["stateDiagram-v2".to_owned()];
        for ((from, to), names) in edges {
            // Where a run that goes through ends there too, the stop was behind the change that decides.
            let through = also.get(&(*from, *to));
            let names: Vec<&str> =
                names.iter().filter(|name| !through.is_some_and(|through| through.contains(*name))).copied().collect();
            if !names.is_empty() {
                lines.push(format!("  {} --> {}: {}", self::name(*from), self::name(*to), names.join(", ")));
            }
        }
        mermaid(&lines)
    };
    let rows: Vec<Vec<String>> = found
        .stays
        .iter()
        .map(|(phase, names)| vec![name(*phase).to_owned(), names.iter().copied().collect::<Vec<_>>().join(", ")])
        .collect();
    assert!(found.runs > 500, "only {} runs", found.runs);
    format!(
        "## Which phase follows\n\nFound by running each operation on a small tree in each phase that can be reached, to its \
         end and stopped before each of its changes; RECOVERY with force, and UPGRADE with reopen on a tree in which a V1 task \
         has turned up. To its end:\n\n{}Stopped on the way, where that leaves another phase than the end:\n\n{}An \
         operation that is stopped earlier leaves the phase as it was, and is run again. These succeed and leave the phase \
         as it is:\n\n{}\n",
        diagram(&found.whole, &BTreeMap::new()),
        diagram(&found.stopped, &found.whole),
        table(&["phase", "operations"], &rows)
    )
}
