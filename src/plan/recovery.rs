//! RECOVERY: how it goes back, what speaks against each way, and the steps by which a V2 task becomes a V1 task.

use std::collections::HashSet;

use super::steps::{Step, Taken, Wave};
use crate::error::Result;
use crate::layout;
use crate::task::{StateV1, V1Base, V2Id};
use crate::tree::{Change, TreePath};

/// How RECOVERY goes back, numbered as the ABI numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(i32)]
pub enum RecoveryMode {
    /// Cancel where that is possible, else refused with the choice explained.
    #[default]
    Auto = 0,
    /// As if the upgrade had never been.
    Cancel = 1,
    /// The old files as they are; what happened in V2 is lost.
    DowngradeOld = 2,
    /// V2 tasks become V1 tasks, with what happened since.
    Downgrade = 3,
}

impl RecoveryMode {
    /// Every mode, by its number.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Cancel, Self::DowngradeOld, Self::Downgrade];

    /// The word by which it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cancel => "cancel",
            Self::DowngradeOld => "downgrade_old",
            Self::Downgrade => "downgrade",
        }
    }

    /// The mode that a word asks for, exactly as spelt.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// The mode of a number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| *mode as i32 == number)
    }
}

/// Something found in the trees that may speak against a RECOVERY.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Finding {
    /// The V1 file of an upgraded task is gone.
    V1Gone,
    /// The V1 file of an upgraded task is not what was upgraded.
    V1Changed,
    /// A node has started since the upgrade was complete.
    NodeStarted,
    /// The upgrade ran inside a running node.
    RanOnline,
    /// The PU registry has changed since the upgrade was complete, or that cannot be told any more.
    NodesCameAndWent,
    /// An upgraded task is not in V2 what the upgrade made it.
    V2Changed,
    /// An upgraded task is not in V2 any more: it was finished and cleared there.
    V2Gone,
    /// The same, and no node has recorded a start that would explain it.
    V2GoneUnexplained,
    /// A converted task of an upgrade that is not complete, in neither tree.
    GoneFromBoth,
    /// A V2 task that no upgrade made.
    BornInV2,
    /// A V2 task of which no V1 task can be made: it cannot be read, or it has no V1 name.
    NotCarried,
    /// A file in V2 that no rule explains, and that would go with V2.
    Unknown,
    /// The upgrade is complete, and its manifest cannot be read.
    ManifestLost,
}

/// How much a finding weighs against a way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// Nothing.
    Fine,
    /// Something is lost by it, so it needs force.
    NeedsForce,
    /// It cannot be gone.
    Forbids,
}

impl Finding {
    /// Every finding.
    pub const ALL: [Self; 13] = [
        Self::V1Gone,
        Self::V1Changed,
        Self::NodeStarted,
        Self::RanOnline,
        Self::NodesCameAndWent,
        Self::V2Changed,
        Self::V2Gone,
        Self::V2GoneUnexplained,
        Self::GoneFromBoth,
        Self::BornInV2,
        Self::NotCarried,
        Self::Unknown,
        Self::ManifestLost,
    ];

    /// How much it weighs against a mode; against `Auto`, which is cancel or nothing, as against cancel.
    #[allow(clippy::match_same_arms, reason = "the rows stand as the table has them")]
    pub fn weight(self, mode: RecoveryMode) -> Weight {
        use Weight::{Fine, Forbids, NeedsForce};
        let (cancel, downgrade_old, downgrade) = match self {
            Self::V1Gone => (Forbids, Forbids, Fine),
            Self::V1Changed => (Forbids, NeedsForce, NeedsForce),
            Self::NodeStarted | Self::RanOnline | Self::NodesCameAndWent => (Forbids, Fine, Fine),
            Self::V2Changed | Self::V2Gone | Self::BornInV2 => (Forbids, NeedsForce, Fine),
            Self::V2GoneUnexplained | Self::NotCarried => (Forbids, NeedsForce, NeedsForce),
            Self::GoneFromBoth => (Forbids, Forbids, NeedsForce),
            Self::Unknown => (NeedsForce, NeedsForce, NeedsForce),
            Self::ManifestLost => (Forbids, NeedsForce, Forbids),
        };
        match mode {
            RecoveryMode::Auto | RecoveryMode::Cancel => cancel,
            RecoveryMode::DowngradeOld => downgrade_old,
            RecoveryMode::Downgrade => downgrade,
        }
    }
}

