//! What a translation keeps, and how messages in messages are found.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::template::{Meaning, Template};
use super::{tables, translate, Language};
use crate::error::ErrorKind;
use crate::plan::phase::{Operation, Phase};
use crate::Outcome;

/// Texts that are names.
const NAMES: [&str; 3] = ["HDFS {} (hdfs-native)", "HDFS {} (libhdfs)", "Kerberos: {}"];

const OUTCOMES: [Outcome; 17] = [
    Outcome::Converted,
    Outcome::Skipped,
    Outcome::Cancelled,
    Outcome::Failed,
    Outcome::Left,
    Outcome::WouldConvert,
    Outcome::WouldCancel,
    Outcome::WouldFail,
    Outcome::WouldSkip,
    Outcome::Differs,
    Outcome::New,
    Outcome::Downgraded,
    Outcome::Kept,
    Outcome::Lost,
    Outcome::WouldDowngrade,
    Outcome::WouldKeep,
    Outcome::WouldLose,
];

fn chinese(text: &str) -> String {
    translate(text, Language::Chinese)
}

/// What can stand at a place, told from the others by its number.
fn name(number: usize, meaning: Meaning) -> String {
    match meaning {
        Meaning::Text | Meaning::Name => format!("n{number}.x"),
        Meaning::Quoted => format!("\"n{number} x\""),
        Meaning::Word => tables::WORDS[number].0.to_owned(),
        Meaning::Plural => "s".to_owned(),
    }
}

/// A row's English with names at its places, and its Chinese with the same ones.
fn filled(english: &str, chinese: &str) -> (String, String) {
    let template = Template::new(english, chinese);
    let names: Vec<String> =
        template.meanings().iter().enumerate().map(|(number, meaning)| name(number, *meaning)).collect();
    let parts: Vec<&str> = names.iter().map(String::as_str).collect();
    let word = |part, meaning| match meaning {
        Meaning::Word => Cow::Borrowed(tables::word(part).unwrap()),
        _ => Cow::Borrowed(part),
    };
    (template.english(&parts), template.chinese(&parts, word))
}

#[test]
fn every_row_translates_its_own_text_whatever_other_rows_there_are() {
    for (english, row) in tables::all() {
        let (text, expected) = filled(english, row);
        assert_eq!(chinese(&text), expected, "{english:?}");
    }
}

#[test]
fn every_row_keeps_every_name_and_says_something_in_chinese() {
    for (english, row) in tables::all() {
        let template = Template::new(english, row);
        let parts: Vec<String> = (0..template.meanings().len()).map(|number| format!("<{number}>")).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let text = template.chinese(&parts, |part, _| Cow::Borrowed(part));
        for (part, before) in parts.into_iter().zip(english.split("{}")) {
            // A place that is left out by mistake follows a blank or a mark.
            let is_ending = ["reason", "task", "pair"].iter().any(|noun| before.ends_with(noun));
            assert!(text.contains(part) || is_ending, "{english:?} loses {part}");
        }
        assert!(
            NAMES.contains(&english) || row.contains(|letter: char| !letter.is_ascii()),
            "{english:?} stays English"
        );
    }
}

#[test]
fn every_word_that_a_report_speaks_in_has_its_chinese() {
    for kind in ErrorKind::all() {
        assert!(tables::kind(kind.name()).is_some(), "{kind}");
    }
    for word in Operation::ALL.map(Operation::word).into_iter().chain(Phase::ALL.map(Phase::word)) {
        assert!(tables::word(word).is_some_and(|chinese| chinese.starts_with(word)), "{word}");
    }
    for outcome in OUTCOMES {
        let row = tables::OUTCOMES.iter().find(|row| row.0 == outcome.word());
        assert_eq!(row.map(|row| row.1.to_owned()), Some(translate(outcome.word(), Language::Chinese)), "{outcome:?}");
    }
    assert_eq!(tables::OUTCOMES.len(), OUTCOMES.len(), "an outcome is missing in this test or one too many has a row");
}

#[test]
fn a_locale_is_the_language_that_it_begins_with() {
    for name in ["zh", "zh_CN", "zh_CN.UTF-8", "zh.UTF-8", "zh@pinyin", "zh_TW"] {
        assert_eq!(Language::of_locale(name), Language::Chinese, "{name}");
    }
    for name in ["en", "en_US.UTF-8", "C", "POSIX", "", "fr_FR", "zha", "ZH", "_zh", "C.UTF-8"] {
        assert_eq!(Language::of_locale(name), Language::English, "{name}");
    }
}

