//! What must hold in every state of the model, and what must happen in some, so that it says something.

use stateright::Property;

use crate::model::Protocol;
use crate::world::{Answer, At, Node, Phase, Run, State, Wave, RUNS, TASKS};

pub const WHOLE: &str = "I1: every task is whole in V1 or in V2";
pub const MANAGED: &str = "I1: no open main task is visible without its manager";
pub const ONE_TREE: &str = "I2: a node uses V1 only where V2 is not, and V2 only where it is whole";
pub const ALONE: &str = "I2: no upgrade works on while a node uses V1";
pub const RECORDED: &str = "I2: a node that uses V2 beside the done mark has its record";
pub const MARKED: &str = "I3: a task that is marked as converted is whole in V2";
pub const DONE: &str = "I4: the done mark means that every task is whole in V2";
pub const FINISHES: &str = "I8: one undisturbed run finishes, from wherever all was left";
pub const STALE: &str = "I9: an overtaken run changes nothing that its successor decides";
pub const GONE: &str = "I9: nothing of an upgrade comes back after DELETE";

/// What must hold in every state, and what must be met in some of those that this model can reach.
pub fn all(protocol: Protocol) -> Vec<Property<Protocol>> {
    let mut all = invariants();
    all.extend(met_by_runs());
    if protocol.nodes {
        all.extend(met_by_a_node());
    }
    if protocol.lost_replies {
        all.push(Property::sometimes("a lost reply is of a main task that became visible", |_, state: &State| {
            state.runs.iter().any(|run| run.looks_at_unknown() && published_unheard(run))
        }));
    }
    all
}

fn invariants() -> Vec<Property<Protocol>> {
    let always = Property::<Protocol>::always;
    vec![
        always(WHOLE, |_, State { tree, .. }| (0..TASKS).all(|task| tree.v1 || tree.whole_in_v2(task))),
        always(MANAGED, |_, State { tree, .. }| !tree.tasks[0].main || tree.tasks[0].manager),
        always(ONE_TREE, |_, State { tree, node, .. }| match node {
            Node::UsesV1 => tree.v1 && !tree.done,
            Node::UsesV2 => tree.all_in_v2() && tree.phase() != Phase::Upgrading,
            _ => true,
        }),
        always(ALONE, |_, state| {
            let works = |run: usize| state.holder == Some(run) && works_on(state.runs[run].at);
            state.node != Node::UsesV1 || !(0..RUNS).any(works)
        }),
        always(RECORDED, |_, State { tree, node, .. }| *node != Node::UsesV2 || !tree.done || tree.started),
        always(MARKED, |_, State { tree, .. }| {
            (0..TASKS).all(|task| !tree.tasks[task].upgraded || tree.whole_in_v2(task))
        }),
        always(DONE, |_, State { tree, .. }| !tree.done || tree.all_in_v2()),
        always(FINISHES, |protocol, state| finishes(*protocol, state)),
        always(STALE, |_, state| !state.wronged),
        always(GONE, |_, State { tree, .. }| tree.v1 || !tree.begun && !tree.done),
    ]
}

fn met_by_runs() -> Vec<Property<Protocol>> {
    let sometimes = Property::<Protocol>::sometimes;
    vec![
        sometimes("the upgrade is done", |_, state| state.tree.done),
        sometimes("V1 is deleted", |_, state| !state.tree.v1),
        sometimes("a call of an overtaken run lands while its successor is at work", |_, state| {
            state.late && state.holder.is_some_and(|holder| state.runs[holder].at != At::Idle)
        }),
        sometimes("a call of an overtaken run lands after done", |_, state| state.late && state.tree.done),
        sometimes("an attempt that did not end is cleared", |_, state| {
            state.runs.iter().any(|run| run.at == At::Wave(Wave::ClearMark))
        }),
        sometimes("both runs have a fence", |_, state| state.runs.iter().all(|run| run.fence)),
    ]
}

fn met_by_a_node() -> Vec<Property<Protocol>> {
    let sometimes = Property::<Protocol>::sometimes;
    vec![
        sometimes("a node uses V1", |_, state| state.node == Node::UsesV1),
        sometimes("a node is refused", |_, state| state.node == Node::Refused),
        sometimes("a node records its start and uses V2", |_, state| state.node == Node::UsesV2 && state.tree.started),
        sometimes("a node uses V2 after DELETE", |_, state| state.node == Node::UsesV2 && !state.tree.v1),
        sometimes("a node comes up after the upgrade began, and it gives up", |_, state| {
            let gives_up = |run: usize| state.runs[run].at == At::ClearMarks && !state.tree.done;
            state.node == Node::Look && (0..RUNS).any(gives_up)
        }),
    ]
}

fn published_unheard(run: &Run) -> bool {
    run.at == At::Wave(Wave::Publish) && run.answers.contains(&Some(Answer::Unknown { made: true }))
}

/// The steps by which V2 comes to be: a run whose `Taskupgrade` went with another's leave to begin makes no mark, and
/// so gets to none of them.
fn works_on(at: At) -> bool {
    matches!(at, At::Fence | At::Wave(Wave::Publish | Wave::Complete) | At::Part | At::Finish | At::Commit)
}

/// I8 speaks of the tree alone. Every process can end at any moment, so each tree is also met where no run is under way.
fn finishes(protocol: Protocol, state: &State) -> bool {
    if state.runs.iter().any(|run| run.at != At::Idle) {
        return true;
    }
    let end = protocol.undisturbed(state.tree);
    !end.begun && end.all_in_v2() && (end.done || !end.v1)
}
