//! The cluster around the tree: the catalog (who may run where) and the liveness (who is up).

mod liveness;
mod snapshot;
#[cfg(feature = "zookeeper")]
mod zookeeper;

pub use liveness::{AssumeOffline, FileLiveness};
pub use snapshot::CatalogSnapshot;
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeperLiveness;

use crate::error::Result;

/// Who may run where (seed: `MetaDataService`). Names may come in any order and more than once.
///
/// # Errors
/// Every call: `Catalog` where the catalog cannot be reached. That is no answer: the task stays unconverted.
pub trait Catalog: Send + Sync {
    /// The PCs that a schema may use; `None` where there is no such schema.
    fn schema_pcs(&self, db: &str, schema: &str) -> Result<Option<Vec<String>>>;
    /// The PCs of the cluster.
    fn cluster_pcs(&self) -> Result<Vec<String>>;
    /// The nodes of a PC.
    fn pc_nodes(&self, pc: &str) -> Result<Vec<String>>;
    /// All nodes of the cluster.
    fn cluster_nodes(&self) -> Result<Vec<String>>;
}

/// Who is up (seed: `PUCtrl`).
pub trait Liveness: Send + Sync {
    /// The names of the nodes that are up.
    ///
    /// # Errors
    /// `Liveness` where that cannot be told.
    fn online_nodes(&self) -> Result<Vec<String>>;

    /// A number that grows whenever a node comes or goes, where there is one.
    ///
    /// # Errors
    /// `Liveness` where it cannot be told.
    fn change_id(&self) -> Result<Option<i64>> {
        Ok(None)
    }
}
