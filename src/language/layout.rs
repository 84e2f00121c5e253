//! The columns of a summary: a label, padded, and what it says.

use super::tables::LABELS;

/// The columns of a label with its padding, without the indent.
const LABEL_COLUMNS: usize = 10;

/// The columns of the indent before a label.
const INDENT: &str = "  ";

/// The label of a summary's line in Chinese, with its padding, and the rest; `None` for another line.
pub(super) fn labelled(line: &str) -> Option<(String, &str)> {
    let (label, rest) = line.strip_prefix(INDENT)?.split_at_checked(LABEL_COLUMNS)?;
    let english = label.strip_suffix(' ')?.trim_end();
    let chinese = LABELS.iter().find(|row| row.0 == english)?.1;
    let padding = " ".repeat(LABEL_COLUMNS.saturating_sub(columns(chinese)));
    Some((format!("{INDENT}{chinese}{padding}"), rest))
}

/// How many columns a terminal gives a text of letters and of Chinese characters, which are two columns wide.
fn columns(text: &str) -> usize {
    text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_leaves_a_column_free() {
        for (english, chinese) in LABELS {
            assert!(columns(english) < LABEL_COLUMNS && columns(chinese) < LABEL_COLUMNS, "{english}");
        }
    }

    #[test]
    fn what_follows_a_label_begins_in_the_same_column() {
        let (label, rest) = labelled("  root      local disk x").unwrap();
        assert_eq!((columns(&label), rest), (12, "local disk x"));
        assert_eq!(labelled("  V1 states 1 Init").unwrap().1, "1 Init");
        assert_eq!(labelled("              a step"), None);
        assert_eq!(labelled("  stranger  x"), None);
        assert_eq!(labelled("  rootrootroot"), None);
        assert_eq!(labelled("  任务任务任务"), None);
    }
}
