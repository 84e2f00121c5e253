//! The steps of one task's conversion, each in its wave. The same list is carried out by a run and printed by a plan.

use crate::error::Result;
use crate::layout;
use crate::task::{StateV2, V2Id};
use crate::tree::{Change, TreePath};

/// The waves of a task's changes, in their order: none begins before the one before it is answered and durable. The tasks
/// of a group are published together, and marked as converted after the group's part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wave {
    /// A task whose V1 file changed is taken up again: its `.upgrade` mark becomes one in progress.
    Unmark,
    /// The main task of an earlier attempt goes.
    ClearMainTask,
    /// Managers of an earlier attempt go.
    ClearManagers,
    /// Marks of an earlier attempt go, last, since they say where the managers are.
    ClearMarks,
    /// `<base>.<node>`: this task is being converted.
    Mark,
    /// The manager file: before the main task, which would hang without it.
    Manager,
    /// The folder of the main task, in staging.
    Stage,
    /// The main task's two files, in staging.
    Fill,
    /// The main task becomes visible, whole.
    Publish,
    /// The part of the group, with the lines of its tasks, in the run's fence.
    WritePart,
    /// The part of the group becomes visible, whole.
    PublishPart,
    /// `<base>.upgrade`: this task is converted.
    Complete,
    /// `<v2 id>.<escaped V1 base>`: this V2 task is being carried to that V1 base, by this attempt and by later ones.
    Choose,
    /// The V1 file, in the run's fence.
    Build,
    /// The V1 file that it replaces goes; V2 still holds the task meanwhile.
    Replace,
    /// The V1 file becomes visible, whole.
    Place,
    /// `<v2 id>.downgrade`: this V2 task is carried.
    Carried,
}

impl Wave {
    /// The waves of a group's part, in their order.
    pub const OF_PART: [Self; 2] = [Self::WritePart, Self::PublishPart];

    /// The waves that build a task before any of it is published, in their order.
    pub const BUILDING: [Self; 4] = [Self::Mark, Self::Manager, Self::Stage, Self::Fill];

    /// The waves that carry V2 tasks to V1, in their order.
    pub const CARRYING: [Self; 5] = [Self::Choose, Self::Build, Self::Replace, Self::Place, Self::Carried];

    /// The waves that clear what earlier attempts left, in their order.
    pub const CLEARING: [Self; 4] = [Self::Unmark, Self::ClearMainTask, Self::ClearManagers, Self::ClearMarks];
}

/// What it means that the name of a new file or folder is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Taken {
    /// The same name can only be the same thing: an empty file, a mark.
    Same,
    /// It is fine if the same bytes lie there.
    Compare,
    /// It is an error; but that the source is gone already is fine.
    Gone,
    /// It is an error.
    Fail,
}

/// One change for one task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its wave.
    pub wave: Wave,
    /// The change.
    pub change: Change,
    /// What a taken name means.
    pub taken: Taken,
}

/// What an earlier attempt left of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Leftover {
    /// The main task stands at the id.
    pub main_task: bool,
    /// The nodes that have a manager of the id.
    pub manager_nodes: Vec<String>,
    /// The nodes of marks in progress.
    pub marked_nodes: Vec<String>,
    /// The task was marked as converted, and its V1 file changed since.
    pub upgraded_mark: bool,
}

/// A task as it will be in V2, and what is cleared for it first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// The V1 base.
    pub base: String,
    /// The V2 id.
    pub id: V2Id,
    /// Its state in V2.
    pub state: StateV2,
    /// Its PC; may be empty.
    pub pc: String,
    /// Its node; may be empty.
    pub node: String,
    /// Its database, a part of the file's name.
    pub db: String,
    /// The bytes of its `TaskInfo`.
    pub bytes: Vec<u8>,
}

