//! What becomes of each task that is to be converted.

use std::collections::HashSet;

use super::catalog_answers::{CatalogAnswers, Place};
use super::context::Run;
use super::inspect::{inspect_all, Inspected, WholeTask};
use super::options::Stage;
use super::report::{Counts, Outcome, Row};
use super::scan::V1File;
use super::task_facts::{Decision, Facts};
use super::waves::{failures, Batch};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::manifest::Line;
use crate::plan::steps::{self, Conversion, GroupFolders, Step, Wave};
use crate::plan::verdict::{Marks, Verdict};
use crate::storage::no_answer;
use crate::task::{content_sum, differing_fields, to_v2, StateV2, TaskV1, TaskV2, V2Id, FILE_BYTES_LIMIT};
use crate::tree::TreePath;

/// A task that is to be worked on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) file: &'a V1File,
    pub(super) verdict: Verdict,
    pub(super) ordinal: u16,
}

/// Converts tasks: what becomes of each is decided here, group by group they are made in [`super::pipeline`].
pub(super) struct Converter<'r, 'a, 'f> {
    pub(super) run: &'r mut Run<'a>,
    pub(super) facts: &'f Facts<'f>,
    pub(super) catalog: CatalogAnswers<'r>,
    pub(super) folders_of_group: GroupFolders,
    /// Folders of managers that are there.
    pub(super) folders: HashSet<TreePath>,
    pub(super) done: u64,
}

/// What a task will be, before any of it is made.
pub(super) struct Planned {
    pub(super) steps: Vec<Step>,
    pub(super) line: Line,
    pub(super) row: Row,
}

impl<'r, 'a, 'f> Converter<'r, 'a, 'f> {
    pub(super) fn new(run: &'r mut Run<'a>, facts: &'f Facts<'f>, catalog: CatalogAnswers<'r>) -> Self {
        let folders_of_group = run.next_group();
        Self { run, facts, catalog, folders_of_group, folders: HashSet::new(), done: 0 }
    }

