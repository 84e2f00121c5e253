//! The catalog's answers for schemas, each asked for once a run.

use std::collections::HashMap;
use std::rc::Rc;

use crate::cluster::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::placement::{Pc, SchemaAnswer};

/// The catalog's answers for schemas, each asked for once a run: also the one that it could not be reached, so that a
/// catalog that is away costs one time-out a schema and not one a task.
pub(super) struct CatalogAnswers<'a> {
    catalog: &'a dyn Catalog,
    answers: HashMap<(String, String), Result<Rc<SchemaAnswer>>>,
}

impl<'a> CatalogAnswers<'a> {
    pub(super) fn new(catalog: &'a dyn Catalog) -> Self {
        Self { catalog, answers: HashMap::new() }
    }

    /// What the catalog says of a schema.
    pub(super) fn of_schema(&mut self, db: &str, schema: &str) -> Result<Rc<SchemaAnswer>> {
        let key = (db.to_owned(), schema.to_owned());
        if let Some(answer) = self.answers.get(&key) {
            return answer.clone();
        }
        let answer = self.ask(db, schema).map(Rc::new).map_err(|error| {
            // Only a schema may be missing; anything else that is not found is a catalog that contradicts itself.
            let kind = if error.kind() == ErrorKind::NotFound { ErrorKind::Catalog } else { error.kind() };
            Error::new(kind, format!("the catalog gives no answer for schema {db}.{schema}: {}", error.message()))
        });
        self.answers.insert(key, answer.clone());
        answer
    }

    fn ask(&self, db: &str, schema: &str) -> Result<SchemaAnswer> {
        let Some(names) = self.catalog.schema_pcs(db, schema)? else { return Ok(SchemaAnswer::NoSchema) };
        let names = in_byte_order(names)?;
        if !names.is_empty() {
            let pc = |name: String| Ok(Pc { nodes: in_byte_order(self.catalog.pc_nodes(&name)?)?, name });
            return Ok(SchemaAnswer::Pcs(names.into_iter().map(pc).collect::<Result<_>>()?));
        }
        if !self.catalog.cluster_pcs()?.is_empty() {
            return Ok(SchemaAnswer::NoPcOfMany);
        }
        Ok(SchemaAnswer::NoPcAtAll(in_byte_order(self.catalog.cluster_nodes()?)?))
    }
}

/// A catalog promises no order and may say a name twice; a draw needs one order and each name once.
fn in_byte_order(mut names: Vec<String>) -> Result<Vec<String>> {
    names.sort_unstable();
    names.dedup();
    // Placed on it, a task would have no manager and hang.
    if names.first().is_some_and(String::is_empty) {
        return Err(Error::new(ErrorKind::Catalog, "it gave an empty name"));
    }
    Ok(names)
}
