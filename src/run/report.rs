//! What a run says when it ends: counts, the tasks that deserve a line, and what to do next.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::context::plural;
use super::lock_file::LockHolder;
use super::picture::Seen;
use crate::error::Error;
use crate::plan::phase::{Operation, Phase};
use crate::plan::recovery::RecoveryMode;
use crate::task::{StateV1, StateV2};

/// The name and version of the JSON form; the schema is `docs/report.schema.json`.
pub const REPORT_FORMAT: &str = "comptask-upgrade/report/1";

/// How many tasks that went well are listed one by one. Those that failed, were cancelled or need a look, and all of a
/// plan, are always listed.
pub const ROWS_LIMIT: usize = 10_000;

/// How many lines of one kind the summary shows.
const SUMMARY_LINES: usize = 20;

/// What became of a task in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Outcome {
    /// It is a V2 task now.
    #[serde(rename = "converted")]
    Converted,
    /// It was converted before.
    #[serde(rename = "skipped")]
    Skipped,
    /// It is a V2 task in state Cancel, since no place was found for it.
    #[serde(rename = "cancelled")]
    Cancelled,
    /// It failed.
    #[serde(rename = "failed")]
    Failed,
    /// It is still to be done.
    #[serde(rename = "left")]
    Left,
    /// A run would convert it.
    #[serde(rename = "would convert")]
    WouldConvert,
    /// A run would convert it to state Cancel.
    #[serde(rename = "would cancel")]
    WouldCancel,
    /// A run would fail on it.
    #[serde(rename = "would fail")]
    WouldFail,
    /// A run would skip it.
    #[serde(rename = "would skip")]
    WouldSkip,
    /// The V1 file and the V2 task are not the same task any more.
    #[serde(rename = "differs")]
    Differs,
    /// It turned up, or changed, after the upgrade was complete.
    #[serde(rename = "new")]
    New,
    /// Its V1 file is written from V2.
    #[serde(rename = "downgraded")]
    Downgraded,
    /// Its V1 file stays as it is.
    #[serde(rename = "kept")]
    Kept,
    /// V1 does not get it, by force.
    #[serde(rename = "lost")]
    Lost,
    /// A run would write its V1 file from V2.
    #[serde(rename = "would downgrade")]
    WouldDowngrade,
    /// A run would leave its V1 file as it is.
    #[serde(rename = "would keep")]
    WouldKeep,
    /// A run would lose it, by force.
    #[serde(rename = "would lose")]
    WouldLose,
}

impl Outcome {
    /// The outcome's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Converted => "converted",
            Self::Skipped => "skipped",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Left => "left",
            Self::WouldConvert => "would convert",
            Self::WouldCancel => "would cancel",
            Self::WouldFail => "would fail",
            Self::WouldSkip => "would skip",
            Self::Differs => "differs",
            Self::New => "new",
            Self::Downgraded => "downgraded",
            Self::Kept => "kept",
            Self::Lost => "lost",
            Self::WouldDowngrade => "would downgrade",
            Self::WouldKeep => "would keep",
            Self::WouldLose => "would lose",
        }
    }
}

/// A task that the report lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The V1 file's name.
    pub v1_name: String,
    /// The V2 id; empty where it has none.
    pub v2_id: String,
    /// The PC; may be empty.
    pub pc: String,
    /// The node; may be empty.
    pub node: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in words; empty where nothing needs saying.
    pub detail: String,
    /// The state that its V1 name says.
    pub v1_state: Option<StateV1>,
    /// Its V2 state.
    pub v2_state: Option<StateV2>,
    /// In a plan: what a run would do, step by step.
    pub actions: Vec<String>,
}

impl Row {
    /// A row with an outcome and nothing else said.
    pub fn new(v1_name: &str, outcome: Outcome) -> Self {
        Self {
            v1_name: v1_name.to_owned(),
            v2_id: String::new(),
            pc: String::new(),
            node: String::new(),
            outcome,
            detail: String::new(),
            v1_state: None,
            v2_state: None,
            actions: Vec::new(),
        }
    }
}

/// How many tasks ended how. The total is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Every V1 task seen.
    pub total: u64,
    /// Converted by this run, or, in a plan, to be converted.
    pub converted: u64,
    /// Converted before.
    pub skipped: u64,
    /// Converted to state Cancel since no place was found.
    pub cancelled: u64,
    /// Failed.
    pub failed: u64,
    /// Still to be done.
    pub left: u64,
}

/// The tasks of a tree by their state, in the order Init, Assigned or Running, Cancel, Done.
pub type ByState = [u64; 4];

