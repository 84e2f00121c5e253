//! RECOVERY by cancel: as if the upgrade had never been, or refused with every reason.

use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::Change;
use comptask_upgrade::{ErrorKind, Operation, Phase, RecoveryMode, RunOptions};
use RecoveryMode::{Auto, Cancel, Downgrade};

use crate::support::chinese::run;
use crate::support::faults::{Call, Fault, FaultStorage};
use crate::support::meddling::{CancelAt, Meddling, Up, UpAtTheSecondLook};
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::sessions::{builder, fresh};
use crate::support::trees::{fixture, ALL, CATALOG};
use crate::support::v1_files::{exists, file, names, remove, rename, replace, v1, v1_bytes, v1_task};
use crate::support::ways_back::{
    born, by, by_force, clear, edit, only_v1, recover, refused, refused_in, set_status, starts, v1_tree, Registry,
};

const TASK: &str = "compct.xcloud24_9876.0.1617693156000";
const ID: &str = "aaaaffff.16176931.56000000.0";

#[test]
fn after_it_v1_is_as_it_was_v2_is_empty_and_the_upgrade_can_be_run_again() {
    for (name, _, _) in ALL.into_iter().filter(|row| row.0 != "foreign") {
        for mode in [Cancel, Auto] {
            on_both_with(name, |place, checker, fixture| {
                let v1 = v1_tree(place);
                place.upgrade().unwrap();
                let report = recover(place, mode).unwrap();
                assert_eq!((report.phase, report.recovery_mode), (Phase::NotStarted, Some(Cancel)), "{name}");
                assert_eq!(report.headline, "the upgrade is cancelled; V1 is as it was");
                assert!(report.next_action.contains("old version"), "{}", report.next_action);
                assert_eq!(report.counts.total, fixture.expected.len() as u64);
                only_v1(place, &v1);
                assert_eq!(place.status().unwrap().phase, Phase::NotStarted);
                let again = place.unchanged_by(|| recover(place, mode).unwrap());
                assert_eq!(again.headline, "nothing to recover");
                place.upgrade().unwrap();
                checker.upgraded(&place.image()).unwrap();
            });
        }
    }
}

#[test]
fn an_upgrade_that_did_not_end_is_cancelled_too() {
    on_both_with("half-way", |place, checker, _| {
        let v1 = v1_tree(place);
        assert_eq!(recover(place, Cancel).unwrap().phase, Phase::NotStarted);
        only_v1(place, &v1);
        place.upgrade().unwrap();
        checker.upgraded(&place.image()).unwrap();
    });
    // One task failed, so the upgrade is not complete; V1 goes on to be worked on, since it is the truth.
    on_both_with("seed", |place, _, _| {
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        place.upgrade().unwrap_err();
        rename(&*place.storage, &format!("Compaction/Scheduler/{TASK}"), &format!("Compaction/Scheduler/{TASK}.Done"));
        let v1 = v1_tree(place);
        recover(place, Cancel).unwrap();
        only_v1(place, &v1);
    });
}

/// Nobody should have touched it; that is no reason to throw away what somebody did.
#[test]
fn a_v2_task_that_changed_before_the_upgrade_was_complete_is_no_attempt() {
    on_both_with("half-way", |place, _, _| {
        let storage = &*place.storage;
        edit(storage, "aaaaffff.16176931.56000000.0", |task| task.table_name.push('x'));
        edit(storage, "aaaaffff.16176931.56000000.1", |task| task.table_name.push('x'));
        set_status(storage, "aaaaffff.16176931.56000000.2", StateV2::Done);
        let reasons = [
            "aaaaffff.16176931.56000000.0: its TaskInfo changed, though the upgrade is not complete",
            "aaaaffff.16176931.56000000.1: no upgrade that the tree knows made it",
            "aaaaffff.16176931.56000000.2: no upgrade that the tree knows made it",
        ];
        refused(place, by(Cancel), &reasons);
    });
}

