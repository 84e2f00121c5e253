//! RECOVERY: back to V1, by cancel or by downgrade.

use std::collections::HashSet;

use super::context::{changed_meanwhile, plural, some_of, Run, WARNED_OF};
use super::downgrade;
use super::evidence::Evidence;
use super::leftovers::{clear_rubbish, leftovers};
use super::lock_file::LockHolder;
use super::options::Stage;
use super::recovery_scan::RecoveryScan;
use super::report::{Outcome, Row};
use super::rights;
use super::scan::V1Scan;
use super::trees::{self, Trees};
use super::upgrade::{end, refused};
use super::v1_check::{self, DoneFolder, Manifests};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::phase::{permit, Operation, Permit, Phase};
use crate::plan::recovery::{alternatives, Finding, RecoveryMode, Weight};
use crate::tree::TreePath;

/// How many reasons of a refusal are listed one by one.
const REASONS_LIMIT: usize = 10_000;

/// Which way a RECOVERY goes, and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Course {
    /// Nothing is to be recovered, but an empty `Taskrecovery` may be there.
    Nothing(&'static str),
    /// It begins.
    Begin(RecoveryMode),
    /// An earlier run began it.
    Resume(RecoveryMode),
    /// Every V2 task is carried; V2 is still to go.
    ResumeCarried,
}

/// Runs RECOVERY, or its plan.
pub(super) fn run(run: &mut Run<'_>) -> Result<()> {
    run.stage(Stage::Check);
    let seen = look(run)?;
    if run.options.plan {
        return plan(run, &seen);
    }
    if let (Permit::Nothing(text), false) = (permit(Operation::Recovery, run.report.phase), seen.facts.recovery) {
        clear_rubbish(run, &seen)?;
        run.report.conclude(run.report.phase, text);
        return Ok(());
    }
    // Asked before the lock is taken, so that a refusal leaves nothing behind.
    run.session.all_offline()?;
    run.acquire()?;
    // Everything read before the lock was held is read again.
    let seen = look(run)?;
    let (course, scanned) = course(run, &seen)?;
    if let Course::Begin(mode) = course {
        let evidence = evidence(run, &seen, mode)?;
        let weighed = weigh(run, mode, &evidence).and_then(|mode| check_up_front(run, mode).map(|()| mode));
        let mode = match weighed {
            Ok(mode) => mode,
            // A direction in which nothing has been done must not stand in the way of another.
            Err(error) if seen.facts.recovery => {
                run.begin(&seen)?;
                let taken = still_so(run, scanned).and_then(|()| run.take_away(&layout::recovery()));
                end(run, taken)?;
                run.report.phase = trees::read(run.storage())?.phase()?;
                return Err(error);
            }
            Err(error) => return Err(error),
        };
        run.begin(&seen)?;
        let result = still_so(run, scanned)
            .and_then(|()| begin(run, &seen, mode, &evidence))
            .and_then(|()| go(run, mode, false));
        return end(run, result);
    }
    run.begin(&seen)?;
    let result = still_so(run, scanned).and_then(|()| match course {
        Course::Nothing(text) => take_empty_recovery_away(run, text),
        Course::Resume(mode) | Course::Begin(mode) => go(run, mode, false),
        Course::ResumeCarried => go(run, RecoveryMode::Downgrade, true),
    });
    end(run, result)
}

/// What an earlier RECOVERY says of itself.
type Scanned = (Option<RecoveryMode>, bool, bool);

/// That it says what it said before the fences of others were gone: its marks are the names that tasks were given.
fn still_so(run: &Run<'_>, scanned: Scanned) -> Result<()> {
    let now = RecoveryScan::read(run.storage())?;
    if (now.mode, now.begun, now.all_carried) == scanned {
        return Ok(());
    }
    Err(changed_meanwhile())
}

fn look(run: &mut Run<'_>) -> Result<Trees> {
    let seen = trees::read(run.storage())?;
    run.report.phase = seen.phase()?;
    Ok(seen)
}

