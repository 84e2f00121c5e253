//! C functions of the host as the crate's own traits. Each table of functions is copied when it is handed in.
//!
//! A host function must not throw, must not call back into the session that called it, and keeps no pointer that it was
//! given.

mod catalog;
mod codec;
mod liveness;
mod lock;
mod log;
mod storage;

use std::ffi::{c_void, CString};

pub use self::catalog::ctu_catalog_vtable;
pub use self::codec::ctu_codec_vtable;
pub use self::liveness::ctu_liveness_vtable;
pub use self::lock::ctu_lock_vtable;
pub use self::log::ctu_log_fn;
pub use self::storage::ctu_storage_vtable;

pub(super) use self::catalog::HostCatalog;
pub(super) use self::codec::HostCodec;
pub(super) use self::liveness::HostLiveness;
pub(super) use self::lock::HostLock;
pub(super) use self::log::host_log;
pub(super) use self::storage::HostStorage;

use crate::error::{Error, ErrorKind, Result};

/// The host's own data, released once, when the config, every session opened from it and every job of these are freed.
pub(super) struct HostData {
    user_data: *mut c_void,
    release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

// SAFETY: the pointer is only handed back to the host's functions; the header says from which threads they are called,
// and that the host's data must bear that.
unsafe impl Send for HostData {}
// SAFETY: as above.
unsafe impl Sync for HostData {}

impl HostData {
    pub(super) fn new(user_data: *mut c_void, release: Option<unsafe extern "C" fn(user_data: *mut c_void)>) -> Self {
        Self { user_data, release }
    }

    fn get(&self) -> *mut c_void {
        self.user_data
    }
}

impl Drop for HostData {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: the host handed this function in for this data, and it is called once.
            unsafe { release(self.user_data) };
        }
    }
}

/// A function that a table must have.
fn need<F>(function: Option<F>, table: &str, name: &str) -> Result<F> {
    function.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, format!("{table}.{name} is NULL")))
}

/// A path or a name for a host function.
fn c_text(text: &str) -> Result<CString> {
    super::text::exact_c_string(text, "a name")
}
