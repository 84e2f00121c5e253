//! The picture of the two trees that a STATUS gives, in every phase.

use comptask_upgrade::language::{translate, Language};
use comptask_upgrade::task::StateV1;
use comptask_upgrade::{Phase, Report};

use crate::support::chinese;
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{file, folder, rename, v1};

const RUN: &str = "1764331200000000000-00000000000000aa";

/// What STATUS draws in a phase, whether or not it could go to its end.
fn assert_drawn(place: &Place, phase: Phase, expected: &str) {
    let report = place.unchanged_by(|| place.status().unwrap());
    assert_eq!(report.phase, phase, "{}", report.headline);
    assert_picture(&report, expected);
}

fn assert_picture(report: &Report, expected: &str) {
    let picture = report.picture().replace(&report.root, "ROOT");
    assert_eq!(picture, expected, "\n{picture}");
    assert_chinese(report);
}

/// In Chinese, every line is the same up to its note, and every note is translated, but for a root in memory.
fn assert_chinese(report: &Report) {
    let picture = report.picture();
    let translated = translate(&picture, Language::Chinese);
    chinese::check_text(&picture);
    assert_eq!(picture.lines().count(), translated.lines().count(), "\n{translated}");
    for (line, shown) in picture.lines().zip(translated.lines()).skip(1) {
        let name = line.rsplit_once("  ").map_or(line, |(name, _)| name);
        let has_note = name.trim_end_matches(' ') != line && !name.trim_matches(['│', ' ']).is_empty();
        assert_eq!(
            shown.strip_prefix(name).is_some_and(|note| note != &line[name.len()..]),
            has_note,
            "{shown}\n{line}"
        );
        assert!(shown.starts_with(name), "{shown}\n{line}");
    }
}

