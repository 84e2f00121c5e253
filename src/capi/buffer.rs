//! `ctu_buffer`: bytes that the caller owns.

use super::boundary::infallible;

/// Bytes, with a NUL after the last one. The caller owns it and ends it with ctu_buffer_free.
pub struct ctu_buffer {
    /// With the NUL.
    bytes: Vec<u8>,
}

impl ctu_buffer {
    /// An owned buffer for the caller.
    pub(super) fn into_raw(mut bytes: Vec<u8>) -> *mut Self {
        bytes.push(0);
        Box::into_raw(Box::new(Self { bytes }))
    }
}

/// The bytes; a NUL follows the last one, so that text can be read as a C string. Lives as long as the buffer; NULL for
/// NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_buffer_data(buffer: *const ctu_buffer) -> *const u8 {
    // SAFETY: NULL or a live buffer, by the header's words.
    infallible(std::ptr::null(), || unsafe { buffer.as_ref() }.map_or(std::ptr::null(), |buffer| buffer.bytes.as_ptr()))
}

/// How many bytes there are, without the NUL; 0 for NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_buffer_len(buffer: *const ctu_buffer) -> usize {
    // SAFETY: NULL or a live buffer, by the header's words.
    infallible(0, || unsafe { buffer.as_ref() }.map_or(0, |buffer| buffer.bytes.len().saturating_sub(1)))
}

/// Ends a buffer. NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn ctu_buffer_free(buffer: *mut ctu_buffer) {
    infallible((), || {
        if !buffer.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(buffer) });
        }
    });
}
