//! The node gate: what a node of the new version asks as it starts.

use super::session::Session;
use super::trees;
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::phase::{gate, Gate, Phase};
use crate::storage::{only, Fence, Flow, Storage};
use crate::tree::Change;

/// A node that starts holds no lock; what it writes is its own name alone.
struct NoLockNeeded;

impl Fence for NoLockNeeded {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
}

impl Session {
    /// What a node does that starts: asked after it has registered itself as a PU and before it touches a task. In the
    /// phase Upgraded the start is recorded durably first. Takes no lock; asking twice is asking once.
    ///
    /// Each side writes before it reads: the node registers or records itself and then looks for an operation, an
    /// operation makes itself known and then looks for nodes. So at least one of two that meet sees the other.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty name, `TooLarge` for one whose record would have over 255 bytes.
    pub fn node_gate(&self, node: &str) -> Result<Gate> {
        if node.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, "the name of the node is empty"));
        }
        let record = layout::started(node)?;
        let _one_at_a_time = self.busy()?;
        let storage: &dyn Storage = &*self.storage;
        if trees::read(storage)?.phase()? == Phase::Upgraded {
            let create = Change::Create { path: record, bytes: Vec::new() };
            match only(storage.change_batch(&[create], Flow { fence: &NoLockNeeded, in_flight: 1 })) {
                // Recorded before; or an operation took the folder away, which the second look sees.
                Err(error) if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {}
                recorded => recorded?,
            }
        }
        // An operation that is under way may have left the trees in a state that no phase fits.
        Ok(trees::read(storage)?.phase().map_or(Gate::DoNotStart, gate))
    }
}
