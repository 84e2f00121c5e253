//! The protocol over one connection to one server.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::fault::{Fault, Outcome};
use super::stream::{wait_for, Stream};
use super::wire::{Op, Reader, Writer, FRAME_BYTES_LIMIT};

/// The number under which a server sends what a watch saw.
const NOTIFICATION: i32 = -1;
/// The number of the call that hands in credentials.
const AUTH: i32 = -4;
/// How an alert of TLS begins: its kind and the major number of its version.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];
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

/// One connection to one server.
pub(super) struct Connection {
    stream: Stream,
    /// What came in and is not taken apart yet.
    buffer: Vec<u8>,
    next_xid: i32,
    /// Whether a watch of this connection saw something since this was last asked.
    noticed: bool,
}

impl Connection {
    /// Opens the session or takes it up again; the ticket is then what the server granted.
    pub(super) fn open(stream: Stream, ticket: &mut Ticket, until: Instant) -> Outcome<Self> {
        let mut connection = Self { stream, buffer: Vec::new(), next_xid: 1, noticed: false };
        let timeout = i32::try_from(ticket.timeout.as_millis()).unwrap_or(i32::MAX);
        let hello = Writer::frame().int(0).long(ticket.last_zxid).int(timeout).long(ticket.id);
        connection.stream.send(&hello.bytes(&ticket.password).flag(false).end(), until)?;
        let answer = connection.frame(until).map_err(|fault| connection.no_session(fault))?;
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
        self.stream.send(&frame, until)?;
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
        self.stream.send(&body(Writer::call(xid, op)).end(), until)?;
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
        // What came in behind an answer is in the buffer, where no poll sees it.
        if self.noticed || !matches!(self.frame_length(), Ok(None)) {
            return Waited::Readable;
        }
        if wait_for(&mut [PollFd::from_borrowed_fd(wake, PollFlags::IN), self.stream.poll_fd(PollFlags::IN)], until) {
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

    /// A port for TLS answers a bare call by an alert, or not at all.
    fn no_session(&self, fault: Fault) -> Fault {
        let alert = self.buffer.starts_with(&TLS_ALERT);
        match fault {
            Fault::Protocol(_) if alert => Fault::Tls {
                why: "the server speaks TLS on this port, and the option tls is not on".to_owned(),
                advice: "give the option tls, or the port without TLS",
            },
            Fault::Lost(why) if !self.stream.is_secured() => Fault::Lost(format!(
                "{why}, before it opened a session: it does not serve yet, or the port is for TLS and needs the option tls"
            )),
            fault => fault,
        }
    }

    /// The next frame, without its length.
    fn frame(&mut self, until: Instant) -> Outcome<Vec<u8>> {
        loop {
            if let Some(frame) = self.whole_frame()? {
                return Ok(frame);
            }
            if !wait_for(&mut [self.stream.poll_fd(PollFlags::IN)], until) {
                return Err(Fault::silent());
            }
            self.fill()?;
        }
    }

    fn whole_frame(&mut self) -> Outcome<Option<Vec<u8>>> {
        let Some(length) = self.frame_length()? else { return Ok(None) };
        let mut frame: Vec<u8> = self.buffer.drain(..4 + length).collect();
        frame.drain(..4);
        Ok(Some(frame))
    }

    /// The length of the frame that has come in whole, where there is one.
    fn frame_length(&self) -> Outcome<Option<usize>> {
        let Some(head) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*head) as usize;
        if length > FRAME_BYTES_LIMIT {
            return Err(Fault::Protocol(format!("an answer of {length} bytes")));
        }
        Ok(Some(length).filter(|length| self.buffer.len() >= 4 + length))
    }

    fn fill(&mut self) -> Outcome<()> {
        self.stream.receive(&mut self.buffer)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::os::fd::AsFd;

    use super::super::ZooKeeperOptions;
    use super::*;

    #[test]
    fn what_a_watch_saw_is_noticed_though_it_came_in_with_an_answer() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let notification = || Writer::frame().int(NOTIFICATION).long(-1).int(0).end();
        let answer = |xid| Writer::frame().int(xid).long(7).int(0).end();
        let server = std::thread::spawn(move || {
            let mut socket = listener.accept().unwrap().0;
            let mut asked = || {
                let mut head = [0; 4];
                socket.read_exact(&mut head).unwrap();
                socket.read_exact(&mut vec![0; u32::from_be_bytes(head) as usize]).unwrap();
                socket.try_clone().unwrap()
            };
            asked().write_all(&Writer::frame().int(0).int(4_000).long(1).bytes(&[0; PASSWORD_BYTES]).end()).unwrap();
            // Behind an answer, and before one.
            for both in [[answer(1), notification()], [notification(), answer(2)]] {
                asked().write_all(&both.concat()).unwrap();
            }
            // Up to the end of the connection.
            socket.read_to_end(&mut Vec::new()).unwrap();
        });
        let options = ZooKeeperOptions::parse("127.0.0.1").unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let stream = Stream::open(address, "127.0.0.1", &options, until).unwrap();
        let mut connection = Connection::open(stream, &mut Ticket::new(Duration::from_secs(4)), until).unwrap();
        let never = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
        for _ in 0..2 {
            assert_eq!(connection.call(Op::Exists, |writer| writer, until).unwrap(), (7, Ok(Vec::new())));
            assert_eq!(connection.wait(Instant::now(), never.as_fd()), Waited::Readable);
            assert!(connection.take_in().unwrap());
            assert_eq!(connection.wait(Instant::now(), never.as_fd()), Waited::Time, "once is enough");
        }
        drop(connection);
        server.join().unwrap();
    }
}
