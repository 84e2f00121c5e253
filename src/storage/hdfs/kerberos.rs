//! Files of Kerberos, seen before a client is asked.

use std::fs::File;

use crate::error::{Error, ErrorKind, Result};

/// What names a file must name one that can be read; other kinds (`KEYRING:`, `KCM:`, ...) are the library's.
pub(crate) fn readable(key: &str, name: &str) -> Result<()> {
    let path = match name.split_once(':') {
        None => name,
        Some(("FILE" | "WRFILE", path)) => path,
        Some(_) => return Ok(()),
    };
    File::open(path).map(|_| ()).map_err(|error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => ErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
            _ => ErrorKind::InvalidArgument,
        };
        Error::new(kind, format!("the file that {key} names cannot be read: {error}")).at(path)
    })
}
