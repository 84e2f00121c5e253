//! Every folder and file name there is, built and parsed here and nowhere else.
//!
//! The seed spells some names in several ways (`Compation_V2`, `Taskgrade.done`); the spellings here are the ones used.

pub mod shapes;

use std::fmt::Write as _;

use crate::error::{Error, ErrorKind, Result};
use crate::task::{StateV1, StateV2, V1Base, V2Id};
use crate::tree::{TreePath, NAME_BYTES_LIMIT};

/// What the root is called, wherever it lies.
pub const ROOT: &str = "cluster.compact";
/// The V1 tree.
pub const V1: &str = "Compaction";
/// The V1 tree once DELETE has begun to remove it.
pub const V1_DELETING: &str = "Compaction.deleting";
/// The V2 tree.
pub const V2: &str = "Compaction_V2";
/// The main tasks, in both trees.
pub const SCHEDULER: &str = "Scheduler";
/// What is assigned to nodes, in both trees: sub-tasks in V1, manager files in V2.
pub const TASK_ASSIGNED: &str = "TaskAssigned";
/// Who holds the lock, for people.
pub const LOCK_FILE: &str = "TaskupgradeLock";
/// The folder of marks and parts: an upgrade has begun and is not complete.
pub const UPGRADING: &str = "Taskupgrade";
/// The folder of the manifest: the upgrade is complete.
pub const DONE: &str = "TaskUpgrade.done";
/// A RECOVERY is under way.
pub const RECOVERY: &str = "Taskrecovery";
/// What a RECOVERY left to be removed.
pub const RECOVERY_REMOVING: &str = "Taskrecovery.removing";
/// Everything that is not whole yet, in a folder a run.
pub const STAGING: &str = ".staging";
/// The first manifest, in the done folder.
pub const MANIFEST: &str = "Manifest";
/// The mark of a reopened upgrade, in the folder of marks.
pub const REOPEN: &str = "Reopen";
/// What a node that started since leaves in the done folder, before its escaped name.
pub(crate) const STARTED_PREFIX: &str = "Started.";

const UPGRADED_WORD: &str = "upgrade";
const DOWNGRADE_WORD: &str = "downgrade";
const MODE_PREFIX: &str = "Mode.";
const CARRIED: &str = "Carried";
const BEGUN: &str = "Begun";
const CLEARED: &str = "Cleared";
const FAILED_WORD: &str = "failed";
const ONLINE: &str = "Online";
const PART_PREFIX: &str = "Part.";
const STATUS_PREFIX: &str = "Status.";
const TASK_INFO_PREFIX: &str = "TaskInfo.";
const MANAGER_PREFIX: &str = "Manager.";

fn below(folders: &[&str]) -> TreePath {
    folders.iter().fold(TreePath::root(), |path, name| path.join(name))
}

/// `Compaction`.
pub fn v1() -> TreePath {
    below(&[V1])
}

/// `Compaction.deleting`.
pub fn v1_deleting() -> TreePath {
    below(&[V1_DELETING])
}

/// `Compaction/Scheduler`.
pub fn v1_scheduler() -> TreePath {
    below(&[V1, SCHEDULER])
}

/// `Compaction/TaskAssigned`.
pub fn v1_task_assigned() -> TreePath {
    below(&[V1, TASK_ASSIGNED])
}

/// `Compaction_V2`.
pub fn v2() -> TreePath {
    below(&[V2])
}

/// `Compaction_V2/Scheduler`.
pub fn v2_scheduler() -> TreePath {
    below(&[V2, SCHEDULER])
}

/// `Compaction_V2/TaskAssigned`.
pub fn v2_task_assigned() -> TreePath {
    below(&[V2, TASK_ASSIGNED])
}

/// `Compaction_V2/TaskupgradeLock`.
pub fn lock_file() -> TreePath {
    below(&[V2, LOCK_FILE])
}

/// `Compaction_V2/Taskupgrade`.
pub fn upgrading() -> TreePath {
    below(&[V2, UPGRADING])
}

/// `Compaction_V2/TaskUpgrade.done`.
pub fn done() -> TreePath {
    below(&[V2, DONE])
}

