//! I1, I2 and I7 for RECOVERY, read off a tree; and trees on which V2 has been at work.
//!
//! The checker is told by hand what V1 must be in the end. It takes no name apart, reads bytes by itself, and uses of the
//! library the types that hold a task and a tree.

use std::collections::{BTreeMap, BTreeSet};

use comptask_upgrade::task::{Memo, StateV1, StateV2, TaskV1};
use comptask_upgrade::{MemoryStorage, Operation, Storage};

use super::checker::{image, Image};
use super::sessions::{fresh, run};
use super::task_bytes::read_v1;
use super::trees::{fixture, Fixture};
use super::v1_files::{file, path, remove, rename, v1_task, v2, v2_task};

const RECOVERY: &str = "Compaction_V2/Taskrecovery";

/// What a V1 file must be in the end.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes that hold this task.
    Task(Box<TaskV1>),
}

/// A tree before RECOVERY, and what it must be after.
#[derive(Clone)]
pub struct Return {
    pub name: &'static str,
    pub start: MemoryStorage,
    pub catalog: &'static str,
    /// What V1's tasks must be, by path.
    pub wanted: BTreeMap<String, Wanted>,
    /// The V2 folders whose tasks are whole there until V1 has them, and where V1 will have them.
    pub carried: Vec<(String, String)>,
    /// V1 files that are renamed: from, to.
    pub finished: Vec<(String, String)>,
}

/// A tree without what every run makes for itself and the next one clears.
pub fn without_rubbish(mut image: Image) -> Image {
    let rubbish = ["Compaction_V2/.staging", "Compaction_V2/TaskupgradeLock"];
    image.retain(|path, _| !rubbish.iter().any(|name| path == name || path.starts_with(&format!("{name}/"))));
    image
}

fn is_v1_task(path: &str) -> bool {
    path.starts_with("Compaction/Scheduler/")
}

impl Return {
    /// V1 is left byte for byte as it is now.
    pub fn to_the_old_files(name: &'static str, fixture: &Fixture, start: MemoryStorage) -> Self {
        let tasks = image(&start).into_iter().filter(|(path, _)| is_v1_task(path));
        let wanted = tasks.map(|(path, bytes)| (path, Wanted::Bytes(bytes.expect("a file")))).collect();
        Self { name, start, catalog: fixture.catalog, wanted, carried: Vec::new(), finished: Vec::new() }
    }

    /// The same where V2 is the truth: what V1 had handed to a node is handed out anew.
    pub fn with_assigned_as_init(mut self, fixture: &Fixture) -> Self {
        for expected in &fixture.expected {
            let Some(base) = expected.v1_name.strip_suffix(".Assigned") else { continue };
            let (old, new) =
                (format!("Compaction/Scheduler/{}", expected.v1_name), format!("Compaction/Scheduler/{base}"));
            let Some(Wanted::Bytes(bytes)) = self.wanted.remove(&old) else { continue };
            let task = TaskV1 { state: StateV1::Init, ..read_v1(&bytes).unwrap() };
            self.wanted.insert(new.clone(), Wanted::Task(Box::new(task)));
            self.carried.push((format!("Compaction_V2/Scheduler/{}", expected.v2_id), new));
        }
        self
    }

    fn holds_file(&self, image: &Image, at: &str) -> Result<(), String> {
        let Some(Some(bytes)) = image.get(at) else { return Err(format!("{at} is missing")) };
        match self.wanted.get(at) {
            None => Err(format!("{at} should not be there")),
            Some(Wanted::Bytes(wanted)) if wanted == bytes => Ok(()),
            Some(Wanted::Bytes(_)) => Err(format!("{at} has other bytes")),
            Some(Wanted::Task(wanted)) => match read_v1(bytes) {
                Ok(task) if task == **wanted => Ok(()),
                other => Err(format!("{at} holds {other:?}, not {wanted:?}")),
            },
        }
    }

