//! The same by TLS: with and without a client certificate, and every way in which it cannot be had.

use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use comptask_upgrade::{
    Error, ErrorKind, Liveness, Lock, ZooKeeperLiveness, ZooKeeperLock, ZooKeeperOptions, ZooKeeperTls,
};

use crate::cluster::certificates::Authority;
use crate::cluster::ports;
use crate::cluster::zookeeper::{Security, ZooKeeper, SECURE};
use crate::shared::{compete, lock, options as briefly, options_at, path, secured, PATIENCE};

/// Long enough for many handshakes at the same time on a busy machine: a try has a quarter of it.
const TIMEOUT_MS: u32 = 8_000;
/// What a call may take that is refused for good: it does not ask again until the time is over.
const AT_ONCE: Duration = Duration::from_millis(TIMEOUT_MS as u64 / 2);
/// What a call may take at most, on a machine that has other things to do.
const LIMIT: Duration = Duration::from_millis(TIMEOUT_MS as u64 + 2_000);

const NO_CLIENT: Security = Security { client_auth: "none", ..SECURE };

/// Set for the second self of this binary alone: the connect string, the path, the authority and the client's files.
const COUNTER_VARIABLE: &str = "COMPTASK_TEST_ZOOKEEPER_TLS";

fn options(hosts: &str) -> ZooKeeperOptions {
    ZooKeeperOptions::parse(hosts).unwrap().session_timeout_ms(TIMEOUT_MS).unwrap()
}

fn lock_at(server: &ZooKeeper, path: &str) -> ZooKeeperLock {
    ZooKeeperLock::new(with_certificate(server), path).unwrap()
}

fn with_certificate(server: &ZooKeeper) -> ZooKeeperOptions {
    options_at(server).session_timeout_ms(TIMEOUT_MS).unwrap()
}

fn trusting(server: &ZooKeeper) -> ZooKeeperTls {
    ZooKeeperTls::trusting(&server.secured().unwrap().authority_file).unwrap()
}

fn by_tls(server: &ZooKeeper, host: &str, tls: ZooKeeperTls) -> ZooKeeperOptions {
    options(&server.secured_hosts(host).unwrap()).tls(tls).unwrap()
}

/// The refusal of a lock, and of the liveness, which must say the same.
fn refusal(options: ZooKeeperOptions) -> (Error, Duration) {
    let begun = Instant::now();
    let error = ZooKeeperLock::new(options.clone(), "/lock").unwrap().acquire("nobody").err().unwrap();
    let took = begun.elapsed();
    assert_eq!((error.kind(), error.path()), (ErrorKind::LockService, "/lock"), "{error:?}");
    let unread = ZooKeeperLiveness::new(options, "/pus").unwrap().online_nodes().unwrap_err();
    assert_eq!((unread.kind(), unread.path()), (ErrorKind::Liveness, "/pus"), "{unread:?}");
    assert_eq!(unread.next_action(), error.next_action());
    (error, took)
}

#[track_caller]
fn assert_told(error: &Error, message: &[&str], action: &str) {
    for word in message {
        assert!(error.message().contains(word), "{error:?} lacks {word:?}");
    }
    assert!(error.next_action().contains(action), "{error:?} does not advise {action:?}");
}

fn lock_and_liveness(server: &ZooKeeper, options: &ZooKeeperOptions) {
    let path = path();
    let ours = ZooKeeperLock::new(options.clone(), &path).unwrap();
    let held = ours.acquire("the first").unwrap();
    held.confirm().unwrap();
    assert_eq!(ours.acquire("the second").err().unwrap().kind(), ErrorKind::Locked);
    // A client without TLS sees the same nodes, on the other port.
    let plain = lock(&server.hosts(), &path).acquire("by the other port").err().unwrap();
    assert!(plain.kind() == ErrorKind::Locked && plain.message().contains("the first"), "{plain:?}");
    let registry = ZooKeeperLiveness::new(options.clone(), &path).unwrap();
    let names = registry.online_nodes().unwrap();
    assert!(names.len() == 1 && names[0].contains("lock-"), "{names:?}");
    let before = registry.change_id().unwrap();
    held.release().unwrap();
    assert_eq!(registry.online_nodes().unwrap(), Vec::<String>::new());
    assert!(registry.change_id().unwrap() > before);
    ours.acquire("the third").unwrap().release().unwrap();
}

