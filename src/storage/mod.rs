//! Storages: where a tree lies. The doc comments of [`Storage`] are the contract, and one conformance suite runs on
//! every backend.

#[cfg(test)]
pub(crate) mod conformance;
#[cfg(feature = "hdfs")]
mod hdfs;
#[cfg(feature = "hdfs-native")]
mod hdfs_native;
mod levels;
#[cfg(feature = "libhdfs")]
mod libhdfs;
mod local;
mod memory;
mod overlap;

use std::ops::ControlFlow;

#[cfg(feature = "hdfs")]
pub use hdfs::HdfsOptions;
#[cfg(feature = "hdfs-native")]
pub use hdfs_native::HdfsNativeStorage;
#[cfg(feature = "libhdfs")]
pub use libhdfs::LibhdfsStorage;
pub use local::LocalStorage;
pub use memory::MemoryStorage;
pub(crate) use overlap::overlap;

use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Kind, Stat, TreePath};

/// How many tasks go together where the storage has no wish: on a disk, enough to share a flush.
const GROUP_TASKS: usize = 2_048;

/// What gives leave for a change: the flag of the lock that the run holds.
pub trait Fence: Sync {
    /// Leave for one more change, or the reason why there is none. Called before every single change, from any thread
    /// of a storage; it makes no round trip.
    fn permit(&self) -> Result<()>;
}

/// How a batch of changes is carried out.
#[derive(Clone, Copy)]
pub struct Flow<'a> {
    /// Asked before every single change.
    pub fence: &'a dyn Fence,
    /// How many calls may be under way at a time; 0 lets the storage choose.
    pub in_flight: usize,
}

/// What a storage is asked when a folder is listed: take an entry, and say whether to go on.
pub type EntrySink<'a> = &'a mut dyn FnMut(Entry) -> ControlFlow<()>;

/// A tree of files and folders.
///
/// Reads and changes come in batches of calls that do not depend on each other. The storage overlaps them as suits it
/// and answers each one, in the order of the calls. A crash in a batch may leave any part of it done.
///
/// Every change has three outcomes: done (`Ok`), not done (any error but one), and unknown (`OutcomeUnknown`: a lost
/// reply, a time-out). Unknown is never retried here: the caller looks at both sides and decides. A storage that cannot
/// make durable what it changed answers `Storage` instead, which no look can settle, and makes no further change.
///
/// Paths are below the root, and links are never followed.
pub trait Storage: Send + Sync {
    /// What it is and where, for messages: `local disk /data/cluster.compact`.
    fn describe(&self) -> String;

    /// Hands every child of a folder to the sink, once, streamed, in any order; no snapshot. Ends early where the sink
    /// says so.
    ///
    /// # Errors
    /// `NotFound` where nothing is there or it is no folder.
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()>;

    /// The children of each folder, for folders that hold few: whole, in any order.
    ///
    /// # Errors
    /// Each answer: `NotFound`, as [`Self::list`] has it.
    fn list_batch(&self, folders: &[TreePath], _in_flight: usize) -> Vec<Result<Vec<Entry>>> {
        folders.iter().map(|folder| entries_of(self, folder)).collect()
    }

    /// Kind, length and time of each path; a link is itself, not what it points to.
    ///
    /// # Errors
    /// Each answer: `NotFound`.
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>>;

    /// The whole bytes of each file.
    ///
    /// # Errors
    /// Each answer: `NotFound`, `TooLarge` where it has over `limit_bytes`, `Storage` where it is no regular file.
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>>;

    /// Carries the changes out. Each is whole and durable when the batch is answered:
    ///
    /// - `Create`: a new file with all its bytes. `AlreadyExists` if anything is there, `NotFound` without a parent.
    /// - `MakeFolder`: the folder and its missing parents; fine if it is there; `AlreadyExists` if a file is.
    /// - `Rename`: atomic, file or folder, never onto or into anything: `AlreadyExists`; `NotFound` without a source or
    ///   a parent of the target.
    /// - `Remove`: `NotFound` if nothing is there; `NotEmpty` where a folder that is not empty should go alone. A
    ///   recursive one is not atomic and may be cut anywhere.
    ///
    /// Before every single change the fence is asked; where it refuses, that change and those after it are not made
    /// and answer with its error.
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>>;

    /// Carries out changes some of which need another: `after` has for each change the place, before its own, of the
    /// one that is to be done and durable before it begins. Beside that the batch is one as [`Self::change_batch`] takes,
    /// and changes that do not need each other overlap. `None` is the answer where the one that was needed was not done.
    fn change_in_order(&self, changes: &[Change], after: &[Option<usize>], flow: Flow<'_>) -> Vec<Option<Result<()>>> {
        levels::by_levels(self, changes, after, flow)
    }

    /// How many tasks go through their changes together: enough to keep the storage busy, few enough that a stop comes
    /// soon and leaves little unfinished.
    fn group_tasks(&self) -> usize {
        GROUP_TASKS
    }

    /// Makes durable what earlier processes left in caches; a run asks for it before it trusts what it finds.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// Whether files can be made in a folder, as far as can be told without making one.
    ///
    /// # Errors
    /// `Permission` with the reason.
    fn check_writable(&self, _folder: &TreePath) -> Result<()> {
        Ok(())
    }

    /// How many children a folder can have; `None` where there is no bound worth checking.
    fn folder_entries_limit(&self) -> Option<u64> {
        None
    }
}

/// What every storage can do with the calls above.
impl dyn Storage + '_ {
    /// What lies at a path.
    pub fn stat(&self, path: &TreePath) -> Result<Stat> {
        only(self.stat_batch(std::slice::from_ref(path), 1))
    }

    /// What lies at a path, or `None`.
    pub fn find(&self, path: &TreePath) -> Result<Option<Stat>> {
        none_if_missing(self.stat(path))
    }

    /// The bytes of a file.
    pub fn read(&self, path: &TreePath, limit_bytes: u64) -> Result<Vec<u8>> {
        only(self.read_batch(std::slice::from_ref(path), limit_bytes, 1))
    }

    /// The children of a folder, in the order of their names; `None` where there is no folder.
    pub fn children(&self, folder: &TreePath) -> Result<Option<Vec<Entry>>> {
        let mut entries = none_if_missing(entries_of(self, folder))?;
        if let Some(entries) = &mut entries {
            entries.sort_by(|left, right| left.name.cmp(&right.name));
        }
        Ok(entries)
    }

    /// Whether a folder is there; an error where something else is.
    pub fn has_folder(&self, path: &TreePath) -> Result<bool> {
        match self.find(path)? {
            None => Ok(false),
            Some(Stat { kind: Kind::Folder, .. }) => Ok(true),
            Some(_) => Err(Error::new(ErrorKind::Refused, "it should be a folder and is not").at(path)),
        }
    }
}

/// The children of a folder, in any order.
pub(crate) fn entries_of<S: Storage + ?Sized>(storage: &S, folder: &TreePath) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    storage.list(folder, &mut |entry| {
        entries.push(entry);
        ControlFlow::Continue(())
    })?;
    Ok(entries)
}

/// `None` for `NotFound`.
pub(crate) fn none_if_missing<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The answer of a batch of one.
pub(crate) fn only<T>(mut answers: Vec<Result<T>>) -> Result<T> {
    answers.pop().unwrap_or_else(|| Err(no_answer()))
}

/// What it means that a batch has fewer answers than calls.
pub(crate) fn no_answer() -> Error {
    Error::new(ErrorKind::Internal, "the storage gave no answer")
}

#[cfg(test)]
pub(crate) struct NoFence;

#[cfg(test)]
impl Fence for NoFence {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
}
