//! `ctu_report`: what a run says when it ends.

use std::ffi::{c_char, CString};
use std::sync::OnceLock;

use super::boundary::{fallible, infallible};
use super::error::ctu_error;
use super::structs::{self, Sized_};
use super::text::c_string;
use crate::error::{Error, ErrorKind};
use crate::{Counts, Report};

/// No task in V1 or V2, no mark.
pub const CTU_PHASE_EMPTY: i32 = 0;
/// V1 tasks, no mark.
pub const CTU_PHASE_NOT_STARTED: i32 = 1;
/// An upgrade has begun and is not complete.
pub const CTU_PHASE_UPGRADING: i32 = 2;
/// The upgrade is complete and V1 is still there.
pub const CTU_PHASE_UPGRADED: i32 = 3;
/// DELETE has begun.
pub const CTU_PHASE_DELETING: i32 = 4;
/// Only V2 tasks, no mark.
pub const CTU_PHASE_V2_ONLY: i32 = 5;
/// A RECOVERY is under way.
pub const CTU_PHASE_RECOVERING: i32 = 6;
/// A complete upgrade was taken up again.
pub const CTU_PHASE_REOPENING: i32 = 7;

/// A task that a report lists. Its strings live as long as the report; none is NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_report_row {
    /// sizeof(ctu_report_row), set by the caller.
    pub struct_size: usize,
    /// The V1 file's name.
    pub v1_name: *const c_char,
    /// The V2 id; "" where it has none.
    pub v2_id: *const c_char,
    /// The PC; may be "".
    pub pc: *const c_char,
    /// The node; may be "".
    pub node: *const c_char,
    /// What became of it: "converted", "skipped", "cancelled", "failed", "left", "would convert", "would cancel",
    /// "would skip", "would fail", "differs", "new"; of RECOVERY "downgraded", "kept", "lost", "would downgrade",
    /// "would keep", "would lose". Later versions may add words.
    pub outcome: *const c_char,
    /// Why, in words, and in a plan the actions, one a line; "" where nothing needs saying.
    pub detail: *const c_char,
    /// The state that its V1 name says: Init 0, Assigned 1, Cancel 2, Done 3; -1 where it is not known.
    pub v1_state: i32,
    /// Its V2 state: Init 0, Running 1, Cancel 2, Done 3; -1 where it has none.
    pub v2_state: i32,
    /// Why, in words and without the actions of a plan; "" where nothing needs saying.
    pub reason: *const c_char,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid.
unsafe impl Sized_ for ctu_report_row {
    const NAME: &'static str = "ctu_report_row";
}

/// What a run says when it ends. The caller owns it and ends it with ctu_report_free. Any number of threads may read it.
pub struct ctu_report {
    report: Report,
    error: Option<Error>,
    summary: OnceLock<CString>,
    overview: OnceLock<CString>,
    json: OnceLock<CString>,
    picture: OnceLock<CString>,
    rows: Vec<OnceLock<[CString; 7]>>,
}

impl ctu_report {
    /// An owned report for the caller, with how the run ended.
    pub(super) fn into_raw(report: Report, error: Option<&Error>) -> *mut Self {
        let rows = report.rows.iter().map(|_| OnceLock::new()).collect();
        let (summary, overview) = (OnceLock::new(), OnceLock::new());
        let (json, picture) = (OnceLock::new(), OnceLock::new());
        Box::into_raw(Box::new(Self { report, error: error.cloned(), summary, overview, json, picture, rows }))
    }
}

/// # Safety
/// `report` is NULL or a live report.
unsafe fn get<T>(report: *const ctu_report, fallback: T, body: impl FnOnce(&ctu_report) -> Option<T>) -> T
where
    T: Copy,
{
    // SAFETY: as promised by the caller.
    infallible(fallback, || unsafe { report.as_ref() }.and_then(body).unwrap_or(fallback))
}

/// # Safety
/// `report` is NULL or a live report.
unsafe fn count(report: *const ctu_report, count: impl FnOnce(&Counts) -> u64) -> u64 {
    // SAFETY: as promised by the caller.
    unsafe { get(report, 0, |report| Some(count(&report.report.counts))) }
}

/// The phase after the run, or, of a plan, before it: CTU_PHASE_*; -1 for NULL, and where no phase fits the trees.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_phase(report: *const ctu_report) -> i32 {
    // SAFETY: NULL or a live report, by the header's words, here and below.
    unsafe { get(report, -1, |report| (!report.report.no_phase).then_some(report.report.phase as i32)) }
}

/// V1 tasks seen, of RECOVERY V2 tasks: converted + skipped + cancelled + failed + left. 0 for NULL, as for all counts.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_total(report: *const ctu_report) -> u64 {
    // SAFETY: by the header's words.
    unsafe { count(report, |counts| counts.total) }
}

/// Tasks that the run converted, or, of a plan, would convert; of RECOVERY those written to V1.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_converted(report: *const ctu_report) -> u64 {
    // SAFETY: by the header's words.
    unsafe { count(report, |counts| counts.converted) }
}

