//! STATUS, and the reports of all operations: they parse, they add up, and they say the phase that the trees show.

use comptask_upgrade::task::StateV1;
use comptask_upgrade::{Counts, Operation, Outcome, Phase, RunOptions, REPORT_FORMAT};
use serde_json::Value;

use crate::support::places::{on_both, on_both_with, Place};
use crate::support::sessions::{report_of, Answer};
use crate::support::trees::{ALL, CATALOG};
use crate::support::v1_files::{file, folder, rename, v1};

fn adds_up(counts: Counts) -> bool {
    counts.total == counts.converted + counts.skipped + counts.cancelled + counts.failed + counts.left
}

/// That the JSON of an answer is whole and says what the report says.
fn parses(answer: &Answer) {
    let Some(report) = report_of(answer) else { return };
    assert!(adds_up(report.counts), "{:?}", report.counts);
    let error = answer.as_ref().err().map(|failure| &failure.error);
    let json: Value = serde_json::from_str(&report.to_json(error)).unwrap();
    assert_eq!(json["format"], REPORT_FORMAT);
    assert_eq!(json["operation"], report.operation.word());
    assert_eq!(json["phase"], report.phase.word());
    assert_eq!(json["result"]["code"], error.map_or(0, |error| error.kind().code()));
    assert_eq!(json["counts"]["total"], report.counts.total);
    assert_eq!(json["tasks"].as_array().unwrap().len(), report.rows.len());
    assert!(!report.headline.is_empty() && !report.summary().is_empty());
    assert!(!json["begun"].as_str().unwrap().is_empty() && !json["finished"].as_str().unwrap().is_empty());
    let outcomes = report.rows.iter().zip(json["tasks"].as_array().unwrap());
    outcomes.for_each(|(row, json)| assert_eq!(json["outcome"], row.outcome.word()));
}

#[test]
fn every_report_of_every_tree_parses_and_adds_up() {
    for (name, _, _) in ALL {
        on_both_with(name, |place, _, _| {
            for plan in [true, false] {
                for verify in [false, true] {
                    for operation in [Operation::Status, Operation::Upgrade, Operation::Delete, Operation::Status] {
                        parses(&place.run_with(operation, RunOptions { plan, verify, ..RunOptions::default() }));
                    }
                }
            }
        });
    }
}

#[test]
fn the_overview_is_the_summary_without_single_tasks() {
    on_both_with("thirty", |place, _, _| {
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"");
        let answer = place.run_with(Operation::Upgrade, RunOptions { plan: true, ..RunOptions::default() });
        let report = report_of(&answer).unwrap();
        let is_of_a_task = |line: &&str| line.starts_with("  task ") || line.starts_with("              ");
        let summary = report.summary();
        assert!(summary.lines().any(|line| is_of_a_task(&line)), "{summary}");
        let without: Vec<&str> = summary.lines().filter(|line| !is_of_a_task(line)).collect();
        assert_eq!(report.overview().lines().collect::<Vec<_>>(), without);
    });
}

#[test]
fn counts_add_up_where_some_tasks_fail_and_in_the_next_run_too() {
    on_both_with("thirty", |place, _, _| {
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"");
        file(&*place.storage, "Compaction/Scheduler/compct.torn.1.5", b"x");
        for already in [0, 30] {
            let answer = place.upgrade();
            parses(&answer);
            let counts = answer.unwrap_err().report.unwrap().counts;
            assert_eq!((counts.total, counts.failed, counts.skipped, counts.left), (32, 2, already, 0));
        }
        let answer = place.status();
        parses(&answer);
        let counts = answer.unwrap().counts;
        assert_eq!((counts.total, counts.skipped, counts.left), (32, 30, 2));
    });
}

