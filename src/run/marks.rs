//! The mark files, for hosts that drive their own loop (seed: `UpgradeMarkFileHelper`).

use std::collections::HashSet;

use super::catalog_answers::CatalogAnswers;
use super::context::{some_of, Run};
use super::convert::{self, Converter};
use super::finish;
use super::leftovers::clear_leftover_marks;
use super::options::RunOptions;
use super::parts::Parts;
use super::rounds;
use super::scan::{MarkScan, V1File, V1Scan, V2Scan};
use super::session::Session;
use super::task_facts::{Facts, Listings};
use super::trees::{self, Trees};
use super::upgrade::{self, refused};
use super::v1_check::Manifests;
use crate::cluster::{Catalog, CatalogSnapshot};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::phase::{Operation, Phase};
use crate::plan::steps::{self, Step};
use crate::plan::verdict::Verdict;
use crate::storage::Storage;
use crate::task::V1Base;

impl Session {
    /// Marks a task as being converted for a node (seed: `MarkUpgradingFile`). Needs the session's lock.
    ///
    /// # Errors
    /// `InvalidArgument` where the base is no V1 base or the lock is not held; `Refused` in a phase without an upgrade.
    pub fn mark_upgrading(&self, v1_base: &str, node: &str) -> Result<()> {
        check_base(v1_base)?;
        self.with_marks(|run, _| {
            run.waves().make_folder(&layout::upgrading())?;
            step(run, &steps::mark(v1_base, node))
        })
    }

    /// Marks a task as converted (seed: `MarkUpgradedFile`); it was marked as being so for this node. Needs the lock.
    ///
    /// # Errors
    /// `NotFound` where it was not marked as being converted for this node.
    pub fn mark_upgraded(&self, v1_base: &str, node: &str) -> Result<()> {
        check_base(v1_base)?;
        self.with_marks(|run, _| step(run, &steps::complete(v1_base, node)))
    }

    /// Whether a task is converted (seed: `IfUpgraded`). Needs no lock.
    ///
    /// # Errors
    /// `InvalidArgument` where the base is no V1 base.
    pub fn mark_is_upgraded(&self, v1_base: &str) -> Result<bool> {
        check_base(v1_base)?;
        let _one_at_a_time = self.busy()?;
        let storage: &dyn Storage = &*self.storage;
        if storage.find(&layout::mark_upgraded(v1_base))?.is_some() {
            return Ok(true);
        }
        Ok(storage.has_folder(&layout::done())? && Manifests::read(storage)?.has_base(v1_base))
    }

    /// Removes every mark of a task (seed: `UnMarkUpgradeFile`); fine where it has none. Needs the lock.
    pub fn mark_remove(&self, v1_base: &str) -> Result<()> {
        check_base(v1_base)?;
        self.with_marks(|run, _| {
            let marks = MarkScan::read(run.storage())?;
            let mut paths = Vec::new();
            for node in marks.in_progress.get(v1_base).into_iter().flatten() {
                paths.push(layout::mark_in_progress(v1_base, node));
            }
            if marks.upgraded.contains(v1_base) {
                paths.push(layout::mark_upgraded(v1_base));
            }
            paths.iter().try_for_each(|path| run.waves().remove(path))
        })
    }

    /// Marks the whole upgrade as complete (seed: `MarkAllFileUpgrade`): writes the manifest and makes the done mark.
    /// Needs the lock.
    ///
    /// # Errors
    /// `Refused` unless every V1 task is marked as converted, with the names of those that are not.
    pub fn mark_all_upgraded(&self) -> Result<()> {
        self.with_marks(|run, seen| {
            run.begin(seen)?;
            let result = all_upgraded(run);
            upgrade::end(run, result)
        })
    }

    /// Clears the marks of a complete upgrade (seed: `ClearAllFileUpgradeMark`): the small ones beside the done mark
    /// while V1 is there, the done mark itself once V1 is gone. Needs the lock.
    ///
    /// # Errors
    /// `Refused` while an upgrade is under way: its marks are the only proof of what is converted.
    pub fn mark_clear_all(&self) -> Result<()> {
        self.locked(|run| {
            let seen = trees::read(run.storage())?;
            let phase = seen.phase()?;
            match phase {
                Phase::Upgraded => {
                    let manifests = Manifests::read(run.storage())?;
                    run.begin(&seen)?;
                    let cleared = clear_leftover_marks(run, &manifests);
                    upgrade::end(run, cleared)
                }
                Phase::Deleting if !seen.facts.v1_deleting => {
                    run.begin(&seen)?;
                    let cleared = run.confirm().and_then(|()| run.take_away(&layout::done()));
                    upgrade::end(run, cleared)
                }
                Phase::Empty | Phase::NotStarted | Phase::V2Only => Ok(()),
                _ => Err(refused(phase, "its marks are the only proof of what is done")),
            }
        })
    }

