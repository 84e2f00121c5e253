//! The catalog as a JSON file that somebody took of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::Catalog;
use crate::error::{Error, ErrorKind, Result};

/// The most bytes that a snapshot may have.
const FILE_BYTES_LIMIT: u64 = 256 << 20;

/// A snapshot of the catalog:
/// `{"process_groups": [{"name", "nodes"}], "nodes": [...], "schemas": [{"db", "schema", "process_groups"}]}`.
#[derive(Debug, Default)]
pub struct CatalogSnapshot {
    pcs: BTreeMap<String, Vec<String>>,
    nodes: Vec<String>,
    schemas: BTreeMap<(String, String), Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    process_groups: Vec<ProcessGroup>,
    nodes: Vec<String>,
    schemas: Vec<Schema>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProcessGroup {
    name: String,
    nodes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schema {
    db: String,
    #[serde(rename = "schema")]
    name: String,
    process_groups: Vec<String>,
}

impl CatalogSnapshot {
    /// The snapshot in this file.
    ///
    /// # Errors
    /// `Catalog` where it cannot be read, or says something that cannot be; what and where is named.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |why: String| Error::new(ErrorKind::Catalog, why).at(path.display());
        let length = std::fs::metadata(path).map_err(|error| failed(format!("it cannot be read: {error}")))?.len();
        if length > FILE_BYTES_LIMIT {
            return Err(failed(format!("it has {length} bytes, over {FILE_BYTES_LIMIT}")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| failed(format!("it cannot be read: {error}")))?;
        Self::parse(&text).map_err(|error| error.at(path.display()))
    }

    /// The snapshot that a text holds.
    ///
    /// # Errors
    /// `Catalog`.
    pub fn parse(text: &str) -> Result<Self> {
        let document: Document =
            serde_json::from_str(text).map_err(|error| refused(&format!("it is no catalog snapshot: {error}")))?;
        let nodes = unique("node", "the cluster", document.nodes)?;
        let mut pcs = BTreeMap::new();
        for ProcessGroup { name, nodes: own } in document.process_groups {
            let own = unique("node", &format!("process group {name:?}"), own)?;
            if let Some(stranger) = own.iter().find(|node| nodes.binary_search(node).is_err()) {
                return Err(refused(&format!("node {stranger:?} of process group {name:?} is not among the nodes")));
            }
            if name.is_empty() {
                return Err(refused("a process group has an empty name"));
            }
            if pcs.insert(name.clone(), own).is_some() {
                return Err(refused(&format!("process group {name:?} is listed twice")));
            }
        }
        let mut schemas = BTreeMap::new();
        for Schema { db, name: schema, process_groups } in document.schemas {
            let owner = format!("schema {:?}", format!("{db}.{schema}"));
            let named = unique("process group", &owner, process_groups)?;
            if let Some(stranger) = named.iter().find(|name| !pcs.contains_key(*name)) {
                return Err(refused(&format!("process group {stranger:?} of {owner} is not listed")));
            }
            if schemas.insert((db, schema), named).is_some() {
                return Err(refused(&format!("{owner} is listed twice")));
            }
        }
        Ok(Self { pcs, nodes, schemas })
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Catalog, why).advise("correct the catalog snapshot, then run the command again")
}

/// The names in the order of their bytes, each given once and not empty.
fn unique(what: &str, owner: &str, names: Vec<String>) -> Result<Vec<String>> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() {
            return Err(refused(&format!("{owner} names a {what} with an empty name")));
        }
        if let Some(twice) = seen.replace(name) {
            return Err(refused(&format!("{owner} names {what} {twice:?} twice")));
        }
    }
    Ok(seen.into_iter().collect())
}

impl Catalog for CatalogSnapshot {
    fn schema_pcs(&self, db: &str, schema: &str) -> Result<Option<Vec<String>>> {
        Ok(self.schemas.get(&(db.to_owned(), schema.to_owned())).cloned())
    }

    fn cluster_pcs(&self) -> Result<Vec<String>> {
        Ok(self.pcs.keys().cloned().collect())
    }

    fn pc_nodes(&self, pc: &str) -> Result<Vec<String>> {
        let nodes = self.pcs.get(pc).cloned();
        nodes.ok_or_else(|| Error::new(ErrorKind::Catalog, format!("there is no process group {pc:?}")))
    }

    fn cluster_nodes(&self) -> Result<Vec<String>> {
        Ok(self.nodes.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"process_groups": [{"name": "pc1", "nodes": ["n1"]}, {"name": "pc2", "nodes": []}],
        "nodes": ["n2", "n1"], "schemas": [{"db": "d", "schema": "s", "process_groups": ["pc2", "pc1"]},
        {"db": "d", "schema": "none", "process_groups": []}]}"#;

    #[test]
    fn it_answers_what_it_says() {
        let catalog = CatalogSnapshot::parse(GOOD).unwrap();
        assert_eq!(catalog.schema_pcs("d", "s").unwrap().unwrap(), ["pc1", "pc2"]);
        assert_eq!(catalog.schema_pcs("d", "none").unwrap().unwrap(), Vec::<String>::new());
        assert_eq!(catalog.schema_pcs("d", "absent").unwrap(), None);
        assert_eq!(catalog.cluster_pcs().unwrap(), ["pc1", "pc2"]);
        assert_eq!(catalog.cluster_nodes().unwrap(), ["n1", "n2"]);
        assert_eq!(catalog.pc_nodes("pc1").unwrap(), ["n1"]);
        assert_eq!(catalog.pc_nodes("pc9").unwrap_err().kind(), ErrorKind::Catalog);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (from, to, word) in [
            ("\"name\": \"pc2\"", "\"name\": \"pc1\"", "\"pc1\" is listed twice"),
            ("[\"pc2\", \"pc1\"]", "[\"pc1\", \"pc1\"]", "\"pc1\" twice"),
            ("[\"pc2\", \"pc1\"]", "[\"pc3\"]", "\"pc3\" of schema \"d.s\" is not listed"),
            ("[\"n2\", \"n1\"]", "[\"n1\", \"n1\"]", "\"n1\" twice"),
            ("[\"n2\", \"n1\"]", "[\"n2\"]", "\"n1\" of process group \"pc1\" is not among"),
            ("\"schema\": \"none\"", "\"schema\": \"s\"", "\"d.s\" is listed twice"),
            ("\"nodes\": [\"n2\"", "\"node\": [\"n2\"", "unknown field `node`"),
            ("\"name\": \"pc2\"", "\"name\": \"\"", "empty name"),
            ("{\"process", "\"process", "no catalog snapshot"),
        ] {
            let text = GOOD.replace(from, to);
            assert_ne!(text, GOOD, "{from}");
            let error = CatalogSnapshot::parse(&text).unwrap_err();
            assert!(error.kind() == ErrorKind::Catalog && error.message().contains(word), "{error} lacks {word}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = CatalogSnapshot::open(Path::new("/nowhere/catalog.json")).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Catalog, "/nowhere/catalog.json"));
    }
}
