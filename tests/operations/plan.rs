//! A plan writes nothing, and lists what a run would do: no less, no more.

use std::collections::BTreeSet;
use std::sync::Arc;

use comptask_upgrade::tree::Change;
use comptask_upgrade::{MemoryStorage, Operation, Outcome, Phase, Report, RunOptions};

use crate::support::meddling::Up;
use crate::support::places::on_both_with;
use crate::support::recording::Recording;
use crate::support::sessions::{builder, OneLock};
use crate::support::trees::{fixture, ALL};

fn plan() -> RunOptions {
    RunOptions { plan: true, ..RunOptions::default() }
}

#[test]
fn a_plan_of_any_tree_writes_nothing_and_counts_what_a_run_counts() {
    for (name, _, _) in ALL {
        on_both_with(name, |place, _, _| {
            let planned = place.unchanged_by(|| place.run_with(Operation::Upgrade, plan()).unwrap());
            assert!(planned.plan);
            let run = place.upgrade().unwrap();
            assert_eq!(planned.counts, run.counts, "{name}");
            let outcome = |outcome: Outcome| match outcome {
                Outcome::WouldConvert => Outcome::Converted,
                Outcome::WouldCancel => Outcome::Cancelled,
                Outcome::WouldSkip => Outcome::Skipped,
                other => other,
            };
            let rows = |report: &Report| {
                let row = |row: &comptask_upgrade::Row| {
                    (
                        row.v1_name.clone(),
                        row.v2_id.clone(),
                        row.pc.clone(),
                        row.node.clone(),
                        outcome(row.outcome),
                        row.v2_state,
                    )
                };
                report.rows.iter().map(row).collect::<Vec<_>>()
            };
            assert_eq!(rows(&planned), rows(&run), "{name}");
            let planned = place.unchanged_by(|| place.run_with(Operation::Delete, plan()).unwrap());
            let would_refuse = planned.warnings.iter().any(|text| text.contains("a run would be refused"));
            assert_eq!(place.delete().is_err(), would_refuse, "{name}");
        });
    }
}

/// Names a change with what no plan can know left out: the run's name, and the numbers of what the run takes out of the
/// tree, `old.<n>.<k>` in its fence. That a run gives no number twice is asserted where the changes are compared.
fn nameless(text: &str, run: &str) -> String {
    let text = text.replace(run, "<run>");
    let Some((before, numbers)) = text.split_once("/<run>.fence/old.") else { return text };
    let is_numbers = numbers.split('.').count() == 2 && numbers.split('.').all(|number| number.parse::<u64>().is_ok());
    assert!(is_numbers, "{text}");
    format!("{before}/<run>.fence/old.<n>")
}