/// What else an operator can do where a mode is refused, of the findings alone: each mode that is left and what it
/// needs and costs.
pub fn alternatives(refused: RecoveryMode, findings: &[Finding]) -> Vec<String> {
    let heaviest = |mode| findings.iter().map(|finding| finding.weight(mode)).max().unwrap_or(Weight::Fine);
    let modes = [
        (RecoveryMode::Cancel, "which removes what the upgrade made"),
        (RecoveryMode::Downgrade, "which turns the V2 tasks into V1 tasks, with what happened since"),
        (RecoveryMode::DowngradeOld, "which goes back to the old files and loses what happened in V2"),
    ];
    let asked = if refused == RecoveryMode::Auto { RecoveryMode::Cancel } else { refused };
    let gone = findings.iter().any(|finding| matches!(finding, Finding::V2Gone | Finding::V2GoneUnexplained));
    let mut choices = Vec::new();
    for (mode, what) in modes {
        let what = match mode {
            RecoveryMode::Downgrade if gone => format!("{what}; tasks that V2 holds no more become Done"),
            _ => what.to_owned(),
        };
        match heaviest(mode) {
            Weight::Fine if mode != asked => choices.push(format!("`{}`, {what}", mode.word())),
            Weight::NeedsForce => choices.push(format!("`{}` with force, {what}", mode.word())),
            Weight::Fine | Weight::Forbids => {}
        }
    }
    choices
}

/// The V1 name of a task that was born in V2: of who received it, its sequence number and the time of its file, moved
/// on by one millisecond until it is free.
pub fn free_base(pu: &str, seq: i32, mtime_ms: i64, is_taken: impl Fn(&V1Base) -> bool) -> Option<V1Base> {
    let first = u64::try_from(mtime_ms).unwrap_or(0);
    let bases = (first..).map(|ts| V1Base { pu: pu.to_owned(), seq, ts });
    let free = bases.take(usize::try_from(u32::MAX).unwrap_or(usize::MAX)).find(|base| !is_taken(base))?;
    // A PU or a sequence number that makes no name makes none at any time.
    (V1Base::parse(&free.to_string()).as_ref() == Some(&free)).then_some(free)
}

/// A V2 task as it will be in V1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carriage {
    /// The V2 id.
    pub id: V2Id,
    /// The V1 name without its state.
    pub base: V1Base,
    /// Its state in V1.
    pub state: StateV1,
    /// The bytes of its V1 file.
    pub bytes: Vec<u8>,
    /// The states of the V1 files of that name which it replaces.
    pub replaces: HashSet<StateV1>,
}

/// The steps that make a V1 task of a V2 task, in the order of their waves. `number` is one that the run gives once.
///
/// # Errors
/// `TooLarge` where the names are too long for a mark.
pub fn carry(carriage: Carriage, fence: &TreePath, number: u64) -> Result<Vec<Step>> {
    let Carriage { id, base, state, bytes, replaces } = carriage;
    let mark = layout::mark_carrying(&id, &base)?;
    let step = |wave, change, taken| Step { wave, change, taken };
    let rename = |from: TreePath, to: TreePath| Change::Rename { from, to };
    let built = layout::built(fence, number);
    let mut steps = vec![
        step(Wave::Choose, Change::Create { path: mark.clone(), bytes: Vec::new() }, Taken::Same),
        step(Wave::Build, Change::Create { path: built.clone(), bytes }, Taken::Fail),
    ];
    let mut replaced: Vec<StateV1> = replaces.into_iter().collect();
    replaced.sort_unstable();
    for (place, old) in replaced.into_iter().enumerate() {
        let aside = layout::set_aside(fence, number, place);
        steps.push(step(Wave::Replace, rename(layout::v1_file(&base, old), aside), Taken::Gone));
    }
    steps.push(step(Wave::Place, rename(built, layout::v1_file(&base, state)), Taken::Compare));
    steps.push(step(Wave::Carried, rename(mark, layout::mark_carried(&id)), Taken::Same));
    Ok(steps)
}

