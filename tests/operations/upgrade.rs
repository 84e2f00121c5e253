//! UPGRADE where it works: names, contents, running again, being stopped.

use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::Change;
use comptask_upgrade::{Codec, DefaultCodec, ErrorKind, MemoryStorage, Operation, Outcome, Phase, RunOptions, Stage};

use crate::support::checker::{differences, image, normal, Checker};
use crate::support::chinese::run;
use crate::support::meddling::{CancelAt, Meddling};
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::recording::Recording;
use crate::support::sessions::{builder, choice, kind_of};
use crate::support::trees::{fixture, ALL, CATALOG};
use crate::support::v1_files::{bytes, exists, file, names, replace, v1, v1_bytes, v1_name, v1_task};

#[test]
fn the_seeds_tree_gets_the_seeds_names() {
    on_both_with("seed", |place, checker, _| {
        let report = place.upgrade().unwrap();
        assert_eq!((report.phase, report.counts.converted, report.counts.total), (Phase::Upgraded, 4, 4));
        checker.upgraded(&place.image()).unwrap();
        let storage = &*place.storage;
        let scheduler = "Compaction_V2/Scheduler";
        let folders = [
            ("aaaaffff.15833923.56000000.0", "Status.Done"),
            ("aaaaffff.16149283.56000000.0", "Status.Cancel"),
            ("aaaaffff.16176067.56000000.0", "Status.Init"),
            ("aaaaffff.16176931.56000000.0", "Status.Init"),
        ];
        assert_eq!(names(storage, scheduler), folders.map(|row| row.0));
        for (folder, status) in folders {
            assert_eq!(names(storage, &format!("{scheduler}/{folder}")), [status, "TaskInfo.pc1.sales"]);
            assert_eq!(bytes(storage, &format!("{scheduler}/{folder}/{status}")), b"");
        }
        let managers = |node: &str| names(storage, &format!("Compaction_V2/TaskAssigned/{node}"));
        let mut all = managers("xcloud24_9876");
        all.extend(managers("xcloud25_9876"));
        all.sort();
        assert_eq!(all, ["Manager.aaaaffff.16176067.56000000.0", "Manager.aaaaffff.16176931.56000000.0"]);
        assert_eq!(names(storage, "Compaction_V2/TaskUpgrade.done"), ["Manifest"]);
        assert_eq!(names(storage, "Compaction_V2"), ["Scheduler", "TaskAssigned", "TaskUpgrade.done"]);
    });
}

