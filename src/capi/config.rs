//! `ctu_config`: what a session is opened from.

use std::ffi::{c_char, c_void};
use std::path::Path;
use std::sync::Arc;

use super::boundary::{fallible, infallible};
use super::error::ctu_error;
use super::hdfs::HdfsConfig;
use super::host::{
    ctu_catalog_vtable, ctu_codec_vtable, ctu_liveness_vtable, ctu_lock_vtable, ctu_log_fn, ctu_storage_vtable,
    host_log, HostCatalog, HostCodec, HostData, HostLiveness, HostLock, HostStorage,
};
use super::structs;
use super::text::text;
use super::zookeeper::ZooKeeperParts;
use crate::cluster::{AssumeOffline, Catalog, CatalogSnapshot, FileLiveness, Liveness};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;
use crate::storage::Storage;
use crate::task::Codec;
use crate::{Session, SessionBuilder, SessionLog};

/// What sessions are opened from. The caller owns it and ends it with ctu_config_free; sessions opened from it go on.
/// One thread at a time. Each setter replaces what was set before. A setter that fails changes nothing, and releases
/// nothing: what was handed to it stays the caller's.
pub struct ctu_config {
    root: Option<String>,
    hdfs: HdfsConfig,
    storage: Option<(ctu_storage_vtable, Arc<HostStorageParts>)>,
    lock: Option<Arc<dyn Lock>>,
    catalog: Option<Arc<dyn Catalog>>,
    liveness: Option<Arc<dyn Liveness>>,
    zookeeper: ZooKeeperParts,
    codec: Option<Arc<dyn Codec>>,
    log: Option<Arc<SessionLog>>,
}

/// The host's storage needs the root for its messages, which may be set after it.
struct HostStorageParts {
    data: parking_lot::Mutex<Option<HostData>>,
    storage: parking_lot::Mutex<Option<Arc<dyn Storage>>>,
}

impl ctu_config {
    /// Opens a session.
    pub(super) fn open(&self) -> Result<Session> {
        let mut builder = match (&self.storage, &self.root) {
            (Some((table, parts)), root) => {
                SessionBuilder::new(parts.storage(*table, root.as_deref().unwrap_or_default()))
            }
            (None, Some(root)) if root.starts_with("hdfs://") => self.hdfs.open(root)?,
            (None, Some(root)) => SessionBuilder::local(local_root(root)?)?,
            (None, None) => {
                return Err(Error::new(ErrorKind::InvalidArgument, "no root is configured")
                    .advise("give the root: the path of the cluster.compact folder"));
            }
        };
        if let Some(lock) = self.zookeeper.lock()?.or_else(|| self.lock.clone()) {
            builder = builder.shared_lock(lock);
        }
        if let Some(catalog) = &self.catalog {
            builder = builder.shared_catalog(Arc::clone(catalog));
        }
        if let Some(liveness) = self.zookeeper.liveness()?.or_else(|| self.liveness.clone()) {
            builder = builder.shared_liveness(liveness);
        }
        if let Some(codec) = &self.codec {
            builder = builder.shared_codec(Arc::clone(codec));
        }
        if let Some(log) = &self.log {
            builder = builder.shared_log(Arc::clone(log));
        }
        builder.open()
    }
}

impl HostStorageParts {
    /// One storage for every session, made when the first one is opened.
    fn storage(&self, table: ctu_storage_vtable, root: &str) -> Arc<dyn Storage> {
        let mut storage = self.storage.lock();
        if let Some(storage) = &*storage {
            return Arc::clone(storage);
        }
        let data = self.data.lock().take().unwrap_or_else(|| HostData::new(std::ptr::null_mut(), None));
        let made: Arc<dyn Storage> = Arc::new(HostStorage::new(table, data, root.to_owned()));
        *storage = Some(Arc::clone(&made));
        made
    }
}

/// The local folder that a root names: a path, or `file://` and an absolute path.
fn local_root(root: &str) -> Result<&Path> {
    let refused = |kind, why: &str| Err(Error::new(kind, why).at(root));
    match root.split_once("://") {
        None => Ok(Path::new(root)),
        Some(("file", path)) if path.starts_with('/') => Ok(Path::new(path)),
        Some(("file", _)) => refused(ErrorKind::InvalidArgument, "a file root is file:// and an absolute path"),
        Some((scheme, _)) => refused(
            ErrorKind::InvalidArgument,
            &format!("no storage has the scheme {scheme}; there are: a path, file://, and hdfs:// in a build with an HDFS client"),
        ),
    }
}

/// # Safety
/// `config` is NULL or a live config.
unsafe fn set(config: *mut ctu_config, body: impl FnOnce(&mut ctu_config) -> Result<()>) -> *mut ctu_error {
    // SAFETY: as promised by the caller.
    fallible(|| match unsafe { config.as_mut() } {
        Some(config) => body(config),
        None => Err(Error::new(ErrorKind::InvalidArgument, "config is NULL")),
    })
}

