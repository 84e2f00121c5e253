//! A real disk says no: a right is missing, the disk is full, a link lies in the way. Each has its own error, and when
//! it is mended a second run finishes.
//!
//! Root passes every check of rights, so as root these tests run themselves again as another user, and as root they
//! mount a small disk of memory to fill. Where that is not allowed they fail and say so: a test that is skipped unseen
//! proves nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod support;

use std::os::unix::fs::{chown, symlink, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use comptask_upgrade::task::StateV1;
use comptask_upgrade::{ErrorKind, LocalStorage, Operation, Phase, Storage};
use support::checker::{differences, Checker, Image};
use support::sessions::{local, run, Answer};
use support::trees::{fixture, seed, CATALOG};
use support::v1_files::{exists, names, v1};
use tempfile::TempDir;

/// Another user than root; nobody has to know it by a name.
const USER: u32 = 54_321;
/// Where the second self of this binary finds the tree; set for it alone.
const ROOT_VARIABLE: &str = "COMPTASK_TEST_ROOT";

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives a folder and all below it to the other user.
fn give_away(path: &Path) {
    chown(path, Some(USER), Some(USER)).unwrap();
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            give_away(&entry.unwrap().path());
        }
    }
}

/// Every path on disk with the bytes of files.
fn image(root: &Path) -> Image {
    fn walk(root: &Path, folder: &Path, image: &mut Image) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !path.is_symlink() {
                image.insert(name, None);
                walk(root, &path, image);
            } else {
                image.insert(name, Some(std::fs::read(&path).unwrap()));
            }
        }
    }
    let mut all = Image::new();
    walk(root, root, &mut all);
    all
}

fn seed_on_disk(root: &Path) -> Checker {
    seed(&LocalStorage::open(root).unwrap());
    Checker::new(&fixture("seed"))
}

fn kind(answer: &Answer) -> String {
    answer.as_ref().map_or_else(|failure| format!("{:?}", failure.error.kind()), |_| "Ok".to_owned())
}

