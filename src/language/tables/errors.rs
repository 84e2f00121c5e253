//! Errors: what an operator does about each kind.

use super::Row;

// One row a text, whatever its length: a table is read down its columns.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    ("correct the call and run it again", "改正调用后再运行"),
    ("nothing to do", "无需操作"),
    ("stop every node, then run UPGRADE", "停止所有节点,然后运行 UPGRADE"),
    ("{} is NULL", "{} 是 NULL"),
];
