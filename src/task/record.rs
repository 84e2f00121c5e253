//! The records inside the task files, field by field as the seed's objects list them.
//!
//! The order of the fields is the order of the bytes: it is part of the format.

use serde::{Deserialize, Serialize};

use super::id::{V1Base, V2Id};
use super::state::{StateV1, StateV2};

/// Seed: `CompactTaskIdV1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskIdV1 {
    /// The PU that received the task.
    pub receive_pu: String,
    /// Its sequence number.
    pub sequence_no: i32,
    /// When it was received.
    pub receive_ts: u64,
}

/// Seed: `CompactTaskId`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskIdV2 {
    /// The query id.
    pub query_id: String,
    /// Its sequence number.
    pub sequence_no: i32,
}

/// Seed: `RepeatInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct RepeatInfo {
    /// How often the task repeats.
    pub repeat_count: i32,
    /// The time between two repeats, in the engine's unit.
    pub repeat_interval: i32,
}

/// Seed: `ResultInfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct ResultInfo {
    /// Sub-tasks that succeeded.
    pub success_count: u32,
    /// Sub-tasks that failed.
    pub failed_count: u32,
}

/// Seed: `CompactOptimization`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Optimization {
    /// The database.
    pub db_name: String,
    /// The PC; empty where any node may run the task.
    pub pc_name: String,
}

/// Seed: `TaskMemo`; zeros mean the engine's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Memo {
    /// The threshold of the file size, in bytes.
    pub compact_filesize_threshold: i64,
    /// The number of groups.
    pub compact_group_num: i32,
}

/// A V1 task (seed: `CompactTaskInfoDataV1`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskV1 {
    /// Its id: the three parts of its file name.
    pub task_id: TaskIdV1,
    /// Its state when it was written; the suffix of the file name is the truth.
    pub state: StateV1,
    /// Whether it repeats.
    pub repeat_flag: bool,
    /// Whether it has sub-tasks.
    pub sub_task_flag: bool,
    /// How it repeats.
    pub repeat_info: RepeatInfo,
    /// What came of it so far.
    pub result_info: ResultInfo,
    /// The database of its table.
    pub db_name: String,
    /// The schema of its table, which decides where it may run.
    pub schema_name: String,
    /// Its table.
    pub table_name: String,
    /// Its partition; empty for the whole table.
    pub partition_name: String,
}

/// A V2 task (seed: `CompactTaskInfoDataV2`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskV2 {
    /// Its id: the name of its folder.
    pub task_id: TaskIdV2,
    /// The PU that received it.
    pub receive_pu: String,
    /// Its state when it was written; the `Status` file is the truth.
    pub state: StateV2,
    /// Where it may run.
    pub optimizat: Optimization,
    /// Whether it repeats.
    pub repeat_flag: bool,
    /// Whether it has sub-tasks.
    pub sub_task_flag: bool,
    /// Whether a client waits for it; never for an upgraded task.
    pub sync_task_flag: bool,
    /// How it repeats.
    pub repeat_info: RepeatInfo,
    /// What came of it so far.
    pub result_info: ResultInfo,
    /// The database of its table.
    pub db_name: String,
    /// The schema of its table.
    pub schema_name: String,
    /// Its table.
    pub table_name: String,
    /// Its partition; empty for the whole table.
    pub partition_name: String,
    /// The PC it runs in; empty where any node may run it.
    pub pc_name: String,
    /// The node that runs it; empty where none was found.
    pub executenode: String,
    /// Hints to the engine.
    pub memo: Memo,
}

impl TaskV1 {
    /// Its id as its file name spells it.
    pub fn base(&self) -> V1Base {
        V1Base { pu: self.task_id.receive_pu.clone(), seq: self.task_id.sequence_no, ts: self.task_id.receive_ts }
    }
}

impl TaskV2 {
    /// Its id as its folder's name spells it.
    pub fn id(&self) -> V2Id {
        V2Id { query_id: self.task_id.query_id.clone(), sequence_no: self.task_id.sequence_no }
    }
}
