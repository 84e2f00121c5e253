//! Every call of UPGRADE and DELETE fails in every way, on every tree: whatever it leaves, no task is lost on the way,
//! and one run without a fault ends in the same bytes as a run that was never disturbed.
//!
//! The fault model stands at `support::faults`, the invariants at `support::checker`.
//!
//! The everyday run takes each third fault of the tree of thirty tasks, and some thousand pairs of faults.
//! `COMPTASK_ALL_FAULTS=1` takes every one, `COMPTASK_DOUBLE_FAULTS=10000` that many pairs for each tree.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

use comptask_upgrade::{ErrorKind, MemoryStorage, Operation, RunOptions};
use parking_lot::Mutex;
use support::checker::{differences, image, normal, Checker, Image};
use support::faults::{check_the_model, Call, Fault, FaultStorage};
use support::sessions::{builder, fresh, kind_of, run, Answer};
use support::trees::{self, fixture, Fixture};
use support::v1_files::{file, folder, rename};

/// An operation on a tree, and what it does undisturbed.
struct Scenario {
    name: String,
    start: MemoryStorage,
    catalog: &'static str,
    checker: Checker,
    operation: Operation,
    force: bool,
    end: Image,
    kind: Option<ErrorKind>,
    calls: Vec<Call>,
}

#[derive(Default)]
struct Tally {
    schedules: u64,
    faults: BTreeMap<Fault, u64>,
    /// Runs that bore the fault and went through at once.
    borne: u64,
    failures: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.borne += other.borne;
        self.failures.extend(other.failures.iter().cloned());
        other.faults.iter().for_each(|(fault, count)| *self.faults.entry(*fault).or_default() += count);
    }

    fn strike(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }
}

impl Scenario {
    fn new(name: &str, fixture: &Fixture, start: MemoryStorage, operation: Operation, force: bool) -> Self {
        let mut scenario = Self {
            name: format!("{} of {name}{}", operation.word(), if force { " by force" } else { "" }),
            start,
            catalog: fixture.catalog,
            checker: Checker::new(fixture),
            operation,
            force,
            end: Image::new(),
            kind: None,
            calls: Vec::new(),
        };
        let tree = scenario.start.copy();
        let (answer, storage) = scenario.disturbed(&tree, None, 1);
        scenario.kind = kind_of(&answer);
        scenario.calls = storage.calls();
        scenario.end = normal(image(&tree));
        match (operation, scenario.kind) {
            (Operation::Upgrade, None) => scenario.checker.upgraded(&image(&tree)),
            (Operation::Delete, None) => scenario.checker.deleted(&image(&tree)),
            _ => scenario.checker.at_every_instant(&image(&tree), operation),
        }
        .unwrap_or_else(|why| panic!("{}, undisturbed: {why}", scenario.name));
        scenario
    }

    fn options(&self) -> RunOptions {
        RunOptions { force: self.force, ..RunOptions::default() }
    }

    fn disturbed(&self, tree: &MemoryStorage, fault: Option<(u64, Fault)>, seed: u64) -> (Answer, FaultStorage) {
        let storage = FaultStorage::new(tree, fault, seed);
        let lock = storage.lock();
        let session = builder(Arc::new(storage.clone()), lock, self.catalog).open().unwrap();
        (session.run(self.operation, &self.options(), None), storage)
    }

    /// I6: the tree is, byte for byte, what the undisturbed run leaves.
    fn ended(&self, tree: &MemoryStorage) -> Result<(), String> {
        match &differences(&normal(image(tree)), &self.end)[..] {
            [] => Ok(()),
            [first, rest @ ..] => Err(format!("I6: {first}, and {} more", rest.len())),
        }
    }

