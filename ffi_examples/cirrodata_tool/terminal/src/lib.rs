//! What cirrodata-tool shows on a terminal: a bar on stderr, and tables as text. `include/cirrodata_terminal.h` is its
//! face; Rust sees the two modules below it.

pub mod bar;
pub mod capi;
pub mod table;

/// A text as a terminal may get it: a name with a control byte in it must not move the cursor.
pub fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character }).collect()
}
