//! The phase of a tree, and what each operation may do in it. Read off the trees, never from a side file.

use crate::layout;

/// The operations, numbered as the seed numbers them (`OP_TYPE`); 4 is invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Operation {
    /// Says where things stand.
    Status = 0,
    /// V1 tasks become V2 tasks.
    Upgrade = 1,
    /// Back to V1: cancel or downgrade.
    Recovery = 2,
    /// The V1 tree goes.
    Delete = 3,
}

impl Operation {
    /// Every operation, by its number.
    pub const ALL: [Self; 4] = [Self::Status, Self::Upgrade, Self::Recovery, Self::Delete];

    /// The word by which it is asked for.
    pub fn word(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Upgrade => "upgrade",
            Self::Recovery => "recovery",
            Self::Delete => "delete",
        }
    }

    /// The operation that a word asks for, exactly as spelt (seed: `checkOptition`).
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.word() == word)
    }

    /// The operation of a number.
    pub fn from_number(number: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| *operation as i32 == number)
    }
}

/// Where a tree stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Phase {
    /// No task in V1 or V2, no mark.
    Empty = 0,
    /// V1 tasks, no mark.
    NotStarted = 1,
    /// An upgrade has begun and is not complete.
    Upgrading = 2,
    /// The upgrade is complete and V1 is still there.
    Upgraded = 3,
    /// DELETE has begun.
    Deleting = 4,
    /// Only V2 tasks, no mark.
    V2Only = 5,
    /// A RECOVERY is under way.
    Recovering = 6,
    /// A complete upgrade was taken up again.
    Reopening = 7,
}

impl Phase {
    /// Every phase, by its number.
    pub const ALL: [Self; 8] = [
        Self::Empty,
        Self::NotStarted,
        Self::Upgrading,
        Self::Upgraded,
        Self::Deleting,
        Self::V2Only,
        Self::Recovering,
        Self::Reopening,
    ];

    /// The phase's word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::NotStarted => "NotStarted",
            Self::Upgrading => "Upgrading",
            Self::Upgraded => "Upgraded",
            Self::Deleting => "Deleting",
            Self::V2Only => "V2Only",
            Self::Recovering => "Recovering",
            Self::Reopening => "Reopening",
        }
    }

    /// What an operator can do in this phase, in a sentence.
    pub fn next_action(self) -> &'static str {
        match self {
            Self::Empty => "nothing to do",
            Self::NotStarted => "stop every node, then run UPGRADE",
            Self::Upgrading => "run UPGRADE again to finish; do not start a node before that",
            Self::Upgraded => {
                "start the nodes of the new version, each through the node gate; when all is well, run DELETE"
            }
            Self::Deleting => "run DELETE again to finish",
            Self::V2Only => "nothing to do: the old files are gone",
            Self::Recovering => "run RECOVERY again to finish; do not start a node before that",
            Self::Reopening => "run UPGRADE with reopen again to finish",
        }
    }
}

/// What of a tree decides its phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one name that is there or not")]
pub struct PhaseFacts {
    /// `Compaction` is there.
    pub v1: bool,
    /// A V1 task is in it.
    pub v1_tasks: bool,
    /// `Compaction.deleting` is there.
    pub v1_deleting: bool,
    /// A V2 task is there.
    pub v2_tasks: bool,
    /// `Taskupgrade` is there.
    pub upgrading: bool,
    /// `Taskupgrade/Reopen` is there.
    pub reopen: bool,
    /// `TaskUpgrade.done` is there.
    pub done: bool,
    /// `Taskrecovery` is there.
    pub recovery: bool,
}

impl PhaseFacts {
    /// The same without the tasks, which nodes make and finish while the operations leave them alone.
    #[must_use]
    pub fn without_tasks(self) -> Self {
        Self { v1_tasks: false, v2_tasks: false, ..self }
    }
}

/// The phase of a tree, or the words for why no phase fits it.
pub fn phase(facts: PhaseFacts) -> Result<Phase, String> {
    // Both names of the V1 tree at once are made by nobody here: somebody began V1 anew while it was being deleted.
    if facts.v1 && facts.v1_deleting && !facts.recovery {
        return Err(format!("both {} and {} are there", layout::V1, layout::V1_DELETING));
    }
    Ok(match facts {
        PhaseFacts { recovery: true, .. } => Phase::Recovering,
        PhaseFacts { v1_deleting: true, .. } | PhaseFacts { done: true, v1: false, .. } => Phase::Deleting,
        PhaseFacts { done: true, reopen: true, .. } => Phase::Reopening,
        PhaseFacts { done: true, .. } => Phase::Upgraded,
        PhaseFacts { upgrading: true, .. } => Phase::Upgrading,
        PhaseFacts { v1_tasks: true, .. } => Phase::NotStarted,
        PhaseFacts { v2_tasks: true, .. } => Phase::V2Only,
        PhaseFacts { .. } => Phase::Empty,
    })
}

