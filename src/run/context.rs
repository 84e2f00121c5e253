//! One run of one operation: its name, its lock, its report, and the way to change the tree.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

use super::lock_file::LockHolder;
use super::options::{Progress, ProgressSink, RunOptions, Stage};
use super::report::Report;
use super::session::Session;
use super::trees::{self, Trees};
use super::waves::Waves;
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::lock::Guard;
use crate::plan::phase::Operation;
use crate::plan::steps::{GroupFolders, Taken};
use crate::storage::{Fence, Flow, Storage};
use crate::tree::{Change, TreePath};

/// One run of one operation.
pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) options: RunOptions,
    pub(super) name: String,
    pub(super) begun: String,
    pub(super) report: Report,
    held: Held,
    lock_is_the_callers: bool,
    meter: Meter<'a>,
    stop: Option<&'a AtomicBool>,
    numbers: Cell<u64>,
    groups: Cell<u64>,
    parts: Cell<u64>,
    /// Tasks that failed because nobody knows what became of a change.
    unknown: Cell<u64>,
}

impl<'a> Run<'a> {
    /// A run that starts with the lock that the caller holds, if any.
    pub(super) fn new(
        session: &'a Session,
        operation: Operation,
        options: RunOptions,
        guard: Option<Box<dyn Guard>>,
        sink: Option<ProgressSink<'a>>,
        stop: Option<&'a AtomicBool>,
    ) -> Self {
        let (name, begun) = (run_name(), now());
        let report = Report::new(operation, options.plan, &name, session.storage.describe(), &begun);
        let lock_is_the_callers = guard.is_some();
        let meter = Meter { sink, stage_begun: std::time::Instant::now() };
        Self {
            session,
            options,
            name,
            begun,
            report,
            held: Held(guard),
            lock_is_the_callers,
            meter,
            stop,
            numbers: Cell::new(0),
            groups: Cell::new(0),
            parts: Cell::new(0),
            unknown: Cell::new(0),
        }
    }

    /// The end of the run: the report, the lock where it is the caller's, and whether the run's own was given up.
    pub(super) fn end_with_lock(mut self) -> (Report, Option<Box<dyn Guard>>, Result<()>) {
        let released =
            if self.lock_is_the_callers { Ok(()) } else { self.held.0.take().map_or(Ok(()), Guard::release) };
        self.report.finished = now();
        (self.report, self.held.0, released)
    }
}