    fn with_marks(&self, work: impl FnOnce(&mut Run<'_>, &Trees) -> Result<()>) -> Result<()> {
        self.locked(|run| {
            let seen = trees::read(run.storage())?;
            let phase = seen.phase()?;
            match phase {
                Phase::NotStarted | Phase::Upgrading => work(run, &seen),
                _ => Err(refused(phase, "there is no upgrade to mark tasks in")),
            }
        })
    }

    fn locked(&self, work: impl FnOnce(&mut Run<'_>) -> Result<()>) -> Result<()> {
        let mut held = self.busy()?;
        let Some(guard) = held.take() else {
            return Err(Error::new(ErrorKind::InvalidArgument, "marks are written under the session's lock only")
                .advise("take the lock of the session first"));
        };
        let mut run = Run::new(self, Operation::Upgrade, RunOptions::default(), Some(guard), None, None);
        let result = run.confirm().and_then(|()| work(&mut run));
        (_, *held, _) = run.end_with_lock();
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Cancelled) {
            self.cancel.store(false, std::sync::atomic::Ordering::Relaxed);
        }
        result
    }
}

fn check_base(v1_base: &str) -> Result<()> {
    match V1Base::parse(v1_base) {
        Some(_) => Ok(()),
        None => {
            Err(Error::new(ErrorKind::InvalidArgument, format!("{v1_base:?} is no V1 base: compct.<pu>.<seq>.<ts>")))
        }
    }
}

fn step(run: &Run<'_>, step: &Step) -> Result<()> {
    run.waves().one(&step.change, step.taken)
}

/// The lines of tasks that a host converted are made from what is there.
fn all_upgraded(run: &mut Run<'_>) -> Result<()> {
    let v1 = V1Scan::read(run.storage())?;
    let marks = MarkScan::read(run.storage())?;
    let unmarked: Vec<&str> =
        v1.files.iter().map(V1File::base).filter(|base| !marks.upgraded.contains(*base)).collect();
    if !unmarked.is_empty() {
        let what = format!("these tasks are not marked as converted: {}", some_of(&unmarked));
        return Err(Error::new(ErrorKind::Refused, what).advise("convert and mark these tasks first"));
    }
    let old_parts = Parts::read(run.storage(), &marks)?;
    let v2 = V2Scan::read(run.storage())?;
    let session = run.session;
    let listings =
        Listings { v1: &v1, marks: &marks, parts: &old_parts, v2: &v2, complete: None, suspects: &HashSet::new() };
    let (facts, decisions) = Facts::decide(&*session.storage, &*session.codec, listings)?;
    let (work, failed) = convert::work(&v1.files, &decisions);
    if let Some((file, error)) = failed.into_iter().next() {
        return Err(error.of_task(&file.name));
    }
    if let Some(other) = work.iter().find(|work| work.verdict != Verdict::Skip) {
        return Err(Error::new(ErrorKind::Damaged, "its V2 task is not there").of_task(&other.file.name));
    }
    let mut parts = Parts::default();
    parts.inherit(&old_parts);
    // Nothing is placed here, so an empty catalog will do.
    let nobody = CatalogSnapshot::default();
    let nobody: &dyn Catalog = &nobody;
    run.report.counts.left = work.len() as u64;
    Converter::new(run, &facts, CatalogAnswers::new(nobody)).convert(&work, &mut parts)?;
    if let Some(row) = run.report.rows.iter().find(|row| row.outcome == super::report::Outcome::Failed) {
        return Err(Error::new(ErrorKind::TasksFailed, row.detail.clone()).of_task(&row.v1_name));
    }
    match finish::finish(run, &v1, &parts, None)? {
        None => Ok(()),
        Some(changed) => Err(rounds::v1_changed(&changed)),
    }
}
