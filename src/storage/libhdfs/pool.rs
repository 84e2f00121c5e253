//! Threads that are attached to the Java machine as long as they live, and end with their storage.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use jni::{JNIEnv, JavaVM};
use parking_lot::Mutex;

use crate::error::{Error, ErrorKind, Result};

/// References to Java's objects that a call may hold at a time; all go when it ends.
const REFERENCES: i32 = 64;

/// What a thread does.
pub(super) type Work = Box<dyn FnOnce(&mut JNIEnv<'_>) + Send>;

pub(super) struct Pool {
    machine: Arc<JavaVM>,
    work: Option<Sender<Work>>,
    queue: Arc<Mutex<Receiver<Work>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Pool {
    pub(super) fn new(machine: Arc<JavaVM>) -> Self {
        let (work, queue) = channel();
        Self { machine, work: Some(work), queue: Arc::new(Mutex::new(queue)), threads: Mutex::default() }
    }

    /// Sees that so many threads are there, or as many as can be had.
    ///
    /// # Errors
    /// Where not even one can be.
    pub(super) fn grow(&self, count: usize) -> Result<()> {
        let mut threads = self.threads.lock();
        while threads.len() < count.max(1) {
            match self.start() {
                Ok(thread) => threads.push(thread),
                Err(error) if threads.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// Hands work to the next thread that is free; it is dropped where there will be none.
    pub(super) fn give(&self, work: Work) {
        if let Some(sender) = &self.work {
            // What cannot be sent is dropped with the error.
            drop(sender.send(work));
        }
    }

    /// Does something on one of the threads and waits for it.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut JNIEnv<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.grow(1)?;
        let (sender, answer) = channel();
        self.give(Box::new(move |environment| {
            // Who asked waits, so there is always a listener.
            drop(sender.send(question(environment)));
        }));
        answer.recv().unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "a call of libhdfs broke off")))
    }

    fn start(&self) -> Result<JoinHandle<()>> {
        let (machine, queue) = (Arc::clone(&self.machine), Arc::clone(&self.queue));
        let (sender, attached) = channel();
        let begun = Builder::new().name("ctu-libhdfs".to_owned()).spawn(move || {
            // A daemon, so that an idle thread keeps no machine from ending; detached as the thread ends.
            let mut environment = match machine.attach_current_thread_as_daemon() {
                Ok(environment) => environment,
                Err(error) => return drop(sender.send(Err(error.to_string()))),
            };
            drop(sender.send(Ok(())));
            loop {
                // The lock goes as soon as there is work, and so another thread may wait for the next.
                let next = queue.lock().recv();
                let Ok(work) = next else { return };
                // The panic is caught inside the frame, which is left on every way then.
                let framed = environment.with_local_frame(REFERENCES, |environment| {
                    let ended = catch_unwind(AssertUnwindSafe(|| work(environment)));
                    Ok::<bool, jni::errors::Error>(ended.is_ok())
                });
                // Work that broke off says so by the reply that it dropped; nothing of it may reach the next.
                if !matches!(framed, Ok(true)) {
                    drop(environment.exception_clear());
                }
            }
        });
        let told =
            |error: String| Error::new(ErrorKind::RetryLater, format!("no thread for the JVM can be started: {error}"));
        let thread = begun.map_err(|error| told(error.to_string()))?;
        match attached.recv() {
            Ok(Ok(())) => Ok(thread),
            Ok(Err(why)) => Err(told(why)),
            Err(_) => Err(told("it ended at once".to_owned())),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // No more work: each thread ends after what it has in hand.
        self.work = None;
        for thread in self.threads.get_mut().drain(..) {
            drop(thread.join());
        }
    }
}
