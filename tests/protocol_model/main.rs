//! A model of the protocol.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod model;
mod properties;
mod replay;
mod turnstile;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use model::{Action, Protocol, State, Variant};
use replay::replay;
use stateright::{Checker, HasDiscoveries, Model};
use support::sweep::Draw;

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
    close("two runs and a node", Protocol { lost_replies: false, ..SOUND }, 350_000);
}

/// Each mistake, what it needs to show, and the invariant that it breaks.
const MISTAKES: [(Variant, bool, bool, &str); 9] = [
    (Variant::MarksBeforeItPublishes, false, false, properties::MARKED),
    (Variant::NoFence, false, false, properties::STALE),
    (Variant::FenceIsNotConfirmed, false, false, properties::GONE),
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

/// How often a kind of action is drawn beside others.
fn weight(action: Action) -> u64 {
    match action {
        Action::Step(_) | Action::StepOf(..) => 40,
        Action::Acquire(_) => 20,
        Action::Node | Action::NodeStops => 6,
        Action::Lost(..) | Action::LostOf(..) => 2,
        Action::Expire(_) | Action::Delete => 2,
        Action::Crash(_) => 1,
    }
}

/// A walk through the model that a seed decides.
fn walk(seed: u64, steps: usize) -> Vec<Action> {
    let (mut draw, mut state, mut walk) = (Draw(seed), SOUND.init_states()[0], Vec::new());
    while walk.len() < steps {
        let mut actions = Vec::new();
        SOUND.actions(&state, &mut actions);
        let mut drawn = draw.below(actions.iter().map(|action| weight(*action)).sum());
        let Some(action) = actions.into_iter().find(|action| {
            let is_it = drawn < weight(*action);
            drawn = drawn.saturating_sub(weight(*action));
            is_it
        }) else {
            break;
        };
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
    let (mut steps, mut ends, mut places) = (0, BTreeMap::<&str, u64>::new(), BTreeMap::<String, u64>::new());
    for seed in 0..WALKS {
        let walk = walk(seed, STEPS);
        let mut state = SOUND.init_states()[0];
        let mut count = |what: &'static str, met: bool| *ends.entry(what).or_default() += u64::from(met);
        for action in &walk {
            if let Action::Step(run) | Action::StepOf(run, _) = action {
                *places.entry(format!("{:?}", state.runs[*run].at)).or_default() += 1;
            }
            state = SOUND.apply(&state, *action);
            count("late changes", state.late);
            count("lost replies", matches!(action, Action::Lost(..) | Action::LostOf(..)));
        }
        println!("seed {seed}: {} steps", walk.len());
        let end: State = replay(SOUND, SOUND.init_states()[0], &walk);
        count("done", end.tree.done);
        count("deleted", !end.tree.v1);
        count("nodes that use V2", end.node == model::Node::UsesV2);
        steps += walk.len();
    }
    println!("{WALKS} walks, {steps} steps in {:.1} s; {ends:?}; {places:?}", begun.elapsed().as_secs_f64());
    assert!(steps >= 20_000 && ends.values().all(|count| *count >= 10), "{steps} {ends:?}");
    
}
