//! The version of the library and of its ABI.

use std::ffi::c_char;

use super::boundary::infallible;

/// The version of this ABI. It only grows: a newer library of the same number serves every older caller.
pub const CTU_ABI_VERSION: u32 = 1;

/// The ABI version of the library that is loaded, to hold against CTU_ABI_VERSION of the header.
#[no_mangle]
pub extern "C" fn ctu_abi_version() -> u32 {
    infallible(0, || CTU_ABI_VERSION)
}

/// The version of the library that is loaded, such as "0.1.0". Lives for ever.
#[no_mangle]
pub extern "C" fn ctu_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    infallible(VERSION.as_ptr().cast(), || VERSION.as_ptr().cast())
}
