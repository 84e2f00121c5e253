//! `ctu_reply`: what a host function answers beside its code.

use std::ffi::{c_char, CStr};

use super::boundary::infallible;
use super::error::{ctu_code, host_error, CTU_OK};
use super::task::{self, ctu_task_v1, ctu_task_v2};
use super::text;
use crate::error::{Error, ErrorKind, Result};
use crate::task::{TaskV1, TaskV2};
use crate::tree::{Entry, Kind, Stat};

/// What a host function answers beside its code. It is the library's: a host function fills it while it is called and
/// keeps nothing of it.
#[derive(Default)]
pub struct ctu_reply {
    message: Option<String>,
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    pub(super) names: Vec<String>,
    pub(super) task_v1: Option<TaskV1>,
    pub(super) task_v2: Option<TaskV2>,
    bytes_limit: Option<u64>,
    /// The first thing that was handed in and cannot be used.
    problem: Option<Error>,
}

impl ctu_reply {
    /// A reply that takes at most this many bytes.
    pub(super) fn with_limit(bytes_limit: u64) -> Self {
        Self { bytes_limit: Some(bytes_limit), ..Self::default() }
    }

    /// Calls a host function with an empty reply; what it filled in, or its error.
    pub(super) fn of(mut self, what: &str, call: impl FnOnce(*mut Self) -> ctu_code) -> Result<Self> {
        let code = call(&raw mut self);
        if code != CTU_OK {
            return Err(host_error(code, self.message, what));
        }
        match self.problem {
            Some(problem) => Err(problem),
            None => Ok(self),
        }
    }

    /// The same for a function whose success is in its code alone: what it filled in beside it cannot undo that.
    pub(super) fn of_change(mut self, what: &str, call: impl FnOnce(*mut Self) -> ctu_code) -> Result<Self> {
        match call(&raw mut self) {
            CTU_OK => Ok(self),
            code => Err(host_error(code, self.message, what)),
        }
    }

    fn fail(&mut self, error: Error) {
        self.problem.get_or_insert(error);
    }
}

/// # Safety
/// `reply` is NULL or the reply of the call under way.
unsafe fn fill(reply: *mut ctu_reply, body: impl FnOnce(&mut ctu_reply) -> Result<()>) {
    infallible((), || {
        // SAFETY: as promised by the caller; the library does not touch it during the call.
        if let Some(reply) = unsafe { reply.as_mut() } {
            if let Err(error) = body(reply) {
                reply.fail(error);
            }
        }
    });
}

/// The reason of the failure that the host function returns. The text is copied.
#[no_mangle]
pub unsafe extern "C" fn ctu_reply_message(reply: *mut ctu_reply, text: *const c_char) {
    // SAFETY: by the header's words.
    unsafe {
        fill(reply, |reply| {
            reply.message = Some(text::text(text, "the message of a reply")?.to_owned());
            Ok(())
        });
    }
}

/// Bytes of a file or of an encoded task; further calls append. The bytes are copied.
#[no_mangle]
pub unsafe extern "C" fn ctu_reply_bytes(reply: *mut ctu_reply, data: *const u8, len: usize) {
    // SAFETY: by the header's words.
    unsafe {
        fill(reply, |reply| {
            let bytes = text::bytes(data, len, "the data of a reply")?;
            let whole = (reply.bytes.len() as u64).saturating_add(bytes.len() as u64);
            if reply.bytes_limit.is_some_and(|limit| whole > limit) {
                return Err(Error::new(ErrorKind::TooLarge, format!("the host gave over {whole} bytes")));
            }
            reply.bytes.extend_from_slice(bytes);
            Ok(())
        });
    }
}

/// One entry: a child for list, the path itself for stat (whose name may be anything). `len` in bytes, `mtime_ms` in
/// milliseconds since 1970. The name is copied; one that is not UTF-8 is reported as unknown and never touched.
#[no_mangle]
pub unsafe extern "C" fn ctu_reply_entry(
    reply: *mut ctu_reply,
    name: *const c_char,
    is_dir: bool,
    len: u64,
    mtime_ms: i64,
) {
    // SAFETY: by the header's words.
    unsafe {
        fill(reply, |reply| {
            let (name, exact) = match text::text(name, "the name of an entry") {
                Ok(name) => (name.to_owned(), true),
                Err(error) if error.kind() != ErrorKind::InvalidArgument || name.is_null() => return Err(error),
                Err(_) => (CStr::from_ptr(name).to_string_lossy().into_owned(), false),
            };
            let kind = if is_dir { Kind::Folder } else { Kind::File };
            reply.entries.push(Entry {
                name,
                exact,
                stat: Stat { kind, length: if is_dir { 0 } else { len }, mtime_ms },
            });
            Ok(())
        });
    }
}

/// One name, of a PC, a node or the holder of a lock; further calls append. The name is copied.
#[no_mangle]
pub unsafe extern "C" fn ctu_reply_name(reply: *mut ctu_reply, name: *const c_char) {
    // SAFETY: by the header's words.
    unsafe {
        fill(reply, |reply| {
            reply.names.push(text::text(name, "a name of a reply")?.to_owned());
            Ok(())
        });
    }
}

/// The task that decode_v1 found. The struct and its strings are copied.
#[no_mangle]
pub unsafe extern "C" fn ctu_reply_task_v1(reply: *mut ctu_reply, task: *const ctu_task_v1) {
    // SAFETY: by the header's words.
    unsafe {
        fill(reply, |reply| {
            reply.task_v1 = Some(task::read_v1(task)?);
            Ok(())
        });
    }
}

/// The task that decode_v2 found. The struct and its strings are copied.
#[no_mangle]
pub unsafe extern "C" fn ctu_reply_task_v2(reply: *mut ctu_reply, task: *const ctu_task_v2) {
    // SAFETY: by the header's words.
    unsafe {
        fill(reply, |reply| {
            reply.task_v2 = Some(task::read_v2(task)?);
            Ok(())
        });
    }
}
