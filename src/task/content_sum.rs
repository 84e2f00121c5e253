//! The sum by which the bytes of a task file are known again.

use xxhash_rust::xxh64::xxh64;

/// XXH64 (seed 0) of the bytes of a task file, as the manifest writes it: 16 lower-case hex digits.
///
/// Not CRC32C: a file that ends in the CRC32C of all before it, as those of the default codec do, has one and the same
/// CRC32C as a whole, whatever it holds.
pub fn content_sum(bytes: &[u8]) -> String {
    format!("{:016x}", xxh64(bytes, 0))
}

#[cfg(test)]
mod tests {
    use super::super::{crc32c_hex, Codec, DefaultCodec, RepeatInfo, ResultInfo, StateV1, TaskIdV1, TaskV1};
    use super::*;

    fn file(table: &str) -> Vec<u8> {
        let task = TaskV1 {
            task_id: TaskIdV1 { receive_pu: "p".into(), sequence_no: 0, receive_ts: 1 },
            state: StateV1::Init,
            repeat_flag: false,
            sub_task_flag: false,
            repeat_info: RepeatInfo::default(),
            result_info: ResultInfo::default(),
            db_name: "d".into(),
            schema_name: "s".into(),
            table_name: table.into(),
            partition_name: String::new(),
        };
        DefaultCodec.encode_v1(&task).unwrap()
    }

    #[test]
    fn two_whole_files_of_one_length_differ_in_it() {
        let (left, right) = (file("left1"), file("right"));
        assert_eq!(left.len(), right.len());
        assert_eq!(crc32c_hex(&left), crc32c_hex(&right), "which is why the sum is no CRC32C");
        assert_ne!(content_sum(&left), content_sum(&right));
    }

    #[test]
    fn it_is_xxh64() {
        assert_eq!(content_sum(b""), "ef46db3751d8e999");
        assert_eq!(content_sum(b"abc"), "44bc2cf5ad770999");
    }
}
