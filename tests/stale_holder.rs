//! I9: a holder that does not know that it lost its lock changes nothing that the next holder decided.
//!
//! Just before the batch that holds each of the changes of a run another run, under a lock of its own, goes from beginning to end; then the
//! first goes on as if nothing had happened, its lock still granting leave for everything. Whatever it does, the tree
//! must be what the second run made of it, but for rubbish that the next run of any operation clears.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use comptask_upgrade::tree::Change;
use comptask_upgrade::{
    Error, ErrorKind, Gate, Guard, Lock, MemoryStorage, Operation, RecoveryMode, Result, RunOptions,
};
use parking_lot::Mutex;
use support::checker::{differences, image, normal, Checker, Image};
use support::meddling::Meddling;
use support::returned::{lived, upgraded};
use support::sessions::{builder, fresh, run, OneLock};
use support::trees::{fixture, Fixture};

/// An operation and what is asked of it.
type Asked = (Operation, RunOptions);

fn plainly(operation: Operation) -> Asked {
    (operation, RunOptions::default())
}

fn back_by(recovery_mode: RecoveryMode) -> Asked {
    let force = recovery_mode == RecoveryMode::DowngradeOld;
    (Operation::Recovery, RunOptions { recovery_mode, force, ..RunOptions::default() })
}

/// The first run, with the second one in the middle of it, just before the first's change of this number. Gives
/// whether there was such a change.
fn overtaken(fixture: &Fixture, tree: &MemoryStorage, operations: (Asked, Asked), at: u64) -> (bool, Option<Image>) {
    let (stale, winner) = operations;
    let between: Arc<Mutex<Option<Image>>> = Arc::default();
    let (tree_of_the_winner, seen, catalog) = (tree.clone(), Arc::clone(&between), fixture.catalog);
    let count = Mutex::new(0);
    let storage = Meddling::new(
        Arc::new(tree.clone()),
        move |_| {
            *count.lock() += 1;
            *count.lock() == at
        },
        move || {
            let winner = fresh(&tree_of_the_winner, catalog).run(winner.0, &winner.1, None);
            match winner {
                Ok(_) => *seen.lock() = Some(image(&tree_of_the_winner)),
                // The first one is too far for it: nothing is overtaken from here on.
                Err(failure) if failure.error.kind() == ErrorKind::Refused => {}
                Err(failure) => panic!("{}", failure.error),
            }
        },
    );
    let session = builder(Arc::new(storage), OneLock::default(), catalog).open().unwrap();
    let _however_it_ends = session.run(stale.0, &stale.1, None);
    let between = between.lock().take();
    (between.is_some(), between)
}

/// A lock that another run takes over: from then on it grants leave so many times, as to calls that are under way.
#[derive(Clone, Default)]
struct Overtaken {
    leaves: Arc<Mutex<Option<u64>>>,
    has_refused: Arc<AtomicBool>,
}

impl Lock for Overtaken {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        Ok(Box::new(self.clone()))
    }
}

