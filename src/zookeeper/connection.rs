//! One TCP connection to one server.

use std::io::{ErrorKind as IoKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use super::fault::{Fault, Outcome};
use super::wire::{Op, Reader, Writer, FRAME_BYTES_LIMIT};

/// The number under which a server sends what a watch saw.
const NOTIFICATION: i32 = -1;
/// The number of the call that hands in credentials.
const AUTH: i32 = -4;
/// The bytes of a session's password.
const PASSWORD_BYTES: usize = 16;

/// What names a session to a server; an id of 0 asks for a new one.
#[derive(Clone)]
pub(super) struct Ticket {
    pub(super) id: i64,
    pub(super) password: Vec<u8>,
    pub(super) timeout: Duration,
    /// The last transaction that this session saw: a server that is behind it sends it away.
    pub(super) last_zxid: i64,
}

impl Ticket {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { id: 0, password: vec![0; PASSWORD_BYTES], timeout, last_zxid: 0 }
    }
}

/// What a wait ended with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Waited {
    /// The time was over.
    Time,
    /// Somebody woke the waiting thread.
    Woken,
    /// The server said something.
    Readable,
}

/// One TCP connection to one server.
pub(super) struct Connection {
    stream: TcpStream,
    /// What came in and is not taken apart yet.
    buffer: Vec<u8>,
    next_xid: i32,
    /// Whether a watch of this connection saw something since this was last asked.
    noticed: bool,
}

