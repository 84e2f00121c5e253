//! Placement by the node that received a task, and a catalog that does not answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use comptask_upgrade::task::{StateV1, StateV2};
use comptask_upgrade::{
    Catalog, CatalogSnapshot, Error, ErrorKind, Operation, Outcome, PlacementRule, RecoveryMode, Report, Result,
    RunOptions,
};
use PlacementRule::{ByEntryNode, ByEntryNodeOrSchema, BySchema};

use crate::support::checker::{differences, normal};
use crate::support::meddling::Unreachable;
use crate::support::places::{on_both, Place};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{exists, file, names, remove, v1};
use crate::support::ways_back::{recover, v2_record};

const TS: u64 = 1_700_000_000_123;

fn by(placement: PlacementRule) -> RunOptions {
    RunOptions { placement, ..RunOptions::default() }
}

/// A task for each row: who received it, its state, its schema. Their sequence numbers are the rows' places.
const TASKS: [(&str, StateV1, (&str, &str)); 9] = [
    // In a PC, which is not the one of the schema.
    ("xcloud24_9876", StateV1::Init, ("sales", "solo")),
    ("solo_1", StateV1::Assigned, ("sales", "eu")),
    // In a PC; the schema may use none, or is none.
    ("node:3.example", StateV1::Init, ("sales", "nopc")),
    ("xcloud25_9876", StateV1::Done, ("sales", "no such schema")),
    // Installed, in no PC.
    ("free%1", StateV1::Init, ("sales", "eu")),
    // Not installed any more.
    ("gone_1", StateV1::Init, ("sales", "solo")),
    ("gone_1", StateV1::Assigned, ("sales", "no such schema")),
    ("gone_1", StateV1::Done, ("sales", "solo")),
    ("gone_1", StateV1::Cancel, ("sales", "nopc")),
];

fn make(place: &Place) {
    for ((pu, state, schema), seq) in TASKS.into_iter().zip(0..) {
        v1(&*place.storage, pu, seq, TS, state, schema);
    }
}

fn id(seq: usize) -> String {
    format!("aaaaffff.17000000.00123000.{seq}")
}

/// Where a task was put: its record, the name of its file and its manager say the same.
fn place_of(place: &Place, seq: usize) -> (String, String, StateV2) {
    let storage = &*place.storage;
    let task = v2_record(storage, &id(seq));
    let escape = |name: &str| name.replace('%', "%25").replace('.', "%2E").replace(':', "%3A").replace('/', "%2F");
    let info = format!("TaskInfo.{}.{}", escape(&task.pc_name), escape(&task.db_name));
    assert_eq!(
        names(storage, &format!("Compaction_V2/Scheduler/{}", id(seq))),
        [format!("Status.{}", task.state.word()), info]
    );
    assert_eq!(task.optimizat.pc_name, task.pc_name);
    let nodes = names(storage, "Compaction_V2/TaskAssigned");
    let has_it = |node: &&String| exists(storage, &format!("Compaction_V2/TaskAssigned/{node}/Manager.{}", id(seq)));
    let its: Vec<&String> = nodes.iter().filter(has_it).collect();
    let node = if task.executenode == "upgrade" { "%75pgrade".to_owned() } else { escape(&task.executenode) };
    let expected = if task.state == StateV2::Init { vec![&node] } else { Vec::new() };
    assert_eq!(its, expected, "managers are for open tasks, on the node that runs them");
    (task.pc_name, task.executenode, task.state)
}

fn is_in(place: &Place, seq: usize, pc: &str, nodes: &[&str], state: StateV2) {
    let (its_pc, node, its_state) = place_of(place, seq);
    assert_eq!((its_pc.as_str(), its_state), (pc, state), "task {seq} is on {node}");
    assert!(nodes.contains(&node.as_str()), "task {seq} is on {node}");
}

fn row(report: &Report, seq: usize) -> &comptask_upgrade::Row {
    report.rows.iter().find(|row| row.v2_id == id(seq)).unwrap()
}

const PC1: [&str; 2] = ["xcloud24_9876", "xcloud25_9876"];

fn those_that_are_installed(place: &Place) {
    is_in(place, 0, "pc1", &PC1, StateV2::Init);
    is_in(place, 1, "solo", &["solo_1"], StateV2::Init);
    is_in(place, 2, "pc.two", &["node:3.example", "upgrade"], StateV2::Init);
    is_in(place, 3, "pc1", &PC1, StateV2::Done);
    is_in(place, 4, "", &["free%1"], StateV2::Init);
}

