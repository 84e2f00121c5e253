//! A lock in `ZooKeeper` while it is held: the flag, and the one thread that keeps it true.

use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{mpsc, Arc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::event::{eventfd, EventfdFlags};
use rustix::time::{clock_gettime, ClockId};

use super::Guard;
use crate::error::{Error, ErrorKind, Result};
use crate::zookeeper::{Fault, Session, Waited};

/// Leave lasts this part of the session time-out after the send of the last good round trip.
///
/// The servers end a session when its time-out has gone by since its last message, and look only then. A leader hears of
/// messages from the server in between, up to half a tick late, and grants no time-out below two ticks; so at least a
/// quarter of the time-out is left for the change under way.
const LEAVE_PART: u32 = 2;
/// Round trips in a session time-out.
const BEATS: u32 = 8;
/// Before the next try where a server gave no answer.
const PAUSE: Duration = Duration::from_millis(50);
/// The longest that giving up may take where the guard is dropped.
const DROP_LIMIT: Duration = Duration::from_secs(3);

/// What both sides see.
struct Shared {
    /// Nanoseconds of [`clock`] up to which there is leave.
    leave_until: AtomicU64,
    lost: AtomicBool,
    why: Mutex<String>,
    path: String,
}

impl Shared {
    /// Leave, or `LockLost`. Once it is refused it stays refused.
    fn permit(&self) -> Result<()> {
        if !self.lost.load(Ordering::Acquire) && clock() < self.leave_until.load(Ordering::Acquire) {
            return Ok(());
        }
        self.lose("ZooKeeper did not confirm the lock in time");
        let why = self.why.lock().clone();
        Err(Error::new(ErrorKind::LockLost, why).at(&self.path))
    }

    /// The first reason is the one that is told.
    fn lose(&self, why: &str) {
        let mut told = self.why.lock();
        if !self.lost.swap(true, Ordering::AcqRel) {
            why.clone_into(&mut told);
        }
    }
}

/// Nanoseconds since the machine was started, the time it slept among them.
fn clock() -> u64 {
    let now = clock_gettime(ClockId::Boottime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
    seconds.unwrap_or_default().saturating_mul(1_000_000_000).saturating_add(nanos.unwrap_or_default())
}

type Answer = mpsc::SyncSender<Result<()>>;

enum Command {
    Confirm(Answer),
    Release(Answer),
}

/// The lock while it is held.
pub(super) struct Held {
    shared: Arc<Shared>,
    /// Ends with the guard, which the keeper takes for the word to give up.
    commands: Option<mpsc::Sender<Command>>,
    wake: Arc<OwnedFd>,
    keeper: Option<JoinHandle<()>>,
    timeout: Duration,
    epoch: i64,
}

impl Held {
    /// Keeps the lock that this node of this session is, from now on.
    pub(super) fn keep(session: Session, path: &str, node: String, epoch: i64) -> Result<Self> {
        let failed = |why: String| Error::new(ErrorKind::LockService, why).at(path);
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|errno| failed(format!("no descriptor to wake a thread by: {errno}")))?;
        let wake = Arc::new(wake);
        let timeout = session.timeout();
        // No leave before the first round trip of the keeper.
        let shared = Arc::new(Shared {
            leave_until: AtomicU64::new(0),
            lost: AtomicBool::new(false),
            why: Mutex::new(String::new()),
            path: path.to_owned(),
        });
        let (commands, received) = mpsc::channel();
        let mut keeper =
            Keeper { session, node, epoch, shared: Arc::clone(&shared), commands: received, wake: Arc::clone(&wake) };
        let (first, begun) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("ctu-zk-lock".to_owned())
            .spawn(move || {
                // The guard waits for it, or is gone.
                let _heard = first.send(keeper.confirm());
                keeper.run();
            })
            .map_err(|error| failed(format!("no thread for the lock: {error}")))?;
        let held = Self { shared, commands: Some(commands), wake, keeper: Some(thread), timeout, epoch };
        let confirmed = begun.recv().map_err(|_| failed("the thread of the lock ended".to_owned()))?;
        confirmed.map_err(|error| failed(error.message().to_owned()))?;
        Ok(held)
    }

    fn ask(&self, command: impl FnOnce(Answer) -> Command) -> Result<()> {
        let gone = || Error::new(ErrorKind::LockService, "the thread of the lock is gone").at(&self.shared.path);
        let (answer, answered) = mpsc::sync_channel(1);
        self.commands.as_ref().ok_or_else(gone)?.send(command(answer)).map_err(|_| gone())?;
        wake(&self.wake);
        match answered.recv_timeout(self.timeout + DROP_LIMIT) {
            Ok(result) => result,
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(gone()),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(Error::new(ErrorKind::LockService, "ZooKeeper does not answer in time").at(&self.shared.path))
            }
        }
    }
}

