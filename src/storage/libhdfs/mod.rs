//! A tree on HDFS, by libhdfs and the Java machine behind it: the host's own where it has one, with its configuration and
//! its Kerberos ticket, else one that is started for this.
//!
//! The contract asks for files that are never overwritten and renames that never move into a folder. libhdfs has neither,
//! but the `FileSystem` that it connects has: those calls are made on that object. So nothing is looked at first and done
//! after, and there is no race to close. Threads are attached as long as a storage lives, and detached before they end.

#![allow(unsafe_code, reason = "libhdfs and the Java Native Interface are C")]

mod calls;
mod connect;
mod jvm;
mod pool;
mod thrown;

use std::sync::Arc;
use std::time::Duration;

use jni::objects::{GlobalRef, JObject, JValue, JValueOwned};
use jni::JNIEnv;
use parking_lot::Mutex;

use self::calls::{constant, setting, Calls, Listing};
use self::connect::{Connection, Wanted};
use self::pool::Pool;
use self::thrown::Thrown;
use super::hdfs::answers::{check_root, children_of, hand_over, Failure};
use super::hdfs::batch::{Answer, Batch, Reply, Setback, Step};
use super::hdfs::options::{provider_key, refuse_observers, Configuration};
use super::hdfs::{kerberos, process_user, Address, HdfsOptions};
use super::{only, EntrySink, Flow, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Stat, TreePath};

/// How many calls are under way at a time: each needs a thread, and more no longer help one `DataNode`.
const IN_FLIGHT: usize = 16;

/// How many tasks go together: each group ends with a wait for its last files, which this many make small, and a stop comes
/// once a group is built and published, some 20 seconds at most where the servers are fast.
const GROUP_TASKS: usize = 4_096;

/// More threads than this are not started whatever a run asks for.
const MOST_THREADS: usize = 256;

/// How many copies Hadoop keeps of a block where nothing is configured.
const REPLICATION: i16 = 3;

/// What Hadoop's own configurations of a name service name as a rule.
const PROVIDER: &str = "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider";

/// What counts where the options say nothing. A close waits for the `NameNode` to hear of the last block: from 1 ms, doubled
/// 14 times, instead of from 400 ms.
const DEFAULTS: [(&str, &str); 5] = [
    ("dfs.client.block.write.locateFollowingBlock.initial.delay.ms", "1"),
    ("dfs.client.block.write.locateFollowingBlock.retries", "14"),
    ("ipc.client.connect.max.retries", "3"),
    ("ipc.client.connect.max.retries.on.timeouts", "2"),
    ("ipc.client.connect.retry.interval", "200"),
];

/// What counts whatever is configured. A call is sent once to a `NameNode`, and once more to the next: what goes beyond
/// waits in the batch, where the fence is asked again. No link is followed.
const FORCED: [(&str, &str); 5] = [
    ("dfs.client.failover.max.attempts", "1"),
    ("dfs.client.failover.connection.retries", "0"),
    ("dfs.client.retry.max.attempts", "0"),
    ("dfs.client.retry.policy.enabled", "false"),
    ("fs.client.resolve.remote.symlinks", "false"),
];

/// What the machine's own configuration is asked for, beside what concerns one name service.
const KEYS: [&str; 6] = [
    "fs.defaultFS",
    "dfs.nameservices",
    "fs.permissions.umask-mode",
    "dfs.replication",
    "dfs.namenode.fs-limits.max-directory-items",
    "hadoop.security.authentication",
];

/// A tree on HDFS, by libhdfs.
pub struct LibhdfsStorage {
    /// `None` only while it is dropped.
    calls: Option<Arc<Calls>>,
    connection: Option<Connection>,
    pool: Pool,
    shown: String,
    in_flight: usize,
    wait: Duration,
    folder_entries: u64,
    /// Hadoop goes from one `NameNode` to the other by itself then, and tells the last answer only.
    is_name_service: bool,
}

