//! Where a block is run: a folder with the sample tree and all that the documents say is there.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{symlink, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::blocks::{documents, project, read, Block};
use crate::cluster::hdfs::Hdfs;
use crate::cluster::java::for_libhdfs;
use crate::cluster::zookeeper::{Client, ZooKeeper};

const SONAME: &str = "libcomptask_upgrade.so.1";

/// The registry that the documents name; it is there, and no PU is in it.
const REGISTRY: [&str; 2] = ["/cirrodata", "/cirrodata/pu"];

/// The folder that an environment variable names.
fn named(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).map(PathBuf::from).unwrap_or_default();
    let name = path.display();
    assert!(path.is_dir(), "{variable} names {name}, which is no folder: run `make test-documents`, which sets it");
    path
}

/// HDFS and `ZooKeeper`. The client goes before its server.
pub struct Cluster {
    _client: Client,
    zookeeper: ZooKeeper,
    hdfs: Hdfs,
    trees: std::cell::Cell<u32>,
}

impl Cluster {
    pub fn start() -> Self {
        let (hdfs, zookeeper) = (Hdfs::start().unwrap(), ZooKeeper::start().unwrap());
        let mut client = Client::start(&zookeeper).unwrap();
        for path in REGISTRY {
            client.run(&format!("create {path}")).unwrap();
        }
        Self { _client: client, zookeeper, hdfs, trees: std::cell::Cell::new(0) }
    }
}

/// Where a block is run.
pub struct Place {
    folder: TempDir,
    /// Words of the documents, and what stands for them here.
    words: Vec<(String, String)>,
    /// Where the loader looks for the library.
    library: PathBuf,
}

impl Place {
    /// A tree on the local disk.
    pub fn local(block: &Block) -> Self {
        let build = named("COMPTASK_BUILD");
        let folder = TempDir::new().unwrap();
        let prefix = folder.path().join("opt/comptask");
        // The documents lie beside the project of a host, which is called `host` here.
        for made in [folder.path().join("host/src"), folder.path().join("bin"), prefix.clone()] {
            fs::create_dir_all(made).unwrap();
        }
        let words = vec![("/opt/comptask".to_owned(), prefix.display().to_string())];
        let place = Self { folder, words, library: prefix.join("lib") };
        symlink(project(), place.folder.path().join("comptask-upgrade")).unwrap();
        symlink(&build, place.host().join("build")).unwrap();
        quietly(Command::new(build.join("bin/make_sample_tree")).arg(place.host()));
        let install = project().join("ffi_examples/install/install.sh");
        quietly(Command::new(install).arg(&build).arg(SONAME).arg(&prefix).arg("lib"));
        fs::write(place.host().join("app.cpp"), example("cpp").text).unwrap();
        if block.text.contains("cargo ") {
            let manifest = "[package]\nname = \"host\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n";
            fs::write(place.host().join("Cargo.toml"), manifest).unwrap();
            fs::write(place.host().join("src/main.rs"), "fn main() {}\n").unwrap();
        }
        if block.text.contains("keytool ") {
            place.make_key_stores();
        }
        if block.text.contains("-Iyour/include") {
            place.lay_out_the_guide();
        }
        place
    }

    /// The files of the guide to the tool dispatcher, and what stands for the reader's own services.
    fn lay_out_the_guide(&self) {
        let guide = fs::read_to_string(project().join("docs/tool-dispatch.md")).unwrap();
        for file in guide.split("<!-- file: ").skip(1) {
            let (name, rest) = file.split_once(" -->\n```cpp\n").unwrap();
            let (code, _) = rest.split_once("\n```\n").unwrap();
            fs::write(self.host().join(name), format!("{code}\n")).unwrap();
        }
        fs::create_dir(self.host().join("your")).unwrap();
        symlink(project().join("cpp_tests/tool_dispatch/existing"), self.host().join("your/include")).unwrap();
    }

    /// A tree on a cluster.
    pub fn on(cluster: &Cluster, block: &Block) -> Self {
        let mut place = Self::local(block);
        let number = cluster.trees.get();
        cluster.trees.set(number + 1);
        let (parent, tree) = (format!("/tree-{number}"), place.host().join("cluster.compact"));
        cluster.hdfs.shell(&["-mkdir", &parent]).unwrap();
        cluster.hdfs.shell(&["-put", &tree.display().to_string(), &parent]).unwrap();
        let [(_, home), (_, class_path), _] = for_libhdfs().unwrap();
        let hosts = cluster.zookeeper.hosts();
        for (word, stands_for) in [
            ("hdfs://name-service/cirrodata", format!("{}{parent}", cluster.hdfs.uri())),
            ("zk1:2181,zk2:2181,zk3:2181", hosts.clone()),
            ("zk1:2181", hosts),
            ("/etc/hadoop/conf", cluster.hdfs.conf().display().to_string()),
            ("/usr/lib/jvm/java-11", home),
        ] {
            place.words.push((word.to_owned(), stands_for));
        }
        // What `hadoop` itself would say.
        let hadoop = place.folder.path().join("bin/hadoop");
        fs::write(&hadoop, format!("#!/bin/sh\n[ \"$*\" = 'classpath --glob' ] && echo '{class_path}'\n")).unwrap();
        fs::set_permissions(&hadoop, fs::Permissions::from_mode(0o755)).unwrap();
        if block.text.contains("--hdfs-client libhdfs") {
            place.library = named("COMPTASK_EVERY_CLIENT");
        }
        place
    }

    /// The folder in which commands are run.
    pub fn host(&self) -> PathBuf {
        self.folder.path().join("host")
    }

    /// A text of a document with what stands for its words here.
    pub fn translated(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, stands_for)| text.replace(word, stands_for))
    }

    /// A program that is run here.
    pub fn command(&self, program: &str) -> Command {
        let build = named("COMPTASK_BUILD");
        let before = [self.folder.path().join("bin"), build.join("bin")];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path: OsString = std::env::join_paths(before.into_iter().chain(std::env::split_paths(&path))).unwrap();
        let mut command = Command::new(program);
        command.current_dir(self.host()).env("PATH", path).env("LD_LIBRARY_PATH", &self.library);
        // What a developer has set for a cluster of their own must not reach this one; and nothing is fetched.
        command.env_remove("HADOOP_CONF_DIR").env_remove("HADOOP_USER_NAME").env("CARGO_NET_OFFLINE", "true");
        // What the documents show is English.
        command.env("LC_ALL", "C").env_remove("CIRRODATA_TOOL_CONFIG");
        command
    }

    /// The key stores that the documents turn into PEM files.
    fn make_key_stores(&self) {
        fs::write(self.host().join("pass"), "changeit\n").unwrap();
        for (store, alias) in [("client.jks", "client"), ("truststore.jks", "authority")] {
            let mut keytool = self.command("keytool");
            keytool.args(["-genkeypair", "-keystore", store, "-storetype", "JKS", "-alias", alias, "-keyalg", "RSA"]);
            keytool.args(["-dname", "CN=test", "-storepass:file", "pass", "-keypass:file", "pass"]);
            quietly(&mut keytool);
        }
    }
}

/// The example of the ABI guide in a language: the program that other documents call `app.cpp`.
fn example(language: &str) -> Block {
    let guide = documents().into_iter().find(|path| path.as_path() == Path::new("docs/abi.md")).unwrap();
    read(&guide).into_iter().find(|block| block.language == language).unwrap()
}

/// Runs what must succeed before a block can be tried.
pub fn quietly(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success(), "{command:?}: {}\n{said}", output.status);
}
