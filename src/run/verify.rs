//! The comparison of every pair: the V1 file and the V2 task that it became, field by field.

use std::sync::Arc;

use super::context::Run;
use super::groups::groups;
use super::inspect::{inspect_all, Inspected, INSPECTED_TOGETHER};
use super::options::Stage;
use super::report::{Outcome, Row};
use super::scan::ManagerScan;
use super::v1_check::Manifests;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::manifest::Line;
use crate::task::{content_sum, differing_fields, to_v2, StateV2, V2Id, FILE_BYTES_LIMIT};
use crate::tree::TreePath;

/// Compares pairs as their lines come, some at a time.
pub(super) struct Verifier<'r, 'a> {
    run: &'r mut Run<'a>,
    managers: ManagerScan,
    waiting: Vec<Line>,
    different: u64,
    done: u64,
}

/// Compares every pair of the manifests.
///
/// # Errors
/// `Damaged` where a pair differs; each is in the report.
pub(super) fn pairs_of(run: &mut Run<'_>, manifests: &Manifests) -> Result<()> {
    let storage = Arc::clone(&run.session.storage);
    let mut verifier = Verifier::new(run)?;
    manifests.each_line(&*storage, |line| verifier.line(line))?;
    verifier.finish()
}

impl<'r, 'a> Verifier<'r, 'a> {
    pub(super) fn new(run: &'r mut Run<'a>) -> Result<Self> {
        run.check_cancelled()?;
        run.stage(Stage::Convert);
        let managers = ManagerScan::read(run.storage())?;
        Ok(Self { run, managers, waiting: Vec::new(), different: 0, done: 0 })
    }

    pub(super) fn line(&mut self, line: Line) -> Result<()> {
        self.waiting.push(line);
        if self.waiting.len() < INSPECTED_TOGETHER {
            Ok(())
        } else {
            self.compare()
        }
    }

    /// The end of the lines.
    ///
    /// # Errors
    /// `Damaged` where a pair differs; each is in the report.
    pub(super) fn finish(mut self) -> Result<()> {
        self.compare()?;
        if self.different == 0 {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Damaged,
            format!("{} of {} pairs of tasks differ", self.different, self.run.report.verified),
        )
        .at(layout::v2_scheduler())
        .advise(
            "put back the V1 files that changed or are gone; where V2 is wrong and V1 whole, RECOVERY by downgrade_old with \
             force goes back to the V1 files, from which UPGRADE makes the tasks anew; nothing was redone unasked",
        ))
    }

    fn compare(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.waiting);
        for group in groups(&lines, INSPECTED_TOGETHER, |line| line.v1_length) {
            self.run.check_cancelled()?;
            let paths: Vec<TreePath> = group.iter().map(|line| layout::v1_scheduler().join(&line.v1)).collect();
            let (storage, in_flight) = (self.run.storage(), self.run.in_flight());
            let read = storage.read_batch(&paths, FILE_BYTES_LIMIT, in_flight);
            // The manifest's reader lets no line pass whose id is none.
            let ids: Vec<V2Id> = group.iter().filter_map(|line| V2Id::parse(&line.v2)).collect();
            let inspected = inspect_all(storage, &*self.run.session.codec, &ids, in_flight);
            for ((line, bytes), (id, inspected)) in group.iter().zip(read).zip(ids.iter().zip(inspected)) {
                let differences = bytes.map_or_else(
                    |error| vec![format!("its V1 file cannot be read: {}", error.message())],
                    |bytes| self.differences(line, &bytes, id, inspected),
                );
                self.done += 1;
                self.run.report.verified += 1;
                if !differences.is_empty() {
                    self.different += 1;
                    self.push(line, &differences);
                }
            }
            let last = group.last().map_or("", |line| line.v1.as_str());
            self.run.progress(Stage::Convert, self.done, last);
        }
        Ok(())
    }

    fn push(&mut self, line: &Line, differences: &[String]) {
        let mut row = Row::new(&line.v1, Outcome::Differs);
        row.v2_id.clone_from(&line.v2);
        row.pc.clone_from(&line.pc);
        row.node.clone_from(&line.node);
        row.v1_state = V1Name::parse(&line.v1).map(|name| name.state);
        row.v2_state = StateV2::from_word(&line.state);
        row.detail = differences.join("; ");
        self.run.session.log.error(format_args!("{}: {}", line.v1, row.detail));
        self.run.report.push(row);
    }

    /// In what the pair of a line differs; empty where in nothing.
    fn differences(
        &self,
        line: &Line,
        v1_bytes: &[u8],
        id: &V2Id,
        inspected: Result<Option<Inspected>>,
    ) -> Vec<String> {
        let mut differences = Vec::new();
        if v1_bytes.len() as u64 != line.v1_length || content_sum(v1_bytes) != line.v1_xxh64 {
            differences.push("its V1 file changed since it was converted".to_owned());
        }
        let codec = &*self.run.session.codec;
        let Some(v1) = V1Name::parse(&line.v1) else { return vec![format!("{} is no name of a task", line.v1)] };
        let (actual, state, bytes) = match inspected {
            Ok(Some(Inspected::Whole(whole))) => (whole.task, whole.state, whole.bytes),
            Ok(Some(Inspected::Torn(why))) => return vec![format!("its V2 task is not whole: {why}")],
            Ok(None) => return vec!["its V2 task is gone".to_owned()],
            Err(error) => return vec![format!("its V2 task cannot be read: {}", error.message())],
        };
        // What the V1 name says, not what the line says: a line that is wrong is a difference too.
        let made = if line.cancelled { StateV2::Cancel } else { v1.state.upgraded() };
        if state != made {
            differences.push(format!("its Status is {}, it was made {}", state.word(), made.word()));
        }
        if content_sum(&bytes) != line.v2_xxh64 {
            differences.push("the bytes of its TaskInfo changed".to_owned());
        }
        let managers: Vec<&str> = self.managers.nodes_of(id).collect();
        if made.is_open() && managers != [line.node.as_str()] {
            differences.push(format!("its manager file is on {managers:?}, not on {:?}", line.node));
        }
        match codec.decode_v1(v1_bytes) {
            Err(error) => differences.push(format!("its V1 file cannot be read: {}", error.message())),
            Ok(task) => {
                let fields = differing_fields(&to_v2(&task, id, made, &line.pc, &line.node), &actual);
                if !fields.is_empty() {
                    differences.push(format!("these fields differ: {}", fields.join(", ")));
                }
            }
        }
        differences
    }
}
