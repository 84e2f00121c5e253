//! The host's codec, for the bytes that an installed CirroData writes.

use std::ffi::c_void;

use super::{need, HostData};
use crate::capi::error::ctu_code;
use crate::capi::reply::ctu_reply;
use crate::capi::structs::Sized_;
use crate::capi::task::{ctu_task_v1, ctu_task_v2, V1Strings, V2Strings};
use crate::error::{Error, ErrorKind, Result};
use crate::task::{Codec, TaskV1, TaskV2, FILE_BYTES_LIMIT};

/// The host's codec, for the bytes that an installed CirroData writes; then the library never looks inside a file.
/// Called on the thread of the run. Encoding must give the same bytes for the same task each time.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_codec_vtable {
    /// sizeof(ctu_codec_vtable), set by the caller.
    pub struct_size: usize,
    /// Answers with ctu_reply_task_v1; CTU_CORRUPT with the offset and the reason in ctu_reply_message.
    pub decode_v1: Option<
        unsafe extern "C" fn(user_data: *mut c_void, data: *const u8, len: usize, reply: *mut ctu_reply) -> ctu_code,
    >,
    /// Answers with ctu_reply_bytes.
    pub encode_v1: Option<
        unsafe extern "C" fn(user_data: *mut c_void, task: *const ctu_task_v1, reply: *mut ctu_reply) -> ctu_code,
    >,
    /// Answers with ctu_reply_task_v2; CTU_CORRUPT with the offset and the reason in ctu_reply_message.
    pub decode_v2: Option<
        unsafe extern "C" fn(user_data: *mut c_void, data: *const u8, len: usize, reply: *mut ctu_reply) -> ctu_code,
    >,
    /// Answers with ctu_reply_bytes.
    pub encode_v2: Option<
        unsafe extern "C" fn(user_data: *mut c_void, task: *const ctu_task_v2, reply: *mut ctu_reply) -> ctu_code,
    >,
    /// Called once, when the library needs user_data no more; may be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid: NULL functions, which `check` refuses.
unsafe impl Sized_ for ctu_codec_vtable {
    const NAME: &'static str = "ctu_codec_vtable";
}

/// The host's codec behind the crate's own trait.
pub(in crate::capi) struct HostCodec {
    table: ctu_codec_vtable,
    data: HostData,
}

impl HostCodec {
    pub(in crate::capi) fn check(table: &ctu_codec_vtable) -> Result<()> {
        let name = ctu_codec_vtable::NAME;
        need(table.decode_v1, name, "decode_v1")?;
        need(table.encode_v1, name, "encode_v1")?;
        need(table.decode_v2, name, "decode_v2")?;
        need(table.encode_v2, name, "encode_v2").map(|_| ())
    }

    pub(in crate::capi) fn new(table: ctu_codec_vtable, data: HostData) -> Self {
        Self { table, data }
    }
}

impl Codec for HostCodec {
    fn decode_v1(&self, bytes: &[u8]) -> Result<TaskV1> {
        let function = need(self.table.decode_v1, ctu_codec_vtable::NAME, "decode_v1")?;
        // SAFETY: the host's function with the host's data; the bytes and the reply live through the call.
        let call = |reply: *mut ctu_reply| unsafe { function(self.data.get(), bytes.as_ptr(), bytes.len(), reply) };
        ctu_reply::default().of("decode_v1", call)?.task_v1.ok_or_else(|| unanswered("decode_v1", "ctu_reply_task_v1"))
    }

    fn encode_v1(&self, task: &TaskV1) -> Result<Vec<u8>> {
        let function = need(self.table.encode_v1, ctu_codec_vtable::NAME, "encode_v1")?;
        let task = V1Strings::new(task)?;
        // SAFETY: as above; the task lives through the call.
        let call = |reply: *mut ctu_reply| unsafe { function(self.data.get(), task.raw(), reply) };
        encoded(ctu_reply::with_limit(FILE_BYTES_LIMIT).of("encode_v1", call)?, "encode_v1")
    }

    fn decode_v2(&self, bytes: &[u8]) -> Result<TaskV2> {
        let function = need(self.table.decode_v2, ctu_codec_vtable::NAME, "decode_v2")?;
        // SAFETY: as above.
        let call = |reply: *mut ctu_reply| unsafe { function(self.data.get(), bytes.as_ptr(), bytes.len(), reply) };
        ctu_reply::default().of("decode_v2", call)?.task_v2.ok_or_else(|| unanswered("decode_v2", "ctu_reply_task_v2"))
    }

    fn encode_v2(&self, task: &TaskV2) -> Result<Vec<u8>> {
        let function = need(self.table.encode_v2, ctu_codec_vtable::NAME, "encode_v2")?;
        let task = V2Strings::new(task)?;
        // SAFETY: as above; the task lives through the call.
        let call = |reply: *mut ctu_reply| unsafe { function(self.data.get(), task.raw(), reply) };
        encoded(ctu_reply::with_limit(FILE_BYTES_LIMIT).of("encode_v2", call)?, "encode_v2")
    }
}

/// An empty file is a torn one, so no task is encoded as nothing.
fn encoded(reply: ctu_reply, function: &str) -> Result<Vec<u8>> {
    if reply.bytes.is_empty() {
        Err(unanswered(function, "ctu_reply_bytes"))
    } else {
        Ok(reply.bytes)
    }
}

fn unanswered(function: &str, answer: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the host's {function} must answer with {answer}"))
}
