//! What the model speaks of: the tree, the runs, the lock and the node, and what can happen to them.

/// Task 0 is open, so it needs a manager; task 1 is Done and needs none.
pub const TASKS: usize = 2;
/// Two upgraders.
pub const RUNS: usize = 2;

/// What the tree holds of one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one name that is there or not")]
pub struct Task {
    /// The mark `<base>.<node>`.
    pub in_progress: bool,
    /// The mark `<base>.upgrade`.
    pub upgraded: bool,
    /// Its line stands in a part.
    pub part: bool,
    pub manager: bool,
    /// The folder in `Scheduler`: it becomes visible by one rename, so it is whole or not there.
    pub main: bool,
}

/// The tree, as far as the protocol speaks of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "each is one name that is there or not")]
pub struct Tree {
    /// `Compaction`, with every task in it.
    pub v1: bool,
    /// `Taskupgrade`.
    pub begun: bool,
    /// `TaskUpgrade.done`, with its manifest.
    pub done: bool,
    /// `TaskUpgrade.done/Started.<node>`.
    pub started: bool,
    pub tasks: [Task; TASKS],
}

/// The phase table of the design, as far as upgrades and DELETE reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Upgraded,
    Upgrading,
    NotStarted,
    V2Only,
}

impl Tree {
    pub fn phase(&self) -> Phase {
        match self {
            Self { done: true, .. } => Phase::Upgraded,
            Self { begun: true, .. } => Phase::Upgrading,
            Self { v1: true, .. } => Phase::NotStarted,
            Self { .. } => Phase::V2Only,
        }
    }

    /// A task is there as it must be.
    pub fn whole_in_v2(&self, task: usize) -> bool {
        self.tasks[task].main && (self.tasks[task].manager || task != 0)
    }

    pub fn all_in_v2(&self) -> bool {
        (0..TASKS).all(|task| self.whole_in_v2(task))
    }

    /// `Taskupgrade` goes, with all it holds.
    pub fn clear_marks(&mut self) {
        self.begun = false;
        for task in &mut self.tasks {
            *task = Task { in_progress: false, upgraded: false, part: false, ..*task };
        }
    }
}

/// The changes that are made for each task, in the order of their waves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wave {
    ClearMain,
    ClearManager,
    ClearMark,
    Mark,
    Manager,
    Publish,
    Complete,
}

/// Where a run stands: the step that it takes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    /// No run is under way.
    Idle,
    /// Under the lock: which phase it is.
    Look,
    /// `.staging/<run>.fence` is made.
    MakeFence,
    /// The lock service is asked: from here on every successor finds the fence.
    ConfirmFence,
    /// `.staging` is listed.
    ListStaging,
    /// What was listed of others goes; the lock file is written.
    ClearStaging,
    /// `Taskupgrade` comes out of the fence.
    Begin,
    /// Whether a node is up.
    Nodes,
    /// V1, marks, parts, V2 and managers are listed, and a decision is made for each task.
    List,
    /// The lock service is asked, and the fence by an empty file in it.
    Probe,
    /// A change for each task that needs it.
    Wave(Wave),
    /// The folders of the tasks are built in `.staging/<run>` and brought into the fence.
    Fence,
    /// The part is written in the fence and comes out of it.
    Part,
    /// V1 and marks are listed again, the manifest is written in the fence, the lock service is asked once more.
    Finish,
    /// `TaskUpgrade.done` comes out of the fence.
    Commit,
    /// `Taskupgrade` goes into the fence.
    ClearMarks,
    /// Staging and the lock file go, the lock is given up.
    End,
}

/// What a run heard of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    Made,
    NotFound,
    Taken,
    /// Nobody knows; whether it was made is what the world knows and the run does not.
    Unknown {
        made: bool,
    },
}

/// What a run still has to do for a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Job {
    /// A bit for each wave in which the task has a change.
    pub waves: u8,
    /// It was found whole, and is looked at once more before it is taken over.
    pub adopts: bool,
    /// It is marked as being converted, so what turns out not to be whole is converted anew.
    pub in_progress: bool,
}

impl Job {
    pub fn has(self, wave: Wave) -> bool {
        self.waves & bit(wave) != 0
    }
}

pub fn bit(wave: Wave) -> u8 {
    1 << wave as u8
}

pub fn bits(waves: &[(Wave, bool)]) -> u8 {
    waves.iter().filter(|(_, wanted)| *wanted).fold(0, |all, (wave, _)| all | bit(*wave))
}

