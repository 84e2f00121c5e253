//! The listings of a run: V1 files, marks, V2 ids. Folders are listed, never probed name by name.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use crate::error::Result;
use crate::layout::{self, Mark, V1Name};
use crate::storage::{none_if_missing, Storage};
use crate::task::{StateV1, V1Base, V2Id};
use crate::tree::{Kind, TreePath};

use super::report::ByState;

/// A V1 file whose name can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct V1File {
    pub(super) name: Box<str>,
    pub(super) state: StateV1,
    pub(super) length: u64,
    pub(super) mtime_ms: i64,
    /// Whether it is a regular file. A link or a folder of a task's name is that task's error.
    pub(super) regular: bool,
}

impl V1File {
    /// The name without the suffix of its state.
    pub(super) fn base(&self) -> &str {
        match self.state {
            StateV1::Init => &self.name,
            state => self.name.strip_suffix(state.word()).and_then(|rest| rest.strip_suffix('.')).unwrap_or(&self.name),
        }
    }

    /// The parts of the base. The name was parsed when it was listed, so this gives a base for every file listed.
    pub(super) fn parsed(&self) -> Option<V1Base> {
        V1Base::parse(self.base())
    }

    pub(super) fn path(&self) -> TreePath {
        layout::v1_scheduler().join(&self.name)
    }
}

/// The V1 tasks, in the byte order of their names.
#[derive(Debug, Default)]
pub(super) struct V1Scan {
    pub(super) files: Vec<V1File>,
    /// What else lies in the folder.
    pub(super) unknown: Vec<String>,
}

impl V1Scan {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        Self::read_in(storage, &layout::v1_scheduler())
    }

    /// The same of a V1 tree that has another name by now.
    pub(super) fn read_in(storage: &dyn Storage, folder: &TreePath) -> Result<Self> {
        let mut scan = Self::default();
        each_v1_file(storage, folder, |file| match file {
            Ok(file) => scan.files.push(file),
            Err(unknown) => scan.unknown.push(unknown),
        })?;
        scan.files.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        scan.files.shrink_to_fit();
        scan.unknown.sort_unstable();
        Ok(scan)
    }

    pub(super) fn by_state(&self) -> ByState {
        let mut counts = ByState::default();
        for file in &self.files {
            counts[file.state as usize] += 1;
        }
        counts
    }

    /// What V1 holds by now that is not in this listing, or not the same in it, and what is gone. No second listing is held.
    pub(super) fn changed_by_now(&self, storage: &dyn Storage) -> Result<Vec<String>> {
        let mut seen = vec![false; self.files.len()];
        let mut changed = Vec::new();
        each_v1_file(storage, &layout::v1_scheduler(), |file| match file {
            Ok(file) => {
                let place = self.place(&file.name);
                let is_same = place.is_some_and(|place| self.files[place] == file);
                if let Some(seen) = place.and_then(|place| seen.get_mut(place)) {
                    *seen = true;
                }
                if !is_same {
                    changed.push(format!("{} is new or changed", file.name));
                }
            }
            Err(_unknown) => {}
        })?;
        changed.sort_unstable();
        let gone = self.files.iter().zip(seen).filter(|(_, seen)| !seen);
        changed.extend(gone.map(|(file, _)| format!("{} is gone", file.name)));
        Ok(changed)
    }

    /// The names of files that are new or changed.
    pub(super) fn names_changed_since(&self, earlier: &Self) -> HashSet<Box<str>> {
        let same = |file: &V1File| earlier.find(&file.name) == Some(file);
        self.files.iter().filter(|file| !same(file)).map(|file| file.name.clone()).collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<&V1File> {
        self.place(name).and_then(|place| self.files.get(place))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.files.binary_search_by(|file| (*file.name).cmp(name)).ok()
    }

    /// The place of the first file of a base, in whatever state.
    fn place_of_base(&self, base: &str) -> Option<usize> {
        let from = self.files.partition_point(|file| &*file.name < base);
        let mut near = self.files[from..].iter().take_while(|file| file.name.starts_with(base));
        near.position(|file| file.base() == base).map(|place| from + place)
    }

    pub(super) fn has_base(&self, base: &str) -> bool {
        self.place_of_base(base).is_some()
    }
}

