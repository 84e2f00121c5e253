//! `ctu_session` and the operations.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use super::boundary::{answer, clear_out, fallible, infallible, need_out};
use super::config::ctu_config;
use super::error::ctu_error;
use super::report::ctu_report;
use super::structs::{self, Sized_};
use super::text::{c_string, text};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::phase::Operation;
use crate::{Failure, PlacementRule, Progress, RecoveryMode, Report, RunOptions, Session};

/// An operation, numbered as the seed numbers them (OP_TYPE).
pub type ctu_op = i32;
/// Says where things stand; takes no lock and writes nothing.
pub const CTU_OP_STATUS: ctu_op = 0;
/// V1 tasks become V2 tasks.
pub const CTU_OP_UPGRADE: ctu_op = 1;
/// Back to V1.
pub const CTU_OP_RECOVERY: ctu_op = 2;
/// The V1 tree goes.
pub const CTU_OP_DELETE: ctu_op = 3;
/// No operation.
pub const CTU_OP_INVALID: ctu_op = 4;

/// The stage of a run: phase, liveness, lock, names.
pub const CTU_STAGE_CHECK: i32 = 0;
/// The stage of a run: folders are listed.
pub const CTU_STAGE_LIST: i32 = 1;
/// The stage of a run: tasks are converted, or compared.
pub const CTU_STAGE_CONVERT: i32 = 2;
/// The stage of a run: the change that decides.
pub const CTU_STAGE_FINISH: i32 = 3;
/// The stage of a run: what is no longer needed goes.
pub const CTU_STAGE_CLEAN: i32 = 4;

/// RECOVERY by cancel where that is possible.
pub const CTU_RECOVERY_AUTO: i32 = 0;
/// RECOVERY as if the upgrade had never been.
pub const CTU_RECOVERY_CANCEL: i32 = 1;
/// RECOVERY to the old files as they are.
pub const CTU_RECOVERY_DOWNGRADE_OLD: i32 = 2;
/// RECOVERY with what happened since.
pub const CTU_RECOVERY_DOWNGRADE: i32 = 3;

/// Tasks are placed by their schema.
pub const CTU_PLACE_BY_SCHEMA: i32 = 0;
/// Tasks are placed in the PC of the node that received them; where that is no longer installed they become Cancel.
pub const CTU_PLACE_BY_ENTRY_NODE: i32 = 1;
/// Tasks are placed in the PC of the node that received them; where that is no longer installed, by their schema.
pub const CTU_PLACE_BY_ENTRY_NODE_OR_SCHEMA: i32 = 2;

/// A dry run: everything but writing, each action listed in the report.
pub const CTU_RUN_PLAN: u32 = 1;
/// UPGRADE inside a running node that has stopped its V1 scheduling: no node need be down, and V1 is listed again until
/// nothing new or changed turns up. Cancel is not possible afterwards.
pub const CTU_RUN_ONLINE: u32 = 2;
/// Compare every pair of tasks, field by field.
pub const CTU_RUN_VERIFY: u32 = 4;
/// DELETE or RECOVERY although something is lost that the refusal without it names.
pub const CTU_RUN_FORCE: u32 = 8;
/// UPGRADE takes a complete upgrade up again for V1 tasks that turned up since.
pub const CTU_RUN_REOPEN: u32 = 16;

/// A node that starts uses V1: V1 tasks are there and nothing is upgraded.
pub const CTU_GATE_USE_V1: i32 = 1;
/// A node that starts uses V2: the upgrade is complete, or there is nothing in V1.
pub const CTU_GATE_USE_V2: i32 = 2;
/// A node must not start: an operation is under way, or is to be finished first.
pub const CTU_GATE_DO_NOT_START: i32 = 3;

/// How far a run is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_progress {
    /// sizeof(ctu_progress): set by the library for a progress function, by the caller for ctu_job_progress.
    pub struct_size: usize,
    /// CTU_STAGE_*.
    pub stage: i32,
    /// Tasks done in this stage.
    pub done: u64,
    /// Tasks that were done before.
    pub skipped: u64,
    /// Tasks that failed.
    pub failed: u64,
    /// Tasks in all; 0 where that is not known yet.
    pub total: u64,
    /// Tasks a second in this stage; 0 in its first moments.
    pub per_second: f64,
    /// The V1 name of the task at hand; "" between tasks. Lives through the call of a progress function; see
    /// ctu_job_progress for how long it does there.
    pub current: *const c_char,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid.
unsafe impl Sized_ for ctu_progress {
    const NAME: &'static str = "ctu_progress";
}

/// Hears of progress, on the thread of the run: the one that called ctu_run, or a thread of the library for a job. It
/// must not call the session or wait for the job.
pub type ctu_progress_fn = Option<unsafe extern "C" fn(user_data: *mut c_void, progress: *const ctu_progress)>;

