//! Groups of tasks through the waves of their conversion.

use std::collections::HashSet;

use super::catalog_answers::CatalogAnswers;
use super::context::Run;
use super::options::Stage;
use super::report::{Counts, Outcome, Row};
use super::scan::V1File;
use super::task_facts::{inspect, Decision, Facts, Inspected, Parts};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::manifest::{Head, Line, Writer};
use crate::plan::placement::{by_schema, Placement};
use crate::plan::steps::{self, Conversion, Step, Wave};
use crate::plan::verdict::{Marks, Verdict};
use crate::task::{content_sum, to_v2, StateV2, V2Id, FILE_BYTES_LIMIT};
use crate::tree::{Change, TreePath};

/// How many tasks go through the waves together, and how many bytes their V1 files have at most.
pub(super) const GROUP_TASKS: usize = 2_048;
pub(super) const GROUP_BYTES: u64 = 8 << 20;

/// A task that is to be worked on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) file: &'a V1File,
    pub(super) verdict: Verdict,
    pub(super) ordinal: u16,
}

/// Converts tasks, group by group.
pub(super) struct Converter<'r, 'a, 'f> {
    pub(super) run: &'r mut Run<'a>,
    pub(super) facts: &'f Facts<'f>,
    pub(super) catalog: CatalogAnswers<'r>,
    staging: TreePath,
    /// Nodes whose folder of managers is there.
    node_folders: HashSet<String>,
    done: u64,
}

/// A task on its way through the waves.
struct Job {
    name: String,
    base: String,
    steps: Vec<Step>,
    line: Line,
    row: Row,
}

/// What a task will be, before any of it is made.
pub(super) struct Planned {
    pub(super) steps: Vec<Step>,
    pub(super) line: Line,
    pub(super) row: Row,
}

impl<'r, 'a, 'f> Converter<'r, 'a, 'f> {
    pub(super) fn new(run: &'r mut Run<'a>, facts: &'f Facts<'f>, catalog: CatalogAnswers<'r>) -> Self {
        let staging = layout::staging_of(&run.name);
        Self { run, facts, catalog, staging, node_folders: HashSet::new(), done: 0 }
    }

    /// Takes every task to be worked on through the waves.
    ///
    /// # Errors
    /// Where the run cannot go on. A task that fails is in the report.
    pub(super) fn convert(&mut self, work: &[Work<'_>], parts: &mut NewParts) -> Result<()> {
        for group in groups(work) {
            self.run.check_cancelled()?;
            let before = self.run.report.counts;
            let result = self.group(group, parts);
            if let Err(error) = result {
                // Nothing of this group is counted twice when the rest is reported as left.
                let after = self.run.report.counts;
                self.run.report.counts.left -= ended(after) - ended(before);
                return Err(error);
            }
            self.run.report.counts.left -= group.len() as u64;
            let last = group.last().map_or("", |work| &*work.file.name);
            self.run.progress(Stage::Convert, self.done, last);
        }
        Ok(())
    }

    fn group(&mut self, group: &[Work<'_>], parts: &mut NewParts) -> Result<()> {
        let group = self.clear(group)?;
        let planned = self.plan(&group);
        let mut jobs = Vec::with_capacity(planned.len());
        for (work, planned) in group.iter().zip(planned) {
            match planned {
                Ok(Planned { steps, line, row }) => {
                    jobs.push(Job {
                        name: work.file.name.to_string(),
                        base: work.file.base().to_owned(),
                        steps,
                        line,
                        row,
                    });
                }
                Err(error) => self.fail(work.file, error),
            }
        }
        self.make_node_folders(&jobs)?;
        for wave in Wave::BEFORE_PART {
            self.run.check_cancelled()?;
            self.wave(wave, &mut jobs)?;
        }
        self.write_part(&jobs, parts)?;
        self.wave(Wave::Complete, &mut jobs)?;
        for job in jobs {
            self.finish(job);
        }
        Ok(())
    }

    /// Clears what earlier attempts left of these tasks; those for which it failed leave the group.
    fn clear<'w>(&mut self, group: &[Work<'w>]) -> Result<Vec<Work<'w>>> {
        let mut kept: Vec<(Work<'w>, Vec<Step>)> = Vec::with_capacity(group.len());
        for work in group {
            let steps = self.clearing(work);
            match steps {
                Ok(steps) => kept.push((*work, steps)),
                Err(error) => self.fail(work.file, error),
            }
        }
        for wave in [Wave::ClearMainTask, Wave::ClearManagers, Wave::ClearMarks] {
            if kept.iter().all(|(_, steps)| steps.iter().all(|step| step.wave != wave)) {
                continue;
            }
            self.run.check_cancelled()?;
            let mut owners = Vec::new();
            let mut batch = Vec::new();
            for (place, (_, steps)) in kept.iter().enumerate() {
                for step in steps.iter().filter(|step| step.wave == wave) {
                    owners.push(place);
                    batch.push(step.clone());
                }
            }
            let failed = failures(&owners, self.run.waves().apply(&batch)?);
            let mut place = 0;
            kept.retain(|(work, _)| {
                let error = failed.iter().find(|(failed, _)| *failed == place).map(|(_, error)| error.clone());
                place += 1;
                error.map(|error| fail(self.run, work.file, error)).is_none()
            });
        }
        Ok(kept.into_iter().map(|(work, _)| work).collect())
    }