/// A file of the repository.
fn file(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

const HELP_OF_THE_TOOL: &str = "ffi_examples/cirrodata_tool/help_text.h";

/// What has two names confuses who reads both: the library, the tool and the readme use the same.
#[test]
fn the_library_the_tool_and_the_readme_use_one_vocabulary() {
    let others = [HELP_OF_THE_TOOL, "ffi_examples/cirrodata_tool/texts.cpp", "README.zh-CN.md"].map(file);
    let rows: Vec<String> = tables::all()
        .chain([tables::WORDS, tables::KINDS, tables::OUTCOMES, tables::LABELS].into_iter().flatten().copied())
        .map(|row| row.1.to_owned())
        .collect();
    let lines = others.iter().flat_map(|text| text.lines()).chain(rows.iter().map(String::as_str));
    let mut read = 0;
    for line in lines.filter(|line| !line.is_ascii()) {
        read += 1;
        // DELETE is 删除, RECOVERY 回退; schema and catalog stay; of folders only the root and the trees are called 目录.
        let folders = line.replace("根目录", "").replace("目录树", "");
        for word in
            ["清理", "恢复(", "恢复（", "恢复中", "目录服务", "目录", "任务的模式", "按模式", "闸门", "理由反对"]
        {
            assert!(!folders.contains(word), "{word} in {line:?}");
        }
    }
    assert!(read > 700, "{read} lines: the files have moved");
}

/// The library's punctuation is half-width, since English marks join its texts, and that of the tool full-width.
#[test]
fn no_text_mixes_two_kinds_of_punctuation() {
    for (_, chinese) in tables::all() {
        assert!(!chinese.contains(['，', '；', '：', '（', '）', '。']), "{chinese:?}");
    }
    let is_chinese = |letter: char| ('一'..='鿿').contains(&letter);
    let texts = [HELP_OF_THE_TOOL, "ffi_examples/cirrodata_tool/texts.cpp"].map(file);
    for line in texts.iter().flat_map(|text| text.lines()) {
        let letters: Vec<char> = line.chars().collect();
        let mixed =
            letters.windows(2).find(|pair| is_chinese(pair[0]) && [',', ';', ':', '(', ')', '.'].contains(&pair[1]));
        assert_eq!(mixed, None, "{line:?}");
    }
}

#[test]
fn the_exit_codes_in_the_tools_help_have_the_words_of_the_kinds() {
    let help = file(HELP_OF_THE_TOOL);
    let (_, table) = help.split_once("\n退出码：\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    // A code and its word, two of them a line with blanks between.
    let told: BTreeSet<String> = table
        .lines()
        .flat_map(|line| line.trim().split("   "))
        .map(|cell| cell.trim().to_owned())
        .filter(|cell| !cell.is_empty())
        .collect();
    let kinds = ErrorKind::all().map(|kind| format!("{:<2}  {}", kind.code(), tables::kind(kind.name()).unwrap()));
    let kinds = kinds.map(|cell| cell.replacen("   ", "  ", 1));
    assert_eq!(told, kinds.chain(["0  成功".to_owned()]).collect());
}

#[test]
fn messages_in_messages_are_translated_and_strangers_words_stay() {
    for (english, expected) in [
        ("corrupt: at offset 7: the file is empty (Compaction/a b)", "内容损坏: 偏移 7 处: 文件为空 (Compaction/a b)"),
        ("storage error: it cannot be read: No such file or directory (os error 2)", "存储错误: 无法读取: No such file or directory (os error 2)"),
        ("internal error: disk on fire", "内部错误: disk on fire"),
        ("disk on fire: call somebody, at once; now", "disk on fire: call somebody, at once; now"),
        (
            "2 reasons against deleting the V1 tree: a: an unknown file (force deletes it), b: no upgrade knows it, and 3 more",
            "因以下 2 项原因不能删除 V1 目录树: a: 未知文件(用 force 可删除), b: 它不属于任何一次升级,以及另外 3 个",
        ),
        (
            "nothing was changed, because Compaction: files cannot be made in it: x; and .: the folder cannot be read: y",
            "没有改动任何内容,原因: Compaction: 不能在其中创建文件: x;并且.: 无法读取该文件夹: y",
        ),
        (
            "choose: `downgrade`, which removes what the upgrade made; or `cancel` with force, which removes what the upgrade made",
            "请选择: 用 `downgrade`,删除升级所创建的内容;或者用 `cancel` 并加 force,删除升级所创建的内容",
        ),
        (
            "refused: 2 reasons against deleting the V1 tree: a: its V1 file is gone, b: an unknown file (force deletes it) (Compaction)",
            "拒绝: 因以下 2 项原因不能删除 V1 目录树: a: 它的 V1 文件已不存在, b: 未知文件(用 force 可删除) (Compaction)",
        ),
        (
            "2 reasons against RECOVERY by cancel: node n-1 has started since the upgrade was complete, node n-2 has started since the upgrade was complete",
            "因以下 2 项原因不能按 cancel 进行 RECOVERY: 升级完成之后节点 n-1 启动过, 升级完成之后节点 n-2 启动过",
        ),
        (
            "1 reason against RECOVERY by downgrade: aa.1: its V1 file is gone (needs force) (Compaction_V2)",
            "因以下 1 项原因不能按 downgrade 进行 RECOVERY: aa.1: 它的 V1 文件已不存在 (需要 force) (Compaction_V2)",
        ),
        (
            "locked: another run holds the lock: comptask-upgrade upgrade on h-1, process 7 (host h-1, process 7, user u, since t)",
            "已被锁定: 另一次运行持有锁: comptask-upgrade upgrade(升级),主机 h-1,进程 7 (主机 h-1,进程 7,用户 u,始于 t)",
        ),
        (
            "not found: neither Compaction nor Compaction_V2 is in the root, so it is no cluster.compact (local disk /a b)",
            "未找到: 根目录中既没有 Compaction 也没有 Compaction_V2,因此它不是 cluster.compact (本地磁盘 /a b)",
        ),
        (
            "process group \"pc one\" names process group \"x y\" twice",
            "进程组(PC) \"pc one\"中的进程组(PC) \"x y\" 出现了两次",
        ),
    ] {
        assert_eq!(chinese(english), expected);
    }
}

#[test]
fn the_lines_of_a_summary_keep_their_columns() {
    let english = "upgrade (plan: nothing is written): some tasks failed: 1 of 2 tasks failed; the others are converted\n  \
        root      local disk a b\n  phase     Upgrading\n  V2 tasks  5, 3 open\n  \
        task      compct.a.0.1: failed: corrupt: the file is empty (x)\n  \
        task      compct.b.0.1: converted -> aa.1 Init pc=p node=failed\n              create x/y\n  \
        warning   ... and 3 more (all of them in the JSON report)\n  can       delete: refused: the V1 tasks are not upgraded: run UPGRADE first\n";
    let expected = "upgrade(升级) (计划:不写入任何内容): 部分任务失败: 2 个任务中有 1 个失败;其余已转换\n  \
        根目录    本地磁盘 a b\n  阶段      Upgrading(升级中)\n  V2 任务   5,其中 3 个未结束\n  \
        任务      compct.a.0.1: 失败: 内容损坏: 文件为空 (x)\n  \
        任务      compct.b.0.1: 已转换 -> aa.1 Init pc=p node=failed\n              创建 x/y\n  \
        警告      ... 以及另外 3 项(JSON 报告中有全部内容)\n  可执行    delete(删除): 拒绝: V1 任务尚未升级:请先运行 UPGRADE\n";
    assert_eq!(chinese(english), expected);
}

/// A stranger's text of many texts costs no more than a line of the library.
#[test]
fn a_text_without_end_is_translated_soon() {
    for mark in [", ", "; ", ": ", " (", "{}", " is "] {
        let text = mark.repeat(100_000);
        assert_eq!(chinese(&text), text);
    }
}

proptest! {
    #[test]
    fn english_is_the_same_to_the_byte(text in any::<String>()) {
        prop_assert_eq!(translate(&text, Language::English), text);
    }

    #[test]
    fn no_text_makes_it_panic_or_lose_a_line(text in any::<String>()) {
        prop_assert_eq!(chinese(&text).split('\n').count(), text.split('\n').count());
    }

    #[test]
    fn pieces_of_its_own_texts_in_any_order_make_it_neither_panic_nor_lose_a_name(
        picks in prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize), 1..5),
    ) {
        let rows: Vec<tables::Row> = tables::all().collect();
        let marks = [": ", ", ", "; ", " ", "\n", " ("];
        let text: String =
            picks.iter().map(|(row, mark)| { let row = row.get(&rows); filled(row.0, row.1).0 + marks[*mark] }).collect();
        let translated = chinese(&text);
        for number in 0..9 {
            let name = format!("n{number}.x");
            let count = |text: &str| text.matches(&name).count();
            prop_assert!(count(&translated) >= count(&text).min(1), "{} is lost from {text:?}: {translated:?}", name);
        }
    }
}
