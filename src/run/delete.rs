//! DELETE: the V1 tree goes, then the done mark, and with them every way back to the old files.

use std::collections::HashSet;

use super::context::{plural, some_of, Run, WARNED_OF};
use super::leftovers::{clear_leftover_marks, clear_rubbish, leftovers};
use super::options::Stage;
use super::recovery_scan::V2Names;
use super::report::Row;
use super::rights;
use super::scan::{V1File, V1Scan};
use super::trees::{self, Trees};
use super::upgrade::{end, refused};
use super::v1_check::{self, restore_or_delete, Manifests};
use super::verify;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::phase::{permit, Operation, Permit, Phase};
use crate::task::V2Id;
use crate::tree::TreePath;

/// How many files of a tree that should be empty are named.
const FILES_NAMED: usize = 1_000;

/// Runs DELETE, or its plan.
pub(super) fn run(run: &mut Run<'_>) -> Result<()> {
    run.stage(Stage::Check);
    let seen = look(run)?;
    if run.options.plan {
        return plan(run, &seen);
    }
    if run.report.phase != Phase::Deleting && !seen.facts.v1 {
        clear_rubbish(run, &seen)?;
        run.report.conclude(run.report.phase, "nothing to delete");
        return Ok(());
    }
    run.acquire()?;
    // Everything read before the lock was held is read again.
    let seen = look(run)?;
    // What forbids it is found before the first write.
    let manifests = check(run, &seen)?;
    // Where there was no V2 this leaves an empty one: a root that holds neither tree is no cluster.compact any more.
    run.begin(&seen)?;
    let result = delete(run, &seen, manifests.as_ref());
    end(run, result)
}

/// The trees and their phase, where DELETE may run in it.
fn look(run: &mut Run<'_>) -> Result<Trees> {
    let seen = trees::read(run.storage())?;
    let phase = seen.phase()?;
    run.report.phase = phase;
    match permit(Operation::Delete, phase) {
        Permit::Run | Permit::RemoveEmptyV1 => Ok(seen),
        Permit::Refused(why) => Err(refused(phase, why)),
        _ => Err(Error::new(ErrorKind::Internal, "the phase table gave another operation's permit")),
    }
}

/// Every reason against it, said at once. The manifests, where the phase has them.
fn check(run: &mut Run<'_>, seen: &Trees) -> Result<Option<Manifests>> {
    match run.report.phase {
        // The checks were passed before the V1 tree was renamed.
        Phase::Deleting => Ok(None),
        Phase::Upgraded => {
            let folders = [TreePath::root(), layout::v1(), layout::v2()];
            rights::refuse(&rights::missing(run, &folders)?)?;
            check_upgraded(run).map(Some)
        }
        _ if seen.facts.v1 => check_empty(run).map(|()| None),
        _ => Ok(None),
    }
}

fn check_upgraded(run: &mut Run<'_>) -> Result<Manifests> {
    let manifests = Manifests::read(run.storage())?;
    let v1 = V1Scan::read(run.storage())?;
    run.report.v1_states = v1.by_state();
    run.report.counts.total = v1.files.len() as u64;
    run.report.counts.skipped = run.report.counts.total;
    run.report.started_nodes.clone_from(&manifests.started_nodes);
    let mut reasons = Vec::new();
    let strangers = v1_check::strangers(&v1, &manifests);
    reasons.extend(strangers.iter().map(|(file, why)| format!("{}: {why}", file.name)));
    let changed = v1_check::changed_bytes(run, &v1, &manifests)?;
    let unsaid = |file: &V1File| !strangers.iter().any(|(stranger, _)| stranger.name == file.name);
    let changed = changed.iter().filter(|(file, _)| unsaid(file));
    reasons.extend(changed.map(|(file, why)| format!("{}: {why}", file.name)));
    reasons.extend(unknown_reasons(run, &v1)?);
    let before = run.report.rows.len();
    if run.storage().find(&layout::v2_scheduler())?.is_none() {
        reasons.push(format!("{} is gone: V2 holds none of these tasks", layout::v2_scheduler()));
    }
    // Once a node has started, V2 tasks move on and no longer equal what they were made as.
    if manifests.started_nodes.is_empty() {
        match verify::pairs_of(run, &manifests) {
            Err(error) if error.kind() == ErrorKind::Damaged => {
                // A file under a new name is missed under the old one, which is not another reason.
                let told: HashSet<&str> = strangers.iter().map(|(file, _)| file.base()).collect();
                let has_new_name = |name: &V1Name| told.contains(&*name.base.to_string());
                let is_told = |row: &Row| {
                    v1.find(&row.v1_name).is_none() && V1Name::parse(&row.v1_name).as_ref().is_some_and(has_new_name)
                };
                let rows = run.report.rows[before..].iter().filter(|row| !is_told(row));
                reasons.extend(rows.map(|row| format!("{}: {}", row.v1_name, row.detail)));
            }
            other => other?,
        }
    } else {
        warn_of_tasks_that_v2_holds_no_more(run, &manifests)?;
        if run.options.verify {
            run.warn("nodes have started since, so V2 tasks move on: pairs are not compared".to_owned());
        }
    }
    refuse(run, reasons)?;
    Ok(manifests)
}

