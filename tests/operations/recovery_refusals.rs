//! RECOVERY in every phase and by every mode: what runs, what is refused, and what a plan says of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::tree::Change;
use comptask_upgrade::{ErrorKind, Gate, Operation, Outcome, Phase, PlacementRule, RecoveryMode, RunOptions};
use RecoveryMode::{Auto, Cancel, Downgrade, DowngradeOld};

use crate::support::meddling::Up;
use crate::support::places::{on_both, on_both_with, Place};
use crate::support::recording::Recording;
use crate::support::trees::{fixture, CATALOG};
use crate::support::v1_files::{exists, file, folder, names, remove, rename, v1};
use crate::support::ways_back::{
    born, by, clear, edit, plan_by, recover, recovery_begun, refused, set_status, starts, v1_tasks, v1_tree,
};

const IDS: [&str; 2] = ["aaaaffff.16176931.56000000.0", "aaaaffff.16176067.56000000.0"];

/// What RECOVERY does in a phase.
#[derive(Clone, Copy)]
enum Does {
    Nothing,
    Runs,
    /// It is refused, with this in its words and this in the advice.
    Refused(&'static str, &'static str),
}

type Make = fn(&Place);

fn upgraded(place: &Place) {
    place.upgrade().unwrap();
}

fn upgrading(place: &Place) {
    file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
    place.upgrade().unwrap_err();
}

fn reopening(place: &Place) {
    upgraded(place);
    file(&*place.storage, "Compaction_V2/Taskupgrade/Reopen", b"");
}

fn deleting(place: &Place) {
    upgraded(place);
    rename(&*place.storage, "Compaction", "Compaction.deleting");
    remove(&*place.storage, "Compaction.deleting/TaskAssigned");
    remove(&*place.storage, "Compaction.deleting/Scheduler/compct.xcloud24_9876.0.1617693156000");
}

fn recovering<const MODE: usize>(place: &Place) {
    upgraded(place);
    recovery_begun(&*place.storage, Some(RecoveryMode::ALL[MODE]));
}

