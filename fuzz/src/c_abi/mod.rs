//! The C ABI by scripts: bytes that say which call comes next, with which arguments, and what the host's functions answer.
//!
//! - `script`: the bytes read as choices, and structs with a size that is right, too short, too long, or nonsense.
//! - `host`: a whole host (storage, lock, catalog, liveness, codec) in memory that now and then fails or lies.
//! - `calls`: one step, one export; the objects that were made and not freed yet.
//!
//! A script keeps the header's rules of life and death: nothing is used after its end, and nothing is freed twice. All
//! else is fair.

mod calls;
mod host;
mod script;
pub mod steps;

pub use calls::sample_v1;
pub use script::Script;

/// Runs a script to its end, frees what it made, and holds what is left against what the header promises.
pub fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let host = host::Host::new(&mut script);
    let mut calls = calls::Calls::new(&host);
    while !script.is_over() {
        calls.step(&mut script);
    }
    calls.free_all();
    host.judge();
}
