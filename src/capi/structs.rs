//! Structs that cross: they begin with their size, so that they can grow.

use std::mem::MaybeUninit;

use crate::error::{Error, ErrorKind, Result};

/// No struct of this ABI will ever be longer; a size beyond it is garbage.
const STRUCT_BYTES_LIMIT: usize = 4_096;

/// A `repr(C)` struct whose first field is `size_t struct_size`, and for which zero bytes are a valid value.
///
/// # Safety
/// Both must hold, and every bit pattern must be valid but for the bytes at [`Self::BOOL_OFFSETS`], which hold a bool.
pub(super) unsafe trait Sized_: Copy {
    /// The struct's C name, for errors.
    const NAME: &'static str;
    /// Where its bools are.
    const BOOL_OFFSETS: &'static [usize] = &[];
}

/// Reads a struct from a caller that may be older (shorter: the rest is zero) or newer (longer: the rest must be zero).
///
/// # Safety
/// `pointer` is NULL, or points to a `size_t` that says how many bytes are readable there.
pub(super) unsafe fn read<T: Sized_>(pointer: *const T) -> Result<T> {
    // SAFETY: as promised by the caller.
    let size = unsafe { size_of(pointer) }?;
    // SAFETY: `size` bytes are readable, as promised by the caller.
    let bytes = unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), size) };
    let known = std::mem::size_of::<T>();
    if bytes.get(known..).is_some_and(|tail| tail.iter().any(|byte| *byte != 0)) {
        return Err(invalid::<T>("it is from a newer header and uses what this version does not know"));
    }
    if T::BOOL_OFFSETS.iter().any(|offset| bytes.get(*offset).is_some_and(|byte| *byte > 1)) {
        return Err(invalid::<T>("a bool in it is neither 0 nor 1"));
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: at most `known` bytes are written, into a value of that size; the bools were checked, and every other
    // bit pattern is valid by the trait's promise.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), value.as_mut_ptr().cast::<u8>(), size.min(known));
        Ok(value.assume_init())
    }
}

/// Fills in a struct of a caller that may be older or newer: as much as it has room for, its size left as it is.
///
/// # Safety
/// `pointer` is NULL, or points to a `size_t` that says how many bytes are writable there.
pub(super) unsafe fn write<T: Sized_>(pointer: *mut T, value: &T) -> Result<()> {
    // SAFETY: as promised by the caller.
    let size = unsafe { size_of(pointer.cast_const()) }?;
    let first = std::mem::size_of::<usize>();
    let count = size.min(std::mem::size_of::<T>()) - first;
    // SAFETY: `count` bytes after the first field lie within both; the rest of a longer struct is zeroed within its
    // `size`.
    unsafe {
        let (from, to) = (std::ptr::from_ref(value).cast::<u8>(), pointer.cast::<u8>());
        std::ptr::copy_nonoverlapping(from.add(first), to.add(first), count);
        std::ptr::write_bytes(to.add(first + count), 0, size - first - count);
    }
    Ok(())
}

/// Zeroes a struct that is to be filled in, but for its size, so that a failure leaves nothing old in it.
///
/// # Safety
/// As for [`write()`].
pub(super) unsafe fn clear<T: Sized_>(pointer: *mut T) -> Result<()> {
    // SAFETY: as promised by the caller.
    let size = unsafe { size_of(pointer.cast_const()) }?;
    let first = std::mem::size_of::<usize>();
    // SAFETY: `size` bytes are writable, as promised by the caller.
    unsafe { std::ptr::write_bytes(pointer.cast::<u8>().add(first), 0, size - first) };
    Ok(())
}

/// # Safety
/// `pointer` is NULL or points to a readable `size_t`.
unsafe fn size_of<T: Sized_>(pointer: *const T) -> Result<usize> {
    if pointer.is_null() {
        return Err(Error::new(ErrorKind::InvalidArgument, format!("the {} is NULL", T::NAME)));
    }
    // SAFETY: as promised by the caller; a C struct may lie unaligned in a packed one.
    let size = unsafe { pointer.cast::<usize>().read_unaligned() };
    let word = std::mem::size_of::<usize>();
    // The size of a struct with a size_t in it is a number of whole words: one that is not would end in half a pointer.
    if !(word..=STRUCT_BYTES_LIMIT).contains(&size) || size % word != 0 {
        return Err(invalid::<T>(&format!("its struct_size is {size}: set it to sizeof({})", T::NAME)));
    }
    Ok(size)
}

fn invalid<T: Sized_>(why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the {} cannot be used: {why}", T::NAME))
}
