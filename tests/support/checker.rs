//! The invariants of the design, read off a tree.
//!
//! The checker knows nothing of the operations and shares no code with them: it takes names and bytes apart by itself and
//! compares with what a fixture says by hand. Of the library it uses the types that hold a task and a tree.

use std::collections::{BTreeMap, BTreeSet};

use comptask_upgrade::task::{StateV1, StateV2, TaskV1, TaskV2};
use comptask_upgrade::{Gate, MemoryStorage, Operation};

use super::task_bytes::{read_v1, read_v2};
use super::trees::{Expected, Fixture};

/// Paths with the bytes of files, `None` for folders.
pub type Image = BTreeMap<String, Option<Vec<u8>>>;

const V1: &str = "Compaction";
const V1_DELETING: &str = "Compaction.deleting";
const SCHEDULER: &str = "Compaction_V2/Scheduler";
const MARKS: &str = "Compaction_V2/Taskupgrade";
const DONE: &str = "Compaction_V2/TaskUpgrade.done";

/// The image of a tree.
pub fn image(storage: &MemoryStorage) -> Image {
    storage.image().into_iter().collect()
}

/// A tree as it is compared between two courses: the lines of a manifest that name its run are left out, and those that
/// were written together are one, since the storage says how many groups of tasks there are.
pub fn normal(mut image: Image) -> Image {
    let is_manifest = |path: &String| path.starts_with("Compaction_V2/TaskUpgrade.done/Manifest");
    let paths: Vec<String> = image.keys().filter(|path| is_manifest(path)).cloned().collect();
    let mut together: Vec<(u64, Vec<u8>)> = Vec::new();
    for path in paths {
        let Some(Some(bytes)) = image.get_mut(&path) else { continue };
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        assert!(lines.len() >= 2, "{path} has no head and tail");
        let head: serde_json::Value = serde_json::from_slice(lines[0]).unwrap_or_default();
        *bytes = lines[1..lines.len() - 1].concat();
        if let Some(piece) = head["piece"].as_u64() {
            together.push((piece, std::mem::take(bytes)));
            image.remove(&path);
        }
    }
    if !together.is_empty() {
        together.sort();
        let lines = together.into_iter().flat_map(|(_, lines)| lines).collect();
        image.insert(format!("{DONE}/Manifest"), Some(lines));
    }
    image
}

/// The paths in which two trees differ.
pub fn differences(left: &Image, right: &Image) -> Vec<String> {
    let paths: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let differ = paths.into_iter().filter(|path| left.get(*path) != right.get(*path));
    let what = |path: &String| match (left.get(path), right.get(path)) {
        (Some(_), None) => format!("{path} is there and should not be"),
        (None, _) => format!("{path} is missing"),
        _ => format!("{path} has other bytes"),
    };
    differ.map(what).collect()
}

/// A task at the start, and what is expected of it.
struct Task {
    v1_path: String,
    base: String,
    v1: TaskV1,
    state: StateV1,
    expected: Expected,
}

/// A tree as it was before any operation, and the invariants that hold from then on.
pub struct Checker {
    v1: Image,
    tasks: Vec<Task>,
    foreign: Image,
    foreign_managers: BTreeSet<String>,
    /// The marks of an upgrade that had begun before.
    marked_before: BTreeSet<String>,
}

/// Splits a V1 name into its base and its state; the suffix is one of three words.
fn split_v1(name: &str) -> (String, StateV1) {
    for (word, state) in [("Assigned", StateV1::Assigned), ("Cancel", StateV1::Cancel), ("Done", StateV1::Done)] {
        if let Some(base) = name.strip_suffix(word).and_then(|rest| rest.strip_suffix('.')) {
            return (base.to_owned(), state);
        }
    }
    (name.to_owned(), StateV1::Init)
}

/// `%`-encodes as the layout says; a node called `upgrade` would look like the mark of a converted task.
pub fn escaped(name: &str) -> String {
    if name == "upgrade" {
        return "%75pgrade".to_owned();
    }
    let encode = |letter: char| match letter {
        '.' => "%2E".to_owned(),
        '/' => "%2F".to_owned(),
        '%' => "%25".to_owned(),
        ':' => "%3A".to_owned(),
        other => other.to_string(),
    };
    name.chars().map(encode).collect()
}

