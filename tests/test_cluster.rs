//! The test cluster does what the tests on it rely on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod cluster;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use cluster::hdfs::Hdfs;

#[test]
fn hdfs_refuses_counts_and_outlives_kills() {
    let mut hdfs = Hdfs::start().unwrap();
    hdfs.shell(&["-mkdir", "-p", "/a/full"]).unwrap();

    hdfs.safe_mode(true).unwrap();
    let refused = hdfs.shell(&["-mkdir", "/b"]).unwrap_err();
    assert!(refused.contains("safe mode"), "{refused}");
    hdfs.safe_mode(false).unwrap();

    hdfs.name_quota("/a/full", Some(1)).unwrap();
    let refused = hdfs.shell(&["-mkdir", "/a/full/more"]).unwrap_err();
    assert!(refused.contains("quota"), "{refused}");
    hdfs.name_quota("/a/full", None).unwrap();

    hdfs.forget_calls().unwrap();
    hdfs.shell(&["-mkdir", "/a/full/more", "/c"]).unwrap();
    let calls = hdfs.calls().unwrap();
    assert_eq!(calls.get("mkdirs"), Some(&2), "{calls:?}");
    assert_eq!(calls.get("create"), None, "{calls:?}");

    hdfs.name_node.kill();
    hdfs.restart_name_node().unwrap();
    hdfs.data_node.kill();
    hdfs.restart_data_node().unwrap();
    // Bytes need both of them.
    let core_site = hdfs.conf().join("core-site.xml").display().to_string();
    hdfs.shell(&["-put", &core_site, "/c/bytes"]).unwrap();
    let read = hdfs.shell(&["-cat", "/c/bytes"]).unwrap();
    assert!(read.contains("fs.defaultFS"), "{read}");
}

#[test]
fn no_server_outlives_the_program_that_started_it() {
    // The program of the C++ tests; cargo builds it beside the tests.
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/test-cluster");
    let mut running =
        Command::new(program).arg("zookeeper").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let server = format!("/proc/{}/cmdline", told["zookeeper"]["pid"]);
    assert!(std::fs::read_to_string(&server).unwrap().contains("ZooKeeperServerMain"));
    running.kill().unwrap();
    running.wait().unwrap();
    let killed = Instant::now();
    while std::fs::read_to_string(&server).is_ok_and(|line| !line.is_empty()) {
        assert!(killed.elapsed() < Duration::from_secs(10), "the server lives on");
        std::thread::sleep(Duration::from_millis(10));
    }
}
