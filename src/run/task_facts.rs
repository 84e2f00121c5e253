//! From listings to verdicts: which id each V1 file has or gets, and what its traces mean.

use std::collections::{HashMap, HashSet};

use super::complete::Complete;
use super::groups::groups;
use super::inspect::{inspect_all, Inspected, INSPECTED_TOGETHER};
use super::parts::Parts;
use super::scan::{ManagerScan, MarkScan, V1File, V1Scan, V2Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::ordinal::{assign, Taken};
use crate::plan::steps::Leftover;
use crate::plan::verdict::{verdict, MainTask, Marks, Verdict};
use crate::storage::Storage;
use crate::task::{content_sum, Codec, StateV1, V1Base, V2Id, FILE_BYTES_LIMIT};
use crate::tree::TreePath;

/// How far the clock of the storage may be behind that of the host: a V1 file that changed no longer before its
/// conversion began is read again.
const CLOCK_SLACK_MS: i64 = 600_000;

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

/// Who has a V2 task that stands where an upgrade would put one.
#[derive(Debug, Clone)]
enum Owner {
    Pu(String),
    Torn,
    Unreadable(Error),
}

/// The listings of a run.
#[derive(Clone, Copy)]
pub(super) struct Listings<'a> {
    pub(super) v1: &'a V1Scan,
    pub(super) marks: &'a MarkScan,
    pub(super) parts: &'a Parts,
    pub(super) v2: &'a V2Scan,
    /// The complete upgrade that is taken up again, if one is.
    pub(super) complete: Option<&'a Complete>,
    /// The names of files that were seen to change while the run goes on.
    pub(super) suspects: &'a HashSet<Box<str>>,
}

/// Everything that decides what is done about each V1 file.
pub(super) struct Facts<'a> {
    pub(super) v1: &'a V1Scan,
    pub(super) marks: &'a MarkScan,
    parts: &'a Parts,
    v2: &'a V2Scan,
    complete: Option<&'a Complete>,
    /// Who has which V2 task, by ts, seq and ordinal, for those that had to be looked into.
    owners: HashMap<(u64, i32, u16), Owner>,
    managers: ManagerScan,
}

impl<'a> Facts<'a> {
    /// One decision a V1 file, in their order.
    pub(super) fn decide(
        storage: &dyn Storage,
        codec: &dyn Codec,
        listings: Listings<'a>,
    ) -> Result<(Self, Vec<Decision>)> {
        let Listings { v1, marks, parts, v2, complete, suspects } = listings;
        let mut facts =
            Self { v1, marks, parts, v2, complete, owners: HashMap::new(), managers: ManagerScan::default() };
        let order = facts.by_time_and_sequence();
        let mut unknown = Vec::new();
        for group in colliding(&order) {
            facts.find_owners(group, &mut unknown);
        }
        facts.look_at_owners(storage, codec, &unknown)?;
        let mut decisions = vec![Decision::Skip; v1.files.len()];
        for group in colliding(&order) {
            facts.decide_group(group, &mut decisions);
        }
        facts.read_recent(storage, suspects, &mut decisions)?;
        let traces = |decision: &Decision| {
            matches!(decision, Decision::Work(Verdict::ClearAndConvert | Verdict::Adopt | Verdict::Skip, _))
        };
        // Managers matter only where an attempt did not end: of its task, or of one that takes its id now.
        if !marks.in_progress.is_empty() || decisions.iter().any(traces) {
            facts.managers = ManagerScan::read(storage)?;
        }
        Ok((facts, decisions))
    }

