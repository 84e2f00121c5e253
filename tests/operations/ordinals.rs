//! Tasks that would share one id, and traces of attempts that did not end.

use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::Change;
use comptask_upgrade::{Codec, DefaultCodec, ErrorKind, Operation, RunOptions};

use crate::support::meddling::Meddling;
use crate::support::places::{on_both, Place};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{bytes, exists, file, names, remove, v1, v1_task, v2, v2_task};

const TS: u64 = 1_700_000_000_123;

/// Which PU has which ordinal.
fn owners(place: &Place) -> Vec<(String, String)> {
    let storage = &*place.storage;
    let of = |folder: String| {
        let at = format!("Compaction_V2/Scheduler/{folder}");
        let info = names(storage, &at).into_iter().find(|name| name.starts_with("TaskInfo.")).unwrap();
        let task = DefaultCodec.decode_v2(&bytes(storage, &format!("{at}/{info}"))).unwrap();
        (folder, task.receive_pu)
    };
    names(storage, "Compaction_V2/Scheduler").into_iter().map(of).collect()
}

fn is(place: &Place, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(id, pu)| ((*id).to_owned(), (*pu).to_owned())).collect();
    assert_eq!(owners(place), expected);
}

#[test]
fn ordinals_count_every_name_that_can_be_read_whether_or_not_its_file_can() {
    on_both(CATALOG, |place| {
        file(&*place.storage, &format!("Compaction/Scheduler/compct.a.0.{TS}"), b"torn");
        v1(&*place.storage, "b", 0, TS, StateV1::Init, ("sales", "eu"));
        assert_eq!(place.upgrade().unwrap_err().error.kind(), ErrorKind::TasksFailed);
        is(place, &[("aaaaffff.17000000.00123001.0", "b")]);
        remove(&*place.storage, &format!("Compaction/Scheduler/compct.a.0.{TS}"));
        v1(&*place.storage, "a", 0, TS, StateV1::Init, ("sales", "eu"));
        place.upgrade().unwrap();
        is(place, &[("aaaaffff.17000000.00123000.0", "a"), ("aaaaffff.17000000.00123001.0", "b")]);
    });
}

#[test]
fn ordinals_follow_the_bytes_of_the_names_and_not_their_lengths() {
    on_both(CATALOG, |place| {
        for pu in ["b", "aaa", "c", "ab", "B.2"] {
            v1(&*place.storage, pu, 0, TS, StateV1::Init, ("sales", "eu"));
        }
        place.upgrade().unwrap();
        let pus: Vec<String> = owners(place).into_iter().map(|(_, pu)| pu).collect();
        assert_eq!(pus, ["B.2", "aaa", "ab", "b", "c"]);
    });
}

#[test]
fn a_pu_that_turns_up_later_takes_the_next_free_ordinal() {
    on_both(CATALOG, |place| {
        v1(&*place.storage, "b", 0, TS, StateV1::Init, ("sales", "eu"));
        v1(&*place.storage, "c", 0, TS, StateV1::Init, ("sales", "eu"));
        file(&*place.storage, "Compaction/Scheduler/compct.z.9.9", b"torn, so that the upgrade does not end");
        place.upgrade().unwrap_err();
        v1(&*place.storage, "a", 0, TS, StateV1::Init, ("sales", "eu"));
        remove(&*place.storage, "Compaction/Scheduler/compct.z.9.9");
        place.upgrade().unwrap();
        is(
            place,
            &[
                ("aaaaffff.17000000.00123000.0", "b"),
                ("aaaaffff.17000000.00123001.0", "c"),
                ("aaaaffff.17000000.00123002.0", "a"),
            ],
        );
    });
}

/// The ordinal that an attempt had in mind stands in its manager file only; another PU has moved it on since.
#[test]
fn an_attempt_that_meant_another_ordinal_leaves_no_manager_behind() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        v1(storage, "b", 0, TS, StateV1::Init, ("sales", "solo"));
        let id = "aaaaffff.17000000.00123000.0";
        file(storage, &format!("Compaction_V2/Taskupgrade/compct.b.0.{TS}.solo_1"), b"");
        file(storage, &format!("Compaction_V2/TaskAssigned/solo_1/Manager.{id}"), b"");
        v1(storage, "a", 0, TS, StateV1::Init, ("sales", "marked"));
        place.upgrade().unwrap();
        is(place, &[(id, "a"), ("aaaaffff.17000000.00123001.0", "b")]);
        assert_eq!(names(storage, "Compaction_V2/TaskAssigned/%75pgrade"), [format!("Manager.{id}")]);
        assert_eq!(names(storage, "Compaction_V2/TaskAssigned/solo_1"), ["Manager.aaaaffff.17000000.00123001.0"]);
        let verify = RunOptions { verify: true, ..RunOptions::default() };
        place.run_with(Operation::Status, verify).unwrap();
    });
}

