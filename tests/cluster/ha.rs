//! Two `NameNode`s of one name service, with shared edits on the local disk, and one `DataNode`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::hdfs::{bean, pages, site, small, wait, DATA_NODE, LOGGING, NAME_NODE};
use super::server::{folder, write, Server, Spec};
use super::{ports, Result};

/// The name service, which is what a root names in the place of a host.
pub const SERVICE: &str = "two-names";

/// The root of its file system, without a `/` at its end.
pub const URI: &str = "hdfs://two-names";

/// The `NameNode`s by the names they have in the configuration.
pub const IDS: [&str; 2] = ["first", "second"];

/// An HDFS of two `NameNode`s, whose data outlive a kill of any of its servers. Which is active is the test's to say:
/// nothing fails over by itself.
pub struct HaHdfs {
    /// The processes with the names, in the order in which the configuration names them.
    pub name_nodes: [Server; 2],
    /// The process with the bytes.
    pub data_node: Server,
    http: [u16; 2],
    data_http: u16,
    class_path: Vec<PathBuf>,
    folder: TempDir,
}

impl HaHdfs {
    /// Formats and starts one whose first `NameNode` is active, and waits until files can be written.
    pub fn start() -> Result<Self> {
        let home = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let (rpc, http) = ([ports::free()?, ports::free()?], [ports::free()?, ports::free()?]);
        let data_http = ports::free()?;
        let conf = folder(home.path().join("conf"))?;
        write(&conf.join("core-site.xml"), &core_site(home.path()))?;
        write(&conf.join("hdfs-site.xml"), &hdfs_site(home.path(), rpc, http, data_http))?;
        write(&conf.join("log4j.properties"), LOGGING)?;
        let class_path = vec![conf, pages(home.path())?];
        let spec = |name: &'static str, class, arguments: &[&str]| Spec {
            name,
            class,
            options: vec![format!("-Daudit.file={}", audit_log(home.path(), name).display())],
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            class_path: class_path.clone(),
            folder: home.path().to_owned(),
        };
        // Both are on this machine, so neither can tell by its address which of them it is.
        let ids = IDS.map(|id| format!("-Ddfs.ha.namenode.id={id}"));
        spec("format", NAME_NODE, &[&ids[0], "-format", "-nonInteractive"]).run()?;
        let name_nodes = [0, 1].map(|index: usize| Server::new(spec(IDS[index], NAME_NODE, &[&ids[index]])));
        let data_node = Server::new(spec("datanode", DATA_NODE, &[]));
        let standby = spec("bootstrap", NAME_NODE, &[&ids[1], "-bootstrapStandby", "-nonInteractive"]);
        let mut hdfs = Self { name_nodes, data_node, http, data_http, class_path, folder: home };
        hdfs.launch(0)?;
        standby.run()?;
        hdfs.launch(1)?;
        hdfs.data_node.launch()?;
        hdfs.activate(0)?;
        Ok(hdfs)
    }

    /// Starts a `NameNode`, again after a kill, and waits until it is standby and could take over.
    pub fn launch(&mut self, index: usize) -> Result<()> {
        self.name_nodes[index].launch()?;
        let http = self.http[index];
        self.name_nodes[index].wait_until(|| state(http) == "standby" && is_out_of_safe_mode(http))
    }

    /// Makes one active, after the other is standby or, where it does not answer, counts as fenced; waits until files
    /// can be written by it.
    pub fn fail_over(&mut self, to: usize) -> Result<()> {
        self.admin(&["-failover", IDS[1 - to], IDS[to]])?;
        self.wait(to)
    }

    /// Makes one active while the other is standby, and waits until files can be written by it.
    pub fn activate(&mut self, index: usize) -> Result<()> {
        self.admin(&["-transitionToActive", IDS[index]])?;
        self.wait(index)
    }

    /// Which one is active.
    pub fn active(&self) -> Result<usize> {
        self.http.iter().position(|http| state(*http) == "active").ok_or_else(|| "no NameNode is active".to_owned())
    }

    /// Has one refuse everything, and makes none active.
    pub fn retire(&self, index: usize) -> Result<()> {
        self.admin(&["-transitionToStandby", IDS[index]]).map(|_| ())
    }

    /// Waits until a `NameNode` is active, has left its safe mode and knows the `DataNode`.
    pub fn wait(&mut self, index: usize) -> Result<()> {
        let http = self.http[index];
        let name_node = (&mut self.name_nodes[index], http);
        wait(name_node, (&mut self.data_node, self.data_http), || state(http) == "active")
    }

    /// The folder with `core-site.xml` and `hdfs-site.xml`.
    pub fn conf(&self) -> PathBuf {
        self.folder.path().join("conf")
    }

    /// How often a `NameNode` was asked for a command since its first start.
    pub fn calls(&self, index: usize, command: &str) -> Result<usize> {
        let path = audit_log(self.folder.path(), IDS[index]);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let command = format!("cmd={command}");
        let of_it = |line: &&str| line.split('\t').any(|field| field.trim().starts_with(&command));
        Ok(text.lines().filter(of_it).count())
    }

    /// Runs `hdfs haadmin` with these arguments and gives what it printed. A JVM: two seconds.
    pub fn admin(&self, arguments: &[&str]) -> Result<String> {
        Spec {
            name: "haadmin",
            class: "org.apache.hadoop.hdfs.tools.DFSHAAdmin",
            options: vec!["-Daudit.file=/dev/null".to_owned()],
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            class_path: self.class_path.clone(),
            folder: self.folder.path().to_owned(),
        }
        .run()
    }
}

