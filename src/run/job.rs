//! A job: an operation on a thread of the library's own, for a process that goes on working meanwhile.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle, ThreadId};

use parking_lot::{Condvar, Mutex};

use super::options::{Progress, RunOptions, Stage};
use super::report::Report;
use super::session::{Failure, Session};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::phase::Operation;

/// What hears of a job's progress, on the job's thread.
pub type JobProgressSink = Box<dyn FnMut(&Progress) + Send>;

/// An operation of a session on a thread of its own. Every method may be called from any thread. Dropping a job asks its
/// run to stop and waits for the end; a job that is dropped on its own thread, by its progress sink, is asked to stop and
/// left to end by itself.
///
/// The session is the job's until the run ends: every other call on it but [`Session::cancel`] is `Busy`. It lives at
/// least as long as the job, so whatever it holds goes on the thread that drops the last of the two.
pub struct Job {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    thread_id: ThreadId,
    _session: Arc<Session>,
}

/// What the job's thread and those that ask about it have in common.
struct Shared {
    stop: AtomicBool,
    progress: Mutex<Progress>,
    state: Mutex<State>,
    changed: Condvar,
}

enum State {
    /// The run does not have the session yet.
    Starting,
    Running,
    Ended(Box<std::result::Result<Report, Failure>>),
    /// How the run ended was handed out.
    Taken,
}

impl Job {
    /// Starts an operation on a thread of its own and returns once the run has the session, so that whatever asks for
    /// the session next is told that it is busy.
    ///
    /// # Errors
    /// `Busy` while the session runs something else; `InvalidArgument` for options that mean nothing to the operation;
    /// `RetryLater` where the system has no thread to give. What goes wrong later is the run's failure: [`Self::wait`].
    pub fn start(
        session: &Arc<Session>,
        operation: Operation,
        options: RunOptions,
        progress: Option<JobProgressSink>,
    ) -> Result<Self> {
        Self::start_by(Builder::new().name("ctu-job".to_owned()), session, operation, options, progress)
    }

    fn start_by(
        builder: Builder,
        session: &Arc<Session>,
        operation: Operation,
        options: RunOptions,
        progress: Option<JobProgressSink>,
    ) -> Result<Self> {
        options.check(operation)?;
        drop(session.busy()?);
        let shared = Arc::new(Shared::new());
        let work = {
            let (session, shared) = (Arc::clone(session), Arc::clone(&shared));
            move || {
                let run = || shared.run(&session, operation, &options, progress);
                let ended = catch_unwind(AssertUnwindSafe(run))
                    .unwrap_or_else(|payload| Err(Failure { error: Error::of_panic(payload), report: None }));
                shared.end(ended);
            }
        };
        let thread = builder.spawn(work).map_err(|error| {
            Error::new(ErrorKind::RetryLater, format!("no thread can be started for the job: {error}"))
                .advise("see how many threads and how much memory the process may have, then start the job again")
        })?;
        let thread_id = thread.thread().id();
        drop(shared.wait_while(|state| matches!(state, State::Starting)));
        Ok(Self { shared, thread: Mutex::new(Some(thread)), thread_id, _session: Arc::clone(session) })
    }

    /// Whether the run has ended. Its session is free again then, and its progress sink is not called any more.
    pub fn done(&self) -> bool {
        matches!(*self.shared.state.lock(), State::Ended(_) | State::Taken)
    }

    /// How far the run is, by its latest word; the stage `Check` with all counts 0 before its first one.
    pub fn progress(&self) -> Progress {
        self.shared.progress.lock().clone()
    }

