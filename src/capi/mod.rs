//! The C ABI: the only unsafe code of the crate.
//!
//! - `boundary`: what every export passes through; no panic crosses it.
//! - `text`, `structs`: strings and sized structs across the border.
//! - `error`, `buffer`, `reply`: what the other objects need.
//! - `host`: C functions of the host as the crate's own traits.
//! - one file a C object: `config`, `session`, `report`, `job`, `task`, `marks`, `language`.
//!
//! Order of arguments: self, inputs, outputs. A fallible call returns NULL or an owned `ctu_error`. Outputs are written
//! on every path. Strings in are NUL-ended UTF-8 and are copied; strings out belong to the object they come from.

#![allow(unsafe_code, reason = "this is the border to C")]
#![allow(clippy::doc_markdown, reason = "these comments become those of the header, where backticks mean nothing")]
#![allow(non_camel_case_types, reason = "the names are those of the C header")]
#![allow(dead_code, reason = "constants are for the header, and tests hold them against the kinds they name")]

mod boundary;
mod buffer;
mod config;
mod error;
mod hdfs;
mod host;
mod job;
mod language;
mod marks;
mod reply;
mod report;
mod session;
mod structs;
mod task;
mod text;
mod version;
mod zookeeper;

/// The border as Rust items, for the fuzz targets alone: a copy of the structs beside them would not follow a change.
#[cfg(feature = "fuzzing")]
pub mod c_abi {
    pub use super::buffer::*;
    pub use super::config::*;
    pub use super::error::*;
    pub use super::host::{
        ctu_catalog_vtable, ctu_codec_vtable, ctu_liveness_vtable, ctu_lock_vtable, ctu_storage_vtable,
    };
    pub use super::job::*;
    pub use super::language::*;
    pub use super::marks::*;
    pub use super::reply::*;
    pub use super::report::*;
    pub use super::session::*;
    pub use super::task::*;
    pub use super::version::*;
}

#[cfg(test)]
mod tests;
