//! What speaks against a way back: the trees held against what the upgrade made. Nothing is written.

use std::collections::BTreeMap;

use super::context::Run;
use super::groups::groups;
use super::inspect::{inspect_all, Inspected, WholeTask, INSPECTED_TOGETHER};
use super::made::{Made, MadeTask};
use super::options::Stage;
use super::parts::Parts;
use super::recovery_scan::{Managers, V2Names};
use super::report::Counts;
use super::scan::{MarkScan, V1Scan};
use super::trees::Trees;
use super::v1_check::{is_lost, DoneFolder, Manifests};
use super::without_manifest::HeldByV2;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::recovery::{free_base, Finding, RecoveryMode};
use crate::task::{content_sum, to_v1, Codec, StateV1, TaskV1, V1Base, V2Id, FILE_BYTES_LIMIT};
use crate::tree::TreePath;

/// What was found, by what it means: the task or file it is about, and the words.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    found: BTreeMap<Finding, Vec<Found>>,
    /// What V2 holds, where no manifest names it.
    pub(super) held: HeldByV2,
}

/// One thing found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// The V1 name; empty where it has none.
    pub(super) v1: String,
    /// The V2 id; empty where it is about none.
    pub(super) v2: String,
    pub(super) why: String,
}

impl Found {
    pub(super) fn text(&self) -> String {
        match (self.v2.as_str(), self.v1.as_str()) {
            ("", "") => self.why.clone(),
            ("", task) | (task, _) => format!("{task}: {}", self.why),
        }
    }
}

impl Evidence {
    /// Holds the trees against what the upgrade made. `deleted` says that the V1 files went with a DELETE. A way back by
    /// `downgrade_old` can be weighed without a manifest: what V1 becomes is what the upgrade must have made.
    pub(super) fn gather(run: &mut Run<'_>, seen: &Trees, deleted: bool, way_back: RecoveryMode) -> Result<Self> {
        run.stage(Stage::List);
        let storage = std::sync::Arc::clone(&run.session.storage);
        let storage = &*storage;
        let mut evidence = Self::default();
        let done = if seen.facts.done { Some(DoneFolder::read(storage)?) } else { None };
        let manifests = match done.as_ref().map(|done| Manifests::of(storage, done)).transpose() {
            Err(error) if way_back == RecoveryMode::DowngradeOld && is_lost(&error) => {
                storage_answers(run, error.clone())?;
                let why = format!("without a manifest nothing proves that V1 is whole: {error}");
                evidence.note(Finding::ManifestLost, "", "", why);
                None
            }
            manifests => manifests?,
        };
        let marks = if seen.facts.upgrading { MarkScan::read(storage)? } else { MarkScan::default() };
        let parts = if seen.facts.upgrading { Some(Parts::read(storage, &marks)?) } else { None };
        let made = Made::read(storage, manifests.as_ref(), parts.as_ref())?;
        let v1 = V1Scan::read(storage)?;
        let v2 = V2Names::read(storage)?;
        if deleted {
            evidence.note(Finding::V1Gone, "", "", "the V1 files are deleted, or their deletion has begun".to_owned());
        } else {
            evidence.hold_v1_against(run, &v1, &made, marks.online)?;
        }
        let done = done.unwrap_or_default();
        run.report.started_nodes.clone_from(&done.started_nodes);
        let started = evidence.look_at_nodes(run, manifests.as_ref())?;
        let lost = seen.facts.done && manifests.is_none();
        let known = Known { made: &made, v1: &v1, marks: &marks, complete: seen.facts.done, lost };
        evidence.look_at_v2(run, &v2, &known)?;
        evidence.look_for_gone(&known, &v2, started);
        let beside = Managers::read(storage)?.unknown;
        for path in v2.unknown.iter().chain(&marks.unknown).chain(&done.unknown).chain(&beside) {
            run.report.unknown.push(path.clone());
            evidence.note(Finding::Unknown, "", "", format!("{path}: an unknown file"));
        }
        run.report.v1_states = v1.by_state();
        run.report.v2_tasks = v2.ids.len() as u64;
        Ok(evidence)
    }

    /// Everything found, by what it means.
    pub(super) fn all(&self) -> impl Iterator<Item = (Finding, &[Found])> {
        self.found.iter().map(|(finding, found)| (*finding, found.as_slice()))
    }

