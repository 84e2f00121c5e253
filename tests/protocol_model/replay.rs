//! A path of the model, taken by the real code: sessions on a tree in memory, each held at its [`Turnstile`].
//!
//! After every action the tree must be what the model says, as far as the model speaks of it, the run must wait where the
//! model says, and the invariants must hold by the checker of all other tests, which knows neither of the two.

use std::sync::Arc;
use std::thread::JoinHandle;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::{AssumeOffline, Gate, MemoryStorage, Operation, Result, RunOptions};
use parking_lot::Mutex;

use crate::model::Protocol;
use crate::support::checker::{image, Checker, Image};
use crate::support::sessions::{builder, fresh, run, Answer, OneLock};
use crate::support::trees::{Expected, Fixture, CATALOG};
use crate::support::v1_files::{folder, v1};
use crate::turnstile::{RunLock, SeenByNode, SeenByRun, Service, Stepped, Stop, Turnstile};
use crate::world::{Action, At, Node, Run, State, Task, Tree, RUNS, TASKS};

const TIME_MS: u64 = 1_617_693_156_000;
const IDS: [&str; TASKS] = ["aaaaffff.16176931.56000000.0", "aaaaffff.16176931.56000000.1"];
const DONE: &str = "Compaction_V2/TaskUpgrade.done";
const MARKS: &str = "Compaction_V2/Taskupgrade";

/// The two tasks of the model: one open, one Done.
fn two_tasks() -> Fixture {
    let storage = MemoryStorage::new();
    for at in
        ["Compaction/Scheduler", "Compaction/TaskAssigned", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"]
    {
        folder(&storage, at);
    }
    let states = [(StateV1::Init, StateV2::Init), (StateV1::Done, StateV2::Done)];
    let task = |(seq, (old, state)): (i32, (StateV1, StateV2))| Expected {
        v1_name: v1(&storage, "p", seq, TIME_MS, old, ("sales", "solo")),
        v2_id: IDS[usize::try_from(seq).unwrap()],
        state,
        places: vec![("solo", "solo_1")],
    };
    let expected = (0..).zip(states).map(task).collect();
    Fixture { name: "two tasks", storage, catalog: CATALOG, expected, foreign: Vec::new() }
}

/// What the model would say of a tree.
fn abstraction(image: &Image) -> Tree {
    let there = |path: &str| image.contains_key(path);
    let task = |number: usize| {
        let base = format!("{MARKS}/compct.p.{number}.{TIME_MS}");
        let line = format!("\"v2\":\"{}\"", IDS[number]);
        let in_part = |(path, bytes): (&String, &Option<Vec<u8>>)| {
            let text = bytes.as_deref().map(String::from_utf8_lossy);
            path.starts_with(&format!("{MARKS}/Part.")) && text.is_some_and(|text| text.contains(&line))
        };
        Task {
            in_progress: there(&format!("{base}.solo_1")),
            upgraded: there(&format!("{base}.upgrade")),
            part: image.iter().any(in_part),
            manager: there(&format!("Compaction_V2/TaskAssigned/solo_1/Manager.{}", IDS[number])),
            main: there(&format!("Compaction_V2/Scheduler/{}", IDS[number])),
        }
    };
    Tree {
        v1: there(&format!("Compaction/Scheduler/compct.p.0.{TIME_MS}")),
        begun: there(MARKS),
        done: there(DONE),
        started: there(&format!("{DONE}/Started.late")),
        tasks: [task(0), task(1)],
    }
}

/// A thread of the real code.
struct Process<T> {
    turnstile: Turnstile,
    thread: JoinHandle<T>,
}

impl<T: Send + 'static> Process<T> {
    fn start(turnstile: Turnstile, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let at_the_end = turnstile.clone();
        let thread = std::thread::spawn(move || {
            let answer = work();
            at_the_end.end();
            answer
        });
        Self { turnstile, thread }
    }

    /// Nothing of it happens any more.
    fn kill(self) {
        self.turnstile.crash();
        drop(self.thread.join().unwrap());
    }
}

/// The real cluster.
struct Replay {
    tree: MemoryStorage,
    checker: Checker,
    service: Service,
    up: Arc<Mutex<bool>>,
    runs: [Option<Process<Answer>>; RUNS],
    node: Option<Process<Result<Gate>>>,
}

/// Where the model says that a run waits.
fn stops(run: &Run) -> Vec<Stop> {
    match run.at {
        At::Idle => Vec::new(),
        _ if run.looks_at_unknown() => vec![Stop::Unheard],
        At::Wave(wave) => run.waiting().into_iter().map(|task| Stop::Change(wave, task)).collect(),
        at => vec![Stop::Run(at)],
    }
}

impl Replay {
    fn start(&mut self, run: usize) {
        let turnstile = Turnstile::default();
        let storage = Stepped { tree: self.tree.clone(), turnstile: turnstile.clone() };
        let lock = RunLock { service: self.service.clone(), run, turnstile: turnstile.clone() };
        let nodes = SeenByRun { up: Arc::clone(&self.up), turnstile: turnstile.clone() };
        let session = builder(Arc::new(storage), lock, CATALOG).liveness(nodes).open().unwrap();
        let work = move || session.run(Operation::Upgrade, &RunOptions::default(), None);
        self.runs[run] = Some(Process::start(turnstile, work));
    }

