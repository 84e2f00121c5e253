//! What the integration tests share: trees to work on, a storage that fails where it is told to, and a checker that
//! reads trees and shares no code with what it checks.

#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

pub mod checker;
pub mod chinese;
pub mod courses;
pub mod disk;
pub mod faults;
pub mod meddling;
pub mod places;
pub mod recording;
pub mod returned;
pub mod run_names;
pub mod sessions;
pub mod steps;
pub mod sweep;
pub mod task_bytes;
pub mod trees;
pub mod turns;
pub mod v1_files;
pub mod ways_back;