    pub(super) fn note(&mut self, finding: Finding, v1: &str, v2: &str, why: String) {
        let found = Found { v1: v1.to_owned(), v2: v2.to_owned(), why };
        self.found.entry(finding).or_default().push(found);
    }

    /// V1 is whole where every upgraded task has its file, and unchanged where the bytes are those that were upgraded.
    fn hold_v1_against(&mut self, run: &mut Run<'_>, v1: &V1Scan, made: &Made, online: bool) -> Result<()> {
        let mut to_read: Vec<&MadeTask> = Vec::new();
        for (id, task) in made.all() {
            let id = id.to_string();
            match (v1.find(&task.v1), task.base()) {
                (Some(file), _) if !file.regular => {
                    self.note(Finding::V1Gone, &task.v1, &id, "its V1 file is no regular file any more".to_owned());
                }
                // Until the upgrade is complete V1 is the truth, whatever it says.
                (Some(_), _) if !task.committed => {}
                (Some(_), Some(base)) if states_in(v1, &base).len() > 1 => {
                    let why = "V1 has it in several states since it was upgraded".to_owned();
                    self.note(Finding::V1Changed, &task.v1, &id, why);
                }
                (Some(file), _) if file.length == task.v1_length => to_read.push(task),
                (Some(file), _) => {
                    let why = format!("it had {} bytes when it was upgraded and has {}", task.v1_length, file.length);
                    self.note(Finding::V1Changed, &task.v1, &id, why);
                }
                (None, Some(base)) if !states_in(v1, &base).is_empty() => {
                    if task.committed {
                        let why = "its V1 file changed its state after it was upgraded".to_owned();
                        self.note(Finding::V1Changed, &task.v1, &id, why);
                    }
                }
                // V1 was at work meanwhile, and finished it.
                (None, _) if !task.committed && online => {}
                (None, _) => self.note(Finding::V1Gone, &task.v1, &id, "its V1 file is gone".to_owned()),
            }
        }
        let mut done = 0;
        for group in groups(&to_read, run.storage().group_tasks(), |task| task.v1_length) {
            run.check_cancelled()?;
            let paths: Vec<TreePath> = group.iter().map(|task| layout::v1_scheduler().join(&task.v1)).collect();
            let read = run.storage().read_batch(&paths, FILE_BYTES_LIMIT, run.in_flight());
            for (task, bytes) in group.iter().zip(read) {
                match bytes {
                    Ok(bytes) if content_sum(&bytes) == task.v1_sum => {}
                    Ok(_) => self.note(
                        Finding::V1Changed,
                        &task.v1,
                        "",
                        "the bytes of its V1 file changed after it was upgraded".to_owned(),
                    ),
                    Err(error) => {
                        storage_answers(run, error.clone())?;
                        let why = format!("its V1 file cannot be read: {}", error.message());
                        self.note(Finding::V1Changed, &task.v1, "", why);
                    }
                }
            }
            done += group.len() as u64;
            run.progress(Stage::Check, done, group.last().map_or("", |task| &task.v1));
        }
        Ok(())
    }

    /// Whether a node may have run since the upgrade was complete; whether one has recorded that it did.
    fn look_at_nodes(&mut self, run: &mut Run<'_>, manifests: Option<&Manifests>) -> Result<bool> {
        let Some(manifests) = manifests else { return Ok(false) };
        for node in &manifests.started_nodes {
            let why = format!("node {node} has started since the upgrade was complete");
            self.note(Finding::NodeStarted, "", "", why);
        }
        let online = manifests.heads().any(|head| head.online);
        if online {
            let why = "the upgrade ran inside a running node, which may have worked on V2 since".to_owned();
            self.note(Finding::RanOnline, "", "", why);
        }
        let known: Vec<i64> = manifests.heads().filter_map(|head| head.pu_change_id).collect();
        if !known.is_empty() {
            let now = run.session.change_id()?;
            let why = match now {
                None => {
                    Some("the upgrade noted the PU registry's change id, and nothing that is configured tells it now")
                }
                Some(now) if known.iter().any(|id| *id != now) => {
                    Some("nodes have come or gone since the upgrade was complete: the PU registry's change id moved on")
                }
                Some(_) => None,
            };
            if let Some(why) = why {
                self.note(Finding::NodesCameAndWent, "", "", why.to_owned());
            }
        }
        Ok(online || !manifests.started_nodes.is_empty())
    }

