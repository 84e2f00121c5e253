//! One `NameNode` and one `DataNode`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::server::{ask, folder, write, Server, Spec};
use super::{ports, Result};

/// What the servers write: their log to the standard output, the calls of a NameNode to a file.
pub(super) const LOGGING: &str = "\
log4j.rootLogger=INFO,OUT
log4j.appender.OUT=org.apache.log4j.ConsoleAppender
log4j.appender.OUT.layout=org.apache.log4j.PatternLayout
log4j.appender.OUT.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
log4j.logger.org.apache.hadoop.hdfs.server.namenode.FSNamesystem.audit=INFO,AUDIT
log4j.additivity.org.apache.hadoop.hdfs.server.namenode.FSNamesystem.audit=false
log4j.appender.AUDIT=org.apache.log4j.FileAppender
log4j.appender.AUDIT.File=${audit.file}
log4j.appender.AUDIT.layout=org.apache.log4j.PatternLayout
log4j.appender.AUDIT.layout.ConversionPattern=%m%n
";

pub(super) const NAME_NODE: &str = "org.apache.hadoop.hdfs.server.namenode.NameNode";
pub(super) const DATA_NODE: &str = "org.apache.hadoop.hdfs.server.datanode.DataNode";

/// An HDFS of one `NameNode` and one `DataNode`, whose data outlive a kill of either.
pub struct Hdfs {
    /// The process with the names. The servers are before the folder: they go first.
    pub name_node: Server,
    /// The process with the bytes.
    pub data_node: Server,
    rpc: u16,
    name_http: u16,
    data_http: u16,
    class_path: Vec<PathBuf>,
    folder: TempDir,
}

impl Hdfs {
    /// Formats and starts one, and waits until files can be written.
    pub fn start() -> Result<Self> {
        let home = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let (rpc, name_http, data_http) = (ports::free()?, ports::free()?, ports::free()?);
        let conf = folder(home.path().join("conf"))?;
        write(&conf.join("core-site.xml"), &core_site(home.path(), rpc))?;
        write(&conf.join("hdfs-site.xml"), &hdfs_site(home.path(), rpc, name_http, data_http))?;
        write(&conf.join("log4j.properties"), LOGGING)?;
        let class_path = vec![conf, pages(home.path())?];
        let spec = |name, class, arguments: &[&str]| Spec {
            name,
            class,
            options: vec![format!("-Daudit.file={}", home.path().join("audit.log").display())],
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            class_path: class_path.clone(),
            folder: home.path().to_owned(),
        };
        spec("format", NAME_NODE, &["-format", "-nonInteractive"]).run()?;
        let name_node = Server::new(spec("namenode", NAME_NODE, &[]));
        let mut data = spec("datanode", DATA_NODE, &[]);
        data.options = vec![format!("-Daudit.file={}", home.path().join("audit-of-the-datanode.log").display())];
        let data_node = Server::new(data);
        let mut hdfs = Self { name_node, data_node, rpc, name_http, data_http, class_path, folder: home };
        hdfs.name_node.launch()?;
        hdfs.data_node.launch()?;
        hdfs.wait()?;
        Ok(hdfs)
    }

    /// Starts the `NameNode` again after a kill, and waits until files can be written.
    pub fn restart_name_node(&mut self) -> Result<()> {
        self.name_node.launch()?;
        self.wait()
    }

    /// Starts the `DataNode` again after a kill, and waits until files can be written.
    pub fn restart_data_node(&mut self) -> Result<()> {
        self.data_node.launch()?;
        self.wait()
    }

    /// Waits until the `NameNode` serves, has left its safe mode and knows the `DataNode`.
    pub fn wait(&mut self) -> Result<()> {
        wait((&mut self.name_node, self.name_http), (&mut self.data_node, self.data_http), || true)
    }

    /// Waits until the `DataNode` was told to delete every block whose file is gone.
    pub fn wait_until_deleted(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            // The NameNode counts them some moments after the files went.
            std::thread::sleep(Duration::from_millis(500));
            let names = bean(self.name_http, "Hadoop:service=NameNode,name=FSNamesystem");
            if names.contains("\"PendingDeletionBlocks\" : 0,") {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err("blocks of files that are gone are not deleted".to_owned());
            }
        }
    }

    /// The root of the file system, without a `/` at its end.
    pub fn uri(&self) -> String {
        format!("hdfs://127.0.0.1:{}", self.rpc)
    }

    /// The folder with `core-site.xml` and `hdfs-site.xml`.
    pub fn conf(&self) -> PathBuf {
        self.folder.path().join("conf")
    }

    /// The log of every call of the `NameNode`.
    pub fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    /// How often each command was called at the `NameNode` since the start, or since [`Self::forget_calls`]: `create`,
    /// `rename`, `listStatus`, `getfileinfo`, `mkdirs`, `delete`, `open`, ... Refused calls count too.
    pub fn calls(&self) -> Result<BTreeMap<String, u64>> {
        let path = self.audit_log();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut calls = BTreeMap::new();
        for line in text.lines() {
            let command = line.split('\t').find_map(|field| field.trim().strip_prefix("cmd="));
            if let Some(command) = command {
                // A rename carries its options behind its name.
                let name = command.split([' ', '(']).next().unwrap_or(command);
                *calls.entry(name.to_owned()).or_default() += 1;
            }
        }
        Ok(calls)
    }

    /// Begins to count anew. The `NameNode` appends, so an emptied log stays good.
    pub fn forget_calls(&self) -> Result<()> {
        write(&self.audit_log(), "")
    }

    /// Has the `NameNode` refuse every change, or take them again. A JVM: one to two seconds.
    pub fn safe_mode(&self, on: bool) -> Result<()> {
        let word = if on { "enter" } else { "leave" };
        self.admin(&["-safemode", word]).map(|_| ())
    }

    /// Bounds the files and folders under a folder, itself among them; `None` takes the bound away. A JVM.
    pub fn name_quota(&self, path: &str, names: Option<u64>) -> Result<()> {
        match names {
            Some(names) => self.admin(&["-setQuota", &names.to_string(), path]),
            None => self.admin(&["-clrQuota", path]),
        }
        .map(|_| ())
    }

    /// Bounds the bytes under a folder, whole blocks while a file is written; `None` takes the bound away. A JVM.
    pub fn space_quota(&self, path: &str, bytes: Option<u64>) -> Result<()> {
        match bytes {
            Some(bytes) => self.admin(&["-setSpaceQuota", &bytes.to_string(), path]),
            None => self.admin(&["-clrSpaceQuota", path]),
        }
        .map(|_| ())
    }

    /// Runs `hdfs dfsadmin` with these arguments and gives what it printed. A JVM.
    pub fn admin(&self, arguments: &[&str]) -> Result<String> {
        self.tool("org.apache.hadoop.hdfs.tools.DFSAdmin", arguments)
    }

    /// Runs `hdfs dfs` with these arguments and gives what it printed. A JVM.
    pub fn shell(&self, arguments: &[&str]) -> Result<String> {
        self.tool("org.apache.hadoop.fs.FsShell", arguments)
    }

    fn tool(&self, class: &'static str, arguments: &[&str]) -> Result<String> {
        Spec {
            name: "tool",
            class,
            options: vec![
                "-Daudit.file=/dev/null".to_owned(),
                // What it prints is its answer, without the warnings of its libraries.
                "-Dlog4j.configuration=".to_owned(),
            ],
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            class_path: self.class_path.clone(),
            folder: self.folder.path().to_owned(),
        }
        .run()
    }
}