/// What a phase lets an operation do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permit {
    /// It runs, or goes on where an earlier run stopped.
    Run,
    /// It runs only where a complete upgrade is to be reopened.
    RunToReopen,
    /// It has nothing to do, says so and succeeds.
    Nothing(&'static str),
    /// The upgrade is complete: what was left over is cleared, new V1 tasks are looked for.
    Complete,
    /// There is nothing of an upgrade; what is left of an empty V1 tree goes.
    RemoveEmptyV1,
    /// RECOVERY by cancel or downgrade.
    RecoverAnyWay,
    /// RECOVERY by `downgrade` only.
    DowngradeOnly,
    /// It must not run; the reason.
    Refused(&'static str),
}

/// The phase table: what each operation may do in each phase.
#[allow(clippy::match_same_arms, reason = "the rows stand as the table has them, one block an operation")]
pub fn permit(operation: Operation, phase: Phase) -> Permit {
    use Operation::{Delete, Recovery, Status, Upgrade};
    match (operation, phase) {
        (Status, _) => Permit::Run,

        (Upgrade, Phase::NotStarted | Phase::Upgrading) => Permit::Run,
        (Upgrade, Phase::Upgraded) => Permit::Complete,
        (Upgrade, Phase::Reopening) => Permit::RunToReopen,
        (Upgrade, Phase::V2Only | Phase::Empty) => Permit::Nothing("nothing to upgrade"),
        (Upgrade, Phase::Recovering) => Permit::Refused("a RECOVERY is under way: run RECOVERY again to finish it"),
        (Upgrade, Phase::Deleting) => Permit::Refused("the V1 tree is being deleted: run DELETE again to finish it"),

        (Recovery, Phase::Recovering | Phase::Reopening | Phase::Upgraded | Phase::Upgrading) => Permit::RecoverAnyWay,
        (Recovery, Phase::Deleting | Phase::V2Only) => Permit::DowngradeOnly,
        (Recovery, Phase::NotStarted | Phase::Empty) => Permit::Nothing("nothing to recover"),

        (Delete, Phase::Upgraded | Phase::Deleting) => Permit::Run,
        (Delete, Phase::V2Only | Phase::Empty) => Permit::RemoveEmptyV1,
        (Delete, Phase::Recovering) => Permit::Refused("a RECOVERY is under way: run RECOVERY again to finish it"),
        (Delete, Phase::Reopening) => Permit::Refused("the upgrade was reopened: run UPGRADE with reopen to finish it"),
        (Delete, Phase::Upgrading) => Permit::Refused("the upgrade is not complete: run UPGRADE again to finish it"),
        (Delete, Phase::NotStarted) => Permit::Refused("the V1 tasks are not upgraded: run UPGRADE first"),
    }
}

/// What each operation would do in a phase, for people: UPGRADE, RECOVERY, DELETE.
pub fn choices(phase: Phase) -> [(Operation, String); 3] {
    use Operation::{Delete, Recovery, Upgrade};
    let text = |operation| match (operation, permit(operation, phase)) {
        (_, Permit::Nothing(text)) => text.to_owned(),
        (_, Permit::Refused(why)) => format!("refused: {why}"),
        (Upgrade, Permit::Run) if phase == Phase::Upgrading => "goes on where it stopped".to_owned(),
        (Upgrade, Permit::Complete) => {
            "all tasks are upgraded; with reopen it takes in V1 tasks that are new".to_owned()
        }
        (Upgrade, Permit::RunToReopen) => "goes on with reopen, and is refused without".to_owned(),
        (Upgrade, _) => "converts every V1 task".to_owned(),
        (Recovery, _) if phase == Phase::Recovering => "goes on where it stopped".to_owned(),
        (Recovery, Permit::DowngradeOnly) => "by downgrade: V2 tasks become V1 tasks".to_owned(),
        (Recovery, _) => "by cancel where nothing happened in V2 since, by downgrade_old, or by downgrade".to_owned(),
        (Delete, Permit::RemoveEmptyV1) => {
            "removes the V1 tree where it holds no file, and with force whatever it holds".to_owned()
        }
        (Delete, _) if phase == Phase::Deleting => "goes on where it stopped".to_owned(),
        (Delete | Operation::Status, _) => "removes the V1 tree, and with it the way back to the old files".to_owned(),
    };
    [Upgrade, Recovery, Delete].map(|operation| (operation, text(operation)))
}

/// What a node of the new version does that starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Gate {
    /// V1 tasks are there and nothing is upgraded.
    UseV1 = 1,
    /// The upgrade is complete, or there is nothing in V1.
    UseV2 = 2,
    /// An operation is under way, or was stopped and is to be finished first.
    DoNotStart = 3,
}

