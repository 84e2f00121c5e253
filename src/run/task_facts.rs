//! From listings to verdicts: which id each V1 file has or gets, and what its traces mean.

use std::collections::{HashMap, HashSet};

use super::scan::{self, MarkScan, V1File, V1Scan, V2Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::manifest::{Line, Reader};
use crate::plan::ordinal::{assign, Taken};
use crate::plan::steps::Leftover;
use crate::plan::verdict::{verdict, MainTask, Marks, Verdict};
use crate::storage::{none_if_missing, Storage};
use crate::task::{Codec, StateV1, StateV2, TaskV2, V1Base, V2Id, FILE_BYTES_LIMIT};

/// The most bytes that a part or a manifest may have.
pub(super) const MANIFEST_BYTES_LIMIT: u64 = 4 << 30;

/// What is to be done about one V1 file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is converted and its line is in a part.
    Skip,
    /// It is converted, or being so, under this ordinal.
    Work(Verdict, u16),
    /// It cannot be converted; why.
    Fail(Error),
}

/// What the parts say of a converted task.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PartLine {
    v1_length: u64,
    v1_state: StateV1,
    ordinal: u16,
}

/// The parts of an upgrade under way.
#[derive(Debug, Default)]
pub(super) struct Parts {
    lines: HashMap<Box<str>, PartLine>,
    /// The parts that can be read, oldest first, each with its first V1 name.
    pub(super) files: Vec<(String, String)>,
    /// The bytes of all of them.
    pub(super) bytes: usize,
    /// Why some cannot be read. Their tasks are adopted anew from what is there.
    pub(super) broken: Vec<String>,
}

impl Parts {
    pub(super) fn read(storage: &dyn Storage, marks: &MarkScan) -> Result<Self> {
        let mut parts = Self::default();
        for name in &marks.parts {
            let path = layout::upgrading().join(name);
            let bytes = storage.read(&path, MANIFEST_BYTES_LIMIT)?;
            let read = Reader::new(bytes).and_then(|reader| {
                let lines = reader.lines().collect::<Result<Vec<Line>>>()?;
                Ok((reader.length(), lines))
            });
            match read {
                Ok((length, lines)) => {
                    parts.add(name, length, &lines);
                    parts.keep(&lines);
                }
                Err(error) => parts.broken.push(format!("{path}: {}", error.message())),
            }
        }
        Ok(parts)
    }

    /// Takes in a part: one that was read, or one that this run wrote.
    pub(super) fn add(&mut self, name: &str, length: usize, lines: &[Line]) {
        let Some(first) = lines.first() else { return };
        self.bytes += length;
        self.files.push((first.v1.clone(), name.to_owned()));
    }

    /// Takes in the files of earlier runs, which come first: a later part is right where two have a task.
    pub(super) fn inherit(&mut self, earlier: &Self) {
        self.files.splice(0..0, earlier.files.iter().cloned());
        self.bytes += earlier.bytes;
    }

    /// Keeps what decides about tasks that an earlier run converted.
    fn keep(&mut self, lines: &[Line]) {
        for line in lines {
            let Some(V1Name { base, state }) = V1Name::parse(&line.v1) else { continue };
            let ordinal = V2Id::parse(&line.v2).and_then(|id| id.upgraded_from()).map_or(0, |(_, ordinal)| ordinal);
            let row = PartLine { v1_length: line.v1_length, v1_state: state, ordinal };
            self.lines.insert(base.to_string().into_boxed_str(), row);
        }
    }
}

/// A V2 main task that was looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Inspected {
    /// Not whole: why.
    Torn(String),
    /// Whole: its record, the state that its `Status` says, and the bytes of its `TaskInfo`.
    Whole(Box<TaskV2>, StateV2, Vec<u8>),
}

/// Looks into a V2 main task; `None` where none is there.
pub(super) fn inspect(storage: &dyn Storage, codec: &dyn Codec, id: &V2Id) -> Result<Option<Inspected>> {
    let folder = layout::main_task(id);
    let Some(entries) = storage.children(&folder)? else { return Ok(None) };
    let torn = |why: String| Ok(Some(Inspected::Torn(why)));
    let infos: Vec<&str> = entries
        .iter()
        .filter(|entry| layout::parse_task_info(&entry.name).is_some())
        .map(|entry| entry.name.as_str())
        .collect();
    let states: Vec<StateV2> = entries.iter().filter_map(|entry| layout::parse_status(&entry.name)).collect();
    let (info, state) = match (infos.as_slice(), states.as_slice()) {
        ([info], [state]) => (*info, *state),
        (infos, states) => return torn(format!("it has {} TaskInfo and {} Status files", infos.len(), states.len())),
    };
    let Some(bytes) = none_if_missing(storage.read(&folder.join(info), FILE_BYTES_LIMIT))? else {
        return torn("its TaskInfo vanished".to_owned());
    };
    match codec.decode_v2(&bytes) {
        Err(error) => torn(format!("{info}: {}", error.message())),
        Ok(task) if task.id() != *id => torn(format!("{info} holds the id {}", task.id())),
        Ok(task) => Ok(Some(Inspected::Whole(Box::new(task), state, bytes))),
    }
}

