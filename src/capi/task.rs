//! `ctu_task`, the task structs, and the task rules for hosts that drive their own loop.

use std::ffi::{c_char, CString};
use std::mem::offset_of;

use super::boundary::{answer, clear_out, fallible, infallible, need_out};
use super::buffer::ctu_buffer;
use super::error::ctu_error;
use super::structs::{self, Sized_};
use super::text::{self, exact_c_string};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::V1Name;
use crate::task::{
    Codec, DefaultCodec, Memo, Optimization, RepeatInfo, ResultInfo, StateV1, StateV2, TaskIdV1, TaskIdV2, TaskV1,
    TaskV2, V1Base,
};

/// A V1 task (seed: CompactTaskInfoDataV1). Strings are NUL-ended UTF-8. `state`: Init 0, Assigned 1, Cancel 2, Done 3.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_task_v1 {
    /// sizeof(ctu_task_v1), set by the caller.
    pub struct_size: usize,
    /// The PU that received the task.
    pub receive_pu: *const c_char,
    /// Its sequence number, not negative.
    pub sequence_no: i32,
    /// When it was received, in milliseconds since 1970.
    pub receive_ts: u64,
    /// Its state.
    pub state: i32,
    /// Whether it repeats.
    pub repeat_flag: bool,
    /// Whether it has sub-tasks.
    pub sub_task_flag: bool,
    /// How often it repeats.
    pub repeat_count: i32,
    /// The time between two repeats, in the engine's unit.
    pub repeat_interval: i32,
    /// Sub-tasks that succeeded.
    pub success_count: u32,
    /// Sub-tasks that failed.
    pub failed_count: u32,
    /// The database of its table.
    pub db_name: *const c_char,
    /// The schema of its table.
    pub schema_name: *const c_char,
    /// Its table.
    pub table_name: *const c_char,
    /// Its partition; "" for the whole table.
    pub partition_name: *const c_char,
}

/// A V2 task (seed: CompactTaskInfoDataV2). Strings are NUL-ended UTF-8. `state`: Init 0, Running 1, Cancel 2, Done 3.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_task_v2 {
    /// sizeof(ctu_task_v2), set by the caller.
    pub struct_size: usize,
    /// The query id.
    pub query_id: *const c_char,
    /// Its sequence number, not negative.
    pub sequence_no: i32,
    /// The PU that received the task.
    pub receive_pu: *const c_char,
    /// Its state.
    pub state: i32,
    /// The database of its optimization.
    pub optimizat_db_name: *const c_char,
    /// The PC of its optimization; may be "".
    pub optimizat_pc_name: *const c_char,
    /// Whether it repeats.
    pub repeat_flag: bool,
    /// Whether it has sub-tasks.
    pub sub_task_flag: bool,
    /// Whether a client waits for it; false for upgraded tasks.
    pub sync_task_flag: bool,
    /// How often it repeats.
    pub repeat_count: i32,
    /// The time between two repeats, in the engine's unit.
    pub repeat_interval: i32,
    /// Sub-tasks that succeeded.
    pub success_count: u32,
    /// Sub-tasks that failed.
    pub failed_count: u32,
    /// The database of its table.
    pub db_name: *const c_char,
    /// The schema of its table.
    pub schema_name: *const c_char,
    /// Its table.
    pub table_name: *const c_char,
    /// Its partition; "" for the whole table.
    pub partition_name: *const c_char,
    /// The PC it runs in; may be "".
    pub pc_name: *const c_char,
    /// The node that runs it; may be "".
    pub executenode: *const c_char,
    /// The memo's threshold of the file size, in bytes; 0 means the engine's default.
    pub compact_filesize_threshold: i64,
    /// The memo's number of groups; 0 means the engine's default.
    pub compact_group_num: i32,
}

// SAFETY: repr(C), its size first, zero is valid, and its bools are listed.
unsafe impl Sized_ for ctu_task_v1 {
    const NAME: &'static str = "ctu_task_v1";
    const BOOL_OFFSETS: &'static [usize] = &[offset_of!(Self, repeat_flag), offset_of!(Self, sub_task_flag)];
}

// SAFETY: repr(C), its size first, zero is valid, and its bools are listed.
unsafe impl Sized_ for ctu_task_v2 {
    const NAME: &'static str = "ctu_task_v2";
    const BOOL_OFFSETS: &'static [usize] =
        &[offset_of!(Self, repeat_flag), offset_of!(Self, sub_task_flag), offset_of!(Self, sync_task_flag)];
}

