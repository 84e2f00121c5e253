//! The host's storage (seed: `IHdfsAccessService`).

use std::ffi::{c_char, c_void};
use std::ops::ControlFlow;

use super::{c_text, need, HostData};
use crate::capi::error::ctu_code;
use crate::capi::reply::ctu_reply;
use crate::capi::structs::Sized_;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{overlap, EntrySink, Flow, Storage};
use crate::tree::{Change, Stat, TreePath};

/// How many calls are under way at a time where the host allows any number and the run asks for none.
const DEFAULT_CONCURRENCY: usize = 16;

/// The host's storage (seed: IHdfsAccessService). Paths are below the root, '/' between, no leading '/'; "" is the root.
/// Each function answers CTU_OK or the code that fits the failure. A change has three outcomes: made (CTU_OK), not made
/// (any other code), and CTU_OUTCOME_UNKNOWN where the reply was lost: the library looks and decides, so never retry.
/// What a change made must be durable when the function returns.
/// With max_concurrency 1 every function is called on the thread of the run; else also on threads of the library that
/// end before the call of the run does. release may be NULL.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_storage_vtable {
    /// sizeof(ctu_storage_vtable), set by the caller.
    pub struct_size: usize,
    /// How many calls at a time the storage takes; 0 for any number.
    pub max_concurrency: u32,
    /// Every child of a folder by ctu_reply_entry, once each, in any order. CTU_NOT_FOUND where there is no folder.
    pub list:
        Option<unsafe extern "C" fn(user_data: *mut c_void, dir: *const c_char, reply: *mut ctu_reply) -> ctu_code>,
    /// What lies at a path by one ctu_reply_entry. CTU_NOT_FOUND.
    pub stat:
        Option<unsafe extern "C" fn(user_data: *mut c_void, path: *const c_char, reply: *mut ctu_reply) -> ctu_code>,
    /// The whole file by ctu_reply_bytes. CTU_NOT_FOUND; CTU_TOO_LARGE where it has over `limit` bytes.
    pub read: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            path: *const c_char,
            limit: u64,
            reply: *mut ctu_reply,
        ) -> ctu_code,
    >,
    /// A new file with these bytes. CTU_ALREADY_EXISTS where anything is there, CTU_NOT_FOUND without the parent.
    pub create: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            path: *const c_char,
            data: *const u8,
            len: usize,
            reply: *mut ctu_reply,
        ) -> ctu_code,
    >,
    /// The folder and its missing parents; fine where it is there. CTU_ALREADY_EXISTS where a file is.
    pub mkdir:
        Option<unsafe extern "C" fn(user_data: *mut c_void, path: *const c_char, reply: *mut ctu_reply) -> ctu_code>,
    /// Atomic, file or folder, never onto or into anything. CTU_ALREADY_EXISTS, CTU_NOT_FOUND.
    pub rename: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            from: *const c_char,
            to: *const c_char,
            reply: *mut ctu_reply,
        ) -> ctu_code,
    >,
    /// The end of a file, or of a folder and, where `recursive`, all it holds. CTU_NOT_FOUND, CTU_NOT_EMPTY.
    pub remove: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            path: *const c_char,
            recursive: bool,
            reply: *mut ctu_reply,
        ) -> ctu_code,
    >,
    /// Called once, when the library needs user_data no more; may be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid: NULL functions, which `new` refuses.
unsafe impl Sized_ for ctu_storage_vtable {
    const NAME: &'static str = "ctu_storage_vtable";
}

/// The host's storage behind the crate's own trait.
pub(in crate::capi) struct HostStorage {
    table: ctu_storage_vtable,
    data: HostData,
    root: String,
}

impl HostStorage {
    /// The storage of a table all of whose functions are there.
    pub(in crate::capi) fn check(table: &ctu_storage_vtable) -> Result<()> {
        let name = ctu_storage_vtable::NAME;
        need(table.list, name, "list")?;
        need(table.stat, name, "stat")?;
        need(table.read, name, "read")?;
        need(table.create, name, "create")?;
        need(table.mkdir, name, "mkdir")?;
        need(table.rename, name, "rename")?;
        need(table.remove, name, "remove").map(|_| ())
    }

    /// A storage on a table that was checked.
    pub(in crate::capi) fn new(table: ctu_storage_vtable, data: HostData, root: String) -> Self {
        Self { table, data, root }
    }

    fn threads(&self, in_flight: usize) -> usize {
        let wanted = if in_flight == 0 { DEFAULT_CONCURRENCY } else { in_flight };
        match self.table.max_concurrency as usize {
            0 => wanted,
            limit => wanted.min(limit),
        }
    }

