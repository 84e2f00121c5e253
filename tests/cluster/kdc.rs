//! A key distribution centre of Kerberos, with one realm, one keytab for all, and tickets by `kinit`.

use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::server::{folder, write, Server, Spec};
use super::{java, ports, Result};

/// The realm.
pub const REALM: &str = "TEST.REALM";

/// A key distribution centre that goes when it is dropped.
pub struct Kdc {
    /// The process.
    pub server: Server,
    port: u16,
    home: PathBuf,
}

impl Kdc {
    /// Starts one in a folder, with principals that have their keys in its keytab, and waits until it serves.
    pub fn start(home: &Path, principals: &[&str]) -> Result<Self> {
        let port = ports::free()?;
        let home = folder(home.join("kdc"))?;
        let settings = [
            ("org.name", REALM.rsplit('.').nth(1).unwrap_or(REALM)),
            ("org.domain", REALM.rsplit('.').next().unwrap_or(REALM)),
            ("kdc.bind.address", "127.0.0.1"),
            ("kdc.port", &port.to_string()),
            ("instance", "DefaultKrbServer"),
            ("max.ticket.lifetime", "86400000"),
            // In seconds: a test waits for a ticket to end.
            ("min.ticket.lifetime", "1"),
            ("max.renewable.lifetime", "604800000"),
            ("transport", "TCP"),
            ("debug", "false"),
        ];
        let mut text = String::new();
        for (key, value) in settings {
            // A String takes everything.
            let _written = writeln!(text, "{key}={value}");
        }
        write(&home.join("kdc.properties"), &text)?;
        write(&home.join("krb5.conf"), &krb5_conf(port))?;
        write(&home.join("log4j.properties"), super::hdfs::LOGGING)?;
        let names = ["work", "kdc.properties", "keytab"].map(|name| home.join(name).display().to_string());
        folder(home.join("work"))?;
        let spec = Spec {
            name: "kdc",
            class: "org.apache.hadoop.minikdc.MiniKdc",
            options: vec!["-Daudit.file=/dev/null".to_owned()],
            arguments: names.into_iter().chain(principals.iter().map(|&name| name.to_owned())).collect(),
            class_path: vec![home.clone(), java::kdc_jars()?.join("*")],
            folder: home.clone(),
        };
        let mut kdc = Self { server: Server::new(spec), port, home };
        kdc.server.launch()?;
        let log = kdc.home.join("kdc.log");
        // It says so after the last principal is in the keytab.
        kdc.server.wait_until(|| {
            let told = std::fs::read_to_string(&log).unwrap_or_default();
            told.contains("Standalone MiniKdc Running") && TcpStream::connect(("127.0.0.1", port)).is_ok()
        })?;
        Ok(kdc)
    }

    /// The configuration that finds it, for `KRB5_CONFIG`.
    pub fn krb5_conf(&self) -> PathBuf {
        self.home.join("krb5.conf")
    }

    /// A configuration of the same realm, of which no key distribution centre answers.
    pub fn krb5_conf_of_nobody(&self) -> Result<PathBuf> {
        let path = self.home.join("krb5-of-nobody.conf");
        write(&path, &krb5_conf(ports::free()?))?;
        Ok(path)
    }

    /// The keys of all principals.
    pub fn keytab(&self) -> PathBuf {
        self.home.join("keytab")
    }

    /// A new cache with a ticket for a principal, which ends after so many seconds.
    pub fn ticket(&self, principal: &str, seconds: u32) -> Result<String> {
        let cache = format!("FILE:{}", self.home.join(format!("ticket-of-{}", principal.replace('/', "-"))).display());
        let output = Command::new("kinit")
            .arg("-k")
            .arg("-t")
            .arg(self.keytab())
            .args(["-l", &format!("{seconds}s"), "-c", &cache, principal])
            .env("KRB5_CONFIG", self.krb5_conf())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("kinit cannot be started ({error}): run `.ci/setup kerberos`"))?;
        if output.status.success() {
            Ok(cache)
        } else {
            Err(format!("kinit gives no ticket: {}", String::from_utf8_lossy(&output.stderr).trim()))
        }
    }
}

/// What both Java and the system's library read. Names are taken as they are written: no DNS is asked for them.
fn krb5_conf(port: u16) -> String {
    format!(
        "[libdefaults]\n default_realm = {REALM}\n udp_preference_limit = 1\n dns_lookup_kdc = false\n \
         dns_lookup_realm = false\n dns_canonicalize_hostname = false\n rdns = false\n qualify_shortname = \"\"\n\
         [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n\
         [domain_realm]\n localhost = {REALM}\n"
    )
}