    /// Asks the job's run to stop before its next wave; its failure is then `Cancelled`. Once the run has ended this does
    /// nothing, and it never reaches another run of the session.
    pub fn cancel(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for the end of the run and hands out how it ended: once. Of several calls the first to see the end gets it.
    ///
    /// # Errors
    /// The run's own failure; `InvalidArgument` where its end was handed out before, and on the job's own thread, which
    /// would wait for itself.
    pub fn wait(&self) -> std::result::Result<Report, Failure> {
        let misuse = |what| Err(Failure { error: Error::new(ErrorKind::InvalidArgument, what), report: None });
        if self.on_its_own_thread() {
            return misuse("a job cannot be waited for on its own thread");
        }
        let ended = self.shared.take_end();
        self.join();
        ended.map_or_else(|| misuse("how this job ended was handed out already"), |ended| *ended)
    }

    fn on_its_own_thread(&self) -> bool {
        std::thread::current().id() == self.thread_id
    }

    /// The thread is at its end, or a few instructions before it.
    fn join(&self) {
        if let Some(thread) = self.thread.lock().take() {
            // It catches its panics, so there is nothing to hear from it.
            drop(thread.join());
        }
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.cancel();
        if !self.on_its_own_thread() {
            self.join();
        }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Job").field("done", &self.done()).field("progress", &self.progress()).finish()
    }
}

impl Shared {
    fn new() -> Self {
        let progress = Progress {
            stage: Stage::Check,
            done: 0,
            skipped: 0,
            failed: 0,
            total: 0,
            per_second: 0.0,
            current: String::new(),
        };
        Self {
            stop: AtomicBool::new(false),
            progress: Mutex::new(progress),
            state: Mutex::new(State::Starting),
            changed: Condvar::new(),
        }
    }

    fn run(
        &self,
        session: &Session,
        operation: Operation,
        options: &RunOptions,
        mut progress: Option<JobProgressSink>,
    ) -> std::result::Result<Report, Failure> {
        let mut sink = |now: &Progress| {
            self.progress.lock().clone_from(now);
            // An operation says "check" before it does anything, and has the session by then.
            self.begun();
            if let Some(progress) = &mut progress {
                progress(now);
            }
        };
        session.run_until(Some(&self.stop), operation, options, Some(&mut sink))
    }

    fn begun(&self) {
        let mut state = self.state.lock();
        if matches!(*state, State::Starting) {
            *state = State::Running;
            self.changed.notify_all();
        }
    }

    fn end(&self, ended: std::result::Result<Report, Failure>) {
        *self.state.lock() = State::Ended(Box::new(ended));
        self.changed.notify_all();
    }

    fn wait_while(&self, condition: impl Fn(&State) -> bool) -> parking_lot::MutexGuard<'_, State> {
        let mut state = self.state.lock();
        self.changed.wait_while(&mut state, |state| condition(state));
        state
    }

