//! The node gate: what a node may do in each phase, and who sees whom where a node and an operation meet.

use std::sync::{Arc, OnceLock};

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::task::StateV1;
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{
    AssumeOffline, ErrorKind, Gate, Liveness, MemoryStorage, Operation, Phase, RecoveryMode, Result, RunOptions,
    Session, Storage,
};
use parking_lot::Mutex;
use Gate::{DoNotStart, UseV1, UseV2};

use crate::support::disk::Disk;
use crate::support::faults::{Fault, FaultStorage};
use crate::support::meddling::Meddling;
use crate::support::places::{on_both_with, Place};
use crate::support::sessions::{builder, Answer, OneLock};
use crate::support::trees::{fixture, CATALOG};
use crate::support::v1_files::{exists, file, folder, names, remove, rename, v1};
use crate::support::ways_back::{by, recover, recovery_begun, Registry};

const DONE: &str = "Compaction_V2/TaskUpgrade.done";

#[test]
fn each_phase_has_its_answer_and_only_a_complete_upgrade_notes_the_start() {
    type Make = fn(&Place);
    let rows: [(Phase, Gate, Make); 7] = [
        (Phase::Empty, UseV2, |place| remove(&*place.storage, "Compaction/Scheduler")),
        (Phase::NotStarted, UseV1, |_| ()),
        (Phase::Upgrading, DoNotStart, |place| folder(&*place.storage, "Compaction_V2/Taskupgrade")),
        (Phase::Deleting, DoNotStart, |place| {
            place.upgrade().unwrap();
            rename(&*place.storage, "Compaction", "Compaction.deleting");
        }),
        (Phase::V2Only, UseV2, |place| {
            place.upgrade().unwrap();
            place.delete().unwrap();
        }),
        (Phase::Recovering, DoNotStart, |place| {
            place.upgrade().unwrap();
            recovery_begun(&*place.storage, Some(RecoveryMode::Cancel));
        }),
        (Phase::Reopening, DoNotStart, |place| {
            place.upgrade().unwrap();
            file(&*place.storage, "Compaction_V2/Taskupgrade/Reopen", b"");
        }),
    ];
    for (phase, gate, make) in rows {
        on_both_with("seed", |place, _, _| {
            make(place);
            assert_eq!(place.status().unwrap().phase, phase);
            for _ in 0..2 {
                assert_eq!(place.unchanged_by(|| place.session().node_gate("n").unwrap()), gate, "{phase:?}");
            }
        });
    }
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        folder(&*place.storage, "Compaction.deleting");
        let error = place.unchanged_by(|| place.session().node_gate("n").unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Refused, "what fits no phase is named, and no leave to start");
    });
}

#[test]
fn a_start_is_noted_once_under_the_escaped_name_and_stays_in_the_way_of_cancel() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let session = place.session();
        for node in ["xcloud24_9876", "node:3.example", "xcloud24_9876", "upgrade"] {
            assert_eq!(session.node_gate(node).unwrap(), UseV2);
            assert_eq!(place.unchanged_by(|| place.session().node_gate(node).unwrap()), UseV2, "twice is once");
        }
        let records = ["Started.%75pgrade", "Started.node%3A3%2Eexample", "Started.xcloud24_9876"];
        assert_eq!(names(&*place.storage, DONE), [&["Manifest"], records.as_slice()].concat());
        assert_eq!(place.status().unwrap().started_nodes, ["upgrade", "node:3.example", "xcloud24_9876"]);
        let failure = place.unchanged_by(|| recover(place, RecoveryMode::Cancel).unwrap_err());
        assert!(failure.error.message().starts_with("3 reasons"), "{}", failure.error);
        recover(place, RecoveryMode::Downgrade).unwrap();
        assert_eq!(session.node_gate("xcloud24_9876").unwrap(), UseV1);
    });
}

#[test]
fn a_name_that_is_none_or_too_long_is_refused() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let ask = |node: &str| place.unchanged_by(|| place.session().node_gate(node).unwrap_err().kind());
        assert_eq!(ask(""), ErrorKind::InvalidArgument);
        let longest = 255 - "Started.".len();
        assert_eq!(ask(&"n".repeat(longest + 1)), ErrorKind::TooLarge);
        assert_eq!(ask(&".".repeat(longest / 3 + 1)), ErrorKind::TooLarge, "as it is escaped");
        assert_eq!(place.session().node_gate(&"n".repeat(longest)).unwrap(), UseV2);
    });
}