impl LibhdfsStorage {
    /// The tree below `hdfs://host:port/path`, `hdfs://name-service/path` or, on the default file system of the Hadoop
    /// configuration, `hdfs:///path`. Starts a Java machine where the process has none; it stays until the process ends.
    ///
    /// # Errors
    /// `InvalidArgument` and `Unsupported` for what cannot be opened as it is written, and where what a Java machine needs
    /// is missing, with what it is; `NotFound` where the root is not there, `Refused` where it is no folder; `RetryLater`
    /// where no `NameNode` can be reached or serves.
    pub fn open(uri: &str, options: &HdfsOptions) -> Result<Self> {
        if options.principal.is_some() || options.keytab.is_some() {
            let text = "libhdfs takes a ticket from a cache, and neither a keytab nor a principal";
            return Err(Error::new(ErrorKind::Unsupported, text)
                .advise("run kinit as the principal, and name its cache by the option kerberos_cache"));
        }
        if let Some(cache) = &options.ticket_cache {
            kerberos::readable("kerberos_cache", cache)?;
        }
        let mut configuration = options.configuration()?;
        let machine = Arc::new(jvm::find_or_start(&options.jvm(), options.conf_dir.as_deref())?);
        let pool = Pool::new(machine);
        let service = service_of(uri);
        let (of_machine, is_secure) = pool.ask(move |environment| of_machine(environment, &service))?;
        for (key, value) in of_machine {
            configuration.fill(key, value);
        }
        check_security(options, &configuration, is_secure)?;
        let address = Address::parse(uri, &configuration)?;
        let replication = match options.replication {
            Some(replication) => i16::try_from(replication).unwrap_or(i16::MAX),
            None => configuration.replication()?.map_or(REPLICATION, |given| i16::try_from(given).unwrap_or(i16::MAX)),
        };
        let block_bytes = i64::try_from(options.block_bytes).unwrap_or(i64::MAX);
        let wanted = wanted(&address, options, &configuration)?;
        let folder_entries = configuration.folder_entries()?;
        let is_name_service = configuration.is_name_service(&address.authority);
        let (authority, root) = (address.authority.clone(), address.path.clone());
        let (connection, calls) = pool.ask(move |environment| {
            let connection = Connection::open(&wanted)?;
            match calls(environment, &connection, &authority) {
                Ok([file_system, create_only, never_overwrite, file_rights]) => {
                    let objects = Calls {
                        file_system,
                        create_only,
                        never_overwrite,
                        file_rights,
                        root,
                        block_bytes,
                        replication,
                    };
                    Ok((connection, objects))
                }
                Err(error) => {
                    connection.close();
                    Err(error)
                }
            }
        })?;
        let storage = Self {
            calls: Some(Arc::new(calls)),
            connection: Some(connection),
            pool,
            shown: address.shown(),
            in_flight: options.in_flight.unwrap_or(IN_FLIGHT),
            wait: options.wait,
            folder_entries,
            is_name_service,
        };
        // Of a name service one `NameNode` may be down and the other about to take over.
        let looked = storage.reads(&[TreePath::root()], 1, is_name_service, Calls::stat);
        check_root(only(looked), &storage.shown)?;
        Ok(storage)
    }

    fn batch(&self, in_flight: usize, wait_if_away: bool, defect: ErrorKind) -> Batch {
        let in_flight = if in_flight == 0 { self.in_flight } else { in_flight }.min(MOST_THREADS);
        let not_now_may_hide_a_loss = self.is_name_service && defect == ErrorKind::OutcomeUnknown;
        Batch { in_flight, wait: self.wait, wait_if_away, defect, not_now_may_hide_a_loss }
    }

    /// Carries out a batch; where there is no thread for it, that is the answer of each call.
    fn run<T>(
        &self,
        batch: &Batch,
        count: usize,
        permit: &dyn Fn() -> Result<()>,
        start: &dyn Fn(usize, &Step, Reply<T>),
    ) -> Vec<Result<T>> {
        let has_threads = self.pool.grow(batch.in_flight.min(count));
        batch.run(count, &|| has_threads.clone().and_then(|()| permit()), start)
    }

    /// Gives a call to a thread.
    fn send<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Calls, &mut JNIEnv<'_>) -> Answer<T> + Send + 'static,
        reply: Reply<T>,
    ) {
        // Without calls the storage is going, and the reply that is dropped says so.
        let Some(calls) = self.calls.clone() else { return };
        self.pool.give(Box::new(move |environment| {
            let answer = if reply.is_late() { Err(Setback::Unsent) } else { call(&calls, environment) };
            reply.send(answer);
        }));
    }

    /// Starts a change. The batch asks for what it was given, so there is always one.
    fn start(&self, change: Option<&Change>, step: &Step, reply: Reply<()>) {
        let Some(change) = change.cloned() else { return };
        match step {
            Step::Make => self.send(move |calls, environment| calls.change(environment, &change), reply),
            Step::Clear { again, .. } => {
                let again = *again;
                self.send(move |calls, environment| calls.clear(environment, &change, again), reply);
            }
        }
    }

    fn reads<T: Send + 'static>(
        &self,
        paths: &[TreePath],
        in_flight: usize,
        wait_if_away: bool,
        call: impl Fn(&Calls, &mut JNIEnv<'_>, &TreePath) -> Answer<T> + Clone + Send + 'static,
    ) -> Vec<Result<T>> {
        let batch = self.batch(in_flight, wait_if_away, ErrorKind::Storage);
        self.run(&batch, paths.len(), &|| Ok(()), &|index, _, reply| {
            let (path, call) = (paths.get(index).cloned().unwrap_or_default(), call.clone());
            self.send(move |calls, environment| call(calls, environment, &path), reply);
        })
    }
}