/// What a run says when it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was run.
    pub operation: Operation,
    /// Whether it was a plan.
    pub plan: bool,
    /// The run's name.
    pub run: String,
    /// Where the tree lies.
    pub root: String,
    /// The phase after the run; before it, in a plan.
    pub phase: Phase,
    /// No phase fits the trees, so `phase` says nothing.
    pub no_phase: bool,
    /// What came of it, in a sentence.
    pub headline: String,
    /// What an operator does now.
    pub next_action: String,
    /// How many tasks ended how.
    pub counts: Counts,
    /// V1 tasks by state, where they were listed.
    pub v1_states: ByState,
    /// V2 tasks in all, where they were listed.
    pub v2_tasks: u64,
    /// V2 tasks that have a manager file and so are not finished, where STATUS counted them.
    pub v2_open: u64,
    /// What each operation would do now, where STATUS tells it.
    pub choices: Vec<(Operation, String)>,
    /// The tasks that deserve a line.
    pub rows: Vec<Row>,
    /// Tasks that went well and are not listed, since there are over [`ROWS_LIMIT`].
    pub rows_left_out: u64,
    /// What an operator should know.
    pub warnings: Vec<String>,
    /// Files that no rule of the layout explains.
    pub unknown: Vec<String>,
    /// What earlier runs left, to be cleared by the next one.
    pub leftovers: Vec<String>,
    /// What a plan would do beside the tasks, in order; what a DELETE removes.
    pub actions: Vec<String>,
    /// Nodes that started since the upgrade was complete.
    pub started_nodes: Vec<String>,
    /// Who holds the lock, as the tree says.
    pub lock_holder: Option<LockHolder>,
    /// Pairs compared by a verify.
    pub verified: u64,
    /// How a RECOVERY goes back, once that is decided.
    pub recovery_mode: Option<RecoveryMode>,
    /// When it began, RFC 3339 in UTC.
    pub begun: String,
    /// When it ended.
    pub finished: String,
    /// What a STATUS saw of the trees, for the picture.
    pub(super) seen: Option<Box<Seen>>,
}

#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    library: &'static str,
    operation: &'static str,
    plan: bool,
    run: &'a str,
    root: &'a str,
    begun: &'a str,
    finished: &'a str,
    phase: Option<&'static str>,
    result: ResultDocument<'a>,
    headline: &'a str,
    next_action: &'a str,
    counts: Counts,
    v1_states: States,
    v2_tasks: u64,
    v2_open: u64,
    verified: u64,
    choices: BTreeMap<&'static str, &'a str>,
    recovery_mode: Option<&'static str>,
    lock_holder: Option<&'a LockHolder>,
    started_nodes: &'a [String],
    warnings: &'a [String],
    unknown: &'a [String],
    leftovers: &'a [String],
    actions: &'a [String],
    tasks: Vec<RowDocument<'a>>,
    tasks_left_out: u64,
}

#[derive(Serialize)]
struct ResultDocument<'a> {
    code: i32,
    name: &'static str,
    message: &'a str,
    path: &'a str,
    task: &'a str,
    next_action: &'a str,
}

#[derive(Serialize)]
#[allow(non_snake_case, reason = "the names of the states, as the names of files spell them")]
struct States {
    Init: u64,
    Assigned: u64,
    Cancel: u64,
    Done: u64,
}

#[derive(Serialize)]
struct RowDocument<'a> {
    v1_name: &'a str,
    v1_state: Option<&'static str>,
    v2_id: &'a str,
    v2_state: Option<&'static str>,
    pc: &'a str,
    node: &'a str,
    outcome: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    actions: &'a [String],
}

impl Report {
    /// An empty report of a run.
    pub(super) fn new(operation: Operation, plan: bool, run: &str, root: String, begun: &str) -> Self {
        Self {
            operation,
            plan,
            run: run.to_owned(),
            root,
            phase: Phase::Empty,
            no_phase: false,
            headline: String::new(),
            next_action: String::new(),
            counts: Counts::default(),
            v1_states: ByState::default(),
            v2_tasks: 0,
            v2_open: 0,
            choices: Vec::new(),
            rows: Vec::new(),
            rows_left_out: 0,
            warnings: Vec::new(),
            unknown: Vec::new(),
            leftovers: Vec::new(),
            actions: Vec::new(),
            started_nodes: Vec::new(),
            lock_holder: None,
            verified: 0,
            recovery_mode: None,
            begun: begun.to_owned(),
            finished: String::new(),
            seen: None,
        }
    }

    /// What a STATUS has seen so far of the trees.
    pub(super) fn seen(&mut self) -> &mut Seen {
        self.seen.get_or_insert_default()
    }

    /// What came of the run, in which phase, and so what an operator does now.
    pub(super) fn conclude(&mut self, phase: Phase, headline: impl Into<String>) {
        self.phase = phase;
        self.headline = headline.into();
        phase.next_action().clone_into(&mut self.next_action);
    }

