//! A real HDFS and a real ZooKeeper for the tests, as processes of their own on free ports of 127.0.0.1.
//!
//! Each cluster has a temporary folder of its own, is shared with no other run, and goes when it is dropped; when the
//! test process dies in any way, the kernel kills the servers with it. Without Java or Maven a start fails with one
//! line that says what is missing: nothing is skipped.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

pub mod certificates;
pub mod ha;
pub mod hdfs;
pub mod java;
pub mod kdc;
pub mod ports;
pub mod secure;
pub mod server;
pub mod zookeeper;

/// What a test does when a cluster cannot be had is to fail with this one line.
pub type Result<T> = std::result::Result<T, String>;