/// Wherever an upgrade was stopped or killed, what it made is known for its own.
#[test]
fn an_upgrade_that_was_stopped_anywhere_is_cancelled() {
    let fixture = fixture("colliding");
    let mut cancelled = 0;
    let place = Place::in_memory(CATALOG);
    for (path, bytes) in fixture.storage.image() {
        if let Some(bytes) = bytes {
            file(&*place.storage, &path, &bytes);
        }
    }
    let v1 = v1_tree(&place);
    let check = |tree: &comptask_upgrade::MemoryStorage, at: u64| {
        let answer = fresh(tree, CATALOG).run(Operation::Recovery, &by(Cancel), None);
        let report = answer.unwrap_or_else(|failure| panic!("at {at}: {failure}"));
        assert!(["nothing to recover", "the upgrade is cancelled; V1 is as it was"].contains(&&*report.headline));
        let left: Vec<String> = tree.image().into_iter().map(|(path, _)| path).collect();
        let of_v1 = |path: &&String| path.starts_with("Compaction/") || path.as_str() == "Compaction";
        let others: Vec<&String> = left.iter().filter(|path| !of_v1(path)).collect();
        assert_eq!(others, ["Compaction_V2", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"], "at {at}");
        let bytes: std::collections::BTreeMap<_, _> = tree.image().into_iter().collect();
        assert!(v1.iter().all(|(path, was)| bytes.get(path) == Some(was)), "at {at}");
    };
    for at in 1.. {
        let tree = fixture.storage.copy();
        let lock = CancelAt::new(at);
        let session = Arc::new(builder(Arc::new(tree.clone()), lock.clone(), CATALOG).open().unwrap());
        lock.watch(&session);
        let _stopped_or_not = run(&session, Operation::Upgrade);
        if lock.asked() < at {
            break;
        }
        check(&tree, at);
        cancelled += 1;
    }
    let calls = FaultStorage::new(&fixture.storage.copy(), None, 1);
    run(&builder(Arc::new(calls.clone()), calls.lock(), CATALOG).open().unwrap(), Operation::Upgrade).unwrap();
    for (at, call) in (1..).zip(calls.calls()).filter(|(_, call)| *call != Call::Look) {
        let faults: &[Fault] =
            if call == Call::Change { &[Fault::CrashAfter] } else { &[Fault::CrashAfter, Fault::Torn] };
        for fault in faults {
            let tree = fixture.storage.copy();
            let storage = FaultStorage::new(&tree, Some((at, *fault)), at);
            let session = builder(Arc::new(storage.clone()), storage.lock(), CATALOG).open().unwrap();
            let _killed = run(&session, Operation::Upgrade);
            check(&tree, at);
            cancelled += 1;
        }
    }
    assert!(cancelled > 80, "{cancelled}");
}

type Meddle = fn(&Place);

#[test]
fn each_thing_that_speaks_against_it_is_a_reason_and_the_way_that_is_left_is_named() {
    let cases: [(Meddle, &str, &str); 12] = [
        (|place| starts(&*place.storage, "xcloud24_9876"), "node xcloud24_9876 has started", "`downgrade`,"),
        (|place| starts(&*place.storage, "node%3A3%2Eexample"), "node node:3.example has started", "`downgrade`,"),
        (|place| edit(&*place.storage, ID, |task| task.table_name.push('x')), "its TaskInfo changed", "`downgrade`,"),
        (|place| set_status(&*place.storage, ID, StateV2::Running), "it is Running now", "`downgrade`,"),
        (
            |place| drop(born(&*place.storage, "0badcafe.1", 2, "p", StateV2::Init)),
            "0badcafe.1.2: no upgrade that the tree knows made it",
            "`downgrade`,",
        ),
        (
            |place| clear(&*place.storage, ID),
            "V2 holds it no more, and no node has recorded a start",
            "`downgrade` with force,",
        ),
        (
            |place| file(&*place.storage, &format!("Compaction_V2/Scheduler/{ID}/notes"), b"?"),
            "its folder holds more than was made: notes",
            "`downgrade`,",
        ),
        (
            |place| remove(&*place.storage, &format!("Compaction_V2/Scheduler/{ID}/Status.Init")),
            "it is not whole",
            "`downgrade` with force,",
        ),
        (
            |place| remove(&*place.storage, &format!("Compaction/Scheduler/{TASK}")),
            "its V1 file is gone",
            "`downgrade`,",
        ),
        (
            |place| {
                let mut task = v1_task("xcloud24_9876", 0, 1_617_693_156_000, StateV1::Init, ("sales", "eu"));
                task.table_name = task.table_name.replace("table", "elbat");
                replace(&*place.storage, &format!("Compaction/Scheduler/{TASK}"), &v1_bytes(&task));
            },
            "the bytes of its V1 file changed",
            "`downgrade` with force,",
        ),
        (
            |place| {
                let at = format!("Compaction/Scheduler/{TASK}");
                rename(&*place.storage, &at, &format!("{at}.Assigned"));
            },
            "its V1 file changed its state",
            "`downgrade` with force,",
        ),
        (
            |place| file(&*place.storage, "Compaction_V2/Scheduler/README", b"?"),
            "Compaction_V2/Scheduler/README: an unknown file (needs force)",
            "`cancel` with force,",
        ),
    ];
    for (meddle, reason, way) in cases {
        on_both_with("seed", |place, _, _| {
            place.upgrade().unwrap();
            meddle(place);
            for mode in [Cancel, Auto] {
                let failure = refused(place, by(mode), &[reason]);
                assert!(failure.error.next_action().contains(way), "{reason}: {}", failure.error.next_action());
            }
            if !reason.contains("needs force") {
                refused(place, by_force(Cancel), &[reason]);
            }
        });
    }
}

#[test]
fn every_reason_is_said_at_once() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let storage = &*place.storage;
        starts(storage, "xcloud24_9876");
        starts(storage, "xcloud25_9876");
        set_status(storage, ID, StateV2::Running);
        clear(storage, "aaaaffff.16176067.56000000.0");
        born(storage, "q", 0, "p", StateV2::Done);
        remove(storage, "Compaction/Scheduler/compct.xcloud24_9876.0.1583392356000.Done");
        file(storage, "Compaction_V2/TaskUpgrade.done/what", b"");
        file(storage, "Compaction_V2/TaskAssigned/xcloud24_9876/what", b"");
        let failure = refused(
            place,
            by(Cancel),
            &[
                "node xcloud24_9876 has started",
                "node xcloud25_9876 has started",
                &format!("{ID}: it is Running now"),
                "aaaaffff.16176067.56000000.0: V2 holds it no more: it was finished and cleared there",
                "q.0: no upgrade that the tree knows made it",
                "its V1 file is gone",
                "TaskUpgrade.done/what: an unknown file (needs force)",
                "TaskAssigned/xcloud24_9876/what: an unknown file (needs force)",
            ],
        );
        assert!(failure.error.message().starts_with("8 reasons"), "{}", failure.error);
        let advice = failure.error.next_action();
        assert!(advice.contains("`downgrade` with force") && !advice.contains("downgrade_old"), "{advice}");
    });
}

