//! A complete upgrade that is taken up again: what it holds already, and what turned up since.

use super::context::some_of;
use super::made::Made;
use super::scan::{V1File, V1Scan};
use super::trees::Trees;
use super::v1_check::{strangers, Manifests};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::storage::Storage;

/// What a complete upgrade holds.
#[derive(Debug)]
pub(super) struct Complete {
    pub(super) manifests: Manifests,
    /// The tasks of the manifests by their V2 ids.
    pub(super) made: Made,
}

impl Complete {
    /// Reads it; `None` where no upgrade is complete.
    pub(super) fn read(storage: &dyn Storage, seen: &Trees) -> Result<Option<Self>> {
        if !seen.facts.done {
            return Ok(None);
        }
        let manifests = Manifests::read(storage)?;
        let made = Made::read(storage, Some(&manifests), None)?;
        Ok(Some(Self { manifests, made }))
    }

    /// Whether a V1 file is in a manifest, as it was then.
    pub(super) fn holds(&self, file: &V1File) -> bool {
        self.manifests.holds(file)
    }

    /// Why a V1 file that is in a manifest, but not as it was then, cannot be taken in.
    pub(super) fn changed(&self, file: &V1File) -> Option<Error> {
        if self.holds(file) || !self.manifests.has_base(file.base()) {
            return None;
        }
        let what = "it changed after it was upgraded, and its V2 task is there already";
        Some(
            Error::new(ErrorKind::NewV1Tasks, what)
                .advise("put this file back as it was when it was upgraded: V2 has the task; or go back with RECOVERY"),
        )
    }

    /// Names every file that cannot be taken in, before anything is written.
    pub(super) fn refuse_changed(&self, v1: &V1Scan) -> Result<()> {
        let changed: Vec<&str> =
            v1.files.iter().filter(|file| self.changed(file).is_some()).map(|file| &*file.name).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let what =
            format!("V1 files changed after they were upgraded, and their V2 tasks are there: {}", some_of(&changed));
        Err(Error::new(ErrorKind::NewV1Tasks, what)
            .at(layout::v1_scheduler())
            .advise(
                "put these files back under the names and with the bytes that they had, since V2 has their tasks, then run \
                 UPGRADE with reopen again; or go back with RECOVERY",
            ))
    }

    /// The V1 files that no manifest holds.
    pub(super) fn new_files(&self, v1: &V1Scan) -> V1Scan {
        let files = strangers(v1, &self.manifests).into_iter().map(|(file, _)| file.clone()).collect();
        V1Scan { files, unknown: Vec::new() }
    }
}