    /// How the run ended, once it has; nothing where that was taken before.
    fn take_end(&self) -> Option<Box<std::result::Result<Report, Failure>>> {
        let mut state = self.wait_while(|state| matches!(state, State::Starting | State::Running));
        match std::mem::replace(&mut *state, State::Taken) {
            State::Ended(ended) => Some(ended),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{AssumeOffline, CatalogSnapshot};
    use crate::storage::{MemoryStorage, Storage};
    use crate::tree::{Change, TreePath};
    use crate::{Phase, SessionBuilder};
    use std::sync::mpsc;

    struct FreeLock;

    struct Held;

    impl crate::Lock for FreeLock {
        fn acquire(&self, _holder: &str) -> Result<Box<dyn crate::Guard>> {
            Ok(Box::new(Held))
        }
    }

    impl crate::Guard for Held {
        fn permit(&self) -> Result<()> {
            Ok(())
        }
        fn confirm(&self) -> Result<()> {
            Ok(())
        }
        fn release(self: Box<Self>) -> Result<()> {
            Ok(())
        }
    }

    /// A tree with empty V1 folders.
    fn session() -> Arc<Session> {
        let storage = MemoryStorage::new();
        let path = TreePath::parse("Compaction/Scheduler").unwrap();
        let flow = crate::storage::Flow { fence: &crate::storage::NoFence, in_flight: 1 };
        storage.change_batch(&[Change::MakeFolder { path }], flow).pop().unwrap().unwrap();
        let builder = SessionBuilder::new(Arc::new(storage)).lock(FreeLock).liveness(AssumeOffline);
        Arc::new(builder.catalog(CatalogSnapshot::default()).open().unwrap())
    }

    fn start(session: &Arc<Session>, progress: Option<JobProgressSink>) -> Job {
        Job::start(session, Operation::Status, RunOptions::default(), progress).unwrap()
    }

    /// A job whose run waits at its first word until it is let go on.
    fn held_job(session: &Arc<Session>) -> (Job, mpsc::Sender<()>) {
        let (go_on, gate) = mpsc::channel::<()>();
        let mut first = true;
        let sink = move |_: &Progress| {
            if std::mem::replace(&mut first, false) {
                let _ = gate.recv();
            }
        };
        (start(session, Some(Box::new(sink))), go_on)
    }

    #[test]
    fn a_job_hands_out_its_report_once() {
        let job = start(&session(), None);
        assert_eq!(job.wait().unwrap().phase, Phase::Empty);
        assert!(job.done());
        let again = job.wait().unwrap_err();
        assert_eq!(again.error.kind(), ErrorKind::InvalidArgument);
        assert!(again.error.message().contains("handed out already"), "{again}");
    }

    #[test]
    fn the_session_is_busy_while_the_job_runs_and_free_when_it_is_done() {
        let session = session();
        let (job, go_on) = held_job(&session);
        assert!(!job.done());
        let other = session.run(Operation::Status, &RunOptions::default(), None).unwrap_err();
        assert_eq!(other.error.kind(), ErrorKind::Busy);
        let second = Job::start(&session, Operation::Status, RunOptions::default(), None).unwrap_err();
        assert_eq!(second.kind(), ErrorKind::Busy);
        go_on.send(()).unwrap();
        job.wait().unwrap();
        session.run(Operation::Status, &RunOptions::default(), None).unwrap();
    }

    #[test]
    fn a_panic_on_the_thread_is_an_internal_error_and_the_session_goes_on() {
        let session = session();
        let job = start(&session, Some(Box::new(|_| panic!("on purpose"))));
        let failure = job.wait().unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::Internal);
        assert!(failure.error.message().contains("on purpose"), "{failure}");
        session.run(Operation::Status, &RunOptions::default(), None).unwrap();
    }

    #[test]
    fn a_thread_that_cannot_be_started_is_an_error() {
        let session = session();
        // More than a process can have of addresses.
        let builder = Builder::new().stack_size(1 << 50);
        let error = Job::start_by(builder, &session, Operation::Status, RunOptions::default(), None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RetryLater);
        start(&session, None).wait().unwrap();
    }

    #[test]
    fn options_that_mean_nothing_are_refused_at_once() {
        let options = RunOptions { force: true, ..RunOptions::default() };
        let error = Job::start(&session(), Operation::Status, options, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn a_job_dropped_while_it_runs_takes_its_thread_with_it() {
        let session = session();
        let ended = Arc::new(AtomicBool::new(false));
        let (go_on, gate) = mpsc::channel::<()>();
        let sink = {
            let ended = Arc::clone(&ended);
            move |_: &Progress| {
                let _ = gate.recv();
                std::thread::sleep(std::time::Duration::from_millis(20));
                ended.store(true, Ordering::SeqCst);
            }
        };
        let job = start(&session, Some(Box::new(sink)));
        drop(go_on);
        drop(job);
        assert!(ended.load(Ordering::SeqCst), "the drop waited for the run");
        assert_eq!(Arc::strong_count(&session), 1, "nobody else holds the session");
    }

    #[test]
    fn a_job_that_meets_itself_on_its_own_thread_does_not_wait_for_itself() {
        let session = session();
        let (hand_over, take_over) = mpsc::channel::<Job>();
        let (tell, told) = mpsc::channel();
        let sink = move |_: &Progress| {
            if let Ok(job) = take_over.recv() {
                let _ = tell.send(job.wait().unwrap_err().error.kind());
                drop(job);
            }
        };
        hand_over.send(start(&session, Some(Box::new(sink)))).unwrap();
        drop(hand_over);
        assert_eq!(told.recv().unwrap(), ErrorKind::InvalidArgument);
        while Arc::strong_count(&session) > 1 {
            std::thread::yield_now();
        }
    }
}
