//! What the tests of both HDFS clients stand on: a real `NameNode`, a real `DataNode`, and words for changes.

pub(crate) mod failing;
pub(crate) mod limits;
pub(crate) mod serving;

#[path = "../../../../tests/cluster/mod.rs"]
pub(crate) mod cluster;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use self::cluster::hdfs::Hdfs;
use super::HdfsOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{conformance, only, Flow, NoFence, Storage};
use crate::tree::{Change, TreePath};

/// One cluster for the tests that leave its servers alone; it goes with the last of those that run at a time.
pub(crate) fn shared() -> Arc<Hdfs> {
    static SHARED: Mutex<Weak<Hdfs>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock();
    shared.upgrade().unwrap_or_else(|| {
        let started = Arc::new(Hdfs::start().unwrap());
        *shared = Arc::downgrade(&started);
        started
    })
}

pub(crate) fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

pub(crate) fn create(text: &str, bytes: &[u8]) -> Change {
    Change::Create { path: path(text), bytes: bytes.to_vec() }
}

pub(crate) fn folder(text: &str) -> Change {
    Change::MakeFolder { path: path(text) }
}

pub(crate) fn options(pairs: &[(&str, &str)]) -> HdfsOptions {
    let mut options = HdfsOptions::default();
    for (key, value) in pairs {
        options.set(key, value).unwrap();
    }
    options
}

pub(crate) fn apply(storage: &dyn Storage, change: Change) -> Result<()> {
    only(storage.change_batch(&[change], Flow { fence: &NoFence, in_flight: 0 }))
}

pub(crate) fn apply_all(storage: &dyn Storage, changes: &[Change]) -> Vec<Result<()>> {
    storage.change_batch(changes, Flow { fence: &NoFence, in_flight: 0 })
}

/// Opens a root with one of the clients and these options.
pub(crate) type Open = fn(&str, &[(&str, &str)]) -> Result<Box<dyn Storage>>;

/// The root of a new, empty folder.
pub(crate) fn new_root(hdfs: &Hdfs, open: Open) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("root-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    apply(&*open(&hdfs.uri(), &[]).unwrap(), folder(&name)).unwrap();
    format!("{}/{name}", hdfs.uri())
}

pub(crate) fn new_storage(hdfs: &Hdfs, open: Open, pairs: &[(&str, &str)]) -> Box<dyn Storage> {
    open(&new_root(hdfs, open), pairs).unwrap()
}

/// The tests that every client has to pass, each by its name.
macro_rules! tests_of_a_client {
    ($open:expr) => {
        tests_of_a_client!($open, serving: it_keeps_the_contract, a_thousand_files_go_in_one_batch,
            a_large_folder_is_listed_whole_and_each_name_once, what_cannot_be_opened_is_named,
            the_configuration_of_hadoop_is_taken_when_asked_for);
        tests_of_a_client!($open, limits: a_quota_is_told_from_other_errors_and_leaves_no_empty_file,
            a_right_that_is_missing_is_named_before_and_after, a_name_that_cannot_be_is_refused_and_nothing_is_made);
        tests_of_a_client!($open, failing: safe_mode_is_waited_for_with_a_limit,
            a_name_node_that_dies_in_a_batch_leaves_no_wrong_answer,
            a_name_node_that_is_gone_for_a_while_is_waited_for, without_a_data_node_no_file_counts_as_made);
    };
    ($open:expr, $module:ident: $($name:ident),+) => {
        $(#[test]
        fn $name() {
            $crate::storage::hdfs::testing::$module::$name($open);
        })+
    };
}
pub(crate) use tests_of_a_client;
