//! What stops the real code before each step of the model, and lets a schedule decide who goes next.
//!
//! Every call of a run is told by its path to belong to a step. The thread of the run waits before the first call of
//! each step; calls of the same step, and looks that no step of the model stands for, go on by themselves.

use std::sync::Arc;
use std::time::Duration;

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{Error, ErrorKind, Guard, Liveness, Lock, MemoryStorage, Result, Storage};
use parking_lot::{Condvar, Mutex};

use crate::world::{At, Wave};

/// A step at which the real code waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A step of the run itself.
    Run(At),
    /// The change of a wave for one task.
    Change(Wave, usize),
    /// The look at changes of which nothing was heard.
    Unheard,
    NodeLooks,
    NodeRecords,
}

/// Far more than a step takes: a schedule that hangs is a defect of the replay.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one fact")]
struct Inner {
    offers: Vec<Stop>,
    granted: Option<(Stop, Option<bool>)>,
    current: Option<Stop>,
    /// The lock is held, from where on the steps count.
    locked: bool,
    /// V1 was listed for the decisions, so the next listing is the one of the end.
    listed: bool,
    /// The reply of the change of this step is to be lost, and whether it is made.
    loses: Option<bool>,
    unheard: bool,
    gone: bool,
    ended: bool,
    /// The run's fence, as its first call names it.
    fence: Option<String>,
}

/// Where one thread of the real code waits; clones are the same one.
#[derive(Clone, Default)]
pub struct Turnstile(Arc<(Mutex<Inner>, Condvar)>);

fn gone() -> Error {
    Error::new(ErrorKind::Storage, "the process is gone")
}

impl Turnstile {
    /// Waits until one of these is granted; gives it.
    fn pass(&self, offers: Vec<Stop>) -> Result<Stop> {
        let (inner, changed) = &*self.0;
        let mut inner = inner.lock();
        if inner.gone {
            return Err(gone());
        }
        if let ([only @ Stop::Run(_)], true) = (&offers[..], inner.current == offers.first().copied()) {
            return Ok(*only);
        }
        inner.offers = offers;
        changed.notify_all();
        loop {
            if inner.gone {
                inner.offers.clear();
                return Err(gone());
            }
            if let Some((stop, loses)) = inner.granted.take() {
                (inner.current, inner.loses) = (Some(stop), loses);
                return Ok(stop);
            }
            changed.wait(&mut inner);
        }
    }

    /// Where the thread waits, once it does; `None` where it has ended.
    pub fn settled(&self) -> Option<Vec<Stop>> {
        let (inner, changed) = &*self.0;
        let mut inner = inner.lock();
        while inner.offers.is_empty() && !inner.ended {
            assert!(!changed.wait_for(&mut inner, PATIENCE).timed_out(), "the real code neither waits nor ends");
        }
        (!inner.ended).then(|| inner.offers.clone())
    }

    /// Lets the thread take a step at which it waits.
    pub fn grant(&self, stop: Stop, loses: Option<bool>) {
        let (inner, changed) = &*self.0;
        let mut inner = inner.lock();
        assert!(inner.offers.contains(&stop), "{stop:?} is not among {:?}", inner.offers);
        inner.offers.clear();
        inner.granted = Some((stop, loses));
        changed.notify_all();
    }

    /// The process is gone: no call of it does anything any more.
    pub fn crash(&self) {
        let (inner, changed) = &*self.0;
        inner.lock().gone = true;
        changed.notify_all();
    }

    pub fn end(&self) {
        let (inner, changed) = &*self.0;
        inner.lock().ended = true;
        changed.notify_all();
    }

    /// The fence that the run has made.
    pub fn fence(&self) -> Option<String> {
        self.0 .0.lock().fence.clone()
    }

    fn with<T>(&self, work: impl FnOnce(&mut Inner) -> T) -> T {
        work(&mut self.0 .0.lock())
    }

