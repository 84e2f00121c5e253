//! V1 files, whole and broken, and the few calls that put them into a tree.

use comptask_upgrade::storage::{Fence, Flow};
use comptask_upgrade::task::{
    Memo, Optimization, RepeatInfo, ResultInfo, StateV1, StateV2, TaskIdV1, TaskIdV2, TaskV1, TaskV2,
};
use comptask_upgrade::tree::{Change, TreePath};
use comptask_upgrade::{Codec, DefaultCodec, Result, Storage};

/// Leave for every change.
pub struct Open;

impl Fence for Open {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
}

/// A path below the root.
pub fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

/// One change, made by whoever builds the tree.
pub fn change(storage: &dyn Storage, change: &Change) {
    let answers = storage.change_batch(std::slice::from_ref(change), Flow { fence: &Open, in_flight: 1 });
    assert_eq!(answers, [Ok(())], "{change:?}");
}

/// Makes a folder and its parents.
pub fn folder(storage: &dyn Storage, at: &str) {
    change(storage, &Change::MakeFolder { path: path(at) });
}

/// Makes a file and the folders above it.
pub fn file(storage: &dyn Storage, at: &str, bytes: &[u8]) {
    if let Some((parent, _)) = at.rsplit_once('/') {
        folder(storage, parent);
    }
    change(storage, &Change::Create { path: path(at), bytes: bytes.to_vec() });
}

/// Removes a file, or a folder with all it holds.
pub fn remove(storage: &dyn Storage, at: &str) {
    change(storage, &Change::Remove { path: path(at), recursive: true });
}

/// Puts other bytes in the place of a file.
pub fn replace(storage: &dyn Storage, at: &str, bytes: &[u8]) {
    remove(storage, at);
    file(storage, at, bytes);
}

/// Renames a file or folder.
pub fn rename(storage: &dyn Storage, from: &str, to: &str) {
    change(storage, &Change::Rename { from: path(from), to: path(to) });
}

/// Whether anything lies at a path.
pub fn exists(storage: &dyn Storage, at: &str) -> bool {
    storage.find(&path(at)).unwrap().is_some()
}

/// The bytes of a file.
pub fn bytes(storage: &dyn Storage, at: &str) -> Vec<u8> {
    storage.read(&path(at), 1 << 30).unwrap()
}

/// The names in a folder, sorted; none where there is no folder.
pub fn names(storage: &dyn Storage, at: &str) -> Vec<String> {
    storage.children(&path(at)).unwrap().unwrap_or_default().into_iter().map(|entry| entry.name).collect()
}

/// The name of a V1 task's file.
pub fn v1_name(pu: &str, seq: i32, ts: u64, state: StateV1) -> String {
    let suffix = if state == StateV1::Init { String::new() } else { format!(".{}", state.word()) };
    format!("compct.{pu}.{seq}.{ts}{suffix}")
}

/// A V1 task whose fields are all different from their defaults, and from those of its neighbours.
pub fn v1_task(pu: &str, seq: i32, ts: u64, state: StateV1, schema: (&str, &str)) -> TaskV1 {
    let small = i32::try_from(ts % 1_000).unwrap();
    TaskV1 {
        task_id: TaskIdV1 { receive_pu: pu.to_owned(), sequence_no: seq, receive_ts: ts },
        state,
        repeat_flag: ts % 2 == 0,
        sub_task_flag: ts % 3 == 0,
        repeat_info: RepeatInfo { repeat_count: small + 1, repeat_interval: -small - 2 },
        result_info: ResultInfo { success_count: small.unsigned_abs() + 3, failed_count: small.unsigned_abs() + 4 },
        db_name: schema.0.to_owned(),
        schema_name: schema.1.to_owned(),
        table_name: format!("table_{pu}_{seq}"),
        partition_name: format!("part_{ts}"),
    }
}

/// The bytes of a V1 task.
pub fn v1_bytes(task: &TaskV1) -> Vec<u8> {
    DefaultCodec.encode_v1(task).unwrap()
}

/// Puts a V1 task into the tree, and gives its file's name.
pub fn v1(storage: &dyn Storage, pu: &str, seq: i32, ts: u64, state: StateV1, schema: (&str, &str)) -> String {
    let name = v1_name(pu, seq, ts, state);
    file(storage, &format!("Compaction/Scheduler/{name}"), &v1_bytes(&v1_task(pu, seq, ts, state, schema)));
    name
}

/// The V2 task that a V1 task becomes, field by field, in no words of the library.
pub fn v2_task(v1: &TaskV1, query_id: &str, state: StateV2, pc: &str, node: &str) -> TaskV2 {
    TaskV2 {
        task_id: TaskIdV2 { query_id: query_id.to_owned(), sequence_no: v1.task_id.sequence_no },
        receive_pu: v1.task_id.receive_pu.clone(),
        state,
        optimizat: Optimization { db_name: v1.db_name.clone(), pc_name: pc.to_owned() },
        repeat_flag: v1.repeat_flag,
        sub_task_flag: v1.sub_task_flag,
        sync_task_flag: false,
        repeat_info: v1.repeat_info,
        result_info: v1.result_info,
        db_name: v1.db_name.clone(),
        schema_name: v1.schema_name.clone(),
        table_name: v1.table_name.clone(),
        partition_name: v1.partition_name.clone(),
        pc_name: pc.to_owned(),
        executenode: node.to_owned(),
        memo: Memo { compact_filesize_threshold: 0, compact_group_num: 0 },
    }
}

/// Puts a whole V2 main task into the tree, without a manager.
pub fn v2(storage: &dyn Storage, folder_name: &str, info_name: &str, task: &TaskV2) {
    let at = format!("Compaction_V2/Scheduler/{folder_name}");
    file(storage, &format!("{at}/{info_name}"), &DefaultCodec.encode_v2(task).unwrap());
    file(storage, &format!("{at}/Status.{}", task.state.word()), b"");
}

/// The same bytes with a CRC32C that fits them.
pub fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.truncate(bytes.len() - 4);
    let crc = crc32c::crc32c(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}
