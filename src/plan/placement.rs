//! Where a task runs: the PC by its schema, the node drawn from the PC.

use xxhash_rust::xxh64::xxh64;

/// By what tasks are placed, numbered as the ABI numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(i32)]
pub enum PlacementRule {
    /// The PC is one that the task's schema may use.
    #[default]
    BySchema = 0,
    /// The PC is that of the node which received the task; a task whose node is no longer installed becomes Cancel.
    ByEntryNode = 1,
    /// By entry node; a task whose node is no longer installed is placed by its schema.
    ByEntryNodeOrSchema = 2,
}

impl PlacementRule {
    /// Every rule, by its number.
    pub const ALL: [Self; 3] = [Self::BySchema, Self::ByEntryNode, Self::ByEntryNodeOrSchema];

    /// The rule of a number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| *rule as i32 == number)
    }
}

/// The seeds of the two draws. One hash for both would leave half the nodes of a PC idle.
const PC_SEED: u64 = 0;
const NODE_SEED: u64 = 1;

/// A PC and its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pc {
    /// Its name.
    pub name: String,
    /// Its nodes, in the order of their bytes, each once.
    pub nodes: Vec<String>,
}

/// What the catalog answers for one schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaAnswer {
    /// There is no such schema.
    NoSchema,
    /// The PCs it may use, in the order of their bytes, each once; not empty.
    Pcs(Vec<Pc>),
    /// It has no PC, though the cluster has some.
    NoPcOfMany,
    /// It has no PC and the cluster has none: any of these nodes, in the order of their bytes.
    NoPcAtAll(Vec<String>),
}

/// Where a task was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// A PC, empty where the cluster has none, and a node.
    At {
        /// The PC.
        pc: String,
        /// The node.
        node: String,
    },
    /// Nowhere; why. An open task becomes Cancel.
    Nowhere(&'static str),
}

/// The place of a task by its schema: spread evenly over tasks, the same on every run.
pub fn by_schema(base: &str, answer: &SchemaAnswer) -> Placement {
    match answer {
        SchemaAnswer::NoSchema => Placement::Nowhere("there is no such schema"),
        SchemaAnswer::NoPcOfMany => Placement::Nowhere("the schema may use no PC"),
        SchemaAnswer::NoPcAtAll(nodes) => match draw(base, NODE_SEED, nodes) {
            Some(node) => Placement::At { pc: String::new(), node: node.clone() },
            None => Placement::Nowhere("the cluster has no node"),
        },
        SchemaAnswer::Pcs(pcs) => {
            let with_nodes: Vec<&Pc> = pcs.iter().filter(|pc| !pc.nodes.is_empty()).collect();
            let place = draw(base, PC_SEED, &with_nodes).and_then(|pc| {
                Some(Placement::At { pc: pc.name.clone(), node: draw(base, NODE_SEED, &pc.nodes)?.clone() })
            });
            place.unwrap_or(Placement::Nowhere("no PC of the schema has a node"))
        }
    }
}

/// The PCs and the nodes of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cluster {
    /// Its PCs, in the order of their bytes, each once.
    pub pcs: Vec<Pc>,
    /// All its nodes, in the order of their bytes, each once.
    pub nodes: Vec<String>,
}

/// The place of a task by the node that received it: the PC which that node is in, or, where it is in none, the nodes
/// that no PC holds.
pub fn by_entry_node(base: &str, entry_node: &str, cluster: &Cluster) -> Placement {
    let holds = |pc: &&Pc| pc.nodes.iter().any(|node| node == entry_node);
    let its: Vec<&Pc> = cluster.pcs.iter().filter(holds).collect();
    let in_pc = draw(base, PC_SEED, &its)
        .and_then(|pc| Some(Placement::At { pc: pc.name.clone(), node: draw(base, NODE_SEED, &pc.nodes)?.clone() }));
    if let Some(place) = in_pc {
        return place;
    }
    if !cluster.nodes.iter().any(|node| node == entry_node) {
        return Placement::Nowhere("its entry node is no longer installed");
    }
    let held = |node: &&String| cluster.pcs.iter().any(|pc| pc.nodes.contains(node));
    let free: Vec<&String> = cluster.nodes.iter().filter(|node| !held(node)).collect();
    match draw(base, NODE_SEED, &free) {
        Some(node) => Placement::At { pc: String::new(), node: (*node).clone() },
        None => Placement::Nowhere("no node is outside every PC"),
    }
}