/// Everything that decides what is done about each V1 file.
pub(super) struct Facts<'a> {
    pub(super) v1: &'a V1Scan,
    pub(super) marks: &'a MarkScan,
    pub(super) parts: &'a Parts,
    v2: &'a V2Scan,
    /// Who has which V2 task, for those that had to be looked into; `None` where it is torn.
    owners: HashMap<(u64, i32, u16), Option<String>>,
    managers: HashMap<String, Vec<String>>,
}

impl<'a> Facts<'a> {
    /// One decision a V1 file, in their order.
    pub(super) fn decide(
        storage: &dyn Storage,
        codec: &dyn Codec,
        (v1, marks, parts, v2): (&'a V1Scan, &'a MarkScan, &'a Parts, &'a V2Scan),
    ) -> Result<(Self, Vec<Decision>)> {
        let mut facts = Self { v1, marks, parts, v2, owners: HashMap::new(), managers: HashMap::new() };
        let order = facts.by_time_and_sequence();
        for group in groups(&order) {
            facts.look_at_owners(storage, codec, group)?;
        }
        let mut decisions = vec![Decision::Skip; v1.files.len()];
        for group in groups(&order) {
            facts.decide_group(group, &mut decisions);
        }
        facts.managers = scan::managers(storage, &facts.ids_with_traces(&decisions))?;
        Ok((facts, decisions))
    }

    /// The files' places, sorted by what makes tasks collide, and then by PU.
    fn by_time_and_sequence(&self) -> Vec<Keyed> {
        let key = |(place, file): (usize, &V1File)| {
            let V1Base { seq, ts, .. } = file.parsed()?;
            Some(Keyed { ts, seq, place: u32::try_from(place).ok()? })
        };
        let mut order: Vec<Keyed> = self.v1.files.iter().enumerate().filter_map(key).collect();
        // Bases of one ts and seq have the same tail, so their order is that of their PUs.
        order.sort_unstable_by(|left, right| {
            (left.ts, left.seq).cmp(&(right.ts, right.seq)).then_with(|| self.pu(left).cmp(self.pu(right)))
        });
        order
    }

