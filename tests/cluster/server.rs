//! One server: a JVM that can be killed, started again, stopped and continued.

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, OnceLock};
use std::time::{Duration, Instant};

use rustix::process::{kill_process, Pid, Signal};

use super::{java, Result};

/// How long a server may take until it serves, on a machine with other things to do.
const START_LIMIT: Duration = Duration::from_secs(90);

/// What a server is started from, each time.
pub struct Spec {
    /// For messages.
    pub name: &'static str,
    /// The Java class.
    pub class: &'static str,
    /// Options of the JVM before the class.
    pub options: Vec<String>,
    /// Arguments after the class.
    pub arguments: Vec<String>,
    /// Folders before the jars on the class path.
    pub class_path: Vec<PathBuf>,
    /// The working folder.
    pub folder: PathBuf,
}

/// Whether the servers that this process starts are for a measure, and run as servers do.
pub static IS_MEASURED: AtomicBool = AtomicBool::new(false);

/// The JVM of a test: small, and quick to start rather than quick later.
const QUICK_TO_START: [&str; 4] = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"];

/// The JVM of a measure: its own choices, as in a cluster, in memory that one machine has.
const QUICK_LATER: [&str; 1] = ["-Xmx1g"];

impl Spec {
    /// The command line of a JVM for this.
    pub fn command(&self) -> Result<Command> {
        let mut class_path: Vec<String> = self.class_path.iter().map(|path| path.display().to_string()).collect();
        class_path.push(format!("{}/*", java::jars()?.display()));
        // The kernel ends a server when the thread that started it ends, however that came about: no JVM is orphaned.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(java::java()?)
            .args(if IS_MEASURED.load(Ordering::Relaxed) { &QUICK_LATER[..] } else { &QUICK_TO_START[..] })
            .args(["-Djava.net.preferIPv4Stack=true", "-Djava.awt.headless=true"])
            .args(&self.options)
            .args(["-cp", &class_path.join(":"), self.class])
            .args(&self.arguments)
            .current_dir(&self.folder)
            // What a developer has set for a cluster of their own must not reach this one.
            .env_remove("JAVA_TOOL_OPTIONS")
            .env_remove("HADOOP_CONF_DIR")
            .env_remove("HADOOP_USER_NAME")
            .stdin(Stdio::null());
        Ok(command)
    }

    /// Runs it to its end and gives what it printed.
    pub fn run(&self) -> Result<String> {
        let mut command = self.command()?;
        let output = command.output().map_err(|error| format!("{} cannot be started: {error}", self.name))?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            Ok(said)
        } else {
            Err(format!("{} ended with {}: {}", self.name, output.status, tail(&said)))
        }
    }
}

/// A server, running or killed.
pub struct Server {
    spec: Spec,
    log: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// A server that is not started yet. Whatever it prints goes to `<name>.log` in its folder.
    pub fn new(spec: Spec) -> Self {
        let log = spec.folder.join(format!("{}.log", spec.name));
        Self { spec, log, child: None }
    }

    /// Starts it and does not wait until it serves.
    pub fn launch(&mut self) -> Result<()> {
        if self.child.is_some() {
            return Err(format!("{} is running already", self.spec.name));
        }
        let open = || File::options().create(true).append(true).open(&self.log);
        let log = open().and_then(|out| out.try_clone().map(|err| (out, err)));
        let (out, err) = log.map_err(|error| format!("{}: {error}", self.log.display()))?;
        let mut command = self.spec.command()?;
        command.stdout(out).stderr(err);
        self.child = Some(spawn(command).map_err(|error| format!("{} cannot be started: {error}", self.spec.name))?);
        Ok(())
    }

    /// Waits until `ready` says so. Ends early where the server ends.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let child = self.child.as_mut().ok_or_else(|| format!("{} is not running", self.spec.name))?;
            if let Ok(Some(status)) = child.try_wait() {
                self.child = None;
                return Err(format!("{} ended with {status}: {}", self.spec.name, self.last_words()));
            }
            if ready() {
                return Ok(());
            }
            if Instant::now() > deadline {
                let (name, limit) = (self.spec.name, START_LIMIT.as_secs());
                return Err(format!("{name} does not serve after {limit} s: {}", self.last_words()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it at once, as a machine that fails does (`kill -9`); fine where it is not running.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Both fail only where it has ended already.
            let _ended = child.kill();
            let _reaped = child.wait();
        }
    }

    /// Stops it where it stands (SIGSTOP), and waits until it does; it keeps its connections.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        wait_until_stopped(self.pid()?)
    }

    /// Lets it go on (SIGCONT).
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()?).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| format!("{} has no process id", self.spec.name))?;
        kill_process(pid, signal).map_err(|error| format!("{} gets no signal: {error}", self.spec.name))
    }

    /// Its process.
    pub fn pid(&self) -> Result<u32> {
        self.child.as_ref().map(Child::id).ok_or_else(|| format!("{} is not running", self.spec.name))
    }

    /// The end of what it printed.
    pub fn last_words(&self) -> String {
        tail(&std::fs::read_to_string(&self.log).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until each thread of a process stands: a signal takes its time, and an answer could still get out.
pub fn wait_until_stopped(pid: u32) -> Result<()> {
    let begun = Instant::now();
    let stands = |task: std::fs::DirEntry| {
        // The state is behind the name, which is in brackets. A thread that ended in the meantime stands too.
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with('T'))
    };
    loop {
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).map_err(|error| format!("no process: {error}"))?;
        if tasks.flatten().all(stands) {
            return Ok(());
        }
        if begun.elapsed() > START_LIMIT {
            return Err(format!("process {pid} does not stop"));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join(" | ")
}

/// Starts a process from the one thread that lives as long as this process. The kernel's "end with the parent" means
/// the parent's thread, and the thread of a test ends with its test.
pub fn spawn(command: Command) -> std::io::Result<Child> {
    type Answer = mpsc::Sender<std::io::Result<Child>>;
    static SPAWNER: OnceLock<mpsc::Sender<(Command, Answer)>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = mpsc::channel::<(Command, Answer)>();
        std::thread::spawn(move || {
            for (mut command, answer) in jobs {
                // Nobody waits any more where this fails.
                let _unheard = answer.send(command.spawn());
            }
        });
        sender
    });
    let (answer, child) = mpsc::channel();
    let gone = || std::io::Error::other("the thread that starts servers is gone");
    spawner.send((command, answer)).map_err(|_| gone())?;
    child.recv().map_err(|_| gone())?
}

/// Sends a text to a port and gives the answer up to the end of the connection; `None` where nobody answers.
pub fn ask(port: u16, text: &str) -> Option<String> {
    let limit = Duration::from_secs(5);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, limit).ok()?;
    stream.set_read_timeout(Some(limit)).ok()?;
    stream.write_all(text.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    String::from_utf8(answer).ok()
}

/// Writes a file of a server's configuration.
pub fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// A folder of a server.
pub fn folder(path: PathBuf) -> Result<PathBuf> {
    std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
