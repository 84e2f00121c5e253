//! Texts of the library in another language. PURE: the crate itself speaks English everywhere, in logs, reports and
//! errors; who shows a text to a person translates it there.
//!
//! - `template`: a text with places for names and numbers, and whether another text is it.
//! - `tables`: the texts, one file an area; a test reads the source and finds each one that has no row.
//! - `layout`: the columns of a summary.

mod layout;
mod tables;
mod template;

use std::borrow::Cow;
use std::sync::OnceLock;

use template::{Meaning, Template};

/// A language in which the library's texts can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// As the library writes them.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    /// The language that a locale's name begins with, such as `zh`, `zh_CN.UTF-8` or `C`; English where it is any other.
    pub fn of_locale(name: &str) -> Self {
        match name.split(['_', '.', '@']).next() {
            Some("zh") => Self::Chinese,
            _ => Self::English,
        }
    }
}

/// A text of the library, such as a summary or a message of an error, in another language, line by line.
///
/// Names, paths and numbers stay as they are, and so does what has no translation, such as the words of a host's own
/// function. English gives the text back to the byte.
pub fn translate(text: &str, language: Language) -> String {
    match language {
        Language::English => text.to_owned(),
        Language::Chinese => text.split('\n').map(line).collect::<Vec<_>>().join("\n"),
    }
}

/// How often a message may stand inside another.
const DEPTH_LIMIT: usize = 8;

/// Every row of the tables, what has most letters first: of two that fit, it says more.
fn templates() -> &'static [Template] {
    static TEMPLATES: OnceLock<Vec<Template>> = OnceLock::new();
    TEMPLATES.get_or_init(|| {
        let mut templates: Vec<Template> =
            tables::all().map(|(english, chinese)| Template::new(english, chinese)).collect();
        templates.sort_by_key(|template| std::cmp::Reverse(template.weight()));
        templates
    })
}

fn line(line: &str) -> Cow<'_, str> {
    if let Some((label, rest)) = layout::labelled(line) {
        return Cow::Owned(format!("{label}{}", sentence(rest, DEPTH_LIMIT)));
    }
    let rest = line.trim_start_matches(' ');
    let (indent, rest) = line.split_at(line.len() - rest.len());
    match sentence(rest, DEPTH_LIMIT) {
        Cow::Borrowed(_) => Cow::Borrowed(line),
        Cow::Owned(text) => Cow::Owned(format!("{indent}{text}")),
    }
}

/// A text that may be a message, with messages in it; itself where no row fits.
fn sentence(text: &str, depth: usize) -> Cow<'_, str> {
    let Some(depth) = depth.checked_sub(1) else { return Cow::Borrowed(text) };
    for template in templates() {
        if let Some(parts) = template.parts(text) {
            return Cow::Owned(template.chinese(&parts, |part, meaning| match meaning {
                Meaning::Word => tables::word(part).map_or(Cow::Borrowed(part), Cow::Borrowed),
                Meaning::Sentence => sentence(part, depth),
            }));
        }
    }
    Cow::Borrowed(text)
}
