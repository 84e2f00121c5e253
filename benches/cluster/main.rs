//! How fast UPGRADE is on a real HDFS, beside what else could do the same work on the same servers in the same minutes.
//!
//! `cargo bench --bench cluster --features hdfs-native,libhdfs`, or `make bench-cluster`. In turn, several rounds:
//! files alone (the bare limit), the requests of an UPGRADE alone, this library by each of its clients, a plain Java client;
//! then `hdfs dfs` commands, once. Ratios are taken round by round, so that they hold on a machine whose speed drifts; nothing fails on a time.
//!
//! | option | what | without it |
//! |---|---|---|
//! | `--tasks N` | tasks of a measure of the library, and bare files | 8,192 |
//! | `--rounds N` | rounds | 3 |
//! | `--plain-tasks N` | tasks of a measure of the plain Java client | 100 |
//! | `--shell-tasks N` | tasks of the shell, at some ten seconds each; 0 leaves it out | 20 |
//! | `--bare-in-flight N,...` | bare files under way at a time, each measured; the ratios are to the first | 256 |
//! | `--scale N` | instead of all that: so many tasks by the client without a JVM, and the memory they take | |

#![allow(missing_docs, reason = "a program for people, not a library")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a program that cannot measure must end")]
#![allow(clippy::cast_precision_loss, reason = "rates for people")]

#[path = "../../tests/adapters/mod.rs"]
mod adapters;
mod bare;
#[path = "../../tests/cluster/mod.rs"]
mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod rivals;
mod scale;
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use adapters::{by_name, many, new_root, plant, Adapter, HDFS_NATIVE, LIBHDFS};
use bare::Bare;
use cluster::hdfs::Hdfs;
use common::{machine, Arguments};
use comptask_upgrade::{Operation, Session, Storage};
use support::sessions::{builder, run, OneLock};
use support::trees::CATALOG;
use support::v1_files::{names, remove};
use table::Rates;

/// What is asked for.
struct Plan {
    tasks: u64,
    rounds: usize,
    plain_tasks: u64,
    shell_tasks: u64,
    depths: Vec<usize>,
}

/// The servers, and the client that lays trees out on them and takes them away again.
struct Field {
    hdfs: Hdfs,
    top: Arc<dyn Storage>,
    roots: u64,
}

fn main() {
    let mut arguments = Arguments::of_this_process();
    if let Some(root) = arguments.value(scale::ONE_UPGRADE) {
        return scale::tell_one_upgrade(&root);
    }
    let scale_tasks = arguments.value("--scale").map(|text| text.parse().expect("--scale needs a number"));
    let plan = Plan {
        tasks: arguments.number("--tasks", 8_192),
        rounds: arguments.number("--rounds", 3),
        plain_tasks: arguments.number("--plain-tasks", 100),
        shell_tasks: arguments.number("--shell-tasks", 20),
        depths: arguments.numbers("--bare-in-flight", "256"),
    };
    arguments.end();
    let mut field = Field::start();
    match scale_tasks {
        Some(tasks) => scale::measure(&mut field, tasks),
        None => compare(&mut field, &plan),
    }
}

fn compare(field: &mut Field, plan: &Plan) {
    let bare = Bare::open(&field.hdfs.uri());
    println!(
        "{} tasks by the library, {} by the plain client; bare files of {} bytes; {}",
        plan.tasks,
        plan.plain_tasks,
        bare.file_bytes(),
        machine()
    );
    // Servers that have been up for a while have compiled what they run; these do so in the first ten thousands of calls.
    println!("warming up with as many tasks");
    let once = Plan { plain_tasks: 5, depths: plan.depths.clone(), ..*plan };
    round(field, &bare, &once);
    let mut rates = Rates::new(&plan.depths);
    rates.head();
    for _ in 0..plan.rounds {
        rates.push(round(field, &bare, plan));
    }
    rates.medians();
    let shell = (plan.shell_tasks > 0).then(|| field.shell(plan.shell_tasks));
    rates.ratios(shell);
    println!("{}", machine());
}