/// One upgrader: what it knows, and what is its own in `.staging`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "each is one fact")]
pub struct Run {
    pub at: At,
    /// `.staging/<run>.fence` is there.
    pub fence: bool,
    /// It saw no `Taskupgrade`, so it makes it.
    pub begins: bool,
    /// It found the upgrade complete, and only clears what is left over.
    pub clears: bool,
    /// It listed the other's fence.
    pub lists: bool,
    pub jobs: [Option<Job>; TASKS],
    /// The answers of the wave, or, in the first place, of a step of the run itself.
    pub answers: [Option<Answer>; TASKS],
    pub failed: bool,
    /// It lost the lock and another holder has begun since.
    pub overtaken: bool,
}

/// An upgrader that does nothing.
pub const IDLE: Run = Run {
    at: At::Idle,
    fence: false,
    begins: false,
    clears: false,
    lists: false,
    jobs: [None; TASKS],
    answers: [None; TASKS],
    failed: false,
    overtaken: false,
};

impl Run {
    /// The tasks whose change in this wave is still to be made.
    pub fn waiting(&self) -> Vec<usize> {
        let At::Wave(wave) = self.at else { return Vec::new() };
        let is_waiting =
            |task: &usize| self.jobs[*task].is_some_and(|job| job.has(wave)) && self.answers[*task].is_none();
        (0..TASKS).filter(is_waiting).collect()
    }

    /// It waits for nothing but a look at a change of which it heard nothing.
    pub fn looks_at_unknown(&self) -> bool {
        let unknown = self.answers.iter().any(|answer| matches!(answer, Some(Answer::Unknown { .. })));
        unknown && self.waiting().is_empty()
    }

    pub fn any(&self, wave: Wave) -> bool {
        self.jobs.iter().flatten().any(|job| job.has(wave))
    }

    pub fn fail(&mut self, task: usize) {
        self.jobs[task] = None;
        self.failed = true;
    }
}

/// The node that starts: registered from the first step on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Node {
    Off,
    /// Registered; it looks at the phase.
    Look,
    /// It saw a complete upgrade and records its start.
    Record,
    /// It looks once more; whether its record is made.
    LookAgain(bool),
    UsesV1,
    UsesV2,
    Refused,
    /// Only where a node looks before it registers.
    WillUseV1,
}

/// The whole world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub tree: Tree,
    pub runs: [Run; RUNS],
    /// Who holds the lock.
    pub holder: Option<usize>,
    pub node: Node,
    /// The last step was a change by a run that was overtaken.
    pub late: bool,
    /// A run that was overtaken changed something that its successor decides.
    pub wronged: bool,
}

/// What can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// An upgrader starts a run and gets the lock.
    Acquire(usize),
    /// A run takes its next step.
    Step(usize),
    /// A run makes its change for one task of the wave.
    StepOf(usize, usize),
    /// The change of the next step is made, or not, and its reply is lost.
    Lost(usize, bool),
    /// The same for one task of the wave.
    LostOf(usize, usize, bool),
    /// The process ends, or hears that it lost the lock: it changes nothing any more.
    Crash(usize),
    /// The session ends at the lock service, and the run goes on unaware.
    Expire(usize),
    /// Somebody runs a whole DELETE.
    Delete,
    /// The node takes its next step.
    Node,
    /// The node stops.
    NodeStops,
}

/// Whether a late change is more than an empty file that comes, or a mark that says what is so.
pub fn wrongs(before: &Tree, after: &Tree) -> bool {
    let decided = |tree: &Tree| (tree.v1, tree.begun, tree.done, tree.tasks.map(|task| (task.main, task.part)));
    let lost = |task: usize| {
        let (old, new) = (before.tasks[task], after.tasks[task]);
        old.manager && !new.manager
            || old.upgraded && !new.upgraded
            || old.in_progress && !new.in_progress && !new.upgraded
    };
    decided(before) != decided(after) || (0..TASKS).any(lost)
}

/// The waves of a task that is converted from nothing.
pub fn anew(task: usize, clears_mark: bool, clears_manager: bool) -> u8 {
    bits(&[
        (Wave::ClearManager, clears_manager),
        (Wave::ClearMark, clears_mark),
        (Wave::Mark, true),
        (Wave::Manager, task == 0),
        (Wave::Publish, true),
        (Wave::Complete, true),
    ])
}
