//! A session: the root and everything outside it, and one operation at a time on it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use parking_lot::Mutex;

use super::context::{host, some_of, Run};
use super::lock_file::LockHolder;
use super::log::SessionLog;
use super::options::{ProgressSink, RunOptions};
use super::report::Report;
use super::{delete, recovery, status, upgrade};
use crate::cluster::{Catalog, Liveness};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Guard, Lock, HELD_BY};
use crate::plan::phase::{permit, Operation, Permit};
use crate::storage::{LocalStorage, Storage};
use crate::task::{Codec, DefaultCodec};

/// How a session is put together.
///
/// ```no_run
/// use comptask_upgrade::{CatalogSnapshot, FileLiveness, Operation, RunOptions, SessionBuilder};
/// use std::path::Path;
///
/// let session = SessionBuilder::local(Path::new("/data/cluster.compact"))?
///     .catalog(CatalogSnapshot::open(Path::new("catalog.json"))?)
///     .liveness(FileLiveness::open(Path::new("online-nodes.txt"))?)
///     .open()?;
/// match session.run(Operation::Upgrade, &RunOptions::default(), None) {
///     Ok(report) => println!("{}", report.summary()),
///     Err(failure) => eprintln!("{}: {}", failure.error, failure.error.next_action()),
/// }
/// # Ok::<(), comptask_upgrade::Error>(())
/// ```
pub struct SessionBuilder {
    storage: Arc<dyn Storage>,
    lock: Option<Arc<dyn Lock>>,
    catalog: Option<Arc<dyn Catalog>>,
    liveness: Option<Arc<dyn Liveness>>,
    codec: Arc<dyn Codec>,
    log: Arc<SessionLog>,
}

impl SessionBuilder {
    /// A session on any storage. It needs a lock too: [`Self::lock`].
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self {
            storage,
            lock: None,
            catalog: None,
            liveness: None,
            codec: Arc::new(DefaultCodec),
            log: Arc::new(SessionLog::process_wide()),
        }
    }

    /// A session on a local folder, locked by a file lock on it.
    pub fn local(root: &Path) -> Result<Self> {
        let storage = LocalStorage::open(root)?;
        let lock = storage.lock()?;
        Ok(Self::new(Arc::new(storage)).lock(lock))
    }

    /// A session on HDFS, without a JVM. It needs a lock too: [`Self::lock`].
    #[cfg(feature = "hdfs-native")]
    pub fn hdfs_native(uri: &str, options: &crate::storage::HdfsOptions) -> Result<Self> {
        Ok(Self::new(Arc::new(crate::storage::HdfsNativeStorage::open(uri, options)?)))
    }

    /// A session on HDFS, by libhdfs. It needs a lock too: [`Self::lock`].
    #[cfg(feature = "libhdfs")]
    pub fn libhdfs(uri: &str, options: &crate::storage::HdfsOptions) -> Result<Self> {
        Ok(Self::new(Arc::new(crate::storage::LibhdfsStorage::open(uri, options)?)))
    }

    /// The lock of the cluster.
    #[must_use]
    pub fn lock(self, lock: impl Lock + 'static) -> Self {
        self.shared_lock(Arc::new(lock))
    }

    /// The catalog, which UPGRADE asks where tasks may run.
    #[must_use]
    pub fn catalog(self, catalog: impl Catalog + 'static) -> Self {
        self.shared_catalog(Arc::new(catalog))
    }

    /// Who is up, which UPGRADE and RECOVERY ask first.
    #[must_use]
    pub fn liveness(self, liveness: impl Liveness + 'static) -> Self {
        self.shared_liveness(Arc::new(liveness))
    }

    /// The codec of an installed CirroData, in place of the default one.
    #[must_use]
    pub fn codec(self, codec: impl Codec + 'static) -> Self {
        self.shared_codec(Arc::new(codec))
    }

    /// The session's own logger, in place of the process-wide one.
    #[must_use]
    pub fn log(self, log: SessionLog) -> Self {
        self.shared_log(Arc::new(log))
    }

    pub(crate) fn shared_lock(mut self, lock: Arc<dyn Lock>) -> Self {
        self.lock = Some(lock);
        self
    }

    pub(crate) fn shared_catalog(mut self, catalog: Arc<dyn Catalog>) -> Self {
        self.catalog = Some(catalog);
        self
    }

    pub(crate) fn shared_liveness(mut self, liveness: Arc<dyn Liveness>) -> Self {
        self.liveness = Some(liveness);
        self
    }

    pub(crate) fn shared_codec(mut self, codec: Arc<dyn Codec>) -> Self {
        self.codec = codec;
        self
    }

    pub(crate) fn shared_log(mut self, log: Arc<SessionLog>) -> Self {
        self.log = log;
        self
    }

    /// Opens the session. Nothing is locked or changed by that.
    ///
    /// # Errors
    /// `InvalidArgument` where there is no lock: two runs at once would ruin the tree.
    pub fn open(self) -> Result<Session> {
        let Some(lock) = self.lock else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a root that is not a local folder needs a lock")
                .advise("configure the cluster's lock: ZooKeeper, or the host's own lock functions"));
        };
        Ok(Session {
            storage: self.storage,
            lock,
            catalog: self.catalog,
            liveness: self.liveness,
            codec: self.codec,
            log: self.log,
            held: Mutex::new(None),
            cancel: AtomicBool::new(false),
        })
    }
}

