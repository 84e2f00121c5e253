//! The downgrade: V2 tasks become V1 tasks, with the state they have now.

use std::collections::{HashMap, HashSet};

use super::context::Run;
use super::convert::{actions, failures, take_wave};
use super::evidence::{base_of, states_in};
use super::inspect::{inspect, Inspected, WholeTask};
use super::made::Made;
use super::options::Stage;
use super::parts::Parts;
use super::recovery_scan::{RecoveryScan, V2Names};
use super::report::{Counts, Outcome, Report, Row};
use super::scan::{MarkScan, V1Scan};
use super::v1_check::Manifests;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::recovery::{carry, finish_cleared, free_base, Carriage};
use crate::plan::steps::{Step, Wave};
use crate::storage::Storage;
use crate::task::{dropped_by_v1, to_v1, StateV1, TaskV1, V1Base, V2Id, FILE_BYTES_LIMIT};
use crate::tree::TreePath;

/// How many tasks go through the waves together.
const GROUP_TASKS: usize = 1_024;

/// The folders of V1, which went with a DELETE.
pub(super) fn v1_folders() -> [TreePath; 2] {
    [layout::v1_scheduler(), layout::v1_task_assigned()]
}

/// That V2 tasks can be read, so that none counts as finished and cleared only because their folder is away. An upgrade
/// that was stopped as it began may not have made the folder yet.
///
/// # Errors
/// `Damaged` where the folder is gone.
pub(super) fn v2_is_there(storage: &dyn Storage) -> Result<()> {
    let there = |path: TreePath| Ok::<bool, Error>(storage.find(&path)?.is_some());
    let just_begun = !there(layout::done())? && there(layout::v1_scheduler())? && !there(layout::v1_deleting())?;
    if just_begun || there(layout::v2_scheduler())? {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Damaged, "the folder of the V2 tasks is gone, so none can be carried to V1")
        .at(layout::v2_scheduler())
        .advise("bring the folder back, then run RECOVERY again"))
}

/// Carries every V2 task to V1.
///
/// # Errors
/// `TasksFailed` where some could not be carried; V2 is whole then, and a second run takes up what is left.
pub(super) fn carry_all(run: &mut Run<'_>) -> Result<()> {
    for folder in v1_folders() {
        run.waves().make_folder(&folder)?;
    }
    let mut carrier = Carrier::new(run)?;
    carrier.carry_all()?;
    let Counts { failed, total, .. } = carrier.run.report.counts;
    carrier.warn_of_what_is_dropped();
    let fresh = V2Names::read(carrier.run.storage())?;
    if failed == 0 && fresh.ids == carrier.names.ids {
        return Ok(());
    }
    let headline = format!("{failed} of {total} V2 tasks could not be carried to V1");
    run.report.conclude(crate::plan::phase::Phase::Recovering, headline.clone());
    if failed == 0 {
        return Err(Error::new(ErrorKind::NodesOnline, "V2 tasks came or went while they were carried to V1")
            .at(layout::v2_scheduler())
            .advise("stop whatever still works on V2 tasks, then run RECOVERY again"));
    }
    Err(Error::new(ErrorKind::TasksFailed, headline)
        .advise("mend what each failed task names and run RECOVERY again; with force it goes on without these tasks"))
}

/// The rows of a plan: what a run would do with each V2 task.
pub(super) fn plan_all(run: &mut Run<'_>) -> Result<()> {
    let mut carrier = Carrier::new(run)?;
    carrier.plan_all()?;
    carrier.warn_of_what_is_dropped();
    Ok(())
}

/// What came of it, in a sentence.
pub(super) fn headline(report: &Report) -> String {
    let Counts { converted, skipped, left, .. } = report.counts;
    let mut headline = format!("V2 is V1 again: {converted} V1 tasks written from V2, {skipped} kept as V1 has them");
    if left > 0 {
        headline = format!("{headline}, {left} lost by force");
    }
    headline
}