#[test]
fn every_tree_ends_in_the_same_bytes_in_memory_and_on_disk() {
    for (name, _, _) in ALL {
        let ends = std::cell::RefCell::new(Vec::new());
        on_both_with(name, |place, checker, _| {
            place.upgrade().unwrap();
            checker.upgraded(&place.image()).unwrap();
            ends.borrow_mut().push(normal(place.image()));
        });
        let ends = ends.into_inner();
        assert_eq!(differences(&ends[0], &ends[1]), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_second_run_says_that_all_is_upgraded_and_changes_nothing() {
    on_both_with("thirty", |place, _, _| {
        place.upgrade().unwrap();
        let report = place.unchanged_by(|| place.upgrade().unwrap());
        assert_eq!((report.headline.as_str(), report.phase), ("all tasks are upgraded", Phase::Upgraded));
        assert_eq!((report.counts.skipped, report.counts.converted), (30, 0));
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        assert_eq!(place.run_with(Operation::Upgrade, verify).unwrap().verified, 30);
    });
}

#[test]
fn tasks_that_no_node_may_run_become_cancel_and_the_report_says_why() {
    on_both_with("cancelled", |place, _, _| {
        let report = place.upgrade().unwrap();
        assert_eq!((report.counts.cancelled, report.counts.converted), (3, 5));
        let why = |seq: i32| {
            let row = report.rows.iter().find(|row| row.v2_id.ends_with(&format!(".{seq}"))).unwrap();
            (row.outcome, row.v2_state, row.detail.clone())
        };
        for (seq, detail) in [
            (0, "schema sales.nopc: the schema may use no PC"),
            (1, "schema sales.no such schema: there is no such schema"),
            (2, "schema sales.idle: no PC of the schema has a node"),
        ] {
            assert_eq!(why(seq), (Outcome::Cancelled, Some(StateV2::Cancel), detail.to_owned()));
        }
        assert_eq!(why(3).1, Some(StateV2::Done), "a finished task keeps its state");
        assert_eq!((why(4).0, why(4).1), (Outcome::Converted, Some(StateV2::Cancel)));
    });
}

#[test]
fn the_suffix_is_right_where_the_state_inside_is_another_and_that_is_a_warning() {
    on_both(CATALOG, |place| {
        let name = v1_name("p", 0, 1, StateV1::Cancel);
        let inside = v1_task("p", 0, 1, StateV1::Assigned, ("sales", "eu"));
        file(&*place.storage, &format!("Compaction/Scheduler/{name}"), &v1_bytes(&inside));
        let report = place.upgrade().unwrap();
        assert!(exists(&*place.storage, "Compaction_V2/Scheduler/aaaaffff.00000000.00001000.0/Status.Cancel"));
        let warned =
            report.warnings.iter().any(|text| text.contains(&name) && text.contains("the state inside is Assigned"));
        assert!(warned, "{:?}", report.warnings);
    });
}

/// Where a run may stop: asked to at each of its changes, whatever the wave.
#[test]
fn asked_to_stop_at_any_change_it_stops_before_the_next_wave_and_a_second_run_finishes() {
    let (mut stopped, mut went_on) = (0, 0);
    for name in ["colliding", "half-way"] {
        let fixture = fixture(name);
        let checker = Checker::new(&fixture);
        for at in 1.. {
            let tree = fixture.storage.copy();
            let lock = CancelAt::new(at);
            let session = builder(Arc::new(tree.clone()), lock.clone(), fixture.catalog).open().unwrap();
            let session = Arc::new(session);
            lock.watch(&session);
            let answer = run(&session, Operation::Upgrade);
            if lock.asked() < at {
                break;
            }
            checker.at_every_instant(&image(&tree), Operation::Upgrade).unwrap();
            match kind_of(&answer) {
                Some(ErrorKind::Cancelled) => {
                    stopped += 1;
                    let left = image(&tree);
                    let rubbish = [".staging", "TaskupgradeLock"];
                    assert!(
                        rubbish.iter().all(|name| !left.contains_key(&format!("Compaction_V2/{name}"))),
                        "{name} {at}"
                    );
                }
                // Past the commit there is nothing to stop.
                None => went_on += 1,
                other => panic!("{name}, at {at}: {other:?}"),
            }
            run(&session, Operation::Upgrade).unwrap();
            checker.upgraded(&image(&tree)).unwrap();
        }
    }
    println!("{stopped} runs stopped, {went_on} were past the commit");
    assert!(stopped > 40 && went_on > 3);
}

/// Two tasks of five MiB do not go into one group together.
fn large_tasks(place: &Place) {
    for seq in 0..3 {
        let mut task = v1_task("p", seq, 1, StateV1::Init, ("sales", "solo"));
        task.table_name = "t".repeat(5 << 20);
        file(
            &*place.storage,
            &format!("Compaction/Scheduler/{}", v1_name("p", seq, 1, StateV1::Init)),
            &v1_bytes(&task),
        );
    }
}

#[test]
fn each_group_has_its_part_and_a_run_stopped_between_two_groups_goes_on_with_the_next() {
    let place = Place::in_memory(CATALOG);
    large_tasks(&place);
    let session = place.session();
    let mut stop_after_the_first = |progress: &comptask_upgrade::Progress| {
        if progress.stage == Stage::Convert && progress.done == 1 {
            session.cancel();
        }
    };
    let failure = session.run(Operation::Upgrade, &RunOptions::default(), Some(&mut stop_after_the_first)).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Cancelled);
    let counts = failure.report.unwrap().counts;
    // The second was published while the first one got its mark, so it gets its own; the third was not begun.
    assert_eq!((counts.total, counts.converted, counts.left, counts.failed), (3, 2, 1, 0));
    let marks = names(&*place.storage, "Compaction_V2/Taskupgrade");
    assert_eq!(marks.len(), 4, "a mark and a part of each: {marks:?}");

    let recording = Recording::new(Arc::clone(&place.storage));
    let report = run(&place.builder_on(Arc::new(recording.clone())).open().unwrap(), Operation::Upgrade).unwrap();
    assert_eq!((report.counts.skipped, report.counts.converted), (2, 1));
    let parts = recording.done().into_iter().filter(|change| match change {
        Change::Rename { to, .. } => to.name().starts_with("Part."),
        _ => false,
    });
    assert_eq!(parts.count(), 1, "one a group");
    let manifest = String::from_utf8(bytes(&*place.storage, "Compaction_V2/TaskUpgrade.done/Manifest")).unwrap();
    let v1 = manifest.lines().filter(|line| line.starts_with("{\"v1\":\"compct.p.")).count();
    assert_eq!((v1, manifest.lines().count()), (3, 5));
}

#[test]
fn a_v1_task_that_turns_up_before_the_end_stops_the_end_and_a_second_run_takes_it_along() {
    on_both_with("seed", |place, _, _| {
        let inner = Arc::clone(&place.storage);
        let late = Meddling::new(
            Arc::clone(&place.storage),
            |change| change.path().name().starts_with("Part."),
            move || drop(v1(&*inner, "late", 0, 9, StateV1::Init, ("sales", "eu"))),
        );
        let failure = run(&place.builder_on(Arc::new(late)).open().unwrap(), Operation::Upgrade).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::NewV1Tasks);
        assert!(failure.error.message().contains("compct.late.0.9 is new"), "{}", failure.error);
        assert!(!exists(&*place.storage, "Compaction_V2/TaskUpgrade.done"));
        let report = place.upgrade().unwrap();
        assert_eq!((report.counts.skipped, report.counts.converted), (4, 1));
        assert!(exists(&*place.storage, "Compaction_V2/Scheduler/aaaaffff.00000000.00009000.0"));
    });
}

#[test]
fn a_v1_task_that_changes_after_it_was_converted_is_never_passed_over() {
    on_both_with("seed", |place, _, fixture| {
        let name = &fixture.expected[0].v1_name;
        let at = format!("Compaction/Scheduler/{name}");
        let inner = Arc::clone(&place.storage);
        let mut other = v1_task("xcloud24_9876", 0, 1_617_693_156_000, StateV1::Init, ("sales", "eu"));
        other.table_name.push_str("_and_more");
        let changed = Meddling::new(
            Arc::clone(&place.storage),
            |change| change.path().name().starts_with("Part."),
            move || replace(&*inner, &at, &v1_bytes(&other)),
        );
        let failure = run(&place.builder_on(Arc::new(changed)).open().unwrap(), Operation::Upgrade).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::NewV1Tasks);
        assert!(failure.error.message().contains(&format!("{name} is new or changed")), "{}", failure.error);
        assert!(!exists(&*place.storage, "Compaction_V2/TaskUpgrade.done"));
        let report = place.upgrade().unwrap();
        assert_eq!((report.counts.converted, report.counts.skipped), (1, 3), "it is taken up again");
        let info = bytes(&*place.storage, "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0/TaskInfo.pc1.sales");
        let task = DefaultCodec.decode_v2(&info).unwrap();
        assert!(task.table_name.ends_with("_and_more"), "{}", task.table_name);
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        assert_eq!(place.run_with(Operation::Status, verify).unwrap().verified, 4);
        place.delete().unwrap();
    });
}

