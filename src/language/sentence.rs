//! A text of the library, and the texts in it.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::OnceLock;

use super::tables;
use super::template::{Meaning, Template};

/// Every row of the tables.
struct Rows {
    /// What says most comes first: of two that fit, it is the one that was meant.
    templates: Vec<Template>,
    /// The places in `templates` of those that a text with this first byte can be, in their order.
    by_first_byte: Vec<Vec<usize>>,
}

impl Rows {
    fn new() -> Self {
        let mut templates: Vec<Template> =
            tables::all().map(|(english, chinese)| Template::new(english, chinese)).collect();
        templates.sort_by_key(|template| std::cmp::Reverse(template.weight()));
        let fits = |byte| {
            let first = |template: &Template| template.first_byte().is_none_or(|first| first == byte);
            (0..templates.len()).filter(|at| templates.get(*at).is_some_and(first)).collect()
        };
        let by_first_byte = (0..=u8::MAX).map(fits).collect();
        Self { templates, by_first_byte }
    }

    fn candidates(&self, text: &str) -> impl Iterator<Item = &Template> {
        let first = text.as_bytes().first().and_then(|byte| self.by_first_byte.get(usize::from(*byte)));
        first.into_iter().flatten().filter_map(|at| self.templates.get(*at))
    }
}

fn rows() -> &'static Rows {
    static ROWS: OnceLock<Rows> = OnceLock::new();
    ROWS.get_or_init(Rows::new)
}

/// How many texts in one line are looked up: a line of the library has a few dozen, and a stranger's may have any number.
const TEXTS_LIMIT: u32 = 500;

/// How often a text may stand inside another.
const DEPTH_LIMIT: u32 = 12;

/// How many ends of a list's first text are tried.
const ENDS_TRIED: usize = 8;

/// One line's translation.
pub(super) struct Sentence {
    texts_left: Cell<u32>,
}

impl Sentence {
    /// For one line.
    pub(super) fn new() -> Self {
        Self { texts_left: Cell::new(TEXTS_LIMIT) }
    }

    /// The text in Chinese, as far as it has any; itself where it has none.
    pub(super) fn chinese<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.shown(text, DEPTH_LIMIT)
    }

    fn shown<'a>(&self, text: &'a str, depth: u32) -> Cow<'a, str> {
        self.text(text, depth).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// A text and what it is put together of; `None` where nothing of it has a translation.
    fn text(&self, text: &str, depth: u32) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        self.row(text, depth)
            .or_else(|| self.error(text, depth))
            .or_else(|| self.located(text, depth))
            .or_else(|| self.list(text, depth))
            .or_else(|| self.headed(text, depth))
    }

    /// One row of the tables.
    fn row(&self, text: &str, depth: u32) -> Option<String> {
        self.texts_left.set(self.texts_left.get().checked_sub(1)?);
        rows().candidates(text).find_map(|template| {
            let parts = template.parts(text)?;
            Some(template.chinese(&parts, |part, meaning| match meaning {
                Meaning::Text => self.shown(part, depth),
                Meaning::Name | Meaning::Quoted | Meaning::Plural => Cow::Borrowed(part),
                Meaning::Word => tables::word(part).map_or(Cow::Borrowed(part), Cow::Borrowed),
            }))
        })
    }

    /// An error: the word of its kind, and what happened.
    fn error(&self, text: &str, depth: u32) -> Option<String> {
        let (kind, rest) = text.split_once(": ")?;
        Some(format!("{}: {}", tables::kind(kind)?, self.shown(rest, depth)))
    }

    /// A text, and in brackets the path of what it is about or where it happened.
    fn located(&self, text: &str, depth: u32) -> Option<String> {
        let inside = text.strip_suffix(')')?;
        inside.rmatch_indices(" (").take(ENDS_TRIED).find_map(|(end, mark)| {
            let about = self.text(&text[..end], depth)?;
            let place = &inside[end + mark.len()..];
            let place = self.row(place, depth).map_or(Cow::Borrowed(place), Cow::Owned);
            Some(format!("{about} ({place})"))
        })
    }

    /// Texts one after the other, such as the reasons of a refusal.
    fn list(&self, text: &str, depth: u32) -> Option<String> {
        ["; ", ", "].into_iter().find_map(|mark| {
            text.match_indices(mark).take(ENDS_TRIED).find_map(|(end, _)| {
                let first = self.item(&text[..end], depth)?;
                let rest = &text[end + mark.len()..];
                Some(format!("{first}{mark}{}", self.shown(rest, depth)))
            })
        })
    }

    /// One text of a list: a row, which may have a name before it.
    fn item(&self, text: &str, depth: u32) -> Option<String> {
        self.row(text, depth).or_else(|| {
            let (name, rest) = text.split_once(": ")?;
            let known = tables::kind(name).unwrap_or(name);
            Some(format!("{known}: {}", self.row(rest, depth)?))
        })
    }

    /// A name, or a text that ends in a colon, and a text about it.
    fn headed(&self, text: &str, depth: u32) -> Option<String> {
        let (head, rest) = text.split_once(": ")?;
        match (self.row(head, depth), self.shown(rest, depth)) {
            (None, Cow::Borrowed(_)) => None,
            (known, rest) => Some(format!("{}: {rest}", known.as_deref().unwrap_or(head))),
        }
    }
}
