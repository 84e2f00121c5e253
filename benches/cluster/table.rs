//! The figures, and the ratios beside what they should be.

use crate::common::median;

/// The tasks a second of each round, in the order of the columns.
pub struct Rates {
    columns: Vec<String>,
    rounds: Vec<Vec<f64>>,
}

impl Rates {
    /// No round yet; bare files are measured at each of these depths.
    pub fn new(depths: &[usize]) -> Self {
        let bare = depths.iter().map(|depth| format!("bare, {depth} in flight"));
        let columns =
            bare.chain(["requests alone", "hdfs-native", "libhdfs", "plain Java"].map(str::to_owned)).collect();
        Self { columns, rounds: Vec::new() }
    }

    /// Prints the names of the columns.
    pub fn head(&self) {
        print!("\ntasks a second      ");
        self.columns.iter().for_each(|name| print!("  {name:>18}"));
        println!();
    }

    /// Takes a round and prints it.
    pub fn push(&mut self, rates: Vec<f64>) {
        self.rounds.push(rates);
        let number = self.rounds.len();
        self.line(&format!("round {number}"), |column| self.rounds[number - 1][column]);
    }

    /// Prints the medians of the columns.
    pub fn medians(&self) {
        self.line("median", |column| self.median_of(|round| round[column]));
    }

    /// Prints the ratios; each is the median of the ratios of the rounds. The shell has one figure.
    pub fn ratios(&self, shell: Option<f64>) {
        let [native, libhdfs, plain] = [3, 2, 1].map(|from_end| self.columns.len() - from_end);
        let ratio = |what: &str, goal: &str, value: f64| {
            println!("{what:<26}  {value:>10.*}  {goal:>8}", if value < 10.0 { 2 } else { 0 });
        };
        if let Some(rate) = shell {
            println!("hdfs dfs commands: {rate:.3} tasks a second");
        }
        println!("\nratio                         reached      goal");
        let of = |above: usize, below: usize| self.median_of(|round| round[above] / round[below]);
        ratio("hdfs-native to bare files", "0.70", of(native, 0));
        ratio("hdfs-native to requests", "", of(native, native - 1));
        ratio("requests to bare files", "", of(native - 1, 0));
        ratio("hdfs-native to plain Java", "75", of(native, plain));
        match shell {
            Some(rate) => ratio("hdfs-native to hdfs dfs", "4000", self.median_of(|round| round[native] / rate)),
            None => println!("THE SHELL WAS LEFT OUT (--shell-tasks 0), so the ratio to hdfs dfs is not known"),
        }
        ratio("libhdfs to plain Java", "25", of(libhdfs, plain));
        ratio("libhdfs to hdfs-native", "", of(libhdfs, native));
    }

    fn median_of(&self, figure: impl Fn(&[f64]) -> f64) -> f64 {
        median(&self.rounds.iter().map(|round| figure(round)).collect::<Vec<_>>())
    }

    fn line(&self, name: &str, figure: impl Fn(usize) -> f64) {
        print!("{name:<20}");
        (0..self.columns.len()).for_each(|column| print!("  {:>18.1}", figure(column)));
        println!();
    }
}