/// The step for a task that V2 finished and cleared: its V1 file becomes Done, by its name alone, which is the truth.
/// One rename, since V2 does not hold the task any more while it is under way.
pub fn finish_cleared(base: &V1Base, from: StateV1) -> Step {
    let change = Change::Rename { from: layout::v1_file(base, from), to: layout::v1_file(base, StateV1::Done) };
    Step { wave: Wave::Place, change, taken: Taken::Fail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_its_weight_against_every_mode() {
        use Weight::{Fine, Forbids, NeedsForce};
        let table = [
            (Finding::V1Gone, [Forbids, Forbids, Fine]),
            (Finding::V1Changed, [Forbids, NeedsForce, NeedsForce]),
            (Finding::NodeStarted, [Forbids, Fine, Fine]),
            (Finding::RanOnline, [Forbids, Fine, Fine]),
            (Finding::NodesCameAndWent, [Forbids, Fine, Fine]),
            (Finding::V2Changed, [Forbids, NeedsForce, Fine]),
            (Finding::V2Gone, [Forbids, NeedsForce, Fine]),
            (Finding::V2GoneUnexplained, [Forbids, NeedsForce, NeedsForce]),
            (Finding::GoneFromBoth, [Forbids, Forbids, NeedsForce]),
            (Finding::BornInV2, [Forbids, NeedsForce, Fine]),
            (Finding::NotCarried, [Forbids, NeedsForce, NeedsForce]),
            (Finding::Unknown, [NeedsForce, NeedsForce, NeedsForce]),
            (Finding::ManifestLost, [Forbids, NeedsForce, Forbids]),
        ];
        assert_eq!(table.map(|row| row.0), Finding::ALL);
        for (finding, weights) in table {
            let modes = [RecoveryMode::Cancel, RecoveryMode::DowngradeOld, RecoveryMode::Downgrade];
            assert_eq!(modes.map(|mode| finding.weight(mode)), weights, "{finding:?}");
            assert_eq!(finding.weight(RecoveryMode::Auto), weights[0]);
        }
    }

    #[test]
    fn a_refusal_names_what_is_left() {
        let texts = |mode, findings: &[Finding]| {
            alternatives(mode, findings)
                .iter()
                .map(|text| text.split(',').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            texts(RecoveryMode::Auto, &[Finding::NodeStarted, Finding::BornInV2]),
            ["`downgrade`", "`downgrade_old` with force"]
        );
        assert_eq!(texts(RecoveryMode::DowngradeOld, &[Finding::V1Gone]), ["`downgrade`"]);
        assert_eq!(
            texts(RecoveryMode::Downgrade, &[Finding::NotCarried]),
            ["`downgrade` with force", "`downgrade_old` with force"]
        );
    }

    #[test]
    fn a_born_task_takes_the_first_free_millisecond() {
        let taken: HashSet<String> = ["compct.p.0.5", "compct.p.0.6"].map(str::to_owned).into();
        let free = |pu: &str, seq, mtime_ms| free_base(pu, seq, mtime_ms, |base| taken.contains(&base.to_string()));
        assert_eq!(free("p", 0, 5).unwrap().to_string(), "compct.p.0.7");
        assert_eq!(free("p", 1, 5).unwrap().to_string(), "compct.p.1.5");
        assert_eq!(free("p", 0, -3).unwrap().to_string(), "compct.p.0.0");
        assert_eq!(free("", 0, 5), None);
        assert_eq!(free("a/b", 0, 5), None);
    }

    #[test]
    fn a_task_is_chosen_built_and_put_in_place_in_this_order() {
        let carriage = Carriage {
            id: V2Id::parse("q.1.0").unwrap(),
            base: V1Base::parse("compct.p.0.1").unwrap(),
            state: StateV1::Done,
            bytes: vec![1],
            replaces: [StateV1::Init, StateV1::Done].into(),
        };
        let steps = carry(carriage, &layout::fence_of("r"), 3).unwrap();
        let texts: Vec<String> = steps.iter().map(|step| format!("{:?}: {}", step.wave, step.change)).collect();
        let (v1, fence, marks) =
            ("Compaction/Scheduler", "Compaction_V2/.staging/r.fence", "Compaction_V2/Taskrecovery");
        assert_eq!(
            texts,
            [
                format!("Choose: create {marks}/q.1.0.compct%2Ep%2E0%2E1 (0 bytes)"),
                format!("Build: create {fence}/new.3 (1 bytes)"),
                format!("Replace: rename {v1}/compct.p.0.1 to {fence}/old.3.0"),
                format!("Replace: rename {v1}/compct.p.0.1.Done to {fence}/old.3.1"),
                format!("Place: rename {fence}/new.3 to {v1}/compct.p.0.1.Done"),
                format!("Carried: rename {marks}/q.1.0.compct%2Ep%2E0%2E1 to {marks}/q.1.0.downgrade"),
            ]
        );
        assert!(steps.windows(2).all(|pair| pair[0].wave <= pair[1].wave));
    }
}
