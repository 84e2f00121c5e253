//! What the tests share: a server that none of them harms, locks with a short time-out, and waits for events.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

#[cfg(feature = "zookeeper-tls")]
use comptask_upgrade::ZooKeeperTls;
use comptask_upgrade::{ErrorKind, Guard, Lock, ZooKeeperLock, ZooKeeperOptions};
use parking_lot::{Mutex, MutexGuard};

#[cfg(feature = "zookeeper-tls")]
use crate::cluster::zookeeper::Security;
use crate::cluster::zookeeper::{Client, ZooKeeper};

/// Short, so that a test sees a session end; the server's tick is 200 ms.
pub const TIMEOUT_MS: u32 = 2_000;
/// What a wait for an event may take on a busy machine before the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// A server that no test harms, and ZooKeeper's own client at it.
pub struct Shared {
    client: Mutex<Client>,
    server: ZooKeeper,
}

impl Shared {
    /// The one that other tests use at the moment, or a new one. It goes with the last test that holds it.
    pub fn get() -> Arc<Self> {
        static SHARED: Mutex<Weak<Shared>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock();
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let server = ZooKeeper::start().unwrap();
        let started = Arc::new(Self { client: Mutex::new(Client::start(&server).unwrap()), server });
        *shared = Arc::downgrade(&started);
        started
    }

    pub fn hosts(&self) -> String {
        self.server.hosts()
    }

    pub fn client(&self) -> MutexGuard<'_, Client> {
        self.client.lock()
    }
}

/// A path that no other test uses.
pub fn path() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("/test/{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn options(hosts: &str) -> ZooKeeperOptions {
    ZooKeeperOptions::parse(hosts).unwrap().session_timeout_ms(TIMEOUT_MS).unwrap()
}

/// The options that this server asks for: by TLS and with a client certificate where it has a port for TLS.
pub fn options_at(server: &ZooKeeper) -> ZooKeeperOptions {
    #[cfg(feature = "zookeeper-tls")]
    if let Ok(secured) = server.secured() {
        let tls = ZooKeeperTls::trusting(&secured.authority_file).unwrap();
        let tls = tls.client_certificate(&secured.client.certificate, &secured.client.key).unwrap();
        return options(&server.secured_hosts("127.0.0.1").unwrap()).tls(tls).unwrap();
    }
    options(&server.hosts())
}

/// A server with TLS that has shaken hands before: the first time takes a JVM long, and longer on a busy machine.
#[cfg(feature = "zookeeper-tls")]
pub fn secured(security: &Security) -> ZooKeeper {
    let server = ZooKeeper::start_secured(security).unwrap();
    let patient = options_at(&server).session_timeout_ms(40_000).unwrap();
    let lock = ZooKeeperLock::new(patient, &path()).unwrap();
    until("the server shakes hands", || match lock.acquire("the first of all") {
        Ok(guard) => {
            guard.release().unwrap();
            Some(())
        }
        // It does, to say no.
        Err(error) => (!error.next_action().contains("reached")).then_some(()),
    });
    server
}

pub fn lock_at(server: &ZooKeeper, path: &str) -> ZooKeeperLock {
    ZooKeeperLock::new(options_at(server), path).unwrap()
}

pub fn lock(hosts: &str, path: &str) -> ZooKeeperLock {
    ZooKeeperLock::new(options(hosts), path).unwrap()
}

/// Waits for an event by looking often; gives when it came.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen in {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Takes the lock as soon as nobody else has it.
pub fn take(lock: &ZooKeeperLock) -> Box<dyn Guard> {
    until("the lock is free", || match lock.acquire("the next") {
        Ok(guard) => Some(guard),
        Err(error) if [ErrorKind::Locked, ErrorKind::LockService].contains(&error.kind()) => None,
        Err(error) => panic!("{error}"),
    })
}

/// Has some threads compete for a lock until they held it so many times together: never two at once, each with a later
/// epoch than the one before it.
pub fn compete(threads: usize, turns: usize, limit: Duration, lock: impl Fn() -> ZooKeeperLock + Sync) {
    let (holder, epochs) = (Mutex::new(()), Mutex::new(Vec::new()));
    let one = || {
        let (lock, begun) = (lock(), Instant::now());
        while epochs.lock().len() < turns {
            assert!(begun.elapsed() < limit, "they do not get on");
            match lock.acquire("one of many") {
                Ok(guard) => {
                    let alone = holder.try_lock().expect("two hold it");
                    epochs.lock().push(guard.epoch().unwrap());
                    guard.permit().unwrap();
                    drop(alone);
                    guard.release().unwrap();
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(one);
        }
    });
    let epochs = epochs.into_inner();
    assert!(epochs.len() >= turns && epochs.windows(2).all(|pair| pair[0] < pair[1]), "{epochs:?}");
}

pub fn is_lost(guard: &dyn Guard) -> bool {
    guard.permit().is_err_and(|error| {
        assert_eq!(error.kind(), ErrorKind::LockLost);
        true
    })
}