    /// I8: a run without a fault, by another process under another lock, ends as the undisturbed one did.
    fn finish(&self, tree: &MemoryStorage) -> Result<(), String> {
        let answer = fresh(tree, self.catalog).run(self.operation, &self.options(), None);
        if kind_of(&answer) != self.kind {
            return Err(format!("I8: the next run ended so: {:?}", answer.err().map(|failure| failure.error)));
        }
        self.ended(tree)
    }

    /// One fault at one call.
    fn single(&self, at: u64, fault: Fault, tally: &mut Tally) -> Result<(), String> {
        let tree = self.start.copy();
        let (answer, storage) = self.disturbed(&tree, Some((at, fault)), at);
        if !storage.struck() {
            return Err("the call was not reached".to_owned());
        }
        tally.schedules += 1;
        tally.strike(fault);
        self.checker.at_every_instant(&image(&tree), self.operation)?;
        let is_change = self.calls[usize::try_from(at - 1).unwrap()] != Call::Look;
        if fault == Fault::ReplyLost && is_change && answer.is_err() {
            let error = answer.err().map(|failure| failure.error);
            return Err(format!("a change that was made was taken for one that failed: {error:?}"));
        }
        if answer.is_ok() {
            tally.borne += 1;
            self.ended(&tree).map_err(|why| format!("the run said that it went well: {why}"))?;
        }
        self.status_looks_only(&tree)?;
        self.finish(&tree)
    }

    /// STATUS answers whatever was left, and writes nothing.
    fn status_looks_only(&self, tree: &MemoryStorage) -> Result<(), String> {
        let before = tree.image();
        let answer = run(&fresh(tree, self.catalog), Operation::Status);
        if let Err(failure) = answer {
            return Err(format!("STATUS: {}", failure.error));
        }
        if tree.image() == before {
            Ok(())
        } else {
            Err("STATUS wrote".to_owned())
        }
    }

    /// Faults in the run and in the run that comes after it.
    fn double(&self, first: (u64, Fault), draw: &mut Draw, tally: &mut Tally) -> Result<(), String> {
        let tree = self.start.copy();
        let _failed = self.disturbed(&tree, Some(first), first.0);
        // Past the end of what the second run does, no second fault strikes.
        let second = (1 + draw.below(self.calls.len() as u64), Fault::ALL[usize::try_from(draw.below(7)).unwrap()]);
        let (_, storage) = self.disturbed(&tree, Some(second), second.0);
        tally.schedules += 1;
        tally.strike(first.1);
        if storage.struck() {
            // What cannot be torn, or only looks, was a plain crash.
            let call = storage.calls()[usize::try_from(second.0 - 1).unwrap()];
            tally.strike(if second.1.applies_to(call) { second.1 } else { Fault::CrashBefore });
        }
        let held = self.checker.at_every_instant(&image(&tree), self.operation);
        held.and_then(|()| self.finish(&tree)).map_err(|why| format!("then {:?} at call {}: {why}", second.1, second.0))
    }

    fn every_fault(&self) -> Vec<(u64, Fault)> {
        let mut all = Vec::new();
        for (call, at) in self.calls.iter().zip(1..) {
            all.extend(Fault::ALL.into_iter().filter(|fault| fault.applies_to(*call)).map(|fault| (at, fault)));
        }
        all
    }

    /// Every fault, or, of a tree whose tasks are much alike, each third unless all are asked for.
    fn faults_of_a_run(&self) -> Vec<(u64, Fault)> {
        let all = self.every_fault();
        if self.calls.len() < 120 || std::env::var_os("COMPTASK_ALL_FAULTS").is_some() {
            return all;
        }
        all.into_iter().step_by(3).collect()
    }
}

/// Numbers from a seed (splitmix64), so that a schedule can be had again.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % bound.max(1)
    }
}

fn upgrade_of(name: &str) -> Scenario {
    let fixture = fixture(name);
    Scenario::new(name, &fixture, fixture.storage.copy(), Operation::Upgrade, false)
}

