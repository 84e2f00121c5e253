//! RECOVERY: back to V1.

use super::context::Run;
use crate::error::{Error, ErrorKind, Result};

/// Runs RECOVERY, or its plan.
pub(super) fn run(_run: &mut Run<'_>) -> Result<()> {
    Err(Error::new(ErrorKind::Unsupported, "RECOVERY is not in this version"))
}
