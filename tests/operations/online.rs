//! UPGRADE inside a running node: nodes are up, and V1 may still move while it runs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{
    Counts, ErrorKind, MemoryStorage, Operation, Outcome, Phase, RecoveryMode, Report, Result, RunOptions, Storage,
};

use crate::support::faults::{Call, Fault, FaultStorage};
use crate::support::meddling::{Meddling, Up};
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::sessions::builder;
use crate::support::trees::CATALOG;
use crate::support::v1_files::{bytes, exists, file, names, remove, rename, replace, v1, v1_bytes, v1_name, v1_task};
use crate::support::ways_back::{by, recover, refused, v2_record};

const SOLO: (&str, &str) = ("sales", "solo");
const TS: u64 = 1_700_000_000_123;

fn online() -> RunOptions {
    RunOptions { online: true, ..RunOptions::default() }
}

fn id(seq: i32) -> String {
    format!("aaaaffff.17000000.00123000.{seq}")
}

fn path(seq: i32, state: StateV1) -> String {
    format!("Compaction/Scheduler/{}", v1_name("p", seq, TS, state))
}

/// Three waiting tasks.
fn three(place: &Place) {
    for seq in 0..3 {
        v1(&*place.storage, "p", seq, TS, StateV1::Init, SOLO);
    }
}

fn adds_up(counts: Counts) {
    let Counts { total, converted, skipped, cancelled, failed, left } = counts;
    assert_eq!(total, converted + skipped + cancelled + failed + left, "{counts:?}");
}

/// The manifest's lines: V1 name and V2 state.
fn manifest(storage: &dyn Storage, name: &str) -> (serde_json::Value, Vec<(String, String)>) {
    let text = String::from_utf8(bytes(storage, &format!("Compaction_V2/TaskUpgrade.done/{name}"))).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let tasks = lines[1..lines.len() - 1].iter().map(|line| (word(&line["v1"]), word(&line["state"])));
    (lines[0].clone(), tasks.collect())
}

/// V2 is what V1 is now, task by task: no twin, none too many, none too few; managers for the open ones alone.
fn v2_is_v1(place: &Place, expected: &[(i32, StateV1)]) {
    let storage = &*place.storage;
    let ids: BTreeSet<String> = expected.iter().map(|(seq, _)| id(*seq)).collect();
    assert_eq!(names(storage, "Compaction_V2/Scheduler"), ids.into_iter().collect::<Vec<_>>());
    let mut managers = Vec::new();
    for (seq, state) in expected {
        let v2_state = state.upgraded();
        let folder = format!("Compaction_V2/Scheduler/{}", id(*seq));
        assert_eq!(names(storage, &folder), [format!("Status.{}", v2_state.word()), "TaskInfo.solo.sales".to_owned()]);
        assert_eq!(v2_record(storage, &id(*seq)).state, v2_state);
        assert!(exists(storage, &path(*seq, *state)));
        if v2_state == StateV2::Init {
            managers.push(format!("Manager.{}", id(*seq)));
        }
    }
    managers.sort();
    assert_eq!(names(storage, "Compaction_V2/TaskAssigned/solo_1"), managers);
    let mut v1: Vec<(String, String)> = expected
        .iter()
        .map(|(seq, state)| (v1_name("p", *seq, TS, *state), state.upgraded().word().to_owned()))
        .collect();
    v1.sort();
    assert_eq!(manifest(storage, "Manifest").1, v1);
    for rubbish in ["Taskupgrade", ".staging", "TaskupgradeLock"] {
        assert!(!exists(storage, &format!("Compaction_V2/{rubbish}")), "{rubbish}");
    }
    let verify = RunOptions { verify: true, ..RunOptions::default() };
    assert_eq!(place.run_with(Operation::Status, verify).unwrap().verified, expected.len() as u64);
}

#[test]
fn nodes_that_are_up_do_not_refuse_it_and_the_manifest_says_so() {
    on_both_with("thirty", |place, checker, _| {
        let session = place.builder().liveness(Up(&["xcloud24_9876"])).open().unwrap();
        let report = session.run(Operation::Upgrade, &online(), None).unwrap();
        assert_eq!((report.phase, report.counts.total), (Phase::Upgraded, 30));
        checker.upgraded(&place.image()).unwrap();
        assert_eq!(manifest(&*place.storage, "Manifest").0["online"], true);
        for mode in [RecoveryMode::Cancel, RecoveryMode::Auto] {
            let failure = refused(place, by(mode), &["the upgrade ran inside a running node"]);
            assert!(failure.error.next_action().contains("`downgrade`,"), "{}", failure.error.next_action());
        }
    });
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        assert_eq!(manifest(&*place.storage, "Manifest").0["online"], false);
    });
}

