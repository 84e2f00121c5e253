//! Upgrades CirroData compaction tasks from the old layout on HDFS (V1, `cluster.compact/Compaction`) to the new one
//! (V2, `Compaction_V2`), and survives being stopped anywhere by being run again.
//!
//! The map of the crate; data flows down it:
//!
//! - `capi`: the C ABI; unsafe code is here and in the adapter of libhdfs, nowhere else.
//! - `run`: a session and its operations, where plans meet IO.
//! - [`plan`], [`task`], [`layout`], [`tree`]: pure. Facts in, decisions out.
//! - [`storage`], [`lock`], [`cluster`]: IO, each behind a trait that a host can implement.
//! - `zookeeper` (a cargo feature): the client that the lock and the liveness in `ZooKeeper` share.
//! - [`error`]: the one error.
//! - [`language`]: pure. What the others say, in another language, for who shows it to a person.
//!
//! A Rust host starts at [`SessionBuilder`].

#![cfg_attr(test, allow(missing_docs, reason = "tests are not documented"))]

mod capi;
pub mod cluster;
pub mod error;
pub mod language;
pub mod layout;
pub mod lock;
pub mod plan;
mod run;
pub mod storage;
pub mod task;
pub mod tree;
#[cfg(feature = "zookeeper")]
mod zookeeper;

#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use capi::c_abi;
#[cfg(feature = "zookeeper")]
pub use cluster::ZooKeeperLiveness;
pub use cluster::{AssumeOffline, Catalog, CatalogSnapshot, FileLiveness, Liveness};
pub use error::{Error, ErrorKind, Result};
pub use language::Language;
#[cfg(feature = "zookeeper")]
pub use lock::ZooKeeperLock;
pub use lock::{FileLock, Guard, Lock};
pub use plan::phase::{Gate, Operation, Phase};
pub use plan::placement::PlacementRule;
pub use plan::recovery::RecoveryMode;
pub use run::{
    Counts, Failure, Job, JobProgressSink, LockHolder, LogSink, Outcome, Progress, ProgressSink, Report, Row,
    RunOptions, Session, SessionBuilder, SessionLog, Stage, REPORT_FORMAT, REPORT_TARGET, ROWS_LIMIT,
};
#[cfg(feature = "hdfs-native")]
pub use storage::HdfsNativeStorage;
#[cfg(feature = "hdfs")]
pub use storage::HdfsOptions;
#[cfg(feature = "libhdfs")]
pub use storage::LibhdfsStorage;
pub use storage::{LocalStorage, MemoryStorage, Storage};
pub use task::{Codec, DefaultCodec};
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeperOptions;
#[cfg(feature = "zookeeper-tls")]
pub use zookeeper::ZooKeeperTls;