impl Storage for LibhdfsStorage {
    fn describe(&self) -> String {
        format!("HDFS {} (libhdfs)", self.shown)
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let listing = Arc::new(Mutex::new(Listing::default()));
        let listed = hand_over(sink, || {
            let slot = Arc::clone(&listing);
            only(self.reads(std::slice::from_ref(folder), 1, true, move |calls, environment, folder| {
                calls.page(environment, folder, &mut slot.lock())
            }))
        });
        // Java's objects are let go on a thread of the machine's, and not on the caller's.
        self.pool.ask(move |_| {
            *listing.lock() = Listing::default();
            Ok(())
        })?;
        listed
    }

    fn list_batch(&self, folders: &[TreePath], in_flight: usize) -> Vec<Result<Vec<Entry>>> {
        let pieces = self.reads(folders, in_flight, true, |calls, environment, folder| {
            calls.page(environment, folder, &mut Listing::default())
        });
        children_of(self, folders, pieces)
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.reads(paths, in_flight, true, Calls::stat)
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.reads(paths, in_flight, true, move |calls, environment, path| calls.read(environment, path, limit_bytes))
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let batch = self.batch(flow.in_flight, true, ErrorKind::OutcomeUnknown);
        self.run(&batch, changes.len(), &|| flow.fence.permit(), &|index, step, reply| {
            self.start(changes.get(index), step, reply);
        })
    }

    fn change_in_order(&self, changes: &[Change], after: &[Option<usize>], flow: Flow<'_>) -> Vec<Option<Result<()>>> {
        let batch = self.batch(flow.in_flight, true, ErrorKind::OutcomeUnknown);
        let has_threads = self.pool.grow(batch.in_flight.min(changes.len()));
        let permit = || has_threads.clone().and_then(|()| flow.fence.permit());
        batch.run_in_order(changes.len(), after, &permit, &|index, step, reply| {
            self.start(changes.get(index), step, reply);
        })
    }

    fn group_tasks(&self) -> usize {
        GROUP_TASKS
    }

    /// Nothing to do: the `NameNode` writes each change to its journal before it answers, and the `DataNode`s write a
    /// block to disk before a file is closed.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn check_writable(&self, folder: &TreePath) -> Result<()> {
        only(self.reads(std::slice::from_ref(folder), 1, true, Calls::probe))
    }

    fn folder_entries_limit(&self) -> Option<u64> {
        Some(self.folder_entries)
    }
}

impl Drop for LibhdfsStorage {
    /// On a thread that is attached: each of Java's objects would attach the dropping one for a moment.
    fn drop(&mut self) {
        let (calls, connection) = (self.calls.take(), self.connection.take());
        let ended = self.pool.ask(move |_| {
            drop(calls);
            if let Some(connection) = connection {
                connection.close();
            }
            Ok(())
        });
        // There is nobody to tell, and nothing is lost: no file is open.
        drop(ended);
    }
}

impl std::fmt::Debug for LibhdfsStorage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LibhdfsStorage").field("root", &self.shown).finish_non_exhaustive()
    }
}

/// What may be a name service in a root.
fn service_of(uri: &str) -> String {
    let rest = uri.strip_prefix("hdfs://").unwrap_or_default();
    rest.split('/').next().unwrap_or_default().to_owned()
}

/// What the machine's own configuration, from its class path, says of what matters here.
///
/// And whether Hadoop asks for Kerberos in this machine: that is decided once, by the class path alone.
fn of_machine(environment: &mut JNIEnv<'_>, service: &str) -> Result<(Vec<(String, String)>, bool)> {
    let failed =
        |thrown: &Thrown| thrown.error(ErrorKind::InvalidArgument, "the configuration of the JVM cannot be read");
    connect::check_class_path(environment)?;
    let conf = environment.new_object("org/apache/hadoop/hdfs/HdfsConfiguration", "()V", &[]);
    let conf = conf.map_err(|error| failed(&Thrown::take(environment, &error)))?;
    let mut found = Vec::new();
    let default = setting(environment, &conf, "fs.defaultFS").map_err(|thrown| failed(&thrown))?;
    let services = [service.to_owned(), service_of(&default.unwrap_or_default())];
    let of_services =
        services.iter().flat_map(|service| [format!("dfs.ha.namenodes.{service}"), provider_key(service)]);
    for key in KEYS.iter().map(|&key| key.to_owned()).chain(of_services) {
        if let Some(value) = setting(environment, &conf, &key).map_err(|thrown| failed(&thrown))? {
            found.push((key, value));
        }
    }
    let users = "org/apache/hadoop/security/UserGroupInformation";
    let asked = environment.call_static_method(users, "isSecurityEnabled", "()Z", &[]).and_then(JValueOwned::z);
    let is_secure = asked.map_err(|error| failed(&Thrown::take(environment, &error)))?;
    Ok((found, is_secure))
}

