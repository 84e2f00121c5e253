//! What runs say, in Chinese. `Place` and `chinese::run` hold every run of these tests against `chinese::check`; here are the courses that
//! say most, what they say to the letter, and what only an error of another part says.

use std::sync::Arc;

use comptask_upgrade::language::{translate, Language};
use comptask_upgrade::task::StateV1;
use comptask_upgrade::{CatalogSnapshot, Operation, RecoveryMode, RunOptions};

use crate::support::chinese::{self, english_left, run};
use crate::support::meddling::Up;
use crate::support::places::{on_both_with, Place};
use crate::support::v1_files::{file, folder, remove, v1};

fn in_chinese(text: &str) -> String {
    translate(text, Language::Chinese)
}

/// The lines of a text, without those that name where the tree lies.
fn lines(text: &str) -> Vec<String> {
    let text = in_chinese(text);
    text.lines().filter(|line| !line.starts_with("  根目录")).map(str::to_owned).collect()
}

fn plan() -> RunOptions {
    RunOptions { plan: true, ..RunOptions::default() }
}

fn by(recovery_mode: RecoveryMode) -> RunOptions {
    RunOptions { recovery_mode, ..RunOptions::default() }
}

#[test]
fn a_summary_is_chinese_to_the_letter() {
    on_both_with("seed", |place, _, _| {
        assert_eq!(
            lines(&place.status().unwrap().summary()),
            [
                "status(状态): 目录树处于阶段 NotStarted(未开始)",
                "  阶段      NotStarted(未开始)",
                "  任务数    V1 中共 4 个: 0 个已完成,4 个剩余,0 个失败",
                "  V1 状态   1 个 Init,1 个 Assigned,1 个 Cancel,1 个 Done",
                "  可执行    upgrade(升级): 转换所有 V1 任务",
                "  可执行    recovery(回退): 没有可回退的内容",
                "  可执行    delete(删除): 拒绝: V1 任务尚未升级:请先运行 UPGRADE",
                "  下一步    停止所有节点,然后运行 UPGRADE",
            ]
        );
        assert_eq!(
            lines(&place.upgrade().unwrap().summary()),
            [
                "upgrade(升级): 全部 4 个任务都已升级",
                "  阶段      Upgraded(已升级)",
                "  任务数    共 4 个: 4 个已转换,0 个转为 Cancel,0 个跳过,0 个失败,0 个剩余",
                "  V1 状态   1 个 Init,1 个 Assigned,1 个 Cancel,1 个 Done",
                "  下一步    启动新版本的节点,每个节点都要通过节点准入检查(node gate);一切正常后运行 DELETE",
            ]
        );
    });
}

#[test]
fn an_error_is_chinese_with_its_next_action_and_its_names() {
    on_both_with("seed", |place, _, _| {
        let session = place.builder().liveness(Up(&["xcloud25_9876", "xcloud24_9876"])).open().unwrap();
        let error = run(&session, Operation::Upgrade).unwrap_err().error;
        assert_eq!(in_chinese(&error.to_string()), "有节点在线: 2 个节点必须停机: xcloud24_9876, xcloud25_9876");
        assert_eq!(in_chinese(error.next_action()), "停止所列出的节点,然后重新运行该命令");
        let error = place.delete().unwrap_err().error;
        assert_eq!(in_chinese(error.message()), "在阶段 NotStarted(未开始): V1 任务尚未升级:请先运行 UPGRADE");
    });
}

#[test]
fn tasks_that_fail_and_files_that_nobody_knows_are_told_in_chinese() {
    on_both_with("seed", |place, _, _| {
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.1700000000000", b"CTV1");
        file(&*place.storage, "Compaction/Scheduler/compct.twice.0.1700000000001", b"x");
        file(&*place.storage, "Compaction/Scheduler/compct.twice.0.1700000000001.Done", b"x");
        file(&*place.storage, "Compaction/Scheduler/What Is This", b"");
        place.status().unwrap();
        place.run_with(Operation::Upgrade, plan()).unwrap();
        let failure = place.upgrade().unwrap_err();
        let shown = in_chinese(&failure.report.unwrap().summary());
        assert!(shown.contains("compct.torn.0.1700000000000: 失败: 内容损坏: 偏移 0 处: 魔数是 "), "{shown}");
        assert!(shown.contains("该任务同时有多个状态"), "{shown}");
        place.status().unwrap();
        place.run_with(Operation::Recovery, by(RecoveryMode::Downgrade)).unwrap();
    });
}