/// I2: while an operation is under way no node starts.
pub fn under_way_bars_nodes(image: &Image, gate: Gate) -> Result<(), String> {
    let under_way = ["Compaction_V2/Taskrecovery", V1_DELETING].into_iter().find(|path| image.contains_key(*path));
    match (under_way, gate) {
        (Some(path), Gate::UseV1 | Gate::UseV2) => Err(format!("I2: a node starts beside {path}")),
        _ => Ok(()),
    }
}

fn below<'i>(image: &'i Image, folder: &str) -> impl Iterator<Item = (&'i String, &'i Option<Vec<u8>>)> {
    let (from, to) = (format!("{folder}/"), format!("{folder}0"));
    image.range(from..to)
}

fn children<'i>(image: &'i Image, folder: &'i str) -> impl Iterator<Item = (&'i str, &'i Option<Vec<u8>>)> {
    below(image, folder).filter_map(move |(path, bytes)| {
        let name = &path[folder.len() + 1..];
        (!name.contains('/')).then_some((name, bytes))
    })
}

/// The word of a state in names and lines, as docs/format.md spells it.
fn word(state: StateV2) -> &'static str {
    match state {
        StateV2::Init => "Init",
        StateV2::Running => "Running",
        StateV2::Cancel => "Cancel",
        StateV2::Done => "Done",
    }
}

fn is_open(state: StateV2) -> bool {
    matches!(state, StateV2::Init | StateV2::Running)
}

/// Whether a part says what became of a task.
fn has_line(image: &Image, task: &Task) -> bool {
    let wanted = format!("{{\"v1\":\"{}\"", task.expected.v1_name);
    let parts = children(image, MARKS).filter(|(name, _)| name.starts_with("Part."));
    parts
        .filter_map(|(_, bytes)| std::str::from_utf8(bytes.as_ref()?).ok())
        .any(|text| text.lines().any(|line| line.starts_with(&wanted)))
}

impl Checker {
    /// The invariants of a fixture.
    pub fn new(fixture: &Fixture) -> Self {
        let start = image(&fixture.storage);
        let task = |expected: &Expected| {
            let v1_path = format!("{V1}/Scheduler/{}", expected.v1_name);
            let bytes = start[&v1_path].as_ref().expect("a V1 task is a file");
            let (base, state) = split_v1(&expected.v1_name);
            Task { base, v1: read_v1(bytes).unwrap(), state, expected: expected.clone(), v1_path }
        };
        let mut foreign = Image::new();
        let mut foreign_managers = BTreeSet::new();
        for path in &fixture.foreign {
            foreign.insert(path.clone(), start[path].clone());
            foreign.extend(below(&start, path).map(|(path, bytes)| (path.clone(), bytes.clone())));
            if path.contains("/Manager.") {
                foreign_managers.insert(path.clone());
            }
        }
        let marked_before = children(&start, MARKS).map(|(name, _)| format!("{MARKS}/{name}")).collect();
        let is_v1 = |path: &String| path == V1 || path.starts_with("Compaction/");
        Self {
            tasks: fixture.expected.iter().map(task).collect(),
            v1: start.into_iter().filter(|(path, _)| is_v1(path)).collect(),
            foreign,
            foreign_managers,
            marked_before,
        }
    }