/// What a `NameNode` says it is: `active`, `standby`; nothing where it does not answer.
fn state(http: u16) -> String {
    let told = bean(http, "Hadoop:service=NameNode,name=NameNodeStatus");
    let state = told.split("\"State\" : \"").nth(1).and_then(|rest| rest.split('"').next());
    state.unwrap_or_default().to_owned()
}

fn is_out_of_safe_mode(http: u16) -> bool {
    bean(http, "Hadoop:service=NameNode,name=FSNamesystemState").contains("\"FSState\" : \"Operational\"")
}

fn audit_log(home: &Path, server: &str) -> PathBuf {
    home.join(format!("audit-of-{server}.log"))
}

fn core_site(home: &Path) -> String {
    site(&[
        ("fs.defaultFS", URI.to_owned()),
        ("hadoop.tmp.dir", home.join("tmp").display().to_string()),
        ("ipc.client.connect.retry.interval", "200".to_owned()),
        ("ipc.client.connect.max.retries", "2".to_owned()),
    ])
}

fn hdfs_site(home: &Path, rpc: [u16; 2], http: [u16; 2], data_http: u16) -> String {
    let of = |key: &str| format!("{key}.{SERVICE}");
    let mut settings = vec![
        ("dfs.nameservices".to_owned(), SERVICE.to_owned()),
        // With a space, as people write it.
        (of("dfs.ha.namenodes"), IDS.join(", ")),
        (
            of("dfs.client.failover.proxy.provider"),
            "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider".to_owned(),
        ),
        ("dfs.namenode.shared.edits.dir".to_owned(), format!("file://{}", home.join("edits").display())),
        // A NameNode that is dead is fenced as it is.
        ("dfs.ha.fencing.methods".to_owned(), "shell(/bin/true)".to_owned()),
        // A standby that was killed leaves its safe mode once it knows of the files removed since: not after minutes.
        ("dfs.ha.tail-edits.period".to_owned(), "1".to_owned()),
        ("dfs.ha.log-roll.period".to_owned(), "1".to_owned()),
    ];
    for (index, id) in IDS.iter().enumerate() {
        let of_it = |key: &str| format!("{key}.{SERVICE}.{id}");
        let folder = home.join(format!("names-of-{id}")).display().to_string();
        settings.push((of_it("dfs.namenode.rpc-address"), format!("127.0.0.1:{}", rpc[index])));
        settings.push((of_it("dfs.namenode.http-address"), format!("127.0.0.1:{}", http[index])));
        settings.push((of_it("dfs.namenode.name.dir"), folder));
    }
    let settings: Vec<(&str, String)> = settings.iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
    site(&[settings, small(home, data_http)].concat())
}