#[test]
fn an_unknown_file_goes_with_v2_by_force_and_is_named() {
    on_both_with("seed", |place, _, _| {
        let v1 = v1_tree(place);
        place.upgrade().unwrap();
        file(&*place.storage, "Compaction_V2/Scheduler/README", b"?");
        let report = place.run_with(Operation::Recovery, by_force(Cancel)).unwrap();
        assert_eq!(report.unknown, ["Compaction_V2/Scheduler/README"]);
        assert!(report.warnings.iter().any(|text| text.contains("by force") && text.contains("README")));
        only_v1(place, &v1);
    });
}

/// New V1 tasks are V1's own business: they were never upgraded, and they stay.
#[test]
fn v1_tasks_that_turned_up_since_stay_where_they_are() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        v1(&*place.storage, "late", 0, 9, StateV1::Init, ("sales", "eu"));
        let v1 = v1_tree(place);
        recover(place, Cancel).unwrap();
        only_v1(place, &v1);
    });
}

#[test]
fn a_change_id_that_moved_on_or_that_nothing_tells_now_forbids_it() {
    on_both_with("seed", |place, _, _| {
        let v1 = v1_tree(place);
        let registry = Registry::with_change_id(7);
        let session = place.builder().liveness(registry.clone()).open().unwrap();
        run(&session, Operation::Upgrade).unwrap();
        *registry.change_id.lock() = Some(9);
        let failure = refused_in(place, &session, by(Cancel), &["the PU registry's change id moved on"]);
        assert!(failure.error.next_action().contains("`downgrade`"));
        refused(place, by(Auto), &["nothing that is configured tells it now"]);
        *registry.change_id.lock() = Some(7);
        session.run(Operation::Recovery, &by(Cancel), None).unwrap();
        only_v1(place, &v1);
    });
}