/// The steps that clear what an earlier attempt left, so that the conversion starts from nothing.
///
/// Each is a rename into the run's fence, never a removal: a late call of a holder that lost the lock finds no such
/// folder any more, while a late removal would hit what its successor made under the same name.
///
/// `number` is one that the run gives once.
pub fn clear(base: &str, id: &V2Id, leftover: &Leftover, fence: &TreePath, number: u64) -> Vec<Step> {
    let mut marked_nodes: Vec<&str> = leftover.marked_nodes.iter().map(String::as_str).collect();
    let mut steps = Vec::new();
    if leftover.upgraded_mark {
        let (from, to) = (layout::mark_upgraded(base), layout::mark_in_progress(base, ""));
        steps.push(Step { wave: Wave::Unmark, change: Change::Rename { from, to }, taken: Taken::Gone });
        marked_nodes.retain(|node| !node.is_empty());
        marked_nodes.push("");
    }
    let mut cleared = Vec::new();
    if leftover.main_task {
        cleared.push((Wave::ClearMainTask, layout::main_task(id)));
    }
    cleared.extend(leftover.manager_nodes.iter().map(|node| (Wave::ClearManagers, layout::manager(node, id))));
    cleared.extend(marked_nodes.into_iter().map(|node| (Wave::ClearMarks, layout::mark_in_progress(base, node))));
    steps.extend(cleared.into_iter().enumerate().map(|(place, (wave, from))| {
        let change = Change::Rename { from, to: layout::set_aside(fence, number, place) };
        Step { wave, change, taken: Taken::Gone }
    }));
    steps
}

/// The step that marks a task as being converted for a node.
pub fn mark(base: &str, node: &str) -> Step {
    let change = Change::Create { path: layout::mark_in_progress(base, node), bytes: Vec::new() };
    Step { wave: Wave::Mark, change, taken: Taken::Same }
}

/// The step that hands an open task to its node.
pub fn manager(id: &V2Id, node: &str) -> Step {
    let change = Change::Create { path: layout::manager(node, id), bytes: Vec::new() };
    Step { wave: Wave::Manager, change, taken: Taken::Same }
}

/// The step that marks a task as converted.
pub fn complete(base: &str, node: &str) -> Step {
    let change = Change::Rename { from: layout::mark_in_progress(base, node), to: layout::mark_upgraded(base) };
    Step { wave: Wave::Complete, change, taken: Taken::Same }
}

/// The folders through which the tasks of a group go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFolders {
    /// Where they are built, each in its folder.
    pub built: TreePath,
    /// Where they are renamed to, all at once, before they are published: in the run's fence. Folders of tasks are
    /// made with missing parents, so a late call may bring the first one back; nothing brings back a fence.
    pub fenced: TreePath,
}

impl GroupFolders {
    /// Those of a run's group.
    pub fn new(run: &str, number: u64) -> Self {
        let name = layout::group_name(number);
        Self { built: layout::staging_of(run).join(&name), fenced: layout::fence_of(run).join(&name) }
    }

    /// The change that brings what is built into the fence.
    pub fn rename(&self) -> Change {
        Change::Rename { from: self.built.clone(), to: self.fenced.clone() }
    }
}

