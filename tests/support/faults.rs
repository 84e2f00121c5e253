//! A storage that fails once, at a call that it is told, in a way that it is told.
//!
//! # The fault model
//!
//! Every path that is looked at, read or listed and every single change of a batch is one call; calls are numbered from
//! 1 in the order in which this storage carries them out. The changes of one batch do not depend on each other, so
//! they are carried out in an order drawn from a seed: whatever part of a batch was done when a fault struck, some seed
//! shows it. Before each change the fence is asked, and where it refuses that change and those after it are not made.
//!
//! At a call number that was chosen one of these happens:
//! - **crash before**: the call is not made, and the process is gone: every later call fails and changes nothing.
//! - **crash after**: the call is made, its answer reaches nobody, and the process is gone.
//! - **error**: the call is not made and says so (`Storage`); the process lives on. A listing hands out half first.
//! - **reply lost**: the call is made and its answer is `OutcomeUnknown`; the process lives on.
//! - **torn**: a file with bytes is left with the first half of them, a recursive removal with part of its paths gone
//!   (the contract: it may be cut anywhere); then the process is gone. Nothing else can be torn.
//! - **lock lost**: from this call on the lock's guard answers `LockLost`; the storage itself works.
//! - **unknown, not done**: the call is not made and its answer is `OutcomeUnknown`, the other half of "unknown".
//! - **power cut**: the call is made or not, and the machine is gone: of what was not durable a part is left.
//!
//! What durable means stands at `support::disk`: a batch that was answered is, and nothing else is before a flush. A
//! process that is gone leaves what it made to be seen by the next one, durable or not.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::tree::{Change, Entry, Kind, Stat, TreePath};
use comptask_upgrade::{Error, ErrorKind, Guard, Lock, MemoryStorage, Result, Storage};
use parking_lot::Mutex;

use super::disk::{open, Disk};
use super::sweep::Draw;

/// What happens at the chosen call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    CrashBefore,
    CrashAfter,
    Error,
    ReplyLost,
    Torn,
    LockLost,
    UnknownNotDone,
    PowerCut,
}

impl Fault {
    pub const ALL: [Self; 8] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::Error,
        Self::ReplyLost,
        Self::Torn,
        Self::LockLost,
        Self::UnknownNotDone,
        Self::PowerCut,
    ];

    /// Whether the process is gone after it.
    pub fn is_the_end(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter | Self::Torn | Self::PowerCut)
    }

    /// Whether it means something at a call.
    pub fn applies_to(self, call: Call) -> bool {
        match self {
            Self::Torn => matches!(call, Call::CreateBytes | Call::RemoveTree),
            // A call that only looks and fails is the same whether it was made or not, and leaves all durable that was.
            Self::CrashAfter | Self::UnknownNotDone | Self::PowerCut => call != Call::Look,
            _ => true,
        }
    }
}

/// What a call is, as far as faults care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A look at a path, a read or a listing.
    Look,
    /// A new file that has bytes.
    CreateBytes,
    /// A removal of a folder with all it holds.
    RemoveTree,
    /// Any other change.
    Change,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    faults: BTreeMap<u64, Fault>,
    struck: Vec<(u64, Fault)>,
    /// What the batch under way has made, in its order: not durable yet.
    made: Vec<Change>,
    crashed: bool,
    lock_lost: bool,
    random: Draw,
}

/// The storage of one process; clones are the same one.
#[derive(Clone)]
pub struct FaultStorage {
    disk: Disk,
    state: Arc<Mutex<State>>,
}

impl FaultStorage {
    /// The only process on a disk that holds this tree, with the faults at its calls and the seed of the order in
    /// batches.
    pub fn new(tree: &MemoryStorage, faults: impl IntoIterator<Item = (u64, Fault)>, seed: u64) -> Self {
        Self::on(&Disk::new(tree), faults, seed)
    }

    /// The same, one of several processes on a disk, one after the other.
    pub fn on(disk: &Disk, faults: impl IntoIterator<Item = (u64, Fault)>, seed: u64) -> Self {
        let state = State { faults: faults.into_iter().collect(), random: Draw(seed), ..State::default() };
        Self { disk: disk.clone(), state: Arc::new(Mutex::new(state)) }
    }

