//! The mark files, for hosts that drive their own loop.

use std::ffi::c_char;

use super::boundary::need_out;
use super::error::ctu_error;
use super::session::{ctu_session, with};
use super::text::text;
use crate::Session;

/// Marks a task as being converted for a node (seed: MarkUpgradingFile). Needs the session's lock: ctu_session_lock.
#[no_mangle]
pub unsafe extern "C" fn ctu_mark_upgrading(
    session: *mut ctu_session,
    v1_base: *const c_char,
    node: *const c_char,
) -> *mut ctu_error {
    // SAFETY: by the header's words, here and in every call below.
    unsafe { with(session, |session| session.mark_upgrading(text(v1_base, "v1_base")?, text(node, "node")?)) }
}

/// Marks a task as converted (seed: MarkUpgradedFile); CTU_NOT_FOUND where it was not marked as being so for this node.
/// Needs the session's lock.
#[no_mangle]
pub unsafe extern "C" fn ctu_mark_upgraded(
    session: *mut ctu_session,
    v1_base: *const c_char,
    node: *const c_char,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, |session| session.mark_upgraded(text(v1_base, "v1_base")?, text(node, "node")?)) }
}

/// Whether a task is converted (seed: IfUpgraded). `*out` is false on failure.
#[no_mangle]
pub unsafe extern "C" fn ctu_mark_is_upgraded(
    session: *mut ctu_session,
    v1_base: *const c_char,
    out: *mut bool,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        if !out.is_null() {
            out.write(false);
        }
        with(session, |session| {
            need_out(out)?;
            out.write(session.mark_is_upgraded(text(v1_base, "v1_base")?)?);
            Ok(())
        })
    }
}

/// Removes every mark of a task (seed: UnMarkUpgradeFile); fine where it has none. Needs the session's lock.
#[no_mangle]
pub unsafe extern "C" fn ctu_mark_remove(session: *mut ctu_session, v1_base: *const c_char) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, |session| session.mark_remove(text(v1_base, "v1_base")?)) }
}

/// Marks the whole upgrade as complete (seed: MarkAllFileUpgrade): writes the manifest and makes the done mark.
/// CTU_REFUSED, with the names, unless every V1 task is marked as converted. Needs the session's lock.
#[no_mangle]
pub unsafe extern "C" fn ctu_mark_all_upgraded(session: *mut ctu_session) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, Session::mark_all_upgraded) }
}

/// Clears the marks of a complete upgrade (seed: ClearAllFileUpgradeMark): the small ones beside the done mark while V1
/// is there, the done mark itself once V1 is gone. CTU_REFUSED while an upgrade is under way. Needs the session's lock.
#[no_mangle]
pub unsafe extern "C" fn ctu_mark_clear_all(session: *mut ctu_session) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, Session::mark_clear_all) }
}
