//! UPGRADE: V1 tasks become V2 tasks.

use super::complete::Complete;
use super::context::{some_of, Run};
use super::convert::{self, Work};
use super::finish;
use super::leftovers::{clear_leftover_marks, clear_rubbish, leftovers};
use super::options::Stage;
use super::report::Counts;
use super::rights::{self, Problem};
use super::rounds;
use super::scan::{V1Scan, V2Scan};
use super::task_facts::{Decision, Listings};
use super::trees::{self, Trees};
use super::upgrade_plan;
use super::v1_check::{self, DoneFolder, Lacks, Manifests};
use super::verify;
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::phase::{permit, Operation, Permit, Phase};
use crate::plan::steps::Taken;
use crate::tree::{Change, NAME_BYTES_LIMIT};

/// Runs UPGRADE, or its plan.
pub(super) fn run(run: &mut Run<'_>) -> Result<()> {
    run.stage(Stage::Check);
    let seen = trees::read(run.storage())?;
    let phase = seen.phase()?;
    run.report.phase = phase;
    match permit(Operation::Upgrade, phase) {
        Permit::Nothing(text) => {
            clear_rubbish(run, &seen)?;
            run.report.conclude(phase, text);
            Ok(())
        }
        Permit::Complete if !(run.options.reopen && has_new_tasks(run)?) => complete(run, &seen),
        Permit::RunToReopen if !run.options.reopen => Err(not_asked_to_reopen(phase)),
        Permit::Run | Permit::Complete | Permit::RunToReopen if run.options.plan => upgrade_plan::run(run, &seen),
        Permit::Run | Permit::Complete | Permit::RunToReopen => {
            // Asked before the lock is taken, so that a refusal leaves nothing behind.
            run.session.catalog()?;
            nodes_allow(run)?;
            run.acquire()?;
            under_the_lock(run)
        }
        Permit::Refused(why) => Err(refused(phase, why)),
        Permit::RemoveEmptyV1 | Permit::RecoverAnyWay | Permit::DowngradeOnly => {
            Err(Error::new(ErrorKind::Internal, "the phase table gave another operation's permit"))
        }
    }
}

pub(super) fn refused(phase: Phase, why: &str) -> Error {
    Error::new(ErrorKind::Refused, format!("in the phase {}: {why}", phase.word())).advise(phase.next_action())
}

fn not_asked_to_reopen(phase: Phase) -> Error {
    refused(phase, "a complete upgrade was taken up again, and reopen is not asked for")
        .advise("run UPGRADE with reopen to finish it, or RECOVERY to go back")
}

/// Inside a running node that node is up, and its word that it has stopped V1 stands for the others being down.
pub(super) fn nodes_allow(run: &Run<'_>) -> Result<()> {
    if run.options.online {
        return Ok(());
    }
    run.session.all_offline()
}

fn has_new_tasks(run: &Run<'_>) -> Result<bool> {
    let manifests = Manifests::read(run.storage())?;
    Ok(!v1_check::strangers(&V1Scan::read(run.storage())?, &manifests).is_empty())
}

/// Everything read before the lock was held is read again.
fn under_the_lock(run: &mut Run<'_>) -> Result<()> {
    let seen = trees::read(run.storage())?;
    let phase = seen.phase()?;
    run.report.phase = phase;
    match permit(Operation::Upgrade, phase) {
        Permit::Run => {}
        Permit::RunToReopen if run.options.reopen => {}
        Permit::Complete if run.options.reopen && has_new_tasks(run)? => {}
        // Another run finished it between the two looks.
        Permit::Complete => return complete(run, &seen),
        Permit::Nothing(text) => {
            run.report.conclude(phase, text);
            return Ok(());
        }
        _ => return Err(refused(phase, "another operation began just now")),
    }
    let complete = Complete::read(run.storage(), &seen)?;
    let v1 = V1Scan::read(run.storage())?;
    if let (Phase::Upgraded, Some(complete)) = (phase, &complete) {
        complete.refuse_changed(&v1)?;
    }
    let lacks = match &complete {
        Some(complete) => what_is_gone(run, &complete.manifests, &v1)?,
        None => Lacks::default(),
    };
    check_up_front(run, &seen, &v1)?;
    // It is listed again once no node can start any more, and two listings are not held at a time.
    drop(v1);
    run.begin(&seen)?;
    let result = upgrade(run, &seen, complete.as_ref());
    if let (Ok(()), Some(advice)) = (&result, lacks.advice()) {
        advice.clone_into(&mut run.report.next_action);
    }
    end(run, result)
}

