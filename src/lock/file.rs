//! The lock of a local tree: `flock` on the root folder. It goes with its process, and leaves nothing behind.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{self, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::{Guard, Lock};
use crate::error::{Error, ErrorKind, Result};

/// The lock on the root folder of a local tree.
#[derive(Debug)]
pub struct FileLock {
    /// The folder itself, not its name: a name can come to mean another folder.
    root: OwnedFd,
    shown: PathBuf,
}

impl FileLock {
    /// The lock on this folder.
    ///
    /// # Errors
    /// `LockService` where the folder cannot be opened.
    pub fn open(root: &Path) -> Result<Self> {
        let fd = fs::open(root, FOLDER, Mode::empty()).map_err(|errno| service(errno, root))?;
        Ok(Self { root: fd, shown: root.to_owned() })
    }

    /// The lock on a folder that is open.
    pub(crate) fn on(root: BorrowedFd<'_>, shown: &Path) -> Result<Self> {
        let fd = fs::openat(root, ".", FOLDER, Mode::empty()).map_err(|errno| service(errno, shown))?;
        Ok(Self { root: fd, shown: shown.to_owned() })
    }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn service(errno: Errno, root: &Path) -> Error {
    Error::new(ErrorKind::LockService, format!("the root folder cannot be locked: {errno}")).at(root.display())
}

#[derive(Debug)]
struct Held(OwnedFd);

impl Lock for FileLock {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        // A descriptor of its own: two sessions of one process exclude each other like two processes.
        let fd = fs::openat(&self.root, ".", FOLDER, Mode::empty()).map_err(|errno| service(errno, &self.shown))?;
        match fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Box::new(Held(fd))),
            Err(Errno::WOULDBLOCK) => {
                Err(Error::new(ErrorKind::Locked, "another run holds the lock on the root folder")
                    .at(self.shown.display()))
            }
            Err(errno) => Err(service(errno, &self.shown)),
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
        let lock = FileLock::open(folder.path()).unwrap();
        let held = lock.acquire("a").unwrap();
        let refused = FileLock::open(folder.path()).unwrap().acquire("b").err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Locked);
        held.release().unwrap();
        drop(lock.acquire("c").unwrap());
        assert!(lock.acquire("d").is_ok(), "dropping gives it up");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn it_stays_on_its_folder_when_the_name_comes_to_mean_another() {
        let folder = tempfile::TempDir::new().unwrap();
        let (name, moved) = (folder.path().join("root"), folder.path().join("moved"));
        std::fs::create_dir(&name).unwrap();
        let first = FileLock::open(&name).unwrap();
        std::fs::rename(&name, &moved).unwrap();
        std::fs::create_dir(&name).unwrap();
        let held = first.acquire("a").unwrap();
        assert!(FileLock::open(&moved).unwrap().acquire("b").is_err());
        assert!(FileLock::open(&name).unwrap().acquire("c").is_ok());
        drop(held);
    }
}
