//! What is asked of a RECOVERY, what happened in V2 before, and what must be left after it.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::task::{Memo, StateV1, StateV2, TaskV1, TaskV2};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{
    Codec, DefaultCodec, ErrorKind, Failure, Liveness, Operation, RecoveryMode, Result, RunOptions, Session, Storage,
};
use parking_lot::Mutex;

use super::checker::{differences, Image};
use super::places::Place;
use super::sessions::Answer;
use super::v1_files::{bytes, file, folder, names, remove, rename, replace, v1_task, v2, v2_task};

/// RECOVERY by a mode.
pub fn by(recovery_mode: RecoveryMode) -> RunOptions {
    RunOptions { recovery_mode, ..RunOptions::default() }
}

/// The same with force.
pub fn by_force(recovery_mode: RecoveryMode) -> RunOptions {
    RunOptions { force: true, ..by(recovery_mode) }
}

/// The plan of it.
pub fn plan_by(recovery_mode: RecoveryMode) -> RunOptions {
    RunOptions { plan: true, ..by(recovery_mode) }
}

pub fn recover(place: &Place, mode: RecoveryMode) -> Answer {
    place.run_with(Operation::Recovery, by(mode))
}

/// That RECOVERY is refused for exactly these reasons, all said at once, changes nothing, and says what to do instead.
pub fn refused(place: &Place, options: RunOptions, reasons: &[&str]) -> Failure {
    refused_in(place, &place.session(), options, reasons)
}

/// The same in a session of the caller's.
pub fn refused_in(place: &Place, session: &Session, options: RunOptions, reasons: &[&str]) -> Failure {
    let failure = place.unchanged_by(|| session.run(Operation::Recovery, &options, None).unwrap_err());
    assert_eq!(failure.error.kind(), ErrorKind::Refused, "{}", failure.error);
    let said = &failure.report.as_ref().unwrap().warnings;
    for reason in reasons {
        assert!(said.iter().any(|text| text.contains(reason)), "{said:#?} lacks {reason}");
    }
    assert_eq!(said.len(), reasons.len(), "{said:#?}");
    assert!(!failure.error.next_action().is_empty());
    failure
}

/// What lies in the V1 tree.
pub fn v1_tree(place: &Place) -> Image {
    place.image().into_iter().filter(|(path, _)| path == "Compaction" || path.starts_with("Compaction/")).collect()
}

/// That the tree is this V1 tree and an empty V2, and nothing else.
pub fn only_v1(place: &Place, v1: &Image) {
    let mut expected = v1.clone();
    for path in ["Compaction_V2", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"] {
        expected.insert(path.to_owned(), None);
    }
    let differ = differences(&place.image(), &expected);
    assert!(differ.is_empty(), "{differ:#?}");
}

/// The V1 tasks that are there: by their names, decoded.
pub fn v1_tasks(storage: &dyn Storage) -> Vec<(String, TaskV1)> {
    let read = |name: String| {
        let task = DefaultCodec.decode_v1(&bytes(storage, &format!("Compaction/Scheduler/{name}"))).unwrap();
        (name, task)
    };
    names(storage, "Compaction/Scheduler").into_iter().map(read).collect()
}

fn info_path(storage: &dyn Storage, id: &str) -> String {
    let at = format!("Compaction_V2/Scheduler/{id}");
    let info = names(storage, &at).into_iter().find(|name| name.starts_with("TaskInfo.")).unwrap();
    format!("{at}/{info}")
}

/// The record of a V2 task.
pub fn v2_record(storage: &dyn Storage, id: &str) -> TaskV2 {
    DefaultCodec.decode_v2(&bytes(storage, &info_path(storage, id))).unwrap()
}

/// A node writes other things into a V2 task.
pub fn edit(storage: &dyn Storage, id: &str, edit: impl FnOnce(&mut TaskV2)) {
    let mut task = v2_record(storage, id);
    edit(&mut task);
    replace(storage, &info_path(storage, id), &DefaultCodec.encode_v2(&task).unwrap());
}

/// A V2 task goes into another state, by its `Status` alone.
pub fn set_status(storage: &dyn Storage, id: &str, state: StateV2) {
    let at = format!("Compaction_V2/Scheduler/{id}");
    let old = names(storage, &at).into_iter().find(|name| name.starts_with("Status.")).unwrap();
    rename(storage, &format!("{at}/{old}"), &format!("{at}/Status.{}", state.word()));
}

