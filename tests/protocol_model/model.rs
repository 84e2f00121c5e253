//! The protocol as a state machine: every step that anybody can take.
//!
//! A step of a run is one change of the tree, or one look at it that decides something, in the order of
//! docs/crash-safety.md. Within a wave the changes of the two tasks come in either order.

use stateright::{Model, Property};

use crate::properties;
use crate::world::{
    anew, bit, bits, wrongs, Action, Answer, At, Job, Node, Phase, Run, State, Task, Tree, Wave, IDLE, RUNS, TASKS,
};

/// A protocol that is not the one of the library, by one mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// The protocol as it is.
    Sound,
    /// The mark `.upgrade` comes before the main task.
    MarksBeforeItPublishes,
    /// What is in staging is never taken from a run, and no run looks for its fence.
    NoFence,
    /// After the fence was made neither the lock service is asked nor the tree looked at again. Either is enough here.
    FenceIsTrustedUnseen,
    /// A node asks the gate and registers after.
    NodeLooksBeforeItRegisters,
    /// The node records its start only where its first look finds a complete upgrade.
    NodeRecordsAtTheFirstLookOnly,
    /// The upgrade looks for nodes and begins after.
    LooksForNodesBeforeItBegins,
    /// The manager file comes after the main task.
    ManagerAfterMainTask,
    /// A change whose reply was lost counts as made.
    UnknownIsTakenForMade,
    /// `Taskupgrade` goes before the done mark comes.
    ClearsMarksBeforeDone,
}

/// The model.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    pub variant: Variant,
    /// Replies of changes can be lost.
    pub lost_replies: bool,
    /// A node starts.
    pub nodes: bool,
}

/// What a change does: the tree after it, and the answer.
type Made = (Tree, Answer);

impl Protocol {
    fn is(self, variant: Variant) -> bool {
        self.variant == variant
    }

    /// Something of the run's fence can be renamed out of it, or into it.
    fn has_fence(self, run: &Run) -> bool {
        run.fence || self.is(Variant::NoFence)
    }

    /// One change of a wave.
    fn change(self, tree: &Tree, run: &Run, wave: Wave, task: usize) -> Made {
        let (mut after, fence) = (*tree, self.has_fence(run));
        let it = &mut after.tasks[task];
        let take = |there: &mut bool, possible: bool| {
            if *there && possible {
                *there = false;
                return Answer::Made;
            }
            Answer::NotFound
        };
        let make = |there: &mut bool, possible: bool| match (possible, *there) {
            (false, _) => Answer::NotFound,
            (true, true) => Answer::Taken,
            (true, false) => {
                *there = true;
                Answer::Made
            }
        };
        let answer = match wave {
            Wave::ClearMain => take(&mut it.main, fence),
            Wave::ClearManager => take(&mut it.manager, fence),
            Wave::ClearMark => take(&mut it.in_progress, fence),
            Wave::Mark => make(&mut it.in_progress, tree.begun),
            Wave::Manager => make(&mut it.manager, true),
            Wave::Publish => make(&mut it.main, fence),
            Wave::Complete => {
                let answer = make(&mut it.upgraded, it.in_progress);
                if answer == Answer::Made {
                    it.in_progress = false;
                }
                answer
            }
        };
        (after, answer)
    }

    /// Whether a change of a wave counts as made, after a look where the answer alone does not say.
    fn is_made(self, tree: &Tree, run: &Run, (wave, task): (Wave, usize), answer: Answer) -> bool {
        let it = &tree.tasks[task];
        let unknown = matches!(answer, Answer::Unknown { .. });
        if answer == Answer::Made || unknown && self.is(Variant::UnknownIsTakenForMade) {
            return true;
        }
        let still_fenced = self.has_fence(run) && answer != Answer::Unknown { made: true };
        match wave {
            Wave::ClearMain => !it.main,
            Wave::ClearManager => !it.manager,
            Wave::ClearMark => !it.in_progress,
            // An empty file of this name can only be the same file.
            Wave::Mark => it.in_progress,
            Wave::Manager => it.manager,
            // What is taken is compared with what is in the fence, file by file.
            Wave::Publish if answer == Answer::Taken => it.main && still_fenced,
            Wave::Publish => it.main && !still_fenced,
            Wave::Complete if answer == Answer::Taken => true,
            Wave::Complete => it.upgraded && !it.in_progress,
        }
    }

