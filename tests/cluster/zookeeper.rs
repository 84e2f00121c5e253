//! One ZooKeeper server, and ZooKeeper's own client to look at it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use tempfile::TempDir;

use super::certificates::{Authority, Files};
use super::server::{ask, spawn, write, Server, Spec};
use super::{ports, Result};

/// The server's tick: sessions end on a multiple of it, and may be as short as two of them.
pub const TICK_MS: u32 = 200;

const LOGGING: &str = "\
log4j.rootLogger=INFO,OUT
log4j.appender.OUT=org.apache.log4j.ConsoleAppender
log4j.appender.OUT.layout=org.apache.log4j.PatternLayout
log4j.appender.OUT.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
";

/// One ZooKeeper server with a data folder of its own, which outlives a kill of the server.
pub struct ZooKeeper {
    /// The process. Before the folder: it goes first.
    pub server: Server,
    port: u16,
    secured: Option<Secured>,
    folder: TempDir,
}

/// What a client needs for the port with TLS.
pub struct Secured {
    port: u16,
    /// The authority of the server and of the client, which is the same.
    pub authority: Authority,
    pub authority_file: PathBuf,
    pub client: Files,
}

/// How a server does TLS.
pub struct Security {
    /// The names and addresses that its certificate is for.
    pub names: &'static [&'static str],
    /// The year with which its certificate ends.
    pub last_year: i32,
    /// `ssl.clientAuth`: `need`, `want` or `none`.
    pub client_auth: &'static str,
    /// `ssl.enabledProtocols`.
    pub protocols: &'static str,
}

/// As a careful cluster has it.
pub const SECURE: Security =
    Security { names: &["127.0.0.1"], last_year: 2099, client_auth: "need", protocols: "TLSv1.3,TLSv1.2" };

impl ZooKeeper {
    /// Starts one and waits until it serves.
    pub fn start() -> Result<Self> {
        Self::begin(None)
    }

    /// Starts one that has a port for TLS beside the other one, and waits until it serves on both.
    pub fn start_secured(security: &Security) -> Result<Self> {
        Self::begin(Some(security))
    }

    fn begin(security: Option<&Security>) -> Result<Self> {
        let folder = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let port = ports::free()?;
        write(&folder.path().join("log4j.properties"), LOGGING)?;
        let data = folder.path().join("data");
        let config = format!(
            "tickTime={TICK_MS}\ndataDir={}\nclientPortAddress=127.0.0.1\nclientPort={port}\nmaxClientCnxns=0\n\
             maxSessionTimeout=120000\nadmin.enableServer=false\n4lw.commands.whitelist=srvr,dump,cons\n",
            data.display()
        );
        let (secured, config) = match security {
            Some(security) => {
                let (secured, more) = Secured::new(security, folder.path())?;
                (Some(secured), config + &more)
            }
            None => (None, config),
        };
        write(&folder.path().join("zoo.cfg"), &config)?;
        let spec = Spec {
            name: "zookeeper",
            class: "org.apache.zookeeper.server.ZooKeeperServerMain",
            // A killed process leaves what it wrote to the kernel; only a machine that fails would need the flush.
            options: vec!["-Dzookeeper.forceSync=no".to_owned()],
            arguments: vec!["zoo.cfg".to_owned()],
            class_path: vec![folder.path().to_owned()],
            folder: folder.path().to_owned(),
        };
        let mut zookeeper = Self { server: Server::new(spec), port, secured, folder };
        zookeeper.restart()?;
        Ok(zookeeper)
    }

    /// Starts it again after a kill, on the same ports, with the same data, and waits until it serves.
    pub fn restart(&mut self) -> Result<()> {
        self.server.launch()?;
        let (port, secured) = (self.port, self.secured.as_ref().map(|secured| secured.port));
        self.server.wait_until(|| {
            ask(port, "srvr").is_some_and(|answer| answer.contains("Mode: standalone"))
                && secured.is_none_or(|port| TcpStream::connect(("127.0.0.1", port)).is_ok())
        })
    }

