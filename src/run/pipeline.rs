//! Two groups of tasks under way: while one is built, the one before it gets its part and its marks.

use std::collections::BTreeSet;

use super::context::{host, now, Run};
use super::convert::{count, ended, manager_folder, publishes, Converter, Planned, Work};
use super::groups::groups;
use super::options::Stage;
use super::parts::Parts;
use super::report::Row;
use super::scan::V1File;
use super::waves::{failures, Batch};
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::manifest::{Head, Line, Writer};
use crate::plan::steps::{GroupFolders, Step, Taken, Wave};
use crate::tree::{Change, TreePath};

/// A task on its way through the waves.
struct Job<'w> {
    file: &'w V1File,
    steps: Vec<Step>,
    line: Line,
    row: Row,
}

/// The tasks that go together, in the order of their names.
struct Group<'w> {
    jobs: Vec<Job<'w>>,
    folders: GroupFolders,
}

/// The groups that are under way.
struct Pair<'w> {
    /// It is built and published.
    younger: Option<Group<'w>>,
    /// It was published before, and gets its part and its marks.
    older: Option<Group<'w>>,
}

/// The part of a group, about to be written.
struct Part {
    name: String,
    lines: Vec<Line>,
    steps: Vec<Step>,
}

/// Whose a step is that goes to the storage together with those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// The task at this place in the group that is built.
    Younger(usize),
    /// The task at this place in the group that was published.
    Older(usize),
    /// The part of the group that was published.
    Part,
}