    /// What holds at every instant: no task is lost, and a tree in which RECOVERY is not under way is as it was before
    /// or as it must be after, so that the node gate never sees a half of either.
    pub fn holds(&self, now: &Image) -> Result<(), String> {
        if !now.contains_key(RECOVERY) {
            let now = without_rubbish(now.clone());
            if now == without_rubbish(image(&self.start)) {
                return Ok(());
            }
            return self.ended(&now).map_err(|why| format!("I2: neither as before nor as after: {why}"));
        }
        self.carried_are_somewhere(now)?;
        let start = image(&self.start);
        for (from, to) in &self.finished {
            let bytes = start.get(from);
            let there = [from, to].into_iter().filter(|path| now.get(*path) == bytes).count();
            if there != 1 {
                return Err(format!("I1: {from} or {to} is there {there} times"));
            }
        }
        let touched = |path: &str| self.carried.iter().any(|(_, at)| at == path) || self.finishes(path);
        for at in self.wanted.keys().filter(|at| !touched(at)) {
            self.holds_file(now, at).map_err(|why| format!("I1: {why}"))?;
        }
        Ok(())
    }

    /// I1 alone, whatever came after: each task that is carried is whole in V2 as it was, or in V1 as it must be; and V1's
    /// other files are there, or all of V2 is as it was.
    pub fn no_task_is_lost(&self, now: &Image) -> Result<(), String> {
        let start = image(&self.start);
        self.carried_are_somewhere(now)?;
        let carried = |at: &String| self.carried.iter().any(|(_, to)| to == at);
        let old_names = |at: &String| self.finished.iter().find(|(_, to)| to == at).map(|(from, _)| from);
        let is_in_v1 = |at: &String| {
            self.holds_file(now, at).is_ok() || old_names(at).is_some_and(|from| now.get(from) == start.get(from))
        };
        let mut in_v2 = start.iter().filter(|(path, _)| path.starts_with("Compaction_V2/Scheduler/"));
        if self.wanted.keys().filter(|at| !carried(at)).all(is_in_v1)
            || in_v2.all(|(path, bytes)| now.get(path) == Some(bytes))
        {
            return Ok(());
        }
        Err("I1: neither V1's files nor V2's are all there".to_owned())
    }

    fn carried_are_somewhere(&self, now: &Image) -> Result<(), String> {
        let start = image(&self.start);
        for (folder, at) in &self.carried {
            let below = format!("{folder}/");
            let mut files = start.iter().filter(|(path, _)| path.starts_with(&below));
            let whole_in_v2 = files.all(|(path, bytes)| now.get(path) == Some(bytes));
            if !whole_in_v2 {
                self.holds_file(now, at).map_err(|why| format!("I1: {folder} is in neither tree: {why}"))?;
            }
        }
        Ok(())
    }

    fn finishes(&self, path: &str) -> bool {
        self.finished.iter().any(|(_, to)| to == path)
    }

