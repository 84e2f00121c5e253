//! STATUS: where things stand. Takes no lock and writes nothing.

use std::collections::HashSet;

use super::context::{some_of, Run};
use super::finish::each_part_line;
use super::leftovers::leftovers;
use super::lock_file::LockHolder;
use super::options::Stage;
use super::parts::Parts;
use super::recovery_scan::{Managers, RecoveryScan};
use super::report::{Counts, Outcome, Row};
use super::scan::{MarkScan, V1Scan, V2Scan};
use super::trees::{self, Trees};
use super::v1_check::{self, BesideV1Tasks, DoneFolder, Lacks, Manifests};
use super::verify;
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::phase::{choices, permit, Operation, Permit, Phase};
use crate::plan::recovery::RecoveryMode;

/// How often the trees are looked at again where somebody changes them meanwhile.
const LOOKS_LIMIT: u32 = 5;

/// Runs STATUS. Another process may change the trees at any moment: what was seen counts where the phase is the same
/// before and after.
pub(super) fn run(run: &mut Run<'_>) -> Result<()> {
    run.stage(Stage::Check);
    let fresh = run.report.clone();
    let mut look = 1;
    loop {
        let seen = trees::read(run.storage())?;
        let answer = look_once(run, &seen);
        if trees::read(run.storage())?.facts == seen.facts {
            return answer;
        }
        if look == LOOKS_LIMIT {
            run.warn("another process changes the trees faster than they can be looked at".to_owned());
            return answer;
        }
        look += 1;
        run.check_cancelled()?;
        run.report = fresh.clone();
    }
}

fn look_once(run: &mut Run<'_>, seen: &Trees) -> Result<()> {
    match LockHolder::read(run.storage()) {
        Ok(holder) => run.report.lock_holder = holder,
        Err(error) => run.warn(format!("who holds the lock cannot be read: {error}")),
    }
    run.report.unknown.extend(seen.unknown.iter().cloned());
    run.report.seen().trees = seen.clone();
    let phase = match seen.phase() {
        Ok(phase) => phase,
        Err(error) => {
            // Said in full, and the rest of what can be seen beside it.
            run.report.no_phase = true;
            run.report.headline = format!("no phase: {}", error.message());
            return Err(error);
        }
    };
    run.report.conclude(phase, format!("the tree is in the phase {}", phase.word()));
    run.report.choices = choices(phase).into();
    if permit(Operation::Delete, phase) == Permit::RemoveEmptyV1 && !seen.facts.v1 {
        for (_, choice) in run.report.choices.iter_mut().filter(|(operation, _)| *operation == Operation::Delete) {
            "nothing to delete".clone_into(choice);
        }
    }
    run.stage(Stage::List);
    let v1 = V1Scan::read(run.storage())?;
    let v2 = V2Scan::read(run.storage())?;
    run.report.v1_states = v1.by_state();
    run.report.v2_tasks = v2.count;
    let managers = Managers::read(run.storage())?;
    run.report.v2_open = managers.count();
    run.report.counts.total = v1.files.len() as u64;
    run.report.counts.left = run.report.counts.total;
    run.report.unknown.extend(v2.unknown.iter().cloned());
    let mut beside_v1 = BesideV1Tasks::read(run, &v1)?;
    run.report.unknown.append(&mut beside_v1.unknown);
    run.report.unknown.extend(managers.unknown);
    let pictured = run.report.seen();
    (pictured.counted, pictured.beside_v1, pictured.nodes) = (true, beside_v1, managers.nodes);
    if phase == Phase::Deleting && !seen.facts.v1_deleting {
        run.warn("the upgrade is complete and its V1 tree is gone; no DELETE that is under way explains it".to_owned());
        run.report.next_action = format!(
            "where a DELETE was stopped, run it again to finish; else bring {} back first, since DELETE removes the mark that \
             proves the upgrade",
            layout::v1()
        );
    }
    if phase == Phase::NotStarted && v2.count > 0 {
        run.warn(v2.unexplained());
        run.report.next_action = format!(
            "start no node before it is clear where the V2 tasks come from; if {} was moved away, put it back",
            layout::done()
        );
    }
    list_leftovers(run, seen);
    if seen.facts.done {
        let done = DoneFolder::read(run.storage()).map_err(|error| without_manifest(run, error))?;
        run.report.seen().manifests = done.manifest_names();
        run.report.started_nodes = done.started_nodes;
    }
    let looked = match phase {
        Phase::Upgraded | Phase::Reopening => upgraded(run, &v1),
        Phase::Upgrading => upgrading(run, &v1),
        Phase::Recovering => recovering(run, &v1),
        Phase::Deleting if seen.facts.done && seen.facts.v1_deleting => deleting(run),
        _ => {
            list_twins(run, &v1);
            advise_on_twins(run);
            Ok(())
        }
    };
    if run.report.lock_holder.is_some() {
        let next = std::mem::take(&mut run.report.next_action);
        run.report.next_action = format!("wait for the run that the lock file names; if it is dead: {next}");
    }
    looked
}