/// What says that this run holds the lock.
fn hold_the_lock(place: &Place, operation: &str) {
    let holder =
        format!(r#"{{"run":"{RUN}","operation":"{operation}","host":"h1","pid":7,"since":"2026-11-28T12:00:00Z"}}"#);
    file(&*place.storage, "Compaction_V2/TaskupgradeLock", holder.as_bytes());
}

#[test]
fn a_tree_that_is_empty() {
    on_both(CATALOG, |place| {
        folder(&*place.storage, "Compaction/Scheduler");
        assert_drawn(
            place,
            Phase::Empty,
            "\
cluster.compact  ROOT
└─ Compaction    V1, the layout of the old version
   └─ Scheduler  main tasks: 0
",
        );
    });
}

#[test]
fn a_tree_that_is_not_upgraded() {
    on_both_with("seed", |place, _, _| {
        assert_drawn(
            place,
            Phase::NotStarted,
            "\
cluster.compact                           ROOT
├─ Compaction                             V1, the layout of the old version
│  ├─ Scheduler                           main tasks: 4
│  │  ├─ compct.<pu>.<seq>.<ts>           in the state Init: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Assigned  in the state Assigned: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Cancel    in the state Cancel: 1
│  │  └─ compct.<pu>.<seq>.<ts>.Done      in the state Done: 1
│  └─ TaskAssigned                        sub-tasks, which are not migrated: 1
└─ Compaction_V2                          V2, the layout of the new version
   ├─ Scheduler                           main tasks: 0, open: 0
   └─ TaskAssigned                        which node has which open task
",
        );
    });
}

#[test]
fn an_upgrade_that_is_under_way() {
    on_both_with("seed", |place, _, _| {
        let storage = &*place.storage;
        hold_the_lock(place, "upgrade");
        for run in [RUN.to_owned(), format!("{RUN}.fence"), "1764331100000000000-00000000000000bb".to_owned()] {
            folder(storage, &format!("Compaction_V2/.staging/{run}"));
        }
        let marks = "Compaction_V2/Taskupgrade";
        file(storage, &format!("{marks}/compct.xcloud24_9876.0.1617693156000.upgrade"), b"");
        file(storage, &format!("{marks}/compct.xcloud24_9876.0.1617606756000.solo_1"), b"");
        file(storage, &format!("{marks}/Part.{RUN}.1"), b"");
        file(storage, &format!("{marks}/Online"), b"");
        file(storage, &format!("{marks}/what.is\nthis"), b"");
        folder(storage, "Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0");
        file(storage, "Compaction_V2/TaskAssigned/solo_1/Manager.aaaaffff.16176931.56000000.0", b"");
        v1(storage, "twin", 0, 1_700_000_000_000, StateV1::Init, ("sales", "eu"));
        v1(storage, "twin", 0, 1_700_000_000_000, StateV1::Done, ("sales", "eu"));
        assert_drawn(place, Phase::Upgrading, "\
cluster.compact                                      ROOT
├─ Compaction                                        V1, the layout of the old version
│  ├─ Scheduler                                      main tasks: 6
│  │  ├─ compct.<pu>.<seq>.<ts>                      in the state Init: 2
│  │  ├─ compct.<pu>.<seq>.<ts>.Assigned             in the state Assigned: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Cancel               in the state Cancel: 1
│  │  └─ compct.<pu>.<seq>.<ts>.Done                 in the state Done: 2
│  └─ TaskAssigned                                   sub-tasks, which are not migrated: 1
└─ Compaction_V2                                     V2, the layout of the new version
   ├─ TaskupgradeLock                                says who holds the lock: upgrade on h1, process 7, since 2026-11-28T12:00:00Z
   ├─ Taskupgrade                                    an UPGRADE has begun and is not complete: 1 converted, 2 failed, 3 left
   │  ├─ Online                                      V1 was at work meanwhile
   │  ├─ <v1 base>.upgrade                           tasks that are converted: 1
   │  ├─ <v1 base>.<node>                            tasks whose conversion began: 1
   │  ├─ Part.<run>.<n>                              what groups of tasks became: 1
   │  └─ what.is\\nthis                               unknown: no rule of the layout explains it
   ├─ Scheduler                                      main tasks: 1, open: 1
   │  └─ <query_id>.<seq>                            a task that nodes see
   │     ├─ Status.<state>                           its state
   │     └─ TaskInfo.<pc>.<db>                       its record
   ├─ TaskAssigned                                   which node has which open task
   │  └─ solo_1                                      manager files: 1
   └─ .staging                                       what is not whole yet, a run each
      ├─ 1764331100000000000-00000000000000bb        left over; the next run clears it
      ├─ 1764331200000000000-00000000000000aa        of the run that TaskupgradeLock names
      └─ 1764331200000000000-00000000000000aa.fence  of the run that TaskupgradeLock names
");
    });
}

#[test]
fn an_upgrade_that_is_complete() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        file(&*place.storage, "Compaction_V2/TaskUpgrade.done/Started.n%2E1", b"");
        folder(&*place.storage, "Compaction_V2/Taskupgrade");
        assert_drawn(
            place,
            Phase::Upgraded,
            "\
cluster.compact                           ROOT
├─ Compaction                             V1, the layout of the old version
│  ├─ Scheduler                           main tasks: 4
│  │  ├─ compct.<pu>.<seq>.<ts>           in the state Init: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Assigned  in the state Assigned: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Cancel    in the state Cancel: 1
│  │  └─ compct.<pu>.<seq>.<ts>.Done      in the state Done: 1
│  └─ TaskAssigned                        sub-tasks, which are not migrated: 1
└─ Compaction_V2                          V2, the layout of the new version
   ├─ Taskupgrade                         left over; the next run clears it
   ├─ TaskUpgrade.done                    the upgrade is complete
   │  ├─ Manifest                         what each task became
   │  └─ Started.n%2E1                    a node that has started since
   ├─ Scheduler                           main tasks: 4, open: 2
   │  └─ <query_id>.<seq>                 a task that nodes see
   │     ├─ Status.<state>                its state
   │     └─ TaskInfo.<pc>.<db>            its record
   └─ TaskAssigned                        which node has which open task
      └─ xcloud25_9876                    manager files: 2
",
        );
    });
}

#[test]
fn an_upgrade_that_was_taken_up_again() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        v1(&*place.storage, "late", 0, 1_700_000_000_000, StateV1::Init, ("sales", "eu"));
        file(&*place.storage, "Compaction_V2/Taskupgrade/Reopen", b"");
        assert_drawn(
            place,
            Phase::Reopening,
            "\
cluster.compact                           ROOT
├─ Compaction                             V1, the layout of the old version
│  ├─ Scheduler                           main tasks: 5
│  │  ├─ compct.<pu>.<seq>.<ts>           in the state Init: 2
│  │  ├─ compct.<pu>.<seq>.<ts>.Assigned  in the state Assigned: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Cancel    in the state Cancel: 1
│  │  └─ compct.<pu>.<seq>.<ts>.Done      in the state Done: 1
│  └─ TaskAssigned                        sub-tasks, which are not migrated: 1
└─ Compaction_V2                          V2, the layout of the new version
   ├─ Taskupgrade                         an UPGRADE that was complete was taken up again: 4 converted, 0 failed, 1 left
   │  └─ Reopen                           it goes on by UPGRADE with reopen
   ├─ TaskUpgrade.done                    the upgrade is complete
   │  └─ Manifest                         what each task became
   ├─ Scheduler                           main tasks: 4, open: 2
   │  └─ <query_id>.<seq>                 a task that nodes see
   │     ├─ Status.<state>                its state
   │     └─ TaskInfo.<pc>.<db>            its record
   └─ TaskAssigned                        which node has which open task
      └─ xcloud25_9876                    manager files: 2
",
        );
    });
}

