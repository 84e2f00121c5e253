//! DELETE: what it takes along, what stops it, and how it goes on where it was cut.

use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::Change;
use comptask_upgrade::{Codec, DefaultCodec, ErrorKind, Operation, Outcome, Phase, RunOptions};

use crate::support::meddling::Meddling;
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{
    bytes, exists, file, folder, names, remove, rename, replace, v1, v1_bytes, v1_task, v2, v2_task,
};
use crate::support::ways_back::clear;

const TASK: &str = "compct.xcloud24_9876.0.1617693156000";
const V2_TASK: &str = "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0";

/// That DELETE is refused with a reason and changes nothing; without the reason it then goes through.
fn refused(place: &Place, reasons: &[&str]) {
    let failure = place.unchanged_by(|| place.delete().unwrap_err());
    assert_eq!(failure.error.kind(), ErrorKind::Refused, "{}", failure.error);
    let said = failure.report.unwrap().warnings.join("\n");
    for reason in reasons {
        assert!(said.contains(reason), "{said} lacks {reason}");
    }
}

fn force() -> RunOptions {
    RunOptions { force: true, ..RunOptions::default() }
}

/// A whole V1 file of the seed's first task with another table, as long as it was.
fn other_table() -> Vec<u8> {
    let mut task = v1_task("xcloud24_9876", 0, 1_617_693_156_000, StateV1::Init, ("sales", "eu"));
    task.table_name = task.table_name.replace("table", "elbat");
    v1_bytes(&task)
}

#[test]
fn it_removes_v1_and_the_done_mark_and_leaves_v2() {
    on_both_with("sub-tasks", |place, checker, _| {
        place.upgrade().unwrap();
        let report = place.delete().unwrap();
        assert_eq!((report.phase, report.headline.as_str()), (Phase::V2Only, "the V1 tree is deleted"));
        checker.deleted(&place.image()).unwrap();
        assert_eq!(place.delete().unwrap().headline, "nothing to delete");
        assert_eq!(place.status().unwrap().phase, Phase::V2Only);
    });
}

#[test]
fn a_v1_task_that_is_in_no_manifest_stops_it_whatever_the_force() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        v1(&*place.storage, "late", 0, 9, StateV1::Done, ("sales", "eu"));
        refused(place, &["compct.late.0.9.Done: it turned up after the upgrade was complete"]);
        let failure = place.unchanged_by(|| place.run_with(Operation::Delete, force()).unwrap_err());
        assert_eq!(failure.error.kind(), ErrorKind::Refused);
        remove(&*place.storage, "Compaction/Scheduler/compct.late.0.9.Done");
        place.delete().unwrap();
    });
}

#[test]
fn a_v1_task_that_turns_up_while_it_checks_is_not_swept_away() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let inner = Arc::clone(&place.storage);
        let late = Meddling::new(
            Arc::clone(&place.storage),
            |change| matches!(change, Change::Rename { from, .. } if from.name() == "Compaction"),
            move || drop(v1(&*inner, "late", 0, 9, StateV1::Init, ("sales", "eu"))),
        );
        let session = place.builder_on(Arc::new(late)).open().unwrap();
        let failure = session.run(Operation::Delete, &RunOptions::default(), None).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::NewV1Tasks, "{}", failure.error);
        assert!(failure.error.message().contains("compct.late.0.9"), "{}", failure.error);
        assert!(exists(&*place.storage, "Compaction/Scheduler/compct.late.0.9"));
        assert_eq!(place.status().unwrap().phase, Phase::Upgraded);
        remove(&*place.storage, "Compaction/Scheduler/compct.late.0.9");
        place.delete().unwrap();
    });
}

#[test]
fn a_v1_file_that_changed_and_is_as_long_as_it_was_stops_it() {
    for started in [false, true] {
        on_both_with("seed", |place, _, _| {
            place.upgrade().unwrap();
            if started {
                file(&*place.storage, "Compaction_V2/TaskUpgrade.done/Started.xcloud24_9876", b"");
            }
            let at = format!("Compaction/Scheduler/{TASK}");
            let old = bytes(&*place.storage, &at);
            let new = other_table();
            assert!(old.len() == new.len() && old != new, "the test's own premise");
            replace(&*place.storage, &at, &new);
            refused(place, &[&format!("{TASK}: its bytes changed after it was upgraded")]);
            assert_eq!(place.run_with(Operation::Delete, force()).unwrap_err().error.kind(), ErrorKind::Refused);
            replace(&*place.storage, &at, &old);
            place.delete().unwrap();
        });
    }
}