/// Which way it goes: an earlier run has decided it, or the phase and the caller do.
fn course(run: &mut Run<'_>, seen: &Trees) -> Result<(Course, Scanned)> {
    let asked = run.options.recovery_mode;
    let scan = RecoveryScan::read(run.storage())?;
    let scanned = (scan.mode, scan.begun, scan.all_carried);
    run.report.unknown.extend(scan.unknown.iter().cloned());
    if let Some(mode) = scan.mode {
        if asked != RecoveryMode::Auto && asked != mode {
            let what = format!("a RECOVERY by {} is under way, so it cannot go on by {}", mode.word(), asked.word());
            return Err(Error::new(ErrorKind::Refused, what)
                .at(layout::recovery())
                .advise(format!("run RECOVERY with the mode {} or auto to finish it", mode.word())));
        }
        run.report.recovery_mode = Some(mode);
        let course = match (scan.begun, scan.all_carried) {
            // It was stopped before it had looked for nodes once more: nothing has been done, so all is proved anew.
            (false, _) => Course::Begin(mode),
            (true, true) => Course::ResumeCarried,
            (true, false) => Course::Resume(mode),
        };
        return Ok((course, scanned));
    }
    if !scan.unknown.is_empty() && !run.options.force {
        let what = format!("files in it that no rule explains would go with it: {}", some_of(&scan.unknown));
        return Err(Error::new(ErrorKind::Refused, what)
            .at(layout::recovery())
            .advise("see what they are and move them out of the tree; force removes them"));
    }
    let phase = seen.phase_before_recovery()?;
    match permit(Operation::Recovery, phase) {
        Permit::Nothing(text) => Ok((Course::Nothing(text), scanned)),
        Permit::RecoverAnyWay => Ok((Course::Begin(asked), scanned)),
        Permit::DowngradeOnly if asked == RecoveryMode::Downgrade => Ok((Course::Begin(asked), scanned)),
        Permit::DowngradeOnly => {
            if seen.facts.done {
                // Without it no way back is left, and the advice is another one.
                Manifests::read(run.storage()).map_err(v1_check::restore_or_delete)?;
            }
            let why = format!("the old V1 files are gone, so there is no way back by {}", asked.word());
            Err(refused(phase, &why).advise("run RECOVERY with the mode downgrade: it makes V1 tasks of the V2 tasks"))
        }
        _ => Err(Error::new(ErrorKind::Internal, "the phase table gave another operation's permit")),
    }
}

fn evidence(run: &mut Run<'_>, seen: &Trees, mode: RecoveryMode) -> Result<Evidence> {
    let phase = seen.phase_before_recovery()?;
    let deleted = permit(Operation::Recovery, phase) == Permit::DowngradeOnly;
    let gathered = Evidence::gather(run, seen, deleted, mode);
    if deleted {
        return gathered.map_err(v1_check::restore_or_delete);
    }
    gathered
}

