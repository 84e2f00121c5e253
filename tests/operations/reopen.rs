//! A complete upgrade taken up again, for V1 tasks that turned up since.

use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::{ErrorKind, Gate, Operation, Phase, RecoveryMode, RunOptions, Storage};
use RecoveryMode::{Cancel, Downgrade, DowngradeOld};

use crate::support::checker::{differences, image, normal};
use crate::support::faults::{Fault, FaultStorage};
use crate::support::meddling::Up;
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::sessions::{builder, fresh, Answer};
use crate::support::trees::{fixture, CATALOG};
use crate::support::v1_files::{
    bytes, exists, file, folder, names, remove, rename, replace, v1, v1_bytes, v1_task, v2, v2_task,
};
use crate::support::ways_back::{by, clear, only_v1, recover, set_status, starts, v1_tasks, v1_tree, v2_record};

const DONE: &str = "Compaction_V2/TaskUpgrade.done";
const SOLO: (&str, &str) = ("sales", "solo");
const TASK: &str = "compct.xcloud24_9876.0.1617693156000";

fn reopen() -> RunOptions {
    RunOptions { reopen: true, ..RunOptions::default() }
}

fn reopened(place: &Place) -> Answer {
    place.run_with(Operation::Upgrade, reopen())
}

/// The V1 names in a manifest.
fn lines(storage: &dyn Storage, name: &str) -> Vec<String> {
    let text = String::from_utf8(bytes(storage, &format!("{DONE}/{name}"))).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines[1..lines.len() - 1].iter().map(|line| line["v1"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn new_tasks_are_named_without_it_and_taken_in_with_it() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        place.upgrade().unwrap();
        let late = [
            v1(storage, "late", 0, 9, StateV1::Assigned, SOLO),
            v1(storage, "late", 1, 9, StateV1::Done, ("sales", "nopc")),
        ];
        let failure = place.unchanged_by(|| place.upgrade().unwrap_err());
        assert_eq!((failure.error.kind(), failure.error.kind().c_name()), (ErrorKind::NewV1Tasks, "CTU_NEW_V1_TASKS"));
        for name in &late {
            assert!(failure.error.message().contains(name), "{}", failure.error);
        }
        assert!(failure.error.next_action().contains("reopen"), "{}", failure.error.next_action());

        let first = bytes(storage, &format!("{DONE}/Manifest"));
        let plan = RunOptions { plan: true, ..reopen() };
        let planned = place.unchanged_by(|| place.run_with(Operation::Upgrade, plan).unwrap());
        assert_eq!((planned.counts.converted, planned.counts.skipped), (2, 4));
        let report = reopened(place).unwrap();
        assert_eq!((report.phase, report.counts), (Phase::Upgraded, planned.counts));
        assert_eq!(names(storage, DONE), ["Manifest", "Manifest.2"]);
        assert_eq!(bytes(storage, &format!("{DONE}/Manifest")), first);
        assert_eq!(lines(storage, "Manifest.2"), late);
        assert_eq!(v2_record(storage, "aaaaffff.00000000.00009000.0").executenode, "solo_1");
        assert!(exists(storage, "Compaction_V2/TaskAssigned/solo_1/Manager.aaaaffff.00000000.00009000.0"));
        assert!(exists(storage, "Compaction_V2/Scheduler/aaaaffff.00000000.00009000.1/Status.Done"));
        assert_eq!(names(storage, "Compaction_V2"), ["Scheduler", "TaskAssigned", "TaskUpgrade.done"]);
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        assert_eq!(place.run_with(Operation::Status, verify).unwrap().verified, 6);

        v1(storage, "later", 0, 9, StateV1::Init, SOLO);
        reopened(place).unwrap();
        assert_eq!(names(storage, DONE), ["Manifest", "Manifest.2", "Manifest.3"]);
        assert_eq!(lines(storage, "Manifest.3"), ["compct.later.0.9"]);
        place.delete().unwrap();
        assert_eq!(names(storage, ""), ["Compaction_V2"]);
        assert_eq!(names(storage, "Compaction_V2/Scheduler").len(), 7);
    });
}

