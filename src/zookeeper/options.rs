//! Which `ZooKeeper`, and as whom.

use std::time::Duration;

#[cfg(feature = "zookeeper-tls")]
use super::tls::{server_name, ZooKeeperTls};
use crate::error::{Error, ErrorKind, Result};

/// The port where a server is named without one.
const DEFAULT_PORT: u16 = 2181;
/// The session time-out where none is asked for.
const DEFAULT_TIMEOUT_MS: u32 = 30_000;
/// The time-outs that make sense: below, a busy machine loses its session; above, a dead holder locks out for hours.
const TIMEOUTS_MS: std::ops::RangeInclusive<u32> = 1_000..=3_600_000;

/// Which `ZooKeeper` to talk to, with what session time-out, and as whom.
///
/// A secret in it is shown by no `Debug`, no message and no log.
#[derive(Clone)]
pub struct ZooKeeperOptions {
    pub(super) servers: Vec<(String, u16)>,
    pub(super) chroot: String,
    pub(super) session_timeout: Duration,
    pub(super) digest: Option<Vec<u8>>,
    #[cfg(feature = "zookeeper-tls")]
    pub(super) tls: Option<ZooKeeperTls>,
}

impl ZooKeeperOptions {
    /// The servers of a connect string: `host:port,host:port/chroot`. Port 2181 where none is given; an IPv6 address in
    /// brackets. The chroot, where there is one, must exist in `ZooKeeper`. The session time-out is 30 s.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn parse(hosts: &str) -> Result<Self> {
        let refused = |why: &str| {
            Error::new(ErrorKind::InvalidArgument, format!("{why}; servers are given as host:port,host:port/chroot"))
                .at(hosts)
        };
        if hosts.contains('@') {
            // What stands before an @ may be a password, so nothing of it is repeated.
            let text =
                "a connect string has neither a user nor a password; servers are given as host:port,host:port/chroot";
            return Err(Error::new(ErrorKind::InvalidArgument, text).advise("give user and password as the digest"));
        }
        let (list, chroot) = match hosts.find('/') {
            Some(at) => hosts.split_at(at),
            None => (hosts, ""),
        };
        let chroot = if chroot == "/" { "" } else { chroot };
        if !chroot.is_empty() {
            check_path(chroot)?;
        }
        let servers = list
            .split(',')
            .map(|server| parse_server(server.trim()).ok_or_else(|| refused(&format!("{server:?} is no server"))))
            .collect::<Result<Vec<_>>>()?;
        let session_timeout = Duration::from_millis(DEFAULT_TIMEOUT_MS.into());
        Ok(Self {
            servers,
            chroot: chroot.to_owned(),
            session_timeout,
            digest: None,
            #[cfg(feature = "zookeeper-tls")]
            tls: None,
        })
    }

    /// The session time-out in milliseconds, 1,000 to 3,600,000; 0 stands for the default, 30,000. The servers may
    /// grant another one, by their own bounds; what they grant is what counts.
    ///
    /// # Errors
    /// `InvalidArgument`.
    pub fn session_timeout_ms(mut self, milliseconds: u32) -> Result<Self> {
        let asked = if milliseconds == 0 { DEFAULT_TIMEOUT_MS } else { milliseconds };
        if !TIMEOUTS_MS.contains(&asked) {
            let (least, most) = (TIMEOUTS_MS.start(), TIMEOUTS_MS.end());
            let why = format!("a session time-out of {asked} ms is not between {least} and {most}");
            return Err(Error::new(ErrorKind::InvalidArgument, why));
        }
        self.session_timeout = Duration::from_millis(asked.into());
        Ok(self)
    }

    /// Credentials of the scheme `digest`, `user:password`. Every node that is made then belongs to this user alone.
    /// They go to the server as they are: without TLS they are as safe as the network in between.
    ///
    /// # Errors
    /// `InvalidArgument`, without what was given.
    pub fn digest(mut self, user_and_password: &str) -> Result<Self> {
        match user_and_password.split_once(':') {
            Some((user, password)) if !user.is_empty() && !password.is_empty() => {
                self.digest = Some(user_and_password.as_bytes().to_vec());
                Ok(self)
            }
            _ => Err(Error::new(ErrorKind::InvalidArgument, "credentials of the scheme digest are user:password")),
        }
    }

    /// By TLS alone, from now on. The certificate of a server must be for the host that the connect string names: a DNS
    /// name or an IP address, among its subject alternative names.
    ///
    /// # Errors
    /// `InvalidArgument` where no certificate could be for a host, as it is named.
    #[cfg(feature = "zookeeper-tls")]
    pub fn tls(mut self, tls: ZooKeeperTls) -> Result<Self> {
        for (host, _) in &self.servers {
            server_name(host)?;
        }
        self.tls = Some(tls);
        Ok(self)
    }

    /// How long a connect may take before the caller is told that nobody answers.
    pub(crate) fn connect_limit(&self) -> Duration {
        self.session_timeout.min(Duration::from_secs(10))
    }
}

