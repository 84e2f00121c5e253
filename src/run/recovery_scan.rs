//! The listings of a RECOVERY: its own marks, every V2 task, what lies beside the manager files.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use super::parts::MANIFEST_BYTES_LIMIT;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, RecoveryMark};
use crate::plan::recovery::RecoveryMode;
use crate::storage::{none_if_missing, Storage};
use crate::task::{V1Base, V2Id};

/// What a RECOVERY under way has noted.
#[derive(Debug, Default)]
pub(super) struct RecoveryScan {
    /// Its direction; `None` where nothing has been done yet.
    pub(super) mode: Option<RecoveryMode>,
    /// Every V2 task is a V1 task; only that V2 goes is left.
    pub(super) all_carried: bool,
    /// The V1 bases chosen for tasks that are not carried yet.
    pub(super) carrying: HashMap<V2Id, V1Base>,
    /// The tasks that are carried.
    pub(super) carried: HashSet<V2Id>,
    /// No node came while it began; without it nothing has been done.
    pub(super) begun: bool,
    /// The tasks that V2 had finished and cleared as it began.
    pub(super) cleared: HashSet<V2Id>,
    /// The tasks that could not be carried and were named so.
    pub(super) failed: HashSet<V2Id>,
    pub(super) unknown: Vec<String>,
}

impl RecoveryScan {
    /// Reads `Taskrecovery`; empty where there is none.
    ///
    /// # Errors
    /// `Refused` where it says two directions: nobody here makes such a thing.
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        let mut scan = Self::default();
        let mut modes = Vec::new();
        let mut has_cleared = false;
        let folder = layout::recovery();
        let listed = storage.list(&folder, &mut |entry| {
            let mark = if entry.is_file() { layout::parse_recovery_mark(&entry.name) } else { RecoveryMark::Unknown };
            match mark {
                RecoveryMark::Mode(word) => match RecoveryMode::from_word(&word) {
                    Some(mode) if mode != RecoveryMode::Auto => modes.push(mode),
                    _ => scan.unknown.push(format!("{folder}/{}", entry.name)),
                },
                RecoveryMark::AllCarried => scan.all_carried = true,
                RecoveryMark::Begun => scan.begun = true,
                RecoveryMark::Cleared => has_cleared = true,
                RecoveryMark::Failed(id) => drop(scan.failed.insert(id)),
                RecoveryMark::Carrying(id, base) => drop(scan.carrying.insert(id, base)),
                RecoveryMark::Carried(id) => drop(scan.carried.insert(id)),
                RecoveryMark::Unknown => scan.unknown.push(format!("{folder}/{}", entry.name)),
            }
            ControlFlow::Continue(())
        });
        none_if_missing(listed)?;
        if let [first, second, ..] = modes.as_slice() {
            let what = format!("it says both {} and {}", first.word(), second.word());
            return Err(Error::new(ErrorKind::Refused, what)
                .at(folder)
                .advise("find out which RECOVERY was begun and remove the other mode file; nothing was changed"));
        }
        scan.mode = modes.first().copied();
        if has_cleared {
            let path = folder.join(layout::cleared_name());
            let bytes = storage.read(&path, MANIFEST_BYTES_LIMIT)?;
            let text = std::str::from_utf8(&bytes).ok();
            let ids: Option<HashSet<V2Id>> = text.and_then(|text| text.lines().map(V2Id::parse).collect());
            scan.cleared = ids.ok_or_else(|| {
                Error::new(ErrorKind::Corrupt, "it is no list of V2 ids, a line each")
                    .at(&path)
                    .advise("restore it from a backup: it says which tasks were finished as the RECOVERY began")
            })?;
        }
        Ok(scan)
    }
}

/// Every V2 task that is there, sorted.
#[derive(Debug, Default)]
pub(super) struct V2Names {
    pub(super) ids: Vec<V2Id>,
    pub(super) unknown: Vec<String>,
}

impl V2Names {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        let mut names = Self::default();
        let folder = layout::v2_scheduler();
        let listed = storage.list(&folder, &mut |entry| {
            match V2Id::parse(&entry.name).filter(|_| entry.is_folder()) {
                Some(id) => names.ids.push(id),
                None => names.unknown.push(format!("{folder}/{}", entry.name)),
            }
            ControlFlow::Continue(())
        });
        none_if_missing(listed)?;
        names.ids.sort_unstable();
        names.unknown.sort_unstable();
        Ok(names)
    }
}

/// What lies in V2's `TaskAssigned`.
#[derive(Debug, Default)]
pub(super) struct Managers {
    /// The folders of nodes, by their names, and how many manager files each holds: V2 tasks that are not finished have one.
    pub(super) nodes: Vec<(String, u64)>,
    /// What is no manager file: paths that would go with V2.
    pub(super) unknown: Vec<String>,
}

impl Managers {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        let mut managers = Self::default();
        let assigned = layout::v2_task_assigned();
        for node in storage.children(&assigned)?.unwrap_or_default() {
            let path = format!("{assigned}/{}", node.name);
            let is_known = node.is_folder() && layout::unescape(&node.name).is_some();
            if !is_known {
                managers.unknown.push(path.clone());
            }
            if !node.is_folder() {
                continue;
            }
            let mut count = 0;
            let listed = storage.list(&assigned.join(&node.name), &mut |entry| {
                let is_manager = layout::parse_manager(&entry.name).is_some();
                count += u64::from(is_manager);
                // A folder that is unknown itself is named once.
                if is_known && !(is_manager && entry.is_file()) {
                    managers.unknown.push(format!("{path}/{}", entry.name));
                }
                ControlFlow::Continue(())
            });
            none_if_missing(listed)?;
            managers.nodes.push((node.name, count));
        }
        managers.nodes.sort_unstable();
        managers.unknown.sort_unstable();
        Ok(managers)
    }

    /// How many manager files there are.
    pub(super) fn count(&self) -> u64 {
        self.nodes.iter().map(|(_, count)| count).sum()
    }
}