/// A config with nothing set.
#[no_mangle]
pub extern "C" fn ctu_config_new() -> *mut ctu_config {
    infallible(std::ptr::null_mut(), || {
        let config = ctu_config {
            root: None,
            hdfs: HdfsConfig::default(),
            storage: None,
            lock: None,
            catalog: None,
            liveness: None,
            zookeeper: ZooKeeperParts::default(),
            codec: None,
            log: None,
        };
        Box::into_raw(Box::new(config))
    })
}

/// Ends a config. NULL is fine. What the host supplied is released once the sessions opened from it, and the jobs of
/// these, are freed too.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_free(config: *mut ctu_config) {
    infallible((), || {
        if !config.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(config) });
        }
    });
}

/// The cluster.compact folder: a path; file:// and an absolute path taken as it stands; or, in a build with an HDFS
/// client, hdfs://host:port/path, hdfs://name-service/path, or hdfs:///path on the default file system of the Hadoop
/// configuration. "." is the working folder; "" is CTU_INVALID_ARGUMENT. With a storage of the host it is any name, for
/// messages.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_root(config: *mut ctu_config, uri: *const c_char) -> *mut ctu_error {
    // SAFETY: by the header's words, here and in every setter below.
    unsafe {
        set(config, |config| {
            let uri = text(uri, "uri")?;
            if uri.is_empty() {
                return Err(Error::new(ErrorKind::InvalidArgument, "the root is empty; \".\" is the working folder"));
            }
            config.root = Some(uri.to_owned());
            Ok(())
        })
    }
}

/// Which client serves an hdfs:// root: "native", which needs no JVM; "libhdfs", which uses the JVM of the process or
/// starts one that stays until the process ends; or "auto", the first of the two that this build has. CTU_UNSUPPORTED
/// where it lacks it.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_hdfs_client(config: *mut ctu_config, name: *const c_char) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { set(config, |config| config.hdfs.client(text(name, "name")?)) }
}

/// An option of the HDFS client: user, conf_dir, conf_from_environment, call_timeout_ms, wait_ms, in_flight, block_size,
/// replication, kerberos_principal, kerberos_keytab, kerberos_cache, or a key of Hadoop's own (dfs., fs., hadoop., ipc.);
/// of libhdfs alone java_home, class_path, jvm_options and jvm_from_environment. The environment is not asked for Hadoop's
/// configuration unless conf_from_environment is "true", nor for what a JVM is started with unless jvm_from_environment
/// is. CTU_INVALID_ARGUMENT for any other key or a value that cannot be meant, CTU_UNSUPPORTED in a build without an HDFS
/// client.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_hdfs_option(
    config: *mut ctu_config,
    key: *const c_char,
    value: *const c_char,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { set(config, |config| config.hdfs.option(text(key, "key")?, text(value, "value")?)) }
}

/// The host's storage. The table is copied; `user_data` is each function's first argument.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_storage(
    config: *mut ctu_config,
    storage: *const ctu_storage_vtable,
    user_data: *mut c_void,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            let table = structs::read(storage)?;
            HostStorage::check(&table)?;
            let data = parking_lot::Mutex::new(Some(HostData::new(user_data, table.release)));
            config.storage = Some((table, Arc::new(HostStorageParts { data, storage: parking_lot::Mutex::new(None) })));
            Ok(())
        })
    }
}

/// A lock in ZooKeeper at a path like "/cirrodata/compact_lock", whose missing nodes are made. hosts is
/// "host:port,host:port/chroot"; port 2181 where none is given. session_timeout_ms is 1,000 to 3,600,000, or 0 for
/// 30,000; the servers may grant another one. Nothing is asked of ZooKeeper before the lock is taken. CTU_UNSUPPORTED in
/// a build without the feature zookeeper.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_lock_zookeeper(
    config: *mut ctu_config,
    hosts: *const c_char,
    path: *const c_char,
    session_timeout_ms: u32,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            config.zookeeper.set_lock(text(hosts, "hosts")?, text(path, "path")?, session_timeout_ms)?;
            config.lock = None;
            Ok(())
        })
    }
}

/// An option of ZooKeeper, for the lock and the liveness alike, before or after they are set:
/// "digest": "user:password", credentials of the scheme digest; what the library makes then belongs to that user alone.
/// Without TLS they go over the network as they are. They are never shown in a message or a log.
/// In a build with the feature zookeeper-tls, and CTU_UNSUPPORTED in another one:
/// "tls": "true" for TLS alone, version 1.2 or 1.3; "false", the default, for none. hosts then names ports for TLS.
/// "tls_ca_file": a PEM file with the authorities to trust, without which there is no TLS: those of the system are not
/// trusted. A server's certificate must be for its name, or its IP address, in hosts.
/// "tls_certificate_file" and "tls_key_file", both or neither: PEM files with the client certificate and the authorities
/// in between, and with its private key, which has no pass phrase. ZooKeeper asks for one unless it is told not to. Its
/// subject shares what a digest owns, where the server takes it for a user.
/// A file is read by this call, and again when a session is opened; CTU_NOT_FOUND or CTU_PERMISSION where it cannot be.
/// What does not go together is CTU_INVALID_ARGUMENT from the open. An unknown key is CTU_INVALID_ARGUMENT;
/// CTU_UNSUPPORTED in a build without the feature zookeeper.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_zookeeper_option(
    config: *mut ctu_config,
    key: *const c_char,
    value: *const c_char,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { set(config, |config| config.zookeeper.set_option(text(key, "key")?, text(value, "value")?)) }
}