    /// One change of the run itself: the rename that the step rests on.
    fn own_change(self, tree: &Tree, run: &Run) -> Made {
        let (mut after, fence) = (*tree, self.has_fence(run));
        let mut out = |there: fn(&mut Tree) -> &mut bool, possible: bool| match (possible, *there(&mut after)) {
            (false, _) => Answer::NotFound,
            (true, true) => Answer::Taken,
            (true, false) => {
                *there(&mut after) = true;
                Answer::Made
            }
        };
        let answer = match run.at {
            At::Begin => out(|tree| &mut tree.begun, fence),
            At::Commit => out(|tree| &mut tree.done, fence),
            At::Fence if fence => Answer::Made,
            At::Part if tree.begun && fence => {
                for (task, job) in run.jobs.iter().enumerate() {
                    after.tasks[task].part |= job.is_some();
                }
                Answer::Made
            }
            At::ClearMarks if tree.begun && fence => {
                after.clear_marks();
                Answer::Made
            }
            _ => Answer::NotFound,
        };
        (after, answer)
    }

    /// Whether a change of the run itself counts as made.
    fn own_is_made(self, tree: &Tree, run: &Run, answer: Answer) -> bool {
        let Answer::Unknown { made } = answer else {
            return answer == Answer::Made || run.at == At::ClearMarks && !tree.begun;
        };
        if self.is(Variant::UnknownIsTakenForMade) {
            return true;
        }
        let still_fenced = self.has_fence(run) && !made;
        match run.at {
            At::Begin => tree.begun && !still_fenced,
            At::Commit => tree.done && !still_fenced,
            At::Fence => made && self.has_fence(run),
            At::Part => made && tree.begun,
            _ => !tree.begun,
        }
    }

    fn has_own_change(at: At) -> bool {
        matches!(at, At::Begin | At::Commit | At::Fence | At::Part | At::ClearMarks)
    }

