//! What the fuzz targets share. A target fails by a panic, also one that the library caught at its border.

#![allow(
    missing_docs,
    clippy::missing_panics_doc,
    clippy::naive_bytecount,
    clippy::missing_safety_doc,
    reason = "a tool for tests: a panic is how it says what it found"
)]

pub mod c_abi;
pub mod memory;

use comptask_upgrade::task::crc32c_hex;

/// The bytes of a task file with this payload, its length and its checksum right, so that the payload is looked at.
pub fn sealed(magic: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut file = magic.to_vec();
    file.extend(1_u16.to_le_bytes());
    file.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend(payload);
    file.extend(crc32c::crc32c(&file).to_le_bytes());
    file
}

/// The bytes of a manifest with these lines, its count and its checksum right.
pub fn sealed_manifest(lines: &[u8]) -> Vec<u8> {
    let mut file = lines.to_vec();
    if !file.ends_with(b"\n") {
        file.push(b'\n');
    }
    let count = file.iter().filter(|byte| **byte == b'\n').count() - 1;
    let tail = format!("{{\"count\":{count},\"crc32c\":\"{}\"}}\n", crc32c_hex(&file));
    file.extend(tail.as_bytes());
    file
}