fn draw<'a, T>(base: &str, seed: u64, candidates: &'a [T]) -> Option<&'a T> {
    let count = candidates.len() as u64;
    let index = xxh64(base.as_bytes(), seed).checked_rem(count)?;
    candidates.get(usize::try_from(index).ok()?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn pc(name: &str, nodes: &[&str]) -> Pc {
        Pc { name: name.into(), nodes: nodes.iter().map(|node| (*node).to_owned()).collect() }
    }

    fn at(pc: &str, node: &str) -> Placement {
        Placement::At { pc: pc.into(), node: node.into() }
    }

    #[test]
    fn every_row_of_the_table() {
        let base = "compct.p.0.1";
        assert_eq!(by_schema(base, &SchemaAnswer::Pcs(vec![pc("c", &["n"])])), at("c", "n"));
        assert_eq!(
            by_schema(base, &SchemaAnswer::Pcs(vec![pc("a", &[]), pc("b", &["n"]), pc("c", &[])])),
            at("b", "n")
        );
        assert!(matches!(by_schema(base, &SchemaAnswer::Pcs(vec![pc("a", &[])])), Placement::Nowhere(_)));
        assert!(matches!(by_schema(base, &SchemaAnswer::NoPcOfMany), Placement::Nowhere(_)));
        assert!(matches!(by_schema(base, &SchemaAnswer::NoSchema), Placement::Nowhere(_)));
        assert_eq!(by_schema(base, &SchemaAnswer::NoPcAtAll(vec!["n".into()])), at("", "n"));
        assert!(matches!(by_schema(base, &SchemaAnswer::NoPcAtAll(vec![])), Placement::Nowhere(_)));
    }

    #[test]
    fn an_entry_node_leads_to_its_pc_or_to_the_nodes_of_none() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let cluster = Cluster {
            pcs: vec![pc("a", &["n1"]), pc("b", &["n2"]), pc("empty", &[])],
            nodes: names(&["n1", "n2", "n3", "n4"]),
        };
        let place = |base: &str, node: &str| by_entry_node(base, node, &cluster);
        assert_eq!(place("compct.n1.0.1", "n1"), at("a", "n1"));
        assert_eq!(place("compct.n2.0.1", "n2"), at("b", "n2"));
        for ts in 0..20 {
            let Placement::At { pc, node } = place(&format!("compct.n3.0.{ts}"), "n3") else { panic!("{ts}") };
            assert!(pc.is_empty() && ["n3", "n4"].contains(&node.as_str()), "{pc} {node}");
        }
        assert_eq!(place("compct.gone.0.1", "gone"), Placement::Nowhere("its entry node is no longer installed"));
        let unlisted = Cluster { pcs: vec![pc("a", &["n1"])], nodes: vec![] };
        assert_eq!(by_entry_node("compct.n1.0.1", "n1", &unlisted), at("a", "n1"), "a PC holds it, so it is installed");
    }

    /// XXH64 of the name is part of the format: another hash would place a resumed run's tasks elsewhere.
    #[test]
    fn the_draw_is_pinned() {
        assert_eq!(xxh64(b"", 0), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"abc", 0), 0x44bc_2cf5_ad77_0999);
        let pcs = SchemaAnswer::Pcs(vec![pc("a", &["a1", "a2"]), pc("b", &["b1", "b2"]), pc("c", &["c1", "c2"])]);
        let places: Vec<Placement> = (0..6).map(|ts| by_schema(&format!("compct.p.0.{ts}"), &pcs)).collect();
        let expected = [("b", "b1"), ("c", "c2"), ("c", "c2"), ("b", "b1"), ("c", "c2"), ("c", "c1")]
            .map(|(pc, node)| at(pc, node));
        assert_eq!(places, expected);
    }

    #[test]
    fn tasks_are_spread_evenly_over_pcs_and_nodes() {
        let pcs = SchemaAnswer::Pcs(vec![pc("a", &["a1", "a2"]), pc("b", &["b1", "b2"])]);
        let mut counts = HashMap::new();
        for ts in 0..10_000_u64 {
            if let Placement::At { node, .. } =
                by_schema(&format!("compct.xcloud24_9876.0.{}", 1_617_693_156_000 + ts), &pcs)
            {
                *counts.entry(node).or_insert(0_u32) += 1;
            }
        }
        assert_eq!(counts.len(), 4);
        assert!(counts.values().all(|count| (2_300..2_700).contains(count)), "{counts:?}");
    }
}
