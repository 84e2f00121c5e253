//! The lock: taken, refused, given up, lost.

use std::process::Command;
use std::time::{Duration, Instant};

use comptask_upgrade::{ErrorKind, Liveness, Lock, ZooKeeperLiveness, ZooKeeperLock, ZooKeeperOptions};

use crate::cluster::ports;
use crate::holder::HOLDER_VARIABLE;
use crate::proxy::Proxy;
use crate::shared::{compete, is_lost, lock, options, path, until, Shared, PATIENCE};

#[test]
fn it_is_taken_refused_with_the_holders_name_and_given_up() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    let held = lock(&hosts, &path).acquire("the first run").unwrap();
    held.permit().unwrap();
    held.confirm().unwrap();
    let refused = lock(&hosts, &path).acquire("the second run").err().unwrap();
    assert_eq!((refused.kind(), refused.path()), (ErrorKind::Locked, path.as_str()));
    for word in ["the first run", &format!("process {}", std::process::id()), "since 20"] {
        assert!(refused.message().contains(word), "{refused} lacks {word}");
    }
    let first = held.epoch().unwrap();
    let nodes = server.client().children(&path).unwrap();
    assert_eq!(nodes.len(), 1, "who is refused leaves nothing behind: {nodes:?}");
    assert_eq!(server.client().czxid(&format!("{path}/{}", nodes[0])).unwrap(), first);
    held.release().unwrap();
    assert_eq!(server.client().children(&path).unwrap(), Vec::<String>::new(), "release leaves nothing behind");

    let held = lock(&hosts, &path).acquire("the third run").unwrap();
    assert!(held.epoch().unwrap() > first, "the epoch grows");
    drop(held);
    lock(&hosts, &path).acquire("the fourth run").unwrap().release().unwrap();
}

#[test]
fn never_two_of_many_hold_it() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    compete(6, 60, PATIENCE * 3, || lock(&hosts, &path));
}

#[test]
fn a_node_that_somebody_removes_is_a_lost_lock() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    // A round trip every 15 s: it is the watch that tells.
    let long = ZooKeeperOptions::parse(&hosts).unwrap().session_timeout_ms(120_000).unwrap();
    let held = ZooKeeperLock::new(long, &path).unwrap().acquire("the first").unwrap();
    let node = format!("{path}/{}", server.client().children(&path).unwrap()[0]);
    let removed = Instant::now();
    server.client().run(&format!("delete {node}")).unwrap();
    until("the watch tells", || is_lost(&*held).then_some(()));
    assert!(removed.elapsed() < Duration::from_secs(5), "by its watch, not by time: {:?}", removed.elapsed());
    assert!(held.permit().unwrap_err().message().contains("gone"));
    held.release().unwrap();
}

#[test]
fn credentials_keep_others_out_and_are_shown_nowhere() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    let ours = || ZooKeeperLock::new(options(&hosts).digest("us:s3cret").unwrap(), &path).unwrap();
    let held = ours().acquire("we").unwrap();
    assert_eq!(ours().acquire("we too").err().unwrap().kind(), ErrorKind::Locked);
    for stranger in [options(&hosts), options(&hosts).digest("us:wr0ng").unwrap()] {
        let refused = ZooKeeperLock::new(stranger, &path).unwrap().acquire("a stranger").err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::LockService, "{refused}");
        assert!(refused.message().contains("ACL") && refused.next_action().contains("credentials"), "{refused:?}");
        assert!(!format!("{refused:?}").contains("wr0ng"));
    }
    assert!(!format!("{:?}", ours()).contains("s3cret"));
    held.release().unwrap();
}

#[test]
fn no_thread_and_no_descriptor_is_left() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    // Other tests hold locks of their own at the same time, so this asks in a process of its own.
    let told = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "lock::threads_in_a_process_of_its_own", "--nocapture", "--test-threads=1"])
        .env(HOLDER_VARIABLE, format!("{hosts} {path}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success() && said.contains("threads compared"), "{said}");
}

/// No test by itself: see above.
#[test]
fn threads_in_a_process_of_its_own() {
    let Ok(asked) = std::env::var(HOLDER_VARIABLE) else { return };
    let (hosts, path) = asked.split_once(' ').unwrap();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = (threads(), descriptors());
    for round in 0..4 {
        let lock = lock(hosts, path);
        let held = lock.acquire("one who counts").unwrap();
        assert_eq!(threads(), before.0 + 1, "one thread while it is held");
        assert_eq!(lock.acquire("another").err().unwrap().kind(), ErrorKind::Locked);
        if round % 2 == 0 {
            held.release().unwrap();
        } else {
            drop(held);
        }
        assert_eq!((threads(), descriptors()), before, "nothing is left");
    }
    println!("\nthreads compared");
}

#[test]
fn a_service_that_cannot_be_had_is_told() {
    let server = Shared::get();
    let port = ports::free().unwrap();
    let hosts = format!("127.0.0.1:{port}");
    let error = lock(&hosts, "/lock").acquire("nobody").err().unwrap();
    assert_eq!((error.kind(), error.path()), (ErrorKind::LockService, "/lock"));
    assert!(error.message().contains(&hosts) && error.next_action().contains("ZooKeeper"), "{error:?}");
    let away = ZooKeeperLiveness::new(options(&hosts), "/pus").unwrap();
    assert_eq!(away.online_nodes().unwrap_err().kind(), ErrorKind::Liveness);
    // One of several servers is enough.
    let both = format!("{hosts},{}", server.hosts());
    lock(&both, &path()).acquire("somebody").unwrap().release().unwrap();
    // A chroot that is not there is a slip of the pen, not a second lock.
    let error = lock(&format!("{}/no/such", server.hosts()), "/lock").acquire("nobody").err().unwrap();
    assert!(error.kind() == ErrorKind::LockService && error.message().contains("chroot"), "{error}");
}

#[test]
fn an_answer_that_is_lost_makes_no_second_node() {
    let server = Shared::get();
    let path = path();
    let proxy = Proxy::start(&server.hosts());
    // The lock's path is there, so the first create makes a node.
    lock(&server.hosts(), &path).acquire("one before").unwrap().release().unwrap();
    // The reply to the create is cut off, and the connection with it; the session goes on over the next one.
    proxy.cut_the_next_answer_to_a_create_in_order();
    let held = lock(&proxy.hosts(), &path).acquire("one who is cut off").unwrap();
    assert_eq!(proxy.cuts(), 1, "the answer was cut");
    assert_eq!(server.client().children(&path).unwrap().len(), 1, "one node, found again");
    held.confirm().unwrap();
    let refused = lock(&server.hosts(), &path).acquire("another").err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::Locked);
    held.release().unwrap();
    assert!(server.client().children(&path).unwrap().is_empty());
}
