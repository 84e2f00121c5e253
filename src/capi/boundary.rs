//! The boundary that every export passes through.

use std::panic::{catch_unwind, AssertUnwindSafe};

use super::error::ctu_error;
use crate::error::{Error, ErrorKind, Result};

/// Runs the body of an infallible export; a panic gives the fallback.
pub(super) fn infallible<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    caught(body).unwrap_or(fallback)
}

/// Runs the body of a fallible export: NULL, or an error that the caller owns. A panic is `CTU_INTERNAL`.
pub(super) fn fallible(body: impl FnOnce() -> Result<()>) -> *mut ctu_error {
    let result = caught(body).unwrap_or_else(Err);
    match result {
        Ok(()) => std::ptr::null_mut(),
        Err(error) => Box::into_raw(Box::new(ctu_error::from(error))),
    }
}

/// Runs the body of a fallible export that answers with an object: the object goes into `*out`, which is NULL on failure.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn answer<T>(out: *mut *mut T, body: impl FnOnce() -> Result<*mut T>) -> *mut ctu_error {
    // SAFETY: as promised by the caller, here and below.
    unsafe { clear_out(out) };
    fallible(|| {
        need_out(out)?;
        let object = body()?;
        // SAFETY: it is not NULL.
        unsafe { out.write(object) };
        Ok(())
    })
}

/// Clears an output.
///
/// # Safety
/// `out` is NULL or writable.
pub(super) unsafe fn clear_out<T>(out: *mut *mut T) {
    if !out.is_null() {
        // SAFETY: as promised by the caller.
        unsafe { out.write(std::ptr::null_mut()) };
    }
}

pub(super) fn need_out<T>(out: *mut T) -> Result<()> {
    if out.is_null() {
        return Err(Error::new(ErrorKind::InvalidArgument, "the place for the answer is NULL"));
    }
    Ok(())
}

/// The value of the body, or its panic as an error.
fn caught<T>(body: impl FnOnce() -> T) -> Result<T> {
    let body = || {
        #[cfg(feature = "test-hooks")]
        hooks::panic_if_armed();
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        #[cfg(feature = "test-hooks")]
        hooks::count();
        Error::of_panic(payload)
    })
}

/// Two exports by which a test makes the next export of this thread panic inside its boundary.
#[cfg(feature = "test-hooks")]
pub(super) mod hooks {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    thread_local!(static ARMED: Cell<bool> = const { Cell::new(false) });
    static CAUGHT: AtomicU64 = AtomicU64::new(0);

    #[allow(clippy::panic, reason = "this is the panic that the test asks for")]
    pub(super) fn panic_if_armed() {
        assert!(!ARMED.replace(false), "a test asked for this panic");
    }

    pub(super) fn count() {
        CAUGHT.fetch_add(1, Ordering::SeqCst);
    }

    /// Makes the next export that this thread calls panic.
    #[no_mangle]
    pub extern "C" fn ctu_test_arm_panic() {
        ARMED.set(true);
    }

    /// How many panics the boundary has caught in this process.
    #[no_mangle]
    pub extern "C" fn ctu_test_caught_panics() -> u64 {
        CAUGHT.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::{ctu_error_code, ctu_error_free, CTU_INTERNAL};
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error_or_the_fallback() {
        let error = fallible(|| panic!("on purpose"));
        // SAFETY: the error was just made and is freed once.
        unsafe {
            assert_eq!(ctu_error_code(error), CTU_INTERNAL);
            ctu_error_free(error);
        }
        assert_eq!(infallible(7, || std::panic::panic_any(5)), 7);
    }
}
