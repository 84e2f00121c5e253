//! The flow of the job on a tree of the fixtures, step by step against what the same steps leave in memory.

use std::sync::Arc;

use comptask_upgrade::{Operation, RecoveryMode, RunOptions, Session, Storage};

use super::super::support::checker::{differences, image, normal, Checker, Image};
use super::super::support::sessions::{builder, fresh, run, OneLock};
use super::super::support::trees::fixture;
use super::{image_of, plant};

fn recover(session: &Session, recovery_mode: RecoveryMode) {
    let options = RunOptions { recovery_mode, ..RunOptions::default() };
    session.run(Operation::Recovery, &options, None).unwrap();
}

fn v1(image: &Image) -> Image {
    let of_v1 = image.iter().filter(|(path, _)| path.starts_with("Compaction/"));
    of_v1.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

/// Puts a fixture on an empty storage; upgrades it, cancels that, upgrades it again, deletes V1, and comes back from V2
/// alone.
pub fn there_and_back(storage: &Arc<dyn Storage>, name: &str) {
    let made = fixture(name);
    let (start, checker) = (image(&made.storage), Checker::new(&made));
    run(&fresh(&made.storage, made.catalog), Operation::Upgrade).unwrap();
    let upgraded = normal(image(&made.storage));

    plant(&**storage, &start);
    assert_eq!(differences(&image_of(&**storage), &start), Vec::<String>::new());
    let session = builder(Arc::clone(storage), OneLock::default(), made.catalog).open().unwrap();
    run(&session, Operation::Upgrade).unwrap();
    checker.upgraded(&image_of(&**storage)).unwrap();
    assert_eq!(differences(&normal(image_of(&**storage)), &upgraded), Vec::<String>::new());
    let verify = RunOptions { verify: true, ..RunOptions::default() };
    session.run(Operation::Status, &verify, None).unwrap();

    recover(&session, RecoveryMode::Cancel);
    assert_eq!(v1(&image_of(&**storage)), v1(&start));

    run(&session, Operation::Upgrade).unwrap();
    assert_eq!(differences(&normal(image_of(&**storage)), &upgraded), Vec::<String>::new());
    run(&session, Operation::Delete).unwrap();
    checker.deleted(&image_of(&**storage)).unwrap();

    recover(&session, RecoveryMode::Downgrade);
    let back = image_of(&**storage);
    let tasks = |image: &Image| image.keys().filter(|path| path.starts_with("Compaction/Scheduler/")).count();
    assert_eq!(tasks(&back), tasks(&start));
    assert!(!back.keys().any(|path| path.starts_with("Compaction_V2/Scheduler/")), "{:?}", back.keys());
}
