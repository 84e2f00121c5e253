//! What the `NameNode` was asked to change, read off its audit log while it is written.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::Instant;

use parking_lot::Mutex;

/// Calls that change nothing. Whatever is not among them counts as a change.
const READS: [&str; 3] = ["open", "listStatus", "getfileinfo"];

/// A change that the `NameNode` carried out.
#[derive(Clone, Debug)]
pub struct Made {
    /// As whom.
    pub user: String,
    /// The call and its paths, for messages.
    pub what: String,
    /// When it was seen in the log, so at the latest then.
    pub seen: Instant,
}

/// The log, as far as it was read.
pub struct Audit {
    path: PathBuf,
    read: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    offset: u64,
    /// A line that is not whole yet.
    rest: String,
    /// By the first name of the path: the tree.
    made: HashMap<String, Vec<Made>>,
}

impl Audit {
    pub fn of(path: PathBuf) -> Self {
        Self { path, read: Mutex::default() }
    }

    /// The changes made in a tree so far, in their order. The `NameNode` writes a line before it answers.
    pub fn of_tree(&self, tree: &str) -> Vec<Made> {
        let mut seen = self.read.lock();
        seen.read_on(&self.path);
        seen.made.get(tree).cloned().unwrap_or_default()
    }

    /// Reads on, so that what is new is known to have been made by now. Never what is waited for: `false`.
    pub fn look(&self) -> bool {
        self.read.lock().read_on(&self.path);
        false
    }

    /// How many there are.
    pub fn count(&self, tree: &str) -> usize {
        let mut seen = self.read.lock();
        seen.read_on(&self.path);
        seen.made.get(tree).map_or(0, Vec::len)
    }
}

impl Seen {
    fn read_on(&mut self, path: &PathBuf) {
        let mut file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        file.seek(SeekFrom::Start(self.offset)).unwrap();
        let read = file.read_to_string(&mut self.rest).unwrap();
        self.offset += read as u64;
        let seen = Instant::now();
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        for line in self.rest[..whole].lines() {
            if let Some((tree, made)) = made(line, seen) {
                self.made.entry(tree).or_default().push(made);
            }
        }
        self.rest.drain(..whole);
    }
}

/// The tree and the change that a line tells of; `None` of a read and of a call that was refused.
fn made(line: &str, seen: Instant) -> Option<(String, Made)> {
    let field = |name: &str| line.split('\t').find_map(|field| field.trim().strip_prefix(name));
    // A rename carries its options behind its name.
    let command = field("cmd=")?.split([' ', '(']).next()?;
    if field("allowed=") != Some("true") || READS.contains(&command) {
        return None;
    }
    let (from, to) = (field("src=")?, field("dst=")?);
    let user = field("ugi=")?.split(' ').next()?;
    let tree = from.split('/').nth(1)?.to_owned();
    Some((tree, Made { user: user.to_owned(), what: format!("{command} {from} {to}"), seen }))
}