/// A decoded task; ctu_task_v1_view or ctu_task_v2_view looks into it. The caller owns it and ends it with ctu_task_free.
pub struct ctu_task(Decoded);

enum Decoded {
    V1(V1Strings),
    V2(V2Strings),
}

/// A V1 task as C sees it: the struct's pointers lead into the strings beside it.
pub(super) struct V1Strings {
    raw: ctu_task_v1,
    #[allow(dead_code, reason = "the raw struct points into it")]
    strings: [CString; 5],
}

/// A V2 task as C sees it.
pub(super) struct V2Strings {
    raw: ctu_task_v2,
    #[allow(dead_code, reason = "the raw struct points into it")]
    strings: [CString; 10],
}

impl V1Strings {
    pub(super) fn new(task: &TaskV1) -> Result<Self> {
        let strings = [
            exact_c_string(&task.task_id.receive_pu, "receive_pu")?,
            exact_c_string(&task.db_name, "db_name")?,
            exact_c_string(&task.schema_name, "schema_name")?,
            exact_c_string(&task.table_name, "table_name")?,
            exact_c_string(&task.partition_name, "partition_name")?,
        ];
        let [receive_pu, db_name, schema_name, table_name, partition_name] =
            strings.each_ref().map(|text| text.as_ptr());
        let raw = ctu_task_v1 {
            struct_size: std::mem::size_of::<ctu_task_v1>(),
            receive_pu,
            sequence_no: task.task_id.sequence_no,
            receive_ts: task.task_id.receive_ts,
            state: task.state as i32,
            repeat_flag: task.repeat_flag,
            sub_task_flag: task.sub_task_flag,
            repeat_count: task.repeat_info.repeat_count,
            repeat_interval: task.repeat_info.repeat_interval,
            success_count: task.result_info.success_count,
            failed_count: task.result_info.failed_count,
            db_name,
            schema_name,
            table_name,
            partition_name,
        };
        Ok(Self { raw, strings })
    }

    pub(super) fn raw(&self) -> *const ctu_task_v1 {
        &raw const self.raw
    }
}

impl V2Strings {
    pub(super) fn new(task: &TaskV2) -> Result<Self> {
        let strings = [
            exact_c_string(&task.task_id.query_id, "query_id")?,
            exact_c_string(&task.receive_pu, "receive_pu")?,
            exact_c_string(&task.optimizat.db_name, "optimizat_db_name")?,
            exact_c_string(&task.optimizat.pc_name, "optimizat_pc_name")?,
            exact_c_string(&task.db_name, "db_name")?,
            exact_c_string(&task.schema_name, "schema_name")?,
            exact_c_string(&task.table_name, "table_name")?,
            exact_c_string(&task.partition_name, "partition_name")?,
            exact_c_string(&task.pc_name, "pc_name")?,
            exact_c_string(&task.executenode, "executenode")?,
        ];
        let [query_id, receive_pu, optimizat_db_name, optimizat_pc_name, db_name, schema_name, table_name, partition_name, pc_name, executenode] =
            strings.each_ref().map(|text| text.as_ptr());
        let raw = ctu_task_v2 {
            struct_size: std::mem::size_of::<ctu_task_v2>(),
            query_id,
            sequence_no: task.task_id.sequence_no,
            receive_pu,
            state: task.state as i32,
            optimizat_db_name,
            optimizat_pc_name,
            repeat_flag: task.repeat_flag,
            sub_task_flag: task.sub_task_flag,
            sync_task_flag: task.sync_task_flag,
            repeat_count: task.repeat_info.repeat_count,
            repeat_interval: task.repeat_info.repeat_interval,
            success_count: task.result_info.success_count,
            failed_count: task.result_info.failed_count,
            db_name,
            schema_name,
            table_name,
            partition_name,
            pc_name,
            executenode,
            compact_filesize_threshold: task.memo.compact_filesize_threshold,
            compact_group_num: task.memo.compact_group_num,
        };
        Ok(Self { raw, strings })
    }

    pub(super) fn raw(&self) -> *const ctu_task_v2 {
        &raw const self.raw
    }
}

