//! A tree on HDFS, by the protocol itself: no JVM, exclusive create and true rename in single calls.
//!
//! Every change is one request of the NameNode, but for a file, which is made, filled and closed; one that could not be
//! filled is removed before the change counts as not made. A lost reply is `OutcomeUnknown` and never sent again. Every
//! call has a deadline, and a NameNode that is starting, standby or in safe mode is waited for, since it says that it
//! did nothing.
//!
//! The client keeps idle connections to DataNodes for the whole process (a few seconds' worth, reused or dropped by the
//! next read of any storage); everything else ends with the storage.

mod calls;
mod errors;
mod kerberos;
mod name_service;
mod threads;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hdfs_native::{ClientBuilder, WriteOptions};
use parking_lot::Mutex;

use self::calls::{Calls, Listing};
use self::threads::Threads;
use super::hdfs::answers::{check_root, children_of, hand_over, Failure};
use super::hdfs::batch::{Answer, Batch, Reply, Setback, Step};
use super::hdfs::options::Configuration;
use super::hdfs::{process_user, Address, HdfsOptions};
use super::{only, EntrySink, Flow, Storage};
use crate::error::{Error, ErrorKind, Result};
use crate::tree::{Change, Entry, Stat, TreePath};

/// No folder: the client would take the one that the environment names if it were given none.
const NO_CONF_DIR: &str = "/dev/null";

/// How many calls are under way at a time: more fail on a single DataNode, and fewer are slower.
const IN_FLIGHT: usize = 256;

/// How many tasks go together: each group ends with a wait for its last files, which this many make small, and a stop comes
/// once a group is built and published, some 20 seconds at most where the servers are fast.
const GROUP_TASKS: usize = 8_192;

/// The client's own retries, short since the waiting is done here.
const DEFAULTS: [(&str, &str); 3] = [
    ("dfs.client.failover.max.attempts", "3"),
    ("dfs.client.failover.sleep.base.millis", "100"),
    ("dfs.client.failover.sleep.max.millis", "1000"),
];

/// A call, not yet started.
type Call<T> = Pin<Box<dyn Future<Output = Answer<T>> + Send>>;

/// A tree on HDFS, without a JVM.
pub struct HdfsNativeStorage {
    calls: Arc<Calls>,
    threads: Threads,
    shown: String,
    in_flight: usize,
    wait: Duration,
    folder_entries: u64,
}

impl HdfsNativeStorage {
    /// The tree below `hdfs://host:port/path`, `hdfs://name-service/path` or, on the default file system of the Hadoop
    /// configuration, `hdfs:///path`.
    ///
    /// # Errors
    /// `InvalidArgument` and `Unsupported` for what cannot be opened as it is written; `NotFound` where the root is not
    /// there, `Refused` where it is no folder; `RetryLater` where no NameNode can be reached or serves, `Storage` where
    /// none answers.
    pub fn open(uri: &str, options: &HdfsOptions) -> Result<Self> {
        if !options.jvm().is_empty() {
            let text = "java_home, class_path and jvm_options are options of the client libhdfs, not of this one";
            return Err(Error::new(ErrorKind::InvalidArgument, text));
        }
        let configuration = options.configuration()?;
        let address = Address::parse(uri, &configuration)?;
        configuration.check(&address.authority)?;
        name_service::check(&configuration, &address.authority)?;
        kerberos::check(options, &configuration)?;
        let threads = Threads::start()?;
        let calls = Arc::new(calls(&address, options, &configuration, &threads)?);
        let storage = Self {
            calls,
            threads,
            shown: address.shown(),
            in_flight: options.in_flight.unwrap_or(IN_FLIGHT),
            wait: options.wait,
            folder_entries: configuration.folder_entries()?,
        };
        // Of a name service one NameNode may be down and the other about to take over.
        let wait_if_away = configuration.is_name_service(&address.authority);
        let looked = storage.reads(&[TreePath::root()], 1, wait_if_away, |calls, path| Box::pin(calls.stat(path)));
        check_root(only(looked), &storage.shown).map_err(|error| {
            if error.message().contains(errors::BROKE) {
                error.advise(kerberos::where_it_breaks(options, &configuration))
            } else {
                error
            }
        })?;
        Ok(storage)
    }

    fn batch(&self, in_flight: usize, wait_if_away: bool, defect: ErrorKind) -> Batch {
        let in_flight = if in_flight == 0 { self.in_flight } else { in_flight };
        Batch { in_flight, wait: self.wait, wait_if_away, defect, not_now_may_hide_a_loss: false }
    }

