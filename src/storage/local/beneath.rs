//! Folders reached from the root without following a link.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::{self, AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::process::{getegid, geteuid};

use super::{link_error, of_errno};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::TreePath;

/// How many folders of one batch stay open: staging, the marks, the manager folders of a group's nodes.
const OPEN_FOLDERS: usize = 64;

/// A folder that was reached.
#[derive(Debug)]
pub(super) struct Folder {
    fd: OwnedFd,
    owner: (Uid, Gid),
    mode: Mode,
}

impl Folder {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The mode of files in it: readable and writable for whom the folder is.
    pub(super) fn file_mode(&self) -> Mode {
        self.mode & Mode::from_raw_mode(0o666)
    }

    /// The owner that new files get; `None` where the caller's own rights are right already or cannot be given away.
    pub(super) fn owner_to_hand_over_to(&self) -> Option<(Uid, Gid)> {
        let mine = (geteuid(), getegid());
        (mine.0.is_root() && mine != self.owner).then_some(self.owner)
    }
}

/// The folders that a batch has reached, the last ones used kept open.
pub(super) struct Folders<'a> {
    root: BorrowedFd<'a>,
    open: Vec<(TreePath, Rc<Folder>)>,
}

impl<'a> Folders<'a> {
    pub(super) fn new(root: BorrowedFd<'a>) -> Self {
        Self { root, open: Vec::new() }
    }

    /// The folder that holds a path.
    pub(super) fn parent_of(&mut self, path: &TreePath) -> Result<Rc<Folder>> {
        match path.parent() {
            Some(parent) => self.reach(&parent),
            None => Err(Error::new(ErrorKind::InvalidArgument, "the root itself cannot be changed").at(path)),
        }
    }

    /// A folder opened for reading its names.
    pub(super) fn readable(&mut self, path: &TreePath) -> Result<OwnedFd> {
        let folder = self.reach(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        fs::openat(folder.fd(), ".", flags, Mode::empty())
            .map_err(|errno| of_errno(errno, "the folder cannot be read").at(path))
    }

    /// A folder and its missing parents.
    pub(super) fn make(&mut self, path: &TreePath) -> Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        let folder = match self.reach(&parent) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.make(&parent)?;
                self.reach(&parent)?
            }
            found => found?,
        };
        match fs::mkdirat(folder.fd(), path.name(), folder.mode) {
            Ok(()) if folder.owner_to_hand_over_to().is_none() => Ok(()),
            Ok(()) => {
                let made = self.reach(path)?.readable_fd(path)?;
                // Reached once more below, with the rights that it gets here.
                self.open.retain(|(open, _)| open != path);
                folder.hand_over(made, folder.mode).map_err(|error| error.at(path))
            }
            // It may be there already, which not every file system says first; a file in its place is found by reaching
            // for it.
            Err(errno) => match self.reach(path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    let what = if errno == Errno::EXIST { "a file is there" } else { "the folder cannot be made" };
                    Err(of_errno(errno, what).at(path))
                }
                found => found.map(|_| ()),
            },
        }
    }

    fn reach(&mut self, path: &TreePath) -> Result<Rc<Folder>> {
        // From the end, where the last ones used are.
        if let Some(place) = self.open.iter().rposition(|(open, _)| open == path) {
            let found = self.open.remove(place);
            let folder = Rc::clone(&found.1);
            self.open.push(found);
            return Ok(folder);
        }
        let folder = Rc::new(match path.parent() {
            None => Folder::open(self.root, ".", path)?,
            Some(parent) => Folder::open(self.reach(&parent)?.fd(), path.name(), path)?,
        });
        if self.open.len() >= OPEN_FOLDERS {
            self.open.remove(0);
        }
        self.open.push((path.clone(), Rc::clone(&folder)));
        Ok(folder)
    }
}

impl Folder {
    fn open(parent: BorrowedFd<'_>, name: &str, path: &TreePath) -> Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = match fs::openat(parent, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(errno @ (Errno::NOTDIR | Errno::LOOP)) => {
                let is_link = fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink);
                return Err(if is_link { link_error().at(path) } else { of_errno(errno, "it is no folder").at(path) });
            }
            Err(errno) => return Err(of_errno(errno, "the folder cannot be reached").at(path)),
        };
        let stat = fs::fstat(&fd).map_err(|errno| of_errno(errno, "the folder cannot be looked at").at(path))?;
        let owner = (Uid::from_raw(stat.st_uid), Gid::from_raw(stat.st_gid));
        Ok(Self { fd, owner, mode: Mode::from_raw_mode(stat.st_mode & 0o777) })
    }

    /// The same folder, opened so that its rights can be set.
    fn readable_fd(&self, path: &TreePath) -> Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        fs::openat(&self.fd, ".", flags, Mode::empty())
            .map_err(|errno| of_errno(errno, "the folder cannot be opened").at(path))
    }
}