/// The tasks a second of each: bare files by their depths, the requests alone, the library by each client, the plain
/// client.
fn round(field: &mut Field, bare: &Bare, plan: &Plan) -> Vec<f64> {
    let mut rates: Vec<f64> = plan.depths.iter().map(|depth| field.bare(bare, plan.tasks, *depth)).collect();
    rates.push(field.requests(bare, plan.tasks));
    for client in [HDFS_NATIVE, LIBHDFS] {
        rates.push(rate(plan.tasks, field.upgrade(by_name(client), plan.tasks)));
    }
    rates.push(rate(plan.plain_tasks, field.plain(plan.plain_tasks)));
    rates
}

fn rate(count: u64, duration: Duration) -> f64 {
    count as f64 / duration.as_secs_f64()
}

/// A session with the client's default options.
fn open(adapter: Adapter, root: &str) -> Session {
    builder((adapter.1)(root, &[]).unwrap(), OneLock::default(), CATALOG).open().unwrap()
}

/// What the whole of an UPGRADE takes.
fn upgrade(session: &Session, tasks: u64) -> Duration {
    let begun = Instant::now();
    let report = run(session, Operation::Upgrade).unwrap_or_else(|failure| panic!("{}", failure.error));
    let duration = begun.elapsed();
    assert_eq!(report.counts.converted + report.counts.cancelled, tasks);
    duration
}

impl Field {
    fn start() -> Self {
        cluster::server::IS_MEASURED.store(true, std::sync::atomic::Ordering::Relaxed);
        let hdfs = Hdfs::start().unwrap_or_else(|error| panic!("{error}"));
        let top = (by_name(HDFS_NATIVE).1)(&hdfs.uri(), &[]).unwrap();
        Self { hdfs, top, roots: 0 }
    }

    fn next_name(&mut self) -> String {
        self.roots += 1;
        format!("root-{}", self.roots)
    }

    /// The root of a new tree of so many tasks.
    fn plant(&mut self, tasks: u64) -> String {
        let name = self.next_name();
        let root = new_root(&*self.top, &self.hdfs.uri(), &name);
        plant(&*(by_name(HDFS_NATIVE).1)(&root, &[]).unwrap(), &many(tasks));
        root
    }

    /// Removes what a measure made, and waits until the `DataNode` has done so too: the next one is not to pay for it.
    fn clear(&self) {
        for name in names(&*self.top, "") {
            remove(&*self.top, &name);
        }
        self.hdfs.wait_until_deleted().unwrap();
    }

    fn bare(&mut self, bare: &Bare, files: u64, in_flight: usize) -> f64 {
        let folder = format!("/{}", self.next_name());
        let (duration, failed) = bare.measure(&folder, files, in_flight);
        if let Some(error) = failed.first() {
            println!("{} of {files} bare files failed with {in_flight} in flight, the first: {error}", failed.len());
        }
        self.clear();
        rate(files - failed.len() as u64, duration)
    }

    /// The requests alone, with as many tasks under way as the library has calls.
    fn requests(&mut self, bare: &Bare, tasks: u64) -> f64 {
        let root = self.plant(tasks);
        let path = self.path_of(&root);
        let names = names(&*self.top, &format!("{path}/Compaction/Scheduler"));
        let duration = bare.measure_tasks(&format!("/{path}"), &names, 256);
        self.clear();
        rate(tasks, duration)
    }

    /// Where a root is on the cluster.
    fn path_of(&self, root: &str) -> String {
        root.strip_prefix(&format!("{}/", self.hdfs.uri())).expect("the root is on the cluster").to_owned()
    }

    fn upgrade(&mut self, adapter: Adapter, tasks: u64) -> Duration {
        let root = self.plant(tasks);
        let session = open(adapter, &root);
        let duration = upgrade(&session, tasks);
        drop(session);
        self.clear();
        duration
    }

    fn plain(&mut self, tasks: u64) -> Duration {
        let root = self.plant(tasks);
        let duration = rivals::plain(&self.hdfs, &root, tasks);
        self.clear();
        duration
    }

    fn shell(&mut self, tasks: u64) -> f64 {
        println!("hdfs dfs commands for {tasks} tasks, some ten seconds each");
        let root = self.plant(tasks);
        let tasks = names(&*self.top, &format!("{}/Compaction/Scheduler", self.path_of(&root)));
        rivals::warm_shell_up(&self.hdfs);
        let duration = rivals::shell(&self.hdfs, &root, &tasks);
        self.clear();
        rate(tasks.len() as u64, duration)
    }
}
