//! Courses that are rare and must lose nothing: ids that look alike, a node that starts between two runs, folders that are
//! away, blocks that are missing, clocks that are wrong.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{
    Error, ErrorKind, Liveness, MemoryStorage, Operation, Outcome, Phase, RecoveryMode, Result, RunOptions, Storage,
};

use crate::support::faults::{Call, Fault, FaultStorage};
use crate::support::meddling::{CannotRead, Meddling};
use crate::support::places::{on_both, Place};
use crate::support::sessions::{builder, OneLock};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{
    exists, file, folder, names, remove, rename, replace, v1, v1_bytes, v1_name, v1_task, v2, v2_task,
};
use crate::support::ways_back::{
    born, by, by_force, clear, recover, recovery_begun, set_status, starts, v1_tasks, v2_record,
};

const SOLO: (&str, &str) = ("sales", "solo");
const TS: u64 = 1_700_000_000_123;

fn online() -> RunOptions {
    RunOptions { online: true, ..RunOptions::default() }
}

fn path(seq: i32, state: StateV1) -> String {
    format!("Compaction/Scheduler/{}", v1_name("p", seq, TS, state))
}

fn id(seq: i32) -> String {
    format!("aaaaffff.17000000.00123000.{seq}")
}

/// So many waiting tasks of one PU and one time.
fn waiting(storage: &dyn Storage, count: i32) {
    for seq in 0..count {
        v1(storage, "p", seq, TS, StateV1::Init, SOLO);
    }
}

/// A task born in V2 whose id looks like one that an upgrade gives, with the V1 base of the first task.
fn look_alike(storage: &dyn Storage, ordinal: u32) -> String {
    let query_id = format!("aaaaffff.17000000.00123{ordinal:03}");
    let mut task = v2_task(&v1_task("p", 0, 5, StateV1::Init, SOLO), &query_id, StateV2::Init, "solo", "solo_1");
    task.table_name = format!("table_of_{ordinal}");
    v2(storage, &format!("{query_id}.0"), "TaskInfo.solo.sales", &task);
    task.table_name
}

fn tables(storage: &dyn Storage) -> Vec<String> {
    let mut tables: Vec<String> = v1_tasks(storage).into_iter().map(|(_, task)| task.table_name).collect();
    tables.sort();
    tables
}

#[test]
fn v2_tasks_whose_ids_say_the_same_v1_name_all_come_back() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 1);
        place.upgrade().unwrap();
        starts(storage, "n1");
        let born = [look_alike(storage, 1), look_alike(storage, 2)];
        recover(place, RecoveryMode::Downgrade).unwrap();
        let mut wanted = vec!["table_p_0".to_owned()];
        wanted.extend(born);
        wanted.sort();
        assert_eq!(tables(storage), wanted);
    });
}

#[test]
fn a_look_alike_of_a_task_that_v2_has_finished_is_not_taken_for_it() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 1);
        place.upgrade().unwrap();
        starts(storage, "n1");
        clear(storage, &id(0));
        let born = look_alike(storage, 1);
        recover(place, RecoveryMode::Downgrade).unwrap();
        let tasks = v1_tasks(storage);
        assert!(tasks.iter().any(|(name, _)| *name == v1_name("p", 0, TS, StateV1::Done)), "{tasks:?}");
        let its = tasks.iter().find(|(_, task)| task.table_name == born).unwrap();
        assert_eq!(its.1.state, StateV1::Init, "it has not run yet");
    });
}

/// The first look finds no node; the second is where the process ends.
struct EndsAtTheSecondLook(AtomicU64);

impl Liveness for EndsAtTheSecondLook {
    fn online_nodes(&self) -> Result<Vec<String>> {
        assert!(self.0.fetch_add(1, Ordering::Relaxed) == 0, "the process ends here");
        Ok(Vec::new())
    }
}

