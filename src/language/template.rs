//! A text with places in it, as `{}` in a format string, and the same in Chinese.

use std::borrow::Cow;

use super::tables;

/// What may stand at a place of a text, and so how it is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// `{}`: anything; what is a message itself is translated.
    Text,
    /// `{:name}`: a name or a number, with no space in it; it stays.
    Name,
    /// `{:quoted}`: a name in quotation marks, as `{:?}` writes it; it stays.
    Quoted,
    /// `{:word}`: one of the words that the library has for an operation, a phase or a thing.
    Word,
    /// A place that the Chinese leaves out: the "s" of a plural, which it has not.
    Plural,
}

impl Meaning {
    fn of(word: &str) -> Self {
        match word {
            "name" => Self::Name,
            "quoted" => Self::Quoted,
            "word" => Self::Word,
            _ => Self::Text,
        }
    }

    fn fits(self, part: &str) -> bool {
        match self {
            Self::Text => true,
            // What a colon ends is the head of a message, and no name.
            Self::Name => !part.contains(char::is_whitespace) && !part.ends_with(':'),
            Self::Quoted => part.len() > 1 && part.starts_with('"') && part.ends_with('"'),
            Self::Word => tables::word(part).is_some(),
            Self::Plural => ["", "s"].contains(&part),
        }
    }
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
    around: Vec<String>,
    /// What may stand at each place.
    meanings: Vec<Meaning>,
    chinese: Vec<Piece>,
}

/// At how many places each piece of a text is looked for, where the first ones leave what does not fit.
const TRIES: usize = 4;

impl Template {
    /// A row: English with `{}` at each place, and Chinese with `{}` in the same order or `{1}` for the second one, and
    /// what stands there where that matters, such as `{:name}` or `{1:name}`.
    ///
    /// English that begins with a comma, a semicolon or a space follows another text, and what ends in a space is
    /// followed by one; both texts have a place there.
    pub(super) fn new(english: &str, chinese: &str) -> Self {
        let before = if english.starts_with([',', ';', ' ']) { "{}" } else { "" };
        let after = if english.ends_with(' ') { "{}" } else { "" };
        let whole = |text: &str| pieces(&format!("{before}{text}{after}"));
        let around: Vec<String> = whole(english)
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Text(text) => Some(text),
                Piece::Place(..) => None,
            })
            .collect();
        let chinese = whole(chinese);
        let mut meanings = vec![Meaning::Plural; around.len() - 1];
        for piece in &chinese {
            if let Piece::Place(number, meaning) = piece {
                meanings.iter_mut().skip(*number).take(1).for_each(|place| *place = *meaning);
            }
        }
        Self { around, meanings, chinese }
    }

    /// What may stand at each place.
    #[cfg(test)]
    pub(super) fn meanings(&self) -> &[Meaning] {
        &self.meanings
    }

    /// The English text with these parts.
    #[cfg(test)]
    pub(super) fn english(&self, parts: &[&str]) -> String {
        let ends = parts.iter().copied().chain([""]);
        self.around.iter().zip(ends).flat_map(|(before, part)| [before.as_str(), part]).collect()
    }

    /// What every text that it is begins with; `None` where that is a place.
    pub(super) fn first_byte(&self) -> Option<u8> {
        self.around.first()?.bytes().next()
    }

    /// How many bytes of a text it says itself.
    pub(super) fn weight(&self) -> usize {
        self.around.iter().map(String::len).sum()
    }

    /// What stands at the places of a text, or `None` where the text is another.
    pub(super) fn parts<'a>(&self, text: &'a str) -> Option<Vec<&'a str>> {
        let (first, others) = self.around.split_first()?;
        let Some((last, middle)) = others.split_last() else {
            return (text == first).then(Vec::new);
        };
        let inside = text.strip_prefix(first.as_str())?.strip_suffix(last.as_str())?;
        let mut parts = Vec::with_capacity(others.len());
        fill(inside, middle, &self.meanings, &mut parts).then_some(parts)
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

/// Cuts a text at these pieces, in their order, into parts that fit.
fn fill<'a>(text: &'a str, middle: &[String], meanings: &[Meaning], parts: &mut Vec<&'a str>) -> bool {
    let Some((meaning, meanings)) = meanings.split_first() else { return false };
    let Some((literal, middle)) = middle.split_first() else {
        parts.push(text);
        return meaning.fits(text);
    };
    for (at, found) in text.match_indices(literal.as_str()).take(TRIES) {
        if meaning.fits(&text[..at]) {
            let before = parts.len();
            parts.push(&text[..at]);
            if fill(&text[at + found.len()..], middle, meanings, parts) {
                return true;
            }
            parts.truncate(before);
        }
    }
    false
}

/// A text cut at its places, with a text, which may be empty, before and after each; `{{` and `}}` are braces.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut places = 0;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '{' | '}' if characters.peek() == Some(&character) => {
                characters.next();
                literal.push(character);
            }
            '{' => {
                let inside: String = characters.by_ref().take_while(|character| *character != '}').collect();
                let (number, meaning) = inside.split_once(':').unwrap_or((&inside, ""));
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
                pieces.push(Piece::Place(number.parse().unwrap_or(places), Meaning::of(meaning)));
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
    fn what_stands_at_a_place_decides_where_a_text_is_cut() {
        let twice = |text| translated("{} names {} twice", "{}:{:quoted}两次", text);
        assert_eq!(twice("n names x names \"y\" twice").as_deref(), Some("n names x:\"y\"两次"));
        assert_eq!(twice("n names y twice"), None);
        assert_eq!(translated("{} is gone", "{:name}没了", "a b is gone"), None);
        assert_eq!(translated("{} is gone", "{:name}没了", "a is gone").as_deref(), Some("a没了"));
        assert_eq!(translated("{} failed: {}", "{:name}败:{}", "a: failed: b"), None);
        assert_eq!(translated("{} ended", "{:word}完", "upgrade ended").as_deref(), Some("upgrade完"));
        assert_eq!(translated("{} ended", "{:word}完", "compct ended"), None);
    }

    #[test]
    fn what_follows_or_leads_another_text_has_a_place_there() {
        assert_eq!(translated(", {} open", ",{}开", "5, 3 open").as_deref(), Some("5,3开"));
        assert_eq!(translated("held: ", "由:", "held: x").as_deref(), Some("由:x"));
        assert_eq!(translated("; and ", ";且", "a; and b; and c").as_deref(), Some("a;且b; and c"));
    }

    #[test]
    fn it_says_as_much_as_its_letters() {
        assert_eq!(Template::new("ab{}cd{}", "").weight(), 4);
    }
}
