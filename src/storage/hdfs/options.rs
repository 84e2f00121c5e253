//! What the HDFS client is told: options of this library, and Hadoop's own configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::jvm_options::JvmOptions;
use super::site;
use crate::error::{Error, ErrorKind, Result};

/// The NameNode reserves a whole block for every open file; 128 MiB for each of 256 would fill a small disk.
const BLOCK_BYTES: u64 = 1 << 20;

/// What a NameNode takes for the most entries of a folder where nothing is configured.
const FOLDER_ENTRIES: u64 = 1_048_576;

/// What Hadoop takes for the port of a NameNode where none is given.
const NAME_NODE_PORT: u16 = 8020;

/// Prefixes of keys that are Hadoop's own.
const HADOOP_KEYS: [&str; 4] = ["dfs.", "fs.", "hadoop.", "ipc."];

/// How the HDFS client behaves. Nothing is read from the environment unless an option asks for it.
#[derive(Clone)]
pub struct HdfsOptions {
    pub(crate) user: Option<String>,
    pub(crate) call_timeout: Duration,
    pub(crate) wait: Duration,
    pub(crate) in_flight: Option<usize>,
    pub(crate) block_bytes: u64,
    pub(crate) replication: Option<u32>,
    pub(crate) principal: Option<String>,
    pub(crate) keytab: Option<String>,
    pub(crate) ticket_cache: Option<String>,
    pub(crate) conf_dir: Option<PathBuf>,
    jvm: JvmOptions,
    jvm_of_environment: JvmOptions,
    hadoop: BTreeMap<String, String>,
}

impl Default for HdfsOptions {
    fn default() -> Self {
        Self {
            user: None,
            call_timeout: Duration::from_secs(60),
            wait: Duration::from_secs(60),
            in_flight: None,
            block_bytes: BLOCK_BYTES,
            replication: None,
            principal: None,
            keytab: None,
            ticket_cache: None,
            conf_dir: None,
            jvm: JvmOptions::default(),
            jvm_of_environment: JvmOptions::default(),
            hadoop: BTreeMap::new(),
        }
    }
}

impl HdfsOptions {
    /// Sets an option by its name:
    ///
    /// - `user`: as whom to work; the user of the process without it (with Kerberos: whom the principal stands in for).
    /// - `conf_dir`: a folder with `core-site.xml` and `hdfs-site.xml`; `conf_from_environment` with the value `true`
    ///   takes the one that `HADOOP_CONF_DIR` names now.
    /// - `call_timeout_ms`: the deadline of every call (60,000). `wait_ms`: how long a NameNode that is starting, in
    ///   safe mode or standby is waited for (60,000; 0 not at all).
    /// - `in_flight`: how many calls are under way at a time where the run does not say (256; 16 with libhdfs).
    /// - `block_size` in bytes (1,048,576) and `replication` (as the server has it) of new files.
    /// - `kerberos_principal`, `kerberos_keytab`, `kerberos_cache`: whose ticket is used, where the configuration says
    ///   `hadoop.security.authentication` is `kerberos`.
    /// - `java_home`, `class_path`, `jvm_options`: of libhdfs alone, for the JVM that it starts where the process has none;
    ///   `jvm_from_environment` with the value `true` takes what is not set from `JAVA_HOME`, `CLASSPATH` and
    ///   `LIBHDFS_OPTS` as they are now.
    /// - any key that begins with `dfs.`, `fs.`, `hadoop.` or `ipc.`: Hadoop's own, over what its files say.
    ///
    /// # Errors
    /// `InvalidArgument` for any other name, and for a value that cannot be meant; nothing is changed then.
    pub fn set(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "user" => self.user = Some(text(key, value)?),
            "conf_dir" => self.conf_dir = Some(PathBuf::from(text(key, value)?)),
            "conf_from_environment" => self.conf_dir = conf_from_environment(key, value)?.or(self.conf_dir.take()),
            "call_timeout_ms" => self.call_timeout = Duration::from_millis(number(key, value, 1..=3_600_000)?),
            "wait_ms" => self.wait = Duration::from_millis(number(key, value, 0..=86_400_000)?),
            "in_flight" => self.in_flight = Some(number(key, value, 1..=4_096)?),
            "block_size" => self.block_bytes = block_bytes(key, value)?,
            "replication" => self.replication = Some(number(key, value, 1..=512)?),
            "kerberos_principal" => self.principal = Some(text(key, value)?),
            "kerberos_keytab" => self.keytab = Some(text(key, value)?),
            "kerberos_cache" => self.ticket_cache = Some(text(key, value)?),
            "java_home" => self.jvm.java_home = Some(PathBuf::from(text(key, value)?)),
            "class_path" => self.jvm.class_path = Some(text(key, value)?),
            "jvm_options" => self.jvm.options = JvmOptions::words(&text(key, value)?),
            "jvm_from_environment" => {
                let asked = flag(key, value)?;
                self.jvm_of_environment = if asked { JvmOptions::of_environment() } else { JvmOptions::default() };
            }
            _ if HADOOP_KEYS.iter().any(|prefix| key.starts_with(prefix)) => {
                self.hadoop.insert(key.to_owned(), value.trim().to_owned());
            }
            _ => {
                return Err(Error::new(ErrorKind::InvalidArgument, format!("{key:?} is no option of the HDFS client")))
            }
        }
        Ok(())
    }

    /// What a JVM is started with.
    pub(crate) fn jvm(&self) -> JvmOptions {
        self.jvm.clone().or(self.jvm_of_environment.clone())
    }

    /// Hadoop's configuration: its files where a folder is given, and over them what was set by name.
    pub(crate) fn configuration(&self) -> Result<Configuration> {
        let mut map = self.conf_dir.as_deref().map_or_else(|| Ok(BTreeMap::new()), site::read)?;
        map.extend(self.hadoop.clone());
        Ok(Configuration(map))
    }
}

