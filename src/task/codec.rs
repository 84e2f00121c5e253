//! The bytes of a task file. The default codec is this library's own; a host that knows the bytes of an installed
//! CirroData hands in its codec instead, and then nothing here looks inside a file.

use std::io::Cursor;

use bincode::Options;
use serde::{de::DeserializeOwned, Serialize};

use super::record::{TaskV1, TaskV2};
use crate::error::{Error, ErrorKind, Result};

/// The most bytes that a task file may have: 16 MiB.
pub const FILE_BYTES_LIMIT: u64 = 16 << 20;

const FORMAT_VERSION: u16 = 1;
const MAGIC_V1: [u8; 4] = *b"CTK1";
const MAGIC_V2: [u8; 4] = *b"CTK2";
const HEADER_BYTES: usize = 10;
const CRC_BYTES: usize = 4;

/// How task records become bytes and bytes become records.
///
/// Encoding must give the same bytes for the same record each time: a run that is resumed compares them.
/// A codec may be called from the thread of the run only, one call at a time.
pub trait Codec: Send + Sync {
    /// The V1 task in these bytes; `Corrupt` with the offset and the reason where they hold none.
    fn decode_v1(&self, bytes: &[u8]) -> Result<TaskV1>;
    /// The bytes of a V1 task.
    fn encode_v1(&self, task: &TaskV1) -> Result<Vec<u8>>;
    /// The V2 task in these bytes; `Corrupt` with the offset and the reason where they hold none.
    fn decode_v2(&self, bytes: &[u8]) -> Result<TaskV2>;
    /// The bytes of a V2 task.
    fn encode_v2(&self, task: &TaskV2) -> Result<Vec<u8>>;
}

/// The default codec: magic, u16 version, u32 payload length, payload (bincode 1.3, fixed-width, little-endian),
/// u32 CRC32C of all before it; every number little-endian.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultCodec;

impl Codec for DefaultCodec {
    fn decode_v1(&self, bytes: &[u8]) -> Result<TaskV1> {
        decode(MAGIC_V1, bytes)
    }

    fn encode_v1(&self, task: &TaskV1) -> Result<Vec<u8>> {
        encode(MAGIC_V1, task)
    }

    fn decode_v2(&self, bytes: &[u8]) -> Result<TaskV2> {
        decode(MAGIC_V2, bytes)
    }

    fn encode_v2(&self, task: &TaskV2) -> Result<Vec<u8>> {
        encode(MAGIC_V2, task)
    }
}

/// The CRC32C of some bytes as the manifest writes it: 8 lower-case hex digits.
pub fn crc32c_hex(bytes: &[u8]) -> String {
    format!("{:08x}", crc32c::crc32c(bytes))
}

fn payload_options() -> impl Options {
    bincode::options().with_fixint_encoding().with_little_endian().with_limit(FILE_BYTES_LIMIT)
}

fn encode(magic: [u8; 4], task: &impl Serialize) -> Result<Vec<u8>> {
    let payload = payload_options()
        .serialize(task)
        .map_err(|error| Error::new(ErrorKind::TooLarge, format!("the task cannot be written: {error}")))?;
    let length = u32::try_from(payload.len())
        .map_err(|_| Error::new(ErrorKind::TooLarge, "the task is longer than a file can say".to_owned()))?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + payload.len() + CRC_BYTES);
    bytes.extend_from_slice(&magic);
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&payload);
    bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(magic: [u8; 4], bytes: &[u8]) -> Result<T> {
    if bytes.is_empty() {
        return Err(corrupt(0, "the file is empty"));
    }
    if bytes.len() as u64 > FILE_BYTES_LIMIT {
        return Err(Error::new(ErrorKind::TooLarge, format!("a task file holds at most {FILE_BYTES_LIMIT} bytes")));
    }
    let Some(found) = bytes.first_chunk::<4>() else { return Err(corrupt(bytes.len(), "the file ends in its magic")) };
    if *found != magic {
        let wanted = String::from_utf8_lossy(&magic).into_owned();
        return Err(corrupt(0, &format!("the magic is {:?}, not {wanted:?}", String::from_utf8_lossy(found))));
    }
    let Some((version, length)) = read_version_and_length(bytes) else {
        return Err(corrupt(bytes.len(), "the file ends in its header"));
    };
    if version != FORMAT_VERSION {
        return Err(corrupt(4, &format!("format version {version} is not known, only {FORMAT_VERSION} is")));
    }
    let end = HEADER_BYTES as u64 + u64::from(length);
    if end + CRC_BYTES as u64 > FILE_BYTES_LIMIT {
        return Err(corrupt(6, &format!("a payload of {length} bytes is over the bound of {FILE_BYTES_LIMIT}")));
    }
    if (bytes.len() as u64) < end + CRC_BYTES as u64 {
        return Err(corrupt(bytes.len(), &format!("the file is torn: its header promises {length} bytes of payload")));
    }
    if bytes.len() as u64 > end + CRC_BYTES as u64 {
        return Err(corrupt(bytes.len() - 1, &format!("bytes follow the end, which is at {}", end + CRC_BYTES as u64)));
    }
    let (checked, crc) = bytes.split_at(bytes.len() - CRC_BYTES);
    let computed = crc32c::crc32c(checked);
    if crc != computed.to_le_bytes() {
        return Err(corrupt(checked.len(), &format!("the CRC32C does not match; computed {computed:08x}")));
    }
    let payload = &checked[HEADER_BYTES..];
    let mut cursor = Cursor::new(payload);
    // With the file's own length for the bound, a text that claims more is refused before memory is taken for it.
    let bound = payload.len() as u64;
    let task = payload_options().with_limit(bound).allow_trailing_bytes().deserialize_from(&mut cursor);
    let position = usize::try_from(cursor.position()).unwrap_or(payload.len()).min(payload.len());
    match task {
        Err(error) if matches!(*error, bincode::ErrorKind::SizeLimit) => {
            Err(corrupt(HEADER_BYTES + position, "a field goes beyond the end of the payload"))
        }
        Err(error) => Err(corrupt(HEADER_BYTES + position, &format!("the payload cannot be read: {error}"))),
        Ok(_) if position < payload.len() => {
            Err(corrupt(HEADER_BYTES + position, "the payload goes on after its last field"))
        }
        Ok(task) => Ok(task),
    }
}

