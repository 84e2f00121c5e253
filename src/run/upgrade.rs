//! UPGRADE: V1 tasks become V2 tasks.

use std::collections::{HashMap, HashSet};

use super::catalog_answers::CatalogAnswers;
use super::context::{some_of, Run};
use super::convert::{self, Converter, Work};
use super::finish;
use super::inspect::{inspect, Inspected};
use super::options::Stage;
use super::parts::{NewParts, Parts};
use super::report::{Counts, Outcome, Row};
use super::scan::{MarkScan, V1Scan, V2Scan};
use super::task_facts::{Decision, Facts, Listings};
use super::trees::{self, Trees};
use super::upgrade_plan;
use super::v1_check::{self, Manifests};
use super::verify::Verifier;
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::phase::{permit, Operation, Permit, Phase};
use crate::plan::steps::{self, Leftover};
use crate::task::{V1Base, V2Id};
use crate::tree::{TreePath, NAME_BYTES_LIMIT};

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
        Permit::Complete => complete(run, &seen),
        Permit::Run if run.options.plan => upgrade_plan::run(run, &seen),
        Permit::Run => {
            // Asked before the lock is taken, so that a refusal leaves nothing behind.
            run.session.catalog()?;
            run.session.all_offline()?;
            run.acquire()?;
            under_the_lock(run)
        }
        Permit::Refused(why) => Err(refused(phase, why)),
        Permit::RunToReopen => Err(refused(phase, "the upgrade was reopened, and this version cannot go on with that")),
        Permit::RemoveEmptyV1 | Permit::RecoverAnyWay | Permit::DowngradeOnly => {
            Err(Error::new(ErrorKind::Internal, "the phase table gave another operation's permit"))
        }
    }
}

pub(super) fn refused(phase: Phase, why: &str) -> Error {
    Error::new(ErrorKind::Refused, format!("in the phase {}: {why}", phase.word())).advise(phase.next_action())
}

/// Everything read before the lock was held is read again.
fn under_the_lock(run: &mut Run<'_>) -> Result<()> {
    let seen = trees::read(run.storage())?;
    let phase = seen.phase()?;
    run.report.phase = phase;
    match permit(Operation::Upgrade, phase) {
        Permit::Run => {}
        // Another run finished it between the two looks.
        Permit::Complete => return complete(run, &seen),
        Permit::Nothing(text) => {
            run.report.conclude(phase, text);
            return Ok(());
        }
        _ => return Err(refused(phase, "another operation began just now")),
    }
    check_up_front(run, &seen, &V1Scan::read(run.storage())?)?;
    run.begin()?;
    let result = upgrade(run, &seen);
    end(run, result)
}

/// Leaves the tree as a run leaves it, also where it failed.
pub(super) fn end(run: &Run<'_>, result: Result<()>) -> Result<()> {
    let lost = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::LockLost);
    // Without the lock nothing may be touched; the next holder clears it.
    let ended = if lost { Ok(()) } else { run.end() };
    result.and(ended)
}

fn upgrade(run: &mut Run<'_>, seen: &Trees) -> Result<()> {
    run.waves().make_folder(&layout::upgrading())?;
    if let Err(error) = run.session.all_offline() {
        // A node came up in the meantime. What has not begun is not left as if it had.
        if !seen.facts.upgrading {
            finish::clear_marks(run)?;
        }
        return Err(error);
    }
    for folder in [layout::v2_scheduler(), layout::v2_task_assigned()] {
        run.waves().make_folder(&folder)?;
    }
    run.report.phase = Phase::Upgrading;
    run.stage(Stage::List);
    // Listed once no node can start any more: what V1 holds now is what is upgraded.
    let v1 = V1Scan::read(run.storage())?;
    let parts = convert_all(run, &v1)?;
    if run.report.counts.failed > 0 {
        let Counts { failed, total, .. } = run.report.counts;
        return Err(Error::new(
            ErrorKind::TasksFailed,
            format!("{failed} of {total} tasks failed; the others are converted"),
        ));
    }
    finish::finish(run, &v1, &parts)?;
    let Counts { total, cancelled, .. } = run.report.counts;
    let headline = match cancelled {
        0 => format!("all {total} tasks are upgraded"),
        cancelled => {
            format!("all {total} tasks are upgraded, {cancelled} of them to state Cancel since no place was found")
        }
    };
    run.report.conclude(Phase::Upgraded, headline);
    Ok(())
}

