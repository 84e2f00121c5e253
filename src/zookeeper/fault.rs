//! What can go wrong with `ZooKeeper`, told apart by what to do about it.

use crate::error::{Error, ErrorKind};

/// The outcome of a call.
pub(crate) type Outcome<T> = Result<T, Fault>;

/// Why a call failed. It never holds what was sent: no secret can get into a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No answer: the connection cannot be had, broke, or was silent for too long. What was asked may have been done.
    Lost(String),
    /// The session is over, and its ephemeral nodes with it.
    Expired,
    /// The node is not there.
    NoNode,
    /// The node is there already.
    NodeExists,
    /// The node's ACL does not allow it.
    NoAuth,
    /// The server does not take the credentials.
    AuthFailed,
    /// Any other answer of a server, by the protocol's number.
    Refused(i32),
    /// An answer that is none.
    Protocol(String),
    /// No connection by TLS, for a reason that does not go away by itself; what an operator does about it.
    Tls { why: String, advice: &'static str },
}

impl Fault {
    pub(super) fn protocol(why: &str) -> Self {
        Self::Protocol(why.to_owned())
    }

    /// The server ended the connection.
    pub(super) fn closed() -> Self {
        Self::Lost("the server closed the connection".to_owned())
    }

    /// The time was over before there was an answer.
    pub(super) fn silent() -> Self {
        Self::Lost("the server does not answer in time".to_owned())
    }

    /// The fault that an answer's error number means.
    pub(super) fn of(code: i32) -> Outcome<()> {
        Err(match code {
            0 => return Ok(()),
            -4 => Self::Lost("the server lost its own connection".to_owned()),
            -101 => Self::NoNode,
            -102 => Self::NoAuth,
            -110 => Self::NodeExists,
            // Session moved: another connection of this session took over, which nobody but an intruder makes.
            -112 | -118 => Self::Expired,
            -115 | -124 => Self::AuthFailed,
            code => Self::Refused(code),
        })
    }

    /// The error of the crate, of a kind (`LockService`, `Liveness`), at a path.
    pub(crate) fn to_error(&self, kind: ErrorKind, doing: &str, path: &str) -> Error {
        let error = Error::new(kind, format!("{doing}: {self}")).at(path);
        match self {
            Self::Lost(_) => error.advise("see that ZooKeeper runs and can be reached, then run the command again"),
            Self::NoAuth | Self::AuthFailed => {
                error.advise("give the credentials that the node's ACL asks for, then run the command again")
            }
            Self::Tls { advice, .. } => error.advise(format!("{advice}, then run the command again")),
            _ => error,
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(why) => write!(formatter, "no answer from ZooKeeper: {why}"),
            Self::Expired => formatter.write_str("the ZooKeeper session is over"),
            Self::NoNode => formatter.write_str("there is no such node in ZooKeeper"),
            Self::NodeExists => formatter.write_str("the node is there already"),
            Self::NoAuth => formatter.write_str("the node's ACL does not allow it"),
            Self::AuthFailed => formatter.write_str("ZooKeeper does not take the credentials"),
            Self::Refused(code) => write!(formatter, "ZooKeeper refused it with its error {code}"),
            Self::Protocol(why) => write!(formatter, "this is no answer of ZooKeeper: {why}"),
            Self::Tls { why, .. } => write!(formatter, "no TLS to ZooKeeper: {why}"),
        }
    }
}