    /// Lists a task, unless it went well and enough of those are listed.
    pub(super) fn push(&mut self, row: Row) {
        let went_well = match row.outcome {
            Outcome::Converted | Outcome::Skipped => row.detail.is_empty(),
            // Their detail says what V1 cannot hold, which the warnings count.
            Outcome::Downgraded | Outcome::Kept => {
                !["memo", "sync_task_flag"].iter().any(|word| row.detail.contains(word))
            }
            _ => false,
        };
        if went_well && self.rows.len() >= ROWS_LIMIT {
            self.rows_left_out += 1;
        } else {
            self.rows.push(row);
        }
    }

    /// The report as JSON, with how the run ended.
    pub fn to_json(&self, error: Option<&Error>) -> String {
        let [init, assigned, cancel, done] = self.v1_states;
        let document = Document {
            format: REPORT_FORMAT,
            library: env!("CARGO_PKG_VERSION"),
            operation: self.operation.word(),
            plan: self.plan,
            run: &self.run,
            root: &self.root,
            begun: &self.begun,
            finished: &self.finished,
            phase: (!self.no_phase).then(|| self.phase.word()),
            result: ResultDocument {
                code: error.map_or(0, |error| error.kind().code()),
                name: error.map_or("CTU_OK", |error| error.kind().c_name()),
                message: error.map_or("", Error::message),
                path: error.map_or("", Error::path),
                task: error.map_or("", Error::task),
                next_action: error.map_or(&self.next_action, Error::next_action),
            },
            headline: &self.headline,
            next_action: &self.next_action,
            counts: self.counts,
            v1_states: States { Init: init, Assigned: assigned, Cancel: cancel, Done: done },
            v2_tasks: self.v2_tasks,
            v2_open: self.v2_open,
            choices: self.choices.iter().map(|(operation, text)| (operation.word(), text.as_str())).collect(),
            verified: self.verified,
            recovery_mode: self.recovery_mode.map(RecoveryMode::word),
            lock_holder: self.lock_holder.as_ref(),
            started_nodes: &self.started_nodes,
            warnings: &self.warnings,
            unknown: &self.unknown,
            leftovers: &self.leftovers,
            actions: &self.actions,
            tasks: self.rows.iter().map(RowDocument::new).collect(),
            tasks_left_out: self.rows_left_out,
        };
        serde_json::to_string_pretty(&document).unwrap_or_else(|error| format!("{{\"format\":\"{error}\"}}"))
    }

    /// A few lines for a person.
    pub fn summary(&self) -> String {
        self.lines_for_a_person(&self.rows_to_show())
    }

    /// The same without its lines about single tasks, for a host that shows those in a way of its own.
    pub fn overview(&self) -> String {
        self.lines_for_a_person(&[])
    }

    fn lines_for_a_person(&self, tasks: &[String]) -> String {
        let mut text = String::new();
        let plan = if self.plan { " (plan: nothing is written)" } else { "" };
        push_line(&mut text, format_args!("{}{plan}: {}", self.operation.word(), self.headline));
        push_line(&mut text, format_args!("  root      {}", self.root));
        push_line(
            &mut text,
            format_args!("  phase     {}", if self.no_phase { "none fits" } else { self.phase.word() }),
        );
        if self.counts.total > 0 {
            let Counts { total, converted, skipped, cancelled, failed, left } = self.counts;
            let counts = match (self.operation, self.plan) {
                // What a RECOVERY counts is in V2, and in its headline.
                (Operation::Status, _) if self.phase == Phase::Recovering => format!("{total} in V1"),
                (Operation::Status, _) => format!("{total} in V1: {skipped} done, {left} left, {failed} failed"),
                (Operation::Recovery, plan) => recovery_counts(self.recovery_mode, plan, self.counts),
                (Operation::Delete, true) => format!("{total} to delete"),
                (Operation::Delete, false) if self.phase == Phase::Upgraded => format!("{total} in V1"),
                (Operation::Delete, false) => format!("{total} deleted with the V1 tree"),
                (_, false) => format!(
                    "{total}: {converted} converted, {cancelled} cancelled, {skipped} skipped, {failed} failed, {left} left"
                ),
                (_, true) => format!(
                    "{total}: {converted} to convert, {cancelled} to cancel, {skipped} to skip, {failed} to fail, {left} left"
                ),
            };
            push_line(&mut text, format_args!("  tasks     {counts}"));
        }
        if self.v1_states.iter().sum::<u64>() > 0 {
            let [init, assigned, cancel, done] = self.v1_states;
            push_line(
                &mut text,
                format_args!("  V1 states {init} Init, {assigned} Assigned, {cancel} Cancel, {done} Done"),
            );
        }
        if self.v2_tasks > 0 {
            let open =
                if self.operation == Operation::Status { format!(", {} open", self.v2_open) } else { String::new() };
            push_line(&mut text, format_args!("  V2 tasks  {}{open}", self.v2_tasks));
        }
        if self.verified > 0 {
            let different = self.rows.iter().filter(|row| row.outcome == Outcome::Differs).count();
            let pairs = match different {
                0 => format!("{} pair{}", self.verified, plural(self.verified)),
                _ => format!("{} pair{}, {different} differ", self.verified, plural(self.verified)),
            };
            push_line(&mut text, format_args!("  verified  {pairs}"));
        }
        if let Some(holder) = &self.lock_holder {
            push_line(&mut text, format_args!("  lock      {holder}"));
        }
        let started = self.started_nodes.iter().map(|node| format!("started since: {node}"));
        list(&mut text, "nodes", started.collect::<Vec<_>>().as_slice());
        list(&mut text, "action", &self.actions);
        list(&mut text, "task", tasks);
        list(&mut text, "warning", &self.warnings);
        list(&mut text, "unknown", &self.unknown);
        list(&mut text, "leftover", &self.leftovers);
        let choices = self.choices.iter().map(|(operation, choice)| format!("{}: {choice}", operation.word()));
        list(&mut text, "can", choices.collect::<Vec<_>>().as_slice());
        if !self.next_action.is_empty() {
            push_line(&mut text, format_args!("  next      {}", self.next_action));
        }
        text
    }

