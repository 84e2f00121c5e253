//! The verdict on every combination of a task's marks and its main task.

use comptask_upgrade::plan::verdict::{verdict, MainTask, Marks, Verdict};

use super::{mermaid, table};

const MARKS: [(Marks, &str); 4] = [
    (Marks::None, "no mark"),
    (Marks::InProgress, "one mark in progress"),
    (Marks::SeveralInProgress, "several marks in progress"),
    (Marks::Upgraded, "the mark of a converted task"),
];

const MAIN_TASKS: [(MainTask, &str); 4] = [
    (MainTask::Absent, "absent"),
    (MainTask::Torn, "torn"),
    (MainTask::Ours, "whole, this PU's"),
    (MainTask::Others, "whole, another PU's"),
];

fn words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Convert => "convert",
        Verdict::ClearAndConvert => "clear, then convert",
        Verdict::Adopt => "adopt what is there",
        Verdict::NextOrdinal => "try the next ordinal",
        Verdict::Skip => "skip",
        Verdict::Damaged => "damaged: never redone unasked",
    }
}

/// The table and the diagram.
pub fn drawn() -> String {
    let mut rows = Vec::new();
    let mut lines = vec!["flowchart LR".to_owned()];
    for (place, (marks, name)) in MARKS.into_iter().enumerate() {
        let verdicts = MAIN_TASKS.map(|(main, main_name)| (verdict(marks, main), main_name));
        rows.push([name].into_iter().chain(verdicts.map(|(verdict, _)| words(verdict))).map(str::to_owned).collect());
        lines.push(format!("  m{place}([\"{name}\"])"));
        let mut drawn: Vec<Verdict> = Vec::new();
        for (verdict, _) in verdicts {
            if drawn.contains(&verdict) {
                continue;
            }
            drawn.push(verdict);
            let same = verdicts.into_iter().filter(|(other, _)| *other == verdict).map(|(_, name)| name);
            let label = same.collect::<Vec<_>>().join("; ");
            lines.push(format!("  m{place} -- \"{label}\" --> {verdict:?}[\"{}\"]", words(verdict)));
        }
    }
    let head: Vec<&str> = ["marks \\ main task"].into_iter().chain(MAIN_TASKS.map(|(_, name)| name)).collect();
    format!(
        "## What the traces of a task mean\n\nFrom `plan::verdict::verdict`, which UPGRADE asks about every task before \
         it changes anything of it.\n\n{}\n{}",
        table(&head, &rows),
        mermaid(&lines)
    )
}
