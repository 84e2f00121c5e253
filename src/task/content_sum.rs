//! The sum by which the bytes of a task file are known again.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh64::xxh64;

/// XXH64 (seed 0) of the bytes of a task file; the manifest writes it as 16 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentSum(u64);

impl TryFrom<String> for ContentSum {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let sum = u64::from_str_radix(&text, 16).map(Self);
        sum.ok().filter(|sum| sum.to_string() == text).ok_or_else(|| format!("{text:?} is no sum of 16 hex digits"))
    }
}

impl From<ContentSum> for String {
    fn from(sum: ContentSum) -> Self {
        sum.to_string()
    }
}

impl fmt::Display for ContentSum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:016x}", self.0)
    }
}

/// The sum of some bytes.
///
/// Not CRC32C: a file that ends in the CRC32C of all before it, as those of the default codec do, has one and the same
/// CRC32C as a whole, whatever it holds.
pub fn content_sum(bytes: &[u8]) -> ContentSum {
    ContentSum(xxh64(bytes, 0))
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
        assert_eq!(content_sum(b"").to_string(), "ef46db3751d8e999");
        assert_eq!(content_sum(b"abc").to_string(), "44bc2cf5ad770999");
    }

    #[test]
    fn it_is_read_back_as_it_was_written_and_in_no_other_way() {
        for (text, sum) in [("000000000000000a", Some(10)), ("ffffffffffffffff", Some(u64::MAX))] {
            assert_eq!(ContentSum::try_from(text.to_owned()).ok(), sum.map(ContentSum));
        }
        for bad in ["", "a", "000000000000000A", "+00000000000000a", "0000000000000000a", "g000000000000000", "x\""] {
            assert!(ContentSum::try_from(bad.to_owned()).unwrap_err().contains(&format!("{bad:?}")), "{bad}");
        }
    }
}
