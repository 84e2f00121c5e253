//! A session: one connection after the other, as long as the servers keep it.

use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

pub(crate) use super::connection::Waited;
use super::connection::{Connection, Ticket};
use super::fault::{Fault, Outcome};
use super::options::ZooKeeperOptions;
use super::stream::{wait_for, Stream};
use super::wire::{Op, Reader, Stat, Writer};

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(50);
/// Every right to a node: read, write, create, delete, admin.
const ALL_RIGHTS: i32 = 31;

/// How long a node stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// Until it is removed.
    Persistent = 0,
    /// As long as its session; the server puts a number that grows behind the name.
    EphemeralSequential = 3,
}

/// A session. Every call has its own end of time, and reconnects where it has to. Dropped, it leaves the session to its
/// time-out; [`Session::close`] ends it at once.
pub(crate) struct Session {
    options: Arc<ZooKeeperOptions>,
    ticket: Ticket,
    connection: Option<Connection>,
    /// The server of the connection, for messages.
    server: String,
    /// The server to try next.
    turn: usize,
}

impl Session {
    /// A new session, connected.
    pub(crate) fn open(options: Arc<ZooKeeperOptions>, until: Instant) -> Outcome<Self> {
        // Each process begins at another server, so that not all of them meet at the first.
        let turn = std::process::id() as usize;
        let ticket = Ticket::new(options.session_timeout);
        let mut session = Self { ticket, options, connection: None, server: String::new(), turn };
        session.repeat(until, |session, until| session.connected(until).map(|_| ()))?;
        Ok(session)
    }

    /// The session's id, to which its ephemeral nodes belong.
    pub(crate) fn id(&self) -> i64 {
        self.ticket.id
    }

    /// The time-out that the servers granted.
    pub(crate) fn timeout(&self) -> Duration {
        self.ticket.timeout
    }

    /// Does a thing again as long as no answer comes, until the time is over or the fault is another.
    pub(crate) fn repeat<T>(
        &mut self,
        until: Instant,
        mut body: impl FnMut(&mut Self, Instant) -> Outcome<T>,
    ) -> Outcome<T> {
        loop {
            // A quarter of the time-out a try: a server that hangs leaves time for another one.
            let one = until.min(Instant::now() + self.ticket.timeout / 4);
            match body(self, one) {
                Err(Fault::Lost(_)) if Instant::now() + PAUSE < until => std::thread::sleep(PAUSE),
                outcome => return outcome,
            }
        }
    }

    /// Makes a node and gives its name. A lost answer leaves open whether it was made.
    pub(crate) fn create(&mut self, path: &str, data: &[u8], kind: NodeKind, until: Instant) -> Outcome<String> {
        let (scheme, id) = if self.options.digest.is_some() { ("auth", "") } else { ("world", "anyone") };
        let full = self.full(path);
        let body = self.call(Op::Create, until, |writer| {
            let acl = writer.bytes(full.as_bytes()).bytes(data).int(1).int(ALL_RIGHTS);
            acl.bytes(scheme.as_bytes()).bytes(id.as_bytes()).int(kind as i32)
        })?;
        let made = Reader::new(&body).text()?;
        Ok(made.strip_prefix(&self.options.chroot).unwrap_or(&made).to_owned())
    }

    /// Removes a node, whatever its version.
    pub(crate) fn delete(&mut self, path: &str, until: Instant) -> Outcome<()> {
        let full = self.full(path);
        self.call(Op::Delete, until, |writer| writer.bytes(full.as_bytes()).int(-1)).map(|_| ())
    }