/// The V1 task of a C struct.
///
/// # Safety
/// The struct is NULL or sized, and its strings are NULL or NUL-ended.
pub(super) unsafe fn read_v1(task: *const ctu_task_v1) -> Result<TaskV1> {
    // SAFETY: as promised by the caller.
    let raw = unsafe { structs::read(task) }?;
    // SAFETY: as promised by the caller.
    let own = |pointer, name| unsafe { text::text(pointer, name) }.map(str::to_owned);
    Ok(TaskV1 {
        task_id: TaskIdV1 {
            receive_pu: own(raw.receive_pu, "receive_pu")?,
            sequence_no: raw.sequence_no,
            receive_ts: raw.receive_ts,
        },
        state: state(raw.state)?,
        repeat_flag: raw.repeat_flag,
        sub_task_flag: raw.sub_task_flag,
        repeat_info: RepeatInfo { repeat_count: raw.repeat_count, repeat_interval: raw.repeat_interval },
        result_info: ResultInfo { success_count: raw.success_count, failed_count: raw.failed_count },
        db_name: own(raw.db_name, "db_name")?,
        schema_name: own(raw.schema_name, "schema_name")?,
        table_name: own(raw.table_name, "table_name")?,
        partition_name: own(raw.partition_name, "partition_name")?,
    })
}

/// The V2 task of a C struct.
///
/// # Safety
/// The struct is NULL or sized, and its strings are NULL or NUL-ended.
pub(super) unsafe fn read_v2(task: *const ctu_task_v2) -> Result<TaskV2> {
    // SAFETY: as promised by the caller.
    let raw = unsafe { structs::read(task) }?;
    // SAFETY: as promised by the caller.
    let own = |pointer, name| unsafe { text::text(pointer, name) }.map(str::to_owned);
    Ok(TaskV2 {
        task_id: TaskIdV2 { query_id: own(raw.query_id, "query_id")?, sequence_no: raw.sequence_no },
        receive_pu: own(raw.receive_pu, "receive_pu")?,
        state: state(raw.state)?,
        optimizat: Optimization {
            db_name: own(raw.optimizat_db_name, "optimizat_db_name")?,
            pc_name: own(raw.optimizat_pc_name, "optimizat_pc_name")?,
        },
        repeat_flag: raw.repeat_flag,
        sub_task_flag: raw.sub_task_flag,
        sync_task_flag: raw.sync_task_flag,
        repeat_info: RepeatInfo { repeat_count: raw.repeat_count, repeat_interval: raw.repeat_interval },
        result_info: ResultInfo { success_count: raw.success_count, failed_count: raw.failed_count },
        db_name: own(raw.db_name, "db_name")?,
        schema_name: own(raw.schema_name, "schema_name")?,
        table_name: own(raw.table_name, "table_name")?,
        partition_name: own(raw.partition_name, "partition_name")?,
        pc_name: own(raw.pc_name, "pc_name")?,
        executenode: own(raw.executenode, "executenode")?,
        memo: Memo {
            compact_filesize_threshold: raw.compact_filesize_threshold,
            compact_group_num: raw.compact_group_num,
        },
    })
}

fn state<S: TryFrom<u32, Error = String>>(number: i32) -> Result<S> {
    let state = u32::try_from(number).map_err(|_| format!("no state has the number {number}")).and_then(S::try_from);
    state.map_err(|why| Error::new(ErrorKind::InvalidArgument, why))
}

/// Reads a V1 file name: its base, and the state that its suffix says (Init 0, Assigned 1, Cancel 2, Done 3).
/// CTU_INVALID_ARGUMENT where the name is no V1 name. `*base_out` is owned by the caller, NULL on failure; `*state_out`
/// is -1 on failure.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v1_parse_name(
    name: *const c_char,
    base_out: *mut *mut ctu_buffer,
    state_out: *mut i32,
) -> *mut ctu_error {
    // SAFETY: by the header's words, here and below.
    unsafe { clear_out(base_out) };
    if !state_out.is_null() {
        // SAFETY: not NULL, so writable.
        unsafe { state_out.write(-1) };
    }
    fallible(|| {
        need_out(base_out)?;
        need_out(state_out)?;
        // SAFETY: by the header's words.
        let name = unsafe { text::text(name, "name") }?;
        let parsed = V1Name::parse(name).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidArgument,
                format!("{name:?} is no V1 name: compct.<pu>.<seq>.<ts>[.Assigned|.Cancel|.Done]"),
            )
        })?;
        // SAFETY: both were checked.
        unsafe {
            base_out.write(ctu_buffer::into_raw(parsed.base.to_string().into_bytes()));
            state_out.write(parsed.state as i32);
        }
        Ok(())
    })
}