/// A manifest in the done folder: the first is `Manifest`, the next `Manifest.2`.
pub fn manifest_name(number: u32) -> String {
    if number <= 1 {
        MANIFEST.to_owned()
    } else {
        format!("{MANIFEST}.{number}")
    }
}

/// `Compaction_V2/Taskupgrade/Reopen`.
pub fn reopen() -> TreePath {
    upgrading().join(REOPEN)
}

/// `Compaction_V2/.staging`.
pub fn staging() -> TreePath {
    below(&[V2, STAGING])
}

/// `Compaction_V2/.staging/<run>`.
pub fn staging_of(run: &str) -> TreePath {
    staging().join(run)
}

/// `Compaction_V2/.staging/<run>.fence`: out of it come the run's own files, and into it goes what the run clears.
///
/// It is made once, as the run begins, and nothing else makes it: once the next holder has removed it, every rename out
/// of it or into it fails. The staging folder beside it lacks that, since the folders of tasks are made in it with their
/// missing parents.
pub fn fence_of(run: &str) -> TreePath {
    staging().join(&format!("{run}.fence"))
}

/// An empty file that a run makes in its fence before each group: where that fails, another run has begun since.
pub fn group_probe(fence: &TreePath, number: u64) -> TreePath {
    fence.join(&format!("group.{number}"))
}

/// `Compaction_V2/Taskrecovery.removing`.
pub fn recovery_removing() -> TreePath {
    below(&[V2, RECOVERY_REMOVING])
}

/// `Compaction_V2/Taskrecovery`.
pub fn recovery() -> TreePath {
    below(&[V2, RECOVERY])
}

/// The name of the empty file in `Taskrecovery` that says in which direction the RECOVERY goes.
pub fn recovery_mode_name(word: &str) -> String {
    format!("{MODE_PREFIX}{word}")
}

/// `Compaction_V2/Taskrecovery/Carried`: every V2 task is a V1 task; what is left is that V2 goes.
pub fn recovery_carried() -> TreePath {
    recovery().join(CARRIED)
}

/// `Compaction_V2/Taskrecovery/Begun`: no node came while the RECOVERY began. Without it nothing has been done.
pub fn recovery_begun() -> TreePath {
    recovery().join(BEGUN)
}

/// The name of the file in `Taskrecovery` that lists, a line each, the ids which V2 had finished and cleared as a
/// downgrade began.
pub fn cleared_name() -> &'static str {
    CLEARED
}

/// The name of the mark in `Taskrecovery` of a V2 task that could not be carried, and was named so.
pub fn mark_failed_name(id: &V2Id) -> String {
    format!("{id}.{FAILED_WORD}")
}

/// `Compaction_V2/Taskupgrade/Online`: V1 was at work while tasks were converted, so what is gone from it was finished.
pub fn online() -> TreePath {
    upgrading().join(ONLINE)
}

/// The mark that a V2 task is being carried to this V1 base, or `TooLarge`.
pub fn mark_carrying(id: &V2Id, base: &V1Base) -> Result<TreePath> {
    let name = format!("{id}.{}", escape(&base.to_string()));
    if name.len() > NAME_BYTES_LIMIT {
        let what = format!("the mark of {id} for {base} would have {} bytes, over {NAME_BYTES_LIMIT}", name.len());
        return Err(Error::new(ErrorKind::TooLarge, what));
    }
    Ok(recovery().join(&name))
}

/// The mark that a V2 task is carried.
pub fn mark_carried(id: &V2Id) -> TreePath {
    recovery().join(&format!("{id}.{DOWNGRADE_WORD}"))
}

/// A file's name in `Taskrecovery`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecoveryMark {
    /// `Mode.<mode>`: the direction.
    Mode(String),
    /// `Begun`: no node came while the RECOVERY began.
    Begun,
    /// `Cleared`: the ids that V2 had finished and cleared.
    Cleared,
    /// `Carried`: every V2 task is a V1 task.
    AllCarried,
    /// `<v2 id>.failed`: the task could not be carried.
    Failed(V2Id),
    /// `<v2 id>.<escaped V1 base>`: the task is being carried to that base.
    Carrying(V2Id, V1Base),
    /// `<v2 id>.downgrade`: the task is carried.
    Carried(V2Id),
    /// Anything else.
    Unknown,
}

