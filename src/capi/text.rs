//! Strings across the border.

use std::ffi::{c_char, CString};

use crate::error::{Error, ErrorKind, Result};

/// The most bytes that a string from C may have; a string without its NUL is not read for ever.
const STRING_BYTES_LIMIT: usize = 64 << 10;

/// The same for a text that this library made and that comes back, such as a summary with many long names.
const LONG_TEXT_BYTES_LIMIT: usize = 1 << 20;

/// The text of a C string; `name` is the argument's, for the error.
///
/// # Safety
/// `text` is NULL or points to a NUL, or to at least `STRING_BYTES_LIMIT` readable bytes.
pub(super) unsafe fn text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: as promised by the caller.
    unsafe { limited(text, name, STRING_BYTES_LIMIT) }
}

/// The same of a text of many lines.
///
/// # Safety
/// `text` is NULL or points to a NUL, or to at least `LONG_TEXT_BYTES_LIMIT` readable bytes.
pub(super) unsafe fn long_text<'a>(text: *const c_char, name: &str) -> Result<&'a str> {
    // SAFETY: as promised by the caller.
    unsafe { limited(text, name, LONG_TEXT_BYTES_LIMIT) }
}

/// # Safety
/// `text` is NULL or points to a NUL, or to at least `limit` readable bytes.
unsafe fn limited<'a>(text: *const c_char, name: &str, limit: usize) -> Result<&'a str> {
    if text.is_null() {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("{name} is NULL")));
    }
    // SAFETY: as promised by the caller; strnlen stops at the NUL or the limit.
    let length = unsafe { libc::strnlen(text, limit) };
    if length == limit {
        return Err(Error::new(ErrorKind::TooLarge, format!("{name} has {limit} bytes or more")));
    }
    // SAFETY: strnlen read these bytes.
    let bytes = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), length) };
    std::str::from_utf8(bytes)
        .map_err(|error| Error::new(ErrorKind::InvalidArgument, format!("{name} is not UTF-8: {error}")))
}

/// A text as a C string for an object that keeps it. Texts of messages hold no NUL; where one does, it is shown.
pub(super) fn c_string(text: &str) -> CString {
    CString::new(text).unwrap_or_else(|_| CString::new(text.replace('\0', "\\0")).unwrap_or_default())
}

/// A text as a C string, where it must be the same to the byte.
pub(super) fn exact_c_string(text: &str, name: &str) -> Result<CString> {
    CString::new(text)
        .map_err(|_| Error::new(ErrorKind::InvalidArgument, format!("{name} holds a NUL, which a C string cannot")))
}

/// Bytes from C; NULL is fine where there are none.
///
/// # Safety
/// `data` points to `length` readable bytes, or `length` is 0.
pub(super) unsafe fn bytes<'a>(data: *const u8, length: usize, name: &str) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("{name} is NULL and its length is {length}")));
    }
    // SAFETY: as promised by the caller.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}
