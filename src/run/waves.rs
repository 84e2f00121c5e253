//! Changes in batches, each answer judged: done, not done, or unknown and then looked at.

use crate::error::{Error, ErrorKind, Result};
use crate::plan::steps::{Step, Taken, Wave};
use crate::storage::{Flow, Storage};
use crate::task::FILE_BYTES_LIMIT;
use crate::tree::{Change, Kind, Stat, TreePath};

/// Carries changes out for a run that holds the lock.
#[derive(Clone, Copy)]
pub(super) struct Waves<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) flow: Flow<'a>,
}

/// Steps that go to the storage together, each with whose it is.
pub(super) struct Batch<O> {
    owners: Vec<O>,
    taken: Vec<Taken>,
    changes: Vec<Change>,
    /// The place of the one that each needs.
    after: Vec<Option<usize>>,
}

impl<O: Copy> Batch<O> {
    pub(super) fn new() -> Self {
        Self { owners: Vec::new(), taken: Vec::new(), changes: Vec::new(), after: Vec::new() }
    }

    /// Takes the steps of these waves out of a task's, not copied: the bytes of a task are needed once. Each wave comes
    /// after the one before it; the steps of the last one do not need each other.
    pub(super) fn take(&mut self, owner: O, waves: &[Wave], steps: &mut Vec<Step>) {
        let mut taken: Vec<Step> = Vec::new();
        for step in std::mem::take(steps) {
            if waves.contains(&step.wave) {
                taken.push(step);
            } else {
                steps.push(step);
            }
        }
        taken.sort_by_key(|step| step.wave);
        let last = taken.last().map(|step| step.wave);
        let mut before = None;
        for step in taken {
            self.owners.push(owner);
            self.taken.push(step.taken);
            self.changes.push(step.change);
            self.after.push(before);
            if Some(step.wave) != last {
                before = Some(self.changes.len() - 1);
            }
        }
    }
}

/// The first failure of each owner, in the order of the owners.
pub(super) fn failures<O: PartialEq>(answers: Vec<(O, Option<Result<()>>)>) -> Vec<(O, Error)> {
    let mut failed: Vec<(O, Error)> = Vec::new();
    for (owner, answer) in answers {
        if let Some(Err(error)) = answer {
            if failed.last().is_none_or(|(last, _)| *last != owner) {
                failed.push((owner, error));
            }
        }
    }
    failed
}

impl Waves<'_> {
    /// Carries out steps, each after the one that it needs, and answers each one: those that need one which failed have no
    /// answer.
    ///
    /// # Errors
    /// Where the run cannot go on at all: the lock is lost, the disk is full, a right is missing, the storage is away.
    pub(super) fn apply<O>(&self, batch: Batch<O>) -> Result<Vec<(O, Option<Result<()>>)>> {
        let Batch { owners, taken, changes, after } = batch;
        let mut answers: Vec<Option<Result<()>>> = changes.iter().map(|_| None).collect();
        let mut given = self.storage.change_in_order(&changes, &after, self.flow);
        let mut places: Vec<usize> = (0..changes.len()).collect();
        while !places.is_empty() {
            if given.len() != places.len() || given.iter().all(Option::is_none) {
                return Err(Error::new(ErrorKind::Internal, "the storage did not answer every change"));
            }
            for (place, answer) in places.iter().zip(given) {
                if let Some(answer) = answer {
                    answers[*place] = Some(self.judge(&changes[*place], taken[*place], answer)?);
                }
            }
            // What needs a change that was found to be done after all goes on.
            places = still_to_do(&answers, &after);
            let rest: Vec<Change> = places.iter().map(|place| changes[*place].clone()).collect();
            let needed = |place: &usize| after[*place].and_then(|needed| places.binary_search(&needed).ok());
            let rest_after: Vec<Option<usize>> = places.iter().map(needed).collect();
            given =
                if rest.is_empty() { Vec::new() } else { self.storage.change_in_order(&rest, &rest_after, self.flow) };
        }
        Ok(owners.into_iter().zip(answers).collect())
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

/// The places that have no answer and need no change that failed.
fn still_to_do(answers: &[Option<Result<()>>], after: &[Option<usize>]) -> Vec<usize> {
    let mut may_go_on = Vec::with_capacity(answers.len());
    let mut places = Vec::new();
    for (place, answer) in answers.iter().enumerate() {
        let goes_on = match (answer, after[place]) {
            (Some(answer), _) => answer.is_ok(),
            (None, needed) => needed.is_none_or(|needed| may_go_on[needed]),
        };
        may_go_on.push(goes_on);
        if answer.is_none() && goes_on {
            places.push(place);
        }
    }
    places
}

/// Whether an error of a change is everybody's, not one task's: the next task would meet it too.
pub(super) fn stops_the_run(kind: ErrorKind) -> bool {
    use ErrorKind::{Busy, Cancelled, Internal, LockLost, LockService, Permission, Quota, RetryLater, Storage};
    matches!(kind, LockLost | LockService | Quota | Permission | RetryLater | Storage | Cancelled | Internal | Busy)
}