    /// I1, I3, I4, I5, and that nobody else's task is touched: what holds at every instant of an operation.
    pub fn at_every_instant(&self, image: &Image, operation: Operation) -> Result<(), String> {
        for (path, bytes) in &self.foreign {
            if image.get(path) != Some(bytes) {
                return Err(format!("somebody else's {path} was changed"));
            }
        }
        let done = image.contains_key(DONE);
        self.i5(image, operation, done)?;
        for task in &self.tasks {
            let in_v1 = image.get(&task.v1_path) == self.v1.get(&task.v1_path);
            let in_v2 = whole_in_v2(image, task).and_then(|manager| {
                // Whoever sees a main task goes by its manager, so the manager comes first and goes last.
                match manager.filter(|path| !image.contains_key(path)) {
                    Some(path) => Err(format!("the main task is visible without {path}")),
                    None => Ok(()),
                }
            });
            if let Some(why) = in_v2.clone().err().filter(|why| why.starts_with("the main task is visible")) {
                return Err(why);
            }
            if !in_v1 {
                in_v2.clone().map_err(|why| format!("I1: {} is whole in neither tree: {why}", task.base))?;
            }
            let mark = format!("{MARKS}/{}.upgrade", task.base);
            // Beside the done mark it is the manifest that says so.
            if !done && image.contains_key(&mark) && !self.marked_before.contains(&mark) && !has_line(image, task) {
                return Err(format!("I3: {} is marked as upgraded and its line is in no part", task.base));
            }
            if image.contains_key(&mark) {
                in_v2.clone().map_err(|why| format!("I3: {} is marked as upgraded: {why}", task.base))?;
            }
            if done {
                in_v2.map_err(|why| format!("I4: done is marked, {}: {why}", task.base))?;
            }
        }
        if done {
            self.manifest(image).map_err(|why| format!("I4: {why}"))?;
        }
        Ok(())
    }

    /// No V1 file is touched before done; after it, only by DELETE's one rename.
    fn i5(&self, image: &Image, operation: Operation, done: bool) -> Result<(), String> {
        if image.contains_key(V1) {
            for (path, bytes) in &self.v1 {
                if image.get(path) != Some(bytes) {
                    return Err(format!("I5: {path} is not as it was"));
                }
            }
            let added = below(image, V1).find(|(path, _)| !self.v1.contains_key(*path));
            return added.map_or(Ok(()), |(path, _)| Err(format!("I5: {path} was added")));
        }
        if operation != Operation::Delete {
            return Err("I5: the V1 tree is gone".to_owned());
        }
        if image.contains_key(V1_DELETING) && !done && !self.tasks.is_empty() {
            return Err("the done mark went before the V1 tree".to_owned());
        }
        for (path, bytes) in below(image, V1_DELETING) {
            if self.v1.get(&path.replacen(V1_DELETING, V1, 1)) != Some(bytes) {
                return Err(format!("I5: {path} is not what it was before the rename"));
            }
        }
        Ok(())
    }

    /// The manifests hold every V1 task once, in the order of the names, with the sums of the bytes that are there.
    fn manifest(&self, image: &Image) -> Result<(), String> {
        let parse =
            |line: &str| serde_json::from_str::<serde_json::Value>(line).map_err(|error| format!("{line}: {error}"));
        let count = children(image, DONE).filter(|(name, _)| name.starts_with("Manifest")).count();
        let mut lines: Vec<&str> = Vec::new();
        for number in 1..=count.max(1) {
            let path = if number == 1 { format!("{DONE}/Manifest") } else { format!("{DONE}/Manifest.{number}") };
            let Some(Some(bytes)) = image.get(&path) else { return Err(format!("{path} is missing")) };
            let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
            let all: Vec<&str> = text.lines().collect();
            let tail = parse(all.last().ok_or("it is empty")?)?;
            let at = text.rfind("{\"count\"").ok_or("it has no tail")?;
            if tail["crc32c"] != format!("{:08x}", crc32c::crc32c(&bytes[..at])) || tail["count"] != all.len() - 2 {
                return Err(format!("the tail of {path} does not fit it"));
            }
            let head = parse(all[0])?;
            if head["format"] != "comptask-upgrade/manifest/1" || head["run"].as_str().is_none_or(str::is_empty) {
                return Err(format!("the head of {path} is {head}"));
            }
            let place = if count == 1 { (None, None) } else { (Some(number as u64), Some(count as u64)) };
            if (head["piece"].as_u64(), head["pieces"].as_u64()) != place {
                return Err(format!("the head of {path}, one of {count}, is {head}"));
            }
            lines.extend(&all[1..all.len() - 1]);
        }
        let mut wanted: Vec<&Task> = self.tasks.iter().collect();
        wanted.sort_by(|left, right| left.expected.v1_name.cmp(&right.expected.v1_name));
        if lines.len() != wanted.len() {
            return Err(format!("it holds {} tasks of {}", lines.len(), wanted.len()));
        }
        let sum = |bytes: &[u8]| format!("{:016x}", xxhash_rust::xxh64::xxh64(bytes, 0));
        for (line, task) in lines.into_iter().zip(wanted) {
            let row = parse(line)?;
            let v1 = self.v1[&task.v1_path].as_ref().expect("a file");
            let folder = format!("{SCHEDULER}/{}", task.expected.v2_id);
            let info = children(image, &folder).find(|(name, _)| name.starts_with("TaskInfo."));
            let v2 = info.and_then(|(_, bytes)| bytes.as_ref()).ok_or_else(|| format!("{folder} has no TaskInfo"))?;
            let made_cancel = task.expected.state == StateV2::Cancel && task.state != StateV1::Cancel;
            let fits = row["v1"] == task.expected.v1_name
                && row["v1_length"] == v1.len()
                && row["v1_xxh64"] == sum(v1)
                && row["v2"] == task.expected.v2_id
                && row["v2_xxh64"] == sum(v2)
                && row["state"] == word(task.expected.state)
                && row["cancelled"] == made_cancel;
            let place = (row["pc"].as_str().unwrap_or("?"), row["node"].as_str().unwrap_or("?"));
            if !fits || !task.expected.places.contains(&place) {
                return Err(format!("its line of {} is {row}", task.base));
            }
        }
        Ok(())
    }