    /// The waves of a group and the steps between them, in their order.
    fn order(self) -> &'static [At] {
        use Wave::{ClearMain, ClearManager, ClearMark, Complete, Manager, Mark, Publish};
        const MANAGER: At = At::Wave(Manager);
        const PUBLISH: At = At::Wave(Publish);
        const COMPLETE: At = At::Wave(Complete);
        /// What comes first, whatever comes then.
        const BEGIN: [At; 4] = [At::Wave(ClearMain), At::Wave(ClearManager), At::Wave(ClearMark), At::Wave(Mark)];
        const fn order(then: [At; 6]) -> [At; 10] {
            let mut order = [At::Finish; 10];
            let mut place = 0;
            while place < order.len() {
                order[place] = if place < BEGIN.len() { BEGIN[place] } else { then[place - BEGIN.len()] };
                place += 1;
            }
            order
        }
        const SOUND: [At; 10] = order([MANAGER, At::Fence, PUBLISH, At::Part, COMPLETE, At::Finish]);
        const MARKED_FIRST: [At; 10] = order([MANAGER, At::Fence, COMPLETE, PUBLISH, At::Part, At::Finish]);
        const MANAGER_LATE: [At; 10] = order([At::Fence, PUBLISH, MANAGER, At::Part, COMPLETE, At::Finish]);
        match self.variant {
            Variant::MarksBeforeItPublishes => &MARKED_FIRST,
            Variant::ManagerAfterMainTask => &MANAGER_LATE,
            _ => &SOUND,
        }
    }

    /// The step of the group that comes at or after a place in its order and has something to do; else what follows it.
    fn next_in_group(self, run: &Run, from: usize) -> At {
        let has_work = |at: &At| match at {
            At::Wave(wave) => run.any(*wave),
            At::Fence => run.any(Wave::Publish),
            At::Finish => !run.failed,
            _ => run.jobs.iter().any(Option::is_some),
        };
        self.order()[from..].iter().copied().find(has_work).unwrap_or(At::End)
    }

    fn after(self, run: &Run) -> At {
        let place = self.order().iter().position(|at| *at == run.at).map_or(0, |place| place + 1);
        self.next_in_group(run, place)
    }

    /// What is to be done about each task: the table of docs/crash-safety.md, and what earlier attempts left.
    fn decide(tree: &Tree, run: &mut Run) {
        run.jobs = [None; TASKS];
        if !tree.v1 {
            return;
        }
        let unfinished = |task: &Task| task.in_progress || task.upgraded && !task.part || !task.upgraded && task.main;
        // Managers are listed only where an attempt did not end.
        let lists_managers = tree.tasks.iter().any(unfinished);
        for (task, it) in tree.tasks.iter().enumerate() {
            let lacks_manager = task == 0 && !it.manager;
            let (waves, adopts) = match (it.upgraded, it.main) {
                (true, false) => {
                    run.failed = true;
                    continue;
                }
                (true, true) if it.part => continue,
                (true, true) => (bits(&[(Wave::Manager, lacks_manager)]), true),
                (false, true) => {
                    let waves = [(Wave::Mark, !it.in_progress), (Wave::Manager, lacks_manager), (Wave::Complete, true)];
                    (bits(&waves), true)
                }
                (false, false) => (anew(task, it.in_progress, lists_managers && it.manager), false),
            };
            run.jobs[task] = Some(Job { waves, adopts, in_progress: it.in_progress && !it.upgraded });
        }
    }

    /// A run that is to take over what is there looks at it once more.
    fn adopt(tree: &Tree, run: &mut Run) {
        for task in 0..TASKS {
            let Some(job) = run.jobs[task].filter(|job| job.adopts) else { continue };
            if tree.tasks[task].main {
                run.jobs[task] = Some(Job { adopts: false, in_progress: false, ..job });
            } else if job.in_progress {
                // The facts are those of the listing, in which the task stood whole.
                let waves = anew(task, true, task == 0) | bit(Wave::ClearMain);
                run.jobs[task] = Some(Job { waves, adopts: false, in_progress: false });
            } else {
                run.fail(task);
            }
        }
        for job in run.jobs.iter_mut().flatten() {
            (job.adopts, job.in_progress) = (false, false);
        }
    }

    fn lose(state: &mut State, actor: usize) {
        state.runs[actor] = IDLE;
        if state.holder == Some(actor) {
            state.holder = None;
        }
    }

    /// The judgement of a wave, once every change of it is answered.
    fn judge_wave(self, state: &mut State, actor: usize, wave: Wave) {
        let mut run = state.runs[actor];
        for task in 0..TASKS {
            if let Some(answer) = run.answers[task] {
                if !self.is_made(&state.tree, &run, (wave, task), answer) {
                    run.fail(task);
                }
            }
        }
        run.answers = [None; TASKS];
        for job in run.jobs.iter_mut().flatten() {
            job.waves &= !bit(wave);
        }
        run.at = self.after(&run);
        state.runs[actor] = run;
    }

    fn step_of(self, state: &mut State, actor: usize, task: usize, lost: Option<bool>) {
        let At::Wave(wave) = state.runs[actor].at else { return };
        let (tree, answer) = self.change(&state.tree, &state.runs[actor], wave, task);
        if lost != Some(false) {
            state.tree = tree;
        }
        state.runs[actor].answers[task] = Some(lost.map_or(answer, |made| Answer::Unknown { made }));
        let run = &state.runs[actor];
        if run.waiting().is_empty() && !run.looks_at_unknown() {
            self.judge_wave(state, actor, wave);
        }
    }

    /// A step whose change is of the run itself.
    fn own_step(self, state: &mut State, actor: usize, lost: Option<bool>) {
        let mut run = state.runs[actor];
        let answer = if let Some(unknown) = run.answers[0].take() {
            unknown
        } else {
            let (tree, answer) = self.own_change(&state.tree, &run);
            if lost != Some(false) {
                state.tree = tree;
            }
            if let Some(made) = lost {
                run.answers[0] = Some(Answer::Unknown { made });
                state.runs[actor] = run;
                return;
            }
            answer
        };
        let made = self.own_is_made(&state.tree, &run, answer);
        run.at = match (run.at, made) {
            (At::Fence, false) if answer == Answer::NotFound => return Self::lose(state, actor),
            (_, false) => At::End,
            (At::Begin, _) if self.is(Variant::LooksForNodesBeforeItBegins) => At::List,
            (At::Begin, _) => At::Nodes,
            (At::Commit, _) => At::ClearMarks,
            (At::ClearMarks, _) if self.is(Variant::ClearsMarksBeforeDone) && !state.tree.done && !run.begins => {
                At::Commit
            }
            (At::ClearMarks, _) => At::End,
            _ => self.after(&run),
        };
        state.runs[actor] = run;
    }

    fn step(self, state: &mut State, actor: usize) {
        let other = 1 - actor;
        let mut run = state.runs[actor];
        if let (At::Wave(wave), true) = (run.at, run.looks_at_unknown()) {
            return self.judge_wave(state, actor, wave);
        }
        if Self::has_own_change(run.at) {
            return self.own_step(state, actor, None);
        }
        let (tree, holds) = (&state.tree, state.holder == Some(actor));
        run.at = match run.at {
            At::Look => match tree.phase() {
                Phase::V2Only => return Self::lose(state, actor),
                // An upgrade that has begun needs its V1 tree.
                Phase::Upgrading if !tree.v1 => return Self::lose(state, actor),
                // What the run came for was done by another meanwhile, so it asks for the lock anew.
                Phase::Upgraded if !run.clears && !holds => return Self::lose(state, actor),
                phase => {
                    (run.begins, run.clears) = (!tree.begun, phase == Phase::Upgraded);
                    At::MakeFence
                }
            },
            At::MakeFence => {
                run.fence = true;
                if self.is(Variant::FenceIsTrustedUnseen) {
                    At::ListStaging
                } else {
                    At::ConfirmFence
                }
            }
            At::ConfirmFence if holds => At::ListStaging,
            At::ListStaging => {
                run.lists = state.runs[other].fence;
                At::ClearStaging
            }
            At::ClearStaging => {
                state.runs[other].fence &= !run.lists;
                if holds && state.runs[other].at != At::Idle {
                    state.runs[other].overtaken = true;
                }
                run.lists = false;
                // Until now whoever lost the lock could still change by what the phase was found.
                let is_as_seen = (tree.v1, tree.begun, tree.done) == (true, !run.begins, run.clears)
                    || self.is(Variant::FenceIsTrustedUnseen);
                match (self.has_fence(&run) && is_as_seen, run.clears) {
                    (false, _) => return Self::lose(state, actor),
                    (true, true) if tree.begun => At::ClearMarks,
                    (true, true) => At::End,
                    (true, false) if self.is(Variant::LooksForNodesBeforeItBegins) => At::Nodes,
                    (true, false) if run.begins => At::Begin,
                    (true, false) => At::Nodes,
                }
            }
            At::Nodes => match (state.node == Node::Off || state.node == Node::WillUseV1, run.begins) {
                (true, true) if self.is(Variant::LooksForNodesBeforeItBegins) => At::Begin,
                (true, _) => {
                    run.begins = false;
                    At::List
                }
                (false, true) => At::ClearMarks,
                (false, false) => At::End,
            },
            At::List => {
                run.begins = false;
                Self::decide(tree, &mut run);
                if run.jobs.iter().any(Option::is_some) {
                    At::Probe
                } else {
                    self.next_in_group(&run, 0)
                }
            }
            At::Probe if holds && self.has_fence(&run) => {
                Self::adopt(tree, &mut run);
                self.next_in_group(&run, 0)
            }
            At::Finish => {
                run.jobs = [None; TASKS];
                let all = tree.begun && tree.tasks.iter().all(|task| task.upgraded && task.part);
                match (all || !tree.v1) && self.has_fence(&run) {
                    false => At::End,
                    true if !holds => return Self::lose(state, actor),
                    true if self.is(Variant::ClearsMarksBeforeDone) => At::ClearMarks,
                    true => At::Commit,
                }
            }
            // The lock is lost, or the run is at its end.
            _ => return Self::lose(state, actor),
        };
        state.runs[actor] = run;
    }

    fn node_step(self, state: &mut State) {
        let phase = state.tree.phase();
        state.node = match state.node {
            Node::Off if !self.is(Variant::NodeLooksBeforeItRegisters) => Node::Look,
            Node::Look | Node::LookAgain(false) if phase == Phase::Upgraded => Node::Record,
            Node::Look if self.is(Variant::NodeRecordsAtTheFirstLookOnly) => Node::LookAgain(true),
            Node::Record => {
                state.tree.started |= state.tree.done;
                Node::LookAgain(state.tree.done)
            }
            Node::WillUseV1 => Node::UsesV1,
            _ => match phase {
                Phase::NotStarted if state.node == Node::Off => Node::WillUseV1,
                Phase::NotStarted => Node::UsesV1,
                Phase::Upgraded | Phase::V2Only => Node::UsesV2,
                Phase::Upgrading => Node::Refused,
            },
        };
    }

    /// Every chance to act, in an order that is always the same.
    fn choices(self, state: &State, run: usize, actions: &mut Vec<Action>) {
        let it = &state.runs[run];
        if it.at == At::Idle {
            let phase = state.tree.phase();
            let nodes_allow = phase == Phase::Upgraded || matches!(state.node, Node::Off | Node::WillUseV1);
            let has_work = phase != Phase::V2Only && (phase != Phase::Upgraded || state.tree.begun);
            if state.holder.is_none() && has_work && nodes_allow {
                actions.push(Action::Acquire(run));
            }
            return;
        }
        let waiting = it.waiting();
        actions.extend(waiting.iter().map(|task| Action::StepOf(run, *task)));
        if waiting.is_empty() {
            actions.push(Action::Step(run));
        }
        if !self.lost_replies {
            // Every change is heard of.
        } else if let At::Wave(wave) = it.at {
            // One lost reply in a wave says it all.
            let is_lost = |answer: &Option<Answer>| matches!(answer, Some(Answer::Unknown { .. }));
            for task in waiting.into_iter().filter(|_| !it.answers.iter().any(is_lost)) {
                if self.change(&state.tree, it, wave, task).1 == Answer::Made {
                    actions.push(Action::LostOf(run, task, true));
                }
                actions.push(Action::LostOf(run, task, false));
            }
        } else if Self::has_own_change(it.at)
            && !it.looks_at_unknown()
            && self.own_change(&state.tree, it).1 == Answer::Made
        {
            actions.extend([Action::Lost(run, true), Action::Lost(run, false)]);
        }
        actions.push(Action::Crash(run));
        if state.holder == Some(run) {
            actions.push(Action::Expire(run));
        }
    }

    /// What one undisturbed run makes of a tree, once everything else has come to rest.
    pub fn undisturbed(self, tree: Tree) -> Tree {
        let mut state = State { tree, ..self.init_states()[0] };
        let mut actions = Vec::new();
        self.choices(&state, 0, &mut actions);
        while let Some(action) = actions.first() {
            state = self.apply(&state, *action);
            actions.clear();
            if state.runs[0].at != At::Idle {
                self.choices(&state, 0, &mut actions);
            }
        }
        state.tree
    }

    pub fn apply(self, before: &State, action: Action) -> State {
        let mut state = State { late: false, ..*before };
        match action {
            Action::Acquire(run) => {
                state.holder = Some(run);
                let clears = state.tree.phase() == Phase::Upgraded;
                state.runs[run] = Run { at: At::Look, clears, ..IDLE };
                // A fence that was listed is one of an earlier run.
                state.runs[1 - run].lists = false;
            }
            Action::Step(run) => self.step(&mut state, run),
            Action::StepOf(run, task) => self.step_of(&mut state, run, task, None),
            Action::Lost(run, made) => self.own_step(&mut state, run, Some(made)),
            Action::LostOf(run, task, made) => self.step_of(&mut state, run, task, Some(made)),
            Action::Crash(run) => Self::lose(&mut state, run),
            Action::Expire(_) => state.holder = None,
            Action::Delete => {
                state.tree.clear_marks();
                (state.tree.v1, state.tree.done, state.tree.started) = (false, false, false);
                for run in &mut state.runs {
                    (run.fence, run.overtaken) = (false, run.at != At::Idle);
                }
            }
            Action::Node => self.node_step(&mut state),
            Action::NodeStops => state.node = Node::Off,
        }
        if let Action::Step(run) | Action::StepOf(run, _) | Action::Lost(run, _) | Action::LostOf(run, _, _) = action {
            if before.runs[run].overtaken && before.tree != state.tree {
                state.late = true;
                state.wronged |= wrongs(&before.tree, &state.tree);
            }
        }
        state
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let tree = Tree { v1: true, begun: false, done: false, started: false, tasks: [Task::default(); TASKS] };
        vec![State { tree, runs: [IDLE; RUNS], holder: None, node: Node::Off, late: false, wronged: false }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for run in 0..RUNS {
            self.choices(state, run, actions);
        }
        if state.holder.is_none() && state.tree.v1 && state.tree.done {
            actions.push(Action::Delete);
        }
        match state.node {
            _ if !self.nodes => {}
            Node::UsesV1 | Node::Refused => actions.push(Action::NodeStops),
            Node::UsesV2 => {}
            _ => actions.push(Action::Node),
        }
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        Some(self.apply(state, action))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all(*self)
    }
}
