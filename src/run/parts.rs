//! The parts of an upgrade under way: what each task that is converted became.

use std::collections::HashMap;

use super::scan::MarkScan;
use crate::error::Result;
use crate::layout::{self, V1Name};
use crate::plan::manifest::{Line, Reader};
use crate::storage::Storage;
use crate::task::{ContentSum, StateV1, V2Id};

/// The most bytes that a part or a manifest may have.
pub(super) const MANIFEST_BYTES_LIMIT: u64 = 4 << 30;

/// What a part says of a converted task, as far as later runs need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PartLine {
    pub(super) v1_length: u64,
    pub(super) v1_state: StateV1,
    pub(super) v1_sum: ContentSum,
    pub(super) ordinal: u16,
    /// Whether the placement made it Cancel.
    pub(super) cancelled: bool,
    /// The place of its part among the files.
    part: u32,
    /// When the run that wrote it began, in milliseconds since 1970 by the clock of its host.
    pub(super) begun_ms: i64,
}

/// The parts of an upgrade under way.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// What earlier runs converted, by V1 base.
    pub(super) lines: HashMap<Box<str>, PartLine>,
    /// The parts that can be read, oldest first, each with its first V1 name.
    pub(super) files: Vec<(String, String)>,
    /// Why some cannot be read. Their tasks are adopted anew from what is there.
    pub(super) broken: Vec<String>,
}

impl Parts {
    pub(super) fn read(storage: &dyn Storage, marks: &MarkScan) -> Result<Self> {
        let mut parts = Self::default();
        for name in &marks.parts {
            let path = layout::upgrading().join(name);
            let read = Reader::new(storage.read(&path, MANIFEST_BYTES_LIMIT)?).and_then(|reader| {
                let lines = reader.lines().collect::<Result<Vec<Line>>>()?;
                Ok((reader, lines))
            });
            match read {
                Ok((reader, lines)) => {
                    parts.add(name, &lines);
                    let begun = reader.head().begun.parse().map_or(0, jiff::Timestamp::as_millisecond);
                    parts.keep(&lines, begun);
                }
                Err(error) => parts.broken.push(format!("{path}: {}", error.message())),
            }
        }
        Ok(parts)
    }

    /// Takes in a part: one that was read, or one that this run wrote.
    pub(super) fn add(&mut self, name: &str, lines: &[Line]) {
        let Some(first) = lines.first() else { return };
        self.files.push((first.v1.clone(), name.to_owned()));
    }

    /// Takes in the files of earlier runs, which come first: a later part is right where two have a task.
    pub(super) fn inherit(&mut self, earlier: &Self) {
        self.files.splice(0..0, earlier.files.iter().cloned());
    }

    /// Whether a line stands in a part that this run wrote.
    pub(super) fn is_of_run(&self, line: &PartLine, run: &str) -> bool {
        let file = usize::try_from(line.part).ok().and_then(|place| self.files.get(place));
        file.is_some_and(|(_, name)| layout::is_part_of(name, run))
    }

    /// Keeps what decides about tasks that an earlier run converted.
    fn keep(&mut self, lines: &[Line], begun_ms: i64) {
        for line in lines {
            let Some(V1Name { base, state }) = V1Name::parse(&line.v1) else { continue };
            let ordinal = V2Id::parse(&line.v2).and_then(|id| id.upgraded_from()).map_or(0, |(_, ordinal)| ordinal);
            let v1_sum = line.v1_xxh64;
            let part = u32::try_from(self.files.len()).unwrap_or(u32::MAX).saturating_sub(1);
            let cancelled = line.cancelled;
            let row =
                PartLine { v1_length: line.v1_length, v1_state: state, v1_sum, ordinal, cancelled, part, begun_ms };
            self.lines.insert(base.to_string().into_boxed_str(), row);
        }
    }
}
