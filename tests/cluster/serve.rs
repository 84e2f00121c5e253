//! The test cluster as a program, for the C++ tests and the demo: starts HDFS and `ZooKeeper`, prints one line of JSON
//! about them, and runs until its standard input ends. `test-cluster [hdfs|zookeeper]...`, both where nothing is named.
//!
//! A line of its input is a command, with tabs between its words; the answer is what it printed, and then the line `ok`
//! or one that begins with `failed: `.
//!
//! - `hdfs`, and the arguments of `hdfs dfs`: `-put`, `-find`, ...
//! - `zookeeper`, and a line of `ZooKeeper`'s own client: `create -e /pus/node`, `ls /pus`, `getAcl /lock`, ... All come
//!   from one client, whose session ends with this program.

#[path = "mod.rs"]
mod cluster;

use std::io::{BufRead, Write};
use std::process::ExitCode;

use cluster::hdfs::Hdfs;
use cluster::zookeeper::{Client, ZooKeeper};
use serde_json::{json, Map, Value};

fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("test-cluster: {why}");
            ExitCode::FAILURE
        }
    }
}

/// The servers that were asked for. The client before its server: it goes first.
struct Servers {
    client: Option<Client>,
    zookeeper: Option<ZooKeeper>,
    hdfs: Option<Hdfs>,
}

fn serve() -> cluster::Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(stranger) = wanted.iter().find(|word| !["hdfs", "zookeeper"].contains(&word.as_str())) {
        return Err(format!("there is no server {stranger:?}; there are: hdfs, zookeeper"));
    }
    if wanted.is_empty() {
        wanted = ["hdfs", "zookeeper"].map(str::to_owned).to_vec();
    }
    let wants = |name: &str| wanted.iter().any(|word| word == name);
    let zookeeper = wants("zookeeper").then(ZooKeeper::start).transpose()?;
    let hdfs = wants("hdfs").then(Hdfs::start).transpose()?;
    let mut servers = Servers { client: None, zookeeper, hdfs };
    say(&[servers.facts()?])?;
    // Whoever started this holds the other end; where it dies, the servers go too.
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        match servers.obey(&line) {
            Ok(mut said) => {
                said.push("ok".to_owned());
                say(&said)?;
            }
            Err(why) => say(&[format!("failed: {}", why.replace('\n', " "))])?,
        }
    }
    Ok(())
}

fn say(lines: &[String]) -> cluster::Result<()> {
    let mut out = std::io::stdout().lock();
    let written = lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    written.and_then(|()| out.flush()).map_err(|error| error.to_string())
}

impl Servers {
    fn facts(&self) -> cluster::Result<String> {
        // What a client in a JVM of its own is started with.
        let [(_, home), (_, class_path), _] = cluster::java::for_libhdfs()?;
        let mut told = Map::from_iter([("java".to_owned(), json!({"home": home, "class_path": class_path}))]);
        if let Some(zookeeper) = &self.zookeeper {
            told.insert("zookeeper".to_owned(), json!({"hosts": zookeeper.hosts(), "pid": zookeeper.server.pid()?}));
        }
        if let Some(hdfs) = &self.hdfs {
            let facts = json!({
                "uri": hdfs.uri(),
                "conf": hdfs.conf(),
                "audit_log": hdfs.audit_log(),
                "name_node_pid": hdfs.name_node.pid()?,
                "data_node_pid": hdfs.data_node.pid()?,
            });
            told.insert("hdfs".to_owned(), facts);
        }
        Ok(Value::Object(told).to_string())
    }

    fn obey(&mut self, line: &str) -> cluster::Result<Vec<String>> {
        let words: Vec<&str> = line.split('\t').collect();
        match (words.as_slice(), &self.hdfs, &self.zookeeper) {
            (["hdfs", arguments @ ..], Some(hdfs), _) => {
                // Its logging library complains that nobody wants a log.
                let said = hdfs.shell(arguments)?;
                Ok(said.lines().filter(|line| !line.starts_with("log4j:")).map(str::to_owned).collect())
            }
            (["zookeeper", command], _, Some(zookeeper)) => {
                if self.client.is_none() {
                    let mut client = Client::start(zookeeper)?;
                    // With its first answer comes a greeting.
                    client.run("ls /")?;
                    self.client = Some(client);
                }
                self.client.as_mut().ok_or("there is no client")?.run(command)
            }
            _ => Err(format!("{line:?} is no command, or its server was not asked for; there are: hdfs, zookeeper")),
        }
    }
}
