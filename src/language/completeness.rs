//! Reads the source of the library and holds every text in it that can reach a person against the tables: each has its
//! row, and each row still stands in the source.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::{summary, tables};

/// What is read by no person, or is no language, and why.
const EXCEPTIONS: [(&str, &str); 10] = [
    ("(is not a directory)", "looked for in the message of an exception of Hadoop"),
    ("Path is not a file", "looked for in the message of an exception of Hadoop"),
    ("Pathname too long", "looked for in the message of an exception of Hadoop"),
    ("Client cannot authenticate via", "looked for in the message of an exception of Hadoop"),
    ("digest, tls, tls_ca_file, tls_certificate_file, tls_key_file", "names of options, which stay"),
    ("<v1 base>.{}", "the shape of a name, which stays"),
    ("<v1 base>.<node>", "the shape of a name, which stays"),
    ("<v2 id>.<v1 base>", "the shape of a name, which stays"),
    ("<v2 id>.{}", "the shape of a name, which stays"),
    (" pc={} node={}", "names and the names of fields, which stay"),
];

/// A string of the source, with `{}` at each of its places, and where it stands.
struct Text {
    place: String,
    text: String,
}

/// The strings of one file, but for tests, attributes and comments; and the files of its modules.
struct Reader<'a> {
    file: &'a Path,
    texts: Vec<Text>,
    modules: Vec<PathBuf>,
}

/// Whether an item is compiled into no library that is released.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition = attribute.parse_args::<TokenStream>().unwrap().to_string();
        condition == "test" || condition == "feature = \"test-hooks\""
    })
}

impl Reader<'_> {
    fn string(&mut self, line: usize, text: &str) {
        let place = format!("{}:{line}", self.file.display());
        self.texts.push(Text { place, text: without_names(text) });
    }

    fn tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse_str::<syn::LitStr>(&literal.to_string()) {
                        self.string(literal.span().start().line, &text.value());
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'a> Visit<'a> for Reader<'_> {
    fn visit_attribute(&mut self, _: &'a syn::Attribute) {}

    fn visit_lit_str(&mut self, text: &'a syn::LitStr) {
        self.string(text.span().start().line, &text.value());
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.tokens(called.tokens.clone());
    }

    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if is_for_tests(&module.attrs) {
            return;
        }
        if module.content.is_some() {
            visit::visit_item_mod(self, module);
            return;
        }
        let (folder, stem) = (self.file.parent().unwrap(), self.file.file_stem().unwrap());
        let below = if stem == "lib" || stem == "mod" { folder.to_owned() } else { folder.join(stem) };
        let name = module.ident.to_string();
        let files = [below.join(format!("{name}.rs")), below.join(name).join("mod.rs")];
        let there = files.into_iter().find(|file| file.is_file());
        self.modules.push(there.expect("every module has its file"));
    }

    fn visit_item_fn(&mut self, function: &'a syn::ItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_item_fn(self, function);
        }
    }

    fn visit_item_impl(&mut self, block: &'a syn::ItemImpl) {
        if !is_for_tests(&block.attrs) {
            visit::visit_item_impl(self, block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}

/// A format string with nothing in its places, as the tables have it.
fn without_names(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        let brace = &from[..1];
        if from[1..].starts_with(brace) {
            plain.push_str(&from[..2]);
            rest = &from[2..];
        } else if let (true, Some(end)) = (brace == "{", from.find('}')) {
            plain.push_str("{}");
            rest = &from[end + 1..];
        } else {
            plain.push_str(brace);
            rest = &from[1..];
        }
    }
    plain + rest
}

/// The strings of the C++ wrapper, whose lines are short enough to be cut at their quotation marks.
fn texts_of_the_wrapper() -> Vec<Text> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("include").join("comptask_upgrade");
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            if line.trim_start().starts_with("//") || line.starts_with('#') {
                continue;
            }
            let place = format!("{}:{}", file.display(), number + 1);
            let strings = line.split('"').skip(1).step_by(2);
            texts.extend(strings.map(|text| Text { place: place.clone(), text: text.to_owned() }));
        }
    }
    assert!(texts.len() > 4, "the wrapper has {} strings", texts.len());
    texts
}

/// Every string of the library, of every feature, and of its C++ wrapper.
fn texts_of_the_source() -> Vec<Text> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = vec![root.join("lib.rs")];
    let mut texts = texts_of_the_wrapper();
    let mut read = 0;
    while let Some(file) = files.pop() {
        // The tables themselves.
        if file.starts_with(root.join("language")) {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        let mut reader = Reader { file: &file, texts: Vec::new(), modules: Vec::new() };
        reader.visit_file(&syn::parse_file(&source).unwrap());
        files.append(&mut reader.modules);
        texts.append(&mut reader.texts);
        read += 1;
    }
    assert!(read > 100 && texts.len() > 1_500, "{read} files, {} strings: the walk ended early", texts.len());
    texts
}