#[test]
fn many_nodes_start_at_once() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let answers: Vec<Gate> = std::thread::scope(|scope| {
            let start = |node: usize| {
                let session = place.session();
                scope.spawn(move || session.node_gate(&format!("n{}", node / 2)).unwrap())
            };
            let threads: Vec<_> = (0..16).map(start).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(answers, [UseV2; 16]);
        assert_eq!(names(&*place.storage, DONE).len(), 1 + 8);
    });
}

/// The gate has seen the complete upgrade, and before its record is there the upgrade is cancelled.
#[test]
fn a_record_that_comes_too_late_is_not_taken_for_a_start() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let inner = Arc::clone(&place.storage);
        let other = place.session();
        let cancel = move || drop(other.run(Operation::Recovery, &by(RecoveryMode::Cancel), None).unwrap());
        let records = |change: &Change| change.path().name().starts_with("Started.");
        let session = place.builder_on(Arc::new(Meddling::new(inner, records, cancel))).open().unwrap();
        assert_eq!(session.node_gate("n").unwrap(), UseV1);
        assert_eq!(names(&*place.storage, "Compaction_V2"), ["Scheduler", "TaskAssigned"]);
    });
}

/// The gate has seen the complete upgrade, and before its record is there a RECOVERY begins and is killed: past its own
/// look at the nodes it never sees the record, so the node has to see the RECOVERY.
#[test]
fn a_recovery_that_begins_between_the_look_and_the_record_is_seen() {
    let start = fixture("seed").storage;
    let upgrade = builder(Arc::new(start.clone()), OneLock::default(), CATALOG).open().unwrap();
    upgrade.run(Operation::Upgrade, &RunOptions::default(), None).unwrap();
    for mode in [RecoveryMode::Cancel, RecoveryMode::Downgrade] {
        let mut verdicts = [0; 3];
        for at in 1.. {
            let tree = start.copy();
            let killed = FaultStorage::new(&tree, [(at, Fault::CrashBefore)], 1);
            let recovery = builder(Arc::new(killed.clone()), killed.lock(), CATALOG).open().unwrap();
            let begins = move || drop(recovery.run(Operation::Recovery, &by(mode), None));
            let records = |change: &Change| change.path().name().starts_with("Started.");
            let meddling = Meddling::new(Arc::new(tree.clone()), records, begins);
            let node = builder(Arc::new(meddling), OneLock::default(), CATALOG).open().unwrap();
            let gate = node.node_gate("late").unwrap();
            if !killed.struck() {
                break;
            }
            verdicts[gate as usize - 1] += 1;
            if gate == UseV2 {
                let what = format!("{mode:?}, killed at call {at}");
                assert!(!exists(&tree, "Compaction_V2/Taskrecovery"), "{what}");
                assert_eq!(names(&tree, DONE), ["Manifest", "Started.late"], "{what}");
            }
        }
        assert!(verdicts.iter().all(|count| *count > 1), "{mode:?}: {verdicts:?}");
    }
}

/// A process is killed and leaves what it did last in caches; a node is let in by that, and then the power goes.
#[test]
fn what_a_node_went_by_is_still_there_after_a_power_cut() {
    let mut verdicts = [0; 3];
    for at in 1.. {
        let disk = Disk::new(&fixture("seed").storage);
        let killed = FaultStorage::on(&disk, [(at, Fault::CrashAfter)], 1);
        let upgrade = builder(Arc::new(killed.clone()), killed.lock(), CATALOG).open().unwrap();
        drop(upgrade.run(Operation::Upgrade, &RunOptions::default(), None));
        if !killed.struck() {
            break;
        }
        let of_node = FaultStorage::on(&disk, [], 1);
        let node = builder(Arc::new(of_node), OneLock::default(), CATALOG).open().unwrap();
        let gate = node.node_gate("n").unwrap();
        // Of what nobody made durable nothing is left.
        disk.cut_the_power(|| 1);
        let again = builder(Arc::new(disk.live()), OneLock::default(), CATALOG).open().unwrap();
        assert_eq!(again.node_gate("n").unwrap(), gate, "killed after call {at}");
        verdicts[gate as usize - 1] += 1;
    }
    assert!(verdicts.iter().all(|count| *count > 2), "{verdicts:?}");
}