    /// The lock that this storage can make its holder lose.
    pub fn lock(&self) -> TestLock {
        TestLock(Arc::clone(&self.state))
    }

    /// What each call was, in their order.
    pub fn calls(&self) -> Vec<Call> {
        self.state.lock().calls.clone()
    }

    /// Whether a fault happened.
    pub fn struck(&self) -> bool {
        !self.state.lock().struck.is_empty()
    }

    /// The faults that happened, as they were for their calls: what cannot be torn was a plain crash.
    pub fn faults(&self) -> Vec<(u64, Fault)> {
        self.state.lock().struck.clone()
    }

    /// Counts a call; says what happens at it.
    fn begin(&self, call: Call) -> Result<Option<Fault>> {
        let mut state = self.state.lock();
        if state.crashed {
            return Err(crashed());
        }
        state.calls.push(call);
        let number = state.calls.len() as u64;
        let Some(fault) = state.faults.get(&number).copied() else { return Ok(None) };
        let fault = match fault {
            Fault::Torn if !fault.applies_to(call) => Fault::CrashBefore,
            other => other,
        };
        state.struck.push((number, fault));
        state.crashed |= fault.is_the_end();
        state.lock_lost |= fault == Fault::LockLost;
        Ok(Some(fault))
    }

    /// The process is gone: what it made and did not make durable is seen all the same, until the power goes.
    fn leave(&self, fault: Fault) -> Error {
        let made = std::mem::take(&mut self.state.lock().made);
        self.disk.leave(made);
        if fault == Fault::PowerCut {
            self.disk.cut_the_power(|| self.random());
        }
        crashed()
    }

    /// A change that another one needs was answered: it is durable, unless it was so before.
    fn make_durable(&self, needed: &Change) {
        let mut state = self.state.lock();
        let Some(place) = state.made.iter().position(|made| made == needed) else { return };
        let made = state.made.remove(place);
        drop(state);
        self.disk.make_durable(&[made]);
    }

    /// One call that reads.
    fn look<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        match self.begin(Call::Look)? {
            None | Some(Fault::LockLost) => work(),
            Some(Fault::Error) => Err(failed()),
            Some(Fault::ReplyLost | Fault::UnknownNotDone) => Err(unknown()),
            Some(gone) => Err(self.leave(gone)),
        }
    }

    /// A change that everybody sees from now on.
    fn make(&self, change: &Change) -> Result<()> {
        let answer = self.disk.live().change_batch(std::slice::from_ref(change), open()).remove(0);
        if answer.is_ok() {
            self.state.lock().made.push(change.clone());
        }
        answer
    }

    fn change(&self, change: &Change, flow: Flow<'_>) -> Result<()> {
        let fault = self.begin(self.kind_of(change))?;
        // The lock may go between any two calls, so the fence is asked after the fault was looked up.
        if let Err(refused) = flow.fence.permit() {
            return Err(fault.filter(|fault| fault.is_the_end()).map_or(refused, |gone| self.leave(gone)));
        }
        match fault {
            None | Some(Fault::LockLost) => self.make(change),
            Some(Fault::Error) => Err(failed()),
            Some(Fault::UnknownNotDone) => Err(unknown()),
            Some(Fault::ReplyLost) => {
                let _lost = self.make(change);
                Err(unknown())
            }
            Some(gone) => {
                match gone {
                    Fault::Torn => self.tear(change),
                    Fault::PowerCut if self.random() % 2 == 0 => {}
                    Fault::CrashBefore => {}
                    _ => {
                        let _unheard = self.make(change);
                    }
                }
                Err(self.leave(gone))
            }
        }
    }

    fn kind_of(&self, change: &Change) -> Call {
        match change {
            Change::Create { bytes, .. } if !bytes.is_empty() => Call::CreateBytes,
            Change::Remove { path, recursive: true } if !self.below(path).is_empty() => Call::RemoveTree,
            _ => Call::Change,
        }
    }

    /// Every path below another, the deepest first.
    fn below(&self, top: &TreePath) -> Vec<TreePath> {
        let image = self.disk.live().image();
        let mut paths: Vec<TreePath> = image.iter().filter_map(|(path, _)| TreePath::parse(path).ok()).collect();
        paths.retain(|path| path.is_within(top) && path != top);
        paths.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        paths
    }

    fn tear(&self, change: &Change) {
        match change {
            Change::Create { path, bytes } => {
                let half = Change::Create { path: path.clone(), bytes: bytes[..bytes.len() / 2].to_vec() };
                let _torn = self.make(&half);
            }
            Change::Remove { path, .. } => {
                // Files go in any order, a folder when it is empty.
                let mut left: BTreeMap<u64, TreePath> = BTreeMap::new();
                for path in self.below(path) {
                    left.insert(self.random(), path);
                }
                let some = left.len().div_ceil(2);
                for path in left.into_values().take(some) {
                    let _gone = self.make(&Change::Remove { path, recursive: false });
                }
            }
            // Atomic: torn is not done.
            Change::MakeFolder { .. } | Change::Rename { .. } => {}
        }
    }

    /// The next number of the seed's sequence.
    fn random(&self) -> u64 {
        self.state.lock().random.word()
    }
}