/// What V2 finished and cleared is not in it any more; neither is what it lost, so the number is said.
fn warn_of_tasks_that_v2_holds_no_more(run: &mut Run<'_>, manifests: &Manifests) -> Result<()> {
    let v2 = V2Names::read(run.storage())?;
    let mut gone = 0_u64;
    manifests.each_line(run.storage(), |line| {
        gone += u64::from(V2Id::parse(&line.v2).is_none_or(|id| v2.ids.binary_search(&id).is_err()));
        Ok(())
    })?;
    if gone > 0 {
        let all = manifests.tasks();
        run.warn(format!(
            "V2 holds {gone} of the {all} upgraded tasks no more: they count as finished and cleared there, and their V1 \
             files are the last trace of them"
        ));
    }
    Ok(())
}

/// Without an upgrade only a V1 tree that holds nothing goes.
fn check_empty(run: &mut Run<'_>) -> Result<()> {
    let files = v1_check::files_below(run.storage(), &layout::v1(), FILES_NAMED)?;
    if files.is_empty() {
        return Ok(());
    }
    run.report.unknown.clone_from(&files);
    if run.options.force {
        run.warn(format!("files that no upgrade knows are deleted by force: {}", files.len()));
        return Ok(());
    }
    refuse(run, files.into_iter().map(|path| format!("{path}: no upgrade knows it (force deletes it)")).collect())
}

fn unknown_reasons(run: &mut Run<'_>, v1: &V1Scan) -> Result<Vec<String>> {
    let unknown = v1_check::BesideV1Tasks::read(run, v1)?.unknown;
    run.report.unknown.clone_from(&unknown);
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    if run.options.force {
        run.warn(format!("unknown files are deleted by force: {}", unknown.len()));
        return Ok(Vec::new());
    }
    Ok(unknown.into_iter().map(|path| format!("{path}: an unknown file (force deletes it)")).collect())
}

fn refuse(run: &mut Run<'_>, reasons: Vec<String>) -> Result<()> {
    if reasons.is_empty() {
        return Ok(());
    }
    run.report.conclude(run.report.phase, "nothing was deleted");
    let count = reasons.len();
    let what = format!("{count} reason{} against deleting the V1 tree: {}", plural(count as u64), some_of(&reasons));
    run.report.warnings.extend(reasons);
    Err(Error::new(ErrorKind::Refused, what).at(layout::v1()).advise(
        "undo what each reason in the report names: put back files that changed; UPGRADE with reopen takes in V1 tasks \
             that are new; unknown files go with force; where V2 is wrong, RECOVERY by downgrade_old with force goes back to \
             the V1 files, from which UPGRADE makes the tasks anew",
    ))
}