/// Each phase, how a tree gets into it, and what RECOVERY does there by auto, cancel, `downgrade_old` and downgrade.
fn table() -> [(&'static str, Phase, Make, [Does; 4]); 14] {
    use Does::{Nothing, Refused, Runs};
    let gone = Refused("the old V1 files are gone", "mode downgrade");
    let other = |word: &'static str| Refused("a RECOVERY by", word);
    [
        ("never upgraded", Phase::NotStarted, |_| (), [Nothing; 4]),
        ("empty", Phase::Empty, |place| remove(&*place.storage, "Compaction/Scheduler"), [Nothing; 4]),
        ("interrupted", Phase::Upgrading, upgrading, [Runs; 4]),
        ("complete", Phase::Upgraded, upgraded, [Runs; 4]),
        ("reopened", Phase::Reopening, reopening, [Runs; 4]),
        ("half deleted", Phase::Deleting, deleting, [gone, gone, gone, Runs]),
        (
            "done and V1 gone",
            Phase::Deleting,
            |place| {
                upgraded(place);
                remove(&*place.storage, "Compaction");
            },
            [gone, gone, gone, Runs],
        ),
        (
            "deleted",
            Phase::V2Only,
            |place| {
                upgraded(place);
                place.delete().unwrap();
            },
            [gone, gone, gone, Runs],
        ),
        (
            "by cancel",
            Phase::Recovering,
            recovering::<1>,
            [Runs, Runs, other("cancel or auto"), other("cancel or auto")],
        ),
        (
            "by downgrade_old",
            Phase::Recovering,
            recovering::<2>,
            [Runs, other("downgrade_old or auto"), Runs, other("downgrade_old or auto")],
        ),
        (
            "by downgrade",
            Phase::Recovering,
            recovering::<3>,
            [Runs, other("downgrade or auto"), other("downgrade or auto"), Runs],
        ),
        (
            "without a mode",
            Phase::Recovering,
            |place| {
                upgraded(place);
                recovery_begun(&*place.storage, None);
            },
            [Runs; 4],
        ),
        (
            "without a mode, after a delete",
            Phase::Recovering,
            |place| {
                upgraded(place);
                place.delete().unwrap();
                recovery_begun(&*place.storage, None);
            },
            [gone, gone, gone, Runs],
        ),
        (
            "by two modes",
            Phase::Recovering,
            |place| {
                recovering::<1>(place);
                recovery_begun(&*place.storage, Some(Downgrade));
            },
            [Refused("it says both", "remove the other mode file"); 4],
        ),
    ]
}

#[test]
fn every_mode_in_every_phase_does_what_the_table_says() {
    use Does::{Nothing, Refused, Runs};
    for (name, phase, make, row) in table() {
        for (mode, does) in RecoveryMode::ALL.into_iter().zip(row) {
            on_both_with("seed", |place, _, _| {
                make(place);
                assert_eq!(place.status().unwrap().phase, phase, "{name}");
                match does {
                    Nothing => {
                        let report = place.unchanged_by(|| recover(place, mode).unwrap());
                        assert_eq!(report.headline, "nothing to recover", "{name}, {mode:?}");
                    }
                    Runs => {
                        let report = recover(place, mode).unwrap_or_else(|failure| panic!("{name}: {failure}"));
                        assert_eq!(report.phase, Phase::NotStarted, "{name}, {mode:?}");
                        assert_eq!(names(&*place.storage, "Compaction_V2"), ["Scheduler", "TaskAssigned"]);
                        assert!(names(&*place.storage, "Compaction_V2/Scheduler").is_empty());
                        assert_eq!(names(&*place.storage, "").len(), 2, "{name}, {mode:?}");
                    }
                    Refused(why, advice) => {
                        let failure = place.unchanged_by(|| recover(place, mode).unwrap_err());
                        assert_eq!(failure.error.kind(), ErrorKind::Refused, "{name}, {mode:?}");
                        assert!(failure.error.message().contains(why), "{name}: {}", failure.error);
                        assert!(failure.error.next_action().contains(advice), "{}", failure.error.next_action());
                        let plan = place.unchanged_by(|| place.run_with(Operation::Recovery, plan_by(mode)).unwrap());
                        assert!(plan.warnings.iter().any(|text| text.contains(why)), "{:?}", plan.warnings);
                        assert!(plan.next_action.contains(advice), "{}", plan.next_action);
                    }
                }
            });
        }
    }
}

#[test]
fn a_recovery_without_a_mode_where_nothing_was_upgraded_goes_away() {
    on_both_with("seed", |place, _, _| {
        let v1 = v1_tree(place);
        recovery_begun(&*place.storage, None);
        assert_eq!(place.session().node_gate("n").unwrap(), Gate::DoNotStart);
        let report = recover(place, Downgrade).unwrap();
        assert_eq!((report.headline.as_str(), report.phase), ("nothing to recover", Phase::NotStarted));
        crate::support::ways_back::only_v1(place, &v1);
    });
}

#[test]
fn while_one_is_under_way_nothing_else_goes_on() {
    on_both_with("seed", |place, _, _| {
        recovering::<3>(place);
        for operation in [Operation::Upgrade, Operation::Delete] {
            let failure = place.unchanged_by(|| place.run(operation).unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::Refused);
            assert!(failure.error.message().contains("run RECOVERY again"), "{}", failure.error);
        }
        let report = place.unchanged_by(|| place.status().unwrap());
        assert!(report.next_action.contains("run RECOVERY again"));
        let gate = place.unchanged_by(|| place.session().node_gate("n").unwrap());
        assert_eq!(gate, Gate::DoNotStart);
    });
}

#[test]
fn options_that_mean_nothing_to_an_operation_are_named() {
    use Operation::{Delete, Recovery, Status, Upgrade};
    let base = RunOptions::default;
    let rows: [(&str, RunOptions, &[Operation]); 9] = [
        ("plan", RunOptions { plan: true, ..base() }, &[Status]),
        ("verify", RunOptions { verify: true, ..base() }, &[Recovery]),
        ("force", RunOptions { force: true, ..base() }, &[Status, Upgrade]),
        ("online", RunOptions { online: true, ..base() }, &[Status, Recovery, Delete]),
        ("reopen", RunOptions { reopen: true, ..base() }, &[Status, Recovery, Delete]),
        ("RECOVERY mode", by(Cancel), &[Status, Upgrade, Delete]),
        ("RECOVERY mode", by(Downgrade), &[Status, Upgrade, Delete]),
        ("placement", RunOptions { placement: PlacementRule::ByEntryNode, ..base() }, &[Status, Recovery, Delete]),
        (
            "placement",
            RunOptions { placement: PlacementRule::ByEntryNodeOrSchema, ..base() },
            &[Status, Recovery, Delete],
        ),
    ];
    on_both_with("seed", |place, _, _| {
        for (what, options, operations) in rows {
            for operation in operations {
                let failure = place.unchanged_by(|| place.run_with(*operation, options).unwrap_err());
                assert_eq!(failure.error.kind(), ErrorKind::InvalidArgument, "{what}");
                let text = failure.error.message();
                assert!(text.contains(what) && text.contains(operation.word()), "{text}");
                assert!(failure.error.next_action().contains("leave it out"));
            }
        }
    });
}

/// A change or an action in words that are the same in a plan and in a run.
fn nameless(text: &str, run: &str) -> String {
    let text = text.replace(run, "<run>");
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for word in &mut words {
        for kind in ["new.", "old."] {
            if let Some((folder, _numbers)) = word.clone().split_once(&format!("<run>.fence/{kind}")) {
                *word = format!("{folder}<run>.fence/{kind}");
            }
        }
    }
    words.join(" ")
}

/// A tree on which every kind of V2 task is to be carried.
fn lively(place: &Place) {
    let storage = &*place.storage;
    place.upgrade().unwrap();
    starts(storage, "xcloud24_9876");
    set_status(storage, IDS[0], StateV2::Done);
    edit(storage, IDS[0], |task| task.state = StateV2::Done);
    clear(storage, IDS[1]);
    born(storage, "b1", 4, "p", StateV2::Running);
    file(storage, "Compaction_V2/.staging/0-a/x", b"rubbish");
}

#[test]
fn a_plan_writes_nothing_and_says_what_a_run_changes_in_v1_and_what_it_removes() {
    let makes: [(&str, Make, RecoveryMode, bool); 7] = [
        ("cancelled", upgraded, Cancel, false),
        ("half-way", |_| (), Cancel, false),
        ("seed", lively, DowngradeOld, true),
        ("seed", lively, Downgrade, false),
        ("seed", deleting, Downgrade, false),
        ("half-way", |_| (), Downgrade, false),
        (
            "colliding",
            |place| {
                upgraded(place);
                place.delete().unwrap();
            },
            Downgrade,
            false,
        ),
    ];
    for (name, make, mode, force) in makes {
        let place = Place::in_memory(fixture(name).catalog);
        for (path, bytes) in fixture(name).storage.image() {
            match bytes {
                Some(bytes) => file(&*place.storage, &path, &bytes),
                None => folder(&*place.storage, &path),
            }
        }
        make(&place);
        let options = RunOptions { force, ..plan_by(mode) };
        let planned = place.unchanged_by(|| place.run_with(Operation::Recovery, options).unwrap());
        assert!(planned.plan && planned.warnings.iter().all(|text| !text.contains("would be refused")), "{planned:?}");
        let recording = Recording::new(Arc::clone(&place.storage));
        let before: BTreeSet<String> = place.image().into_keys().collect();
        let session = place.builder_on(Arc::new(recording.clone())).open().unwrap();
        let run = session.run(Operation::Recovery, &RunOptions { plan: false, ..options }, None).unwrap();
        assert_eq!(planned.counts, run.counts, "{name} {mode:?}");
        let of_rows = planned.rows.iter().flat_map(|row| &row.actions);
        let said: BTreeSet<String> =
            of_rows.chain(&planned.actions).map(|action| nameless(action, &planned.run)).collect();
        let removed = |from: &str| {
            let texts = [format!("remove {from}"), format!("remove {from} and all it holds")];
            texts.iter().any(|text| said.contains(text))
        };
        let mut made = BTreeSet::new();
        for change in recording.done() {
            let text = nameless(&change.to_string(), &run.run);
            let is_v1 = |path: &str| path == "Compaction" || path.starts_with("Compaction/");
            let is_said = said.contains(&text);
            made.insert(text.clone());
            match &change {
                Change::MakeFolder { path } if is_v1(path.as_str()) && !before.contains(path.as_str()) => {
                    assert!(is_said, "{name} {mode:?}: {text}: {said:#?}");
                }
                Change::Rename { from, to } if is_v1(from.as_str()) || is_v1(to.as_str()) => {
                    assert!(is_said, "{name} {mode:?}: {text}: {said:#?}");
                }
                Change::Rename { from, to } if to.as_str().contains(".fence/old.") => {
                    assert!(removed(from.as_str()), "{name} {mode:?}: {text}: {said:#?}");
                }
                _ => {}
            }
        }
        for action in planned.rows.iter().flat_map(|row| &row.actions) {
            assert!(made.contains(&nameless(action, &planned.run)), "{name} {mode:?}: no run does {action}: {made:#?}");
        }
        let outcomes = |outcome| planned.rows.iter().filter(|row| row.outcome == outcome).count();
        let happened = |outcome| run.rows.iter().filter(|row| row.outcome == outcome).count();
        assert_eq!(outcomes(Outcome::WouldDowngrade), happened(Outcome::Downgraded), "{name} {mode:?}");
        assert_eq!(outcomes(Outcome::WouldKeep), happened(Outcome::Kept), "{name} {mode:?}");
        assert_eq!(outcomes(Outcome::WouldLose), happened(Outcome::Lost), "{name} {mode:?}");
    }
}

#[test]
fn a_plan_of_what_would_be_refused_says_every_reason_and_the_way_out() {
    on_both_with("seed", |place, _, _| {
        lively(place);
        let plan = place.unchanged_by(|| place.run_with(Operation::Recovery, plan_by(Auto)).unwrap());
        let said = plan.warnings.join("\n");
        for reason in
            ["has started", "it is Done now", "finished and cleared", "no upgrade that the tree knows made it"]
        {
            assert!(said.contains(reason), "{said}");
        }
        assert!(plan.headline.contains("would be refused") && plan.next_action.contains("`downgrade`"));
        refused(place, by(Auto), &["has started", "it is Done now", "finished and cleared", "made it"]);
        // Nodes that are up are one reason more, and no other hides them.
        let session = place.builder().liveness(Up(&["xcloud25_9876"])).open().unwrap();
        let plan = place.unchanged_by(|| session.run(Operation::Recovery, &plan_by(Auto), None).unwrap());
        let said = plan.warnings.join("\n");
        assert!(said.contains("xcloud25_9876") && said.contains("it is Done now"), "{said}");
        assert!(plan.next_action.contains("`downgrade`"), "{}", plan.next_action);
    });
    on_both(CATALOG, |place| {
        v1(&*place.storage, "p", 0, 1, StateV1::Init, ("sales", "eu"));
        place.upgrade().unwrap();
        let plan = place.run_with(Operation::Recovery, plan_by(Cancel)).unwrap();
        assert_eq!(plan.phase, Phase::Upgraded);
        assert_eq!(plan.next_action, "stop every node, then run RECOVERY by cancel");
        assert!(exists(&*place.storage, "Compaction_V2/TaskUpgrade.done"));
        assert_eq!(v1_tasks(&*place.storage).len(), 1);
    });
}