#[test]
fn a_delete_that_was_stopped() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        rename(&*place.storage, "Compaction", "Compaction.deleting");
        assert_drawn(
            place,
            Phase::Deleting,
            "\
cluster.compact                 ROOT
├─ Compaction.deleting          what a DELETE has still to remove of V1
└─ Compaction_V2                V2, the layout of the new version
   ├─ TaskUpgrade.done          the upgrade is complete
   │  └─ Manifest               what each task became
   ├─ Scheduler                 main tasks: 4, open: 2
   │  └─ <query_id>.<seq>       a task that nodes see
   │     ├─ Status.<state>      its state
   │     └─ TaskInfo.<pc>.<db>  its record
   └─ TaskAssigned              which node has which open task
      └─ xcloud25_9876          manager files: 2
",
        );
    });
}

#[test]
fn a_delete_that_was_stopped_on_its_way() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        folder(&*place.storage, &format!("Compaction_V2/.staging/{RUN}.fence"));
        rename(&*place.storage, "Compaction", &format!("Compaction_V2/.staging/{RUN}.fence/Compaction"));
        assert_drawn(
            place,
            Phase::Deleting,
            "\
cluster.compact                                      ROOT
└─ Compaction_V2                                     V2, the layout of the new version
   ├─ TaskUpgrade.done                               the upgrade is complete
   │  └─ Manifest                                    what each task became
   ├─ Scheduler                                      main tasks: 4, open: 2
   │  └─ <query_id>.<seq>                            a task that nodes see
   │     ├─ Status.<state>                           its state
   │     └─ TaskInfo.<pc>.<db>                       its record
   ├─ TaskAssigned                                   which node has which open task
   │  └─ xcloud25_9876                               manager files: 2
   └─ .staging                                       what is not whole yet, a run each
      └─ 1764331200000000000-00000000000000aa.fence  left over; the next run clears it
         └─ Compaction                               V1 on its way to be deleted
",
        );
    });
}

#[test]
fn a_tree_of_v2_alone() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        place.delete().unwrap();
        let shown = translate(&place.status().unwrap().picture(), Language::Chinese);
        assert_eq!(
            shown.lines().skip(1).collect::<Vec<_>>(),
            [
                "└─ Compaction_V2                V2,新版本的布局",
                "   ├─ Scheduler                 主任务: 4,其中未结束: 2",
                "   │  └─ <query_id>.<seq>       节点可见的任务",
                "   │     ├─ Status.<state>      任务的状态",
                "   │     └─ TaskInfo.<pc>.<db>  任务的记录",
                "   └─ TaskAssigned              各节点上未结束的任务",
                "      └─ xcloud25_9876          管理文件: 2",
            ]
        );
        assert_drawn(
            place,
            Phase::V2Only,
            "\
cluster.compact                 ROOT
└─ Compaction_V2                V2, the layout of the new version
   ├─ Scheduler                 main tasks: 4, open: 2
   │  └─ <query_id>.<seq>       a task that nodes see
   │     ├─ Status.<state>      its state
   │     └─ TaskInfo.<pc>.<db>  its record
   └─ TaskAssigned              which node has which open task
      └─ xcloud25_9876          manager files: 2
",
        );
    });
}