/// Whether a text is for a person: two words, a place for a name counted as one.
fn is_for_a_person(text: &str) -> bool {
    let has_letters = text.replace("{}", "").contains(|letter: char| letter.is_ascii_alphabetic());
    has_letters && text.trim().contains(char::is_whitespace)
}

/// What a text says beside the columns of a summary; nothing where it is a label alone.
fn said(text: &str) -> &str {
    match summary::labelled(text) {
        Some((_, _, rest)) => rest,
        None => text.strip_prefix("  {} ").unwrap_or(text),
    }
}

fn has_chinese(text: &str) -> bool {
    tables::exact(text).is_some()
        || tables::kind(text).is_some()
        || tables::word(text).is_some()
        || tables::OUTCOMES.iter().any(|row| row.0 == text)
        || EXCEPTIONS.iter().any(|exception| exception.0 == text)
}

#[test]
fn every_text_for_a_person_has_its_chinese() {
    let missing: Vec<String> = texts_of_the_source()
        .iter()
        .filter(|found| is_for_a_person(said(&found.text)) && !has_chinese(said(&found.text)))
        .map(|found| format!("{}: {:?}", found.place, said(&found.text)))
        .collect();
    assert!(missing.is_empty(), "no row in src/language/tables for\n{}", missing.join("\n"));
}

#[test]
fn every_row_stands_in_the_source() {
    let texts = texts_of_the_source();
    let stands = |english: &str| texts.iter().any(|found| found.text == english || said(&found.text) == english);
    let words = [tables::WORDS, tables::KINDS, tables::OUTCOMES].into_iter().flatten().copied();
    let exceptions = EXCEPTIONS.iter().copied();
    let stale: Vec<&str> =
        tables::all().chain(words).chain(exceptions).map(|row| row.0).filter(|english| !stands(english)).collect();
    assert!(stale.is_empty(), "in src/language, and no longer in the source:\n{}", stale.join("\n"));
    for (label, _) in tables::LABELS {
        let alone = texts.iter().any(|found| found.text == *label);
        let labels = texts.iter().filter_map(|found| summary::labelled(&found.text));
        assert!(alone || labels.into_iter().any(|(found, _, _)| found == *label), "no line has the label {label}");
    }
}

#[test]
fn every_text_has_one_row() {
    let mut seen = BTreeMap::new();
    for (english, chinese) in tables::all() {
        assert_eq!(seen.insert(english, chinese), None, "{english:?} has two rows");
    }
}

#[test]
fn a_text_is_for_a_person_where_it_has_two_words() {
    for text in ["no root", "{} failed", ", {} open", "a: {}", " more than"] {
        assert!(is_for_a_person(text), "{text:?}");
    }
    for text in ["{}: {}", "root", "{}, {}", "", "hdfs://{}", " x "] {
        assert!(!is_for_a_person(text), "{text:?}");
    }
    assert_eq!(without_names("{name:?} of {} {{x}} {n:08x}"), "{} of {} {{x}} {}");
    assert_eq!((said("  root      {}"), said("  {} ... and {} more")), ("{}", "... and {} more"));
}

/// The reader itself: what it finds in every place that a text may stand in, and what it leaves out.
#[test]
fn strings_are_found_wherever_they_stand() {
    let source = r##"
        //! a comment of a module
        #[doc = "a text of an attribute"]
        const A: &str = "a constant";
        fn f() { let _ = g(format!("in a {macro}", nested(vec![r#"deep "inside" it"#]))); match x { "a pattern" => () } }
        #[cfg(test)]
        mod tests { const B: &str = "a test"; }
        #[cfg(feature = "test-hooks")]
        fn hook() { h("a hook") }
        #[cfg(feature = "other")]
        impl T { fn m() { h("in a method"); } #[cfg(test)] fn t() { h("a test's method") } }
    "##;
    let mut reader = Reader { file: Path::new("x.rs"), texts: Vec::new(), modules: Vec::new() };
    reader.visit_file(&syn::parse_file(source).unwrap());
    let found: Vec<&str> = reader.texts.iter().map(|found| found.text.as_str()).collect();
    assert_eq!(found, ["a constant", "in a {}", "deep \"inside\" it", "a pattern", "in a method"]);
    assert_eq!(reader.texts[1].place, "x.rs:5");
}
