//! The V1 tree held against the manifests: what DELETE may remove, and what turned up since the upgrade.

use std::collections::HashSet;

use super::context::{plural, some_of, Run};
use super::groups::groups;
use super::parts::MANIFEST_BYTES_LIMIT;
use super::report::{Outcome, Report, Row};
use super::scan::{V1File, V1Scan};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{self, V1Name};
use crate::plan::manifest::{Head, Line, Reader};
use crate::storage::Storage;
use crate::task::{content_sum, ContentSum, V1Base, FILE_BYTES_LIMIT};
use crate::tree::{Kind, TreePath};

/// What the done folder holds: every manifest, and the nodes that started since.
#[derive(Debug)]
pub(super) struct Manifests {
    files: Vec<(TreePath, Head)>,
    last_number: u32,
    /// What of each line decides about its V1 file, in the byte order of the V1 names.
    known: Vec<Known>,
    pub(super) started_nodes: Vec<String>,
    pub(super) unknown: Vec<String>,
}

#[derive(Debug)]
struct Known {
    v1: Box<str>,
    length: u64,
    sum: ContentSum,
}

const RESTORE: &str =
    "restore the manifest from a backup; without it nothing proves what was upgraded; V2 works without it, and RECOVERY \
     by downgrade_old with force goes back to the V1 files as they are";

/// What to do about an error of a manifest where the V1 tree is being deleted, so that there is no way back to it.
pub(super) fn restore_or_delete(error: Error) -> Error {
    if error.next_action() != RESTORE {
        return error;
    }
    error.advise(
        "restore the manifest from a backup; where there is none, look through Compaction.deleting and remove it, \
         and Taskupgrade where that is there: DELETE then finishes without a manifest",
    )
}

/// Whether the manifests are there and say nothing, which restoring them mends; `false` for a storage that fails.
pub(super) fn is_lost(manifests: &Error) -> bool {
    says_nothing(manifests.kind()) && manifests.next_action() == RESTORE
}

fn says_nothing(kind: ErrorKind) -> bool {
    [ErrorKind::Damaged, ErrorKind::Corrupt, ErrorKind::Storage, ErrorKind::TooLarge].contains(&kind)
}

/// What the done folder lists; no manifest is read for it.
#[derive(Debug, Default)]
pub(super) struct DoneFolder {
    manifests: Vec<(u32, TreePath)>,
    /// The nodes that recorded a start since the upgrade was complete.
    pub(super) started_nodes: Vec<String>,
    pub(super) unknown: Vec<String>,
}

impl DoneFolder {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        let mut done = Self::default();
        for entry in storage.children(&layout::done())?.unwrap_or_default() {
            let path = layout::done().join(&entry.name);
            if let Some(number) = layout::parse_manifest(&entry.name).filter(|_| entry.is_file()) {
                done.manifests.push((number, path));
            } else if let Some(node) = started_node(&entry.name) {
                done.started_nodes.push(node);
            } else {
                done.unknown.push(path.to_string());
            }
        }
        Ok(done)
    }

    pub(super) fn manifest_names(&self) -> Vec<String> {
        self.manifests.iter().map(|(_, path)| path.name().to_owned()).collect()
    }
}

/// The node whose start a name in the done folder records.
fn started_node(name: &str) -> Option<String> {
    let node = name.strip_prefix(layout::STARTED_PREFIX)?;
    Some(layout::unescape(node).unwrap_or_else(|| node.to_owned()))
}

impl Known {
    fn new(line: Line) -> Self {
        Self { v1: line.v1.into(), length: line.v1_length, sum: line.v1_xxh64 }
    }
}

fn read_manifest(storage: &dyn Storage, path: &TreePath) -> Result<Reader> {
    let reader = storage.read(path, MANIFEST_BYTES_LIMIT).and_then(Reader::new);
    reader.map_err(|error| {
        let error = error.at(path);
        // A right that is missing, or a storage that is away, is mended otherwise.
        if says_nothing(error.kind()) {
            error.advise(RESTORE)
        } else {
            error
        }
    })
}