/// The tree of a name after an UPGRADE that nothing disturbed.
fn upgraded(fixture: &Fixture) -> MemoryStorage {
    let tree = fixture.storage.copy();
    run(&fresh(&tree, fixture.catalog), Operation::Upgrade).unwrap();
    tree
}

fn delete_of(name: &str, force: bool) -> Scenario {
    let fixture = fixture(name);
    Scenario::new(name, &fixture, upgraded(&fixture), Operation::Delete, force)
}

/// DELETE that was cut before: half of the renamed tree is gone.
fn delete_resumed() -> Scenario {
    let fixture = fixture("sub-tasks");
    let tree = upgraded(&fixture);
    rename(&tree, "Compaction", "Compaction.deleting");
    support::v1_files::remove(&tree, "Compaction.deleting/Scheduler");
    Scenario::new("a tree half deleted", &fixture, tree, Operation::Delete, false)
}

/// Marks that outlived the done mark, one of them of a task that no manifest holds.
fn delete_beside_marks() -> Scenario {
    let fixture = fixture("seed");
    let tree = upgraded(&fixture);
    file(&tree, "Compaction_V2/Taskupgrade/compct.xcloud24_9876.0.1617693156000.upgrade", b"");
    file(&tree, "Compaction_V2/Taskupgrade/compct.late.0.1600000000000.solo_1", b"");
    file(&tree, "Compaction_V2/TaskAssigned/solo_1/Manager.aaaaffff.16000000.00000000.0", b"");
    Scenario::new("a tree with marks left", &fixture, tree, Operation::Delete, false)
}

fn upgrade_beside_marks() -> Scenario {
    let mut scenario = delete_beside_marks();
    let fixture = fixture("seed");
    scenario = Scenario::new("a tree with marks left", &fixture, scenario.start, Operation::Upgrade, false);
    scenario
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
    Scenario::new("an empty V1 tree", &fixture, fixture.storage.copy(), Operation::Delete, false)
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

type Item<'a> = (&'a Scenario, (u64, Fault), u64);

/// Works on every schedule with two threads. What fails is gathered: one defect shows in many schedules.
fn in_parallel(items: &[Item<'_>], work: impl Fn(&Item<'_>, &mut Tally) -> Result<(), String> + Sync) -> Tally {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Tally::default());
    let drain = || loop {
        let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) else { return };
        let mut tally = Tally::default();
        if let Err(why) = work(item, &mut tally) {
            let (scenario, (at, fault), _) = item;
            tally.failures.push(format!("{}, {fault:?} at call {at}: {why}", scenario.name));
        }
        all.lock().add(&tally);
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(drain);
        drain();
        if let Err(panic) = other.join() {
            std::panic::resume_unwind(panic);
        }
    });
    all.into_inner()
}

fn judge(what: &str, tally: &Tally, begun: Instant) {
    const SHOWN: usize = 40;
    let Tally { schedules, faults, borne, failures } = tally;
    println!(
        "{what}: {schedules} schedules in {:.1} s, {borne} borne at once, faults {faults:?}",
        begun.elapsed().as_secs_f64()
    );
    for failure in failures.iter().take(SHOWN) {
        println!("  {failure}");
    }
    assert!(failures.is_empty(), "{what}: {} of {schedules} schedules failed, the first {SHOWN} above", failures.len());
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
        let faults = scenario.faults_of_a_run();
        println!("{}: {} calls, {} faults, {:?}", scenario.name, scenario.calls.len(), faults.len(), scenario.kind);
        work.extend(faults.into_iter().map(|fault| (scenario, fault, 0)));
    }
    let tally = in_parallel(&work, |(scenario, (at, fault), _), tally| scenario.single(*at, *fault, tally));
    judge("single faults", &tally, begun);
    assert!(scenarios.len() >= 21 && tally.schedules > 5_500, "{} schedules", tally.schedules);
    for fault in Fault::ALL {
        let least = if fault == Fault::Torn { 100 } else { 500 };
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