/// Does something to V1 once, just before the first change that fits.
fn run_while(place: &Place, when: When, then: impl FnOnce(&dyn Storage) + Send + 'static) -> Report {
    let inner = Arc::clone(&place.storage);
    let storage = Meddling::new(Arc::clone(&place.storage), when, move || then(&*inner));
    let session = place.builder_on(Arc::new(storage)).open().unwrap();
    let report = session.run(Operation::Upgrade, &online(), None).unwrap_or_else(|failure| panic!("{failure}"));
    adds_up(report.counts);
    assert_eq!((report.phase, report.counts.failed, report.counts.left), (Phase::Upgraded, 0, 0));
    report
}

type When = fn(&Change) -> bool;

/// The moments of a task's conversion, from its first change to the end of the run.
const MOMENTS: [(&str, When); 7] = [
    ("it begins", |change| matches!(change, Change::Rename { to, .. } if to.name() == "Taskupgrade")),
    // V1 is listed and no task is read yet.
    ("a group begins", |change| change.path().name().starts_with("group.")),
    ("marks", |change| change.path().as_str().ends_with(".solo_1")),
    ("managers", |change| change.path().name().starts_with("Manager.")),
    ("main tasks", |change| matches!(change, Change::Rename { to, .. } if to.as_str().contains("_V2/Scheduler/"))),
    ("parts", |change| change.path().name().starts_with("Part.")),
    ("marks done", |change| matches!(change, Change::Rename { to, .. } if to.name().ends_with(".upgrade"))),
];

#[test]
fn tasks_that_appear_are_taken_in() {
    for (moment, when) in MOMENTS {
        on_both(CATALOG, |place| {
            println!("{moment}");
            three(place);
            let report = run_while(place, when, |storage| {
                v1(storage, "p", 7, TS, StateV1::Init, SOLO);
                v1(storage, "p", 8, TS, StateV1::Done, SOLO);
            });
            assert_eq!((report.counts.total, report.counts.converted), (5, 5));
            let init = StateV1::Init;
            v2_is_v1(place, &[(0, init), (1, init), (2, init), (7, init), (8, StateV1::Done)]);
        });
    }
}

#[test]
fn states_that_change_are_taken_over_and_no_twin_is_left() {
    for (moment, when) in MOMENTS {
        on_both(CATALOG, |place| {
            println!("{moment}");
            three(place);
            let report = run_while(place, when, |storage| {
                rename(storage, &path(0, StateV1::Init), &path(0, StateV1::Done));
                rename(storage, &path(1, StateV1::Init), &path(1, StateV1::Cancel));
                rename(storage, &path(2, StateV1::Init), &path(2, StateV1::Assigned));
            });
            assert_eq!((report.counts.total, report.counts.converted), (3, 3));
            v2_is_v1(place, &[(0, StateV1::Done), (1, StateV1::Cancel), (2, StateV1::Assigned)]);
            let rows: BTreeSet<&str> = report.rows.iter().map(|row| row.v1_name.as_str()).collect();
            assert_eq!(rows.len(), report.rows.len(), "a task has one row: {:#?}", report.rows);
            assert!(report.rows.iter().all(|row| row.outcome == Outcome::Converted), "{:#?}", report.rows);
        });
    }
}

#[test]
fn tasks_that_v1_finishes_and_clears_are_not_in_v2() {
    for (moment, when) in MOMENTS {
        on_both(CATALOG, |place| {
            println!("{moment}");
            three(place);
            let report = run_while(place, when, |storage| {
                remove(storage, &path(0, StateV1::Init));
                remove(storage, &path(2, StateV1::Init));
            });
            assert_eq!((report.counts.total, report.counts.converted), (1, 1));
            v2_is_v1(place, &[(1, StateV1::Init)]);
            assert!(report.rows.iter().all(|row| row.v1_name == v1_name("p", 1, TS, StateV1::Init)));
        });
    }
}