    fn look_at_v2(&mut self, run: &mut Run<'_>, v2: &V2Names, known: &Known<'_>) -> Result<()> {
        let total = v2.ids.len() as u64;
        run.report.counts = Counts { total, left: total, ..Counts::default() };
        let mut done = 0;
        for group in v2.ids.chunks(INSPECTED_TOGETHER) {
            run.check_cancelled()?;
            let inspected = inspect_all(run.storage(), &*run.session.codec, group, run.in_flight());
            let mut unproven = Vec::new();
            for (id, inspected) in group.iter().zip(inspected) {
                self.look_at_task(run, id, inspected, known, &mut unproven)?;
            }
            self.hold_against_v1(run, unproven, known)?;
            let last = group.last().map_or_else(String::new, ToString::to_string);
            done += group.len() as u64;
            run.progress(Stage::Check, done, &last);
        }
        Ok(())
    }

    fn look_at_task(
        &mut self,
        run: &Run<'_>,
        id: &V2Id,
        inspected: Result<Option<Inspected>>,
        known: &Known<'_>,
        unproven: &mut Vec<(V2Id, Box<WholeTask>)>,
    ) -> Result<()> {
        let name = id.to_string();
        let made: Vec<&MadeTask> = known.made.of(id).collect();
        let v1_name = made.last().map_or("", |task| &*task.v1);
        let inspected = match inspected {
            // It went between the listing and the look, which only a node does; the liveness says so later.
            Ok(None) => return Ok(()),
            Ok(Some(inspected)) => inspected,
            Err(error) => {
                storage_answers(run, error.clone())?;
                self.held.torn(id);
                self.note(Finding::NotCarried, v1_name, &name, format!("it cannot be read: {}", error.message()));
                return Ok(());
            }
        };
        let whole = match inspected {
            Inspected::Torn(_) if made.is_empty() && known.explains_torn(id) => return Ok(()),
            Inspected::Torn(why) => {
                self.held.torn(id);
                self.note(Finding::NotCarried, v1_name, &name, format!("it is not whole: {why}"));
                return Ok(());
            }
            Inspected::Whole(whole) => whole,
        };
        let base = match made.last().and_then(|task| task.base()).or_else(|| base_of(id, &whole.task.receive_pu)) {
            Some(base) => Some(base),
            None => free_base(&whole.task.receive_pu, id.sequence_no, whole.mtime_ms, |_| false),
        };
        let no_name = match &base {
            None => Some(format!("no V1 name can be made of its receive_pu {:?}", whole.task.receive_pu)),
            Some(base) => layout::mark_carrying(id, base).err().map(|error| error.message().to_owned()),
        };
        let no_bytes = base.as_ref().and_then(|base| {
            let task = to_v1(&whole.task, base, whole.state.downgraded());
            encode_v1(&*run.session.codec, &task).err().map(|error| error.message().to_owned())
        });
        if let Some(why) = no_name.or(no_bytes) {
            self.note(Finding::NotCarried, v1_name, &name, why);
        }
        if known.lost {
            unproven.push((id.clone(), whole));
            return Ok(());
        }
        if made.is_empty() {
            if !known.is_attempt(run, id, &whole)? {
                self.note(Finding::BornInV2, "", &name, "no upgrade that the tree knows made it".to_owned());
            }
            return Ok(());
        }
        let sum = content_sum(&whole.bytes);
        let state = whole.state.word();
        let why = if !whole.others.is_empty() {
            format!("its folder holds more than was made: {}", whole.others.join(", "))
        } else if made.iter().all(|task| task.state != whole.state) {
            format!("it is {state} now")
        } else if made.iter().any(|task| task.v2_sum == sum && task.state == whole.state) {
            return Ok(());
        } else {
            "its TaskInfo changed".to_owned()
        };
        if known.complete {
            self.note(Finding::V2Changed, v1_name, &name, why);
        } else {
            let why = format!("{why}, though the upgrade is not complete; its V1 file is used, so that is not carried");
            self.note(Finding::NotCarried, v1_name, &name, why);
        }
        Ok(())
    }