/// Hands each file of a V1 folder to a sink, or the path of what is no task; nothing where there is no folder.
fn each_v1_file(
    storage: &dyn Storage,
    folder: &TreePath,
    mut sink: impl FnMut(std::result::Result<V1File, String>),
) -> Result<()> {
    let listed = storage.list(folder, &mut |entry| {
        sink(match V1Name::parse(&entry.name).filter(|_| entry.exact) {
            Some(name) => Ok(V1File {
                name: entry.name.into_boxed_str(),
                state: name.state,
                length: entry.stat.length,
                mtime_ms: entry.stat.mtime_ms,
                regular: entry.stat.kind == Kind::File,
            }),
            None => Err(format!("{folder}/{}", entry.name)),
        });
        ControlFlow::Continue(())
    });
    none_if_missing(listed).map(drop)
}

/// Which tasks of a V1 listing have the mark of a converted one: a flag each, not a name.
pub(super) struct Converted {
    marked: Vec<bool>,
    /// The bases of marks whose V1 files are not in the listing.
    others: HashSet<Box<str>>,
}

impl Converted {
    pub(super) fn read(storage: &dyn Storage, v1: &V1Scan) -> Result<Self> {
        let mut converted = Self { marked: vec![false; v1.files.len()], others: HashSet::new() };
        let listed = storage.list(&layout::upgrading(), &mut |entry| {
            if let Some(Mark::Upgraded { base }) = entry.is_file().then(|| layout::parse_mark(&entry.name)) {
                match v1.place_of_base(&base) {
                    Some(place) => converted.marked[place] = true,
                    None => drop(converted.others.insert(base.into_boxed_str())),
                }
            }
            ControlFlow::Continue(())
        });
        none_if_missing(listed)?;
        Ok(converted)
    }

    /// The bases of the listing that have no mark.
    pub(super) fn unmarked<'v>(&self, v1: &'v V1Scan) -> Vec<&'v str> {
        let is_marked = |base: &str| v1.place_of_base(base).is_some_and(|place| self.marked[place]);
        v1.files.iter().map(V1File::base).filter(|base| !is_marked(base)).collect()
    }

    /// Whether there is a mark of a base whose V1 file is not in the listing.
    pub(super) fn has_other(&self, base: &str) -> bool {
        self.others.contains(base)
    }
}

/// The marks of an upgrade that has begun.
#[derive(Debug, Default)]
pub(super) struct MarkScan {
    pub(super) upgraded: HashSet<Box<str>>,
    /// The nodes of each base's marks in progress.
    pub(super) in_progress: HashMap<Box<str>, Vec<String>>,
    /// V1 was at work while tasks were converted.
    pub(super) online: bool,
    /// The names of parts, oldest first by the clock of the storage: those of several hosts may differ.
    pub(super) parts: Vec<String>,
    pub(super) unknown: Vec<String>,
}

impl MarkScan {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        let mut scan = Self::default();
        let folder = layout::upgrading();
        let mut parts = Vec::new();
        let listed = storage.list(&folder, &mut |entry| {
            let mark = if entry.is_file() { layout::parse_mark(&entry.name) } else { Mark::Unknown };
            match mark {
                Mark::Upgraded { base } => drop(scan.upgraded.insert(base.into_boxed_str())),
                Mark::InProgress { base, node } => {
                    scan.in_progress.entry(base.into_boxed_str()).or_default().push(node);
                }
                Mark::Part => parts.push((entry.stat.mtime_ms, part_order(&entry.name), entry.name)),
                Mark::Reopen => {}
                Mark::Online => scan.online = true,
                Mark::Unknown => scan.unknown.push(format!("{folder}/{}", entry.name)),
            }
            ControlFlow::Continue(())
        });
        none_if_missing(listed)?;
        scan.in_progress.values_mut().for_each(|nodes| nodes.sort_unstable());
        parts.sort_unstable();
        scan.parts = parts.into_iter().map(|(_, _, name)| name).collect();
        scan.unknown.sort_unstable();
        Ok(scan)
    }
}

