//! The plan of an UPGRADE: everything but writing.

use std::collections::HashSet;

use super::catalog_answers::CatalogAnswers;
use super::complete::Complete;
use super::context::{plural, Run};
use super::convert::Converter;
use super::groups::groups;
use super::leftovers::leftovers;
use super::lock_file::LockHolder;
use super::options::Stage;
use super::parts::Parts;
use super::scan::{MarkScan, V1Scan, V2Scan};
use super::task_facts::{Facts, Listings};
use super::trees::Trees;
use super::upgrade::{check_up_front, describe_trees, nodes_allow, sort_decisions};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;

/// A dry run: everything but writing, each action listed.
pub(super) fn run(run: &mut Run<'_>, seen: &Trees) -> Result<()> {
    let session = run.session;
    let catalog = CatalogAnswers::new(session.catalog()?);
    if let Some(holder) = LockHolder::read(run.storage())? {
        run.warn(format!("another run may be under way: {holder}"));
        run.report.lock_holder = Some(holder);
    }
    // A plan is made while the nodes still work; that they must go down is part of it.
    let mut refusals: Vec<Error> = nodes_allow(run).err().into_iter().collect();
    run.stage(Stage::List);
    let v1 = V1Scan::read(run.storage())?;
    if let Err(error) = check_up_front(run, seen, &v1) {
        refusals.push(error);
    }
    let complete = Complete::read(run.storage(), seen)?;
    // One that was taken up again already goes on, and those tasks fail.
    let refused = complete.as_ref().filter(|_| !seen.facts.reopen).map(|complete| complete.refuse_changed(&v1));
    if let Some(Err(error)) = refused {
        refusals.push(error);
    }
    for refusal in &refusals {
        run.warn(format!("a run would be refused now: {refusal}"));
    }
    let marks = MarkScan::read(run.storage())?;
    let parts = Parts::read(run.storage(), &marks)?;
    let v2 = V2Scan::read(run.storage())?;
    let listings = Listings {
        v1: &v1,
        marks: &marks,
        parts: &parts,
        v2: &v2,
        complete: complete.as_ref(),
        suspects: &HashSet::new(),
    };
    describe_trees(run, listings);
    let (facts, decisions) = Facts::decide(&*session.storage, &*session.codec, listings)?;
    let work = sort_decisions(run, &v1, &decisions);
    for leftover in leftovers(seen).into_iter().filter(|path| *path != layout::upgrading()) {
        run.report.actions.push(format!("remove {leftover}"));
    }
    let staged = run.fence().join(layout::DONE);
    run.report.actions.push(format!("make folder {staged}"));
    run.report.actions.push(format!("create {}", layout::lock_file()));
    for folder in [layout::upgrading(), layout::v2_scheduler(), layout::v2_task_assigned()] {
        if run.storage().find(&folder)?.is_none() {
            run.report.actions.push(format!("make folder {folder}"));
        }
    }
    if complete.is_some() && !seen.facts.reopen {
        run.report.actions.push(format!("create {}", layout::reopen()));
    }
    run.stage(Stage::Convert);
    let mut converter = Converter::new(run, &facts, catalog);
    for group in groups(&work, converter.run.storage().group_tasks(), |work| work.file.length) {
        converter.plan_rows(group)?;
    }
    let manifest_number = complete.as_ref().map_or(1, |complete| complete.manifests.next_number());
    let marks_of_all = layout::upgrading();
    let run_name = run.name.clone();
    let last = [
        format!(
            "create {marks_of_all}/{} and the parts after it, one a group of tasks",
            layout::part_name(&run_name, 0)
        ),
        format!(
            "create {} and, where more tasks are upgraded than one holds, those after it",
            layout::done().join(&layout::manifest_name(manifest_number))
        ),
        format!("remove {marks_of_all}, {} and {}", layout::staging(), layout::lock_file()),
    ];
    run.report.actions.extend(last);
    let counts = run.report.counts;
    let upgraded = counts.converted + counts.cancelled;
    let mut headline = format!("{upgraded} task{} would be upgraded, {} would fail", plural(upgraded), counts.failed);
    if counts.cancelled > 0 {
        headline = format!("{headline}, {} would become Cancel since no place is found", counts.cancelled);
    }
    if !refusals.is_empty() {
        headline = format!("a run would be refused now, see the warnings; else {headline}");
    }
    run.report.conclude(run.report.phase, headline);
    // Nodes that are up are told by the phase's own words.
    match refusals.iter().find(|error| error.kind() != ErrorKind::NodesOnline) {
        Some(error) => error.next_action().clone_into(&mut run.report.next_action),
        None if run.report.counts.failed > 0 => {
            "see to what each task that would fail names; until then UPGRADE converts the others and does not end"
                .clone_into(&mut run.report.next_action);
        }
        None if complete.is_some() => {
            "stop every node, then run UPGRADE with reopen".clone_into(&mut run.report.next_action);
        }
        None => {}
    }
    Ok(())
}
