//! What the tests of Kerberos have done in a process of its own, since GSSAPI reads the environment of its process:
//! `on-hdfs open|write|flow ADAPTER ROOT [KEY=VALUE]...` prints one line of JSON, `{}` or the error.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "../adapters/mod.rs"]
mod adapters;
#[path = "../cluster/mod.rs"]
mod cluster;
#[path = "../support/mod.rs"]
mod support;

use adapters::by_name;
use adapters::flow::there_and_back;
use comptask_upgrade::storage::Flow;
use comptask_upgrade::tree::{Change, TreePath};
use comptask_upgrade::Error;
use serde_json::{json, Value};
use support::v1_files::{path, Open};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [work, adapter, root, options @ ..] = &arguments[..] else { panic!("{arguments:?}") };
    let options: Vec<(&str, &str)> = options.iter().map(|option| option.split_once('=').unwrap()).collect();
    println!("{}", done(work, adapter, root, &options).map_or_else(|error| told(&error), |()| json!({})));
}

fn done(work: &str, adapter: &str, root: &str, options: &[(&str, &str)]) -> Result<(), Error> {
    let (_, open) = by_name(adapter);
    let storage = open(root, options)?;
    match work {
        "open" => storage.children(&TreePath::root()).map(|_| ()),
        "write" => {
            let create = Change::Create { path: path(&format!("file-{}", std::process::id())), bytes: vec![1, 2, 3] };
            let answers = storage.change_batch(&[create], Flow { fence: &Open, in_flight: 1 });
            answers.into_iter().next().unwrap()
        }
        // A folder of its own for each flow, since a root must be there.
        "flow" => {
            let folder = format!("{adapter}-{}", std::process::id());
            let root = adapters::new_root(&*storage, root, &folder);
            there_and_back(&open(&root, options)?, "seed");
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
