//! The lock of a local tree: `flock` on the root folder. It goes with its process, and leaves nothing behind.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{self, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Guard, Lock};
use crate::error::{Error, ErrorKind, Result};

/// The lock on the root folder of a local tree.
#[derive(Debug)]
pub struct FileLock {
    root: PathBuf,
}

impl FileLock {
    /// The lock on this folder.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }
}

#[derive(Debug)]
struct Held(OwnedFd);

impl Lock for FileLock {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        let service = |errno: Errno| {
            Error::new(ErrorKind::LockService, format!("the root folder cannot be locked: {errno}"))
                .at(self.root.display())
        };
        // A descriptor of its own: two sessions of one process exclude each other like two processes.
        let fd = fs::open(&self.root, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(service)?;
        match fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Box::new(Held(fd))),
            Err(Errno::WOULDBLOCK) => {
                Err(Error::new(ErrorKind::Locked, "another run holds the lock on the root folder")
                    .at(self.root.display()))
            }
            Err(errno) => Err(service(errno)),
        }
    }
}

impl Guard for Held {
    /// The kernel takes a lock from nobody whose descriptor is open.
    fn permit(&self) -> Result<()> {
        Ok(())
    }

    fn confirm(&self) -> Result<()> {
        Ok(())
    }

    fn release(self: Box<Self>) -> Result<()> {
        fs::flock(&self.0, FlockOperation::Unlock)
            .map_err(|errno| Error::new(ErrorKind::LockService, format!("the root folder cannot be unlocked: {errno}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holds_it_and_leaves_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let lock = FileLock::new(folder.path());
        let held = lock.acquire("a").unwrap();
        let refused = FileLock::new(folder.path()).acquire("b").err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Locked);
        held.release().unwrap();
        drop(lock.acquire("c").unwrap());
        assert!(lock.acquire("d").is_ok(), "dropping gives it up");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
