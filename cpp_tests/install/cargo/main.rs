//! A host in Rust: the phase of a tree, by the crate.

use std::sync::Arc;

use comptask_upgrade::{AssumeOffline, FileLock, LocalStorage, Operation, RunOptions, SessionBuilder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args_os().nth(1).ok_or("usage: status ROOT")?;
    let storage = Arc::new(LocalStorage::open(root.as_ref())?);
    let session = SessionBuilder::new(storage).lock(FileLock::open(root.as_ref())?).liveness(AssumeOffline).open()?;
    let report = session.run(Operation::Status, &RunOptions::default(), None)?;
    println!("phase {}", report.phase.word());
    Ok(())
}