    /// A call that looks; the first one under the lock, and the first one after a lost reply, are steps of their own.
    fn look(&self, listing: Option<Stop>) -> Result<()> {
        let stop = self.with(|inner| {
            if inner.gone {
                return Err(gone());
            }
            if std::mem::take(&mut inner.unheard) {
                return Ok(Some(Stop::Unheard));
            }
            Ok(listing.or((inner.locked && inner.current.is_none()).then_some(Stop::Run(At::Look))))
        })?;
        stop.map_or(Ok(()), |stop| self.pass(vec![stop]).map(drop))
    }

    fn step_of_listing(&self, folder: &str) -> Option<Stop> {
        self.with(|inner| match (folder, inner.current) {
            ("Compaction_V2/.staging", Some(Stop::Run(At::ConfirmFence))) => Some(Stop::Run(At::ListStaging)),
            ("Compaction/Scheduler", Some(Stop::Run(At::List))) if !std::mem::replace(&mut inner.listed, true) => None,
            ("Compaction/Scheduler", Some(_)) if std::mem::take(&mut inner.listed) => Some(Stop::Run(At::Finish)),
            _ => None,
        })
    }

    /// The step to which a change belongs; none for folders that say nothing.
    fn step_of_change(&self, change: &Change) -> Option<Stop> {
        let clearing = |current| matches!(current, Some(Stop::Run(At::ListStaging | At::ClearStaging)));
        let clears_or_ends = || self.with(|inner| if clearing(inner.current) { At::ClearStaging } else { At::End });
        let at = match (change, Place::of(first_path(change))) {
            (Change::MakeFolder { .. }, Place::Fence(_)) => At::MakeFence,
            (_, Place::Fence(name)) if name.starts_with("group.") => At::Probe,
            (_, Place::Fence(name)) if name.starts_with("Part.") => At::Part,
            (Change::Create { .. }, Place::Fence(name)) if name == "TaskUpgrade.done/Manifest" => At::Finish,
            (Change::Create { .. }, Place::Fence(name)) if name == "TaskupgradeLock" => At::ClearStaging,
            (Change::Remove { .. }, _) => clears_or_ends(),
            (_, Place::Built) => At::Fence,
            (Change::MakeFolder { path }, Place::Tree) if path.components().count() == 2 => At::List,
            (Change::MakeFolder { .. }, Place::Tree) => return None,
            (Change::Create { path, .. }, Place::Tree) => {
                let wave = if path.name().starts_with("Manager.") { Wave::Manager } else { Wave::Mark };
                return Some(Stop::Change(wave, task_of(path)));
            }
            (Change::Rename { from, to }, place) => match (place, Place::of(to), from.components().nth(1)) {
                (Place::Fence(_), Place::Fence(_), _) => At::MakeFence,
                (Place::Fence(name), _, _) if name == "TaskUpgrade.done" => At::Commit,
                (Place::Fence(name), _, _) if name == "Taskupgrade" => At::Begin,
                (Place::Fence(name), _, _) if name == "TaskupgradeLock" => At::ClearStaging,
                (Place::Fence(_), _, _) => return Some(Stop::Change(Wave::Publish, task_of(to))),
                (_, Place::Tree, _) => return Some(Stop::Change(Wave::Complete, task_of(from))),
                (_, _, Some("TaskupgradeLock")) => clears_or_ends(),
                (_, _, Some("Scheduler")) => return Some(Stop::Change(Wave::ClearMain, task_of(from))),
                (_, _, Some("TaskAssigned")) => return Some(Stop::Change(Wave::ClearManager, task_of(from))),
                _ if from.components().count() == 2 => At::ClearMarks,
                _ => return Some(Stop::Change(Wave::ClearMark, task_of(from))),
            },
            (change, place) => panic!("no step of the model stands for {change} ({place:?})"),
        };
        Some(Stop::Run(at))
    }
}

/// What a change is made of, where it is a rename.
fn first_path(change: &Change) -> &TreePath {
    match change {
        Change::Rename { from, .. } => from,
        change => change.path(),
    }
}

