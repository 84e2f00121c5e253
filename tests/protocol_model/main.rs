//! A model of the protocol, checked in every state that it can reach, and paths of it taken by the real code.
//!
//! Two upgraders, a node that starts, somebody who runs DELETE; two tasks, one open and one Done. A run can crash, or lose
//! its session and go on unaware, before each of its changes, and as often as it likes; a reply can be lost, of a change
//! that was made or of one that was not. A late call is a step of a run whose session has ended: nothing tells a call that
//! was sent before from one that is sent after. Nothing is counted down, so the states are all there are.
//!
//! # What is left out
//!
//! - Listings and the reads of a phase are looks at one moment; so is a whole DELETE. Their crashes are the sweeps' matter.
//! - What is removed goes at once. Folders of dead runs and the lock file for people say nothing here.
//! - A lock that is lost and noticed is a crash: both change nothing more. A crashed holder's lock is free at once.
//! - Building the folders of tasks and bringing them into the fence is one step; so is the part with its rename.
//! - V1 does not change, no name is taken by others, no file is torn, no disk is full; online, reopen and RECOVERY are not
//!   in it.
//! - Lost replies and the node are checked apart, to be done in a minute; with `COMPTASK_ALL_FAULTS` also together.
//!
//! Where several real calls make up one step of the model, the replay lets them go together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod model;
mod properties;
mod replay;
mod turnstile;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use model::{Protocol, Variant};
use replay::replay;
use stateright::{Checker, HasDiscoveries, Model};
use support::sweep::Draw;
use world::{Action, At, Node, State};

const SOUND: Protocol = Protocol { variant: Variant::Sound, lost_replies: true, nodes: true };

/// Visits every state; the paths to what must be met.
fn close(what: &str, protocol: Protocol, floor: usize) {
    let begun = Instant::now();
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    println!(
        "{what}: {} states, {} of them different, at most {} steps deep, {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64()
    );
    checker.assert_properties();
    assert!(checker.is_done() && checker.unique_state_count() >= floor);
    let paths: Vec<Vec<Action>> = checker.discoveries().into_values().map(stateright::Path::into_actions).collect();
    for path in &paths {
        replay(protocol, protocol.init_states()[0], path);
    }
    println!("{what}: {} paths to what must be met were taken by the real code", paths.len());
    assert!(paths.len() >= 6);
}

#[test]
fn it_holds_in_every_state_where_runs_meet_and_replies_are_lost() {
    close("two runs, lost replies", Protocol { nodes: false, ..SOUND }, 500_000);
}

#[test]
fn it_holds_in_every_state_where_runs_and_a_node_meet() {
    close("two runs and a node", Protocol { lost_replies: false, ..SOUND }, 330_000);
    if std::env::var_os("COMPTASK_ALL_FAULTS").is_some() {
        close("two runs, a node and lost replies", SOUND, 1_900_000);
    }
}

/// Each mistake, what it needs to show, and the invariant that it breaks.
const MISTAKES: [(Variant, bool, bool, &str); 9] = [
    (Variant::MarksBeforeItPublishes, false, false, properties::MARKED),
    (Variant::NoFence, false, false, properties::STALE),
    (Variant::FenceIsTrustedUnseen, false, false, properties::GONE),
    (Variant::NodeLooksBeforeItRegisters, false, true, properties::ONE_TREE),
    (Variant::NodeRecordsAtTheFirstLookOnly, false, true, properties::RECORDED),
    (Variant::LooksForNodesBeforeItBegins, false, true, properties::ONE_TREE),
    (Variant::ManagerAfterMainTask, false, false, properties::MANAGED),
    (Variant::UnknownIsTakenForMade, true, false, properties::MARKED),
    (Variant::ClearsMarksBeforeDone, false, true, properties::ALONE),
];

#[test]
fn each_mistake_breaks_an_invariant() {
    for (variant, lost_replies, nodes, invariant) in MISTAKES {
        let protocol = Protocol { variant, lost_replies, nodes };
        let broken = HasDiscoveries::AnyOf(BTreeSet::from([invariant]));
        let checker = protocol.checker().finish_when(broken).spawn_bfs().join();
        let path = checker.discovery(invariant).unwrap_or_else(|| panic!("{variant:?} does not break {invariant}"));
        println!("{variant:?} breaks {invariant}, after {} steps", path.into_actions().len());
    }
}

/// How often an action is drawn beside others. Every other walk lures runs into losing the lock amid changes that land
/// late.
fn weight(state: &State, action: Action, lures: bool) -> u64 {
    match action {
        Action::Expire(run) if lures => 30 * u64::from(matches!(state.runs[run].at, At::Wave(_))),
        Action::Step(run) | Action::StepOf(run, _) if lures && state.holder != Some(run) => 4,
        Action::Step(_) | Action::StepOf(..) => 40,
        Action::Acquire(_) => 20,
        Action::Node | Action::NodeStops => 6,
        Action::Expire(_) => 4,
        Action::Lost(..) | Action::LostOf(..) | Action::Delete => 2,
        Action::Crash(_) => 1,
    }
}

/// A walk through the model that a seed decides.
fn walk(seed: u64, steps: usize) -> Vec<Action> {
    let (mut draw, mut state, mut walk) = (Draw(seed), SOUND.init_states()[0], Vec::new());
    while walk.len() < steps {
        let mut actions = Vec::new();
        SOUND.actions(&state, &mut actions);
        let weigh = |action: &Action| weight(&state, *action, seed % 2 == 1);
        let mut drawn = draw.below(actions.iter().map(weigh).sum());
        let is_drawn = |action: &Action| match drawn.checked_sub(weigh(action)) {
            None => true,
            Some(rest) => {
                drawn = rest;
                false
            }
        };
        let Some(action) = actions.iter().copied().find(is_drawn) else { break };
        state = SOUND.apply(&state, action);
        walk.push(action);
    }
    walk
}

#[test]
fn the_real_code_takes_the_same_steps() {
    const WALKS: u64 = 300;
    const STEPS: usize = 120;
    let begun = Instant::now();
    let mut steps = 0;
    let (mut met, mut places) = (BTreeMap::<&str, u64>::new(), BTreeMap::<String, u64>::new());
    for seed in 0..WALKS {
        let walk = walk(seed, STEPS);
        let mut state = SOUND.init_states()[0];
        let mut count = |what: &'static str, is: bool| *met.entry(what).or_default() += u64::from(is);
        for action in &walk {
            if let Action::Step(run) | Action::StepOf(run, _) = action {
                *places.entry(format!("{:?}", state.runs[*run].at)).or_default() += 1;
            }
            state = SOUND.apply(&state, *action);
            count("late changes", state.late);
            count("lost replies", matches!(action, Action::Lost(..) | Action::LostOf(..)));
        }
        println!("seed {seed}");
        let end = replay(SOUND, SOUND.init_states()[0], &walk);
        count("deleted", !end.tree.v1);
        count("nodes that use V2", end.node == Node::UsesV2);
        steps += walk.len();
    }
    println!("{WALKS} walks, {steps} steps in {:.1} s; {met:?}; {places:?}", begun.elapsed().as_secs_f64());
    let floors = [("late changes", 20), ("lost replies", 150), ("deleted", 80), ("nodes that use V2", 80)];
    assert!(steps >= 20_000 && floors.iter().all(|(what, floor)| met[what] >= *floor), "{steps} {met:?}");
    // Clearing a main task needs one that is torn, which no rename of a whole folder makes.
    assert!(places.len() >= 21 && places.values().all(|count| *count >= 10), "{places:?}");
}
