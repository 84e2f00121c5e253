//! The C ABI, as `include/cirrodata_terminal.h` says it. No panic crosses it, and NULL is fine for every object.
#![allow(unsafe_code, reason = "pointers from C")]
#![allow(non_camel_case_types, reason = "the names that C sees")]

use std::ffi::{c_char, c_void, CStr, CString};
use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::bar::Bar;
use crate::table::Table;

/// A bar on stderr.
pub struct cdt_bar(Bar);

/// A table, with its text as it was handed out last.
pub struct cdt_table {
    table: Table,
    text: CString,
}

/// Writes something while the bar is off the screen.
pub type cdt_write_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// What the body says, or the fallback where it panics.
fn contained<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

/// # Safety
/// `text` is NULL or ends in a NUL.
unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// # Safety
/// `cells` points to `count` texts, each NULL or with a NUL at its end, or is NULL.
unsafe fn texts(cells: *const *const c_char, count: usize) -> Vec<String> {
    if cells.is_null() {
        return Vec::new();
    }
    // SAFETY: as promised by the caller.
    (0..count).map(|index| crate::printable(&unsafe { text(*cells.add(index)) })).collect()
}

/// A bar, not drawn yet; NULL where there can be none. Ended by `cdt_bar_free`.
///
/// # Safety
/// `time_left` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn cdt_bar_new(colours: bool, time_left: *const c_char) -> *mut cdt_bar {
    contained(std::ptr::null_mut(), || {
        // SAFETY: as promised by the caller.
        let time_left = unsafe { text(time_left) };
        Bar::new(colours, &time_left).map_or(std::ptr::null_mut(), |bar| Box::into_raw(Box::new(cdt_bar(bar))))
    })
}

/// Shows how far a run is.
///
/// # Safety
/// `bar` is NULL or a live bar; the texts are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn cdt_bar_show(
    bar: *const cdt_bar,
    label: *const c_char,
    task: *const c_char,
    seen: u64,
    total: u64,
) {
    contained((), || {
        // SAFETY: as promised by the caller.
        let (bar, label, task) = unsafe { (bar.as_ref(), text(label), text(task)) };
        if let Some(bar) = bar {
            bar.0.show(&label, &task, seen, total);
        }
    });
}

/// Calls a function while the bar is off the screen, once, also where there is no bar.
///
/// # Safety
/// `bar` is NULL or a live bar; `write` may be called with `user_data` and does not unwind.
#[no_mangle]
pub unsafe extern "C" fn cdt_bar_suspend(bar: *const cdt_bar, write: cdt_write_fn, user_data: *mut c_void) {
    let Some(write) = write else { return };
    let called = std::cell::Cell::new(false);
    let call = || {
        called.set(true);
        // SAFETY: as promised by the caller.
        unsafe { write(user_data) };
    };
    contained((), || {
        // SAFETY: as promised by the caller.
        if let Some(bar) = unsafe { bar.as_ref() } {
            bar.0.suspend(call);
        }
    });
    // A line of the log must not be lost with a bar that fails.
    if !called.get() {
        call();
    }
}

/// Takes the bar off the screen for good. NULL is fine.
///
/// # Safety
/// `bar` is NULL or a live bar, which this call ends.
#[no_mangle]
pub unsafe extern "C" fn cdt_bar_free(bar: *mut cdt_bar) {
    contained((), || {
        if !bar.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(bar) });
        }
    });
}

/// A table; NULL where there can be none. Ended by `cdt_table_free`.
#[no_mangle]
pub extern "C" fn cdt_table_new(width: u16) -> *mut cdt_table {
    contained(std::ptr::null_mut(), || {
        Box::into_raw(Box::new(cdt_table { table: Table::new(width), text: CString::default() }))
    })
}