impl Manifests {
    /// Reads the done folder and every manifest in it.
    ///
    /// # Errors
    /// `Damaged` where there is no manifest in it, `Corrupt` where one cannot be read.
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        Self::of(storage, &DoneFolder::read(storage)?)
    }

    /// Reads the manifests of a done folder that is listed already.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub(super) fn of(storage: &dyn Storage, done: &DoneFolder) -> Result<Self> {
        let mut manifests = Self {
            files: Vec::new(),
            last_number: done.manifests.iter().map(|(number, _)| *number).max().unwrap_or(0),
            known: Vec::new(),
            started_nodes: done.started_nodes.clone(),
            unknown: done.unknown.clone(),
        };
        for (_, path) in &done.manifests {
            let reader = read_manifest(storage, path)?;
            for line in reader.lines() {
                let line = line.map_err(|error| error.at(path).advise(RESTORE))?;
                manifests.known.push(Known::new(line));
            }
            manifests.files.push((path.clone(), reader.head().clone()));
        }
        if manifests.files.is_empty() {
            return Err(Error::new(ErrorKind::Damaged, "the upgrade is marked as complete and there is no manifest")
                .at(layout::done())
                .advise(RESTORE));
        }
        manifests.refuse_missing_pieces()?;
        manifests.known.sort_unstable_by(|left, right| left.v1.cmp(&right.v1));
        manifests.known.shrink_to_fit();
        Ok(manifests)
    }

    /// Manifests are numbered from 1, and those that one run wrote together say how many they are: without one of them its
    /// tasks would look as if they had turned up since, and what V2 has finished would be run again.
    fn refuse_missing_pieces(&self) -> Result<()> {
        let damaged = |what: String| Err(Error::new(ErrorKind::Damaged, what).at(layout::done()).advise(RESTORE));
        for (run, pieces) in self.heads().filter_map(|head| Some((&head.run, head.pieces?))) {
            let has = |piece| self.heads().any(|head| &head.run == run && head.piece == Some(piece));
            if let Some(piece) = (1..=pieces).find(|piece| !has(*piece)) {
                return damaged(format!("of {pieces} manifests that were written together number {piece} is missing"));
            }
        }
        let names: HashSet<&str> = self.files.iter().map(|(path, _)| path.name()).collect();
        match (1..=self.last_number).find(|number| !names.contains(&*layout::manifest_name(*number))) {
            None => Ok(()),
            Some(number) => damaged(format!("of {} manifests number {number} is missing", self.last_number)),
        }
    }

    /// The V1 names of the manifests that V1 holds no more.
    pub(super) fn missing_in(&self, v1: &V1Scan) -> Vec<&str> {
        self.known.iter().map(|known| &*known.v1).filter(|name| v1.find(name).is_none()).collect()
    }

    /// Hands every line of every manifest to a sink; one manifest is held at a time.
    pub(super) fn each_line(&self, storage: &dyn Storage, mut sink: impl FnMut(Line) -> Result<()>) -> Result<()> {
        for (path, _) in &self.files {
            read_manifest(storage, path)?.lines().try_for_each(|line| sink(line?))?;
        }
        Ok(())
    }

    /// The heads of the manifests.
    pub(super) fn heads(&self) -> impl Iterator<Item = &Head> {
        self.files.iter().map(|(_, head)| head)
    }

    pub(super) fn tasks(&self) -> u64 {
        self.known.len() as u64
    }

    /// How many tasks that the upgrade made V2 lacks at least, where no node can have finished and cleared one: none has
    /// started, and none was up while the upgrade ran.
    fn gone_from_v2(&self, v2_tasks: u64) -> u64 {
        if self.v2_is_as_made() {
            self.tasks().saturating_sub(v2_tasks)
        } else {
            0
        }
    }

    /// Whether no node can have touched a V2 task.
    pub(super) fn v2_is_as_made(&self) -> bool {
        self.started_nodes.is_empty() && !self.heads().any(|head| head.online)
    }

    /// Whether a V1 file is in a manifest, under this name and with this length.
    pub(super) fn holds(&self, file: &V1File) -> bool {
        self.find(&file.name).is_some_and(|known| known.length == file.length)
    }

    /// The number of the next manifest.
    pub(super) fn next_number(&self) -> u32 {
        self.last_number.saturating_add(1)
    }

    fn find(&self, name: &str) -> Option<&Known> {
        let place = self.known.binary_search_by(|known| (*known.v1).cmp(name)).ok()?;
        self.known.get(place)
    }

    /// Whether a task is in a manifest, in whatever state it was.
    pub(super) fn has_base(&self, base: &str) -> bool {
        let from = self.known.partition_point(|known| &*known.v1 < base);
        let mut near = self.known[from..].iter().take_while(|known| known.v1.starts_with(base));
        near.any(|known| V1Name::parse(&known.v1).is_some_and(|name| V1Base::parse(base) == Some(name.base)))
    }
}

