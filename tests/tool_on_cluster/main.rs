//! The real tool on a real HDFS and a real `ZooKeeper`, and what happens to them in the night: kills, stops, quotas,
//! safe mode, servers that go away. However a run ended, one plain run after it must leave the bytes that an undisturbed
//! run leaves.
//!
//! The tool is the one that the environment variable `CIRRODATA_TOOL` names; the Makefile builds it and sets the
//! variable.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../cluster/mod.rs"]
mod cluster;
#[path = "../support/mod.rs"]
mod support;

mod audit;
mod kills;
mod many;
mod name_node;
mod nodes_online;
mod quotas;
mod scenes;
mod servers;
mod stopped;
mod together;
mod tool;
mod tree;
mod zookeeper_away;
