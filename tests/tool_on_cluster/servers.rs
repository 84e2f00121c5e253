//! The servers of a test: HDFS, `ZooKeeper`, and what looks at both beside the tool.

use std::sync::{Arc, Weak};

use comptask_upgrade::{HdfsNativeStorage, HdfsOptions};
use parking_lot::{Mutex, MutexGuard};

use crate::audit::Audit;
use crate::cluster::hdfs::Hdfs;
use crate::cluster::zookeeper::{Client, ZooKeeper};

/// The node of the registry that most tools are given: it is there, and no PU is in it.
pub const REGISTRY: &str = "/cluster/pus";

/// A cluster. What connects to the servers is before them: it goes first.
pub struct Servers {
    /// The whole file system, to plant trees and to look at them.
    pub storage: HdfsNativeStorage,
    pub audit: Audit,
    client: Mutex<Client>,
    pub zookeeper: ZooKeeper,
    pub hdfs: Hdfs,
}

impl Servers {
    /// Servers of a test's own, which it may kill.
    pub fn start() -> Self {
        let hdfs = Hdfs::start().unwrap();
        let zookeeper = ZooKeeper::start().unwrap();
        let client = with_registry(&zookeeper);
        let mut options = HdfsOptions::default();
        // Trees are worked on by several users, to be told apart in the audit log.
        options.set("fs.permissions.umask-mode", "000").unwrap();
        let storage = HdfsNativeStorage::open(&hdfs.uri(), &options).unwrap();
        let audit = Audit::of(hdfs.audit_log());
        Self { storage, audit, client: Mutex::new(client), zookeeper, hdfs }
    }

    /// The ones that no test harms: those that other tests use at the moment, or new ones. They go with the last test
    /// that holds them.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Servers>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock();
        if let Some(running) = shared.upgrade() {
            return running;
        }
        let started = Arc::new(Self::start());
        *shared = Arc::downgrade(&started);
        started
    }

    /// `ZooKeeper`'s own client.
    pub fn client(&self) -> MutexGuard<'_, Client> {
        self.client.lock()
    }
}

/// A client of a new `ZooKeeper`, which is given the node of a registry without PUs.
pub fn with_registry(zookeeper: &ZooKeeper) -> Client {
    let mut client = Client::start(zookeeper).unwrap();
    for path in ["/cluster", REGISTRY] {
        client.run(&format!("create {path}")).unwrap();
    }
    client
}