    /// Tells the tasks that are there whole, and as their V1 files say, from those that are to be converted. A task
    /// whose attempt did not end and whose V1 file changed since is converted anew.
    #[allow(clippy::type_complexity, reason = "two lists of the group's own tasks")]
    pub(super) fn adoptions<'w>(&mut self, group: &[Work<'w>]) -> (Vec<(Work<'w>, Planned)>, Vec<Work<'w>>) {
        let (there, mut to_convert): (Vec<Work<'w>>, Vec<Work<'w>>) = group.iter().partition(|work| is_there(work));
        let mut adopted = Vec::new();
        for (work, planned) in there.iter().zip(self.plan(&there)) {
            let in_progress = self.facts.marks_of(work.file.base()) == Marks::InProgress;
            match planned {
                Ok(planned) => adopted.push((*work, planned)),
                Err(error) if error.kind() == ErrorKind::Damaged && in_progress => {
                    to_convert.push(Work { verdict: Verdict::ClearAndConvert, ..*work });
                }
                Err(error) => self.fail(work.file, error),
            }
        }
        (adopted, to_convert)
    }

    /// Clears what earlier attempts left of these tasks; those for which it failed leave the group.
    pub(super) fn clear<'w>(&mut self, group: Vec<Work<'w>>) -> Result<Vec<Work<'w>>> {
        let mut kept: Vec<Work<'w>> = Vec::with_capacity(group.len());
        let mut batch = Batch::new();
        for work in group {
            match self.clearing(&work) {
                Ok(mut steps) => {
                    batch.take(kept.len(), &Wave::CLEARING, &mut steps);
                    kept.push(work);
                }
                Err(error) => self.fail(work.file, error),
            }
        }
        self.run.check_cancelled()?;
        for (place, error) in failures(self.run.waves().apply(batch)?).into_iter().rev() {
            let work = kept.remove(place);
            self.fail(work.file, error);
        }
        Ok(kept)
    }

    fn clearing(&self, work: &Work<'_>) -> Result<Vec<Step>> {
        let id = id_of(work)?;
        let leftover = self.facts.leftover(work.file, &id, work.ordinal, work.verdict);
        Ok(steps::clear(work.file.base(), &id, &leftover, &self.run.fence(), self.run.next_number()))
    }

    /// Reads each task and decides what becomes of it. Nothing is written.
    pub(super) fn plan(&mut self, group: &[Work<'_>]) -> Vec<Result<Planned>> {
        let paths: Vec<TreePath> = group.iter().map(|work| work.file.path()).collect();
        let read = self.run.storage().read_batch(&paths, FILE_BYTES_LIMIT, self.run.in_flight());
        let mut read = read.into_iter();
        let mut found = self.found(group).into_iter();
        let mut plan_one = |work: &Work<'_>| {
            let bytes = read.next().unwrap_or_else(|| Err(no_answer()));
            if is_there(work) {
                let found = found.next().unwrap_or_else(|| Err(no_answer()));
                return self.adopt(work, &bytes?, found?);
            }
            self.conversion(work, &bytes?)
        };
        group
            .iter()
            .map(|work| plan_one(work).map_err(|error| error.of_task(&work.file.name).at(work.file.path())))
            .collect()
    }

    /// What the V2 tasks hold that are there.
    fn found(&self, group: &[Work<'_>]) -> Vec<Result<Option<Inspected>>> {
        let ids: Vec<V2Id> = group.iter().filter(|work| is_there(work)).filter_map(|work| id_of(work).ok()).collect();
        inspect_all(self.run.storage(), &*self.run.session.codec, &ids, self.run.in_flight())
    }

    /// The rows of a plan: what a run would do with each task of a group.
    pub(super) fn plan_rows(&mut self, group: &[Work<'_>]) -> Result<()> {
        self.run.check_cancelled()?;
        self.folders_of_group = self.run.next_group();
        let (adopted, to_convert) = self.adoptions(group);
        let mut rows: Vec<(Work<'_>, Vec<Step>, Row)> =
            adopted.into_iter().map(|(work, planned)| (work, planned.steps, planned.row)).collect();
        for (work, planned) in to_convert.iter().zip(self.plan(&to_convert)) {
            match planned.and_then(|planned| Ok((self.clearing(work)?, planned))) {
                Err(error) => self.fail(work.file, error),
                Ok((mut steps, planned)) => {
                    steps.extend(planned.steps);
                    rows.push((*work, steps, planned.row));
                }
            }
        }
        rows.sort_by(|left, right| left.0.file.name.cmp(&right.0.file.name));
        if rows.iter().any(|(_, steps, _)| publishes(steps)) {
            let rename = self.folders_of_group.rename().to_string();
            self.run.report.actions.push(rename);
        }
        for (_, steps, mut row) in rows {
            for folder in steps.iter().filter_map(manager_folder) {
                if self.folders.insert(folder.clone()) && self.run.storage().find(&folder)?.is_none() {
                    self.run.report.actions.push(format!("make folder {folder}"));
                }
            }
            row.actions = actions(&steps);
            row.outcome = match row.outcome {
                Outcome::Cancelled => Outcome::WouldCancel,
                Outcome::Skipped => Outcome::WouldSkip,
                _ => Outcome::WouldConvert,
            };
            count(self.run, row.outcome);
            self.run.report.push(row);
        }
        self.done += group.len() as u64;
        self.run.progress(Stage::Convert, self.done, group.last().map_or("", |work| &*work.file.name));
        Ok(())
    }

    fn conversion(&mut self, work: &Work<'_>, bytes: &[u8]) -> Result<Planned> {
        let file = work.file;
        let task = self.decode(file, bytes)?;
        let mut row = Row::new(&file.name, Outcome::Converted);
        if task.state != file.state {
            row.detail = format!(
                "the state inside is {}, its name says {}: the name is right",
                task.state.word(),
                file.state.word()
            );
            self.run.warn(format!("{}: {}", file.name, row.detail));
        }
        let mut state = file.state.upgraded();
        let (pc, node) = match self.catalog.place(self.run.options.placement, file.base(), &task)? {
            Place::At { pc, node } => (pc, node),
            Place::Nowhere(reason) => {
                if state.is_open() {
                    state = StateV2::Cancel;
                    row.outcome = Outcome::Cancelled;
                    row.detail = reason;
                    self.run.session.log.warn(format_args!("{}: cancelled: {}", file.name, row.detail));
                }
                (String::new(), String::new())
            }
        };
        let id = id_of(work)?;
        let encoded = self.encode(&to_v2(&task, &id, state, &pc, &node))?;
        let line = Line {
            v1: file.name.to_string(),
            v1_length: bytes.len() as u64,
            v1_xxh64: content_sum(bytes),
            v2: id.to_string(),
            v2_xxh64: content_sum(&encoded),
            state: state.word().to_owned(),
            pc: pc.clone(),
            node: node.clone(),
            cancelled: row.outcome == Outcome::Cancelled,
        };
        let db = task.db_name;
        let conversion = Conversion { base: file.base().to_owned(), id, state, pc, node, db, bytes: encoded };
        let steps = steps::convert(&conversion, &self.folders_of_group)?;
        fill_row(&mut row, file, &line, state);
        Ok(Planned { steps, line, row })
    }

    /// The task is there whole: its line is made from what is there, nothing is written twice.
    fn adopt(&mut self, work: &Work<'_>, v1_bytes: &[u8], found: Option<Inspected>) -> Result<Planned> {
        let (file, base) = (work.file, work.file.base());
        let id = id_of(work)?;
        let damaged = |what: String| Error::new(ErrorKind::Damaged, what).at(layout::main_task(&id));
        let Some(Inspected::Whole(whole)) = found else {
            return Err(damaged("its V2 task changed while the run looked at it".to_owned()));
        };
        // Found where none was chosen, a place was not found then either.
        let made = if whole.found_no_place() { StateV2::Cancel } else { file.state.upgraded() };
        let WholeTask { task, state, bytes, .. } = *whole;
        let expected = to_v2(&self.decode(file, v1_bytes)?, &id, made, &task.pc_name, &task.executenode);
        let fields = differing_fields(&expected, &task);
        if !fields.is_empty() || state != made {
            let fields = if fields.is_empty() { "Status".to_owned() } else { fields.join(", ") };
            return Err(damaged(format!("its V2 task is there and not what its V1 file says now: {fields}")));
        }
        let line = Line {
            v1: file.name.to_string(),
            v1_length: v1_bytes.len() as u64,
            v1_xxh64: content_sum(v1_bytes),
            v2: id.to_string(),
            v2_xxh64: content_sum(&bytes),
            state: state.word().to_owned(),
            pc: task.pc_name.clone(),
            node: task.executenode.clone(),
            cancelled: state == StateV2::Cancel && file.state.upgraded() != StateV2::Cancel,
        };
        let mut steps = Vec::new();
        let marked_node = self.facts.marks.in_progress.get(base).and_then(|nodes| nodes.first()).cloned();
        if self.facts.marks_of(base) != Marks::Upgraded {
            if marked_node.is_none() {
                steps.push(steps::mark(base, &task.executenode));
            }
            steps.push(steps::complete(base, marked_node.as_deref().unwrap_or(&task.executenode)));
        }
        // A main task without its manager would hang.
        if state.is_open() && !task.executenode.is_empty() && !self.facts.has_manager(&id, &task.executenode) {
            steps.push(steps::manager(&id, &task.executenode));
        }
        let outcome = match work.verdict {
            Verdict::Skip => Outcome::Skipped,
            _ if line.cancelled => Outcome::Cancelled,
            _ => Outcome::Converted,
        };
        let mut row = Row::new(&file.name, outcome);
        fill_row(&mut row, file, &line, state);
        Ok(Planned { steps, line, row })
    }

    fn decode(&self, file: &V1File, bytes: &[u8]) -> Result<TaskV1> {
        let task = self.run.session.codec.decode_v1(bytes)?;
        check_its_name(&task, file.base()).map(|()| task)
    }

    /// The bytes of a V2 task, from which the codec reads the same task again: a codec that does not is found before
    /// anything is made with its bytes.
    fn encode(&self, task: &TaskV2) -> Result<Vec<u8>> {
        let codec = &*self.run.session.codec;
        let bytes = codec.encode_v2(task)?;
        if codec.decode_v2(&bytes)? == *task {
            return Ok(bytes);
        }
        Err(Error::new(ErrorKind::Internal, "the codec reads another task from the bytes that it wrote"))
    }

    pub(super) fn fail(&mut self, file: &V1File, error: Error) {
        fail(self.run, file, error);
    }
}

/// That a V1 task lies under its own name.
pub(super) fn check_its_name(task: &TaskV1, base: &str) -> Result<()> {
    let inside = task.base().to_string();
    if inside == base {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Corrupt, format!("the id inside is {inside}, which is not its name's")))
}

/// Counts a task that ended well.
pub(super) fn count(run: &mut Run<'_>, outcome: Outcome) {
    let counts = &mut run.report.counts;
    match outcome {
        Outcome::Cancelled | Outcome::WouldCancel => counts.cancelled += 1,
        Outcome::Skipped | Outcome::WouldSkip => counts.skipped += 1,
        _ => counts.converted += 1,
    }
}

pub(super) fn ended(counts: Counts) -> u64 {
    counts.converted + counts.skipped + counts.cancelled + counts.failed
}

/// Counts and lists a task that failed.
pub(super) fn fail(run: &mut Run<'_>, file: &V1File, error: Error) {
    let error = error.of_task(&file.name).at(file.path());
    run.session.log.error(format_args!("{}: {error}", file.name));
    run.report.counts.failed += 1;
    run.note_failure(&error);
    let mut row = Row::new(&file.name, if run.options.plan { Outcome::WouldFail } else { Outcome::Failed });
    row.v1_state = Some(file.state);
    row.detail = error.to_string();
    run.report.push(row);
}

/// What is to be worked on, and what cannot be; in the order of the names.
pub(super) fn work<'f>(files: &'f [V1File], decisions: &[Decision]) -> (Vec<Work<'f>>, Vec<(&'f V1File, Error)>) {
    // Exactly as many as there are: half as many more, as a growing list may have, count where tasks are a million.
    let many = decisions.iter().filter(|decision| matches!(decision, Decision::Work(..))).count();
    let (mut work, mut failed) = (Vec::with_capacity(many), Vec::new());
    for (file, decision) in files.iter().zip(decisions) {
        match decision {
            Decision::Skip => {}
            Decision::Work(verdict, ordinal) => work.push(Work { file, verdict: *verdict, ordinal: *ordinal }),
            Decision::Fail(error) => failed.push((file, error.clone())),
        }
    }
    (work, failed)
}

