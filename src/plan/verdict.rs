//! What the traces of one task mean: its marks and its main task in, what to do about it out.

/// The marks of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Marks {
    /// No mark.
    None,
    /// One `<base>.<node>`.
    InProgress,
    /// Several `<base>.<node>`: the placement changed between two attempts.
    SeveralInProgress,
    /// `<base>.upgrade`, alone or beside marks in progress: it wins.
    Upgraded,
}

/// The V2 main task at the id that the task has or would get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MainTask {
    /// Nothing is there.
    Absent,
    /// No `TaskInfo` that can be read, or not exactly one `Status`.
    Torn,
    /// Whole, and the `receive_pu` inside is this task's.
    Ours,
    /// Whole, and another PU's.
    Others,
}

/// What to do about one task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Convert it.
    Convert,
    /// Clear the managers on the marked nodes, the main task where there is one, then the marks; then convert it.
    ClearAndConvert,
    /// It is there whole: its line goes into a part from what is there, then the mark is made.
    Adopt,
    /// Its id is taken: try the next ordinal.
    NextOrdinal,
    /// Already converted.
    Skip,
    /// What the upgrade made is gone or broken, or something broken stands in the way; never redone unasked.
    Damaged,
}

/// The verdict table.
pub fn verdict(marks: Marks, main: MainTask) -> Verdict {
    match (marks, main) {
        (Marks::None, MainTask::Absent) => Verdict::Convert,
        (Marks::None | Marks::InProgress, MainTask::Ours) => Verdict::Adopt,
        // A broken folder that no attempt of ours explains is somebody else's; it is neither removed nor passed by.
        (Marks::None | Marks::Upgraded, MainTask::Torn) | (Marks::Upgraded, MainTask::Absent) => Verdict::Damaged,
        (_, MainTask::Others) => Verdict::NextOrdinal,
        (Marks::InProgress, MainTask::Absent | MainTask::Torn) | (Marks::SeveralInProgress, _) => {
            Verdict::ClearAndConvert
        }
        (Marks::Upgraded, MainTask::Ours) => Verdict::Skip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_has_its_row() {
        use MainTask::{Absent, Others, Ours, Torn};
        use Verdict::{Adopt, ClearAndConvert, Convert, Damaged, NextOrdinal, Skip};
        let table = [
            (Marks::None, [(Absent, Convert), (Torn, Damaged), (Ours, Adopt), (Others, NextOrdinal)]),
            (
                Marks::InProgress,
                [(Absent, ClearAndConvert), (Torn, ClearAndConvert), (Ours, Adopt), (Others, NextOrdinal)],
            ),
            (
                Marks::SeveralInProgress,
                [(Absent, ClearAndConvert), (Torn, ClearAndConvert), (Ours, ClearAndConvert), (Others, NextOrdinal)],
            ),
            (Marks::Upgraded, [(Absent, Damaged), (Torn, Damaged), (Ours, Skip), (Others, NextOrdinal)]),
        ];
        for (marks, row) in table {
            for (main, expected) in row {
                assert_eq!(verdict(marks, main), expected, "{marks:?} {main:?}");
            }
        }
    }
}
