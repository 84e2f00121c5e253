//! The lines of a report's summary: a headline, labels with what they say, and what a plan would do with a task.

use std::borrow::Cow;

use super::picture;
use super::sentence::Sentence;
use super::tables::{self, LABELS};
use crate::plan::phase::Operation;

/// The columns of a label with its padding, without the indent.
const LABEL_COLUMNS: usize = 10;

/// What stands before a label.
const INDENT: &str = "  ";

/// What a headline says of a run that only plans.
const PLAN: &str = " (plan: nothing is written)";

/// A line in Chinese.
pub(super) fn line(line: &str) -> Cow<'_, str> {
    if let Some(drawn) = picture::line(line) {
        return Cow::Owned(drawn);
    }
    let sentence = Sentence::new();
    if let Some((label, chinese, rest)) = labelled(line) {
        let rest = match label {
            "phase" => tables::word(rest).map_or_else(|| sentence.chinese(rest), Cow::Borrowed),
            "can" => choice(rest, &sentence).map_or(Cow::Borrowed(rest), Cow::Owned),
            "task" => task(rest, &sentence).map_or_else(|| sentence.chinese(rest), Cow::Owned),
            _ => sentence.chinese(rest),
        };
        return Cow::Owned(format!("{chinese}{rest}"));
    }
    if let Some(headline) = headline(line, &sentence) {
        return Cow::Owned(headline);
    }
    // By itself an outcome is what a host puts into a column of a table.
    if let Some((_, chinese)) = tables::OUTCOMES.iter().find(|(english, _)| *english == line) {
        return Cow::Borrowed(chinese);
    }
    let (indent, rest) = line.split_at(line.len() - line.trim_start_matches(' ').len());
    match sentence.chinese(rest) {
        Cow::Borrowed(_) => Cow::Borrowed(line),
        Cow::Owned(text) => Cow::Owned(format!("{indent}{text}")),
    }
}

/// The label of a line, the same in Chinese with its indent and padding, and what it says; `None` for another line.
pub(super) fn labelled(line: &str) -> Option<(&'static str, String, &str)> {
    let (label, rest) = line.strip_prefix(INDENT)?.split_at_checked(LABEL_COLUMNS)?;
    let label = label.strip_suffix(' ')?.trim_end_matches(' ');
    let (english, chinese) = LABELS.iter().find(|row| row.0 == label)?;
    let padding = " ".repeat(LABEL_COLUMNS.saturating_sub(columns(chinese)));
    Some((english, format!("{INDENT}{chinese}{padding}"), rest))
}

/// How many columns a terminal gives a text of letters and of Chinese characters, which are two columns wide.
fn columns(text: &str) -> usize {
    text.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum()
}

/// What was run, and what came of it.
fn headline(line: &str, sentence: &Sentence) -> Option<String> {
    let (operation, rest) = operation(line)?;
    let (plan, rest) = rest.strip_prefix(PLAN).map_or(("", rest), |rest| (PLAN, rest));
    let plan = tables::exact(plan).unwrap_or_default();
    Some(format!("{operation}{plan}: {}", sentence.chinese(rest.strip_prefix(": ")?)))
}

/// What an operation would do now.
fn choice(text: &str, sentence: &Sentence) -> Option<String> {
    let (operation, rest) = operation(text)?;
    Some(format!("{operation}: {}", sentence.chinese(rest.strip_prefix(": ")?)))
}

/// The operation that a text begins with, in Chinese, and what follows its word.
fn operation(text: &str) -> Option<(&'static str, &str)> {
    Operation::ALL.into_iter().find_map(|operation| {
        let rest = text.strip_prefix(operation.word())?;
        Some((tables::word(operation.word())?, rest))
    })
}

/// A task: its name, what became of it, where it is now, and why.
fn task(text: &str, sentence: &Sentence) -> Option<String> {
    let (name, rest) = text.split_once(": ")?;
    let (outcome, place) = tables::OUTCOMES.iter().find_map(|(english, chinese)| {
        let rest = rest.strip_prefix(english)?;
        (rest.is_empty() || rest.starts_with(": ") || rest.starts_with(" -> ")).then_some((chinese, rest))
    })?;
    match place.split_once(": ") {
        Some((place, why)) => Some(format!("{name}: {outcome}{place}: {}", sentence.chinese(why))),
        None => Some(format!("{name}: {outcome}{place}")),
    }
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
        for (english, _) in LABELS {
            let line = format!("  {english:9} local disk x");
            let (label, chinese, rest) = labelled(&line).unwrap();
            assert_eq!((label, columns(&chinese), rest), (*english, 12, "local disk x"));
        }
        for stranger in ["              a step", "  stranger  x", "  rootrootroot", "  任务任务任务", "  ", ""] {
            assert_eq!(labelled(stranger), None, "{stranger:?}");
        }
    }
}