/// The mode that is left once everything found is weighed; `Auto` becomes cancel.
///
/// # Errors
/// `Refused` with every reason, and with what else can be done.
fn weigh(run: &mut Run<'_>, asked: RecoveryMode, evidence: &Evidence) -> Result<RecoveryMode> {
    let mut reasons = Vec::new();
    let mut kinds = Vec::new();
    let mut forced = Vec::new();
    for (finding, found) in evidence.all() {
        kinds.push(finding);
        let weight = finding.weight(asked);
        let texts = found.iter().map(super::evidence::Found::text);
        match weight {
            Weight::Fine => {}
            Weight::NeedsForce if run.options.force => forced.push((finding, found)),
            Weight::NeedsForce => reasons.extend(texts.map(|text| format!("{text} (needs force)"))),
            Weight::Forbids => reasons.extend(texts),
        }
    }
    if reasons.is_empty() {
        let mut lost = HashSet::new();
        for (finding, found) in forced {
            run.warn(format!(
                "by force, although: {}",
                some_of(&found.iter().map(super::evidence::Found::text).collect::<Vec<_>>())
            ));
            if asked == RecoveryMode::DowngradeOld && loses_a_task(finding) {
                for found in found {
                    let outcome = if run.options.plan { Outcome::WouldLose } else { Outcome::Lost };
                    let mut row = Row::new(&found.v1, outcome);
                    row.v2_id.clone_from(&found.v2);
                    row.detail.clone_from(&found.why);
                    run.report.push(row);
                }
                // The counts are of what is in V2; a downgrade counts for itself.
                if !matches!(finding, Finding::V2Gone | Finding::V2GoneUnexplained) {
                    lost.extend(found.iter().map(|found| &found.v2));
                }
            }
        }
        let counts = &mut run.report.counts;
        counts.left = lost.len() as u64;
        counts.skipped = counts.total.saturating_sub(counts.left);
        let mode = if asked == RecoveryMode::Auto { RecoveryMode::Cancel } else { asked };
        run.report.recovery_mode = Some(mode);
        return Ok(mode);
    }
    let by = if asked == RecoveryMode::Auto { "cancel, which auto stands for" } else { asked.word() };
    run.report.conclude(run.report.phase, format!("no way back by {by}; nothing was changed"));
    let count = reasons.len();
    let what = format!("{count} reason{} against RECOVERY by {by}: {}", plural(count as u64), some_of(&reasons));
    let more = count.saturating_sub(REASONS_LIMIT);
    reasons.truncate(REASONS_LIMIT);
    run.report.warnings.extend(reasons);
    if more > 0 {
        run.report.warnings.push(format!("reasons that are not listed: {more}"));
    }
    let mut choices = alternatives(asked, &kinds);
    if downgrade::v2_is_there(run.storage()).is_err() {
        // It would be refused, since what V2 holds cannot be told.
        choices.retain(|choice| !choice.starts_with("`downgrade`"));
    }
    let advice = match &*choices {
        [] => "put back what the reasons name, then run RECOVERY again".to_owned(),
        [only] => format!("the way that is left: {only}"),
        _ => format!("choose: {}", choices.join("; or ")),
    };
    Err(Error::new(ErrorKind::Refused, what).at(layout::v2()).advise(advice))
}

fn loses_a_task(finding: Finding) -> bool {
    use Finding::{BornInV2, GoneFromBoth, NotCarried, V2Changed, V2Gone, V2GoneUnexplained};
    matches!(finding, BornInV2 | GoneFromBoth | NotCarried | V2Changed | V2Gone | V2GoneUnexplained)
}

/// What the run needs before its first write.
fn check_up_front(run: &Run<'_>, mode: RecoveryMode) -> Result<()> {
    let mut folders = vec![layout::v2()];
    if mode == RecoveryMode::Downgrade {
        downgrade::v2_is_there(run.storage())?;
        folders.push(layout::v1_scheduler());
    }
    rights::refuse(&rights::missing(run, &folders)?)
}

/// Makes the direction durable: from here only RECOVERY goes on. Nodes are looked for once more after it.
fn begin(run: &mut Run<'_>, seen: &Trees, mode: RecoveryMode, evidence: &Evidence) -> Result<()> {
    let started_before = run.report.started_nodes.clone();
    // One that says no direction, or in which nothing was done.
    run.take_away(&layout::recovery())?;
    let staged = run.fence().join(layout::RECOVERY);
    let create = |name: &str, bytes| run.waves().create(&staged.join(name), bytes);
    create(&layout::recovery_mode_name(mode.word()), Vec::new())?;
    if mode == RecoveryMode::Downgrade {
        let cleared = evidence.ids_of(&[Finding::V2Gone, Finding::V2GoneUnexplained]);
        let mut lines = String::new();
        for id in &cleared {
            lines.push_str(&id.to_string());
            lines.push('\n');
        }
        create(layout::cleared_name(), lines.into_bytes())?;
        // Without force there are none: they were refused.
        for id in evidence.ids_of(&[Finding::NotCarried]) {
            create(&layout::mark_failed_name(&id), Vec::new())?;
        }
    }
    run.check_cancelled()?;
    run.confirm()?;
    run.waves().rename(&staged, &layout::recovery())?;
    if let Err(error) = no_node_came(run, seen, mode, &started_before) {
        // What has not begun is not left as if it had.
        run.take_away(&layout::recovery())?;
        return Err(error);
    }
    let staged = run.fence().join(layout::recovery_begun().name());
    run.waves().create(&staged, Vec::new())?;
    run.waves().rename(&staged, &layout::recovery_begun())
}

