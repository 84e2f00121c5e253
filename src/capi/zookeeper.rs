//! What a config says about `ZooKeeper`: kept as it was given, so that options count whatever the order of the calls.

#[cfg(feature = "zookeeper-tls")]
use std::path::Path;
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
#[cfg(feature = "zookeeper-tls")]
use crate::zookeeper::{check_certificates, check_private_key, ZooKeeperTls};

/// The keys of the options.
#[cfg(feature = "zookeeper")]
const KEYS: &str = "digest, tls, tls_ca_file, tls_certificate_file, tls_key_file";

/// What a config says about `ZooKeeper`.
#[derive(Default)]
#[cfg(feature = "zookeeper")]
pub(super) struct ZooKeeperParts {
    lock: Option<(ZooKeeperOptions, String)>,
    liveness: Option<(ZooKeeperOptions, String)>,
    /// A secret: never shown.
    digest: Option<String>,
    tls: TlsParts,
}

/// What a config says about TLS to `ZooKeeper`.
#[derive(Default)]
#[cfg(feature = "zookeeper-tls")]
struct TlsParts {
    on: bool,
    ca_file: Option<String>,
    certificate_file: Option<String>,
    key_file: Option<String>,
}

#[cfg(feature = "zookeeper-tls")]
impl TlsParts {
    /// Each file is read once now, so that what is wrong with it is told by the call that names it.
    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let file = Path::new(value);
        match key {
            "tls" => {
                self.on = value.parse().map_err(|_| refused(format!("{value:?} is no value of tls: true or false")))?;
                return Ok(());
            }
            "tls_ca_file" => ZooKeeperTls::trusting(file).map(|_| self.ca_file = Some(value.to_owned())),
            "tls_certificate_file" => check_certificates(file).map(|()| self.certificate_file = Some(value.to_owned())),
            "tls_key_file" => check_private_key(file).map(|()| self.key_file = Some(value.to_owned())),
            key => Err(unknown(key)),
        }
        .map_err(|error| {
            let told = Error::new(error.kind(), format!("{key}: {}", error.message())).at(error.path());
            told.advise(error.next_action())
        })
    }

    fn add_to(&self, options: ZooKeeperOptions) -> Result<ZooKeeperOptions> {
        let named = [&self.ca_file, &self.certificate_file, &self.key_file].into_iter().any(Option::is_some);
        if !self.on {
            return if named {
                Err(refused("files for TLS to ZooKeeper are given, but the option tls is not true".to_owned())
                    .advise("give tls = true, or leave the files out"))
            } else {
                Ok(options)
            };
        }
        let Some(ca_file) = &self.ca_file else {
            return Err(refused("TLS to ZooKeeper needs the authorities to trust".to_owned())
                .advise("give tls_ca_file: a PEM file with the authority that signed the servers' certificates"));
        };
        let tls = ZooKeeperTls::trusting(Path::new(ca_file))?;
        options.tls(match (&self.certificate_file, &self.key_file) {
            (Some(certificate), Some(key)) => tls.client_certificate(Path::new(certificate), Path::new(key))?,
            (None, None) => tls,
            _ => {
                return Err(refused("of tls_certificate_file and tls_key_file there is one alone".to_owned())
                    .advise("give both of them, or neither"));
            }
        })
    }
}

/// In a build without the feature there is nothing to keep.
#[derive(Default)]
#[cfg(all(feature = "zookeeper", not(feature = "zookeeper-tls")))]
struct TlsParts {}

#[cfg(all(feature = "zookeeper", not(feature = "zookeeper-tls")))]
#[allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "the shape of the build with the feature")]
impl TlsParts {
    fn set(&mut self, key: &str, _value: &str) -> Result<()> {
        if !KEYS.split(", ").any(|known| known == key) {
            return Err(unknown(key));
        }
        Err(Error::new(ErrorKind::Unsupported, "this build has no TLS to ZooKeeper")
            .advise("build the library with its cargo feature zookeeper-tls"))
    }

    fn add_to(&self, options: ZooKeeperOptions) -> Result<ZooKeeperOptions> {
        Ok(options)
    }
}

