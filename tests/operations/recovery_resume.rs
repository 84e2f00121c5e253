//! RECOVERY that fails or is killed goes on where it was, and everything can be done again after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::task::{StateV1, StateV2, TaskV1, TaskV2};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{
    Codec, DefaultCodec, Error, ErrorKind, Gate, MemoryStorage, Operation, Outcome, Phase, RecoveryMode, Result,
    RunOptions, Storage,
};
use RecoveryMode::{Auto, Cancel, Downgrade, DowngradeOld};

use crate::support::checker::{differences, image, normal, Image};
use crate::support::faults::{Call, Fault, FaultStorage};
use crate::support::meddling::Meddling;
use crate::support::places::{on_both_with, Place};
use crate::support::sessions::{builder, fresh};
use crate::support::trees::{fixture, CATALOG};
use crate::support::v1_files::{folder, names, remove, v1, v1_bytes, v1_task};
use crate::support::ways_back::{born, by, by_force, clear, only_v1, recover, set_status, starts, v1_tasks, v1_tree};

const PU: &str = "xcloud24_9876";
const FIRST: &str = "aaaaffff.16176931.56000000.0";
const SECOND: &str = "aaaaffff.16176067.56000000.0";

/// A codec that cannot write one V1 task.
struct Stubborn;

impl Codec for Stubborn {
    fn decode_v1(&self, bytes: &[u8]) -> Result<TaskV1> {
        DefaultCodec.decode_v1(bytes)
    }
    fn encode_v1(&self, task: &TaskV1) -> Result<Vec<u8>> {
        if task.task_id.receive_ts == 1_617_606_756_000 {
            return Err(Error::new(ErrorKind::Internal, "the host's codec gave up"));
        }
        DefaultCodec.encode_v1(task)
    }
    fn decode_v2(&self, bytes: &[u8]) -> Result<TaskV2> {
        DefaultCodec.decode_v2(bytes)
    }
    fn encode_v2(&self, task: &TaskV2) -> Result<Vec<u8>> {
        DefaultCodec.encode_v2(task)
    }
}

/// A storage that cannot read a path any more once a RECOVERY has begun.
struct Unreadable {
    inner: Arc<dyn Storage>,
    part_of_path: &'static str,
    begun: AtomicBool,
}

impl Storage for Unreadable {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.inner.list(folder, sink)
    }
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.inner.stat_batch(paths, in_flight)
    }
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        let is_bad = |path: &TreePath| self.begun.load(Ordering::Relaxed) && path.as_str().contains(self.part_of_path);
        let mut answers = self.inner.read_batch(paths, limit_bytes, in_flight);
        for (answer, _) in answers.iter_mut().zip(paths).filter(|(_, path)| is_bad(path)) {
            *answer = Err(Error::new(ErrorKind::Storage, "the block is missing"));
        }
        answers
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let begins = |change: &Change| matches!(change, Change::Rename { to, .. } if to.name() == "Taskrecovery");
        if changes.iter().any(begins) {
            self.begun.store(true, Ordering::Relaxed);
        }
        self.inner.change_batch(changes, flow)
    }
}

fn v2_tree(place: &Place) -> Image {
    let of_v2 = ["Compaction_V2/Scheduler/", "Compaction_V2/TaskAssigned/"];
    place.image().into_iter().filter(|(path, _)| of_v2.iter().any(|folder| path.starts_with(folder))).collect()
}

#[test]
fn a_task_that_the_codec_cannot_write_is_named_before_anything_is_done() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        lively(&*place.storage);
        let session = place.builder().codec(Stubborn).open().unwrap();
        let failure = place.unchanged_by(|| session.run(Operation::Recovery, &by(Downgrade), None).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::Refused);
        assert!(failure.error.message().contains(SECOND), "{}", failure.error);
        assert!(failure.error.message().contains("the host's codec gave up (needs force)"), "{}", failure.error);
        let report = session.run(Operation::Recovery, &by_force(Downgrade), None).unwrap();
        assert!(report.rows.iter().any(|row| row.outcome == Outcome::Lost && row.v2_id == SECOND));
        only_v1(place, &v1_tree(place));
    });
}

/// A complete upgrade on which a node has worked: one task is done, one runs, one is born there.
fn lively(storage: &dyn Storage) {
    starts(storage, PU);
    set_status(storage, FIRST, StateV2::Running);
    set_status(storage, SECOND, StateV2::Done);
    born(storage, "b1", 4, "p", StateV2::Init);
}

