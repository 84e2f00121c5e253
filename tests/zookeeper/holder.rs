//! A holder in a process of its own, which can be killed and stopped.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use comptask_upgrade::{ErrorKind, Lock};
use rustix::process::{kill_process, Pid, Signal};

use crate::cluster::server::wait_until_stopped;
use crate::shared::{lock, until};

/// Set for the second self of this binary alone: `hosts path`.
pub const HOLDER_VARIABLE: &str = "COMPTASK_TEST_ZOOKEEPER_HOLDER";

/// A holder in a process of its own, which can be killed and stopped.
pub struct Holder {
    child: Child,
    pub input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Holder {
    /// One that has the lock, and its epoch.
    pub fn start(hosts: &str, path: &str) -> (Self, i64) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "holder::the_holder_in_a_process_of_its_own", "--nocapture", "--test-threads=1"])
            .env(HOLDER_VARIABLE, format!("{hosts} {path}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut holder = Self { child, input, output };
        let epoch = holder.answer("held ").parse().unwrap();
        (holder, epoch)
    }

    /// The next answer that begins with a word; the test runner's own lines are passed over.
    pub fn answer(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the holder ended before it said {word:?}");
            if let Some((_, rest)) = line.split_once(word) {
                return rest.trim().to_owned();
            }
        }
    }

    pub fn ask(&mut self, command: &str) -> String {
        writeln!(self.input, "{command}").unwrap();
        self.answer("answer ")
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
    }

    /// Stops it where it stands, and waits until it does.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        wait_until_stopped(self.child.id()).unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// No test by itself: the second self of this binary, which takes the lock and answers what `permit` says.
#[test]
fn the_holder_in_a_process_of_its_own() {
    let Ok(asked) = std::env::var(HOLDER_VARIABLE) else { return };
    let (hosts, path) = asked.split_once(' ').unwrap();
    // On a busy machine the first try may take longer than the short time-out.
    let guard = until("the holder has the lock", || match lock(hosts, path).acquire("a holder in its own process") {
        Err(error) if error.kind() == ErrorKind::LockService => None,
        taken => Some(taken.unwrap()),
    });
    println!("\nheld {}", guard.epoch().unwrap());
    for line in std::io::stdin().lines() {
        let result = if line.unwrap() == "confirm" { guard.confirm() } else { guard.permit() };
        println!("\nanswer {}", result.err().map_or("fine".to_owned(), |error| error.kind().to_string()));
    }
}
