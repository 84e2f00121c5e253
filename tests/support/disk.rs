//! A disk with a cache: what every process sees, and what is left when the power goes.
//!
//! A change is seen at once. It is durable when the batch that it belongs to was answered, or when somebody flushed; the
//! journal of HDFS and a `syncfs` both give that. When the power goes, what is durable is left, and of the rest any
//! part, since the changes of a batch do not depend on each other and a cache writes them in any order.

use std::sync::Arc;

use comptask_upgrade::storage::Flow;
use comptask_upgrade::tree::Change;
use comptask_upgrade::{MemoryStorage, Storage};
use parking_lot::Mutex;

use super::v1_files::Open;

/// The disk; clones are the same one.
#[derive(Clone)]
pub struct Disk(Arc<Mutex<Images>>);

struct Images {
    live: MemoryStorage,
    durable: MemoryStorage,
    /// What processes that are gone made, and nobody made durable.
    left: Vec<Change>,
}

/// A change of somebody who needs nobody's leave.
pub fn open() -> Flow<'static> {
    Flow { fence: &Open, in_flight: 1 }
}

fn apply(tree: &MemoryStorage, change: &Change) -> comptask_upgrade::Result<()> {
    tree.change_batch(std::slice::from_ref(change), open()).remove(0)
}

impl Disk {
    /// A disk whose live image this tree is and stays; all that it holds is durable.
    pub fn new(tree: &MemoryStorage) -> Self {
        Self(Arc::new(Mutex::new(Images { live: tree.clone(), durable: tree.copy(), left: Vec::new() })))
    }

    /// The same disk once more, which shares nothing with this one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let images = self.0.lock();
        let (live, durable) = (images.live.copy(), images.durable.copy());
        Self(Arc::new(Mutex::new(Images { live, durable, left: images.left.clone() })))
    }

    /// What every process sees now.
    pub fn live(&self) -> MemoryStorage {
        self.0.lock().live.clone()
    }

    /// A batch was answered. Whoever made a change that needs one which is not durable has broken the order of writes.
    pub fn make_durable(&self, made: &[Change]) {
        let images = self.0.lock();
        for change in made {
            let change = match change {
                // A folder that is gone for good is so with all that was gone from it before.
                Change::Remove { path, .. } => &Change::Remove { path: path.clone(), recursive: true },
                other => other,
            };
            apply(&images.durable, change)
                .unwrap_or_else(|error| panic!("{change:?} rests on what is not durable: {error}"));
        }
    }

    /// A process is gone, and left this.
    pub fn leave(&self, made: Vec<Change>) {
        self.0.lock().left.extend(made);
    }

    /// All that is seen is durable.
    pub fn flush(&self) {
        let mut images = self.0.lock();
        images.left.clear();
        images.durable = images.live.copy();
    }

    /// The power goes and comes back; `draw` says what of the cache had been written.
    pub fn cut_the_power(&self, draw: impl Fn() -> u64) {
        let mut images = self.0.lock();
        let rest = images.durable.copy();
        for change in std::mem::take(&mut images.left) {
            if draw() % 2 == 0 {
                // One that needs another which was lost cannot have been written either.
                let _lost_with_it = apply(&rest, &change);
            }
        }
        images.live.restore(&rest);
        images.durable = rest;
    }
}