struct Carrier<'r, 'a> {
    run: &'r mut Run<'a>,
    names: V2Names,
    v1: V1Scan,
    scan: RecoveryScan,
    /// What a complete upgrade made; empty where it is not complete.
    made: Made,
    /// The upgrade is complete, so what V2 says is the truth.
    complete: bool,
    /// A complete upgrade was taken up again: of tasks that no manifest holds yet V1 is the truth.
    reopening: bool,
    /// What an upgrade that is not complete has converted.
    parts: Parts,
    /// Times and sequence numbers of V2 tasks whose V1 names are fixed.
    fixed: HashSet<(u64, i32)>,
    /// V1 bases of tasks born in V2, chosen now.
    chosen: HashSet<V1Base>,
    /// Where the search for a free name of a PU, a sequence number and a time goes on.
    next_free: HashMap<(String, i32, i64), i64>,
    /// Tasks born in V2 that failed before their names were chosen, by their sequence numbers.
    nameless: HashMap<i32, V2Id>,
    fence: TreePath,
    done: u64,
    dropped: Dropped,
}

/// How many tasks lose what V1 cannot hold.
#[derive(Default)]
struct Dropped {
    place: u64,
    memo: u64,
    sync: u64,
    optimizat: u64,
}

/// What becomes of one V2 task.
struct Plan {
    steps: Vec<Step>,
    row: Row,
}

impl<'r, 'a> Carrier<'r, 'a> {
    fn new(run: &'r mut Run<'a>) -> Result<Self> {
        run.stage(Stage::List);
        let storage = run.storage();
        v2_is_there(storage)?;
        let complete = storage.has_folder(&layout::done())?;
        let reopening = storage.find(&layout::reopen())?.is_some();
        let manifests = if complete { Some(Manifests::read(storage)?) } else { None };
        let made = Made::read(storage, manifests.as_ref(), None)?;
        let parts = Parts::read(storage, &MarkScan::read(storage)?)?;
        let names = V2Names::read(storage)?;
        let v1 = V1Scan::read(storage)?;
        let scan = RecoveryScan::read(storage)?;
        let fixed = names.ids.iter().filter_map(|id| Some((id.upgraded_from()?.0, id.sequence_no))).collect();
        let chosen = scan.carrying.values().cloned().collect();
        run.report.v2_tasks = names.ids.len() as u64;
        run.report.v1_states = v1.by_state();
        let fence = run.fence();
        Ok(Self {
            run,
            names,
            v1,
            scan,
            made,
            complete,
            reopening,
            parts,
            fixed,
            chosen,
            next_free: HashMap::new(),
            nameless: HashMap::new(),
            fence,
            done: 0,
            dropped: Dropped::default(),
        })
    }

    fn carry_all(&mut self) -> Result<()> {
        let cleared = self.cleared();
        self.begin_count(cleared.len());
        self.run.stage(Stage::Convert);
        let ids = std::mem::take(&mut self.names.ids);
        for group in ids.chunks(GROUP_TASKS) {
            self.run.check_cancelled()?;
            self.run.probe()?;
            let mut plans = self.plan_group(group);
            for wave in Wave::CARRYING {
                self.run.check_cancelled()?;
                self.wave(wave, &mut plans)?;
            }
            for plan in plans {
                self.finish(plan.row);
            }
            self.report_progress(group.last());
        }
        self.names.ids = ids;
        let mut plans = cleared;
        self.wave(Wave::Place, &mut plans)?;
        for plan in plans {
            self.finish(plan.row);
        }
        Ok(())
    }

    fn plan_all(&mut self) -> Result<()> {
        let cleared = self.cleared();
        self.begin_count(cleared.len());
        self.run.stage(Stage::Convert);
        let ids = std::mem::take(&mut self.names.ids);
        for group in ids.chunks(GROUP_TASKS) {
            self.run.check_cancelled()?;
            for plan in self.plan_group(group) {
                self.planned(plan);
            }
            self.report_progress(group.last());
        }
        for plan in cleared {
            self.planned(plan);
        }
        Ok(())
    }

