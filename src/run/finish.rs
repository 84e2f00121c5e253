//! The end of an upgrade: the manifest, the done mark, and what goes after it.

use super::context::{host, now, some_of, Run};
use std::collections::HashSet;

use super::complete::Complete;
use super::options::Stage;
use super::parts::{Parts, MANIFEST_BYTES_LIMIT};
use super::scan::{MarkScan, V1File, V1Scan};
use super::verify;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::manifest::{merge, Head, Line, Reader, Writer};
use crate::storage::Storage;

/// Room for the head and the tail beside the lines of the parts.
const HEAD_AND_TAIL_BYTES: usize = 4 << 10;

/// Completes an upgrade whose tasks are all converted; with `complete`, one that was taken up again. Where V1 changed just
/// before, it does nothing and says what.
///
/// # Errors
/// `Damaged` where marks or V1 files of converted tasks vanished, or a verify finds a difference.
pub(super) fn finish(
    run: &mut Run<'_>,
    v1: &V1Scan,
    parts: &Parts,
    complete: Option<&Complete>,
) -> Result<Option<Vec<String>>> {
    run.stage(Stage::Finish);
    let new_files;
    let taken_in = match complete {
        None => v1,
        Some(complete) => {
            new_files = complete.new_files(v1);
            &new_files
        }
    };
    let marks = MarkScan::read(run.storage())?;
    all_marked(&marks, taken_in)?;
    if run.options.verify {
        verify_parts(run, parts, taken_in)?;
    }
    // A verify takes its time.
    let changed = V1Scan::read(run.storage())?.changed_since(v1);
    if !changed.is_empty() {
        return Ok(Some(changed));
    }
    let manifest = manifest(run, v1, taken_in, parts, &marks)?;
    let waves = run.waves();
    // Each of these renames decides that the upgrade is complete, so the lock service itself is asked once more.
    match complete {
        None => {
            // The folder was made as the run began.
            let staged = run.fence().join(layout::DONE);
            waves.create(&staged.join(layout::MANIFEST), manifest)?;
            run.check_cancelled()?;
            run.confirm()?;
            waves.rename(&staged, &layout::done())?;
        }
        // An earlier run made the manifest and was stopped before it cleared the marks.
        Some(_) if taken_in.files.is_empty() => {}
        Some(complete) => {
            let name = layout::manifest_name(complete.manifests.next_number());
            let staged = run.fence().join(&name);
            waves.create(&staged, manifest)?;
            run.check_cancelled()?;
            run.confirm()?;
            waves.rename(&staged, &layout::done().join(&name))?;
        }
    }
    run.stage(Stage::Clean);
    clear_marks(run).map(|()| None)
}

/// The folder of marks goes: first its name, in one change, then what it holds.
pub(super) fn clear_marks(run: &Run<'_>) -> Result<()> {
    run.take_away(&layout::upgrading())
}

fn all_marked(marks: &MarkScan, taken_in: &V1Scan) -> Result<()> {
    let unmarked: Vec<&str> =
        taken_in.files.iter().map(V1File::base).filter(|base| !marks.upgraded.contains(*base)).collect();
    if unmarked.is_empty() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Damaged, format!("marks of converted tasks vanished: {}", some_of(&unmarked)))
        .at(layout::upgrading())
        .advise("see who removed them, then run UPGRADE again"))
}

/// Hands every line of the parts to a sink, in the order of the V1 names.
pub(super) fn each_part_line(storage: &dyn Storage, parts: &Parts, sink: impl FnMut(Line) -> Result<()>) -> Result<()> {
    let open = |name: String| {
        let path = layout::upgrading().join(&name);
        storage.read(&path, MANIFEST_BYTES_LIMIT).and_then(Reader::new).map_err(|error| error.at(&path))
    };
    merge(parts.files.clone(), open, sink)
}

fn manifest(run: &Run<'_>, v1: &V1Scan, taken_in: &V1Scan, parts: &Parts, marks: &MarkScan) -> Result<Vec<u8>> {
    let mut head = Head::new(&run.name, &host(), &run.begun, &now(), run.session.change_id()?);
    head.online = run.options.online;
    let mut writer = Writer::new(&head, parts.bytes + HEAD_AND_TAIL_BYTES)?;
    let bases: HashSet<&str> = v1.files.iter().map(V1File::base).collect();
    let mut waiting = taken_in.files.iter().map(|file| &*file.name).peekable();
    let mut gone = Vec::new();
    each_part_line(run.storage(), parts, |line| {
        if waiting.next_if(|name| *name == line.v1).is_some() {
            return writer.line(&line);
        }
        // A line of a state that the task has left: it was converted anew and has another.
        let Some(base) = V1Name::parse(&line.v1).map(|name| name.base.to_string()) else { return Ok(()) };
        // One without its mark was taken back, since V1 finished it while an online run converted it.
        if !bases.contains(&*base) && marks.upgraded.contains(&*base) {
            gone.push(line.v1);
        }
        Ok(())
    })?;
    if !gone.is_empty() {
        let what = format!("V1 files of converted tasks are gone: {}", some_of(&gone));
        return Err(Error::new(ErrorKind::Damaged, what)
            .at(layout::v1_scheduler())
            .advise("restore the V1 files that are named, then run UPGRADE again"));
    }
    // Lines and names come in the same order, so a name that is still waiting has no line.
    match waiting.next() {
        None => writer.finish(),
        Some(name) => {
            let what = "a converted task is in no part";
            Err(Error::new(ErrorKind::Damaged, what).of_task(name).at(layout::upgrading()))
        }
    }
}

fn verify_parts(run: &mut Run<'_>, parts: &Parts, taken_in: &V1Scan) -> Result<()> {
    let storage = std::sync::Arc::clone(&run.session.storage);
    let mut verifier = verify::Verifier::new(run)?;
    each_part_line(&*storage, parts, |line| {
        // What was converted anew, or taken back, has no pair under this name any more.
        taken_in.find(&line.v1).map_or(Ok(()), |_| verifier.line(line))
    })?;
    verifier.finish()
}