#[test]
fn a_v1_task_that_changed_its_state_stops_it() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let at = format!("Compaction/Scheduler/{TASK}");
        rename(&*place.storage, &at, &format!("{at}.Done"));
        refused(place, &[&format!("{TASK}.Done: it changed its state after it was upgraded")]);
    });
}

#[test]
fn every_reason_is_said_at_once() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        v1(storage, "p", 0, 12, StateV1::Init, ("sales", "eu"));
        place.upgrade().unwrap();
        file(storage, "Compaction_V2/TaskUpgrade.done/Started.xcloud24_9876", b"");
        // The new one's name is how the changed one's begins.
        v1(storage, "p", 0, 1, StateV1::Init, ("sales", "eu"));
        let mut task = v1_task("p", 0, 12, StateV1::Init, ("sales", "eu"));
        task.table_name = task.table_name.replace("table", "elbat");
        replace(storage, "Compaction/Scheduler/compct.p.0.12", &v1_bytes(&task));
        file(storage, "Compaction/what", b"");
        refused(
            place,
            &["compct.p.0.1: it turned up", "compct.p.0.12: its bytes changed", "Compaction/what: an unknown file"],
        );
    });
}

#[test]
fn an_unknown_file_stops_it_and_force_takes_it_along() {
    for at in
        ["Compaction/Scheduler/README", "Compaction/x", "Compaction/TaskAssigned/p/x", "Compaction/TaskAssigned/y"]
    {
        on_both_with("seed", |place, checker, _| {
            place.upgrade().unwrap();
            file(&*place.storage, at, b"whose?");
            refused(place, &[&format!("{at}: an unknown file")]);
            let report = place.run_with(Operation::Delete, force()).unwrap();
            assert_eq!(report.unknown, [at]);
            checker.deleted(&place.image()).unwrap();
        });
    }
}

/// A V2 task that moved on, as it does once a node of the new version works on it.
fn moved_on(place: &Place) {
    let storage = &*place.storage;
    let at = format!("{V2_TASK}/TaskInfo.pc1.sales");
    let mut task = DefaultCodec.decode_v2(&bytes(storage, &at)).unwrap();
    task.state = StateV2::Running;
    replace(storage, &at, &DefaultCodec.encode_v2(&task).unwrap());
    rename(storage, &format!("{V2_TASK}/Status.Init"), &format!("{V2_TASK}/Status.Running"));
}

#[test]
fn a_pair_that_differs_stops_it_as_long_as_no_node_has_started() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        moved_on(place);
        refused(
            place,
            &[
                "its Status is Running, it was made Init",
                "the bytes of its TaskInfo changed",
                "these fields differ: state",
            ],
        );
        file(&*place.storage, "Compaction_V2/TaskUpgrade.done/Started.node%3A3%2Eexample", b"");
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        let report = place.run_with(Operation::Delete, verify).unwrap();
        assert!(report.warnings.iter().any(|text| text.contains("pairs are not compared")), "{:?}", report.warnings);
        assert_eq!((report.started_nodes, report.verified), (vec!["node:3.example".to_owned()], 0));
        assert!(exists(&*place.storage, &format!("{V2_TASK}/Status.Running")));
    });
}

