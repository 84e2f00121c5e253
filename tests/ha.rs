//! An upgrade on a name service of two NameNodes, the active one of which is killed or retired in the middle of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod adapters;
mod cluster;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::{image_of, many, new_root, plant, Adapter};
use cluster::ha::HaHdfs;
use comptask_upgrade::{Error, ErrorKind, MemoryStorage, Operation, Storage};
use support::checker::{differences, image, normal, Image};
use support::sessions::{builder, fresh, run, Answer, OneLock};
use support::trees::CATALOG;

const TASKS: u64 = 300;

/// A tree of V1 tasks and what an upgrade makes of it in memory.
fn tree() -> (Image, Image) {
    let memory = MemoryStorage::new();
    plant(&memory, &many(TASKS));
    let start = image(&memory);
    run(&fresh(&memory, CATALOG), Operation::Upgrade).unwrap();
    (start, normal(image(&memory)))
}

fn open(hdfs: &HaHdfs, adapter: Adapter, root: &str) -> Result<Arc<dyn Storage>, Error> {
    (adapter.1)(root, &[("conf_dir", &hdfs.conf().display().to_string())])
}

fn upgrade(storage: &Arc<dyn Storage>) -> Answer {
    let session = builder(Arc::clone(storage), OneLock::default(), CATALOG).open().unwrap();
    run(&session, Operation::Upgrade)
}

/// What happens to the active NameNode in mid-run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    Killed,
    FailedOver,
}

/// Upgrades a new tree; once the NameNode `active` was asked for so many creates it gets the blow. Gives which NameNode
/// is active now.
fn upgrade_through(hdfs: &mut HaHdfs, adapter: Adapter, (active, blow, after): (usize, Blow, usize)) -> usize {
    let (start, upgraded) = tree();
    let name = format!("{}-{blow:?}-{after}", adapter.0);
    let root = new_root(&*open(hdfs, adapter, &hdfs.uri()).unwrap(), &hdfs.uri(), &name);
    let storage = open(hdfs, adapter, &root).unwrap();
    plant(&*storage, &start);

    let before = hdfs.calls(active, "create").unwrap();
    let running = std::thread::spawn({
        let storage = Arc::clone(&storage);
        move || upgrade(&storage)
    });
    let begun = Instant::now();
    while hdfs.calls(active, "create").unwrap() < before + after {
        assert!(!running.is_finished(), "the run was over before the blow: {:?}", running.join());
        assert!(begun.elapsed() < Duration::from_secs(60), "the run does not get so far");
        std::thread::sleep(Duration::from_millis(1));
    }
    if blow == Blow::Killed {
        hdfs.name_nodes[active].kill();
    }
    assert!(!running.is_finished(), "the run was over before the blow");
    hdfs.fail_over(1 - active).unwrap();
    let answer = running.join().unwrap();
    let ended = begun.elapsed();
    let again = match answer {
        Ok(_) => "it went on to its end".to_owned(),
        Err(failure) => {
            // A run that ends must say why, and what to do.
            let error = failure.error;
            let kinds = [ErrorKind::OutcomeUnknown, ErrorKind::RetryLater, ErrorKind::TasksFailed, ErrorKind::Storage];
            assert!(kinds.contains(&error.kind()), "{error:?}");
            assert!(!error.next_action().is_empty(), "{error:?}");
            upgrade(&storage).unwrap();
            format!("it ended with {error}, and the second one finished")
        }
    };
    println!("{name}: {again} ({} ms)", ended.as_millis());
    assert_eq!(differences(&normal(image_of(&*storage)), &upgraded), Vec::<String>::new());
    if blow == Blow::Killed {
        hdfs.launch(active).unwrap();
    }
    1 - active
}

#[test]
fn an_upgrade_outlives_the_active_name_node() {
    let mut hdfs = HaHdfs::start().unwrap();
    let mut active = 0;
    for adapter in adapters::ALL {
        // Among the marks, among the files of the tasks, and among their renames at the end.
        for after in [30, 400, 1000] {
            for blow in [Blow::Killed, Blow::FailedOver] {
                active = upgrade_through(&mut hdfs, *adapter, (active, blow, after));
            }
        }
    }
}