#[test]
fn lock_and_liveness_with_a_client_certificate_and_not_without() {
    let server = secured(&SECURE);
    lock_and_liveness(&server, &with_certificate(&server));

    // Longer than the time-out of the session: heartbeats keep it.
    let kept = lock_at(&server, &path()).acquire("one who waits").unwrap();
    std::thread::sleep(Duration::from_millis(u64::from(TIMEOUT_MS) * 3 / 2));
    kept.permit().unwrap();
    kept.release().unwrap();

    let (error, took) = refusal(by_tls(&server, "127.0.0.1", trusting(&server)));
    assert_told(&error, &["client certificate", &server.secured_hosts("127.0.0.1").unwrap()], "tls_certificate_file");
    assert!(took < AT_ONCE, "{took:?}");

    let stranger =
        Authority::new("another authority").unwrap().sign(&["client.test"], 2099, server.folder(), "stranger").unwrap();
    let ended = server.secured().unwrap().authority.sign(&["client.test"], 2021, server.folder(), "ended").unwrap();
    for client in [stranger, ended] {
        let tls = trusting(&server).client_certificate(&client.certificate, &client.key).unwrap();
        let (error, took) = refusal(by_tls(&server, "127.0.0.1", tls));
        assert_told(&error, &["does not accept the client certificate"], "trust store");
        assert!(took < AT_ONCE, "{took:?}");
    }
}

#[test]
fn lock_and_liveness_without_a_client_certificate_where_none_is_asked_for() {
    let server = secured(&NO_CLIENT);
    lock_and_liveness(&server, &by_tls(&server, "127.0.0.1", trusting(&server)));
    // One that is there and not asked for harms nothing.
    lock_at(&server, &path()).acquire("with one").unwrap().release().unwrap();

    // Another authority than the server's, also one of the same name: a renewed one has another key.
    let other = server.folder().join("other.pem");
    for name in ["the authority", "another authority"] {
        Authority::new(name).unwrap().write(&other).unwrap();
        let (error, took) = refusal(by_tls(&server, "127.0.0.1", ZooKeeperTls::trusting(&other).unwrap()));
        assert_told(&error, &["other.pem", &server.secured_hosts("127.0.0.1").unwrap()], "tls_ca_file");
        assert!(took < AT_ONCE, "{took:?}");
    }

    // Another name than the certificate's, though it is the same machine.
    let (error, took) = refusal(by_tls(&server, "localhost", trusting(&server)));
    assert_told(&error, &["127.0.0.1", "not for localhost"], "subject alternative names");
    assert!(took < AT_ONCE, "{took:?}");

    // One server that may serve the next time, and one that will not: both are told.
    let away = format!("127.0.0.1:{}", ports::free().unwrap());
    let both = format!("{away},{}", server.secured_hosts("127.0.0.1").unwrap());
    let mixed = options(&both).tls(ZooKeeperTls::trusting(&other).unwrap()).unwrap();
    let (error, took) = refusal(mixed);
    assert_told(&error, &[&away, "refused", "other.pem"], "reached");
    assert!(took < LIMIT, "{took:?}");
    // One of several is enough.
    let one = ZooKeeperLock::new(options(&both).tls(trusting(&server)).unwrap(), &path()).unwrap();
    one.acquire("by one of two").unwrap().release().unwrap();
}

#[test]
fn tls_1_2_and_a_dns_name_do_as_well() {
    let server = secured(&Security { names: &["localhost"], protocols: "TLSv1.2", ..SECURE });
    let client = &server.secured().unwrap().client;
    let own = trusting(&server).client_certificate(&client.certificate, &client.key).unwrap();
    lock_and_liveness(&server, &by_tls(&server, "localhost", own.clone()));
    let (error, _) = refusal(by_tls(&server, "127.0.0.1", own));
    assert_told(&error, &["localhost", "not for 127.0.0.1"], "subject alternative names");
    let (error, took) = refusal(by_tls(&server, "localhost", trusting(&server)));
    assert_told(&error, &["client certificate"], "tls_certificate_file");
    assert!(took < AT_ONCE, "{took:?}");
}

#[test]
fn a_certificate_that_ended_is_refused_with_its_date() {
    let server = secured(&Security { last_year: 2021, ..NO_CLIENT });
    let (error, took) = refusal(by_tls(&server, "127.0.0.1", trusting(&server)));
    assert_told(&error, &["ended on 2021-12-31", &server.secured_hosts("127.0.0.1").unwrap()], "renew");
    assert!(took < AT_ONCE, "{took:?}");
}

