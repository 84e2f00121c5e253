//! Courses that nobody thought of: UPGRADE, DELETE, RECOVERY (by `auto`) and STATUS in any order, three faults or more in
//! each course, drawn from a seed.
//!
//! A course is a line of processes on one disk. Each is asked for an operation or is a node that asks the gate, and most have one
//! fault or several. Whatever befell them no task is lost, and two operations undisturbed end in a tree that is right.
//!
//! The everyday run takes 10,000 seeds; `COMPTASK_SCHEDULES=1000000` takes as many as it says (`make test-schedules`). A
//! seed that fails is printed with its course; `COMPTASK_SEED=17 cargo test --locked --test random_schedules
//! courses -- --nocapture` plays that one again and prints it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;
use std::time::Instant;

use comptask_upgrade::{ErrorKind, Operation, RecoveryMode};
use support::checker::{image, normal, under_way_bars_nodes, Checker, Image};
use support::courses::no_defect_was_seen;
use support::disk::Disk;
use support::faults::{Call, Fault};
use support::returned::{upgraded, without_rubbish};
use support::steps::{recovery, Answered, Step, DELETE, STATUS, UPGRADE};
use support::sweep::{by_two, judge, Draw};
use support::trees::{fixture, Fixture};

/// The trees, but for the one of thirty tasks, whose size adds nothing here.
const TREES: [&str; 8] = ["two", "seed", "colliding", "cancelled", "foreign", "sub-tasks", "half-way", "no PC at all"];
const FAULTS_AT_LEAST: usize = 3;

/// What is known of a tree for good.
struct World {
    fixture: Fixture,
    checker: Checker,
    upgraded: Image,
}

impl World {
    fn new(name: &str) -> Self {
        let fixture = fixture(name);
        let tree = fixture.storage.copy();
        assert_eq!(UPGRADE.plainly(&tree, fixture.catalog), Answered::Well, "{name}");
        Self { checker: Checker::new(&fixture), upgraded: image(&tree), fixture }
    }

    /// I1 to I5, as far as a tree shows them that may have been upgraded, deleted and brought back in any order.
    fn holds(&self, now: &Image, node: Answered) -> Result<(), String> {
        let Answered::Gate(gate) = node else { return Err(format!("the gate does not answer: {node:?}")) };
        under_way_bars_nodes(now, gate)?;
        self.checker.node_may_start(now, gate)?;
        if now.contains_key("Compaction_V2/Taskrecovery") {
            return self.checker.v1_is_whole(now);
        }
        self.checker.at_every_instant(now, Operation::Delete)
    }
}

/// About how many calls a step makes on these trees.
fn most_calls(step: Step) -> u64 {
    match step {
        Step::Gate => 10,
        STATUS => 30,
        Step::Run(..) => 80,
    }
}

/// What one process did.
#[derive(Debug, Clone, PartialEq)]
struct Played {
    step: Step,
    faults: Vec<(u64, Fault)>,
    answered: Answered,
    calls: Vec<Call>,
}

/// A whole course.
#[derive(Debug, Clone, PartialEq)]
struct Course {
    tree: &'static str,
    processes: Vec<Played>,
    end: Image,
}

/// Plays the course of a seed; the processes are left in `played` also where it fails.
fn play(worlds: &BTreeMap<&'static str, World>, seed: u64, played: &mut Vec<Played>) -> Result<Course, String> {
    let mut draw = Draw(seed);
    let tree_name = TREES[usize::try_from(draw.below(TREES.len() as u64)).unwrap()];
    let world = &worlds[tree_name];
    let catalog = world.fixture.catalog;
    let disk = Disk::new(&world.fixture.storage.copy());
    // An upgrade that has nothing to take away lets the others be met too.
    if draw.below(3) == 0 {
        disk.live().restore(&upgraded(&world.fixture));
        disk.flush();
    }
    let mut struck = 0;
    while struck < FAULTS_AT_LEAST {
        let step = match draw.below(16) {
            0..=6 => UPGRADE,
            7..=9 => recovery(RecoveryMode::Auto),
            10..=12 => DELETE,
            13 => STATUS,
            _ => Step::Gate,
        };
        let so_many = draw.below(4);
        let faults: Vec<(u64, Fault)> =
            (0..so_many).map(|_| (1 + draw.below(most_calls(step)), draw.fault())).collect();
        let (answered, storage) = step.disturbed(&disk, catalog, faults, draw.below(u64::MAX));
        struck += storage.faults().len();
        let judged = no_defect_was_seen(answered);
        played.push(Played { step, faults: storage.faults(), answered, calls: storage.calls() });
        judged?;
        let tree = disk.live();
        world.holds(&image(&tree), Step::Gate.plainly(&tree.copy(), catalog))?;
    }
    finish(world, &disk)?;
    Ok(Course { tree: tree_name, processes: played.clone(), end: normal(image(&disk.live())) })
}

