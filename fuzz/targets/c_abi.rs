//! The C ABI, by scripts of calls in any order: see `fuzzing::c_abi`.

#![no_main]

use fuzzing::{c_abi, memory};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| memory::leaks_nothing(|| c_abi::run(bytes)));
