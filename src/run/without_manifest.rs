//! What speaks against a way back where the manifest is lost: V1 itself says what the upgrade must have made.

use std::collections::HashSet;

use super::context::Run;
use super::convert::check_its_name;
use super::evidence::{base_of, states_in, storage_answers, Evidence, Known};
use super::inspect::WholeTask;
use crate::error::Result;
use crate::layout::{self, V1Name};
use crate::plan::recovery::Finding;
use crate::task::{StateV1, V1Base, V2Id, FILE_BYTES_LIMIT};
use crate::tree::TreePath;

/// Which V1 files have something in V2.
#[derive(Debug, Default)]
pub(super) struct HeldByV2 {
    /// The V1 names without their states.
    bases: HashSet<String>,
    /// Time and number of what cannot be read, and so has no name.
    torn: HashSet<(u64, i32)>,
}

impl HeldByV2 {
    /// There is something, though nobody can say of which PU.
    pub(super) fn torn(&mut self, id: &V2Id) {
        self.torn.extend(id.upgraded_from().map(|(ts, _)| (ts, id.sequence_no)));
    }

    fn has(&self, base: &V1Base) -> bool {
        self.bases.contains(&base.to_string()) || self.torn.contains(&(base.ts, base.seq))
    }
}

/// A V2 task and the V1 file that it must have been made of.
struct Pair {
    id: V2Id,
    whole: Box<WholeTask>,
    base: V1Base,
    state: StateV1,
}

impl Evidence {
    /// Holds V2 tasks against V1: a task of the upgrade has its V1 file still, in one state and readable, and is what that
    /// one becomes as long as nothing happened. What V1 does not hold whole would be lost with V2, so it forbids.
    pub(super) fn hold_against_v1(
        &mut self,
        run: &Run<'_>,
        unproven: Vec<(V2Id, Box<WholeTask>)>,
        known: &Known<'_>,
    ) -> Result<()> {
        let mut pairs = Vec::new();
        for (id, whole) in unproven {
            let Some(base) = base_of(&id, &whole.task.receive_pu) else {
                let why = "an upgrade gives no id of this shape".to_owned();
                self.note(Finding::BornInV2, "", &id.to_string(), why);
                continue;
            };
            let there = states_in(known.v1, &base);
            self.held.bases.insert(base.to_string());
            let regular =
                |state: &StateV1| known.v1.find(&V1Name::format(&base, *state)).is_some_and(|file| file.regular);
            let why = match there.as_slice() {
                [] => "its V1 file is gone",
                [state] if regular(state) => {
                    let state = *state;
                    pairs.push(Pair { id, whole, base, state });
                    continue;
                }
                [_] => "its V1 file is no regular file any more",
                _ => "V1 has it in several states since it was upgraded",
            };
            let finding = if there.len() > 1 { Finding::V1Changed } else { Finding::V1Gone };
            self.note(finding, &base.to_string(), &id.to_string(), why.to_owned());
        }
        let paths: Vec<TreePath> = pairs.iter().map(|pair| layout::v1_file(&pair.base, pair.state)).collect();
        let read = run.storage().read_batch(&paths, FILE_BYTES_LIMIT, run.in_flight());
        for (pair, bytes) in pairs.iter().zip(read) {
            if let Err(error) = &bytes {
                storage_answers(run, error.clone())?;
            }
            let (v1, v2) = (V1Name::format(&pair.base, pair.state), pair.id.to_string());
            match bytes.and_then(|bytes| run.session.codec.decode_v1(&bytes)) {
                Err(error) => {
                    let why = format!("its V1 file cannot be read: {}", error.message());
                    self.note(Finding::V1Gone, &v1, &v2, why);
                }
                Ok(task) => {
                    let whole = &pair.whole;
                    let in_its_state = pair.state.upgraded() == whole.state || whole.found_no_place();
                    if let Err(error) = check_its_name(&task, &pair.base.to_string()) {
                        self.note(Finding::V1Gone, &v1, &v2, error.message().to_owned());
                    } else if !in_its_state || !whole.is_made_of(&pair.id, &task) {
                        self.note(Finding::V2Changed, &v1, &v2, "it is not what its V1 file becomes".to_owned());
                    }
                }
            }
        }
        Ok(())
    }

    /// Nothing tells a task that V2 finished and cleared from one that turned up since: both are named.
    pub(super) fn note_what_v2_lacks(&mut self, known: &Known<'_>) {
        let lacks = |base: Option<V1Base>| base.is_some_and(|base| !self.held.has(&base));
        let names: Vec<String> =
            known.v1.files.iter().filter(|file| lacks(file.parsed())).map(|file| file.name.to_string()).collect();
        for name in names {
            let why = "V2 does not hold it: it was finished and cleared there, or turned up after the upgrade";
            self.note(Finding::V2GoneUnexplained, &name, "", why.to_owned());
        }
    }
}