/// Where a path lies.
#[derive(Debug)]
enum Place {
    /// In a fence, below which it has this name.
    Fence(String),
    /// In a folder of staging that is no fence.
    Built,
    Tree,
}

impl Place {
    fn of(path: &TreePath) -> Self {
        let names: Vec<&str> = path.components().collect();
        match &names[..] {
            [_, ".staging", run, rest @ ..] if run.contains(".fence") => Self::Fence(rest.join("/")),
            [_, ".staging", ..] => Self::Built,
            _ => Self::Tree,
        }
    }
}

/// Task 0 and task 1 have these sequence numbers, in V1 names and in V2 ids.
fn task_of(path: &TreePath) -> usize {
    usize::from(path.name().starts_with("compct.p.1.") || path.name().ends_with(".1"))
}

/// A tree in memory, every change of which is a step of a run.
pub struct Stepped {
    pub tree: MemoryStorage,
    pub turnstile: Turnstile,
}

impl Stepped {
    fn make(&self, change: &Change, flow: Flow<'_>) -> Result<()> {
        let is_last = matches!(change, Change::Rename { .. })
            || !self.turnstile.with(|inner| matches!(inner.current, Some(Stop::Run(At::Fence | At::Part))));
        let loses = self.turnstile.with(|inner| if is_last { inner.loses.take() } else { None });
        flow.fence.permit()?;
        if loses == Some(false) {
            return self.unheard();
        }
        let answer = self.tree.change_batch(std::slice::from_ref(change), flow).remove(0);
        if loses == Some(true) {
            return self.unheard();
        }
        answer
    }

    fn unheard(&self) -> Result<()> {
        self.turnstile.with(|inner| inner.unheard = true);
        Err(Error::new(ErrorKind::OutcomeUnknown, "the reply was lost"))
    }
}

impl Storage for Stepped {
    fn describe(&self) -> String {
        "memory, step by step".to_owned()
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.turnstile.look(self.turnstile.step_of_listing(folder.as_str()))?;
        self.tree.list(folder, sink)
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        match self.turnstile.look(None) {
            Ok(()) => self.tree.stat_batch(paths, in_flight),
            Err(error) => vec![Err(error); paths.len()],
        }
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        match self.turnstile.look(None) {
            Ok(()) => self.tree.read_batch(paths, limit_bytes, in_flight),
            Err(error) => vec![Err(error); paths.len()],
        }
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let steps: Vec<Option<Stop>> = changes.iter().map(|change| self.turnstile.step_of_change(change)).collect();
        let mut answers: Vec<Option<Result<()>>> = vec![None; changes.len()];
        while let Some(first) = answers.iter().position(Option::is_none) {
            let offers: Vec<Stop> = (first..changes.len())
                .filter(|place| answers[*place].is_none())
                .filter_map(|place| steps[place])
                .collect();
            let (place, passed) = match steps[first] {
                None => (first, Ok(())),
                Some(step @ Stop::Run(_)) => (first, self.turnstile.pass(vec![step]).map(drop)),
                Some(_) => match self.turnstile.pass(offers) {
                    Ok(granted) => (steps.iter().position(|step| *step == Some(granted)).unwrap_or(first), Ok(())),
                    Err(error) => (first, Err(error)),
                },
            };
            let change = &changes[place];
            if let (Change::MakeFolder { path }, Some(Stop::Run(At::MakeFence))) = (change, steps[place]) {
                let fence = path.parent().and_then(|begun| begun.parent());
                self.turnstile.with(|inner| inner.fence = fence.map(|fence| fence.to_string()));
            }
            answers[place] = Some(passed.and_then(|()| self.make(change, flow)));
        }
        answers.into_iter().flatten().collect()
    }

