//! What a caller asks of a run, and what it hears while the run goes on.

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
    /// DELETE although unknown files lie in the V1 tree.
    pub force: bool,
    /// Storage calls under way at a time; 0 lets the storage choose.
    pub in_flight: u32,
}