    /// The connect string of its port with TLS, by a name of this machine.
    pub fn secured_hosts(&self, name: &str) -> Result<String> {
        Ok(format!("{name}:{}", self.secured()?.port))
    }

    /// What a client needs for its port with TLS.
    pub fn secured(&self) -> Result<&Secured> {
        self.secured.as_ref().ok_or_else(|| "this server has no TLS".to_owned())
    }

    /// Its folder, which goes with it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its connect string.
    pub fn hosts(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Secured {
    /// The certificates, and the lines of the server's configuration.
    fn new(security: &Security, folder: &Path) -> Result<(Self, String)> {
        let authority = Authority::new("the authority")?;
        let authority_file = authority.write(&folder.join("authority.pem"))?;
        let server = authority.sign(security.names, security.last_year, folder, "server")?;
        let client = authority.sign(&["client.test"], 2099, folder, "client")?;
        // ZooKeeper's PEM store is a key and its chain in one file.
        let read = |file: &Path| std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()));
        let store = folder.join("store.pem");
        write(&store, &format!("{}{}", read(&server.key)?, read(&server.certificate)?))?;
        let port = ports::free()?;
        let lines = format!(
            "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\nsecureClientPortAddress=127.0.0.1\n\
             secureClientPort={port}\nssl.keyStore.location={}\nssl.keyStore.type=PEM\nssl.trustStore.location={}\n\
             ssl.trustStore.type=PEM\nssl.clientAuth={}\nssl.enabledProtocols={}\n\
             authProvider.x509=org.apache.zookeeper.server.auth.X509AuthenticationProvider\n",
            store.display(),
            authority_file.display(),
            security.client_auth,
            security.protocols
        );
        Ok((Self { port, authority, authority_file, client }, lines))
    }
}

/// ZooKeeper's own command line client, kept open: a second opinion on what the library did, without a JVM a question.
pub struct Client {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Client {
    /// One that is connected to this server.
    pub fn start(server: &ZooKeeper) -> Result<Self> {
        let spec = Spec {
            name: "client",
            class: "org.apache.zookeeper.ZooKeeperMain",
            options: Vec::new(),
            arguments: vec!["-server".to_owned(), server.hosts()],
            class_path: Vec::new(),
            folder: Path::new("/").to_owned(),
        };
        let mut command = spec.command()?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = spawn(command).map_err(|error| format!("the client cannot be started: {error}"))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the client has no pipes".to_owned());
        };
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    /// What it prints for a command of its own language (`ls /`, `create /a`, `deleteall /a`, `stat /a`).
    pub fn run(&mut self, command: &str) -> Result<Vec<String>> {
        // A second question whose answer is known tells where the first one's ends.
        const END: &str = "[config, quota]";
        let broke = |error: std::io::Error| format!("the client broke at {command:?}: {error}");
        writeln!(self.input, "{command}\nls /zookeeper").map_err(broke)?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).map_err(broke)? == 0 {
                return Err(format!("the client ended at {command:?}"));
            }
            if line.trim() == END {
                return Ok(lines);
            }
            lines.push(line.trim().to_owned());
        }
    }

    /// The names of a node's children.
    pub fn children(&mut self, path: &str) -> Result<Vec<String>> {
        let lines = self.run(&format!("ls {path}"))?;
        let names = lines.iter().find_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
        let names = names.ok_or_else(|| format!("{path} has no children to list: {lines:?}"))?;
        Ok(names.split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// The transaction that made a node.
    pub fn czxid(&mut self, path: &str) -> Result<i64> {
        let lines = self.run(&format!("stat {path}"))?;
        let number = lines.iter().find_map(|line| line.strip_prefix("cZxid = 0x"));
        number
            .and_then(|number| i64::from_str_radix(number, 16).ok())
            .ok_or_else(|| format!("{path} has no czxid: {lines:?}"))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