#[test]
fn the_wrong_one_of_two_ports_is_told_within_the_limit() {
    // Both kinds of network code that a server may have: a server with TLS has Netty on its plain port too.
    let plain = ZooKeeper::start().unwrap();
    let server = ZooKeeper::start_secured(&NO_CLIENT).unwrap();
    for hosts in [plain.hosts(), server.hosts()] {
        let (error, took) = refusal(briefly(&hosts).tls(trusting(&server)).unwrap());
        assert_told(&error, &[&hosts, "secureClientPort"], "reached");
        assert!(took < LIMIT, "{took:?}");
    }
    let hosts = server.secured_hosts("127.0.0.1").unwrap();
    let (error, took) = refusal(briefly(&hosts));
    assert_told(&error, &[&hosts, "option tls"], "");
    assert!(took < LIMIT, "{took:?}");
    // Other network code says so by an alert.
    let alerting = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let hosts = alerting.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for connection in alerting.incoming() {
            connection.unwrap().write_all(&[0x15, 3, 3, 0, 2, 2, 10]).unwrap();
        }
    });
    let (error, _) = refusal(briefly(&hosts));
    assert_told(&error, &[&hosts, "speaks TLS"], "option tls");
    // One that takes a connection and says nothing at all.
    let silent = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let hosts = silent.local_addr().unwrap().to_string();
    let (error, took) = refusal(briefly(&hosts).tls(trusting(&server)).unwrap());
    assert_told(&error, &[&hosts, "in time", "secureClientPort"], "reached");
    assert!(took < LIMIT, "{took:?}");
}

#[test]
fn credentials_of_digest_work_by_tls() {
    let server = secured(&NO_CLIENT);
    let path = path();
    let ours = || by_tls(&server, "127.0.0.1", trusting(&server)).digest("us:s3cret").unwrap();
    let held = ZooKeeperLock::new(ours(), &path).unwrap().acquire("we").unwrap();
    let refused = lock(&server.hosts(), &path).acquire("a stranger").err().unwrap();
    assert!(refused.kind() == ErrorKind::LockService && refused.message().contains("ACL"), "{refused:?}");
    assert!(!format!("{:?}", ours()).contains("s3cret"));
    held.release().unwrap();

    // With a client certificate that the server takes for a user, what is made belongs to that user as well.
    let server = secured(&SECURE);
    let path = crate::shared::path();
    let both = with_certificate(&server).digest("us:s3cret").unwrap();
    let held = ZooKeeperLock::new(both, &path).unwrap().acquire("we").unwrap();
    assert_eq!(lock_at(&server, &path).acquire("its user").err().unwrap().kind(), ErrorKind::Locked);
    assert_eq!(lock(&server.hosts(), &path).acquire("a stranger").err().unwrap().kind(), ErrorKind::LockService);
    held.release().unwrap();
}

#[test]
fn never_two_of_many_hold_it_by_tls() {
    let server = secured(&SECURE);
    let path = path();
    compete(4, 20, PATIENCE, || lock_at(&server, &path));
}

#[test]
fn no_thread_and_no_descriptor_is_left_by_tls() {
    let server = secured(&SECURE);
    let secured = server.secured().unwrap();
    let files = [&secured.authority_file, &secured.client.certificate, &secured.client.key];
    let [authority, certificate, key] = files.map(|file| file.to_str().unwrap());
    let hosts = server.secured_hosts("127.0.0.1").unwrap();
    let told = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tls::threads_by_tls_in_a_process_of_its_own", "--nocapture", "--test-threads=1"])
        .env(COUNTER_VARIABLE, format!("{hosts} {} {authority} {certificate} {key}", path()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success() && said.contains("threads compared"), "{said}");
}

/// No test by itself: see above.
#[test]
fn threads_by_tls_in_a_process_of_its_own() {
    let Ok(asked) = std::env::var(COUNTER_VARIABLE) else { return };
    let asked: Vec<&str> = asked.split(' ').collect();
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = (threads(), descriptors());
    for round in 0..4 {
        let tls = ZooKeeperTls::trusting(Path::new(asked[2])).unwrap();
        let tls = tls.client_certificate(Path::new(asked[3]), Path::new(asked[4])).unwrap();
        let lock = ZooKeeperLock::new(options(asked[0]).tls(tls).unwrap(), asked[1]).unwrap();
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
    // TLS that the host does for itself finds the process as it was.
    assert!(rustls::crypto::CryptoProvider::get_default().is_none());
    println!("\nthreads compared");
}
