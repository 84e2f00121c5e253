//! The published JSON schema holds for real reports of every operation, of plans and of failures.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not known to clippy as tests")]

use std::sync::Arc;

use comptask_upgrade::storage::{Fence, Flow};
use comptask_upgrade::tree::{Change, TreePath};
use comptask_upgrade::{
    AssumeOffline, CatalogSnapshot, Guard, Lock, MemoryStorage, Operation, RecoveryMode, Report, Result, RunOptions,
    Session, SessionBuilder, Storage,
};

struct NoLock;
struct Free;

impl Lock for NoLock {
    fn acquire(&self, _holder: &str) -> Result<Box<dyn Guard>> {
        Ok(Box::new(Free))
    }
}

impl Guard for Free {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
    fn confirm(&self) -> Result<()> {
        Ok(())
    }
    fn release(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Fence for Free {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
}

fn write(storage: &MemoryStorage, path: &str, bytes: &[u8]) {
    let path = TreePath::parse(path).unwrap();
    let changes = [Change::MakeFolder { path: path.parent().unwrap() }, Change::Create { path, bytes: bytes.to_vec() }];
    for change in changes {
        storage.change_batch(&[change], Flow { fence: &Free, in_flight: 1 }).remove(0).unwrap();
    }
}

fn open(storage: &MemoryStorage) -> Session {
    let catalog =
        r#"{"process_groups": [], "nodes": ["n_1"], "schemas": [{"db": "d", "schema": "s", "process_groups": []}]}"#;
    SessionBuilder::new(Arc::new(storage.clone()))
        .lock(NoLock)
        .catalog(CatalogSnapshot::parse(catalog).unwrap())
        .liveness(AssumeOffline)
        .open()
        .unwrap()
}

fn check(report: &Report, error: Option<&comptask_upgrade::Error>, code: i64) {
    let schema = serde_json::from_str(include_str!("../docs/report.schema.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&report.to_json(error)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&document).map(|problem| format!("{}: {problem}", problem.instance_path)).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(document["result"]["code"], code);
}

#[test]
fn the_schema_holds_for_every_kind_of_report() {
    use comptask_upgrade::task::{RepeatInfo, ResultInfo, StateV1, TaskIdV1, TaskV1};
    use comptask_upgrade::{Codec, DefaultCodec};
    let task = TaskV1 {
        task_id: TaskIdV1 { receive_pu: "p".into(), sequence_no: 0, receive_ts: 7 },
        state: StateV1::Init,
        repeat_flag: false,
        sub_task_flag: false,
        repeat_info: RepeatInfo::default(),
        result_info: ResultInfo::default(),
        db_name: "d".into(),
        schema_name: "s".into(),
        table_name: "t".into(),
        partition_name: String::new(),
    };
    let storage = MemoryStorage::new();
    write(&storage, "Compaction/Scheduler/compct.p.0.7", &DefaultCodec.encode_v1(&task).unwrap());
    write(&storage, "Compaction/Scheduler/compct.torn.0.7", b"CTK1");
    let plan = RunOptions { plan: true, ..RunOptions::default() };
    check(&open(&storage).run(Operation::Status, &RunOptions::default(), None).unwrap(), None, 0);
    check(&open(&storage).run(Operation::Upgrade, &plan, None).unwrap(), None, 0);
    let failure = open(&storage).run(Operation::Upgrade, &RunOptions::default(), None).unwrap_err();
    check(failure.report.as_ref().unwrap(), Some(&failure.error), 20);
    let path = TreePath::parse("Compaction/Scheduler/compct.torn.0.7").unwrap();
    let remove = Change::Remove { path, recursive: false };
    storage.change_batch(&[remove], Flow { fence: &Free, in_flight: 1 }).remove(0).unwrap();
    for operation in [Operation::Upgrade, Operation::Upgrade, Operation::Status] {
        check(&open(&storage).run(operation, &RunOptions::default(), None).unwrap(), None, 0);
    }
    check(&open(&storage).run(Operation::Delete, &plan, None).unwrap(), None, 0);
    write(&storage, "Compaction/stranger", b"");
    let failure = open(&storage).run(Operation::Delete, &RunOptions::default(), None).unwrap_err();
    check(failure.report.as_ref().unwrap(), Some(&failure.error), 13);
    write(&storage, "Compaction_V2/TaskUpgrade.done/Started.n_1", b"");
    let failure = open(&storage).run(Operation::Recovery, &RunOptions::default(), None).unwrap_err();
    check(failure.report.as_ref().unwrap(), Some(&failure.error), 13);
    let back = RunOptions { recovery_mode: RecoveryMode::Downgrade, ..RunOptions::default() };
    for options in [RunOptions { plan: true, ..back }, back] {
        check(&open(&storage).run(Operation::Recovery, &options, None).unwrap(), None, 0);
    }
    write(&storage, "Compaction_V2/Taskrecovery/Mode.cancel", b"");
    check(&open(&storage).run(Operation::Status, &RunOptions::default(), None).unwrap(), None, 0);
}
