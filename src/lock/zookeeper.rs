//! The lock of a cluster in `ZooKeeper`: an ephemeral sequential node among those of everybody who asks; the one with
//! the lowest number has the lock. Names are those of Curator's `InterProcessMutex`, so both see each other.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::zookeeper_keeper::Held;
use super::{Guard, Lock, HELD_BY};
use crate::error::{Error, ErrorKind, Result};
use crate::zookeeper::{check_path, parents, Fault, NodeKind, Session, ZooKeeperOptions};

/// What stands before the number in the name of every node that asks for the lock.
const NAME: &str = "lock-";
/// What to do where another has the lock. Of one that was killed nobody can be asked whether it still runs.
const WHEN_FREE: &str = "wait for the other run to end, or stop it, then run the command again; where its process is \
                         dead already, the lock is free once its ZooKeeper session has timed out";
/// The most of a holder's own words that a message shows.
const SHOWN_LETTERS: usize = 200;

/// The lock of a cluster: a node in `ZooKeeper`, below which everybody who asks makes an ephemeral sequential node.
///
/// It never waits for its turn: where another is ahead, `Locked` names it. A call to `ZooKeeper` ends after the smaller of
/// the session time-out and 10 s, and what the resolver of host names takes. The guard owns one thread and one session, and neither
/// is left once it is given up or dropped. The guard gives leave for half of the session time-out (the one that the
/// servers granted) after the send of the last round trip through the leader that found its node; so leave has ended
/// when another could get the lock at the earliest, also in a process that was stopped, and the other half is for the
/// change that is under way. A connection that breaks takes no leave as long as that time is not over; a lock that was
/// lost once stays lost. Time is the one that goes on while the machine sleeps.
///
/// The epoch is the node's `czxid`, which grows with every holder.
#[derive(Debug)]
pub struct ZooKeeperLock {
    options: Arc<ZooKeeperOptions>,
    path: String,
}

/// Who asks, in the node's data, for people.
#[derive(Serialize, Deserialize)]
struct Holder {
    #[serde(rename = "holder")]
    asks: String,
    host: String,
    pid: u32,
    user: String,
    since: String,
}

impl ZooKeeperLock {
    /// The lock at a path. Nothing is asked yet. Nodes of the path that are missing are made when the lock is taken,
    /// for good, with the rights that the options give.
    ///
    /// # Errors
    /// `InvalidArgument` where the path is none.
    pub fn new(options: ZooKeeperOptions, path: &str) -> Result<Self> {
        check_path(path)?;
        Ok(Self { options: Arc::new(options), path: path.to_owned() })
    }

    fn failed(&self, fault: &Fault) -> Error {
        match fault {
            Fault::NoNode => Error::new(ErrorKind::LockService, "the chroot of the connect string is not in ZooKeeper")
                .at(&self.path)
                .advise("correct the connect string, then run the command again"),
            fault => fault.to_error(ErrorKind::LockService, "the lock cannot be taken", &self.path),
        }
    }

    /// The own node, made once however often an answer is lost.
    fn ask(&self, session: &mut Session, data: &[u8], until: Instant) -> std::result::Result<String, Fault> {
        let mark = format!("_c_{}-", unique_id());
        let node = format!("{}/{mark}{NAME}", self.path);
        let mut in_doubt = false;
        session.repeat(until, |session, until| {
            if std::mem::replace(&mut in_doubt, true) {
                session.sync(&self.path, until)?;
                match session.children(&self.path, until) {
                    Ok((names, _)) => {
                        if let Some(name) = names.into_iter().find(|name| name.starts_with(&mark)) {
                            return Ok(format!("{}/{name}", self.path));
                        }
                    }
                    Err(Fault::NoNode) => {}
                    Err(fault) => return Err(fault),
                }
            }
            match session.create(&node, data, NodeKind::EphemeralSequential, until) {
                Err(Fault::NoNode) => {
                    self.make_path(session, until)?;
                    session.create(&node, data, NodeKind::EphemeralSequential, until)
                }
                made => made,
            }
        })
    }