#[test]
fn by_entry_node_a_task_goes_to_the_pc_of_who_received_it_or_is_cancelled() {
    on_both(CATALOG, |place| {
        make(place);
        let report = place.run_with(Operation::Upgrade, by(ByEntryNode)).unwrap();
        those_that_are_installed(place);
        is_in(place, 5, "", &[""], StateV2::Cancel);
        is_in(place, 6, "", &[""], StateV2::Cancel);
        is_in(place, 7, "", &[""], StateV2::Done);
        is_in(place, 8, "", &[""], StateV2::Cancel);
        assert_eq!((report.counts.cancelled, report.counts.converted), (2, 7));
        for seq in [5, 6] {
            assert_eq!(row(&report, seq).outcome, Outcome::Cancelled);
            let detail = &row(&report, seq).detail;
            assert_eq!(detail, "entry node gone_1: its entry node is no longer installed");
        }
        assert_eq!(row(&report, 8).outcome, Outcome::Converted, "it was cancelled before");
    });
}

#[test]
fn or_by_schema_where_who_received_it_is_gone() {
    on_both(CATALOG, |place| {
        make(place);
        let report = place.run_with(Operation::Upgrade, by(ByEntryNodeOrSchema)).unwrap();
        those_that_are_installed(place);
        is_in(place, 5, "solo", &["solo_1"], StateV2::Init);
        is_in(place, 6, "", &[""], StateV2::Cancel);
        is_in(place, 7, "solo", &["solo_1"], StateV2::Done);
        is_in(place, 8, "", &[""], StateV2::Cancel);
        assert_eq!(report.counts.cancelled, 1);
        assert_eq!(row(&report, 6).detail, "schema sales.no such schema: there is no such schema");
    });
}

#[test]
fn a_pc_that_holds_the_node_is_drawn_where_several_do_and_the_node_from_it() {
    on_both(CATALOG, |place| {
        for seq in 0..40 {
            v1(&*place.storage, "upgrade", seq, TS, StateV1::Init, ("sales", "eu"));
            v1(&*place.storage, "xcloud24_9876", seq + 40, TS, StateV1::Init, ("sales", "solo"));
        }
        place.run_with(Operation::Upgrade, by(ByEntryNode)).unwrap();
        let mut counts = std::collections::BTreeMap::new();
        for seq in 0..80 {
            let (pc, node, _) = place_of(place, seq);
            *counts.entry((pc, node)).or_insert(0) += 1;
        }
        let keys: Vec<(&str, &str)> = counts.keys().map(|(pc, node)| (pc.as_str(), node.as_str())).collect();
        let expected = [
            ("marked", "upgrade"),
            ("pc.two", "node:3.example"),
            ("pc.two", "upgrade"),
            ("pc1", "xcloud24_9876"),
            ("pc1", "xcloud25_9876"),
        ];
        assert_eq!(keys, expected, "{counts:?}");
        assert!(counts.values().all(|count| *count >= 4), "{counts:?}");
    });
}

/// Stopped by a task that fails, cancelled, or on another storage: the places are the same.
#[test]
fn the_places_are_the_same_on_every_run() {
    for rule in PlacementRule::ALL {
        let ends = std::cell::RefCell::new(Vec::new());
        on_both(CATALOG, |place| {
            make(place);
            file(&*place.storage, "Compaction/Scheduler/compct.torn.0.5", b"CTK1");
            place.run_with(Operation::Upgrade, by(rule)).unwrap_err();
            remove(&*place.storage, "Compaction/Scheduler/compct.torn.0.5");
            v1(&*place.storage, "upgrade", 9, TS, StateV1::Init, ("sales", "eu"));
            let report = place.run_with(Operation::Upgrade, by(rule)).unwrap();
            assert_eq!((report.counts.skipped, report.counts.converted), (9, 1), "{rule:?}");
            let first = normal(place.image());
            recover(place, RecoveryMode::Cancel).unwrap();
            place.run_with(Operation::Upgrade, by(rule)).unwrap();
            assert_eq!(differences(&normal(place.image()), &first), Vec::<String>::new());
            ends.borrow_mut().push(first);
        });
        let ends = ends.into_inner();
        assert!(!differences(&ends[0], &ends[1]).iter().any(|path| path.contains("_V2")), "{rule:?}");
    }
}

