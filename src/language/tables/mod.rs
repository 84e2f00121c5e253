//! The texts in Chinese: English as it stands in the source, with `{}` at each place, and Chinese.

mod cluster;
mod errors;
mod picture;
mod recovery;
mod runs;
mod storage;
mod tasks;
mod upgrade;

/// English and Chinese.
pub(super) type Row = (&'static str, &'static str);

/// Every text, but for the words below.
pub(super) fn all() -> impl Iterator<Item = Row> {
    [cluster::ROWS, errors::ROWS, picture::ROWS, recovery::ROWS, runs::ROWS, storage::ROWS, tasks::ROWS, upgrade::ROWS]
        .into_iter()
        .flatten()
        .copied()
}

/// The row of exactly this text.
pub(super) fn exact(english: &str) -> Option<&'static str> {
    all().find(|row| row.0 == english).map(|row| row.1)
}

/// The word of an operation, a phase or a thing.
pub(super) fn word(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|row| row.0 == word).map(|row| row.1)
}

/// The word of an error's kind.
pub(super) fn kind(word: &str) -> Option<&'static str> {
    KINDS.iter().find(|row| row.0 == word).map(|row| row.1)
}

/// The labels of a summary's lines.
// One row a word, here and below: a table is read down its columns.
#[rustfmt::skip]
pub(super) const LABELS: &[Row] = &[
    ("root", "根目录"),
    ("phase", "阶段"),
    ("tasks", "任务数"),
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

/// What a user types or greps stays, with Chinese beside it.
#[rustfmt::skip]
pub(super) const WORDS: &[Row] = &[
    ("status", "status(状态)"),
    ("upgrade", "upgrade(升级)"),
    ("recovery", "recovery(回退)"),
    ("delete", "delete(删除)"),
    ("Empty", "Empty(空)"),
    ("NotStarted", "NotStarted(未开始)"),
    ("Upgrading", "Upgrading(升级中)"),
    ("Upgraded", "Upgraded(已升级)"),
    ("Deleting", "Deleting(删除中)"),
    ("V2Only", "V2Only(只有 V2)"),
    ("Recovering", "Recovering(回退中)"),
    ("Reopening", "Reopening(重新打开中)"),
    ("node", "节点"),
    ("process group", "进程组(PC)"),
    ("session", "session(会话)"),
];

/// The kinds of errors.
#[rustfmt::skip]
pub(super) const KINDS: &[Row] = &[
    ("invalid argument", "参数无效"),
    ("internal error", "内部错误"),
    ("nodes online", "有节点在线"),
    ("lock lost", "锁已丢失"),
    ("new V1 tasks", "出现新的 V1 任务"),
    ("some tasks failed", "部分任务失败"),
    ("not found", "未找到"),
    ("already exists", "已存在"),
    ("permission denied", "权限不足"),
    ("no space left", "存储空间不足"),
    ("retry later", "稍后重试"),
    ("outcome unknown", "结果未知"),
    ("storage error", "存储错误"),
    ("catalog error", "catalog 错误"),
    ("liveness error", "节点在线判断错误"),
    ("lock service error", "锁服务错误"),
    ("too large", "过大"),
    ("not empty", "文件夹非空"),
    ("unsupported", "不支持"),
    ("busy", "忙"),
    ("cancelled", "已停止"),
    ("locked", "已被锁定"),
    ("refused", "拒绝"),
    ("damaged", "已损坏"),
    ("corrupt", "内容损坏"),
];

/// What became of a task.
#[rustfmt::skip]
pub(super) const OUTCOMES: &[Row] = &[
    ("would convert", "将转换"),
    ("would cancel", "将转为 Cancel"),
    ("would fail", "将失败"),
    ("would skip", "将跳过"),
    ("would downgrade", "将写回 V1"),
    ("would keep", "将保持原样"),
    ("would lose", "将丢弃"),
    ("converted", "已转换"),
    ("skipped", "已跳过"),
    ("cancelled", "转为 Cancel"),
    ("failed", "失败"),
    ("left", "剩余"),
    ("differs", "不一致"),
    ("new", "新出现"),
    ("downgraded", "已写回 V1"),
    ("kept", "保持原样"),
    ("lost", "已丢弃"),
];
