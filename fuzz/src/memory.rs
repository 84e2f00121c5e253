//! How much memory the code under test has: an input must not be able to ask for much more than its own length, and what
//! a script made must be gone once it is freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
static PEAK_BYTES: AtomicUsize = AtomicUsize::new(0);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn taken(bytes: usize) {
    let live = LIVE_BYTES.fetch_add(bytes, SeqCst) + bytes;
    PEAK_BYTES.fetch_max(live, SeqCst);
}

// SAFETY: the system's allocator does the work; the counters change nothing of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        taken(layout.size());
        // SAFETY: as promised by the caller, here and below.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), SeqCst);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// The bytes that are allocated now.
pub fn live_bytes() -> usize {
    LIVE_BYTES.load(SeqCst)
}

/// What the code answers, and the most bytes that it had at a time beside what was there before.
pub fn measured<T>(body: impl FnOnce() -> T) -> (T, usize) {
    let before = live_bytes();
    PEAK_BYTES.store(before, SeqCst);
    let answer = body();
    (answer, PEAK_BYTES.load(SeqCst).saturating_sub(before))
}

/// Runs code that reads an input of this length, and fails where it took more memory than such an input can need.
pub fn bounded<T>(input_bytes: usize, factor: usize, body: impl FnOnce() -> T) -> T {
    let (answer, peak) = measured(body);
    let limit = 16 * 1024 + factor * input_bytes;
    assert!(peak <= limit, "an input of {input_bytes} bytes took {peak} bytes of memory, over {limit}");
    answer
}

/// Runs code again and again for as long as each time leaves memory behind; where it never stops, it leaks. The first
/// times may fill what a process makes once.
pub fn leaks_nothing(mut body: impl FnMut()) {
    for _ in 0..8 {
        let before = live_bytes();
        body();
        if live_bytes() <= before {
            return;
        }
    }
    panic!("each of 8 times it ran, it left memory behind");
}
