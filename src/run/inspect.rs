//! A look into one V2 main task.

use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::storage::{none_if_missing, Storage};
use crate::task::{Codec, StateV2, TaskV2, V2Id, FILE_BYTES_LIMIT};

/// A V2 main task that was looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inspected {
    /// Not whole: why.
    Torn(String),
    /// Whole: its record, the state that its `Status` says, and the bytes of its `TaskInfo`.
    Whole(Box<TaskV2>, StateV2, Vec<u8>),
}

/// Looks into a V2 main task; `None` where none is there.
///
/// # Errors
/// Where it cannot be read, which says nothing of whether it is whole.
pub(super) fn inspect(storage: &dyn Storage, codec: &dyn Codec, id: &V2Id) -> Result<Option<Inspected>> {
    let folder = layout::main_task(id);
    let Some(mut entries) = storage.children(&folder)? else { return Ok(None) };
    entries.retain(crate::tree::Entry::is_file);
    let torn = |why: String| Ok(Some(Inspected::Torn(why)));
    let is_info = |name: &&str| layout::parse_task_info(name).is_some();
    let infos: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).filter(is_info).collect();
    let states: Vec<StateV2> = entries.iter().filter_map(|entry| layout::parse_status(&entry.name)).collect();
    let (info, state) = match (infos.as_slice(), states.as_slice()) {
        ([info], [state]) => (*info, *state),
        (infos, states) => return torn(format!("it has {} TaskInfo and {} Status files", infos.len(), states.len())),
    };
    let Some(bytes) = none_if_missing(storage.read(&folder.join(info), FILE_BYTES_LIMIT))? else {
        return torn("its TaskInfo vanished".to_owned());
    };
    match codec.decode_v2(&bytes) {
        Ok(task) if task.id() != *id => torn(format!("{info} holds the id {}", task.id())),
        Ok(task) => Ok(Some(Inspected::Whole(Box::new(task), state, bytes))),
        Err(error) if error.kind() == ErrorKind::Corrupt => torn(format!("{info}: {}", error.message())),
        // A codec of the host may fail for reasons of its own.
        Err(error) => Err(Error::new(error.kind(), error.message()).at(folder.join(info))),
    }
}