/// What a caller asks of a run. All zero, but for the size, is the default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_run_options {
    /// sizeof(ctu_run_options), set by the caller.
    pub struct_size: usize,
    /// CTU_RUN_* put together by or.
    pub flags: u32,
    /// Storage calls under way at a time; 0 lets the storage choose.
    pub in_flight: u32,
    /// CTU_RECOVERY_*.
    pub recovery_mode: i32,
    /// CTU_PLACE_*.
    pub placement: i32,
    /// Hears of progress; may be NULL.
    pub progress: ctu_progress_fn,
    /// The first argument of `progress`.
    pub progress_user_data: *mut c_void,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid.
unsafe impl Sized_ for ctu_run_options {
    const NAME: &'static str = "ctu_run_options";
}

/// The root and everything outside it. The caller owns it and ends it with ctu_session_free. One thread at a time, but
/// for ctu_session_cancel; a call while another, or a job, is under way answers CTU_BUSY.
pub struct ctu_session(pub(super) Arc<Session>);

/// # Safety
/// `session` is NULL or a live session.
pub(super) unsafe fn with(session: *const ctu_session, body: impl FnOnce(&Session) -> Result<()>) -> *mut ctu_error {
    // SAFETY: as promised by the caller. A shared reference: a session guards itself against two calls at once.
    fallible(|| match unsafe { session.as_ref() } {
        Some(session) => body(&session.0),
        None => Err(Error::new(ErrorKind::InvalidArgument, "session is NULL")),
    })
}

/// Opens a session. Nothing is locked or changed by that. `*out` is owned by the caller, NULL on failure. A storage of
/// the host needs a lock too: CTU_INVALID_ARGUMENT without one.
#[no_mangle]
pub unsafe extern "C" fn ctu_session_open(config: *const ctu_config, out: *mut *mut ctu_session) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        answer(out, || {
            let config = config.as_ref();
            let config = config.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "config is NULL"))?;
            Ok(Box::into_raw(Box::new(ctu_session(Arc::new(config.open()?)))))
        })
    }
}

/// Asks the run that is under way, or the next one where none is, to stop before its next wave with CTU_CANCELLED. Any
/// thread; not from a signal handler. NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn ctu_session_cancel(session: *const ctu_session) {
    infallible((), || {
        // SAFETY: NULL or a live session.
        if let Some(session) = unsafe { session.as_ref() } {
            session.0.cancel();
        }
    });
}

/// What a node of the new version does that starts; asked after it has registered itself as a PU and before it touches a
/// task. `*verdict_out` is CTU_GATE_*, and 0 on failure: then the node must not start either. In the phase Upgraded the
/// start is recorded durably. Takes no lock; asking twice is asking once.
#[no_mangle]
pub unsafe extern "C" fn ctu_node_gate(
    session: *mut ctu_session,
    node: *const c_char,
    verdict_out: *mut i32,
) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe {
        if !verdict_out.is_null() {
            verdict_out.write(0);
        }
        with(session, |session| {
            need_out(verdict_out)?;
            verdict_out.write(session.node_gate(text(node, "node")?)? as i32);
            Ok(())
        })
    }
}

/// Whether the nodes let an operation go on (seed: CheckAllOffline). The phase is looked at first: an operation that has
/// nothing to do, STATUS and DELETE need no node down. CTU_NODES_ONLINE names those that are up.
#[no_mangle]
pub unsafe extern "C" fn ctu_session_check_all_offline(session: *mut ctu_session, op: ctu_op) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, |session| session.check_all_offline(operation(op)?)) }
}

/// Takes the lock for several runs (seed: SetLock); ctu_run takes it by itself where it is not held. CTU_LOCKED names
/// the holder.
#[no_mangle]
pub unsafe extern "C" fn ctu_session_lock(session: *mut ctu_session) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, Session::lock) }
}

/// Gives the lock up (seed: ReleaseLock); fine where it is not held.
#[no_mangle]
pub unsafe extern "C" fn ctu_session_unlock(session: *mut ctu_session) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, Session::unlock) }
}

/// Gives up what the session holds and reports a failure of that. The session is still to be freed.
#[no_mangle]
pub unsafe extern "C" fn ctu_session_close(session: *mut ctu_session) -> *mut ctu_error {
    // SAFETY: by the header's words.
    unsafe { with(session, Session::unlock) }
}

/// Ends a session. NULL is fine. A lock that it still holds is given up without a report: see ctu_session_close. Also
/// while a job of it runs: the job goes on, and what it needs of the session lives until the job is freed.
#[no_mangle]
pub unsafe extern "C" fn ctu_session_free(session: *mut ctu_session) {
    infallible((), || {
        if !session.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(session) });
        }
    });
}

