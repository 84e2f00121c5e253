//! RECOVERY by `downgrade` and by `downgrade_old`: what becomes of every task.

use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2, TaskV1};
use comptask_upgrade::tree::Change;
use comptask_upgrade::{Operation, Outcome, Phase, RecoveryMode, Report};
use RecoveryMode::{Downgrade, DowngradeOld};

use crate::support::places::{on_both, on_both_with, Place};
use crate::support::recording::Recording;
use crate::support::trees::CATALOG;
use crate::support::v1_files::{
    exists, file, folder, names, remove, rename, replace, v1, v1_name, v1_task, v2, v2_task,
};
use crate::support::ways_back::{
    born, by, by_force, clear, edit, only_v1, recover, refused, set_status, starts, v1_tasks, v1_tree, Dated,
};

const PU: &str = "xcloud24_9876";
const EU: (&str, &str) = ("sales", "eu");
/// The seed's tasks in their order: Init, Assigned, Cancel, Done.
const TIMES: [u64; 4] = [1_617_693_156_000, 1_617_606_756_000, 1_614_928_356_000, 1_583_392_356_000];
const IDS: [&str; 4] = [
    "aaaaffff.16176931.56000000.0",
    "aaaaffff.16176067.56000000.0",
    "aaaaffff.16149283.56000000.0",
    "aaaaffff.15833923.56000000.0",
];

/// The V1 tasks that must be there, by their names, whatever their order.
fn v1_is(place: &Place, expected: &[TaskV1]) {
    let named = |task: &TaskV1| {
        let id = &task.task_id;
        (v1_name(&id.receive_pu, id.sequence_no, id.receive_ts, task.state), task.clone())
    };
    let mut expected: Vec<(String, TaskV1)> = expected.iter().map(named).collect();
    expected.sort_by(|left, right| left.0.cmp(&right.0));
    let there = v1_tasks(&*place.storage);
    assert_eq!(there, expected);
    only_v1(place, &v1_tree(place));
}

/// A task of the seed in another state.
fn seed_task(place: usize, state: StateV1) -> TaskV1 {
    v1_task(PU, 0, TIMES[place], state, EU)
}

fn row<'r>(report: &'r Report, id: &str) -> &'r comptask_upgrade::Row {
    report.rows.iter().find(|row| row.v2_id == id).unwrap_or_else(|| panic!("no row of {id}: {:#?}", report.rows))
}

#[test]
fn tasks_get_their_names_back_with_the_state_they_have_now() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        place.upgrade().unwrap();
        starts(storage, PU);
        // Only the Status moves on with the first: where it and the state inside differ, the Status is right.
        set_status(storage, IDS[0], StateV2::Running);
        set_status(storage, IDS[1], StateV2::Done);
        edit(storage, IDS[1], |task| (task.state, task.result_info.success_count) = (StateV2::Done, 77));
        let sub_tasks = names(storage, &format!("Compaction/TaskAssigned/{PU}"));
        let recording = Recording::new(Arc::clone(&place.storage));
        let session = place.builder_on(Arc::new(recording.clone())).open().unwrap();
        let report = session.run(Operation::Recovery, &by(Downgrade), None).unwrap();
        assert_eq!((report.phase, report.recovery_mode), (Phase::NotStarted, Some(Downgrade)));
        assert_eq!((report.v1_states, report.v2_tasks), ([1, 0, 1, 2], 0), "what is there now");
        let mut done = seed_task(1, StateV1::Done);
        done.result_info.success_count = 77;
        let kept = [seed_task(0, StateV1::Init), seed_task(2, StateV1::Cancel), seed_task(3, StateV1::Done)];
        v1_is(place, &[kept.as_slice(), &[done]].concat());
        assert_eq!(names(storage, &format!("Compaction/TaskAssigned/{PU}")), sub_tasks, "sub-tasks are V1's own");
        assert_eq!((report.counts.total, report.counts.converted, report.counts.skipped), (4, 1, 3));
        assert_eq!(row(&report, IDS[0]).outcome, Outcome::Kept);
        assert_eq!(row(&report, IDS[1]).outcome, Outcome::Downgraded);
        // What V1 holds already is not written again.
        let touched: Vec<String> = recording
            .done()
            .iter()
            .flat_map(|change| match change {
                Change::Rename { from, to } => vec![from.to_string(), to.to_string()],
                other => vec![other.path().to_string()],
            })
            .filter(|path| path.starts_with("Compaction/Scheduler/"))
            .collect();
        let base = format!("Compaction/Scheduler/compct.{PU}.0.{}", TIMES[1]);
        assert_eq!(touched, [format!("{base}.Assigned"), format!("{base}.Done")]);
    });
}