    /// Wave by wave, one of the orders that are allowed and the one in which the model's runs go; after a change that was
    /// not made, or whose reply was lost, no other wave begins before the run has looked.
    fn change_in_order(&self, changes: &[Change], after: &[Option<usize>], flow: Flow<'_>) -> Vec<Option<Result<()>>> {
        let wave_of = |place: usize| match self.turnstile.step_of_change(&changes[place]) {
            Some(Stop::Change(wave, _)) => wave as usize,
            // What nobody sees yet comes after the marks and the managers.
            _ => Wave::Publish as usize,
        };
        let mut answers: Vec<Option<Result<()>>> = vec![None; changes.len()];
        loop {
            let may_begin = |place: &usize| match after[*place] {
                None => answers[*place].is_none(),
                Some(needed) => answers[*place].is_none() && matches!(answers[needed], Some(Ok(()))),
            };
            let ready: Vec<usize> = (0..changes.len()).filter(may_begin).collect();
            let Some(wave) = ready.iter().map(|place| wave_of(*place)).min() else { return answers };
            let places: Vec<usize> = ready.into_iter().filter(|place| wave_of(*place) == wave).collect();
            let batch: Vec<Change> = places.iter().map(|place| changes[*place].clone()).collect();
            for (place, answer) in places.into_iter().zip(self.change_batch(&batch, flow)) {
                answers[place] = Some(answer);
            }
            if answers.iter().flatten().any(Result::is_err) {
                return answers;
            }
        }
    }
}

/// The tree as a node sees it that starts: each look at the phase begins with the root.
pub struct SeenByNode {
    pub tree: MemoryStorage,
    pub turnstile: Turnstile,
}

impl Storage for SeenByNode {
    fn describe(&self) -> String {
        "memory, seen by a node".to_owned()
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        if folder.parent().is_none() {
            self.turnstile.pass(vec![Stop::NodeLooks])?;
        }
        self.tree.list(folder, sink)
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.tree.stat_batch(paths, in_flight)
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.tree.read_batch(paths, limit_bytes, in_flight)
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        match self.turnstile.pass(vec![Stop::NodeRecords]) {
            Ok(_) => self.tree.change_batch(changes, flow),
            Err(error) => vec![Err(error); changes.len()],
        }
    }
}

/// The lock of the cluster: who holds it.
#[derive(Clone, Default)]
pub struct Service(pub Arc<Mutex<Option<usize>>>);

/// The lock as one run asks for it.
#[derive(Clone)]
pub struct RunLock {
    pub service: Service,
    pub run: usize,
    pub turnstile: Turnstile,
}

impl Lock for RunLock {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        let mut holder = self.service.0.lock();
        if holder.is_some() {
            return Err(Error::new(ErrorKind::Locked, "another run holds the lock"));
        }
        *holder = Some(self.run);
        Ok(Box::new(self.clone()))
    }
}

impl Guard for RunLock {
    fn permit(&self) -> Result<()> {
        if self.turnstile.with(|inner| inner.gone) {
            return Err(Error::new(ErrorKind::LockLost, "the lock was lost"));
        }
        Ok(())
    }

    fn confirm(&self) -> Result<()> {
        let step = self.turnstile.with(|inner| {
            let first = !std::mem::replace(&mut inner.locked, true);
            match inner.current {
                _ if first => None,
                Some(Stop::Run(At::Look | At::Finish)) => None,
                Some(Stop::Run(At::MakeFence)) => Some(Stop::Run(At::ConfirmFence)),
                _ => Some(Stop::Run(At::Probe)),
            }
        });
        if let Some(step) = step {
            self.turnstile.pass(vec![step])?;
        }
        if *self.service.0.lock() == Some(self.run) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::LockLost, "another run holds the lock"))
    }

    fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// Which nodes are up, as one run asks for it.
pub struct SeenByRun {
    pub up: Arc<Mutex<bool>>,
    pub turnstile: Turnstile,
}

impl Liveness for SeenByRun {
    fn online_nodes(&self) -> Result<Vec<String>> {
        if self.turnstile.with(|inner| inner.locked) {
            self.turnstile.pass(vec![Stop::Run(At::Nodes)])?;
        }
        Ok(if *self.up.lock() { vec!["late".to_owned()] } else { Vec::new() })
    }
}