#[test]
fn verify_finds_every_field_that_was_changed() {
    type Edit = fn(&mut comptask_upgrade::task::TaskV2);
    let edits: [(&str, Edit); 8] = [
        ("receive_pu", |task| task.receive_pu.push('x')),
        ("optimizat", |task| task.optimizat.pc_name.push('x')),
        ("repeat_info", |task| task.repeat_info.repeat_count += 1),
        ("result_info", |task| task.result_info.failed_count += 1),
        ("table_name", |task| task.table_name.push('x')),
        ("partition_name", |task| task.partition_name.clear()),
        ("executenode", |task| task.executenode.push('x')),
        ("memo", |task| task.memo.compact_group_num = 7),
    ];
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        assert_eq!(place.unchanged_by(|| place.run_with(Operation::Status, verify).unwrap()).verified, 4);
        let at = format!("{V2_TASK}/TaskInfo.pc1.sales");
        let made = bytes(&*place.storage, &at);
        for (field, edit) in edits {
            let mut task = DefaultCodec.decode_v2(&made).unwrap();
            edit(&mut task);
            replace(&*place.storage, &at, &DefaultCodec.encode_v2(&task).unwrap());
            for operation in [Operation::Status, Operation::Upgrade] {
                let failure = place.unchanged_by(|| place.run_with(operation, verify).unwrap_err());
                assert_eq!(failure.error.kind(), ErrorKind::Damaged);
                assert!(failure.error.next_action().contains("RECOVERY by downgrade_old with force"));
                let report = failure.report.unwrap();
                let rows = &report.rows;
                assert_eq!((rows.len(), rows[0].outcome, rows[0].v1_name.as_str()), (1, Outcome::Differs, TASK));
                let delete = report.choices.iter().find(|choice| choice.0 == Operation::Delete);
                let refused = (Operation::Delete, "refused now: pairs of tasks that differ: 1".to_owned());
                assert_eq!(delete, (operation == Operation::Status).then_some(&refused));
                assert!(rows[0].detail.contains(&format!("these fields differ: {field}")), "{}", rows[0].detail);
            }
            refused(place, &[&format!("these fields differ: {field}")]);
        }
        replace(&*place.storage, &at, &made);
        place.delete().unwrap();
    });
}

/// Its old name is missing for no other reason than that it has a new one.
#[test]
fn a_v1_file_whose_state_changed_is_one_reason() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        rename(
            &*place.storage,
            &format!("Compaction/Scheduler/{TASK}"),
            &format!("Compaction/Scheduler/{TASK}.Cancel"),
        );
        let failure = place.unchanged_by(|| place.delete().unwrap_err());
        let said = failure.error.message();
        assert!(said.starts_with(&format!("1 reason against deleting the V1 tree: {TASK}.Cancel: ")), "{said}");
        assert_eq!(failure.report.unwrap().warnings.len(), 1);
        // What is wrong with the task beside that is another reason.
        let second = format!("Compaction/Scheduler/{TASK}");
        file(&*place.storage, &second, &bytes(&*place.storage, &format!("{second}.Cancel")));
        clear(&*place.storage, "aaaaffff.16176931.56000000.0");
        refused(place, &[&format!("{TASK}.Cancel: it changed its state"), &format!("{TASK}: its V2 task is gone")]);
    });
}

#[test]
fn a_manager_that_is_gone_or_on_another_node_is_a_difference() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        v1(storage, "p", 0, 5, StateV1::Init, ("sales", "solo"));
        place.upgrade().unwrap();
        let manager = "Manager.aaaaffff.00000000.00005000.0";
        folder(storage, "Compaction_V2/TaskAssigned/free%251");
        let (here, there) = (
            format!("Compaction_V2/TaskAssigned/solo_1/{manager}"),
            format!("Compaction_V2/TaskAssigned/free%251/{manager}"),
        );
        rename(storage, &here, &there);
        refused(place, &["its manager file is on [\"free%1\"], not on \"solo_1\""]);
        remove(storage, &there);
        refused(place, &["its manager file is on [], not on \"solo_1\""]);
    });
}

#[test]
fn a_tree_cut_in_the_middle_of_its_removal_is_removed_to_the_end() {
    on_both_with("sub-tasks", |place, checker, _| {
        place.upgrade().unwrap();
        rename(&*place.storage, "Compaction", "Compaction.deleting");
        remove(&*place.storage, "Compaction.deleting/TaskAssigned/p1");
        assert_eq!(place.status().unwrap().phase, Phase::Deleting);
        let report = place.delete().unwrap();
        assert_eq!(report.phase, Phase::V2Only);
        checker.deleted(&place.image()).unwrap();
    });
    on_both_with("sub-tasks", |place, checker, _| {
        place.upgrade().unwrap();
        remove(&*place.storage, "Compaction");
        assert_eq!(place.status().unwrap().phase, Phase::Deleting, "done is there and V1 gone");
        place.delete().unwrap();
        checker.deleted(&place.image()).unwrap();
    });
}

/// What the very last changes of a DELETE leave where it is cut: the tree is in the phase `V2Only` by then.
#[test]
fn rubbish_that_a_delete_left_at_its_very_end_is_cleared_by_the_next_run_of_any_operation() {
    for operation in [Operation::Delete, Operation::Upgrade] {
        on_both_with("seed", |place, checker, _| {
            place.upgrade().unwrap();
            place.delete().unwrap();
            file(&*place.storage, "Compaction_V2/.staging/0-a/TaskUpgrade.done/Manifest", b"the old one");
            let holder = b"{\"run\":\"0-a\",\"operation\":\"delete\",\"host\":\"h\",\"pid\":1,\"since\":\"x\"}\n";
            file(&*place.storage, "Compaction_V2/TaskupgradeLock", holder);
            place.run(operation).unwrap();
            checker.deleted(&place.image()).unwrap_or_else(|why| panic!("{operation:?}: {why}"));
            assert_eq!(place.status().unwrap().lock_holder, None);
        });
    }
}

