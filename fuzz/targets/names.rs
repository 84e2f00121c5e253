//! Names: whatever parses is written back as the same name, and what is escaped comes back.

#![no_main]

use comptask_upgrade::layout::{self, Mark, RecoveryMark, V1Name};
use comptask_upgrade::task::{StateV1, V1Base, V2Id};
use comptask_upgrade::tree::TreePath;
use libfuzzer_sys::fuzz_target;

fn check_ids(text: &str) {
    if let Some(base) = V1Base::parse(text) {
        assert_eq!(base.to_string(), text);
        for ordinal in [0, 7, 999] {
            let Ok(id) = base.v2_id(ordinal) else { continue };
            assert_eq!(V2Id::parse(&id.to_string()), Some(id.clone()));
            assert_eq!(id.upgraded_from(), Some((base.ts, ordinal)));
        }
        assert!(base.v2_id(1_000).is_err());
        assert_eq!(layout::parse_mark(layout::mark_upgraded(text).name()), Mark::Upgraded { base: text.to_owned() });
        for state in StateV1::ALL {
            let name = V1Name::format(&base, state);
            assert_eq!(V1Name::parse(&name), Some(V1Name { base: base.clone(), state }));
        }
    }
    if let Some(name) = V1Name::parse(text) {
        assert_eq!(V1Name::format(&name.base, name.state), text);
    }
    if let Some(id) = V2Id::parse(text) {
        assert_eq!(id.to_string(), text);
        if let Some((ts, ordinal)) = id.upgraded_from() {
            let base = V1Base { pu: "p".to_owned(), seq: id.sequence_no, ts };
            assert_eq!(base.v2_id(ordinal).ok(), Some(id.clone()));
        }
        assert_eq!(layout::parse_manager(&layout::manager_name(&id)), Some(id.clone()));
        assert_eq!(layout::parse_recovery_mark(layout::mark_carried(&id).name()), RecoveryMark::Carried(id));
    }
}

fn check_marks(text: &str) {
    match layout::parse_mark(text) {
        Mark::Upgraded { base } => assert_eq!(layout::mark_upgraded(&base).name(), text),
        Mark::InProgress { base, node } => assert_eq!(layout::mark_in_progress(&base, &node).name(), text),
        Mark::Reopen => assert_eq!(layout::reopen().name(), text),
        Mark::Online => assert_eq!(layout::online().name(), text),
        Mark::Part | Mark::Unknown => {}
    }
    match layout::parse_recovery_mark(text) {
        RecoveryMark::Mode(word) => assert_eq!(layout::recovery_mode_name(&word), text),
        RecoveryMark::Begun => assert_eq!(layout::recovery_begun().name(), text),
        RecoveryMark::Cleared => assert_eq!(layout::cleared_name(), text),
        RecoveryMark::AllCarried => assert_eq!(layout::recovery_carried().name(), text),
        RecoveryMark::Failed(id) => assert_eq!(layout::mark_failed_name(&id), text),
        RecoveryMark::Carried(id) => assert_eq!(layout::mark_carried(&id).name(), text),
        RecoveryMark::Carrying(id, base) => match layout::mark_carrying(&id, &base) {
            Ok(mark) => assert_eq!(mark.name(), text),
            Err(error) => assert!(text.len() > 255, "{error}"),
        },
        RecoveryMark::Unknown => {}
    }
}

fn check_files(text: &str) {
    if let Some(id) = layout::parse_manager(text) {
        assert_eq!(layout::manager_name(&id), text);
    }
    if let Some((pc, db)) = layout::parse_task_info(text) {
        match layout::task_info_name(&pc, &db) {
            Ok(name) => assert_eq!(name, text),
            Err(error) => assert!(text.len() > 255, "{error}"),
        }
    }
    if let Some(state) = layout::parse_status(text) {
        assert_eq!(layout::status_name(state), text);
        assert!(layout::is_sub_task_file(text));
    }
    if let Some(number) = layout::parse_manifest(text) {
        assert_eq!(layout::manifest_name(number), text);
    }
    if let Ok(path) = TreePath::parse(text) {
        assert_eq!(path.as_str(), text);
        assert!(path.components().all(|name| TreePath::root().child(name).is_ok()));
    }
}

fn check_escapes(text: &str) {
    let escaped = layout::escape(text);
    assert_eq!(layout::unescape(&escaped).as_deref(), Some(text));
    assert!(!escaped.contains(['.', '/', ':']) && escaped != "upgrade", "{escaped:?}");
    if let Some(name) = layout::unescape(text) {
        assert_eq!(layout::escape(&name), text);
    }
    // Any node's name beside any PC's, and as part of a mark.
    let (left, right) = text.split_once('|').unwrap_or((text, ""));
    if let Ok(name) = layout::task_info_name(left, right) {
        assert_eq!(layout::parse_task_info(&name), Some((left.to_owned(), right.to_owned())));
    }
    let base = "compct.p.0.1";
    let mark = layout::mark_in_progress(base, text);
    let expected = Mark::InProgress { base: base.to_owned(), node: text.to_owned() };
    assert_eq!(layout::parse_mark(mark.name()), expected);
    assert!(mark.name().len() <= layout::longest_mark_bytes(base, escaped.len()));
}

fuzz_target!(|text: &str| {
    check_ids(text);
    check_marks(text);
    check_files(text);
    check_escapes(text);
});