/// The V2 id that a V1 base becomes, such as "aaaaffff.16176931.56000000.0". The ordinal, 0 to 999, tells tasks of
/// several PUs apart that share time and sequence number. `*out` is owned by the caller, NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v2_id(
    v1_base: *const c_char,
    ordinal: u32,
    out: *mut *mut ctu_buffer,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        answer(out, || {
            let text = text::text(v1_base, "v1_base")?;
            let base = V1Base::parse(text).ok_or_else(|| {
                Error::new(ErrorKind::InvalidArgument, format!("{text:?} is no V1 base: compct.<pu>.<seq>.<ts>"))
            })?;
            let id = base.v2_id(u16::try_from(ordinal).unwrap_or(u16::MAX))?;
            Ok(ctu_buffer::into_raw(id.to_string().into_bytes()))
        })
    }
}

/// The bytes of a V1 task in the default codec. `*out` is owned by the caller, NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v1_encode(task: *const ctu_task_v1, out: *mut *mut ctu_buffer) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { answer(out, || Ok(ctu_buffer::into_raw(DefaultCodec.encode_v1(&read_v1(task)?)?))) }
}

/// The V1 task in bytes of the default codec; CTU_CORRUPT with offset and reason where they hold none. `*out` is owned
/// by the caller, NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v1_decode(data: *const u8, len: usize, out: *mut *mut ctu_task) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        answer(out, || {
            let task = DefaultCodec.decode_v1(text::bytes(data, len, "data")?)?;
            Ok(Box::into_raw(Box::new(ctu_task(Decoded::V1(V1Strings::new(&task)?)))))
        })
    }
}

/// The bytes of a V2 task in the default codec. `*out` is owned by the caller, NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v2_encode(task: *const ctu_task_v2, out: *mut *mut ctu_buffer) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { answer(out, || Ok(ctu_buffer::into_raw(DefaultCodec.encode_v2(&read_v2(task)?)?))) }
}

/// The V2 task in bytes of the default codec; CTU_CORRUPT with offset and reason where they hold none. `*out` is owned
/// by the caller, NULL on failure.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v2_decode(data: *const u8, len: usize, out: *mut *mut ctu_task) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        answer(out, || {
            let task = DefaultCodec.decode_v2(text::bytes(data, len, "data")?)?;
            Ok(Box::into_raw(Box::new(ctu_task(Decoded::V2(V2Strings::new(&task)?)))))
        })
    }
}

/// Looks into a V1 task: fills in `*out`, whose struct_size the caller has set. Its strings live as long as the task.
/// CTU_INVALID_ARGUMENT where it is a V2 task.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v1_view(task: *const ctu_task, out: *mut ctu_task_v1) -> *mut ctu_error {
    fallible(|| {
        // SAFETY: NULL or sized, by the header's words.
        unsafe { structs::clear(out) }?;
        // SAFETY: NULL or a live task, by the header's words.
        match unsafe { task.as_ref() } {
            // SAFETY: NULL or sized, by the header's words.
            Some(ctu_task(Decoded::V1(view))) => unsafe { structs::write(out, &view.raw) },
            Some(_) => Err(Error::new(ErrorKind::InvalidArgument, "the task is a V2 task")),
            None => Err(Error::new(ErrorKind::InvalidArgument, "task is NULL")),
        }
    })
}

/// Looks into a V2 task: fills in `*out`, whose struct_size the caller has set. Its strings live as long as the task.
/// CTU_INVALID_ARGUMENT where it is a V1 task.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_v2_view(task: *const ctu_task, out: *mut ctu_task_v2) -> *mut ctu_error {
    fallible(|| {
        // SAFETY: NULL or sized, by the header's words.
        unsafe { structs::clear(out) }?;
        // SAFETY: NULL or a live task, by the header's words.
        match unsafe { task.as_ref() } {
            // SAFETY: NULL or sized, by the header's words.
            Some(ctu_task(Decoded::V2(view))) => unsafe { structs::write(out, &view.raw) },
            Some(_) => Err(Error::new(ErrorKind::InvalidArgument, "the task is a V1 task")),
            None => Err(Error::new(ErrorKind::InvalidArgument, "task is NULL")),
        }
    })
}

/// Ends a task. NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn ctu_task_free(task: *mut ctu_task) {
    infallible((), || {
        if !task.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(task) });
        }
    });
}

/// The states of both systems have the same numbers as in C, which the conversions above rely on.
const _: () = assert!(StateV1::Done as i32 == 3 && StateV2::Done as i32 == 3);
