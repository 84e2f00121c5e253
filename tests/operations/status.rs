//! STATUS in every phase, and while another session changes the tree.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use comptask_upgrade::task::StateV1;
use comptask_upgrade::{Operation, Phase, RecoveryMode, RunOptions};
use serde_json::Value;

use crate::support::places::{on_both, on_both_with, Place};
use crate::support::sessions::choice;
use crate::support::trees::CATALOG;
use crate::support::v1_files::{file, folder, remove, rename, v1};
use crate::support::ways_back::clear;

fn json(place: &Place) -> Value {
    let report = place.unchanged_by(|| place.status().unwrap());
    serde_json::from_str(&report.to_json(None)).unwrap()
}

#[test]
fn it_says_what_each_operation_would_do_and_how_many_v2_tasks_are_open() {
    on_both_with("seed", |place, _, _| {
        let before = json(place);
        assert_eq!(before["phase"], "NotStarted");
        assert_eq!(before["choices"]["upgrade"], "converts every V1 task");
        assert_eq!(before["choices"]["recovery"], "nothing to recover");
        assert!(before["choices"]["delete"].as_str().unwrap().starts_with("refused: "));
        place.upgrade().unwrap();
        let after = json(place);
        assert_eq!(
            (&after["phase"], &after["v2_tasks"], &after["v2_open"]),
            (&"Upgraded".into(), &4.into(), &2.into())
        );
        let text = place.status().unwrap().summary();
        assert!(text.contains("V2 tasks  4, 2 open"), "{text}");
        assert!(text.contains("can       recovery: by cancel where nothing happened"), "{text}");
        place.delete().unwrap();
        assert_eq!(json(place)["choices"]["recovery"], "by downgrade: V2 tasks become V1 tasks");
    });
}

#[test]
fn a_recovery_under_way_is_told_with_its_direction_and_how_far_it_is() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        folder(&*place.storage, "Compaction_V2/Taskrecovery");
        let status = place.status().unwrap();
        assert_eq!((status.phase, status.recovery_mode), (Phase::Recovering, None));
        assert!(status.headline.contains("has done nothing"), "{}", status.headline);
        file(&*place.storage, "Compaction_V2/Taskrecovery/Mode.downgrade", b"");
        assert!(place.status().unwrap().headline.contains("has done nothing"), "it had not looked for nodes again");
        file(&*place.storage, "Compaction_V2/Taskrecovery/Begun", b"");
        file(&*place.storage, "Compaction_V2/Taskrecovery/aaaaffff.16176931.56000000.0.downgrade", b"");
        file(&*place.storage, "Compaction_V2/Taskrecovery/what.is.this", b"");
        let status = place.status().unwrap();
        assert_eq!(status.recovery_mode, Some(RecoveryMode::Downgrade));
        assert!(status.headline.contains("1 V1 tasks were written, 4 V2 tasks are there"), "{}", status.headline);
        assert!(status.next_action.contains("by downgrade or auto"), "{}", status.next_action);
        assert_eq!(status.unknown, ["Compaction_V2/Taskrecovery/what.is.this"]);
        file(&*place.storage, "Compaction_V2/Taskrecovery/Carried", b"");
        assert!(place.status().unwrap().headline.contains("V2 is still to go"));
    });
}

#[test]
fn a_reopened_upgrade_counts_what_is_taken_in_already() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        for ts in [1_700_000_000_000, 1_700_000_000_001] {
            v1(&*place.storage, "late", 0, ts, StateV1::Init, ("sales", "eu"));
        }
        file(&*place.storage, "Compaction_V2/Taskupgrade/Reopen", b"");
        file(&*place.storage, "Compaction_V2/Taskupgrade/compct.late.0.1700000000000.upgrade", b"");
        let status = place.status().unwrap();
        assert_eq!(status.phase, Phase::Reopening);
        assert_eq!((status.counts.total, status.counts.skipped, status.counts.left), (6, 5, 1));
        assert_eq!(status.rows[0].v1_name, "compct.late.0.1700000000001");
    });
}

#[test]
fn what_lies_beside_manager_files_is_unknown() {
    on_both_with("seed", |place, _, _| {
        file(&*place.storage, "Compaction_V2/TaskAssigned/solo_1/note", b"");
        let status = place.status().unwrap();
        assert_eq!(status.unknown, ["Compaction_V2/TaskAssigned/solo_1/note"]);
    });
}

