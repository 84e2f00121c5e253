//! The holder or the server goes away: never are there two who have leave.

use std::io::Write;
use std::time::{Duration, Instant};

use comptask_upgrade::{ErrorKind, Lock, ZooKeeperLock};
use rustix::process::Signal;

use crate::cluster::zookeeper::ZooKeeper;
#[cfg(feature = "zookeeper-tls")]
use crate::cluster::zookeeper::SECURE;
use crate::holder::Holder;
#[cfg(feature = "zookeeper-tls")]
use crate::shared::secured;
use crate::shared::{is_lost, lock, lock_at, options_at, path, take, until, Shared, TIMEOUT_MS};

#[test]
fn a_killed_holder_makes_way_after_its_time_out_and_the_epoch_grows() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    let (mut holder, first) = Holder::start(&hosts, &path);
    assert_eq!(holder.ask("confirm"), "fine");
    let refused = lock(&hosts, &path).acquire("the next").err().unwrap();
    assert!(refused.message().contains("a holder in its own process"), "{refused}");
    let killed = Instant::now();
    holder.signal(Signal::KILL);
    let next = take(&lock(&hosts, &path));
    assert!(next.epoch().unwrap() > first);
    assert!(killed.elapsed() > Duration::from_millis(TIMEOUT_MS.into()) / 2, "nobody ended the session but time");
    next.release().unwrap();
}

#[test]
fn a_stopped_holder_that_goes_on_gets_no_leave() {
    let server = Shared::get();
    let (hosts, path) = (server.hosts(), path());
    let (mut holder, _) = Holder::start(&hosts, &path);
    assert_eq!(holder.ask("permit"), "fine");
    holder.stop();
    // The question lies in its pipe: it is the first thing it looks at when it goes on.
    writeln!(holder.input, "permit").unwrap();
    let next = take(&lock(&hosts, &path));
    holder.signal(Signal::CONT);
    assert_eq!(holder.answer("answer "), "lock lost");
    assert_eq!(holder.ask("confirm"), "lock lost");
    next.confirm().unwrap();
    next.release().unwrap();
}

#[test]
fn leave_ends_before_another_can_get_the_lock_when_the_server_is_away() {
    leave_ends(ZooKeeper::start().unwrap());
}

#[cfg(feature = "zookeeper-tls")]
#[test]
fn leave_ends_before_another_can_get_the_lock_when_the_server_is_away_by_tls() {
    leave_ends(secured(&SECURE));
}

fn leave_ends(mut server: ZooKeeper) {
    let path = path();
    let held = lock_at(&server, &path).acquire("the first").unwrap();
    held.confirm().unwrap();
    let killed = Instant::now();
    server.server.kill();
    until("leave ends", || is_lost(&*held).then_some(()));
    let ended = killed.elapsed();
    assert!(ended <= Duration::from_millis(TIMEOUT_MS.into()) / 2 + Duration::from_millis(250), "after {ended:?}");
    server.restart().unwrap();
    // Back is back too late: once refused is refused for good, though the server gives the session its time-out anew.
    assert!(is_lost(&*held));
    assert_eq!(held.confirm().unwrap_err().kind(), ErrorKind::LockLost);
    // The lost lock keeps its session no longer alive, so another gets it without anybody's help.
    let next = take(&lock_at(&server, &path));
    next.confirm().unwrap();
    held.release().unwrap();
    next.confirm().unwrap();
    next.release().unwrap();
}

#[test]
fn a_server_that_is_away_for_a_moment_takes_nothing() {
    a_moment_takes_nothing(ZooKeeper::start().unwrap());
}

#[cfg(feature = "zookeeper-tls")]
#[test]
fn a_server_that_is_away_for_a_moment_takes_nothing_by_tls() {
    a_moment_takes_nothing(secured(&SECURE));
}

fn a_moment_takes_nothing(mut server: ZooKeeper) {
    let path = path();
    // Long enough for the server to come back within the half of it in which there is leave.
    let long = options_at(&server).session_timeout_ms(60_000).unwrap();
    let held = ZooKeeperLock::new(long, &path).unwrap().acquire("the first").unwrap();
    server.server.kill();
    held.permit().unwrap();
    server.restart().unwrap();
    held.confirm().unwrap();
    assert_eq!(lock_at(&server, &path).acquire("the second").err().unwrap().kind(), ErrorKind::Locked);
    held.release().unwrap();
}

#[test]
fn a_server_that_hangs_ends_leave_in_time_and_every_call_comes_back() {
    a_server_hangs(&ZooKeeper::start().unwrap());
}

#[cfg(feature = "zookeeper-tls")]
#[test]
fn a_server_that_hangs_ends_leave_in_time_and_every_call_comes_back_by_tls() {
    a_server_hangs(&secured(&SECURE));
}

fn a_server_hangs(server: &ZooKeeper) {
    let path = path();
    let held = lock_at(server, &path).acquire("the first").unwrap();
    server.server.pause().unwrap();
    let paused = Instant::now();
    assert_eq!(held.confirm().unwrap_err().kind(), ErrorKind::LockLost);
    assert!(paused.elapsed() < Duration::from_millis(TIMEOUT_MS.into()), "{:?}", paused.elapsed());
    let asked = Instant::now();
    assert_eq!(lock_at(server, &path).acquire("the second").err().unwrap().kind(), ErrorKind::LockService);
    assert!(asked.elapsed() < Duration::from_millis(u64::from(TIMEOUT_MS) * 2), "{:?}", asked.elapsed());
    let dropped = Instant::now();
    drop(held);
    assert!(dropped.elapsed() < Duration::from_secs(5), "{:?}", dropped.elapsed());
    server.server.resume().unwrap();
    // What could not be given up goes with its session.
    take(&lock_at(server, &path)).release().unwrap();
}