impl Guard for Held {
    fn permit(&self) -> Result<()> {
        self.shared.permit()
    }

    fn confirm(&self) -> Result<()> {
        self.permit()?;
        self.ask(Command::Confirm)?;
        // The answer may be old by now, in a process that was stopped on the way.
        self.permit()
    }

    fn epoch(&self) -> Option<i64> {
        Some(self.epoch)
    }

    fn release(self: Box<Self>) -> Result<()> {
        self.ask(Command::Release)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.shared.lose("the lock was given up");
        self.commands = None;
        wake(&self.wake);
        if let Some(keeper) = self.keeper.take() {
            // Its end is all that is asked for; a panic in it was reported as it happened.
            let _ended = keeper.join();
        }
    }
}

fn wake(wake: &OwnedFd) {
    // It fails only where it is at its highest number, and then the thread is awake.
    let _awake = rustix::io::write(wake, &1_u64.to_ne_bytes());
}

/// The thread's side.
struct Keeper {
    session: Session,
    node: String,
    epoch: i64,
    shared: Arc<Shared>,
    commands: mpsc::Receiver<Command>,
    wake: Arc<OwnedFd>,
}

impl Keeper {
    fn run(mut self) {
        let between = self.session.timeout() / BEATS;
        let mut next = Instant::now() + between;
        loop {
            match self.commands.try_recv() {
                Ok(Command::Confirm(answer)) => {
                    // Whoever asked may have given up waiting.
                    let _heard = answer.send(self.confirm());
                    next = Instant::now() + between;
                    continue;
                }
                Ok(Command::Release(answer)) => {
                    let limit = self.session.timeout().min(Duration::from_secs(10));
                    let _heard = answer.send(self.give_up(limit));
                    return;
                }
                Err(mpsc::TryRecvError::Disconnected) => {
                    let limit = self.session.timeout().min(DROP_LIMIT);
                    let _unheard = self.give_up(limit);
                    return;
                }
                Err(mpsc::TryRecvError::Empty) => {}
            }
            if self.shared.lost.load(Ordering::Acquire) {
                // Nothing is kept any more: the thread waits for the word to end.
                next = Instant::now() + between;
            } else if Instant::now() >= next {
                let pause = if self.beat() { between } else { PAUSE };
                next = Instant::now() + pause;
            }
            match self.session.wait(next, self.wake.as_fd()) {
                Waited::Time => {}
                Waited::Woken => {
                    let _emptied = rustix::io::read(&*self.wake, &mut [0; 8]);
                }
                // A watch saw something, or the connection broke: see what is true now.
                Waited::Readable => next = Instant::now(),
            }
        }
    }

    /// One round trip through the leader that looks for the own node. Gives whether there was an answer; a lock that
    /// is lost is marked so.
    fn beat(&mut self) -> bool {
        let asked = clock();
        let timeout = self.session.timeout();
        let until = Instant::now() + timeout / 4;
        let (node, session) = (&self.node, &mut self.session);
        let found = session.sync(node, until).and_then(|()| session.find(node, true, until));
        match found {
            Ok(Some(stat)) if stat.czxid == self.epoch && stat.ephemeral_owner == self.session.id() => {
                // As granted anew with a new connection, if less than before.
                let granted = timeout.min(self.session.timeout()) / LEAVE_PART;
                let granted = u64::try_from(granted.as_nanos()).unwrap_or(u64::MAX);
                self.shared.leave_until.fetch_max(asked.saturating_add(granted), Ordering::AcqRel);
                true
            }
            Ok(_) => {
                self.shared.lose("the lock's node is gone from ZooKeeper");
                true
            }
            Err(Fault::Expired) => {
                self.shared.lose("the ZooKeeper session of the lock is over");
                true
            }
            // No answer takes no leave: it ends by itself in time, whatever the servers do.
            Err(_) => false,
        }
    }

    /// Asks until there is an answer, or leave has ended.
    fn confirm(&mut self) -> Result<()> {
        let until = Instant::now() + self.session.timeout() / LEAVE_PART;
        while !self.beat() && Instant::now() < until {
            std::thread::sleep(PAUSE);
        }
        self.shared.permit()
    }

    /// Removes the own node and ends the session.
    fn give_up(mut self, limit: Duration) -> Result<()> {
        self.shared.lose("the lock was given up");
        let until = Instant::now() + limit;
        let node = &self.node;
        let removed = self.session.repeat(until, |session, until| session.delete(node, until));
        self.session.close(until);
        match removed {
            // Gone is gone, by whomever.
            Ok(()) | Err(Fault::NoNode | Fault::Expired) => Ok(()),
            Err(fault) => Err(fault
                .to_error(ErrorKind::LockService, "it cannot be told that the lock was given up", &self.shared.path)
                .advise("wait for the session time-out, after which the lock is free by itself")),
        }
    }
}