#[test]
fn a_node_that_started_as_a_recovery_was_killed_is_seen_by_the_next_run() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 1);
        place.upgrade().unwrap();
        let inner = Arc::clone(&place.storage);
        let begins = |change: &Change| matches!(change, Change::Rename { to, .. } if to.name() == "Taskrecovery");
        let node = Meddling::new(Arc::clone(&place.storage), begins, move || {
            let session = builder(Arc::clone(&inner), OneLock::default(), CATALOG).open().unwrap();
            session.node_gate("n1").unwrap();
            set_status(&*inner, &id(0), StateV2::Done);
        });
        let liveness = EndsAtTheSecondLook(AtomicU64::new(0));
        let session = place.builder_on(Arc::new(node)).liveness(liveness).open().unwrap();
        let run = || session.run(Operation::Recovery, &by(RecoveryMode::Cancel), None);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
        drop(session);
        assert_eq!(place.status().unwrap().phase, Phase::Recovering);
        let failure = recover(place, RecoveryMode::Auto).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::Refused);
        assert!(failure.error.message().contains("node n1 has started"), "{}", failure.error);
        assert_eq!(place.status().unwrap().phase, Phase::Upgraded, "nothing stands in the way of another mode");
        recover(place, RecoveryMode::Downgrade).unwrap();
        assert_eq!(names(storage, "Compaction/Scheduler"), [v1_name("p", 0, TS, StateV1::Done)]);
    });
}

/// Killed at any change of an online run, V1 then finishes a task: whatever comes next, it runs in neither tree.
#[test]
fn a_task_that_v1_finishes_after_an_online_run_was_killed_never_runs_again() {
    let start = MemoryStorage::new();
    waiting(&start, 4);
    let run = |storage: &FaultStorage| {
        let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
        session.run(Operation::Upgrade, &online(), None)
    };
    let quiet = FaultStorage::new(&start.copy(), None, 1);
    run(&quiet).unwrap();
    let mut schedules = 0;
    for (at, call) in (1..).zip(quiet.calls()).filter(|(_, call)| *call != Call::Look) {
        for fault in [Fault::CrashAfter, Fault::Torn].into_iter().filter(|fault| fault.applies_to(call)) {
            let tree = start.copy();
            run(&FaultStorage::new(&tree, Some((at, fault)), at)).unwrap_err();
            if exists(&tree, "Compaction_V2/TaskUpgrade.done") {
                continue;
            }
            remove(&tree, &path(0, StateV1::Init));
            for mode in [None, Some(RecoveryMode::Downgrade), Some(RecoveryMode::Cancel)] {
                let place = Place { storage: Arc::new(tree.copy()), ..Place::in_memory(CATALOG) };
                let answer = mode.map_or_else(|| place.upgrade(), |mode| recover(&place, mode));
                let what = format!("{fault:?} at {at}, then {mode:?}");
                answer.unwrap_or_else(|failure| panic!("{what}: {}", failure.error));
                let storage = &*place.storage;
                assert!(!exists(storage, &path(0, StateV1::Init)), "{what}: it is in V1 again");
                assert!(!exists(storage, &format!("Compaction_V2/Scheduler/{}", id(0))), "{what}: it is in V2");
                schedules += 1;
            }
        }
    }
    println!("{schedules} schedules");
    assert!(schedules > 90, "{schedules}");
}

