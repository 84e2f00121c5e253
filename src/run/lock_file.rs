//! `TaskupgradeLock`: who holds the lock, for people. It is never trusted as a lock.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::layout;
use crate::storage::{none_if_missing, Storage};

const FILE_BYTES_LIMIT: u64 = 64 << 10;

/// Who holds the lock, where, for what and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockHolder {
    /// The run's name.
    pub run: String,
    /// The operation's word.
    pub operation: String,
    /// The host it runs on.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// Since when, RFC 3339 in UTC.
    pub since: String,
}

impl LockHolder {
    /// The bytes of the file.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// What the file says; `None` where there is none or nobody can read it.
    pub(super) fn read(storage: &dyn Storage) -> Result<Option<Self>> {
        let bytes = none_if_missing(storage.read(&layout::lock_file(), FILE_BYTES_LIMIT))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { operation, host, pid, since, .. } = self;
        write!(formatter, "{operation} on {host}, process {pid}, since {since}")
    }
}