/// Whether what the options say of Kerberos is what the machine will do.
fn check_security(options: &HdfsOptions, configuration: &Configuration, is_secure: bool) -> Result<()> {
    if configuration.is_secure() && !is_secure {
        let text = "Kerberos is wanted, and the JVM does not ask for it: its class path decides that, once";
        return Err(Error::new(ErrorKind::InvalidArgument, text).advise(
            "set conf_dir before the JVM is started here, or put the cluster's core-site.xml on the class path of the host",
        ));
    }
    if options.ticket_cache.is_some() && !is_secure {
        let text =
            "kerberos_cache is set, and hadoop.security.authentication is not kerberos: nobody would be asked for it";
        return Err(Error::new(ErrorKind::InvalidArgument, text).advise("set conf_dir to the cluster's configuration"));
    }
    Ok(())
}

fn wanted(address: &Address, options: &HdfsOptions, configuration: &Configuration) -> Result<Wanted> {
    let timeout_ms = options.call_timeout.as_millis().to_string();
    let timeouts = [("ipc.client.rpc-timeout.ms", timeout_ms.as_str()), ("dfs.client.socket-timeout", &timeout_ms)];
    let defaults: Vec<(&str, &str)> = DEFAULTS.into_iter().chain(timeouts).collect();
    // With Kerberos the ticket says who asks. Without, a name keeps Hadoop from asking the environment for one.
    let user = match &options.user {
        Some(user) => Some(user.clone()),
        None if configuration.is_secure() => None,
        None => Some(process_user()?),
    };
    let mut settings = configuration.over(&defaults);
    settings.extend(FORCED.map(|(key, value)| (key.to_owned(), value.to_owned())));
    if configuration.is_name_service(&address.authority) {
        // Hadoop takes the names of its NameNodes for nothing where these two are not said as well.
        settings.entry("dfs.nameservices".to_owned()).or_insert_with(|| address.authority.clone());
        settings.entry(provider_key(&address.authority)).or_insert_with(|| PROVIDER.to_owned());
    }
    Ok(Wanted {
        uri: format!("hdfs://{}", address.authority),
        user,
        ticket_cache: options.ticket_cache.clone(),
        configuration: settings.into_iter().collect(),
    })
}

/// The file system, "create only", "never overwrite", and the rights of a file before the mask takes some.
fn calls(environment: &mut JNIEnv<'_>, connection: &Connection, authority: &str) -> Result<[GlobalRef; 4]> {
    let failed = |thrown: &Thrown| thrown.error(ErrorKind::Internal, "the HDFS client cannot be used");
    let file_system = connection.file_system(environment)?;
    let conf = calls::configuration(environment, &file_system).map_err(|thrown| failed(&thrown))?;
    let provider = setting(environment, &conf, &provider_key(authority)).map_err(|thrown| failed(&thrown))?;
    refuse_observers(authority, provider.as_deref())?;
    objects(environment)
        .map(|[create_only, never_overwrite, file_rights]| [file_system, create_only, never_overwrite, file_rights])
        .map_err(|error| failed(&Thrown::take(environment, &error)))
}

fn objects(environment: &mut JNIEnv<'_>) -> jni::errors::Result<[GlobalRef; 3]> {
    let create = constant(environment, "org/apache/hadoop/fs/CreateFlag", "CREATE")?;
    let signature = "(Ljava/lang/Enum;)Ljava/util/EnumSet;";
    let create_only =
        environment.call_static_method("java/util/EnumSet", "of", signature, &[JValue::Object(&create)])?.l()?;
    let rename = "org/apache/hadoop/fs/Options$Rename";
    let none = constant(environment, rename, "NONE")?;
    let never_overwrite: JObject<'_> = environment.new_object_array(1, rename, none)?.into();
    let rights = "org/apache/hadoop/fs/permission/FsPermission";
    let file_rights = environment.call_static_method(rights, "getFileDefault", format!("()L{rights};"), &[])?.l()?;
    Ok([
        environment.new_global_ref(create_only)?,
        environment.new_global_ref(never_overwrite)?,
        environment.new_global_ref(file_rights)?,
    ])
}

#[cfg(test)]
mod tests;
