//! The tool as a process: started, killed, stopped, and what it said.

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use comptask_upgrade::ErrorKind;
use rustix::process::{kill_process, Pid, Signal};
use tempfile::TempDir;

use crate::cluster::server::wait_until_stopped;
use crate::servers::REGISTRY;
use crate::tree::Tree;

/// What a run may take on a busy machine before the test has failed.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The session time-out where a test does not wait for its end: no busy machine loses it.
const LONG_SESSION_MS: u32 = 30_000;

/// Between two looks at something that is waited for.
pub const LOOK: Duration = Duration::from_millis(5);

/// What the tool is called with.
#[derive(Clone)]
pub struct Call {
    operation: &'static str,
    options: Vec<String>,
    pub session_ms: u32,
    registry: String,
    /// The servers of a `ZooKeeper` beside the cluster's.
    zookeeper: Option<String>,
}

impl Call {
    /// An operation with its options.
    pub fn new(operation: &'static str, options: &[&str]) -> Self {
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let registry = REGISTRY.to_owned();
        Self { operation, options, session_ms: LONG_SESSION_MS, registry, zookeeper: None }
    }

    pub fn upgrade() -> Self {
        Self::new("upgrade", &[])
    }

    /// The same with further options.
    pub fn with(&self, options: &[&str]) -> Self {
        let mut call = self.clone();
        call.options.extend(options.iter().map(|&option| option.to_owned()));
        call
    }

    /// The same with another session time-out.
    pub fn session_ms(&self, session_ms: u32) -> Self {
        Self { session_ms, ..self.clone() }
    }

    /// The same with another registry of nodes.
    pub fn registry(&self, path: &str) -> Self {
        Self { registry: path.to_owned(), ..self.clone() }
    }

    /// The same with the lock and the nodes in another `ZooKeeper`.
    pub fn zookeeper(&self, hosts: &str) -> Self {
        Self { zookeeper: Some(hosts.to_owned()), ..self.clone() }
    }

    /// The same as another user, to be told from others in the audit log, whose files are everybody's.
    pub fn user(&self, name: &str) -> Self {
        let user = format!("user={name}");
        self.with(&["--hdfs-option", &user, "--hdfs-option", "fs.permissions.umask-mode=000"])
    }

    /// Starts the tool.
    pub fn start(&self, tree: &Tree<'_>) -> Tool {
        let folder = TempDir::new().unwrap();
        let catalog = folder.path().join("catalog.json");
        std::fs::write(&catalog, crate::support::trees::CATALOG).unwrap();
        let mut command = Command::new(tool_path());
        command.args(["comptask-upgrade", self.operation, "--root", &tree.root(), "--hdfs-client", "native"]);
        let of_cluster = || tree.servers.zookeeper.hosts();
        command.args(["--zookeeper", &self.zookeeper.clone().unwrap_or_else(of_cluster)]);
        command.args(["--zookeeper-lock-path", &format!("/locks/{}", tree.name)]);
        command.args(["--zookeeper-session-timeout-ms", &self.session_ms.to_string()]);
        if self.operation == "upgrade" {
            command.arg("--catalog").arg(&catalog);
        }
        if ["upgrade", "recovery"].contains(&self.operation) {
            command.args(["--zookeeper-registry-path", &self.registry]);
        }
        command.args(&self.options).stdin(Stdio::null());
        // What a developer has set for a cluster of their own must not reach this one.
        command.env_remove("HADOOP_CONF_DIR").env_remove("HADOOP_USER_NAME");
        command.stdout(File::create(folder.path().join("stdout")).unwrap());
        // What the tests look for is English.
        command.env("LC_ALL", "C").env_remove("CIRRODATA_TOOL_CONFIG");
        command.stderr(File::create(folder.path().join("stderr")).unwrap());
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", tool_path().display()));
        Tool { child, started: Instant::now(), folder }
    }

    /// Runs it to its end.
    pub fn run(&self, tree: &Tree<'_>) -> Ended {
        self.start(tree).end()
    }

    /// Runs it as an operator does after a run that died: again, for as long as it says that the lock is still held.
    /// Gives how it ended then, and how often it was refused; each refusal must name the dead process.
    pub fn run_when_free(&self, tree: &Tree<'_>, dead: u32) -> (Ended, u32) {
        const PAUSE: Duration = Duration::from_millis(700);
        let begun = Instant::now();
        for refusals in 0.. {
            let ended = self.run(tree);
            if ended.code != Some(ErrorKind::Locked.code()) {
                return (ended, refusals);
            }
            assert!(ended.stderr.contains(&format!("process {dead}")), "who holds it? {}", ended.stderr);
            assert!(begun.elapsed() < PATIENCE, "the lock of a dead process stays: {}", ended.stderr);
            std::thread::sleep(PAUSE);
        }
        unreachable!("the numbers do not end")
    }
}

/// Whatever `CIRRODATA_TOOL` names.
fn tool_path() -> PathBuf {
    let path = std::env::var_os("CIRRODATA_TOOL").filter(|path| !path.is_empty());
    let path = PathBuf::from(path.expect("CIRRODATA_TOOL is not set: run `make test-cluster`, which builds the tool"));
    assert!(path.is_file(), "CIRRODATA_TOOL names {}, which is no file: run `make test-cluster`", path.display());
    path
}

/// A tool that runs; it is killed where its test fails.
pub struct Tool {
    child: Child,
    pub started: Instant,
    folder: TempDir,
}

/// How a tool ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    pub process: u32,
}

impl Tool {
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; `None` while it runs.
    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.status().is_none()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.id()).unwrap()).unwrap(), signal).unwrap();
    }

    /// Stops it where it stands, and waits until each of its threads does.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
        wait_until_stopped(self.id()).unwrap();
    }

    /// Waits until something is so, or the tool has ended; gives whether the tool still runs.
    pub fn runs_until(&mut self, mut so: impl FnMut() -> bool) -> bool {
        let begun = Instant::now();
        while !so() {
            if !self.is_running() {
                return false;
            }
            assert!(begun.elapsed() < PATIENCE, "what was waited for does not happen: {}", self.said("stderr"));
            std::thread::sleep(LOOK);
        }
        self.is_running()
    }

    /// The most memory it has had so far, in KiB; `None` where it has ended.
    pub fn peak_memory_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse().ok()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.status() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "the tool does not end: {}", self.said("stderr"));
            std::thread::sleep(LOOK);
        };
        let (stdout, stderr) = (self.said("stdout"), self.said("stderr"));
        Ended { code: status.code(), signal: status.signal(), stdout, stderr, process: self.id() }
    }

    /// Kills it. Gives whether it was running until then.
    pub fn kill(mut self) -> (bool, Ended) {
        self.child.kill().unwrap();
        let ended = self.end();
        (ended.signal == Some(Signal::KILL.as_raw()), ended)
    }

    fn said(&self, where_to: &str) -> String {
        let path: &Path = self.folder.path();
        std::fs::read_to_string(path.join(where_to)).unwrap()
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Ended {
    /// That it went through.
    pub fn assert_success(&self, when: &str) {
        assert_eq!(self.code, Some(0), "{when}: {} {}", self.stderr, self.stdout);
    }

    /// That it ended with an error of a kind, told in these words.
    pub fn assert_failed(&self, kind: ErrorKind, words: &[&str]) {
        assert_eq!(self.code, Some(kind.code()), "{} {}", self.stderr, self.stdout);
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is not in {}", self.stderr);
        }
    }
}
