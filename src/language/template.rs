//! A text with places in it, as `{}` in a format string, and the same in Chinese.

use std::borrow::Cow;

/// What stands at a place of a text, and so how it is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A name or a number, which no row fits; or a message, which one does.
    Sentence,
    /// One of the words that a report speaks in.
    Word,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(usize, Meaning),
}

/// A row of the tables, ready to be held against a text.
#[derive(Debug)]
pub(super) struct Template {
    /// What stands around the places: one more than there are places.
    english: Vec<String>,
    chinese: Vec<Piece>,
}

impl Template {
    /// A row: English with `{}` at each place, and Chinese with `{}` in the same order or `{1}` for the second one;
    /// `{:word}` or `{1:word}` where it is a word.
    pub(super) fn new(english: &str, chinese: &str) -> Self {
        let around = pieces(english).into_iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Place(..) => None,
        });
        Self { english: around.collect(), chinese: pieces(chinese) }
    }

    /// How many bytes of a text it says itself.
    pub(super) fn weight(&self) -> usize {
        self.english.iter().map(String::len).sum()
    }

    /// What stands at the places of a text, or `None` where the text is another.
    pub(super) fn parts<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, others) = self.english.split_first()?;
        let Some((last, middle)) = others.split_last() else {
            return (text == first).then(Vec::new);
        };
        let mut rest = text.strip_prefix(first.as_str())?.strip_suffix(last.as_str())?;
        let mut parts = Vec::with_capacity(others.len());
        for literal in middle {
            let (part, after) = rest.split_once(literal.as_str())?;
            parts.push(part);
            rest = after;
        }
        parts.push(rest);
        Some(parts)
    }

    /// The Chinese text with these parts, each translated.
    pub(super) fn chinese<'a>(
        &self,
        parts: &[&'a str],
        translated: impl Fn(&'a str, Meaning) -> Cow<'a, str>,
    ) -> String {
        let mut text = String::new();
        for piece in &self.chinese {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Place(number, meaning) => {
                    text.push_str(&parts.get(*number).map_or(Cow::Borrowed(""), |part| translated(part, *meaning)));
                }
            }
        }
        text
    }
}

/// A text cut at its places, with a text, which may be empty, before and after each; `{{` and `}}` are braces.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut places = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let doubled = characters.peek() == Some(&character);
        match character {
            '{' | '}' if doubled => {
                characters.next();
                literal.push(character);
            }
            '{' => {
                let inside: String = characters.by_ref().take_while(|character| *character != '}').collect();
                let (number, meaning) = inside.split_once(':').unwrap_or((&inside, ""));
                let meaning = if meaning == "word" { Meaning::Word } else { Meaning::Sentence };
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(Piece::Place(number.parse().unwrap_or(places), meaning));
                places += 1;
            }
            _ => literal.push(character),
        }
    }
    pieces.push(Piece::Text(literal));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(english: &str, chinese: &str, text: &str) -> Option<String> {
        let template = Template::new(english, chinese);
        template.parts(text).map(|parts| template.chinese(&parts, |part, _| Cow::Borrowed(part)))
    }

    #[test]
    fn parts_stand_where_the_chinese_text_has_them() {
        assert_eq!(translated("plain", "平", "plain").as_deref(), Some("平"));
        assert_eq!(translated("plain", "平", "plain "), None);
        assert_eq!(translated("{} of {}", "{1}中的{0}", "3 of 4").as_deref(), Some("4中的3"));
        assert_eq!(translated("a {} b {}", "甲{}乙{}", "a 1 b 2 b 3").as_deref(), Some("甲1乙2 b 3"));
        assert_eq!(translated("({})", "({})", "(x"), None);
        assert_eq!(translated("a{}a", "甲{}", "a"), None, "the two ends are not the same byte");
        assert_eq!(translated("{{{}}}", "{{{}}}", "{x}").as_deref(), Some("{x}"));
    }

    #[test]
    fn a_place_says_what_stands_there() {
        assert_eq!(pieces("{1:word}x")[1..], [Piece::Place(1, Meaning::Word), Piece::Text("x".to_owned())]);
        assert_eq!(pieces("{}{}")[3], Piece::Place(1, Meaning::Sentence));
        assert_eq!(Template::new("ab{}cd{}", "").weight(), 4);
    }
}