impl Guard for Overtaken {
    fn permit(&self) -> Result<()> {
        match &mut *self.leaves.lock() {
            None => Ok(()),
            Some(0) => {
                self.has_refused.store(true, Ordering::Relaxed);
                Err(Error::new(ErrorKind::LockLost, "another run holds the lock now"))
            }
            Some(leaves) => {
                *leaves -= 1;
                Ok(())
            }
        }
    }
    fn confirm(&self) -> Result<()> {
        self.permit()
    }
    fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// What an operator can mean by a tree: everything but what is cleared unasked.
fn without_rubbish(image: Image) -> Image {
    without(image, &["Compaction_V2/.staging", "Compaction_V2/TaskupgradeLock", "Compaction_V2/Taskupgrade"])
}

/// After a RECOVERY a folder of marks would be the beginning of an upgrade.
fn without_staging(image: Image) -> Image {
    without(image, &["Compaction_V2/.staging", "Compaction_V2/TaskupgradeLock"])
}

fn without(mut image: Image, rubbish: &[&str]) -> Image {
    image.retain(|path, _| !rubbish.iter().any(|name| path == name || path.starts_with(&format!("{name}/"))));
    image
}

/// Overtakes at each change; gives how many there were, and what went wrong.
fn sweep(
    name: &str,
    prepare: impl Fn(&Fixture) -> MemoryStorage,
    operations: (Operation, Operation),
) -> (u64, Vec<String>) {
    let mut wrong = Vec::new();
    let fixture = fixture(name);
    let checker = Checker::new(&fixture);
    let start = prepare(&fixture);
    for at in 1.. {
        let tree = start.copy();
        let both = (plainly(operations.0), plainly(operations.1));
        let (was_there, decided) = overtaken(&fixture, &tree, both, at);
        if !was_there {
            return (at - 1, wrong);
        }
        let what = format!("{operations:?} of {name}, overtaken before change {at}");
        let (after, decided) = (normal(without_rubbish(image(&tree))), normal(without_rubbish(decided.unwrap())));
        let differ = differences(&after, &decided);
        if !differ.is_empty() {
            wrong.push(format!("{what}: {differ:?}"));
            continue;
        }
        let held = checker.at_every_instant(&image(&tree), operations.1);
        let answer = run(&fresh(&tree, fixture.catalog), operations.1);
        let ended = match (answer, operations.1) {
            (Err(failure), _) => Err(failure.error.to_string()),
            (Ok(_), Operation::Delete) => checker.deleted(&image(&tree)),
            (Ok(_), _) => checker.upgraded(&image(&tree)),
        };
        wrong.extend(held.and(ended).err().map(|why| format!("{what}: {why}")));
    }
    unreachable!("the sweep ends where the run has no more changes")
}

fn as_it_is(fixture: &Fixture) -> MemoryStorage {
    fixture.storage.copy()
}

#[test]
fn a_stale_upgrade_leaves_what_the_next_upgrade_made() {
    let mut wrong = Vec::new();
    for name in ["seed", "colliding", "cancelled", "foreign", "half-way", "no PC at all"] {
        let (changes, failed) = sweep(name, as_it_is, (Operation::Upgrade, Operation::Upgrade));
        println!("{name}: overtaken before each of {changes} changes, {} wrong", failed.len());
        wrong.extend(failed);
        assert!(changes >= 15, "{changes}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_stale_delete_leaves_what_the_next_delete_made() {
    let mut wrong = Vec::new();
    for name in ["seed", "sub-tasks"] {
        let (changes, failed) = sweep(name, upgraded, (Operation::Delete, Operation::Delete));
        println!("{name}: overtaken before each of {changes} changes, {} wrong", failed.len());
        wrong.extend(failed);
        assert!(changes >= 8, "{changes}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Overtakes at each change from the one given on; what the winner decided must stand, but for `allowed` paths.
fn sweep_back(
    what: &str,
    start: &MemoryStorage,
    operations: (Asked, Asked),
    from: u64,
    allowed: impl Fn(&str) -> bool,
) -> (u64, Vec<String>) {
    let mut wrong = Vec::new();
    let fixture = fixture("seed");
    for at in from.. {
        let tree = start.copy();
        let (was_there, decided) = overtaken(&fixture, &tree, operations, at);
        if !was_there {
            return (at - from, wrong);
        }
        let mut after = without_staging(image(&tree));
        after.retain(|path, _| !allowed(path));
        let differ = differences(&after, &without_staging(decided.unwrap()));
        if !differ.is_empty() {
            wrong.push(format!("{what}, overtaken before change {at}: {differ:?}"));
        }
        if let Err(failure) = run(&fresh(&tree, fixture.catalog), Operation::Status) {
            wrong.push(format!("{what}, overtaken before change {at}: STATUS: {}", failure.error));
        }
    }
    unreachable!("the sweep ends where the run has no more changes")
}

#[test]
fn a_stale_recovery_leaves_what_the_next_recovery_made() {
    let mut wrong = Vec::new();
    for mode in [RecoveryMode::DowngradeOld, RecoveryMode::Downgrade] {
        let (changes, failed) = sweep_back(mode.word(), &lived(), (back_by(mode), back_by(mode)), 1, |_| false);
        println!("{}: overtaken before each of {changes} changes, {} wrong", mode.word(), failed.len());
        wrong.extend(failed);
        assert!(changes >= 12, "{changes}");
    }
    let seed = upgraded(&fixture("seed"));
    let cancel = back_by(RecoveryMode::Cancel);
    let (changes, failed) = sweep_back("cancel", &seed, (cancel, cancel), 1, |_| false);
    println!("cancel: overtaken before each of {changes} changes, {} wrong", failed.len());
    wrong.extend(failed);
    assert!(changes >= 12 && wrong.is_empty(), "{wrong:#?}");
}

/// The upgrade has made its fence by its second change; before it nothing of it is there to be overtaken.
#[test]
fn a_stale_upgrade_does_not_undo_that_the_upgrade_was_cancelled() {
    const FENCE_IS_MADE: u64 = 2;
    let operations = (plainly(Operation::Upgrade), back_by(RecoveryMode::Auto));
    let start = fixture("seed").storage;
    // A manager file without its main task is harmless, and the next upgrade clears it.
    let is_manager = |path: &str| path.starts_with("Compaction_V2/TaskAssigned/");
    let (changes, wrong) = sweep_back("upgrade, then cancel", &start, operations, FENCE_IS_MADE, is_manager);
    println!("a cancelled upgrade: overtaken before each of {changes} changes, {} wrong", wrong.len());
    assert!(changes >= 15 && wrong.is_empty(), "{wrong:#?}");
}

/// The DELETE has passed its checks; before that it reads the phase that the winner has made.
#[test]
fn a_stale_delete_takes_nothing_from_a_tree_that_went_back() {
    for mode in [RecoveryMode::Cancel, RecoveryMode::Downgrade] {
        let operations = (plainly(Operation::Delete), back_by(mode));
        let start = upgraded(&fixture("seed"));
        let (changes, wrong) = sweep_back("delete, then back", &start, operations, 2, |_| false);
        println!("a DELETE overtaken by {}: before each of {changes} changes, {} wrong", mode.word(), wrong.len());
        assert!(changes >= 6 && wrong.is_empty(), "{wrong:#?}");
    }
}

/// A lock service that tells the truth where it is asked, and a run that hears of its loss in no other way.
#[derive(Clone, Default)]
struct TruthWhereAsked(Arc<AtomicBool>);

impl Lock for TruthWhereAsked {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        Ok(Box::new(self.clone()))
    }
}

impl Guard for TruthWhereAsked {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
    fn confirm(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::LockLost, "another run holds the lock now"));
        }
        Ok(())
    }
    fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Overtaken before it has a fence, a run must not make one of which no successor knows: `Taskupgrade` would come back
/// into a tree whose V1 is gone, and neither a node nor an UPGRADE could go on.
#[test]
fn a_stale_upgrade_brings_nothing_back_after_the_upgrade_and_delete_of_others() {
    let fixture = fixture("seed");
    let (mut changes, mut wrong) = (0, Vec::new());
    for at in 1.. {
        let tree = fixture.storage.copy();
        let (lock, overtaking, catalog) = (TruthWhereAsked::default(), tree.clone(), fixture.catalog);
        let (count, lost) = (Mutex::new(0), lock.clone());
        let is_at = move |_: &Change| {
            *count.lock() += 1;
            *count.lock() == at
        };
        let overtake = move || {
            lost.0.store(true, Ordering::Relaxed);
            for operation in [Operation::Upgrade, Operation::Delete] {
                run(&fresh(&overtaking, catalog), operation).unwrap();
            }
        };
        let storage = Meddling::new(Arc::new(tree.clone()), is_at, overtake);
        let session = builder(Arc::new(storage), lock.clone(), catalog).open().unwrap();
        let _however_it_ends = run(&session, Operation::Upgrade);
        if !lock.0.load(Ordering::Relaxed) {
            break;
        }
        changes += 1;
        let gate = fresh(&tree, catalog).node_gate("n").unwrap();
        let next = run(&fresh(&tree, catalog), Operation::Upgrade);
        if gate != Gate::UseV2 || next.is_err() {
            wrong.push(format!("before change {at}: {gate:?}, {:?}", next.err().map(|failure| failure.error)));
        }
    }
    println!("overtaken before each of {changes} changes, {} wrong", wrong.len());
    assert!(changes >= 15 && wrong.is_empty(), "{wrong:#?}");
}

/// What an overtaken run meets are files that are gone and marks that vanished. Its operator is told of the lock, and not
/// to mend files or to look for whoever damaged the tree.
#[test]
fn an_overtaken_upgrade_blames_the_lock_whatever_it_meets() {
    const MOST_LEAVES: u64 = 24;
    let fixture = fixture("seed");
    let (mut refused, mut wrong) = (0, Vec::new());
    for leaves in 0..=MOST_LEAVES {
        for at in 1.. {
            let tree = fixture.storage.copy();
            let (lock, overtaking, catalog) = (Overtaken::default(), tree.clone(), fixture.catalog);
            let (count, lost) = (Mutex::new(0), lock.clone());
            let is_at = move |_: &Change| {
                *count.lock() += 1;
                *count.lock() == at
            };
            let overtake = move || {
                run(&fresh(&overtaking, catalog), Operation::Upgrade).unwrap();
                *lost.leaves.lock() = Some(leaves);
            };
            let storage = Meddling::new(Arc::new(tree.clone()), is_at, overtake);
            let session = builder(Arc::new(storage), lock.clone(), catalog).open().unwrap();
            let answer = run(&session, Operation::Upgrade);
            if lock.leaves.lock().is_none() {
                break;
            }
            // Otherwise it ended before it asked once too often.
            if lock.has_refused.load(Ordering::Relaxed) {
                match answer {
                    Err(failure) if failure.error.kind() == ErrorKind::LockLost => refused += 1,
                    answer => wrong.push(format!("change {at}, {leaves} leaves: {:?}", answer.err().map(|f| f.error))),
                }
            }
        }
    }
    println!("{refused} overtaken runs blamed the lock, {} something else", wrong.len());
    assert!(refused >= 430 && wrong.is_empty(), "{wrong:#?}");
}
