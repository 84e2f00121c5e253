//! The test cluster as a program, for the C++ tests and the demo: starts HDFS and `ZooKeeper`, prints one line of JSON
//! about them, and runs until its standard input ends. `test-cluster [hdfs|zookeeper]...`, both where nothing is named.

#[path = "mod.rs"]
mod cluster;

use std::io::{Read, Write};
use std::process::ExitCode;

use cluster::hdfs::Hdfs;
use cluster::zookeeper::ZooKeeper;
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

fn serve() -> cluster::Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(stranger) = wanted.iter().find(|word| !["hdfs", "zookeeper"].contains(&word.as_str())) {
        return Err(format!("there is no server {stranger:?}; there are: hdfs, zookeeper"));
    }
    if wanted.is_empty() {
        wanted = ["hdfs", "zookeeper"].map(str::to_owned).to_vec();
    }
    let wants = |name: &str| wanted.iter().any(|word| word == name);
    let mut told = Map::new();
    let zookeeper = wants("zookeeper").then(ZooKeeper::start).transpose()?;
    if let Some(zookeeper) = &zookeeper {
        told.insert("zookeeper".to_owned(), json!({"hosts": zookeeper.hosts(), "pid": zookeeper.server.pid()?}));
    }
    let hdfs = wants("hdfs").then(Hdfs::start).transpose()?;
    if let Some(hdfs) = &hdfs {
        let facts = json!({
            "uri": hdfs.uri(),
            "conf": hdfs.conf(),
            "audit_log": hdfs.audit_log(),
            "name_node_pid": hdfs.name_node.pid()?,
            "data_node_pid": hdfs.data_node.pid()?,
        });
        told.insert("hdfs".to_owned(), facts);
    }
    println!("{}", Value::Object(told));
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    // Whoever started this holds the other end; where it dies, the servers go too.
    let mut rest = Vec::new();
    std::io::stdin().read_to_end(&mut rest).map_err(|error| error.to_string())?;
    drop((hdfs, zookeeper));
    Ok(())
}