/// What a file's name in `Taskrecovery` means.
pub fn parse_recovery_mark(name: &str) -> RecoveryMark {
    match name {
        BEGUN => return RecoveryMark::Begun,
        CLEARED => return RecoveryMark::Cleared,
        CARRIED => return RecoveryMark::AllCarried,
        _ => {}
    }
    let mark = name.rsplit_once('.').and_then(|(id, word)| {
        let id = V2Id::parse(id)?;
        if word == DOWNGRADE_WORD {
            return Some(RecoveryMark::Carried(id));
        }
        if word == FAILED_WORD {
            return Some(RecoveryMark::Failed(id));
        }
        Some(RecoveryMark::Carrying(id, V1Base::parse(&unescape(word)?)?))
    });
    match (mark, name.strip_prefix(MODE_PREFIX)) {
        (Some(mark), _) => mark,
        (None, Some(word)) => RecoveryMark::Mode(word.to_owned()),
        (None, None) => RecoveryMark::Unknown,
    }
}

/// The folder of a V2 main task.
pub fn main_task(id: &V2Id) -> TreePath {
    v2_scheduler().join(&id.to_string())
}

/// The folder of the manager files of a node.
pub fn node_folder(node: &str) -> TreePath {
    v2_task_assigned().join(&escape(node))
}

/// The name of a task's manager file.
pub fn manager_name(id: &V2Id) -> String {
    format!("{MANAGER_PREFIX}{id}")
}

/// The manager file of a V2 task on a node.
pub fn manager(node: &str, id: &V2Id) -> TreePath {
    node_folder(node).join(&manager_name(id))
}

/// The id in the name of a manager file.
pub fn parse_manager(name: &str) -> Option<V2Id> {
    V2Id::parse(name.strip_prefix(MANAGER_PREFIX)?)
}

/// A V1 name: the base and the state that its suffix says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct V1Name {
    /// The name without its suffix.
    pub base: V1Base,
    /// What the suffix says, which is the truth.
    pub state: StateV1,
}

impl V1Name {
    /// The V1 name that a text spells, read from the right; `None` for an unknown file.
    pub fn parse(name: &str) -> Option<Self> {
        let suffixed = name.rsplit_once('.').and_then(|(base, word)| Some((base, suffix_state(word)?)));
        let (base, state) = suffixed.unwrap_or((name, StateV1::Init));
        Some(Self { base: V1Base::parse(base)?, state })
    }

    /// The name of a task in a state.
    pub fn format(base: &V1Base, state: StateV1) -> String {
        if state == StateV1::Init {
            base.to_string()
        } else {
            format!("{base}.{}", state.word())
        }
    }
}

fn suffix_state(word: &str) -> Option<StateV1> {
    StateV1::ALL.into_iter().find(|state| *state != StateV1::Init && state.word() == word)
}

/// A name in the folder of marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// `<v1 base>.upgrade`: the task is converted.
    Upgraded {
        /// The task.
        base: String,
    },
    /// `<v1 base>.<node>`: the task is being converted for that node, which is empty for a task without one.
    InProgress {
        /// The task.
        base: String,
        /// The node, as the catalog calls it.
        node: String,
    },
    /// `Part.<run>.<n>`: what a group of tasks became.
    Part,
    /// `Reopen`: an upgrade that was complete is taken up again.
    Reopen,
    /// `Online`: V1 was at work while tasks were converted.
    Online,
    /// Anything else.
    Unknown,
}

