//! What the two HDFS clients share: options and Hadoop's configuration, addresses, batches, and what answers and
//! exceptions mean.

pub(crate) mod answers;
pub(crate) mod batch;
pub(crate) mod exceptions;
pub(crate) mod jvm_options;
pub(crate) mod kerberos;
pub(crate) mod options;
mod site;
#[cfg(test)]
pub(crate) mod testing;

use self::options::Configuration;
pub use self::options::HdfsOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::tree::TreePath;

/// A name that is asked for and never made: the NameNode checks the rights for a rename before it looks for its source.
pub(crate) const PROBE: &str = ".comptask-upgrade-may-i-write-here";

/// The user of this process, from the user database and not from the environment.
pub(crate) fn process_user() -> Result<String> {
    whoami::username().map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, format!("the user of this process has no name: {error}"))
            .advise("set the option user of the HDFS client")
    })
}

/// Where a root lies.
pub(crate) struct Address {
    /// `host:port`, or a name service.
    pub(crate) authority: String,
    /// The absolute path without a `/` at its end; empty for `/`.
    pub(crate) path: String,
}

impl Address {
    /// Reads a root as it is written.
    pub(crate) fn parse(uri: &str, configuration: &Configuration) -> Result<Self> {
        let Some(rest) = uri.strip_prefix("hdfs://") else {
            return Err(Error::new(ErrorKind::InvalidArgument, "a root on HDFS begins with hdfs://"));
        };
        let (given, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let authority = configuration.authority(given)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        let below = TreePath::parse(path.strip_prefix('/').unwrap_or(path))
            .map_err(|error| Error::new(error.kind(), error.message()).at(path))?;
        if below.components().next() == Some(".reserved") {
            return Err(Error::new(ErrorKind::InvalidArgument, "a root cannot lie in /.reserved").at(path));
        }
        Ok(Self { authority, path: path.to_owned() })
    }

    /// As it is told to people.
    pub(crate) fn shown(&self) -> String {
        format!("hdfs://{}{}", self.authority, if self.path.is_empty() { "/" } else { &self.path })
    }
}

/// The absolute path below a root (empty for `/`), which never leaves it: a [`TreePath`] has no `..`, and HDFS resolves
/// none.
pub(crate) fn absolute(root: &str, path: &TreePath) -> Result<String> {
    if path.as_str().is_empty() {
        return Ok(if root.is_empty() { "/".to_owned() } else { root.to_owned() });
    }
    if root.is_empty() && path.components().next() == Some(".reserved") {
        let text = "/.reserved leads to every file of HDFS by its number, out of the root";
        return Err(Error::new(ErrorKind::InvalidArgument, text).at(path));
    }
    Ok(format!("{root}/{path}"))
}