#[test]
fn a_task_that_was_handed_out_in_v1_waits_again_and_leaves_no_twin() {
    on_both_with("sub-tasks", |place, _, _| {
        place.upgrade().unwrap();
        starts(&*place.storage, PU);
        recover(place, Downgrade).unwrap();
        let task = |pu: &str, ts| v1_task(pu, 0, ts, StateV1::Init, ("sales", if pu == "p1" { "eu" } else { "any" }));
        v1_is(place, &[task("p1", 1_600_000_000_001), task("p2", 1_600_000_000_002)]);
    });
}

#[test]
fn tasks_of_several_pus_with_one_time_get_their_own_names_back() {
    on_both_with("colliding", |place, _, _| {
        place.upgrade().unwrap();
        place.delete().unwrap();
        recover(place, Downgrade).unwrap();
        let names: Vec<String> = v1_tasks(&*place.storage).into_iter().map(|(name, _)| name).collect();
        let at = |pu: &str, seq: i32, state| v1_name(pu, seq, 1_700_000_000_123, state);
        let expected = [
            at("a", 5, StateV1::Init),
            at("a", 6, StateV1::Init),
            at("a.b", 5, StateV1::Done),
            at("a1", 5, StateV1::Init),
        ];
        assert_eq!(names, expected);
    });
}

#[test]
fn tasks_born_in_v2_take_the_first_free_millisecond_and_what_v1_cannot_hold_is_named() {
    on_both_with("seed", |place, _, _| {
        const T: u64 = 1_700_000_000_000;
        let storage = &*place.storage;
        place.upgrade().unwrap();
        starts(storage, PU);
        let late = v1(storage, "late", 3, T, StateV1::Done, EU);
        let born = [
            ("b1", 7, "p", StateV2::Init, T),
            ("b2", 7, "p", StateV2::Running, T),
            ("b3", 7, "p", StateV2::Cancel, T + 1),
            ("b4", 3, "late", StateV2::Done, T),
            ("b5", 0, PU, StateV2::Init, TIMES[0]),
            // Nothing stands in the way of another number.
            ("b6", 8, "p", StateV2::Init, T),
        ]
        .map(|(query_id, seq, pu, state, at)| {
            (format!("{query_id}.{seq}"), born(storage, query_id, seq, pu, state), at)
        });
        let times: Vec<(&str, i64)> =
            born.iter().map(|(id, _, at)| (id.as_str(), i64::try_from(*at).unwrap())).collect();
        let session = place.builder_on(Dated::infos(&place.storage, &times)).open().unwrap();
        let report = session.run(Operation::Recovery, &by(Downgrade), None).unwrap();
        let became = [T, T + 1, T + 2, T + 1, TIMES[0] + 1, T];
        let mut expected = vec![v1_task("late", 3, T, StateV1::Done, EU)];
        expected.extend([
            seed_task(0, StateV1::Init),
            seed_task(1, StateV1::Init),
            seed_task(2, StateV1::Cancel),
            seed_task(3, StateV1::Done),
        ]);
        for ((id, task, _), ts) in born.iter().zip(became) {
            let mut task = task.clone();
            task.task_id.receive_ts = ts;
            let row = row(&report, id);
            assert_eq!((row.outcome, row.v1_state), (Outcome::Downgraded, Some(task.state)));
            for dropped in ["sync_task_flag=true", "memo.compact_filesize_threshold=67108864"] {
                assert!(row.detail.contains(dropped), "{}", row.detail);
            }
            for dropped in ["memo.compact_group_num=3", "pc_name=pc1", "executenode=xcloud24_9876"] {
                assert!(row.detail.contains(dropped), "{}", row.detail);
            }
            assert_eq!(row.v1_name, v1_name(&task.task_id.receive_pu, task.task_id.sequence_no, ts, task.state));
            expected.push(task);
        }
        v1_is(place, &expected);
        for warning in [
            "V1 cannot hold the memo of 6 tasks",
            "V1 cannot hold the sync flag of 6 tasks",
            "V1 cannot hold PC and node of 10 tasks",
        ] {
            assert!(report.warnings.iter().any(|text| text.contains(warning)), "{:?}", report.warnings);
        }
        assert!(exists(storage, &format!("Compaction/Scheduler/{late}")));
    });
}