/// Converts what is not converted yet; the parts of all that is.
fn convert_all(run: &mut Run<'_>, v1: &V1Scan) -> Result<Parts> {
    let marks = MarkScan::read(run.storage())?;
    let old_parts = Parts::read(run.storage(), &marks)?;
    let v2 = V2Scan::read(run.storage())?;
    let session = run.session;
    let listings = Listings { v1, marks: &marks, parts: &old_parts, v2: &v2 };
    describe_trees(run, listings);
    let (facts, decisions) = Facts::decide(&*session.storage, &*session.codec, listings)?;
    let work = sort_decisions(run, v1, &decisions);
    run.report.counts.left = work.len() as u64;
    let mut parts = NewParts::default();
    parts.parts.inherit(&old_parts);
    run.stage(Stage::Convert);
    let catalog = CatalogAnswers::new(session.catalog()?);
    let converted = Converter::new(run, &facts, catalog).convert(&work, &mut parts);
    headline(run);
    converted.map(|()| parts.parts)
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
    let Listings { v1, marks, parts, v2 } = listings;
    run.report.v1_states = v1.by_state();
    for unknown in [&v1.unknown, &v2.unknown, &marks.unknown] {
        run.report.unknown.extend(unknown.iter().cloned());
    }
    if !v1.unknown.is_empty() {
        run.warn(format!("{} names in V1 are no tasks and were left alone", v1.unknown.len()));
    }
    for broken in &parts.broken {
        run.warn(format!("a part cannot be read; its tasks are looked at one by one: {broken}"));
    }
}

fn headline(run: &mut Run<'_>) {
    let counts = run.report.counts;
    let done = counts.converted + counts.cancelled;
    let headline = format!(
        "{done} tasks upgraded, {} were before, {} failed, {} left",
        counts.skipped, counts.failed, counts.left
    );
    run.report.conclude(Phase::Upgrading, headline);
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
    let mut problems = Vec::new();
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
    let mut nearest: HashSet<TreePath> = HashSet::new();
    for folder in [layout::v2(), layout::v2_scheduler(), layout::v2_task_assigned(), layout::upgrading()] {
        nearest.extend(nearest_folder(run, folder)?);
    }
    let mut nearest: Vec<TreePath> = nearest.into_iter().collect();
    nearest.sort();
    for folder in nearest {
        if let Err(error) = run.storage().check_writable(&folder) {
            problems.push((error.kind(), format!("{folder}: {}", error.message()), folder));
        }
    }
    let Some((kind, _, path)) = problems.first() else { return Ok(()) };
    let texts: Vec<&str> = problems.iter().map(|(_, text, _)| text.as_str()).collect();
    Err(Error::new(*kind, format!("nothing was changed, because {}", texts.join("; and "))).at(path))
}

/// The folder itself, or the nearest one above it that is there.
fn nearest_folder(run: &Run<'_>, mut folder: TreePath) -> Result<Option<TreePath>> {
    while run.storage().find(&folder)?.is_none() {
        match folder.parent() {
            Some(parent) => folder = parent,
            None => return Ok(None),
        }
    }
    Ok(Some(folder))
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
        let phase = trees::read(run.storage())?.phase()?;
        if phase != Phase::Upgraded {
            return Err(refused(phase, "another operation began just now"));
        }
        let manifests = Manifests::read(run.storage())?;
        run.begin()?;
        let cleared = clear_leftover_marks(run, &manifests);
        end(run, cleared)?;
    }
    let manifests = Manifests::read(run.storage())?;
    let v1 = V1Scan::read(run.storage())?;
    run.report.v1_states = v1.by_state();
    run.report.counts.total = v1.files.len() as u64;
    let strangers = v1_check::strangers(&v1, &manifests);
    run.report.counts.left = strangers.len() as u64;
    run.report.counts.skipped = run.report.counts.total - run.report.counts.left;
    let headline = match strangers.len() {
        0 => "all tasks are upgraded".to_owned(),
        left => format!("{} tasks are upgraded, {left} are not", run.report.counts.skipped),
    };
    run.report.conclude(Phase::Upgraded, headline);
    for (file, why) in &strangers {
        let mut row = Row::new(&file.name, Outcome::New);
        (row.v1_state, row.detail) = (Some(file.state), why.clone());
        run.report.push(row);
    }
    if !strangers.is_empty() {
        return Err(v1_check::new_v1_tasks(&strangers));
    }
    if run.options.verify {
        let mut verifier = Verifier::new(run)?;
        manifests.each_line(|line| verifier.line(line))?;
        verifier.finish()?;
    }
    Ok(())
}