/// Whether the task is in V2 already, whole.
fn is_there(work: &Work<'_>) -> bool {
    matches!(work.verdict, Verdict::Adopt | Verdict::Skip)
}

/// The folder in which a step makes a manager file.
pub(super) fn manager_folder(step: &Step) -> Option<TreePath> {
    (step.wave == Wave::Manager).then(|| step.change.path().parent()).flatten()
}

pub(super) fn publishes(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.wave == Wave::Publish)
}

fn id_of(work: &Work<'_>) -> Result<V2Id> {
    let base =
        work.file.parsed().ok_or_else(|| Error::new(ErrorKind::Internal, "a name that was listed cannot be read"))?;
    base.v2_id(work.ordinal)
}

fn fill_row(row: &mut Row, file: &V1File, line: &Line, state: StateV2) {
    row.v2_id.clone_from(&line.v2);
    row.pc.clone_from(&line.pc);
    row.node.clone_from(&line.node);
    row.v1_state = Some(file.state);
    row.v2_state = Some(state);
}

/// The changes of a plan's task, in the order of their waves.
pub(super) fn actions(steps: &[Step]) -> Vec<String> {
    let mut steps: Vec<&Step> = steps.iter().collect();
    steps.sort_by_key(|step| step.wave);
    steps.into_iter().map(|step| step.change.to_string()).collect()
}
