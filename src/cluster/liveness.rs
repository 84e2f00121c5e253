//! Liveness from a text file, or from the caller's word.

use std::path::{Path, PathBuf};

use super::Liveness;
use crate::error::{Error, ErrorKind, Result};

/// The most bytes that a list of nodes may have.
const FILE_BYTES_LIMIT: u64 = 16 << 20;

/// The nodes that a text file lists as up, one a line; empty lines and lines that begin with `#` say nothing.
///
/// The file is read each time it is asked, so that it can be kept up to date while a run goes on.
#[derive(Debug)]
pub struct FileLiveness {
    path: PathBuf,
}

impl FileLiveness {
    /// The list in this file, which must be there and readable.
    ///
    /// # Errors
    /// `Liveness`.
    pub fn open(path: &Path) -> Result<Self> {
        let liveness = Self { path: path.to_owned() };
        liveness.online_nodes()?;
        Ok(liveness)
    }
}

impl Liveness for FileLiveness {
    fn online_nodes(&self) -> Result<Vec<String>> {
        let failed = |why: String| Error::new(ErrorKind::Liveness, why).at(self.path.display());
        let length =
            std::fs::metadata(&self.path).map_err(|error| failed(format!("it cannot be read: {error}")))?.len();
        if length > FILE_BYTES_LIMIT {
            return Err(failed(format!("it has {length} bytes, over {FILE_BYTES_LIMIT}")));
        }
        let text =
            std::fs::read_to_string(&self.path).map_err(|error| failed(format!("it cannot be read: {error}")))?;
        Ok(text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect())
    }
}

/// The caller's word that every node is down.
#[derive(Debug, Clone, Copy)]
pub struct AssumeOffline;

impl Liveness for AssumeOffline {
    fn online_nodes(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lists_one_node_a_line() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("online");
        assert_eq!(FileLiveness::open(&path).unwrap_err().kind(), ErrorKind::Liveness);
        std::fs::write(&path, "# up\n\n a_1 \r\nb_2\n").unwrap();
        let liveness = FileLiveness::open(&path).unwrap();
        assert_eq!(liveness.online_nodes().unwrap(), ["a_1", "b_2"]);
        std::fs::write(&path, "").unwrap();
        assert!(liveness.online_nodes().unwrap().is_empty(), "it is read anew each time");
        assert_eq!(liveness.change_id().unwrap(), None);
    }
}