/// Every change that a run makes outside its staging folder, or out of it, as a plan would put it; and those a plan says.
fn compare(start: &MemoryStorage, catalog: &str, what: &str) {
    let open =
        |storage: Arc<dyn comptask_upgrade::Storage>| builder(storage, OneLock::default(), catalog).open().unwrap();
    let before: BTreeSet<String> = start.image().into_iter().map(|(path, _)| path).collect();
    let planned = open(Arc::new(start.clone())).run(Operation::Upgrade, &plan(), None).unwrap();
    let recording = Recording::new(Arc::new(start.clone()));
    let run = open(Arc::new(recording.clone())).run(Operation::Upgrade, &RunOptions::default(), None).unwrap();

    let mut said: BTreeSet<String> = BTreeSet::new();
    said.extend(planned.rows.iter().flat_map(|row| &row.actions).map(|action| nameless(action, &planned.run)));
    // The run's own files: a plan names them by what they become, a run makes them in staging and renames them out.
    let mut own: BTreeSet<String> = BTreeSet::new();
    own.extend(planned.actions.iter().map(|action| nameless(action, &planned.run)));
    let mut made = BTreeSet::new();
    let mut unsaid = Vec::new();
    let mut taken_out = BTreeSet::new();
    for change in recording.done() {
        if let Change::Rename { to, .. } = &change {
            let is_new = !to.name().starts_with("old.") || taken_out.insert(to.clone());
            assert!(is_new, "{what}: two things get the name {to}");
        }
        let text = nameless(&change.to_string(), &run.run);
        if said.contains(&text) || own.contains(&text) {
            made.insert(text);
            continue;
        }
        let target = change.path().as_str().replace(&run.run, "<run>");
        let is_said = |words: &[&str]| own.iter().any(|action| words.iter().all(|word| action.contains(word)));
        let in_plan = match &change {
            // A file of the run itself on its way, said by what it is renamed to.
            Change::Create { .. } | Change::MakeFolder { .. } if target.starts_with("Compaction_V2/.staging/<run>") => {
                true
            }
            Change::Rename { to, .. } if to.as_str().ends_with("TaskUpgrade.done") => {
                is_said(&["create", "TaskUpgrade.done/Manifest"])
            }
            Change::Rename { from, .. } if from.name() == "Taskupgrade" => {
                is_said(&["remove", "Compaction_V2/Taskupgrade,"])
            }
            Change::Rename { from, .. } if from.name() == "TaskupgradeLock" => is_said(&["remove", "TaskupgradeLock"]),
            Change::Rename { .. } => is_said(&["create", &target]),
            // Making a folder that is there is no change.
            Change::MakeFolder { .. } => is_said(&["make folder", &target]) || before.contains(&target),
            // What lies in staging goes with it.
            Change::Remove { .. } if target.starts_with("Compaction_V2/.staging/") => {
                is_said(&["remove", "Compaction_V2/.staging"])
            }
            Change::Remove { .. } => is_said(&["remove", &target]),
            Change::Create { .. } => false,
        };
        if !in_plan {
            unsaid.push(text);
        }
    }
    assert!(unsaid.is_empty(), "{what}: a run does what no plan says: {unsaid:#?}, but {own:#?}");
    let not_made: Vec<&String> = said.difference(&made).collect();
    assert!(not_made.is_empty(), "{what}: a plan says what no run does: {not_made:#?}");
}

#[test]
fn the_actions_of_a_plan_are_the_changes_of_a_run() {
    for (name, catalog, _) in ALL {
        let fixture = fixture(name);
        let start = fixture.storage.copy();
        compare(&start, catalog, name);
    }
}

#[test]
fn a_plan_is_made_while_nodes_are_up_and_says_that_a_run_would_be_refused() {
    on_both_with("seed", |place, _, _| {
        let session = place.builder().liveness(Up(&["xcloud24_9876"])).open().unwrap();
        let report = place.unchanged_by(|| session.run(Operation::Upgrade, &plan(), None).unwrap());
        assert!(report.warnings.iter().any(|text| text.contains("would be refused") && text.contains("xcloud24_9876")));
        assert_eq!(report.counts.converted, 4);
        assert_eq!(report.next_action, Phase::NotStarted.next_action());
    });
}

#[test]
fn a_plan_names_what_would_fail() {
    on_both_with("seed", |place, _, _| {
        crate::support::v1_files::file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
        let report = place.unchanged_by(|| place.run_with(Operation::Upgrade, plan()).unwrap());
        assert_eq!((report.counts.total, report.counts.failed, report.counts.converted), (5, 1, 4));
        let row = report.rows.iter().find(|row| row.v1_name == "compct.torn.0.5").unwrap();
        assert!(row.outcome == Outcome::WouldFail && row.detail.contains("header"), "{}", row.detail);
        assert!(
            report.next_action.starts_with("see to what each task that would fail names"),
            "{}",
            report.next_action
        );
    });
}

#[test]
fn a_plan_of_delete_lists_what_goes_and_why_it_would_not() {
    on_both_with("seed", |place, _, _| {
        place.upgrade().unwrap();
        let report = place.unchanged_by(|| place.run_with(Operation::Delete, plan()).unwrap());
        assert_eq!(
            report.actions,
            [
                "rename Compaction to Compaction.deleting",
                "remove Compaction.deleting and all it holds",
                "remove Compaction_V2/TaskUpgrade.done",
            ]
        );
        assert!(report.next_action.starts_with("run DELETE once all is well"), "{}", report.next_action);
        crate::support::v1_files::file(&*place.storage, "Compaction/x", b"");
        let report = place.unchanged_by(|| place.run_with(Operation::Delete, plan()).unwrap());
        for part in ["Compaction/x", "a run would be refused now for what these warnings name"] {
            let told = report.warnings.iter().filter(|text| text.contains(part)).count();
            assert_eq!(told, 1, "{part} in {:?}", report.warnings);
        }
    });
}
