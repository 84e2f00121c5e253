//! Every call of RECOVERY, in each mode, and of the node gate fails in every way: whatever it leaves, no task is lost on
//! the way, no node could take half of it for the whole, and one run without a fault ends in the same bytes as a run
//! that was never disturbed.
//!
//! The fault model stands at `support::faults`, the invariants at `support::returned`. `COMPTASK_DOUBLE_FAULTS=10000` does
//! for it what it does for `crash_sweep`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::time::Instant;

use comptask_upgrade::{Gate, MemoryStorage, Operation, RecoveryMode, RunOptions};
use support::checker::image;
use support::faults::{Fault, FaultStorage};
use support::returned::{deleted, downgrade_of_lived, lived, upgraded, Return};
use support::sessions::{builder, fresh};
use support::sweep::{in_parallel, judge, Draw, Scenario};
use support::trees::{self, fixture};
use support::v1_files::{exists, file, folder, names, remove, rename, v1};

fn scenario(back: Return, mode: RecoveryMode, force: bool) -> Scenario {
    let options = RunOptions { recovery_mode: mode, force, ..RunOptions::default() };
    let ended = back.clone();
    Scenario::new(
        back.name,
        (back.start.copy(), back.catalog),
        (Operation::Recovery, options),
        move |image| back.holds(image),
        move |image| ended.ended(image),
    )
}

fn cancel_of(name: &'static str) -> Scenario {
    let fixture = fixture(name);
    let start = upgraded(&fixture);
    scenario(Return::to_the_old_files(name, &fixture, start), RecoveryMode::Auto, false)
}

/// An upgrade that was stopped half-way, without what no attempt of it explains.
fn half_way() -> (trees::Fixture, MemoryStorage) {
    let fixture = fixture("half-way");
    let tree = fixture.storage.copy();
    (fixture, tree)
}

fn cancel_half_way() -> Scenario {
    let (fixture, tree) = half_way();
    scenario(Return::to_the_old_files("a tree upgraded half-way", &fixture, tree), RecoveryMode::Cancel, false)
}

fn downgrade_half_way() -> Scenario {
    let (fixture, tree) = half_way();
    scenario(Return::to_the_old_files("a tree upgraded half-way", &fixture, tree), RecoveryMode::Downgrade, false)
}

/// A complete upgrade that was taken up again for one more task, and stopped before that was converted.
fn reopened() -> (trees::Fixture, MemoryStorage) {
    let fixture = fixture("seed");
    let tree = upgraded(&fixture);
    v1(&tree, "late", 0, 1_700_000_000_000, comptask_upgrade::task::StateV1::Init, ("sales", "eu"));
    file(&tree, "Compaction_V2/Taskupgrade/Reopen", b"");
    (fixture, tree)
}

fn cancel_reopened() -> Scenario {
    let (fixture, tree) = reopened();
    scenario(Return::to_the_old_files("a reopened tree", &fixture, tree), RecoveryMode::Cancel, false)
}

fn downgrade_reopened() -> Scenario {
    let (fixture, tree) = reopened();
    let back = Return::to_the_old_files("a reopened tree", &fixture, tree).with_assigned_as_init(&fixture);
    scenario(back, RecoveryMode::Downgrade, false)
}

fn downgrade_old() -> Scenario {
    let back = Return::to_the_old_files("a tree with V2 at work", &fixture("seed"), lived());
    scenario(back, RecoveryMode::DowngradeOld, true)
}

fn downgrade() -> Scenario {
    scenario(downgrade_of_lived("a tree with V2 at work", lived(), true), RecoveryMode::Downgrade, false)
}

fn downgrade_after_delete() -> Scenario {
    let start = deleted(&lived(), fixture("seed").catalog);
    scenario(downgrade_of_lived("a deleted tree with V2 at work", start, false), RecoveryMode::Downgrade, false)
}

/// What was upgraded and nothing has worked on since, brought back as it stands in V2.
fn downgrade_of(name: &'static str) -> Scenario {
    let fixture = fixture(name);
    let back = Return::to_the_old_files(name, &fixture, upgraded(&fixture)).with_assigned_as_init(&fixture);
    scenario(back, RecoveryMode::Downgrade, false)
}

fn downgrade_old_of(name: &'static str) -> Scenario {
    let fixture = fixture(name);
    let start = upgraded(&fixture);
    scenario(Return::to_the_old_files(name, &fixture, start), RecoveryMode::DowngradeOld, true)
}