#[test]
fn a_recovery_that_is_under_way() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let storage = &*place.storage;
        let noted = "Compaction_V2/Taskrecovery";
        file(storage, &format!("{noted}/Mode.downgrade"), b"");
        let before = place.status().unwrap().picture();
        assert!(before.contains("a RECOVERY was about to begin and has done nothing"), "{before}");
        file(storage, &format!("{noted}/Begun"), b"");
        file(storage, &format!("{noted}/Cleared"), b"aaaaffff.16000000.00000000.0\n");
        file(storage, &format!("{noted}/aaaaffff.16176931.56000000.0.downgrade"), b"");
        file(storage, &format!("{noted}/aaaaffff.16176067.56000000.0.compct%2Ep%2E0%2E1"), b"");
        file(storage, &format!("{noted}/aaaaffff.16149283.56000000.0.failed"), b"");
        folder(storage, "Compaction_V2/Taskrecovery.removing");
        assert_drawn(
            place,
            Phase::Recovering,
            "\
cluster.compact                           ROOT
├─ Compaction                             V1, the layout of the old version
│  ├─ Scheduler                           main tasks: 4
│  │  ├─ compct.<pu>.<seq>.<ts>           in the state Init: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Assigned  in the state Assigned: 1
│  │  ├─ compct.<pu>.<seq>.<ts>.Cancel    in the state Cancel: 1
│  │  └─ compct.<pu>.<seq>.<ts>.Done      in the state Done: 1
│  └─ TaskAssigned                        sub-tasks, which are not migrated: 1
└─ Compaction_V2                          V2, the layout of the new version
   ├─ TaskUpgrade.done                    the upgrade is complete
   │  └─ Manifest                         what each task became
   ├─ Scheduler                           main tasks: 4, open: 2
   │  └─ <query_id>.<seq>                 a task that nodes see
   │     ├─ Status.<state>                its state
   │     └─ TaskInfo.<pc>.<db>            its record
   ├─ TaskAssigned                        which node has which open task
   │  └─ xcloud25_9876                    manager files: 2
   ├─ Taskrecovery                        a RECOVERY is under way
   │  ├─ Mode.downgrade                   how it goes back
   │  ├─ Begun                            no node came while it began
   │  ├─ Cleared                          tasks that V2 had finished before: 1
   │  ├─ <v2 id>.<v1 base>                tasks on their way to V1: 1
   │  ├─ <v2 id>.downgrade                tasks that are V1 tasks again: 1
   │  └─ <v2 id>.failed                   tasks that cannot be V1 tasks: 1
   └─ Taskrecovery.removing               left over; the next run clears it
",
        );
        file(storage, &format!("{noted}/Carried"), b"");
        let after = place.status().unwrap().picture();
        assert!(after.contains("every task is dealt with; V2 is still to go"), "{after}");
    });
}

#[test]
fn trees_that_no_phase_fits_are_drawn_without_counts() {
    on_both_with("seed", |place, _, _| {
        folder(&*place.storage, "Compaction.deleting");
        folder(&*place.storage, "Compaction_V2/Scheduler");
        let failure = place.unchanged_by(|| place.status().unwrap_err());
        assert_picture(
            &failure.report.unwrap(),
            "\
cluster.compact         ROOT
├─ Compaction           V1, the layout of the old version
├─ Compaction.deleting  what a DELETE has still to remove of V1
└─ Compaction_V2        V2, the layout of the new version
   ├─ Scheduler         main tasks
   └─ TaskAssigned      which node has which open task
",
        );
    });
}

#[test]
fn what_there_are_many_of_is_counted_and_not_drawn() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        for number in 0..15 {
            let storage = &*place.storage;
            file(storage, &format!("Compaction_V2/TaskUpgrade.done/Started.n{number:02}"), b"");
            folder(storage, &format!("Compaction_V2/TaskAssigned/n{number:02}"));
            folder(storage, &format!("Compaction_V2/.staging/r{number:02}"));
            file(storage, &format!("Compaction_V2/TaskAssigned/note{number:02}"), b"");
        }
        let picture = place.status().unwrap().picture();
        for line in [
            "  │  └─ Started.<node>                   more nodes that have started since: 5\n",
            "  │  ├─ xcloud25_9876                    manager files: 2\n",
            "  │  ├─ <node>                           more nodes: 6\n",
            "  │  ├─ note00                           unknown: no rule of the layout explains it\n",
            "     └─ <run>                            more of them: 5\n",
            "unknown files that are not drawn: 5",
        ] {
            assert!(picture.contains(line), "{line}\n{picture}");
        }
        assert_eq!(picture.lines().filter(|line| line.contains("unknown: no rule")).count(), 10, "{picture}");
    });
}

#[test]
fn the_other_operations_draw_nothing() {
    on_both_with("seed", |place, _, _| {
        for report in [place.upgrade().unwrap(), place.delete().unwrap()] {
            assert_eq!(report.picture(), "");
        }
    });
}