/// The V1 files that are in no manifest, or that changed state or length since; each with why.
pub(super) fn strangers<'v>(v1: &'v V1Scan, manifests: &Manifests) -> Vec<(&'v V1File, String)> {
    let why = |file: &V1File| match manifests.find(&file.name) {
        Some(known) if known.length == file.length => None,
        Some(known) => Some(format!("it had {} bytes when it was upgraded and has {}", known.length, file.length)),
        None if manifests.has_base(file.base()) => Some("it changed its state after it was upgraded".to_owned()),
        None => Some("it turned up after the upgrade was complete".to_owned()),
    };
    v1.files.iter().filter_map(|file| Some((file, why(file)?))).collect()
}

/// Counts and lists them: what turned up is left to be taken in; what changed fails in every upgrade, since V2 has it.
pub(super) fn list_strangers(report: &mut Report, strangers: &[(&V1File, String)], manifests: &Manifests) {
    let (mut new, mut changed) = (0, 0);
    for (file, why) in strangers {
        let (outcome, count) =
            if manifests.has_base(file.base()) { (Outcome::Failed, &mut changed) } else { (Outcome::New, &mut new) };
        *count += 1;
        let mut row = Row::new(&file.name, outcome);
        (row.v1_state, row.detail) = (Some(file.state), why.clone());
        report.push(row);
    }
    let counts = &mut report.counts;
    (counts.left, counts.failed, counts.skipped) = (new, changed, counts.total - new - changed);
}

/// What an operator does about the V1 files that were counted; `None` where there are none.
pub(super) fn advice_on_strangers(report: &Report) -> Option<&'static str> {
    match (report.counts.left > 0, report.counts.failed > 0) {
        (false, false) => None,
        (true, false) => Some("stop whatever still writes V1 tasks; UPGRADE with reopen takes in those that are new"),
        (false, true) => Some(
            "stop whatever still writes V1 tasks and put the files that changed back as they were when they were upgraded, \
             since V2 has their tasks; or go back with RECOVERY",
        ),
        (true, true) => Some(
            "stop whatever still writes V1 tasks and put the files that changed back as they were when they were upgraded, \
             since V2 has their tasks; then UPGRADE with reopen takes in those that are new",
        ),
    }
}

/// The error that names V1 files which turned up or changed.
pub(super) fn new_v1_tasks(strangers: &[(&V1File, String)]) -> Error {
    let names: Vec<&str> = strangers.iter().map(|(file, _)| &*file.name).collect();
    let count = names.len() as u64;
    let what = format!(
        "{count} V1 task{} turned up or changed after the upgrade was complete: {}",
        plural(count),
        some_of(&names)
    );
    Error::new(ErrorKind::NewV1Tasks, what).at(layout::v1_scheduler()).advise(NEW_V1_TASKS_ADVICE)
}

/// Tasks of the manifests that are not where they must be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lacks {
    /// V1 files that are gone; one whose state changed is not.
    pub(super) v1: usize,
    /// V2 tasks that are gone.
    pub(super) v2: u64,
}

impl Lacks {
    pub(super) fn of(manifests: &Manifests, v1: &V1Scan, v2_tasks: u64) -> Self {
        let is_gone = |name: &&str| V1Name::parse(name).is_none_or(|name| !v1.has_base(&name.base.to_string()));
        Self { v1: manifests.missing_in(v1).into_iter().filter(is_gone).count(), v2: manifests.gone_from_v2(v2_tasks) }
    }

    /// What is gone, in words.
    pub(super) fn warnings(self, manifests: &Manifests, v1: &V1Scan) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.v1 > 0 {
            let what = some_of(&manifests.missing_in(v1));
            warnings.push(format!("V1 files of the manifest that are not there any more: {what}"));
        }
        if self.v2 > 0 {
            let count = self.v2;
            warnings.push(format!("tasks of the manifest that V2 lacks, although no node has started since: {count}"));
        }
        warnings
    }

    /// What to do about it.
    pub(super) fn advice(self) -> Option<&'static str> {
        match (self.v1 > 0, self.v2 > 0) {
            (false, false) => None,
            (true, false) => Some(
                "bring back the V1 files that the warning names; or go on with V2 alone, where DELETE goes through once a node \
                 has started",
            ),
            (false, true) => Some(
                "start no node: V2 lacks tasks that the upgrade made; RECOVERY by downgrade_old with force goes back to the V1 \
                 files, from which UPGRADE makes them anew",
            ),
            (true, true) => Some(
                "start no node: both V1 files and V2 tasks of the upgrade are gone; bring the V1 files back, then RECOVERY by \
                 downgrade_old with force goes back to them, from which UPGRADE makes the tasks anew",
            ),
        }
    }
}

