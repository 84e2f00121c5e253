//! One V1 task becomes one V2 task, and how the two are compared.

use super::id::{V1Base, V2Id};
use super::record::{Memo, Optimization, TaskIdV1, TaskIdV2, TaskV1, TaskV2};
use super::state::{StateV1, StateV2};

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

/// The V1 task that a V2 task becomes: under this name, in this state.
pub fn to_v1(task: &TaskV2, base: &V1Base, state: StateV1) -> TaskV1 {
    TaskV1 {
        task_id: TaskIdV1 { receive_pu: base.pu.clone(), sequence_no: base.seq, receive_ts: base.ts },
        state,
        repeat_flag: task.repeat_flag,
        sub_task_flag: task.sub_task_flag,
        repeat_info: task.repeat_info,
        result_info: task.result_info,
        db_name: task.db_name.clone(),
        schema_name: task.schema_name.clone(),
        table_name: task.table_name.clone(),
        partition_name: task.partition_name.clone(),
    }
}

/// What of a V2 task V1 cannot hold, where it says anything: each as `name=value`.
pub fn dropped_by_v1(task: &TaskV2) -> Vec<String> {
    let mut dropped = Vec::new();
    let texts = [
        ("optimizat.db_name", &task.optimizat.db_name, &task.db_name),
        ("optimizat.pc_name", &task.optimizat.pc_name, &task.pc_name),
    ];
    // What only repeats another field is no loss of its own.
    for (name, value, same_as) in texts {
        if !value.is_empty() && value != same_as {
            dropped.push(format!("{name}={value}"));
        }
    }
    for (name, value) in [("pc_name", &task.pc_name), ("executenode", &task.executenode)] {
        if !value.is_empty() {
            dropped.push(format!("{name}={value}"));
        }
    }
    if task.sync_task_flag {
        dropped.push("sync_task_flag=true".to_owned());
    }
    let Memo { compact_filesize_threshold, compact_group_num } = task.memo;
    if compact_filesize_threshold != 0 {
        dropped.push(format!("memo.compact_filesize_threshold={compact_filesize_threshold}"));
    }
    if compact_group_num != 0 {
        dropped.push(format!("memo.compact_group_num={compact_group_num}"));
    }
    dropped
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::task::{RepeatInfo, ResultInfo};

    prop_compose! {
        fn any_v1()(
            pu in "[a-z.0-9]{1,8}", seq in 0..=i32::MAX, ts in 0..10_000_000_000_000_u64, state in 0..4_usize,
            flags in any::<[bool; 2]>(), numbers in any::<(i32, i32, u32, u32)>(), names in any::<[String; 4]>(),
        ) -> TaskV1 {
            let [db_name, schema_name, table_name, partition_name] = names;
            TaskV1 {
                task_id: TaskIdV1 { receive_pu: pu, sequence_no: seq, receive_ts: ts },
                state: StateV1::ALL[state],
                repeat_flag: flags[0],
                sub_task_flag: flags[1],
                repeat_info: RepeatInfo { repeat_count: numbers.0, repeat_interval: numbers.1 },
                result_info: ResultInfo { success_count: numbers.2, failed_count: numbers.3 },
                db_name,
                schema_name,
                table_name,
                partition_name,
            }
        }
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_task_but_for_the_node_it_was_handed_to(task in any_v1(), ordinal in 0..1_000_u16) {
            let base = task.base();
            let id = base.v2_id(ordinal).unwrap();
            let v2 = to_v2(&task, &id, task.state.upgraded(), "pc", "node");
            let state = v2.state.downgraded();
            let expected = match task.state {
                StateV1::Assigned => TaskV1 { state: StateV1::Init, ..task.clone() },
                _ => task.clone(),
            };
            prop_assert_eq!(to_v1(&v2, &base, state), expected);
            prop_assert_eq!(dropped_by_v1(&v2), ["pc_name=pc", "executenode=node"]);
        }
    }

    #[test]
    fn what_v1_cannot_hold_is_named() {
        let task = TaskV2 {
            task_id: TaskIdV2 { query_id: "q".into(), sequence_no: 0 },
            receive_pu: "p".into(),
            state: StateV2::Running,
            optimizat: Optimization { db_name: "other".into(), pc_name: "wanted".into() },
            repeat_flag: false,
            sub_task_flag: false,
            sync_task_flag: true,
            repeat_info: RepeatInfo::default(),
            result_info: ResultInfo::default(),
            db_name: "d".into(),
            schema_name: "s".into(),
            table_name: "t".into(),
            partition_name: String::new(),
            pc_name: String::new(),
            executenode: String::new(),
            memo: Memo { compact_filesize_threshold: 5, compact_group_num: -1 },
        };
        assert_eq!(
            dropped_by_v1(&task),
            [
                "optimizat.db_name=other",
                "optimizat.pc_name=wanted",
                "sync_task_flag=true",
                "memo.compact_filesize_threshold=5",
                "memo.compact_group_num=-1"
            ]
        );
    }
}
