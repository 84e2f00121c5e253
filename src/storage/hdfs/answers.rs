//! What an answer means to a call, whichever client brings it.

use std::ops::ControlFlow;
use std::time::Duration;

use super::super::{entries_of, EntrySink, Storage};
use super::batch::{Answer, Setback};
use super::exceptions::Cause;
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Kind, Stat, TreePath};

/// How many entries a listing hands over at a time: as many as the NameNode sends at a time by default.
pub(crate) const PAGE: usize = 1_000;

/// How long a DataNode that does not take a file is left alone: a heartbeat or so.
pub(crate) const MOMENT: Duration = Duration::from_secs(1);

/// What a call of a client ended in where it has no result.
pub(crate) trait Failure {
    /// What is known after it.
    fn cause(&self) -> Cause;

    /// In words, a remote one without its stack trace.
    fn words(&self) -> String;

    /// What an operator can do, where the client knows better than the kind of the error does.
    fn advice(&self, kind: ErrorKind) -> Option<&'static str>;

    /// Whether a file stands in a folder's place.
    fn parent_is_a_file(&self) -> bool;

    /// Whether the path, or one above it, is a link of HDFS.
    fn is_link(&self) -> bool {
        self.cause() == Cause::Said(ErrorKind::Refused)
    }

    /// An error of the crate.
    fn error(&self, kind: ErrorKind, what: &str) -> Error {
        let error = Error::new(kind, format!("{what}: {}", self.words()));
        let advice = self.advice(kind).or(match kind {
            ErrorKind::Refused => Some("put the file or folder itself in the place of the link"),
            ErrorKind::RetryLater => Some("see that a NameNode is active and out of safe mode, then run again"),
            _ => None,
        });
        match advice {
            Some(advice) => error.advise(advice),
            None => error,
        }
    }

    /// A read, which is made again where the reply was lost.
    fn of_read(&self, what: &str, path: &TreePath) -> Setback {
        match self.cause() {
            Cause::Said(kind) => Setback::Failed(self.error(kind, what).at(path)),
            Cause::NotNow => Setback::Later(self.error(ErrorKind::RetryLater, what).at(path)),
            Cause::Unreached => Setback::Away(self.error(ErrorKind::RetryLater, "no NameNode can be reached").at(path)),
            Cause::Lost => Setback::Again(self.error(ErrorKind::Storage, what).at(path)),
        }
    }

    /// A change, which is never made again where the reply was lost.
    fn of_change(&self, what: &str, path: &TreePath) -> Setback {
        match self.cause() {
            Cause::Lost => Setback::Failed(self.error(ErrorKind::OutcomeUnknown, what).at(path)),
            _ => self.of_read(what, path),
        }
    }

    /// A folder that was to be made.
    fn of_folder(&self, path: &TreePath) -> Setback {
        if self.parent_is_a_file() {
            let text = "a file stands in the way of the folder";
            return Setback::Failed(self.error(ErrorKind::AlreadyExists, text).at(path));
        }
        self.of_change("the folder cannot be made", path)
    }

    /// A file that was made and could not be filled, and whether another attempt may do better: not where the NameNode
    /// gave one of these `reasons`, but a DataNode may have gone this moment, and the NameNode may choose another.
    fn of_filling(&self, reasons: &[ErrorKind], path: &TreePath) -> (Error, bool) {
        let (kind, again) = match self.cause() {
            Cause::Said(kind) if reasons.contains(&kind) => (kind, false),
            _ => (ErrorKind::Storage, true),
        };
        (self.error(kind, "its bytes cannot be written").at(path), again)
    }

    /// Whether a rename may have failed because its name is taken: HDFS has no class of its own for a file that should go
    /// onto a folder, or the other way round. Nothing was renamed, so a look tells.
    fn asks_for_a_look(&self) -> bool {
        self.cause() == Cause::Said(ErrorKind::Storage)
    }

    /// A rename, after that look.
    fn of_rename(&self, from: &TreePath, to: &TreePath, is_taken: bool) -> Setback {
        let what = format!("{from} cannot be renamed");
        if is_taken {
            return Setback::Failed(self.error(ErrorKind::AlreadyExists, &what).at(to));
        }
        self.of_change(&what, to)
    }

