//! Somebody else who changes the tree, or the cluster, in the middle of a run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{Catalog, Error, ErrorKind, Guard, Liveness, Lock, Result, Session, Storage};
use parking_lot::Mutex;

type When = Box<dyn Fn(&Change) -> bool + Send + Sync>;
type Then = Box<dyn FnOnce() + Send>;

/// Does something once, just before the first change for which it waits.
pub struct Meddling {
    inner: Arc<dyn Storage>,
    when: When,
    then: Mutex<Option<Then>>,
}

impl Meddling {
    pub fn new(
        inner: Arc<dyn Storage>,
        when: impl Fn(&Change) -> bool + Send + Sync + 'static,
        then: impl FnOnce() + Send + 'static,
    ) -> Self {
        Self { inner, when: Box::new(when), then: Mutex::new(Some(Box::new(then))) }
    }
}

impl Storage for Meddling {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.inner.list(folder, sink)
    }
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.inner.stat_batch(paths, in_flight)
    }
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.inner.read_batch(paths, limit_bytes, in_flight)
    }
    fn flush(&self) -> Result<()> {
        self.inner.flush()
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        if changes.iter().any(|change| (self.when)(change)) {
            if let Some(then) = self.then.lock().take() {
                then();
            }
        }
        self.inner.change_batch(changes, flow)
    }
}

/// Nodes that come up at the second look and stay up.
#[derive(Default)]
pub struct UpAtTheSecondLook(AtomicU64);

impl Liveness for UpAtTheSecondLook {
    fn online_nodes(&self) -> Result<Vec<String>> {
        let looks = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(if looks == 0 { Vec::new() } else { vec!["xcloud24_9876".to_owned()] })
    }
}

/// These nodes are up.
pub struct Up(pub &'static [&'static str]);

impl Liveness for Up {
    fn online_nodes(&self) -> Result<Vec<String>> {
        Ok(self.0.iter().map(|name| (*name).to_owned()).collect())
    }
}

/// A catalog that nobody can reach.
pub struct Unreachable;

impl Catalog for Unreachable {
    fn schema_pcs(&self, _db: &str, _schema: &str) -> Result<Option<Vec<String>>> {
        Err(Error::new(ErrorKind::Catalog, "the connection was refused"))
    }
    fn cluster_pcs(&self) -> Result<Vec<String>> {
        Err(Error::new(ErrorKind::Catalog, "the connection was refused"))
    }
    fn pc_nodes(&self, _pc: &str) -> Result<Vec<String>> {
        Err(Error::new(ErrorKind::Catalog, "the connection was refused"))
    }
    fn cluster_nodes(&self) -> Result<Vec<String>> {
        Err(Error::new(ErrorKind::Catalog, "the connection was refused"))
    }
}

/// A lock that, asked for leave the nth time, asks the session to stop.
#[derive(Clone)]
pub struct CancelAt {
    at: u64,
    asked: Arc<AtomicU64>,
    session: Arc<OnceLock<Arc<Session>>>,
}

impl CancelAt {
    pub fn new(at: u64) -> Self {
        Self { at, asked: Arc::default(), session: Arc::default() }
    }

    pub fn watch(&self, session: &Arc<Session>) {
        assert!(self.session.set(Arc::clone(session)).is_ok(), "one session each");
    }

    /// How often leave was asked for.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Lock for CancelAt {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        Ok(Box::new(self.clone()))
    }
}

impl Guard for CancelAt {
    fn permit(&self) -> Result<()> {
        if self.asked.fetch_add(1, Ordering::Relaxed) + 1 == self.at {
            self.session.get().expect("the session is watched").cancel();
        }
        Ok(())
    }
    fn confirm(&self) -> Result<()> {
        Ok(())
    }
    fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// A storage that answers with an error to every read of a file whose path begins so.
pub struct CannotRead {
    pub inner: Arc<dyn Storage>,
    pub path_begin: &'static str,
    pub error: fn() -> Error,
}

impl Storage for CannotRead {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.inner.list(folder, sink)
    }
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.inner.stat_batch(paths, in_flight)
    }
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        let mut answers = self.inner.read_batch(paths, limit_bytes, in_flight);
        for (answer, _) in answers.iter_mut().zip(paths).filter(|(_, path)| path.as_str().starts_with(self.path_begin))
        {
            *answer = Err((self.error)());
        }
        answers
    }
    fn flush(&self) -> Result<()> {
        self.inner.flush()
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        self.inner.change_batch(changes, flow)
    }
}
