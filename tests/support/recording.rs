//! A storage that writes down what it is asked.

use std::sync::Arc;

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{Result, Storage};
use parking_lot::Mutex;

/// How many calls of each kind were made, each path of a batch counted as one.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Calls {
    pub lists: u64,
    pub stats: u64,
    pub reads: u64,
    pub changes: u64,
}

impl Calls {
    pub fn total(self) -> u64 {
        self.lists + self.stats + self.reads + self.changes
    }
}

/// Hands every call on and remembers it; clones share the memory.
#[derive(Clone)]
pub struct Recording {
    inner: Arc<dyn Storage>,
    calls: Arc<Mutex<Calls>>,
    done: Arc<Mutex<Vec<Change>>>,
}

impl Recording {
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner, calls: Arc::default(), done: Arc::default() }
    }

    pub fn calls(&self) -> Calls {
        *self.calls.lock()
    }

    /// The changes that were made, in their order.
    pub fn done(&self) -> Vec<Change> {
        self.done.lock().clone()
    }
}

impl Storage for Recording {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.calls.lock().lists += 1;
        self.inner.list(folder, sink)
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.calls.lock().stats += paths.len() as u64;
        self.inner.stat_batch(paths, in_flight)
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.calls.lock().reads += paths.len() as u64;
        self.inner.read_batch(paths, limit_bytes, in_flight)
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        self.calls.lock().changes += changes.len() as u64;
        let answers = self.inner.change_batch(changes, flow);
        let made = changes.iter().zip(&answers).filter(|(_, answer)| answer.is_ok());
        self.done.lock().extend(made.map(|(change, _)| change.clone()));
        answers
    }

    fn flush(&self) -> Result<()> {
        self.inner.flush()
    }

    fn check_writable(&self, folder: &TreePath) -> Result<()> {
        self.inner.check_writable(folder)
    }

    fn folder_entries_limit(&self) -> Option<u64> {
        self.inner.folder_entries_limit()
    }
}
