//! What an upgrade made, as its manifests and its parts say.

use super::finish::each_part_line;
use super::parts::Parts;
use super::v1_check::Manifests;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::V1Name;
use crate::plan::manifest::Line;
use crate::storage::Storage;
use crate::task::{ContentSum, StateV2, V1Base, V2Id};

/// One task that an upgrade made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MadeTask {
    /// The V1 file's name.
    pub(super) v1: Box<str>,
    pub(super) v1_length: u64,
    pub(super) v1_sum: ContentSum,
    pub(super) v2_sum: ContentSum,
    pub(super) state: StateV2,
    /// It stands in a manifest: nodes may have run it since.
    pub(super) committed: bool,
}

impl MadeTask {
    pub(super) fn base(&self) -> Option<V1Base> {
        V1Name::parse(&self.v1).map(|name| name.base)
    }
}

/// Every task that an upgrade made, by its V2 id. A task that was converted twice before the upgrade was complete stands
/// here twice.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// By time, sequence number and ordinal.
    tasks: Vec<(Key, V2Id, MadeTask)>,
}

/// What an id that an upgrade gives is made of: time, sequence number, ordinal.
type Key = (u64, i32, u16);

fn key_of(id: &V2Id) -> Option<Key> {
    let (ts, ordinal) = id.upgraded_from()?;
    Some((ts, id.sequence_no, ordinal))
}

impl Made {
    pub(super) fn read(storage: &dyn Storage, manifests: Option<&Manifests>, parts: Option<&Parts>) -> Result<Self> {
        let mut made = Self::default();
        if let Some(manifests) = manifests {
            manifests.each_line(storage, |line| made.add(&line, true))?;
        }
        if let Some(parts) = parts {
            each_part_line(storage, parts, |line| made.add(&line, false))?;
        }
        made.tasks.sort_by_key(|task| task.0);
        Ok(made)
    }

    fn add(&mut self, line: &Line, committed: bool) -> Result<()> {
        let id = V2Id::parse(&line.v2);
        let key = id.as_ref().and_then(key_of);
        let (Some(id), Some(key), Some(state)) = (id, key, StateV2::from_word(&line.state)) else {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("{:?} in state {:?} is no V2 task", line.v2, line.state),
            ));
        };
        let task = MadeTask {
            v1: line.v1.as_str().into(),
            v1_length: line.v1_length,
            v1_sum: line.v1_xxh64,
            v2_sum: line.v2_xxh64,
            state,
            committed,
        };
        self.tasks.push((key, id, task));
        Ok(())
    }

    pub(super) fn has(&self, id: &V2Id) -> bool {
        self.of(id).next().is_some()
    }

    /// What an id was made as; more than one where it was converted anew.
    pub(super) fn of(&self, id: &V2Id) -> impl Iterator<Item = &MadeTask> {
        let key = key_of(id);
        let from = key.map_or(self.tasks.len(), |key| self.tasks.partition_point(|task| task.0 < key));
        self.tasks[from..].iter().take_while(move |task| Some(task.0) == key).map(|(_, _, task)| task)
    }

    /// The ordinals of one time and sequence number, and the PUs that have them.
    pub(super) fn ordinals(&self, ts: u64, seq: i32) -> impl Iterator<Item = (u16, String)> + '_ {
        let from = self.tasks.partition_point(|task| task.0 < (ts, seq, 0));
        let its = self.tasks[from..].iter().take_while(move |task| (task.0 .0, task.0 .1) == (ts, seq));
        its.filter_map(|(key, _, task)| Some((key.2, task.base()?.pu)))
    }

    /// Whether a V1 base was upgraded.
    pub(super) fn has_base(&self, base: &V1Base) -> bool {
        self.ordinals(base.ts, base.seq).any(|(_, pu)| pu == base.pu)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&V2Id, &MadeTask)> {
        self.tasks.iter().map(|(_, id, task)| (id, task))
    }
}
