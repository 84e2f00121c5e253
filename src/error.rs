//! The one error of the crate. Its kind is the C code, so a kind is numbered by hand and never reused.

use std::fmt;

/// What went wrong, by cause. The number is the `ctu_code` of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
pub enum ErrorKind {
    /// A call, an option or a name that cannot be meant.
    InvalidArgument = 1,
    /// This build or this version does not do it.
    Unsupported = 2,
    /// The session is doing something else at the moment.
    Busy = 3,
    /// The caller asked the run to stop.
    Cancelled = 4,
    /// A defect of this library or of a host function.
    Internal = 5,
    /// Nodes are up that must be down.
    NodesOnline = 10,
    /// Another run holds the cluster's lock.
    Locked = 11,
    /// The lock was lost while a run held it.
    LockLost = 12,
    /// The trees are in a phase, or a state, in which the operation must not run.
    Refused = 13,
    /// V1 tasks turned up, or changed, after the upgrade was complete.
    NewV1Tasks = 14,
    /// The run went through, but some tasks failed.
    TasksFailed = 20,
    /// What an upgrade made is no longer as it was made.
    Damaged = 21,
    /// The bytes of a file are not what they must be.
    Corrupt = 22,
    /// A file or folder is not there.
    NotFound = 30,
    /// A file or folder is there that must not be.
    AlreadyExists = 31,
    /// A right is missing.
    Permission = 32,
    /// The disk is full or a quota is used up.
    Quota = 33,
    /// The storage cannot serve now and will later.
    RetryLater = 34,
    /// The reply was lost: the change may or may not have been made.
    OutcomeUnknown = 35,
    /// Any other failure of the storage.
    Storage = 36,
    /// The catalog cannot be read.
    Catalog = 37,
    /// The liveness of the nodes cannot be told.
    Liveness = 38,
    /// The lock service cannot be reached.
    LockService = 39,
    /// A file, a name or a number is over its bound.
    TooLarge = 40,
    /// A folder that must be empty is not.
    NotEmpty = 41,
}

/// Every kind, its name in C, its word and what an operator does about it. The one home of the three.
// One row a kind, whatever its length: a table is read down its columns.
#[rustfmt::skip]
const KINDS: &[(ErrorKind, &str, &str, &str)] = &[
    (ErrorKind::InvalidArgument, "CTU_INVALID_ARGUMENT", "invalid argument", "correct the call and run it again"),
    (ErrorKind::Unsupported, "CTU_UNSUPPORTED", "unsupported", "use another way or a newer version of the library"),
    (ErrorKind::Busy, "CTU_BUSY", "busy", "wait for the call that is under way to end"),
    (ErrorKind::Cancelled, "CTU_CANCELLED", "cancelled", "run the same command again: it goes on where this run stopped"),
    (ErrorKind::Internal, "CTU_INTERNAL", "internal error", "keep the log and report the defect; running again is harmless"),
    (ErrorKind::NodesOnline, "CTU_NODES_ONLINE", "nodes online", "stop the nodes that are named, then run the command again"),
    (ErrorKind::Locked, "CTU_LOCKED", "locked", "wait for the other run to end, or stop it, then run the command again"),
    (ErrorKind::LockLost, "CTU_LOCK_LOST", "lock lost", "see that no other run is under way, then run the command again"),
    (ErrorKind::Refused, "CTU_REFUSED", "refused", "run STATUS: it shows the phase and what can be done in it"),
    (ErrorKind::NewV1Tasks, "CTU_NEW_V1_TASKS", "new V1 tasks", "stop whatever still writes V1 tasks, then run STATUS to see them"),
    (ErrorKind::TasksFailed, "CTU_TASKS_FAILED", "some tasks failed", "mend the files that are named, then run the command again"),
    (ErrorKind::Damaged, "CTU_DAMAGED", "damaged", "see who changed the files that are named; nothing was redone unasked"),
    (ErrorKind::Corrupt, "CTU_CORRUPT", "corrupt", "restore the file, or move it out of the tree, then run the command again"),
    (ErrorKind::NotFound, "CTU_NOT_FOUND", "not found", "check the path"),
    (ErrorKind::AlreadyExists, "CTU_ALREADY_EXISTS", "already exists", "see whose it is, then run the command again"),
    (ErrorKind::Permission, "CTU_PERMISSION", "permission denied", "run as the owner of the tree, or grant the right, then run again"),
    (ErrorKind::Quota, "CTU_QUOTA", "no space left", "free space or raise the quota, then run the command again"),
    (ErrorKind::RetryLater, "CTU_RETRY_LATER", "retry later", "wait until the storage serves again, then run the command again"),
    (ErrorKind::OutcomeUnknown, "CTU_OUTCOME_UNKNOWN", "outcome unknown", "run the command again: it looks at what was done first"),
    (ErrorKind::Storage, "CTU_STORAGE", "storage error", "check the storage, then run the command again"),
    (ErrorKind::Catalog, "CTU_CATALOG", "catalog error", "make the catalog readable, then run the command again"),
    (ErrorKind::Liveness, "CTU_LIVENESS", "liveness error", "make the list of nodes readable, then run the command again"),
    (ErrorKind::LockService, "CTU_LOCK_SERVICE", "lock service error", "check the lock service, then run the command again"),
    (ErrorKind::TooLarge, "CTU_TOO_LARGE", "too large", "shorten or split what is named; nothing was changed for it"),
    (ErrorKind::NotEmpty, "CTU_NOT_EMPTY", "not empty", "see what lies in the folder"),
];