impl Run<'_> {
    pub(super) fn storage(&self) -> &dyn Storage {
        &*self.session.storage
    }

    pub(super) fn in_flight(&self) -> usize {
        self.options.in_flight as usize
    }

    /// Takes the lock where the caller has not.
    pub(super) fn acquire(&mut self) -> Result<()> {
        if self.held.0.is_none() {
            self.held.0 = Some(self.session.acquire(self.report.operation.word())?);
        }
        self.confirm()
    }

    /// Asks the lock service whether the lock is still held.
    pub(super) fn confirm(&self) -> Result<()> {
        self.held.0.as_deref().map_or_else(|| Err(no_lock()), Guard::confirm)
    }

    /// Without the lock, what else went wrong is another run's work seen from behind: files that are gone, marks that
    /// vanished. What is told is that the lock was lost.
    pub(super) fn blame_the_lock(&self, result: Result<()>) -> Result<()> {
        result.map_err(|error| match self.held.0.as_deref().map(Guard::permit) {
            Some(Err(lost)) if lost.kind() == ErrorKind::LockLost && error.kind() != ErrorKind::LockLost => {
                self.session.log.info(format_args!("without the lock: {error}"));
                lost
            }
            _ => error,
        })
    }

    /// The way to change the tree.
    pub(super) fn waves(&self) -> Waves<'_> {
        Waves { storage: self.storage(), flow: Flow { fence: &self.held, in_flight: self.in_flight() } }
    }

    /// An error once the caller asked the run to stop.
    pub(super) fn check_cancelled(&self) -> Result<()> {
        if [Some(&self.session.cancel), self.stop].into_iter().flatten().any(|flag| flag.load(Ordering::Relaxed)) {
            return Err(Error::new(ErrorKind::Cancelled, "the run was asked to stop"));
        }
        Ok(())
    }

    /// What every operation that changes the tree does first under the lock: what earlier runs left unfinished goes,
    /// so that a stale holder's renames find nothing to move, and the name of the holder is written.
    ///
    /// `seen` is by what the operation was found to be right. Until their fences are gone others may still have changed it.
    ///
    /// # Errors
    /// `Locked` where they did: no task is touched then.
    pub(super) fn begin(&self, seen: &Trees) -> Result<()> {
        // What a killed process left in caches is about to be trusted.
        self.storage().flush()?;
        let waves = self.waves();
        let fence = self.fence();
        // The folders that this operation fills aside and renames out whole, made with the fence itself, in one call:
        // nothing else may make it.
        if self.report.operation == Operation::Recovery {
            waves.make_folder(&fence.join(layout::RECOVERY))?;
        } else {
            let begun = fence.join(layout::UPGRADING);
            waves.make_folder(&begun.join(layout::DONE))?;
            waves.rename(&begun.join(layout::DONE), &fence.join(layout::DONE))?;
        }
        // Who gets the lock after this answer finds the fence and takes it away. A fence that was made after the lock was
        // lost is one that nobody looks for.
        self.confirm()?;
        // One by one, as listed: a removal of the whole folder that a stale holder began would go on in this run's.
        for entry in self.storage().children(&layout::staging())?.unwrap_or_default() {
            let leftover = layout::staging().child(&entry.name)?;
            if leftover == fence {
                continue;
            }
            let v1 = leftover.join(layout::V1);
            if self.storage().find(&v1)?.is_some() {
                // A DELETE was stopped between its two renames: it has not looked at what turned up meanwhile.
                waves.rename(&v1, &layout::v1_deleting())?;
            }
            waves.remove(&leftover)?;
        }
        waves.remove(&layout::recovery_removing())?;
        self.take_away(&layout::lock_file())?;
        let holder = LockHolder {
            run: self.name.clone(),
            operation: self.report.operation.word().to_owned(),
            host: host(),
            pid: std::process::id(),
            since: self.begun.clone(),
        };
        let staged = fence.join(layout::LOCK_FILE);
        waves.create(&staged, holder.to_bytes())?;
        waves.rename(&staged, &layout::lock_file())?;
        if trees::read(self.storage())?.facts.without_tasks() == seen.facts.without_tasks() {
            return Ok(());
        }
        self.end()?;
        Err(changed_meanwhile())
    }

    /// What every operation that changes the tree does last, also where it failed. A lock that is lost leaves it all to
    /// the next holder.
    pub(super) fn end(&self) -> Result<()> {
        self.take_away(&layout::lock_file())?;
        let waves = self.waves();
        waves.remove(&layout::staging_of(&self.name))?;
        waves.remove(&self.fence())?;
        match waves.one(&Change::Remove { path: layout::staging(), recursive: false }, Taken::Fail) {
            // Somebody else's is in it, which the next run sees to.
            Err(error) if error.kind() == ErrorKind::NotEmpty => Ok(()),
            removed => removed,
        }
    }

    /// The folder by which this run's changes are told from those of a later one.
    pub(super) fn fence(&self) -> TreePath {
        layout::fence_of(&self.name)
    }

    /// A number that no other thing of this run has: names in its fence are made of it.
    pub(super) fn next_number(&self) -> u64 {
        self.numbers.replace(self.numbers.get() + 1)
    }

    /// The folders of the next group of tasks: a plan and a run count them alike.
    pub(super) fn next_group(&self) -> GroupFolders {
        GroupFolders::new(&self.name, self.groups.replace(self.groups.get() + 1))
    }

    /// The number of the next part that this run writes.
    pub(super) fn next_part(&self) -> u64 {
        self.parts.replace(self.parts.get() + 1)
    }

    /// Notes why a task failed, for the advice in the end.
    pub(super) fn note_failure(&self, error: &Error) {
        if error.kind() == ErrorKind::OutcomeUnknown {
            self.unknown.set(self.unknown.get() + 1);
        }
    }

    /// Begins to count anew, as a round does.
    pub(super) fn forget_failures(&self) {
        self.unknown.set(0);
    }

    /// Whether tasks failed for no other reason than that nobody knows what became of their changes: there is nothing to
    /// mend then, and the next run looks.
    pub(super) fn only_unknown_failed(&self) -> bool {
        self.report.counts.failed > 0 && self.report.counts.failed == self.unknown.get()
    }

    /// Takes something out of the tree, in one change, to be removed as the run ends; fine if it is gone.
    pub(super) fn take_away(&self, path: &TreePath) -> Result<()> {
        let aside = layout::set_aside(&self.fence(), self.next_number(), 0);
        self.waves().one(&Change::Rename { from: path.clone(), to: aside }, Taken::Gone)
    }

    /// Asks the lock service, and the tree itself, whether this run still holds the lock.
    pub(super) fn probe(&self) -> Result<()> {
        self.confirm()?;
        let probe = layout::group_probe(&self.fence(), self.next_number());
        self.waves().create(&probe, Vec::new()).map_err(Self::overtaken)
    }

    /// What it means that something of the fence is not found.
    pub(super) fn overtaken(error: Error) -> Error {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        Error::new(ErrorKind::LockLost, "another run has begun and removed this one's folder").at(error.path())
    }

    pub(super) fn stage(&mut self, stage: Stage) {
        self.session.log.debug(format_args!("{}: {}", self.report.operation.word(), stage.word()));
        self.meter.stage_begun = std::time::Instant::now();
        self.progress(stage, 0, "");
    }

    /// Says how far the run is; `done` counts the tasks done in this stage.
    pub(super) fn progress(&mut self, stage: Stage, done: u64, current: &str) {
        let counts = self.report.counts;
        let seconds = self.meter.stage_begun.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
        let per_second = if seconds > 0.05 { done as f64 / seconds } else { 0.0 };
        let progress = Progress {
            stage,
            done,
            skipped: counts.skipped,
            failed: counts.failed,
            total: counts.total,
            per_second,
            current: current.to_owned(),
        };
        if let Some(sink) = self.meter.sink.as_deref_mut() {
            sink(&progress);
        }
    }

    pub(super) fn warn(&mut self, warning: String) {
        let text = format_args!("{warning}");
        if self.options.plan || self.report.operation == Operation::Status {
            self.session.log.of_report(log::Level::Warn, text);
        } else {
            // Before the change that it warns of; and a run that is killed has no report.
            self.session.log.warn(text);
        }
        self.report.warnings.push(warning);
    }
}

