//! What runs that did not end left beside a tree that is in order.

use std::collections::{HashMap, HashSet};

use super::context::Run;
use super::finish;
use super::inspect::{inspect, Inspected};
use super::scan::{MarkScan, V2Scan};
use super::trees::Trees;
use super::upgrade::end;
use super::v1_check::Manifests;
use crate::error::{ErrorKind, Result};
use crate::layout;
use crate::plan::steps::{self, Leftover};
use crate::task::{V1Base, V2Id};
use crate::tree::TreePath;

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
    let begun = run.begin(seen);
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
        manifests.each_line(run.storage(), |line| {
            ids.insert(line.v2);
            Ok(())
        })?;
        let v2 = V2Scan::read(run.storage())?;
        for (base, nodes) in &marks.in_progress {
            let Some(parsed) = V1Base::parse(base) else { continue };
            settle(run, (base, &parsed, nodes), &v2, &|id| ids.contains(&id.to_string()))?;
        }
    }
    finish::clear_marks(run)
}

/// Clears what an attempt left of one task: managers on the marked nodes, and a main task that is not whole, under the
/// ids that its name can have and no manifest holds.
pub(super) fn settle(
    run: &Run<'_>,
    (base, parsed, nodes): (&str, &V1Base, &[String]),
    v2: &V2Scan,
    in_manifest: &dyn Fn(&V2Id) -> bool,
) -> Result<()> {
    let mut whole = HashSet::new();
    let mut leftovers: HashMap<V2Id, Leftover> = HashMap::new();
    for ordinal in v2.ordinals(parsed.ts, parsed.seq) {
        let id = parsed.v2_id(ordinal)?;
        match inspect(run.storage(), &*run.session.codec, &id)? {
            Some(Inspected::Whole(..)) => drop(whole.insert(id)),
            Some(Inspected::Torn(_)) if !in_manifest(&id) => {
                leftovers.entry(id).or_default().main_task = true;
            }
            Some(Inspected::Torn(_)) | None => {}
        }
    }
    for node in nodes.iter().filter(|node| !node.is_empty()) {
        for entry in run.storage().children(&layout::node_folder(node))?.unwrap_or_default() {
            let Some(id) = layout::parse_manager(&entry.name).filter(|_| entry.is_file()) else { continue };
            let is_its = id.sequence_no == parsed.seq && id.upgraded_from().is_some_and(|(ts, _)| ts == parsed.ts);
            if is_its && !whole.contains(&id) && !in_manifest(&id) {
                leftovers.entry(id).or_default().manager_nodes.push(node.clone());
            }
        }
    }
    for (id, leftover) in &leftovers {
        for step in steps::clear(base, id, leftover, &run.fence(), run.next_number()) {
            run.waves().one(&step.change, step.taken)?;
        }
    }
    Ok(())
}