    /// The files' places, sorted by what makes tasks collide, and then by PU.
    fn by_time_and_sequence(&self) -> Vec<Keyed> {
        let key = |(place, file): (usize, &V1File)| {
            let V1Base { seq, ts, .. } = file.parsed()?;
            Some(Keyed { ts, seq, place: u32::try_from(place).ok()? })
        };
        let mut order: Vec<Keyed> = self.v1.files.iter().enumerate().filter_map(key).collect();
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

    /// Finds out who has the V2 tasks that stand where this group's tasks would, as far as lines say it; the others are
    /// to be looked into.
    fn find_owners(&mut self, group: &[Keyed], unknown: &mut Vec<(u64, i32, u16)>) {
        let Some(&Keyed { ts, seq, .. }) = group.first() else { return };
        for ordinal in self.v2.ordinals(ts, seq) {
            let known = group.iter().find(|keyed| {
                self.parts.lines.get(self.file(keyed).base()).is_some_and(|line| line.ordinal == ordinal)
            });
            let of_complete = self.complete.and_then(|complete| {
                complete.made.ordinals(ts, seq).find(|(other, _)| *other == ordinal).map(|(_, pu)| pu)
            });
            match known.map(|keyed| self.pu(keyed).to_owned()).or(of_complete) {
                Some(pu) => drop(self.owners.insert((ts, seq, ordinal), Owner::Pu(pu))),
                None => unknown.push((ts, seq, ordinal)),
            }
        }
    }

    fn look_at_owners(&mut self, storage: &dyn Storage, codec: &dyn Codec, unknown: &[(u64, i32, u16)]) -> Result<()> {
        for keys in unknown.chunks(INSPECTED_TOGETHER) {
            let ids =
                keys.iter().map(|(ts, seq, ordinal)| id_of(*ts, *seq, *ordinal)).collect::<Result<Vec<V2Id>>>()?;
            for (key, inspected) in keys.iter().zip(inspect_all(storage, codec, &ids, 0)) {
                let owner = match inspected {
                    Ok(Some(Inspected::Whole(whole))) => Owner::Pu(whole.task.receive_pu),
                    Ok(Some(Inspected::Torn(_)) | None) => Owner::Torn,
                    Err(error) => Owner::Unreadable(error),
                };
                self.owners.insert(*key, owner);
            }
        }
        Ok(())
    }

    fn decide_group(&self, group: &[Keyed], decisions: &mut [Decision]) {
        let mut pus: Vec<&str> = group.iter().map(|keyed| self.pu(keyed)).collect();
        pus.dedup();
        let Some(&Keyed { ts, seq, .. }) = group.first() else { return };
        let mut taken = Vec::new();
        let mut unreadable = None;
        for ordinal in self.v2.ordinals(ts, seq) {
            let pu = match self.owners.get(&(ts, seq, ordinal)) {
                Some(Owner::Pu(pu)) => Some(pu.clone()),
                Some(Owner::Unreadable(error)) => {
                    unreadable = Some(error);
                    None
                }
                Some(Owner::Torn) | None => None,
            };
            taken.push(Taken { ordinal, pu });
        }
        // What a manifest holds keeps its id, also where V2 has finished and cleared it.
        for (ordinal, pu) in self.complete.iter().flat_map(|complete| complete.made.ordinals(ts, seq)) {
            taken.retain(|task| task.ordinal != ordinal);
            taken.push(Taken { ordinal, pu: Some(pu) });
        }
        let ordinals = assign(&pus, &taken);
        for keyed in group {
            let file = self.file(keyed);
            let mut twins = group
                .iter()
                .map(|other| self.file(other))
                .filter(|other| other.base() == file.base())
                .map(|twin| &*twin.name);
            let ordinal = pus.binary_search(&self.pu(keyed)).ok().and_then(|place| ordinals[place]);
            let is_known = taken.iter().any(|task| task.pu.as_deref() == Some(self.pu(keyed)));
            if self.complete.is_some_and(|complete| complete.holds(file)) {
                decisions[keyed.place as usize] = Decision::Skip;
                continue;
            }
            if let Some(error) = self.complete.and_then(|complete| complete.changed(file)) {
                decisions[keyed.place as usize] = Decision::Fail(error);
                continue;
            }
            decisions[keyed.place as usize] = match (twins.nth(1), unreadable) {
                (Some(_), _) => Decision::Fail(twins_error(self.v1, file.base())),
                // Whose the unreadable one is decides which ordinal each of the others gets.
                (None, Some(error)) if !is_known => Decision::Fail(error.clone()),
                _ => self.decide_file(file, &taken, ts, seq, ordinal),
            };
        }
    }

    fn decide_file(&self, file: &V1File, taken: &[Taken], ts: u64, seq: i32, ordinal: Option<u16>) -> Decision {
        let Some(ordinal) = ordinal else {
            let what = format!("over 1000 tasks have the time {ts} and the sequence number {seq}");
            return Decision::Fail(Error::new(ErrorKind::TooLarge, what));
        };
        if let Err(error) = id_of(ts, seq, ordinal) {
            return Decision::Fail(error);
        }
        if !file.regular {
            let what = "it is a link, a folder or a device, not a regular file";
            return Decision::Fail(Error::new(ErrorKind::Corrupt, what));
        }
        let marks = self.marks_of(file.base());
        let main = match taken.iter().find(|task| task.ordinal == ordinal) {
            None => MainTask::Absent,
            Some(Taken { pu: None, .. }) => MainTask::Torn,
            Some(Taken { pu: Some(_), .. }) => MainTask::Ours,
        };
        match (verdict(marks, main), self.parts.lines.get(file.base())) {
            // Until the upgrade is complete V1 is the truth: what changed in it is converted anew.
            (Verdict::Skip, Some(line)) if (line.v1_state, line.v1_length) != (file.state, file.length) => {
                Decision::Work(Verdict::ClearAndConvert, ordinal)
            }
            (Verdict::Skip, Some(_)) => Decision::Skip,
            (Verdict::Damaged, _) => Decision::Fail(damaged(marks, main, ts, seq, ordinal)),
            // A mark without a line: its part was lost, so its line is made from what is there.
            (verdict, _) => Decision::Work(verdict, ordinal),
        }
    }

    /// Reads the converted files that may have changed since: a file can be rewritten at the same length.
    fn read_recent(
        &self,
        storage: &dyn Storage,
        suspects: &HashSet<Box<str>>,
        decisions: &mut [Decision],
    ) -> Result<()> {
        let mut recent = Vec::new();
        for (place, file) in self.v1.files.iter().enumerate() {
            let Some(line) = self.parts.lines.get(file.base()).filter(|_| decisions[place] == Decision::Skip) else {
                continue;
            };
            // A storage that tells no times says nothing of a change.
            let no_time = file.mtime_ms <= 0;
            let may_be_new = file.mtime_ms.saturating_add(CLOCK_SLACK_MS) >= line.begun_ms;
            if no_time || may_be_new || suspects.contains(&file.name) {
                recent.push((place, file, line));
            }
        }
        for group in groups(&recent, storage.group_tasks(), |(_, file, _)| file.length) {
            let paths: Vec<TreePath> = group.iter().map(|(_, file, _)| file.path()).collect();
            for ((place, _, line), bytes) in group.iter().zip(storage.read_batch(&paths, FILE_BYTES_LIMIT, 0)) {
                if content_sum(&bytes?) != line.v1_sum {
                    decisions[*place] = Decision::Work(Verdict::ClearAndConvert, line.ordinal);
                }
            }
        }
        Ok(())
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

    /// What an earlier attempt left of a task that is to be converted from nothing.
    pub(super) fn leftover(&self, file: &V1File, id: &V2Id, ordinal: u16, verdict: Verdict) -> Leftover {
        let manager_nodes = self.managers.nodes_of(id).map(str::to_owned).collect();
        if verdict != Verdict::ClearAndConvert {
            return Leftover { manager_nodes, ..Leftover::default() };
        }
        Leftover {
            main_task: file.parsed().is_some_and(|base| self.v2.has(base.ts, base.seq, ordinal)),
            manager_nodes,
            marked_nodes: self.marks.in_progress.get(file.base()).cloned().unwrap_or_default(),
            upgraded_mark: self.marks.upgraded.contains(file.base()),
        }
    }

    pub(super) fn has_manager(&self, id: &V2Id, node: &str) -> bool {
        self.managers.nodes_of(id).any(|other| other == node)
    }
}

fn id_of(ts: u64, seq: i32, ordinal: u16) -> Result<V2Id> {
    V1Base { pu: String::new(), seq, ts }.v2_id(ordinal)
}

fn twins_error(v1: &V1Scan, base: &str) -> Error {
    let name = |state| V1Base::parse(base).map(|base| V1Name::format(&base, state));
    let names: Vec<String> = StateV1::ALL.into_iter().filter_map(name).filter(|name| v1.find(name).is_some()).collect();
    Error::new(ErrorKind::Corrupt, format!("the task is there in several states: {}", names.join(", ")))
        .advise("find out which of them is right and move the others out of the tree")
}

fn damaged(marks: Marks, main: MainTask, ts: u64, seq: i32, ordinal: u16) -> Error {
    let path = id_of(ts, seq, ordinal).map_or_else(|_| layout::v2_scheduler(), |id| layout::main_task(&id));
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

/// The files that share ts and seq, group by group.
fn colliding(order: &[Keyed]) -> impl Iterator<Item = &[Keyed]> {
    order.chunk_by(|left, right| (left.ts, left.seq) == (right.ts, right.seq))
}
