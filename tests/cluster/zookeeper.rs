//! One ZooKeeper server.

use tempfile::TempDir;

use super::server::{ask, write, Server, Spec};
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
    _folder: TempDir,
}

impl ZooKeeper {
    /// Starts one and waits until it serves.
    pub fn start() -> Result<Self> {
        let folder = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let port = ports::free()?;
        write(&folder.path().join("log4j.properties"), LOGGING)?;
        let data = folder.path().join("data");
        let config = format!(
            "tickTime={TICK_MS}\ndataDir={}\nclientPortAddress=127.0.0.1\nclientPort={port}\nmaxClientCnxns=0\n\
             maxSessionTimeout=120000\nadmin.enableServer=false\n4lw.commands.whitelist=srvr,dump,cons\n",
            data.display()
        );
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
        let mut zookeeper = Self { server: Server::new(spec), port, _folder: folder };
        zookeeper.restart()?;
        Ok(zookeeper)
    }

    /// Starts it again after a kill, on the same port, with the same data, and waits until it serves.
    pub fn restart(&mut self) -> Result<()> {
        self.server.launch()?;
        let port = self.port;
        self.server.wait_until(|| ask(port, "srvr").is_some_and(|answer| answer.contains("Mode: standalone")))
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