#[test]
fn with_nothing_new_everything_is_upgraded_and_nothing_changes() {
    on_both_with("seed", |place, checker, _| {
        let report = reopened(place).unwrap();
        assert_eq!((report.phase, report.counts.converted), (Phase::Upgraded, 4), "it begins one that never was");
        checker.upgraded(&place.image()).unwrap();
        let session = place.builder().liveness(Up(&["xcloud24_9876"])).open().unwrap();
        let report = place.unchanged_by(|| session.run(Operation::Upgrade, &reopen(), None).unwrap());
        assert_eq!((report.headline.as_str(), report.phase), ("all tasks are upgraded", Phase::Upgraded));
    });
}

#[test]
fn nodes_must_be_down_for_it_and_it_never_runs_inside_one() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        v1(&*place.storage, "late", 0, 9, StateV1::Init, SOLO);
        let session = place.builder().liveness(Up(&["xcloud24_9876"])).open().unwrap();
        let failure = place.unchanged_by(|| session.run(Operation::Upgrade, &reopen(), None).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::NodesOnline);
        let online = RunOptions { online: true, ..reopen() };
        let failure = place.unchanged_by(|| session.run(Operation::Upgrade, &online, None).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::InvalidArgument);
        assert!(failure.error.message().contains("reopen cannot be online"), "{}", failure.error);
    });
}

#[test]
fn changed_files_are_refused_by_name_before_anything_is_written() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        place.upgrade().unwrap();
        v1(storage, "late", 0, 9, StateV1::Init, SOLO);
        rename(storage, &format!("Compaction/Scheduler/{TASK}"), &format!("Compaction/Scheduler/{TASK}.Done"));
        let assigned = "compct.xcloud24_9876.0.1617606756000.Assigned";
        let mut longer = v1_task("xcloud24_9876", 0, 1_617_606_756_000, StateV1::Assigned, ("sales", "eu"));
        longer.table_name.push('x');
        replace(storage, &format!("Compaction/Scheduler/{assigned}"), &v1_bytes(&longer));
        let failure = place.unchanged_by(|| reopened(place).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::NewV1Tasks);
        for name in [&format!("{TASK}.Done"), assigned] {
            assert!(failure.error.message().contains(name), "{}", failure.error);
        }
        assert!(!failure.error.message().contains("late"), "{}", failure.error);
        assert!(failure.error.next_action().contains("put these files back"), "{}", failure.error.next_action());
    });
}

/// What V2 did with the first tasks since is its own business.
#[test]
fn tasks_that_nodes_worked_on_since_are_left_alone() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        place.upgrade().unwrap();
        starts(storage, "xcloud24_9876");
        set_status(storage, "aaaaffff.16176931.56000000.0", StateV2::Running);
        clear(storage, "aaaaffff.16176067.56000000.0");
        v1(storage, "late", 0, 9, StateV1::Init, SOLO);
        let report = reopened(place).unwrap();
        assert_eq!((report.counts.converted, report.counts.skipped, report.counts.failed), (1, 4, 0));
        assert!(exists(storage, "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0/Status.Running"));
        assert!(!exists(storage, "Compaction_V2/Scheduler/aaaaffff.16176067.56000000.0"), "it would run twice");
        assert_eq!(names(storage, DONE), ["Manifest", "Manifest.2", "Started.xcloud24_9876"]);
    });
}

#[test]
fn a_new_task_of_the_same_time_and_number_takes_the_next_ordinal_also_where_the_first_is_cleared() {
    for cleared in [false, true] {
        on_both(CATALOG, |place| {
            let storage = &*place.storage;
            v1(storage, "m", 3, 1_700_000_000_123, StateV1::Init, SOLO);
            place.upgrade().unwrap();
            let first = "aaaaffff.17000000.00123000.3";
            if cleared {
                starts(storage, "solo_1");
                clear(storage, first);
            }
            v1(storage, "a", 3, 1_700_000_000_123, StateV1::Init, SOLO);
            v1(storage, "z", 3, 1_700_000_000_123, StateV1::Init, SOLO);
            reopened(place).unwrap();
            let owner = |ordinal: u32| v2_record(storage, &format!("aaaaffff.17000000.00123{ordinal:03}.3")).receive_pu;
            assert_eq!((owner(1), owner(2)), ("a".to_owned(), "z".to_owned()));
            assert_eq!(exists(storage, &format!("Compaction_V2/Scheduler/{first}")), !cleared);
            place.delete().unwrap();
        });
    }
}

