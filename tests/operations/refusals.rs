//! What UPGRADE refuses, before it has written anything.

use std::sync::Arc;

use comptask_upgrade::{ErrorKind, Operation, Phase, RecoveryMode, RunOptions, SessionBuilder};

use crate::support::chinese::run;
use crate::support::faults::FaultStorage;
use crate::support::meddling::{Up, UpAtTheSecondLook};
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::sessions::{builder, fresh, OneLock};
use crate::support::trees::{fixture, CATALOG};
use crate::support::v1_files::{exists, file, folder, names, remove, rename, v1, v1_name};
use comptask_upgrade::task::StateV1;

#[test]
fn nodes_that_are_up_are_named_and_nothing_is_changed() {
    on_both_with("seed", |place, _, _| {
        let session =
            place.builder().liveness(Up(&["xcloud25_9876", "xcloud24_9876", "xcloud25_9876"])).open().unwrap();
        let failure = place.unchanged_by(|| run(&session, Operation::Upgrade).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::NodesOnline);
        assert_eq!(failure.error.message(), "2 nodes must be down: xcloud24_9876, xcloud25_9876");
        assert!(failure.error.next_action().contains("stop the nodes"));
        assert_eq!(session.check_all_offline(Operation::Upgrade).unwrap_err().kind(), ErrorKind::NodesOnline);
        session.check_all_offline(Operation::Delete).unwrap();
        session.check_all_offline(Operation::Status).unwrap();
    });
}

#[test]
fn where_there_is_nothing_to_do_no_node_need_be_down() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let session = place.builder().liveness(Up(&["xcloud24_9876"])).open().unwrap();
        run(&session, Operation::Upgrade).unwrap();
        session.check_all_offline(Operation::Upgrade).unwrap();
        run(&session, Operation::Delete).unwrap();
        let report = run(&session, Operation::Upgrade).unwrap();
        assert_eq!((report.headline.as_str(), report.phase), ("nothing to upgrade", Phase::V2Only));
    });
}

#[test]
fn a_node_that_comes_up_between_the_two_looks_stops_the_run_and_no_beginning_is_left() {
    on_both_with("seed", |place, _, _| {
        let session = place.builder().liveness(UpAtTheSecondLook::default()).open().unwrap();
        let failure = place.unchanged_by(|| run(&session, Operation::Upgrade).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::NodesOnline);
        assert!(failure.error.message().contains("xcloud24_9876"));
    });
}

#[test]
fn a_beginning_that_was_there_stays_when_a_node_comes_up() {
    on_both_with("half-way", |place, checker, _| {
        let session = place.builder().liveness(UpAtTheSecondLook::default()).open().unwrap();
        let marks = names(&*place.storage, "Compaction_V2/Taskupgrade");
        assert_eq!(run(&session, Operation::Upgrade).unwrap_err().error.kind(), ErrorKind::NodesOnline);
        assert_eq!(names(&*place.storage, "Compaction_V2/Taskupgrade"), marks);
        place.upgrade().unwrap();
        checker.upgraded(&place.image()).unwrap();
    });
}

#[test]
fn phases_in_which_an_operation_must_not_run_refuse_it_and_change_nothing() {
    use Operation::{Delete, Upgrade};
    let refused: [(&str, &[Operation], &str); 4] = [
        ("Compaction_V2/Taskrecovery", &[Upgrade, Delete], "a RECOVERY is under way"),
        ("Compaction_V2/Taskupgrade", &[Delete], "the upgrade is not complete"),
        ("", &[Delete], "the V1 tasks are not upgraded"),
        ("Compaction.deleting", &[Upgrade, Delete], "both Compaction and Compaction.deleting are there"),
    ];
    for (made, operations, why) in refused {
        on_both_with("seed", |place, _, _| {
            if !made.is_empty() {
                folder(&*place.storage, made);
            }
            for operation in operations {
                let failure = place.unchanged_by(|| place.run(*operation).unwrap_err());
                assert_eq!(failure.error.kind(), ErrorKind::Refused, "{operation:?} {made}");
                assert!(failure.error.message().contains(why), "{operation:?}: {}", failure.error);
                assert!(!failure.error.next_action().is_empty());
            }
        });
    }
    on_both_with("seed", |place, _, _| {
        rename(&*place.storage, "Compaction", "Compaction.deleting");
        let failure = place.unchanged_by(|| place.upgrade().unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::Refused);
        assert!(failure.error.message().contains("the V1 tree is being deleted"), "{}", failure.error);
    });
}

#[test]
fn recovery_of_what_was_never_upgraded_has_nothing_to_recover() {
    let modes = RecoveryMode::ALL;
    let run = |place: &Place, phase: Phase| {
        for recovery_mode in modes {
            let options = RunOptions { recovery_mode, ..RunOptions::default() };
            let report = place.unchanged_by(|| place.run_with(Operation::Recovery, options).unwrap());
            assert_eq!((report.headline.as_str(), report.phase), ("nothing to recover", phase), "{recovery_mode:?}");
        }
    };
    on_both_with("seed", |place, _, _| run(place, Phase::NotStarted));
    on_both(CATALOG, |place| {
        folder(&*place.storage, "Compaction/Scheduler");
        run(place, Phase::Empty);
    });
}

#[test]
fn a_root_that_is_no_cluster_compact_is_not_found_by_any_operation() {
    on_both(CATALOG, |place| {
        folder(&*place.storage, "something/else");
        for operation in Operation::ALL {
            let failure = place.unchanged_by(|| place.run(operation).unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::NotFound, "{operation:?}");
            assert!(failure.error.path().contains(&place.storage.describe()));
        }
    });
}

