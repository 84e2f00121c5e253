//! The mark functions, for a host that drives its own loop.

use comptask_upgrade::{ErrorKind, Phase};

use crate::support::places::{on_both_with, Place};
use crate::support::v1_files::{exists, file, names};

const FIRST: &str = "compct.xcloud24_9876.0.1617693156000";
const MARKS: &str = "Compaction_V2/Taskupgrade";

fn marks(place: &Place) -> Vec<String> {
    names(&*place.storage, MARKS)
}

#[test]
fn a_task_goes_from_being_marked_to_being_upgraded_and_back() {
    on_both_with("seed", |place, _, _| {
        let session = place.session();
        session.lock().unwrap();
        assert!(!session.mark_is_upgraded(FIRST).unwrap());
        session.mark_upgrading(FIRST, "node:3.example").unwrap();
        session.mark_upgrading(FIRST, "node:3.example").unwrap();
        assert_eq!(marks(place), [format!("{FIRST}.node%3A3%2Eexample")]);
        assert!(!session.mark_is_upgraded(FIRST).unwrap());
        assert_eq!(session.mark_upgraded(FIRST, "another").unwrap_err().kind(), ErrorKind::NotFound);
        session.mark_upgraded(FIRST, "node:3.example").unwrap();
        assert_eq!(marks(place), [format!("{FIRST}.upgrade")]);
        assert!(session.mark_is_upgraded(FIRST).unwrap());
        session.mark_upgraded(FIRST, "node:3.example").unwrap();
        session.mark_remove(FIRST).unwrap();
        session.mark_remove(FIRST).unwrap();
        assert!(marks(place).is_empty());
        session.unlock().unwrap();
        session.unlock().unwrap();
    });
}

#[test]
fn a_node_called_upgrade_does_not_look_like_the_end() {
    on_both_with("seed", |place, _, _| {
        let session = place.session();
        session.lock().unwrap();
        session.mark_upgrading(FIRST, "upgrade").unwrap();
        assert_eq!(marks(place), [format!("{FIRST}.%75pgrade")]);
        assert!(!session.mark_is_upgraded(FIRST).unwrap());
        session.mark_upgrading(FIRST, "").unwrap();
        assert_eq!(marks(place), [format!("{FIRST}."), format!("{FIRST}.%75pgrade")]);
        session.mark_remove(FIRST).unwrap();
        assert!(marks(place).is_empty());
    });
}

#[test]
fn marks_are_written_under_the_lock_and_in_an_upgrade_only() {
    on_both_with("seed", |place, _, _| {
        let session = place.session();
        let error = place.unchanged_by(|| session.mark_upgrading(FIRST, "n").unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.message().contains("lock"));
        session.lock().unwrap();
        for bad in ["", "x", "compct.p.0.1.Done", "../x", "compct.p.0"] {
            assert_eq!(session.mark_upgrading(bad, "n").unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad}");
            assert_eq!(session.mark_is_upgraded(bad).unwrap_err().kind(), ErrorKind::InvalidArgument, "{bad}");
        }
        session.unlock().unwrap();
        place.upgrade().unwrap();
        session.lock().unwrap();
        place.unchanged_by(|| {
            assert_eq!(session.mark_upgrading(FIRST, "n").unwrap_err().kind(), ErrorKind::Refused);
            assert_eq!(session.mark_all_upgraded().unwrap_err().kind(), ErrorKind::Refused);
        });
        assert!(session.mark_is_upgraded(FIRST).unwrap(), "the manifest says so");
        assert!(!session.mark_is_upgraded("compct.xcloud24_9876.0.161769315600").unwrap());
    });
}

/// A host that converts by itself: every task is whole in V2 and marked, and the library finishes.
#[test]
fn the_end_is_marked_only_when_every_task_is_and_the_manifest_is_made_of_what_is_there() {
    on_both_with("thirty", |place, checker, fixture| {
        // What a run converts stands for what a host does: the parts go, and with them all that the run wrote down.
        file(&*place.storage, "Compaction/Scheduler/compct.z.9.9", b"torn, so that the upgrade does not end");
        place.upgrade().unwrap_err();
        crate::support::v1_files::remove(&*place.storage, "Compaction/Scheduler/compct.z.9.9");
        for name in marks(place).iter().filter(|name| name.starts_with("Part.")) {
            crate::support::v1_files::remove(&*place.storage, &format!("{MARKS}/{name}"));
        }
        let one = marks(place).pop().unwrap();
        let base = one.strip_suffix(".upgrade").unwrap().to_owned();
        crate::support::v1_files::rename(
            &*place.storage,
            &format!("{MARKS}/{one}"),
            &format!("{MARKS}/{base}.xcloud24_9876"),
        );

        let session = place.session();
        session.lock().unwrap();
        let error = session.mark_all_upgraded().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.message().contains(&base), "{error}");
        assert!(!exists(&*place.storage, "Compaction_V2/TaskUpgrade.done"));
        session.mark_upgraded(&base, "xcloud24_9876").unwrap();
        session.mark_all_upgraded().unwrap();
        session.unlock().unwrap();
        checker.upgraded(&place.image()).unwrap();
        assert_eq!(place.upgrade().unwrap().counts.skipped, fixture.expected.len() as u64);
    });
}

#[test]
fn clearing_every_mark_never_takes_the_only_proof() {
    on_both_with("half-way", |place, checker, _| {
        let session = place.session();
        session.lock().unwrap();
        let error = place.unchanged_by(|| session.mark_clear_all().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::Refused);
        session.unlock().unwrap();
        place.upgrade().unwrap();
        file(&*place.storage, &format!("{MARKS}/compct.p.0.1617693156000.upgrade"), b"");
        session.lock().unwrap();
        session.mark_clear_all().unwrap();
        checker.upgraded(&place.image()).unwrap();
        // With V1 gone the done mark has nothing to prove any more.
        crate::support::v1_files::remove(&*place.storage, "Compaction");
        session.mark_clear_all().unwrap();
        session.unlock().unwrap();
        checker.deleted(&place.image()).unwrap();
        assert_eq!(place.status().unwrap().phase, Phase::V2Only);
    });
}