    fn begin_count(&mut self, cleared: usize) {
        let total = (self.names.ids.len() + cleared) as u64;
        self.run.report.counts = Counts { total, left: total, ..Counts::default() };
    }

    fn report_progress(&mut self, last: Option<&V2Id>) {
        let last = last.map_or_else(String::new, ToString::to_string);
        self.run.progress(Stage::Convert, self.done, &last);
    }

    /// One wave of a group: a task whose step fails leaves it.
    fn wave(&mut self, wave: Wave, plans: &mut Vec<Plan>) -> Result<()> {
        let (owners, batch) = take_wave(wave, plans.iter_mut().map(|plan| &mut plan.steps));
        for (place, error) in failures(&owners, self.run.waves().apply(batch)?).into_iter().rev() {
            let plan = plans.remove(place);
            self.fail(plan.row, &error);
        }
        Ok(())
    }

    fn plan_group(&mut self, group: &[V2Id]) -> Vec<Plan> {
        let mut plans = Vec::with_capacity(group.len());
        for id in group {
            if self.scan.carried.contains(id) {
                let mut row = row(id, Outcome::Kept);
                "carried by an earlier run".clone_into(&mut row.detail);
                plans.push(Plan { steps: Vec::new(), row });
                continue;
            }
            match self.plan(id) {
                Ok(plan) => plans.push(plan),
                Err(error) if self.run.options.force && of_this_task(&error) => self.lose(id, &error),
                Err(error) => {
                    if id.upgraded_from().is_none() {
                        self.nameless.entry(id.sequence_no).or_insert_with(|| id.clone());
                    }
                    self.fail(row(id, Outcome::Failed), &error);
                }
            }
        }
        plans
    }

    /// What becomes of one V2 task.
    fn plan(&mut self, id: &V2Id) -> Result<Plan> {
        let at = |error: Error| error.of_task(id).at(layout::main_task(id));
        let inspected = inspect(self.run.storage(), &*self.run.session.codec, id).map_err(at)?;
        let by_name = self.made.of(id).last().and_then(super::made::MadeTask::base);
        if let Some(plan) = self.torn_attempt(id, inspected.as_ref()) {
            return Ok(plan);
        }
        let whole = match inspected {
            Some(Inspected::Whole(whole)) => whole,
            Some(Inspected::Torn(why)) => {
                return Err(at(Error::new(ErrorKind::Damaged, format!("it is not whole: {why}"))))
            }
            None => return Err(at(Error::new(ErrorKind::Damaged, "it vanished while it was looked at"))),
        };
        let born = by_name.is_none() && base_of(id, &whole.task.receive_pu).is_none();
        let base = match by_name.or_else(|| base_of(id, &whole.task.receive_pu)) {
            Some(base) => base,
            None => self.choose(id, &whole).map_err(at)?,
        };
        let there = states_in(&self.v1, &base);
        let mut row = row(id, Outcome::Downgraded);
        row.pc.clone_from(&whole.task.pc_name);
        row.node.clone_from(&whole.task.executenode);
        row.v2_state = Some(whole.state);
        if !self.is_complete(id) && !born && !there.is_empty() {
            // No node has run it: until an upgrade is complete V1 is the truth.
            row.outcome = Outcome::Kept;
            row.v1_state = there.first().copied();
            row.v1_name = there.first().map_or_else(String::new, |state| V1Name::format(&base, *state));
            return Ok(Plan { steps: Vec::new(), row });
        }
        if there.is_empty() && !self.is_complete(id) && self.parts.ran_online(&base.to_string()) {
            row.outcome = Outcome::Kept;
            "V1 finished and cleared it while an online upgrade ran".clone_into(&mut row.detail);
            return Ok(Plan { steps: Vec::new(), row });
        }
        let state = whole.state.downgraded();
        let task = to_v1(&whole.task, &base, state);
        row.v1_name = V1Name::format(&base, state);
        row.v1_state = Some(state);
        row.detail = self.drop_what_v1_cannot_hold(&whole);
        if there == [state] && self.holds(&base, state, &task).map_err(at)? {
            row.outcome = Outcome::Kept;
            return Ok(Plan { steps: Vec::new(), row });
        }
        let bytes = self.encode(&task).map_err(at)?;
        let replaces = there.into_iter().collect();
        let number = self.run.next_number();
        let steps =
            carry(Carriage { id: id.clone(), base, state, bytes, replaces }, &self.fence, number).map_err(at)?;
        Ok(Plan { steps, row })
    }

