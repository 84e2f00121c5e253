//! Whether what a run says is Chinese once it is translated, but for names and code words.

use comptask_upgrade::language::{translate, Language};
use comptask_upgrade::{Error, Operation, Session};

use super::sessions::{self, report_of, Answer};

/// What others say: the system, and the hosts of these tests.
const STRANGERS: [&str; 11] = [
    "memory with faults",
    "it failed as it was told to",
    "the connection was refused",
    "the lock was lost",
    "the reply was lost",
    "another run holds the lock",
    "sales.no such schema",
    "No such file or directory (os error 2)",
    "Permission denied (os error 13)",
    "Is a directory (os error 21)",
    "Not a directory (os error 20)",
];

/// Words that are typed, so that they stay.
const TYPED: [&str; 9] = ["status", "upgrade", "recovery", "delete", "cancel", "downgrade", "reopen", "force", "auto"];

/// What a person reads of an answer.
pub fn texts(answer: &Answer) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(report) = report_of(answer) {
        texts.extend([report.summary(), report.picture()]);
        let rows = report.rows.iter();
        texts.extend(rows.flat_map(|row| row.actions.iter().chain([&row.detail])).cloned());
        texts.extend(report.warnings.iter().chain(&report.actions).cloned());
        texts.extend([report.headline.clone(), report.next_action.clone()]);
    }
    if let Err(failure) = answer {
        texts.extend(of_error(&failure.error));
    }
    texts
}

/// What a person reads of an error.
pub fn of_error(error: &Error) -> Vec<String> {
    vec![error.to_string(), error.message().to_owned(), error.next_action().to_owned()]
}

/// Runs an operation with the default options; what it says is Chinese once it is translated.
pub fn run(session: &Session, operation: Operation) -> Answer {
    let answer = sessions::run(session, operation);
    check(&answer);
    answer
}

/// That each text of an answer is Chinese.
pub fn check(answer: &Answer) {
    for text in texts(answer) {
        check_text(&text);
    }
}

/// That a text of the library is Chinese.
pub fn check_text(text: &str) {
    let chinese = translate(text, Language::Chinese);
    let left = english_left(&without_drawn_names(&chinese));
    assert!(left.is_empty(), "English is left: {left:?}\nin {chinese:?}\nwhich was {text:?}");
}

/// A text without the names that a picture of the trees draws, which stay to the byte.
fn without_drawn_names(text: &str) -> String {
    let note = |line| match str::split_once(line, "─ ") {
        Some((_, rest)) => rest.split_once("  ").map_or("", |(_, note)| note),
        None => line,
    };
    text.lines().map(note).collect::<Vec<_>>().join("\n")
}

/// Two English words, one after the other, each time that they stand in a text. A name is no word: it has a digit, a
/// mark or a capital letter in it, or stands alone.
pub fn english_left(text: &str) -> Vec<String> {
    let text = STRANGERS.iter().fold(text.to_owned(), |text, stranger| text.replace(stranger, ""));
    let words: Vec<&str> = text.split([' ', '\n']).collect();
    let is_word = |word: &str| {
        let word = word.trim_matches([',', ';', ':', '(', ')']);
        !word.is_empty() && !TYPED.contains(&word) && word.bytes().all(|letter| letter.is_ascii_lowercase())
    };
    words.windows(2).filter(|pair| pair.iter().all(|word| is_word(word))).map(|pair| pair.join(" ")).collect()
}