#[test]
fn names_whose_marks_are_too_long_are_all_named_before_anything_is_written() {
    on_both_with("seed", |place, _, _| {
        // compct.<pu>.0.5 and the longest node, `node%3A3%2Eexample` (18): 255 fit.
        let longest = 255 - "compct..0.5".len() - 1 - "node%3A3%2Eexample".len();
        let fits = "f".repeat(longest);
        let too_long = ["x".repeat(longest + 1), "y".repeat(longest + 3)];
        v1(&*place.storage, &fits, 0, 5, StateV1::Init, ("d.b/x", "odd"));
        for pu in &too_long {
            v1(&*place.storage, pu, 0, 5, StateV1::Init, ("sales", "eu"));
        }
        let failure = place.unchanged_by(|| place.upgrade().unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::TooLarge);
        for pu in &too_long {
            assert!(failure.error.message().contains(pu), "{}", failure.error);
        }
        assert!(!failure.error.message().contains(&fits));
        for pu in &too_long {
            let name = v1_name(pu, 0, 5, StateV1::Init);
            crate::support::v1_files::remove(&*place.storage, &format!("Compaction/Scheduler/{name}"));
        }
        place.upgrade().unwrap();
    });
}

#[test]
fn a_session_without_what_upgrade_needs_says_what_is_missing() {
    on_both_with("seed", |place, _, _| {
        let bare = || SessionBuilder::new(std::sync::Arc::clone(&place.storage)).lock(OneLock::default());
        let failure = place.unchanged_by(|| run(&bare().open().unwrap(), Operation::Upgrade).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::InvalidArgument);
        assert!(failure.error.message().contains("catalog"));
        let with_catalog = bare().catalog(comptask_upgrade::CatalogSnapshot::parse(CATALOG).unwrap()).open().unwrap();
        let failure = place.unchanged_by(|| run(&with_catalog, Operation::Upgrade).unwrap_err());
        assert!(failure.error.message().contains("which nodes are up"), "{}", failure.error);
        let no_lock = SessionBuilder::new(std::sync::Arc::clone(&place.storage)).open().unwrap_err();
        assert_eq!(no_lock.kind(), ErrorKind::InvalidArgument);
    });
}

#[test]
fn files_in_the_place_of_folders_are_refused_and_left_alone() {
    for at in
        ["Compaction_V2/Taskupgrade", "Compaction_V2/TaskUpgrade.done", "Compaction_V2/.staging", "Compaction.deleting"]
    {
        on_both_with("seed", |place, _, _| {
            file(&*place.storage, at, b"a file");
            let failure = place.unchanged_by(|| place.upgrade().unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::Refused, "{at}");
            assert_eq!(failure.error.path(), at);
        });
    }
}

/// Thirty tasks in groups of three: three manifests, each of which proves what no other one does.
#[test]
fn of_manifests_written_together_none_may_be_missing() {
    let fixture = fixture("thirty");
    let storage = FaultStorage::new(&fixture.storage, None, 1);
    let session = builder(Arc::new(storage.clone()), storage.lock(), fixture.catalog).open().unwrap();
    run(&session, Operation::Upgrade).unwrap();
    let done = "Compaction_V2/TaskUpgrade.done";
    let tree = &fixture.storage;
    let manifests = ["Manifest", "Manifest.2", "Manifest.3"];
    assert_eq!(names(tree, done), manifests);
    let verify = RunOptions { verify: true, ..RunOptions::default() };
    let report = fresh(tree, fixture.catalog).run(Operation::Status, &verify, None).unwrap();
    assert_eq!((report.counts.total, report.verified), (30, 30));
    for (place, name) in manifests.into_iter().enumerate() {
        let tree = tree.copy();
        remove(&tree, &format!("{done}/{name}"));
        for operation in Operation::ALL {
            let error = run(&fresh(&tree, fixture.catalog), operation).unwrap_err().error;
            let text = format!("of 3 manifests that were written together number {} is missing", place + 1);
            assert_eq!((error.kind(), error.message()), (ErrorKind::Damaged, text.as_str()), "{operation:?}");
            assert!(error.next_action().contains("restore the manifest from a backup"));
        }
    }
    run(&fresh(tree, fixture.catalog), Operation::Delete).unwrap();
    assert!(!exists(tree, "Compaction"));
}

#[test]
fn a_done_mark_without_a_manifest_or_with_a_torn_one_is_never_trusted() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let manifest = "Compaction_V2/TaskUpgrade.done/Manifest";
        let whole = crate::support::v1_files::bytes(&*place.storage, manifest);
        crate::support::v1_files::replace(&*place.storage, manifest, &whole[..whole.len() / 2]);
        for operation in Operation::ALL {
            let failure = place.unchanged_by(|| place.run(operation).unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::Corrupt, "{operation:?}");
            assert!(failure.error.path().ends_with("TaskUpgrade.done/Manifest"));
        }
        crate::support::v1_files::remove(&*place.storage, manifest);
        for operation in [Operation::Upgrade, Operation::Delete] {
            let failure = place.unchanged_by(|| place.run(operation).unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::Damaged, "{operation:?}");
        }
        assert!(exists(&*place.storage, "Compaction/Scheduler"));
    });
}

#[test]
fn verify_at_the_end_of_an_upgrade_is_part_of_it() {
    on_both_with("thirty", |place, checker, _| {
        let report = place.run_with(Operation::Upgrade, RunOptions { verify: true, ..RunOptions::default() }).unwrap();
        assert_eq!(report.verified, 30);
        checker.upgraded(&place.image()).unwrap();
    });
}