/// A catalog that can be told to stop answering some of its questions.
struct Half {
    whole: CatalogSnapshot,
    silent: Arc<AtomicBool>,
    about: &'static str,
}

impl Half {
    fn ask<T>(&self, what: &str, answer: impl FnOnce(&CatalogSnapshot) -> Result<T>) -> Result<T> {
        if self.silent.load(Ordering::Relaxed) && what == self.about {
            return Err(Error::new(ErrorKind::Catalog, "the connection was refused"));
        }
        answer(&self.whole)
    }
}

impl Catalog for Half {
    fn schema_pcs(&self, db: &str, schema: &str) -> Result<Option<Vec<String>>> {
        self.ask("schema", |whole| whole.schema_pcs(db, schema))
    }
    fn cluster_pcs(&self) -> Result<Vec<String>> {
        self.ask("pcs", Catalog::cluster_pcs)
    }
    fn pc_nodes(&self, pc: &str) -> Result<Vec<String>> {
        self.ask("nodes of a pc", |whole| whole.pc_nodes(pc))
    }
    fn cluster_nodes(&self) -> Result<Vec<String>> {
        self.ask("nodes", Catalog::cluster_nodes)
    }
}

#[test]
fn a_catalog_that_does_not_answer_fails_tasks_and_cancels_none() {
    for rule in PlacementRule::ALL {
        on_both(CATALOG, |place| {
            make(place);
            let session = place.builder().catalog(Unreachable).open().unwrap();
            for _ in 0..2 {
                let failure = session.run(Operation::Upgrade, &by(rule), None).unwrap_err();
                assert_eq!(failure.error.kind(), ErrorKind::TasksFailed, "{rule:?}");
                let report = failure.report.unwrap();
                assert_eq!((report.counts.total, report.counts.failed, report.counts.cancelled), (9, 9, 0));
                let unanswered = |row: &comptask_upgrade::Row| {
                    row.outcome == Outcome::Failed && row.detail.contains("the connection was refused")
                };
                assert!(report.rows.iter().all(unanswered), "{:#?}", report.rows);
                assert!(names(&*place.storage, "Compaction_V2/Scheduler").is_empty());
            }
            let report = place.run_with(Operation::Upgrade, by(rule)).unwrap();
            assert_eq!((report.counts.total, report.counts.failed), (9, 0));
        });
    }
}

#[test]
fn a_question_that_is_not_answered_fails_those_who_need_the_answer() {
    let rows: [(PlacementRule, &str, &[usize]); 6] = [
        (ByEntryNode, "pcs", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (ByEntryNode, "nodes of a pc", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        (ByEntryNode, "nodes", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
        // By entry node no schema is asked for; where the entry node is gone it is.
        (ByEntryNode, "schema", &[]),
        (ByEntryNodeOrSchema, "schema", &[5, 6, 7, 8]),
        (BySchema, "schema", &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    ];
    for (rule, about, failing) in rows {
        on_both(CATALOG, |place| {
            make(place);
            let silent = Arc::new(AtomicBool::new(true));
            let whole = CatalogSnapshot::parse(CATALOG).unwrap();
            let catalog = Half { whole, silent: Arc::clone(&silent), about };
            let session = place.builder().catalog(catalog).open().unwrap();
            let answer = session.run(Operation::Upgrade, &by(rule), None);
            let failed: Vec<i32> = match &answer {
                Ok(_) => Vec::new(),
                Err(failure) => {
                    assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
                    let rows = &failure.report.as_ref().unwrap().rows;
                    let failed = rows.iter().filter(|row| row.outcome == Outcome::Failed);
                    let seq =
                        |name: &str| name.split('.').rev().find_map(|part| part.parse::<i32>().ok().filter(|n| *n < 9));
                    let mut failed: Vec<i32> = failed.filter_map(|row| seq(&row.v1_name)).collect();
                    failed.sort_unstable();
                    failed
                }
            };
            let expected: Vec<i32> = failing.iter().map(|seq| i32::try_from(*seq).unwrap()).collect();
            assert_eq!(failed, expected, "{rule:?}, {about}");
            silent.store(false, Ordering::Relaxed);
            if answer.is_err() {
                let report = session.run(Operation::Upgrade, &by(rule), None).unwrap();
                assert_eq!(report.counts.skipped, 9 - failing.len() as u64, "{rule:?}, {about}");
            }
            assert_eq!(names(&*place.storage, "Compaction_V2/Scheduler").len(), 9);
        });
    }
}
