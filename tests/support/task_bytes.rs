//! Task files read by hand, as docs/format.md says and not as the library does it.

use comptask_upgrade::task::{
    Memo, Optimization, RepeatInfo, ResultInfo, StateV1, StateV2, TaskIdV1, TaskIdV2, TaskV1, TaskV2,
};

type Read<T> = Result<T, String>;

/// What is left of a payload.
struct Payload<'b>(&'b [u8]);

impl<'b> Payload<'b> {
    /// The payload of a file that begins with these four letters.
    fn of(bytes: &'b [u8], magic: [u8; 4]) -> Read<Self> {
        let crc_at = bytes.len().checked_sub(4).filter(|at| *at >= 10).ok_or("the file is too short")?;
        let (body, crc) = bytes.split_at(crc_at);
        let length = u32::from_le_bytes([body[6], body[7], body[8], body[9]]);
        if body[..4] != magic || body[4..6] != [1, 0] || length as usize != body.len() - 10 {
            return Err(format!("its head is {:?}", &body[..10]));
        }
        if crc32c(body).to_le_bytes() != crc {
            return Err("its CRC does not fit it".to_owned());
        }
        Ok(Self(&body[10..]))
    }

    fn take<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or("the payload ends too soon")?;
        self.0 = rest;
        Ok(*taken)
    }

    fn i32(&mut self) -> Read<i32> {
        self.take().map(i32::from_le_bytes)
    }

    fn u32(&mut self) -> Read<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn i64(&mut self) -> Read<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn u64(&mut self) -> Read<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Read<bool> {
        match self.take()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(format!("a flag is {other}")),
        }
    }

    fn text(&mut self) -> Read<String> {
        let length = usize::try_from(self.u64()?).map_err(|error| error.to_string())?;
        let (text, rest) = self.0.split_at_checked(length).ok_or("a text goes beyond the payload")?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).map_err(|error| error.to_string())
    }

    fn repeat_info(&mut self) -> Read<RepeatInfo> {
        Ok(RepeatInfo { repeat_count: self.i32()?, repeat_interval: self.i32()? })
    }

    fn result_info(&mut self) -> Read<ResultInfo> {
        Ok(ResultInfo { success_count: self.u32()?, failed_count: self.u32()? })
    }

    fn end<T>(self, task: T) -> Read<T> {
        if self.0.is_empty() {
            Ok(task)
        } else {
            Err(format!("{} bytes follow the last field", self.0.len()))
        }
    }
}

/// Bit by bit, by the polynomial of Castagnoli.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

/// The task of a V1 file.
pub fn read_v1(bytes: &[u8]) -> Read<TaskV1> {
    let mut from = Payload::of(bytes, *b"CTK1")?;
    let task = TaskV1 {
        task_id: TaskIdV1 { receive_pu: from.text()?, sequence_no: from.i32()?, receive_ts: from.u64()? },
        state: match from.u32()? {
            0 => StateV1::Init,
            1 => StateV1::Assigned,
            2 => StateV1::Cancel,
            3 => StateV1::Done,
            other => return Err(format!("its state is {other}")),
        },
        repeat_flag: from.flag()?,
        sub_task_flag: from.flag()?,
        repeat_info: from.repeat_info()?,
        result_info: from.result_info()?,
        db_name: from.text()?,
        schema_name: from.text()?,
        table_name: from.text()?,
        partition_name: from.text()?,
    };
    from.end(task)
}

/// The task of a `TaskInfo`.
pub fn read_v2(bytes: &[u8]) -> Read<TaskV2> {
    let mut from = Payload::of(bytes, *b"CTK2")?;
    let task = TaskV2 {
        task_id: TaskIdV2 { query_id: from.text()?, sequence_no: from.i32()? },
        receive_pu: from.text()?,
        state: match from.u32()? {
            0 => StateV2::Init,
            1 => StateV2::Running,
            2 => StateV2::Cancel,
            3 => StateV2::Done,
            other => return Err(format!("its state is {other}")),
        },
        optimizat: Optimization { db_name: from.text()?, pc_name: from.text()? },
        repeat_flag: from.flag()?,
        sub_task_flag: from.flag()?,
        sync_task_flag: from.flag()?,
        repeat_info: from.repeat_info()?,
        result_info: from.result_info()?,
        db_name: from.text()?,
        schema_name: from.text()?,
        table_name: from.text()?,
        partition_name: from.text()?,
        pc_name: from.text()?,
        executenode: from.text()?,
        memo: Memo { compact_filesize_threshold: from.i64()?, compact_group_num: from.i32()? },
    };
    from.end(task)
}
