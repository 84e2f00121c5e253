//! I9: a holder that does not know that it lost its lock changes nothing that the next holder decided.
//!
//! Just before the batch that holds each of the changes of a run another run, under a lock of its own, goes from beginning to end; then the
//! first goes on as if nothing had happened, its lock still granting leave for everything. Whatever it does, the tree
//! must be what the second run made of it, but for rubbish that the next run of any operation clears.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;

use comptask_upgrade::{MemoryStorage, Operation};
use parking_lot::Mutex;
use support::checker::{differences, image, normal, Checker, Image};
use support::meddling::Meddling;
use support::sessions::{builder, fresh, run, OneLock};
use support::trees::{fixture, Fixture};

/// The first run, with the second one in the middle of it, just before the first's change of this number. Gives
/// whether there was such a change.
fn overtaken(
    fixture: &Fixture,
    tree: &MemoryStorage,
    operations: (Operation, Operation),
    at: u64,
) -> (bool, Option<Image>) {
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
            run(&fresh(&tree_of_the_winner, catalog), winner).unwrap_or_else(|failure| panic!("{}", failure.error));
            *seen.lock() = Some(image(&tree_of_the_winner));
        },
    );
    let session = builder(Arc::new(storage), OneLock::default(), catalog).open().unwrap();
    let _however_it_ends = run(&session, stale);
    let between = between.lock().take();
    (between.is_some(), between)
}

/// What an operator can mean by a tree: everything but what is cleared unasked.
fn without_rubbish(mut image: Image) -> Image {
    let rubbish = ["Compaction_V2/.staging", "Compaction_V2/TaskupgradeLock", "Compaction_V2/Taskupgrade"];
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
        let (was_there, decided) = overtaken(&fixture, &tree, operations, at);
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

fn upgraded(fixture: &Fixture) -> MemoryStorage {
    let tree = fixture.storage.copy();
    run(&fresh(&tree, fixture.catalog), Operation::Upgrade).unwrap();
    tree
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
