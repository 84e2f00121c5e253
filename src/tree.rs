//! The words in which the pure core and the storages talk of a tree: a path, what lies at it, and a change of it.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// The most bytes that a name of a file or folder may have, on HDFS and on Linux disks alike.
pub const NAME_BYTES_LIMIT: usize = 255;

/// A path below the root: components with `/` between, no leading `/`, never `.` or `..`. The root itself is empty.
///
/// A value of this type cannot leave the root, whatever string it was made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(String);

impl TreePath {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path that a text spells, or `InvalidArgument` where a component is empty, `.`, `..` or holds a NUL.
    pub fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::root());
        }
        match text.split('/').find(|name| !is_component(name)) {
            None => Ok(Self(text.to_owned())),
            Some(name) => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("a path below the root cannot hold the component {name:?}"),
            )
            .at(text)),
        }
    }

    /// The path of a child. A name that is not one component would leave the folder, so its `/` and dots are refused.
    pub fn child(&self, name: &str) -> Result<Self> {
        if !is_component(name) {
            return Err(Error::new(ErrorKind::InvalidArgument, format!("{name:?} is not the name of a file")).at(self));
        }
        Ok(self.join(name))
    }

    /// The path of a child whose name comes from `layout`, which makes whole components only.
    #[must_use]
    pub fn join(&self, name: &str) -> Self {
        debug_assert!(name.split('/').all(is_component), "{name:?} is not a relative path");
        if self.0.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{}/{name}", self.0))
        }
    }

    /// The folder that holds it; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(Self(self.0.rsplit_once('/').map_or(String::new(), |(parent, _)| parent.to_owned())))
    }

    /// The last component; empty for the root.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// The path as text, the root as the empty text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The components from the root down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|name| !name.is_empty())
    }

    /// Whether it lies at or below another path.
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.0.is_empty()
            || self.0 == folder.0
            || (self.0.starts_with(&folder.0) && self.0.as_bytes().get(folder.0.len()) == Some(&b'/'))
    }
}

fn is_component(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

impl fmt::Display for TreePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// What kind of thing lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a socket, a device: nothing this library reads, follows or makes.
    Other,
}

/// What a storage says of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its kind.
    pub kind: Kind,
    /// Its length in bytes; 0 for a folder.
    pub length: u64,
    /// When it was last changed, in milliseconds since 1970.
    pub mtime_ms: i64,
}

/// A child of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name; where that is not UTF-8, the nearest text to it.
    pub name: String,
    /// Whether `name` is the name to the byte. Where it is not, the entry cannot be addressed, only reported.
    pub exact: bool,
    /// What a storage says of it.
    pub stat: Stat,
}

impl Entry {
    /// Whether it is a regular file whose name is text.
    pub fn is_file(&self) -> bool {
        self.exact && self.stat.kind == Kind::File
    }

    /// Whether it is a folder whose name is text.
    pub fn is_folder(&self) -> bool {
        self.exact && self.stat.kind == Kind::Folder
    }
}

/// One change of a tree. What each promises stands at [`crate::storage::Storage`].
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// A new file with these bytes.
    Create {
        /// Where; its parent must exist.
        path: TreePath,
        /// All its bytes.
        bytes: Vec<u8>,
    },
    /// A folder, and its missing parents.
    MakeFolder {
        /// Where.
        path: TreePath,
    },
    /// Another name for a file or folder, never onto or into anything.
    Rename {
        /// The old path.
        from: TreePath,
        /// The new path; its parent must exist.
        to: TreePath,
    },
    /// The end of a file or folder.
    Remove {
        /// Which.
        path: TreePath,
        /// Whether a folder goes with all it holds.
        recursive: bool,
    },
}

impl Change {
    /// The path that an error about this change names.
    pub fn path(&self) -> &TreePath {
        match self {
            Self::Create { path, .. } | Self::MakeFolder { path } | Self::Remove { path, .. } => path,
            Self::Rename { to, .. } => to,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { path, bytes } => write!(formatter, "create {path} ({} bytes)", bytes.len()),
            Self::MakeFolder { path } => write!(formatter, "make folder {path}"),
            Self::Rename { from, to } => write!(formatter, "rename {from} to {to}"),
            Self::Remove { path, .. } => write!(formatter, "remove {path}"),
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_makes_a_path_that_leaves_the_root() {
        for bad in ["/a", "a/", "a//b", "..", "a/../b", ".", "a/.", "a\0b"] {
            assert_eq!(TreePath::parse(bad).unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad:?}");
        }
        assert!(TreePath::root().child("../x").is_err());
        assert_eq!(TreePath::parse("a/b.c/...").unwrap().name(), "...");
    }

    #[test]
    fn a_path_is_within_its_folders_only() {
        let path = TreePath::parse("a/bc/d").unwrap();
        for (folder, within) in
            [("", true), ("a", true), ("a/bc", true), ("a/bc/d", true), ("a/b", false), ("b", false)]
        {
            assert_eq!(path.is_within(&TreePath::parse(folder).unwrap()), within, "{folder}");
        }
    }
}
