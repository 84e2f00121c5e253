//! Liveness from the PU registry in `ZooKeeper`.

use std::sync::Arc;
use std::time::Instant;

use super::Liveness;
use crate::error::{Error, ErrorKind, Result};
use crate::zookeeper::{check_path, Fault, Session, ZooKeeperOptions};

/// The nodes that are up: the children of the PU registry's node in `ZooKeeper` (seed: `PUCtrl`).
///
/// Each call opens a session of its own, reads what is true now (not what one server last heard), and ends the session.
/// Any thread; at most the smaller of the session time-out and 10 s a call, and what the resolver of host names takes.
#[derive(Debug)]
pub struct ZooKeeperLiveness {
    options: Arc<ZooKeeperOptions>,
    registry: String,
}

impl ZooKeeperLiveness {
    /// The registry at a path. Nothing is asked yet.
    ///
    /// # Errors
    /// `InvalidArgument` where the path is none.
    pub fn new(options: ZooKeeperOptions, registry: &str) -> Result<Self> {
        check_path(registry)?;
        Ok(Self { options: Arc::new(options), registry: registry.to_owned() })
    }

    /// The names of the children, and the last transaction that made or removed one.
    fn read(&self) -> Result<(Vec<String>, i64)> {
        let failed = |fault: &Fault| match fault {
            Fault::NoNode => Error::new(ErrorKind::Liveness, "the registry of the nodes is not in ZooKeeper")
                .at(&self.registry)
                .advise("give the path of the registry that the nodes use, then run the command again"),
            fault => fault.to_error(ErrorKind::Liveness, "which nodes are up cannot be read", &self.registry),
        };
        let until = Instant::now() + self.options.connect_limit();
        let mut session = Session::open(Arc::clone(&self.options), until).map_err(|fault| failed(&fault))?;
        let answer = session.repeat(until, |session, until| {
            session.sync(&self.registry, until)?;
            session.children(&self.registry, until)
        });
        session.close(until);
        let (names, stat) = answer.map_err(|fault| failed(&fault))?;
        Ok((names, stat.pzxid))
    }
}

impl Liveness for ZooKeeperLiveness {
    fn online_nodes(&self) -> Result<Vec<String>> {
        Ok(self.read()?.0)
    }

    /// The `pzxid` of the registry's node.
    fn change_id(&self) -> Result<Option<i64>> {
        Ok(Some(self.read()?.1))
    }
}