/// Asks for STATUS again and again while `work` changes the tree; gives what was seen.
fn watched(place: &Place, work: impl FnOnce() + Send) -> Vec<comptask_upgrade::Report> {
    let ended = AtomicBool::new(false);
    // STATUS takes no lock, so it needs no more than the storage.
    let storage = Arc::clone(&place.storage);
    let session = place.builder_on(storage).open().unwrap();
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            work();
            ended.store(true, Ordering::SeqCst);
        });
        let mut seen = Vec::new();
        while !ended.load(Ordering::SeqCst) && !worker.is_finished() {
            let report = session.run(Operation::Status, &RunOptions::default(), None);
            seen.push(report.unwrap_or_else(|failure| panic!("{}", failure.error)));
        }
        worker.join().unwrap();
        seen
    })
}

#[test]
fn it_stays_right_while_another_session_upgrades_deletes_and_goes_back() {
    const TASKS: u64 = 300;
    on_both(CATALOG, |place| {
        for ts in 0..TASKS {
            v1(&*place.storage, "p", 0, 1_617_693_156_000 + ts, StateV1::Init, ("sales", "eu"));
        }
        let back = RunOptions { recovery_mode: RecoveryMode::Downgrade, ..RunOptions::default() };
        let seen = watched(place, || {
            place.upgrade().unwrap();
            place.delete().unwrap();
            place.run_with(Operation::Recovery, back).unwrap();
        });
        let mut phases = Vec::new();
        for report in &seen {
            let counts = report.counts;
            let sum = counts.converted + counts.skipped + counts.cancelled + counts.failed + counts.left;
            assert_eq!(counts.total, sum, "{}", report.headline);
            assert_eq!(counts.failed, 0, "{}", report.summary());
            let in_upgrade = matches!(report.phase, Phase::NotStarted | Phase::Upgrading | Phase::Upgraded);
            // A downgrade ends in NotStarted too, with every task.
            assert!(!in_upgrade || counts.total == TASKS, "{}", report.summary());
            assert!(report.phase != Phase::Upgraded || counts.skipped == TASKS, "{}", report.summary());
            assert!(report.phase != Phase::V2Only || report.v2_tasks == TASKS, "{}", report.summary());
            phases.push(report.phase);
        }
        phases.dedup();
        println!("{} looks, {phases:?}", seen.len());
        assert!(seen.len() >= 3, "{} looks", seen.len());
        let order = [
            Phase::NotStarted,
            Phase::Upgrading,
            Phase::Upgraded,
            Phase::Deleting,
            Phase::V2Only,
            Phase::Recovering,
            Phase::NotStarted,
        ];
        let mut rest = order.iter();
        assert!(phases.iter().all(|phase| rest.any(|next| next == phase)), "out of order: {phases:?}");
    });
}

/// What the lock file says may be alive: nothing of its thousands of tasks is listed, and nobody is told to run beside it.
#[test]
fn beside_a_run_that_may_be_alive_it_says_to_wait() {
    on_both_with("seed", |place, _, _| {
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        place.upgrade().unwrap_err();
        remove(&*place.storage, "Compaction_V2/Taskupgrade/compct.xcloud24_9876.0.1617693156000.upgrade");
        file(&*place.storage, "Compaction_V2/Taskupgrade/compct.xcloud24_9876.0.1617693156000.node", b"");
        let dead = place.status().unwrap();
        assert_eq!((dead.rows.len(), dead.counts.left), (1, 2), "{:?}", dead.rows);
        assert_eq!(dead.next_action, Phase::Upgrading.next_action());
        let holder = r#"{"run":"r","operation":"upgrade","host":"h","pid":7,"since":"2022-01-01T00:00:00Z"}"#;
        file(&*place.storage, "Compaction_V2/TaskupgradeLock", holder.as_bytes());
        let alive = place.status().unwrap();
        assert!(alive.rows.is_empty(), "{:?}", alive.rows);
        assert_eq!(alive.counts, dead.counts);
        assert!(alive.headline.ends_with("; tasks that are begun and not finished: 1"), "{}", alive.headline);
        let wait = format!("wait for the run that the lock file names; if it is dead: {}", dead.next_action);
        assert_eq!(alive.next_action, wait);
    });
}

