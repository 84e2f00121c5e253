//! The end of an upgrade: the manifest, the done mark, and what goes after it.

use super::context::{host, now, some_of, Run};

use super::complete::Complete;
use super::options::Stage;
use super::parts::{Parts, MANIFEST_BYTES_LIMIT};
use super::scan::{Converted, V1Scan};
use super::verify;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::manifest::{merge, Head, Line, Reader, Writer};
use crate::storage::Storage;
use crate::tree::TreePath;

/// How many groups of tasks go into a manifest, so that a run holds the lines of so many at a time, whatever their number.
const GROUPS_OF_A_MANIFEST: usize = 4;

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
    let converted = Converted::read(run.storage(), taken_in)?;
    all_marked(&converted, taken_in)?;
    if run.options.verify {
        verify_parts(run, parts, taken_in)?;
    }
    // A verify takes its time.
    let changed = v1.changed_by_now(run.storage())?;
    if !changed.is_empty() {
        return Ok(Some(changed));
    }
    let waves = run.waves();
    // Each of these renames decides that the upgrade is complete, so the lock service itself is asked once more.
    match complete {
        None => {
            // The folder was made as the run began.
            let staged = run.fence().join(layout::DONE);
            let most_lines = run.storage().group_tasks().saturating_mul(GROUPS_OF_A_MANIFEST);
            let mut manifests = ManifestWriter::new(run, (&staged, 1), taken_in.files.len(), most_lines)?;
            each_line_taken_in(run, v1, taken_in, parts, &converted, |line| manifests.line(line))?;
            manifests.finish()?;
            run.check_cancelled()?;
            run.confirm()?;
            waves.rename(&staged, &layout::done())?;
        }
        // An earlier run made the manifest and was stopped before it cleared the marks.
        Some(_) if taken_in.files.is_empty() => each_line_taken_in(run, v1, taken_in, parts, &converted, |_| Ok(()))?,
        Some(complete) => {
            let number = complete.manifests.next_number();
            let name = layout::manifest_name(number);
            // One, since one rename decides.
            let mut manifests = ManifestWriter::new(run, (&run.fence(), number), taken_in.files.len(), usize::MAX)?;
            each_line_taken_in(run, v1, taken_in, parts, &converted, |line| manifests.line(line))?;
            manifests.finish()?;
            run.check_cancelled()?;
            run.confirm()?;
            waves.rename(&run.fence().join(&name), &layout::done().join(&name))?;
        }
    }
    run.stage(Stage::Clean);
    clear_marks(run).map(|()| None)
}

/// The folder of marks goes: first its name, in one change, then what it holds.
pub(super) fn clear_marks(run: &Run<'_>) -> Result<()> {
    run.take_away(&layout::upgrading())
}

fn all_marked(converted: &Converted, taken_in: &V1Scan) -> Result<()> {
    let unmarked = converted.unmarked(taken_in);
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

/// The manifests of a completion on their way into a folder of the fence: the lines of one are held at a time.
struct ManifestWriter<'r, 'a> {
    run: &'r Run<'a>,
    folder: TreePath,
    /// The number of the one whose lines are held.
    number: u32,
    most_lines: usize,
    /// Its head: that of the next one differs in the piece.
    head: Head,
    writer: Writer,
}

impl<'r, 'a> ManifestWriter<'r, 'a> {
    fn new(run: &'r Run<'a>, (folder, number): (&TreePath, u32), lines: usize, most_lines: usize) -> Result<Self> {
        let mut head = Head::new(&run.name, &host(), &run.begun, &now(), run.session.change_id()?);
        head.online = run.options.online;
        if lines > most_lines {
            head.piece = Some(1);
            head.pieces = u32::try_from(lines.div_ceil(most_lines)).ok();
        }
        let writer = Writer::new(&head)?;
        Ok(Self { run, folder: folder.clone(), number, most_lines, head, writer })
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        if self.writer.count() >= self.most_lines as u64 {
            self.head.piece = self.head.piece.map(|piece| piece.saturating_add(1));
            let full = std::mem::replace(&mut self.writer, Writer::new(&self.head)?);
            self.write(full)?;
            self.number += 1;
        }
        self.writer.line(line)
    }

    fn finish(mut self) -> Result<()> {
        let last = std::mem::replace(&mut self.writer, Writer::new(&self.head)?);
        self.write(last)
    }

    fn write(&self, writer: Writer) -> Result<()> {
        self.run.check_cancelled()?;
        self.run.waves().create(&self.folder.join(&layout::manifest_name(self.number)), writer.finish()?)
    }
}

/// Hands the lines of the tasks that are taken in to a sink, and looks whether each has one and whether its V1 file is there.
fn each_line_taken_in(
    run: &Run<'_>,
    v1: &V1Scan,
    taken_in: &V1Scan,
    parts: &Parts,
    converted: &Converted,
    mut sink: impl FnMut(&Line) -> Result<()>,
) -> Result<()> {
    let mut waiting = taken_in.files.iter().map(|file| &*file.name).peekable();
    let mut gone = Vec::new();
    each_part_line(run.storage(), parts, |line| {
        if waiting.next_if(|name| *name == line.v1).is_some() {
            return sink(&line);
        }
        // A line of a state that the task has left: it was converted anew and has another.
        let Some(base) = V1Name::parse(&line.v1).map(|name| name.base.to_string()) else { return Ok(()) };
        // One without its mark was taken back, since V1 finished it while an online run converted it.
        if !v1.has_base(&base) && converted.has_other(&base) {
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
        None => Ok(()),
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