/// Runs UPGRADE as somebody who is not root, and gives the kind of its end and its message.
fn upgrade_as_a_user(root: &Path) -> String {
    if !is_root() {
        let answer = run(&local(root, CATALOG), Operation::Upgrade);
        return said(&answer);
    }
    let output = Command::new(copy_of_this_binary(root))
        .args(["--exact", "the_second_self_upgrades_what_it_is_told_to", "--nocapture"])
        .env(ROOT_VARIABLE, root)
        .uid(USER)
        .gid(USER)
        .output()
        .unwrap_or_else(|error| panic!("this test binary cannot be run as user {USER}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("ANSWER ")).map(|(_, answer)| answer.to_owned());
    line.unwrap_or_else(|| panic!("the second self said nothing: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

/// This binary at a place where another user can read it, beside the tree.
fn copy_of_this_binary(root: &Path) -> PathBuf {
    let copy = root.parent().unwrap().join("second-self");
    if !copy.exists() {
        // By another process: a file that this one has open for writing is open in every child that another test starts at
        // that moment, and cannot be run then.
        let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&copy).status();
        assert!(copied.unwrap().success(), "cp cannot copy this test binary");
        set_mode(&copy, 0o755);
    }
    copy
}

fn said(answer: &Answer) -> String {
    let message = answer.as_ref().err().map(|failure| format!(" {}", failure.error).replace('\n', " "));
    format!("{}{}", kind(answer), message.unwrap_or_default())
}

#[test]
fn the_second_self_upgrades_what_it_is_told_to() {
    let Some(root) = std::env::var_os(ROOT_VARIABLE) else { return };
    println!("ANSWER {}", said(&run(&local(Path::new(&root), CATALOG), Operation::Upgrade)));
}

/// A folder that the other user can enter, with the seed's tree in it.
fn tree_of_a_user() -> (TempDir, PathBuf, Checker) {
    let folder = TempDir::new().unwrap();
    set_mode(folder.path(), 0o755);
    let root = folder.path().join("cluster.compact");
    std::fs::create_dir(&root).unwrap();
    let checker = seed_on_disk(&root);
    if is_root() {
        give_away(&root);
    }
    (folder, root, checker)
}

#[test]
fn a_right_that_is_missing_is_said_up_front_and_with_it_a_second_run_finishes() {
    for closed in ["Compaction_V2", "Compaction_V2/Scheduler", "Compaction_V2/TaskAssigned"] {
        let (_keep, root, checker) = tree_of_a_user();
        let before = image(&root);
        set_mode(&root.join(closed), 0o500);
        let answer = upgrade_as_a_user(&root);
        assert!(answer.starts_with("Permission ") && answer.contains(closed), "{closed}: {answer}");
        assert!(answer.contains("nothing was changed"), "{answer}");
        assert_eq!(differences(&image(&root), &before), Vec::<String>::new(), "{closed}");
        set_mode(&root.join(closed), 0o700);
        assert_eq!(upgrade_as_a_user(&root), "Ok");
        checker.upgraded(&image(&root)).unwrap();
    }
}

#[test]
fn a_root_without_v2_that_cannot_be_written_is_a_missing_right_too() {
    let (_keep, root, checker) = tree_of_a_user();
    std::fs::remove_dir_all(root.join("Compaction_V2")).unwrap();
    set_mode(&root, 0o500);
    let answer = upgrade_as_a_user(&root);
    assert!(answer.starts_with("Permission "), "{answer}");
    assert!(!root.join("Compaction_V2").exists());
    set_mode(&root, 0o700);
    assert_eq!(upgrade_as_a_user(&root), "Ok");
    checker.upgraded(&image(&root)).unwrap();
}

#[test]
fn a_v1_file_that_may_not_be_read_fails_that_task_alone() {
    let (_keep, root, checker) = tree_of_a_user();
    let task = root.join("Compaction/Scheduler/compct.xcloud24_9876.0.1617693156000");
    set_mode(&task, 0o000);
    let answer = upgrade_as_a_user(&root);
    assert!(answer.starts_with("TasksFailed ") && answer.contains("1 of 4"), "{answer}");
    set_mode(&task, 0o600);
    assert_eq!(upgrade_as_a_user(&root), "Ok");
    checker.upgraded(&image(&root)).unwrap();
}

/// A right that goes in the middle of a run, in a folder that nobody looks at up front.
#[test]
fn a_manager_folder_that_may_not_be_written_is_a_missing_right() {
    let (_keep, root, checker) = tree_of_a_user();
    for node in ["xcloud24_9876", "xcloud25_9876"] {
        let folder = root.join("Compaction_V2/TaskAssigned").join(node);
        std::fs::create_dir(&folder).unwrap();
        if is_root() {
            give_away(&folder);
        }
        set_mode(&folder, 0o500);
    }
    let answer = upgrade_as_a_user(&root);
    assert!(answer.starts_with("Permission ") && answer.contains("Manager."), "{answer}");
    for node in ["xcloud24_9876", "xcloud25_9876"] {
        set_mode(&root.join("Compaction_V2/TaskAssigned").join(node), 0o700);
    }
    assert_eq!(upgrade_as_a_user(&root), "Ok");
    checker.upgraded(&image(&root)).unwrap();
}

/// A small disk of memory, unmounted when it goes.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(options: &str) -> Self {
        assert!(
            is_root(),
            "this test fills a disk, and needs root to mount a small one (tmpfs): run it as root, \
             or in a user namespace: unshare --map-root-user --mount cargo test"
        );
        let folder = TempDir::new().unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path()).output();
        let output = mounted.expect("the mount command is needed to fill a disk");
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "a small disk cannot be mounted here: {why}");
        Self(folder)
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("cluster.compact")
    }

    fn remount(&self, options: &str) {
        // A process that another test starts holds this one's open files for a moment, and the disk is busy so long.
        let until = Instant::now() + Duration::from_secs(20);
        let remount = || Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.0.path()).output();
        let mut done = remount().unwrap();
        while !done.status.success() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(50));
            done = remount().unwrap();
        }
        assert!(done.status.success(), "remount,{options}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let gone = Command::new("umount").arg(self.0.path()).status();
        assert!(gone.is_ok_and(|status| status.success()) || std::thread::panicking(), "the small disk stays mounted");
    }
}

fn tasks(root: &Path, count: i32) {
    let storage = LocalStorage::open(root).unwrap();
    for seq in 0..count {
        v1(&storage, "p", seq, 5, StateV1::Init, ("sales", "eu"));
    }
}

#[test]
fn a_disk_that_fills_says_so_and_with_room_a_second_run_finishes() {
    // Once no more bytes fit, once no more names.
    for (small, large) in [("size=300k", "size=64m"), ("nr_inodes=150", "nr_inodes=100000")] {
        let disk = SmallDisk::mount(small);
        let root = disk.root();
        std::fs::create_dir(&root).unwrap();
        tasks(&root, 45);
        let session = local(&root, CATALOG);
        let failure = run(&session, Operation::Upgrade).unwrap_err();
        println!("{small}: {}", failure.error);
        assert_eq!(failure.error.kind(), ErrorKind::Quota, "{small}: {}", failure.error);
        assert!(failure.error.next_action().contains("free space"));
        let storage = LocalStorage::open(&root).unwrap();
        assert_eq!(names(&storage, "Compaction/Scheduler").len(), 45);
        assert!(!exists(&storage, "Compaction_V2/TaskUpgrade.done"));
        disk.remount(large);
        let report = run(&session, Operation::Upgrade).unwrap();
        assert_eq!((report.phase, report.counts.total), (Phase::Upgraded, 45));
        assert_eq!(names(&storage, "Compaction_V2/Scheduler").len(), 45);
        assert_eq!(names(&storage, "Compaction_V2"), ["Scheduler", "TaskAssigned", "TaskUpgrade.done"]);
        run(&session, Operation::Delete).unwrap();
    }
}