/// DELETE was cut in the middle of its removal.
fn downgrade_half_deleted() -> Scenario {
    let start = lived();
    rename(&start, "Compaction", "Compaction.deleting");
    remove(&start, "Compaction.deleting/TaskAssigned");
    for name in names(&start, "Compaction.deleting/Scheduler").into_iter().take(2) {
        remove(&start, &format!("Compaction.deleting/Scheduler/{name}"));
    }
    scenario(downgrade_of_lived("a half deleted tree with V2 at work", start, false), RecoveryMode::Downgrade, false)
}

/// A folder of a RECOVERY that says no direction: nothing has been done in it.
fn cancel_begun_without_a_mode() -> Scenario {
    let fixture = fixture("seed");
    let back = Return::to_the_old_files("a tree with an empty Taskrecovery", &fixture, upgraded(&fixture));
    let before = back.start.copy();
    folder(&back.start, "Compaction_V2/Taskrecovery");
    let options = RunOptions { recovery_mode: RecoveryMode::Cancel, ..RunOptions::default() };
    let ended = back.clone();
    let without = Return { start: before, ..back.clone() };
    Scenario::new(
        back.name,
        (back.start.copy(), back.catalog),
        (Operation::Recovery, options),
        // Between the empty folder and the one that says a direction the tree is what it was before either.
        move |now| without.holds(now),
        move |now| ended.ended(now),
    )
}

type Make = Box<dyn Fn() -> Scenario + Send + Sync>;

fn scenarios() -> Vec<Make> {
    let mut all: Vec<Make> = Vec::new();
    for (name, _, _) in trees::ALL {
        // What was in V2 before no upgrade made: cancel refuses it, which is tested with the operations.
        if name != "foreign" {
            all.push(Box::new(move || cancel_of(name)));
        }
    }
    for name in ["two", "seed", "colliding", "sub-tasks"] {
        all.push(Box::new(move || downgrade_of(name)));
    }
    for name in ["two", "seed", "colliding", "cancelled", "sub-tasks", "no PC at all"] {
        all.push(Box::new(move || downgrade_old_of(name)));
    }
    let more: [fn() -> Scenario; 9] = [
        cancel_half_way,
        downgrade_half_way,
        cancel_reopened,
        downgrade_reopened,
        downgrade_old,
        downgrade,
        downgrade_after_delete,
        downgrade_half_deleted,
        cancel_begun_without_a_mode,
    ];
    all.extend(more.into_iter().map(|make| Box::new(make) as Make));
    all
}

#[test]
fn one_fault_at_any_call_of_a_recovery_loses_nothing_and_one_more_run_finishes() {
    let begun = Instant::now();
    let scenarios: Vec<Scenario> = scenarios().iter().map(|make| make()).collect();
    let mut work = Vec::new();
    for scenario in &scenarios {
        let faults = scenario.every_fault();
        println!("{}: {} calls, {} faults, {:?}", scenario.name, scenario.calls.len(), faults.len(), scenario.kind);
        assert_eq!(scenario.kind, None, "{}", scenario.name);
        work.extend(faults.into_iter().map(|fault| (scenario, fault, 0)));
    }
    let tally = in_parallel(&work, |(scenario, (at, fault), _), tally| scenario.single(*at, *fault, tally));
    judge("single faults of RECOVERY", &tally, begun);
    assert!(scenarios.len() >= 27 && tally.schedules > 11_000, "{} schedules", tally.schedules);
}

