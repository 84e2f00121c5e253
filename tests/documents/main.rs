//! Every block of commands and code in the documents is run. A block that this program does not know how to run, and
//! that stands in no row of [`EXCEPTIONS`], fails it: nothing in a document goes untried.
//!
//! - `console` and `sh`: each block in a folder of its own with the sample tree, the tool on the PATH, the library
//!   installed as `/opt/comptask` is said to be; what a `console` block shows is compared with what was printed. What
//!   names a cluster is run on a real HDFS and a real `ZooKeeper`.
//! - `make TARGET`: that there is such a target. The targets themselves are what `make test` runs.
//! - `c` and `cpp`: compiled without a warning, and run on the sample tree.
//! - `json`: read.
//!
//! `make test-documents` builds what this needs and says where: `COMPTASK_BUILD`, the folder of `make build`, and
//! `COMPTASK_EVERY_CLIENT`, that of the library with every client of HDFS. With `COMPTASK_WRITE_DOCUMENTS` set, what was
//! printed is written into the `console` blocks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../cluster/mod.rs"]
mod cluster;
#[path = "../support/mod.rs"]
mod support;

mod blocks;
mod places;
mod scripts;

use blocks::{documents, Block};
use places::{Cluster, Place};

/// Blocks that are not run here: the document, how the block begins, and why.
const EXCEPTIONS: [(&str, &str, &str); 2] = [
    (
        "README.md",
        "find_package(comptask_upgrade",
        "cpp_tests/install/check.sh builds hosts by find_package, shared and static, of more than one prefix",
    ),
    (
        "docs/tool-dispatch.md",
        "// ",
        "its blocks are the files of one program, which cpp_tests/tool_dispatch cuts out, builds and runs",
    ),
];

/// What is generated, and by what it is compared.
const GENERATED: [(&str, &str); 1] = [("docs/diagrams.md", "tests/diagrams")];

#[test]
fn every_block_of_the_documents_is_run() {
    let blocks: Vec<Block> = documents().iter().flat_map(|path| blocks::read(path)).collect();
    assert!(blocks.len() > 15, "only {} blocks", blocks.len());
    for (document, first, why) in EXCEPTIONS {
        let is_there = blocks.iter().any(|block| block.document == document && block.text.starts_with(first));
        assert!(is_there, "an exception for what is not there any more: {document}, {first:?} ({why})");
    }
    let mut cluster = None;
    let (mut wrong, mut run) = (Vec::new(), 0);
    for block in &blocks {
        if EXCEPTIONS.iter().any(|(document, first, _)| block.document == *document && block.text.starts_with(first)) {
            continue;
        }
        let begun = std::time::Instant::now();
        let answer = match block.language.as_str() {
            "console" | "sh" if block.is_on_a_cluster() => {
                let cluster = cluster.get_or_insert_with(Cluster::start);
                scripts::run(block, &Place::on(cluster, block))
            }
            "console" | "sh" => scripts::run(block, &Place::local(block)),
            "c" | "cpp" => scripts::compile(block, &Place::local(block)),
            "json" => {
                serde_json::from_str::<serde_json::Value>(&block.text).map(drop).map_err(|error| error.to_string())
            }
            "mermaid" if GENERATED.iter().any(|(document, _)| block.document == *document) => Ok(()),
            other => Err(format!("nothing here runs a block of {other:?}; there are: console, sh, c, cpp, json")),
        };
        println!("{}:{} {}: {:.1} s", block.document, block.line, block.language, begun.elapsed().as_secs_f32());
        run += 1;
        if let Err(why) = answer {
            wrong.push(format!("{}:{}: {why}", block.document, block.line));
        }
    }
    println!("{run} blocks");
    assert!(wrong.is_empty(), "{} blocks are wrong:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
