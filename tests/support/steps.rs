//! What can be asked of a tree, an operation or the node gate, undisturbed or in a process that faults befall.

use std::fmt;
use std::sync::Arc;

use comptask_upgrade::{ErrorKind, Gate, MemoryStorage, Operation, RecoveryMode, RunOptions, Session};

use super::disk::Disk;
use super::faults::{Fault, FaultStorage};
use super::sessions::{builder, fresh};

/// One step.
#[derive(Clone, Copy, PartialEq)]
pub enum Step {
    Run(Operation, RecoveryMode),
    Gate,
}

/// What it answered, as far as two can be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    Well,
    Failed(ErrorKind),
    Gate(Gate),
}

pub const UPGRADE: Step = Step::Run(Operation::Upgrade, RecoveryMode::Auto);
pub const DELETE: Step = Step::Run(Operation::Delete, RecoveryMode::Auto);
pub const STATUS: Step = Step::Run(Operation::Status, RecoveryMode::Auto);
/// The node gate, asked by one node again and again.
pub const NODE: &str = "xcloud24_9876";

/// RECOVERY by a mode, forced where it loses what it names.
pub fn recovery(mode: RecoveryMode) -> Step {
    Step::Run(Operation::Recovery, mode)
}

impl fmt::Debug for Step {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(Operation::Recovery, mode) => write!(to, "recovery {}", mode.word()),
            Self::Run(operation, _) => to.write_str(operation.word()),
            Self::Gate => to.write_str("gate"),
        }
    }
}

impl Step {
    /// In a session of the caller's.
    pub fn take(self, session: &Session) -> Answered {
        match self {
            Self::Gate => session.node_gate(NODE).map_or_else(|error| Answered::Failed(error.kind()), Answered::Gate),
            Self::Run(operation, recovery_mode) => {
                let force = recovery_mode == RecoveryMode::DowngradeOld;
                let options = RunOptions { recovery_mode, force, ..RunOptions::default() };
                let answer = session.run(operation, &options, None);
                answer.map_or_else(|failure| Answered::Failed(failure.error.kind()), |_| Answered::Well)
            }
        }
    }

    /// By a process that nothing befalls.
    pub fn plainly(self, tree: &MemoryStorage, catalog: &str) -> Answered {
        self.take(&fresh(tree, catalog))
    }

    /// By a process on this disk that faults befall.
    pub fn disturbed(
        self,
        disk: &Disk,
        catalog: &str,
        faults: impl IntoIterator<Item = (u64, Fault)>,
        seed: u64,
    ) -> (Answered, FaultStorage) {
        let storage = FaultStorage::on(disk, faults, seed);
        let session = builder(Arc::new(storage.clone()), storage.lock(), catalog).open().unwrap();
        (self.take(&session), storage)
    }
}
