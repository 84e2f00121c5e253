//! Texts of the library in another language. PURE: the crate itself speaks English everywhere, in logs, reports and
//! errors; who shows a text to a person translates it there.
//!
//! - `sentence`: a text, and the texts in it.
//! - `summary`: the lines of a report's summary.
//! - `picture`: the lines of the picture of the trees.
//! - `template`: a text with places for names and numbers, and whether another text is it.
//! - `tables`: the texts, one file an area. `completeness`, a test, reads the source and finds each text that has no row.

mod picture;
mod sentence;
mod summary;
mod tables;
mod template;

#[cfg(test)]
mod completeness;
#[cfg(test)]
mod tests;

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
        Language::Chinese => text.split('\n').map(summary::line).collect::<Vec<_>>().join("\n"),
    }
}
