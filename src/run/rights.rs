//! What must be in order before the first write: folders in which names can be made.

use std::collections::BTreeSet;

use super::context::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::tree::TreePath;

/// What forbids a run before it begins: the kind of the error, the words, the path.
pub(super) type Problem = (ErrorKind, String, TreePath);

/// The folders, or the nearest ones above them that are there, in which nothing can be made.
pub(super) fn missing(run: &Run<'_>, folders: &[TreePath]) -> Result<Vec<Problem>> {
    let mut nearest: BTreeSet<TreePath> = BTreeSet::new();
    for folder in folders {
        nearest.extend(nearest_folder(run, folder.clone())?);
    }
    let mut problems = Vec::new();
    for folder in nearest {
        if let Err(error) = run.storage().check_writable(&folder) {
            let named = if folder.parent().is_none() { "the root".to_owned() } else { folder.to_string() };
            problems.push((error.kind(), format!("{named}: {}", error.message()), folder));
        }
    }
    Ok(problems)
}

/// All that is wrong, said at once.
pub(super) fn refuse(problems: &[Problem]) -> Result<()> {
    let Some((kind, _, path)) = problems.first() else { return Ok(()) };
    let texts: Vec<&str> = problems.iter().map(|(_, text, _)| text.as_str()).collect();
    Err(Error::new(*kind, format!("nothing was changed, because {}", texts.join("; and "))).at(path))
}

/// The folder itself, or the nearest one above it that is there.
fn nearest_folder(run: &Run<'_>, mut folder: TreePath) -> Result<Option<TreePath>> {
    while run.storage().find(&folder)?.is_none() {
        match folder.parent() {
            Some(parent) => folder = parent,
            None => return Ok(None),
        }
    }
    Ok(Some(folder))
}
