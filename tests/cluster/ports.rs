//! Free ports of 127.0.0.1 that stay free while a server is down.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Below the range from which the kernel takes the ports of outgoing connections: such a port would be taken by
/// somebody's connection while its server is killed and started again.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody listens on now. No two calls of one process give the same one.
pub fn free() -> super::Result<u16> {
    for _ in 0..COUNT {
        let port = FIRST + (start() + NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    Err(format!("none of the {COUNT} ports from {FIRST} on is free"))
}

/// Where this process begins to look: test processes that start together look in different places.
fn start() -> u16 {
    static START: std::sync::OnceLock<u16> = std::sync::OnceLock::new();
    *START.get_or_init(|| {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let mixed = (nanos ^ std::process::id().wrapping_mul(2_654_435_761)) % u32::from(COUNT);
        u16::try_from(mixed).unwrap_or_default()
    })
}