    /// A node, or `None`, as this server knows it; with a watch that [`Self::wait`] tells of when the node changes.
    pub(crate) fn find(&mut self, path: &str, watch: bool, until: Instant) -> Outcome<Option<Stat>> {
        let full = self.full(path);
        match self.call(Op::Exists, until, |writer| writer.bytes(full.as_bytes()).flag(watch)) {
            Ok(body) => Reader::new(&body).stat().map(Some),
            Err(Fault::NoNode) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The bytes of a node.
    pub(crate) fn read(&mut self, path: &str, until: Instant) -> Outcome<Vec<u8>> {
        let full = self.full(path);
        let body = self.call(Op::GetData, until, |writer| writer.bytes(full.as_bytes()).flag(false))?;
        Reader::new(&body).bytes().map(<[u8]>::to_vec)
    }

    /// The names of a node's children, and the node.
    pub(crate) fn children(&mut self, path: &str, until: Instant) -> Outcome<(Vec<String>, Stat)> {
        let full = self.full(path);
        let body = self.call(Op::GetChildren2, until, |writer| writer.bytes(full.as_bytes()).flag(false))?;
        let mut reader = Reader::new(&body);
        Ok((reader.texts()?, reader.stat()?))
    }

    /// Brings this server up to the leader, so that what is read next is not older than this call. The leader checks
    /// the session on the way.
    pub(crate) fn sync(&mut self, path: &str, until: Instant) -> Outcome<()> {
        let full = self.full(path);
        self.call(Op::Sync, until, |writer| writer.bytes(full.as_bytes())).map(|_| ())
    }

    /// Ends the session and its ephemeral nodes now. Best effort: it ends by its time-out as well.
    pub(crate) fn close(mut self, until: Instant) {
        if self.connection.is_some() {
            let _ends_by_itself = self.call(Op::Close, until, |writer| writer);
        }
    }

    /// Waits until a watch saw something, the connection broke, somebody woke the thread, or the time is over.
    pub(crate) fn wait(&mut self, until: Instant, wake: BorrowedFd<'_>) -> Waited {
        loop {
            let Some(connection) = &mut self.connection else {
                let woken = wait_for(&mut [PollFd::from_borrowed_fd(wake, PollFlags::IN)], until);
                return if woken { Waited::Woken } else { Waited::Time };
            };
            match connection.wait(until, wake) {
                Waited::Readable => match connection.take_in() {
                    Ok(false) => {}
                    Ok(true) => return Waited::Readable,
                    Err(_) => {
                        self.connection = None;
                        return Waited::Readable;
                    }
                },
                waited => return waited,
            }
        }
    }

    fn full(&self, path: &str) -> String {
        format!("{}{path}", self.options.chroot)
    }

    fn call(&mut self, op: Op, until: Instant, body: impl FnOnce(Writer) -> Writer) -> Outcome<Vec<u8>> {
        match self.connected(until)?.call(op, body, until) {
            Ok((zxid, answer)) => {
                self.ticket.last_zxid = self.ticket.last_zxid.max(zxid);
                answer
            }
            Err(fault) => {
                self.connection = None;
                Err(match fault {
                    // Where it is TLS, the next connection tells whether this goes away by itself.
                    Fault::Lost(why) | Fault::Tls { why, .. } => Fault::Lost(format!("{}: {why}", self.server)),
                    fault => fault,
                })
            }
        }
    }

    /// The connection, made where there is none: one try at each server.
    fn connected(&mut self, until: Instant) -> Outcome<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Some(self.connect(until)?);
        }
        self.connection.as_mut().ok_or_else(|| Fault::Lost("there is no connection".to_owned()))
    }

    fn connect(&mut self, until: Instant) -> Outcome<Connection> {
        let servers = self.options.servers.clone();
        let mut faults = Vec::new();
        for tried in 0..servers.len() {
            self.turn = self.turn.wrapping_add(1);
            let Some((host, port)) = servers.get(self.turn % servers.len()) else { continue };
            // The time that is left is shared by the servers that are left.
            let share = until.saturating_duration_since(Instant::now()) / count(servers.len() - tried);
            let addresses: Vec<SocketAddr> = match (host.as_str(), *port).to_socket_addrs() {
                Ok(addresses) => addresses.collect(),
                Err(error) => {
                    faults.push((format!("{host}:{port}"), Fault::Lost(error.to_string())));
                    continue;
                }
            };
            // The resolver takes what it takes: it has no deadline.
            let end = Instant::now() + share;
            for (place, address) in addresses.iter().enumerate() {
                let left = end.saturating_duration_since(Instant::now()) / count(addresses.len() - place);
                match self.open_at(host, *address, Instant::now() + left) {
                    Err(fault @ (Fault::Lost(_) | Fault::Protocol(_) | Fault::Tls { .. })) => {
                        faults.push((shown(host, *address), fault));
                    }
                    outcome => {
                        self.server = shown(host, *address);
                        return outcome;
                    }
                }
            }
        }
        Err(summed_up(&faults))
    }

    fn open_at(&mut self, host: &str, address: SocketAddr, until: Instant) -> Outcome<Connection> {
        let stream = Stream::open(address, host, &self.options, until)?;
        let mut connection = Connection::open(stream, &mut self.ticket, until)?;
        if let Some(digest) = &self.options.digest {
            connection.authenticate(digest, until)?;
        }
        Ok(connection)
    }
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX).max(1)
}

/// A server as the connect string names it, and the address that this stands for.
fn shown(host: &str, address: SocketAddr) -> String {
    if address.ip().to_string() == host {
        address.to_string()
    } else {
        format!("{host}:{} ({})", address.port(), address.ip())
    }
}

/// One fault for those of all the servers, each told. Where one of them may serve the next time it is worth to ask again.
fn summed_up(faults: &[(String, Fault)]) -> Fault {
    let why = |fault: &Fault| match fault {
        Fault::Lost(why) | Fault::Protocol(why) | Fault::Tls { why, .. } => why.clone(),
        fault => fault.to_string(),
    };
    let told: Vec<String> = faults.iter().map(|(server, fault)| format!("{server}: {}", why(fault))).collect();
    let told = told.join("; ");
    if faults.is_empty() || faults.iter().any(|(_, fault)| matches!(fault, Fault::Lost(_))) {
        return Fault::Lost(told);
    }
    let advice = faults.iter().find_map(|(_, fault)| match fault {
        Fault::Tls { advice, .. } => Some(*advice),
        _ => None,
    });
    match advice {
        Some(advice) => Fault::Tls { why: told, advice },
        None => Fault::Protocol(told),
    }
}
