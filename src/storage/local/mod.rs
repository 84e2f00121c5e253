//! A tree on a local disk.
//!
//! Every path is walked component by component from the root's descriptor and no link is followed, so no path leaves
//! the root. A batch ends with one flush of the file system where it changed many things, and with a flush of each
//! where it changed few.

mod beneath;
mod durable;
mod remove;

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use self::beneath::{Folder, Folders};
use self::durable::Flush;
use super::{EntrySink, Flow, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::FileLock;
use crate::tree::{Change, Entry, Kind, Stat, TreePath};

/// A tree on a local disk.
#[derive(Debug)]
pub struct LocalStorage {
    root: OwnedFd,
    shown: PathBuf,
    /// Whether the file system has `RENAME_NOREPLACE`. Where it lacks it, the target is looked at before the rename;
    /// the lock's holder alone writes names, which closes the race between the two.
    exclusive_rename: AtomicBool,
    flush: Flush,
    /// A flush failed: what is in the caches may never reach the disk, so nothing more is built on it.
    flush_failed: AtomicBool,
}

impl LocalStorage {
    /// The tree whose root is this folder. Links on the way to it are the caller's own; below it none is followed.
    ///
    /// # Errors
    /// `NotFound` where there is no such folder, `Permission` where it may not be entered.
    pub fn open(root: &Path) -> Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = fs::open(root, flags, Mode::empty());
        let fd = opened.map_err(|errno| of_errno(errno, "the root cannot be opened").at(root.display()))?;
        Ok(Self {
            root: fd,
            shown: root.to_owned(),
            exclusive_rename: AtomicBool::new(true),
            flush: Flush::for_this_kernel(),
            flush_failed: AtomicBool::new(false),
        })
    }

    /// The lock on the root, of the very folder that is open here.
    pub(crate) fn lock(&self) -> Result<FileLock> {
        FileLock::on(self.root.as_fd(), &self.shown)
    }

    fn create(&self, folders: &mut Folders<'_>, path: &TreePath, bytes: &[u8], few: bool) -> Result<()> {
        let folder = folders.parent_of(path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let made = fs::openat(folder.fd(), path.name(), flags, folder.file_mode());
        let mut file = std::fs::File::from(made.map_err(|errno| of_errno(errno, "it cannot be made").at(path))?);
        let written = folder.hand_over(&file, folder.file_mode()).and_then(|()| {
            file.write_all(bytes).map_err(|error| of_io(&error, "it cannot be written"))?;
            self.flush.file(file.as_fd(), few, bytes.len())
        });
        written.map_err(|error| {
            // Nothing but this call has seen the name, so it is taken back; where that fails a later run clears it.
            let _stays_if_this_fails = fs::unlinkat(folder.fd(), path.name(), AtFlags::empty());
            error.at(path)
        })
    }

    fn rename(&self, folders: &mut Folders<'_>, from: &TreePath, to: &TreePath) -> Result<()> {
        if to.is_within(from) && to != from {
            return Err(Error::new(ErrorKind::InvalidArgument, "a folder cannot move into itself").at(to));
        }
        let source = folders.parent_of(from)?;
        let target = folders.parent_of(to)?;
        if self.exclusive_rename.load(Ordering::Relaxed) {
            match fs::renameat_with(source.fd(), from.name(), target.fd(), to.name(), RenameFlags::NOREPLACE) {
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    self.exclusive_rename.store(false, Ordering::Relaxed);
                }
                answer => return answer.map_err(|errno| rename_error(errno, from, to)),
            }
        }
        match fs::statat(target.fd(), to.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            // Whether the source is there decides the error, as it does in the single call.
            Ok(_) => {
                let source_is_there = fs::statat(source.fd(), from.name(), AtFlags::SYMLINK_NOFOLLOW).map(|_| ());
                return Err(rename_error(source_is_there.err().unwrap_or(Errno::EXIST), from, to));
            }
            Err(errno) => return Err(rename_error(errno, from, to)),
        }
        fs::renameat(source.fd(), from.name(), target.fd(), to.name()).map_err(|errno| rename_error(errno, from, to))
    }

    fn apply(&self, folders: &mut Folders<'_>, change: &Change, few: bool, flow: Flow<'_>) -> Result<()> {
        match change {
            Change::Create { path, bytes } => self.create(folders, path, bytes, few),
            Change::MakeFolder { path } => folders.make(path),
            Change::Rename { from, to } => self.rename(folders, from, to),
            Change::Remove { path, recursive } => {
                let folder = folders.parent_of(path)?;
                remove::remove(folder.fd(), path, *recursive, flow.fence)
            }
        }
    }
}