    /// Whether a node may have run a task: its upgrade is complete.
    fn is_complete(&self, id: &V2Id) -> bool {
        self.complete && (!self.reopening || self.made.has(id))
    }

    /// A V2 task that is not whole and whose V1 file is there, of an upgrade that is not complete: an attempt that did
    /// not end.
    fn torn_attempt(&self, id: &V2Id, inspected: Option<&Inspected>) -> Option<Plan> {
        let Some(Inspected::Torn(why)) = inspected else { return None };
        let (ts, _) = id.upgraded_from().filter(|_| !self.is_complete(id))?;
        let its = |base: &V1Base| base.ts == ts && base.seq == id.sequence_no && !self.made.has_base(base);
        let file = self.v1.files.iter().find(|file| file.parsed().as_ref().is_some_and(its))?;
        let mut row = row(id, Outcome::Kept);
        row.v1_name = file.name.to_string();
        row.v1_state = Some(file.state);
        row.detail = format!("its V2 task is not whole: {why}; its V1 file is used");
        Some(Plan { steps: Vec::new(), row })
    }

    /// The V1 base of a task born in V2: the one that an earlier attempt chose, or the first that is free.
    fn choose(&mut self, id: &V2Id, whole: &WholeTask) -> Result<V1Base> {
        if let Some(base) = self.scan.carrying.get(id) {
            return Ok(base.clone());
        }
        // Names are given in one order, whatever failed on the way: a later run would else find its own place taken.
        if let Some(first) = self.nameless.get(&id.sequence_no) {
            return Err(Error::new(
                ErrorKind::RetryLater,
                format!("its V1 name depends on that of {first}, which failed"),
            ));
        }
        let pu = &whole.task.receive_pu;
        let is_taken = |base: &V1Base| {
            self.fixed.contains(&(base.ts, base.seq))
                || self.chosen.contains(base)
                || !states_in(&self.v1, base).is_empty()
                || self.made.has_base(base)
        };
        // Where many have one time, as on a storage that tells none, each search begins where the last one ended.
        let first = (pu.clone(), id.sequence_no, whole.mtime_ms);
        let begin_ms = self.next_free.get(&first).copied().unwrap_or(whole.mtime_ms);
        let free = free_base(pu, id.sequence_no, begin_ms, is_taken).ok_or_else(|| {
            Error::new(ErrorKind::Damaged, format!("no V1 name can be made of its receive_pu {pu:?}"))
        })?;
        self.next_free.insert(first, i64::try_from(free.ts).unwrap_or(begin_ms).saturating_add(1));
        self.chosen.insert(free.clone());
        Ok(free)
    }

    /// Whether V1 holds the task already, in this state and with every field as it would be written.
    fn holds(&self, base: &V1Base, state: StateV1, task: &TaskV1) -> Result<bool> {
        let bytes = self.run.storage().read(&layout::v1_file(base, state), FILE_BYTES_LIMIT)?;
        Ok(self.run.session.codec.decode_v1(&bytes).is_ok_and(|there| there == *task))
    }

    /// The bytes of a V1 task, from which the codec reads the same task again.
    fn encode(&self, task: &TaskV1) -> Result<Vec<u8>> {
        let codec = &*self.run.session.codec;
        let bytes = codec.encode_v1(task)?;
        if codec.decode_v1(&bytes)? == *task {
            return Ok(bytes);
        }
        Err(Error::new(ErrorKind::Internal, "the codec reads another task from the bytes that it wrote"))
    }