    /// A rename of a name that is never made to itself: the NameNode checks the rights before it looks for the source.
    fn of_probe(&self, folder: &TreePath) -> Answer<()> {
        match self.cause() {
            Cause::Said(ErrorKind::NotFound | ErrorKind::AlreadyExists) => Ok(()),
            _ => Err(self.of_read("files cannot be made in it", folder)),
        }
    }
}

/// The answer of a change that nothing is sent for: the root stays as it is, and no folder moves into itself.
pub(crate) fn settled(change: &Change) -> Option<Answer<()>> {
    let refused = |text: &str| Error::new(ErrorKind::InvalidArgument, text);
    match change {
        Change::MakeFolder { path } if path.parent().is_none() => Some(Ok(())),
        _ if change.path().parent().is_none() => Some(Err(refused("the root cannot be changed").into())),
        Change::Rename { from, to } if from.parent().is_none() || (to.is_within(from) && to != from) => {
            Some(Err(refused("a folder cannot move into itself").at(to).into()))
        }
        _ => None,
    }
}

/// What the end of a removal means, which HDFS answers with whether there was anything.
pub(crate) fn removed<F: Failure>(ended: std::result::Result<bool, F>, path: &TreePath) -> Answer<()> {
    match ended {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(ErrorKind::NotFound, "there is nothing to remove").at(path).into()),
        Err(failed) => Err(failed.of_change("it cannot be removed", path)),
    }
}

/// How a file goes that could not be filled.
pub(crate) fn taking_back(change: &Change) -> Change {
    Change::Remove { path: change.path().clone(), recursive: false }
}

/// What came of it: fine if it is gone already.
pub(crate) fn taken_back(removed: Answer<()>) -> Answer<()> {
    match removed {
        Err(Setback::Failed(error)) if error.kind() == ErrorKind::NotFound => Ok(()),
        answer => answer,
    }
}

/// A file with more bytes than may be read.
pub(crate) fn too_large(limit_bytes: u64, path: &TreePath) -> Setback {
    Error::new(ErrorKind::TooLarge, format!("it has over {limit_bytes} bytes")).at(path).into()
}

/// A listing that shows what is listed as its own and only child.
pub(crate) fn no_folder(path: &TreePath) -> Setback {
    Error::new(ErrorKind::NotFound, "it is not a folder").at(path).into()
}

/// Whether a root, as it was looked at, is one; the error names it as the caller wrote it.
pub(crate) fn check_root(looked: Result<Stat>, shown: &str) -> Result<()> {
    let is_folder = looked.and_then(|stat| match stat.kind {
        Kind::Folder => Ok(()),
        Kind::File => Err(Error::new(ErrorKind::Refused, "it is a file, not a folder")),
        Kind::Other => Err(Error::new(ErrorKind::Refused, "it is a link, and links are not followed")),
    });
    is_folder.map_err(|error| {
        // Its own path is ".", which tells the caller nothing.
        let text = format!("the root cannot be opened: {}", error.message());
        Error::new(error.kind(), text).advise(error.next_action()).at(shown)
    })
}

/// A piece of a listing.
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    pub(crate) is_last: bool,
}

/// The children of folders, by the first piece of each one's listing, which is the whole of a small one.
pub(crate) fn children_of(
    storage: &impl Storage,
    folders: &[TreePath],
    pieces: Vec<Result<Page>>,
) -> Vec<Result<Vec<Entry>>> {
    let whole = |(folder, piece): (&TreePath, Result<Page>)| match piece? {
        Page { entries, is_last: true } => Ok(entries),
        Page { .. } => entries_of(storage, folder),
    };
    folders.iter().zip(pieces).map(whole).collect()
}

/// Hands a listing over, page by page, as far as the sink wants it.
pub(crate) fn hand_over(sink: EntrySink<'_>, mut next: impl FnMut() -> Result<Page>) -> Result<()> {
    loop {
        let page = next()?;
        for entry in page.entries {
            if sink(entry) == ControlFlow::Break(()) {
                return Ok(());
            }
        }
        if page.is_last {
            return Ok(());
        }
    }
}
