//! The host's catalog (seed: `MetaDataService`).

use std::ffi::{c_char, c_void};

use super::{c_text, need, HostData};
use crate::capi::error::ctu_code;
use crate::capi::reply::ctu_reply;
use crate::capi::structs::Sized_;
use crate::cluster::Catalog;
use crate::error::{Error, ErrorKind, Result};

/// The host's catalog (seed: MetaDataService), called on the thread of the run. Names come by ctu_reply_name, in any
/// order. A catalog that cannot be reached answers CTU_CATALOG: that is no answer, and the task stays unconverted.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ctu_catalog_vtable {
    /// sizeof(ctu_catalog_vtable), set by the caller.
    pub struct_size: usize,
    /// The PCs that a schema may use; CTU_NOT_FOUND where there is no such schema.
    pub schema_pcs: Option<
        unsafe extern "C" fn(
            user_data: *mut c_void,
            db: *const c_char,
            schema: *const c_char,
            reply: *mut ctu_reply,
        ) -> ctu_code,
    >,
    /// The PCs of the cluster.
    pub cluster_pcs: Option<unsafe extern "C" fn(user_data: *mut c_void, reply: *mut ctu_reply) -> ctu_code>,
    /// The nodes of a PC.
    pub pc_nodes:
        Option<unsafe extern "C" fn(user_data: *mut c_void, pc: *const c_char, reply: *mut ctu_reply) -> ctu_code>,
    /// All nodes of the cluster.
    pub cluster_nodes: Option<unsafe extern "C" fn(user_data: *mut c_void, reply: *mut ctu_reply) -> ctu_code>,
    /// Called once, when the library needs user_data no more; may be NULL.
    pub release: Option<unsafe extern "C" fn(user_data: *mut c_void)>,
}

// SAFETY: repr(C), its size first, no bools, and zero is valid: NULL functions, which `check` refuses.
unsafe impl Sized_ for ctu_catalog_vtable {
    const NAME: &'static str = "ctu_catalog_vtable";
}

/// The host's catalog behind the crate's own trait.
pub(in crate::capi) struct HostCatalog {
    table: ctu_catalog_vtable,
    data: HostData,
}

impl HostCatalog {
    pub(in crate::capi) fn check(table: &ctu_catalog_vtable) -> Result<()> {
        let name = ctu_catalog_vtable::NAME;
        need(table.schema_pcs, name, "schema_pcs")?;
        need(table.cluster_pcs, name, "cluster_pcs")?;
        need(table.pc_nodes, name, "pc_nodes")?;
        need(table.cluster_nodes, name, "cluster_nodes").map(|_| ())
    }

    pub(in crate::capi) fn new(table: ctu_catalog_vtable, data: HostData) -> Self {
        Self { table, data }
    }
}

impl Catalog for HostCatalog {
    fn schema_pcs(&self, db: &str, schema: &str) -> Result<Option<Vec<String>>> {
        let function = need(self.table.schema_pcs, ctu_catalog_vtable::NAME, "schema_pcs")?;
        let (db, schema) = (c_text(db)?, c_text(schema)?);
        // SAFETY: the host's function with the host's data; the texts and the reply live through the call.
        let call = |reply: *mut ctu_reply| unsafe { function(self.data.get(), db.as_ptr(), schema.as_ptr(), reply) };
        match ctu_reply::default().of("schema_pcs", call) {
            Ok(reply) => Ok(Some(reply.names)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn cluster_pcs(&self) -> Result<Vec<String>> {
        let function = need(self.table.cluster_pcs, ctu_catalog_vtable::NAME, "cluster_pcs")?;
        // SAFETY: as in `schema_pcs`.
        names(ctu_reply::default().of("cluster_pcs", |reply| unsafe { function(self.data.get(), reply) }))
    }

    fn pc_nodes(&self, pc: &str) -> Result<Vec<String>> {
        let function = need(self.table.pc_nodes, ctu_catalog_vtable::NAME, "pc_nodes")?;
        let pc = c_text(pc)?;
        // SAFETY: as in `schema_pcs`.
        names(ctu_reply::default().of("pc_nodes", |reply| unsafe { function(self.data.get(), pc.as_ptr(), reply) }))
    }

    fn cluster_nodes(&self) -> Result<Vec<String>> {
        let function = need(self.table.cluster_nodes, ctu_catalog_vtable::NAME, "cluster_nodes")?;
        // SAFETY: as in `schema_pcs`.
        names(ctu_reply::default().of("cluster_nodes", |reply| unsafe { function(self.data.get(), reply) }))
    }
}

fn names(reply: Result<ctu_reply>) -> Result<Vec<String>> {
    match reply {
        Ok(reply) => Ok(reply.names),
        // Only a schema may be missing; a PC or a cluster that is not found is a catalog that contradicts itself.
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::new(ErrorKind::Catalog, error.message())),
        Err(error) => Err(error),
    }
}