    /// Starts a call on the client's threads.
    fn send<T: Send + 'static>(&self, call: Call<T>, reply: Reply<T>) {
        self.threads.spawn(async move {
            let answer = if reply.is_late() { Err(Setback::Unsent) } else { call.await };
            reply.send(answer);
        });
    }

    /// Starts a change. The batch asks for what it was given, so there is always one.
    fn start(&self, change: Option<&Change>, step: &Step, reply: Reply<()>) {
        let Some(change) = change.cloned() else { return };
        let calls = Arc::clone(&self.calls);
        let call: Call<()> = match step {
            Step::Make => Box::pin(calls.change(change)),
            Step::Clear { again, .. } => Box::pin(calls.clear(change, *again)),
        };
        self.send(call, reply);
    }

    fn reads<T: Send + 'static>(
        &self,
        paths: &[TreePath],
        in_flight: usize,
        wait_if_away: bool,
        call: impl Fn(Arc<Calls>, TreePath) -> Call<T>,
    ) -> Vec<Result<T>> {
        let batch = self.batch(in_flight, wait_if_away, ErrorKind::Storage);
        batch.run(paths.len(), &|| Ok(()), &|index, _, reply| {
            self.send(call(Arc::clone(&self.calls), paths.get(index).cloned().unwrap_or_default()), reply);
        })
    }
}

impl Storage for HdfsNativeStorage {
    fn describe(&self) -> String {
        format!("HDFS {} (hdfs-native)", self.shown)
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let listing = Arc::new(Mutex::new(Listing::new()));
        hand_over(sink, || {
            only(self.reads(std::slice::from_ref(folder), 1, true, |calls, folder| {
                Box::pin(calls.page(folder, Arc::clone(&listing)))
            }))
        })
    }

    fn list_batch(&self, folders: &[TreePath], in_flight: usize) -> Vec<Result<Vec<Entry>>> {
        let pieces = self.reads(folders, in_flight, true, |calls, folder| {
            Box::pin(calls.page(folder, Arc::new(Mutex::new(Listing::new()))))
        });
        children_of(self, folders, pieces)
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        self.reads(paths, in_flight, true, |calls, path| Box::pin(calls.stat(path)))
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        self.reads(paths, in_flight, true, |calls, path| Box::pin(calls.read(path, limit_bytes)))
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let batch = self.batch(flow.in_flight, true, ErrorKind::OutcomeUnknown);
        batch.run(changes.len(), &|| flow.fence.permit(), &|index, step, reply| {
            self.start(changes.get(index), step, reply);
        })
    }

    fn change_in_order(&self, changes: &[Change], after: &[Option<usize>], flow: Flow<'_>) -> Vec<Option<Result<()>>> {
        let batch = self.batch(flow.in_flight, true, ErrorKind::OutcomeUnknown);
        batch.run_in_order(changes.len(), after, &|| flow.fence.permit(), &|index, step, reply| {
            self.start(changes.get(index), step, reply);
        })
    }

    fn group_tasks(&self) -> usize {
        GROUP_TASKS
    }

    /// Nothing to do: the NameNode writes each change to its journal before it answers, and the DataNodes write a block
    /// to disk before a file is closed.
    fn flush(&self) -> Result<()> {
        Ok(())
    }

    fn check_writable(&self, folder: &TreePath) -> Result<()> {
        only(self.reads(std::slice::from_ref(folder), 1, true, |calls, folder| Box::pin(calls.probe(folder))))
    }

    fn folder_entries_limit(&self) -> Option<u64> {
        Some(self.folder_entries)
    }
}

impl std::fmt::Debug for HdfsNativeStorage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HdfsNativeStorage").field("root", &self.shown).finish_non_exhaustive()
    }
}

fn calls(address: &Address, options: &HdfsOptions, conf: &Configuration, threads: &Threads) -> Result<Calls> {
    let (file_mode, folder_mode) = conf.modes()?;
    let mut write = WriteOptions::default()
        .overwrite(false)
        .create_parent(false)
        .permission(file_mode)
        .block_size(options.block_bytes);
    if let Some(replication) = options.replication.map_or_else(|| conf.replication(), |given| Ok(Some(given)))? {
        write = write.replication(replication);
    }
    let mut settings = conf.over(&DEFAULTS);
    name_service::plain_lists(&mut settings);
    let mut builder = ClientBuilder::new()
        .with_url(format!("hdfs://{}", address.authority))
        .with_config_dir(NO_CONF_DIR)
        .with_config(settings)
        .with_io_runtime(threads.handle()?.clone());
    // Without a name the client asks the environment for one. With Kerberos a name would be somebody to stand in for,
    // so there it is only given where it is asked for.
    if let Some(user) = &options.user {
        builder = builder.with_user(user);
    } else if !conf.is_secure() {
        builder = builder.with_user(process_user()?);
    }
    if let Some(principal) = &options.principal {
        builder = builder.with_kerberos_principal(principal);
    }
    if let Some(keytab) = &options.keytab {
        builder = builder.with_kerberos_keytab(keytab);
    }
    if let Some(cache) = &options.ticket_cache {
        builder = builder.with_kerberos_cache(cache);
    }
    let client = builder.build().map_err(|failed| {
        failed.error(ErrorKind::InvalidArgument, "the HDFS client cannot be opened").at(address.shown())
    })?;
    Ok(Calls {
        client,
        root: address.path.clone(),
        timeout: options.call_timeout,
        write,
        folder_mode,
        unproven: conf.is_secure() && conf.get("dfs.data.transfer.protection").is_none(),
    })
}

#[cfg(test)]
mod tests;
