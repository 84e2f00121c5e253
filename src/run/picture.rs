//! The two trees as STATUS saw them, drawn as the seed draws them: what is there, how much of it, and what it means.

use std::cmp::Reverse;
use std::fmt::Write as _;

use super::recovery_scan::RecoveryScan;
use super::report::Report;
use super::scan::MarkScan;
use super::trees::Trees;
use super::v1_check::BesideV1Tasks;
use crate::layout::{self, shapes};
use crate::plan::phase::{Operation, Phase};
use crate::plan::recovery::RecoveryMode;
use crate::task::StateV1;
use crate::tree::TreePath;

/// How many things of one kind are drawn one by one: nodes, runs, unknown files.
const DRAWN_LIMIT: usize = 10;

/// Beyond this column a long name pushes what is said of it to the right, and that of no other.
const NAMES_COLUMN_LIMIT: usize = 60;

const LEFT_OVER: &str = "left over; the next run clears it";

/// What STATUS saw of the trees, beside what stands in the report.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Seen {
    pub(super) trees: Trees,
    /// The tasks are counted; without that a count of 0 says nothing.
    pub(super) counted: bool,
    pub(super) beside_v1: BesideV1Tasks,
    /// The folders of nodes in V2, and how many manager files each holds.
    pub(super) nodes: Vec<(String, u64)>,
    pub(super) marks: Option<MarksSeen>,
    /// The names of the manifests in the done folder.
    pub(super) manifests: Vec<String>,
    pub(super) recovery: Option<RecoverySeen>,
}

/// How many marks of which kind lie in `Taskupgrade`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MarksSeen {
    upgraded: usize,
    in_progress: usize,
    parts: usize,
    online: bool,
}

impl From<&MarkScan> for MarksSeen {
    fn from(marks: &MarkScan) -> Self {
        let (upgraded, in_progress) = (marks.upgraded.len(), marks.in_progress.len());
        Self { upgraded, in_progress, parts: marks.parts.len(), online: marks.online }
    }
}

/// What a RECOVERY under way has noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RecoverySeen {
    mode: Option<RecoveryMode>,
    begun: bool,
    all_carried: bool,
    carrying: usize,
    carried: usize,
    failed: usize,
    cleared: usize,
}

impl From<&RecoveryScan> for RecoverySeen {
    fn from(scan: &RecoveryScan) -> Self {
        Self {
            mode: scan.mode,
            begun: scan.begun,
            all_carried: scan.all_carried,
            carrying: scan.carrying.len(),
            carried: scan.carried.len(),
            failed: scan.failed.len(),
            cleared: scan.cleared.len(),
        }
    }
}

impl Report {
    /// The two trees as a STATUS saw them: each name that is there, how often, and what it means, a line each. Empty for
    /// the other operations.
    pub fn picture(&self) -> String {
        match &self.seen {
            Some(seen) if self.operation == Operation::Status => drawn(self, seen),
            _ => String::new(),
        }
    }
}

fn drawn(report: &Report, seen: &Seen) -> String {
    let mut root = Node::new(layout::ROOT);
    root.note.clone_from(&report.root);
    draw_v1(&mut root, report, seen);
    if seen.trees.v1_deleting {
        root.say(&layout::v1_deleting(), "what a DELETE has still to remove of V1");
    }
    if seen.trees.v2 {
        root.say(&layout::v2(), "V2, the layout of the new version");
        draw_lock(&mut root, report, seen);
        draw_marks(&mut root, report, seen);
        draw_done(&mut root, report, seen);
        draw_v2_tasks(&mut root, report, seen);
        draw_recovery(&mut root, seen);
        draw_staging(&mut root, report, seen);
    }
    for path in report.unknown.iter().take(DRAWN_LIMIT) {
        root.at(path.split('/')).add("unknown: no rule of the layout explains it");
    }
    let mut text = root.text();
    if report.unknown.len() > DRAWN_LIMIT {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "unknown files that are not drawn: {}", report.unknown.len() - DRAWN_LIMIT);
    }
    text
}

