//! The bytes of one connection: a socket that never blocks, bare or under TLS.

use std::io::{ErrorKind as IoKind, Read, Result as IoResult, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{poll, PollFd, PollFlags, Timespec};

use super::fault::{Fault, Outcome};
use super::options::ZooKeeperOptions;
#[cfg(feature = "zookeeper-tls")]
use super::tls::Secured;

/// One connection to one server. One thread at a time uses it: reading and writing share the state of TLS.
pub(super) struct Stream {
    socket: TcpStream,
    #[cfg(feature = "zookeeper-tls")]
    secured: Option<Box<Secured>>,
}

impl Stream {
    /// Connects, by TLS where the options say so; the server's certificate must then be for this host.
    pub(super) fn open(
        address: SocketAddr,
        #[cfg_attr(not(feature = "zookeeper-tls"), allow(unused_variables, reason = "a name is for certificates"))]
        host: &str,
        #[cfg_attr(not(feature = "zookeeper-tls"), allow(unused_variables, reason = "there is nothing to choose"))]
        options: &ZooKeeperOptions,
        until: Instant,
    ) -> Outcome<Self> {
        let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        let io = |error: std::io::Error| Fault::Lost(error.to_string());
        let socket = TcpStream::connect_timeout(&address, left).map_err(io)?;
        socket.set_nodelay(true).map_err(io)?;
        socket.set_nonblocking(true).map_err(io)?;
        #[cfg(feature = "zookeeper-tls")]
        {
            let secured = options.tls.as_ref().map(|tls| Secured::new(tls, host)).transpose()?;
            let mut stream = Self { socket, secured: secured.map(Box::new) };
            stream.shake_hands(until)?;
            Ok(stream)
        }
        #[cfg(not(feature = "zookeeper-tls"))]
        Ok(Self { socket })
    }

    /// Whether the bytes go by TLS.
    #[cfg_attr(not(feature = "zookeeper-tls"), allow(clippy::unused_self, reason = "there is nothing to ask"))]
    pub(super) fn is_secured(&self) -> bool {
        #[cfg(feature = "zookeeper-tls")]
        return self.secured.is_some();
        #[cfg(not(feature = "zookeeper-tls"))]
        return false;
    }

    /// For a poll. What the socket has shown to be readable is all there is: [`Self::receive`] keeps nothing back.
    pub(super) fn poll_fd(&self, flags: PollFlags) -> PollFd<'_> {
        PollFd::from_borrowed_fd(self.socket.as_fd(), flags)
    }

    /// Sends all of it.
    pub(super) fn send(&mut self, bytes: &[u8], until: Instant) -> Outcome<()> {
        #[cfg(feature = "zookeeper-tls")]
        if let Some(secured) = &mut self.secured {
            secured.take(bytes)?;
            return self.flush(until);
        }
        let mut rest = bytes;
        write_all(&mut self.socket, until, |socket| {
            let written = socket.write(rest)?;
            rest = rest.get(written..).unwrap_or_default();
            Ok(rest.is_empty())
        })
    }

    /// Takes in what is there, without waiting. One read: what came before an end of the connection is looked at first.
    pub(super) fn receive(&mut self, into: &mut Vec<u8>) -> Outcome<()> {
        #[cfg(feature = "zookeeper-tls")]
        if let Some(secured) = &mut self.secured {
            return secured.receive(&mut self.socket, into);
        }
        let mut chunk = [0; 16 << 10];
        let count = taken(self.socket.read(&mut chunk))?;
        into.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(())
    }

    #[cfg(feature = "zookeeper-tls")]
    fn flush(&mut self, until: Instant) -> Outcome<()> {
        let Some(secured) = &mut self.secured else { return Ok(()) };
        write_all(&mut self.socket, until, |socket| secured.send(socket))
    }

    #[cfg(feature = "zookeeper-tls")]
    fn shake_hands(&mut self, until: Instant) -> Outcome<()> {
        // A port without TLS does not say so: it closes the connection, or waits for the rest of a call.
        let hint = |fault| match fault {
            Fault::Lost(why) => Fault::Lost(format!(
                "{why}, before TLS began: it does not serve yet, or the port is not the one for TLS (secureClientPort)"
            )),
            fault => fault,
        };
        loop {
            self.flush(until).map_err(hint)?;
            if !self.secured.as_ref().is_some_and(|secured| secured.is_shaking_hands()) {
                return Ok(());
            }
            if !wait_for(&mut [self.poll_fd(PollFlags::IN)], until) {
                return Err(hint(Fault::silent()));
            }
            // A server says nothing before it is asked, so nothing is lost with the buffer.
            self.receive(&mut Vec::new()).map_err(hint)?;
        }
    }
}

#[cfg(feature = "zookeeper-tls")]
impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(secured) = &mut self.secured {
            secured.say_goodbye(&mut self.socket);
        }
    }
}

/// The count of a read; 0 where there is nothing at the moment.
pub(super) fn taken(read: IoResult<usize>) -> Outcome<usize> {
    match read {
        Ok(0) => Err(Fault::closed()),
        Ok(count) => Ok(count),
        Err(error) if [IoKind::WouldBlock, IoKind::Interrupted].contains(&error.kind()) => Ok(0),
        Err(error) => Err(Fault::Lost(error.to_string())),
    }
}

/// Writes until a write says that it was the last one; waits where the socket takes nothing in.
fn write_all(
    socket: &mut TcpStream,
    until: Instant,
    mut write: impl FnMut(&mut TcpStream) -> IoResult<bool>,
) -> Outcome<()> {
    loop {
        match write(socket) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(error) if error.kind() == IoKind::WouldBlock => {
                if !wait_for(&mut [PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::OUT)], until) {
                    return Err(Fault::Lost("the server takes nothing in".to_owned()));
                }
            }
            Err(error) if error.kind() == IoKind::Interrupted => {}
            Err(error) => return Err(Fault::Lost(error.to_string())),
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
