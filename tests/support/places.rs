//! The same test on a tree in memory and on a tree on disk.

use std::path::Path;
use std::sync::Arc;

use comptask_upgrade::tree::{Kind, TreePath};
use comptask_upgrade::{
    FileLock, LocalStorage, MemoryStorage, Operation, RunOptions, Session, SessionBuilder, Storage,
};
use tempfile::TempDir;

use super::checker::{Checker, Image};
use super::chinese;
use super::sessions::{builder, Answer, OneLock};
use super::trees::{fixture, Fixture, ALL};

/// A tree somewhere, and the lock of its cluster.
pub struct Place {
    pub storage: Arc<dyn Storage>,
    pub catalog: &'static str,
    /// Where it lies on disk.
    pub folder: Option<TempDir>,
    pub lock: OneLock,
}

impl Place {
    pub fn in_memory(catalog: &'static str) -> Self {
        Self { storage: Arc::new(MemoryStorage::new()), catalog, folder: None, lock: OneLock::default() }
    }

    pub fn on_disk(catalog: &'static str) -> Self {
        let folder = TempDir::new().unwrap();
        let storage = LocalStorage::open(folder.path()).unwrap();
        Self { storage: Arc::new(storage), catalog, folder: Some(folder), lock: OneLock::default() }
    }

    pub fn root(&self) -> Option<&Path> {
        self.folder.as_ref().map(TempDir::path)
    }

    /// A session put together as usual, to be altered.
    pub fn builder(&self) -> SessionBuilder {
        self.builder_on(Arc::clone(&self.storage))
    }

    /// The same on a storage that wraps this one.
    pub fn builder_on(&self, storage: Arc<dyn Storage>) -> SessionBuilder {
        match self.root() {
            Some(root) => builder(storage, FileLock::open(root).unwrap(), self.catalog),
            None => builder(storage, self.lock.clone(), self.catalog),
        }
    }

    pub fn session(&self) -> Session {
        self.builder().open().unwrap()
    }

    /// Runs an operation in a session of its own.
    pub fn run(&self, operation: Operation) -> Answer {
        self.run_with(operation, RunOptions::default())
    }

    pub fn run_with(&self, operation: Operation, options: RunOptions) -> Answer {
        let answer = self.session().run(operation, &options, None);
        chinese::check(&answer);
        answer
    }

    pub fn upgrade(&self) -> Answer {
        self.run(Operation::Upgrade)
    }

    pub fn delete(&self) -> Answer {
        self.run(Operation::Delete)
    }

    pub fn status(&self) -> Answer {
        self.run(Operation::Status)
    }

    /// Every path with the bytes of files.
    pub fn image(&self) -> Image {
        let mut image = Image::new();
        let mut folders = vec![TreePath::root()];
        while let Some(folder) = folders.pop() {
            for entry in self.storage.children(&folder).unwrap().unwrap_or_default() {
                let path = folder.join(&entry.name);
                let bytes = (entry.stat.kind != Kind::Folder)
                    .then(|| self.storage.read(&path, 1 << 30).unwrap_or_else(|error| error.message().into()));
                if bytes.is_none() {
                    folders.push(path.clone());
                }
                image.insert(path.as_str().to_owned(), bytes);
            }
        }
        image
    }

    /// That a call changes nothing.
    pub fn unchanged_by<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.image();
        let answer = work();
        let differ = super::checker::differences(&self.image(), &before);
        assert!(differ.is_empty(), "{differ:#?}");
        answer
    }
}

/// Runs a test on an empty tree in memory and on one on disk.
pub fn on_both(catalog: &'static str, test: impl Fn(&Place)) {
    for place in [Place::in_memory(catalog), Place::on_disk(catalog)] {
        println!("on {}", place.storage.describe());
        test(&place);
    }
}

/// Runs a test on a tree of the fixtures in memory and on disk, with its checker.
pub fn on_both_with(name: &str, test: impl Fn(&Place, &Checker, &Fixture)) {
    let fixture = fixture(name);
    let checker = Checker::new(&fixture);
    let (_, _, make) = ALL.into_iter().find(|row| row.0 == name).unwrap();
    on_both(fixture.catalog, |place| {
        make(&*place.storage);
        test(place, &checker, &fixture);
    });
}