#[test]
fn bytes_that_change_are_taken_over() {
    for (moment, when) in MOMENTS {
        on_both(CATALOG, |place| {
            println!("{moment}");
            three(place);
            run_while(place, when, |storage| {
                let mut task = v1_task("p", 1, TS, StateV1::Init, SOLO);
                task.table_name.push_str("_and_more");
                replace(storage, &path(1, StateV1::Init), &v1_bytes(&task));
            });
            let init = StateV1::Init;
            v2_is_v1(place, &[(0, init), (1, init), (2, init)]);
            assert!(v2_record(&*place.storage, &id(1)).table_name.ends_with("_and_more"));
        });
    }
}

/// A V1 that moves once more at each listing.
struct Restless {
    inner: Arc<dyn Storage>,
    listed: AtomicU64,
    until: u64,
}

impl Storage for Restless {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        if folder.as_str() == "Compaction/Scheduler" {
            let time = self.listed.fetch_add(1, Ordering::Relaxed);
            if time < self.until {
                v1(&*self.inner, "p", 0, TS + 1 + time, StateV1::Done, SOLO);
            }
        }
        self.inner.list(folder, sink)
    }
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.inner.stat_batch(paths, in_flight)
    }
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.inner.read_batch(paths, limit_bytes, in_flight)
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        self.inner.change_batch(changes, flow)
    }
}

#[test]
fn a_v1_that_comes_to_rest_is_finished_and_one_that_never_does_is_given_up() {
    on_both(CATALOG, |place| {
        three(place);
        let inner = Arc::clone(&place.storage);
        let storage = Arc::new(Restless { inner, listed: AtomicU64::default(), until: 12 });
        let report = place.builder_on(storage).open().unwrap().run(Operation::Upgrade, &online(), None).unwrap();
        adds_up(report.counts);
        assert_eq!((report.phase, report.counts.total, report.counts.converted), (Phase::Upgraded, 15, 15));
        assert_eq!(manifest(&*place.storage, "Manifest").1.len(), 15);
    });
    let place = Place::in_memory(CATALOG);
    three(&place);
    let inner = Arc::clone(&place.storage);
    let storage = Arc::new(Restless { inner, listed: AtomicU64::default(), until: u64::MAX });
    let session = place.builder_on(Arc::clone(&storage) as Arc<dyn Storage>).open().unwrap();
    let failure = session.run(Operation::Upgrade, &online(), None).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::NewV1Tasks, "{}", failure.error);
    assert!(failure.error.next_action().contains("stop whatever still writes V1 tasks"));
    assert!(storage.listed.load(Ordering::Relaxed) < 1_000, "the rounds are bounded");
    assert_eq!(place.status().unwrap().phase, Phase::Upgrading);
    assert_eq!(place.session().node_gate("n").unwrap(), comptask_upgrade::Gate::DoNotStart);
    // Brought to rest, it ends, also offline.
    let report = place.upgrade().unwrap();
    adds_up(report.counts);
    assert_eq!(report.phase, Phase::Upgraded);
}

#[test]
fn a_task_that_fails_ends_it_with_that_and_one_mended_in_time_does_not() {
    on_both(CATALOG, |place| {
        three(place);
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        let failure = place.run_with(Operation::Upgrade, online()).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
        let report = failure.report.unwrap();
        adds_up(report.counts);
        assert_eq!((report.counts.total, report.counts.failed, report.counts.converted), (4, 1, 3));
        assert_eq!(recover(place, RecoveryMode::Cancel).unwrap().phase, Phase::NotStarted, "it was never complete");
    });
    on_both(CATALOG, |place| {
        three(place);
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        let parts = MOMENTS[5].1;
        let report = run_while(place, parts, |storage| remove(storage, "Compaction/Scheduler/compct.torn.0.5"));
        assert_eq!(report.counts.total, 3);
        let init = StateV1::Init;
        v2_is_v1(place, &[(0, init), (1, init), (2, init)]);
    });
}