/// Killed anywhere: the phase says so, nothing else goes on, and every way on and back is open.
#[test]
fn killed_anywhere_it_is_finished_cancelled_or_downgraded() {
    let tree = fixture("seed").storage;
    let status = |tree: &comptask_upgrade::MemoryStorage| {
        fresh(tree, CATALOG).run(Operation::Status, &RunOptions::default(), None).unwrap().phase
    };
    fresh(&tree, CATALOG).run(Operation::Upgrade, &RunOptions::default(), None).unwrap();
    v1(&tree, "late", 0, 9, StateV1::Init, SOLO);
    v1(&tree, "late", 1, 9, StateV1::Done, ("sales", "nopc"));
    let start = tree.copy();
    let run = |storage: &FaultStorage| {
        let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
        session.run(Operation::Upgrade, &reopen(), None)
    };
    let quiet = FaultStorage::new(&tree, None, 5);
    run(&quiet).unwrap();
    let end = normal(image(&tree));
    let v1_of = |tree: &comptask_upgrade::MemoryStorage| {
        let mut image = image(tree);
        image.retain(|path, _| path.starts_with("Compaction/"));
        image
    };
    let (mut reopening, mut others) = (0, 0);
    for (at, call) in (1..).zip(quiet.calls()) {
        for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::Torn].into_iter().filter(|f| f.applies_to(call)) {
            let what = format!("{fault:?} at {at}");
            let tree = start.copy();
            run(&FaultStorage::new(&tree, Some((at, fault)), 5)).unwrap_err();
            let ask = |operation, options: &RunOptions| fresh(&tree, CATALOG).run(operation, options, None);
            if status(&tree) == Phase::Reopening {
                reopening += 1;
                let before = image(&tree);
                for operation in [Operation::Upgrade, Operation::Delete] {
                    let failure = ask(operation, &RunOptions::default()).unwrap_err();
                    assert_eq!(failure.error.kind(), ErrorKind::Refused, "{what}");
                    assert!(failure.error.next_action().contains("reopen"), "{}", failure.error.next_action());
                }
                assert_eq!(fresh(&tree, CATALOG).node_gate("n").unwrap(), Gate::DoNotStart, "{what}");
                assert_eq!(differences(&image(&tree), &before), Vec::<String>::new(), "{what}");
            } else {
                others += 1;
                assert_eq!(status(&tree), Phase::Upgraded, "{what}");
            }
            for mode in [Cancel, DowngradeOld, Downgrade] {
                let copy = tree.copy();
                let report = fresh(&copy, CATALOG).run(Operation::Recovery, &by(mode), None);
                let report = report.unwrap_or_else(|failure| panic!("{what}, {mode:?}: {failure}"));
                assert_eq!(report.phase, Phase::NotStarted);
                assert_eq!(names(&copy, "Compaction_V2"), ["Scheduler", "TaskAssigned"], "{what}, {mode:?}");
                assert!(names(&copy, "Compaction_V2/Scheduler").is_empty(), "{what}, {mode:?}");
                if mode == Downgrade {
                    let tasks: Vec<String> = v1_tasks(&copy).into_iter().map(|(name, _)| name).collect();
                    let assigned_waits_again = "compct.xcloud24_9876.0.1617606756000".to_owned();
                    assert!(tasks.len() == 6 && tasks.contains(&assigned_waits_again), "{what}: {tasks:?}");
                } else {
                    assert_eq!(differences(&v1_of(&copy), &v1_of(&start)), Vec::<String>::new(), "{what}, {mode:?}");
                }
            }
            ask(Operation::Upgrade, &reopen()).unwrap_or_else(|failure| panic!("{what}: {failure}"));
            assert_eq!(differences(&normal(image(&tree)), &end), Vec::<String>::new(), "{what}");
            ask(Operation::Delete, &RunOptions::default()).unwrap();
        }
    }
    assert!(reopening > 10 && others > 5, "{reopening} {others}");
}