/// The operation that a word asks for (seed: checkOptition): "status", "upgrade", "recovery", "delete"; anything else,
/// and NULL, is CTU_OP_INVALID.
#[no_mangle]
pub unsafe extern "C" fn ctu_op_parse(word: *const c_char) -> ctu_op {
    infallible(CTU_OP_INVALID, || {
        // SAFETY: by the header's words.
        let operation = unsafe { text(word, "word") }.ok().and_then(Operation::from_word);
        operation.map_or(CTU_OP_INVALID, |operation| operation as ctu_op)
    })
}

/// Runs an operation to its end. `options` may be NULL for the defaults. `*out`, owned by the caller, is the report: also
/// where some tasks failed or the run was stopped, and NULL where the run did not get far enough to have one.
#[no_mangle]
pub unsafe extern "C" fn ctu_run(
    session: *mut ctu_session,
    op: ctu_op,
    options: *const ctu_run_options,
    out: *mut *mut ctu_report,
) -> *mut ctu_error {
    // SAFETY: by the header's words, here and below.
    unsafe {
        clear_out(out);
        with(session, |session| {
            need_out(out)?;
            let operation = operation(op)?;
            let (options, progress, user_data) = run_options(options)?;
            let mut sink = |progress_now: &Progress| report_progress(progress, user_data, progress_now);
            hand_out(session.run(operation, &options, Some(&mut sink)), out)
        })
    }
}

/// Hands out how a run ended: the report, also of a failure that has one, and the error.
///
/// # Safety
/// `out` is writable.
pub(super) unsafe fn hand_out(ended: std::result::Result<Report, Failure>, out: *mut *mut ctu_report) -> Result<()> {
    let (report, result) = match ended {
        Ok(report) => (Some(Box::new(report)), Ok(())),
        Err(failure) => (failure.report, Err(failure.error)),
    };
    if let Some(report) = report {
        // SAFETY: as promised by the caller.
        unsafe { out.write(ctu_report::into_raw(*report, result.as_ref().err())) };
    }
    result
}

pub(super) fn operation(op: ctu_op) -> Result<Operation> {
    Operation::from_number(op).ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, format!("no operation has the number {op}"))
            .advise("use STATUS (0), UPGRADE (1), RECOVERY (2) or DELETE (3)")
    })
}

/// # Safety
/// `options` is NULL or sized.
pub(super) unsafe fn run_options(
    options: *const ctu_run_options,
) -> Result<(RunOptions, ctu_progress_fn, *mut c_void)> {
    if options.is_null() {
        return Ok((RunOptions::default(), None, std::ptr::null_mut()));
    }
    // SAFETY: as promised by the caller.
    let raw = unsafe { structs::read(options) }?;
    let known = CTU_RUN_PLAN | CTU_RUN_ONLINE | CTU_RUN_VERIFY | CTU_RUN_FORCE | CTU_RUN_REOPEN;
    let invalid = |what: String| Error::new(ErrorKind::InvalidArgument, what);
    if raw.flags & !known != 0 {
        return Err(invalid(format!("flags holds the unknown bits {:#x}", raw.flags & !known)));
    }
    let recovery_mode = RecoveryMode::from_number(raw.recovery_mode)
        .ok_or_else(|| invalid(format!("no RECOVERY mode has the number {}", raw.recovery_mode)))?;
    let placement = PlacementRule::from_number(raw.placement)
        .ok_or_else(|| invalid(format!("no placement has the number {}", raw.placement)))?;
    let has = |flag| raw.flags & flag != 0;
    let options = RunOptions {
        plan: has(CTU_RUN_PLAN),
        verify: has(CTU_RUN_VERIFY),
        force: has(CTU_RUN_FORCE),
        online: has(CTU_RUN_ONLINE),
        reopen: has(CTU_RUN_REOPEN),
        recovery_mode,
        placement,
        in_flight: raw.in_flight,
    };
    Ok((options, raw.progress, raw.progress_user_data))
}

/// Tells the caller's function how far a run is.
pub(super) fn report_progress(function: ctu_progress_fn, user_data: *mut c_void, progress: &Progress) {
    let Some(function) = function else { return };
    let current = c_string(&progress.current);
    let raw = raw_progress(progress, current.as_ptr());
    // SAFETY: the caller's function with the caller's data; the struct and its text live through the call.
    unsafe { function(user_data, &raw const raw) };
}

/// The C struct of a progress whose text is kept elsewhere.
pub(super) fn raw_progress(progress: &Progress, current: *const c_char) -> ctu_progress {
    ctu_progress {
        struct_size: std::mem::size_of::<ctu_progress>(),
        stage: progress.stage as i32,
        done: progress.done,
        skipped: progress.skipped,
        failed: progress.failed,
        total: progress.total,
        per_second: progress.per_second,
        current,
    }
}
