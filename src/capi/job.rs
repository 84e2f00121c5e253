//! `ctu_job`: an operation in the background.

use std::collections::HashMap;
use std::ffi::{c_void, CString};
use std::thread::ThreadId;

use parking_lot::Mutex;

use super::boundary::{answer, clear_out, fallible, infallible, need_out};
use super::error::ctu_error;
use super::report::ctu_report;
use super::session::{
    ctu_op, ctu_progress, ctu_progress_fn, ctu_run_options, ctu_session, hand_out, operation, raw_progress,
    report_progress, run_options,
};
use super::structs;
use super::text::c_string;
use crate::error::{Error, ErrorKind, Result};
use crate::{Job, JobProgressSink, Progress};

/// An operation that runs on a thread of the library, for a process that goes on working meanwhile. The caller owns it
/// and ends it with ctu_job_free. Any thread may call ctu_job_done, ctu_job_progress, ctu_job_cancel and ctu_job_wait,
/// several at once too.
///
/// While its run lasts the session is the job's: every call on the session answers CTU_BUSY, but for
/// ctu_session_cancel, which ends this run as it would any other, and ctu_session_free. What is to be asked meanwhile,
/// STATUS for one, is asked of a second session on the same root. A session that is freed lives on, unseen, until its
/// jobs are freed: its lock is given up and what the host supplied is released by then, not before.
pub struct ctu_job {
    job: Job,
    /// The texts that ctu_job_progress gave out last, one for each thread that asked.
    current: Mutex<HashMap<ThreadId, CString>>,
}

/// The caller's progress function with what it is called with.
struct Listener {
    function: ctu_progress_fn,
    user_data: *mut c_void,
}

// SAFETY: the header tells the caller that both are used on the job's thread.
unsafe impl Send for Listener {}

impl Listener {
    fn sink(self) -> Option<JobProgressSink> {
        self.function?;
        Some(Box::new(move |progress: &Progress| self.hear(progress)))
    }

    fn hear(&self, progress: &Progress) {
        report_progress(self.function, self.user_data, progress);
    }
}

/// # Safety
/// `job` is NULL or a live job.
unsafe fn get<'a>(job: *const ctu_job) -> Result<&'a ctu_job> {
    // SAFETY: as promised by the caller.
    unsafe { job.as_ref() }.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "job is NULL"))
}

/// Starts an operation on a thread of the library, the one thread that a job has beside those of the storage. `options`
/// may be NULL for the defaults; they are copied. `*out` is owned by the caller, NULL on failure: CTU_BUSY while the
/// session runs something else, CTU_INVALID_ARGUMENT for options that mean nothing to the operation, CTU_RETRY_LATER
/// where the system has no thread to give. What goes wrong later is the answer of ctu_job_wait.
///
/// The progress function of the options, the log and the host's functions are called on the job's thread, the first of
/// them possibly before this call returns: it waits until the run has the session. So the caller must not hold a lock
/// here that they wait for. progress_user_data must live until the run has ended: until ctu_job_done is true, or ctu_job_wait
/// or ctu_job_free has returned, but for a ctu_job_free on the job's own thread. The thread has the signal mask of the
/// calling one.
#[no_mangle]
pub unsafe extern "C" fn ctu_job_start(
    session: *mut ctu_session,
    op: ctu_op,
    options: *const ctu_run_options,
    out: *mut *mut ctu_job,
) -> *mut ctu_error {
    // SAFETY: by the header's words, here and below.
    unsafe {
        answer(out, || {
            let session = session.as_ref();
            let session = session.ok_or_else(|| Error::new(ErrorKind::InvalidArgument, "session is NULL"))?;
            let operation = operation(op)?;
            let (options, function, user_data) = run_options(options)?;
            let job = Job::start(&session.0, operation, options, Listener { function, user_data }.sink())?;
            Ok(Box::into_raw(Box::new(ctu_job { job, current: Mutex::new(HashMap::new()) })))
        })
    }
}

/// Whether the run has ended: ctu_job_wait does not wait any more, the session is free for the next call, and the
/// progress function is not called again. True for NULL. Any thread.
#[no_mangle]
pub unsafe extern "C" fn ctu_job_done(job: *const ctu_job) -> bool {
    // SAFETY: NULL or a live job, by the header's words.
    infallible(true, || unsafe { job.as_ref() }.is_none_or(|job| job.job.done()))
}

/// How far the run is, by its latest word: fills in `*out`, whose struct_size the caller has set. Before the first word
/// it is CTU_STAGE_CHECK with all counts 0; after the end the last word stays. `out->current` belongs to the job and
/// lives until the same thread asks this job again, or ctu_job_free: threads that ask at once do not take each other's
/// texts away. Any thread.
#[no_mangle]
pub unsafe extern "C" fn ctu_job_progress(job: *const ctu_job, out: *mut ctu_progress) -> *mut ctu_error {
    fallible(|| {
        // SAFETY: NULL or sized, by the header's words.
        unsafe { structs::clear(out) }?;
        // SAFETY: NULL or a live job, by the header's words.
        let job = unsafe { get(job) }?;
        let progress = job.job.progress();
        let current = c_string(&progress.current);
        let raw = raw_progress(&progress, current.as_ptr());
        // The text stays where it is when its owner is moved.
        job.current.lock().insert(std::thread::current().id(), current);
        // SAFETY: checked by `clear`.
        unsafe { structs::write(out, &raw) }
    })
}

/// Asks the job's run to stop before its next wave with CTU_CANCELLED: this run alone. Once it has ended this does
/// nothing, and no later run of the session hears of it. NULL is fine. Any thread; not from a signal handler.
#[no_mangle]
pub unsafe extern "C" fn ctu_job_cancel(job: *const ctu_job) {
    infallible((), || {
        // SAFETY: NULL or a live job, by the header's words.
        if let Some(job) = unsafe { job.as_ref() } {
            job.job.cancel();
        }
    });
}

/// Waits for the end of the run and answers as ctu_run would have: `*out`, owned by the caller, is the report, also where
/// some tasks failed or the run was stopped, and NULL where the run did not get far enough to have one. That is handed
/// out once: to the first call that sees the end, while every other one, at the same time or later, is
/// CTU_INVALID_ARGUMENT once the run has ended. Nothing is waited for or handed out where `out` is NULL. Any thread but
/// the job's own (from its progress function, say), where it is CTU_INVALID_ARGUMENT too. The job is still to be freed.
#[no_mangle]
pub unsafe extern "C" fn ctu_job_wait(job: *mut ctu_job, out: *mut *mut ctu_report) -> *mut ctu_error {
    // SAFETY: by the header's words, here and below.
    unsafe {
        clear_out(out);
        fallible(|| {
            let job = get(job)?;
            need_out(out)?;
            hand_out(job.job.wait(), out)
        })
    }
}

/// Ends a job. NULL is fine. A run that is still under way is asked to stop, as by ctu_job_cancel, and waited for; no
/// thread is left. Once, and while no other thread uses the job. Not from a function that the job itself calls: there it
/// cannot wait, so the thread ends by itself some time later.
#[no_mangle]
pub unsafe extern "C" fn ctu_job_free(job: *mut ctu_job) {
    infallible((), || {
        if !job.is_null() {
            // SAFETY: made by Box::into_raw above, and owned by the caller.
            drop(unsafe { Box::from_raw(job) });
        }
    });
}