/// Lists folders, and does something once, before the listing of a number.
struct BeforeListing {
    inner: Arc<dyn Storage>,
    at: u64,
    listings: Mutex<u64>,
    then: Ask,
}

impl Storage for BeforeListing {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let number = {
            let mut listings = self.listings.lock();
            *listings += 1;
            *listings
        };
        if number == self.at {
            (self.then)();
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

/// A start that nobody recorded would not be in the way of a RECOVERY by cancel once the node is down again.
#[test]
fn an_upgrade_that_ends_while_the_gate_looks_lets_no_node_start_without_its_record() {
    let mut verdicts = [0; 3];
    for at in 1..=8 {
        let place = Place::in_memory(CATALOG);
        let tree = fixture("half-way").storage;
        let place = Place { storage: Arc::new(tree), ..place };
        let upgrading = place.session();
        let then: Ask =
            Box::new(move || drop(upgrading.run(Operation::Upgrade, &RunOptions::default(), None).unwrap()));
        let inner = Arc::clone(&place.storage);
        let storage = BeforeListing { inner, at, listings: Mutex::new(0), then };
        let gate = place.builder_on(Arc::new(storage)).open().unwrap().node_gate("late").unwrap();
        verdicts[gate as usize - 1] += 1;
        if gate == UseV2 {
            assert_eq!(names(&*place.storage, DONE), ["Manifest", "Started.late"], "before listing {at}");
        }
    }
    let [v1, v2, refused] = verdicts;
    println!("V2 {v2}, refused {refused}");
    assert!(v1 == 0 && v2 >= 1 && refused >= 4, "{verdicts:?}");
}

type Ask = Box<dyn Fn() + Send + Sync>;

/// Asks something just before the change of a number, and counts the changes.
#[derive(Clone)]
struct AskAt {
    inner: MemoryStorage,
    at: u64,
    changes: Arc<Mutex<u64>>,
    ask: Arc<OnceLock<Ask>>,
}

impl Storage for AskAt {
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
        self.inner.read_batch(paths, limit_bytes, in_flight)
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let one = |change: &Change| {
            let now = {
                let mut changes = self.changes.lock();
                *changes += 1;
                *changes
            };
            if now == self.at {
                (self.ask.get().unwrap())();
            }
            self.inner.change_batch(std::slice::from_ref(change), flow).remove(0)
        };
        changes.iter().map(one).collect()
    }
}

/// What came of a meeting: the gate's answer, how many manifests there were then, and how the operation ended.
struct Meeting {
    gate: Gate,
    manifests: usize,
    answer: Answer,
    tree: MemoryStorage,
}

/// A node starts just before the change of a number: it registers itself, where anybody can see that, and asks the gate.
/// `None` where the operation makes fewer changes.
fn meet(start: &MemoryStorage, at: u64, operation: Operation, options: &RunOptions, seen: bool) -> Option<Meeting> {
    let tree = start.copy();
    let storage = AskAt { inner: tree.clone(), at, changes: Arc::default(), ask: Arc::default() };
    let registry = Registry::default();
    let met = Arc::new(Mutex::new(None));
    let node: Session = builder(Arc::new(tree.clone()), OneLock::default(), CATALOG).open().unwrap();
    let (its_tree, its_registry, its_answer) = (tree.clone(), registry.clone(), Arc::clone(&met));
    let ask: Ask = Box::new(move || {
        its_registry.register("late");
        let gate = node.node_gate("late").unwrap();
        let manifests = names(&its_tree, DONE).iter().filter(|name| name.starts_with("Manifest")).count();
        *its_answer.lock() = Some((gate, manifests));
    });
    assert!(storage.ask.set(ask).is_ok());
    let lock = OneLock::default();
    let session = builder(Arc::new(storage), lock, CATALOG);
    let session = if seen { session.liveness(registry) } else { session.liveness(AssumeOffline) };
    let answer = session.open().unwrap().run(operation, options, None);
    let (gate, manifests) = (*met.lock())?;
    Some(Meeting { gate, manifests, answer, tree })
}

fn kind(answer: &Answer) -> Option<ErrorKind> {
    answer.as_ref().err().map(|failure| failure.error.kind())
}

#[test]
fn a_node_that_starts_while_an_upgrade_begins_sees_it_or_is_seen() {
    let mut verdicts = [0; 3];
    for name in ["colliding", "half-way"] {
        for at in 1.. {
            let start = fixture(name).storage;
            let Some(met) = meet(&start, at, Operation::Upgrade, &RunOptions::default(), true) else { break };
            let what = format!("{name}, at {at}: {:?}", kind(&met.answer));
            match met.gate {
                // The node goes on with V1, so the upgrade must have given up.
                UseV1 => assert_eq!(kind(&met.answer), Some(ErrorKind::NodesOnline), "{what}"),
                UseV2 => assert!(met.answer.is_ok() && met.manifests == 1, "{what}"),
                DoNotStart => {}
            }
            verdicts[met.gate as usize - 1] += 1;
            if kind(&met.answer) == Some(ErrorKind::NodesOnline) {
                assert!(!exists(&met.tree, DONE), "{what}");
            }
        }
    }
    assert!(verdicts.iter().all(|count| *count > 2), "{verdicts:?}");
}

#[test]
fn a_node_that_starts_while_an_upgrade_is_taken_up_again_sees_it_or_is_seen() {
    let start = fixture("seed").storage;
    builder(Arc::new(start.clone()), OneLock::default(), CATALOG)
        .open()
        .unwrap()
        .run(Operation::Upgrade, &RunOptions::default(), None)
        .unwrap();
    v1(&start, "late", 0, 9, StateV1::Init, ("sales", "eu"));
    let options = RunOptions { reopen: true, ..RunOptions::default() };
    let (mut before, mut refused) = (0, 0);
    for at in 1.. {
        let Some(met) = meet(&start, at, Operation::Upgrade, &options, true) else { break };
        let what = format!("at {at}: {:?}", kind(&met.answer));
        match met.gate {
            UseV1 => panic!("{what}: V2 is in use"),
            UseV2 if met.manifests == 1 => {
                before += 1;
                assert_eq!(kind(&met.answer), Some(ErrorKind::NodesOnline), "{what}");
            }
            UseV2 => assert!(met.answer.is_ok(), "{what}"),
            DoNotStart => refused += 1,
        }
    }
    assert!(before > 2 && refused > 5, "{before} {refused}");
}

/// Also where nothing but the record tells that the node is there.
#[test]
fn a_node_that_starts_while_a_recovery_begins_sees_it_or_is_seen() {
    let start = fixture("seed").storage;
    let upgrade = builder(Arc::new(start.clone()), OneLock::default(), CATALOG).open().unwrap();
    upgrade.run(Operation::Upgrade, &RunOptions::default(), None).unwrap();
    for mode in [RecoveryMode::Cancel, RecoveryMode::DowngradeOld, RecoveryMode::Downgrade] {
        for seen in [true, false] {
            let mut verdicts = [0; 3];
            for at in 1.. {
                let Some(met) = meet(&start, at, Operation::Recovery, &by(mode), seen) else { break };
                let what = format!("{mode:?}, seen {seen}, at {at}: {:?}", kind(&met.answer));
                match met.gate {
                    UseV2 => {
                        assert_eq!(kind(&met.answer), Some(ErrorKind::NodesOnline), "{what}");
                        assert_eq!(names(&met.tree, DONE), ["Manifest", "Started.late"], "{what}");
                        assert_eq!(names(&met.tree, "Compaction_V2/Scheduler").len(), 4, "{what}");
                        assert!(!exists(&met.tree, "Compaction_V2/Taskrecovery"), "{what}");
                    }
                    UseV1 => assert!(met.answer.is_ok(), "{what}"),
                    DoNotStart => {}
                }
                verdicts[met.gate as usize - 1] += 1;
            }
            assert!(verdicts.iter().all(|count| *count > 1), "{mode:?}: {verdicts:?}");
        }
    }
}

#[test]
fn a_registry_that_cannot_be_asked_refuses_what_needs_it() {
    struct Silent;
    impl Liveness for Silent {
        fn online_nodes(&self) -> Result<Vec<String>> {
            Err(comptask_upgrade::Error::new(ErrorKind::Liveness, "the registry does not answer"))
        }
    }
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let session = place.builder().liveness(Silent).open().unwrap();
        let failure = place.unchanged_by(|| session.run(Operation::Recovery, &by(RecoveryMode::Cancel), None));
        assert_eq!(failure.unwrap_err().error.kind(), ErrorKind::Liveness);
        assert_eq!(session.node_gate("n").unwrap(), UseV2, "the gate asks no registry");
    });
}