#[test]
fn a_task_that_fails_leaves_v2_whole_and_a_second_run_finishes() {
    let open = |place: &Place, begun: bool| {
        let inner = Arc::clone(&place.storage);
        let storage = Unreadable { inner, part_of_path: SECOND, begun: AtomicBool::new(begun) };
        place.builder_on(Arc::new(storage)).open().unwrap()
    };
    let why = "the block is missing";
    for named_then_forced in [false, true] {
        on_both_with("seed", |place, _, _| {
            place.upgrade().unwrap();
            lively(&*place.storage);
            let v2 = v2_tree(place);
            // Force answers a refusal that names a task; this one was not named yet.
            let failure = open(place, false).run(Operation::Recovery, &by_force(Downgrade), None).unwrap_err();
            assert_eq!(failure.error.kind(), ErrorKind::TasksFailed, "{}", failure.error);
            assert!(failure.error.next_action().contains("with force"), "{}", failure.error.next_action());
            let report = failure.report.unwrap();
            let failed: Vec<_> = report.rows.iter().filter(|row| row.outcome == Outcome::Failed).collect();
            assert_eq!((failed.len(), failed[0].v2_id.as_str()), (1, SECOND));
            assert!(failed[0].detail.contains(why), "{}", failed[0].detail);
            assert_eq!((report.phase, report.counts.failed, report.counts.total), (Phase::Recovering, 1, 5));
            assert_eq!(v2_tree(place), v2, "V2 is whole as long as anything is missing in V1");
            let born_as =
                v1_tasks(&*place.storage).into_iter().find(|(name, _)| name.starts_with("compct.p.4.")).unwrap();

            assert_eq!(place.status().unwrap().phase, Phase::Recovering);
            assert_eq!(place.session().node_gate(PU).unwrap(), Gate::DoNotStart);
            for other in [Cancel, DowngradeOld] {
                let failure = place.unchanged_by(|| place.run_with(Operation::Recovery, by_force(other)).unwrap_err());
                assert_eq!(failure.error.kind(), ErrorKind::Refused);
                assert!(failure.error.message().contains("RECOVERY by downgrade is under way"), "{}", failure.error);
            }
            for operation in [Operation::Upgrade, Operation::Delete] {
                let failure = place.unchanged_by(|| place.run(operation).unwrap_err());
                assert_eq!(failure.error.kind(), ErrorKind::Refused);
            }
            if named_then_forced {
                let report = open(place, true).run(Operation::Recovery, &by_force(Auto), None).unwrap();
                let lost: Vec<_> = report.rows.iter().filter(|row| row.outcome == Outcome::Lost).collect();
                assert_eq!((lost.len(), lost[0].v2_id.as_str()), (1, SECOND));
                assert!(lost[0].detail.contains("an old V1 file of its time is used"), "{}", lost[0].detail);
                only_v1(place, &v1_tree(place));
                return;
            }
            let report = recover(place, Auto).unwrap();
            assert_eq!((report.phase, report.recovery_mode), (Phase::NotStarted, Some(Downgrade)));
            let there = v1_tasks(&*place.storage);
            assert!(there.contains(&born_as), "the name of a born task stays");
            assert_eq!(there.len(), 5);
            assert!(there.contains(&(
                format!("compct.{PU}.0.1617606756000.Done"),
                v1_task(PU, 0, 1_617_606_756_000, StateV1::Done, ("sales", "eu"))
            )));
            only_v1(place, &v1_tree(place));
        });
    }
}

#[test]
fn a_task_that_v2_makes_meanwhile_is_not_lost() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let inner = Arc::clone(&place.storage);
        let ends = |change: &Change| change.path().name() == "Carried";
        let meddling =
            Meddling::new(Arc::clone(&place.storage), ends, move || drop(born(&*inner, "b1", 4, "p", StateV2::Init)));
        // Made before the last look at V2: as the first task is put in its place.
        let inner = Arc::clone(&place.storage);
        let places =
            |change: &Change| matches!(change, Change::Rename { to, .. } if to.as_str().starts_with("Compaction/"));
        let early = Meddling::new(Arc::new(meddling), places, move || drop(born(&*inner, "b2", 4, "p", StateV2::Init)));
        let session = place.builder_on(Arc::new(early)).open().unwrap();
        let failure = session.run(Operation::Recovery, &by(Downgrade), None).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::NodesOnline);
        assert_eq!(place.status().unwrap().phase, Phase::Recovering);
        recover(place, Auto).unwrap();
        let born = v1_tasks(&*place.storage).into_iter().filter(|(name, _)| name.starts_with("compct.p.4.")).count();
        assert_eq!(born, 1, "the later one was never made: that run did not get so far");
        only_v1(place, &v1_tree(place));
    });
}