#[test]
fn what_v1_clears_counts_as_finished_whichever_run_converted_it() {
    for next in ["upgrade", "downgrade", "cancel"] {
        on_both(CATALOG, |place| {
            let storage = &*place.storage;
            waiting(storage, 3);
            file(storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
            place.upgrade().unwrap_err();
            place.run_with(Operation::Upgrade, online()).unwrap_err();
            remove(storage, &path(1, StateV1::Init));
            remove(storage, "Compaction/Scheduler/compct.torn.0.5");
            match next {
                "upgrade" => place.upgrade().unwrap(),
                "cancel" => recover(place, RecoveryMode::Cancel).unwrap(),
                _ => recover(place, RecoveryMode::Downgrade).unwrap(),
            };
            assert_eq!(names(storage, "Compaction/Scheduler").len(), 2, "{next}");
            assert!(!exists(storage, &format!("Compaction_V2/Scheduler/{}", id(1))), "{next}");
        });
    }
}

#[test]
fn a_v1_folder_that_is_away_is_damage_and_no_word_that_all_is_finished() {
    for later in [false, true] {
        on_both(CATALOG, |place| {
            let storage = &*place.storage;
            waiting(storage, 3);
            let failure = if later {
                file(storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
                place.run_with(Operation::Upgrade, online()).unwrap_err();
                rename(storage, "Compaction/Scheduler", "Compaction/Scheduler.away");
                place.upgrade().unwrap_err()
            } else {
                let inner = Arc::clone(&place.storage);
                let marks =
                    |change: &Change| matches!(change, Change::Rename { to, .. } if to.name().ends_with(".upgrade"));
                let away = move || rename(&*inner, "Compaction/Scheduler", "Compaction/Scheduler.away");
                let meddling = Meddling::new(Arc::clone(&place.storage), marks, away);
                let session = place.builder_on(Arc::new(meddling)).open().unwrap();
                session.run(Operation::Upgrade, &online(), None).unwrap_err()
            };
            assert_eq!(failure.error.kind(), ErrorKind::Damaged, "{}", failure.error);
            assert_eq!(names(storage, "Compaction_V2/Scheduler").len(), 3, "V2 keeps what was converted");
            rename(storage, "Compaction/Scheduler.away", "Compaction/Scheduler");
            if later {
                remove(storage, "Compaction/Scheduler/compct.torn.0.5");
            }
            assert_eq!(place.upgrade().unwrap().counts.total, 3);
        });
    }
}

#[test]
fn one_file_that_cannot_be_read_leaves_a_way_back() {
    let (in_v1, in_v2) = ("Compaction/Scheduler/compct.p.1.", "Compaction_V2/Scheduler/aaaaffff.17000000.00123000.1/");
    for (bad, mode) in [
        (in_v1, RecoveryMode::Downgrade),
        (in_v1, RecoveryMode::DowngradeOld),
        (in_v2, RecoveryMode::Downgrade),
        (in_v2, RecoveryMode::DowngradeOld),
    ] {
        on_both(CATALOG, |place| {
            let storage = &*place.storage;
            waiting(storage, 3);
            place.upgrade().unwrap();
            starts(storage, "n1");
            let error = || Error::new(ErrorKind::Storage, "the block is missing");
            let missing = CannotRead { inner: Arc::clone(&place.storage), path_begin: bad, error };
            let session = place.builder_on(Arc::new(missing)).open().unwrap();
            let failure = place.unchanged_by(|| session.run(Operation::Recovery, &by(mode), None).unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::Refused, "{}", failure.error);
            assert!(failure.error.message().contains("the block is missing"), "{}", failure.error);
            session.run(Operation::Recovery, &by_force(mode), None).unwrap();
            assert_eq!(names(storage, "Compaction/Scheduler").len(), 3);
        });
    }
}

#[test]
fn a_task_that_neither_tree_holds_needs_force() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 2);
        file(storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        place.upgrade().unwrap_err();
        remove(storage, &path(1, StateV1::Init));
        clear(storage, &id(1));
        let failure = place.unchanged_by(|| recover(place, RecoveryMode::Downgrade).unwrap_err());
        assert!(failure.error.message().contains("neither tree holds it any more (needs force)"), "{}", failure.error);
        place.run_with(Operation::Recovery, by_force(RecoveryMode::Downgrade)).unwrap();
    });
}

#[test]
fn v2_tasks_that_are_away_with_their_folder_are_not_left_behind() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 2);
        file(storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        place.upgrade().unwrap_err();
        for seq in 0..2 {
            remove(storage, &path(seq, StateV1::Init));
        }
        rename(storage, "Compaction_V2/Scheduler", "Compaction_V2/away");
        place.unchanged_by(|| recover(place, RecoveryMode::Downgrade).unwrap_err());
        rename(storage, "Compaction_V2/away", "Compaction_V2/Scheduler");
        recover(place, RecoveryMode::Downgrade).unwrap();
        assert_eq!(names(storage, "Compaction/Scheduler").len(), 3);
    });
}

#[test]
fn a_v2_task_that_vanishes_in_a_downgrade_is_not_taken_for_finished() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 2);
        place.upgrade().unwrap();
        recovery_begun(storage, Some(RecoveryMode::Downgrade));
        clear(storage, &id(1));
        for _ in 0..2 {
            let failure = recover(place, RecoveryMode::Downgrade).unwrap_err();
            assert_eq!(failure.error.kind(), ErrorKind::TasksFailed, "{}", failure.error);
            assert!(failure
                .report
                .unwrap()
                .rows
                .iter()
                .any(|row| row.outcome == Outcome::Failed && row.v2_id == id(1)));
        }
        let report = place.run_with(Operation::Recovery, by_force(RecoveryMode::Downgrade)).unwrap();
        assert!(report.rows.iter().any(|row| row.outcome == Outcome::Lost && row.v2_id == id(1)));
        let wanted = [v1_name("p", 0, TS, StateV1::Init), v1_name("p", 1, TS, StateV1::Init)];
        assert_eq!(names(storage, "Compaction/Scheduler"), wanted, "its V1 file stays as it is");
    });
}

