//! V1 files that cannot be converted: each fails by itself, is named with the cause, and is taken up when it is mended.

use comptask_upgrade::task::StateV1;
use comptask_upgrade::{ErrorKind, Outcome, Phase};

use crate::support::chinese::run;
use crate::support::meddling::Unreachable;
use crate::support::places::{on_both, Place};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{exists, file, names, remove, replace, sealed, v1, v1_bytes, v1_name, v1_task};

/// A name, the bytes at it, and what the report says of it.
type Broken = (String, Vec<u8>, &'static str);

fn broken() -> Vec<Broken> {
    let good = |seq: i32| v1_bytes(&v1_task("p", seq, 5, StateV1::Init, ("sales", "eu")));
    let name = |seq: i32| v1_name("p", seq, 5, StateV1::Init);
    let torn = good(1)[..40].to_vec();
    let mut flipped = good(2);
    flipped[30] ^= 1;
    let mut version = good(3);
    version[4] = 9;
    let mut length = good(4);
    length[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut inner_length = good(5);
    inner_length[10..18].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut magic = good(6);
    magic[3] = b'2';
    let other_id = good(77);
    vec![
        (name(0), Vec::new(), "at offset 0: the file is empty"),
        (name(1), torn, "at offset 40: the file is torn"),
        (name(2), flipped, "the CRC32C does not match"),
        (name(3), sealed(version), "at offset 4: format version 9 is not known"),
        (name(4), sealed(length), "at offset 6: a payload of 4294967295 bytes is over the bound"),
        (name(5), sealed(inner_length), "at offset 18: a field goes beyond the end of the payload"),
        (name(6), sealed(magic), "at offset 0: the magic is"),
        (name(7), other_id, "the id inside is compct.p.77.5, which is not its name's"),
        ("compct.p.8.10000000000000".to_owned(), good(8), "has over 13 digits"),
        ("compct.p.9.5".to_owned(), good(9), "in several states: compct.p.9.5, compct.p.9.5.Done"),
        ("compct.p.9.5.Done".to_owned(), good(9), "in several states: compct.p.9.5, compct.p.9.5.Done"),
    ]
}

#[test]
fn each_broken_file_fails_alone_by_name_with_the_cause_and_the_others_are_converted() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        let broken = broken();
        for (name, bytes, _) in &broken {
            file(storage, &format!("Compaction/Scheduler/{name}"), bytes);
        }
        for seq in 100..105 {
            v1(storage, "p", seq, 5, StateV1::Init, ("sales", "eu"));
        }
        let failure = place.upgrade().unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
        let report = failure.report.unwrap();
        let counts = report.counts;
        assert_eq!((counts.total, counts.converted, counts.failed, counts.left), (16, 5, 11, 0));
        assert_eq!(report.phase, Phase::Upgrading);
        for (name, _, why) in &broken {
            let row = report.rows.iter().find(|row| row.v1_name == *name).unwrap();
            assert_eq!(row.outcome, Outcome::Failed, "{name}");
            assert!(row.detail.contains(why) && row.detail.contains(name), "{name}: {} lacks {why}", row.detail);
        }
        assert!(!exists(storage, "Compaction_V2/TaskUpgrade.done"), "no done mark");
        assert!(!exists(storage, "Compaction_V2/.staging") && !exists(storage, "Compaction_V2/TaskupgradeLock"));
        assert_eq!(names(storage, "Compaction_V2/Scheduler").len(), 5);

        for seq in 0..8 {
            let good = v1_bytes(&v1_task("p", seq, 5, StateV1::Init, ("sales", "eu")));
            replace(storage, &format!("Compaction/Scheduler/{}", v1_name("p", seq, 5, StateV1::Init)), &good);
        }
        remove(storage, "Compaction/Scheduler/compct.p.8.10000000000000");
        remove(storage, "Compaction/Scheduler/compct.p.9.5.Done");
        let report = place.upgrade().unwrap();
        assert_eq!((report.counts.total, report.counts.skipped, report.counts.converted), (14, 5, 9));
        assert_eq!(names(storage, "Compaction_V2/Scheduler").len(), 14);
    });
}

#[test]
fn a_file_over_the_bound_is_that_tasks_error() {
    on_both(CATALOG, |place| {
        file(&*place.storage, "Compaction/Scheduler/compct.p.0.5", &vec![0; (16 << 20) + 1]);
        v1(&*place.storage, "p", 1, 5, StateV1::Init, ("sales", "eu"));
        let report = place.upgrade().unwrap_err().report.unwrap();
        assert_eq!((report.counts.converted, report.counts.failed), (1, 1));
        assert!(report.rows.iter().any(|row| row.v1_name == "compct.p.0.5" && row.detail.contains("too large")));
    });
}

#[test]
fn a_catalog_that_cannot_be_reached_fails_every_task_and_cancels_none() {
    on_both(CATALOG, |place| {
        let storage = &*place.storage;
        for (seq, state) in (0..).zip(StateV1::ALL) {
            v1(storage, "p", seq, 5, state, ("sales", "eu"));
        }
        let session = place.builder().catalog(Unreachable).open().unwrap();
        let failure = run(&session, comptask_upgrade::Operation::Upgrade).unwrap_err();
        assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
        let report = failure.report.unwrap();
        assert_eq!((report.counts.failed, report.counts.cancelled, report.counts.converted), (4, 0, 0));
        assert!(report
            .rows
            .iter()
            .all(|row| row.detail.contains("catalog") && row.detail.contains("connection was refused")));
        assert!(names(storage, "Compaction_V2/Scheduler").is_empty());
        let report = place.upgrade().unwrap();
        assert_eq!((report.counts.converted, report.counts.cancelled), (4, 0), "with the catalog back");
    });
}

#[test]
fn a_task_info_name_that_is_too_long_is_that_tasks_error() {
    let db = "d".repeat(250);
    let catalog = format!(
        r#"{{"process_groups": [{{"name": "pc1", "nodes": ["n1"]}}], "nodes": ["n1"],
        "schemas": [{{"db": "{db}", "schema": "s", "process_groups": ["pc1"]}},
        {{"db": "sales", "schema": "eu", "process_groups": ["pc1"]}}]}}"#
    );
    let catalog: &'static str = Box::leak(catalog.into_boxed_str());
    let test = |place: &Place| {
        let long = v1(&*place.storage, "p", 0, 5, StateV1::Init, (&db, "s"));
        v1(&*place.storage, "p", 1, 5, StateV1::Init, ("sales", "eu"));
        let failure = place.upgrade().unwrap_err();
        let report = failure.report.unwrap();
        assert_eq!((report.counts.converted, report.counts.failed), (1, 1));
        let row = report.rows.iter().find(|row| row.v1_name == long).unwrap();
        assert!(row.detail.contains("too large") && row.detail.contains("TaskInfo.pc1.ddd"), "{}", row.detail);
    };
    on_both(catalog, test);
}
