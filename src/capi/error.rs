//! `ctu_error` and the codes.

use std::ffi::{c_char, CString};

use super::boundary::infallible;
use super::text::c_string;
use crate::error::{Error, ErrorKind};

/// A code: what went wrong, by cause. Codes are numbered by hand and never reused.
pub type ctu_code = i32;

/// Success.
pub const CTU_OK: ctu_code = 0;
/// A call, an option or a name that cannot be meant.
pub const CTU_INVALID_ARGUMENT: ctu_code = 1;
/// This build or this version does not do it.
pub const CTU_UNSUPPORTED: ctu_code = 2;
/// The session is doing something else at the moment.
pub const CTU_BUSY: ctu_code = 3;
/// The caller asked the run to stop.
pub const CTU_CANCELLED: ctu_code = 4;
/// A defect of the library or of a host function.
pub const CTU_INTERNAL: ctu_code = 5;
/// Nodes are up that must be down.
pub const CTU_NODES_ONLINE: ctu_code = 10;
/// Another run holds the cluster's lock.
pub const CTU_LOCKED: ctu_code = 11;
/// The lock was lost while a run held it.
pub const CTU_LOCK_LOST: ctu_code = 12;
/// The trees are in a phase, or a state, in which the operation must not run.
pub const CTU_REFUSED: ctu_code = 13;
/// V1 tasks turned up, or changed, after the upgrade was complete.
pub const CTU_NEW_V1_TASKS: ctu_code = 14;
/// The run went through, but some tasks failed.
pub const CTU_TASKS_FAILED: ctu_code = 20;
/// What an upgrade made is no longer as it was made.
pub const CTU_DAMAGED: ctu_code = 21;
/// The bytes of a file are not what they must be.
pub const CTU_CORRUPT: ctu_code = 22;
/// A file or folder is not there.
pub const CTU_NOT_FOUND: ctu_code = 30;
/// A file or folder is there that must not be.
pub const CTU_ALREADY_EXISTS: ctu_code = 31;
/// A right is missing.
pub const CTU_PERMISSION: ctu_code = 32;
/// The disk is full or a quota is used up.
pub const CTU_QUOTA: ctu_code = 33;
/// The storage cannot serve now and will later.
pub const CTU_RETRY_LATER: ctu_code = 34;
/// The reply was lost: the change may or may not have been made.
pub const CTU_OUTCOME_UNKNOWN: ctu_code = 35;
/// Any other failure of the storage.
pub const CTU_STORAGE: ctu_code = 36;
/// The catalog cannot be read.
pub const CTU_CATALOG: ctu_code = 37;
/// The liveness of the nodes cannot be told.
pub const CTU_LIVENESS: ctu_code = 38;
/// The lock service cannot be reached.
pub const CTU_LOCK_SERVICE: ctu_code = 39;
/// A file, a name or a number is over its bound.
pub const CTU_TOO_LARGE: ctu_code = 40;
/// A folder that must be empty is not.
pub const CTU_NOT_EMPTY: ctu_code = 41;

/// An error. The caller of the call that returned it owns it and ends it with ctu_error_free.
pub struct ctu_error {
    code: ctu_code,
    message: CString,
    path: CString,
    task: CString,
    next_action: CString,
}

impl From<Error> for ctu_error {
    fn from(error: Error) -> Self {
        Self {
            code: error.kind().code(),
            message: c_string(&format!("{}: {}", error.kind(), error.message())),
            path: c_string(error.path()),
            task: c_string(error.task()),
            next_action: c_string(error.next_action()),
        }
    }
}

/// The error that a host function's code stands for, with its own words.
pub(super) fn host_error(code: ctu_code, message: Option<String>, what: &str) -> Error {
    match ErrorKind::from_code(code) {
        Some(kind) => Error::new(kind, message.unwrap_or_else(|| format!("the host's {what} gave no reason"))),
        None => Error::new(ErrorKind::Internal, format!("the host's {what} answered the code {code}, which is none")),
    }
}

const EMPTY: *const c_char = c"".as_ptr();

/// # Safety
/// `error` is NULL or a live error.
unsafe fn field(error: *const ctu_error, field: impl FnOnce(&ctu_error) -> &CString) -> *const c_char {
    // SAFETY: as promised by the caller.
    infallible(EMPTY, || unsafe { error.as_ref() }.map_or(EMPTY, |error| field(error).as_ptr()))
}

/// The code of an error; CTU_OK for NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_error_code(error: *const ctu_error) -> ctu_code {
    // SAFETY: NULL or a live error, by the header's words.
    infallible(CTU_INTERNAL, || unsafe { error.as_ref() }.map_or(CTU_OK, |error| error.code))
}

/// What happened, in words, beginning with the word of the code. Lives as long as the error; never NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_error_message(error: *const ctu_error) -> *const c_char {
    // SAFETY: NULL or a live error, by the header's words.
    unsafe { field(error, |error| &error.message) }
}

/// The file or folder it happened to; "" where there is none. Lives as long as the error; never NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_error_path(error: *const ctu_error) -> *const c_char {
    // SAFETY: NULL or a live error, by the header's words.
    unsafe { field(error, |error| &error.path) }
}

/// The V1 name of the task it happened to; "" where there is none. Lives as long as the error; never NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_error_task(error: *const ctu_error) -> *const c_char {
    // SAFETY: NULL or a live error, by the header's words.
    unsafe { field(error, |error| &error.task) }
}

/// What an operator does now. Lives as long as the error; never NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_error_next_action(error: *const ctu_error) -> *const c_char {
    // SAFETY: NULL or a live error, by the header's words.
    unsafe { field(error, |error| &error.next_action) }
}

/// Ends an error. NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn ctu_error_free(error: *mut ctu_error) {
    infallible((), || {
        if !error.is_null() {
            // SAFETY: made by Box::into_raw in the boundary, and owned by the caller.
            drop(unsafe { Box::from_raw(error) });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_numbers_of_the_kinds() {
        let codes = [
            CTU_INVALID_ARGUMENT,
            CTU_UNSUPPORTED,
            CTU_BUSY,
            CTU_CANCELLED,
            CTU_INTERNAL,
            CTU_NODES_ONLINE,
            CTU_LOCKED,
            CTU_LOCK_LOST,
            CTU_REFUSED,
            CTU_NEW_V1_TASKS,
            CTU_TASKS_FAILED,
            CTU_DAMAGED,
            CTU_CORRUPT,
            CTU_NOT_FOUND,
            CTU_ALREADY_EXISTS,
            CTU_PERMISSION,
            CTU_QUOTA,
            CTU_RETRY_LATER,
            CTU_OUTCOME_UNKNOWN,
            CTU_STORAGE,
            CTU_CATALOG,
            CTU_LIVENESS,
            CTU_LOCK_SERVICE,
            CTU_TOO_LARGE,
            CTU_NOT_EMPTY,
        ];
        assert_eq!(codes.to_vec(), ErrorKind::all().map(ErrorKind::code).collect::<Vec<_>>());
        assert_eq!(CTU_OK, 0);
        let header = include_str!("../../include/comptask_upgrade.h");
        for kind in ErrorKind::all() {
            let line = format!("#define {} {}\n", kind.c_name(), kind.code());
            assert!(header.contains(&line), "the header lacks {line}");
        }
    }
}
