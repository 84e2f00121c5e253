//! The same upgrade by what people have today: a plain Java client, and the commands of a shell.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::cluster::hdfs::Hdfs;
use crate::cluster::java;

const PLAIN_CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/plain_client/PlainClient.java");

/// What a plain Java client takes for so many tasks, without the start of its JVM.
pub fn plain(hdfs: &Hdfs, root: &str, tasks: u64) -> Duration {
    // The cluster's own configuration, as on any machine of a cluster; the JVM and the client as they come.
    let class_path = format!("{}:{}/*", hdfs.conf().display(), java::jars().unwrap().display());
    let output = Command::new(java::java().unwrap())
        .args(["-Daudit.file=/dev/null", "-Dlog4j.configuration=", "-cp", &class_path])
        .args([PLAIN_CLIENT, root, &tasks.to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let seconds = said.lines().find_map(|line| line.strip_prefix(&format!("{tasks} tasks in "))?.strip_suffix(" s"));
    let seconds = seconds.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        panic!("the plain client did not end well: {said}{}", String::from_utf8_lossy(&output.stderr))
    });
    Duration::from_secs_f64(seconds)
}

/// Has the shell's JVM read from the disk once.
pub fn warm_shell_up(hdfs: &Hdfs) {
    hdfs.shell(&["-ls", "/"]).unwrap();
}

/// What `hdfs dfs` commands take for these tasks of a tree, by their V1 names: the steps of the plain client, a command
/// each, as in a script.
pub fn shell(hdfs: &Hdfs, root: &str, names: &[String]) -> Duration {
    let folder = TempDir::new().unwrap();
    let begun = Instant::now();
    let v2 = format!("{root}/Compaction_V2");
    let node = "xcloud24_9876";
    let folders = ["Taskupgrade".to_owned(), format!("TaskAssigned/{node}"), "Scheduler".to_owned()];
    let folders: Vec<String> = folders.iter().map(|folder| format!("{v2}/{folder}")).collect();
    let make: Vec<&str> = ["-mkdir", "-p"].into_iter().chain(folders.iter().map(String::as_str)).collect();
    hdfs.shell(&make).unwrap();
    for name in names {
        one(hdfs, (root, &v2), name, node, folder.path());
    }
    begun.elapsed()
}

fn one(hdfs: &Hdfs, (root, v2): (&str, &str), name: &str, node: &str, folder: &Path) {
    let (base, state) = name.strip_suffix(".Done").map_or((name, "Init"), |base| (base, "Done"));
    let bytes = folder.join(name).display().to_string();
    let (mark, task) = (format!("{v2}/Taskupgrade/{base}"), format!("{v2}/Scheduler/{base}"));
    let shell = |arguments: &[&str]| drop(hdfs.shell(arguments).unwrap());
    shell(&["-get", &format!("{root}/Compaction/Scheduler/{name}"), &bytes]);
    shell(&["-touchz", &format!("{mark}.{node}")]);
    if state == "Init" {
        shell(&["-touchz", &format!("{v2}/TaskAssigned/{node}/Manager.{base}")]);
    }
    shell(&["-mkdir", &task]);
    shell(&["-put", &bytes, &format!("{task}/TaskInfo.pc1.sales")]);
    shell(&["-touchz", &format!("{task}/Status.{state}")]);
    shell(&["-mv", &format!("{mark}.{node}"), &format!("{mark}.upgrade")]);
}
