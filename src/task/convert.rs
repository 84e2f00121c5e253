//! One V1 task becomes one V2 task, and how the two are compared.

use super::id::V2Id;
use super::record::{Memo, Optimization, TaskIdV2, TaskV1, TaskV2};
use super::state::StateV2;

/// The V2 task that a V1 task becomes: in this state, in this PC, on this node; both empty where none was found.
pub fn to_v2(task: &TaskV1, id: &V2Id, state: StateV2, pc: &str, node: &str) -> TaskV2 {
    TaskV2 {
        task_id: TaskIdV2 { query_id: id.query_id.clone(), sequence_no: id.sequence_no },
        receive_pu: task.task_id.receive_pu.clone(),
        state,
        optimizat: Optimization { db_name: task.db_name.clone(), pc_name: pc.to_owned() },
        repeat_flag: task.repeat_flag,
        sub_task_flag: task.sub_task_flag,
        sync_task_flag: false,
        repeat_info: task.repeat_info,
        result_info: task.result_info,
        db_name: task.db_name.clone(),
        schema_name: task.schema_name.clone(),
        table_name: task.table_name.clone(),
        partition_name: task.partition_name.clone(),
        pc_name: pc.to_owned(),
        executenode: node.to_owned(),
        memo: Memo::default(),
    }
}

/// The names of the fields in which two V2 tasks differ, in the order of the record.
pub fn differing_fields(left: &TaskV2, right: &TaskV2) -> Vec<&'static str> {
    macro_rules! differing {
        ($($field:ident),*) => {{
            // Naming every field here makes a field that is added and not compared a compile error.
            let TaskV2 { $($field: _),* } = left;
            [$((stringify!($field), left.$field != right.$field)),*]
        }};
    }
    let fields = differing!(
        task_id,
        receive_pu,
        state,
        optimizat,
        repeat_flag,
        sub_task_flag,
        sync_task_flag,
        repeat_info,
        result_info,
        db_name,
        schema_name,
        table_name,
        partition_name,
        pc_name,
        executenode,
        memo
    );
    fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