#[test]
fn v1_tasks_after_the_end_are_an_error_of_their_own_that_names_them() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let new = v1(&*place.storage, "late", 0, 9, StateV1::Done, ("sales", "eu"));
        let old = "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000";
        crate::support::v1_files::rename(&*place.storage, old, &format!("{old}.Assigned"));
        let failure = place.unchanged_by(|| place.upgrade().unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::NewV1Tasks);
        assert!(failure.error.message().contains(&new) && failure.error.message().contains("1617693156000.Assigned"));
        let report = place.status().unwrap();
        let seen: Vec<_> = report.rows.iter().map(|row| (row.v1_name.as_str(), row.outcome)).collect();
        assert_eq!(
            seen,
            [
                ("compct.late.0.9.Done", Outcome::New),
                ("compct.xcloud24_9876.0.1617693156000.Assigned", Outcome::Failed)
            ]
        );
        let counts = report.counts;
        assert_eq!((counts.total, counts.skipped, counts.left, counts.failed), (5, 3, 1, 1));
        assert!(report.next_action.contains("put the files that changed back"), "{}", report.next_action);
        assert!(report.next_action.ends_with("UPGRADE with reopen takes in those that are new"));
        for operation in [Operation::Upgrade, Operation::Delete] {
            assert_eq!(choice(&report, operation), "refused now: V1 files that changed after they were upgraded: 1");
        }
        crate::support::v1_files::rename(&*place.storage, &format!("{old}.Assigned"), old);
        let report = place.status().unwrap();
        assert_eq!((report.counts.left, report.counts.failed), (1, 0));
        assert!(report.next_action.contains("reopen takes in those that are new"), "{}", report.next_action);
    });
}

/// The cost law: one file with bytes and one read a task, all else empty names, and nothing is probed name by name.
#[test]
fn a_task_takes_at_most_ten_calls() {
    const TASKS: u64 = 500;
    let tree = MemoryStorage::new();
    for seq in 0..TASKS {
        v1(&tree, "p", i32::try_from(seq).unwrap(), 1_700_000_000_000, StateV1::Init, ("sales", "any"));
    }
    let recording = Recording::new(Arc::new(tree.clone()));
    let session =
        builder(Arc::new(recording.clone()), crate::support::sessions::OneLock::default(), CATALOG).open().unwrap();
    run(&session, Operation::Upgrade).unwrap();
    let calls = recording.calls();
    let hundredths = calls.total() * 100 / TASKS;
    println!(
        "{TASKS} tasks: {calls:?}, {} calls in all, {}.{:02} a task",
        calls.total(),
        hundredths / 100,
        hundredths % 100
    );
    assert!(calls.total() <= TASKS * 10, "{calls:?}");
    assert!(calls.reads <= TASKS + 5 && calls.stats <= 30 && calls.lists <= 20, "{calls:?}");
    let with_bytes = |change: &&Change| matches!(change, Change::Create { bytes, .. } if !bytes.is_empty());
    assert!(recording.done().iter().filter(with_bytes).count() as u64 <= TASKS + 4);
}