fn read_version_and_length(bytes: &[u8]) -> Option<(u16, u32)> {
    let version = bytes.get(4..6)?.first_chunk()?;
    let length = bytes.get(6..HEADER_BYTES)?.first_chunk()?;
    Some((u16::from_le_bytes(*version), u32::from_le_bytes(*length)))
}

fn corrupt(offset: usize, reason: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("at offset {offset}: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::super::record::{Memo, Optimization, RepeatInfo, ResultInfo, TaskIdV1, TaskIdV2};
    use super::super::state::{StateV1, StateV2};
    use super::*;

    fn task_v1() -> TaskV1 {
        TaskV1 {
            task_id: TaskIdV1 { receive_pu: "xcloud24_9876".into(), sequence_no: 0, receive_ts: 1_617_693_156_000 },
            state: StateV1::Assigned,
            repeat_flag: true,
            sub_task_flag: false,
            repeat_info: RepeatInfo { repeat_count: 3, repeat_interval: -1 },
            result_info: ResultInfo { success_count: 2, failed_count: 1 },
            db_name: "sales".into(),
            schema_name: "eu".into(),
            table_name: "订单".into(),
            partition_name: String::new(),
        }
    }

    fn task_v2() -> TaskV2 {
        TaskV2 {
            task_id: TaskIdV2 { query_id: "aaaaffff.16176931.56000000".into(), sequence_no: 0 },
            receive_pu: "p".into(),
            state: StateV2::Done,
            optimizat: Optimization { db_name: "d".into(), pc_name: "c".into() },
            repeat_flag: false,
            sub_task_flag: true,
            sync_task_flag: false,
            repeat_info: RepeatInfo::default(),
            result_info: ResultInfo::default(),
            db_name: "d".into(),
            schema_name: "s".into(),
            table_name: "t".into(),
            partition_name: "p".into(),
            pc_name: "c".into(),
            executenode: "n".into(),
            memo: Memo { compact_filesize_threshold: -2, compact_group_num: 1 },
        }
    }

    /// Every byte written by hand from the format, none by the encoder.
    fn golden_v1() -> Vec<u8> {
        let mut payload = Vec::new();
        let text = |payload: &mut Vec<u8>, text: &str| {
            payload.extend((text.len() as u64).to_le_bytes());
            payload.extend(text.as_bytes());
        };
        text(&mut payload, "xcloud24_9876");
        payload.extend([0, 0, 0, 0]);
        payload.extend([0xa0, 0xa2, 0x06, 0xa6, 0x78, 0x01, 0, 0]);
        payload.extend([1, 0, 0, 0, 1, 0]);
        payload.extend([3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        payload.extend([2, 0, 0, 0, 1, 0, 0, 0]);
        for word in ["sales", "eu", "订单", ""] {
            text(&mut payload, word);
        }
        let mut file = b"CTK1\x01\x00".to_vec();
        file.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
        file.extend(payload);
        file.extend([0x19, 0x67, 0x53, 0x63]);
        file
    }

    #[test]
    fn v1_bytes_are_the_golden_ones() {
        assert_eq!(1_617_693_156_000_u64.to_le_bytes(), [0xa0, 0xa2, 0x06, 0xa6, 0x78, 0x01, 0, 0]);
        assert_eq!(DefaultCodec.encode_v1(&task_v1()).unwrap(), golden_v1());
        assert_eq!(DefaultCodec.decode_v1(&golden_v1()).unwrap(), task_v1());
    }

    #[test]
    fn v2_bytes_are_the_golden_ones() {
        let golden = concat!(
            "43544b3201009a0000001a0000000000000061616161666666662e31363137363933312e35363030",
            "30303030000000000100000000000000700300000001000000000000006401000000000000006300",
            "01000000000000000000000000000000000001000000000000006401000000000000007301000000",
            "000000007401000000000000007001000000000000006301000000000000006efeffffffffffffff",
            "01000000",
        );
        let bytes = DefaultCodec.encode_v2(&task_v2()).unwrap();
        let hex = bytes[..bytes.len() - 4].iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!(hex, golden);
        assert_eq!(bytes[bytes.len() - 4..], [0x9d, 0xfe, 0xaf, 0xd0]);
        assert_eq!(DefaultCodec.decode_v2(&bytes).unwrap(), task_v2());
    }

    #[test]
    fn the_crc_is_castagnolis() {
        assert_eq!(crc32c_hex(b"123456789"), "e3069283");
    }

    #[test]
    fn a_file_torn_anywhere_is_corrupt() {
        let whole = golden_v1();
        for length in 0..whole.len() {
            assert_eq!(DefaultCodec.decode_v1(&whole[..length]).unwrap_err().kind(), ErrorKind::Corrupt, "{length}");
        }
    }

    #[test]
    fn a_bit_flipped_anywhere_is_corrupt() {
        let whole = golden_v1();
        for position in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[position / 8] ^= 1 << (position % 8);
            assert_eq!(DefaultCodec.decode_v1(&bytes).unwrap_err().kind(), ErrorKind::Corrupt, "bit {position}");
        }
    }

    fn reason(bytes: &[u8]) -> String {
        DefaultCodec.decode_v1(bytes).unwrap_err().message().to_owned()
    }

    fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
        bytes.truncate(bytes.len() - 4);
        let crc = crc32c::crc32c(&bytes);
        bytes.extend(crc.to_le_bytes());
        bytes
    }

    #[test]
    fn the_reason_and_the_offset_are_said() {
        assert_eq!(reason(b""), "at offset 0: the file is empty");
        assert_eq!(
            reason(&DefaultCodec.encode_v2(&task_v2()).unwrap()),
            "at offset 0: the magic is \"CTK2\", not \"CTK1\""
        );
        let mut version = golden_v1();
        version[4] = 9;
        assert!(reason(&sealed(version)).starts_with("at offset 4: format version 9 is not known"));
        let mut length = golden_v1();
        length[6..10].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(reason(&sealed(length)).starts_with("at offset 6: a payload of 4294967295 bytes is over"));
        let mut inner = golden_v1();
        inner[10..18].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(
            reason(&sealed(inner)).starts_with("at offset 18: a field goes beyond the end of the payload"),
            "a huge inner length"
        );
        let mut state = golden_v1();
        state[10 + 8 + 13 + 4 + 8] = 7;
        assert!(reason(&sealed(state)).contains("no V1 state has the number 7"));
        let mut flag = golden_v1();
        flag[10 + 8 + 13 + 4 + 8 + 4] = 2;
        assert!(reason(&sealed(flag)).contains("at offset 48: the payload cannot be read"));
        let mut longer = golden_v1();
        longer.push(0);
        assert!(reason(&longer).contains("bytes follow the end"));
    }

    #[test]
    fn a_text_longer_than_its_file_is_refused_at_once() {
        let mut bytes = golden_v1();
        bytes[10..18].copy_from_slice(&(15_u64 << 20).to_le_bytes());
        assert!(
            reason(&sealed(bytes)).contains("goes beyond the end of the payload"),
            "it is not the end of the file that says so"
        );
    }

    #[test]
    fn a_payload_that_goes_on_is_corrupt() {
        let mut bytes = golden_v1();
        let length = u32::try_from(bytes.len() - 14 + 1).unwrap();
        bytes[6..10].copy_from_slice(&length.to_le_bytes());
        let crc_at = bytes.len() - 4;
        bytes.insert(crc_at, 0);
        assert!(reason(&sealed(bytes)).contains("goes on after its last field"));
    }
}