/// I8 and I6: one undisturbed run of what the phase asks for, and the tree is one of the three that are right.
fn finish(world: &World, disk: &Disk) -> Result<(), String> {
    let (tree, catalog) = (disk.live(), world.fixture.catalog);
    let well = |step: Step| match step.plainly(&tree, catalog) {
        Answered::Well => Ok(()),
        other => Err(format!("I8: {step:?}, undisturbed, answered {other:?}")),
    };
    if image(&tree).contains_key("Compaction_V2/Taskrecovery") {
        well(recovery(RecoveryMode::Auto))?;
    }
    if image(&tree).contains_key("Compaction_V2/TaskUpgrade.done") || image(&tree).contains_key("Compaction/Scheduler")
    {
        match UPGRADE.plainly(&tree, catalog) {
            Answered::Well => return is_upgraded(world, &image(&tree)),
            Answered::Failed(ErrorKind::Refused) => {}
            other => return Err(format!("I8: upgrade, undisturbed, answered {other:?}")),
        }
    }
    well(DELETE)?;
    let end = image(&tree);
    world.checker.deleted(&end).map_err(|why| format!("I6: {why}"))
}

/// But for who has started since, and for folders of nodes that hold no manager file: an upgrade that was cancelled on
/// the way took those of the one before it along.
fn is_upgraded(world: &World, end: &Image) -> Result<(), String> {
    let compared = |image: &Image| {
        let mut image = without_rubbish(normal(image.clone()));
        let managers: Vec<String> = image.keys().filter(|path| path.contains("/Manager.")).cloned().collect();
        image.retain(|path, bytes| {
            let is_of_a_node = bytes.is_none() && path.starts_with("Compaction_V2/TaskAssigned/");
            let is_used = managers.iter().any(|manager| manager.starts_with(&format!("{path}/")));
            !path.starts_with("Compaction_V2/TaskUpgrade.done/Started.") && (is_used || !is_of_a_node)
        });
        image
    };
    let differ = support::checker::differences(&compared(end), &compared(&world.upgraded));
    differ.first().map_or(Ok(()), |first| Err(format!("I6: {first}, and {} more", differ.len() - 1)))
}

fn worlds() -> BTreeMap<&'static str, World> {
    TREES.into_iter().map(|name| (name, World::new(name))).collect()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

fn shown(seed: u64, why: &str, played: &[Played]) -> String {
    let lines: Vec<String> = played
        .iter()
        .map(|process| format!("    {:?}, {:?}: {:?}", process.step, process.faults, process.answered))
        .collect();
    format!(
        "seed {seed}: {why}\n{}\n    again: COMPTASK_SEED={seed} cargo test --locked --test random_schedules courses -- --nocapture",
        lines.join("\n")
    )
}

#[test]
fn courses_with_three_faults_or_more_lose_nothing() {
    let begun = Instant::now();
    let worlds = worlds();
    let seeds: Vec<u64> = match number("COMPTASK_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("COMPTASK_SCHEDULES").unwrap_or(10_000)).collect(),
    };
    let tally = by_two(&seeds, |seed, tally| {
        let mut played = Vec::new();
        let answer = play(&worlds, *seed, &mut played);
        tally.schedules += 1;
        let struck: Vec<Fault> = played.iter().flat_map(|process| &process.faults).map(|(_, fault)| *fault).collect();
        for fault in &struck {
            tally.strike(*fault);
        }
        if seeds.len() == 1 {
            println!("{}", shown(*seed, "as it was played", &played));
        }
        assert!(answer.is_err() || struck.len() >= FAULTS_AT_LEAST, "seed {seed}: {struck:?}");
        answer.map(drop).map_err(|why| shown(*seed, &why, &played))
    });
    judge("random schedules", &tally, begun);
    assert!(!seeds.is_empty() && tally.schedules == seeds.len() as u64, "no seed was played");
    if seeds.len() >= 10_000 {
        for fault in Fault::ALL {
            let least = if fault == Fault::Torn { 50 } else { 1_000 };
            assert!(tally.faults[&fault] >= least, "{fault:?}: {}", tally.faults[&fault]);
        }
    }
}

#[test]
fn a_seed_plays_the_same_course_each_time_bit_for_bit() {
    let worlds = worlds();
    let mut ends = Vec::new();
    for seed in 0..200 {
        let [one, other] = [(), ()].map(|()| play(&worlds, seed, &mut Vec::new()).unwrap());
        assert!(one == other, "seed {seed}: {one:?}\n{other:?}");
        ends.push(one.processes);
    }
    ends.dedup();
    assert_eq!(ends.len(), 200, "the seeds differ");
}
