//! Changes in batches, each answer judged: done, not done, or unknown and then looked at.

use crate::error::{Error, ErrorKind, Result};
use crate::plan::steps::{Step, Taken};
use crate::storage::{Flow, Storage};
use crate::task::FILE_BYTES_LIMIT;
use crate::tree::{Change, Kind, Stat, TreePath};

/// Carries changes out for a run that holds the lock.
#[derive(Clone, Copy)]
pub(super) struct Waves<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) flow: Flow<'a>,
}

impl Waves<'_> {
    /// Carries out steps that do not depend on each other, and answers each one.
    ///
    /// # Errors
    /// Where the run cannot go on at all: the lock is lost, the disk is full, a right is missing, the storage is away.
    pub(super) fn apply(&self, steps: Vec<Step>) -> Result<Vec<Result<()>>> {
        if steps.is_empty() {
            return Ok(Vec::new());
        }
        let (taken, changes): (Vec<Taken>, Vec<Change>) =
            steps.into_iter().map(|step| (step.taken, step.change)).unzip();
        let answers = self.storage.change_batch(&changes, self.flow);
        if answers.len() != changes.len() {
            return Err(Error::new(ErrorKind::Internal, "the storage did not answer every change"));
        }
        changes
            .iter()
            .zip(taken)
            .zip(answers)
            .map(|((change, taken), answer)| self.judge(change, taken, answer))
            .collect()
    }

    /// Carries out one change of the run itself, whose failure ends the run.
    pub(super) fn one(&self, change: &Change, taken: Taken) -> Result<()> {
        let answer = crate::storage::only(self.storage.change_batch(std::slice::from_ref(change), self.flow));
        self.settle(change, taken, answer).map_err(|error| error.at(change.path()))
    }

    pub(super) fn make_folder(&self, path: &TreePath) -> Result<()> {
        self.one(&Change::MakeFolder { path: path.clone() }, Taken::Fail)
    }

    pub(super) fn create(&self, path: &TreePath, bytes: Vec<u8>) -> Result<()> {
        self.one(&Change::Create { path: path.clone(), bytes }, Taken::Fail)
    }

    pub(super) fn rename(&self, from: &TreePath, to: &TreePath) -> Result<()> {
        self.one(&Change::Rename { from: from.clone(), to: to.clone() }, Taken::Fail)
    }

    /// Removes a file or a folder with all it holds; fine if it is gone.
    pub(super) fn remove(&self, path: &TreePath) -> Result<()> {
        self.one(&Change::Remove { path: path.clone(), recursive: true }, Taken::Fail)
    }

    fn judge(&self, change: &Change, taken: Taken, answer: Result<()>) -> Result<Result<()>> {
        match self.settle(change, taken, answer) {
            Err(error) if stops_the_run(error.kind()) => Err(error.at(change.path())),
            Err(error) => {
                // Without the lock it is not this task that failed: another run may be at work on it.
                self.flow.fence.permit()?;
                Ok(Err(error.at(change.path())))
            }
            Ok(()) => Ok(Ok(())),
        }
    }

    fn settle(&self, change: &Change, taken: Taken, answer: Result<()>) -> Result<()> {
        let Err(error) = answer else { return Ok(()) };
        match (error.kind(), change) {
            (ErrorKind::OutcomeUnknown, _) if self.was_done(change)? => Ok(()),
            (ErrorKind::NotFound, Change::Remove { .. }) => Ok(()),
            (ErrorKind::NotFound | ErrorKind::OutcomeUnknown, Change::Rename { from, .. }) if taken == Taken::Gone => {
                if self.storage.find(from)?.is_none() {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            // The source is gone because the target is there: a late call of a holder before us made the same name.
            (ErrorKind::NotFound, Change::Rename { from, to }) if taken != Taken::Fail => {
                let renamed = self.storage.find(from)?.is_none() && self.storage.find(to)?.is_some();
                if renamed {
                    Ok(())
                } else {
                    Err(error)
                }
            }
            (ErrorKind::AlreadyExists, _) => match taken {
                Taken::Same => Ok(()),
                Taken::Compare if self.same_content(change)? => Ok(()),
                Taken::Compare | Taken::Fail | Taken::Gone => Err(error),
            },
            _ => Err(error),
        }
    }

    /// Whether a change whose reply was lost was made, by a look at both sides.
    fn was_done(&self, change: &Change) -> Result<bool> {
        Ok(match change {
            Change::Create { path, bytes } => match self.storage.find(path)? {
                Some(stat) if stat.kind == Kind::File && stat.length == bytes.len() as u64 => {
                    self.storage.read(path, stat.length.max(1))? == *bytes
                }
                _ => false,
            },
            Change::MakeFolder { path } => self.storage.has_folder(path)?,
            Change::Rename { from, to } => self.storage.find(from)?.is_none() && self.storage.find(to)?.is_some(),
            Change::Remove { path, .. } => self.storage.find(path)?.is_none(),
        })
    }

    /// Whether what lies at the target of a rename is, file by file, what was to be renamed to it.
    fn same_content(&self, change: &Change) -> Result<bool> {
        let Change::Rename { from, to } = change else { return Ok(false) };
        let both = (self.storage.find(from)?, self.storage.find(to)?);
        if let (Some(Stat { kind: Kind::File, .. }), Some(Stat { kind: Kind::File, .. })) = both {
            return Ok(self.storage.read(from, FILE_BYTES_LIMIT)? == self.storage.read(to, FILE_BYTES_LIMIT)?);
        }
        let (Some(mine), Some(theirs)) = (self.storage.children(from)?, self.storage.children(to)?) else {
            return Ok(false);
        };
        let names = |entries: &[crate::tree::Entry]| entries.iter().map(|entry| entry.name.clone()).collect::<Vec<_>>();
        if names(&mine) != names(&theirs) {
            return Ok(false);
        }
        for entry in mine {
            let read = |folder: &TreePath| self.storage.read(&folder.join(&entry.name), FILE_BYTES_LIMIT);
            if read(from)? != read(to)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether an error of a change is everybody's, not one task's: the next task would meet it too.
pub(super) fn stops_the_run(kind: ErrorKind) -> bool {
    use ErrorKind::{Busy, Cancelled, Internal, LockLost, LockService, Permission, Quota, RetryLater, Storage};
    matches!(kind, LockLost | LockService | Quota | Permission | RetryLater | Storage | Cancelled | Internal | Busy)
}
