//! What UPGRADE, DELETE and STATUS do, and what they refuse to do, in the words of the design: each on a tree in memory
//! and on a tree on disk wherever the storage could make a difference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../support/mod.rs"]
mod support;

mod broken_files;
mod delete;
mod error_kinds;
mod gate;
mod language;
mod locking;
mod lost_manifest;
mod marks;
mod online;
mod ordinals;
mod picture;
mod placement;
mod plan;
mod rare_courses;
mod recovery_cancel;
mod recovery_downgrade;
mod recovery_refusals;
mod recovery_resume;
mod refusals;
mod reopen;
mod reports;
mod status;
mod upgrade;