/// The servers look for their web pages on the class path, and do without any as long as the folders are there.
pub(super) fn pages(home: &Path) -> Result<PathBuf> {
    let pages = folder(home.join("pages"))?;
    for name in ["hdfs", "datanode"] {
        folder(pages.join("webapps").join(name).join("WEB-INF"))?;
    }
    Ok(pages)
}

/// Waits until a `NameNode` has left its safe mode, knows the `DataNode` and is `also` what it should be; both by their
/// ports.
pub(super) fn wait(
    (name_node, name_http): (&mut Server, u16),
    (data_node, data_http): (&mut Server, u16),
    also: impl Fn() -> bool,
) -> Result<()> {
    // The `DataNode` first: the `NameNode` goes on counting one that was killed for some seconds.
    data_node.wait_until(|| bean(data_http, "Hadoop:service=DataNode,name=DataNodeInfo").contains("RUNNING"))?;
    name_node.wait_until(|| {
        let state = bean(name_http, "Hadoop:service=NameNode,name=FSNamesystemState");
        state.contains("\"FSState\" : \"Operational\"") && state.contains("\"NumLiveDataNodes\" : 1") && also()
    })
}

/// What a server tells of itself; empty where it does not answer.
pub(super) fn bean(http: u16, name: &str) -> String {
    ask(http, &format!("GET /jmx?qry={name} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")).unwrap_or_default()
}

fn core_site(home: &Path, rpc: u16) -> String {
    site(&[
        ("fs.defaultFS", format!("hdfs://127.0.0.1:{rpc}")),
        ("hadoop.tmp.dir", home.join("tmp").display().to_string()),
        // A test does not wait for a server that was killed on purpose longer than it has to.
        ("ipc.client.connect.retry.interval", "200".to_owned()),
    ])
}

fn hdfs_site(home: &Path, rpc: u16, name_http: u16, data_http: u16) -> String {
    let mut settings = vec![
        ("dfs.namenode.rpc-address", format!("127.0.0.1:{rpc}")),
        ("dfs.namenode.http-address", format!("127.0.0.1:{name_http}")),
        ("dfs.namenode.name.dir", home.join("names").display().to_string()),
    ];
    settings.extend(small(home, data_http));
    site(&settings)
}

/// What makes an HDFS of one `DataNode` small and quick, whatever its `NameNode`s are.
pub(super) fn small(home: &Path, data_http: u16) -> Vec<(&'static str, String)> {
    let free = || "127.0.0.1:0".to_owned();
    vec![
        ("dfs.datanode.data.dir", home.join("blocks").display().to_string()),
        ("dfs.datanode.address", free()),
        ("dfs.datanode.http.address", format!("127.0.0.1:{data_http}")),
        ("dfs.datanode.ipc.address", free()),
        ("dfs.datanode.hostname", "127.0.0.1".to_owned()),
        ("dfs.namenode.datanode.registration.ip-hostname-check", "false".to_owned()),
        ("dfs.replication", "1".to_owned()),
        // A DataNode that was killed is missed, and one that is back is heard of, within a second or two.
        ("dfs.heartbeat.interval", "1".to_owned()),
        ("dfs.namenode.heartbeat.recheck-interval", "1000".to_owned()),
        ("dfs.blockreport.initialDelay", "0".to_owned()),
        ("dfs.namenode.safemode.extension", "0".to_owned()),
        // A space check that a small disk of a test machine would fail.
        ("dfs.namenode.resource.du.reserved", "1048576".to_owned()),
    ]
}

/// A file of Hadoop's configuration.
pub(super) fn site(settings: &[(&str, String)]) -> String {
    let setting =
        |(name, value): &(&str, String)| format!("<property><name>{name}</name><value>{value}</value></property>");
    let lines: Vec<String> = settings.iter().map(setting).collect();
    format!("<?xml version=\"1.0\"?>\n<configuration>\n{}\n</configuration>\n", lines.join("\n"))
}