    fn clearing(&self, work: &Work<'_>) -> Result<Vec<Step>> {
        if work.verdict != Verdict::ClearAndConvert {
            return Ok(Vec::new());
        }
        let id = id_of(work)?;
        let leftover = self.facts.leftover(work.file, &id, work.ordinal);
        Ok(steps::clear(work.file.base(), &id, &leftover, &self.staging))
    }

    /// Reads each task and decides what becomes of it. Nothing is written.
    pub(super) fn plan(&mut self, group: &[Work<'_>]) -> Vec<Result<Planned>> {
        let paths: Vec<TreePath> = group.iter().map(|work| work.file.path()).collect();
        let read = self.run.storage().read_batch(&paths, FILE_BYTES_LIMIT, self.run.in_flight());
        let mut read = read.into_iter();
        let mut plan_one = |work: &Work<'_>| {
            let bytes =
                read.next().unwrap_or_else(|| Err(Error::new(ErrorKind::Internal, "the storage gave no answer")))?;
            match work.verdict {
                Verdict::Adopt | Verdict::Skip => self.adopt(work, &bytes),
                _ => self.conversion(work, &bytes),
            }
        };
        group
            .iter()
            .map(|work| plan_one(work).map_err(|error| error.of_task(&work.file.name).at(work.file.path())))
            .collect()
    }

