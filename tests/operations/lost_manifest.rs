//! A complete upgrade whose manifest is damaged or gone: what is refused, and the way back that is left.

use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::{Error, ErrorKind, Gate, Operation, Outcome, Phase, RecoveryMode, RunOptions};
use RecoveryMode::{Auto, Cancel, Downgrade, DowngradeOld};

use crate::support::meddling::CannotRead;
use crate::support::places::{on_both_with, Place};
use crate::support::sessions::choice;
use crate::support::v1_files::{bytes, exists, file, folder, names, remove, rename, replace, v1};
use crate::support::ways_back::{
    born, by, by_force, clear, edit, only_v1, plan_by, recover, refused, set_status, starts, v1_tree,
};

const MANIFEST: &str = "Compaction_V2/TaskUpgrade.done/Manifest";
const IDS: [&str; 2] = ["aaaaffff.16176931.56000000.0", "aaaaffff.16176067.56000000.0"];

/// A way in which a manifest gets lost, and the kind of the error that says so.
type Loss = (&'static str, ErrorKind, fn(&Place));

/// What is done to a V1 file, and the words for it.
type Damage = (fn(&Place), &'static str);

const LOSSES: [Loss; 4] = [
    ("gone", ErrorKind::Damaged, |place| remove(&*place.storage, MANIFEST)),
    ("empty", ErrorKind::Corrupt, |place| replace(&*place.storage, MANIFEST, b"")),
    ("torn", ErrorKind::Corrupt, |place| {
        let whole = bytes(&*place.storage, MANIFEST);
        replace(&*place.storage, MANIFEST, &whole[..whole.len() - 9]);
    }),
    ("another byte", ErrorKind::Corrupt, |place| {
        let mut other = bytes(&*place.storage, MANIFEST);
        let middle = other.len() / 2;
        other[middle] ^= 1;
        replace(&*place.storage, MANIFEST, &other);
    }),
];

/// Upgraded, and its manifest lost in each way.
fn each_loss(work: impl Fn(&Place, &str, ErrorKind)) {
    for (name, kind, lose) in LOSSES {
        on_both_with("seed", |place, _, _| {
            place.upgrade().unwrap();
            lose(place);
            work(place, name, kind);
        });
    }
}

fn lost(place: &Place) {
    place.upgrade().unwrap();
    remove(&*place.storage, MANIFEST);
}

/// It is not lost: the right to read it brings everything back, and until then nothing goes.
#[test]
fn a_manifest_that_nobody_may_read_is_no_reason_to_go_back() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let error = || Error::new(ErrorKind::Permission, "it cannot be read").advise("grant the right to read it");
        let closed = || Arc::new(CannotRead { inner: Arc::clone(&place.storage), path_begin: MANIFEST, error });
        let run = |operation, options| {
            let session = place.builder_on(closed()).open().unwrap();
            place.unchanged_by(|| session.run(operation, &options, None).unwrap_err())
        };
        let plain = RunOptions::default();
        for (operation, options) in [
            (Operation::Upgrade, plain),
            (Operation::Delete, plain),
            (Operation::Recovery, by_force(DowngradeOld)),
            (Operation::Recovery, by(Downgrade)),
            (Operation::Status, plain),
        ] {
            let failure = run(operation, options);
            assert_eq!(failure.error.kind(), ErrorKind::Permission, "{}", failure.error);
            assert_eq!((failure.error.path(), failure.error.next_action()), (MANIFEST, "grant the right to read it"));
        }
        let report = run(Operation::Status, plain).report.unwrap();
        assert!(report.choices.iter().all(|(_, choice)| choice == "refused now: the manifest cannot be read"));
        assert_eq!(report.counts.total, 0, "what is done is not known");
    });
}