fn crashed() -> Error {
    Error::new(ErrorKind::Storage, "crashed")
}

fn failed() -> Error {
    Error::new(ErrorKind::Storage, "it failed as it was told to")
}

fn unknown() -> Error {
    Error::new(ErrorKind::OutcomeUnknown, "the reply was lost")
}

impl Storage for FaultStorage {
    fn describe(&self) -> String {
        "memory with faults".to_owned()
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut take = |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        };
        let fault = self.begin(Call::Look)?;
        let listed = match fault {
            Some(gone) if gone.is_the_end() => return Err(self.leave(gone)),
            _ => self.disk.live().list(folder, &mut take),
        };
        let failure = match fault {
            Some(Fault::Error) => Some(failed()),
            Some(Fault::ReplyLost | Fault::UnknownNotDone) => Some(unknown()),
            _ => None,
        };
        if failure.is_some() {
            entries.truncate(entries.len() / 2);
        }
        for entry in entries {
            if sink(entry).is_break() {
                break;
            }
        }
        failure.map_or(listed, Err)
    }

    fn stat_batch(&self, paths: &[TreePath], _in_flight: usize) -> Vec<Result<Stat>> {
        paths
            .iter()
            .map(|path| self.look(|| self.disk.live().stat_batch(std::slice::from_ref(path), 1).remove(0)))
            .collect()
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, _in_flight: usize) -> Vec<Result<Vec<u8>>> {
        let read =
            |path| self.look(|| self.disk.live().read_batch(std::slice::from_ref(path), limit_bytes, 1).remove(0));
        paths.iter().map(read).collect()
    }

    fn flush(&self) -> Result<()> {
        self.look(|| {
            self.disk.flush();
            Ok(())
        })
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let answers = self.change_in_order(changes, &[], flow);
        answers.into_iter().map(|answer| answer.expect("every change was answered")).collect()
    }

    /// In any order that has each change after the one that it needs. What was needed is durable, and of the rest any
    /// part is when the power goes.
    fn change_in_order(&self, changes: &[Change], after: &[Option<usize>], flow: Flow<'_>) -> Vec<Option<Result<()>>> {
        let needed = |place: usize| after.get(place).copied().flatten();
        let mut answers: Vec<Option<Result<()>>> = vec![None; changes.len()];
        let mut ready: Vec<usize> = (0..changes.len()).filter(|place| needed(*place).is_none()).collect();
        let mut refused: Option<Error> = None;
        while !ready.is_empty() {
            let drawn = if changes.len() > 1 { self.random() } else { 0 };
            let place = ready.swap_remove(usize::try_from(drawn % ready.len() as u64).unwrap());
            if let Some(needed) = needed(place) {
                self.make_durable(&changes[needed]);
            }
            let answer = match &refused {
                Some(error) => Err(error.clone()),
                None => self.change(&changes[place], flow),
            };
            refused = refused.or_else(|| answer.clone().err().filter(|error| error.kind() == ErrorKind::LockLost));
            if answer.is_ok() {
                ready.extend((0..changes.len()).filter(|waiting| needed(*waiting) == Some(place)));
            }
            answers[place] = Some(answer);
        }
        // Answered is durable; of a process that is gone nothing is left here.
        let made = std::mem::take(&mut self.state.lock().made);
        self.disk.make_durable(&made);
        answers
    }

    /// So few that two groups are under way in every tree.
    fn group_tasks(&self) -> usize {
        3
    }
}