#[test]
fn what_v2_finished_and_cleared_becomes_done_so_that_it_does_not_run_twice() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        place.upgrade().unwrap();
        for id in IDS {
            clear(storage, id);
        }
        let gone = "V2 holds it no more, and no node has recorded a start";
        let failure = refused(place, by(Downgrade), &[gone; 4]);
        assert!(failure.error.message().contains(IDS[3]), "{}", failure.error);
        assert!(failure.error.next_action().contains("`downgrade` with force"));
        let done = |place: &Place| {
            let names: Vec<String> = v1_tasks(&*place.storage).into_iter().map(|(name, _)| name).collect();
            let name = |task: usize, state| v1_name(PU, 0, TIMES[task], state);
            let (cancel, is_done) = (StateV1::Cancel, StateV1::Done);
            assert_eq!(names, [name(3, is_done), name(2, cancel), name(1, is_done), name(0, is_done)]);
            only_v1(place, &v1_tree(place));
        };
        starts(storage, PU);
        let report = recover(place, Downgrade).unwrap();
        done(place);
        assert_eq!((report.counts.total, report.counts.converted), (2, 2), "two became Done, two said so already");
        assert!(row(&report, IDS[1]).detail.contains("V2 finished and cleared it"));
    });
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        clear(&*place.storage, IDS[0]);
        let report = place.run_with(Operation::Recovery, by_force(Downgrade)).unwrap();
        assert!(report.warnings.iter().any(|text| text.contains("by force") && text.contains(IDS[0])));
        assert!(exists(&*place.storage, &format!("Compaction/Scheduler/compct.{PU}.0.{}.Done", TIMES[0])));
    });
}

/// Everything is rebuilt of V2, field by field, where the old files are gone or half gone.
#[test]
fn after_a_delete_or_in_the_middle_of_one_v1_is_built_anew() {
    type Gone = fn(&Place);
    let ways: [(Phase, Gone); 4] = [
        (Phase::V2Only, |place| drop(place.delete().unwrap())),
        (Phase::Deleting, |place| {
            rename(&*place.storage, "Compaction", "Compaction.deleting");
            remove(&*place.storage, "Compaction.deleting/TaskAssigned");
            remove(&*place.storage, &format!("Compaction.deleting/Scheduler/compct.{PU}.0.{}", TIMES[0]));
        }),
        (Phase::Deleting, |place| remove(&*place.storage, "Compaction")),
        (Phase::Deleting, |place| {
            rename(&*place.storage, "Compaction", "Compaction.deleting");
            remove(&*place.storage, "Compaction_V2/TaskUpgrade.done");
        }),
    ];
    for (phase, gone) in ways {
        on_both_with("seed", |place, _, _| {
            place.upgrade().unwrap();
            gone(place);
            set_status(&*place.storage, IDS[0], StateV2::Running);
            assert_eq!(place.status().unwrap().phase, phase);
            let report = recover(place, Downgrade).unwrap();
            assert_eq!((report.phase, report.counts.converted), (Phase::NotStarted, 4));
            let states = [StateV1::Init, StateV1::Init, StateV1::Cancel, StateV1::Done];
            let expected: Vec<TaskV1> = (0..4).map(|task| seed_task(task, states[task])).collect();
            v1_is(place, &expected);
            place.upgrade().unwrap();
            let mut ids = IDS;
            ids.sort_unstable();
            assert_eq!(names(&*place.storage, "Compaction_V2/Scheduler"), ids);
        });
    }
}

#[test]
fn until_the_upgrade_is_complete_v1_is_the_truth() {
    on_both_with("half-way", |place, checker, _| {
        let v1 = v1_tree(place);
        for mode in [Downgrade, DowngradeOld] {
            let report = place.unchanged_by(|| {
                let plan = comptask_upgrade::RunOptions { plan: true, ..by(mode) };
                place.run_with(Operation::Recovery, plan).unwrap()
            });
            assert!(!report.headline.contains("refused"), "{} {:?}", report.headline, report.warnings);
        }
        recover(place, Downgrade).unwrap();
        only_v1(place, &v1);
        place.upgrade().unwrap();
        checker.upgraded(&place.image()).unwrap();
    });
    on_both_with("half-way", |place, _, _| {
        let v1 = v1_tree(place);
        recover(place, DowngradeOld).unwrap();
        only_v1(place, &v1);
    });
}

