//! The host's log.

use std::ffi::{c_char, c_void};

use super::HostData;
use crate::capi::text::c_string;
use crate::{LogSink, SessionLog};

/// Takes a record of the log: level 1 error, 2 warning, 3 info, 4 debug, 5 trace. The texts live through the call. What
/// has the target `comptask_upgrade::report` stands in the report of the run, or in its error, as well.
/// Called on the thread of the run.
pub type ctu_log_fn =
    Option<unsafe extern "C" fn(user_data: *mut c_void, level: i32, target: *const c_char, message: *const c_char)>;

/// A session's logger on a host function.
pub(in crate::capi) fn host_log(
    function: unsafe extern "C" fn(user_data: *mut c_void, level: i32, target: *const c_char, message: *const c_char),
    data: HostData,
    max_level: log::LevelFilter,
) -> SessionLog {
    let sink: LogSink = Box::new(move |level, target, message| {
        let (target, message) = (c_string(target), c_string(message));
        // SAFETY: the host's function with the host's data; the texts live through the call.
        unsafe { function(data.get(), level as i32, target.as_ptr(), message.as_ptr()) };
    });
    SessionLog::to_sink(sink, max_level)
}