/// Every operation, as a plan and in earnest, from every phase that a tree here comes to.
#[test]
fn every_operation_in_every_phase_is_told_in_chinese() {
    let all = |place: &Place| {
        for operation in [Operation::Upgrade, Operation::Recovery, Operation::Delete] {
            let _answer = place.run_with(operation, plan());
        }
        for mode in [RecoveryMode::Cancel, RecoveryMode::Downgrade, RecoveryMode::DowngradeOld] {
            let _answer = place.run_with(Operation::Recovery, RunOptions { plan: true, ..by(mode) });
            let forced = RunOptions { plan: true, force: true, ..by(mode) };
            let _answer = place.run_with(Operation::Recovery, forced);
        }
        let _answer =
            place.run_with(Operation::Upgrade, RunOptions { plan: true, reopen: true, ..RunOptions::default() });
        let _answer =
            place.run_with(Operation::Delete, RunOptions { plan: true, force: true, ..RunOptions::default() });
        let _answer = place.run_with(Operation::Status, RunOptions { verify: true, ..RunOptions::default() });
    };
    on_both_with("seed", |place, _, _| {
        all(place);
        place.upgrade().unwrap();
        all(place);
        // A task that is new, one that changed, a file that nobody knows, and a node that started.
        v1(&*place.storage, "late", 0, 1_700_000_000_000, StateV1::Init, ("sales", "eu"));
        file(&*place.storage, "Compaction/Scheduler/what.is.this", b"");
        all(place);
        let session = place.session();
        session.node_gate("xcloud24_9876").unwrap();
        drop(session);
        all(place);
        let _answer = place.delete();
        let _answer = place.run(Operation::Recovery);
        place.run_with(Operation::Upgrade, RunOptions { reopen: true, ..RunOptions::default() }).unwrap();
        remove(&*place.storage, "Compaction/Scheduler/what.is.this");
        all(place);
        folder(&*place.storage, "Compaction_V2/Taskrecovery");
        all(place);
        file(&*place.storage, "Compaction_V2/Taskrecovery/Mode.downgrade", b"");
        all(place);
        file(&*place.storage, "Compaction_V2/Taskrecovery/Mode.cancel", b"");
        all(place);
        remove(&*place.storage, "Compaction_V2/Taskrecovery/Mode.cancel");
        place.run_with(Operation::Recovery, by(RecoveryMode::Downgrade)).unwrap();
        all(place);
        place.upgrade().unwrap();
        place.delete().unwrap();
        all(place);
    });
}

#[test]
fn what_a_run_logs_is_chinese_too() {
    on_both_with("seed", |place, _, _| {
        let lines = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let sink = Box::new(move |_: log::Level, _: &str, text: &str| kept.lock().push(text.to_owned()));
        file(&*place.storage, "Compaction/Scheduler/compct.torn.0.1700000000000", b"CTV1");
        let log = comptask_upgrade::SessionLog::to_sink(sink, log::LevelFilter::Debug);
        let session = place.builder().log(log).open().unwrap();
        drop(run(&session, Operation::Status));
        drop(run(&session, Operation::Upgrade));
        let lines = lines.lock();
        assert!(lines.len() > 3, "{lines:?}");
        for line in lines.iter() {
            chinese::check_text(line);
        }
        assert!(
            lines.iter().any(|line| in_chinese(line).starts_with("upgrade(升级) 失败: 部分任务失败: ")),
            "{lines:?}"
        );
    });
}

#[test]
fn a_catalog_that_says_what_cannot_be_is_refused_in_chinese() {
    for text in [
        r#"{"process_groups":[{"name":"p one","nodes":["n9"]}],"nodes":["n1"],"schemas":[]}"#,
        r#"{"process_groups":[{"name":"p one","nodes":["n1","n1"]}],"nodes":["n1"],"schemas":[]}"#,
        r#"{"process_groups":[{"name":"","nodes":[]}],"nodes":["n1"],"schemas":[]}"#,
        r#"{"process_groups":[{"name":"p","nodes":[]},{"name":"p","nodes":[]}],"nodes":[],"schemas":[]}"#,
        r#"{"process_groups":[],"nodes":["n1",""],"schemas":[]}"#,
        r#"{"process_groups":[],"nodes":[],"schemas":[{"db":"d","schema":"s","process_groups":["p one"]}]}"#,
        r#"{"process_groups":[{"name":"p one","nodes":[]}],"nodes":[],"schemas":[{"db":"d","schema":"s","process_groups":["p one","p one"]}]}"#,
        r#"{"process_groups":[],"nodes":[],"schemas":[{"db":"d","schema":"s","process_groups":[]},{"db":"d","schema":"s","process_groups":[]}]}"#,
    ] {
        let error = CatalogSnapshot::parse(text).unwrap_err();
        // The one name here with a space in it.
        for text in chinese::of_error(&error) {
            chinese::check_text(&text.replace("p one", "p1"));
        }
        let shown = in_chinese(error.message());
        assert_eq!(shown.contains("p one"), error.message().contains("p one"), "{shown}");
    }
}

/// The check itself finds what is left.
#[test]
fn english_that_is_left_is_found() {
    assert_eq!(english_left("任务 compct.a.0.1: its file is gone"), ["its file", "file is", "is gone"]);
    assert_eq!(english_left("任务 compct.a 在 /x/y of, 与 Status pc=a node=b"), Vec::<String>::new());
}