    /// I7: no trace of an upgrade is left, and V1 holds what it must and nothing else.
    pub fn ended(&self, now: &Image) -> Result<(), String> {
        let allowed = ["Compaction_V2", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"];
        let in_v1 = |path: &str| path == "Compaction" || path.starts_with("Compaction/");
        if let Some(path) = now.keys().find(|path| !in_v1(path) && !allowed.contains(&path.as_str())) {
            return Err(format!("I7: {path} is left"));
        }
        if let Some(missing) = allowed.into_iter().find(|path| !now.contains_key(*path)) {
            return Err(format!("I7: {missing} is missing"));
        }
        for path in now.keys().filter(|path| is_v1_task(path)) {
            self.holds_file(now, path).map_err(|why| format!("I7: {why}"))?;
        }
        let missing = self.wanted.keys().find(|path| !now.contains_key(*path));
        missing.map_or(Ok(()), |path| Err(format!("I7: {path} is missing")))
    }
}

/// A fixture's tree after an UPGRADE.
pub fn upgraded(fixture: &Fixture) -> MemoryStorage {
    let tree = fixture.storage.copy();
    run(&fresh(&tree, fixture.catalog), Operation::Upgrade).unwrap_or_else(|failure| panic!("{}", failure.error));
    tree
}

/// A tree after DELETE.
pub fn deleted(start: &MemoryStorage, catalog: &str) -> MemoryStorage {
    let tree = start.copy();
    run(&fresh(&tree, catalog), Operation::Delete).unwrap_or_else(|failure| panic!("{}", failure.error));
    tree
}

const RUNNING: (&str, &str) = ("aaaaffff.16176931.56000000.0", "compct.xcloud24_9876.0.1617693156000");
const CLEARED: (&str, &str) = ("aaaaffff.16176067.56000000.0", "compct.xcloud24_9876.0.1617606756000");
const BORN: [&str; 3] = ["bbbb.1.3", "bbbb.2.3", "cccc.7.0"];

/// The seed's tree, upgraded, with a node at work since: one task runs, one was finished and cleared, three were born.
pub fn lived() -> MemoryStorage {
    let tree = upgraded(&fixture("seed"));
    file(&tree, "Compaction_V2/TaskUpgrade.done/Started.xcloud24_9876", b"");
    let of = |id: &str| format!("Compaction_V2/Scheduler/{id}");
    rename(&tree, &format!("{}/Status.Init", of(RUNNING.0)), &format!("{}/Status.Running", of(RUNNING.0)));
    remove(&tree, &of(CLEARED.0));
    for node in ["xcloud24_9876", "xcloud25_9876"] {
        let manager = format!("Compaction_V2/TaskAssigned/{node}/Manager.{}", CLEARED.0);
        if super::v1_files::exists(&tree, &manager) {
            remove(&tree, &manager);
        }
    }
    for (id, state) in BORN.into_iter().zip([StateV2::Running, StateV2::Cancel, StateV2::Done]) {
        let (query_id, seq) = id.rsplit_once('.').unwrap();
        let from = v1_task("born", seq.parse().unwrap(), 7, StateV1::Init, ("sales", "solo"));
        let mut task = v2_task(&from, query_id, state, "solo", "solo_1");
        task.memo = Memo { compact_filesize_threshold: 1 << 20, compact_group_num: 4 };
        task.sync_task_flag = true;
        v2(&tree, id, "TaskInfo.solo.sales", &task);
        if state == StateV2::Running {
            file(&tree, &format!("Compaction_V2/TaskAssigned/solo_1/Manager.{id}"), b"");
        }
    }
    tree
}

/// What a downgrade must make of it; `v1_is_there` says whether the old files are.
pub fn downgrade_of_lived(name: &'static str, start: MemoryStorage, v1_is_there: bool) -> Return {
    let fixture = fixture("seed");
    let old = image(&fixture.storage);
    let v1 = |name: &str| format!("Compaction/Scheduler/{name}");
    let folder = |id: &str| format!("Compaction_V2/Scheduler/{id}");
    let mut wanted = BTreeMap::new();
    let mut carried = Vec::new();
    let mut finished = Vec::new();
    for expected in &fixture.expected {
        let at = v1(&expected.v1_name);
        if expected.v2_id == CLEARED.0 {
            if v1_is_there {
                let to = v1(&format!("{}.Done", CLEARED.1));
                wanted.insert(to.clone(), Wanted::Bytes(old[&at].clone().expect("a file")));
                finished.push((at, to));
            }
            continue;
        }
        let task = read_v1(old[&at].as_ref().expect("a file")).unwrap();
        wanted.insert(at.clone(), Wanted::Task(Box::new(task)));
        carried.push((folder(expected.v2_id), at));
    }
    let mut taken = BTreeSet::new();
    for (id, state) in BORN.into_iter().zip([StateV1::Init, StateV1::Cancel, StateV1::Done]) {
        let seq = id.rsplit_once('.').unwrap().1.parse().unwrap();
        let info = (&start as &dyn Storage).stat(&path(&format!("{}/TaskInfo.solo.sales", folder(id)))).unwrap();
        // Two that were written in one millisecond cannot have one name.
        let mut ts = u64::try_from(info.mtime_ms).unwrap();
        while !taken.insert((seq, ts)) {
            ts += 1;
        }
        let mut task = v1_task("born", seq, 7, state, ("sales", "solo"));
        task.task_id.receive_ts = ts;
        let at = v1(&super::v1_files::v1_name("born", seq, ts, state));
        wanted.insert(at.clone(), Wanted::Task(Box::new(task)));
        carried.push((folder(id), at));
    }
    Return { name, start, catalog: fixture.catalog, wanted, carried, finished }
}