/// The words of a folder, where the environment names one and the option says that it is to be asked.
fn conf_from_environment(key: &str, value: &str) -> Result<Option<PathBuf>> {
    if !flag(key, value)? {
        return Ok(None);
    }
    match std::env::var_os("HADOOP_CONF_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => Ok(Some(PathBuf::from(folder))),
        None => Err(bad(key, "HADOOP_CONF_DIR is not set")),
    }
}

fn flag(key: &str, value: &str) -> Result<bool> {
    value.parse().map_err(|_| bad(key, "it is true or false"))
}

fn bad(key: &str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the option {key} of the HDFS client cannot be used: {why}"))
}

fn text(key: &str, value: &str) -> Result<String> {
    if value.is_empty() {
        return Err(bad(key, "it is empty"));
    }
    Ok(value.to_owned())
}

fn number<T>(key: &str, value: &str, range: std::ops::RangeInclusive<T>) -> Result<T>
where
    T: FromStr + PartialOrd + std::fmt::Display,
{
    let number = value.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| bad(key, &format!("it is a number from {} to {}", range.start(), range.end())))
}

fn block_bytes(key: &str, value: &str) -> Result<u64> {
    let bytes = number(key, value, 1_024..=1_u64 << 40)?;
    // A block is made of chunks that have a checksum each.
    if bytes % 512 == 0 {
        Ok(bytes)
    } else {
        Err(bad(key, "it is a multiple of 512"))
    }
}

/// Hadoop's configuration, as far as this library or its client asks for it.
pub(crate) struct Configuration(BTreeMap<String, String>);

impl Configuration {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Takes a setting over where there is none of its key.
    #[cfg(feature = "libhdfs")]
    pub(crate) fn fill(&mut self, key: String, value: String) {
        self.0.entry(key).or_insert(value);
    }

    fn number<T: FromStr>(&self, key: &str) -> Result<Option<T>> {
        let parse = |value: &str| value.parse().map_err(|_| bad(key, &format!("{value:?} is not a number it can be")));
        self.get(key).map(parse).transpose()
    }

    /// Who is asked for an authority: a name service stays as it is, a host without a port gets Hadoop's.
    pub(crate) fn authority(&self, given: &str) -> Result<String> {
        let authority = if given.is_empty() {
            let default = self.get("fs.defaultFS").and_then(|uri| uri.strip_prefix("hdfs://"));
            default.map(|rest| rest.trim_end_matches('/')).ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, "the root names no NameNode, and no fs.defaultFS on HDFS does")
            })?
        } else {
            given
        };
        // What stands before an @ may be a secret, so nothing of it is repeated.
        if authority.is_empty() || authority.contains(['@', '?', '#', '/', '\\', ' ', '%']) {
            let text = "an hdfs:// root is hdfs://host:port/path or hdfs://name-service/path";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if has_port || self.is_name_service(authority) {
            return Ok(authority.to_owned());
        }
        if authority.contains(':') && !authority.ends_with(']') {
            return Err(Error::new(ErrorKind::InvalidArgument, "the port of the NameNode is no number up to 65535"));
        }
        Ok(format!("{authority}:{NAME_NODE_PORT}"))
    }

    pub(crate) fn is_name_service(&self, name: &str) -> bool {
        self.get(&format!("dfs.ha.namenodes.{name}")).is_some()
    }

    /// What must not go unseen: a proxy provider whose reads may be behind the writes, and words that Hadoop would
    /// replace and the client without a JVM does not.
    #[cfg(any(feature = "hdfs-native", test))]
    pub(crate) fn check(&self, authority: &str) -> Result<()> {
        refuse_observers(authority, self.get(&provider_key(authority)))?;
        let of_the_client = |key: &str| {
            key.starts_with("dfs.client.")
                || key.starts_with("dfs.ha.namenodes.")
                || key.starts_with("dfs.namenode.rpc-address.")
                || key.starts_with("hadoop.security.")
                || key == "dfs.data.transfer.protection"
                || key == "fs.defaultFS"
        };
        match self.0.iter().find(|(key, value)| of_the_client(key) && value.contains("${")) {
            Some((key, value)) => Err(bad(key, &format!("{value} is not replaced here; write it out"))),
            None => Ok(()),
        }
    }

    /// Whether a ticket is needed.
    pub(crate) fn is_secure(&self) -> bool {
        self.get("hadoop.security.authentication").is_some_and(|method| method != "simple")
    }

    /// The rights of new files and folders: all but what the mask takes.
    #[cfg(any(feature = "hdfs-native", test))]
    pub(crate) fn modes(&self) -> Result<(u32, u32)> {
        let key = "fs.permissions.umask-mode";
        let mask = match self.get(key) {
            None => 0o022,
            Some(text) => u32::from_str_radix(text, 8)
                .ok()
                .filter(|mask| *mask <= 0o777)
                .ok_or_else(|| bad(key, "only an octal mask is understood"))?,
        };
        Ok((0o666 & !mask, 0o777 & !mask))
    }

    pub(crate) fn replication(&self) -> Result<Option<u32>> {
        self.number("dfs.replication")
    }

    pub(crate) fn folder_entries(&self) -> Result<u64> {
        Ok(self.number("dfs.namenode.fs-limits.max-directory-items")?.unwrap_or(FOLDER_ENTRIES))
    }

    /// The configuration, and what counts where it says nothing.
    pub(crate) fn over(&self, defaults: &[(&str, &str)]) -> BTreeMap<String, String> {
        let mut map: BTreeMap<String, String> =
            defaults.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        map.extend(self.0.clone());
        map
    }
}

