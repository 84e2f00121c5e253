//! Every call of UPGRADE and DELETE fails in every way, on every tree: whatever it leaves, no task is lost on the way,
//! and one run without a fault ends in the same bytes as a run that was never disturbed.
//!
//! The fault model stands at `support::faults`, the invariants at `support::checker`.
//!
//! Beside every fault some thousand pairs of faults are drawn, `COMPTASK_DOUBLE_FAULTS=10000` of them for each tree;
//! every pair of calls on a small tree is in `double_faults`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Instant;

use comptask_upgrade::{ErrorKind, MemoryStorage, Operation, RunOptions};
use support::checker::Checker;
use support::faults::{check_the_model, Fault};
use support::returned::upgraded;
use support::sweep::{in_parallel, judge, Draw, Scenario};
use support::trees::{self, fixture, Fixture};
use support::v1_files::{file, folder, rename};

fn scenario(name: &str, fixture: &Fixture, start: MemoryStorage, operation: Operation, force: bool) -> Scenario {
    let options = RunOptions { force, ..RunOptions::default() };
    let (holding, ending) = (Checker::new(fixture), Checker::new(fixture));
    Scenario::new(
        name,
        (start, fixture.catalog),
        (operation, options),
        move |image| holding.at_every_instant(image, operation),
        |image| match operation {
            Operation::Upgrade => ending.upgraded(image),
            _ => ending.deleted(image),
        },
    )
}

fn upgrade_of(name: &str) -> Scenario {
    let fixture = fixture(name);
    scenario(name, &fixture, fixture.storage.copy(), Operation::Upgrade, false)
}

fn delete_of(name: &str, force: bool) -> Scenario {
    let fixture = fixture(name);
    scenario(name, &fixture, upgraded(&fixture), Operation::Delete, force)
}

/// DELETE that was cut before: half of the renamed tree is gone.
fn delete_resumed() -> Scenario {
    let fixture = fixture("sub-tasks");
    let tree = upgraded(&fixture);
    rename(&tree, "Compaction", "Compaction.deleting");
    support::v1_files::remove(&tree, "Compaction.deleting/Scheduler");
    scenario("a tree half deleted", &fixture, tree, Operation::Delete, false)
}

/// Marks that outlived the done mark, one of them of a task that no manifest holds.
fn delete_beside_marks() -> Scenario {
    let fixture = fixture("seed");
    let tree = upgraded(&fixture);
    file(&tree, "Compaction_V2/Taskupgrade/compct.xcloud24_9876.0.1617693156000.upgrade", b"");
    file(&tree, "Compaction_V2/Taskupgrade/compct.late.0.1600000000000.solo_1", b"");
    file(&tree, "Compaction_V2/TaskAssigned/solo_1/Manager.aaaaffff.16000000.00000000.0", b"");
    scenario("a tree with marks left", &fixture, tree, Operation::Delete, false)
}

fn upgrade_beside_marks() -> Scenario {
    let tree = delete_beside_marks().start;
    scenario("a tree with marks left", &fixture("seed"), tree, Operation::Upgrade, false)
}

/// A V1 tree that holds nothing, with V2 at work.
fn delete_of_an_empty_tree() -> Scenario {
    let storage = MemoryStorage::new();
    for at in
        ["Compaction/Scheduler", "Compaction/TaskAssigned/p1", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"]
    {
        folder(&storage, at);
    }
    let fixture =
        Fixture { name: "empty", storage, catalog: trees::CATALOG, expected: Vec::new(), foreign: Vec::new() };
    scenario("an empty V1 tree", &fixture, fixture.storage.copy(), Operation::Delete, false)
}

fn scenarios() -> Vec<Box<dyn Fn() -> Scenario + Send + Sync>> {
    let mut all: Vec<Box<dyn Fn() -> Scenario + Send + Sync>> = Vec::new();
    for (name, _, _) in trees::ALL {
        all.push(Box::new(move || upgrade_of(name)));
        all.push(Box::new(move || delete_of(name, false)));
    }
    all.push(Box::new(|| delete_of("foreign", true)));
    all.push(Box::new(delete_resumed));
    all.push(Box::new(delete_beside_marks));
    all.push(Box::new(upgrade_beside_marks));
    all.push(Box::new(delete_of_an_empty_tree));
    all
}

#[test]
fn the_fault_model_does_what_it_says() {
    check_the_model();
}

#[test]
fn one_fault_at_any_call_loses_nothing_and_one_more_run_finishes() {
    let begun = Instant::now();
    let scenarios: Vec<Scenario> = scenarios().iter().map(|make| make()).collect();
    let mut work = Vec::new();
    for scenario in &scenarios {
        let faults = scenario.every_fault();
        println!("{}: {} calls, {} faults, {:?}", scenario.name, scenario.calls.len(), faults.len(), scenario.kind);
        let is_refused = scenario.name == "delete  of foreign";
        assert_eq!(scenario.kind, is_refused.then_some(ErrorKind::Refused), "{}", scenario.name);
        work.extend(faults.into_iter().map(|fault| (scenario, fault, 0)));
    }
    let tally = in_parallel(&work, |(scenario, (at, fault), _), tally| scenario.single(*at, *fault, tally));
    judge("single faults", &tally, begun);
    assert!(scenarios.len() >= 23 && tally.schedules > 9_000, "{} schedules", tally.schedules);
    for fault in Fault::ALL {
        let least = if fault == Fault::Torn { 80 } else { 500 };
        assert!(tally.faults[&fault] >= least, "{fault:?}: {}", tally.faults[&fault]);
    }
}

/// How many pairs are drawn for each tree; `COMPTASK_DOUBLE_FAULTS` has another number.
fn pairs_for_each_tree() -> u64 {
    std::env::var("COMPTASK_DOUBLE_FAULTS").ok().and_then(|text| text.parse().ok()).unwrap_or(600)
}

#[test]
fn a_fault_in_the_run_and_another_in_the_next_lose_nothing_either() {
    const SEED: u64 = 20_261_123;
    let begun = Instant::now();
    let scenarios = [
        upgrade_of("seed"),
        upgrade_of("colliding"),
        upgrade_of("half-way"),
        upgrade_of("no PC at all"),
        delete_of("seed", false),
        delete_of("foreign", true),
        delete_resumed(),
        delete_beside_marks(),
    ];
    let pairs = pairs_for_each_tree();
    println!("double faults: {pairs} pairs for each of {} trees, seed {SEED}", scenarios.len());
    let mut work = Vec::new();
    for (place, scenario) in scenarios.iter().enumerate() {
        let faults = scenario.every_fault();
        let mut draw = Draw(SEED + place as u64);
        for number in 0..pairs {
            // Every first fault comes up before one comes up twice.
            let first = faults[usize::try_from(number).unwrap() % faults.len()];
            work.push((scenario, first, draw.below(u64::MAX)));
        }
    }
    let tally = in_parallel(&work, |(scenario, first, seed), tally| scenario.double(*first, &mut Draw(*seed), tally));
    judge("double faults", &tally, begun);
    assert!(tally.schedules > pairs * 4, "{} schedules", tally.schedules);
}