/// UPGRADE converts the others and does not end before that is put right.
fn advise_on_twins(run: &mut Run<'_>) {
    if run.report.phase == Phase::NotStarted && run.report.counts.failed > 0 {
        "see to the tasks that are there in several states, of which one is right each; then stop every node and run UPGRADE"
            .clone_into(&mut run.report.next_action);
    }
}

/// What was seen on the way that would refuse an operation which the phase allows.
fn say_what_stands_in_the_way(run: &mut Run<'_>, lacks: Lacks) {
    if run.report.phase != Phase::Upgraded {
        return;
    }
    let Counts { left: new, failed: changed, .. } = run.report.counts;
    let unknown_below = |folder: &str| run.report.unknown.iter().filter(|path| path.starts_with(folder)).count();
    let (unknown_in_v1, unknown_in_v2) =
        (unknown_below(&format!("{}/", layout::V1)), unknown_below(&format!("{}/", layout::v2())));
    let is_v2_there = run.report.seen.as_ref().is_some_and(|seen| seen.trees.v2_scheduler);
    let different = run.report.rows.iter().filter(|row| row.outcome == Outcome::Differs).count();
    let started = some_of(&run.report.started_nodes);
    for (operation, choice) in &mut run.report.choices {
        match operation {
            Operation::Upgrade | Operation::Delete if changed > 0 => {
                *choice = format!("refused now: V1 files that changed after they were upgraded: {changed}");
            }
            Operation::Delete if new > 0 => *choice = format!("refused now: V1 tasks that are not upgraded: {new}"),
            Operation::Delete if different > 0 => {
                *choice = format!("refused now: pairs of tasks that differ: {different}");
            }
            Operation::Delete if unknown_in_v1 > 0 => {
                *choice = format!("refused now without force: unknown files in V1: {unknown_in_v1}");
            }
            Operation::Delete if lacks.v2 > 0 => {
                *choice = format!("refused now: tasks that the upgrade made and V2 lacks: {}", lacks.v2);
            }
            Operation::Delete if lacks.v1 > 0 && started.is_empty() => {
                *choice = format!("refused now: V1 files of upgraded tasks that are gone: {}", lacks.v1);
            }
            Operation::Recovery if lacks.v1 > 0 => {
                *choice = format!("by downgrade alone: V1 files of upgraded tasks that are gone: {}", lacks.v1);
            }
            Operation::Recovery if changed > 0 => {
                "by downgrade or downgrade_old, with force: V1 files changed after they were upgraded"
                    .clone_into(choice);
            }
            Operation::Recovery if !is_v2_there => {
                "by downgrade_old with force, to the old files: the folder of the V2 tasks is gone".clone_into(choice);
            }
            Operation::Recovery if lacks.v2 > 0 => {
                "by downgrade_old with force, to the old files; by downgrade with force, which takes what V2 lacks as finished"
                    .clone_into(choice);
            }
            Operation::Recovery if different > 0 => {
                *choice = format!(
                    "not by cancel: pairs of tasks that differ: {different}; a plan of it says what each way needs"
                );
            }
            Operation::Recovery if unknown_in_v2 > 0 => {
                *choice = format!("with force alone: unknown files in V2: {unknown_in_v2}");
            }
            Operation::Recovery if !started.is_empty() => {
                *choice = format!("by downgrade or downgrade_old; not by cancel, since these nodes started: {started}");
            }
            _ => {}
        }
    }
}