    fn stat(&self, path: &TreePath) -> Result<Stat> {
        let function = need(self.table.stat, ctu_storage_vtable::NAME, "stat")?;
        let text = c_text(path.as_str())?;
        // SAFETY: the host's function with the host's data; the text and the reply live through the call.
        let reply = ctu_reply::default().of("stat", |reply| unsafe { function(self.data.get(), text.as_ptr(), reply) });
        let mut entries = reply.map_err(|error| error.at(path))?.entries;
        match (entries.pop(), entries.is_empty()) {
            (Some(entry), true) => Ok(entry.stat),
            _ => Err(Error::new(ErrorKind::Internal, "the host's stat must answer with one ctu_reply_entry").at(path)),
        }
    }

    fn read(&self, path: &TreePath, limit_bytes: u64) -> Result<Vec<u8>> {
        let function = need(self.table.read, ctu_storage_vtable::NAME, "read")?;
        let text = c_text(path.as_str())?;
        // SAFETY: as in `stat`.
        let reply = ctu_reply::with_limit(limit_bytes)
            .of("read", |reply| unsafe { function(self.data.get(), text.as_ptr(), limit_bytes, reply) });
        reply.map(|reply| reply.bytes).map_err(|error| error.at(path))
    }

    fn change(&self, change: &Change) -> Result<()> {
        let name = ctu_storage_vtable::NAME;
        let text = c_text(match change {
            Change::Rename { from, .. } => from.as_str(),
            other => other.path().as_str(),
        })?;
        let data = self.data.get();
        // SAFETY: the host's functions with the host's data; every text, the bytes and the reply live through the call.
        let answered = match change {
            Change::Create { bytes, .. } => {
                let function = need(self.table.create, name, "create")?;
                ctu_reply::default()
                    // SAFETY: by the header's words.
                    .of_change("create", |reply| unsafe {
                        function(data, text.as_ptr(), bytes.as_ptr(), bytes.len(), reply)
                    })
            }
            Change::MakeFolder { .. } => {
                let function = need(self.table.mkdir, name, "mkdir")?;
                // SAFETY: by the header's words.
                ctu_reply::default().of_change("mkdir", |reply| unsafe { function(data, text.as_ptr(), reply) })
            }
            Change::Rename { to, .. } => {
                let function = need(self.table.rename, name, "rename")?;
                let to = c_text(to.as_str())?;
                // SAFETY: by the header's words.
                ctu_reply::default()
                    .of_change("rename", |reply| unsafe { function(data, text.as_ptr(), to.as_ptr(), reply) })
            }
            Change::Remove { recursive, .. } => {
                let function = need(self.table.remove, name, "remove")?;
                // SAFETY: by the header's words.
                ctu_reply::default()
                    .of_change("remove", |reply| unsafe { function(data, text.as_ptr(), *recursive, reply) })
            }
        };
        answered.map(|_| ()).map_err(|error| error.at(change.path()))
    }
}

impl Storage for HostStorage {
    fn describe(&self) -> String {
        if self.root.is_empty() {
            "the host's storage".to_owned()
        } else {
            format!("the host's storage {}", self.root)
        }
    }

    fn list(&self, folder: &TreePath, sink: EntrySink<'_>) -> Result<()> {
        let function = need(self.table.list, ctu_storage_vtable::NAME, "list")?;
        let text = c_text(folder.as_str())?;
        // SAFETY: as in `stat`.
        let reply = ctu_reply::default().of("list", |reply| unsafe { function(self.data.get(), text.as_ptr(), reply) });
        for entry in reply.map_err(|error| error.at(folder))?.entries {
            // A name that is more than one would lead elsewhere.
            if entry.exact && folder.child(&entry.name).is_err() {
                return Err(
                    Error::new(ErrorKind::Internal, format!("the host listed the name {:?}", entry.name)).at(folder)
                );
            }
            if sink(entry) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn stat_batch(&self, paths: &[TreePath], in_flight: usize) -> Vec<Result<Stat>> {
        overlap(paths, self.threads(in_flight), |path| self.stat(path))
    }

    fn read_batch(&self, paths: &[TreePath], limit_bytes: u64, in_flight: usize) -> Vec<Result<Vec<u8>>> {
        overlap(paths, self.threads(in_flight), |path| self.read(path, limit_bytes))
    }

    fn change_batch(&self, changes: &[Change], flow: Flow<'_>) -> Vec<Result<()>> {
        let refused = parking_lot::Mutex::new(None);
        overlap(changes, self.threads(flow.in_flight), |change| {
            let permit = {
                let mut refused = refused.lock();
                if refused.is_none() {
                    *refused = flow.fence.permit().err();
                }
                refused.clone()
            };
            permit.map_or_else(|| self.change(change), Err)
        })
    }
}