/// Leaves the tree as a run leaves it, also where it failed.
pub(super) fn end(run: &Run<'_>, result: Result<()>) -> Result<()> {
    let lost = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::LockLost);
    // Without the lock nothing may be touched; the next holder clears it.
    let ended = if lost { Ok(()) } else { run.end() };
    result.and(ended)
}

fn upgrade(run: &mut Run<'_>, seen: &Trees, complete: Option<&Complete>) -> Result<()> {
    let begins = match complete {
        None => !seen.facts.upgrading,
        Some(_) => !seen.facts.reopen,
    };
    if let (Some(complete), true) = (complete, begins) {
        clear_leftover_marks(run, &complete.manifests)?;
    }
    if begins {
        let staged = run.fence().join(layout::UPGRADING);
        if complete.is_some() {
            run.waves().create(&staged.join(layout::REOPEN), Vec::new())?;
        }
        if run.options.online {
            run.waves().create(&staged.join(layout::online().name()), Vec::new())?;
        }
        run.waves().rename(&staged, &layout::upgrading())?;
    } else if run.options.online {
        let staged = run.fence().join(layout::online().name());
        run.waves().create(&staged, Vec::new())?;
        run.waves().one(&Change::Rename { from: staged, to: layout::online() }, Taken::Same)?;
    }
    if let Err(error) = nodes_allow(run) {
        // A node came up in the meantime. What has not begun is not left as if it had.
        if begins {
            finish::clear_marks(run)?;
        }
        return Err(error);
    }
    for folder in [layout::v2_scheduler(), layout::v2_task_assigned()] {
        run.waves().make_folder(&folder)?;
    }
    run.report.phase = if complete.is_some() { Phase::Reopening } else { Phase::Upgrading };
    loop {
        let (v1, parts) = rounds::convert_until_nothing_is_new(run, complete)?;
        match finish::finish(run, &v1, &parts, complete)? {
            None => break,
            Some(changed) if run.options.online => {
                run.session.log.info(format_args!("V1 is listed again: {}", some_of(&changed)));
            }
            Some(changed) => return Err(rounds::v1_changed(&changed)),
        }
    }
    let Counts { total, cancelled, .. } = run.report.counts;
    let headline = match cancelled {
        0 if total == 1 => "the one task is upgraded".to_owned(),
        0 => format!("all {total} tasks are upgraded"),
        cancelled => {
            format!("all tasks are upgraded, {cancelled} of {total} to state Cancel since no place was found")
        }
    };
    run.report.conclude(Phase::Upgraded, headline);
    if cancelled > 0 {
        run.warn(format!(
            "tasks that are in state Cancel since no place was found: {cancelled}; if the catalog or the placement was wrong, go \
             back with RECOVERY by cancel before a node starts"
        ));
    }
    Ok(())
}

/// Counts what is converted already, lists what cannot be, and gives what is to be worked on.
pub(super) fn sort_decisions<'v>(run: &mut Run<'_>, v1: &'v V1Scan, decisions: &[Decision]) -> Vec<Work<'v>> {
    let (work, failed) = convert::work(&v1.files, decisions);
    run.report.counts.total = v1.files.len() as u64;
    run.report.counts.skipped = (v1.files.len() - work.len() - failed.len()) as u64;
    for (file, error) in failed {
        convert::fail(run, file, error);
    }
    work
}

/// What the listings say beside the tasks.
pub(super) fn describe_trees(run: &mut Run<'_>, listings: Listings<'_>) {
    let Listings { v1, marks, parts, v2, complete, .. } = listings;
    run.report.v1_states = v1.by_state();
    for unknown in [&v1.unknown, &v2.unknown, &marks.unknown] {
        run.report.unknown.extend(unknown.iter().cloned());
    }
    let nothing_is_begun = marks.upgraded.is_empty() && marks.in_progress.is_empty() && marks.parts.is_empty();
    if complete.is_none() && nothing_is_begun && v2.count > 0 {
        run.warn(v2.unexplained());
    }
    if !v1.unknown.is_empty() {
        run.warn(format!("names among the V1 tasks that are none were left alone: {}", v1.unknown.len()));
    }
    for broken in &parts.broken {
        run.warn(format!("a part cannot be read; its tasks are looked at one by one: {broken}"));
    }
}

