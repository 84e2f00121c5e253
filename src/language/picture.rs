//! The lines of the picture of the trees: branches, a name, and in a column of their own what is said of the names.

use super::sentence::Sentence;
use crate::layout;

/// What stands between a name and what is said of it: two blanks, and as many as bring it into its column.
const GAP: &str = "  ";

/// At how many gaps of a line a note is looked for, since names and notes may have gaps themselves.
const GAPS_TRIED: usize = 8;

/// A line of a picture in Chinese; `None` for another line, and for one whose note has no translation.
///
/// The branches, the name and the blanks stay to the byte, so the notes stay in their column.
pub(super) fn line(line: &str) -> Option<String> {
    let named = name(line)?;
    let ends = named.rmatch_indices(GAP).map(|(at, gap)| at + gap.len());
    ends.take(GAPS_TRIED).find_map(|at| {
        let note = &named[at..];
        // The limit of a line holds for each gap anew: there are few.
        let chinese = Sentence::new().chinese(note).into_owned();
        (chinese != note).then(|| format!("{}{chinese}", &line[..line.len() - note.len()]))
    })
}

/// What follows the branches of a line; the root has none and is known by its own name.
fn name(line: &str) -> Option<&str> {
    let trunks = line.trim_start_matches(['│', ' ']);
    let branch = ["├─ ", "└─ "].into_iter().find_map(|branch| trunks.strip_prefix(branch));
    branch.or_else(|| {
        line.starts_with(layout::ROOT).then_some(line).filter(|line| line[layout::ROOT.len()..].starts_with(GAP))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_and_name_stay_and_the_note_is_chinese() {
        for (english, expected) in [
            ("cluster.compact   local disk /a  b", "cluster.compact   本地磁盘 /a  b"),
            ("├─ Compaction     V1, the layout of the old version", "├─ Compaction     V1,旧版本的布局"),
            ("│  │  └─ x.<ts>   in the state Init: 2", "│  │  └─ x.<ts>   状态为 Init: 2"),
            ("   └─ Scheduler   main tasks: 3, open: 1", "   └─ Scheduler   主任务: 3,其中未结束: 1"),
            ("   └─ a name  of  two gaps  its state", "   └─ a name  of  two gaps  任务的状态"),
            ("   └─ its state   its state", "   └─ its state   任务的状态"),
            (
                "│  └─ Lock        says who holds the lock: upgrade on h, process 7, since t",
                "│  └─ Lock        记录锁的持有者: upgrade(主机 h,进程 7,始于 t)",
            ),
            (
                "├─ n  tasks that are converted: 1; and unknown: no rule of the layout explains it",
                "├─ n  已转换的任务: 1;并且未知:布局的任何规则都无法解释它",
            ),
        ] {
            assert_eq!(line(english).as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_line_that_is_no_picture_or_has_no_note_is_left_to_others() {
        for other in [
            "",
            "├─ ",
            "├─ its state",
            "   └─ Scheduler",
            "  task      its state",
            "its state  its state",
            "cluster.compacted  its state",
            "cluster.compact its state",
            "├─ name  the words of a stranger",
        ] {
            assert_eq!(line(other), None, "{other:?}");
        }
    }
}
