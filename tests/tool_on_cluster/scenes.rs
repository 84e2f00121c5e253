//! What the tool is to do on which tree, what holds meanwhile, and what must be left in the end: the end is that of a run
//! in memory, held against what the checkers say by hand.

use std::collections::BTreeMap;

use comptask_upgrade::task::{StateV1, StateV2, TaskV1};
use comptask_upgrade::{Codec, DefaultCodec, MemoryStorage, Operation, RecoveryMode, RunOptions, Storage};

use crate::servers::Servers;
use crate::support::checker::{image, normal, Checker, Image};
use crate::support::returned::{upgraded, Return, Wanted};
use crate::support::sessions::fresh;
use crate::support::trees::{so_many, Fixture, CATALOG};
use crate::support::v1_files::{file, path, v1_name};
use crate::support::ways_back::{born, by, starts, state_in_v1};
use crate::tool::Call;
use crate::tree::Tree;

type Holds = Box<dyn Fn(&Image) -> Result<(), String> + Send + Sync>;

/// An operation on a tree.
pub struct Scene {
    pub name: &'static str,
    pub start: Image,
    /// When files were written from which a downgrade makes names, in milliseconds.
    written_ms: BTreeMap<String, u64>,
    pub call: Call,
    /// What holds at every instant.
    pub holds: Holds,
    /// The tree that an undisturbed run leaves, as it is compared.
    pub end: Image,
}

impl Scene {
    pub fn plant<'s>(&self, servers: &'s Servers) -> Tree<'s> {
        let tree = Tree::plant(servers, &self.start);
        tree.set_times(&self.written_ms);
        tree
    }

    /// A scene that ends as the operation ends in memory.
    fn new(
        name: &'static str,
        (start, catalog): (&MemoryStorage, &str),
        (operation, options): (Operation, RunOptions),
        call: Call,
        holds: Holds,
    ) -> Self {
        let tree = start.copy();
        fresh(&tree, catalog).run(operation, &options, None).unwrap();
        holds(&image(&tree)).unwrap();
        Self { name, start: image(start), written_ms: BTreeMap::new(), call, holds, end: normal(image(&tree)) }
    }
}

/// Enough for every state in every schema, for what is done many times.
pub const FEW: usize = 20;
/// A run of so many, one call at a time, takes long enough for something to happen in the middle of it.
pub const MORE: usize = 30;

/// So many tasks, and sub-tasks.
fn tasks(tasks: usize) -> Fixture {
    let storage = MemoryStorage::new();
    let (expected, foreign) = so_many(&storage, tasks);
    for ts in 1_650_000_000_000_u64..1_650_000_000_004 {
        let at = format!("Compaction/TaskAssigned/pu_1/compct.pu_1.3.{ts}");
        file(&storage, &format!("{at}/TaskInfo"), b"a sub-task, whatever it holds");
        file(&storage, &format!("{at}/Status.Success"), b"");
    }
    Fixture { name: "so many", storage, catalog: CATALOG, expected, foreign }
}

pub fn upgrade(number: usize) -> Scene {
    let made = tasks(number);
    let checker = Checker::new(&made);
    let holds: Holds = Box::new(move |image| checker.at_every_instant(image, Operation::Upgrade));
    let operation = (Operation::Upgrade, RunOptions::default());
    let scene = Scene::new("upgrade", (&made.storage, made.catalog), operation, Call::upgrade(), holds);
    Checker::new(&made).upgraded(&image(&upgraded(&made))).unwrap();
    scene
}

pub fn delete() -> Scene {
    let made = tasks(FEW);
    let checker = Checker::new(&made);
    let holds: Holds = Box::new(move |image| checker.at_every_instant(image, Operation::Delete));
    let operation = (Operation::Delete, RunOptions::default());
    Scene::new("delete", (&upgraded(&made), made.catalog), operation, Call::new("delete", &[]), holds)
}

pub fn cancel() -> Scene {
    let made = tasks(FEW);
    let start = upgraded(&made);
    let back = Return::to_the_old_files("cancel", &made, start.clone());
    let call = Call::new("recovery", &["--mode", "cancel"]);
    let operation = (Operation::Recovery, by(RecoveryMode::Cancel));
    Scene::new("cancel", (&start, made.catalog), operation, call, Box::new(move |image| back.holds(image)))
}

/// A node was at work in V2: some tasks were born there.
pub fn downgrade() -> Scene {
    let made = tasks(FEW);
    let start = upgraded(&made);
    starts(&start, "xcloud24_9876");
    let states = [StateV2::Init, StateV2::Running, StateV2::Cancel, StateV2::Done];
    let births: Vec<(String, TaskV1)> = (0..12)
        .map(|number: i32| {
            let state = states[number.unsigned_abs() as usize % 4];
            let query_id = format!("0badcafe.{number}");
            let task = born(&start, &query_id, number, "pu_born", state);
            assert_eq!(task.state, state_in_v1(state));
            (format!("Compaction_V2/Scheduler/{query_id}.{number}"), task)
        })
        .collect();
    let mut back = Return::to_the_old_files("downgrade", &made, start.clone()).with_assigned_as_init(&made);
    come_back_cancelled(&mut back, &made);
    let mut written_ms = BTreeMap::new();
    for (folder, mut task) in births {
        let info = format!("{folder}/TaskInfo.pc1.sales");
        let written = (&start as &dyn Storage).stat(&path(&info)).unwrap().mtime_ms;
        task.task_id.receive_ts = u64::try_from(written).unwrap();
        let id = &task.task_id;
        let at = v1_name(&id.receive_pu, id.sequence_no, id.receive_ts, task.state);
        let at = format!("Compaction/Scheduler/{at}");
        written_ms.insert(info, task.task_id.receive_ts);
        back.carried.push((folder, at.clone()));
        back.wanted.insert(at, Wanted::Task(Box::new(task)));
    }
    let call = Call::new("recovery", &["--mode", "downgrade"]);
    let operation = (Operation::Recovery, by(RecoveryMode::Downgrade));
    let scene =
        Scene::new("downgrade", (&start, made.catalog), operation, call, Box::new(move |image| back.holds(image)));
    Scene { written_ms, ..scene }
}

/// What found no place was cancelled by the upgrade, and comes back as that.
fn come_back_cancelled(back: &mut Return, made: &Fixture) {
    let old = image(&made.storage);
    let at = |name: &str| format!("Compaction/Scheduler/{name}");
    let cancelled = made.expected.iter().filter(|expected| expected.state == StateV2::Cancel);
    for expected in cancelled.filter(|expected| !expected.v1_name.ends_with(".Cancel")) {
        let base = expected.v1_name.trim_end_matches(".Assigned");
        let bytes = old[&at(&expected.v1_name)].as_ref().expect("a file");
        let task = TaskV1 { state: StateV1::Cancel, ..DefaultCodec.decode_v1(bytes).unwrap() };
        let folder = format!("Compaction_V2/Scheduler/{}", expected.v2_id);
        for taken_for_open in [expected.v1_name.as_str(), base] {
            back.wanted.remove(&at(taken_for_open));
        }
        back.carried.retain(|(carried, _)| *carried != folder);
        back.carried.push((folder, at(&format!("{base}.Cancel"))));
        back.wanted.insert(at(&format!("{base}.Cancel")), Wanted::Task(Box::new(task)));
    }
}