#[test]
fn an_upgrade_inside_a_running_node_cannot_be_cancelled() {
    on_both_with("seed", |place, _, _| {
        place.run_with(Operation::Upgrade, RunOptions { online: true, ..RunOptions::default() }).unwrap();
        let failure = refused(place, by(Cancel), &["the upgrade ran inside a running node"]);
        assert!(failure.error.next_action().contains("`downgrade`,"), "{}", failure.error.next_action());
        recover(place, Downgrade).unwrap();
    });
}

#[test]
fn nodes_that_are_up_or_come_up_refuse_it_and_nothing_has_begun() {
    on_both_with("seed", |place, checker, _| {
        place.upgrade().unwrap();
        let session = place.builder().liveness(Up(&["xcloud24_9876"])).open().unwrap();
        let at_the_second = place.builder().liveness(UpAtTheSecondLook::default()).open().unwrap();
        for session in [session, at_the_second] {
            let failure = place.unchanged_by(|| run(&session, Operation::Recovery).unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::NodesOnline);
            assert!(failure.error.message().contains("xcloud24_9876"), "{}", failure.error);
            let asked = session.check_all_offline(Operation::Recovery).unwrap_err();
            assert_eq!(asked.kind(), ErrorKind::NodesOnline);
        }
        checker.upgraded(&place.image()).unwrap();
    });
}

#[test]
fn a_node_that_starts_while_it_begins_stops_it() {
    let comes: [fn(&Registry, &dyn comptask_upgrade::Storage); 2] =
        [|_, storage| starts(storage, "xcloud24_9876"), |registry, _| *registry.change_id.lock() = Some(8)];
    for come in comes {
        on_both_with("seed", |place, _, _| {
            let registry = Registry::with_change_id(7);
            run(&place.builder().liveness(registry.clone()).open().unwrap(), Operation::Upgrade).unwrap();
            let (inner, late) = (Arc::clone(&place.storage), registry.clone());
            let begins = |change: &Change| matches!(change, Change::Rename { to, .. } if to.name() == "Taskrecovery");
            let storage = Meddling::new(Arc::clone(&place.storage), begins, move || come(&late, &*inner));
            let session = place.builder_on(Arc::new(storage)).liveness(registry).open().unwrap();
            let failure = session.run(Operation::Recovery, &by(Cancel), None).unwrap_err();
            assert_eq!(failure.error.kind(), ErrorKind::NodesOnline, "{}", failure.error);
            assert_eq!(place.status().unwrap().phase, Phase::Upgraded);
            assert!(names(&*place.storage, "Compaction_V2").iter().all(|name| !name.starts_with("Taskrecovery")));
            assert!(exists(&*place.storage, &format!("Compaction_V2/Scheduler/{ID}/Status.Init")));
        });
    }
}

#[test]
fn no_one_recovers_while_another_runs() {
    on_both(CATALOG, |place| {
        v1(&*place.storage, "p", 0, 1, StateV1::Init, ("sales", "eu"));
        place.upgrade().unwrap();
        let holder = place.session();
        holder.lock().unwrap();
        assert_eq!(place.unchanged_by(|| recover(place, Cancel).unwrap_err()).error.kind(), ErrorKind::Locked);
    });
}
