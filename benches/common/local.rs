//! Trees of many tasks on a local disk.

use std::path::{Path, PathBuf};

use comptask_upgrade::task::{RepeatInfo, ResultInfo, StateV1, TaskIdV1, TaskV1};
use comptask_upgrade::{
    AssumeOffline, CatalogSnapshot, Codec, DefaultCodec, FileLock, LocalStorage, Operation, Report, RunOptions,
    Session, SessionBuilder, Storage,
};
use std::sync::Arc;

const CATALOG: &str = r#"{"process_groups": [{"name": "pc1", "nodes": ["n1_1", "n2_1"]}, {"name": "pc2", "nodes": ["n3_1"]}],
    "nodes": ["n1_1", "n2_1", "n3_1"], "schemas": [{"db": "d", "schema": "s", "process_groups": ["pc1", "pc2"]}]}"#;

/// The database of every task.
pub const DATABASE: &str = "d";

/// Where the trees are made: the folder that is named, or the system's temporary one.
pub fn place(word: Option<String>) -> PathBuf {
    word.map_or_else(std::env::temp_dir, Into::into)
}

/// A V1 tree of so many open tasks, each of which gets a manager: the most that an upgrade can have to do. Durable.
pub fn lay_out(root: &Path, tasks: u64) {
    let scheduler = root.join("Compaction/Scheduler");
    std::fs::create_dir_all(&scheduler).unwrap();
    for number in 0..tasks {
        let receive_ts = 1_617_693_156_000 + number;
        let task = TaskV1 {
            task_id: TaskIdV1 { receive_pu: "xcloud24_9876".into(), sequence_no: 0, receive_ts },
            state: StateV1::Init,
            repeat_flag: false,
            sub_task_flag: false,
            repeat_info: RepeatInfo::default(),
            result_info: ResultInfo::default(),
            db_name: DATABASE.into(),
            schema_name: "s".into(),
            table_name: format!("table_{number}"),
            partition_name: String::new(),
        };
        let name = scheduler.join(format!("compct.xcloud24_9876.0.{receive_ts}"));
        std::fs::write(name, DefaultCodec.encode_v1(&task).unwrap()).unwrap();
    }
    flush(root);
}

/// Makes durable what lies on a folder's file system, so that nobody pays for what came before.
pub fn flush(folder: &Path) {
    rustix::fs::syncfs(std::fs::File::open(folder).unwrap()).unwrap();
}

/// A session on a local root.
pub fn session(root: &Path) -> Session {
    session_on(Arc::new(LocalStorage::open(root).unwrap()), root)
}

/// A session on a storage of a local root.
pub fn session_on(storage: Arc<dyn Storage>, root: &Path) -> Session {
    let builder = SessionBuilder::new(storage).lock(FileLock::open(root).unwrap());
    builder.catalog(CatalogSnapshot::parse(CATALOG).unwrap()).liveness(AssumeOffline).open().unwrap()
}

/// Runs an operation as it is without options.
pub fn run(session: &Session, operation: Operation) -> Report {
    let answer = session.run(operation, &RunOptions::default(), None);
    answer.unwrap_or_else(|failure| panic!("{}", failure.error))
}