/// Killed, torn, or answered wrongly at any change: the same command again ends where one that nothing befell ends.
#[test]
fn whatever_befalls_it_the_same_command_again_ends_in_the_same_tree() {
    let tree = fixture("seed").storage;
    fresh(&tree, CATALOG).run(Operation::Upgrade, &RunOptions::default(), None).unwrap();
    let clean = tree.copy();
    lively(&tree);
    // Which of the two moves on must not depend on which of them failed first.
    born(&tree, "b2", 4, "p", StateV2::Done);
    clear(&tree, "aaaaffff.16149283.56000000.0");
    clear(&tree, FIRST);
    let deleted = tree.copy();
    fresh(&deleted, CATALOG).run(Operation::Delete, &RunOptions::default(), None).unwrap();
    let starts =
        [(clean, by(Cancel)), (tree.copy(), by_force(DowngradeOld)), (tree, by(Downgrade)), (deleted, by(Downgrade))];
    let mut runs = 0;
    for (start, options) in starts {
        let end = start.copy();
        let quiet = FaultStorage::new(&end, None, 3);
        let run = |storage: &FaultStorage| {
            let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
            session.run(Operation::Recovery, &options, None)
        };
        run(&quiet).unwrap();
        let end = image(&end);
        for (at, call) in (1..).zip(quiet.calls()) {
            for fault in Fault::ALL.into_iter().filter(|fault| fault.applies_to(call)) {
                let tree = start.copy();
                let _befallen = run(&FaultStorage::new(&tree, Some((at, fault)), 3));
                in_order(&tree, &start, options.recovery_mode, &format!("{fault:?} at {at}"));
                let answer = fresh(&tree, CATALOG).run(Operation::Recovery, &options, None);
                let what = format!("{options:?}: {fault:?} at {at} ({call:?})");
                answer.unwrap_or_else(|failure| panic!("{what}: {failure}"));
                let differ = differences(&image(&tree), &end);
                assert!(differ.is_empty(), "{what}: {differ:#?}");
                runs += 1;
            }
        }
        assert!(quiet.calls().iter().filter(|call| **call != Call::Look).count() > 15);
    }
    println!("{runs} faults");
}

/// Wherever it was stopped, STATUS answers, no node starts unless nothing has begun or all is over, and every task is
/// whole in one of the trees.
fn in_order(tree: &MemoryStorage, start: &MemoryStorage, mode: RecoveryMode, what: &str) {
    let report = fresh(tree, CATALOG).run(Operation::Status, &RunOptions::default(), None).unwrap();
    let before = fresh(start, CATALOG).run(Operation::Status, &RunOptions::default(), None).unwrap().phase;
    let gate = fresh(&tree.copy(), CATALOG).node_gate("n").unwrap();
    let expected = match report.phase {
        Phase::Recovering => Gate::DoNotStart,
        Phase::NotStarted => Gate::UseV1,
        phase => {
            assert_eq!(phase, before, "{what}");
            Gate::UseV2
        }
    };
    assert_eq!(gate, expected, "{what}");
    let v1: Vec<String> = names(tree, "Compaction/Scheduler");
    let v2 = names(tree, "Compaction_V2/Scheduler");
    for (id, base) in [(SECOND, "compct.xcloud24_9876.0.1617606756000"), ("b1.4", "compct.p.4.")] {
        let in_v2 = v2.iter().any(|name| name == id);
        let was_in_v2 = !names(start, &format!("Compaction_V2/Scheduler/{id}")).is_empty();
        let in_v1 = v1.iter().any(|name| name.starts_with(base));
        let lost_by_force = id == "b1.4" && mode == DowngradeOld;
        assert!(!was_in_v2 || in_v2 || in_v1 || lost_by_force, "{id} is nowhere: {what}");
    }
}