    /// Every V1 file is there as it was.
    pub fn v1_is_whole(&self, image: &Image) -> Result<(), String> {
        let changed = self.v1.iter().find(|(path, bytes)| image.get(*path) != Some(bytes));
        changed.map_or(Ok(()), |(path, _)| Err(format!("I1: {path} is not as it was")))
    }

    /// I2: what a node may take for the tasks, by what the gate told it.
    pub fn node_may_start(&self, image: &Image, gate: Gate) -> Result<(), String> {
        let in_v1 = |task: &&Task| image.get(&task.v1_path) == self.v1.get(&task.v1_path);
        match gate {
            Gate::DoNotStart => Ok(()),
            Gate::UseV1 => match self.tasks.iter().find(|task| !in_v1(task)) {
                Some(task) => Err(format!("I2: a node works with V1, and {} is not there", task.base)),
                None if image.contains_key(DONE) || image.contains_key(MARKS) => {
                    Err("I2: a node works with V1 in the middle of an upgrade".to_owned())
                }
                None => Ok(()),
            },
            Gate::UseV2 => self.tasks.iter().try_for_each(|task| {
                whole_in_v2(image, task)
                    .map(drop)
                    .map_err(|why| format!("I2: a node works with V2, {}: {why}", task.base))
            }),
        }
    }

    /// A tree as a successful UPGRADE leaves it.
    pub fn upgraded(&self, image: &Image) -> Result<(), String> {
        self.at_every_instant(image, Operation::Upgrade)?;
        if !image.contains_key(DONE) {
            return Err("the upgrade is not marked as complete".to_owned());
        }
        self.nothing_left(image)
    }

    /// A tree as a successful DELETE leaves it.
    pub fn deleted(&self, image: &Image) -> Result<(), String> {
        for gone in [V1, V1_DELETING, DONE] {
            if image.contains_key(gone) {
                return Err(format!("{gone} is still there"));
            }
        }
        self.at_every_instant(image, Operation::Delete)?;
        self.nothing_left(image)
    }

    /// Nothing of a run is left, and no task or manager is there that nobody asked for.
    fn nothing_left(&self, image: &Image) -> Result<(), String> {
        for rubbish in [".staging", "TaskupgradeLock", "Taskupgrade", "Taskrecovery", "Taskrecovery.removing"] {
            if image.contains_key(&format!("Compaction_V2/{rubbish}")) {
                return Err(format!("{rubbish} is left"));
            }
        }
        let ours: BTreeSet<&str> = self.tasks.iter().map(|task| task.expected.v2_id).collect();
        for (name, _) in children(image, SCHEDULER) {
            if !ours.contains(name) && !self.foreign.contains_key(&format!("{SCHEDULER}/{name}")) {
                return Err(format!("{SCHEDULER}/{name} is nobody's"));
            }
        }
        let mut managers = self.foreign_managers.clone();
        for task in self.tasks.iter().filter(|task| is_open(task.expected.state)) {
            let folder = format!("{SCHEDULER}/{}", task.expected.v2_id);
            let info = children(image, &folder).find_map(|(_, bytes)| bytes.as_ref().filter(|bytes| !bytes.is_empty()));
            let node = info.and_then(|bytes| read_v2(bytes).ok()).map(|v2| v2.executenode).unwrap_or_default();
            managers.insert(format!("Compaction_V2/TaskAssigned/{}/Manager.{}", escaped(&node), task.expected.v2_id));
        }
        let there =
            below(image, "Compaction_V2/TaskAssigned").filter(|(_, bytes)| bytes.is_some()).map(|(path, _)| path);
        match there.cloned().collect::<BTreeSet<String>>().symmetric_difference(&managers).next() {
            Some(path) => Err(format!("{path}: a manager too many or too few")),
            None => Ok(()),
        }
    }
}

