//! The lock: one run at a time in the cluster.

mod file;
#[cfg(feature = "zookeeper")]
mod zookeeper;
#[cfg(feature = "zookeeper")]
mod zookeeper_keeper;

pub use file::FileLock;
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeperLock;

use crate::error::Result;

/// How the message of a refusal begins that goes on with the holder's name.
pub(crate) const HELD_BY: &str = "another run holds the lock: ";

/// A lock that one run of the cluster can hold at a time.
pub trait Lock: Send + Sync {
    /// Takes the lock, never waits. `holder` says who asks, for people.
    ///
    /// # Errors
    /// `Locked` where another has it, with the holder in the message where the lock knows it; `LockService` where that
    /// cannot be told.
    fn acquire(&self, holder: &str) -> Result<Box<dyn Guard>>;
}

/// A lock that is held. Dropping it gives the lock up as well, but reports nothing.
pub trait Guard: Send + Sync {
    /// Leave for one more change: no round trip, any thread.
    ///
    /// # Errors
    /// `LockLost` once the lock is known to be lost.
    fn permit(&self) -> Result<()>;

    /// Asks the lock service itself, before the few changes that decide everything.
    ///
    /// # Errors
    /// `LockLost`, or `LockService` where that cannot be told.
    fn confirm(&self) -> Result<()>;

    /// A number that grows with every holder of the lock, where the lock has one; for the log.
    fn epoch(&self) -> Option<i64> {
        None
    }

    /// Gives the lock up.
    ///
    /// # Errors
    /// `LockService` where it cannot be told that it was given up.
    fn release(self: Box<Self>) -> Result<()>;
}
