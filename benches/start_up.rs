//! What is paid before and beside the work: the time to the first change, a run that has nothing to do, STATUS, and the
//! size of the libraries.
//!
//! `cargo bench --bench start_up -- [FOLDER] [--tasks 10000] [--libraries FOLDER]`; the trees are made in the system's
//! temporary folder where none is named, and the libraries are looked for where `make build` puts them. `cargo test`
//! runs it on a few tasks.

#![allow(missing_docs, reason = "a program for people, not a library")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a program that cannot measure must end")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod common;
#[path = "common/local.rs"]
mod local;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use common::{is_test, machine, median, Arguments};
use comptask_upgrade::storage::{EntrySink, Flow};
use comptask_upgrade::tree::{Change, Stat, TreePath};
use comptask_upgrade::{LocalStorage, Operation, Result, Storage};
use local::{flush, lay_out, place, run, session, session_on};
use tempfile::TempDir;

/// The tree whose first change is waited for.
const FEW: u64 = 10;

fn main() {
    if is_test() {
        let [first, again, status] = times(&std::env::temp_dir(), 200, 1);
        assert!(first > 0.0 && again > 0.0 && status > 0.0);
        return println!("start_up: the first change, a second run and STATUS measured on 200 tasks");
    }
    let mut arguments = Arguments::of_this_process();
    let tasks = arguments.number("--tasks", 10_000);
    let libraries = arguments.value("--libraries").map_or_else(|| PathBuf::from("build/lib"), PathBuf::from);
    let place = place(arguments.word());
    arguments.end();
    println!("{}; in {}", machine(), place.display());
    let [first, again, status] = times(&place, tasks, 15);
    println!("from the opening of a session to the first durable change, {FEW} tasks  {first:9.2} ms");
    println!("UPGRADE of {tasks} tasks that are upgraded                            {again:9.2} ms");
    println!("STATUS of {tasks} tasks that are upgraded                             {status:9.2} ms");
    sizes(&libraries);
}

/// The medians of the three, in milliseconds.
fn times(place: &Path, tasks: u64, times: usize) -> [f64; 3] {
    let folder = TempDir::new_in(place).unwrap();
    lay_out(folder.path(), tasks);
    run(&session(folder.path()), Operation::Upgrade);
    flush(place);
    let of = |operation: Operation| {
        let begun = Instant::now();
        run(&session(folder.path()), operation);
        begun.elapsed().as_secs_f64() * 1e3
    };
    let middle = |measure: &dyn Fn() -> f64| median(&(0..times).map(|_| measure()).collect::<Vec<_>>());
    let first = middle(&|| first_change_ms(place));
    [first, middle(&|| of(Operation::Upgrade)), middle(&|| of(Operation::Status))]
}

fn first_change_ms(place: &Path) -> f64 {
    let folder = TempDir::new_in(place).unwrap();
    lay_out(folder.path(), FEW);
    let changed_at = Arc::new(OnceLock::new());
    let begun = Instant::now();
    let inner = LocalStorage::open(folder.path()).unwrap();
    let watched = Watched { inner, changed_at: Arc::clone(&changed_at) };
    run(&session_on(Arc::new(watched), folder.path()), Operation::Upgrade);
    let changed_at: &Instant = changed_at.get().expect("an upgrade changes something");
    changed_at.duration_since(begun).as_secs_f64() * 1e3
}

/// A local disk that notes when its first change was durable.
struct Watched {
    inner: LocalStorage,
    changed_at: Arc<OnceLock<Instant>>,
}

impl Storage for Watched {
    fn describe(&self) -> String {
        self.inner.describe()
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        self.inner.list(folder, sink)
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.inner.stat_batch(paths, in_flight)
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.inner.read_batch(paths, limit_bytes, in_flight)
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let answers = self.inner.change_batch(changes, flow);
        self.changed_at.get_or_init(Instant::now);
        answers
    }

    fn flush(&self) -> Result<()> {
        self.inner.flush()
    }

    fn check_writable(&self, folder: &TreePath) -> Result<()> {
        self.inner.check_writable(folder)
    }
}

/// Prints the sizes of the built libraries, and of the shared one without its symbols.
fn sizes(folder: &Path) {
    let (shared, archive) = (folder.join("libcomptask_upgrade.so"), folder.join("libcomptask_upgrade.a"));
    let (Ok(of_shared), Ok(of_archive)) = (shared.metadata(), archive.metadata()) else {
        return println!("NO LIBRARIES in {}: run `make build` for their sizes", folder.display());
    };
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!("{}  {:9.2} MiB", shared.display(), mib(of_shared.len()));
    let stripped = tempfile::NamedTempFile::new().unwrap();
    match Command::new("strip").arg("-o").arg(stripped.path()).arg(&shared).status() {
        Ok(status) if status.success() => {
            println!("  stripped  {:9.2} MiB", mib(stripped.path().metadata().unwrap().len()));
        }
        _ => println!("  stripped: there is no strip here (package binutils)"),
    }
    println!("{}  {:9.2} MiB", archive.display(), mib(of_archive.len()));
}
