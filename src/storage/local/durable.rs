//! Flushes: as few as make a batch durable.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs;
use rustix::system::uname;

use super::beneath::Folders;
use super::of_errno;
use crate::error::{Error, Result};
use crate::tree::{Change, TreePath};

/// Up to this many changes are flushed one by one; beyond, one flush of the file system costs less.
const FEW: usize = 2;

/// A system call that flushes a descriptor.
type FlushCall = fn(BorrowedFd<'_>) -> rustix::io::Result<()>;

/// How a batch becomes durable.
#[derive(Debug)]
pub(super) struct Flush {
    /// Before Linux 5.8 `syncfs` does not say that writing back failed, so each file with bytes is flushed by itself.
    syncfs_reports: bool,
    /// The whole file system.
    pub(super) all: FlushCall,
    /// One file, or the names in one folder.
    pub(super) one: FlushCall,
}

impl Flush {
    pub(super) fn for_this_kernel() -> Self {
        Self::for_release(&uname().release().to_string_lossy())
    }

    pub(super) fn for_release(release: &str) -> Self {
        Self { syncfs_reports: syncfs_reports(release), all: |fd| fs::syncfs(fd), one: |fd| fs::fsync(fd) }
    }

    /// Whether a batch of this many changes is flushed one by one.
    pub(super) fn is_few(changes: usize) -> bool {
        changes <= FEW
    }

    /// Flushes a file that was written, where the flush at the end of the batch does not.
    pub(super) fn file(&self, fd: BorrowedFd<'_>, few: bool, length: usize) -> Result<()> {
        if few || (length > 0 && !self.syncfs_reports) {
            (self.one)(fd).map_err(|errno| of_errno(errno, "it cannot be flushed"))?;
        }
        Ok(())
    }

    /// Flushes the names that a batch changed.
    pub(super) fn names(
        &self,
        root: BorrowedFd<'_>,
        changes: &[Change],
        answers: &[Result<()>],
        few: bool,
    ) -> Result<()> {
        let failed = |errno| of_errno(errno, "the changes were made but cannot be flushed");
        let done = changes.iter().zip(answers).filter(|(_, answer)| answer.is_ok()).map(|(change, _)| change);
        if !few {
            // Nothing done, nothing to flush.
            return if done.count() == 0 { Ok(()) } else { (self.all)(root).map_err(failed) };
        }
        let mut folders = Folders::new(root);
        for folder in done.flat_map(changed_folders).collect::<BTreeSet<TreePath>>() {
            let fd = folders.readable(&folder).map_err(|error| Error::new(error.kind(), error.message()))?;
            (self.one)(fd.as_fd()).map_err(failed)?;
        }
        Ok(())
    }
}

/// The folders whose names a change touched.
fn changed_folders(change: &Change) -> Vec<TreePath> {
    match change {
        Change::Create { path, .. } | Change::Remove { path, .. } => path.parent().into_iter().collect(),
        // Any of its parents may be new.
        Change::MakeFolder { path } => std::iter::successors(path.parent(), TreePath::parent).collect(),
        Change::Rename { from, to } => [from, to].into_iter().filter_map(TreePath::parent).collect(),
    }
}

fn syncfs_reports(release: &str) -> bool {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (5, 8),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn syncfs_is_trusted_from_linux_5_8_on() {
        for (release, reports) in [
            ("5.8.0-generic", true),
            ("6.18.44-x", true),
            ("5.7.19", false),
            ("3.10.0-1160.el7.x86_64", false),
            ("x", false),
        ] {
            assert_eq!(syncfs_reports(release), reports, "{release}");
        }
    }

    #[test]
    fn without_that_trust_each_file_with_bytes_is_flushed() {
        let file = tempfile::tempfile().unwrap();
        assert!(Flush::for_release("3.10").file(file.as_fd(), false, 1).is_ok());
    }
}
