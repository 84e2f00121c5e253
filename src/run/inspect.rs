//! A look into one V2 main task.

use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::storage::{no_answer, none_if_missing, only, Storage};
use crate::task::{differing_fields, to_v2, Codec, StateV2, TaskV1, TaskV2, V2Id, FILE_BYTES_LIMIT};
use crate::tree::{Entry, TreePath};

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

impl WholeTask {
    /// Whether it is as an upgrade makes an open task for which it finds no place.
    pub(super) fn found_no_place(&self) -> bool {
        self.state == StateV2::Cancel && self.task.pc_name.is_empty() && self.task.executenode.is_empty()
    }

    /// Whether it holds what an upgrade makes of a V1 task and nothing else, whatever its state and its place are.
    pub(super) fn is_made_of(&self, id: &V2Id, task: &TaskV1) -> bool {
        let expected = to_v2(task, id, self.state, &self.task.pc_name, &self.task.executenode);
        self.others.is_empty() && differing_fields(&expected, &self.task).is_empty()
    }
}

/// How many tasks are looked into together: their bytes are all held.
pub(super) const INSPECTED_TOGETHER: usize = 1_024;

/// What the listing of a main task's folder says.
enum Listed {
    Gone,
    Torn(String),
    /// Its files are there; those of the task are to be read.
    Whole {
        info: Entry,
        state: StateV2,
        others: Vec<String>,
    },
}

/// Looks into a V2 main task; `None` where none is there.
///
/// # Errors
/// Where it cannot be read, which says nothing of whether it is whole.
pub(super) fn inspect(storage: &dyn Storage, codec: &dyn Codec, id: &V2Id) -> Result<Option<Inspected>> {
    only(inspect_all(storage, codec, std::slice::from_ref(id), 1))
}

/// Looks into V2 main tasks, each as [`inspect`] does: their folders are listed together, and their files read together.
pub(super) fn inspect_all(
    storage: &dyn Storage,
    codec: &dyn Codec,
    ids: &[V2Id],
    in_flight: usize,
) -> Vec<Result<Option<Inspected>>> {
    let folders: Vec<TreePath> = ids.iter().map(layout::main_task).collect();
    let listed: Vec<Result<Listed>> = storage.list_batch(&folders, in_flight).into_iter().map(listed).collect();
    let file = |(folder, listed): (&TreePath, &Result<Listed>)| match listed {
        Ok(Listed::Whole { info, .. }) => Some(folder.join(&info.name)),
        _ => None,
    };
    let files: Vec<TreePath> = folders.iter().zip(&listed).filter_map(file).collect();
    let mut read = storage.read_batch(&files, FILE_BYTES_LIMIT, in_flight).into_iter().zip(files);
    ids.iter()
        .zip(listed)
        .map(|(id, listed)| match listed? {
            Listed::Gone => Ok(None),
            Listed::Torn(why) => Ok(Some(Inspected::Torn(why))),
            Listed::Whole { info, state, others } => match read.next() {
                Some((bytes, path)) => decoded(codec, id, (&info, state, others), bytes, &path).map(Some),
                None => Err(no_answer()),
            },
        })
        .collect()
}

fn listed(entries: Result<Vec<Entry>>) -> Result<Listed> {
    let Some(mut entries) = none_if_missing(entries)? else { return Ok(Listed::Gone) };
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    let (entries, others): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| {
        let known = layout::parse_task_info(&entry.name).is_some() || layout::parse_status(&entry.name).is_some();
        entry.is_file() && known
    });
    let states: Vec<StateV2> = entries.iter().filter_map(|entry| layout::parse_status(&entry.name)).collect();
    let mut infos: Vec<Entry> =
        entries.into_iter().filter(|entry| layout::parse_task_info(&entry.name).is_some()).collect();
    match (infos.pop(), infos.len(), states.as_slice()) {
        (Some(info), 0, [state]) => {
            let others = others.into_iter().map(|entry| entry.name).collect();
            Ok(Listed::Whole { info, state: *state, others })
        }
        (info, before, states) => {
            let infos = before + usize::from(info.is_some());
            Ok(Listed::Torn(format!("it has {infos} TaskInfo and {} Status files", states.len())))
        }
    }
}

fn decoded(
    codec: &dyn Codec,
    id: &V2Id,
    (info, state, others): (&Entry, StateV2, Vec<String>),
    bytes: Result<Vec<u8>>,
    path: &TreePath,
) -> Result<Inspected> {
    let Some(bytes) = none_if_missing(bytes)? else {
        return Ok(Inspected::Torn("its TaskInfo vanished".to_owned()));
    };
    match codec.decode_v2(&bytes) {
        Ok(task) if task.id() != *id => Ok(Inspected::Torn(format!("{} holds the id {}", info.name, task.id()))),
        Ok(task) => {
            Ok(Inspected::Whole(Box::new(WholeTask { task, state, bytes, mtime_ms: info.stat.mtime_ms, others })))
        }
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            Ok(Inspected::Torn(format!("{}: {}", info.name, error.message())))
        }
        // A codec of the host may fail for reasons of its own.
        Err(error) => Err(Error::new(error.kind(), error.message()).at(path)),
    }
}