fn draw_v1(root: &mut Node, report: &Report, seen: &Seen) {
    if !seen.trees.facts.v1 {
        return;
    }
    root.say(&layout::v1(), "V1, the layout of the old version");
    if seen.beside_v1.scheduler {
        let scheduler = layout::v1_scheduler();
        root.say(&scheduler, &format!("main tasks: {}", report.v1_states.iter().sum::<u64>()));
        for (state, count) in StateV1::ALL.into_iter().zip(report.v1_states).filter(|(_, count)| *count > 0) {
            root.say(&scheduler.join(&shapes::v1_file(state)), &format!("in the state {}: {count}", state.word()));
        }
    }
    if seen.beside_v1.task_assigned {
        let note = format!("sub-tasks, which are not migrated: {}", seen.beside_v1.sub_tasks);
        root.say(&layout::v1_task_assigned(), &note);
    }
}

fn draw_lock(root: &mut Node, report: &Report, seen: &Seen) {
    if seen.trees.lock_file {
        let holder = report.lock_holder.as_ref().map_or("it cannot be read".to_owned(), ToString::to_string);
        root.say(&layout::lock_file(), &format!("says who holds the lock: {holder}"));
    }
}

fn draw_marks(root: &mut Node, report: &Report, seen: &Seen) {
    if !seen.trees.facts.upgrading {
        return;
    }
    let counts = report.counts;
    // A count of what was not looked through would be a count of nothing.
    let how_far = |said: &str| match seen.marks {
        Some(_) if seen.counted => {
            format!("{said}: {} converted, {} failed, {} left", counts.skipped, counts.failed, counts.left)
        }
        _ => said.to_owned(),
    };
    let note = match report.phase {
        _ if report.no_phase => "the marks of an UPGRADE".to_owned(),
        Phase::Upgrading => how_far("an UPGRADE has begun and is not complete"),
        Phase::Reopening => how_far("an UPGRADE that was complete was taken up again"),
        Phase::Upgraded => LEFT_OVER.to_owned(),
        _ => "the marks of an UPGRADE; the operation that is under way clears them".to_owned(),
    };
    let folder = layout::upgrading();
    root.say(&folder, &note);
    if seen.trees.facts.reopen {
        root.say(&layout::reopen(), "it goes on by UPGRADE with reopen");
    }
    let Some(marks) = seen.marks else { return };
    if marks.online {
        root.say(&layout::online(), "V1 was at work meanwhile");
    }
    root.count(&folder.join(&shapes::mark_upgraded()), "tasks that are converted", marks.upgraded);
    let begun = "tasks whose conversion began";
    root.count(&folder.join(&shapes::mark_in_progress()), begun, marks.in_progress);
    root.count(&folder.join(&shapes::part()), "what groups of tasks became", marks.parts);
}

fn draw_done(root: &mut Node, report: &Report, seen: &Seen) {
    if !seen.trees.facts.done {
        return;
    }
    let folder = layout::done();
    root.say(&folder, "the upgrade is complete");
    for manifest in seen.manifests.iter().take(DRAWN_LIMIT) {
        root.say(&folder.join(manifest), "what each task became");
    }
    root.count(&folder.join("..."), "more manifests", seen.manifests.len().saturating_sub(DRAWN_LIMIT));
    for node in report.started_nodes.iter().take(DRAWN_LIMIT) {
        let name = format!("{}{}", layout::STARTED_PREFIX, layout::escape(node));
        root.say(&folder.join(&name), "a node that has started since");
    }
    let more = report.started_nodes.len().saturating_sub(DRAWN_LIMIT);
    root.count(&folder.join(&shapes::started()), "more nodes that have started since", more);
}

fn draw_v2_tasks(root: &mut Node, report: &Report, seen: &Seen) {
    if seen.trees.v2_scheduler {
        let note = if seen.counted {
            format!("main tasks: {}, open: {}", report.v2_tasks, report.v2_open)
        } else {
            "main tasks".to_owned()
        };
        let scheduler = layout::v2_scheduler();
        root.say(&scheduler, &note);
        if report.v2_tasks > 0 {
            let task = scheduler.join(&shapes::main_task());
            root.say(&task, "a task that nodes see");
            root.say(&task.join(&shapes::status()), "its state");
            root.say(&task.join(&shapes::task_info()), "its record");
        }
    }
    if seen.trees.v2_task_assigned {
        let assigned = layout::v2_task_assigned();
        root.say(&assigned, "which node has which open task");
        // Those that have something to do first.
        let mut nodes: Vec<&(String, u64)> = seen.nodes.iter().collect();
        nodes.sort_by_key(|(_, count)| Reverse(*count));
        for (node, count) in nodes.into_iter().take(DRAWN_LIMIT) {
            root.say(&assigned.join(node), &format!("manager files: {count}"));
        }
        root.count(&assigned.join("<node>"), "more nodes", seen.nodes.len().saturating_sub(DRAWN_LIMIT));
    }
}

