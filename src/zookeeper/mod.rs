//! A small client of `ZooKeeper`: what a lock and a list of nodes need of its protocol, on the caller's own thread.
//!
//! - [`options`]: servers, time-out, credentials.
//! - `wire`: the bytes. `stream`: a socket, bare or under TLS. `connection`: the protocol over it. `session`: a session,
//!   over one connection after the other.
//! - `tls` (a cargo feature): whom to trust, and as whom.
//! - `fault`: what can go wrong.
//!
//! It starts no thread and needs no async runtime. The clients on the registry leave a thread of their own behind for as
//! long as the process lives, which the C ABI promises not to do (`docs/decisions`).

mod connection;
mod fault;
pub(crate) mod options;
mod session;
mod stream;
#[cfg(feature = "zookeeper-tls")]
mod tls;
mod wire;

pub(crate) use fault::Fault;
pub use options::ZooKeeperOptions;
pub(crate) use options::{check_path, parents};
pub(crate) use session::{NodeKind, Session, Waited};
#[cfg(feature = "zookeeper-tls")]
pub use tls::ZooKeeperTls;
#[cfg(feature = "zookeeper-tls")]
pub(crate) use tls::{check_certificates, check_private_key};