/// The lock of a [`FaultStorage`].
#[derive(Clone)]
pub struct TestLock(Arc<Mutex<State>>);

impl Lock for TestLock {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        Ok(Box::new(Self(Arc::clone(&self.0))))
    }
}

impl Guard for TestLock {
    fn permit(&self) -> Result<()> {
        if self.0.lock().lock_lost {
            return Err(Error::new(ErrorKind::LockLost, "the lock was lost"));
        }
        Ok(())
    }

    fn confirm(&self) -> Result<()> {
        self.permit()
    }

    fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// The fence of a run that holds a lock.
struct Asks<'a>(&'a dyn Guard);

impl comptask_upgrade::storage::Fence for Asks<'_> {
    fn permit(&self) -> Result<()> {
        self.0.permit()
    }
}

/// The model itself is tested, since everything rests on it.
pub fn check_the_model() {
    for fault in Fault::ALL.into_iter().filter(|fault| *fault != Fault::PowerCut) {
        let (disk, storage, answers) = three_creates(fault, 7);
        let image = disk.live().image();
        let files = image.iter().filter(|(_, bytes)| bytes.is_some()).count() - 1;
        let torn = image.iter().filter(|(_, bytes)| bytes.as_ref().is_some_and(|bytes| bytes.len() == 2)).count();
        let errors = answers.iter().filter(|answer| answer.is_err()).count();
        let later = storage.stat_batch(&[TreePath::parse("a").unwrap()], 1).remove(0).map(|stat| stat.kind);
        let alive = Ok(Kind::Folder);
        let expected = match fault {
            Fault::CrashBefore => (1, 0, 2, Err(crashed())),
            Fault::CrashAfter => (2, 0, 2, Err(crashed())),
            Fault::Error | Fault::UnknownNotDone => (2, 0, 1, alive),
            Fault::ReplyLost => (3, 0, 1, alive),
            Fault::Torn => (2, 1, 2, Err(crashed())),
            Fault::LockLost => (1, 0, 2, alive),
            Fault::PowerCut => unreachable!("it is left out above"),
        };
        assert_eq!((files, torn, errors, later), expected, "{fault:?}");
        assert_eq!(storage.faults(), [(2, fault)]);
    }
    check_the_power_cut();
}

/// Three files in one batch; the fault is at the second that is made.
fn three_creates(fault: Fault, seed: u64) -> (Disk, FaultStorage, Vec<Result<()>>) {
    let tree = MemoryStorage::new();
    super::v1_files::file(&tree, "a/one", b"1234");
    let disk = Disk::new(&tree);
    let create = |name: &str| Change::Create { path: TreePath::parse(name).unwrap(), bytes: b"abcd".to_vec() };
    let storage = FaultStorage::on(&disk, [(2, fault)], seed);
    let lock = storage.lock().acquire("x").unwrap();
    let flow = Flow { fence: &Asks(&*lock), in_flight: 1 };
    let answers = storage.change_batch(&[create("a/x"), create("a/y"), create("a/z")], flow);
    (disk, storage, answers)
}

/// Of a batch that was cut any part is left, nothing of it for certain; what a dead process left goes with the power,
/// unless somebody flushed.
fn check_the_power_cut() {
    let mut left = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let (disk, _, answers) = three_creates(Fault::PowerCut, seed);
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 2);
        let files = disk.live().image().into_iter().filter_map(|(path, bytes)| bytes.map(|_| path));
        left.insert(files.filter(|path| path != "a/one").collect::<Vec<_>>());
    }
    // None, each of the three alone, each two of them: never all, since the third was not begun.
    assert_eq!(left.len(), 7, "{left:?}");
    let counted = |flushed: bool| {
        (0..64).filter(move |seed| {
            let (disk, _, _) = three_creates(Fault::CrashAfter, *seed);
            if flushed {
                FaultStorage::on(&disk, [], 1).flush().unwrap();
            }
            let next = FaultStorage::on(&disk, [(1, Fault::PowerCut)], *seed);
            assert!(next.stat_batch(&[TreePath::parse("a").unwrap()], 1)[0].is_err());
            disk.live().image().len() == 4
        })
    };
    assert_eq!(counted(true).count(), 64);
    assert!((1..64).contains(&counted(false).count()));
}