/// A node that starts would make a task that vanished look as if V2 had finished it.
#[test]
fn a_v2_task_that_vanished_before_any_node_started_is_no_time_to_start_one() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        clear(&*place.storage, "aaaaffff.16176931.56000000.0");
        let report = place.status().unwrap();
        assert!(report.next_action.starts_with("start no node: V2 lacks tasks"), "{}", report.next_action);
        assert_eq!(choice(&report, Operation::Delete), "refused now: tasks that the upgrade made and V2 lacks: 1");
        assert!(choice(&report, Operation::Recovery).starts_with("by downgrade_old with force"));
        place.delete().unwrap_err();
        let again = place.unchanged_by(|| place.upgrade().unwrap());
        assert_eq!((again.headline.as_str(), again.next_action), ("all tasks are upgraded", report.next_action));
        assert_eq!(again.warnings, ["tasks of the manifest that V2 lacks, although no node has started since: 1"]);
        let back = RunOptions { recovery_mode: RecoveryMode::DowngradeOld, force: true, ..RunOptions::default() };
        place.run_with(Operation::Recovery, back).unwrap();
        assert_eq!(place.upgrade().unwrap().counts.converted, 4);
    });
}

/// V2 may finish and clear a task where a node is up, so that nothing is missed then.
#[test]
fn a_v2_task_that_is_gone_after_a_node_started_is_no_alarm() {
    for online in [false, true] {
        on_both_with("seed", |place, _, _| {
            place.run_with(Operation::Upgrade, RunOptions { online, ..RunOptions::default() }).unwrap();
            if !online {
                place.session().node_gate("n1").unwrap();
            }
            clear(&*place.storage, "aaaaffff.16176931.56000000.0");
            for report in [place.status().unwrap(), place.upgrade().unwrap()] {
                assert!(report.warnings.is_empty(), "{:?}", report.warnings);
                assert_eq!(report.next_action, Phase::Upgraded.next_action());
            }
        });
    }
}

/// What V2 lost is not forgotten over what is new in V1, nor told to be got back from files that are gone too.
#[test]
fn v2_tasks_that_vanished_are_told_beside_what_is_wrong_with_v1() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        clear(&*place.storage, "aaaaffff.16176931.56000000.0");
        let lacked = "tasks of the manifest that V2 lacks, although no node has started since: 1".to_owned();
        v1(&*place.storage, "p", 0, 5, StateV1::Init, ("sales", "solo"));
        let failure = place.upgrade().unwrap_err();
        assert!(failure.report.unwrap().warnings.contains(&lacked));
        let reopened =
            place.run_with(Operation::Upgrade, RunOptions { reopen: true, ..RunOptions::default() }).unwrap();
        assert!(reopened.warnings.contains(&lacked), "{:?}", reopened.warnings);
        assert!(reopened.next_action.starts_with("start no node: V2 lacks tasks"), "{}", reopened.next_action);
        remove(&*place.storage, "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000");
        for report in [place.status().unwrap(), place.upgrade().unwrap()] {
            assert!(report.next_action.starts_with("start no node: both V1 files"), "{}", report.next_action);
        }
    });
}

/// Somebody moved the done mark away: the phase is that of a tree before its upgrade, and what V2 holds is not lost on it.
#[test]
fn v2_tasks_that_no_upgrade_explains_are_told_before_one_begins() {
    on_both_with("seed", |place, _, _| {
        let before = place.status().unwrap();
        assert!(before.warnings.is_empty(), "{:?}", before.warnings);
        place.upgrade().unwrap();
        let image = place.image();
        remove(&*place.storage, "Compaction_V2/TaskUpgrade.done");
        let report = place.status().unwrap();
        assert_eq!(report.phase, Phase::NotStarted);
        assert_eq!(
            report.warnings,
            ["V2 holds tasks beside those of V1, and nothing says that an upgrade made them: 4"]
        );
        assert!(
            report.next_action.contains("if Compaction_V2/TaskUpgrade.done was moved away"),
            "{}",
            report.next_action
        );
        // UPGRADE takes the tasks that are there, and makes none of them twice.
        let again = place.upgrade().unwrap();
        assert_eq!(again.warnings, report.warnings);
        assert_eq!(place.status().unwrap().v2_tasks, 4);
        assert_eq!(place.image().len(), image.len());
    });
}

/// Which of the two is right is for a person, and every UPGRADE fails on it until then.
#[test]
fn a_task_in_two_states_is_to_be_seen_to_before_the_upgrade() {
    on_both_with("seed", |place, _, _| {
        file(&*place.storage, "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000.Cancel", b"");
        let report = place.status().unwrap();
        assert_eq!((report.phase, report.counts.failed), (Phase::NotStarted, 2));
        assert!(
            report.next_action.starts_with("see to the tasks that are there in several states"),
            "{}",
            report.next_action
        );
    });
}