/// Tasks that were converted before; of RECOVERY those that stay as V1 has them, or that go with V2 at no loss.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_skipped(report: *const ctu_report) -> u64 {
    // SAFETY: by the header's words.
    unsafe { count(report, |counts| counts.skipped) }
}

/// Tasks converted to state Cancel since no place was found for them.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_cancelled(report: *const ctu_report) -> u64 {
    // SAFETY: by the header's words.
    unsafe { count(report, |counts| counts.cancelled) }
}

/// Tasks that failed.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_failed(report: *const ctu_report) -> u64 {
    // SAFETY: by the header's words.
    unsafe { count(report, |counts| counts.failed) }
}

/// Tasks still to be done; of RECOVERY those that are left out by force.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_left(report: *const ctu_report) -> u64 {
    // SAFETY: by the header's words.
    unsafe { count(report, |counts| counts.left) }
}

/// How many warnings the report holds; their texts are in its summary and its JSON.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_warnings(report: *const ctu_report) -> u64 {
    // SAFETY: by the header's words.
    unsafe { get(report, 0, |report| Some(report.report.warnings.len() as u64)) }
}

/// How many tasks the report lists one by one: all that failed, were cancelled or need a look, and the first 10,000
/// others; of a plan, all.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_task_count(report: *const ctu_report) -> usize {
    // SAFETY: by the header's words.
    unsafe { get(report, 0, |report| Some(report.rows.len())) }
}

/// Looks at a task: fills in `*out`, whose struct_size the caller has set. CTU_INVALID_ARGUMENT past the last one.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_task(
    report: *const ctu_report,
    index: usize,
    out: *mut ctu_report_row,
) -> *mut ctu_error {
    fallible(|| {
        // SAFETY: NULL or sized, by the header's words.
        unsafe { structs::clear(out) }?;
        let invalid = |what: String| Error::new(ErrorKind::InvalidArgument, what);
        // SAFETY: by the header's words.
        let report = unsafe { report.as_ref() }.ok_or_else(|| invalid("report is NULL".to_owned()))?;
        let (row, texts) = report.report.rows.get(index).zip(report.rows.get(index)).ok_or_else(|| {
            invalid(format!("the report lists {} tasks; there is no number {index}", report.rows.len()))
        })?;
        let texts = texts.get_or_init(|| {
            let detail = [row.detail.as_str()].into_iter().filter(|text| !text.is_empty());
            let detail: Vec<&str> = detail.chain(row.actions.iter().map(String::as_str)).collect();
            let detail = detail.join("\n");
            [&row.v1_name, &row.v2_id, &row.pc, &row.node, row.outcome.word(), &detail, &row.detail].map(c_string)
        });
        let [v1_name, v2_id, pc, node, outcome, detail, reason] = texts.each_ref().map(|text| text.as_ptr());
        let raw = ctu_report_row {
            struct_size: std::mem::size_of::<ctu_report_row>(),
            v1_name,
            v2_id,
            pc,
            node,
            outcome,
            detail,
            v1_state: row.v1_state.map_or(-1, |state| state as i32),
            v2_state: row.v2_state.map_or(-1, |state| state as i32),
            reason,
        };
        // SAFETY: checked by `clear`.
        unsafe { structs::write(out, &raw) }
    })
}

/// A few lines for a person. Lives as long as the report; "" for NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_summary(report: *const ctu_report) -> *const c_char {
    // SAFETY: by the header's words.
    unsafe {
        get(report, c"".as_ptr(), |report| {
            Some(report.summary.get_or_init(|| c_string(&report.report.summary())).as_ptr())
        })
    }
}

/// The summary without its lines about single tasks, for a host that shows those in its own way: of a plan of many tasks
/// they are most of it. Lives as long as the report; "" for NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_overview(report: *const ctu_report) -> *const c_char {
    // SAFETY: by the header's words.
    unsafe {
        get(report, c"".as_ptr(), |report| {
            Some(report.overview.get_or_init(|| c_string(&report.report.overview())).as_ptr())
        })
    }
}

/// The whole report as JSON; its schema is docs/report.schema.json. Lives as long as the report; "" for NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_json(report: *const ctu_report) -> *const c_char {
    // SAFETY: by the header's words.
    unsafe {
        get(report, c"".as_ptr(), |report| {
            let json = report.json.get_or_init(|| c_string(&report.report.to_json(report.error.as_ref())));
            Some(json.as_ptr())
        })
    }
}

/// The two trees as a STATUS saw them, drawn with box characters in UTF-8: each name that is there, how often, and what
/// it means, a line each. Lives as long as the report; "" for the other operations and for NULL.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_picture(report: *const ctu_report) -> *const c_char {
    // SAFETY: by the header's words.
    unsafe {
        get(report, c"".as_ptr(), |report| {
            Some(report.picture.get_or_init(|| c_string(&report.report.picture())).as_ptr())
        })
    }
}

/// Ends a report. NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn ctu_report_free(report: *mut ctu_report) {
    infallible((), || {
        if !report.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(report) });
        }
    });
}