    /// Tasks that the upgrade made and V2 holds no more.
    fn look_for_gone(&mut self, known: &Known<'_>, v2: &V2Names, started: bool) {
        if known.lost {
            self.note_what_v2_lacks(known);
        }
        for (id, task) in known.made.all() {
            if v2.ids.binary_search(id).is_ok() {
                continue;
            }
            let name = id.to_string();
            if !task.committed {
                let in_v1 = task.base().is_some_and(|base| !states_in(known.v1, &base).is_empty());
                if !in_v1 && !known.marks.online {
                    let why = "it was converted, and neither tree holds it any more".to_owned();
                    self.note(Finding::GoneFromBoth, &task.v1, &name, why);
                }
            } else if started {
                let why = "V2 holds it no more: it was finished and cleared there".to_owned();
                self.note(Finding::V2Gone, &task.v1, &name, why);
            } else {
                let why = "V2 holds it no more, and no node has recorded a start that explains it; it counts as \
                           finished and cleared there";
                self.note(Finding::V2GoneUnexplained, &task.v1, &name, why.to_owned());
            }
        }
    }

    /// The ids of tasks of which something was found.
    pub(super) fn ids_of(&self, findings: &[Finding]) -> Vec<V2Id> {
        let found = findings.iter().filter_map(|finding| self.found.get(finding)).flatten();
        let mut ids: Vec<V2Id> = found.filter_map(|found| V2Id::parse(&found.v2)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }
}

/// One file that cannot be read is that file's; a storage that does not answer at all is everybody's.
pub(super) fn storage_answers(run: &Run<'_>, error: Error) -> Result<()> {
    let of_all = matches!(error.kind(), ErrorKind::RetryLater | ErrorKind::Cancelled | ErrorKind::Busy);
    if of_all || run.storage().find(&layout::v2()).is_err() {
        return Err(error);
    }
    Ok(())
}

/// What a V2 task is held against.
pub(super) struct Known<'a> {
    made: &'a Made,
    pub(super) v1: &'a V1Scan,
    marks: &'a MarkScan,
    /// The upgrade is complete, so that nodes may have run.
    complete: bool,
    /// It is complete, and its manifest is lost.
    lost: bool,
}

impl Known<'_> {
    /// A V2 task that is not whole and that an attempt of the upgrade under way explains.
    fn explains_torn(&self, id: &V2Id) -> bool {
        let ts = id.upgraded_from().map(|(ts, _)| ts);
        let bases = self.marks.in_progress.keys().filter_map(|base| V1Base::parse(base));
        let mut its = bases.filter(|base| Some(base.ts) == ts && base.seq == id.sequence_no);
        its.any(|base| !states_in(self.v1, &base).is_empty())
    }

    /// Whether the upgrade under way made a task that no part names, not yet or not any more: it is marked, and the task
    /// is what its V1 file says.
    fn is_attempt(&self, run: &Run<'_>, id: &V2Id, whole: &WholeTask) -> Result<bool> {
        let codec = &*run.session.codec;
        let Some(base) = base_of(id, &whole.task.receive_pu) else { return Ok(false) };
        let name = base.to_string();
        if !self.marks.in_progress.contains_key(&*name) && !self.marks.upgraded.contains(&*name) {
            return Ok(false);
        }
        let there = states_in(self.v1, &base);
        if there.is_empty() && self.marks.online {
            // V1 finished it while it was converted, so neither way back wants it.
            return Ok(true);
        }
        for state in there {
            let Ok(task) = codec.decode_v1(&run.storage().read(&layout::v1_file(&base, state), FILE_BYTES_LIMIT)?)
            else {
                continue;
            };
            if whole.is_made_of(id, &task) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The bytes of a V1 task, from which the codec reads the same task again.
pub(super) fn encode_v1(codec: &dyn Codec, task: &TaskV1) -> Result<Vec<u8>> {
    let bytes = codec.encode_v1(task)?;
    if codec.decode_v1(&bytes)? == *task {
        return Ok(bytes);
    }
    Err(Error::new(ErrorKind::Internal, "the codec reads another task from the bytes that it wrote"))
}

/// The V1 base of an id that has the shape which an upgrade gives.
pub(super) fn base_of(id: &V2Id, pu: &str) -> Option<V1Base> {
    let (ts, _) = id.upgraded_from()?;
    let base = V1Base { pu: pu.to_owned(), seq: id.sequence_no, ts };
    (V1Base::parse(&base.to_string()).as_ref() == Some(&base)).then_some(base)
}

/// The states in which V1 holds a task.
pub(super) fn states_in(v1: &V1Scan, base: &V1Base) -> Vec<StateV1> {
    let there = |state: &StateV1| v1.find(&V1Name::format(base, *state)).is_some();
    StateV1::ALL.into_iter().filter(there).collect()
}
