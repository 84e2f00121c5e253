//! A name service of two `NameNode`s: opened whichever is active, and upgraded while the active one is killed or retired.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod adapters;
mod cluster;
mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::{image_of, many, new_root, plant, Adapter};
use cluster::ha::{HaHdfs, URI};
use comptask_upgrade::{Error, ErrorKind, MemoryStorage, Operation, Storage};
use support::checker::{differences, image, normal, Image};
use support::sessions::{builder, fresh, run, Answer, OneLock};
use support::trees::CATALOG;

/// Enough for a wave of changes to be under way at any time.
const TASKS: u64 = 300;

/// How long a `NameNode` is waited for where none will come.
const SHORT_WAIT_MS: &str = "1500";

fn open(hdfs: &HaHdfs, adapter: Adapter, root: &str, more: &[(&str, &str)]) -> Result<Arc<dyn Storage>, Error> {
    let conf = hdfs.conf().display().to_string();
    (adapter.1)(root, &[&[("conf_dir", conf.as_str())], more].concat())
}

/// An empty root and a storage on it.
fn empty(hdfs: &HaHdfs, adapter: Adapter, name: &str, more: &[(&str, &str)]) -> Arc<dyn Storage> {
    let top = open(hdfs, adapter, URI, &[]).unwrap();
    let root = new_root(&*top, URI, &format!("{}-{name}", adapter.0));
    open(hdfs, adapter, &root, more).unwrap()
}

fn upgrade(storage: &Arc<dyn Storage>) -> Answer {
    let session = builder(Arc::clone(storage), OneLock::default(), CATALOG).open().unwrap();
    run(&session, Operation::Upgrade)
}

/// V1 tasks, and what an upgrade makes of them in memory.
struct Trees {
    start: Image,
    upgraded: Image,
}

impl Trees {
    fn new() -> Self {
        let memory = MemoryStorage::new();
        plant(&memory, &many(TASKS));
        let start = image(&memory);
        run(&fresh(&memory, CATALOG), Operation::Upgrade).unwrap();
        Self { start, upgraded: normal(image(&memory)) }
    }
}

/// What happens to the active `NameNode`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Blow {
    /// It dies, and the other is made active some seconds later.
    Killed,
    /// It becomes standby, and the other active.
    FailedOver,
}

/// Upgrades a new tree; once the active `NameNode` was asked for so many creates it gets the blow.
fn upgrade_through(hdfs: &mut HaHdfs, adapter: Adapter, trees: &Trees, (blow, creates): (Blow, usize)) {
    let active = hdfs.active().unwrap();
    let name = format!("{blow:?}-at-{creates}");
    let storage = empty(hdfs, adapter, &name, &[]);
    plant(&*storage, &trees.start);

    let before = hdfs.calls(active, "create").unwrap();
    let (begun, mine) = (Instant::now(), Arc::clone(&storage));
    let running = std::thread::spawn(move || upgrade(&mine));
    while hdfs.calls(active, "create").unwrap() < before + creates {
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

    let seconds = begun.elapsed().as_secs_f32();
    match answer {
        Ok(_) => println!("{} {name}: it went on to its end in {seconds:.1} s", adapter.0),
        Err(failure) => {
            // What was under way at a NameNode that died may be done or not: the run says so, and how to go on.
            let error = failure.error;
            assert_eq!(blow, Blow::Killed, "nothing is lost where a NameNode says that it is standby: {error}");
            assert!(matches!(error.kind(), ErrorKind::TasksFailed | ErrorKind::OutcomeUnknown), "{error:?}");
            assert!(!error.next_action().is_empty(), "{error:?}");
            println!("{} {name}: after {seconds:.1} s {error}", adapter.0);
            upgrade(&storage).unwrap();
        }
    }
    assert_eq!(differences(&normal(image_of(&*storage)), &trees.upgraded), Vec::<String>::new());
    if blow == Blow::Killed {
        hdfs.launch(active).unwrap();
    }
}

#[test]
fn a_name_service_is_upgraded_whichever_name_node_is_active() {
    let (mut hdfs, trees) = (HaHdfs::start().unwrap(), Trees::new());
    for adapter in adapters::ALL {
        // Among the marks; among the files of the tasks; and among the last of them, before the renames.
        for blow in [(Blow::Killed, 30), (Blow::FailedOver, 400), (Blow::Killed, 900)] {
            upgrade_through(&mut hdfs, adapter, &trees, blow);
        }
        opens_with_the_first_one_away(&mut hdfs, adapter);
        ends_clearly_with_none_active(&mut hdfs, adapter);
    }
}

/// The `NameNode` that the configuration names first is standby, or down.
fn opens_with_the_first_one_away(hdfs: &mut HaHdfs, adapter: Adapter) {
    if hdfs.active().unwrap() == 0 {
        hdfs.fail_over(1).unwrap();
    }
    let storage = empty(hdfs, adapter, "first-is-standby", &[]);
    assert_eq!(image_of(&*storage), Image::new());
    hdfs.name_nodes[0].kill();
    let storage = empty(hdfs, adapter, "first-is-down", &[]);
    assert_eq!(image_of(&*storage), Image::new());
    hdfs.launch(0).unwrap();
}

/// A run, and an opening, while no `NameNode` is active: they wait, as long as they were told, and say why they end.
fn ends_clearly_with_none_active(hdfs: &mut HaHdfs, adapter: Adapter) {
    let storage = empty(hdfs, adapter, "none-active", &[("wait_ms", SHORT_WAIT_MS)]);
    plant(&*storage, &many(3));
    let before = image_of(&*storage);
    let session = builder(Arc::clone(&storage), OneLock::default(), CATALOG).open().unwrap();
    hdfs.retire(hdfs.active().unwrap()).unwrap();
    let says_why = |error: &Error| {
        assert_eq!(error.kind(), ErrorKind::RetryLater, "{error:?}");
        assert!(error.message().contains("standby"), "{error}");
        assert!(error.next_action().contains("active"), "{error:?}");
    };
    says_why(&run(&session, Operation::Upgrade).unwrap_err().error);
    says_why(&open(hdfs, adapter, URI, &[("wait_ms", SHORT_WAIT_MS)]).map(|_| ()).unwrap_err());

    // One that becomes active while it is waited for is enough.
    let conf = hdfs.conf().display().to_string();
    let opening = std::thread::spawn(move || (adapter.1)(URI, &[("conf_dir", &conf)]).map(|_| ()));
    hdfs.activate(1).unwrap();
    opening.join().unwrap().unwrap();
    assert_eq!(differences(&image_of(&*storage), &before), Vec::<String>::new());
    run(&session, Operation::Upgrade).unwrap();
}