/// The steps of a conversion, in the order of their waves.
pub fn convert(conversion: &Conversion, folders: &GroupFolders) -> Result<Vec<Step>> {
    let Conversion { base, id, state, pc, node, db, bytes } = conversion;
    let folder = folders.built.join(&id.to_string());
    let fenced = folders.fenced.join(&id.to_string());
    let create = |name: &str, bytes: &[u8]| Change::Create { path: folder.join(name), bytes: bytes.to_vec() };
    let fill = |change| Step { wave: Wave::Fill, change, taken: Taken::Fail };
    let mut steps = vec![mark(base, node)];
    if state.is_open() && !node.is_empty() {
        steps.push(manager(id, node));
    }
    steps.push(Step { wave: Wave::Stage, change: Change::MakeFolder { path: folder.clone() }, taken: Taken::Fail });
    steps.push(fill(create(&layout::task_info_name(pc, db)?, bytes)));
    steps.push(fill(create(&layout::status_name(*state), &[])));
    let publish = Change::Rename { from: fenced, to: layout::main_task(id) };
    steps.push(Step { wave: Wave::Publish, change: publish, taken: Taken::Compare });
    steps.push(complete(base, node));
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversion(state: StateV2, node: &str) -> Conversion {
        Conversion {
            base: "compct.p.0.1617693156000".into(),
            id: V2Id::parse("aaaaffff.16176931.56000000.0").unwrap(),
            state,
            pc: "pc".into(),
            node: node.into(),
            db: "db".into(),
            bytes: vec![1, 2],
        }
    }

    fn texts(steps: &[Step]) -> Vec<String> {
        steps.iter().map(|step| format!("{:?}: {}", step.wave, step.change)).collect()
    }

    #[test]
    fn an_open_task_takes_eight_changes_in_the_order_of_the_protocol() {
        let steps = convert(&conversion(StateV2::Init, "n.1"), &GroupFolders::new("r", 2)).unwrap();
        assert_eq!(
            texts(&steps),
            [
                "Mark: create Compaction_V2/Taskupgrade/compct.p.0.1617693156000.n%2E1 (0 bytes)",
                "Manager: create Compaction_V2/TaskAssigned/n%2E1/Manager.aaaaffff.16176931.56000000.0 (0 bytes)",
                "Stage: make folder Compaction_V2/.staging/r/tasks.2/aaaaffff.16176931.56000000.0",
                "Fill: create Compaction_V2/.staging/r/tasks.2/aaaaffff.16176931.56000000.0/TaskInfo.pc.db (2 \
                 bytes)",
                "Fill: create Compaction_V2/.staging/r/tasks.2/aaaaffff.16176931.56000000.0/Status.Init (0 bytes)",
                "Publish: rename Compaction_V2/.staging/r.fence/tasks.2/aaaaffff.16176931.56000000.0 to \
                 Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0",
                "Complete: rename Compaction_V2/Taskupgrade/compct.p.0.1617693156000.n%2E1 to \
                 Compaction_V2/Taskupgrade/compct.p.0.1617693156000.upgrade",
            ]
        );
        assert!(steps.windows(2).all(|pair| pair[0].wave <= pair[1].wave));
    }

    #[test]
    fn a_finished_task_gets_no_manager() {
        for state in [StateV2::Cancel, StateV2::Done] {
            let steps = convert(&conversion(state, "n"), &GroupFolders::new("r", 2)).unwrap();
            assert!(!steps.iter().any(|step| step.wave == Wave::Manager));
        }
    }

    #[test]
    fn what_is_cleared_goes_in_the_order_main_task_managers_marks() {
        let leftover = Leftover {
            main_task: true,
            manager_nodes: vec!["a".into()],
            marked_nodes: vec!["a".into()],
            upgraded_mark: true,
        };
        let id = conversion(StateV2::Init, "a").id;
        let fence = "Compaction_V2/.staging/r.fence";
        assert_eq!(
            texts(&clear("compct.p.0.1", &id, &leftover, &layout::fence_of("r"), 7)),
            [
                "Unmark: rename Compaction_V2/Taskupgrade/compct.p.0.1.upgrade to \
                 Compaction_V2/Taskupgrade/compct.p.0.1."
                    .to_owned(),
                format!(
                    "ClearMainTask: rename Compaction_V2/Scheduler/aaaaffff.16176931.56000000.0 to {fence}/old.7.0"
                ),
                format!(
                    "ClearManagers: rename Compaction_V2/TaskAssigned/a/Manager.aaaaffff.16176931.56000000.0 to \
                     {fence}/old.7.1"
                ),
                format!("ClearMarks: rename Compaction_V2/Taskupgrade/compct.p.0.1.a to {fence}/old.7.2"),
                format!("ClearMarks: rename Compaction_V2/Taskupgrade/compct.p.0.1. to {fence}/old.7.3"),
            ]
        );
    }
}