/// Clears what runs that did not end left, where there is nothing else to do. Another run that is under way sees to it
/// itself.
pub(super) fn clear_rubbish(run: &mut Run<'_>, seen: &Trees) -> Result<()> {
    let left_over = leftovers(seen);
    if left_over.is_empty() {
        return Ok(());
    }
    if run.options.plan {
        run.report.actions.extend(left_over.into_iter().map(|path| format!("remove {path}")));
        return Ok(());
    }
    match run.acquire() {
        Err(error) if error.kind() == ErrorKind::Locked => return Ok(()),
        acquired => acquired?,
    }
    let begun = run.begin();
    end(run, begun)
}

/// What runs that did not end left beside a complete upgrade.
pub(super) fn leftovers(seen: &Trees) -> Vec<TreePath> {
    let all = [
        (seen.facts.upgrading, layout::upgrading()),
        (seen.staging, layout::staging()),
        (seen.recovery_removing, layout::recovery_removing()),
        (seen.lock_file, layout::lock_file()),
    ];
    all.into_iter().filter(|(there, _)| *there).map(|(_, path)| path).collect()
}

/// Clears the folder of marks beside a done mark. Tasks that no manifest holds and whose conversion did not end are
/// settled first: what the attempt left of them goes.
pub(super) fn clear_leftover_marks(run: &mut Run<'_>, manifests: &Manifests) -> Result<()> {
    if !run.storage().has_folder(&layout::upgrading())? {
        return Ok(());
    }
    let mut marks = MarkScan::read(run.storage())?;
    marks.in_progress.retain(|base, _| !manifests.has_base(base));
    if !marks.in_progress.is_empty() {
        let mut ids = HashSet::new();
        manifests.each_line(|line| {
            ids.insert(line.v2);
            Ok(())
        })?;
        let v2 = V2Scan::read(run.storage())?;
        for (base, nodes) in &marks.in_progress {
            let Some(parsed) = V1Base::parse(base) else { continue };
            settle(run, (base, &parsed, nodes), &v2, &ids)?;
        }
    }
    finish::clear_marks(run)
}

/// Clears what an attempt left of one task: managers on the marked nodes, and a main task that is not whole, under the
/// ids that its name can have and no manifest holds.
fn settle(
    run: &Run<'_>,
    (base, parsed, nodes): (&str, &V1Base, &[String]),
    v2: &V2Scan,
    manifest_ids: &HashSet<String>,
) -> Result<()> {
    let mut whole = HashSet::new();
    let mut leftovers: HashMap<V2Id, Leftover> = HashMap::new();
    for ordinal in v2.ordinals(parsed.ts, parsed.seq) {
        let id = parsed.v2_id(ordinal)?;
        match inspect(run.storage(), &*run.session.codec, &id)? {
            Some(Inspected::Whole(..)) => drop(whole.insert(id)),
            Some(Inspected::Torn(_)) if !manifest_ids.contains(&id.to_string()) => {
                leftovers.entry(id).or_default().main_task = true;
            }
            Some(Inspected::Torn(_)) | None => {}
        }
    }
    for node in nodes.iter().filter(|node| !node.is_empty()) {
        for entry in run.storage().children(&layout::node_folder(node))?.unwrap_or_default() {
            let Some(id) = layout::parse_manager(&entry.name).filter(|_| entry.is_file()) else { continue };
            let is_its = id.sequence_no == parsed.seq && id.upgraded_from().is_some_and(|(ts, _)| ts == parsed.ts);
            if is_its && !whole.contains(&id) && !manifest_ids.contains(&id.to_string()) {
                leftovers.entry(id).or_default().manager_nodes.push(node.clone());
            }
        }
    }
    for (id, leftover) in &leftovers {
        for step in steps::clear(base, id, leftover, &run.fence()) {
            run.waves().one(&step.change, step.taken)?;
        }
    }
    Ok(())
}
