//! The node gate: what a node of the new version asks as it starts.

use super::session::Session;
use super::trees;
use crate::error::{Error, ErrorKind, Result};
use crate::layout;
use crate::plan::phase::{gate, Gate, Phase};
use crate::storage::{only, Fence, Flow, Storage};
use crate::tree::Change;

/// How often a node tries to record its start in a done mark that goes and comes while it looks.
const RECORD_ATTEMPTS: u32 = 3;

/// A node that starts holds no lock; what it writes is its own name alone.
struct NoLockNeeded;

impl Fence for NoLockNeeded {
    fn permit(&self) -> Result<()> {
        Ok(())
    }
}

/// The phase, or why none fits. A node works on by what it is told, so nothing that was seen may go with the power.
fn durable_phase(storage: &dyn Storage) -> Result<Result<Phase>> {
    let seen = trees::read(storage)?;
    storage.flush()?;
    Ok(seen.phase())
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
        let mut phase = durable_phase(storage)??;
        for _ in 0..RECORD_ATTEMPTS {
            if phase != Phase::Upgraded {
                return Ok(gate(phase));
            }
            let create = Change::Create { path: record.clone(), bytes: Vec::new() };
            let recorded = match only(storage.change_batch(&[create], Flow { fence: &NoLockNeeded, in_flight: 1 })) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => true,
                // An operation took the folder away, which the next look sees.
                Err(error) if error.kind() == ErrorKind::NotFound => false,
                answer => answer.map(|()| true)?,
            };
            match durable_phase(storage)? {
                // Where one upgrade went and another came meanwhile, the record went with the first.
                Ok(seen) if recorded && (seen != Phase::Upgraded || storage.find(&record)?.is_some()) => {
                    return Ok(gate(seen));
                }
                Ok(seen) => phase = seen,
                // An operation that is under way may have left the trees in a state that no phase fits.
                Err(_) => break,
            }
        }
        Ok(Gate::DoNotStart)
    }
}
