//! What a task costs on a local disk, and how much memory, as tasks grow: 1,000, 10,000, 100,000, 1,000,000.
//!
//! `cargo bench --bench scale -- [FOLDER] [--to 1000000] [--plot FILE]`; FOLDER is the system's temporary one where none
//! is named, and a million tasks take some 15 GB in it. Every tree is new, and every run is a process of its own, since
//! the peak of a process's memory never falls. The smallest trees are measured before and after the large ones, so that
//! a drift of the machine shows. Beside each stands a straight program that makes the same files and nothing else, so that
//! what the file system itself takes where files are many is told apart. `cargo test` runs it on a few tasks and holds it to what it counts.

#![allow(missing_docs, reason = "a program for people, not a library")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a program that cannot measure must end")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod common;
#[path = "common/local.rs"]
mod local;
#[path = "common/plot.rs"]
mod plot;
#[path = "common/straight.rs"]
mod straight;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use common::{forget_peak_kib, is_test, machine, median, memory_kib, Arguments};
use comptask_upgrade::Operation;
use local::{flush, lay_out, place, run, session};
use straight::{made_by, write_straight};

/// The option by which this program measures one run in a process of its own.
const ONE_RUN: &str = "--one-run";

/// How many trees of each size are measured.
const SIZES: [(u64, usize); 4] = [(1_000, 9), (10_000, 5), (100_000, 3), (1_000_000, 1)];

/// One tree.
#[derive(Clone, Copy)]
struct Measure {
    tasks: u64,
    upgrade_s: f64,
    /// What a straight program takes that makes the same files.
    straight_s: f64,
    /// The growth of the memory's peak over what the process had when the run began.
    peak_bytes: f64,
    again_s: f64,
    status_s: f64,
}

fn main() {
    let mut arguments = Arguments::of_this_process();
    if let Some(operation) = arguments.value(ONE_RUN) {
        return tell_one_run(&operation, Path::new(&arguments.word().expect("a folder")));
    }
    if is_test() {
        let seen = measures(&std::env::temp_dir(), 40, 2).into_iter().chain(measures(&std::env::temp_dir(), 200, 1));
        let seen: Vec<Measure> = seen.collect();
        assert_eq!(seen.len(), 3);
        assert!(seen.iter().all(|one| one.upgrade_s > 0.0 && one.again_s > 0.0 && one.status_s > 0.0));
        let plot = tempfile::NamedTempFile::new().unwrap();
        draw(plot.path(), &[middle(&seen[..2]), middle(&seen[2..])]);
        assert!(std::fs::read_to_string(plot.path()).unwrap().contains("</svg>"));
        return println!("scale: 3 trees of up to 200 tasks measured");
    }
    let to: u64 = arguments.number("--to", 100_000);
    let plot = arguments.value("--plot").map(PathBuf::from);
    let place = place(arguments.word());
    arguments.end();
    let rows = table(&place, to);
    if let Some(file) = plot {
        draw(&file, &rows);
        println!("drawn: {}", file.display());
    }
}

/// Measures and prints each size.
fn table(place: &Path, to: u64) -> Vec<Measure> {
    println!("{}; in {}", machine(), place.display());
    let (smallest, times) = SIZES[0];
    let mut first = measures(place, smallest, times);
    let before = middle(&first);
    let mut rows: Vec<Measure> = Vec::new();
    for (tasks, times) in SIZES.into_iter().skip(1).filter(|(tasks, _)| *tasks <= to) {
        rows.push(middle(&measures(place, tasks, times)));
    }
    let after = measures(place, smallest, times);
    let drift = middle(&after).upgrade_s / before.upgrade_s;
    first.extend(after);
    rows.insert(0, middle(&first));
    println!(
        "  tasks    UPGRADE     a task  ratio  straight  ratio  share  peak memory  a task   each more   again  STATUS"
    );
    let base = rows[0];
    let mut last: Option<Measure> = None;
    for row in &rows {
        let more = last.map_or_else(String::new, |last| {
            format!("{:.0} B", (row.peak_bytes - last.peak_bytes) / (row.tasks - last.tasks) as f64)
        });
        println!(
            "{:7} {:8.2} s {:7.1} us {:6.2} {:6.1} us {:6.2} {:6.2} {:8.1} MiB {:6.0} B {more:>11} {:5.2} s {:5.2} s",
            row.tasks,
            row.upgrade_s,
            row.each_us(),
            row.each_us() / base.each_us(),
            row.straight_us(),
            row.straight_us() / base.straight_us(),
            row.straight_s / row.upgrade_s,
            row.peak_bytes / f64::from(1 << 20),
            row.bytes_each(),
            row.again_s,
            row.status_s,
        );
        last = Some(*row);
    }
    println!("{smallest} tasks took {drift:.2} times as long at the end as at the beginning; {}", machine());
    rows
}