    /// The rows of a plan: what a run would do with each task of a group.
    pub(super) fn plan_rows(&mut self, group: &[Work<'_>]) -> Result<()> {
        self.run.check_cancelled()?;
        let planned = self.plan(group);
        for (work, planned) in group.iter().zip(planned) {
            match planned {
                Err(error) => self.fail(work.file, error),
                Ok(Planned { steps, mut row, .. }) => {
                    let mut all = self.clearing(work)?;
                    all.extend(steps);
                    row.actions = actions(&all);
                    row.outcome = match row.outcome {
                        Outcome::Cancelled => Outcome::WouldCancel,
                        Outcome::Skipped => Outcome::WouldSkip,
                        _ => Outcome::WouldConvert,
                    };
                    count(self.run, row.outcome);
                    self.run.report.push(row);
                }
            }
        }
        self.done += group.len() as u64;
        self.run.progress(Stage::Convert, self.done, group.last().map_or("", |work| &*work.file.name));
        Ok(())
    }

    fn conversion(&mut self, work: &Work<'_>, bytes: &[u8]) -> Result<Planned> {
        let file = work.file;
        let task = self.run.session.codec.decode_v1(bytes)?;
        if task.base().to_string() != file.base() {
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!("the id inside is {}, which is not its name's", task.base()),
            ));
        }
        let mut row = Row::new(&file.name, Outcome::Converted);
        if task.state != file.state {
            row.detail = format!(
                "the state inside is {}, its name says {}: the name is right",
                task.state.word(),
                file.state.word()
            );
            self.run.warn(format!("{}: {}", file.name, row.detail));
        }
        let answer = self.catalog.of_schema(&task.db_name, &task.schema_name)?;
        let mut state = file.state.upgraded();
        let (pc, node) = match by_schema(file.base(), &answer) {
            Placement::At { pc, node } => (pc, node),
            Placement::Nowhere(reason) => {
                if state.is_open() {
                    state = StateV2::Cancel;
                    row.outcome = Outcome::Cancelled;
                    row.detail = format!("schema {}.{}: {reason}", task.db_name, task.schema_name);
                    log::warn!(logger: *self.run.session.log, "{}: cancelled: {}", file.name, row.detail);
                }
                (String::new(), String::new())
            }
        };
        let id = id_of(work)?;
        let encoded = self.run.session.codec.encode_v2(&to_v2(&task, &id, state, &pc, &node))?;
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
        let steps = steps::convert(&conversion, &self.staging)?;
        fill_row(&mut row, file, &line, state);
        Ok(Planned { steps, line, row })
    }

    /// The task is there whole: its line is made from what is there, nothing is written twice.
    fn adopt(&mut self, work: &Work<'_>, v1_bytes: &[u8]) -> Result<Planned> {
        let (file, base) = (work.file, work.file.base());
        let id = id_of(work)?;
        let found = inspect(self.run.storage(), &*self.run.session.codec, &id)?;
        let Some(Inspected::Whole(task, state, bytes)) = found else {
            return Err(Error::new(ErrorKind::Damaged, "its V2 task changed while the run looked at it")
                .at(layout::main_task(&id)));
        };
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
        if state.is_open() && !task.executenode.is_empty() && !self.facts.manager_nodes(&id).contains(&task.executenode)
        {
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

    fn make_node_folders(&mut self, jobs: &[Job]) -> Result<()> {
        let manager_folder = |step: &Step| match &step.change {
            Change::Create { path, .. } if step.wave == Wave::Manager => path.parent(),
            _ => None,
        };
        let folders: HashSet<TreePath> =
            jobs.iter().flat_map(|job| job.steps.iter().filter_map(manager_folder)).collect();
        for folder in folders {
            if self.node_folders.insert(folder.name().to_owned()) {
                self.run.waves().make_folder(&folder)?;
            }
        }
        Ok(())
    }

    /// One wave of the group: a job whose step fails leaves it.
    fn wave(&mut self, wave: Wave, jobs: &mut Vec<Job>) -> Result<()> {
        let mut owners = Vec::new();
        let mut batch = Vec::new();
        for (place, job) in jobs.iter_mut().enumerate() {
            // Taken out, not copied: the bytes of a task are needed once.
            for step in std::mem::take(&mut job.steps) {
                if step.wave == wave {
                    owners.push(place);
                    batch.push(step);
                } else {
                    job.steps.push(step);
                }
            }
        }
        let failed = failures(&owners, self.run.waves().apply(&batch)?);
        for (place, error) in failed.into_iter().rev() {
            let job = jobs.remove(place);
            let file = self.facts.v1.find(&job.name);
            if let Some(file) = file {
                self.fail(file, error);
            }
        }
        Ok(())
    }

    fn write_part(&mut self, jobs: &[Job], parts: &mut NewParts) -> Result<()> {
        let lines: Vec<Line> = jobs.iter().map(|job| job.line.clone()).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let name = layout::part_name(&self.run.name, parts.next_number);
        parts.next_number += 1;
        let head = Head::new(&self.run.name, &super::context::host(), &self.run.begun, &super::context::now(), None);
        let mut writer = Writer::new(&head, 0)?;
        for line in &lines {
            writer.line(line)?;
        }
        let bytes = writer.finish()?;
        let length = bytes.len();
        let staged = self.staging.join(&name);
        let waves = self.run.waves();
        waves.create(&staged, bytes)?;
        waves.rename(&staged, &layout::upgrading().join(&name))?;
        parts.parts.add(&name, length, &lines);
        Ok(())
    }

    fn finish(&mut self, job: Job) {
        count(self.run, job.row.outcome);
        self.done += 1;
        log::debug!(logger: *self.run.session.log, "{} is {} now", job.base, job.line.v2);
        self.run.report.push(job.row);
    }

    fn fail(&mut self, file: &V1File, error: Error) {
        fail(self.run, file, error);
    }
}

/// The parts of an upgrade, and the number of the next one of this run.
#[derive(Debug, Default)]
pub(super) struct NewParts {
    pub(super) parts: Parts,
    pub(super) next_number: u64,
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

fn ended(counts: Counts) -> u64 {
    counts.converted + counts.skipped + counts.cancelled + counts.failed
}

/// Counts and lists a task that failed.
pub(super) fn fail(run: &mut Run<'_>, file: &V1File, error: Error) {
    let error = error.of_task(&file.name).at(file.path());
    log::error!(logger: *run.session.log, "{}: {error}", file.name);
    run.report.counts.failed += 1;
    let mut row = Row::new(&file.name, if run.options.plan { Outcome::WouldFail } else { Outcome::Failed });
    row.v1_state = Some(file.state);
    row.detail = error.to_string();
    run.report.push(row);
}

pub(super) fn groups<'w, 'x>(work: &'x [Work<'w>]) -> impl Iterator<Item = &'x [Work<'w>]> {
    let mut rest = work;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |work: &&Work<'_>| {
            bytes += work.file.length;
            bytes <= GROUP_BYTES
        };
        // A file that is over the bound by itself makes a group of its own.
        let count = rest.iter().take(GROUP_TASKS).take_while(fits).count().max(1).min(rest.len());
        let (group, after) = rest.split_at(count);
        rest = after;
        (!group.is_empty()).then_some(group)
    })
}

/// What is to be worked on, and what cannot be; in the order of the names.
pub(super) fn work<'f>(files: &'f [V1File], decisions: &[Decision]) -> (Vec<Work<'f>>, Vec<(&'f V1File, Error)>) {
    let (mut work, mut failed) = (Vec::new(), Vec::new());
    for (file, decision) in files.iter().zip(decisions) {
        match decision {
            Decision::Skip => {}
            Decision::Work(verdict, ordinal) => work.push(Work { file, verdict: *verdict, ordinal: *ordinal }),
            Decision::Fail(error) => failed.push((file, error.clone())),
        }
    }
    (work, failed)
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

/// The first failure of each owner, in the order of the owners.
fn failures(owners: &[usize], answers: Vec<Result<()>>) -> Vec<(usize, Error)> {
    let mut failed: Vec<(usize, Error)> = Vec::new();
    for (owner, answer) in owners.iter().zip(answers) {
        if let Err(error) = answer {
            if failed.last().is_none_or(|(last, _)| last != owner) {
                failed.push((*owner, error));
            }
        }
    }
    failed
}

/// The changes of a plan's task, in the order of their waves.
pub(super) fn actions(steps: &[Step]) -> Vec<String> {
    let mut steps: Vec<&Step> = steps.iter().collect();
    steps.sort_by_key(|step| step.wave);
    steps.into_iter().map(|step| step.change.to_string()).collect()
}