/// A task that is converted and then stands in V1 in a second state fails in both, and counts as converted in neither.
#[test]
fn a_task_in_two_states_counts_as_failed_though_it_is_converted() {
    on_both(CATALOG, |place| {
        three(place);
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        place.run_with(Operation::Upgrade, online()).unwrap_err();
        v1(&*place.storage, "p", 1, TS, StateV1::Done, SOLO);
        let failure = place.run_with(Operation::Upgrade, online()).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
        let report = failure.report.unwrap();
        adds_up(report.counts);
        assert_eq!((report.counts.total, report.counts.failed, report.counts.skipped), (5, 3, 2));
        assert!(report.headline.contains("0 tasks upgraded, 2 were before, 3 failed, 0 left"), "{}", report.headline);
    });
}

/// What an earlier run converted, and V1 finished in between, does not come to life in V2.
#[test]
fn what_vanished_between_two_runs_is_taken_back_too() {
    on_both(CATALOG, |place| {
        three(place);
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        place.run_with(Operation::Upgrade, online()).unwrap_err();
        remove(&*place.storage, "Compaction/Scheduler/compct.torn.0.5");
        remove(&*place.storage, &path(1, StateV1::Init));
        let report = place.run_with(Operation::Upgrade, online()).unwrap();
        adds_up(report.counts);
        assert_eq!((report.counts.total, report.counts.skipped, report.counts.converted), (2, 2, 0));
        v2_is_v1(place, &[(0, StateV1::Init), (2, StateV1::Init)]);
    });
}

/// The run ended before the upgrade was complete, then V1 finished one of the tasks that are converted.
#[test]
fn what_v1_finishes_after_an_online_run_that_did_not_end_runs_in_neither_tree_again() {
    let begun = |place: &Place| {
        three(place);
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        place.run_with(Operation::Upgrade, online()).unwrap_err();
        remove(&*place.storage, "Compaction/Scheduler/compct.torn.0.5");
        remove(&*place.storage, &path(1, StateV1::Init));
    };
    for mode in [RecoveryMode::Cancel, RecoveryMode::Downgrade] {
        on_both(CATALOG, |place| {
            begun(place);
            let before: Vec<String> = names(&*place.storage, "Compaction/Scheduler");
            assert_eq!(before.len(), 2);
            place.run_with(Operation::Recovery, by(mode)).unwrap();
            assert_eq!(names(&*place.storage, "Compaction/Scheduler"), before, "{}", mode.word());
            assert!(names(&*place.storage, "Compaction_V2/Scheduler").is_empty());
        });
    }
    // Finished by a run with every node down, too.
    on_both(CATALOG, |place| {
        begun(place);
        assert_eq!(place.upgrade().unwrap().counts.total, 2);
        v2_is_v1(place, &[(0, StateV1::Init), (2, StateV1::Init)]);
    });
}

/// Killed anywhere, and V1 moves on before the next run: V2 is what V1 is then.
#[test]
fn killed_anywhere_the_next_run_takes_over_what_v1_did_meanwhile() {
    let start = MemoryStorage::new();
    for seq in 0..4 {
        v1(&start, "p", seq, TS, StateV1::Init, SOLO);
    }
    let run = |storage: &FaultStorage| {
        let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
        session.run(Operation::Upgrade, &online(), None)
    };
    let quiet = FaultStorage::new(&start.copy(), None, 1);
    run(&quiet).unwrap();
    let mut resumed = 0;
    for (at, call) in (1..).zip(quiet.calls()).filter(|(_, call)| *call != Call::Look) {
        for fault in [Fault::CrashAfter, Fault::Torn].into_iter().filter(|fault| fault.applies_to(call)) {
            let tree = start.copy();
            let _killed = run(&FaultStorage::new(&tree, Some((at, fault)), at));
            if exists(&tree, "Compaction_V2/TaskUpgrade.done") {
                continue;
            }
            remove(&tree, &path(0, StateV1::Init));
            rename(&tree, &path(1, StateV1::Init), &path(1, StateV1::Done));
            v1(&tree, "p", 9, TS, StateV1::Init, SOLO);
            let place = Place { storage: Arc::new(tree), ..Place::in_memory(CATALOG) };
            let report = place.run_with(Operation::Upgrade, online());
            let report = report.unwrap_or_else(|failure| panic!("{fault:?} at {at}: {failure}"));
            adds_up(report.counts);
            let init = StateV1::Init;
            v2_is_v1(&place, &[(1, StateV1::Done), (2, init), (3, init), (9, init)]);
            resumed += 1;
        }
    }
    assert!(resumed > 25, "{resumed}");
}