fn no_node_came(run: &Run<'_>, seen: &Trees, mode: RecoveryMode, started_before: &[String]) -> Result<()> {
    run.session.all_offline()?;
    if !seen.facts.done {
        return Ok(());
    }
    let done = DoneFolder::read(run.storage())?;
    let new: Vec<&String> = done.started_nodes.iter().filter(|node| !started_before.contains(node)).collect();
    let moved = mode == RecoveryMode::Cancel && {
        let now = run.session.change_id()?;
        let manifests = Manifests::of(run.storage(), &done)?;
        let moved = manifests.heads().filter_map(|head| head.pu_change_id).any(|id| Some(id) != now);
        moved
    };
    if new.is_empty() && !moved {
        return Ok(());
    }
    if new.is_empty() {
        let what = "nodes came or went while the RECOVERY began: the PU registry's change id moved on";
        return Err(Error::new(ErrorKind::NodesOnline, what)
            .advise("stop every node, then run RECOVERY again: it says which ways back are left"));
    }
    let what = format!("nodes started while the RECOVERY began: {}", some_of(&new));
    Err(Error::new(ErrorKind::NodesOnline, what))
}

fn go(run: &mut Run<'_>, mode: RecoveryMode, carried: bool) -> Result<()> {
    run.report.conclude(Phase::Recovering, format!("RECOVERY by {} has begun and did not end", mode.word()));
    run.report.recovery_mode = Some(mode);
    if mode == RecoveryMode::Downgrade && !carried {
        downgrade::carry_all(run)?;
        let staged = run.fence().join(layout::recovery_carried().name());
        run.waves().create(&staged, Vec::new())?;
        run.confirm()?;
        run.waves().rename(&staged, &layout::recovery_carried())?;
    }
    withdraw(run)?;
    // What was counted on the way is not what is there now.
    run.report.v1_states = V1Scan::read(run.storage())?.by_state();
    run.report.v2_tasks = 0;
    let after = trees::read(run.storage())?.phase()?;
    let headline = match mode {
        RecoveryMode::Downgrade if carried => "V2 is V1 again; an earlier run carried the tasks".to_owned(),
        RecoveryMode::Downgrade => downgrade::headline(&run.report),
        RecoveryMode::DowngradeOld => "the old V1 files are used as they are; V2 is gone".to_owned(),
        RecoveryMode::Cancel | RecoveryMode::Auto => "the upgrade is cancelled; V1 is as it was".to_owned(),
    };
    run.report.conclude(after, headline);
    if after == Phase::NotStarted {
        // Who went back wants the old nodes up, not another upgrade.
        "start the nodes of the old version; UPGRADE can be run again at any time"
            .clone_into(&mut run.report.next_action);
    }
    Ok(())
}

/// What goes with V2, in the order in which it goes.
fn withdrawn() -> [TreePath; 5] {
    [layout::v2_scheduler(), layout::v2_task_assigned(), layout::upgrading(), layout::done(), layout::v1_deleting()]
}

/// V2 goes, then every trace of the upgrade, then the RECOVERY itself: each by one rename into the run's fence, whatever
/// the number of tasks. What an earlier run took away before it was stopped is gone already.
fn withdraw(run: &mut Run<'_>) -> Result<()> {
    run.check_cancelled()?;
    run.stage(Stage::Finish);
    run.confirm()?;
    for path in withdrawn() {
        run.take_away(&path)?;
    }
    for folder in [layout::v2_scheduler(), layout::v2_task_assigned()] {
        run.waves().make_folder(&folder)?;
    }
    run.take_away(&layout::recovery())?;
    run.stage(Stage::Clean);
    Ok(())
}

fn take_empty_recovery_away(run: &mut Run<'_>, text: &'static str) -> Result<()> {
    run.take_away(&layout::recovery())?;
    let after = trees::read(run.storage())?.phase()?;
    run.report.conclude(after, text);
    Ok(())
}