/// What a name in the folder of marks means.
pub fn parse_mark(name: &str) -> Mark {
    if name == REOPEN {
        return Mark::Reopen;
    }
    if name == ONLINE {
        return Mark::Online;
    }
    if let Some((run, number)) = name.strip_prefix(PART_PREFIX).and_then(|rest| rest.split_once('.')) {
        let is_part = !run.is_empty() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        return if is_part { Mark::Part } else { Mark::Unknown };
    }
    let Some((base, word)) = name.rsplit_once('.') else { return Mark::Unknown };
    if V1Base::parse(base).is_none() {
        return Mark::Unknown;
    }
    if word == UPGRADED_WORD {
        return Mark::Upgraded { base: base.to_owned() };
    }
    unescape(word).map_or(Mark::Unknown, |node| Mark::InProgress { base: base.to_owned(), node })
}

/// The mark of a task that is being converted for a node.
pub fn mark_in_progress(base: &str, node: &str) -> TreePath {
    upgrading().join(&format!("{base}.{}", escape(node)))
}

/// The mark of a task that is converted.
pub fn mark_upgraded(base: &str) -> TreePath {
    upgrading().join(&format!("{base}.{UPGRADED_WORD}"))
}

/// How many bytes the longest mark of a base can have, where the longest node has this many once escaped.
pub fn longest_mark_bytes(base: &str, longest_node_bytes: usize) -> usize {
    base.len() + 1 + longest_node_bytes.max(UPGRADED_WORD.len())
}

/// The name of a part.
pub fn part_name(run: &str, number: u64) -> String {
    format!("{PART_PREFIX}{run}.{number}")
}

/// Whether a part was written by a run.
pub fn is_part_of(name: &str, run: &str) -> bool {
    let rest = name.strip_prefix(PART_PREFIX).and_then(|rest| rest.strip_prefix(run));
    rest.is_some_and(|rest| rest.starts_with('.'))
}

/// The name of the file that holds a V2 task, or `TooLarge`.
pub fn task_info_name(pc: &str, db: &str) -> Result<String> {
    let name = format!("{TASK_INFO_PREFIX}{}.{}", escape(pc), escape(db));
    if name.len() > NAME_BYTES_LIMIT {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!("the name {name} has {} bytes, over {NAME_BYTES_LIMIT}", name.len()),
        ));
    }
    Ok(name)
}

/// The PC and the database in the name of a `TaskInfo` file.
pub fn parse_task_info(name: &str) -> Option<(String, String)> {
    let (pc, db) = name.strip_prefix(TASK_INFO_PREFIX)?.split_once('.')?;
    Some((unescape(pc)?, unescape(db)?))
}

/// The name of the empty file that says a V2 task's state.
pub fn status_name(state: StateV2) -> String {
    format!("{STATUS_PREFIX}{}", state.word())
}

/// The state that the name of a `Status` file says.
pub fn parse_status(name: &str) -> Option<StateV2> {
    StateV2::from_word(name.strip_prefix(STATUS_PREFIX)?)
}

/// Whether a name may stand in the folder of a V1 sub-task: `TaskInfo` or `Status.<word>`.
pub fn is_sub_task_file(name: &str) -> bool {
    let is_status = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphabetic());
    name == "TaskInfo" || name.strip_prefix(STATUS_PREFIX).is_some_and(is_status)
}

/// The number of the manifest that stands under this name in the done folder: 1 for `Manifest`, 2 for `Manifest.2`.
pub fn parse_manifest(name: &str) -> Option<u32> {
    let rest = name.strip_prefix(MANIFEST)?;
    let number = if rest.is_empty() { 1 } else { rest.strip_prefix('.')?.parse().ok()? };
    (manifest_name(number) == name).then_some(number)
}

/// A file that a RECOVERY has built and not put in its place yet, in its run's fence.
pub fn built(fence: &TreePath, number: u64) -> TreePath {
    fence.join(&format!("new.{number}"))
}

/// The name of the folder of a group of tasks: first in the run's staging folder, where they are built, then in its
/// fence, out of which they are published.
pub fn group_name(number: u64) -> String {
    format!("tasks.{number}")
}

/// What a run takes out of the tree, in its fence: the `place`th thing of the `number`th time.
pub fn set_aside(fence: &TreePath, number: u64, place: usize) -> TreePath {
    fence.join(&format!("old.{number}.{place}"))
}

/// The file of a V1 task in a state.
pub fn v1_file(base: &V1Base, state: StateV1) -> TreePath {
    v1_scheduler().join(&V1Name::format(base, state))
}

