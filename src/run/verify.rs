//! The comparison of every pair: the V1 file and the V2 task that it became, field by field.

use std::collections::{HashMap, HashSet};

use super::context::Run;
use super::options::Stage;
use super::report::{Outcome, Row};
use super::scan;
use super::task_facts::{inspect, Inspected};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::manifest::Line;
use crate::storage::none_if_missing;
use crate::task::{content_sum, differing_fields, to_v2, StateV2, V2Id, FILE_BYTES_LIMIT};
use crate::tree::TreePath;

/// How many pairs are compared together.
const GROUP_PAIRS: usize = 1_024;

/// Compares pairs as their lines come, some at a time.
pub(super) struct Verifier<'r, 'a> {
    run: &'r mut Run<'a>,
    waiting: Vec<Line>,
    different: u64,
    done: u64,
}

impl<'r, 'a> Verifier<'r, 'a> {
    pub(super) fn new(run: &'r mut Run<'a>) -> Result<Self> {
        run.check_cancelled()?;
        run.stage(Stage::Convert);
        Ok(Self { run, waiting: Vec::new(), different: 0, done: 0 })
    }

    pub(super) fn line(&mut self, line: Line) -> Result<()> {
        self.waiting.push(line);
        if self.waiting.len() < GROUP_PAIRS {
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
        .advise("see the tasks that are listed; nothing was redone unasked"))
    }

    fn compare(&mut self) -> Result<()> {
        self.run.check_cancelled()?;
        let lines = std::mem::take(&mut self.waiting);
        let open: HashSet<String> = lines.iter().filter(|line| is_open(line)).map(|line| line.v2.clone()).collect();
        let managers = scan::managers(self.run.storage(), &open)?;
        let paths: Vec<TreePath> = lines.iter().map(|line| layout::v1_scheduler().join(&line.v1)).collect();
        let read = self.run.storage().read_batch(&paths, FILE_BYTES_LIMIT, self.run.in_flight());
        for (line, bytes) in lines.iter().zip(read) {
            let differences = match none_if_missing(bytes)? {
                None => vec!["its V1 file is gone".to_owned()],
                Some(bytes) => self.differences(line, &bytes, &managers)?,
            };
            self.done += 1;
            self.run.report.verified += 1;
            if !differences.is_empty() {
                self.different += 1;
                let mut row = Row::new(&line.v1, Outcome::Differs);
                row.v2_id.clone_from(&line.v2);
                row.pc.clone_from(&line.pc);
                row.node.clone_from(&line.node);
                row.v1_state = V1Name::parse(&line.v1).map(|name| name.state);
                row.v2_state = StateV2::from_word(&line.state);
                row.detail = differences.join("; ");
                log::error!(logger: *self.run.session.log, "{}: {}", line.v1, row.detail);
                self.run.report.push(row);
            }
        }
        let last = lines.last().map_or("", |line| line.v1.as_str());
        self.run.progress(Stage::Convert, self.done, last);
        Ok(())
    }

    fn differences(
        &self,
        line: &Line,
        v1_bytes: &[u8],
        managers: &HashMap<String, Vec<String>>,
    ) -> Result<Vec<String>> {
        let mut differences = Vec::new();
        if v1_bytes.len() as u64 != line.v1_length || content_sum(v1_bytes) != line.v1_xxh64 {
            differences.push("its V1 file changed since it was converted".to_owned());
        }
        let codec = &*self.run.session.codec;
        let Some(id) = V2Id::parse(&line.v2) else { return Ok(vec![format!("{} is no V2 id", line.v2)]) };
        let (actual, state, bytes) = match inspect(self.run.storage(), codec, &id)? {
            None => return Ok(vec!["its V2 task is gone".to_owned()]),
            Some(Inspected::Torn(why)) => return Ok(vec![format!("its V2 task is not whole: {why}")]),
            Some(Inspected::Whole(task, state, bytes)) => (task, state, bytes),
        };
        if state.word() != line.state {
            differences.push(format!("its Status is {}, it was made {}", state.word(), line.state));
        }
        if content_sum(&bytes) != line.v2_xxh64 {
            differences.push("the bytes of its TaskInfo changed".to_owned());
        }
        let node_of_manager = managers.get(&line.v2).map_or(&[][..], Vec::as_slice);
        if is_open(line) && node_of_manager != [line.node.clone()] {
            differences.push(format!("its manager file is on {node_of_manager:?}, not on {:?}", line.node));
        }
        match codec.decode_v1(v1_bytes) {
            Err(error) => differences.push(format!("its V1 file cannot be read: {}", error.message())),
            Ok(task) => {
                let made = StateV2::from_word(&line.state).unwrap_or(state);
                let expected = to_v2(&task, &id, made, &line.pc, &line.node);
                let fields = differing_fields(&expected, &actual);
                if !fields.is_empty() {
                    differences.push(format!("these fields differ: {}", fields.join(", ")));
                }
            }
        }
        Ok(differences)
    }
}

/// Whether the task was made with a manager file.
fn is_open(line: &Line) -> bool {
    StateV2::from_word(&line.state).is_some_and(StateV2::is_open) && !line.node.is_empty()
}
