//! Removal of a file or a folder without following a link.

use std::ffi::CString;
use std::os::fd::BorrowedFd;

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::of_errno;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Fence;
use crate::tree::TreePath;

/// How deep a folder may be nested below what is removed; the trees here are four deep.
const DEPTH_LIMIT: usize = 128;

/// Removes what a path names; `parent` is the folder that holds it.
pub(super) fn remove(parent: BorrowedFd<'_>, path: &TreePath, recursive: bool, fence: &dyn Fence) -> Result<()> {
    let failed = |errno| of_errno(errno, "it cannot be removed").at(path);
    let stat = fs::statat(parent, path.name(), AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return fs::unlinkat(parent, path.name(), AtFlags::empty()).map_err(failed);
    }
    match fs::unlinkat(parent, path.name(), AtFlags::REMOVEDIR) {
        Ok(()) => return Ok(()),
        // POSIX lets a system answer either for a folder that is not empty.
        Err(Errno::NOTEMPTY | Errno::EXIST) if recursive => {}
        Err(Errno::NOTEMPTY | Errno::EXIST) => {
            return Err(Error::new(ErrorKind::NotEmpty, "the folder is not empty").at(path));
        }
        Err(errno) => return Err(failed(errno)),
    }
    let name =
        CString::new(path.name()).map_err(|_| Error::new(ErrorKind::InvalidArgument, "a NUL in a name").at(path))?;
    remove_folder(parent, &name, fence, DEPTH_LIMIT).map_err(|error| error.at(path))
}

fn remove_folder(parent: BorrowedFd<'_>, name: &std::ffi::CStr, fence: &dyn Fence, depth_left: usize) -> Result<()> {
    if depth_left == 0 {
        return Err(Error::new(ErrorKind::TooLarge, format!("folders are nested over {DEPTH_LIMIT} deep in it")));
    }
    let shown = name.to_string_lossy();
    let failed = |errno| of_errno(errno, &format!("{shown} cannot be removed"));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = fs::openat(parent, name, flags, Mode::empty()).map_err(failed)?;
    for entry in Dir::read_from(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let child = entry.file_name();
        if matches!(child.to_bytes(), b"." | b"..") {
            continue;
        }
        fence.permit()?;
        match fs::unlinkat(&folder, child, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::ISDIR) => remove_folder(rustix::fd::AsFd::as_fd(&folder), child, fence, depth_left - 1)?,
            Err(errno) => return Err(of_errno(errno, &format!("{} cannot be removed", child.to_string_lossy()))),
        }
    }
    fs::unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(failed)
}