impl Converter<'_, '_, '_> {
    /// Takes every task to be worked on through the waves.
    ///
    /// # Errors
    /// Where the run cannot go on. A task that fails is in the report.
    pub(super) fn convert(&mut self, work: &[Work<'_>], parts: &mut Parts) -> Result<()> {
        let ended_before = ended(self.run.report.counts);
        let converted = self.convert_groups(work, parts);
        let ended = ended(self.run.report.counts) - ended_before;
        self.run.report.counts.left = (work.len() as u64).saturating_sub(ended);
        converted
    }

    fn convert_groups(&mut self, work: &[Work<'_>], parts: &mut Parts) -> Result<()> {
        let most = self.run.storage().group_tasks();
        let mut older = None;
        for tasks in groups(work, most, |work| work.file.length) {
            let younger = match self.begin(tasks) {
                Ok(younger) => younger,
                // What is published is finished, so that a run that was asked to stop leaves nothing half done.
                Err(error) if error.kind() == ErrorKind::Cancelled => {
                    self.advance(None, older, parts)?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            older = self.advance(Some(younger), older, parts)?;
        }
        self.advance(None, older, parts).map(drop)
    }

    /// Decides what becomes of each task of a group, and clears what earlier attempts left of it.
    fn begin<'w>(&mut self, tasks: &[Work<'w>]) -> Result<Group<'w>> {
        self.run.check_cancelled()?;
        self.run.probe()?;
        self.folders_of_group = self.run.next_group();
        let (adopted, to_convert) = self.adoptions(tasks);
        let to_convert = self.clear(to_convert)?;
        let planned = self.plan(&to_convert);
        let mut jobs: Vec<Job<'w>> = adopted.into_iter().map(|(work, planned)| Job::new(&work, planned)).collect();
        for (work, planned) in to_convert.iter().zip(planned) {
            match planned {
                Ok(planned) => jobs.push(Job::new(work, planned)),
                Err(error) => self.fail(work.file, error),
            }
        }
        jobs.sort_by(|left, right| left.file.name.cmp(&right.file.name));
        self.make_folders(jobs.iter().flat_map(|job| job.steps.iter().filter_map(manager_folder)).collect())?;
        Ok(Group { jobs, folders: self.folders_of_group.clone() })
    }

    /// Builds and publishes the younger group while the older one gets its part and then its marks. The younger one is
    /// given back: it is the older one from then on.
    fn advance<'w>(
        &mut self,
        younger: Option<Group<'w>>,
        older: Option<Group<'w>>,
        parts: &mut Parts,
    ) -> Result<Option<Group<'w>>> {
        let mut pair = Pair { younger, older };
        let mut cancelled = self.drop_if_cancelled(&mut pair);
        self.build(&mut pair, parts)?;
        cancelled = cancelled.or_else(|| self.drop_if_cancelled(&mut pair));
        self.publish(&mut pair)?;
        let Pair { younger, older } = pair;
        let last = older.as_ref().and_then(|group| group.jobs.last()).map(|job| job.file);
        for job in older.into_iter().flat_map(|group| group.jobs) {
            self.finish(job);
        }
        if let Some(file) = last {
            self.run.progress(Stage::Convert, self.done, &file.name);
        }
        cancelled.map_or(Ok(younger), Err)
    }

    /// Once the caller asked the run to stop, nothing more is begun: the younger group stays as it is.
    fn drop_if_cancelled(&self, pair: &mut Pair<'_>) -> Option<Error> {
        let cancelled = pair.younger.as_ref().and_then(|_| self.run.check_cancelled().err())?;
        pair.younger = None;
        Some(cancelled)
    }

    fn build(&mut self, pair: &mut Pair<'_>, parts: &mut Parts) -> Result<()> {
        let mut batch = Batch::new();
        // First, so that the file with the lines is closed by the time the others are.
        let mut part = pair.older.as_ref().map(|group| self.part(group)).transpose()?.flatten();
        if let Some(part) = &mut part {
            batch.take(Owner::Part, &Wave::OF_PART, &mut part.steps);
        }
        for (place, job) in jobs_of(&mut pair.younger) {
            batch.take(Owner::Younger(place), &Wave::BUILDING, &mut job.steps);
        }
        self.apply(batch, pair)?;
        if let Some(Part { name, lines, .. }) = part {
            parts.add(&name, &lines);
        }
        Ok(())
    }

    fn publish(&mut self, pair: &mut Pair<'_>) -> Result<()> {
        let mut batch = Batch::new();
        if let Some(group) = &pair.younger {
            self.bring_into_the_fence(group)?;
        }
        for (place, job) in jobs_of(&mut pair.younger) {
            batch.take(Owner::Younger(place), &[Wave::Publish], &mut job.steps);
        }
        for (place, job) in jobs_of(&mut pair.older) {
            batch.take(Owner::Older(place), &[Wave::Complete], &mut job.steps);
        }
        self.apply(batch, pair)
    }

    /// Carries a batch out: a task whose step fails leaves its group.
    fn apply(&mut self, batch: Batch<Owner>, pair: &mut Pair<'_>) -> Result<()> {
        let mut of_the_part = Ok(());
        for (owner, error) in failures(self.run.waves().apply(batch)?).into_iter().rev() {
            let (group, place) = match owner {
                Owner::Younger(place) => (&mut pair.younger, place),
                Owner::Older(place) => (&mut pair.older, place),
                Owner::Part => {
                    of_the_part = Err(error);
                    continue;
                }
            };
            if let Some(group) = group {
                let job = group.jobs.remove(place);
                self.fail(job.file, error);
            }
        }
        of_the_part
    }

    fn make_folders(&mut self, folders: BTreeSet<TreePath>) -> Result<()> {
        for folder in folders {
            if self.folders.insert(folder.clone()) {
                self.run.waves().make_folder(&folder)?;
            }
        }
        Ok(())
    }

    /// What is published comes out of the fence, which a run that was overtaken does not have any more.
    fn bring_into_the_fence(&self, group: &Group<'_>) -> Result<()> {
        if !group.jobs.iter().any(|job| publishes(&job.steps)) {
            return Ok(());
        }
        self.run.waves().one(&group.folders.rename(), Taken::Fail).map_err(Run::overtaken)
    }

    /// The part with the lines of a group, staged in the fence and renamed; none where there is no line.
    fn part(&self, group: &Group<'_>) -> Result<Option<Part>> {
        let lines: Vec<Line> = group.jobs.iter().map(|job| job.line.clone()).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        let name = layout::part_name(&self.run.name, self.run.next_part());
        let head = Head::new(&self.run.name, &host(), &self.run.begun, &now(), None);
        let mut writer = Writer::new(&head)?;
        for line in &lines {
            writer.line(line)?;
        }
        let bytes = writer.finish()?;
        let staged = self.run.fence().join(&name);
        let create = Change::Create { path: staged.clone(), bytes };
        let rename = Change::Rename { from: staged, to: layout::upgrading().join(&name) };
        let step = |wave, change| Step { wave, change, taken: Taken::Fail };
        Ok(Some(Part { name, lines, steps: vec![step(Wave::WritePart, create), step(Wave::PublishPart, rename)] }))
    }

    fn finish(&mut self, job: Job<'_>) {
        count(self.run, job.row.outcome);
        self.done += 1;
        self.run.session.log.debug(format_args!("{} is {} now", job.file.name, job.line.v2));
        self.run.report.push(job.row);
    }
}

fn jobs_of<'g, 'w>(group: &'g mut Option<Group<'w>>) -> impl Iterator<Item = (usize, &'g mut Job<'w>)> {
    group.iter_mut().flat_map(|group| group.jobs.iter_mut()).enumerate()
}

impl<'w> Job<'w> {
    fn new(work: &Work<'w>, planned: Planned) -> Self {
        Self { file: work.file, steps: planned.steps, line: planned.line, row: planned.row }
    }
}