#[test]
fn a_disk_that_may_only_be_read_is_a_missing_right_and_status_still_answers() {
    let disk = SmallDisk::mount("size=8m");
    let root = disk.root();
    std::fs::create_dir(&root).unwrap();
    tasks(&root, 3);
    disk.remount("ro");
    let session = local(&root, CATALOG);
    let failure = run(&session, Operation::Upgrade).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Permission, "{}", failure.error);
    assert!(failure.error.message().contains("nothing was changed"), "{}", failure.error);
    assert_eq!(run(&session, Operation::Status).unwrap().phase, Phase::NotStarted);
    disk.remount("rw");
    run(&session, Operation::Upgrade).unwrap();
    disk.remount("ro");
    let failure = run(&session, Operation::Delete).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Permission, "{}", failure.error);
    assert!(root.join("Compaction/Scheduler/compct.p.0.5").exists());
    disk.remount("rw");
    run(&session, Operation::Delete).unwrap();
}

#[test]
fn a_link_in_the_place_of_a_task_file_fails_by_name_and_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let outside = TempDir::new().unwrap();
    let root = folder.path();
    seed_on_disk(root);
    let target = outside.path().join("task");
    let task = support::v1_files::v1_task("linked", 0, 5, StateV1::Init, ("sales", "eu"));
    std::fs::write(&target, support::v1_files::v1_bytes(&task)).unwrap();
    let link = root.join("Compaction/Scheduler/compct.linked.0.5");
    symlink(&target, &link).unwrap();
    let failure = run(&local(root, CATALOG), Operation::Upgrade).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::TasksFailed);
    let report = failure.report.unwrap();
    assert_eq!((report.counts.total, report.counts.converted, report.counts.failed), (5, 4, 1));
    assert!(report
        .rows
        .iter()
        .any(|row| row.v1_name == "compct.linked.0.5" && row.detail.contains("not a regular file")));
    assert!(link.is_symlink() && target.exists());
    std::fs::remove_file(&link).unwrap();
    run(&local(root, CATALOG), Operation::Upgrade).unwrap();
    symlink(&target, &link).unwrap();
    let failure = run(&local(root, CATALOG), Operation::Delete).unwrap_err();
    assert_eq!(failure.error.kind(), ErrorKind::Refused, "a task that is in no manifest");
    assert!(target.exists(), "nobody followed the link");
}

#[test]
fn a_link_in_the_place_of_a_tree_is_refused_by_every_operation() {
    for name in ["Compaction", "Compaction_V2", "Compaction_V2/Scheduler", "Compaction_V2/.staging"] {
        let folder = TempDir::new().unwrap();
        let outside = TempDir::new().unwrap();
        seed_on_disk(folder.path());
        let there = outside.path().join("theirs");
        if folder.path().join(name).exists() {
            std::fs::rename(folder.path().join(name), &there).unwrap();
        } else {
            std::fs::create_dir(&there).unwrap();
        }
        let before = image(outside.path());
        symlink(&there, folder.path().join(name)).unwrap();
        for operation in [Operation::Status, Operation::Upgrade, Operation::Delete] {
            let failure = run(&local(folder.path(), CATALOG), operation).unwrap_err();
            assert_eq!(failure.error.kind(), ErrorKind::Refused, "{operation:?} {name}: {}", failure.error);
            assert_eq!(failure.error.path(), name);
            assert!(failure.error.message().contains("link"), "{}", failure.error);
        }
        assert_eq!(differences(&image(outside.path()), &before), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn a_name_that_is_no_text_is_unknown_and_stops_delete() {
    use std::os::unix::ffi::OsStrExt;
    let folder = TempDir::new().unwrap();
    seed_on_disk(folder.path());
    let strange = folder.path().join("Compaction/Scheduler").join(std::ffi::OsStr::from_bytes(b"compct.\xff.0.5"));
    std::fs::write(&strange, b"x").unwrap();
    let report = run(&local(folder.path(), CATALOG), Operation::Upgrade).unwrap();
    assert_eq!((report.counts.total, report.unknown.len()), (4, 1));
    assert_eq!(run(&local(folder.path(), CATALOG), Operation::Delete).unwrap_err().error.kind(), ErrorKind::Refused);
    assert!(strange.exists());
}

/// Two sessions of two processes exclude each other, too.
#[test]
fn the_lock_of_a_local_tree_goes_with_its_process() {
    let (_keep, root, checker) = tree_of_a_user();
    let held = local(&root, CATALOG);
    held.lock().unwrap();
    let answer = upgrade_as_a_user(&root);
    assert!(answer.starts_with("Locked "), "{answer}");
    drop(held);
    assert_eq!(upgrade_as_a_user(&root), "Ok");
    checker.upgraded(&image(&root)).unwrap();
    let storage: &dyn Storage = &LocalStorage::open(&root).unwrap();
    assert_eq!(names(storage, ""), ["Compaction", "Compaction_V2"]);
}