#[test]
fn a_v1_file_in_a_second_state_is_not_replaced_unasked() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 1);
        place.upgrade().unwrap();
        starts(storage, "n1");
        v1(storage, "p", 0, TS, StateV1::Done, SOLO);
        let failure = place.unchanged_by(|| recover(place, RecoveryMode::Downgrade).unwrap_err());
        assert!(failure.error.message().contains("in several states"), "{}", failure.error);
    });
}

#[test]
fn a_taskrecovery_without_a_direction_is_nobodys_order_to_go_back() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 1);
        place.upgrade().unwrap();
        folder(storage, "Compaction_V2/Taskrecovery");
        let next = place.status().unwrap().next_action;
        assert!(next.contains("nothing has been done") && next.contains("remove Compaction_V2/Taskrecovery"), "{next}");
        file(storage, "Compaction_V2/Taskrecovery/notes.txt", b"mine");
        let failure = place.unchanged_by(|| recover(place, RecoveryMode::Auto).unwrap_err());
        assert!(failure.error.message().contains("notes.txt"), "{}", failure.error);
        place.run_with(Operation::Recovery, by_force(RecoveryMode::Auto)).unwrap();
    });
}

#[test]
fn start_records_are_shown_wherever_they_are() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        waiting(storage, 1);
        place.upgrade().unwrap();
        starts(storage, "n1");
        recovery_begun(storage, Some(RecoveryMode::Downgrade));
        assert_eq!(place.status().unwrap().started_nodes, ["n1"]);
        remove(storage, "Compaction_V2/Taskrecovery");
        rename(storage, "Compaction", "Compaction.deleting");
        assert_eq!(place.status().unwrap().started_nodes, ["n1"]);
    });
}

/// A storage whose clock is not the host's.
struct Shifted(Arc<dyn Storage>, fn(i64) -> i64);

impl Storage for Shifted {
    fn describe(&self) -> String {
        self.0.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.0.list(folder, &mut |mut entry| -> ControlFlow<()> {
            entry.stat.mtime_ms = (self.1)(entry.stat.mtime_ms);
            sink(entry)
        })
    }
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.0.stat_batch(paths, in_flight)
    }
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.0.read_batch(paths, limit_bytes, in_flight)
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        self.0.change_batch(changes, flow)
    }
}

#[test]
fn a_change_that_is_seen_counts_whatever_the_clock_of_the_storage_says() {
    let place = Place::in_memory(CATALOG);
    waiting(&*place.storage, 3);
    let inner = Arc::clone(&place.storage);
    let behind: Arc<dyn Storage> = Arc::new(Shifted(Arc::clone(&place.storage), |time| time - 3_600_000));
    let marks = |change: &Change| matches!(change, Change::Rename { to, .. } if to.name().ends_with(".upgrade"));
    let meddling = Meddling::new(behind, marks, move || {
        // Another time than that of the file before, whatever the resolution of the clock.
        std::thread::sleep(std::time::Duration::from_millis(20));
        let mut task = v1_task("p", 1, TS, StateV1::Init, SOLO);
        task.result_info.success_count += 1_000;
        replace(&*inner, &path(1, StateV1::Init), &v1_bytes(&task));
    });
    place.builder_on(Arc::new(meddling)).open().unwrap().run(Operation::Upgrade, &online(), None).unwrap();
    let wanted = v1_tasks(&*place.storage)[1].1.result_info;
    assert_eq!(v2_record(&*place.storage, &id(1)).result_info, wanted);
}

/// On a storage that tells no times every born task asks for the same name.
#[test]
fn names_for_many_tasks_of_one_time_are_found_in_one_walk() {
    const TASKS: u64 = 6_000;
    let place = Place::in_memory(CATALOG);
    let storage = &*place.storage;
    waiting(storage, 1);
    place.upgrade().unwrap();
    starts(storage, "n1");
    for number in 0..TASKS {
        born(storage, &format!("b{number:06}"), 0, "p", StateV2::Init);
    }
    let timeless: Arc<dyn Storage> = Arc::new(Shifted(Arc::clone(&place.storage), |_| 0));
    let session = place.builder_on(timeless).open().unwrap();
    let report = session.run(Operation::Recovery, &by(RecoveryMode::Downgrade), None).unwrap();
    assert_eq!(report.counts.converted, TASKS);
    let names = names(storage, "Compaction/Scheduler");
    assert!(names.contains(&format!("compct.p.0.{}", TASKS - 1)), "they follow each other");
}