    fn start_node(&mut self) {
        *self.up.lock() = true;
        let turnstile = Turnstile::default();
        let storage = SeenByNode { tree: self.tree.clone(), turnstile: turnstile.clone() };
        let lock = OneLock::default();
        let session = builder(Arc::new(storage), lock, CATALOG).liveness(AssumeOffline).open().unwrap();
        self.node = Some(Process::start(turnstile, move || session.node_gate("late")));
    }

    /// A run is let go on by one step; where it had nothing left to clear it is at its end already.
    fn go_on(&mut self, run: usize, stop: Stop, loses: Option<bool>) {
        if let Some(process) = self.runs[run].as_ref().filter(|process| process.turnstile.settled().is_some()) {
            process.turnstile.grant(stop, loses);
        }
    }

    fn act(&mut self, before: &State, action: Action) {
        match action {
            Action::Acquire(run) => self.start(run),
            Action::Step(run) => self.go_on(run, stops(&before.runs[run])[0], None),
            Action::Lost(run, made) => self.go_on(run, stops(&before.runs[run])[0], Some(made)),
            Action::StepOf(run, task) | Action::LostOf(run, task, _) => {
                let At::Wave(wave) = before.runs[run].at else { panic!("{action:?} outside of a wave") };
                let loses = if let Action::LostOf(_, _, made) = action { Some(made) } else { None };
                self.go_on(run, Stop::Change(wave, task), loses);
            }
            Action::Crash(run) => {
                if let Some(process) = self.runs[run].take() {
                    process.kill();
                }
            }
            Action::Expire(_) => *self.service.0.lock() = None,
            Action::Delete => drop(run(&fresh(&self.tree, CATALOG), Operation::Delete).unwrap()),
            Action::Node => match before.node {
                Node::Off => self.start_node(),
                Node::Record => self.node.as_ref().unwrap().turnstile.grant(Stop::NodeRecords, None),
                _ => self.node.as_ref().unwrap().turnstile.grant(Stop::NodeLooks, None),
            },
            Action::NodeStops => *self.up.lock() = false,
        }
    }

    /// Holds the real cluster against the model.
    fn compare(&mut self, state: &State) {
        let settled =
            |process: &Option<Process<Answer>>| process.as_ref().and_then(|process| process.turnstile.settled());
        let waiting: Vec<Option<Vec<Stop>>> = self.runs.iter().map(settled).collect();
        for (number, waits) in waiting.into_iter().enumerate() {
            let run = &state.runs[number];
            match waits {
                Some(waits) => assert_eq!(waits, stops(run), "run {number} waits elsewhere"),
                // A run that finds the upgrade complete, and nothing left over, ends where the model's takes a round.
                None => assert!(run.at == At::Idle || run.clears, "run {number} ended, and not at {:?}", run.at),
            }
            if let Some(process) = &self.runs[number] {
                let fence = process.turnstile.fence().is_some_and(|fence| image(&self.tree).contains_key(&fence));
                assert!(run.at == At::Idle || run.clears || fence == run.fence, "the fence of run {number}: {fence}");
            }
            if run.at == At::Idle {
                if let Some(process) = self.runs[number].take() {
                    drop(process.thread.join().unwrap());
                }
            }
        }
        *self.service.0.lock() = state.holder;
        self.compare_node(state);
        let image = image(&self.tree);
        assert_eq!(abstraction(&image), state.tree);
        let operation = if state.tree.v1 { Operation::Upgrade } else { Operation::Delete };
        self.checker.at_every_instant(&image, operation).unwrap();
    }

    fn compare_node(&mut self, state: &State) {
        let Some(waits) = self.node.as_ref().map(|process| process.turnstile.settled()) else { return };
        let expected = match state.node {
            Node::Look | Node::LookAgain(_) => Some(Stop::NodeLooks),
            Node::Record => Some(Stop::NodeRecords),
            _ => None,
        };
        assert_eq!(waits, expected.map(|stop| vec![stop]), "the node waits elsewhere");
        if waits.is_none() {
            let gate = self.node.take().unwrap().thread.join().unwrap().unwrap();
            let expected = match state.node {
                Node::UsesV1 => Gate::UseV1,
                Node::UsesV2 => Gate::UseV2,
                _ => Gate::DoNotStart,
            };
            assert_eq!(gate, expected);
        }
    }

    /// I8 of the real code: all is stopped, one plain run.
    fn finish(mut self) {
        self.runs.iter_mut().filter_map(Option::take).for_each(Process::kill);
        self.node.take().into_iter().for_each(Process::kill);
        run(&fresh(&self.tree, CATALOG), Operation::Upgrade).unwrap_or_else(|failure| panic!("I8: {}", failure.error));
        let image = image(&self.tree);
        let is_deleted = !abstraction(&image).v1;
        if is_deleted { self.checker.deleted(&image) } else { self.checker.upgraded(&image) }.unwrap();
    }
}

/// Takes a path; gives the last state.
pub fn replay(protocol: Protocol, start: State, actions: &[Action]) -> State {
    let fixture = two_tasks();
    let mut replay = Replay {
        checker: Checker::new(&fixture),
        tree: fixture.storage,
        service: Service::default(),
        up: Arc::default(),
        runs: [None, None],
        node: None,
    };
    let mut state = start;
    for (place, action) in actions.iter().enumerate() {
        let after = protocol.apply(&state, *action);
        let taken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            replay.act(&state, *action);
            replay.compare(&after);
        }));
        if let Err(panic) = taken {
            println!("after {:?}\nthe model goes from {state:?}\nto {after:?}", &actions[..=place]);
            std::panic::resume_unwind(panic);
        }
        state = after;
    }
    replay.finish();
    state
}
