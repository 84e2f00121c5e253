use std::os::unix::fs::{symlink, MetadataExt, PermissionsExt};

use tempfile::TempDir;

use super::super::{conformance, NoFence};
use super::*;

/// A storage with the temporary folder it lies in.
struct Kept<S>(S, #[allow(dead_code, reason = "removes the folder when the storage goes")] TempDir);

impl<S: Storage> Storage for Kept<S> {
    fn describe(&self) -> String {
        self.0.describe()
    }
    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.0.list(folder, sink)
    }
    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.0.stat_batch(paths, in_flight)
    }
    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.0.read_batch(paths, limit_bytes, in_flight)
    }
    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        self.0.change_batch(changes, flow)
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).unwrap()
}

fn apply(storage: &LocalStorage, change: Change) -> Result<()> {
    super::super::only(storage.change_batch(&[change], Flow { fence: &NoFence, in_flight: 0 }))
}

fn create(text: &str) -> Change {
    Change::Create { path: path(text), bytes: b"x".to_vec() }
}

#[test]
fn it_keeps_the_contract() {
    conformance::check(&|| {
        let folder = TempDir::new().unwrap();
        Box::new(Kept(LocalStorage::open(folder.path()).unwrap(), folder))
    });
}

#[test]
fn it_keeps_the_contract_where_the_file_system_lacks_exclusive_rename() {
    conformance::check(&|| {
        let folder = TempDir::new().unwrap();
        let storage = LocalStorage::open(folder.path()).unwrap();
        storage.exclusive_rename.store(false, Ordering::Relaxed);
        Box::new(Kept(storage, folder))
    });
}

#[test]
fn it_keeps_the_contract_on_a_kernel_whose_syncfs_is_silent() {
    conformance::check(&|| {
        let folder = TempDir::new().unwrap();
        let mut storage = LocalStorage::open(folder.path()).unwrap();
        storage.flush = Flush::for_release("3.10.0");
        Box::new(Kept(storage, folder))
    });
}

#[test]
fn no_link_is_followed_by_any_call() {
    let outside = TempDir::new().unwrap();
    std::fs::write(outside.path().join("file"), b"theirs").unwrap();
    let folder = TempDir::new().unwrap();
    symlink(outside.path(), folder.path().join("folder")).unwrap();
    symlink(outside.path().join("file"), folder.path().join("file")).unwrap();
    let storage = LocalStorage::open(folder.path()).unwrap();
    let dynamic: &dyn Storage = &storage;

    assert_eq!(dynamic.stat(&path("file")).unwrap().kind, Kind::Other);
    assert!(dynamic.read(&path("file"), 100).unwrap_err().message().contains("links are not followed"));
    assert!(dynamic.read(&path("folder/file"), 100).unwrap_err().message().contains("links are not followed"));
    assert!(dynamic.children(&path("folder")).unwrap_err().message().contains("links are not followed"));
    assert!(apply(&storage, create("folder/new")).is_err());
    assert!(apply(&storage, create("file")).is_err());
    assert!(apply(&storage, Change::MakeFolder { path: path("folder/new") }).is_err());
    assert!(apply(&storage, Change::Rename { from: path("folder/file"), to: path("mine") }).is_err());
    assert!(apply(&storage, Change::Remove { path: path("folder/file"), recursive: false }).is_err());
    assert_eq!(dynamic.children(&TreePath::root()).unwrap().unwrap().iter().filter(|entry| entry.is_file()).count(), 0);

    apply(&storage, Change::MakeFolder { path: path("tree/deep") }).unwrap();
    symlink(outside.path(), folder.path().join("tree/deep/link")).unwrap();
    apply(&storage, Change::Remove { path: path("tree"), recursive: true }).unwrap();
    apply(&storage, Change::Remove { path: path("folder"), recursive: true }).unwrap();
    assert_eq!(std::fs::read(outside.path().join("file")).unwrap(), b"theirs", "only the links went");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_name_that_is_not_utf8_is_listed_and_not_addressed() {
    use std::os::unix::ffi::OsStrExt;
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"bad\xff")), b"").unwrap();
    let storage = LocalStorage::open(folder.path()).unwrap();
    let entries = (&storage as &dyn Storage).children(&TreePath::root()).unwrap().unwrap();
    assert_eq!((entries.len(), entries[0].exact, entries[0].is_file()), (1, false, false));
}

#[test]
fn a_pipe_stops_nobody() {
    let folder = TempDir::new().unwrap();
    let name = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&name).status().unwrap().success());
    let storage = LocalStorage::open(folder.path()).unwrap();
    let error = (&storage as &dyn Storage).read(&path("pipe"), 10).unwrap_err();
    assert!(error.message().contains("not a regular file"), "{error}");
}

#[test]
fn new_files_get_the_owner_and_the_rights_of_their_folder() {
    if !rustix::process::geteuid().is_root() {
        // Another user's files are its own already, which is all that can be asked of it.
        let folder = TempDir::new().unwrap();
        apply(&LocalStorage::open(folder.path()).unwrap(), create("file")).unwrap();
        assert_eq!(std::fs::metadata(folder.path().join("file")).unwrap().uid(), rustix::process::geteuid().as_raw());
        return;
    }
    let folder = TempDir::new().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o775)).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(4_321), Some(1_234)).unwrap();
    let storage = LocalStorage::open(folder.path()).unwrap();
    apply(&storage, Change::MakeFolder { path: path("a/b") }).unwrap();
    apply(&storage, create("a/b/file")).unwrap();
    for (name, mode) in [("a", 0o775), ("a/b", 0o775), ("a/b/file", 0o664)] {
        let made = std::fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!((made.uid(), made.gid(), made.mode() & 0o777), (4_321, 1_234, mode), "{name}");
    }
}

#[test]
fn a_root_that_is_not_there_is_named() {
    let error = LocalStorage::open(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::NotFound, "/nowhere/at/all"));
}

#[test]
fn a_flush_that_failed_is_not_taken_for_done_and_ends_all_changes() {
    let folder = TempDir::new().unwrap();
    let mut storage = LocalStorage::open(folder.path()).unwrap();
    storage.flush.all = |_| Err(Errno::IO);
    storage.flush.one = |_| Err(Errno::IO);
    let many: Vec<Change> = ["a", "b", "c", "d"].map(create).into();
    for answer in storage.change_batch(&many, Flow { fence: &NoFence, in_flight: 0 }) {
        // Not `OutcomeUnknown`: a look would find the name in the cache and take it for durable.
        assert_eq!(answer.unwrap_err().kind(), ErrorKind::Storage);
    }
    storage.flush.all = |_| Ok(());
    storage.flush.one = |_| Ok(());
    assert_eq!(apply(&storage, create("e")).unwrap_err().kind(), ErrorKind::Storage);
    assert!(!folder.path().join("e").exists(), "nothing more is made after it");
}

#[test]
fn causes_have_their_own_codes() {
    for (errno, kind) in [
        (Errno::NOSPC, ErrorKind::Quota),
        (Errno::DQUOT, ErrorKind::Quota),
        (Errno::ROFS, ErrorKind::Permission),
        (Errno::ACCESS, ErrorKind::Permission),
        (Errno::NAMETOOLONG, ErrorKind::TooLarge),
        (Errno::IO, ErrorKind::OutcomeUnknown),
    ] {
        assert_eq!(of_errno(errno, "x").kind(), kind);
    }
}