#[test]
fn a_task_that_is_not_whole_or_has_no_v1_name_is_left_out_by_force_only_and_listed() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        place.upgrade().unwrap();
        starts(storage, PU);
        remove(storage, &format!("Compaction_V2/Scheduler/{}/Status.Init", IDS[0]));
        set_status(storage, IDS[1], StateV2::Done);
        let nameless = v2_task(&v1_task("a/b", 4, 5, StateV1::Init, EU), "b1", StateV2::Init, "pc1", PU);
        v2(storage, "b1.4", "TaskInfo.pc1.sales", &nameless);
        folder(storage, "Compaction_V2/Scheduler/b2.0");
        replace(storage, &format!("Compaction_V2/Scheduler/{}/TaskInfo.pc1.sales", IDS[3]), b"CTK2 torn");
        let reasons =
            [&format!("{}: it is not whole", IDS[0]), "b1.4: no V1 name can be made", "b2.0: it is not whole", IDS[3]];
        let failure = refused(place, by(Downgrade), &reasons);
        assert!(failure.error.message().contains("(needs force)"), "{}", failure.error);
        let report = place.run_with(Operation::Recovery, by_force(Downgrade)).unwrap();
        for id in [IDS[0], IDS[3], "b1.4", "b2.0"] {
            assert_eq!(row(&report, id).outcome, Outcome::Lost, "{id}");
            assert!(report.summary().contains(&format!("  task      {id}: lost: ")), "{}", report.summary());
        }
        assert_eq!((report.counts.total, report.counts.left), (6, 4));
        // The old files of those that cannot be carried stay what they were.
        let states = [StateV1::Init, StateV1::Done, StateV1::Cancel, StateV1::Done];
        let expected: Vec<TaskV1> = (0..4).map(|task| seed_task(task, states[task])).collect();
        v1_is(place, &expected);
    });
}

#[test]
fn downgrade_old_uses_the_old_files_and_names_what_is_lost() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        let v1 = v1_tree(place);
        place.upgrade().unwrap();
        starts(storage, PU);
        set_status(storage, IDS[0], StateV2::Running);
        edit(storage, IDS[2], |task| task.memo.compact_group_num = 9);
        clear(storage, IDS[1]);
        born(storage, "b1", 4, "p", StateV2::Init);
        let reasons = [
            &format!("{}: it is Running now (needs force)", IDS[0]),
            &format!("{}: V2 holds it no more: it was finished and cleared there (needs force)", IDS[1]),
            &format!("{}: its TaskInfo changed (needs force)", IDS[2]),
            "b1.4: no upgrade that the tree knows made it (needs force)",
        ];
        let failure = refused(place, by(DowngradeOld), &reasons.map(|text| text));
        assert!(failure.error.next_action().contains("`downgrade`,"), "{}", failure.error.next_action());
        let report = place.run_with(Operation::Recovery, by_force(DowngradeOld)).unwrap();
        let lost: Vec<&str> =
            report.rows.iter().filter(|row| row.outcome == Outcome::Lost).map(|row| row.v2_id.as_str()).collect();
        let mut expected = [IDS[0], IDS[1], IDS[2], "b1.4"];
        expected.sort_unstable();
        let mut lost = lost;
        lost.sort_unstable();
        assert_eq!(lost, expected);
        assert_eq!(report.phase, Phase::NotStarted);
        only_v1(place, &v1);
    });
    // Nothing is lost where only a node has started.
    on_both_with("seed", |place, _, _| {
        let v1 = v1_tree(place);
        place.upgrade().unwrap();
        starts(&*place.storage, PU);
        let report = recover(place, DowngradeOld).unwrap();
        assert!(report.rows.iter().all(|row| row.outcome != Outcome::Lost));
        only_v1(place, &v1);
    });
    on_both(CATALOG, |place| {
        let name = v1(&*place.storage, "p", 0, 5, StateV1::Init, EU);
        place.upgrade().unwrap();
        remove(&*place.storage, &format!("Compaction/Scheduler/{name}"));
        file(&*place.storage, "Compaction/Scheduler/README", b"");
        let failure = refused(place, by_force(DowngradeOld), &["its V1 file is gone"]);
        assert!(failure.error.next_action().contains("`downgrade`,"));
    });
}