impl Connection {
    /// Connects, and opens the session or takes it up again; the ticket is then what the server granted.
    pub(super) fn open(address: SocketAddr, ticket: &mut Ticket, until: Instant) -> Outcome<Self> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let io = |error: std::io::Error| Fault::Lost(format!("{address}: {error}"));
        let stream = TcpStream::connect_timeout(&address, left).map_err(io)?;
        stream.set_nodelay(true).map_err(io)?;
        stream.set_nonblocking(true).map_err(io)?;
        let mut connection = Self { stream, buffer: Vec::new(), next_xid: 1, noticed: false };
        let timeout = i32::try_from(ticket.timeout.as_millis()).unwrap_or(i32::MAX);
        let hello = Writer::frame().int(0).long(ticket.last_zxid).int(timeout).long(ticket.id);
        connection.write(&hello.bytes(&ticket.password).flag(false).end(), until)?;
        let answer = connection.frame(until)?;
        let mut reader = Reader::new(&answer);
        let (_version, granted_ms, id) = (reader.int()?, reader.int()?, reader.long()?);
        let password = reader.bytes()?;
        match u64::try_from(granted_ms) {
            Ok(granted) if granted > 0 && id != 0 => {
                ticket.timeout = Duration::from_millis(granted);
                ticket.id = id;
                ticket.password = password.to_vec();
                Ok(connection)
            }
            _ => Err(Fault::Expired),
        }
    }

    /// Hands in credentials of the scheme `digest`.
    pub(super) fn authenticate(&mut self, digest: &[u8], until: Instant) -> Outcome<()> {
        let frame = Writer::call(AUTH, Op::Auth).int(0).bytes(b"digest").bytes(digest).end();
        self.write(&frame, until)?;
        self.answer(AUTH, until).map(|_| ())
    }

    /// One call and its answer, without the header; the transaction the server has seen beside it. After any fault that
    /// is no plain refusal the connection is of no use.
    pub(super) fn call(
        &mut self,
        op: Op,
        body: impl FnOnce(Writer) -> Writer,
        until: Instant,
    ) -> Outcome<(i64, Outcome<Vec<u8>>)> {
        let xid = self.next_xid;
        self.next_xid = self.next_xid.checked_add(1).unwrap_or(1);
        self.write(&body(Writer::call(xid, op)).end(), until)?;
        self.answer(xid, until)
    }

    fn answer(&mut self, xid: i32, until: Instant) -> Outcome<(i64, Outcome<Vec<u8>>)> {
        loop {
            let frame = self.frame(until)?;
            let mut reader = Reader::new(&frame);
            let (got, zxid, code) = (reader.int()?, reader.long()?, reader.int()?);
            if got == NOTIFICATION {
                self.noticed = true;
            } else if got == xid {
                let body = Fault::of(code).map(|()| frame.get(16..).unwrap_or_default().to_vec());
                return match body {
                    // The session is over, or the server closes the connection next.
                    Err(fault @ (Fault::Expired | Fault::AuthFailed | Fault::Lost(_))) => Err(fault),
                    body => Ok((zxid, body)),
                };
            } else {
                return Err(Fault::protocol("an answer to nothing that was asked"));
            }
        }
    }

    /// Waits until the server says something, somebody wakes the thread, or the time is over.
    pub(super) fn wait(&self, until: Instant, wake: BorrowedFd<'_>) -> Waited {
        if wait_for(&mut [PollFd::from_borrowed_fd(wake, PollFlags::IN), self.poll_fd(PollFlags::IN)], until) {
            if wait_for(&mut [PollFd::from_borrowed_fd(wake, PollFlags::IN)], Instant::now()) {
                return Waited::Woken;
            }
            return Waited::Readable;
        }
        Waited::Time
    }

    /// Takes in what the server sent unasked. Says whether a watch saw something.
    pub(super) fn take_in(&mut self) -> Outcome<bool> {
        self.fill()?;
        while let Some(frame) = self.whole_frame()? {
            if Reader::new(&frame).int()? != NOTIFICATION {
                return Err(Fault::protocol("an answer to nothing that was asked"));
            }
            self.noticed = true;
        }
        Ok(std::mem::take(&mut self.noticed))
    }

    fn poll_fd(&self, flags: PollFlags) -> PollFd<'_> {
        PollFd::from_borrowed_fd(self.stream.as_fd(), flags)
    }

    fn write(&mut self, frame: &[u8], until: Instant) -> Outcome<()> {
        let mut rest = frame;
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(written) => rest = rest.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == IoKind::WouldBlock => {
                    if !wait_for(&mut [self.poll_fd(PollFlags::OUT)], until) {
                        return Err(Fault::Lost("the server takes nothing in".to_owned()));
                    }
                }
                Err(error) if error.kind() == IoKind::Interrupted => {}
                Err(error) => return Err(Fault::Lost(error.to_string())),
            }
        }
        Ok(())
    }

    /// The next frame, without its length.
    fn frame(&mut self, until: Instant) -> Outcome<Vec<u8>> {
        loop {
            if let Some(frame) = self.whole_frame()? {
                return Ok(frame);
            }
            if !wait_for(&mut [self.poll_fd(PollFlags::IN)], until) {
                return Err(Fault::Lost("the server does not answer in time".to_owned()));
            }
            self.fill()?;
        }
    }

    fn whole_frame(&mut self) -> Outcome<Option<Vec<u8>>> {
        let Some(head) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if length > FRAME_BYTES_LIMIT {
            return Err(Fault::Protocol(format!("an answer of {length} bytes")));
        }
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        let mut frame: Vec<u8> = self.buffer.drain(..4 + length).collect();
        frame.drain(..4);
        Ok(Some(frame))
    }

    /// Takes in what is there, without waiting. One read: what came before an end of the connection is looked at first.
    fn fill(&mut self) -> Outcome<()> {
        let mut chunk = [0; 16 << 10];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(Fault::Lost("the server closed the connection".to_owned())),
            Ok(count) => {
                self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) if [IoKind::WouldBlock, IoKind::Interrupted].contains(&error.kind()) => Ok(()),
            Err(error) => Err(Fault::Lost(error.to_string())),
        }
    }
}

/// Whether one of these is ready before the time is over.
pub(super) fn wait_for(fds: &mut [PollFd<'_>], until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let limit = Timespec::try_from(left).ok();
        match poll(fds, limit.as_ref()) {
            Ok(0) => return false,
            Ok(_) => return true,
            // A signal of the host's: the time that is left is counted anew.
            Err(_) if until > Instant::now() => {}
            Err(_) => return false,
        }
    }
}