/// The gate of each phase.
pub fn gate(phase: Phase) -> Gate {
    match phase {
        Phase::NotStarted => Gate::UseV1,
        Phase::Upgraded | Phase::V2Only | Phase::Empty => Gate::UseV2,
        Phase::Upgrading | Phase::Deleting | Phase::Recovering | Phase::Reopening => Gate::DoNotStart,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the design in its own words: the first row that fits, over every combination of facts.
    #[test]
    fn every_combination_of_facts_has_the_phase_of_the_first_row_that_fits() {
        let mut seen = std::collections::HashMap::new();
        for bits in 0..256_u32 {
            let bit = |number: u32| bits & (1 << number) != 0;
            let facts = PhaseFacts {
                v1: bit(0),
                v1_tasks: bit(1),
                v1_deleting: bit(2),
                v2_tasks: bit(3),
                upgrading: bit(4),
                reopen: bit(5),
                done: bit(6),
                recovery: bit(7),
            };
            if (facts.v1_tasks && !facts.v1) || (facts.reopen && !facts.upgrading) {
                continue;
            }
            let marks = facts.recovery || facts.v1_deleting || facts.done || facts.upgrading;
            let rows = [
                (facts.recovery, Phase::Recovering),
                (facts.v1_deleting || (facts.done && !facts.v1), Phase::Deleting),
                (facts.done && facts.reopen, Phase::Reopening),
                (facts.done && facts.v1, Phase::Upgraded),
                (facts.upgrading, Phase::Upgrading),
                (facts.v1_tasks && !marks, Phase::NotStarted),
                (!facts.v1_tasks && !marks && facts.v2_tasks, Phase::V2Only),
                (!facts.v1_tasks && !marks && !facts.v2_tasks, Phase::Empty),
            ];
            let expected = rows.into_iter().find(|row| row.0).map(|row| row.1);
            let contradiction = facts.v1 && facts.v1_deleting && !facts.recovery;
            assert_eq!(phase(facts).ok(), if contradiction { None } else { expected }, "{facts:?}");
            *seen.entry(phase(facts).ok()).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 9, "every phase and the contradiction occur: {seen:?}");
    }

    #[test]
    fn every_operation_has_its_permit_in_every_phase() {
        use Permit::{Complete, DowngradeOnly, Nothing, RecoverAnyWay, Refused, RemoveEmptyV1, Run, RunToReopen};
        let same = |left: Permit, right: Permit| std::mem::discriminant(&left) == std::mem::discriminant(&right);
        let table = [
            (Phase::Recovering, Refused(""), RecoverAnyWay, Refused("")),
            (Phase::Deleting, Refused(""), DowngradeOnly, Run),
            (Phase::Reopening, RunToReopen, RecoverAnyWay, Refused("")),
            (Phase::Upgraded, Complete, RecoverAnyWay, Run),
            (Phase::Upgrading, Run, RecoverAnyWay, Refused("")),
            (Phase::NotStarted, Run, Nothing(""), Refused("")),
            (Phase::V2Only, Nothing(""), DowngradeOnly, RemoveEmptyV1),
            (Phase::Empty, Nothing(""), Nothing(""), RemoveEmptyV1),
        ];
        for (phase, upgrade, recovery, delete) in table {
            assert!(same(permit(Operation::Status, phase), Run), "{phase:?}");
            assert!(same(permit(Operation::Upgrade, phase), upgrade), "{phase:?}");
            assert!(same(permit(Operation::Recovery, phase), recovery), "{phase:?}");
            assert!(same(permit(Operation::Delete, phase), delete), "{phase:?}");
        }
    }

    #[test]
    fn what_can_be_done_is_said_in_every_phase_and_says_what_the_permit_says() {
        for phase in Phase::ALL {
            for (operation, text) in choices(phase) {
                let refused = matches!(permit(operation, phase), Permit::Refused(_));
                assert_eq!(text.starts_with("refused: "), refused, "{phase:?} {operation:?}: {text}");
                assert!(!text.is_empty());
            }
        }
        let texts = |phase| choices(phase).map(|(_, text)| text);
        assert_eq!(texts(Phase::Upgrading)[0], "goes on where it stopped");
        assert_eq!(texts(Phase::V2Only)[1], "by downgrade: V2 tasks become V1 tasks");
        assert_eq!(
            texts(Phase::Empty)[2],
            "removes the V1 tree where it holds no file, and with force whatever it holds"
        );
    }

    #[test]
    fn a_node_starts_in_no_phase_in_which_an_operation_is_to_be_finished() {
        use Gate::{DoNotStart, UseV1, UseV2};
        let gates = Phase::ALL.map(gate);
        assert_eq!(gates, [UseV2, UseV1, DoNotStart, UseV2, DoNotStart, UseV2, DoNotStart, DoNotStart]);
    }

    #[test]
    fn numbers_and_words_are_the_seeds() {
        for (word, number) in [("status", 0), ("upgrade", 1), ("recovery", 2), ("delete", 3)] {
            let operation = Operation::from_word(word).unwrap();
            assert_eq!((operation as i32, operation.word()), (number, word));
            assert_eq!(Operation::from_number(number), Some(operation));
        }
        assert_eq!((Operation::from_word("Upgrade"), Operation::from_number(4)), (None, None));
    }
}
