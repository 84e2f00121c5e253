//! Facts in, decisions out. Nothing here reads or writes: the same facts give the same decisions on every run, which
//! is what makes running again safe.

pub mod manifest;
pub mod ordinal;
pub mod phase;
pub mod placement;
pub mod recovery;
pub mod steps;
pub mod verdict;
