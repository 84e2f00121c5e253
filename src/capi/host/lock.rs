//! The host's lock (seed: `zklock`).

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{c_text, need, HostData};
use crate::capi::error::ctu_code;
use crate::capi::reply::ctu_reply;
use crate::capi::structs::Sized_;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{Guard, Lock, HELD_BY};

/// The host's lock (seed: zklock). Functions are called one at a time; `check` before every single change and from any
/// thread that changes, so it should look at a flag that the lock's own watch clears, and make no round trip.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_lock_vtable {
    /// sizeof(ctu_lock_vtable), set by the caller.
    pub struct_size: usize,
    /// Takes the lock, never waits. CTU_LOCKED where another has it, its holder by ctu_reply_name.
    pub acquire:
        Option<unsafe extern "C" fn(user_data: *mut c_void, holder: *const c_char, reply: *mut ctu_reply) -> ctu_code>,
    /// CTU_OK while the lock is held; CTU_LOCK_LOST.
    pub check: Option<unsafe extern "C" fn(user_data: *mut c_void, reply: *mut ctu_reply) -> ctu_code>,
    /// Gives the lock up.
    pub release_lock: Option<unsafe extern "C" fn(user_data: *mut c_void, reply: *mut ctu_reply) -> ctu_code>,
    /// Called once, when the library needs user_data no more; may be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
    /// As `check`, by a round trip to the lock service: called before each group of tasks and before the few changes
    /// that decide everything. May be NULL where `check` is as good.
    pub confirm: Option<unsafe extern "C" fn(user_data: *mut c_void, reply: *mut ctu_reply) -> ctu_code>,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid: NULL functions, which `check` refuses.
unsafe impl Sized_ for ctu_lock_vtable {
    const NAME: &'static str = "ctu_lock_vtable";
}

struct Host {
    table: ctu_lock_vtable,
    data: HostData,
    one_at_a_time: Mutex<()>,
}

/// The host's lock behind the crate's own trait.
pub(in crate::capi) struct HostLock(Arc<Host>);

/// The host's lock while it is held.
struct Held {
    host: Arc<Host>,
    released: bool,
}

impl HostLock {
    pub(in crate::capi) fn check(table: &ctu_lock_vtable) -> Result<()> {
        let name = ctu_lock_vtable::NAME;
        need(table.acquire, name, "acquire")?;
        need(table.check, name, "check")?;
        need(table.release_lock, name, "release_lock").map(|_| ())
    }

    pub(in crate::capi) fn new(table: ctu_lock_vtable, data: HostData) -> Self {
        Self(Arc::new(Host { table, data, one_at_a_time: Mutex::new(()) }))
    }
}

impl Lock for HostLock {
    fn acquire(&self, holder: &str) -> Result<Box<dyn Guard>> {
        let host = &self.0;
        let function = need(host.table.acquire, ctu_lock_vtable::NAME, "acquire")?;
        let text = c_text(holder)?;
        let _one = host.one_at_a_time.lock();
        let mut other = None;
        let call = |reply: *mut ctu_reply| {
            // SAFETY: the host's function with the host's data; the text and the reply live through the call.
            unsafe {
                let code = function(host.data.get(), text.as_ptr(), reply);
                other = reply.as_ref().and_then(|reply| reply.names.first().cloned());
                code
            }
        };
        let answered = ctu_reply::default().of_change("lock", call);
        match (answered, other) {
            (Ok(_), _) => Ok(Box::new(Held { host: Arc::clone(host), released: false })),
            (Err(error), Some(other)) if error.kind() == ErrorKind::Locked => {
                Err(Error::new(ErrorKind::Locked, format!("{HELD_BY}{other}")))
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl Held {
    fn call(
        &self,
        what: &str,
        function: Option<unsafe extern "C" fn(*mut c_void, *mut ctu_reply) -> ctu_code>,
    ) -> Result<()> {
        let function = need(function, ctu_lock_vtable::NAME, what)?;
        let _one = self.host.one_at_a_time.lock();
        // SAFETY: the host's function with the host's data; the reply lives through the call.
        ctu_reply::default().of_change(what, |reply| unsafe { function(self.host.data.get(), reply) }).map(|_| ())
    }
}

impl Guard for Held {
    fn permit(&self) -> Result<()> {
        self.call("check", self.host.table.check).map_err(not_known_to_be_held)
    }

    fn confirm(&self) -> Result<()> {
        let function = self.host.table.confirm.or(self.host.table.check);
        self.call("confirm", function).map_err(not_known_to_be_held)
    }

    fn release(mut self: Box<Self>) -> Result<()> {
        self.released = true;
        self.call("release_lock", self.host.table.release_lock)
    }
}

/// Whatever keeps the host from saying that the lock is held, it is not known to be held.
fn not_known_to_be_held(error: Error) -> Error {
    match error.kind() {
        ErrorKind::LockLost => error,
        _ => Error::new(ErrorKind::LockLost, format!("the host cannot say that the lock is held: {}", error.message())),
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.released {
            // Nobody is left to hear of a failure.
            let _unheard = self.call("release_lock", self.host.table.release_lock);
        }
    }
}