#[test]
fn status_reads_the_phase_off_the_trees() {
    let place_at = |make: &dyn Fn(&Place)| {
        let place = Place::in_memory(CATALOG);
        make(&place);
        let report = place.unchanged_by(|| place.status().unwrap());
        parses(&Ok(report.clone()));
        report.phase
    };
    let make = |at: &'static str| move |place: &Place| folder(&*place.storage, at);
    assert_eq!(place_at(&make("Compaction")), Phase::Empty);
    assert_eq!(place_at(&make("Compaction_V2/Taskupgrade")), Phase::Upgrading);
    assert_eq!(place_at(&make("Compaction_V2/Taskrecovery")), Phase::Recovering);
    assert_eq!(place_at(&make("Compaction_V2/Scheduler/q.0")), Phase::V2Only);
    assert_eq!(place_at(&make("Compaction.deleting")), Phase::Deleting);
    assert_eq!(place_at(&make("Compaction_V2/TaskUpgrade.done")), Phase::Deleting);
    let not_started = |place: &Place| drop(v1(&*place.storage, "p", 0, 1, StateV1::Init, ("sales", "eu")));
    assert_eq!(place_at(&not_started), Phase::NotStarted);
}

#[test]
fn status_counts_states_and_names_what_is_unknown_and_what_is_left_over() {
    on_both_with("half-way", |place, _, _| {
        file(&*place.storage, "Compaction/Scheduler/README", b"");
        file(&*place.storage, "Compaction_V2/what", b"");
        file(&*place.storage, "Compaction_V2/Scheduler/a file", b"");
        file(&*place.storage, "Compaction_V2/Taskupgrade/no mark", b"");
        let report = place.unchanged_by(|| place.status().unwrap());
        assert_eq!((report.phase, report.v1_states), (Phase::Upgrading, [8, 0, 0, 0]));
        assert_eq!((report.counts.total, report.counts.skipped, report.counts.left), (8, 2, 6));
        let mut unknown = report.unknown.clone();
        unknown.sort();
        assert_eq!(
            unknown,
            [
                "Compaction/Scheduler/README",
                "Compaction_V2/Scheduler/a file",
                "Compaction_V2/Taskupgrade/no mark",
                "Compaction_V2/what",
            ]
        );
        assert!(report.headline.ends_with("; tasks that are begun and not finished: 5"), "{}", report.headline);
        crate::support::v1_files::remove(&*place.storage, "Compaction_V2/TaskupgradeLock");
        let report = place.status().unwrap();
        let begun: Vec<_> =
            report.rows.iter().filter(|row| row.outcome == Outcome::Left).map(|row| &row.v1_name).collect();
        assert_eq!(begun.len(), 5, "{begun:?}");
    });
}

/// A task whose state was changed by renaming a copy of its file.
#[test]
fn status_adds_up_where_a_converted_task_has_a_twin() {
    on_both_with("seed", |place, _, fixture| {
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"");
        place.upgrade().unwrap_err();
        let twin = format!("Compaction/Scheduler/{}.Done", fixture.expected[0].v1_name);
        file(&*place.storage, &twin, b"");
        let answer = place.status();
        assert!(answer.is_ok());
        parses(&answer);
    });
}

#[test]
fn status_after_the_end_calls_a_twin_by_one_name() {
    on_both_with("seed", |place, _, fixture| {
        place.upgrade().unwrap();
        let old = format!("Compaction/Scheduler/{}", fixture.expected[0].v1_name);
        file(&*place.storage, &format!("{old}.Done"), b"");
        let report = place.status().unwrap();
        parses(&Ok(report.clone()));
        let failed = report.rows.iter().filter(|row| row.outcome == Outcome::Failed).count() as u64;
        assert_eq!(failed, report.counts.failed, "rows and counts say the same: {:?}", report.rows);
        assert_eq!((failed, report.counts.left), (1, 0), "V2 has the task, so no upgrade takes it in");
    });
}

#[test]
fn two_names_of_the_v1_tree_at_once_are_named_in_full() {
    on_both(CATALOG, |place| {
        folder(&*place.storage, "Compaction/Scheduler");
        folder(&*place.storage, "Compaction_V2");
        rename(&*place.storage, "Compaction", "Compaction.deleting");
        folder(&*place.storage, "Compaction/Scheduler");
        let answer = place.unchanged_by(|| place.status());
        let failure = answer.unwrap_err();
        assert!(failure.error.message().contains("both Compaction and Compaction.deleting are there"));
        let report = failure.report.unwrap();
        assert!(report.headline.contains("no phase"));
        assert!(report.to_json(None).contains("\"phase\": null"), "not the word of a phase that it is not in");
    });
}