/// The host's lock. The table is copied; `user_data` is each function's first argument. A local root has a file lock
/// where none is set.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_lock(
    config: *mut ctu_config,
    lock: *const ctu_lock_vtable,
    user_data: *mut c_void,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            let table = structs::read(lock)?;
            HostLock::check(&table)?;
            config.lock = Some(Arc::new(HostLock::new(table, HostData::new(user_data, table.release))));
            config.zookeeper.forget_lock();
            Ok(())
        })
    }
}

/// The catalog from a JSON snapshot, read and checked now. CTU_CATALOG names what is wrong with it.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_catalog_file(config: *mut ctu_config, path: *const c_char) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            config.catalog = Some(Arc::new(CatalogSnapshot::open(Path::new(text(path, "path")?))?));
            Ok(())
        })
    }
}

/// The host's catalog. The table is copied; `user_data` is each function's first argument.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_catalog(
    config: *mut ctu_config,
    catalog: *const ctu_catalog_vtable,
    user_data: *mut c_void,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            let table = structs::read(catalog)?;
            HostCatalog::check(&table)?;
            config.catalog = Some(Arc::new(HostCatalog::new(table, HostData::new(user_data, table.release))));
            Ok(())
        })
    }
}

/// The nodes that are up from the PU registry's node in ZooKeeper: the names of its children. hosts as for
/// ctu_config_lock_zookeeper. Nothing is asked of ZooKeeper before a run; a registry that is not there is CTU_LIVENESS
/// then. CTU_UNSUPPORTED in a build without the feature zookeeper.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_liveness_zookeeper(
    config: *mut ctu_config,
    hosts: *const c_char,
    path: *const c_char,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            config.zookeeper.set_liveness(text(hosts, "hosts")?, text(path, "path")?)?;
            config.liveness = None;
            Ok(())
        })
    }
}

/// The nodes that are up from a text file, one a line, '#' begins a remark; read anew each time. CTU_LIVENESS where it
/// cannot be read now.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_liveness_file(config: *mut ctu_config, path: *const c_char) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            config.liveness = Some(Arc::new(FileLiveness::open(Path::new(text(path, "path")?))?));
            config.zookeeper.forget_liveness();
            Ok(())
        })
    }
}

/// The caller's word that every node is down.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_liveness_assume_offline(config: *mut ctu_config) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            config.liveness = Some(Arc::new(AssumeOffline));
            config.zookeeper.forget_liveness();
            Ok(())
        })
    }
}

/// The host's liveness. The table is copied; `user_data` is each function's first argument.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_liveness(
    config: *mut ctu_config,
    liveness: *const ctu_liveness_vtable,
    user_data: *mut c_void,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            let table = structs::read(liveness)?;
            HostLiveness::check(&table)?;
            config.liveness = Some(Arc::new(HostLiveness::new(table, HostData::new(user_data, table.release))));
            config.zookeeper.forget_liveness();
            Ok(())
        })
    }
}

/// The host's codec, in place of the default one. The table is copied; `user_data` is each function's first argument.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_codec(
    config: *mut ctu_config,
    codec: *const ctu_codec_vtable,
    user_data: *mut c_void,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            let table = structs::read(codec)?;
            HostCodec::check(&table)?;
            config.codec = Some(Arc::new(HostCodec::new(table, HostData::new(user_data, table.release))));
            Ok(())
        })
    }
}

/// The host's log, for records up to a level: 0 none, 1 error, 2 warning, 3 info, 4 debug, 5 trace. NULL ends logging.
/// `user_data` has no release: it must live until the config, the sessions opened from it and the jobs of these are freed.
#[no_mangle]
pub unsafe extern "C" fn ctu_config_log(
    config: *mut ctu_config,
    log: ctu_log_fn,
    user_data: *mut c_void,
    max_level: i32,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        set(config, |config| {
            let place = usize::try_from(max_level).ok();
            let level = place.and_then(|place| log::LevelFilter::iter().nth(place)).ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, format!("max_level is {max_level}; levels are 0 to 5"))
            })?;
            config.log = log.map(|log| Arc::new(host_log(log, HostData::new(user_data, None), level)));
            Ok(())
        })
    }
}