#[test]
fn an_empty_v1_tree_goes_and_one_that_holds_anything_does_not_unasked() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        for at in ["Compaction/Scheduler", "Compaction/TaskAssigned/p1", "Compaction_V2/Scheduler"] {
            folder(storage, at);
        }
        file(storage, "Compaction/TaskAssigned/p1/compct.p1.0.1/TaskInfo", b"a sub-task without its task");
        refused(place, &["Compaction/TaskAssigned/p1/compct.p1.0.1/TaskInfo: no upgrade knows it"]);
        remove(storage, "Compaction/TaskAssigned/p1/compct.p1.0.1");
        assert_eq!(place.delete().unwrap().phase, Phase::Empty);
        assert_eq!(names(storage, ""), ["Compaction_V2"]);
    });
    on_both(CATALOG, |place| {
        folder(&*place.storage, "Compaction/Scheduler");
        for _ in 0..2 {
            assert_eq!(place.delete().unwrap().phase, Phase::Empty, "the root stays a cluster.compact");
        }
        assert_eq!(names(&*place.storage, ""), ["Compaction_V2"]);
    });
    on_both(CATALOG, |place| {
        file(&*place.storage, "Compaction/Scheduler/README", b"what?");
        let task = v1_task("p", 0, 1, StateV1::Init, ("sales", "eu"));
        v2(&*place.storage, "q.0", "TaskInfo.pc1.sales", &v2_task(&task, "q", StateV2::Done, "pc1", "xcloud24_9876"));
        refused(place, &["Compaction/Scheduler/README: no upgrade knows it (force deletes it)"]);
        let report = place.run_with(Operation::Delete, force()).unwrap();
        assert_eq!((report.phase, report.unknown.len()), (Phase::V2Only, 1));
        assert!(!exists(&*place.storage, "Compaction"));
    });
}

/// A stale holder, or a run cut between the done mark and the end, leaves marks beside it.
#[test]
fn marks_left_beside_the_done_mark_go_and_what_no_manifest_holds_is_settled() {
    for operation in [Operation::Upgrade, Operation::Delete] {
        on_both_with("seed", |place, checker, _| {
            place.upgrade().unwrap();
            let storage = &*place.storage;
            let marks = "Compaction_V2/Taskupgrade";
            file(storage, &format!("{marks}/{TASK}.upgrade"), b"");
            file(storage, &format!("{marks}/{TASK}.xcloud24_9876"), b"");
            file(storage, &format!("{marks}/compct.late.0.1600000000000.solo_1"), b"");
            file(storage, "Compaction_V2/TaskAssigned/solo_1/Manager.aaaaffff.16000000.00000000.0", b"");
            let report = place.status().unwrap();
            assert_eq!(report.phase, Phase::Upgraded);
            assert!(report.leftovers.iter().any(|text| text.contains("Taskupgrade")), "{:?}", report.leftovers);
            place.run(operation).unwrap();
            match operation {
                Operation::Delete => checker.deleted(&place.image()).unwrap(),
                _ => checker.upgraded(&place.image()).unwrap(),
            }
            assert!(names(storage, "Compaction_V2/TaskAssigned/solo_1").is_empty(), "its manager went");
        });
    }
}

#[test]
fn once_nodes_have_started_it_says_what_v2_holds_no_more_and_stops_where_all_of_it_is_away() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        place.upgrade().unwrap();
        file(storage, "Compaction_V2/TaskUpgrade.done/Started.n1", b"");
        rename(storage, "Compaction_V2/Scheduler", "Compaction_V2/away");
        refused(place, &["Compaction_V2/Scheduler is gone"]);
        rename(storage, "Compaction_V2/away", "Compaction_V2/Scheduler");
        remove(storage, V2_TASK);
        let report = place.delete().unwrap();
        let warned = report.warnings.iter().any(|text| text.contains("V2 holds 1 of the 4 upgraded tasks no more"));
        assert!(warned, "{:?}", report.warnings);
    });
}
