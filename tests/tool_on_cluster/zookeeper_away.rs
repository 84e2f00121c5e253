//! The `ZooKeeper` server is killed in the middle of upgrades and started again: too late for some, in time for one.

use std::time::{Duration, Instant};

use comptask_upgrade::ErrorKind;

use crate::cluster::zookeeper::ZooKeeper;
use crate::scenes;
use crate::servers::{with_registry, Servers};
use crate::tool::Call;
use crate::tree::Tree;

const SHORT_MS: u32 = 4_000;
const LONG_MS: u32 = 90_000;
/// One call at a time.
const SLOW: [&str; 2] = ["--in-flight", "1"];
/// After how many changes the server goes, at the earliest.
const MOMENTS: [usize; 3] = [70, 30, 5];

#[test]
fn a_lock_that_cannot_be_confirmed_in_time_ends_a_run_before_its_next_change() {
    let servers = Servers::shared();
    let mut zookeeper = ZooKeeper::start().unwrap();
    drop(with_registry(&zookeeper));
    let scene = scenes::upgrade(scenes::MORE);
    let call = Call::upgrade().with(&SLOW).zookeeper(&zookeeper.hosts());
    let start = |session_ms: u32, moment: usize| {
        let tree = scene.plant(&servers);
        let planted = tree.changes();
        let mut tool = call.session_ms(session_ms).start(&tree);
        assert!(tool.runs_until(|| tree.changes() - planted >= moment), "it ended before {moment} changes");
        (tree, tool)
    };
    let short: Vec<(Tree<'_>, _)> = MOMENTS.into_iter().map(|moment| start(SHORT_MS, moment)).collect();
    // Past the question who is up, which is not asked for longer than 10 s.
    let (tree, mut long) = start(LONG_MS, 30);

    let at_kill: Vec<usize> = short.iter().map(|(tree, _)| tree.changes()).collect();
    zookeeper.server.kill();
    let killed = Instant::now();
    let mut dead = Vec::new();
    for (tree, mut tool) in short {
        // The log is read all the time, so that it tells when.
        tool.runs_until(|| servers.audit.look());
        let ended = tool.end();
        ended.assert_failed(ErrorKind::LockLost, &["lock lost", "next: "]);
        dead.push((tree, ended.process));
    }
    assert!(long.is_running(), "the long run is not long enough for this test");
    let at_restart = tree.changes();
    zookeeper.restart().unwrap();
    println!("ZooKeeper was away for {} ms", killed.elapsed().as_millis());

    long.end().assert_success("ZooKeeper was away for less than the session's time-out");
    tree.assert_is(&scene.end, "after ZooKeeper came back");
    assert!(tree.changes() > at_restart, "it had nothing left to do");

    for ((tree, process), at_kill) in dead.into_iter().zip(at_kill) {
        let made = servers.audit.of_tree(&tree.name);
        let limit = killed + Duration::from_millis(SHORT_MS.into());
        // Never by speed: after this another could have had the lock.
        let late: Vec<_> = made.iter().filter(|made| made.seen > limit).collect();
        assert!(late.is_empty(), "written when another could have had the lock: {late:#?}");
        println!("{} changes were still made after the kill, under the lock", made.len() - at_kill);
        (scene.holds)(&tree.image()).unwrap();
        let (second, refusals) = Call::upgrade().zookeeper(&zookeeper.hosts()).run_when_free(&tree, process);
        second.assert_success("after the lock was lost");
        println!("its lock was met {refusals} times after that");
        tree.assert_is(&scene.end, "after the lock was lost");
    }
}
