//! Calls that do not depend on each other, several at a time.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::error::{Error, ErrorKind, Result};

/// Calls `work` for every item on up to `threads` threads, which end before it returns, and gives the answers in the
/// order of the items. One thread, or one item, is the calling thread.
///
/// Where a thread cannot be started the others, or the calling one, do its work.
pub(crate) fn overlap<T: Sync, R: Send>(
    items: &[T],
    threads: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Vec<Result<R>> {
    let threads = threads.clamp(1, items.len().max(1));
    if threads == 1 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let answers: Vec<Mutex<Option<Result<R>>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let drain = || loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let (Some(item), Some(answer)) = (items.get(index), answers.get(index)) else { return };
        *answer.lock() = Some(work(item));
    };
    std::thread::scope(|scope| {
        let mut started = Vec::new();
        for _ in 1..threads {
            let builder = std::thread::Builder::new().name("ctu-storage".to_owned());
            started.extend(builder.spawn_scoped(scope, drain));
        }
        drain();
        // A panic in `work` leaves its item without an answer, which says so below; joining keeps it from spreading.
        for thread in started {
            drop(thread.join());
        }
    });
    let missing = || Err(Error::new(ErrorKind::Internal, "a storage call ended without an answer"));
    answers.into_iter().map(|answer| answer.into_inner().unwrap_or_else(missing)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_order_of_the_items() {
        let items: Vec<u64> = (0..1_000).collect();
        for threads in [0, 1, 7] {
            let answers = overlap(&items, threads, |item| Ok(item * 2));
            assert_eq!(
                answers.into_iter().collect::<Result<Vec<_>>>().unwrap(),
                items.iter().map(|i| i * 2).collect::<Vec<_>>()
            );
        }
    }
}