fn delete(run: &mut Run<'_>, seen: &Trees, manifests: Option<&Manifests>) -> Result<()> {
    if let Some(manifests) = manifests {
        // Marks that outlived the done mark would make the tree look as if an upgrade were under way.
        clear_leftover_marks(run, manifests)?;
    } else if seen.facts.upgrading && seen.facts.done {
        clear_leftover_marks(run, &Manifests::read(run.storage()).map_err(restore_or_delete)?)?;
    }
    run.check_cancelled()?;
    run.stage(Stage::Finish);
    if seen.facts.v1 {
        // From here there is no way back to the old files, so the lock service itself is asked once more.
        run.confirm()?;
        // Through the fence: a late call of a run that was overtaken finds no fence to take V1 into.
        let fenced = run.fence().join(layout::V1);
        run.waves().rename(&layout::v1(), &fenced).map_err(Run::overtaken)?;
        run.waves().rename(&fenced, &layout::v1_deleting()).map_err(Run::overtaken)?;
        run.report.phase = Phase::Deleting;
    }
    if let Err(error) = nothing_new_in_deleting(run, manifests, seen) {
        // The checks take their time, and DELETE needs no node down: what turned up meanwhile is not swept away.
        if seen.facts.v1 {
            run.waves().rename(&layout::v1_deleting(), &layout::v1())?;
            run.report.phase = Phase::Upgraded;
            if seen.facts.done && error.kind() == ErrorKind::NewV1Tasks {
                return Err(error.advise(v1_check::NEW_V1_TASKS_ADVICE));
            }
        }
        return Err(error);
    }
    run.stage(Stage::Clean);
    run.take_away(&layout::v1_deleting())?;
    if seen.facts.done {
        run.take_away(&layout::done())?;
    }
    let phase = if seen.facts.v2_tasks { Phase::V2Only } else { Phase::Empty };
    let had_v1 = seen.facts.v1 || seen.facts.v1_deleting;
    run.report.conclude(
        phase,
        if had_v1 { "the V1 tree is deleted" } else { "there was no V1 tree any more; the done mark is removed" },
    );
    Ok(())
}

/// Every V1 task in the folder that is about to be removed is one that was upgraded, in the state and length it had.
fn nothing_new_in_deleting(run: &Run<'_>, manifests: Option<&Manifests>, seen: &Trees) -> Result<()> {
    let v1 = V1Scan::read_in(run.storage(), &layout::v1_deleting().join(layout::SCHEDULER))?;
    let strangers = |manifests: &Manifests| {
        v1_check::strangers(&v1, manifests).iter().map(|(file, why)| format!("{}: {why}", file.name)).collect()
    };
    let names: Vec<String> = match manifests {
        _ if v1.files.is_empty() => return Ok(()),
        Some(manifests) => strangers(manifests),
        None if seen.facts.done => strangers(&Manifests::read(run.storage()).map_err(restore_or_delete)?),
        None if run.options.force => return Ok(()),
        None => v1.files.iter().map(|file| format!("{}: no upgrade knows it", file.name)).collect(),
    };
    if names.is_empty() {
        return Ok(());
    }
    let what = format!("V1 tasks turned up while the tree was being deleted: {}", some_of(&names));
    Err(Error::new(ErrorKind::NewV1Tasks, what)
        .at(layout::v1_deleting())
        .advise("stop whatever still writes V1 tasks and move these files out of the tree, then run DELETE again"))
}

fn plan(run: &mut Run<'_>, seen: &Trees) -> Result<()> {
    let mut refusal = None;
    if seen.facts.v1_deleting {
        nothing_new_in_deleting(run, None, seen)?;
    }
    if let Err(error) = check(run, seen) {
        if error.kind() != ErrorKind::Refused {
            return Err(error);
        }
        run.warn(WARNED_OF.to_owned());
        refusal = Some(error);
    }
    let mut actions = Vec::new();
    if !seen.v2 {
        actions.push(format!("make folder {}", layout::v2()));
    }
    actions.extend(leftovers(seen).into_iter().map(|path| format!("remove {path}")));
    if seen.facts.v1 {
        actions.push(format!("rename {} to {}", layout::v1(), layout::v1_deleting()));
    }
    if seen.facts.v1 || seen.facts.v1_deleting {
        actions.push(format!("remove {} and all it holds", layout::v1_deleting()));
    }
    if seen.facts.done {
        actions.push(format!("remove {}", layout::done()));
    }
    let deletes = seen.facts.v1 || run.report.phase == Phase::Deleting;
    let headline = match (&refusal, deletes) {
        (Some(_), _) => "a run would be refused, see the warnings",
        (None, true) => "the V1 tree would be deleted",
        (None, false) => "nothing to delete",
    };
    run.report.conclude(run.report.phase, headline);
    if let Some(error) = refusal {
        error.next_action().clone_into(&mut run.report.next_action);
        return Ok(());
    }
    if deletes {
        "run DELETE once all is well with the nodes of the new version; after it no way leads back to the old files"
            .clone_into(&mut run.report.next_action);
    }
    run.report.actions.extend(actions);
    Ok(())
}