/// The names of the columns.
///
/// # Safety
/// `table` is NULL or a live table; `cells` points to `count` C strings.
#[no_mangle]
pub unsafe extern "C" fn cdt_table_head(table: *mut cdt_table, cells: *const *const c_char, count: usize) {
    contained((), || {
        // SAFETY: as promised by the caller.
        if let (Some(table), cells) = unsafe { (table.as_mut(), texts(cells, count)) } {
            table.table.head(&cells);
        }
    });
}

/// One more row.
///
/// # Safety
/// As for `cdt_table_head`.
#[no_mangle]
pub unsafe extern "C" fn cdt_table_row(table: *mut cdt_table, cells: *const *const c_char, count: usize) {
    contained((), || {
        // SAFETY: as promised by the caller.
        if let (Some(table), cells) = unsafe { (table.as_mut(), texts(cells, count)) } {
            table.table.row(&cells);
        }
    });
}

/// The table as text; lives until the next call with this table. "" for NULL.
///
/// # Safety
/// `table` is NULL or a live table.
#[no_mangle]
pub unsafe extern "C" fn cdt_table_text(table: *mut cdt_table) -> *const c_char {
    contained(c"".as_ptr(), || {
        // SAFETY: as promised by the caller.
        let Some(table) = (unsafe { table.as_mut() }) else { return c"".as_ptr() };
        // No cell has a NUL, since it came as a C string.
        table.text = CString::new(table.table.text()).unwrap_or_default();
        table.text.as_ptr()
    })
}

/// Ends a table. NULL is fine.
///
/// # Safety
/// `table` is NULL or a live table, which this call ends.
#[no_mangle]
pub unsafe extern "C" fn cdt_table_free(table: *mut cdt_table) {
    contained((), || {
        if !table.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(table) });
        }
    });
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;

    unsafe extern "C" fn count(user_data: *mut c_void) {
        // SAFETY: the tests hand over a counter.
        unsafe { *user_data.cast::<u32>() += 1 };
    }

    #[test]
    fn null_is_fine() {
        let mut calls = 0_u32;
        // SAFETY: NULL is fine, and the counter lives.
        unsafe {
            cdt_bar_show(null(), null(), null(), 1, 2);
            cdt_bar_suspend(null(), None, null_mut());
            cdt_bar_suspend(null(), Some(count), (&raw mut calls).cast());
            cdt_bar_free(null_mut());
            cdt_table_head(null_mut(), null(), 3);
            cdt_table_row(null_mut(), null(), 3);
            assert_eq!(CStr::from_ptr(cdt_table_text(null_mut())), c"");
            cdt_table_free(null_mut());
        }
        assert_eq!(calls, 1, "what is to be written is written without a bar too");
    }

    #[test]
    fn what_is_written_is_written_once() {
        let mut calls = 0_u32;
        // SAFETY: the bar lives, and so does the counter.
        unsafe {
            let bar = cdt_bar_new(false, c"left".as_ptr());
            assert!(!bar.is_null());
            cdt_bar_show(bar, c"listing".as_ptr(), null(), 0, 0);
            cdt_bar_suspend(bar, Some(count), (&raw mut calls).cast());
            cdt_bar_show(bar, c"going".as_ptr(), c"task".as_ptr(), 3, 2);
            cdt_bar_free(bar);
        }
        assert_eq!(calls, 1);
    }

    #[test]
    fn a_panic_does_not_cross() {
        assert_eq!(contained(7, || panic!("inside")), 7);
    }

    #[test]
    fn cells_are_made_printable() {
        // SAFETY: the table lives, and its cells are C strings or NULL.
        unsafe {
            let table = cdt_table_new(0);
            let cells = [c"a\x1b[2Jb\nc".as_ptr(), null(), c"\xFF".as_ptr()];
            cdt_table_row(table, cells.as_ptr(), cells.len());
            let text = CStr::from_ptr(cdt_table_text(table)).to_str().unwrap().to_owned();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("a\u{FFFD}[2Jb\u{FFFD}c") && text.ends_with("\u{FFFD}\n"), "{text:?}");
            cdt_table_free(table);
        }
    }
}