#[test]
fn a_task_under_two_marks_is_cleared_from_both_nodes_and_done_anew() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        v1(storage, "p", 0, TS, StateV1::Init, ("sales", "solo"));
        let id = "aaaaffff.17000000.00123000.0";
        let task = v1_task("p", 0, TS, StateV1::Init, ("sales", "solo"));
        let old = v2_task(&task, "aaaaffff.17000000.00123000", StateV2::Init, "pc1", "xcloud24_9876");
        v2(storage, id, "TaskInfo.pc1.sales", &old);
        for node in ["xcloud24_9876", "node%3A3%2Eexample"] {
            file(storage, &format!("Compaction_V2/Taskupgrade/compct.p.0.{TS}.{node}"), b"");
            file(storage, &format!("Compaction_V2/TaskAssigned/{node}/Manager.{id}"), b"");
        }
        place.upgrade().unwrap();
        for (node, expected) in [("xcloud24_9876", 0), ("node%3A3%2Eexample", 0), ("solo_1", 1)] {
            assert_eq!(names(storage, &format!("Compaction_V2/TaskAssigned/{node}")).len(), expected, "{node}");
        }
        assert_eq!(names(storage, &format!("Compaction_V2/Scheduler/{id}")), ["Status.Init", "TaskInfo.solo.sales"]);
    });
}

#[test]
fn a_whole_task_that_is_there_already_is_taken_as_it_is() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        v1(storage, "p", 0, TS, StateV1::Init, ("sales", "solo"));
        let id = "aaaaffff.17000000.00123000.0";
        let task = v1_task("p", 0, TS, StateV1::Init, ("sales", "solo"));
        v2(
            storage,
            id,
            "TaskInfo.solo.sales",
            &v2_task(&task, "aaaaffff.17000000.00123000", StateV2::Init, "solo", "solo_1"),
        );
        place.upgrade().unwrap();
        is(place, &[(id, "p")]);
        assert!(exists(storage, &format!("Compaction_V2/TaskAssigned/solo_1/Manager.{id}")), "it would hang without");
    });
}

#[test]
fn what_an_upgrade_made_and_is_gone_or_broken_is_damage_and_never_redone_unasked() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        v1(storage, "p", 0, 1, StateV1::Init, ("sales", "solo"));
        v1(storage, "p", 1, 1, StateV1::Init, ("sales", "solo"));
        file(storage, "Compaction/Scheduler/compct.z.9.9", b"torn, so that the upgrade does not end");
        place.upgrade().unwrap_err();
        remove(storage, "Compaction_V2/Scheduler/aaaaffff.00000000.00001000.0");
        let failure = place.upgrade().unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
        let rows = failure.report.unwrap().rows;
        let row = rows.iter().find(|row| row.v1_name == "compct.p.0.1").unwrap();
        assert!(row.detail.contains("damaged") && row.detail.contains("its V2 task is gone"), "{}", row.detail);
        assert!(!exists(storage, "Compaction_V2/Scheduler/aaaaffff.00000000.00001000.0"));
    });
}

/// The name was free as the run looked, and is somebody else's as it publishes: what is there is neither replaced nor
/// taken for what was to go there.
#[test]
fn a_main_task_that_comes_into_the_way_is_not_taken_for_the_one_that_was_made() {
    on_both(CATALOG, |place| {
        let id = "aaaaffff.17000000.00123000.0";
        let base = v1(&*place.storage, "p", 0, TS, StateV1::Init, ("sales", "solo"));
        let theirs = v2_task(
            &v1_task("other", 0, TS, StateV1::Init, ("sales", "solo")),
            "aaaaffff.17000000.00123000",
            StateV2::Init,
            "solo",
            "solo_1",
        );
        let (inner, task) = (Arc::clone(&place.storage), theirs.clone());
        let in_the_way = Meddling::new(
            Arc::clone(&place.storage),
            move |change| matches!(change, Change::Rename { to, .. } if to.name() == id),
            move || v2(&*inner, id, "TaskInfo.solo.sales", &task),
        );
        let session = place.builder_on(Arc::new(in_the_way)).open().unwrap();
        let failure = session.run(Operation::Upgrade, &RunOptions::default(), None).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
        let storage = &*place.storage;
        let found = bytes(storage, &format!("Compaction_V2/Scheduler/{id}/TaskInfo.solo.sales"));
        assert_eq!(DefaultCodec.decode_v2(&found).unwrap(), theirs);
        assert!(!exists(storage, &format!("Compaction_V2/Taskupgrade/{base}.upgrade")));
    });
}
