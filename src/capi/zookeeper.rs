//! What a config says about `ZooKeeper`: kept as it was given, so that options count whatever the order of the calls.

use std::sync::Arc;

use crate::cluster::Liveness;
#[cfg(feature = "zookeeper")]
use crate::cluster::ZooKeeperLiveness;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::Lock;
#[cfg(feature = "zookeeper")]
use crate::lock::ZooKeeperLock;
#[cfg(feature = "zookeeper")]
use crate::zookeeper::ZooKeeperOptions;

/// What a config says about `ZooKeeper`.
#[derive(Default)]
#[cfg(feature = "zookeeper")]
pub(super) struct ZooKeeperParts {
    lock: Option<(ZooKeeperOptions, String)>,
    liveness: Option<(ZooKeeperOptions, String)>,
    /// A secret: never shown.
    digest: Option<String>,
}

#[cfg(feature = "zookeeper")]
impl ZooKeeperParts {
    pub(super) fn set_lock(&mut self, hosts: &str, path: &str, session_timeout_ms: u32) -> Result<()> {
        let options = ZooKeeperOptions::parse(hosts)?.session_timeout_ms(session_timeout_ms)?;
        // Made once now, so that what is wrong is told by the call that says it.
        ZooKeeperLock::new(options.clone(), path)?;
        self.lock = Some((options, path.to_owned()));
        Ok(())
    }

    pub(super) fn set_liveness(&mut self, hosts: &str, path: &str) -> Result<()> {
        let options = ZooKeeperOptions::parse(hosts)?;
        ZooKeeperLiveness::new(options.clone(), path)?;
        self.liveness = Some((options, path.to_owned()));
        Ok(())
    }

    pub(super) fn set_option(&mut self, key: &str, value: &str) -> Result<()> {
        match key {
            "digest" => {
                ZooKeeperOptions::parse("any")?.digest(value)?;
                self.digest = Some(value.to_owned());
                Ok(())
            }
            key => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("there is no option {key:?} of ZooKeeper; there is: digest"),
            )),
        }
    }

    pub(super) fn forget_lock(&mut self) {
        self.lock = None;
    }

    pub(super) fn forget_liveness(&mut self) {
        self.liveness = None;
    }

    /// The lock, where it is in `ZooKeeper`.
    pub(super) fn lock(&self) -> Result<Option<Arc<dyn Lock>>> {
        let Some((options, path)) = &self.lock else { return Ok(None) };
        Ok(Some(Arc::new(ZooKeeperLock::new(self.with_digest(options)?, path)?)))
    }

    /// The liveness, where it is in `ZooKeeper`.
    pub(super) fn liveness(&self) -> Result<Option<Arc<dyn Liveness>>> {
        let Some((options, path)) = &self.liveness else { return Ok(None) };
        Ok(Some(Arc::new(ZooKeeperLiveness::new(self.with_digest(options)?, path)?)))
    }

    fn with_digest(&self, options: &ZooKeeperOptions) -> Result<ZooKeeperOptions> {
        match &self.digest {
            Some(digest) => options.clone().digest(digest),
            None => Ok(options.clone()),
        }
    }
}

/// In a build without the feature there is nothing to keep.
#[derive(Default)]
#[cfg(not(feature = "zookeeper"))]
pub(super) struct ZooKeeperParts {}

#[cfg(not(feature = "zookeeper"))]
#[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the shape of the build with the feature")]
impl ZooKeeperParts {
    pub(super) fn set_lock(&mut self, _hosts: &str, _path: &str, _session_timeout_ms: u32) -> Result<()> {
        Err(missing())
    }

    pub(super) fn set_liveness(&mut self, _hosts: &str, _path: &str) -> Result<()> {
        Err(missing())
    }

    pub(super) fn set_option(&mut self, _key: &str, _value: &str) -> Result<()> {
        Err(missing())
    }

    pub(super) fn forget_lock(&mut self) {}

    pub(super) fn forget_liveness(&mut self) {}

    pub(super) fn lock(&self) -> Result<Option<Arc<dyn Lock>>> {
        Ok(None)
    }

    pub(super) fn liveness(&self) -> Result<Option<Arc<dyn Liveness>>> {
        Ok(None)
    }
}

#[cfg(not(feature = "zookeeper"))]
fn missing() -> Error {
    Error::new(ErrorKind::Unsupported, "this build has no ZooKeeper client")
        .advise("build the library with its cargo feature zookeeper, or give the host's own functions")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "zookeeper")]
    #[test]
    fn what_is_wrong_is_told_by_the_call_that_says_it_and_changes_nothing() {
        let mut parts = ZooKeeperParts::default();
        assert!(parts.lock().unwrap().is_none() && parts.liveness().unwrap().is_none());
        parts.set_lock("a:1", "/lock", 0).unwrap();
        for refused in [
            parts.set_lock("a:1", "/lock", 1).unwrap_err(),
            parts.set_lock("", "/lock", 0).unwrap_err(),
            parts.set_lock("a:1", "lock", 0).unwrap_err(),
            parts.set_liveness("a:1", "/").unwrap_err(),
            parts.set_option("digest", "s3cret").unwrap_err(),
            parts.set_option("password", "s3cret").unwrap_err(),
        ] {
            assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{refused}");
            assert!(!format!("{refused:?}").contains("s3cret"), "{refused:?}");
        }
        assert!(parts.lock().unwrap().is_some() && parts.liveness().unwrap().is_none());
        parts.set_liveness("a:1", "/pus").unwrap();
        parts.set_option("digest", "us:s3cret").unwrap();
        assert!(parts.lock().unwrap().is_some() && parts.liveness().unwrap().is_some());
        parts.forget_lock();
        parts.forget_liveness();
        assert!(parts.lock().unwrap().is_none() && parts.liveness().unwrap().is_none());
    }

    #[cfg(not(feature = "zookeeper"))]
    #[test]
    fn a_build_without_the_client_names_the_feature() {
        let mut parts = ZooKeeperParts::default();
        for refused in [
            parts.set_lock("a:1", "/lock", 0).unwrap_err(),
            parts.set_liveness("a:1", "/pus").unwrap_err(),
            parts.set_option("digest", "us:s3cret").unwrap_err(),
        ] {
            assert_eq!(refused.kind(), ErrorKind::Unsupported);
            assert!(refused.next_action().contains("feature zookeeper"), "{refused:?}");
        }
    }
}
