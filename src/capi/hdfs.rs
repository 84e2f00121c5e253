//! What an `hdfs://` root is opened with, as far as this build has a client for one.

use crate::error::{Error, ErrorKind, Result};
use crate::SessionBuilder;

/// The client of an `hdfs://` root and its options.
#[derive(Default)]
pub(super) struct HdfsConfig {
    #[cfg(feature = "hdfs-native")]
    options: crate::HdfsOptions,
}

#[cfg(feature = "hdfs-native")]
impl HdfsConfig {
    /// Chooses the client. `auto` is the only one there is.
    #[allow(clippy::unused_self, reason = "the choice is kept where there is more than one client")]
    pub(super) fn client(&mut self, name: &str) -> Result<()> {
        match name {
            "native" | "auto" => Ok(()),
            "libhdfs" => Err(Error::new(ErrorKind::Unsupported, "this build has no libhdfs, but the native client")),
            _ => {
                let text = format!("there is no HDFS client {name:?}; there are: libhdfs, native, auto");
                Err(Error::new(ErrorKind::InvalidArgument, text))
            }
        }
    }

    pub(super) fn option(&mut self, key: &str, value: &str) -> Result<()> {
        self.options.set(key, value)
    }

    pub(super) fn open(&self, root: &str) -> Result<SessionBuilder> {
        SessionBuilder::hdfs_native(root, &self.options)
    }
}

#[cfg(not(feature = "hdfs-native"))]
impl HdfsConfig {
    fn unsupported<T>() -> Result<T> {
        Err(Error::new(ErrorKind::Unsupported, "this build has no HDFS client")
            .advise("build the library with its cargo feature hdfs-native, or give the host's own storage"))
    }

    #[allow(clippy::unused_self, reason = "as in a build with a client")]
    pub(super) fn client(&mut self, _name: &str) -> Result<()> {
        Self::unsupported()
    }

    #[allow(clippy::unused_self, reason = "as in a build with a client")]
    pub(super) fn option(&mut self, _key: &str, _value: &str) -> Result<()> {
        Self::unsupported()
    }

    #[allow(clippy::unused_self, reason = "as in a build with a client")]
    pub(super) fn open(&self, root: &str) -> Result<SessionBuilder> {
        Self::unsupported().map_err(|error: Error| error.at(root))
    }
}

#[cfg(all(test, feature = "hdfs-native"))]
mod tests {
    use super::*;

    #[test]
    fn an_hdfs_root_is_opened_with_its_options() {
        let mut config = HdfsConfig::default();
        config.client("auto").unwrap();
        config.client("native").unwrap();
        assert_eq!(config.client("libhdfs").unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(config.client("webhdfs").unwrap_err().kind(), ErrorKind::InvalidArgument);
        assert_eq!(config.option("colour", "red").unwrap_err().kind(), ErrorKind::InvalidArgument);
        config.option("wait_ms", "0").unwrap();
        // Nobody listens on port 1, and the name service is known by the option alone.
        config.option("dfs.ha.namenodes.ns", "one").unwrap();
        config.option("dfs.namenode.rpc-address.ns.one", "127.0.0.1:1").unwrap();
        let Err(error) = config.open("hdfs://ns/cluster.compact") else { panic!("it cannot be open") };
        assert_eq!((error.kind(), error.path()), (ErrorKind::RetryLater, "hdfs://ns/cluster.compact"), "{error}");
    }
}

#[cfg(all(test, not(feature = "hdfs-native")))]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_a_client_says_so() {
        let mut config = HdfsConfig::default();
        assert_eq!(config.client("auto").unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(config.option("user", "x").unwrap_err().kind(), ErrorKind::Unsupported);
        let Err(error) = config.open("hdfs://h/x") else { panic!("it cannot be open") };
        assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, "hdfs://h/x"));
        assert!(error.next_action().contains("feature hdfs-native"), "{error:?}");
    }
}