/// The root and everything outside it. One operation at a time; [`Session::cancel`] from any thread.
pub struct Session {
    /// The lock where the caller took it by itself. Its mutex is what makes a second operation at once busy. The first
    /// field, so that a session that is dropped gives the lock up while everything it may need is still there.
    held: Mutex<Option<Box<dyn Guard>>>,
    pub(super) storage: Arc<dyn Storage>,
    lock: Arc<dyn Lock>,
    catalog: Option<Arc<dyn Catalog>>,
    liveness: Option<Arc<dyn Liveness>>,
    pub(super) codec: Arc<dyn Codec>,
    pub(super) log: Arc<SessionLog>,
    pub(super) cancel: AtomicBool,
}

/// How a run failed, with the report where it got far enough to have one.
#[derive(Debug)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// What it did before, and what is left.
    pub report: Option<Box<Report>>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(formatter)
    }
}

impl std::error::Error for Failure {}

impl Session {
    /// Runs an operation to its end.
    ///
    /// # Errors
    /// Also where the run went through and some tasks failed; then the report is there.
    pub fn run<'s>(
        &'s self,
        operation: Operation,
        options: &RunOptions,
        progress: Option<ProgressSink<'s>>,
    ) -> std::result::Result<Report, Failure> {
        self.run_until(None, operation, options, progress)
    }

    /// The same with a flag beside [`Self::cancel`] that asks this run alone to stop.
    pub(super) fn run_until<'s>(
        &'s self,
        stop: Option<&'s AtomicBool>,
        operation: Operation,
        options: &RunOptions,
        progress: Option<ProgressSink<'s>>,
    ) -> std::result::Result<Report, Failure> {
        let bare = |error| Failure { error, report: None };
        options.check(operation).map_err(bare)?;
        let mut held = self.busy().map_err(bare)?;
        let mut run = Run::new(self, operation, *options, held.take(), progress, stop);
        let result = match operation {
            Operation::Status => status::run(&mut run),
            Operation::Upgrade => upgrade::run(&mut run),
            Operation::Delete => delete::run(&mut run),
            Operation::Recovery => recovery::run(&mut run),
        };
        let result = run.blame_the_lock(result);
        let (mut report, guard, released) = run.end_with_lock();
        *held = guard;
        self.cancel.store(false, Ordering::Relaxed);
        match result.and(released) {
            Ok(()) => {
                self.log.info(format_args!("{} ended: {}", operation.word(), report.headline));
                Ok(report)
            }
            Err(error) => {
                self.log.of_report(log::Level::Error, format_args!("{} failed: {error}", operation.word()));
                let has_report = !report.headline.is_empty();
                // What the phase alone advises is not what to do after a failure.
                error.next_action().clone_into(&mut report.next_action);
                report.headline = format!("{}: {}", error.kind(), report.headline);
                Err(Failure { error, report: has_report.then(|| Box::new(report)) })
            }
        }
    }

    /// Asks the run that is under way, or the next one where none is, to stop before its next wave. Any thread.
    pub fn cancel(&self) {
        self.cancel.store(true, Ordering::Relaxed);
    }

    /// Takes the lock for several runs (seed: `SetLock`). A run takes it by itself where it is not held.
    ///
    /// # Errors
    /// `Locked` with the holder; `Busy` while an operation is under way.
    pub fn lock(&self) -> Result<()> {
        let mut held = self.busy()?;
        if held.is_none() {
            *held = Some(self.acquire("session")?);
        }
        Ok(())
    }

    /// Gives the lock up (seed: `ReleaseLock`); fine where it is not held.
    pub fn unlock(&self) -> Result<()> {
        self.busy()?.take().map_or(Ok(()), Guard::release)
    }

    /// Whether the nodes let an operation go on (seed: `CheckAllOffline`): the phase is looked at first, and an
    /// operation that has nothing to do, STATUS and DELETE need no node down.
    ///
    /// # Errors
    /// `NodesOnline` with the names, or `Liveness` where that cannot be told.
    pub fn check_all_offline(&self, operation: Operation) -> Result<()> {
        let _one_at_a_time = self.busy()?;
        let phase = super::trees::read(&*self.storage)?.phase()?;
        let needed = match (operation, permit(operation, phase)) {
            (Operation::Status | Operation::Delete, _) => false,
            (_, Permit::Run | Permit::RunToReopen | Permit::RecoverAnyWay | Permit::DowngradeOnly) => true,
            _ => false,
        };
        if needed {
            self.all_offline()
        } else {
            Ok(())
        }
    }

    /// Only one operation at a time; the guard is the lock that the caller may hold.
    pub(super) fn busy(&self) -> Result<parking_lot::MutexGuard<'_, Option<Box<dyn Guard>>>> {
        self.held.try_lock().ok_or_else(|| Error::new(ErrorKind::Busy, "the session is running an operation"))
    }

    pub(super) fn catalog(&self) -> Result<&dyn Catalog> {
        self.catalog.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "UPGRADE needs a catalog and none is configured")
                .advise("give the catalog: a snapshot file, or the host's own functions")
        })
    }

    /// The nodes are all down, or `NodesOnline` with their names.
    pub(super) fn all_offline(&self) -> Result<()> {
        let liveness = self.liveness.as_deref().ok_or_else(|| {
            Error::new(ErrorKind::InvalidArgument, "nothing is configured that tells which nodes are up").advise(
                "give a list of the nodes that are up, the host's own functions, or your word that all are down",
            )
        })?;
        let mut online = liveness.online_nodes()?;
        online.sort_unstable();
        online.dedup();
        if online.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::NodesOnline, format!("{} must be down: {}", nodes(online.len()), some_of(&online))))
    }

    pub(super) fn change_id(&self) -> Result<Option<i64>> {
        self.liveness.as_deref().map_or(Ok(None), Liveness::change_id)
    }

    pub(super) fn acquire(&self, operation: &str) -> Result<Box<dyn Guard>> {
        let holder = format!("comptask-upgrade {operation} on {}, process {}", host(), std::process::id());
        let guard = self.lock.acquire(&holder).map_err(|error| {
            // The file may be one that a dead run left, so a lock that knows its holder is not contradicted.
            if error.kind() != ErrorKind::Locked || error.message().starts_with(HELD_BY) {
                return error;
            }
            match LockHolder::read(&*self.storage).ok().flatten() {
                Some(holder) => {
                    let named = Error::new(ErrorKind::Locked, format!("{}: {holder}", error.message()));
                    named.at(error.path()).advise(error.next_action())
                }
                None => error,
            }
        })?;
        // Two logs of one night are put in order by this number, whatever the clocks of their hosts say.
        let epoch = guard.epoch().map_or_else(String::new, |epoch| format!(", epoch {epoch}"));
        self.log.info(format_args!("the lock is held by {holder}{epoch}"));
        Ok(guard)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Session").field("storage", &self.storage.describe()).finish_non_exhaustive()
    }
}

fn nodes(count: usize) -> String {
    if count == 1 {
        "1 node".to_owned()
    } else {
        format!("{count} nodes")
    }
}
