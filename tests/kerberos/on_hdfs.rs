//! What the tests of Kerberos have done in a process of its own, whose environment GSSAPI reads:
//! `on-hdfs open|empty|flow ADAPTER ROOT [KEY=VALUE]...` prints one line of JSON, `{}` or the error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../adapters/mod.rs"]
mod adapters;
#[path = "../support/mod.rs"]
mod support;

use std::time::Instant;

use adapters::by_name;
use adapters::flow::there_and_back;
use comptask_upgrade::tree::TreePath;
use comptask_upgrade::Error;
use serde_json::{json, Value};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, adapter, root, options @ ..] = &arguments[..] else { panic!("{arguments:?}") };
    let options: Vec<(&str, &str)> = options.iter().map(|option| option.split_once('=').unwrap()).collect();
    let begun = Instant::now();
    let mut told = match done(work, adapter, root, &options) {
        Ok(()) => json!({}),
        Err(error) => told(&error),
    };
    told["ms"] = json!(begun.elapsed().as_millis().to_string());
    println!("{told}");
}

fn done(work: &str, adapter: &str, root: &str, options: &[(&str, &str)]) -> Result<(), Error> {
    let (_, open) = by_name(adapter);
    let storage = open(root, options)?;
    match work {
        "open" => storage.list(&TreePath::root(), &mut |_| std::ops::ControlFlow::Continue(())),
        "writable" => storage.check_writable(&TreePath::root()),
        // A folder of its own for each flow, since a root must be there.
        "flow" => {
            let name = "seed";
            let folder = format!("{adapter}-{}", std::process::id());
            let root = adapters::new_root(&*storage, root, &folder);
            there_and_back(&open(&root, options)?, name);
            Ok(())
        }
        _ => panic!("there is no work {work}"),
    }
}

fn told(error: &Error) -> Value {
    json!({
        "kind": format!("{:?}", error.kind()),
        "message": error.message(),
        "path": error.path(),
        "next_action": error.next_action(),
    })
}
