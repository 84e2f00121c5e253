//! Sessions put together for tests, and the plainest lock.

use std::path::Path;
use std::sync::Arc;

use comptask_upgrade::{
    AssumeOffline, CatalogSnapshot, Error, ErrorKind, Failure, FileLock, Guard, Liveness, LocalStorage, Lock,
    MemoryStorage, Operation, Report, Result, RunOptions, Session, SessionBuilder, Storage,
};
use parking_lot::Mutex;

/// What an operation answers.
pub type Answer = std::result::Result<Report, Failure>;

/// A lock that one holder of a process has at a time; clones are the same lock.
#[derive(Clone, Default)]
pub struct OneLock(Arc<Mutex<bool>>);

struct Held(Arc<Mutex<bool>>);

impl Lock for OneLock {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        let mut held = self.0.lock();
        if *held {
            return Err(Error::new(ErrorKind::Locked, "another run holds the lock"));
        }
        *held = true;
        Ok(Box::new(Held(Arc::clone(&self.0))))
    }
}

impl Guard for Held {
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

impl Drop for Held {
    fn drop(&mut self) {
        *self.0.lock() = false;
    }
}

/// A builder with a catalog and every node down.
pub fn builder(storage: Arc<dyn Storage>, lock: impl Lock + 'static, catalog: &str) -> SessionBuilder {
    SessionBuilder::new(storage).lock(lock).catalog(CatalogSnapshot::parse(catalog).unwrap()).liveness(AssumeOffline)
}

/// A session with a lock of its own on a tree in memory.
pub fn fresh(storage: &MemoryStorage, catalog: &str) -> Session {
    builder(Arc::new(storage.clone()), OneLock::default(), catalog).open().unwrap()
}

/// A session on a tree in memory with the caller's liveness.
pub fn watched(storage: &MemoryStorage, catalog: &str, liveness: impl Liveness + 'static) -> Session {
    builder(Arc::new(storage.clone()), OneLock::default(), catalog).liveness(liveness).open().unwrap()
}

/// A session on a local folder under its file lock.
pub fn local(root: &Path, catalog: &str) -> Session {
    let storage = LocalStorage::open(root).unwrap();
    builder(Arc::new(storage), FileLock::open(root).unwrap(), catalog).open().unwrap()
}

/// Runs an operation with the default options.
pub fn run(session: &Session, operation: Operation) -> Answer {
    session.run(operation, &RunOptions::default(), None)
}

/// How a run ended, as far as two runs can be the same: its error's kind, or `None`.
pub fn kind_of(answer: &Answer) -> Option<ErrorKind> {
    answer.as_ref().err().map(|failure| failure.error.kind())
}

/// The report, whether the run succeeded or not.
pub fn report_of(answer: &Answer) -> Option<&Report> {
    match answer {
        Ok(report) => Some(report),
        Err(failure) => failure.report.as_deref(),
    }
}

/// What STATUS says of an operation.
pub fn choice(report: &Report, operation: Operation) -> &str {
    let choice = report.choices.iter().find(|choice| choice.0 == operation);
    choice.map(|(_, text)| text.as_str()).unwrap()
}