#[test]
fn what_needs_a_manifest_is_refused_and_says_which_way_is_left() {
    each_loss(|place, name, kind| {
        let mut errors = Vec::new();
        for mode in [Auto, Cancel, Downgrade] {
            errors.push(place.unchanged_by(|| recover(place, mode).unwrap_err().error));
            errors.push(place.unchanged_by(|| place.run_with(Operation::Recovery, by_force(mode)).unwrap_err().error));
            errors.push(place.unchanged_by(|| place.run_with(Operation::Recovery, plan_by(mode)).unwrap_err().error));
        }
        errors.push(place.unchanged_by(|| place.upgrade().unwrap_err().error));
        errors.push(place.unchanged_by(|| place.delete().unwrap_err().error));
        for error in errors {
            assert_eq!(error.kind(), kind, "{name}: {error}");
            assert!(error.path().starts_with("Compaction_V2/TaskUpgrade.done"), "{name}: {error}");
            assert!(error.next_action().contains("RECOVERY by downgrade_old with force"), "{}", error.next_action());
        }
    });
}

#[test]
fn status_offers_nothing_that_is_refused() {
    each_loss(|place, name, kind| {
        let failure = place.unchanged_by(|| place.status().unwrap_err());
        assert_eq!(failure.error.kind(), kind, "{name}");
        let report = failure.report.unwrap();
        assert_eq!((report.phase, report.counts.total, report.v2_tasks), (Phase::Upgraded, 0, 4), "{name}");
        assert_eq!(report.v1_states.iter().sum::<u64>(), 4, "{name}");
        assert!(choice(&report, Operation::Upgrade).starts_with("refused now"), "{name}");
        assert!(choice(&report, Operation::Delete).starts_with("refused now"), "{name}");
        assert!(choice(&report, Operation::Recovery).starts_with("by downgrade_old with force alone"), "{name}");
        assert!(report.next_action.contains("downgrade_old with force"), "{}", report.next_action);
    });
}

/// What STATUS says elsewhere of started nodes and of unknown files is not true here.
#[test]
fn status_says_the_same_beside_a_started_node_and_an_unknown_file() {
    on_both_with("seed", |place, _, _| {
        lost(place);
        place.session().node_gate("node.1").unwrap();
        file(&*place.storage, "Compaction/note", b"");
        let report = place.status().unwrap_err().report.unwrap();
        assert_eq!(choice(&report, Operation::Delete), "refused now: the manifest cannot be read");
        assert_eq!(
            choice(&report, Operation::Recovery),
            "by downgrade_old with force alone, where V1 holds every V2 task: the manifest cannot be read"
        );
        assert_eq!(report.started_nodes, ["node.1"]);
    });
}

/// Without the first manifest the tasks of it would look new, and what V2 has finished of them would be run again.
#[test]
fn a_manifest_that_is_lost_beside_a_later_one_is_missed() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        for ts in [1_700_000_000_000, 1_700_000_000_001] {
            v1(&*place.storage, "late", 0, ts, StateV1::Init, ("sales", "eu"));
            place.run_with(Operation::Upgrade, RunOptions { reopen: true, ..RunOptions::default() }).unwrap();
        }
        for (number, name) in [(1, "Manifest"), (2, "Manifest.2")] {
            let path = format!("Compaction_V2/TaskUpgrade.done/{name}");
            let whole = bytes(&*place.storage, &path);
            remove(&*place.storage, &path);
            for (operation, reopen) in [
                (Operation::Status, false),
                (Operation::Upgrade, true),
                (Operation::Delete, false),
                (Operation::Recovery, false),
            ] {
                let options = RunOptions { reopen, ..RunOptions::default() };
                let error = place.unchanged_by(|| place.run_with(operation, options).unwrap_err().error);
                assert_eq!(error.kind(), ErrorKind::Damaged, "{operation:?}: {error}");
                assert_eq!(error.message(), format!("of 3 manifests number {number} is missing"));
            }
            file(&*place.storage, &path, &whole);
        }
        assert_eq!(place.status().unwrap().counts.skipped, 6);
    });
}