    fn file(&self, keyed: &Keyed) -> &'a V1File {
        &self.v1.files[keyed.place as usize]
    }

    fn pu(&self, keyed: &Keyed) -> &'a str {
        let base = self.file(keyed).base();
        let before_ts = base.rsplit_once('.').map_or(base, |(rest, _)| rest);
        let pu = before_ts.rsplit_once('.').map_or(before_ts, |(rest, _)| rest);
        pu.strip_prefix("compct.").unwrap_or(pu)
    }

    /// Finds out who has the V2 tasks that stand where this group's tasks would.
    fn look_at_owners(&mut self, storage: &dyn Storage, codec: &dyn Codec, group: &[Keyed]) -> Result<()> {
        let Some(&Keyed { ts, seq, .. }) = group.first() else { return Ok(()) };
        let ordinals: Vec<u16> = self.v2.ordinals(ts, seq).collect();
        for ordinal in ordinals {
            let known = group.iter().find(|keyed| {
                self.parts.lines.get(self.file(keyed).base()).is_some_and(|line| line.ordinal == ordinal)
            });
            let owner = if let Some(keyed) = known {
                Some(self.pu(keyed).to_owned())
            } else {
                let id = V1Base { pu: String::new(), seq, ts }.v2_id(ordinal)?;
                match inspect(storage, codec, &id)? {
                    Some(Inspected::Whole(task, ..)) => Some(task.receive_pu),
                    Some(Inspected::Torn(_)) | None => None,
                }
            };
            self.owners.insert((ts, seq, ordinal), owner);
        }
        Ok(())
    }

    fn decide_group(&self, group: &[Keyed], decisions: &mut [Decision]) {
        let mut pus: Vec<&str> = group.iter().map(|keyed| self.pu(keyed)).collect();
        pus.dedup();
        let Some(&Keyed { ts, seq, .. }) = group.first() else { return };
        let in_v2 = self.v2.ordinals(ts, seq);
        let taken: Vec<Taken> = in_v2
            .map(|ordinal| Taken { ordinal, pu: self.owners.get(&(ts, seq, ordinal)).cloned().flatten() })
            .collect();
        let ordinals = assign(&pus, &taken);
        for keyed in group {
            let file = self.file(keyed);
            let twins: Vec<&str> = group
                .iter()
                .map(|other| self.file(other))
                .filter(|other| other.base() == file.base())
                .map(|other| &*other.name)
                .collect();
            let ordinal = pus.binary_search(&self.pu(keyed)).ok().and_then(|place| ordinals[place]);
            decisions[keyed.place as usize] = if twins.len() > 1 {
                Decision::Fail(
                    Error::new(
                        ErrorKind::Corrupt,
                        format!("the task is there in several states: {}", twins.join(", ")),
                    )
                    .advise("find out which of them is right and move the others out of the tree"),
                )
            } else {
                self.decide_file(file, &taken, ts, seq, ordinal)
            };
        }
    }

    fn decide_file(&self, file: &V1File, taken: &[Taken], ts: u64, seq: i32, ordinal: Option<u16>) -> Decision {
        let Some(ordinal) = ordinal else {
            return Decision::Fail(Error::new(
                ErrorKind::TooLarge,
                format!("over 1000 tasks have the time {ts} and the number {seq}"),
            ));
        };
        let base = file.base();
        if let Err(error) = (V1Base { pu: String::new(), seq, ts }).v2_id(ordinal) {
            return Decision::Fail(error);
        }
        let marks = self.marks_of(base);
        let main = match taken.iter().find(|task| task.ordinal == ordinal) {
            None => MainTask::Absent,
            Some(Taken { pu: None, .. }) => MainTask::Torn,
            Some(Taken { pu: Some(_), .. }) => MainTask::Ours,
        };
        match (verdict(marks, main), self.parts.lines.get(base)) {
            (Verdict::Skip, Some(line)) if (line.v1_state, line.v1_length) != (file.state, file.length) => {
                Decision::Fail(
                    Error::new(
                        ErrorKind::Damaged,
                        format!(
                            "its V1 file changed after it was converted as {} bytes in {}",
                            line.v1_length,
                            line.v1_state.word()
                        ),
                    )
                    .advise(
                        "see who still writes V1 tasks and stop it; go back with RECOVERY cancel, then upgrade anew",
                    ),
                )
            }
            (Verdict::Skip, Some(_)) => Decision::Skip,
            (Verdict::Damaged, _) => Decision::Fail(damaged(marks, main, ts, seq, ordinal)),
            // A mark without a line: its part was lost, so its line is made from what is there.
            (verdict, _) => Decision::Work(verdict, ordinal),
        }
    }

    pub(super) fn marks_of(&self, base: &str) -> Marks {
        if self.marks.upgraded.contains(base) {
            return Marks::Upgraded;
        }
        match self.marks.in_progress.get(base).map_or(0, Vec::len) {
            0 => Marks::None,
            1 => Marks::InProgress,
            _ => Marks::SeveralInProgress,
        }
    }

    /// The ids whose manager files matter: of attempts that did not end.
    fn ids_with_traces(&self, decisions: &[Decision]) -> HashSet<String> {
        let with_traces = self.v1.files.iter().zip(decisions).filter_map(|(file, decision)| match decision {
            Decision::Work(Verdict::ClearAndConvert | Verdict::Adopt, ordinal) => {
                Some(file.parsed()?.v2_id(*ordinal).ok()?.to_string())
            }
            _ => None,
        });
        with_traces.collect()
    }

    /// What an earlier attempt left of a task.
    pub(super) fn leftover(&self, file: &V1File, id: &V2Id, ordinal: u16) -> Leftover {
        let in_v2 = file.parsed().is_some_and(|base| self.v2.has(base.ts, base.seq, ordinal));
        Leftover {
            main_task: in_v2,
            manager_nodes: self.manager_nodes(id).to_vec(),
            marked_nodes: self.marks.in_progress.get(file.base()).cloned().unwrap_or_default(),
        }
    }

    pub(super) fn manager_nodes(&self, id: &V2Id) -> &[String] {
        self.managers.get(&id.to_string()).map_or(&[], Vec::as_slice)
    }
}

fn damaged(marks: Marks, main: MainTask, ts: u64, seq: i32, ordinal: u16) -> Error {
    let id = V1Base { pu: String::new(), seq, ts }.v2_id(ordinal);
    let path = id.map_or_else(|_| layout::v2_scheduler(), |id| layout::main_task(&id));
    let what = match (marks, main) {
        (Marks::Upgraded, MainTask::Absent) => "it was converted, and its V2 task is gone",
        (Marks::Upgraded, _) => "it was converted, and its V2 task is not whole any more",
        _ => "a V2 task that is not whole stands where it would go, and no attempt of an upgrade explains it",
    };
    Error::new(ErrorKind::Damaged, what).at(path)
}

#[derive(Debug, Clone, Copy)]
struct Keyed {
    ts: u64,
    seq: i32,
    place: u32,
}

fn groups(order: &[Keyed]) -> impl Iterator<Item = &[Keyed]> {
    order.chunk_by(|left, right| (left.ts, left.seq) == (right.ts, right.seq))
}
