//! The texts in Chinese: English as it stands in the source, with `{}` at each place, and Chinese.

mod errors;

/// English and Chinese.
pub(super) type Row = (&'static str, &'static str);

/// Every text.
pub(super) fn all() -> impl Iterator<Item = Row> {
    errors::ROWS.iter().copied()
}

/// A word of a report, where it is one.
pub(super) fn word(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|row| row.0 == word).map(|row| row.1)
}

/// The words that stand alone at a place of a text.
// One row a word: a table is read down its columns.
#[rustfmt::skip]
const WORDS: &[Row] = &[
    ("failed", "失败"),
];

/// The labels of a summary's lines.
#[rustfmt::skip]
pub(super) const LABELS: &[Row] = &[
    ("root", "根目录"),
    ("phase", "阶段"),
    ("tasks", "任务"),
    ("V1 states", "V1 状态"),
    ("V2 tasks", "V2 任务"),
    ("verified", "已核对"),
    ("lock", "锁"),
    ("nodes", "节点"),
    ("action", "动作"),
    ("task", "任务"),
    ("warning", "警告"),
    ("unknown", "未知文件"),
    ("leftover", "遗留"),
    ("can", "可执行"),
    ("next", "下一步"),
];