/// Killed anywhere, on a tree that had no V2 before: each way back is open, and V1 is the truth.
#[test]
fn an_upgrade_that_was_killed_anywhere_goes_back_by_every_mode() {
    let start = MemoryStorage::new();
    let task = |pu: &str, seq: i32, state| drop(v1(&start, pu, seq, 1_700_000_000_123, state, ("sales", "eu")));
    task("a", 0, StateV1::Init);
    task("b", 0, StateV1::Assigned);
    task("b", 1, StateV1::Done);
    folder(&start, "Compaction/TaskAssigned");
    let quiet = FaultStorage::new(&start.copy(), None, 1);
    let run = |storage: &FaultStorage| {
        let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
        session.run(Operation::Upgrade, &RunOptions::default(), None)
    };
    run(&quiet).unwrap();
    for (at, call) in (1..).zip(quiet.calls()).filter(|(_, call)| *call != Call::Look) {
        for fault in [Fault::CrashAfter, Fault::Torn].into_iter().filter(|fault| fault.applies_to(call)) {
            let killed = start.copy();
            let _killed = run(&FaultStorage::new(&killed, Some((at, fault)), 1));
            let phase = fresh(&killed, CATALOG).run(Operation::Status, &RunOptions::default(), None).unwrap().phase;
            for mode in [Cancel, DowngradeOld, Downgrade] {
                let tree = killed.copy();
                let what = format!("{mode:?} in {phase:?} after {fault:?} at {at}");
                let report = fresh(&tree, CATALOG).run(Operation::Recovery, &by(mode), None);
                let report = report.unwrap_or_else(|failure| panic!("{what}: {failure}"));
                assert_eq!(report.phase, Phase::NotStarted, "{what}");
                let is_v1 = |path: &String| path.starts_with("Compaction/");
                let v1_of = |tree: &MemoryStorage| {
                    let mut image = image(tree);
                    image.retain(|path, _| is_v1(path));
                    image
                };
                // What was handed out waits again once the upgrade was complete.
                if !(mode == Downgrade && phase == Phase::Upgraded) {
                    assert_eq!(differences(&v1_of(&tree), &v1_of(&start)), Vec::<String>::new(), "{what}");
                }
                assert_eq!(v1_tasks(&tree).len(), 3, "{what}");
                assert!(names(&tree, "Compaction_V2/Scheduler").is_empty(), "{what}");
            }
        }
    }
}

#[test]
fn v2_tasks_whose_folder_is_away_are_not_taken_for_finished() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        starts(&*place.storage, PU);
        remove(&*place.storage, "Compaction_V2/Scheduler");
        let failure = place.unchanged_by(|| recover(place, Downgrade).unwrap_err());
        assert_eq!((failure.error.kind(), failure.error.path()), (ErrorKind::Damaged, "Compaction_V2/Scheduler"));
    });
}

/// The whole way, and back, and again, with the trees compared at each step with what they must be.
#[test]
fn upgrade_cancel_upgrade_start_downgrade_upgrade_delete_downgrade_upgrade() {
    on_both_with("seed", |place, checker, _| {
        let old_name = format!("Compaction/Scheduler/compct.{PU}.0.1617606756000.Assigned");
        let new_name = format!("Compaction/Scheduler/compct.{PU}.0.1617606756000");
        let first = v1_tree(place);

        place.upgrade().unwrap();
        checker.upgraded(&place.image()).unwrap();
        let upgraded = normal(place.image());
        let v2 = v2_tree(place);

        recover(place, Cancel).unwrap();
        only_v1(place, &first);

        place.upgrade().unwrap();
        assert_eq!(differences(&normal(place.image()), &upgraded), Vec::<String>::new());

        assert_eq!(place.session().node_gate(PU).unwrap(), Gate::UseV2);
        assert_eq!(recover(place, Cancel).unwrap_err().error.kind(), ErrorKind::Refused);
        recover(place, Downgrade).unwrap();
        let mut second = first.clone();
        second.remove(&old_name).unwrap();
        let waits = v1_bytes(&v1_task(PU, 0, 1_617_606_756_000, StateV1::Init, ("sales", "eu")));
        second.insert(new_name.clone(), Some(waits));
        only_v1(place, &second);

        let report = place.upgrade().unwrap();
        assert_eq!((report.counts.converted, report.phase), (4, Phase::Upgraded));
        assert_eq!(v2_tree(place), v2, "the same tasks in the same places");
        assert_eq!(v1_tree(place), second);
        assert_eq!(names(&*place.storage, "Compaction_V2/TaskUpgrade.done"), ["Manifest"], "no start is remembered");

        place.delete().unwrap();
        assert_eq!(v2_tree(place), v2);
        assert_eq!(names(&*place.storage, ""), ["Compaction_V2"]);

        recover(place, Downgrade).unwrap();
        let mut third = second;
        third.retain(|path, _| !path.starts_with("Compaction/TaskAssigned/"));
        only_v1(place, &third);

        place.upgrade().unwrap();
        assert_eq!(v2_tree(place), v2);
        assert_eq!(v1_tree(place), third);
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        assert_eq!(place.run_with(Operation::Status, verify).unwrap().verified, 4);
    });
}
