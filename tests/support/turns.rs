//! Two processes on one tree at once, taking turns as a schedule says: so many calls of the one, so many of the other.
//!
//! The first loses its lock when the turn first goes over. Has it made its fence by then, its lock grants leave all the same
//! for all that it still does, which is more than any lock would. Else only the calls of the batch under way go out: what
//! would come after them asks a lock that is lost.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{Error, ErrorKind, MemoryStorage, Result, Storage};

use super::disk::open;
use super::sessions::{builder, OneLock};
use super::steps::{Answered, Step};

/// Whose turn it is, and for how many calls.
pub type Turn = (usize, u64);

struct State {
    schedule: VecDeque<Turn>,
    ended: [bool; 2],
    /// The tree at each moment at which the turn went over.
    seen: Vec<MemoryStorage>,
    /// Whether the first process has lost its lock before it had made its fence.
    is_lost: bool,
    /// A call is being made: the turn does not go over before it is.
    is_busy: bool,
}

/// Who may go on.
struct Turns {
    tree: MemoryStorage,
    state: Mutex<State>,
    changed: Condvar,
}

impl Turns {
    /// Waits until this process may make one more call; it is made when what is given back goes.
    fn wait(&self, me: usize) -> Call<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            // Whoever has ended needs no turn, and after the last turn the first goes before the other.
            let (whose, left) = state.schedule.front().copied().unwrap_or((usize::from(state.ended[0]), u64::MAX));
            if !state.is_busy && (left == 0 || state.ended[whose]) {
                state.schedule.pop_front();
                if state.seen.is_empty() {
                    let image = self.tree.image();
                    state.is_lost = !image.iter().any(|(path, _)| path.rsplit('.').next() == Some("fence"));
                }
                state.seen.push(self.tree.copy());
                self.changed.notify_all();
                continue;
            }
            if !state.is_busy && whose == me {
                state.is_busy = true;
                if let Some((_, left)) = state.schedule.front_mut() {
                    *left -= 1;
                }
                return Call(self);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn end(&self, me: usize) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).ended[me] = true;
        self.changed.notify_all();
    }
}

/// One call that is being made.
struct Call<'t>(&'t Turns);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).is_busy = false;
        self.0.changed.notify_all();
    }
}

/// A process that is gone, in whatever way, keeps nobody waiting.
struct Ends<'t>(&'t Turns, usize);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

/// The tree as one of the two sees it.
struct InTurn {
    turns: Arc<Turns>,
    me: usize,
}

impl Storage for InTurn {
    fn describe(&self) -> String {
        "memory, in turns".to_owned()
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let _call = self.turns.wait(self.me);
        self.turns.tree.list(folder, sink)
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        let one = |path| {
            let _call = self.turns.wait(self.me);
            self.turns.tree.stat_batch(std::slice::from_ref(path), in_flight).remove(0)
        };
        paths.iter().map(one).collect()
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        let one = |path| {
            let _call = self.turns.wait(self.me);
            self.turns.tree.read_batch(std::slice::from_ref(path), limit_bytes, in_flight).remove(0)
        };
        paths.iter().map(one).collect()
    }

    /// Leave is asked for before the turn is waited for: a call that has it may land at any later time.
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        if self.me == 0 && self.turns.state.lock().unwrap_or_else(PoisonError::into_inner).is_lost {
            let refused = Error::new(ErrorKind::LockLost, "another run holds the lock now");
            return changes.iter().map(|_| Err(refused.clone())).collect();
        }
        let one = |change| {
            flow.fence.permit()?;
            let _call = self.turns.wait(self.me);
            self.turns.tree.change_batch(std::slice::from_ref(change), open()).remove(0)
        };
        changes.iter().map(one).collect()
    }
}

/// Runs both steps; gives what they answered, and the trees that
/// were there when the turn went over and at the end.
pub fn both(
    tree: &MemoryStorage,
    catalog: &str,
    steps: [Step; 2],
    schedule: &[Turn],
) -> ([Answered; 2], Vec<MemoryStorage>) {
    let state = State {
        schedule: schedule.iter().copied().collect(),
        ended: [false; 2],
        seen: Vec::new(),
        is_lost: false,
        is_busy: false,
    };
    let turns = Arc::new(Turns { tree: tree.clone(), state: Mutex::new(state), changed: Condvar::new() });
    let run = |me: usize| {
        let _ends = Ends(&turns, me);
        let storage = InTurn { turns: Arc::clone(&turns), me };
        let session = builder(Arc::new(storage), OneLock::default(), catalog).open().unwrap();
        steps[me].take(&session)
    };
    let answers = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        let first = run(0);
        [first, other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))]
    });
    let mut seen = std::mem::take(&mut turns.state.lock().unwrap_or_else(PoisonError::into_inner).seen);
    seen.push(tree.copy());
    (answers, seen)
}