impl Measure {
    fn each_us(&self) -> f64 {
        self.upgrade_s * 1e6 / self.tasks as f64
    }

    fn straight_us(&self) -> f64 {
        self.straight_s * 1e6 / self.tasks as f64
    }

    fn bytes_each(&self) -> f64 {
        self.peak_bytes / self.tasks as f64
    }
}

/// The medians, figure by figure.
fn middle(measures: &[Measure]) -> Measure {
    let of = |figure: fn(&Measure) -> f64| median(&measures.iter().map(figure).collect::<Vec<_>>());
    Measure {
        tasks: measures[0].tasks,
        upgrade_s: of(|one| one.upgrade_s),
        straight_s: of(|one| one.straight_s),
        peak_bytes: of(|one| one.peak_bytes),
        again_s: of(|one| one.again_s),
        status_s: of(|one| one.status_s),
    }
}

fn measures(place: &Path, tasks: u64, times: usize) -> Vec<Measure> {
    (0..times).map(|_| measure(place, tasks)).collect()
}

fn measure(place: &Path, tasks: u64) -> Measure {
    let folder = tempfile::TempDir::new_in(place).unwrap();
    let root = folder.path();
    lay_out(root, tasks);
    let (upgraded, upgrade_s, peak_bytes) = one_run("upgrade", root);
    let (upgraded_again, again_s, _) = one_run("upgrade", root);
    let (_, status_s, _) = one_run("status", root);
    assert_eq!((upgraded, upgraded_again), (tasks, 0), "tasks upgraded by the first run and by the second");
    let made = made_by(root);
    assert_eq!(made.len() as u64, tasks);
    folder.close().unwrap();
    flush(place);
    // With V1 beside it, so that both have as many files in their tree at the end.
    let folder = tempfile::TempDir::new_in(place).unwrap();
    lay_out(folder.path(), tasks);
    let begun = Instant::now();
    write_straight(folder.path(), &made);
    let straight_s = begun.elapsed().as_secs_f64();
    folder.close().unwrap();
    flush(place);
    Measure { tasks, upgrade_s, straight_s, peak_bytes, again_s, status_s }
}

/// What a process of its own says of one run: tasks upgraded, seconds, bytes of memory.
fn one_run(operation: &str, root: &Path) -> (u64, f64, f64) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args([ONE_RUN, operation]).arg(root).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let words: Vec<&str> = text.split_whitespace().collect();
    let [upgraded, seconds, bytes] = words[..] else {
        panic!("nothing was measured: {text}{}", String::from_utf8_lossy(&output.stderr))
    };
    (upgraded.parse().unwrap(), seconds.parse().unwrap(), bytes.parse().unwrap())
}

fn tell_one_run(operation: &str, root: &Path) {
    let session = session(root);
    let before = forget_peak_kib();
    let begun = Instant::now();
    let report = run(&session, if operation == "status" { Operation::Status } else { Operation::Upgrade });
    let seconds = begun.elapsed().as_secs_f64();
    let upgraded = report.counts.converted + report.counts.cancelled;
    println!("{upgraded} {seconds} {}", (memory_kib("VmHWM") - before) << 10);
}

fn draw(file: &Path, rows: &[Measure]) {
    let times: Vec<(f64, f64)> = rows.iter().map(|row| (row.tasks as f64, row.each_us())).collect();
    let straight: Vec<(f64, f64)> = rows.iter().map(|row| (row.tasks as f64, row.straight_us())).collect();
    let bytes: Vec<(f64, f64)> = rows.iter().map(|row| (row.tasks as f64, row.bytes_each())).collect();
    plot::draw(file, &times, &straight, &bytes).unwrap();
}