#[test]
fn force_goes_back_to_v1_as_it_is_and_loses_nothing_where_nothing_happened() {
    each_loss(|place, name, _| {
        let v1 = v1_tree(place);
        let failure = refused(place, by(DowngradeOld), &["nothing proves that V1 is whole"]);
        assert!(failure.error.next_action().contains("`downgrade_old` with force"), "{}", failure.error.next_action());
        let plan = RunOptions { plan: true, ..by_force(DowngradeOld) };
        let planned = place.unchanged_by(|| place.run_with(Operation::Recovery, plan).unwrap());
        assert!(planned.rows.is_empty(), "{name}: {:?}", planned.rows);
        let report = place.run_with(Operation::Recovery, by_force(DowngradeOld)).unwrap();
        assert_eq!((report.phase, report.counts.total, report.counts.left), (Phase::NotStarted, 4, 0), "{name}");
        assert!(report.rows.is_empty(), "{name}: {:?}", report.rows);
        assert!(report.warnings.iter().any(|text| text.contains("by force, although: without a manifest")), "{name}");
        only_v1(place, &v1);
        place.upgrade().unwrap();
    });
}

#[test]
fn what_happened_in_v2_is_named_before_it_is_lost() {
    on_both_with("seed", |place, _, _| {
        lost(place);
        let v1 = v1_tree(place);
        set_status(&*place.storage, IDS[0], StateV2::Done);
        edit(&*place.storage, IDS[1], |task| task.sync_task_flag = !task.sync_task_flag);
        born(&*place.storage, "aaaabbbb.16176931.56000001", 7, "pu_1", StateV2::Init);
        starts(&*place.storage, "node%2E1");
        refused(
            place,
            by(DowngradeOld),
            &[
                "nothing proves that V1 is whole",
                "aaaaffff.16176931.56000000.0: it is not what its V1 file becomes",
                "aaaaffff.16176067.56000000.0: it is not what its V1 file becomes",
                "aaaabbbb.16176931.56000001.7: an upgrade gives no id of this shape",
            ],
        );
        let report = place.run_with(Operation::Recovery, by_force(DowngradeOld)).unwrap();
        let lost: Vec<&str> = report.rows.iter().map(|row| &*row.v2_id).collect();
        assert!(report.rows.iter().all(|row| row.outcome == Outcome::Lost), "{:?}", report.rows);
        assert_eq!(lost.len(), 3, "{lost:?}");
        for id in [IDS[0], IDS[1], "aaaabbbb.16176931.56000001.7"] {
            assert!(lost.contains(&id), "{lost:?}");
        }
        assert_eq!((report.counts.total, report.counts.left), (5, 3));
        only_v1(place, &v1);
    });
}

/// Nothing tells a task that V2 finished and cleared from one that turned up since: both are named.
#[test]
fn what_v2_does_not_hold_is_named() {
    on_both_with("seed", |place, _, _| {
        lost(place);
        clear(&*place.storage, IDS[0]);
        v1(&*place.storage, "late", 0, 1_700_000_000_000, StateV1::Init, ("sales", "eu"));
        let old = v1_tree(place);
        let gone = "V2 does not hold it: it was finished and cleared there, or turned up after the upgrade";
        refused(
            place,
            by(DowngradeOld),
            &[
                "nothing proves that V1 is whole",
                &format!("compct.late.0.1700000000000: {gone}"),
                &format!("compct.xcloud24_9876.0.1617693156000: {gone}"),
            ],
        );
        let report = place.run_with(Operation::Recovery, by_force(DowngradeOld)).unwrap();
        assert_eq!(report.rows.len(), 2, "{:?}", report.rows);
        only_v1(place, &old);
    });
}

#[test]
fn without_the_v1_file_of_an_upgraded_task_force_does_not_help() {
    on_both_with("seed", |place, _, _| {
        lost(place);
        remove(&*place.storage, "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000");
        refused(place, by_force(DowngradeOld), &["aaaaffff.16176931.56000000.0: its V1 file is gone"]);
    });
}