/// The tree looks as a DELETE leaves it that was stopped at its end, which takes the proof of the upgrade away.
#[test]
fn a_v1_tree_that_somebody_moved_away_is_to_be_brought_back_before_delete() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        rename(&*place.storage, "Compaction", "elsewhere");
        let report = place.status().unwrap();
        assert_eq!(report.phase, Phase::Deleting);
        assert!(report
            .next_action
            .ends_with("else bring Compaction back first, since DELETE removes the mark that proves the upgrade"));
        rename(&*place.storage, "elsewhere", "Compaction");
        assert_eq!(place.status().unwrap().phase, Phase::Upgraded);
    });
}

/// What STATUS says of each operation is what the operation does.
#[test]
fn what_lies_in_v2_stands_in_the_way_of_recovery_and_not_of_delete() {
    let by = |recovery_mode, force| RunOptions { recovery_mode, force, ..RunOptions::default() };
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        file(&*place.storage, "Compaction_V2/Scheduler/stray", b"");
        let report = place.status().unwrap();
        assert_eq!(choice(&report, Operation::Recovery), "with force alone: unknown files in V2: 1");
        assert!(choice(&report, Operation::Delete).starts_with("removes the V1 tree"));
        for mode in [RecoveryMode::Auto, RecoveryMode::Downgrade, RecoveryMode::DowngradeOld] {
            place.run_with(Operation::Recovery, by(mode, false)).unwrap_err();
        }
        place.delete().unwrap();
    });
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        file(&*place.storage, "Compaction/Scheduler/stray", b"");
        let report = place.status().unwrap();
        assert_eq!(choice(&report, Operation::Delete), "refused now without force: unknown files in V1: 1");
        place.delete().unwrap_err();
    });
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        remove(&*place.storage, "Compaction_V2/Scheduler");
        let report = place.status().unwrap();
        let way = "by downgrade_old with force, to the old files: the folder of the V2 tasks is gone";
        assert_eq!(choice(&report, Operation::Recovery), way);
        place.run_with(Operation::Recovery, by(RecoveryMode::Downgrade, true)).unwrap_err();
        place.run_with(Operation::Recovery, by(RecoveryMode::DowngradeOld, true)).unwrap();
    });
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        remove(&*place.storage, "Compaction_V2/TaskAssigned");
        let report = place.status().unwrap();
        assert_eq!(report.warnings, ["Compaction_V2/TaskAssigned is gone: nodes find no open task there"]);
        assert_eq!(report.next_action, "start no node before Compaction_V2/TaskAssigned is back");
    });
}

#[test]
fn where_there_is_no_v1_tree_delete_has_nothing_to_do() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        place.delete().unwrap();
        assert_eq!(choice(&place.status().unwrap(), Operation::Delete), "nothing to delete");
        assert_eq!(place.delete().unwrap().headline, "nothing to delete");
        folder(&*place.storage, "Compaction/Scheduler");
        let left = place.status().unwrap();
        assert_eq!(
            choice(&left, Operation::Delete),
            "removes the V1 tree where it holds no file, and with force whatever it holds"
        );
    });
}

#[test]
fn a_v1_file_that_vanished_leaves_downgrade_alone() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        remove(&*place.storage, "Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000");
        let report = place.status().unwrap();
        assert!(report.next_action.starts_with("bring back the V1 files"), "{}", report.next_action);
        let again = place.upgrade().unwrap();
        assert_eq!((again.warnings, again.next_action), (report.warnings.clone(), report.next_action.clone()));
        assert_eq!(choice(&report, Operation::Delete), "refused now: V1 files of upgraded tasks that are gone: 1");
        assert_eq!(
            choice(&report, Operation::Recovery),
            "by downgrade alone: V1 files of upgraded tasks that are gone: 1"
        );
        place.delete().unwrap_err();
        place
            .run_with(Operation::Recovery, RunOptions { recovery_mode: RecoveryMode::Cancel, ..RunOptions::default() })
            .unwrap_err();
        let back = RunOptions { recovery_mode: RecoveryMode::Downgrade, ..RunOptions::default() };
        place.run_with(Operation::Recovery, back).unwrap();
    });
}
