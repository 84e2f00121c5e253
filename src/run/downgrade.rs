//! The downgrade: V2 tasks become V1 tasks, with the state they have now.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use super::context::{plural, Run};
use super::convert::actions;
use super::evidence::{base_of, encode_v1, states_in};
use super::inspect::{inspect, inspect_all, Inspected, WholeTask, INSPECTED_TOGETHER};
use super::made::Made;
use super::options::Stage;
use super::parts::Parts;
use super::recovery_scan::{RecoveryScan, V2Names};
use super::report::{Counts, Outcome, Report, Row};
use super::scan::{MarkScan, V1File, V1Scan, V2Scan};
use super::v1_check::Manifests;
use super::waves::{failures, Batch};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::recovery::{carry, finish_cleared, free_base, Carriage};
use crate::plan::steps::{Step, Taken, Wave};
use crate::storage::{no_answer, Storage};
use crate::task::{dropped_by_v1, to_v1, StateV1, TaskV1, V1Base, V2Id, FILE_BYTES_LIMIT};
use crate::tree::{Change, TreePath};

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
    let marks = MarkScan::read(storage)?;
    let nothing_made = marks.upgraded.is_empty() && marks.in_progress.is_empty() && marks.parts.is_empty();
    let just_begun =
        nothing_made && !there(layout::done())? && there(layout::v1_scheduler())? && !there(layout::v1_deleting())?;
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
    carrier.note_what_failed()?;
    let Counts { failed, total, .. } = carrier.run.report.counts;
    carrier.warn_of_what_is_dropped();
    let fresh = V2Names::read(carrier.run.storage())?;
    if failed == 0 && fresh.ids == carrier.names.ids {
        return Ok(());
    }
    let headline = format!("{failed} of {total} V2 tasks could not be carried to V1");
    run.report.conclude(crate::plan::phase::Phase::Recovering, headline.clone());
    if run.only_unknown_failed() {
        return Err(Error::new(ErrorKind::TasksFailed, headline)
            .advise("run RECOVERY again: it looks at what was done first; there is nothing to mend"));
    }
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
    let mut headline = format!("V2 is V1 again: {converted} V1 tasks written, {skipped} kept as V1 has them");
    if left > 0 {
        headline = format!("{headline}, {left} lost by force");
    }
    headline
}

struct Carrier<'r, 'a> {
    run: &'r mut Run<'a>,
    names: V2Names,
    v2: V2Scan,
    v1: V1Scan,
    /// The places of V1 files by time and sequence number, once something asks for one.
    v1_by_time: OnceCell<HashMap<(u64, i32), usize>>,
    scan: RecoveryScan,
    /// What a complete upgrade made; empty where it is not complete.
    made: Made,
    /// The upgrade is complete, so what V2 says is the truth.
    complete: bool,
    /// A complete upgrade was taken up again: of tasks that no manifest holds yet V1 is the truth.
    reopening: bool,
    /// What an upgrade that is not complete has converted.
    parts: Parts,
    /// V1 was at work while it did.
    online: bool,
    /// Times and sequence numbers of V2 tasks whose V1 names are fixed.
    fixed: HashSet<(u64, i32)>,
    /// V1 bases of tasks born in V2, chosen now.
    chosen: HashSet<V1Base>,
    /// Tasks that were there as the RECOVERY began, and are not any more.
    vanished: Vec<(V2Id, Error)>,
    /// Tasks that failed in this run.
    failed: Vec<V2Id>,
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
    /// Nothing becomes of it where this file holds this task already.
    unless: Option<(TreePath, TaskV1)>,
}