/// The record that a node started after the upgrade was complete, or `TooLarge`.
pub fn started(node: &str) -> Result<TreePath> {
    let name = format!("{STARTED_PREFIX}{}", escape(node));
    if name.len() > NAME_BYTES_LIMIT {
        let what = format!("the record of node {node:?} would have {} bytes, over {NAME_BYTES_LIMIT}", name.len());
        return Err(Error::new(ErrorKind::TooLarge, what));
    }
    Ok(done().join(&name))
}

/// A name as one part of a component: what would end the part, or hide in it, is percent-encoded.
pub fn escape(name: &str) -> String {
    if name == UPGRADED_WORD {
        return format!("%{:02X}{}", name.as_bytes()[0], &name[1..]);
    }
    let mut escaped = String::with_capacity(name.len());
    for letter in name.chars() {
        // Only ASCII is ever encoded, so one byte is one code.
        if matches!(letter, '.' | '/' | '%' | ':') || letter.is_ascii_control() {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "%{:02X}", u32::from(letter));
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// The name that a part of a component stands for; `None` where `escape` never writes it.
pub fn unescape(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let code = tail.get(..2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    let name = String::from_utf8(bytes).ok()?;
    (escape(&name) == part).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn v1_names_say_their_state() {
        for (name, state) in [
            ("compct.xcloud24_9876.0.1617693156000", StateV1::Init),
            ("compct.xcloud24_9876.0.1617606756000.Assigned", StateV1::Assigned),
            ("compct.a.b.0.1.Cancel", StateV1::Cancel),
            ("compct.p.0.1.Done", StateV1::Done),
        ] {
            let parsed = V1Name::parse(name).unwrap();
            assert_eq!(parsed.state, state);
            assert_eq!(V1Name::format(&parsed.base, parsed.state), name);
        }
        for unknown in
            ["compct.p.0.1.Init", "compct.p.0.1.done", "compct.p.0.1.Done.Done", "compct.p.0.1.", "x", ".Done"]
        {
            assert_eq!(V1Name::parse(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn marks_are_told_apart() {
        let base = "compct.p.q.0.1".to_owned();
        let in_progress = |node: &str| Mark::InProgress { base: base.clone(), node: node.to_owned() };
        assert_eq!(parse_mark("compct.p.q.0.1.upgrade"), Mark::Upgraded { base: base.clone() });
        assert_eq!(parse_mark("compct.p.q.0.1."), in_progress(""));
        assert_eq!(parse_mark("compct.p.q.0.1.%75pgrade"), in_progress("upgrade"));
        assert_eq!(parse_mark("compct.p.q.0.1.n%2E1"), in_progress("n.1"));
        assert_eq!(parse_mark("compct.p.q.0.1.Done"), in_progress("Done"), "a node may be called as a state is");
        assert_eq!(parse_mark("Part.0001-ab.12"), Mark::Part);
        assert_eq!(parse_mark("Reopen"), Mark::Reopen);
        assert_eq!(parse_mark(online().name()), Mark::Online);
        for unknown in ["Part.x", "Part.x.y", "compct.p.q.0.1.n%2e1", "compct.p.q.0.1.%41", "other", "compct.0.1.n"] {
            assert_eq!(parse_mark(unknown), Mark::Unknown, "{unknown}");
        }
    }

    #[test]
    fn marks_of_a_recovery_are_told_apart() {
        let id = V2Id::parse("Mode.cancel.7").unwrap();
        let base = V1Base::parse("compct.p.q.0.1").unwrap();
        let carrying = mark_carrying(&id, &base).unwrap();
        assert_eq!(carrying.as_str(), "Compaction_V2/Taskrecovery/Mode.cancel.7.compct%2Ep%2Eq%2E0%2E1");
        assert_eq!(parse_recovery_mark(carrying.name()), RecoveryMark::Carrying(id.clone(), base.clone()));
        assert_eq!(parse_recovery_mark(mark_carried(&id).name()), RecoveryMark::Carried(id.clone()));
        assert_eq!(parse_recovery_mark("Mode.downgrade_old"), RecoveryMark::Mode("downgrade_old".into()));
        assert_eq!(parse_recovery_mark("Carried"), RecoveryMark::AllCarried);
        assert_eq!(parse_recovery_mark(recovery_begun().name()), RecoveryMark::Begun);
        assert_eq!(parse_recovery_mark(cleared_name()), RecoveryMark::Cleared);
        assert_eq!(parse_recovery_mark(&mark_failed_name(&id)), RecoveryMark::Failed(id.clone()));
        for unknown in ["x", "a.0.compct%2Ep", "a.0.b", "carried"] {
            assert_eq!(parse_recovery_mark(unknown), RecoveryMark::Unknown, "{unknown}");
        }
        let long = V1Base { pu: "p".repeat(240), ..base };
        assert_eq!(mark_carrying(&id, &long).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn manifests_are_numbered() {
        for (name, number) in [("Manifest", 1), ("Manifest.2", 2), ("Manifest.10", 10)] {
            assert_eq!((parse_manifest(name), manifest_name(number)), (Some(number), name.to_owned()));
        }
        for bad in ["Manifest.1", "Manifest.02", "Manifest.", "Manifest.x", "manifest", "Manifest.+2"] {
            assert_eq!(parse_manifest(bad), None, "{bad}");
        }
    }

    #[test]
    fn names_are_the_seeds() {
        let id = V2Id::parse("aaaaffff.16176931.56000000.0").unwrap();
        assert_eq!(
            manager("xcloud24_9876", &id).as_str(),
            "Compaction_V2/TaskAssigned/xcloud24_9876/Manager.aaaaffff.16176931.56000000.0"
        );
        assert_eq!(parse_manager(&manager_name(&id)), Some(id));
        assert_eq!(task_info_name("pc", "db").unwrap(), "TaskInfo.pc.db");
        assert_eq!(task_info_name("", "sales").unwrap(), "TaskInfo..sales");
        assert_eq!(parse_task_info("TaskInfo..sales"), Some((String::new(), "sales".to_owned())));
        assert_eq!(parse_task_info("TaskInfo.a.b.c"), None);
        assert_eq!(parse_status("Status.Running"), Some(StateV2::Running));
        assert_eq!(parse_status("Status.Assigned"), None);
    }

    #[test]
    fn a_task_info_name_has_at_most_255_bytes() {
        assert!(task_info_name("p", &"d".repeat(255 - 11)).is_ok());
        assert_eq!(task_info_name("p", &"d".repeat(255 - 10)).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(
            task_info_name(&".".repeat(82), "d").unwrap_err().kind(),
            ErrorKind::TooLarge,
            "an escaped dot has 3"
        );
    }

    proptest! {
        #[test]
        fn escaping_is_undone_and_holds_nothing_that_ends_a_part(name in any::<String>()) {
            let escaped = escape(&name);
            prop_assert!(!escaped.contains(['.', '/', ':', '\0', '\n']));
            prop_assert_ne!(&escaped, "upgrade");
            prop_assert_eq!(unescape(&escaped), Some(name));
        }

        #[test]
        fn only_what_escape_writes_is_read(part in "[%A-Fa-f0-9.:x]{0,8}") {
            if let Some(name) = unescape(&part) {
                prop_assert_eq!(escape(&name), part);
            }
        }

        #[test]
        fn a_v1_name_is_one_text(pu in "[a-z.0-9]{1,12}", seq in 0..=i32::MAX, ts in any::<u64>(), state in 0..4_usize) {
            let base = V1Base { pu, seq, ts };
            let name = V1Name::format(&base, StateV1::ALL[state]);
            prop_assert_eq!(V1Name::parse(&name), Some(V1Name { base, state: StateV1::ALL[state] }));
        }

        #[test]
        fn whatever_parses_is_written_the_same(name in "compct\\.[a-c.0-2]{1,10}(\\.(Done|Cancel|Assigned|Init))?") {
            if let Some(parsed) = V1Name::parse(&name) {
                prop_assert_eq!(V1Name::format(&parsed.base, parsed.state), name);
            }
        }
    }
}