/// A V1 file that holds no task any more would be lost with the V2 task.
#[test]
fn v1_files_that_hold_no_task_forbid_it() {
    const V1: &str = "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000";
    let cases: [Damage; 3] = [
        (|place| replace(&*place.storage, V1, b"CTK1"), "its V1 file cannot be read: "),
        (
            |place| {
                let other = names(&*place.storage, "Compaction/Scheduler").into_iter().find(|name| !V1.ends_with(name));
                let other = bytes(&*place.storage, &format!("Compaction/Scheduler/{}", other.unwrap()));
                replace(&*place.storage, V1, &other);
            },
            "which is not its name's",
        ),
        (
            |place| {
                remove(&*place.storage, V1);
                folder(&*place.storage, V1);
            },
            "its V1 file is no regular file any more",
        ),
    ];
    for (damage, why) in cases {
        on_both_with("seed", |place, _, _| {
            lost(place);
            damage(place);
            refused(place, by_force(DowngradeOld), &[why]);
        });
    }
}

#[test]
fn a_second_state_in_v1_and_a_stranger_beside_the_manifest_are_named() {
    on_both_with("seed", |place, _, _| {
        lost(place);
        let one = "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000";
        file(&*place.storage, &format!("{one}.Done"), &bytes(&*place.storage, one));
        file(&*place.storage, "Compaction_V2/TaskUpgrade.done/Manifest.bak", b"mine");
        refused(
            place,
            by(DowngradeOld),
            &[
                "nothing proves that V1 is whole",
                "aaaaffff.16176931.56000000.0: V1 has it in several states since it was upgraded",
                "Compaction_V2/TaskUpgrade.done/Manifest.bak: an unknown file",
            ],
        );
        // One that cannot be read in V2 is not said to be missing there.
        remove(&*place.storage, &format!("{one}.Done"));
        remove(&*place.storage, "Compaction_V2/TaskUpgrade.done/Manifest.bak");
        remove(&*place.storage, "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0/TaskInfo.pc1.sales");
        refused(
            place,
            by(DowngradeOld),
            &["nothing proves that V1 is whole", "aaaaffff.16176931.56000000.0: it is not whole: "],
        );
    });
}

#[test]
fn a_delete_under_way_finishes_once_the_old_files_are_taken_away() {
    on_both_with("seed", |place, _, _| {
        lost(place);
        rename(&*place.storage, "Compaction", "Compaction.deleting");
        let recoveries =
            [by(Downgrade), by(Cancel), by_force(DowngradeOld)].map(|options| (Operation::Recovery, options));
        for (operation, options) in recoveries.into_iter().chain([(Operation::Delete, RunOptions::default())]) {
            let error = place.unchanged_by(|| place.run_with(operation, options).unwrap_err().error);
            assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
            assert!(error.next_action().contains("look through Compaction.deleting and remove it"), "{error}");
        }
        let failure = place.unchanged_by(|| place.status().unwrap_err());
        assert!(failure.error.next_action().contains("look through Compaction.deleting"), "{}", failure.error);
        let report = failure.report.unwrap();
        assert_eq!(report.phase, Phase::Deleting);
        for (operation, choice) in &report.choices {
            assert!(choice.starts_with("refused"), "{operation:?}: {choice}");
        }
        let plan = RunOptions { plan: true, ..RunOptions::default() };
        assert!(place.run_with(Operation::Delete, plan).is_err());
        remove(&*place.storage, "Compaction.deleting");
        assert_eq!(place.status().unwrap().phase, Phase::Deleting);
        assert_eq!(place.delete().unwrap().phase, Phase::V2Only);
        let report = recover(place, Downgrade).unwrap();
        assert_eq!(report.phase, Phase::NotStarted);
        assert!(exists(&*place.storage, "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000"));
    });
}

/// V2 is whole whatever became of the list of what was upgraded, so nodes are not kept down for it.
#[test]
fn a_node_starts_on_v2() {
    each_loss(|place, name, _| {
        assert_eq!(place.session().node_gate("node.1").unwrap(), Gate::UseV2, "{name}");
        assert!(exists(&*place.storage, "Compaction_V2/TaskUpgrade.done/Started.node%2E1"), "{name}");
    });
}