    /// The tasks of a complete upgrade that V2 finished and cleared: they become Done, so that nothing runs twice.
    fn cleared(&self) -> Vec<Plan> {
        let mut plans = Vec::new();
        for (id, task) in self.made.all() {
            let marked = self.scan.carried.contains(id) || self.scan.carrying.contains_key(id);
            if marked || self.names.ids.binary_search(id).is_ok() {
                continue;
            }
            let Some(base) = task.base() else { continue };
            let there = states_in(&self.v1, &base);
            // Of several states nothing is guessed: the one that says least is left to the operator.
            let [state] = there.as_slice() else { continue };
            if matches!(state, StateV1::Done | StateV1::Cancel) {
                continue;
            }
            let mut row = row(id, Outcome::Downgraded);
            row.v1_name = V1Name::format(&base, StateV1::Done);
            row.v1_state = Some(StateV1::Done);
            row.detail = format!("V2 finished and cleared it, so {} becomes Done", V1Name::format(&base, *state));
            plans.push(Plan { steps: vec![finish_cleared(&base, *state)], row });
        }
        plans
    }

    fn drop_what_v1_cannot_hold(&mut self, whole: &WholeTask) -> String {
        let mut dropped = dropped_by_v1(&whole.task);
        let has = |prefix: &str| u64::from(dropped.iter().any(|field| field.starts_with(prefix)));
        self.dropped.place += has("pc_name") | has("executenode");
        self.dropped.memo += has("memo");
        self.dropped.sync += has("sync_task_flag");
        self.dropped.optimizat += has("optimizat");
        dropped.extend(whole.others.iter().map(|name| format!("the entry {name} of its folder")));
        if dropped.is_empty() {
            return String::new();
        }
        format!("V1 cannot hold {}", dropped.join(", "))
    }

    fn warn_of_what_is_dropped(&mut self) {
        let Dropped { place, memo, sync, optimizat } = self.dropped;
        let counts =
            [(place, "its PC and node"), (memo, "its memo"), (sync, "its sync flag"), (optimizat, "its optimizat")];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            self.run.warn(format!("V1 cannot hold of {count} tasks {what}; the report lists them"));
        }
    }

    fn finish(&mut self, row: Row) {
        let counts = &mut self.run.report.counts;
        counts.left -= 1;
        if row.outcome == Outcome::Kept {
            counts.skipped += 1;
        } else {
            counts.converted += 1;
        }
        self.done += 1;
        self.run.session.log.debug(format_args!("{} is {} again", row.v2_id, row.v1_name));
        self.run.report.push(row);
    }

    fn planned(&mut self, plan: Plan) {
        let Plan { steps, mut row } = plan;
        row.actions = actions(&steps);
        let counts = &mut self.run.report.counts;
        counts.left -= 1;
        if row.outcome == Outcome::Kept {
            counts.skipped += 1;
            row.outcome = Outcome::WouldKeep;
        } else {
            counts.converted += 1;
            row.outcome = Outcome::WouldDowngrade;
        }
        self.done += 1;
        self.run.report.push(row);
    }

    fn fail(&mut self, mut row: Row, error: &Error) {
        self.run.session.log.error(format_args!("{}: {error}", row.v2_id));
        row.outcome = if self.run.options.plan { Outcome::WouldFail } else { Outcome::Failed };
        row.detail = error.to_string();
        self.run.report.counts.left -= 1;
        self.run.report.counts.failed += 1;
        self.run.report.push(row);
    }

    /// It stays counted as left: V1 does not get it.
    fn lose(&mut self, id: &V2Id, error: &Error) {
        let mut row = row(id, if self.run.options.plan { Outcome::WouldLose } else { Outcome::Lost });
        row.detail = error.to_string();
        self.run.session.log.error(format_args!("{id} is lost by force: {error}"));
        self.run.report.push(row);
    }
}

fn row(id: &V2Id, outcome: Outcome) -> Row {
    let mut row = Row::new("", outcome);
    row.v2_id = id.to_string();
    row
}

/// Whether an error says something of the task, and not of the storage or the host.
fn of_this_task(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Damaged | ErrorKind::Corrupt | ErrorKind::TooLarge | ErrorKind::InvalidArgument)
}