/// A DELETE that is to go on holds what it removes against the manifest once more.
fn deleting(run: &mut Run<'_>) -> Result<()> {
    let v1 = V1Scan::read_in(run.storage(), &layout::v1_deleting().join(layout::SCHEDULER))?;
    if v1.files.is_empty() {
        return Ok(());
    }
    match Manifests::read(run.storage()) {
        Err(error) if v1_check::is_lost(&error) => {
            for (operation, choice) in &mut run.report.choices {
                if matches!(operation, Operation::Delete | Operation::Recovery) {
                    "refused now: the manifest cannot be read".clone_into(choice);
                }
            }
            Err(v1_check::restore_or_delete(error))
        }
        _ => Ok(()),
    }
}

/// A complete upgrade whose manifest is lost: what is done and what is new cannot be told apart, and most is refused.
fn without_manifest(run: &mut Run<'_>, lost: Error) -> Error {
    run.report.headline = format!("{}, and its manifest cannot be read", run.report.headline);
    run.report.counts = Counts::default();
    let is_lost = v1_check::is_lost(&lost);
    for (operation, choice) in &mut run.report.choices {
        let now = match operation {
            Operation::Recovery if is_lost => {
                "by downgrade_old with force alone, where V1 holds every V2 task: the manifest cannot be read"
            }
            _ => "refused now: the manifest cannot be read",
        };
        now.clone_into(choice);
    }
    lost
}

