//! A fault at any call of one process, and another at any call of the process that comes after it, whatever that one is
//! asked: every pair of calls. No task is lost, no node can take half of an operation for the whole, and the operations
//! undisturbed end in a tree that they could have made if nothing had ever befallen them.
//!
//! The fault model stands at `support::faults`, the invariants at `support::checker` and `support::returned`.
//!
//! The kinds of the two faults are drawn for each pair of calls. `COMPTASK_ALL_FAULTS=1` takes every kind of the first with
//! every kind of the second, which is some million pairs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Instant;

use support::courses::{courses, Course};
use support::disk::Disk;
use support::faults::{Call, Fault};
use support::sweep::{by_two, judge, Draw};

const SEED: u64 = 20_261_125;

fn kinds_at(call: Call) -> Vec<Fault> {
    Fault::ALL.into_iter().filter(|fault| fault.applies_to(call)).collect()
}

/// The first faults of a course: each call with a kind drawn for it, or with every kind.
fn first_faults(course: &Course, draw: &mut Draw) -> Vec<(u64, Fault)> {
    let (_, undisturbed) = course.steps[0].disturbed(&Disk::new(&course.start.copy()), course.catalog, [], SEED);
    let every = std::env::var_os("COMPTASK_ALL_FAULTS").is_some();
    let mut all = Vec::new();
    for (at, call) in (1..).zip(undisturbed.calls()) {
        let kinds = kinds_at(call);
        let drawn = usize::try_from(draw.below(kinds.len() as u64)).unwrap();
        all.extend(kinds.iter().enumerate().filter(|(place, _)| every || *place == drawn).map(|(_, kind)| (at, *kind)));
    }
    all
}

#[test]
fn every_pair_of_calls_with_a_fault_in_each_loses_nothing() {
    let begun = Instant::now();
    let every = std::env::var_os("COMPTASK_ALL_FAULTS").is_some();
    let courses = courses();
    let mut work = Vec::new();
    let mut draw = Draw(SEED);
    for course in &courses {
        for first in first_faults(course, &mut draw) {
            work.push((course, first, draw.below(u64::MAX)));
        }
    }
    println!("{} courses, {} first faults, seed {SEED}", courses.len(), work.len());
    let tally = by_two(&work, |(course, first, seed), tally| {
        let mut draw = Draw(*seed);
        let (left, calls) = course.befall(*first, *seed);
        let mut wrong = Vec::new();
        for at in 1..=calls {
            let kinds = if every { Fault::ALL.to_vec() } else { vec![draw.fault()] };
            for kind in kinds {
                let pair = course.pair(&left, (at, kind), draw.below(u64::MAX), tally);
                wrong.extend(pair.err().map(|why| format!("{kind:?} at call {at}: {why}")));
            }
        }
        match wrong.first() {
            None => Ok(()),
            Some(one) => {
                Err(format!("{course:?}: {:?} at call {}, then {one} ({} such)", first.1, first.0, wrong.len()))
            }
        }
    });
    judge("pairs of faults", &tally, begun);
    assert!(tally.schedules >= 50_000, "{} pairs", tally.schedules);
    for fault in Fault::ALL {
        let least = if fault == Fault::Torn { 20 } else { 1_000 };
        assert!(tally.faults[&fault] >= least, "{fault:?}: {}", tally.faults[&fault]);
    }
}
