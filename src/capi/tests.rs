//! The border from the Rust side: the conformance suite through the host's storage functions, the rules of sized
//! structs, and the header against the committed one.

use std::ffi::{c_char, c_void, CStr, CString};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::error::{ctu_code, CTU_OK};
use super::host::{ctu_storage_vtable, HostData, HostStorage};
use super::reply::{ctu_reply, ctu_reply_bytes, ctu_reply_entry, ctu_reply_message};
use super::session::ctu_run_options;
use super::structs;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{conformance, Flow, MemoryStorage, NoFence, Storage};
use crate::tree::{Change, Kind, Stat, TreePath};

/// A host whose storage is the memory storage, seen through C functions alone.
struct Host(MemoryStorage);

unsafe fn host<'a>(user_data: *mut c_void) -> &'a dyn Storage {
    // SAFETY: every function below is handed the host of the test, which lives as long as the storage.
    unsafe { &(*user_data.cast::<Host>()).0 }
}

unsafe fn path(text: *const c_char) -> TreePath {
    // SAFETY: the library hands in NUL-ended texts.
    TreePath::parse(unsafe { CStr::from_ptr(text) }.to_str().unwrap()).unwrap()
}

unsafe fn answer(reply: *mut ctu_reply, result: Result<()>) -> ctu_code {
    let Err(error) = result else { return CTU_OK };
    let text = CString::new(error.message()).unwrap();
    // SAFETY: the reply of the call under way.
    unsafe { ctu_reply_message(reply, text.as_ptr()) };
    error.kind().code()
}

unsafe fn entry(reply: *mut ctu_reply, name: &str, stat: Stat) {
    let name = CString::new(name).unwrap();
    // SAFETY: the reply of the call under way.
    unsafe { ctu_reply_entry(reply, name.as_ptr(), stat.kind == Kind::Folder, stat.length, stat.mtime_ms) };
}

unsafe extern "C" fn list(user_data: *mut c_void, dir: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above, here and below.
    unsafe {
        let children = host(user_data).children(&path(dir)).transpose();
        let listed = children.unwrap_or_else(|| Err(Error::new(ErrorKind::NotFound, "no folder")));
        answer(reply, listed.map(|found| found.iter().for_each(|child| entry(reply, &child.name, child.stat))))
    }
}

unsafe extern "C" fn stat(user_data: *mut c_void, text: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe { answer(reply, host(user_data).stat(&path(text)).map(|stat| entry(reply, "ignored", stat))) }
}

unsafe extern "C" fn read(user_data: *mut c_void, text: *const c_char, limit: u64, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above. In two halves, since replies append.
    unsafe {
        let read = host(user_data).read(&path(text), limit);
        answer(
            reply,
            read.map(|bytes| {
                let (left, right) = bytes.split_at(bytes.len() / 2);
                ctu_reply_bytes(reply, left.as_ptr(), left.len());
                ctu_reply_bytes(reply, right.as_ptr(), right.len());
            }),
        )
    }
}

unsafe fn change(user_data: *mut c_void, change: Change, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        let mut answers = host(user_data).change_batch(&[change], Flow { fence: &NoFence, in_flight: 1 });
        answer(reply, answers.pop().unwrap())
    }
}

unsafe extern "C" fn create(
    user_data: *mut c_void,
    text: *const c_char,
    data: *const u8,
    len: usize,
    reply: *mut ctu_reply,
) -> ctu_code {
    // SAFETY: as above.
    unsafe {
        change(
            user_data,
            Change::Create { path: path(text), bytes: std::slice::from_raw_parts(data, len).to_vec() },
            reply,
        )
    }
}

unsafe extern "C" fn mkdir(user_data: *mut c_void, text: *const c_char, reply: *mut ctu_reply) -> ctu_code {
    // SAFETY: as above.
    unsafe { change(user_data, Change::MakeFolder { path: path(text) }, reply) }
}

unsafe extern "C" fn rename(
    user_data: *mut c_void,
    from: *const c_char,
    to: *const c_char,
    reply: *mut ctu_reply,
) -> ctu_code {
    // SAFETY: as above.
    unsafe { change(user_data, Change::Rename { from: path(from), to: path(to) }, reply) }
}

unsafe extern "C" fn remove(
    user_data: *mut c_void,
    text: *const c_char,
    recursive: bool,
    reply: *mut ctu_reply,
) -> ctu_code {
    // SAFETY: as above.
    unsafe { change(user_data, Change::Remove { path: path(text), recursive }, reply) }
}

static RELEASED: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn release(user_data: *mut c_void) {
    RELEASED.fetch_add(1, Ordering::SeqCst);
    // SAFETY: made by Box::into_raw in `open`, and released once.
    drop(unsafe { Box::from_raw(user_data.cast::<Host>()) });
}

fn table(max_concurrency: u32) -> ctu_storage_vtable {
    ctu_storage_vtable {
        struct_size: std::mem::size_of::<ctu_storage_vtable>(),
        max_concurrency,
        list: Some(list),
        stat: Some(stat),
        read: Some(read),
        create: Some(create),
        mkdir: Some(mkdir),
        rename: Some(rename),
        remove: Some(remove),
        release: Some(release),
    }
}

fn open(max_concurrency: u32) -> Box<dyn Storage> {
    let host = Box::into_raw(Box::new(Host(MemoryStorage::new())));
    let table = table(max_concurrency);
    HostStorage::check(&table).unwrap();
    Box::new(HostStorage::new(table, HostData::new(host.cast(), table.release), "test".to_owned()))
}