/// What to do about V1 tasks that turned up or changed since.
pub(super) const NEW_V1_TASKS_ADVICE: &str =
    "stop whatever still writes V1 tasks; UPGRADE with reopen takes in tasks that are new, those that changed are to be put \
     back as they were, since V2 has them";

/// The V1 files whose bytes are not those that were upgraded, each with why; each file is read.
pub(super) fn changed_bytes<'v>(
    run: &mut Run<'_>,
    v1: &'v V1Scan,
    manifests: &Manifests,
) -> Result<Vec<(&'v V1File, String)>> {
    let mut changed = Vec::new();
    let mut done = 0;
    for group in groups(&v1.files, run.storage().group_tasks(), |file| file.length) {
        run.check_cancelled()?;
        let paths: Vec<TreePath> = group.iter().map(V1File::path).collect();
        let read = run.storage().read_batch(&paths, FILE_BYTES_LIMIT, run.in_flight());
        for (file, bytes) in group.iter().zip(read) {
            let Some(known) = manifests.find(&file.name) else { continue };
            match bytes {
                Ok(bytes) if content_sum(&bytes) == known.sum => {}
                Ok(_) => changed.push((file, "its bytes changed after it was upgraded".to_owned())),
                Err(error) => changed.push((file, error.message().to_owned())),
            }
        }
        done += group.len() as u64;
        run.progress(super::options::Stage::Check, done, group.last().map_or("", |file| &*file.name));
    }
    Ok(changed)
}

/// What lies in the V1 tree beside the main tasks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct BesideV1Tasks {
    /// `Compaction/Scheduler` is there.
    pub(super) scheduler: bool,
    /// `Compaction/TaskAssigned` is there.
    pub(super) task_assigned: bool,
    /// Folders of sub-tasks.
    pub(super) sub_tasks: u64,
    /// Paths that no rule of the layout explains.
    pub(super) unknown: Vec<String>,
}

impl BesideV1Tasks {
    /// Lists the V1 tree but for its main tasks, which `v1` holds.
    pub(super) fn read(run: &Run<'_>, v1: &V1Scan) -> Result<Self> {
        let storage = run.storage();
        let mut beside = Self { unknown: v1.unknown.clone(), ..Self::default() };
        for entry in storage.children(&layout::v1())?.unwrap_or_default() {
            match entry.name.as_str() {
                layout::SCHEDULER if entry.is_folder() => beside.scheduler = true,
                layout::TASK_ASSIGNED if entry.is_folder() => beside.task_assigned = true,
                _ => beside.unknown.push(format!("{}/{}", layout::v1(), entry.name)),
            }
        }
        let assigned = layout::v1_task_assigned();
        for pu in storage.children(&assigned)?.unwrap_or_default() {
            if !pu.is_folder() {
                beside.unknown.push(format!("{assigned}/{}", pu.name));
                continue;
            }
            run.check_cancelled()?;
            let folder = assigned.join(&pu.name);
            for task in storage.children(&folder)?.unwrap_or_default() {
                if !task.is_folder() || V1Name::parse(&task.name).is_none() {
                    beside.unknown.push(format!("{folder}/{}", task.name));
                    continue;
                }
                beside.sub_tasks += 1;
                let task_folder = folder.join(&task.name);
                let files = storage.children(&task_folder)?.unwrap_or_default();
                let strange = files.iter().filter(|file| !file.is_file() || !layout::is_sub_task_file(&file.name));
                beside.unknown.extend(strange.map(|file| format!("{task_folder}/{}", file.name)));
            }
        }
        Ok(beside)
    }
}

/// Every file at or below a folder, up to a number of them.
pub(super) fn files_below(storage: &dyn Storage, folder: &TreePath, limit: usize) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.clone()];
    let mut seen = HashSet::new();
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder.clone()) {
            continue;
        }
        for entry in storage.children(&folder)?.unwrap_or_default() {
            if entry.stat.kind == Kind::Folder && entry.exact {
                folders.push(folder.join(&entry.name));
            } else {
                found.push(format!("{folder}/{}", entry.name));
            }
            if found.len() >= limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}
