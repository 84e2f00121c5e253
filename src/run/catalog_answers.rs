//! The catalog's answers for schemas, each asked for once a run.

use std::collections::HashMap;
use std::rc::Rc;

use crate::cluster::Catalog;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::placement::{by_entry_node, by_schema, Cluster, Pc, Placement, PlacementRule, SchemaAnswer};
use crate::task::TaskV1;

/// The catalog's answers for schemas, each asked for once a run: also the one that it could not be reached, so that a
/// catalog that is away costs one time-out a schema and not one a task.
pub(super) struct CatalogAnswers<'a> {
    catalog: &'a dyn Catalog,
    answers: HashMap<(String, String), Result<Rc<SchemaAnswer>>>,
    cluster: Option<Result<Rc<Cluster>>>,
}

/// Where a task was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    At {
        pc: String,
        node: String,
    },
    /// Nowhere; why, in full.
    Nowhere(String),
}

impl<'a> CatalogAnswers<'a> {
    pub(super) fn new(catalog: &'a dyn Catalog) -> Self {
        Self { catalog, answers: HashMap::new(), cluster: None }
    }

    /// The place of a task by a rule; where it finds none, why.
    pub(super) fn place(&mut self, rule: PlacementRule, base: &str, task: &TaskV1) -> Result<Place> {
        if rule != PlacementRule::BySchema {
            let entry_node = &task.task_id.receive_pu;
            match by_entry_node(base, entry_node, &*self.cluster()?) {
                Placement::At { pc, node } => return Ok(Place::At { pc, node }),
                Placement::Nowhere(why) if rule == PlacementRule::ByEntryNode => {
                    return Ok(Place::Nowhere(format!("entry node {entry_node}: {why}")));
                }
                Placement::Nowhere(_) => {}
            }
        }
        let (db, schema) = (&task.db_name, &task.schema_name);
        Ok(match by_schema(base, &*self.of_schema(db, schema)?) {
            Placement::At { pc, node } => Place::At { pc, node },
            Placement::Nowhere(why) => Place::Nowhere(format!("schema {db}.{schema}: {why}")),
        })
    }

    /// The PCs and nodes of the cluster, asked for once.
    fn cluster(&mut self) -> Result<Rc<Cluster>> {
        let catalog = self.catalog;
        let ask = || {
            let pc = |name: String| Ok(Pc { nodes: in_byte_order(catalog.pc_nodes(&name)?)?, name });
            let pcs = in_byte_order(catalog.cluster_pcs()?)?.into_iter().map(pc).collect::<Result<_>>()?;
            Ok(Rc::new(Cluster { pcs, nodes: in_byte_order(catalog.cluster_nodes()?)? }))
        };
        let no_answer = |error: Error| {
            let kind = if error.kind() == ErrorKind::NotFound { ErrorKind::Catalog } else { error.kind() };
            Error::new(kind, format!("the catalog gives no answer for the cluster: {}", error.message()))
        };
        self.cluster.get_or_insert_with(|| ask().map_err(no_answer)).clone()
    }

    /// What the catalog says of a schema.
    fn of_schema(&mut self, db: &str, schema: &str) -> Result<Rc<SchemaAnswer>> {
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