    fn make_path(&self, session: &mut Session, until: Instant) -> std::result::Result<(), Fault> {
        for path in parents(&self.path) {
            match session.create(path, b"", NodeKind::Persistent, until) {
                Ok(_) | Err(Fault::NodeExists) => {}
                // A node above, which is there, may give the right to read only.
                Err(Fault::NoAuth) if session.find(path, false, until)?.is_some() => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Nobody is ahead of the own node: `None`; or the words of the one who is.
    fn ahead(&self, session: &mut Session, own: &str, until: Instant) -> std::result::Result<Option<String>, Fault> {
        session.repeat(until, |session, until| loop {
            let (names, _) = session.children(&self.path, until).map_err(|fault| match fault {
                // The lock's node went, and the own one with it.
                Fault::NoNode => Fault::Expired,
                fault => fault,
            })?;
            let mut asking: Vec<(i64, String)> =
                names.into_iter().filter_map(|name| Some((number(&name)?, name))).collect();
            asking.sort_unstable();
            let first = asking.into_iter().next().map(|(_, name)| format!("{}/{name}", self.path));
            match first {
                Some(first) if first == own => return Ok(None),
                Some(first) => match session.read(&first, until) {
                    Ok(data) => return Ok(Some(words(&data))),
                    // Its node belongs to somebody whose words are not for everybody.
                    Err(Fault::NoAuth) => return Ok(Some("one who does not tell their name".to_owned())),
                    // Gone in the meantime: look again.
                    Err(Fault::NoNode) if Instant::now() < until => {}
                    Err(Fault::NoNode) => return Err(Fault::Lost("those who ask come and go too fast".to_owned())),
                    Err(fault) => return Err(fault),
                },
                // Not even the own node: somebody removed it.
                None => return Err(Fault::Expired),
            }
        })
    }

    fn try_to_take(&self, session: &mut Session, holder: &str, until: Instant) -> Result<Option<Taken>> {
        let data = Holder {
            asks: holder.to_owned(),
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            pid: std::process::id(),
            user: user(),
            since: jiff::Timestamp::now().to_string(),
        };
        let data = serde_json::to_vec(&data).unwrap_or_default();
        let failed = |fault: Fault| self.failed(&fault);
        let node = self.ask(session, &data, until).map_err(failed)?;
        if let Some(other) = self.ahead(session, &node, until).map_err(failed)? {
            return Err(Error::new(ErrorKind::Locked, format!("{HELD_BY}{other}")).at(&self.path).advise(WHEN_FREE));
        }
        let stat = session.repeat(until, |session, until| session.find(&node, false, until)).map_err(failed)?;
        Ok(stat.filter(|stat| stat.ephemeral_owner == session.id()).map(|stat| Taken { node, epoch: stat.czxid }))
    }
}

/// A lock that was taken: the own node and its `czxid`.
struct Taken {
    node: String,
    epoch: i64,
}

impl Lock for ZooKeeperLock {
    fn acquire(&self, holder: &str) -> Result<Box<dyn Guard>> {
        let until = Instant::now() + self.options.connect_limit();
        let mut session = Session::open(Arc::clone(&self.options), until).map_err(|fault| self.failed(&fault))?;
        let taken = self.try_to_take(&mut session, holder, until);
        match taken {
            Ok(Some(Taken { node, epoch })) => Ok(Box::new(Held::keep(session, &self.path, node, epoch)?)),
            // The session goes, and the own node with it.
            Ok(None) => {
                session.close(until);
                Err(self.failed(&Fault::Expired))
            }
            Err(error) => {
                session.close(until);
                Err(error)
            }
        }
    }
}

/// The number at the end of a name, where it asks for the lock.
fn number(name: &str) -> Option<i64> {
    let (_, number) = name.rsplit_once(NAME)?;
    number.parse().ok()
}

/// What a holder's node says, for a message.
fn words(data: &[u8]) -> String {
    let said = match serde_json::from_slice::<Holder>(data) {
        Ok(Holder { asks, host, pid, user, since }) => {
            format!("{asks} (host {host}, process {pid}, user {user}, since {since})")
        }
        // Another program's lock, in its own words.
        Err(_) => String::from_utf8_lossy(data).into_owned(),
    };
    let shown: String = said.chars().filter(|letter| !letter.is_control()).take(SHOWN_LETTERS * 2).collect();
    if shown.is_empty() {
        "one who does not tell their name".to_owned()
    } else {
        shown
    }
}

/// 128 random bits, by which the own node is found again when the answer that names it is lost.
fn unique_id() -> String {
    let mut bytes = [0; 16];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).is_ok_and(|n| n == 16);
    if !filled {
        // Before the kernel has its random numbers: unique is enough, nobody has to be unable to guess it.
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        return format!("{:x}-{:x}-{:x}", std::process::id(), time.tv_sec, time.tv_nsec);
    }
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// The name of the user this process runs as, or the number.
fn user() -> String {
    let id = rustix::process::getuid().as_raw().to_string();
    let known = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = known.lines().find(|line| line.split(':').nth(2) == Some(id.as_str()));
    line.and_then(|line| line.split(':').next()).map_or(id.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_told_by_the_number() {
        assert_eq!(number("_c_0f-lock-0000000012"), Some(12));
        assert_eq!(number("_c_lock-lock--000000003"), Some(-3));
        assert_eq!(number("lease-0000000001"), None);
        assert_eq!(number("lock-"), None);
    }

    #[test]
    fn a_holder_is_shown_whatever_it_wrote() {
        assert_eq!(words(b"10.0.0.7"), "10.0.0.7");
        assert_eq!(words(b"a\x1b[2J\nb"), "a[2Jb");
        assert_eq!(words(b""), "one who does not tell their name");
        assert_eq!(words(&vec![b'x'; 10_000]).len(), SHOWN_LETTERS * 2);
    }

    #[test]
    fn ids_differ() {
        assert_eq!(unique_id().len(), 32);
        assert_ne!(unique_id(), unique_id());
    }
}
