//! V1 tasks become V2 tasks and V1 tasks again, through the bytes of their files, as UPGRADE and a downgrade do it: every
//! field that V1 has comes back.
//!
//! The everyday run takes 20,000 generated tasks; `COMPTASK_ROUND_TRIPS` says another number, and `make round-trip` a million.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;

use comptask_upgrade::layout::V1Name;
use comptask_upgrade::plan::placement::{by_schema, Pc, Placement, SchemaAnswer};
use comptask_upgrade::task::{
    to_v1, to_v2, RepeatInfo, ResultInfo, StateV1, StateV2, TaskIdV1, TaskV1, V2Id, ORDINALS_LIMIT,
};
use comptask_upgrade::{Codec, DefaultCodec};

/// Numbers that look like chance and are the same on every run (`SplitMix64`).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Any number of a type, those at its rims more often than by chance.
    fn rim(&mut self, lowest: i64, highest: i64) -> i64 {
        match self.below(8) {
            0 => lowest,
            1 => highest,
            2 => 0.clamp(lowest, highest),
            _ => {
                let span = u64::try_from(i128::from(highest) - i128::from(lowest)).unwrap();
                lowest.wrapping_add_unsigned(self.next() % span.saturating_add(1).max(1))
            }
        }
    }

    fn text(&mut self, letters: &[char], longest: u64) -> String {
        let length = self.below(longest + 1);
        (0..length).map(|_| letters[usize::try_from(self.below(letters.len() as u64)).unwrap()]).collect()
    }

    fn task(&mut self) -> TaskV1 {
        const PU: [char; 10] = ['x', 'c', '2', '4', '_', '9', '.', '-', 'é', '%'];
        const ANY: [char; 14] = ['a', 'Z', '0', '.', '/', '%', ':', ' ', '\n', '\u{1}', '\0', 'ß', '订', '🦀'];
        TaskV1 {
            task_id: TaskIdV1 {
                receive_pu: format!("p{}", self.text(&PU, 20)),
                sequence_no: i32::try_from(self.rim(0, i32::MAX.into())).unwrap(),
                receive_ts: self.rim(0, 9_999_999_999_999).unsigned_abs(),
            },
            state: StateV1::ALL[usize::try_from(self.below(4)).unwrap()],
            repeat_flag: self.below(2) == 0,
            sub_task_flag: self.below(2) == 0,
            repeat_info: RepeatInfo {
                repeat_count: i32::try_from(self.rim(i32::MIN.into(), i32::MAX.into())).unwrap(),
                repeat_interval: i32::try_from(self.rim(i32::MIN.into(), i32::MAX.into())).unwrap(),
            },
            result_info: ResultInfo {
                success_count: u32::try_from(self.rim(0, u32::MAX.into())).unwrap(),
                failed_count: u32::try_from(self.rim(0, u32::MAX.into())).unwrap(),
            },
            db_name: self.text(&ANY, 40),
            schema_name: self.text(&ANY, 40),
            table_name: self.text(&ANY, 200),
            partition_name: self.text(&ANY, 10),
        }
    }
}

/// The state that a V1 task has after both ways: a task that was handed to a node is to be handed out anew.
fn state_after(state: StateV1) -> StateV1 {
    match state {
        StateV1::Assigned => StateV1::Init,
        other => other,
    }
}

fn there_and_back(task: &TaskV1, ordinal: u16, answer: &SchemaAnswer) {
    let old_name = V1Name::format(&task.base(), task.state);
    let read = DefaultCodec.decode_v1(&DefaultCodec.encode_v1(task).unwrap()).unwrap();
    let name = V1Name::parse(&old_name).unwrap();
    assert_eq!((read.base(), read.state), (name.base.clone(), name.state), "{old_name}");

    // As UPGRADE does it.
    let id = name.base.v2_id(ordinal).unwrap();
    let (pc, node) = match by_schema(&name.base.to_string(), answer) {
        Placement::At { pc, node } => (pc, node),
        Placement::Nowhere(why) => panic!("{old_name}: {why}"),
    };
    let v2_bytes = DefaultCodec.encode_v2(&to_v2(&read, &id, name.state.upgraded(), &pc, &node)).unwrap();
    let folder = id.to_string();

    // As a downgrade does it, from what lies there alone.
    let v2 = DefaultCodec.decode_v2(&v2_bytes).unwrap();
    assert_eq!(v2.id(), V2Id::parse(&folder).unwrap());
    assert_eq!((v2.executenode.as_str(), v2.state), (node.as_str(), name.state.upgraded()));
    let (ts, found) = v2.id().upgraded_from().unwrap();
    assert_eq!((ts, found), (task.task_id.receive_ts, ordinal));
    let base = comptask_upgrade::task::V1Base { pu: v2.receive_pu.clone(), seq: v2.task_id.sequence_no, ts };
    let back = to_v1(&v2, &base, v2.state.downgraded());
    let back = DefaultCodec.decode_v1(&DefaultCodec.encode_v1(&back).unwrap()).unwrap();
    assert_eq!(back, TaskV1 { state: state_after(task.state), ..task.clone() }, "{old_name}");
}

#[test]
fn every_field_of_v1_comes_back() {
    let wanted = std::env::var("COMPTASK_ROUND_TRIPS").map_or(20_000, |number| number.parse::<u64>().unwrap());
    let nodes = |names: [&str; 2]| names.map(str::to_owned).to_vec();
    let pcs = [("pc1", ["n1", "n2"]), ("pc.two", ["n:3", "upgrade"])];
    let answer = SchemaAnswer::Pcs(pcs.map(|(name, its)| Pc { name: name.to_owned(), nodes: nodes(its) }).to_vec());
    let mut draw = Draw(1);
    let (mut states, mut done) = (HashSet::new(), 0_u64);
    for _ in 0..wanted {
        let task = draw.task();
        states.insert((task.state, task.repeat_flag, task.sub_task_flag));
        there_and_back(&task, u16::try_from(draw.below(ORDINALS_LIMIT.into())).unwrap(), &answer);
        done += 1;
    }
    println!("{done} tasks went from V1 to V2 and back, in {} courses of state and flags", states.len());
    assert!(done >= 20_000 && states.len() == 16, "{done} tasks, {} courses", states.len());
    assert_eq!(StateV2::ALL.len(), StateV1::ALL.len());
}
