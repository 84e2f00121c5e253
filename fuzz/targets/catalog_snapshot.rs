//! Snapshots of the catalog: nothing in one may panic or take much memory, and one that is taken gives answers that fit
//! each other.

#![no_main]

use comptask_upgrade::plan::placement::{by_entry_node, by_schema, Cluster, Pc, Placement, SchemaAnswer};
use comptask_upgrade::{Catalog, CatalogSnapshot, ErrorKind};
use fuzzing::memory::bounded;
use libfuzzer_sys::fuzz_target;

fn in_order(names: &[String]) -> bool {
    names.windows(2).all(|pair| pair[0] < pair[1]) && names.iter().all(|name| !name.is_empty())
}

fn check_place(place: &Placement, cluster: &Cluster) {
    let Placement::At { pc, node } = place else { return };
    let holds = |its: &Pc| its.name == *pc && its.nodes.contains(node);
    assert!(cluster.nodes.contains(node) && (pc.is_empty() || cluster.pcs.iter().any(holds)), "{place:?}");
}

fn check(catalog: &CatalogSnapshot, db: &str, schema: &str) -> comptask_upgrade::Result<()> {
    let nodes = catalog.cluster_nodes()?;
    let names = catalog.cluster_pcs()?;
    assert!(in_order(&nodes) && in_order(&names));
    let pc = |name: &String| Ok(Pc { name: name.clone(), nodes: catalog.pc_nodes(name)? });
    let pcs = names.iter().map(pc).collect::<comptask_upgrade::Result<Vec<_>>>()?;
    for pc in &pcs {
        assert!(in_order(&pc.nodes) && pc.nodes.iter().all(|node| nodes.binary_search(node).is_ok()));
    }
    let cluster = Cluster { pcs, nodes };
    let answer = match catalog.schema_pcs(db, schema)? {
        None => SchemaAnswer::NoSchema,
        Some(its) if its.is_empty() && names.is_empty() => SchemaAnswer::NoPcAtAll(cluster.nodes.clone()),
        Some(its) if its.is_empty() => SchemaAnswer::NoPcOfMany,
        Some(its) => SchemaAnswer::Pcs(its.iter().map(pc).collect::<comptask_upgrade::Result<_>>()?),
    };
    for base in ["compct.a.0.1", "compct.b.1.2"] {
        check_place(&by_schema(base, &answer), &cluster);
        for entry_node in cluster.nodes.iter().chain([&"nobody".to_owned()]) {
            check_place(&by_entry_node(base, entry_node, &cluster), &cluster);
        }
    }
    Ok(())
}

fuzz_target!(|text: &str| {
    match bounded(text.len(), 64, || CatalogSnapshot::parse(text)) {
        Ok(catalog) => check(&catalog, "d", "s").expect("a snapshot answers for what it names"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Catalog, "{error}"),
    }
});