/// Names, folder sizes and rights, all that is wrong said at once, before anything is written.
pub(super) fn check_up_front(run: &mut Run<'_>, seen: &Trees, v1: &V1Scan) -> Result<()> {
    if !seen.facts.v1 {
        // Its marks alone would make it look complete.
        return Err(Error::new(ErrorKind::Damaged, "an upgrade has begun and its V1 tree is gone")
            .at(layout::v1())
            .advise("bring the V1 tree back, then run UPGRADE again"));
    }
    let storage = run.storage();
    // A catalog that cannot be reached fails the tasks later, one by one; here it only shortens the check.
    let nodes = run.session.catalog()?.cluster_nodes().unwrap_or_default();
    let longest_node_bytes = nodes.iter().map(|node| layout::escape(node).len()).max().unwrap_or(0);
    let mut too_long: Vec<&str> = Vec::new();
    for file in &v1.files {
        if layout::longest_mark_bytes(file.base(), longest_node_bytes) > NAME_BYTES_LIMIT {
            too_long.push(file.base());
        }
    }
    let mut problems: Vec<Problem> = Vec::new();
    if !too_long.is_empty() {
        let what = format!("their marks would have over {NAME_BYTES_LIMIT} bytes: {}", some_of(&too_long));
        problems.push((ErrorKind::TooLarge, what, layout::v1_scheduler()));
    }
    if let Some(limit) = storage.folder_entries_limit() {
        // Parts and one mark on its way beside each that is done.
        let needed = v1.files.len() as u64 * 2 + 2;
        if needed > limit {
            let what = format!("{} tasks need more names in one folder than the {limit} it can hold", v1.files.len());
            problems.push((ErrorKind::TooLarge, what, layout::upgrading()));
        }
    }
    problems.extend(rights::missing(
        run,
        &[layout::v2(), layout::v2_scheduler(), layout::v2_task_assigned(), layout::upgrading()],
    )?);
    rights::refuse(&problems)
}

/// The upgrade is complete: what was left over is cleared, V1 tasks that turned up since are an error that names them.
fn complete(run: &mut Run<'_>, seen: &Trees) -> Result<()> {
    run.report.phase = Phase::Upgraded;
    let left_over = leftovers(seen);
    if !left_over.is_empty() && run.options.plan {
        run.report.actions.extend(left_over.into_iter().map(|path| format!("remove {path}")));
    } else if !left_over.is_empty() {
        run.acquire()?;
        // Everything read before the lock was held is read again.
        let seen = trees::read(run.storage())?;
        let phase = seen.phase()?;
        if phase != Phase::Upgraded {
            return Err(refused(phase, "another operation began just now"));
        }
        let manifests = Manifests::read(run.storage())?;
        run.begin(&seen)?;
        let cleared = clear_leftover_marks(run, &manifests);
        end(run, cleared)?;
    }
    let manifests = Manifests::read(run.storage())?;
    let v1 = V1Scan::read(run.storage())?;
    run.report.v1_states = v1.by_state();
    run.report.counts.total = v1.files.len() as u64;
    let lacks = what_is_gone(run, &manifests, &v1)?;
    let strangers = v1_check::strangers(&v1, &manifests);
    v1_check::list_strangers(&mut run.report, &strangers, &manifests);
    let headline = match strangers.len() {
        0 => "all tasks are upgraded".to_owned(),
        _ => format!("{} of {} tasks are upgraded", run.report.counts.skipped, run.report.counts.total),
    };
    run.report.conclude(Phase::Upgraded, headline);
    if !strangers.is_empty() {
        return Err(v1_check::new_v1_tasks(&strangers));
    }
    if let Some(advice) = lacks.advice() {
        advice.clone_into(&mut run.report.next_action);
    }
    if run.options.verify {
        verify::pairs_of(run, &manifests)?;
    }
    Ok(())
}

/// What of a complete upgrade is not there any more, each with a warning.
fn what_is_gone(run: &mut Run<'_>, manifests: &Manifests, v1: &V1Scan) -> Result<Lacks> {
    // The listing of V2 is spared where it says nothing.
    let v2_tasks = if manifests.v2_is_as_made() { V2Scan::read(run.storage())?.count } else { manifests.tasks() };
    let mut lacks = Lacks::of(manifests, v1, v2_tasks);
    // A node that started meanwhile may have finished what was missed.
    if lacks.v2 > 0 && !DoneFolder::read(run.storage())?.started_nodes.is_empty() {
        lacks.v2 = 0;
    }
    for warning in lacks.warnings(manifests, v1) {
        run.warn(warning);
    }
    Ok(lacks)
}