fn draw_recovery(root: &mut Node, seen: &Seen) {
    let folder = layout::recovery();
    if seen.trees.facts.recovery {
        root.say(&folder, "a RECOVERY is under way");
    }
    if let Some(recovery) = seen.recovery.filter(|_| seen.trees.facts.recovery) {
        if let Some(mode) = recovery.mode {
            root.say(&folder.join(&layout::recovery_mode_name(mode.word())), "how it goes back");
        }
        if recovery.begun {
            root.say(&layout::recovery_begun(), "no node came while it began");
        } else {
            "a RECOVERY was about to begin and has done nothing".clone_into(&mut root.at(folder.components()).note);
        }
        root.count(&folder.join(layout::cleared_name()), "tasks that V2 had finished before", recovery.cleared);
        root.count(&folder.join(&shapes::mark_carrying()), "tasks on their way to V1", recovery.carrying);
        root.count(&folder.join(&shapes::mark_carried()), "tasks that are V1 tasks again", recovery.carried);
        root.count(&folder.join(&shapes::mark_failed()), "tasks that cannot be V1 tasks", recovery.failed);
        if recovery.all_carried {
            root.say(&layout::recovery_carried(), "every task is dealt with; V2 is still to go");
        }
    }
    if seen.trees.recovery_removing {
        root.say(&layout::recovery_removing(), LEFT_OVER);
    }
}

fn draw_staging(root: &mut Node, report: &Report, seen: &Seen) {
    if !seen.trees.staging {
        return;
    }
    let folder = layout::staging();
    root.say(&folder, "what is not whole yet, a run each");
    let holder = report.lock_holder.as_ref();
    for staged in seen.trees.staged.iter().take(DRAWN_LIMIT) {
        let path = folder.join(&staged.name);
        let of_holder = holder.is_some_and(|holder| staged.name.starts_with(&holder.run));
        let whose =
            if of_holder { format!("of the run that {} names", layout::LOCK_FILE) } else { LEFT_OVER.to_owned() };
        root.say(&path, &whose);
        if staged.v1 {
            root.say(&path.join(layout::V1), "V1 on its way to be deleted");
        }
    }
    root.count(&folder.join("<run>"), "more of them", seen.trees.staged.len().saturating_sub(DRAWN_LIMIT));
}

/// A name of the picture, what is said of it, and what is below it.
struct Node {
    name: String,
    note: String,
    children: Vec<Node>,
}

impl Node {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), note: String::new(), children: Vec::new() }
    }

    /// The node at a path below this one, which is drawn after its elders.
    fn at<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> &mut Self {
        let mut node = self;
        for name in names {
            let place = node.children.iter().position(|child| child.name == name).unwrap_or(node.children.len());
            if place == node.children.len() {
                node.children.push(Self::new(name));
            }
            node = &mut node.children[place];
        }
        node
    }

    fn say(&mut self, path: &TreePath, note: &str) {
        note.clone_into(&mut self.at(path.components()).note);
    }

    /// What is said of it besides what is said already.
    fn add(&mut self, note: &str) {
        let mark = if self.note.is_empty() { "" } else { "; and " };
        self.note = format!("{}{mark}{note}", self.note);
    }

    /// The same of what is there so often, and nothing where that is never.
    fn count(&mut self, path: &TreePath, note: &str, count: usize) {
        if count > 0 {
            self.say(path, &format!("{note}: {count}"));
        }
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        self.draw("", "", &mut lines);
        let widths = lines.iter().map(|(name, _)| name.chars().count());
        let column = widths.filter(|width| *width <= NAMES_COLUMN_LIMIT).max().unwrap_or(0);
        lines.iter().fold(String::new(), |mut text, (name, note)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", format_args!("{name:column$}  {note}").to_string().trim_end());
            text
        })
    }

    /// Its line and those of its children; `first` stands before its own name, `rest` before theirs.
    fn draw(&self, first: &str, rest: &str, lines: &mut Vec<(String, String)>) {
        lines.push((format!("{first}{}", visible(&self.name)), visible(&self.note)));
        for (place, child) in self.children.iter().enumerate() {
            let last = place + 1 == self.children.len();
            let (branch, trunk) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            child.draw(&format!("{rest}{branch}"), &format!("{rest}{trunk}"), lines);
        }
    }
}