impl ErrorKind {
    /// The kind's word, the same in every message, report and document.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|row| row.0 == self).map_or("error", |row| row.2)
    }

    /// The name of the kind's code in the C header.
    pub fn c_name(self) -> &'static str {
        KINDS.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The number of the kind in the C ABI.
    pub fn code(self) -> i32 {
        self as i32
    }

    /// The kind of a C code, or `None` where no kind has it.
    pub fn from_code(code: i32) -> Option<Self> {
        KINDS.iter().map(|row| row.0).find(|kind| kind.code() == code)
    }

    /// Every kind there is, in the order of its code.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|row| row.0)
    }

    fn next_action(self) -> &'static str {
        KINDS.iter().find(|row| row.0 == self).map_or("", |row| row.3)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// An error: its kind, what happened, where, and what an operator does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    kind: ErrorKind,
    message: String,
    path: String,
    task: String,
    next_action: Option<String>,
}

/// The result of a fallible call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of a kind with its message, which needs neither the kind's word nor the path.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            path: String::new(),
            task: String::new(),
            next_action: None,
        }))
    }

    /// The same error at a path, where it has none yet.
    #[must_use]
    pub fn at(mut self, path: impl fmt::Display) -> Self {
        if self.0.path.is_empty() {
            self.0.path = path.to_string();
        }
        self
    }

    /// The same error about a task, by the name of its V1 file, where it has none yet.
    #[must_use]
    pub fn of_task(mut self, task: impl fmt::Display) -> Self {
        if self.0.task.is_empty() {
            self.0.task = task.to_string();
        }
        self
    }

    /// A panic, caught where it must not get any further.
    pub(crate) fn of_panic(payload: Box<dyn std::any::Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        // Dropping a payload can panic again; a leak of a few bytes cannot.
        std::mem::forget(payload);
        Self::new(ErrorKind::Internal, format!("the library panicked: {}", text.as_deref().unwrap_or("no text")))
    }

    /// The same error with another next action than its kind's.
    #[must_use]
    pub fn advise(mut self, next_action: impl Into<String>) -> Self {
        self.0.next_action = Some(next_action.into());
        self
    }

    /// What went wrong, by cause.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, in words, without the path.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The file or folder it happened to; empty where there is none.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The V1 name of the task it happened to; empty where there is none.
    pub fn task(&self) -> &str {
        &self.0.task
    }

    /// What an operator does now.
    pub fn next_action(&self) -> &str {
        self.0.next_action.as_deref().unwrap_or_else(|| self.0.kind.next_action())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.0.kind, self.0.message)?;
        if !self.0.path.is_empty() {
            write!(formatter, " ({})", self.0.path)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own_and_leads_back_to_its_kind() {
        let mut last = 0;
        for kind in ErrorKind::all() {
            assert!(kind.code() > last, "{kind:?} is out of order");
            last = kind.code();
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
            assert!(!kind.next_action().is_empty() && !kind.name().is_empty());
        }
        assert_eq!(ErrorKind::all().count(), 25);
        assert_eq!(ErrorKind::from_code(0), None);
    }

    #[test]
    fn the_first_path_and_task_stay() {
        let error = Error::new(ErrorKind::Corrupt, "torn").at("a").at("b").of_task("t").of_task("u");
        assert_eq!((error.path(), error.task()), ("a", "t"));
        assert_eq!(error.to_string(), "corrupt: torn (a)");
    }
}
