//! UPGRADE on a local disk beside a straight program that makes the very same files, and beside `cp -r`.
//!
//! `cargo bench --bench local_limit -- [FOLDER] [--tasks 20000] [--rounds 5]`; FOLDER is the system's temporary one where
//! none is named. The straight program knows every name and all bytes before it begins. Of each group it makes marks,
//! managers, folders and files, flushes, renames, and flushes again, and nothing else: no order within a group, no lock, no
//! listing, no reading, no manifest. That what both leave is the same is looked at once.
//! `cargo test` runs it on a few tasks.

#![allow(missing_docs, reason = "a program for people, not a library")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a program that cannot measure must end")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod common;
#[path = "common/local.rs"]
mod local;
#[path = "common/straight.rs"]
mod straight;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use common::{is_test, machine, median, Arguments};
use comptask_upgrade::{layout, Operation};
use local::{flush, lay_out, place, run, session};
use straight::{made_by, write_straight};
use tempfile::TempDir;

fn main() {
    if is_test() {
        let compared = compare(&std::env::temp_dir(), 200, 1);
        assert_eq!(compared, 200 * 4, "a manager, a folder and its two files for each task");
        return println!("local_limit: both ways leave the same {compared} names");
    }
    let mut arguments = Arguments::of_this_process();
    let (tasks, rounds) = (arguments.number("--tasks", 20_000), arguments.number("--rounds", 5));
    let place = place(arguments.word());
    arguments.end();
    compare(&place, tasks, rounds);
}

/// Prints what each takes, round by round; gives how many names of the two trees were compared.
fn compare(place: &Path, tasks: u64, rounds: usize) -> usize {
    println!("{tasks} tasks, seconds; {}; in {}", machine(), place.display());
    // Its first tree is the pattern of the straight program's, and warms everything up.
    let pattern = TempDir::new_in(place).unwrap();
    lay_out(pattern.path(), tasks);
    upgrade(pattern.path());
    let made = made_by(pattern.path());
    assert_eq!(made.len() as u64, tasks);
    let straight = TempDir::new_in(place).unwrap();
    write_straight(straight.path(), &made);
    let expected = tree_of(pattern.path());
    assert!(expected == tree_of(straight.path()), "the straight program makes other files than the library");
    drop((pattern, straight));

    println!("            UPGRADE  straight     cp -r");
    let mut seconds: Vec<[f64; 3]> = Vec::new();
    for number in 1..=rounds {
        let taken = [
            on_a_new_tree(place, tasks, upgrade),
            on_a_new_tree(place, tasks, |root| write_straight(root, &made)),
            on_a_new_tree(place, tasks, copy),
        ];
        println!("round {number:<3} {:10.2} {:9.2} {:9.2}", taken[0], taken[1], taken[2]);
        seconds.push(taken);
    }
    let middle = |figure: &dyn Fn(&[f64; 3]) -> f64| median(&seconds.iter().map(figure).collect::<Vec<_>>());
    let (own, bare, copied) = (middle(&|one| one[0]), middle(&|one| one[1]), middle(&|one| one[2]));
    println!("median    {own:10.2} {bare:9.2} {copied:9.2}");
    let rate = |seconds: f64| tasks as f64 / seconds;
    println!("a second  {:10.0} {:9.0} {:9.0}", rate(own), rate(bare), rate(copied));
    println!("UPGRADE reaches {:.2} of the straight program (goal 0.60)", middle(&|one| one[1] / one[0]));
    println!("and {:.2} of cp -r of V1 alone, a file a task; {}", middle(&|one| one[2] / one[0]), machine());
    expected.len()
}

/// The seconds that something takes on a new, durable V1 tree, which goes afterwards.
fn on_a_new_tree(place: &Path, tasks: u64, what: impl FnOnce(&Path)) -> f64 {
    let folder = TempDir::new_in(place).unwrap();
    lay_out(folder.path(), tasks);
    let begun = Instant::now();
    what(folder.path());
    let seconds = begun.elapsed().as_secs_f64();
    folder.close().unwrap();
    flush(place);
    seconds
}

fn upgrade(root: &Path) {
    run(&session(root), Operation::Upgrade);
}

/// What an operator does first of all: a copy, and a flush of its file system.
fn copy(root: &Path) {
    let copied = Command::new("cp").arg("-r").arg(root.join("Compaction")).arg(root.join("copy")).status();
    assert!(copied.is_ok_and(|status| status.success()), "cp -r failed");
    let flushed = Command::new("sync").arg("-f").arg(root).status();
    assert!(flushed.is_ok_and(|status| status.success()), "sync -f failed");
}

/// Every name of the V2 tasks and managers, with the bytes of files.
fn tree_of(root: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut tree = BTreeMap::new();
    let mut folders: Vec<PathBuf> =
        [layout::v2_scheduler(), layout::v2_task_assigned()].iter().map(|path| root.join(path.as_str())).collect();
    let tops = folders.clone();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_folder = path.is_dir();
            let bytes = (!is_folder).then(|| fs::read(&path).unwrap());
            // The folder of a node is one of all tasks, not a name of one.
            if !(is_folder && folder == tops[1]) {
                tree.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            }
            if is_folder {
                folders.push(path);
            }
        }
    }
    tree
}
