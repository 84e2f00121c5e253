//! The rounds of an upgrade: one where nothing else works on V1, and as many as it takes inside a running node.

use std::collections::HashSet;

use super::catalog_answers::CatalogAnswers;
use super::complete::Complete;
use super::context::{plural, some_of, Run};
use super::convert::Converter;
use super::evidence::states_in;
use super::inspect::{inspect, Inspected};
use super::leftovers::settle;
use super::options::Stage;
use super::parts::Parts;
use super::report::{Counts, Outcome};
use super::scan::{ManagerScan, MarkScan, V1Scan, V2Scan};
use super::task_facts::{Facts, Listings};
use super::upgrade::{describe_trees, sort_decisions};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::steps::{self, Leftover, Step, Wave};
use crate::task::{V1Base, V2Id};

/// How often V1 is listed again for an online run: where it changes for longer, its scheduling was not stopped.
const ROUNDS_LIMIT: u32 = 100;

/// Converts what is not converted yet, and lists V1 again: the V1 tasks at the end, and the parts of all of them.
///
/// # Errors
/// `TasksFailed` where some failed; `NewV1Tasks` where V1 changed meanwhile, for an online run where it does not come
/// to rest.
pub(super) fn convert_until_nothing_is_new(run: &mut Run<'_>, complete: Option<&Complete>) -> Result<(V1Scan, Parts)> {
    let mut suspects = HashSet::new();
    for round in 0..ROUNDS_LIMIT {
        run.stage(Stage::List);
        // Listed once no node can start any more: what V1 holds now is what is upgraded.
        let v1 = V1Scan::read(run.storage())?;
        take_back_vanished(run, &v1, complete)?;
        let parts = convert_all(run, &v1, complete, round, &suspects)?;
        if !run.options.online && run.report.counts.failed > 0 {
            return Err(tasks_failed(run));
        }
        let changed = v1.changed_by_now(run.storage())?;
        if changed.is_empty() && run.options.online {
            count_anew(run, &v1, complete)?;
            headline(run);
            if run.report.counts.failed > 0 {
                return Err(tasks_failed(run));
            }
        }
        if changed.is_empty() {
            return Ok((v1, parts));
        }
        if !run.options.online {
            return Err(v1_changed(&changed));
        }
        suspects = V1Scan::read(run.storage())?.names_changed_since(&v1);
        run.session.log.info(format_args!("V1 is listed again: {}", some_of(&changed)));
    }
    Err(v1_is_not_at_rest(format!("V1 was listed {ROUNDS_LIMIT} times and changed each time")))
}

pub(super) fn v1_changed(changed: &[String]) -> Error {
    v1_is_not_at_rest(format!("V1 changed while the upgrade ran: {}", some_of(changed)))
}

fn v1_is_not_at_rest(what: String) -> Error {
    Error::new(ErrorKind::NewV1Tasks, what)
        .at(layout::v1_scheduler())
        .advise("stop whatever still writes V1 tasks, then run UPGRADE again")
}

fn tasks_failed(run: &Run<'_>) -> Error {
    let Counts { failed, total, .. } = run.report.counts;
    let what = match total - failed {
        0 => format!("{failed} of {total} tasks failed"),
        _ => format!("{failed} of {total} tasks failed; the others are converted"),
    };
    let error = Error::new(ErrorKind::TasksFailed, what);
    if run.only_unknown_failed() {
        return error.advise("run the command again: it looks at what was done first; there is nothing to mend");
    }
    error
}

/// Converts what is not converted yet; the parts of all that is.
fn convert_all(
    run: &mut Run<'_>,
    v1: &V1Scan,
    complete: Option<&Complete>,
    round: u32,
    suspects: &HashSet<Box<str>>,
) -> Result<Parts> {
    let marks = MarkScan::read(run.storage())?;
    let old_parts = Parts::read(run.storage(), &marks)?;
    let v2 = V2Scan::read(run.storage())?;
    let session = run.session;
    let listings = Listings { v1, marks: &marks, parts: &old_parts, v2: &v2, complete, suspects };
    if round == 0 {
        describe_trees(run, listings);
    }
    let (facts, decisions) = Facts::decide(&*session.storage, &*session.codec, listings)?;
    run.report.counts = Counts::default();
    run.forget_failures();
    // What an earlier round said of a task that failed, went, or is converted anew, is not true any more.
    run.report.rows.retain(|row| row.outcome != Outcome::Failed && v1.find(&row.v1_name).is_some());
    let work = sort_decisions(run, v1, &decisions);
    // A million of them are not held beside what they came to.
    drop(decisions);
    let is_anew = |name: &str| work.binary_search_by(|work| (*work.file.name).cmp(name)).is_ok();
    run.report.rows.retain(|row| row.outcome == Outcome::Failed || !is_anew(&row.v1_name));
    run.report.counts.left = work.len() as u64;
    let mut parts = Parts::default();
    parts.inherit(&old_parts);
    run.stage(Stage::Convert);
    let catalog = CatalogAnswers::new(session.catalog()?);
    let converted = Converter::new(run, &facts, catalog).convert(&work, &mut parts);
    headline(run);
    converted.map(|()| parts)
}

