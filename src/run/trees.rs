//! What stands in the root and in V2: the facts that decide the phase.

use std::ops::ControlFlow;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::phase::{phase, Phase, PhaseFacts};
use crate::storage::{none_if_missing, Storage};
use crate::task::V2Id;
use crate::tree::{Entry, Kind, TreePath};

/// What stands in the root and in V2.
#[derive(Debug, Clone, PartialEq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one name that is there or not")]
pub(super) struct Trees {
    pub(super) facts: PhaseFacts,
    /// `Compaction.deleting` is there, and not only on its way.
    pub(super) v1_deleting: bool,
    /// `Compaction_V2` is there.
    pub(super) v2: bool,
    /// `Compaction_V2/Scheduler` is there.
    pub(super) v2_scheduler: bool,
    /// `Compaction_V2/TaskAssigned` is there.
    pub(super) v2_task_assigned: bool,
    /// `.staging` is there.
    pub(super) staging: bool,
    /// What is in `.staging`: folders of runs that did not end.
    pub(super) staged: Vec<Staged>,
    /// `TaskupgradeLock` is there.
    pub(super) lock_file: bool,
    /// `Taskrecovery.removing` is there.
    pub(super) recovery_removing: bool,
    /// Paths in V2 that no rule of the layout explains.
    pub(super) unknown: Vec<String>,
}

/// What stands in `.staging`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Staged {
    /// Its name, which begins with the name of its run.
    pub(super) name: String,
    /// The V1 tree is in it, on its way to `Compaction.deleting`.
    pub(super) v1: bool,
}

/// Reads the trees. V1 and V2 tasks are looked for until the first one is found.
pub(super) fn read(storage: &dyn Storage) -> Result<Trees> {
    let mut trees = Trees::default();
    let root = storage.children(&TreePath::root())?.unwrap_or_default();
    for entry in &root {
        match entry.name.as_str() {
            layout::V1 => trees.facts.v1 = folder(entry, &layout::v1())?,
            layout::V1_DELETING => trees.v1_deleting = folder(entry, &layout::v1_deleting())?,
            layout::V2 => trees.v2 = folder(entry, &layout::v2())?,
            // The root is the engine's folder: what else lies in it is its own business.
            _ => {}
        }
    }
    trees.facts.v1_deleting = trees.v1_deleting;
    if !trees.facts.v1 && !trees.facts.v1_deleting && !trees.v2 {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("neither {} nor {} is in the root, so it is no cluster.compact", layout::V1, layout::V2),
        )
        .at(storage.describe())
        .advise("give the cluster.compact folder itself as the root"));
    }
    for entry in storage.children(&layout::v2())?.unwrap_or_default() {
        let path = layout::v2().join(&entry.name);
        match entry.name.as_str() {
            layout::SCHEDULER => trees.v2_scheduler = folder(&entry, &path)?,
            layout::TASK_ASSIGNED => trees.v2_task_assigned = folder(&entry, &path)?,
            layout::UPGRADING => trees.facts.upgrading = folder(&entry, &path)?,
            layout::DONE => trees.facts.done = folder(&entry, &path)?,
            layout::RECOVERY => trees.facts.recovery = folder(&entry, &path)?,
            layout::RECOVERY_REMOVING => trees.recovery_removing = folder(&entry, &path)?,
            layout::STAGING => trees.staging = folder(&entry, &path)?,
            layout::LOCK_FILE => trees.lock_file = true,
            _ => trees.unknown.push(path.to_string()),
        }
    }
    if trees.staging {
        for run in storage.children(&layout::staging())?.unwrap_or_default() {
            // On its way to `Compaction.deleting`: the next run brings it there.
            let v1 = run.is_folder() && storage.find(&layout::staging().join(&run.name).join(layout::V1))?.is_some();
            trees.facts.v1_deleting |= v1;
            trees.staged.push(Staged { name: run.name, v1 });
        }
    }
    if trees.facts.v1 {
        trees.facts.v1_tasks =
            any(storage, &layout::v1_scheduler(), |entry| entry.exact && V1Name::parse(&entry.name).is_some())?;
    }
    if trees.v2 {
        trees.facts.v2_tasks =
            any(storage, &layout::v2_scheduler(), |entry| entry.is_folder() && V2Id::parse(&entry.name).is_some())?;
    }
    if trees.facts.upgrading {
        trees.facts.reopen = storage.find(&layout::upgrading().join(layout::REOPEN))?.is_some();
    }
    Ok(trees)
}

impl Trees {
    /// The phase that a RECOVERY under way began in; the phase itself where none is.
    pub(super) fn phase_before_recovery(&self) -> Result<Phase> {
        let both_v1 = self.facts.v1 && self.facts.v1_deleting;
        // A downgrade builds V1 anew while what a DELETE left of the old one is still there.
        let v1 = self.facts.v1 && !(self.facts.recovery && both_v1);
        Self { facts: PhaseFacts { recovery: false, v1, ..self.facts }, ..self.clone() }.phase()
    }

    /// The phase, or `Refused` where no phase fits.
    pub(super) fn phase(&self) -> Result<Phase> {
        phase(self.facts).map_err(|why| {
            Error::new(ErrorKind::Refused, format!("no phase fits the trees: {why}"))
                .advise("see who made the second one and move it out of the root; nothing was changed")
        })
    }
}

fn folder(entry: &Entry, path: &TreePath) -> Result<bool> {
    if entry.stat.kind == Kind::Folder {
        return Ok(true);
    }
    let what = if entry.stat.kind == Kind::File { "a file" } else { "neither a file nor a folder (a link?)" };
    Err(Error::new(ErrorKind::Refused, format!("it should be a folder and is {what}"))
        .at(path)
        .advise("see what it is and put the folder in its place; nothing was changed"))
}

fn any(storage: &dyn Storage, folder: &TreePath, mut is: impl FnMut(&Entry) -> bool) -> Result<bool> {
    let mut found = false;
    let listed = storage.list(folder, &mut |entry| {
        found = found || is(&entry);
        if found {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    none_if_missing(listed)?;
    Ok(found)
}
