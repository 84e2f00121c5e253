//! What a caller asks of a run, and what it hears while the run goes on.

use crate::error::{Error, ErrorKind, Result};
use crate::plan::phase::Operation;
use crate::plan::placement::PlacementRule;
use crate::plan::recovery::RecoveryMode;

/// The stages of a run, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Stage {
    /// Phase, liveness, lock, names.
    Check = 0,
    /// Folders are listed.
    List = 1,
    /// Tasks are converted, compared or read.
    Convert = 2,
    /// The manifest and the done mark, or the first rename of a DELETE.
    Finish = 3,
    /// What is no longer needed goes.
    Clean = 4,
}

impl Stage {
    /// The stage's word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::List => "list",
            Self::Convert => "convert",
            Self::Finish => "finish",
            Self::Clean => "clean",
        }
    }
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The stage.
    pub stage: Stage,
    /// Tasks done in this run.
    pub done: u64,
    /// Tasks that were done before.
    pub skipped: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks in all; 0 where that is not known yet.
    pub total: u64,
    /// Tasks done a second since the stage began; 0 in its first moments.
    pub per_second: f64,
    /// The V1 name of the task at hand; empty between tasks.
    pub current: String,
}

/// What hears of progress, on the thread of the run.
pub type ProgressSink<'a> = &'a mut dyn FnMut(&Progress);

/// What a caller asks of a run. The default asks for nothing special.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools, reason = "these are independent switches, each with its own meaning")]
pub struct RunOptions {
    /// A dry run: everything but writing, each action listed.
    pub plan: bool,
    /// Compare every pair of tasks, field by field.
    pub verify: bool,
    /// DELETE or RECOVERY although something would be lost that the refusal without it names.
    pub force: bool,
    /// UPGRADE inside a running node, which has stopped its V1 scheduling.
    pub online: bool,
    /// UPGRADE takes a complete upgrade up again for V1 tasks that turned up since.
    pub reopen: bool,
    /// How RECOVERY goes back.
    pub recovery_mode: RecoveryMode,
    /// By what UPGRADE places tasks.
    pub placement: PlacementRule,
    /// Storage calls under way at a time; 0 lets the storage choose.
    pub in_flight: u32,
}

impl RunOptions {
    /// That everything asked for means something to the operation.
    pub(super) fn check(&self, operation: Operation) -> Result<()> {
        use Operation::{Delete, Recovery, Status, Upgrade};
        let rows: [(bool, &str, &[Operation]); 7] = [
            (self.plan, "plan", &[Upgrade, Recovery, Delete]),
            (self.verify, "verify", &[Status, Upgrade, Delete]),
            (self.force, "force", &[Recovery, Delete]),
            (self.online, "online", &[Upgrade]),
            (self.reopen, "reopen", &[Upgrade]),
            (self.recovery_mode != RecoveryMode::Auto, "a RECOVERY mode", &[Recovery]),
            (self.placement != PlacementRule::BySchema, "a placement", &[Upgrade]),
        ];
        if self.online && self.reopen {
            return Err(Error::new(ErrorKind::InvalidArgument, "reopen cannot be online: nodes may run V2 tasks")
                .advise("stop every node and run UPGRADE with reopen alone"));
        }
        match rows.iter().find(|(asked, _, operations)| *asked && !operations.contains(&operation)) {
            None => Ok(()),
            Some((_, what, operations)) => {
                let words: Vec<&str> = operations.iter().map(|operation| operation.word()).collect();
                let message = format!("{what} means nothing to {}", operation.word());
                Err(Error::new(ErrorKind::InvalidArgument, message)
                    .advise(format!("leave it out: it belongs to {}", words.join(", "))))
            }
        }
    }
}