/// The run of a part, which sorts by time, and its number: within a run later parts have higher ones.
fn part_order(name: &str) -> (String, u64) {
    let (run, number) = name.rsplit_once('.').unwrap_or((name, ""));
    (run.to_owned(), number.parse().unwrap_or(u64::MAX))
}

/// The V2 main tasks that are there.
#[derive(Debug, Default)]
pub(super) struct V2Scan {
    /// Those that have the shape of an upgraded task: ts, seq and ordinal, sorted.
    upgraded: Vec<(u64, i32, u16)>,
    /// All of them.
    pub(super) count: u64,
    pub(super) unknown: Vec<String>,
}

impl V2Scan {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        let mut scan = Self::default();
        let folder = layout::v2_scheduler();
        let listed = storage.list(&folder, &mut |entry| {
            match V2Id::parse(&entry.name).filter(|_| entry.is_folder()) {
                None => scan.unknown.push(format!("{folder}/{}", entry.name)),
                Some(id) => {
                    scan.count += 1;
                    let shape = id.upgraded_from();
                    scan.upgraded.extend(shape.map(|(ts, ordinal)| (ts, id.sequence_no, ordinal)));
                }
            }
            ControlFlow::Continue(())
        });
        none_if_missing(listed)?;
        scan.upgraded.sort_unstable();
        scan.upgraded.shrink_to_fit();
        scan.unknown.sort_unstable();
        Ok(scan)
    }

    /// That V2 holds tasks before an upgrade has made any.
    pub(super) fn unexplained(&self) -> String {
        format!("V2 holds tasks beside those of V1, and nothing says that an upgrade made them: {}", self.count)
    }

    /// The ordinals that stand in V2 for one ts and seq, in their order.
    pub(super) fn ordinals(&self, ts: u64, seq: i32) -> impl Iterator<Item = u16> + '_ {
        let from = self.upgraded.partition_point(|row| *row < (ts, seq, 0));
        self.upgraded[from..].iter().take_while(move |row| (row.0, row.1) == (ts, seq)).map(|row| row.2)
    }

    pub(super) fn has(&self, ts: u64, seq: i32, ordinal: u16) -> bool {
        self.upgraded.binary_search(&(ts, seq, ordinal)).is_ok()
    }
}

/// The manager files whose ids have the shape of an upgraded task.
#[derive(Debug, Default)]
pub(super) struct ManagerScan {
    nodes: Vec<String>,
    /// ts, seq, ordinal, and the place of the node; sorted.
    rows: Vec<(u64, i32, u16, usize)>,
}

impl ManagerScan {
    pub(super) fn read(storage: &dyn Storage) -> Result<Self> {
        let mut scan = Self::default();
        for folder in storage.children(&layout::v2_task_assigned())?.unwrap_or_default() {
            let Some(node) = layout::unescape(&folder.name).filter(|_| folder.is_folder()) else { continue };
            let path = layout::node_folder(&node);
            let place = scan.nodes.len();
            scan.nodes.push(node);
            let listed = storage.list(&path, &mut |entry| {
                let id = layout::parse_manager(&entry.name).filter(|_| entry.is_file());
                let shape =
                    id.and_then(|id| id.upgraded_from().map(|(ts, ordinal)| (ts, id.sequence_no, ordinal, place)));
                scan.rows.extend(shape);
                ControlFlow::Continue(())
            });
            none_if_missing(listed)?;
        }
        scan.rows.sort_unstable();
        scan.rows.shrink_to_fit();
        Ok(scan)
    }

    /// The nodes that have a manager file of an id.
    pub(super) fn nodes_of(&self, id: &V2Id) -> impl Iterator<Item = &str> {
        let key = id.upgraded_from().map(|(ts, ordinal)| (ts, id.sequence_no, ordinal));
        let from = key.map_or(self.rows.len(), |key| self.rows.partition_point(|row| (row.0, row.1, row.2) < key));
        let its = self.rows[from..].iter().take_while(move |row| Some((row.0, row.1, row.2)) == key);
        its.filter_map(|row| self.nodes.get(row.3)).map(String::as_str)
    }
}
