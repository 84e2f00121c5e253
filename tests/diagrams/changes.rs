//! The changes of a tree in their order: the steps of one task, and whole operations as they were really made.

use std::sync::Arc;

use comptask_upgrade::layout;
use comptask_upgrade::plan::steps::{clear, convert, Conversion, GroupFolders, Leftover, Step, Wave};
use comptask_upgrade::task::{StateV1, StateV2, V1Base};
use comptask_upgrade::tree::{Change, TreePath};
use comptask_upgrade::{MemoryStorage, Operation, RecoveryMode, RunOptions};

use super::{mermaid, table};
use crate::support::recording::Recording;
use crate::support::run_names::same_run;
use crate::support::sessions::{builder, OneLock};
use crate::support::trees::CATALOG;
use crate::support::v1_files::{folder, v1};

const PU: &str = "xcloud24_9876";
const TS: u64 = 1_617_693_156_000;
const RUN: &str = "RUN";

/// The folder that a path is drawn in, and the rest of the path.
fn place(path: &TreePath) -> (String, String) {
    let names: Vec<&str> = path.components().collect();
    let (folder, rest) = match names.as_slice() {
        [layout::V2, folder, rest @ ..] => (*folder, rest),
        [folder, rest @ ..] => (*folder, rest),
        [] => (layout::ROOT, [].as_slice()),
    };
    (folder.to_owned(), same_run(&rest.join("/")))
}

/// What a change is, without its bytes.
fn words(change: &Change) -> String {
    let text = match change {
        Change::Create { path, .. } => format!("create `{path}`"),
        Change::MakeFolder { path } => format!("make the folder `{path}`"),
        Change::Rename { from, to } => format!("rename `{from}` to `{to}`"),
        Change::Remove { path, .. } => format!("remove `{path}`"),
    };
    same_run(&text)
}

/// Changes as arrows between the folders of the tree, in their order.
fn sequence(changes: &[Change]) -> String {
    let mut folders: Vec<String> = Vec::new();
    let mut number = |path: &TreePath| {
        let (folder, rest) = place(path);
        let number = folders.iter().position(|known| *known == folder).unwrap_or_else(|| {
            folders.push(folder);
            folders.len() - 1
        });
        // What is drawn as a folder itself is called by its own name.
        (number, if rest.is_empty() { path.name().to_owned() } else { rest })
    };
    let arrows: Vec<String> = changes
        .iter()
        .map(|change| match change {
            Change::Rename { from, to } => {
                let ((from, old), (to, new)) = (number(from), number(to));
                format!("  f{from}->>f{to}: {} becomes {}", old, new)
            }
            Change::Create { path, .. } => {
                let (to, rest) = number(path);
                format!("  run->>f{to}: create {}", rest)
            }
            Change::MakeFolder { path } => {
                let (to, rest) = number(path);
                format!("  run->>f{to}: make {}", rest)
            }
            Change::Remove { path, .. } => {
                let (to, rest) = number(path);
                format!("  run-xf{to}: remove {}", rest)
            }
        })
        .collect();
    let participants = folders.iter().enumerate().map(|(number, name)| format!("  participant f{number} as {name}"));
    let head = ["sequenceDiagram", "  autonumber", "  participant run as the run"].map(str::to_owned);
    mermaid(&head.into_iter().chain(participants).chain(arrows).collect::<Vec<_>>())
}

/// The changes of an operation on a tree with one open task, in the order in which they were made.
fn made_by(tree: &MemoryStorage, operation: Operation, options: RunOptions) -> Vec<Change> {
    let storage = Recording::new(Arc::new(tree.clone()));
    let session = builder(Arc::new(storage.clone()), OneLock::default(), CATALOG).open().unwrap();
    session.run(operation, &options, None).unwrap();
    storage.done()
}

fn steps_table(steps: &[Step]) -> String {
    let row = |(number, step): (usize, &Step)| {
        vec![(number + 1).to_string(), format!("{:?}", step.wave), words(&step.change)]
    };
    table(&["", "wave", "change"], &steps.iter().enumerate().map(row).collect::<Vec<_>>())
}

fn waves(waves: &[Wave]) -> String {
    waves.iter().map(|wave| format!("{wave:?}")).collect::<Vec<_>>().join(", then ")
}

/// Everything about changes.
pub fn drawn() -> String {
    let base = V1Base { pu: PU.to_owned(), seq: 0, ts: TS };
    let id = base.v2_id(0).unwrap();
    let conversion = Conversion {
        base: base.to_string(),
        id: id.clone(),
        state: StateV2::Init,
        pc: "pc1".to_owned(),
        node: "xcloud25_9876".to_owned(),
        db: "sales".to_owned(),
        bytes: Vec::new(),
    };
    let converted = convert(&conversion, &GroupFolders::new(RUN, 1)).unwrap();
    let leftover = Leftover {
        main_task: true,
        manager_nodes: vec!["xcloud25_9876".to_owned()],
        marked_nodes: vec!["xcloud25_9876".to_owned()],
        upgraded_mark: true,
    };
    let cleared = clear(&conversion.base, &id, &leftover, &layout::fence_of(RUN), 1);

    let tree = MemoryStorage::new();
    for at in
        ["Compaction/Scheduler", "Compaction/TaskAssigned", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"]
    {
        folder(&tree, at);
    }
    v1(&tree, PU, 0, TS, StateV1::Assigned, ("sales", "eu"));
    let plain = RunOptions::default();
    let upgrade = made_by(&tree, Operation::Upgrade, plain);
    let by = |recovery_mode| RunOptions { recovery_mode, ..plain };
    let cancel = made_by(&tree.copy(), Operation::Recovery, by(RecoveryMode::Cancel));
    let delete = made_by(&tree, Operation::Delete, plain);
    let downgrade = made_by(&tree, Operation::Recovery, by(RecoveryMode::Downgrade));

    format!(
        "## The changes of one task\n\nFrom `plan::steps`. No wave begins before the one before it is answered and durable. \
         What an earlier attempt left goes first: {}. Then it is built: {}; published for its whole group; written down \
         with it: {}; and marked: Complete. RECOVERY by downgrade goes: {}.\n\nThe conversion of a task that is open:\n\n{}\n\
         What is cleared first, where an earlier attempt left all that it can leave:\n\n{}\n\
         ## Whole operations\n\nEvery change that was made of a tree with one open task, in its order, with `{RUN}` for \
         the name of the run. An arrow from one folder to another is a rename.\n\n### UPGRADE\n\n{}### DELETE\n\n{}\
         ### RECOVERY by cancel\n\n{}### RECOVERY by downgrade, after DELETE\n\n{}",
        waves(&Wave::CLEARING),
        waves(&Wave::BUILDING),
        waves(&Wave::OF_PART),
        waves(&Wave::CARRYING),
        steps_table(&converted),
        steps_table(&cleared),
        sequence(&upgrade),
        sequence(&delete),
        sequence(&cancel),
        sequence(&downgrade),
    )
    .trim_end()
    .to_owned()
        + "\n"
}
