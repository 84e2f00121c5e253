//! Upgrades CirroData compaction tasks from the old layout (V1) to the new one (V2).
pub mod error;
pub mod layout;
pub mod plan;
pub mod storage;
pub mod task;
pub mod tree;
