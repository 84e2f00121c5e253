//! A tree on HDFS: planted, and looked at.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use comptask_upgrade::storage::Flow;
use comptask_upgrade::tree::{Change, Entry, TreePath};
use comptask_upgrade::Storage;
use hdfs_native::ClientBuilder;
use parking_lot::Mutex;

use crate::servers::Servers;
use crate::support::checker::{differences, normal, Image};
use crate::support::v1_files::{path, Open};

/// The most bytes of a file that a tree of these tests has: a manifest of 100,000 tasks.
const FILE_BYTES_LIMIT: u64 = 1 << 28;

/// A tree on HDFS, below a folder of its own.
pub struct Tree<'s> {
    pub servers: &'s Servers,
    /// The folder's name; names of its lock and of messages are made of it.
    pub name: String,
}

impl<'s> Tree<'s> {
    /// One that holds what an image does.
    pub fn plant(servers: &'s Servers, image: &Image) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let tree = Self { servers, name: format!("tree-{}", NEXT.fetch_add(1, Ordering::Relaxed)) };
        let folders = image.iter().filter(|(_, bytes)| bytes.is_none());
        let folders = folders.map(|(at, _)| Change::MakeFolder { path: tree.path(at) });
        let files = image.iter().filter_map(|(at, bytes)| Some((at, bytes.clone()?)));
        let files = files.map(|(at, bytes)| Change::Create { path: tree.path(at), bytes });
        tree.change(&folders.collect::<Vec<_>>());
        tree.change(&files.collect::<Vec<_>>());
        tree
    }

    fn change(&self, changes: &[Change]) {
        let answers = self.servers.storage.change_batch(changes, Flow { fence: &Open, in_flight: 0 });
        let failed = answers.into_iter().find_map(Result::err);
        assert_eq!(failed, None, "{} cannot be planted", self.name);
    }

    fn path(&self, at: &str) -> TreePath {
        path(&format!("{}/{at}", self.name))
    }

    /// Has files written at these times, in milliseconds.
    pub fn set_times(&self, written_ms: &BTreeMap<String, u64>) {
        let client =
            ClientBuilder::new().with_url(self.servers.hdfs.uri()).with_config_dir("/dev/null").build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (at, time) in written_ms {
            runtime.block_on(client.set_times(&format!("/{}", self.path(at)), *time, *time)).unwrap();
        }
    }

    /// One that was planted before.
    pub fn known(servers: &'s Servers, name: String) -> Self {
        Self { servers, name }
    }

    pub fn path_in_hdfs(&self) -> String {
        format!("/{}", self.name)
    }

    /// What the tool is told.
    pub fn root(&self) -> String {
        format!("{}/{}", self.servers.hdfs.uri(), self.name)
    }

    /// Every path with the bytes of files.
    pub fn image(&self) -> Image {
        let storage: &dyn Storage = &self.servers.storage;
        let (mut image, mut files, mut folders) = (Image::new(), Vec::new(), vec![path(&self.name)]);
        let below = |path: &TreePath| path.as_str()[self.name.len() + 1..].to_owned();
        while !folders.is_empty() {
            for (folder, entries) in listed(storage, std::mem::take(&mut folders)) {
                for entry in entries {
                    let path = folder.child(&entry.name).unwrap();
                    if entry.is_folder() {
                        image.insert(below(&path), None);
                        folders.push(path);
                    } else if entry.stat.length == 0 {
                        image.insert(below(&path), Some(Vec::new()));
                    } else {
                        files.push(path);
                    }
                }
            }
        }
        for (path, bytes) in files.iter().zip(storage.read_batch(&files, FILE_BYTES_LIMIT, 0)) {
            image.insert(below(path), Some(bytes.unwrap()));
        }
        image
    }

    /// That it is, byte for byte, what an undisturbed run leaves.
    pub fn assert_is(&self, expected: &Image, when: &str) {
        let differ = differences(&normal(self.image()), expected);
        assert!(differ.is_empty(), "{} {when}: {differ:#?}", self.name);
    }

    /// How many changes were made in it so far, those that planted it among them.
    pub fn changes(&self) -> usize {
        self.servers.audit.count(&self.name)
    }
}

/// The children of each folder; several folders at a time, since each is a wait for the `NameNode`.
fn listed(storage: &dyn Storage, folders: Vec<TreePath>) -> Vec<(TreePath, Vec<Entry>)> {
    const AT_A_TIME: usize = 8;
    let (waiting, done) = (Mutex::new(folders), Mutex::new(Vec::new()));
    let work = || loop {
        let Some(folder) = waiting.lock().pop() else { return };
        let entries = storage.children(&folder).unwrap().unwrap();
        done.lock().push((folder, entries));
    };
    let threads = waiting.lock().len().min(AT_A_TIME);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    done.into_inner()
}
