//! What the measuring programs share: their options, medians, and what a process takes of the machine.

#![allow(dead_code, reason = "each program uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a program that cannot measure must end")]

use std::str::FromStr;

/// The options after the program's name. Each is taken once, and what is left at the end is refused.
pub struct Arguments(Vec<String>);

impl Arguments {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        // Cargo adds this one for a harness that can do other things too.
        Self(std::env::args().skip(1).filter(|argument| argument != "--bench").collect())
    }

    /// Whether `--name` is there.
    pub fn flag(&mut self, name: &str) -> bool {
        let place = self.0.iter().position(|argument| argument == name);
        place.inspect(|place| drop(self.0.remove(*place))).is_some()
    }

    /// The value after `--name`.
    pub fn value(&mut self, name: &str) -> Option<String> {
        let place = self.0.iter().position(|argument| argument == name)?;
        self.0.remove(place);
        assert!(place < self.0.len(), "{name} needs a value");
        Some(self.0.remove(place))
    }

    /// The number after `--name`, or another one where it is not given.
    pub fn number<N: FromStr>(&mut self, name: &str, otherwise: N) -> N {
        let parse = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} needs a number, not {text:?}"));
        self.value(name).map_or(otherwise, parse)
    }

    /// The numbers after `--name`, with commas between them.
    pub fn numbers<N: FromStr>(&mut self, name: &str, otherwise: &str) -> Vec<N> {
        let text = self.value(name).unwrap_or_else(|| otherwise.to_owned());
        let parse = |word: &str| word.parse().unwrap_or_else(|_| panic!("{name} needs numbers, not {word:?}"));
        text.split(',').map(parse).collect()
    }

    /// The one word without a name before it, if there is one.
    pub fn word(&mut self) -> Option<String> {
        let place = self.0.iter().position(|argument| !argument.starts_with('-'))?;
        Some(self.0.remove(place))
    }

    /// Ends the program where an option is left that nobody knows.
    pub fn end(self) {
        assert!(self.0.is_empty(), "these options are unknown: {}", self.0.join(" "));
    }
}

/// Whether `cargo test` runs this: without the word that `cargo bench` adds.
pub fn is_test() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

/// The middle one of the numbers; of an even count the mean of the two in the middle.
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// A number of this process's memory, in KiB: `VmHWM` for its peak, `VmRSS` for what it has now.
pub fn memory_kib(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).expect("Linux tells it");
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Lets the peak of this process's memory begin anew at what it has now, and gives that.
pub fn forget_peak_kib() -> u64 {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    memory_kib("VmHWM")
}

/// What else the machine has to do, for whoever reads the figures.
pub fn machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?").to_owned();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!("{cores} cores, load {load}")
}