    /// What needs a look comes first; tasks that went well are told by the counts, except in a plan.
    fn rows_to_show(&self) -> Vec<String> {
        let rank = |row: &Row| match row.outcome {
            Outcome::Failed
            | Outcome::WouldFail
            | Outcome::Differs
            | Outcome::New
            | Outcome::Lost
            | Outcome::WouldLose => 0,
            Outcome::Downgraded | Outcome::Kept if !self.plan => 3,
            Outcome::Cancelled | Outcome::WouldCancel => 1,
            Outcome::Converted | Outcome::Skipped | Outcome::Left if !self.plan && row.detail.is_empty() => 3,
            _ => 2,
        };
        let mut rows: Vec<&Row> = self.rows.iter().filter(|row| rank(row) < 3).collect();
        rows.sort_by_key(|row| rank(row));
        rows.into_iter().map(Row::text).collect()
    }
}

impl<'a> RowDocument<'a> {
    fn new(row: &'a Row) -> Self {
        Self {
            v1_name: &row.v1_name,
            v1_state: row.v1_state.map(StateV1::word),
            v2_id: &row.v2_id,
            v2_state: row.v2_state.map(StateV2::word),
            pc: &row.pc,
            node: &row.node,
            outcome: row.outcome.word(),
            detail: &row.detail,
            actions: &row.actions,
        }
    }
}

impl Row {
    fn text(&self) -> String {
        // One that has no V1 name is known by its V2 id.
        let nameless = self.v1_name.is_empty();
        let name = if nameless { &self.v2_id } else { &self.v1_name };
        let mut text = format!("{name}: {}", self.outcome.word());
        if !self.v2_id.is_empty() && !nameless {
            let state = self.v2_state.map_or("", StateV2::word);
            let _ = write!(text, " -> {} {state}", self.v2_id);
            if !self.pc.is_empty() || !self.node.is_empty() {
                let _ = write!(text, " pc={} node={}", self.pc, self.node);
            }
        }
        if !self.detail.is_empty() {
            let _ = write!(text, ": {}", self.detail);
        }
        for action in &self.actions {
            let _ = write!(text, "\n              {action}");
        }
        text
    }
}

/// How many V2 tasks a RECOVERY found, and what became of them.
fn recovery_counts(mode: Option<RecoveryMode>, plan: bool, counts: Counts) -> String {
    let Counts { total, converted, skipped, failed, left, .. } = counts;
    match (mode, plan) {
        (Some(RecoveryMode::Downgrade), false) => {
            format!("{total}: {converted} written to V1, {skipped} as V1 has them, {failed} failed, {left} left out")
        }
        (Some(RecoveryMode::Downgrade), true) => {
            format!("{total}: {converted} to write to V1, {skipped} as V1 has them, {failed} to fail, {left} left out")
        }
        (_, true) => format!("{total} in V2"),
        (_, false) if left > 0 && skipped > 0 => format!("{total} of V2 taken away, {left} of them lost by force"),
        (_, false) if left > 0 => format!("{total} in V2"),
        (_, false) => format!("{total} of V2 taken away"),
    }
}

fn push_line(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

fn list(text: &mut String, label: &str, lines: &[String]) {
    for line in lines.iter().take(SUMMARY_LINES) {
        let _ = writeln!(text, "  {label:9} {line}");
    }
    if lines.len() > SUMMARY_LINES {
        let _ =
            writeln!(text, "  {label:9} ... and {} more (all of them in the JSON report)", lines.len() - SUMMARY_LINES);
    }
}