#[test]
fn the_hosts_storage_keeps_the_contract() {
    let before = RELEASED.load(Ordering::SeqCst);
    let opened = std::cell::Cell::new(0);
    for max_concurrency in [0, 1, 3] {
        conformance::check(&|| {
            opened.set(opened.get() + 1);
            open(max_concurrency)
        });
    }
    assert!(opened.get() >= 24);
    assert_eq!(RELEASED.load(Ordering::SeqCst) - before, opened.get(), "each host was released once");
}

#[test]
fn a_table_without_a_function_is_refused_by_name() {
    let whole = table(0);
    let error = HostStorage::check(&ctu_storage_vtable { rename: None, ..whole }).unwrap_err();
    assert_eq!(error.message(), "ctu_storage_vtable.rename is NULL");
}

#[test]
fn a_struct_is_read_by_its_size() {
    #[repr(C)]
    struct Newer {
        options: ctu_run_options,
        tail: u64,
    }
    // SAFETY: zero is valid for it.
    let zero: ctu_run_options = unsafe { std::mem::zeroed() };
    let mut newer = Newer { options: ctu_run_options { flags: 4, in_flight: 9, recovery_mode: 2, ..zero }, tail: 0 };
    let mut read = |size: usize, tail: u64| {
        (newer.options.struct_size, newer.tail) = (size, tail);
        // The pointer is one to all of it: what it points to may be read to the end.
        // SAFETY: `size` bytes are readable there, or the size is refused.
        unsafe { structs::read(std::ptr::from_ref(&newer).cast::<ctu_run_options>()) }
    };
    let whole = std::mem::size_of::<ctu_run_options>();
    assert_eq!(read(whole, 0).unwrap().in_flight, 9);
    let older = read(std::mem::offset_of!(ctu_run_options, recovery_mode), 7).unwrap();
    assert_eq!((older.flags, older.recovery_mode), (4, 0), "what an older caller does not know is zero");
    for half in 1..8 {
        let size = std::mem::offset_of!(ctu_run_options, progress) + half;
        let error = read(size, 0).map(|_| ()).unwrap_err();
        assert!(error.message().contains("set it to sizeof(ctu_run_options)"), "half a pointer, {size} bytes: {error}");
    }
    assert_eq!(read(whole + 8, 0).unwrap().flags, 4, "a newer caller that uses nothing new is served");
    for (size, tail) in [(whole + 8, 1), (0, 0), (7, 0), (usize::MAX, 0), (5_000, 0)] {
        assert_eq!(read(size, tail).map(|_| ()).unwrap_err().kind(), ErrorKind::InvalidArgument, "{size} {tail}");
    }
}

#[test]
fn a_bool_that_is_none_is_refused() {
    // SAFETY: zero is valid for it; the byte is written before any bool is read from it.
    unsafe {
        let mut task: super::task::ctu_task_v1 = std::mem::zeroed();
        task.struct_size = std::mem::size_of_val(&task);
        (&raw mut task.sub_task_flag).cast::<u8>().write(2);
        let error = structs::read(&raw const task).map(|_| ()).unwrap_err();
        assert!(error.message().contains("a bool in it"), "{error}");
    }
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = include_str!(concat!(env!("OUT_DIR"), "/comptask_upgrade.h"));
    let committed = include_str!("../../include/comptask_upgrade.h");
    assert!(generated == committed, "include/comptask_upgrade.h is not what src/capi says; mend it by: make header");
}

#[test]
fn numbers_at_the_border_are_those_of_the_crate() {
    use super::{report, session};
    use crate::{Operation, Phase, PlacementRule, RecoveryMode, Stage};
    let operations =
        [session::CTU_OP_STATUS, session::CTU_OP_UPGRADE, session::CTU_OP_RECOVERY, session::CTU_OP_DELETE];
    assert_eq!(operations.to_vec(), Operation::ALL.map(|operation| operation as i32).to_vec());
    let modes = [
        session::CTU_RECOVERY_AUTO,
        session::CTU_RECOVERY_CANCEL,
        session::CTU_RECOVERY_DOWNGRADE_OLD,
        session::CTU_RECOVERY_DOWNGRADE,
    ];
    assert_eq!(modes, RecoveryMode::ALL.map(|mode| mode as i32));
    let placements =
        [session::CTU_PLACE_BY_SCHEMA, session::CTU_PLACE_BY_ENTRY_NODE, session::CTU_PLACE_BY_ENTRY_NODE_OR_SCHEMA];
    assert_eq!(placements, PlacementRule::ALL.map(|rule| rule as i32));
    let gates = [session::CTU_GATE_USE_V1, session::CTU_GATE_USE_V2, session::CTU_GATE_DO_NOT_START];
    assert_eq!(gates, [crate::Gate::UseV1, crate::Gate::UseV2, crate::Gate::DoNotStart].map(|gate| gate as i32));
    let phases = [
        report::CTU_PHASE_EMPTY,
        report::CTU_PHASE_NOT_STARTED,
        report::CTU_PHASE_UPGRADING,
        report::CTU_PHASE_UPGRADED,
        report::CTU_PHASE_DELETING,
        report::CTU_PHASE_V2_ONLY,
        report::CTU_PHASE_RECOVERING,
        report::CTU_PHASE_REOPENING,
    ];
    assert_eq!(phases, Phase::ALL.map(|phase| phase as i32));
    let stages = [
        session::CTU_STAGE_CHECK,
        session::CTU_STAGE_LIST,
        session::CTU_STAGE_CONVERT,
        session::CTU_STAGE_FINISH,
        session::CTU_STAGE_CLEAN,
    ];
    assert_eq!(
        stages,
        [Stage::Check, Stage::List, Stage::Convert, Stage::Finish, Stage::Clean].map(|stage| stage as i32)
    );
}
