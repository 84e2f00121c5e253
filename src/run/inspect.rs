//! A look into one V2 main task.

use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::storage::{none_if_missing, Storage};
use crate::task::{Codec, StateV2, TaskV2, V2Id, FILE_BYTES_LIMIT};
use crate::tree::Entry;

/// A V2 main task that was looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inspected {
    /// Not whole: why.
    Torn(String),
    /// Whole.
    Whole(Box<WholeTask>),
}

/// A V2 main task that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WholeTask {
    /// Its record.
    pub(super) task: TaskV2,
    /// The state that its `Status` says, which is the truth.
    pub(super) state: StateV2,
    /// The bytes of its `TaskInfo`.
    pub(super) bytes: Vec<u8>,
    /// When its `TaskInfo` was written, in milliseconds since 1970.
    pub(super) mtime_ms: i64,
    /// What else lies in its folder.
    pub(super) others: Vec<String>,
}

/// Looks into a V2 main task; `None` where none is there.
///
/// # Errors
/// Where it cannot be read, which says nothing of whether it is whole.
pub(super) fn inspect(storage: &dyn Storage, codec: &dyn Codec, id: &V2Id) -> Result<Option<Inspected>> {
    let folder = layout::main_task(id);
    let Some(entries) = storage.children(&folder)? else { return Ok(None) };
    let (entries, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| {
        let known = layout::parse_task_info(&entry.name).is_some() || layout::parse_status(&entry.name).is_some();
        entry.is_file() && known
    });
    let torn = |why: String| Ok(Some(Inspected::Torn(why)));
    let infos: Vec<&Entry> = entries.iter().filter(|entry| layout::parse_task_info(&entry.name).is_some()).collect();
    let states: Vec<StateV2> = entries.iter().filter_map(|entry| layout::parse_status(&entry.name)).collect();
    let (info, state) = match (infos.as_slice(), states.as_slice()) {
        ([info], [state]) => (info, *state),
        (infos, states) => return torn(format!("it has {} TaskInfo and {} Status files", infos.len(), states.len())),
    };
    let Some(bytes) = none_if_missing(storage.read(&folder.join(&info.name), FILE_BYTES_LIMIT))? else {
        return torn("its TaskInfo vanished".to_owned());
    };
    match codec.decode_v2(&bytes) {
        Ok(task) if task.id() != *id => torn(format!("{} holds the id {}", info.name, task.id())),
        Ok(task) => Ok(Some(Inspected::Whole(Box::new(WholeTask {
            task,
            state,
            bytes,
            mtime_ms: info.stat.mtime_ms,
            others: others.into_iter().map(|entry| entry.name).collect(),
        })))),
        Err(error) if error.kind() == ErrorKind::Corrupt => torn(format!("{}: {}", info.name, error.message())),
        // A codec of the host may fail for reasons of its own.
        Err(error) => Err(Error::new(error.kind(), error.message()).at(folder.join(&info.name))),
    }
}