impl Storage for LocalStorage {
    fn describe(&self) -> String {
        format!("local disk {}", self.shown.display())
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let fd = Folders::new(self.root.as_fd()).readable(folder)?;
        let read = |errno| of_errno(errno, "the folder cannot be listed").at(folder);
        for entry in Dir::read_from(&fd).map_err(read)? {
            let entry = entry.map_err(read)?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let stat = match fs::statat(&fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat_of(&stat),
                // It went between the two calls, which is as if it had gone before.
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(read(errno)),
            };
            let text = name.to_string_lossy();
            let entry = Entry { exact: name.to_str().is_ok(), name: text.into_owned(), stat };
            if sink(entry) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn stat_batch(&self, paths: &[TreePath], _in_flight: usize) -> Vec<Result<Stat>> {
        let mut folders = Folders::new(self.root.as_fd());
        let mut stat = |path: &TreePath| {
            if path.parent().is_none() {
                return fs::fstat(&self.root)
                    .map(|stat| stat_of(&stat))
                    .map_err(|errno| of_errno(errno, "the root").at("."));
            }
            let folder = folders.parent_of(path)?;
            let found = fs::statat(folder.fd(), path.name(), AtFlags::SYMLINK_NOFOLLOW);
            found.map(|stat| stat_of(&stat)).map_err(|errno| of_errno(errno, "it cannot be looked at").at(path))
        };
        paths.iter().map(&mut stat).collect()
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, _in_flight: usize) -> Vec<Result<Vec<u8>>> {
        let mut folders = Folders::new(self.root.as_fd());
        paths.iter().map(|path| read(&mut folders, path, limit_bytes).map_err(|error| error.at(path))).collect()
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let mut folders = Folders::new(self.root.as_fd());
        let few = Flush::is_few(changes.len());
        let mut refused = self.flush_failed.load(Ordering::Relaxed).then(not_durable);
        let mut one = |change: &Change| {
            if refused.is_none() {
                refused = flow.fence.permit().err();
            }
            refused.clone().map_or_else(|| self.apply(&mut folders, change, few, flow), Err)
        };
        let mut answers: Vec<Result<()>> = changes.iter().map(&mut one).collect();
        if let Err(error) = self.flush.names(self.root.as_fd(), changes, &answers, few) {
            self.flush_failed.store(true, Ordering::Relaxed);
            let failed = Error::new(ErrorKind::Storage, error.message()).advise(DISK_FAILED);
            for (answer, change) in answers.iter_mut().zip(changes).filter(|(answer, _)| answer.is_ok()) {
                *answer = Err(failed.clone().at(change.path()));
            }
        }
        answers
    }

    fn flush(&self) -> Result<()> {
        (self.flush.all)(self.root.as_fd()).map_err(|errno| {
            self.flush_failed.store(true, Ordering::Relaxed);
            Error::new(ErrorKind::Storage, format!("the file system cannot be flushed: {errno}")).advise(DISK_FAILED)
        })
    }

    fn check_writable(&self, folder: &TreePath) -> Result<()> {
        let fd = Folders::new(self.root.as_fd()).readable(folder)?;
        match fs::accessat(&fd, ".", fs::Access::WRITE_OK | fs::Access::EXEC_OK, AtFlags::EACCESS) {
            Err(errno @ (Errno::ACCESS | Errno::ROFS)) => Err(of_errno(errno, "files cannot be made in it").at(folder)),
            // A kernel without the call cannot tell; the first change will.
            _ => Ok(()),
        }
    }
}

/// A link would lead out of the root, so none is followed.
fn link_error() -> Error {
    Error::new(ErrorKind::Refused, "it is a link, and links are not followed")
        .advise("put the file or folder itself in the place of the link")
}

/// What an operator does when the disk itself fails.
const DISK_FAILED: &str = "look into the kernel's log and mend the disk; check the file system before running again";

fn not_durable() -> Error {
    Error::new(ErrorKind::Storage, "an earlier change could not be flushed, so no other is made").advise(DISK_FAILED)
}

fn read(folders: &mut Folders<'_>, path: &TreePath, limit_bytes: u64) -> Result<Vec<u8>> {
    let folder = folders.parent_of(path)?;
    // A pipe somebody put there must not stop the run for ever, hence NONBLOCK.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = fs::openat(folder.fd(), path.name(), flags, Mode::empty());
    let fd = opened.map_err(|errno| match errno {
        Errno::LOOP => link_error(),
        errno => of_errno(errno, "it cannot be opened"),
    })?;
    let stat = fs::fstat(&fd).map_err(|errno| of_errno(errno, "it cannot be looked at"))?;
    let stat = stat_of(&stat);
    if stat.kind != Kind::File {
        return Err(Error::new(ErrorKind::Storage, "it is not a regular file"));
    }
    let too_large = || Err(Error::new(ErrorKind::TooLarge, format!("it has over {limit_bytes} bytes")));
    if stat.length > limit_bytes {
        return too_large();
    }
    let mut bytes = Vec::with_capacity(usize::try_from(stat.length).unwrap_or(0));
    let file = std::fs::File::from(fd);
    file.take(limit_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new(ErrorKind::Storage, of_io(&error, "it cannot be read").message().to_owned()))?;
    if bytes.len() as u64 > limit_bytes {
        return too_large();
    }
    Ok(bytes)
}

fn stat_of(stat: &fs::Stat) -> Stat {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        _ => Kind::Other,
    };
    let length = if kind == Kind::File { u64::try_from(stat.st_size).unwrap_or(0) } else { 0 };
    let mtime_ms = stat.st_mtime * 1_000 + i64::try_from(stat.st_mtime_nsec / 1_000_000).unwrap_or(0);
    Stat { kind, length, mtime_ms }
}

fn rename_error(errno: Errno, from: &TreePath, to: &TreePath) -> Error {
    match errno {
        // Both parents were opened, so what is missing is the source.
        Errno::NOENT => of_errno(errno, "there is nothing to rename").at(from),
        // Onto a folder that is not empty, or of another kind: something is there.
        Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR | Errno::NOTDIR => {
            of_errno(Errno::EXIST, "the new name is taken").at(to)
        }
        errno => of_errno(errno, &format!("{from} cannot be renamed")).at(to),
    }
}

fn of_io(error: &std::io::Error, what: &str) -> Error {
    match error.raw_os_error() {
        Some(number) => of_errno(Errno::from_raw_os_error(number), what),
        None => Error::new(ErrorKind::Storage, format!("{what}: {error}")),
    }
}

/// The error of a failed system call.
fn of_errno(errno: Errno, what: &str) -> Error {
    let kind = match errno {
        Errno::NOENT | Errno::NOTDIR => ErrorKind::NotFound,
        Errno::EXIST => ErrorKind::AlreadyExists,
        Errno::ACCESS | Errno::PERM | Errno::ROFS => ErrorKind::Permission,
        // A folder that takes no more names is as full as a disk is.
        Errno::NOSPC | Errno::DQUOT | Errno::MLINK => ErrorKind::Quota,
        Errno::NOTEMPTY => ErrorKind::NotEmpty,
        Errno::NAMETOOLONG | Errno::FBIG => ErrorKind::TooLarge,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => ErrorKind::RetryLater,
        // The disk failed in the middle of it.
        Errno::IO => ErrorKind::OutcomeUnknown,
        _ => ErrorKind::Storage,
    };
    Error::new(kind, format!("{what}: {errno}"))
}

impl Folder {
    /// Gives a new file or folder the rights of the folder it lies in, where a superuser works on another's tree.
    fn hand_over(&self, fd: impl AsFd, mode: Mode) -> Result<()> {
        let Some((user, group)) = self.owner_to_hand_over_to() else { return Ok(()) };
        let failed = |errno| of_errno(errno, "it cannot be handed to the owner of its folder");
        fs::fchown(&fd, Some(user), Some(group)).map_err(failed)?;
        fs::fchmod(&fd, mode).map_err(failed)
    }
}

#[cfg(test)]
mod tests;