/// Whether a task is whole in V2 and equal to its V1 file in every field; the manager that it needs.
fn whole_in_v2(image: &Image, task: &Task) -> Result<Option<String>, String> {
    let id = task.expected.v2_id;
    let folder = format!("{SCHEDULER}/{id}");
    let files: Vec<(&str, &Option<Vec<u8>>)> = children(image, &folder).collect();
    let infos: Vec<_> = files.iter().filter(|(name, _)| name.starts_with("TaskInfo.")).collect();
    let words: Vec<_> = files.iter().filter_map(|(name, _)| name.strip_prefix("Status.")).collect();
    let ([(info_name, Some(bytes))], [status], 2) = (&infos[..], &words[..], files.len()) else {
        return Err(format!("{folder} holds {:?}", files.iter().map(|(name, _)| *name).collect::<Vec<_>>()));
    };
    let v2 = read_v2(bytes).map_err(|error| format!("{folder}/{info_name}: {error}"))?;
    let wanted = task.expected.state;
    if *status != word(wanted) {
        return Err(format!("{folder} has the status {status}, not {}", word(wanted)));
    }
    let place = (v2.pc_name.as_str(), v2.executenode.as_str());
    if !task.expected.places.contains(&place) {
        return Err(format!("{folder} is placed at {place:?}, not in {:?}", task.expected.places));
    }
    if **info_name != format!("TaskInfo.{}.{}", escaped(&v2.pc_name), escaped(&v2.db_name)) {
        return Err(format!("{folder} has a {info_name}"));
    }
    equal(task, &v2, wanted).map_err(|field| format!("{folder}: its {field} is not what V1 says"))?;
    let needed = is_open(wanted) && !v2.executenode.is_empty();
    Ok(needed.then(|| format!("Compaction_V2/TaskAssigned/{}/Manager.{id}", escaped(&v2.executenode))))
}

/// The first field that is not what V1 says.
fn equal(task: &Task, v2: &TaskV2, state: StateV2) -> Result<(), &'static str> {
    let v1 = &task.v1;
    let query_id = task.expected.v2_id.rsplit_once('.').map_or("", |(query_id, _)| query_id);
    let checks = [
        ("query_id", v2.task_id.query_id == query_id),
        ("sequence_no", v2.task_id.sequence_no == v1.task_id.sequence_no),
        ("receive_pu", v2.receive_pu == v1.task_id.receive_pu),
        ("state", v2.state == state),
        ("optimizat", v2.optimizat.db_name == v1.db_name && v2.optimizat.pc_name == v2.pc_name),
        ("repeat_flag", v2.repeat_flag == v1.repeat_flag),
        ("sub_task_flag", v2.sub_task_flag == v1.sub_task_flag),
        ("sync_task_flag", !v2.sync_task_flag),
        ("repeat_info", v2.repeat_info == v1.repeat_info),
        ("result_info", v2.result_info == v1.result_info),
        ("db_name", v2.db_name == v1.db_name),
        ("schema_name", v2.schema_name == v1.schema_name),
        ("table_name", v2.table_name == v1.table_name),
        ("partition_name", v2.partition_name == v1.partition_name),
        ("memo", v2.memo.compact_filesize_threshold == 0 && v2.memo.compact_group_num == 0),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map_or(Ok(()), |(field, _)| Err(field))
}