/// In which direction a RECOVERY goes, and how far it is.
fn recovering(run: &mut Run<'_>, v1: &V1Scan) -> Result<()> {
    list_twins(run, v1);
    let scan = match RecoveryScan::read(run.storage()) {
        Ok(scan) => scan,
        Err(error) if error.kind() == ErrorKind::Refused => {
            run.warn(error.to_string());
            error.next_action().clone_into(&mut run.report.next_action);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    run.report.unknown.extend(scan.unknown.iter().cloned());
    run.report.seen().recovery = Some((&scan).into());
    run.report.recovery_mode = scan.mode;
    let headline = match scan.mode {
        _ if !scan.begun => "a RECOVERY was about to begin and has done nothing".to_owned(),
        None => "a RECOVERY is under way that says no direction".to_owned(),
        Some(RecoveryMode::Downgrade) if scan.all_carried => {
            "a RECOVERY by downgrade is under way: every V2 task is carried to V1, V2 is still to go".to_owned()
        }
        Some(RecoveryMode::Downgrade) => format!(
            "a RECOVERY by downgrade is under way: {} V1 tasks were written, {} V2 tasks are there",
            scan.carried.len(),
            run.report.v2_tasks
        ),
        Some(mode) => format!("a RECOVERY by {} is under way: V2 is going", mode.word()),
    };
    run.report.headline = format!("{}; {headline}", run.report.headline);
    if !scan.begun {
        run.report.next_action = format!(
            "nothing has been done: run RECOVERY to go back, or remove {} and go on as before it",
            layout::recovery()
        );
        return Ok(());
    }
    if let Some(mode) = scan.mode {
        run.report.next_action =
            format!("run RECOVERY again, by {} or auto, to finish; do not start a node before that", mode.word());
    }
    Ok(())
}

/// Folders and files of runs that did not end, or of the one that the lock file names.
fn list_leftovers(run: &mut Run<'_>, seen: &Trees) {
    let whose = match run.report.lock_holder {
        Some(_) => "of the run that the lock file names; if that run is dead, the next one clears it",
        None => "the next run clears it",
    };
    let beside_done = seen.facts.done && !seen.facts.reopen;
    let paths = leftovers(seen).into_iter().filter(|path| beside_done || *path != layout::upgrading());
    run.report.leftovers.extend(paths.map(|path| format!("{path}: {whose}")));
}

/// A task that is there in several states fails in every upgrade; it can be told by the names alone. Its names.
fn list_twins<'v>(run: &mut Run<'_>, v1: &'v V1Scan) -> HashSet<&'v str> {
    let mut bases: Vec<(&str, &str)> = v1.files.iter().map(|file| (file.base(), &*file.name)).collect();
    bases.sort_unstable();
    let mut names = HashSet::new();
    for twins in bases.chunk_by(|left, right| left.0 == right.0).filter(|twins| twins.len() > 1) {
        for (_, name) in twins {
            let mut row = Row::new(name, Outcome::Failed);
            row.detail.push_str("the task is there in several states");
            run.report.push(row);
            names.insert(*name);
        }
    }
    run.report.counts.failed = names.len() as u64;
    run.report.counts.left -= run.report.counts.failed;
    names
}

fn upgraded(run: &mut Run<'_>, v1: &V1Scan) -> Result<()> {
    let manifests = match Manifests::read(run.storage()) {
        Err(error) => return Err(without_manifest(run, error)),
        Ok(manifests) => manifests,
    };
    let lacks = Lacks::of(&manifests, v1, run.report.v2_tasks);
    let held = hold_against(run, v1, &manifests, lacks);
    if let Some(advice) = lacks.advice() {
        advice.clone_into(&mut run.report.next_action);
    } else if run.report.v2_tasks > 0 && !run.report.seen().trees.v2_task_assigned {
        let folder = layout::v2_task_assigned();
        run.warn(format!("{folder} is gone: nodes find no open task there"));
        run.report.next_action = format!("start no node before {folder} is back");
    }
    say_what_stands_in_the_way(run, lacks);
    held
}

fn hold_against(run: &mut Run<'_>, v1: &V1Scan, manifests: &Manifests, lacks: Lacks) -> Result<()> {
    run.report.started_nodes.clone_from(&manifests.started_nodes);
    run.report.unknown.extend(manifests.unknown.iter().cloned());
    let mut strangers = v1_check::strangers(v1, manifests);
    if run.report.phase == Phase::Reopening {
        let marks = MarkScan::read(run.storage())?;
        run.report.unknown.extend(marks.unknown.iter().cloned());
        run.report.seen().marks = Some((&marks).into());
        strangers.retain(|(file, _)| !marks.upgraded.contains(file.base()) || manifests.has_base(file.base()));
    }
    v1_check::list_strangers(&mut run.report, &strangers, manifests);
    if let Some(advice) = v1_check::advice_on_strangers(&run.report) {
        advice.clone_into(&mut run.report.next_action);
    }
    run.session.log.info(format_args!("the manifest holds {} tasks", manifests.tasks()));
    for warning in lacks.warnings(manifests, v1) {
        run.warn(warning);
    }
    if run.options.verify && !manifests.started_nodes.is_empty() {
        run.warn("nodes have started since, so V2 tasks move on: pairs are not compared".to_owned());
    } else if run.options.verify {
        verify::pairs_of(run, manifests)?;
    }
    Ok(())
}

fn upgrading(run: &mut Run<'_>, v1: &V1Scan) -> Result<()> {
    let marks = MarkScan::read(run.storage())?;
    run.report.unknown.extend(marks.unknown.iter().cloned());
    run.report.seen().marks = Some((&marks).into());
    let twins = list_twins(run, v1);
    let single = || v1.files.iter().filter(|file| !twins.contains(&*file.name));
    let done = single().filter(|file| marks.upgraded.contains(file.base())).count() as u64;
    run.report.counts.skipped = done;
    run.report.counts.left -= done;
    if run.report.v2_tasks > done {
        run.report.headline = format!(
            "{}; V2 tasks that are not counted as done yet: {}",
            run.report.headline,
            run.report.v2_tasks - done
        );
    }
    let begun = single().filter(|file| marks.in_progress.contains_key(file.base()));
    let begun: Vec<_> = begun.filter(|file| !marks.upgraded.contains(file.base())).collect();
    // A run that is alive has thousands at hand, of which none needs a look.
    let may_be_alive = run.report.lock_holder.is_some();
    if may_be_alive && !begun.is_empty() {
        let count = begun.len();
        run.report.headline = format!("{}; tasks that are begun and not finished: {count}", run.report.headline);
    }
    for file in begun.into_iter().filter(|_| !may_be_alive) {
        let mut row = Row::new(&file.name, Outcome::Left);
        row.v1_state = Some(file.state);
        row.detail.push_str("its conversion began and did not end; the next UPGRADE does it anew");
        run.report.push(row);
    }
    if !run.options.verify {
        return Ok(());
    }
    // Another process may finish the upgrade meanwhile and take the parts with it.
    let compared = Parts::read(run.storage(), &marks).and_then(|parts| {
        let storage = std::sync::Arc::clone(&run.session.storage);
        let mut verifier = verify::Verifier::new(run)?;
        each_part_line(&*storage, &parts, |line| verifier.line(line))?;
        verifier.finish()
    });
    match compared {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            run.warn(format!("the tree changed while it was looked at: {error}"));
            Ok(())
        }
        compared => compared,
    }
}
