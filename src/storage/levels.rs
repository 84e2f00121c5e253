//! Changes that need each other, for a storage that carries out only such as do not.

use super::{Flow, Storage};
use crate::error::Result;
use crate::tree::Change;

/// Carries changes out level by level: first those that need no other, then those that need one of these, and so on.
pub(super) fn by_levels<S: Storage + ?Sized>(
    storage: &S,
    changes: &[Change],
    after: &[Option<usize>],
    flow: Flow<'_>,
) -> Vec<Option<Result<()>>> {
    let levels = levels(changes.len(), after);
    let mut answers: Vec<Option<Result<()>>> = changes.iter().map(|_| None).collect();
    for level in 0..=levels.iter().copied().max().unwrap_or(0) {
        let is_ready = |place: &usize| {
            levels[*place] == level
                && after.get(*place).copied().flatten().is_none_or(|needed| matches!(answers[needed], Some(Ok(()))))
        };
        let places: Vec<usize> = (0..changes.len()).filter(is_ready).collect();
        let batch: Vec<Change> = places.iter().map(|place| changes[*place].clone()).collect();
        if batch.is_empty() {
            break;
        }
        for (place, answer) in places.into_iter().zip(storage.change_batch(&batch, flow)) {
            answers[place] = Some(answer);
        }
    }
    answers
}

/// How many changes stand before each one.
fn levels(count: usize, after: &[Option<usize>]) -> Vec<usize> {
    let mut levels = Vec::with_capacity(count);
    for place in 0..count {
        let needed = after.get(place).copied().flatten();
        levels.push(needed.and_then(|needed| levels.get(needed)).map_or(0, |level: &usize| level + 1));
    }
    levels
}
