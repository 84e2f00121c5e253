//! The host's liveness (seed: `PUCtrl`).

use std::ffi::c_void;

use super::{need, HostData};
use crate::capi::error::ctu_code;
use crate::capi::reply::ctu_reply;
use crate::capi::structs::Sized_;
use crate::cluster::Liveness;
use crate::error::Result;

/// The host's liveness (seed: PUCtrl), called on the thread of the run.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_liveness_vtable {
    /// sizeof(ctu_liveness_vtable), set by the caller.
    pub struct_size: usize,
    /// The names of the nodes that are up, by ctu_reply_name. CTU_LIVENESS where that cannot be told.
    pub online_nodes: Option<unsafe extern "C" fn(user_data: *mut c_void, reply: *mut ctu_reply) -> ctu_code>,
    /// A number that grows whenever a node comes or goes; may be NULL.
    pub change_id:
        Option<unsafe extern "C" fn(user_data: *mut c_void, out: *mut i64, reply: *mut ctu_reply) -> ctu_code>,
    /// Called once, when the library needs user_data no more; may be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid: NULL functions, which `check` refuses.
unsafe impl Sized_ for ctu_liveness_vtable {
    const NAME: &'static str = "ctu_liveness_vtable";
}

/// The host's liveness behind the crate's own trait.
pub(in crate::capi) struct HostLiveness {
    table: ctu_liveness_vtable,
    data: HostData,
}

impl HostLiveness {
    pub(in crate::capi) fn check(table: &ctu_liveness_vtable) -> Result<()> {
        need(table.online_nodes, ctu_liveness_vtable::NAME, "online_nodes").map(|_| ())
    }

    pub(in crate::capi) fn new(table: ctu_liveness_vtable, data: HostData) -> Self {
        Self { table, data }
    }
}

impl Liveness for HostLiveness {
    fn online_nodes(&self) -> Result<Vec<String>> {
        let function = need(self.table.online_nodes, ctu_liveness_vtable::NAME, "online_nodes")?;
        // SAFETY: the host's function with the host's data; the reply lives through the call.
        let reply = ctu_reply::default().of("online_nodes", |reply| unsafe { function(self.data.get(), reply) });
        reply.map(|reply| reply.names)
    }

    fn change_id(&self) -> Result<Option<i64>> {
        let Some(function) = self.table.change_id else { return Ok(None) };
        let mut id = 0;
        // SAFETY: as above; the number lives through the call.
        let call = |reply: *mut ctu_reply| unsafe { function(self.data.get(), &raw mut id, reply) };
        ctu_reply::default().of("change_id", call)?;
        Ok(Some(id))
    }
}