#[test]
fn a_fault_in_the_recovery_and_another_in_the_next_lose_nothing_either() {
    const SEED: u64 = 20_261_124;
    let begun = Instant::now();
    let pairs: u64 = std::env::var("COMPTASK_DOUBLE_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(400);
    let makes: [fn() -> Scenario; 7] = [
        cancel_half_way,
        downgrade_half_way,
        downgrade_reopened,
        downgrade_old,
        downgrade,
        downgrade_after_delete,
        downgrade_half_deleted,
    ];
    let mut scenarios: Vec<Scenario> = makes.iter().map(|make| make()).collect();
    scenarios.push(cancel_of("seed"));
    println!("double faults: {pairs} pairs for each of {} trees, seed {SEED}", scenarios.len());
    let mut work = Vec::new();
    for (place, scenario) in scenarios.iter().enumerate() {
        let faults = scenario.every_fault();
        let mut draw = Draw(SEED + place as u64);
        for number in 0..pairs {
            work.push((scenario, faults[usize::try_from(number).unwrap() % faults.len()], draw.below(u64::MAX)));
        }
    }
    let tally = in_parallel(&work, |(scenario, first, seed), tally| scenario.double(*first, &mut Draw(*seed), tally));
    judge("double faults of RECOVERY", &tally, begun);
    assert!(tally.schedules > pairs * 4, "{} schedules", tally.schedules);
}

/// A cancel that was killed once it had begun.
fn recovering() -> MemoryStorage {
    let scenario = cancel_of("seed");
    let tree = scenario.start.copy();
    let begun = (1..).find_map(|at| {
        tree.restore(&scenario.start);
        let storage = FaultStorage::new(&tree, Some((at, Fault::CrashAfter)), at);
        let session = builder(Arc::new(storage.clone()), storage.lock(), trees::CATALOG).open().unwrap();
        let _killed = session.run(Operation::Recovery, &RunOptions::default(), None);
        exists(&tree, "Compaction_V2/Taskrecovery/Begun").then_some(())
    });
    assert!(begun.is_some());
    tree
}

/// A tree, what the gate says of it, and what a node leaves that starts there.
fn of_the_gate() -> Vec<(String, MemoryStorage, &'static str, Gate)> {
    let mut all = Vec::new();
    for name in ["two", "seed", "colliding", "cancelled", "sub-tasks", "no PC at all"] {
        let fixture = fixture(name);
        all.push((format!("{name}, before"), fixture.storage.copy(), fixture.catalog, Gate::UseV1));
        let whole = upgraded(&fixture);
        all.push((format!("{name}, deleted"), deleted(&whole, fixture.catalog), fixture.catalog, Gate::UseV2));
        all.push((format!("{name}, upgraded"), whole, fixture.catalog, Gate::UseV2));
    }
    let under_way =
        [half_way().1, reopened().1, downgrade_half_deleted().start, cancel_begun_without_a_mode().start, recovering()];
    for (place, tree) in under_way.into_iter().enumerate() {
        all.push((format!("under way {place}"), tree, trees::CATALOG, Gate::DoNotStart));
    }
    all
}

/// The gate has a few calls; after a fault at any of them the node asks again.
#[test]
fn a_fault_at_any_call_of_the_gate_never_lets_a_node_start_unrecorded() {
    const RECORD: &str = "Compaction_V2/TaskUpgrade.done/Started.n";
    let trees = of_the_gate();
    let mut schedules = 0;
    for (name, start, catalog, right) in &trees {
        let undisturbed = FaultStorage::new(&start.copy(), None, 1);
        let session = builder(Arc::new(undisturbed.clone()), undisturbed.lock(), catalog).open().unwrap();
        assert_eq!(session.node_gate("n").unwrap(), *right, "{name}");
        for at in 1..=undisturbed.calls().len() as u64 {
            for fault in Fault::ALL {
                let tree = start.copy();
                let storage = FaultStorage::new(&tree, Some((at, fault)), at);
                let session = builder(Arc::new(storage.clone()), storage.lock(), catalog).open().unwrap();
                let answer = session.node_gate("n");
                let what = format!("{name}, {fault:?} at call {at}");
                assert!(storage.struck(), "{what}");
                schedules += 1;
                let is_recorded = |tree| exists(tree, "Compaction_V2/TaskUpgrade.done") == exists(tree, RECORD);
                if let Ok(verdict) = answer {
                    assert!(verdict == *right || verdict == Gate::DoNotStart, "{what}: {verdict:?}");
                    assert!(verdict != Gate::UseV2 || is_recorded(&tree), "{what}: unrecorded");
                }
                assert!(fresh(&tree, catalog).node_gate("n").unwrap() == *right, "{what}");
                assert!(*right != Gate::UseV2 || is_recorded(&tree), "{what}");
                let mut now = image(&tree);
                now.remove(RECORD);
                assert_eq!(now, image(start), "{what}: the gate changed more than its record");
            }
        }
    }
    println!("the gate: {schedules} faults on {} trees", trees.len());
    assert!(trees.len() >= 23 && schedules >= 1_000, "{schedules}");
}