/// Under which key Hadoop keeps the class that chooses among the `NameNode`s of a name service.
pub(crate) fn provider_key(authority: &str) -> String {
    format!("dfs.client.failover.proxy.provider.{authority}")
}

/// Refuses a provider that reads from observers.
pub(crate) fn refuse_observers(authority: &str, provider: Option<&str>) -> Result<()> {
    let Some(provider) = provider.filter(|provider| provider.contains("Observer")) else { return Ok(()) };
    let key = provider_key(authority);
    let text = format!("{provider} is refused: an observer's answer may be older than this run's own changes");
    let advice = format!("set {key} to ...server.namenode.ha.ConfiguredFailoverProxyProvider for this run");
    Err(Error::new(ErrorKind::Unsupported, text).advise(advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(pairs: &[(&str, &str)]) -> HdfsOptions {
        let mut options = HdfsOptions::default();
        for (key, value) in pairs {
            options.set(key, value).unwrap();
        }
        options
    }

    #[test]
    fn an_option_that_cannot_be_meant_is_refused_and_changes_nothing() {
        let mut options = HdfsOptions::default();
        for (key, value) in [
            ("in_flight", "0"),
            ("in_flight", "many"),
            ("block_size", "1000001"),
            ("call_timeout_ms", "0"),
            ("user", ""),
            ("colour", "red"),
            ("conf_from_environment", "maybe"),
            ("jvm_from_environment", "1"),
            ("class_path", ""),
        ] {
            let error = options.set(key, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{key}");
            assert!(error.message().contains(key), "{error}");
        }
        assert_eq!((options.in_flight, options.block_bytes), (None, 1 << 20));
        assert!(options.jvm().is_empty());
    }

    #[test]
    fn authorities_are_read_as_hadoop_reads_them() {
        let name_service = options(&[("dfs.ha.namenodes.ns1", "a,b"), ("fs.defaultFS", "hdfs://ns1/")]);
        let conf = name_service.configuration().unwrap();
        assert_eq!(conf.authority("ns1").unwrap(), "ns1");
        assert_eq!(conf.authority("").unwrap(), "ns1");
        assert_eq!(conf.authority("host").unwrap(), "host:8020");
        assert_eq!(conf.authority("host:9000").unwrap(), "host:9000");
        for refused in ["user:secret@host:1", "host:port", "host:70000", "host?x", "a b"] {
            let error = conf.authority(refused).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{refused}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        assert!(HdfsOptions::default().configuration().unwrap().authority("").is_err());
    }

    #[test]
    fn an_observer_is_refused_by_name() {
        let provider = "org.apache.hadoop.hdfs.server.namenode.ha.ObserverReadProxyProvider";
        let conf = options(&[("dfs.client.failover.proxy.provider.ns1", provider)]).configuration().unwrap();
        let error = conf.check("ns1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(provider), "{error}");
        assert!(conf.check("another").is_ok());
        let conf = options(&[("dfs.namenode.rpc-address.ns1.a", "${host}:1")]).configuration().unwrap();
        assert!(conf.check("ns1").unwrap_err().message().contains("${host}"));
    }

    #[test]
    fn the_mask_takes_rights() {
        let modes = |pairs: &[(&str, &str)]| options(pairs).configuration().unwrap().modes();
        assert_eq!(modes(&[]).unwrap(), (0o644, 0o755));
        assert_eq!(modes(&[("fs.permissions.umask-mode", "007")]).unwrap(), (0o660, 0o770));
        assert!(modes(&[("fs.permissions.umask-mode", "u=rwx")]).is_err());
    }
}
