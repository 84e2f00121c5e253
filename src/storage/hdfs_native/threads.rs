//! The client's own threads: a small runtime that ends with its storage, wherever that is dropped.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::{Error, ErrorKind, Result};

/// Two threads carry thousands of calls: they wait for the network, they do not compute.
const WORKERS: usize = 2;

/// Threads that may wait for a name service.
const RESOLVERS: usize = 4;

/// How long the end waits for a name look-up that is under way, which nothing can break off.
const END: Duration = Duration::from_secs(10);

pub(super) struct Threads(Option<Runtime>);

impl Threads {
    pub(super) fn start() -> Result<Self> {
        let built = Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .max_blocking_threads(RESOLVERS)
            .thread_name("ctu-hdfs")
            .enable_all()
            .build();
        let runtime = built.map_err(|error| {
            Error::new(ErrorKind::RetryLater, format!("the threads of the HDFS client cannot be started: {error}"))
        })?;
        Ok(Self(Some(runtime)))
    }

    /// What calls are started by. Nobody ever blocks on the runtime, so a caller may itself be inside another one.
    pub(super) fn handle(&self) -> Result<&Handle> {
        let runtime = self.0.as_ref();
        runtime.map(Runtime::handle).ok_or_else(|| Error::new(ErrorKind::Internal, "the HDFS client has ended"))
    }

    /// Carries a call; it is dropped where the threads have ended.
    pub(super) fn spawn(&self, call: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            drop(runtime.spawn(call));
        }
    }
}

impl Drop for Threads {
    /// Ends the runtime on a thread of its own: inside another runtime's thread that is a panic.
    fn drop(&mut self) {
        let slot = Arc::new(Mutex::new(self.0.take()));
        let mine = Arc::clone(&slot);
        let end = move || {
            if let Some(runtime) = mine.lock().take() {
                runtime.shutdown_timeout(END);
            }
        };
        let started = std::thread::Builder::new().name("ctu-hdfs-end".to_owned()).spawn(end);
        if let Ok(thread) = started {
            drop(thread.join());
        } else if let Some(runtime) = slot.lock().take() {
            runtime.shutdown_background();
        }
    }
}
