//! Texts in another language.

use std::ffi::c_char;

use super::boundary::answer;
use super::buffer::ctu_buffer;
use super::error::ctu_error;
use super::text;
use crate::language::{translate, Language};

/// A text of this library (a summary, a message, a next action, a line of the log) in another language, line by line; at
/// most 1 MiB. What has no translation stays as it is, and so do names, paths and numbers. `language` is "en" or "zh", or
/// a locale such as "zh_CN.UTF-8", "C" or "POSIX": what stands before the first `_`, `.` or `@` counts, and any other
/// language is English, which gives the same text back. The library itself speaks English; it reads no environment and
/// keeps no setting. `*out` is owned by the caller, NULL on failure. Any thread may call it.
#[no_mangle]
pub unsafe extern "C" fn ctu_text_translate(
    text: *const c_char,
    language: *const c_char,
    out: *mut *mut ctu_buffer,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        answer(out, || {
            let text = text::long_text(text, "text")?;
            let language = Language::of_locale(text::text(language, "language")?);
            Ok(ctu_buffer::into_raw(translate(text, language).into_bytes()))
        })
    }
}
