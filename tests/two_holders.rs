//! I9: two runs at once, because the first does not know that it lost its lock, at every pair of calls.
//!
//! The first makes so many calls; then the second, which holds the lock now, makes so many; then the first goes on to its
//! end, as far as `support::turns` says that it may; then the second goes on to its end. `stale_holder` has the second go
//! from its beginning to its end at one moment, on more trees and with more operations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Instant;

use support::courses::{courses, Course};
use support::disk::Disk;
use support::steps::{Step, STATUS};
use support::sweep::{by_two, judge, Draw};
use support::turns::{both, Turn};

const SEED: u64 = 20_261_126;
const TO_ITS_END: u64 = u64::MAX;

/// How many calls a step makes by itself.
fn calls(course: &Course, step: Step) -> u64 {
    let (_, storage) = step.disturbed(&Disk::new(&course.start.copy()), course.catalog, [], 1);
    storage.calls().len() as u64
}

fn overlap(course: &Course, schedule: &[Turn]) -> Result<(), String> {
    let tree = course.start.copy();
    let (answers, seen) = both(&tree, course.catalog, course.steps, schedule);
    let told = |why: String| format!("{course:?}, {schedule:?}, answered {answers:?}: {why}");
    for tree in &seen {
        course.holds(tree).map_err(told)?;
    }
    course.ends_well(&tree).map_err(told)
}

/// The operations that write under a lock, each beside each.
fn of_holders() -> Vec<Course> {
    let writes = |step: &Step| *step != Step::Gate && *step != STATUS;
    courses().into_iter().filter(|course| course.steps.iter().all(writes)).collect()
}

#[test]
fn two_runs_at_once_lose_nothing_at_whichever_calls_they_meet() {
    let begun = Instant::now();
    let courses = of_holders();
    let mut work = Vec::new();
    let mut draw = Draw(SEED);
    for course in &courses {
        let (first, second) = (calls(course, course.steps[0]), calls(course, course.steps[1]));
        for (before, between) in (0..=first).flat_map(|at| (0..=second).map(move |then| (at, then))) {
            work.push((course, vec![(0, before), (1, between), (0, TO_ITS_END), (1, TO_ITS_END)]));
        }
        // And back and forth in smaller turns.
        for _ in 0..500 {
            let turns = (0..12).map(|place| (place % 2, draw.below(first.max(second) / 2))).collect();
            work.push((course, turns));
        }
    }
    let tally = by_two(&work, |(course, schedule), tally| {
        tally.schedules += 1;
        overlap(course, schedule)
    });
    judge("two holders", &tally, begun);
    assert!(
        courses.len() >= 9 && tally.schedules >= 15_000,
        "{} courses, {} schedules",
        courses.len(),
        tally.schedules
    );
}