/// A name or a note on one line, whatever is in it: both hold what others wrote.
fn visible(name: &str) -> String {
    name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_control() {
            text.extend(letter.escape_default());
        } else {
            text.push(letter);
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::phase::PhaseFacts;

    /// The report of a STATUS that saw this.
    fn report_of(seen: Seen) -> Report {
        let root = "local disk /a".to_owned();
        let mut report = Report::new(Operation::Status, false, "1-a", root, "2026-11-28T12:00:00Z");
        *report.seen() = seen;
        report
    }

    #[test]
    fn a_tree_is_drawn_with_what_is_said_of_each_name_in_one_column() {
        let mut root = Node::new("root");
        root.say(&TreePath::parse("a/b").unwrap(), "said of b");
        root.say(&TreePath::parse("a").unwrap(), "said of a");
        root.count(&TreePath::parse("never").unwrap(), "not there", 0);
        root.at(["a", "two\nlines"].into_iter()).note = "said of it".to_owned();
        root.say(&TreePath::parse("z/y").unwrap(), "said of y");
        let expected = "\
root
├─ a              said of a
│  ├─ b           said of b
│  └─ two\\nlines  said of it
└─ z
   └─ y           said of y
";
        assert_eq!(root.text(), expected);
    }

    #[test]
    fn no_byte_that_steers_a_terminal_is_in_a_name_or_a_note() {
        let mut report = report_of(Seen::default());
        report.root = "local disk /a\n\u{1b}[2Jb".to_owned();
        report.unknown = vec!["c\u{7}d".to_owned()];
        let expected = "cluster.compact  local disk /a\\n\\u{1b}[2Jb\n└─ c\\u{7}d       unknown: no rule of the layout explains it\n";
        assert_eq!(report.picture(), expected);
    }

    #[test]
    fn an_unknown_name_of_which_something_is_said_keeps_that() {
        let facts = PhaseFacts { v1: true, ..PhaseFacts::default() };
        let mut report = report_of(Seen { trees: Trees { facts, ..Trees::default() }, ..Seen::default() });
        report.unknown = vec!["Compaction".to_owned()];
        let said = "V1, the layout of the old version; and unknown: no rule of the layout explains it\n";
        assert_eq!(report.picture(), format!("cluster.compact  local disk /a\n└─ Compaction    {said}"));
    }

    #[test]
    fn how_far_an_upgrade_is_stands_only_where_it_was_counted() {
        let facts = PhaseFacts { upgrading: true, ..PhaseFacts::default() };
        let marks = Some(MarksSeen { upgraded: 0, in_progress: 0, parts: 0, online: false });
        let seen = Seen { trees: Trees { facts, v2: true, ..Trees::default() }, ..Seen::default() };
        for (phase, said) in [
            (Phase::Upgrading, "an UPGRADE has begun and is not complete"),
            (Phase::Reopening, "an UPGRADE that was complete was taken up again"),
        ] {
            for (counted, marks) in [(false, None), (false, marks), (true, None), (true, marks)] {
                let mut report = report_of(Seen { counted, marks, ..seen.clone() });
                report.phase = phase;
                let how_far = if counted && marks.is_some() { ": 0 converted, 0 failed, 0 left" } else { "" };
                let picture = report.picture();
                assert!(picture.contains(&format!("  {said}{how_far}\n")), "{counted} {marks:?}\n{picture}");
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_moves_no_other() {
        let mut root = Node::new("root");
        root.say(&TreePath::parse("a").unwrap(), "short");
        let long = "n".repeat(NAMES_COLUMN_LIMIT);
        root.say(&TreePath::parse(&long).unwrap(), "long");
        assert_eq!(root.text(), format!("root\n├─ a  short\n└─ {long}  long\n"));
    }
}