impl std::fmt::Debug for ZooKeeperOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ZooKeeperOptions")
            .field("servers", &self.servers)
            .field("chroot", &self.chroot)
            .field("session_timeout", &self.session_timeout)
            .finish_non_exhaustive()
    }
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
fn parse_server(server: &str) -> Option<(String, u16)> {
    let (host, port) = match server.strip_prefix('[') {
        Some(rest) => {
            let (address, rest) = rest.split_once(']')?;
            (address, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match server.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (server, None),
        },
    };
    let port = port.map_or(Some(DEFAULT_PORT), |port| port.parse().ok().filter(|&port| port != 0))?;
    let fits = !host.is_empty() && !host.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    fits.then(|| (host.to_owned(), port))
}

/// A node's path: absolute, not the root, no empty part, no `.` or `..`, no control character.
///
/// # Errors
/// `InvalidArgument`.
pub(crate) fn check_path(path: &str) -> Result<()> {
    let good = path.strip_prefix('/').is_some_and(|rest| {
        rest.split('/').all(|part| !["", ".", ".."].contains(&part)) && !rest.contains(char::is_control)
    });
    if good {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidArgument, "it is no path of a node in ZooKeeper, like /cirrodata/lock").at(path))
}

/// The nodes above a path, and the path itself, from the top.
pub(crate) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').skip(1).map(|(at, _)| at).chain([path.len()]).filter_map(|end| path.get(..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_password_is_not_repeated() {
        let refused = ZooKeeperOptions::parse("us:s3cret@host:2181").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(!format!("{refused:?}").contains("s3cret") && refused.next_action().contains("digest"), "{refused:?}");
    }

    #[test]
    fn a_connect_string_is_read() {
        let options = ZooKeeperOptions::parse("a:1, b,[::1]:3,[::2]/x/y").unwrap();
        let servers = [("a", 1), ("b", 2181), ("::1", 3), ("::2", 2181)].map(|(host, port)| (host.to_owned(), port));
        assert_eq!(options.servers, servers);
        assert_eq!(options.chroot, "/x/y");
        assert_eq!(ZooKeeperOptions::parse("a/").unwrap().chroot, "");
        for bad in ["", ",", "a:", "a:0", "a:65536", "a:1:2", "[::1", "[::1]x", ":1", "a b", "a//x", "a/x/", "/x"] {
            let error = ZooKeeperOptions::parse(bad).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{bad}");
        }
    }

    #[test]
    fn time_outs_have_bounds() {
        let parsed = || ZooKeeperOptions::parse("a").unwrap();
        assert_eq!(parsed().session_timeout_ms(0).unwrap().session_timeout, Duration::from_secs(30));
        assert_eq!(parsed().session_timeout_ms(1_000).unwrap().session_timeout, Duration::from_secs(1));
        assert!(parsed().session_timeout_ms(999).is_err() && parsed().session_timeout_ms(3_600_001).is_err());
    }

    #[test]
    fn a_secret_is_never_shown() {
        let options = ZooKeeperOptions::parse("a").unwrap().digest("user:s3cret").unwrap();
        assert!(!format!("{options:?}").contains("s3cret") && !format!("{options:?}").contains("115, 51"));
        let refused = ZooKeeperOptions::parse("a").unwrap().digest("s3cret").unwrap_err();
        assert!(!format!("{refused:?}").contains("s3cret"));
    }

    #[test]
    fn paths() {
        for bad in ["", "/", "a", "/a/", "//a", "/a/../b", "/a/.", "/a\n"] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert!(check_path("/a/b.c").is_ok());
        assert_eq!(parents("/a/b/c").collect::<Vec<_>>(), ["/a", "/a/b", "/a/b/c"]);
    }
}
