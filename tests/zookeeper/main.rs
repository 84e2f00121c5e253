//! The lock and the liveness in `ZooKeeper`, against a real server that is killed, stopped and started again.

#![cfg(feature = "zookeeper")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../cluster/mod.rs"]
mod cluster;

mod away;
mod holder;
mod liveness;
mod lock;
mod proxy;
mod shared;
#[cfg(feature = "zookeeper-tls")]
mod tls;