#[cfg(feature = "zookeeper")]
fn unknown(key: &str) -> Error {
    let why = format!("there is no option {key:?} of ZooKeeper; there are: {KEYS}");
    Error::new(ErrorKind::InvalidArgument, why)
}

#[cfg(feature = "zookeeper-tls")]
fn refused(why: String) -> Error {
    Error::new(ErrorKind::InvalidArgument, why)
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
            key => self.tls.set(key, value),
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
        Ok(Some(Arc::new(ZooKeeperLock::new(self.with_options(options)?, path)?)))
    }

    /// The liveness, where it is in `ZooKeeper`.
    pub(super) fn liveness(&self) -> Result<Option<Arc<dyn Liveness>>> {
        let Some((options, path)) = &self.liveness else { return Ok(None) };
        Ok(Some(Arc::new(ZooKeeperLiveness::new(self.with_options(options)?, path)?)))
    }

    fn with_options(&self, options: &ZooKeeperOptions) -> Result<ZooKeeperOptions> {
        let options = options.clone();
        let options = match &self.digest {
            Some(digest) => options.digest(digest)?,
            None => options,
        };
        self.tls.add_to(options)
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

    #[cfg(all(feature = "zookeeper", not(feature = "zookeeper-tls")))]
    #[test]
    fn a_build_without_tls_names_the_feature() {
        let mut parts = ZooKeeperParts::default();
        for key in ["tls", "tls_ca_file", "tls_certificate_file", "tls_key_file"] {
            let refused = parts.set_option(key, "true").unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unsupported, "{key}");
            assert!(refused.next_action().contains("feature zookeeper-tls"), "{refused:?}");
        }
        assert_eq!(parts.set_option("tls_insecure", "true").unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[cfg(feature = "zookeeper-tls")]
    #[test]
    fn tls_is_whole_or_refused_and_never_silently_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let keys = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (certificate, key) = (write("a.crt", keys.cert.pem()), write("a.key", keys.signing_key.serialize_pem()));
        let missing = folder.path().join("none").to_str().unwrap().to_owned();
        let parts = |options: &[(&str, &str)]| {
            let mut parts = ZooKeeperParts::default();
            for (key, value) in options {
                parts.set_option(key, value).unwrap();
            }
            parts.set_lock("a:1", "/lock", 0).unwrap();
            parts.set_liveness("a:1", "/pus").unwrap();
            parts
        };
        let (on, ca) = (("tls", "true"), ("tls_ca_file", certificate.as_str()));
        let own = [("tls_certificate_file", certificate.as_str()), ("tls_key_file", key.as_str())];
        for (options, word) in [
            (&[on][..], "tls_ca_file"),
            (&[ca], "tls = true"),
            (&own, "tls = true"),
            (&[on, ca, own[0]], "both"),
            (&[on, ca, own[1]], "both"),
            (&[on, ca, ("tls", "false")], "tls = true"),
        ] {
            let parts = parts(options);
            for refused in [parts.lock().err().unwrap(), parts.liveness().err().unwrap()] {
                assert_eq!(refused.kind(), ErrorKind::InvalidArgument, "{options:?}: {refused}");
                assert!(refused.next_action().contains(word), "{options:?}: {refused:?}");
            }
        }
        for options in [&[on, ca][..], &[own[1], own[0], ca, on], &[("tls", "false")]] {
            assert!(parts(options).lock().unwrap().is_some() && parts(options).liveness().unwrap().is_some());
        }
        let mut parts = parts(&[on, ca]);
        for (key, value, kind) in [
            ("tls", "yes", ErrorKind::InvalidArgument),
            ("tls_insecure", "true", ErrorKind::InvalidArgument),
            ("tls_ca_file", &missing, ErrorKind::NotFound),
            ("tls_certificate_file", &key, ErrorKind::InvalidArgument),
            ("tls_key_file", &certificate, ErrorKind::InvalidArgument),
        ] {
            let refused = parts.set_option(key, value).unwrap_err();
            assert_eq!(refused.kind(), kind, "{refused}");
            assert!(refused.message().contains(key) || refused.message().contains(value), "{refused:?}");
        }
        assert!(parts.lock().unwrap().is_some(), "what is refused changes nothing");
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