fn headline(run: &mut Run<'_>) {
    let counts = run.report.counts;
    let done = counts.converted + counts.cancelled;
    let headline = format!(
        "{done} task{} upgraded, {} were before, {} failed, {} left",
        plural(done),
        counts.skipped,
        counts.failed,
        counts.left
    );
    let phase = run.report.phase;
    run.report.conclude(phase, headline);
}

/// The counts of all rounds together: a task counts once, however often it was converted.
fn count_anew(run: &mut Run<'_>, v1: &V1Scan, complete: Option<&Complete>) -> Result<()> {
    let marks = MarkScan::read(run.storage())?;
    let parts = Parts::read(run.storage(), &marks)?;
    let failed = run.report.counts.failed;
    let mut counts = Counts { total: v1.files.len() as u64, failed, ..Counts::default() };
    let failed_rows = run.report.rows.iter().filter(|row| row.outcome == Outcome::Failed);
    let failed_names: HashSet<&str> = failed_rows.map(|row| row.v1_name.as_str()).collect();
    for file in &v1.files {
        // Its task may be converted: a task that stands there in a second state fails in both.
        if failed_names.contains(&*file.name) {
            continue;
        }
        if complete.is_some_and(|complete| complete.holds(file)) {
            counts.skipped += 1;
            continue;
        }
        let Some(line) = parts.lines.get(file.base()).filter(|_| marks.upgraded.contains(file.base())) else {
            continue;
        };
        match (parts.is_of_run(line, &run.name), line.cancelled) {
            (true, true) => counts.cancelled += 1,
            (true, false) => counts.converted += 1,
            (false, _) => counts.skipped += 1,
        }
    }
    counts.left = counts.total.saturating_sub(counts.skipped + counts.converted + counts.cancelled + failed);
    run.report.counts = counts;
    Ok(())
}

/// Until an upgrade is complete V1 is the truth: a task that V1 finished and cleared while it was converted must not
/// run again in V2, so what was made of it goes.
fn take_back_vanished(run: &mut Run<'_>, v1: &V1Scan, complete: Option<&Complete>) -> Result<()> {
    let marks = MarkScan::read(run.storage())?;
    let marked = marks.upgraded.iter().chain(marks.in_progress.keys());
    let mut gone: HashSet<&str> = marked.map(|base| &**base).filter(|base| !v1.has_base(base)).collect();
    // Where nothing was at work on V1 a file that is gone is damage.
    if gone.is_empty() || !(run.options.online || marks.online) {
        return Ok(());
    }
    if run.storage().find(&layout::v1_scheduler())?.is_none() {
        return Err(Error::new(
            ErrorKind::Damaged,
            "the folder of the V1 tasks is gone, and tasks of it are converted",
        )
        .at(layout::v1_scheduler())
        .advise("bring the folder back, then run UPGRADE again"));
    }
    // What decides that a task goes is looked at twice.
    let again = V1Scan::read(run.storage())?;
    gone.retain(|base| V1Base::parse(base).is_some_and(|base| states_in(&again, &base).is_empty()));
    let v2 = V2Scan::read(run.storage())?;
    let managers = ManagerScan::read(run.storage())?;
    let mut gone: Vec<&str> = gone.into_iter().collect();
    gone.sort_unstable();
    for base in gone {
        let Some(parsed) = V1Base::parse(base) else { continue };
        if let Some(nodes) = marks.in_progress.get(base) {
            settle(run, (base, &parsed, nodes), &v2, &|id| complete.is_some_and(|complete| complete.made.has(id)))?;
        }
        let mut steps = Vec::new();
        for id in ids_of(run, &parsed, &v2, complete)? {
            let leftover = Leftover {
                main_task: true,
                manager_nodes: managers.nodes_of(&id).map(str::to_owned).collect(),
                ..Leftover::default()
            };
            steps.extend(steps::clear(base, &id, &leftover, &run.fence(), run.next_number()));
        }
        let leftover = Leftover {
            marked_nodes: marks.in_progress.get(base).cloned().unwrap_or_default(),
            upgraded_mark: marks.upgraded.contains(base),
            ..Leftover::default()
        };
        // The id says nothing here: only marks are cleared.
        let any_id = parsed.v2_id(0)?;
        steps.extend(steps::clear(base, &any_id, &leftover, &run.fence(), run.next_number()));
        clear(run, &steps)?;
        run.warn(format!("{base}: V1 finished and cleared it while it was converted, so V2 does not get it"));
    }
    Ok(())
}

fn clear(run: &Run<'_>, steps: &[Step]) -> Result<()> {
    let in_wave = |wave: Wave| steps.iter().filter(move |step| step.wave == wave);
    for step in Wave::CLEARING.into_iter().flat_map(in_wave) {
        run.waves().one(&step.change, step.taken)?;
    }
    Ok(())
}

/// The V2 tasks that were made of a V1 base, and that no complete upgrade holds.
fn ids_of(run: &Run<'_>, base: &V1Base, v2: &V2Scan, complete: Option<&Complete>) -> Result<Vec<V2Id>> {
    let mut ids = Vec::new();
    for ordinal in v2.ordinals(base.ts, base.seq) {
        let id = base.v2_id(ordinal)?;
        if complete.is_some_and(|complete| complete.made.has(&id)) {
            continue;
        }
        match inspect(run.storage(), &*run.session.codec, &id)? {
            Some(Inspected::Whole(whole)) if whole.task.receive_pu == base.pu => ids.push(id),
            _ => {}
        }
    }
    Ok(ids)
}