/// The lock that a run holds, which gives leave for its changes.
struct Held(Option<Box<dyn Guard>>);

impl Fence for Held {
    fn permit(&self) -> Result<()> {
        self.0.as_deref().map_or_else(|| Err(no_lock()), Guard::permit)
    }
}

/// How far the run is, and who hears of it.
struct Meter<'a> {
    sink: Option<ProgressSink<'a>>,
    stage_begun: std::time::Instant,
}

fn no_lock() -> Error {
    Error::new(ErrorKind::Internal, "a change was tried without the lock")
}

/// A name that sorts by the time it was made and that no other run has.
fn run_name() -> String {
    use std::hash::{BuildHasher, Hasher};
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // Keyed by the system's random source.
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:019}-{random:016x}", since.as_nanos())
}

/// The time, RFC 3339 in UTC, to the second.
pub(super) fn now() -> String {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

pub(super) fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What a plan says after the reasons of a refusal, each of which is a warning.
pub(super) const WARNED_OF: &str = "a run would be refused now for what these warnings name";

/// What makes a noun fit a count.
pub(super) fn plural(count: u64) -> &'static str {
    if count == 1 {
        ""
    } else {
        "s"
    }
}

/// The first few of many names, for a message.
pub(super) fn some_of(names: &[impl AsRef<str>]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more > 0 {
        format!("{}, and {more} more", shown.join(", "))
    } else {
        shown.join(", ")
    }
}

/// What was found before [`Run::begin`] is no longer so.
pub(super) fn changed_meanwhile() -> Error {
    Error::new(ErrorKind::Locked, "another run, which has lost the lock since, changed the trees as this one began")
        .advise("see that the other run has ended, then run STATUS, and the command again where it still fits")
}
