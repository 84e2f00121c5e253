//! The adapters for HDFS, for tests that hold for each of them; and trees that are put on HDFS and read off it.

#![allow(dead_code, reason = "each test binary uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

pub mod flow;

use std::sync::Arc;

use comptask_upgrade::storage::Flow;
use comptask_upgrade::task::StateV1;
use comptask_upgrade::tree::{Change, TreePath};
use comptask_upgrade::{HdfsNativeStorage, HdfsOptions, LibhdfsStorage, Result, Storage};

use super::cluster::java;
use super::support::checker::Image;
use super::support::v1_files::{folder, path, v1_bytes, v1_name, v1_task, Open};

/// An adapter by its name, and how it opens a root with options.
pub type Adapter = (&'static str, fn(&str, &[(&str, &str)]) -> Result<Arc<dyn Storage>>);

/// All of them.
pub const ALL: [Adapter; 2] = [(HDFS_NATIVE, hdfs_native), (LIBHDFS, libhdfs)];

pub const HDFS_NATIVE: &str = "hdfs-native";
pub const LIBHDFS: &str = "libhdfs";

/// The adapter of a name.
pub fn by_name(name: &str) -> Adapter {
    *ALL.iter().find(|adapter| adapter.0 == name).unwrap_or_else(|| panic!("there is no adapter {name}"))
}

fn options(given: &[(&str, &str)]) -> Result<HdfsOptions> {
    let mut options = HdfsOptions::default();
    for (key, value) in given {
        options.set(key, value)?;
    }
    Ok(options)
}

fn hdfs_native(root: &str, given: &[(&str, &str)]) -> Result<Arc<dyn Storage>> {
    Ok(Arc::new(HdfsNativeStorage::open(root, &options(given)?)?))
}

/// With the Java and the jars of the servers, where the options say nothing else.
fn libhdfs(root: &str, given: &[(&str, &str)]) -> Result<Arc<dyn Storage>> {
    let machine = java::for_libhdfs().unwrap();
    let machine = machine.iter().map(|(key, value)| (*key, value.as_str()));
    let all: Vec<(&str, &str)> = machine.chain(given.iter().copied()).collect();
    Ok(Arc::new(LibhdfsStorage::open(root, &options(&all)?)?))
}

/// Makes a folder below a root and gives the root of the tree in it.
pub fn new_root(top: &dyn Storage, uri: &str, name: &str) -> String {
    folder(top, name);
    format!("{uri}/{name}")
}

/// Makes all that an image holds.
pub fn plant(storage: &dyn Storage, image: &Image) {
    let folders = image.iter().filter(|(_, bytes)| bytes.is_none());
    let folders: Vec<Change> = folders.map(|(at, _)| Change::MakeFolder { path: path(at) }).collect();
    let files = image.iter().filter_map(|(at, bytes)| Some((at, bytes.clone()?)));
    let files: Vec<Change> = files.map(|(at, bytes)| Change::Create { path: path(at), bytes }).collect();
    for changes in [folders, files] {
        let answers = storage.change_batch(&changes, Flow { fence: &Open, in_flight: 0 });
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    }
}

/// Every path of a tree with the bytes of files.
pub fn image_of(storage: &dyn Storage) -> Image {
    let mut image = Image::new();
    let mut folders = vec![TreePath::root()];
    while let Some(folder) = folders.pop() {
        let mut files = Vec::new();
        for entry in storage.children(&folder).unwrap().unwrap() {
            let path = folder.join(&entry.name);
            if entry.is_folder() {
                image.insert(path.as_str().to_owned(), None);
                folders.push(path);
            } else {
                files.push(path);
            }
        }
        let bytes = storage.read_batch(&files, 1 << 24, 0);
        image.extend(files.iter().zip(bytes).map(|(path, bytes)| (path.as_str().to_owned(), Some(bytes.unwrap()))));
    }
    image
}

/// A V1 tree of so many tasks that are to be converted, half of which get a manager.
pub fn many(tasks: u64) -> Image {
    let mut image = Image::new();
    for at in ["Compaction", "Compaction/Scheduler", "Compaction/TaskAssigned"] {
        image.insert(at.to_owned(), None);
    }
    for number in 0..tasks {
        let state = if number % 2 == 0 { StateV1::Init } else { StateV1::Done };
        let ts = 1_650_000_000_000 + number;
        let bytes = v1_bytes(&v1_task("pu_1", 0, ts, state, ("sales", "eu")));
        image.insert(format!("Compaction/Scheduler/{}", v1_name("pu_1", 0, ts, state)), Some(bytes));
    }
    image
}
