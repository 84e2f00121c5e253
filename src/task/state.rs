//! The states of a task in both systems (seed: `CompactTaskState`).

use serde::{Deserialize, Serialize};

/// The state of a V1 task: the suffix of its file name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
#[repr(u32)]
pub enum StateV1 {
    /// Waiting; a name without a suffix.
    Init = 0,
    /// Handed to a node.
    Assigned = 1,
    /// Given up.
    Cancel = 2,
    /// Finished.
    Done = 3,
}

/// The state of a V2 task: the suffix of its `Status` file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "u32", try_from = "u32")]
#[repr(u32)]
pub enum StateV2 {
    /// Waiting.
    Init = 0,
    /// Under way on its executing node.
    Running = 1,
    /// Given up.
    Cancel = 2,
    /// Finished.
    Done = 3,
}

impl StateV1 {
    /// Every state, by its number.
    pub const ALL: [Self; 4] = [Self::Init, Self::Assigned, Self::Cancel, Self::Done];

    /// The word of the state, in names and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Init => "Init",
            Self::Assigned => "Assigned",
            Self::Cancel => "Cancel",
            Self::Done => "Done",
        }
    }

    /// The state that a V2 task starts in: what was handed to a node is handed out anew.
    pub fn upgraded(self) -> StateV2 {
        match self {
            Self::Init | Self::Assigned => StateV2::Init,
            Self::Cancel => StateV2::Cancel,
            Self::Done => StateV2::Done,
        }
    }
}

impl StateV2 {
    /// Every state, by its number.
    pub const ALL: [Self; 4] = [Self::Init, Self::Running, Self::Cancel, Self::Done];

    /// The word of the state, in names and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Init => "Init",
            Self::Running => "Running",
            Self::Cancel => "Cancel",
            Self::Done => "Done",
        }
    }

    /// The state that a word names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The state that the V1 task has which it becomes: V1 knows no task that is under way on a node it was not handed to.
    pub fn downgraded(self) -> StateV1 {
        match self {
            Self::Init | Self::Running => StateV1::Init,
            Self::Cancel => StateV1::Cancel,
            Self::Done => StateV1::Done,
        }
    }

    /// Whether a task in it still has work to do, and so a manager file.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Init | Self::Running)
    }
}

impl From<StateV1> for u32 {
    fn from(state: StateV1) -> Self {
        state as Self
    }
}

impl From<StateV2> for u32 {
    fn from(state: StateV2) -> Self {
        state as Self
    }
}

impl TryFrom<u32> for StateV1 {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| *state as u32 == number)
            .ok_or_else(|| format!("no V1 state has the number {number}"))
    }
}

impl TryFrom<u32> for StateV2 {
    type Error = String;

    fn try_from(number: u32) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|state| *state as u32 == number)
            .ok_or_else(|| format!("no V2 state has the number {number}"))
    }
}
