//! The way in: libhdfs's builder, and the Java object that it gives.

use std::ffi::{CStr, CString};

use hdfs_sys::{
    hdfsBuilderConfSetStr, hdfsBuilderConnect, hdfsBuilderSetForceNewInstance, hdfsBuilderSetKerbTicketCachePath,
    hdfsBuilderSetNameNode, hdfsBuilderSetUserName, hdfsDisconnect, hdfsFS, hdfsFreeBuilder,
    hdfsGetLastExceptionStackTrace, hdfsNewBuilder,
};
use jni::objects::{GlobalRef, JObject};
use jni::JNIEnv;

use super::super::hdfs::answers::Failure;
use super::super::hdfs::exceptions::Cause;
use super::thrown::Thrown;
use crate::error::{Error, ErrorKind, Result};

/// What the class path must have; libhdfs itself only says that something is missing, on standard error.
const CLASSES: [(&str, &str); 3] = [
    ("org/apache/hadoop/conf/Configuration", "hadoop-common"),
    ("org/apache/hadoop/hdfs/DistributedFileSystem", "hadoop-hdfs-client"),
    ("org/apache/commons/lang3/exception/ExceptionUtils", "commons-lang3"),
];

/// Sees that the machine has Hadoop on its class path.
pub(super) fn check_class_path(environment: &mut JNIEnv<'_>) -> Result<()> {
    for (class, jar) in CLASSES {
        if environment.find_class(class).is_err() {
            drop(environment.exception_clear());
            let text = format!("the class path of the JVM has no {} (of {jar})", class.replace('/', "."));
            return Err(Error::new(ErrorKind::InvalidArgument, text).advise(
                "set the option class_path to what `hadoop classpath --glob` prints; where the host has started the JVM \
                 by itself, its class path counts",
            ));
        }
    }
    Ok(())
}

/// A connection of libhdfs.
pub(super) struct Connection(hdfsFS);

// SAFETY: it is a global reference of the Java machine, which any attached thread may use.
unsafe impl Send for Connection {}
// SAFETY: as above; the object behind it is Hadoop's FileSystem, which is made for many threads.
unsafe impl Sync for Connection {}

/// What a connection is made with.
pub(super) struct Wanted {
    /// `hdfs://authority`
    pub(super) uri: String,
    pub(super) user: Option<String>,
    pub(super) ticket_cache: Option<String>,
    pub(super) configuration: Vec<(String, String)>,
}

impl Connection {
    /// Connects; the calling thread is attached, and the class path has been seen. No `NameNode` is asked yet.
    pub(super) fn open(wanted: &Wanted) -> Result<Self> {
        let text = |text: &str| {
            CString::new(text).map_err(|_| Error::new(ErrorKind::InvalidArgument, "an option of HDFS has a NUL in it"))
        };
        let (uri, user) = (text(&wanted.uri)?, wanted.user.as_deref().map(text).transpose()?);
        let ticket_cache = wanted.ticket_cache.as_deref().map(text).transpose()?;
        let settings: Vec<(CString, CString)> =
            wanted.configuration.iter().map(|(key, value)| Ok((text(key)?, text(value)?))).collect::<Result<_>>()?;
        // SAFETY: the strings outlive the builder, which keeps pointers to them; connecting frees it on every path.
        let opened = unsafe {
            let builder = hdfsNewBuilder();
            if builder.is_null() {
                return Err(Error::new(ErrorKind::Internal, "libhdfs gave no builder"));
            }
            hdfsBuilderSetForceNewInstance(builder);
            hdfsBuilderSetNameNode(builder, uri.as_ptr());
            if let Some(user) = &user {
                hdfsBuilderSetUserName(builder, user.as_ptr());
            }
            if let Some(path) = &ticket_cache {
                hdfsBuilderSetKerbTicketCachePath(builder, path.as_ptr());
            }
            for (key, value) in &settings {
                if hdfsBuilderConfSetStr(builder, key.as_ptr(), value.as_ptr()) != 0 {
                    hdfsFreeBuilder(builder);
                    return Err(Error::new(ErrorKind::Internal, "libhdfs cannot keep a setting"));
                }
            }
            hdfsBuilderConnect(builder)
        };
        if opened.is_null() {
            return Err(refused());
        }
        Ok(Self(opened))
    }

    /// Hadoop's `FileSystem` behind it, as long as the connection is open.
    ///
    /// # Errors
    /// `Unsupported` where it is not HDFS's own, whose calls alone keep the contract.
    pub(super) fn file_system(&self, environment: &mut JNIEnv<'_>) -> Result<GlobalRef> {
        // SAFETY: libhdfs's hdfsFS is the global reference of a FileSystem, which lives as long as the connection; the
        // object made of it here is dropped without deleting it.
        let object = unsafe { JObject::from_raw(self.0.cast()) };
        let failed = |environment: &mut JNIEnv<'_>, error: &jni::errors::Error| {
            Thrown::take(environment, error).error(ErrorKind::Internal, "the HDFS client cannot be used")
        };
        match environment.is_instance_of(&object, "org/apache/hadoop/hdfs/DistributedFileSystem") {
            Ok(true) => environment.new_global_ref(&object).map_err(|error| failed(environment, &error)),
            Ok(false) => Err(Error::new(ErrorKind::Unsupported, "the configuration serves hdfs:// by another class")
                .advise("leave fs.hdfs.impl unset")),
            Err(error) => Err(failed(environment, &error)),
        }
    }

    /// Closes it; the calling thread is attached.
    pub(super) fn close(self) {
        // SAFETY: it is open, and this is the last that is heard of it. A failure has nobody to go to, and nothing is lost
        // by it: every file was closed by the call that made it.
        let _closed = unsafe { hdfsDisconnect(self.0) };
    }
}

/// Why libhdfs did not connect.
fn refused() -> Error {
    // SAFETY: NULL, or a string of this thread that is good until its next call of libhdfs.
    let trace = unsafe {
        let text = hdfsGetLastExceptionStackTrace();
        if text.is_null() {
            String::new()
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    };
    if trace.is_empty() {
        let text = "libhdfs cannot connect, and does not say why; what it says is on standard error";
        return Error::new(ErrorKind::Storage, text);
    }
    let thrown = Thrown::of_stack_trace(&trace);
    let kind = match thrown.cause() {
        _ if thrown.is_unknown_host() => ErrorKind::Storage,
        _ if thrown.is_about_a_ticket() => ErrorKind::Permission,
        Cause::Said(ErrorKind::Permission) => ErrorKind::Permission,
        _ => ErrorKind::InvalidArgument,
    };
    thrown.error(kind, "libhdfs cannot connect")
}