/// A dry run: everything but writing, each action listed.
fn plan(run: &mut Run<'_>, seen: &Trees) -> Result<()> {
    if let Some(holder) = LockHolder::read(run.storage())? {
        run.warn(format!("another run may be under way: {holder}"));
        run.report.lock_holder = Some(holder);
    }
    if let (Permit::Nothing(text), false) = (permit(Operation::Recovery, run.report.phase), seen.facts.recovery) {
        return clear_rubbish(run, seen).map(|()| run.report.conclude(run.report.phase, text));
    }
    let mut refusals: Vec<Error> = run.session.all_offline().err().into_iter().collect();
    let warnings_before = run.report.warnings.len();
    let decided = course(run, seen).and_then(|(course, _)| match course {
        Course::Begin(mode) => {
            let evidence = evidence(run, seen, mode)?;
            weigh(run, mode, &evidence).map(Course::Begin)
        }
        other => Ok(other),
    });
    let course = match decided {
        Ok(course) => Some(course),
        Err(error) if error.kind() == ErrorKind::Refused => {
            refusals.push(error);
            None
        }
        Err(error) => return Err(error),
    };
    // Each reason is a warning of its own already.
    let are_reasons_listed = course.is_none() && run.report.warnings.len() > warnings_before;
    if let Some(course) = course {
        plan_actions(run, seen, course)?;
    }
    let headline = match course {
        _ if !refusals.is_empty() => "a run would be refused now, see the warnings".to_owned(),
        Some(Course::Nothing(text)) => text.to_owned(),
        Some(Course::Begin(mode) | Course::Resume(mode)) => format!("V1 would be used again, by {}", mode.word()),
        _ => "V1 would be used again, by downgrade: every task is carried already".to_owned(),
    };
    run.report.conclude(run.report.phase, headline);
    if let (true, Some(Course::Begin(mode))) = (refusals.is_empty(), course) {
        run.report.next_action = format!("stop every node, then run RECOVERY by {}", mode.word());
    }
    let last = refusals.len().saturating_sub(1);
    for (place, error) in refusals.into_iter().enumerate() {
        if are_reasons_listed && place == last {
            run.warn(WARNED_OF.to_owned());
        } else {
            run.warn(format!("a run would be refused now: {error}"));
        }
        error.next_action().clone_into(&mut run.report.next_action);
    }
    Ok(())
}

fn plan_actions(run: &mut Run<'_>, seen: &Trees, course: Course) -> Result<()> {
    for leftover in leftovers(seen).into_iter().filter(|path| *path != layout::upgrading()) {
        run.report.actions.push(format!("remove {leftover}"));
    }
    run.report.actions.push(format!("create {}", layout::lock_file()));
    let carries = match course {
        Course::Nothing(_) => {
            run.report.actions.push(format!("remove {}", layout::recovery()));
            return Ok(());
        }
        Course::Begin(mode) => {
            let name = layout::recovery_mode_name(mode.word());
            run.report.actions.push(format!("make folder {} with {name}", layout::recovery()));
            run.report.actions.push(format!("create {}", layout::recovery_begun()));
            mode == RecoveryMode::Downgrade
        }
        Course::Resume(mode) => mode == RecoveryMode::Downgrade,
        Course::ResumeCarried => false,
    };
    if carries {
        for folder in downgrade::v1_folders() {
            if run.storage().find(&folder)?.is_none() {
                run.report.actions.push(format!("make folder {folder}"));
            }
        }
        downgrade::plan_all(run)?;
        let written = run.report.counts.converted;
        if written > 0 {
            run.report.actions.push(format!("write V1 files into {}: {written}", layout::v1_scheduler()));
        }
        run.report.actions.push(format!("create {}", layout::recovery_carried()));
    }
    for path in withdrawn() {
        if run.storage().find(&path)?.is_some() {
            run.report.actions.push(format!("remove {path} and all it holds"));
        }
    }
    for folder in [layout::v2_scheduler(), layout::v2_task_assigned()] {
        run.report.actions.push(format!("make folder {folder}"));
    }
    let last = [layout::recovery(), layout::staging(), layout::lock_file()];
    run.report.actions.extend(last.into_iter().map(|path| format!("remove {path}")));
    Ok(())
}