/// V2 finishes a task and clears it.
pub fn clear(storage: &dyn Storage, id: &str) {
    remove(storage, &format!("Compaction_V2/Scheduler/{id}"));
    for node in names(storage, "Compaction_V2/TaskAssigned") {
        let manager = format!("Compaction_V2/TaskAssigned/{node}/Manager.{id}");
        if super::v1_files::exists(storage, &manager) {
            remove(storage, &manager);
        }
    }
}

/// A task that V2 makes by itself, with everything that V1 cannot hold; the V1 task that it becomes but for its time.
pub fn born(storage: &dyn Storage, query_id: &str, seq: i32, pu: &str, state: StateV2) -> TaskV1 {
    let like = v1_task(pu, seq, 1_234_567, StateV1::Init, ("sales", "eu"));
    let mut task = v2_task(&like, query_id, state, "pc1", "xcloud24_9876");
    task.sync_task_flag = true;
    task.memo = Memo { compact_filesize_threshold: 64 << 20, compact_group_num: 3 };
    v2(storage, &format!("{query_id}.{seq}"), "TaskInfo.pc1.sales", &task);
    TaskV1 { state: state_in_v1(state), ..like }
}

/// The state that a downgraded task has.
pub fn state_in_v1(state: StateV2) -> StateV1 {
    match state {
        StateV2::Init | StateV2::Running => StateV1::Init,
        StateV2::Cancel => StateV1::Cancel,
        StateV2::Done => StateV1::Done,
    }
}

/// A node records that it has started.
pub fn starts(storage: &dyn Storage, escaped_node: &str) {
    file(storage, &format!("Compaction_V2/TaskUpgrade.done/Started.{escaped_node}"), b"");
}

/// The mark with which a RECOVERY under way says its direction.
pub fn recovery_begun(storage: &dyn Storage, mode: Option<RecoveryMode>) {
    folder(storage, "Compaction_V2/Taskrecovery");
    if let Some(mode) = mode {
        file(storage, &format!("Compaction_V2/Taskrecovery/Mode.{}", mode.word()), b"");
        if !super::v1_files::exists(storage, "Compaction_V2/Taskrecovery/Begun") {
            file(storage, "Compaction_V2/Taskrecovery/Begun", b"");
        }
    }
}

/// The registry of the nodes: who is up, and the number that grows with every coming and going. Clones are the same.
#[derive(Clone, Default)]
pub struct Registry {
    pub up: Arc<Mutex<Vec<String>>>,
    pub change_id: Arc<Mutex<Option<i64>>>,
}

impl Registry {
    pub fn with_change_id(id: i64) -> Self {
        let registry = Self::default();
        *registry.change_id.lock() = Some(id);
        registry
    }

    /// A node comes up.
    pub fn register(&self, node: &str) {
        self.up.lock().push(node.to_owned());
        if let Some(id) = &mut *self.change_id.lock() {
            *id += 1;
        }
    }
}

impl Liveness for Registry {
    fn online_nodes(&self) -> Result<Vec<String>> {
        Ok(self.up.lock().clone())
    }
    fn change_id(&self) -> Result<Option<i64>> {
        Ok(*self.change_id.lock())
    }
}

/// A storage whose files were written when the test says.
pub struct Dated {
    pub inner: Arc<dyn Storage>,
    pub mtime_ms: HashMap<String, i64>,
}

impl Dated {
    /// The `TaskInfo` files of these V2 tasks were written at these times.
    pub fn infos(inner: &Arc<dyn Storage>, times: &[(&str, i64)]) -> Arc<Self> {
        let times = times.iter().map(|(id, time)| (info_path(&**inner, id), *time));
        Arc::new(Self { mtime_ms: times.collect(), inner: Arc::clone(inner) })
    }
}

impl Storage for Dated {
    fn describe(&self) -> String {
        self.inner.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.inner.list(folder, &mut |mut entry| -> ControlFlow<()> {
            if let Some(time) = self.mtime_ms.get(folder.join(&entry.name).as_str()) {
                entry.stat.mtime_ms = *time;
            }
            sink(entry)
        })
    }
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.inner.stat_batch(paths, in_flight)
    }
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.inner.read_batch(paths, limit_bytes, in_flight)
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        self.inner.change_batch(changes, flow)
    }
}
