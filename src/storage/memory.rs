//! A tree in memory: for tests, for trials, and as the plainest reading of the contract.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;

use super::{EntrySink, Flow, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Kind, Stat, TreePath};

/// A tree in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    nodes: Arc<Mutex<BTreeMap<TreePath, Node>>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Node {
    /// `None` for a folder.
    bytes: Option<Arc<[u8]>>,
    mtime_ms: i64,
}

impl MemoryStorage {
    /// An empty tree: the root alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every path below the root with the bytes of files, `None` for folders, in the order of the paths.
    pub fn image(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let nodes = self.nodes.lock();
        nodes.iter().map(|(path, node)| (path.as_str().to_owned(), node.bytes.as_ref().map(|b| b.to_vec()))).collect()
    }

    /// A tree with the same content that shares nothing with this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { nodes: Arc::new(Mutex::new(self.nodes.lock().clone())) }
    }

    /// Takes the content of another tree in the place of its own; every clone of this one sees it.
    pub fn restore(&self, other: &Self) {
        let nodes = other.nodes.lock().clone();
        *self.nodes.lock() = nodes;
    }
}

type Nodes = BTreeMap<TreePath, Node>;

fn missing(path: &TreePath) -> Error {
    Error::new(ErrorKind::NotFound, "it is not there").at(path)
}

fn taken(path: &TreePath) -> Error {
    Error::new(ErrorKind::AlreadyExists, "something is there already").at(path)
}

fn is_folder(nodes: &Nodes, path: &TreePath) -> bool {
    path.parent().is_none() || nodes.get(path).is_some_and(|node| node.bytes.is_none())
}

fn exists(nodes: &Nodes, path: &TreePath) -> bool {
    path.parent().is_none() || nodes.contains_key(path)
}

fn need_parent(nodes: &Nodes, path: &TreePath) -> Result<()> {
    let parent = path.parent().ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "the root cannot be changed"))?;
    if is_folder(nodes, &parent) {
        Ok(())
    } else {
        Err(missing(&parent))
    }
}

/// The paths at and below a path.
fn subtree(nodes: &Nodes, top: &TreePath) -> Vec<TreePath> {
    let from = nodes.range((Bound::Included(top.clone()), Bound::Unbounded));
    // Between a folder and its children come siblings whose names go on with a byte below '/'.
    from.map(|(path, _)| path)
        .take_while(|path| path.as_str().starts_with(top.as_str()))
        .filter(|path| path.is_within(top))
        .cloned()
        .collect()
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn stat(path: &TreePath, nodes: &Nodes) -> Result<Stat> {
    if path.parent().is_none() {
        return Ok(Stat { kind: Kind::Folder, length: 0, mtime_ms: 0 });
    }
    nodes.get(path).map(stat_of).ok_or_else(|| missing(path))
}

fn stat_of(node: &Node) -> Stat {
    match &node.bytes {
        Some(bytes) => Stat { kind: Kind::File, length: bytes.len() as u64, mtime_ms: node.mtime_ms },
        None => Stat { kind: Kind::Folder, length: 0, mtime_ms: node.mtime_ms },
    }
}

fn apply(nodes: &mut Nodes, change: &Change) -> Result<()> {
    match change {
        Change::Create { path, bytes } => {
            need_parent(nodes, path)?;
            if exists(nodes, path) {
                return Err(taken(path));
            }
            nodes.insert(path.clone(), Node { bytes: Some(Arc::from(bytes.as_slice())), mtime_ms: now_ms() });
        }
        Change::MakeFolder { path } => {
            let mut at = TreePath::root();
            for name in path.components() {
                at = at.join(name);
                if !exists(nodes, &at) {
                    nodes.insert(at.clone(), Node { bytes: None, mtime_ms: now_ms() });
                } else if !is_folder(nodes, &at) {
                    return Err(taken(&at));
                }
            }
        }
        Change::Rename { from, to } => {
            if from.parent().is_none() || to.is_within(from) && from != to {
                return Err(Error::new(ErrorKind::InvalidArgument, "a folder cannot move into itself").at(to));
            }
            if !exists(nodes, from) {
                return Err(missing(from));
            }
            need_parent(nodes, to)?;
            if exists(nodes, to) {
                return Err(taken(to));
            }
            for path in subtree(nodes, from) {
                let Some(node) = nodes.remove(&path) else { continue };
                let rest = path.as_str()[from.as_str().len()..].trim_start_matches('/');
                nodes.insert(if rest.is_empty() { to.clone() } else { to.join(rest) }, node);
            }
        }
        Change::Remove { path, recursive } => {
            if path.parent().is_none() {
                return Err(Error::new(ErrorKind::InvalidArgument, "the root cannot be removed"));
            }
            let paths = subtree(nodes, path);
            if paths.is_empty() {
                return Err(missing(path));
            }
            if paths.len() > 1 && !recursive {
                return Err(Error::new(ErrorKind::NotEmpty, "the folder is not empty").at(path));
            }
            for path in paths {
                nodes.remove(&path);
            }
        }
    }
    Ok(())
}

impl Storage for MemoryStorage {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let entries: Vec<Entry> = {
            let nodes = self.nodes.lock();
            if !is_folder(&nodes, folder) {
                return Err(missing(folder));
            }
            let inside = subtree(&nodes, folder).into_iter().filter(|path| path.parent().as_ref() == Some(folder));
            inside
                .filter_map(|path| {
                    Some(Entry { name: path.name().to_owned(), exact: true, stat: stat_of(nodes.get(&path)?) })
                })
                .collect()
        };
        for entry in entries {
            if sink(entry).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn stat_batch(&self, paths: &[TreePath], _in_flight: usize) -> Vec<Result<Stat>> {
        let nodes = self.nodes.lock();
        paths.iter().map(|path| stat(path, &nodes)).collect()
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, _in_flight: usize) -> Vec<Result<Vec<u8>>> {
        let nodes = self.nodes.lock();
        let read = |path: &TreePath| match stat(path, &nodes)? {
            Stat { kind: Kind::File, length, .. } if length > limit_bytes => {
                Err(Error::new(ErrorKind::TooLarge, format!("it has {length} bytes, over {limit_bytes}")).at(path))
            }
            Stat { kind: Kind::File, .. } => {
                Ok(nodes.get(path).and_then(|node| node.bytes.as_ref()).map(|bytes| bytes.to_vec()).unwrap_or_default())
            }
            _ => Err(Error::new(ErrorKind::Storage, "it is not a regular file").at(path)),
        };
        paths.iter().map(read).collect()
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let mut refused = None;
        let mut one = |change: &Change| {
            if refused.is_none() {
                refused = flow.fence.permit().err();
            }
            // The fence is asked without the lock: it may call a host that looks at the tree.
            refused.clone().map_or_else(|| apply(&mut self.nodes.lock(), change), Err)
        };
        changes.iter().map(&mut one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_contract() {
        super::super::conformance::check(&|| Box::new(MemoryStorage::new()));
    }
}
