//! What an `hdfs://` root is opened with, as far as this build has a client for one.

use crate::error::{Error, ErrorKind, Result};
use crate::SessionBuilder;

/// The client of an `hdfs://` root and its options.
#[derive(Default)]
pub(super) struct HdfsConfig {
    client: Client,
    #[cfg(feature = "hdfs")]
    options: crate::HdfsOptions,
}

/// Which client serves.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Client {
    /// The first that the build has of the two below.
    #[default]
    Auto,
    Native,
    Libhdfs,
}

impl HdfsConfig {
    /// Chooses the client.
    pub(super) fn client(&mut self, name: &str) -> Result<()> {
        let client = match name {
            "auto" => Client::Auto,
            "native" => Client::Native,
            "libhdfs" => Client::Libhdfs,
            _ => {
                let text = format!("there is no HDFS client {name:?}; there are: libhdfs, native, auto");
                return Err(Error::new(ErrorKind::InvalidArgument, text));
            }
        };
        client.settle()?;
        self.client = client;
        Ok(())
    }

    #[cfg(feature = "hdfs")]
    pub(super) fn option(&mut self, key: &str, value: &str) -> Result<()> {
        self.options.set(key, value)
    }

    #[cfg(not(feature = "hdfs"))]
    #[allow(clippy::unused_self, reason = "as in a build with a client")]
    pub(super) fn option(&mut self, _key: &str, _value: &str) -> Result<()> {
        Client::Auto.settle().map(|_| ())
    }

    pub(super) fn open(&self, root: &str) -> Result<SessionBuilder> {
        match self.client.settle().map_err(|error| error.at(root))? {
            #[cfg(feature = "hdfs-native")]
            Client::Native => SessionBuilder::hdfs_native(root, &self.options),
            #[cfg(feature = "libhdfs")]
            Client::Libhdfs => SessionBuilder::libhdfs(root, &self.options),
            _ => Err(Error::new(ErrorKind::Internal, "the HDFS client is not settled").at(root)),
        }
    }
}

impl Client {
    /// The client that this build has for it; never `Auto`.
    fn settle(self) -> Result<Self> {
        let (native, libhdfs) = (cfg!(feature = "hdfs-native"), cfg!(feature = "libhdfs"));
        match self {
            Self::Auto | Self::Native if native => Ok(Self::Native),
            Self::Auto | Self::Libhdfs if libhdfs => Ok(Self::Libhdfs),
            Self::Auto => Err(missing("this build has no HDFS client", "hdfs-native or libhdfs")),
            Self::Native => Err(missing("this build has not the HDFS client native", "hdfs-native")),
            Self::Libhdfs => Err(missing("this build has not the HDFS client libhdfs", "libhdfs")),
        }
    }
}

fn missing(text: &str, feature: &str) -> Error {
    Error::new(ErrorKind::Unsupported, text)
        .advise(format!("build the library with its cargo feature {feature}, or give the host's own storage functions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_chosen_by_name_and_one_that_the_build_lacks_names_its_feature() {
        let mut config = HdfsConfig::default();
        assert_eq!(config.client("webhdfs").unwrap_err().kind(), ErrorKind::InvalidArgument);
        let built = [
            ("native", cfg!(feature = "hdfs-native"), "hdfs-native"),
            ("libhdfs", cfg!(feature = "libhdfs"), "libhdfs"),
        ];
        for (name, is_built, feature) in built {
            match config.client(name) {
                Ok(()) => assert!(is_built, "{name}"),
                Err(error) => {
                    assert!(!is_built && error.kind() == ErrorKind::Unsupported, "{error}");
                    assert!(error.next_action().contains(feature), "{error:?}");
                }
            }
        }
        assert_eq!(config.client("auto").is_ok(), cfg!(feature = "hdfs"));
    }

    #[cfg(feature = "hdfs-native")]
    #[test]
    fn an_hdfs_root_is_opened_with_its_options() {
        let mut config = HdfsConfig::default();
        config.client("native").unwrap();
        assert_eq!(config.option("colour", "red").unwrap_err().kind(), ErrorKind::InvalidArgument);
        config.option("wait_ms", "0").unwrap();
        // Nobody listens on port 1, and the name service is known by the option alone.
        config.option("dfs.ha.namenodes.ns", "one").unwrap();
        config.option("dfs.namenode.rpc-address.ns.one", "127.0.0.1:1").unwrap();
        let Err(error) = config.open("hdfs://ns/cluster.compact") else { panic!("it cannot be open") };
        assert_eq!((error.kind(), error.path()), (ErrorKind::RetryLater, "hdfs://ns/cluster.compact"), "{error}");
        config.option("java_home", "/nowhere").unwrap();
        let Err(error) = config.open("hdfs://ns/cluster.compact") else { panic!("it cannot be open") };
        assert!(error.message().contains("libhdfs"), "{error}");
    }

    #[cfg(not(feature = "hdfs"))]
    #[test]
    fn a_build_without_a_client_says_so() {
        let mut config = HdfsConfig::default();
        assert_eq!(config.option("user", "x").unwrap_err().kind(), ErrorKind::Unsupported);
        let Err(error) = config.open("hdfs://h/x") else { panic!("it cannot be open") };
        assert_eq!((error.kind(), error.path()), (ErrorKind::Unsupported, "hdfs://h/x"));
    }
}