impl Plan {
    /// A task of which nothing is made.
    fn kept(row: Row) -> Self {
        Self { steps: Vec::new(), row, unless: None }
    }
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
        let marks = MarkScan::read(storage)?;
        let parts = Parts::read(storage, &marks)?;
        let names = V2Names::read(storage)?;
        let v2 = V2Scan::read(storage)?;
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
            v2,
            v1,
            v1_by_time: OnceCell::new(),
            scan,
            made,
            complete,
            reopening,
            parts,
            online: marks.online,
            fixed,
            chosen,
            vanished: Vec::new(),
            failed: Vec::new(),
            next_free: HashMap::new(),
            nameless: HashMap::new(),
            fence,
            done: 0,
            dropped: Dropped::default(),
        })
    }

    fn carry_all(&mut self) -> Result<()> {
        let mut cleared = self.cleared();
        self.warn_of_cleared(cleared.len());
        self.begin_count(cleared.len());
        self.run.stage(Stage::Convert);
        self.judge_vanished();
        let ids = std::mem::take(&mut self.names.ids);
        for group in ids.chunks(INSPECTED_TOGETHER) {
            self.run.check_cancelled()?;
            self.run.probe()?;
            let mut plans = self.plan_group(group);
            self.run.check_cancelled()?;
            self.carry(&Wave::CARRYING, &mut plans)?;
            for plan in plans {
                self.finish(plan.row);
            }
            self.report_progress(group.last());
        }
        self.names.ids = ids;
        while !cleared.is_empty() {
            self.run.check_cancelled()?;
            self.run.probe()?;
            let mut plans = cleared.split_off(cleared.len().saturating_sub(INSPECTED_TOGETHER));
            self.carry(&[Wave::Place], &mut plans)?;
            for plan in plans {
                self.finish(plan.row);
            }
            self.report_progress(None);
        }
        Ok(())
    }

    fn plan_all(&mut self) -> Result<()> {
        let cleared = self.cleared();
        self.warn_of_cleared(cleared.len());
        self.begin_count(cleared.len());
        self.run.stage(Stage::Convert);
        self.judge_vanished();
        let ids = std::mem::take(&mut self.names.ids);
        for group in ids.chunks(INSPECTED_TOGETHER) {
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

    fn warn_of_cleared(&mut self, count: usize) {
        if count > 0 {
            self.run.warn(format!(
                "upgraded tasks that are not in V2 any more become Done in V1, taken as finished there: {count}; the report \
                 lists them"
            ));
        }
    }

    fn begin_count(&mut self, cleared: usize) {
        let total = (self.names.ids.len() + cleared + self.vanished.len()) as u64;
        self.run.report.counts = Counts { total, left: total, ..Counts::default() };
    }

    fn report_progress(&mut self, last: Option<&V2Id>) {
        let last = last.map_or_else(String::new, ToString::to_string);
        self.run.progress(Stage::Convert, self.done, &last);
    }

    /// A group through these waves: a task whose step fails leaves it.
    fn carry(&mut self, waves: &[Wave], plans: &mut Vec<Plan>) -> Result<()> {
        let mut batch = Batch::new();
        for (place, plan) in plans.iter_mut().enumerate() {
            batch.take(place, waves, &mut plan.steps);
        }
        for (place, error) in failures(self.run.waves().apply(batch)?).into_iter().rev() {
            let plan = plans.remove(place);
            self.fail(plan.row, &error);
        }
        Ok(())
    }

    fn plan_group(&mut self, group: &[V2Id]) -> Vec<Plan> {
        let mut plans = Vec::with_capacity(group.len());
        let to_carry: Vec<V2Id> = group.iter().filter(|id| !self.scan.carried.contains(*id)).cloned().collect();
        let run = &*self.run;
        let mut inspected = inspect_all(run.storage(), &*run.session.codec, &to_carry, run.in_flight()).into_iter();
        for id in group {
            if self.scan.carried.contains(id) {
                let mut row = row(id, Outcome::Kept);
                "carried by an earlier run".clone_into(&mut row.detail);
                plans.push(Plan::kept(row));
                continue;
            }
            match self.plan(id, inspected.next().unwrap_or_else(|| Err(no_answer()))) {
                Ok(plan) => plans.push(plan),
                Err(error) => {
                    let lost = self.judge(id, &error);
                    if !lost && id.upgraded_from().is_none() {
                        self.nameless.entry(id.sequence_no).or_insert_with(|| id.clone());
                    }
                }
            }
        }
        self.keep_what_v1_holds(&mut plans);
        plans
    }

    fn judge_vanished(&mut self) {
        for (id, error) in std::mem::take(&mut self.vanished) {
            self.judge(&id, &error);
        }
    }

    /// A task that cannot be carried fails, and is lost by force where it was named as one before: by the refusal that
    /// force answers, or by the report of an earlier run. Gives whether it is lost.
    fn judge(&mut self, id: &V2Id, error: &Error) -> bool {
        let in_plan = self.run.options.plan && !self.scan.begun;
        let named = in_plan || self.scan.failed.contains(id);
        let lost = self.run.options.force && named && !stops_the_run(error.kind());
        if lost {
            self.lose(id, error);
        } else {
            self.fail(row(id, Outcome::Failed), error);
        }
        lost
    }

    /// Notes durably which tasks failed, so that force means them and no other.
    fn note_what_failed(&mut self) -> Result<()> {
        let failed = std::mem::take(&mut self.failed);
        for id in failed.iter().filter(|id| !self.scan.failed.contains(*id)) {
            let staged = self.fence.join(&layout::mark_failed_name(id));
            let waves = self.run.waves();
            waves.create(&staged, Vec::new())?;
            let mark = layout::recovery().join(&layout::mark_failed_name(id));
            waves.one(&Change::Rename { from: staged, to: mark }, Taken::Same)?;
        }
        Ok(())
    }

    /// What becomes of one V2 task.
    fn plan(&mut self, id: &V2Id, inspected: Result<Option<Inspected>>) -> Result<Plan> {
        let at = |error: Error| error.of_task(id).at(layout::main_task(id));
        let inspected = inspected.map_err(at)?;
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
        let own_base = match by_name {
            Some(base) => Some(base),
            None => self.base_by_shape(id, &whole.task.receive_pu).map_err(at)?,
        };
        let born = own_base.is_none();
        let base = match own_base {
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
            return Ok(Plan::kept(row));
        }
        if there.is_empty() && !born && !self.is_complete(id) && self.online {
            row.outcome = Outcome::Kept;
            "V1 finished and cleared it while an online upgrade ran".clone_into(&mut row.detail);
            return Ok(Plan::kept(row));
        }
        let state = whole.state.downgraded();
        let task = to_v1(&whole.task, &base, state);
        row.v1_name = V1Name::format(&base, state);
        row.v1_state = Some(state);
        row.detail = self.drop_what_v1_cannot_hold(&whole);
        let unless = (there == [state]).then(|| (layout::v1_file(&base, state), task.clone()));
        let bytes = encode_v1(&*self.run.session.codec, &task).map_err(at)?;
        let replaces = there.into_iter().collect();
        let number = self.run.next_number();
        let steps =
            carry(Carriage { id: id.clone(), base, state, bytes, replaces }, &self.fence, number).map_err(at)?;
        Ok(Plan { steps, row, unless })
    }

    /// Leaves the tasks alone that V1 holds already, in this state and with every field as it would be written. A file that
    /// cannot be read holds nothing.
    fn keep_what_v1_holds(&self, plans: &mut [Plan]) {
        let paths: Vec<TreePath> = plans.iter().filter_map(|plan| Some(plan.unless.as_ref()?.0.clone())).collect();
        let mut read = self.run.storage().read_batch(&paths, FILE_BYTES_LIMIT, self.run.in_flight()).into_iter();
        for plan in plans {
            let Some((_, task)) = plan.unless.take() else { continue };
            let bytes = read.next().and_then(Result::ok);
            let there = bytes.and_then(|bytes| self.run.session.codec.decode_v1(&bytes).ok());
            if there.is_some_and(|there| there == task) {
                plan.steps.clear();
                plan.row.outcome = Outcome::Kept;
            }
        }
    }

    /// The V1 base that the shape of an id says, where the task is the one that has it: a manifest or a part says so, or
    /// else it is the first V2 task of its PU with that time and sequence number. Another one was born in V2.
    fn base_by_shape(&self, id: &V2Id, pu: &str) -> Result<Option<V1Base>> {
        let Some(base) = base_of(id, pu).filter(|base| !self.made.has_base(base)) else { return Ok(None) };
        let Some((ts, ordinal)) = id.upgraded_from() else { return Ok(None) };
        if let Some(line) = self.parts.lines.get(&*base.to_string()) {
            return Ok((line.ordinal == ordinal).then_some(base));
        }
        for earlier in self.v2.ordinals(ts, id.sequence_no).take_while(|earlier| *earlier < ordinal) {
            let earlier = base.v2_id(earlier)?;
            if self.made.has(&earlier) {
                continue;
            }
            if let Some(Inspected::Whole(whole)) = inspect(self.run.storage(), &*self.run.session.codec, &earlier)? {
                if whole.task.receive_pu == pu {
                    return Ok(None);
                }
            }
        }
        Ok(Some(base))
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
        let file = self
            .first_v1_file(ts, id.sequence_no)
            .filter(|file| file.parsed().is_some_and(|base| !self.made.has_base(&base)))?;
        let mut row = row(id, Outcome::Kept);
        row.v1_name = file.name.to_string();
        row.v1_state = Some(file.state);
        row.detail = format!("its V2 task is not whole: {why}; its V1 file is used");
        Some(Plan::kept(row))
    }

    /// The first V1 file of a time and a sequence number.
    fn first_v1_file(&self, ts: u64, seq: i32) -> Option<&V1File> {
        let places = self.v1_by_time.get_or_init(|| {
            let keyed = self.v1.files.iter().enumerate().rev();
            keyed.filter_map(|(place, file)| file.parsed().map(|base| ((base.ts, base.seq), place))).collect()
        });
        places.get(&(ts, seq)).and_then(|place| self.v1.files.get(*place))
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

    /// The tasks of a complete upgrade that V2 finished and cleared: they become Done, so that nothing runs twice. Those
    /// are meant that were gone as the RECOVERY began; one that went later was taken away by somebody.
    fn cleared(&mut self) -> Vec<Plan> {
        let mut plans = Vec::new();
        let mut vanished = Vec::new();
        for (id, task) in self.made.all() {
            let marked = self.scan.carried.contains(id) || self.scan.carrying.contains_key(id);
            if marked || self.names.ids.binary_search(id).is_ok() {
                continue;
            }
            if self.scan.begun && !self.scan.cleared.contains(id) {
                vanished.push(id.clone());
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
            plans.push(Plan { steps: vec![finish_cleared(&base, *state)], row, unless: None });
        }
        for id in vanished {
            let what = "its V2 task vanished since the RECOVERY began, and nothing says what became of it";
            let error = Error::new(ErrorKind::Damaged, what).of_task(&id).at(layout::main_task(&id));
            self.vanished.push((id, error));
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
        let counts = [(place, "PC and node"), (memo, "the memo"), (sync, "the sync flag"), (optimizat, "optimizat")];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            self.run.warn(format!("V1 cannot hold {what} of {count} task{}; the report lists them", plural(count)));
        }
    }

    fn finish(&mut self, row: Row) {
        let counts = &mut self.run.report.counts;
        counts.left -= 1;
        if row.outcome == Outcome::Kept {
            counts.skipped += 1;
        } else {
            counts.converted += 1;
            self.done += 1;
        }
        self.run.session.log.debug(format_args!("{} is {} again", row.v2_id, row.v1_name));
        self.run.report.push(row);
    }

    fn planned(&mut self, plan: Plan) {
        let Plan { steps, mut row, .. } = plan;
        row.actions = actions(&steps);
        let counts = &mut self.run.report.counts;
        counts.left -= 1;
        if row.outcome == Outcome::Kept {
            counts.skipped += 1;
            row.outcome = Outcome::WouldKeep;
        } else {
            counts.converted += 1;
            self.done += 1;
            row.outcome = Outcome::WouldDowngrade;
        }
        self.run.report.push(row);
    }

    fn fail(&mut self, mut row: Row, error: &Error) {
        self.run.session.log.error(format_args!("{}: {error}", row.v2_id));
        self.run.note_failure(error);
        row.outcome = if self.run.options.plan { Outcome::WouldFail } else { Outcome::Failed };
        row.detail = error.to_string();
        self.run.report.counts.left -= 1;
        self.run.report.counts.failed += 1;
        self.failed.extend(V2Id::parse(&row.v2_id));
        self.run.report.push(row);
    }

    /// It stays counted as left: V1 does not get it.
    fn lose(&mut self, id: &V2Id, error: &Error) {
        let mut row = row(id, if self.run.options.plan { Outcome::WouldLose } else { Outcome::Lost });
        let has_old_file = id.upgraded_from().is_some_and(|(ts, _)| self.first_v1_file(ts, id.sequence_no).is_some());
        let old_file = if has_old_file { "; an old V1 file of its time is used as it is" } else { "" };
        row.detail = format!("{error}{old_file}");
        self.run.session.log.error(format_args!("{id} is lost by force: {error}"));
        self.run.report.push(row);
    }
}

fn row(id: &V2Id, outcome: Outcome) -> Row {
    let mut row = Row::new("", outcome);
    row.v2_id = id.to_string();
    row
}

/// Whether an error says nothing of one task, so that none is lost for it.
fn stops_the_run(kind: ErrorKind) -> bool {
    use ErrorKind::{Busy, Cancelled, LockLost, LockService, OutcomeUnknown, Quota, RetryLater};
    matches!(kind, Busy | Cancelled | LockLost | LockService | OutcomeUnknown | Quota | RetryLater)
}
