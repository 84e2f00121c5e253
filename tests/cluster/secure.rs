//! One `NameNode` and one `DataNode` that let nobody in without a ticket.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::hdfs::{pages, site, small, wait, DATA_NODE, LOGGING, NAME_NODE};
use super::kdc::{Kdc, REALM};
use super::server::{folder, write, Server, Spec};
use super::{ports, Result};

/// Whom the servers are, and so the superuser.
pub const SERVERS: &str = "hdfs/localhost";

/// Who may work below [`TREES`].
pub const UPGRADER: &str = "upgrader";

/// Somebody of the realm without any right, who may stand in for [`UPGRADER`].
pub const DEPUTY: &str = "deputy/batch";

/// Somebody of the realm without any right.
pub const STRANGER: &str = "stranger";

/// A folder that belongs to [`UPGRADER`].
pub const TREES: &str = "/trees";

/// What is done to the bytes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Who speaks is proven, once.
    Authentication,
    /// Each message is signed.
    Integrity,
    /// Each message is encrypted.
    Privacy,
    /// As [`Self::Privacy`], and bytes of files by a key of the `NameNode`, with AES.
    EncryptedTransfer,
}

/// An HDFS under Kerberos.
pub struct SecureHdfs {
    /// The process with the names.
    pub name_node: Server,
    /// The process with the bytes.
    pub data_node: Server,
    /// Whose tickets they take.
    pub kdc: Kdc,
    rpc: u16,
    http: u16,
    data_http: u16,
    class_path: Vec<PathBuf>,
    folder: TempDir,
}

impl SecureHdfs {
    /// Formats and starts one, and waits until files can be written.
    pub fn start(wire: Wire) -> Result<Self> {
        let home = TempDir::new().map_err(|error| format!("no temporary folder: {error}"))?;
        let kdc = Kdc::start(home.path(), &[SERVERS, "HTTP/localhost", UPGRADER, DEPUTY, STRANGER])?;
        let (rpc, http, data_http) = (ports::free()?, ports::free()?, ports::free()?);
        let conf = folder(home.path().join("conf"))?;
        write(&conf.join("core-site.xml"), &core_site(home.path(), rpc, wire))?;
        write(&conf.join("hdfs-site.xml"), &hdfs_site(home.path(), &kdc, wire, [rpc, http, data_http]))?;
        write(&conf.join("log4j.properties"), LOGGING)?;
        let class_path = vec![conf, pages(home.path())?];
        let spec = |name, class, arguments: &[&str]| spec(home.path(), &class_path, &kdc, (name, class, arguments));
        spec("format", NAME_NODE, &["-format", "-nonInteractive"]).run()?;
        let name_node = Server::new(spec("namenode", NAME_NODE, &[]));
        let data_node = Server::new(spec("datanode", DATA_NODE, &[]));
        let mut hdfs = Self { name_node, data_node, kdc, rpc, http, data_http, class_path, folder: home };
        hdfs.name_node.launch()?;
        hdfs.data_node.launch()?;
        hdfs.wait()?;
        hdfs.shell(&["-mkdir", TREES])?;
        hdfs.shell(&["-chown", UPGRADER, TREES])?;
        Ok(hdfs)
    }

    /// Waits until the `NameNode` serves, has left its safe mode and knows the `DataNode`.
    pub fn wait(&mut self) -> Result<()> {
        wait((&mut self.name_node, self.http), (&mut self.data_node, self.data_http), || true)
    }

    /// The root of the file system, without a `/` at its end.
    pub fn uri(&self) -> String {
        format!("hdfs://127.0.0.1:{}", self.rpc)
    }

    /// The folder with `core-site.xml` and `hdfs-site.xml`.
    pub fn conf(&self) -> PathBuf {
        self.folder.path().join("conf")
    }

    /// Runs `hdfs dfs` with these arguments as the superuser. A JVM: two seconds.
    pub fn shell(&self, arguments: &[&str]) -> Result<String> {
        let cache = self.kdc.ticket(SERVERS, 600)?;
        let class = "org.apache.hadoop.fs.FsShell";
        let spec = spec(self.folder.path(), &self.class_path, &self.kdc, ("shell", class, arguments));
        // Java takes the file's name alone.
        let file = cache.trim_start_matches("FILE:");
        let mut command = spec.command()?;
        let output = command.env("KRB5CCNAME", file).output().map_err(|error| format!("no shell: {error}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

fn spec(
    home: &Path,
    class_path: &[PathBuf],
    kdc: &Kdc,
    (name, class, arguments): (&'static str, &'static str, &[&str]),
) -> Spec {
    Spec {
        name,
        class,
        options: vec![
            format!("-Djava.security.krb5.conf={}", kdc.krb5_conf().display()),
            format!("-Daudit.file={}", home.join(format!("audit-of-{name}.log")).display()),
        ],
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        class_path: class_path.to_owned(),
        folder: home.to_owned(),
    }
}

fn core_site(home: &Path, rpc: u16, wire: Wire) -> String {
    let text = |value: &str| value.to_owned();
    let deputy = DEPUTY.split('/').next().unwrap_or(DEPUTY);
    let proxy = |what: &str| format!("hadoop.proxyuser.{deputy}.{what}");
    let protection = match wire {
        Wire::Authentication => "authentication",
        Wire::Integrity => "integrity",
        Wire::Privacy | Wire::EncryptedTransfer => "privacy",
    };
    site(&[
        ("fs.defaultFS", format!("hdfs://127.0.0.1:{rpc}")),
        ("hadoop.tmp.dir", home.join("tmp").display().to_string()),
        ("hadoop.security.authentication", text("kerberos")),
        ("hadoop.security.authorization", text("true")),
        ("hadoop.rpc.protection", text(protection)),
        (&proxy("hosts"), text("*")),
        (&proxy("users"), text(UPGRADER)),
    ])
}

fn hdfs_site(home: &Path, kdc: &Kdc, wire: Wire, [rpc, http, data_http]: [u16; 3]) -> String {
    let text = |value: &str| value.to_owned();
    let principal = || format!("{SERVERS}@{REALM}");
    let keytab = || kdc.keytab().display().to_string();
    let mut settings = vec![
        ("dfs.namenode.rpc-address", format!("127.0.0.1:{rpc}")),
        ("dfs.namenode.http-address", format!("127.0.0.1:{http}")),
        ("dfs.namenode.name.dir", home.join("names").display().to_string()),
        ("dfs.namenode.kerberos.principal", principal()),
        ("dfs.namenode.keytab.file", keytab()),
        ("dfs.datanode.kerberos.principal", principal()),
        ("dfs.datanode.keytab.file", keytab()),
        ("dfs.web.authentication.kerberos.principal", format!("HTTP/localhost@{REALM}")),
        ("dfs.web.authentication.kerberos.keytab", keytab()),
        ("dfs.block.access.token.enable", text("true")),
        // A DataNode would want ports of root's, or certificates for its web pages, which nobody here asks for.
        ("ignore.secure.ports.for.testing", text("true")),
    ];
    let protection = match wire {
        Wire::Authentication => "authentication",
        Wire::Integrity => "integrity",
        Wire::Privacy | Wire::EncryptedTransfer => "privacy",
    };
    settings.push(("dfs.data.transfer.protection", text(protection)));
    if wire == Wire::EncryptedTransfer {
        settings.push(("dfs.encrypt.data.transfer", text("true")));
        settings.push(("dfs.encrypt.data.transfer.cipher.suites", text("AES/CTR/NoPadding")));
    }
    settings.extend(small(home, data_http));
    site(&settings)
}