/// The manifest is in place and the marks are not cleared yet: V1 is looked at all the same, as by the run that wrote it.
#[test]
fn a_file_that_is_gone_is_missed_also_where_the_manifest_is_written() {
    let tree = fixture("seed").storage;
    fresh(&tree, CATALOG).run(Operation::Upgrade, &RunOptions::default(), None).unwrap();
    let late = v1(&tree, "late", 0, 9, StateV1::Init, SOLO);
    let start = tree.copy();
    let run = |storage: &FaultStorage| {
        let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
        session.run(Operation::Upgrade, &reopen(), None)
    };
    let quiet = FaultStorage::new(&tree, None, 5);
    run(&quiet).unwrap();
    let mut tried = 0;
    for (at, _) in (1..).zip(quiet.calls()) {
        let tree = start.copy();
        run(&FaultStorage::new(&tree, Some((at, Fault::CrashBefore)), 5)).unwrap_err();
        let is_marked = exists(&tree, "Compaction_V2/Taskupgrade/compct.late.0.9.upgrade");
        if !exists(&tree, &format!("{DONE}/Manifest.2")) || !is_marked {
            continue;
        }
        tried += 1;
        remove(&tree, &format!("Compaction/Scheduler/{late}"));
        // What the attempt had staged goes, whatever is found.
        let kept = |tree: &comptask_upgrade::MemoryStorage| {
            let mut image = image(tree);
            image.retain(|path, _| !path.contains("/.staging") && path != "Compaction_V2/TaskupgradeLock");
            image
        };
        let before = kept(&tree);
        let failure = fresh(&tree, CATALOG).run(Operation::Upgrade, &reopen(), None).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::Damaged, "{at}: {}", failure.error);
        assert!(failure.error.message().contains(&format!("gone: {late}")), "{}", failure.error);
        assert!(failure.error.next_action().contains("restore the V1 files"), "{}", failure.error.next_action());
        assert_eq!(differences(&kept(&tree), &before), Vec::<String>::new(), "{at}");
        v1(&tree, "late", 0, 9, StateV1::Init, SOLO);
        fresh(&tree, CATALOG).run(Operation::Upgrade, &reopen(), None).unwrap();
    }
    assert!(tried > 0);
}

/// An attempt on a storage that tears leaves a main task that is not whole; the upgrade being taken up again explains it.
#[test]
fn what_an_attempt_left_stands_in_no_way() {
    for mode in [None, Some(Cancel), Some(DowngradeOld), Some(Downgrade)] {
        on_both(CATALOG, |place| {
            let storage = &*place.storage;
            v1(storage, "p", 0, 4, StateV1::Done, SOLO);
            folder(storage, "Compaction/TaskAssigned");
            place.upgrade().unwrap();
            v1(storage, "p", 0, 5, StateV1::Init, SOLO);
            v1(storage, "p", 1, 5, StateV1::Assigned, SOLO);
            let v1 = v1_tree(place);
            let id = "aaaaffff.00000000.00005000.0";
            // The second is converted and in no manifest yet, so that no node can have run it: V1 is the truth.
            let task = v1_task("p", 1, 5, StateV1::Assigned, SOLO);
            let converted = v2_task(&task, "aaaaffff.00000000.00005000", StateV2::Init, "solo", "solo_1");
            v2(storage, "aaaaffff.00000000.00005000.1", "TaskInfo.solo.sales", &converted);
            file(storage, "Compaction_V2/TaskAssigned/solo_1/Manager.aaaaffff.00000000.00005000.1", b"");
            file(storage, "Compaction_V2/Taskupgrade/compct.p.1.5.upgrade", b"");
            file(storage, "Compaction_V2/Taskupgrade/Reopen", b"");
            file(storage, "Compaction_V2/Taskupgrade/compct.p.0.5.solo_1", b"");
            file(storage, &format!("Compaction_V2/TaskAssigned/solo_1/Manager.{id}"), b"");
            file(storage, &format!("Compaction_V2/Scheduler/{id}/Status.Init"), b"");
            assert_eq!(place.status().unwrap().phase, Phase::Reopening);
            match mode {
                None => {
                    assert_eq!(reopened(place).unwrap().counts.total, 3);
                    assert_eq!(lines(storage, "Manifest.2"), ["compct.p.0.5", "compct.p.1.5.Assigned"]);
                }
                Some(mode) => {
                    recover(place, mode).unwrap_or_else(|failure| panic!("{mode:?}: {failure}"));
                    only_v1(place, &v1);
                }
            }
        });
    }
}
