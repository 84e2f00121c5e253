//! One run at a time, and everybody can see who it is.

use std::sync::Arc;

use comptask_upgrade::{
    ErrorKind, Guard, Lock, Operation, Progress, Result, RunOptions, SessionBuilder, SessionLog, Stage,
};
use parking_lot::Mutex;

use crate::support::chinese::run;
use crate::support::places::on_both_with;
use crate::support::sessions::OneLock;
use crate::support::v1_files::{bytes, exists};

/// Calls something once, when a run converts.
fn while_it_converts<'a>(mut work: impl FnMut() + 'a) -> impl FnMut(&Progress) + 'a {
    let mut done = false;
    move |progress| {
        if progress.stage == Stage::Convert && !done {
            done = true;
            work();
        }
    }
}

#[test]
fn a_second_session_is_told_who_holds_the_lock_and_changes_nothing() {
    on_both_with("seed", |place, checker, _| {
        let mut asked = 0;
        let mut other = while_it_converts(|| {
            let failure = place.unchanged_by(|| place.upgrade().unwrap_err());
            assert_eq!(failure.error.kind(), ErrorKind::Locked);
            let pid = std::process::id();
            let text = failure.error.message();
            assert!(text.contains("upgrade on ") && text.contains(&format!("process {pid}")), "{text}");
            let report = place.unchanged_by(|| place.status().unwrap());
            let holder = report.lock_holder.unwrap();
            assert_eq!((holder.operation.as_str(), holder.pid), ("upgrade", pid));
            let of_the_holder = |text: &String| text.contains("of the run that the lock file names");
            assert!(report.leftovers.iter().all(of_the_holder), "{:?}", report.leftovers);
            asked += 1;
        });
        place.session().run(Operation::Upgrade, &RunOptions::default(), Some(&mut other)).unwrap();
        drop(other);
        assert_eq!(asked, 1);
        checker.upgraded(&place.image()).unwrap();
        place.delete().unwrap();
    });
}

#[test]
fn the_lock_file_says_who_where_what_and_since_when_and_goes_with_the_run() {
    on_both_with("seed", |place, _, _| {
        let at = "Compaction_V2/TaskupgradeLock";
        let mut text = String::new();
        let mut read = while_it_converts(|| text = String::from_utf8(bytes(&*place.storage, at)).unwrap());
        let report = place.session().run(Operation::Upgrade, &RunOptions::default(), Some(&mut read)).unwrap();
        drop(read);
        assert!(!exists(&*place.storage, at));
        let said: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(said["run"], report.run);
        assert_eq!(
            (said["operation"].as_str(), said["pid"].as_u64()),
            (Some("upgrade"), Some(u64::from(std::process::id())))
        );
        assert_eq!(said["since"], report.begun);
        assert!(!said["host"].as_str().unwrap().is_empty());
        assert_eq!(said.as_object().unwrap().len(), 5);
    });
}

#[test]
fn a_lock_taken_by_hand_holds_for_several_runs_and_keeps_others_out() {
    on_both_with("seed", |place, _, _| {
        let session = place.session();
        session.lock().unwrap();
        session.lock().unwrap();
        assert_eq!(place.session().lock().unwrap_err().kind(), ErrorKind::Locked);
        assert_eq!(place.unchanged_by(|| place.upgrade().unwrap_err()).error.kind(), ErrorKind::Locked);
        run(&session, Operation::Upgrade).unwrap();
        assert_eq!(place.delete().unwrap_err().error.kind(), ErrorKind::Locked, "a run does not give it up");
        run(&session, Operation::Delete).unwrap();
        session.unlock().unwrap();
        place.session().lock().unwrap();
    });
}

#[test]
fn one_session_does_one_thing_at_a_time() {
    on_both_with("seed", |place, _, _| {
        let session = place.session();
        let mut again = while_it_converts(|| {
            assert_eq!(run(&session, Operation::Status).unwrap_err().error.kind(), ErrorKind::Busy);
            assert_eq!(session.lock().unwrap_err().kind(), ErrorKind::Busy);
        });
        session.run(Operation::Upgrade, &RunOptions::default(), Some(&mut again)).unwrap();
    });
}

/// The files of a run that was killed are not taken for a lock.
#[test]
fn a_lock_file_without_a_lock_stops_nobody() {
    on_both_with("half-way", |place, checker, _| {
        assert!(exists(&*place.storage, "Compaction_V2/TaskupgradeLock"));
        place.upgrade().unwrap();
        checker.upgraded(&place.image()).unwrap();
    });
}

/// A lock that counts its holders, from 8 on.
struct Counting(OneLock, Mutex<i64>);

struct Counted(Box<dyn Guard>, i64);

impl Lock for Counting {
    fn acquire(&self, holder: &str) -> Result<Box<dyn Guard>> {
        let guard = self.0.acquire(holder)?;
        *self.1.lock() += 1;
        Ok(Box::new(Counted(guard, *self.1.lock())))
    }
}

impl Guard for Counted {
    fn permit(&self) -> Result<()> {
        self.0.permit()
    }
    fn confirm(&self) -> Result<()> {
        self.0.confirm()
    }
    fn epoch(&self) -> Option<i64> {
        Some(self.1)
    }
    fn release(self: Box<Self>) -> Result<()> {
        self.0.release()
    }
}

/// The lines that say that the lock is held, from a session that upgrades and deletes.
fn lines_about_the_lock(alter: impl Fn(SessionBuilder) -> SessionBuilder) -> Vec<String> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    on_both_with("seed", |place, _, _| {
        let kept = Arc::clone(&seen);
        let sink = move |level, _: &str, text: &str| kept.lock().push(format!("{level} {text}"));
        let log = SessionLog::to_sink(Box::new(sink), log::LevelFilter::Info);
        let session = alter(place.builder().log(log)).open().unwrap();
        seen.lock().clear();
        run(&session, Operation::Status).unwrap();
        run(&session, Operation::Upgrade).unwrap();
        run(&session, Operation::Delete).unwrap();
    });
    let lines = seen.lock().clone();
    lines.into_iter().filter(|line| line.contains("lock")).collect()
}

#[test]
fn who_has_the_lock_and_its_epoch_are_one_line_of_the_log() {
    let pid = std::process::id();
    let lines = lines_about_the_lock(|builder| builder.lock(Counting(OneLock::default(), Mutex::new(7))));
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, (word, epoch)) in lines.iter().zip([("upgrade", 8), ("delete", 9)]) {
        assert!(line.starts_with(&format!("INFO the lock is held by comptask-upgrade {word} on ")), "{line}");
        assert!(line.ends_with(&format!(", process {pid}, epoch {epoch}")), "{line}");
    }
    let lines = lines_about_the_lock(|builder| builder.lock(OneLock::default()));
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.ends_with(&format!(", process {pid}"))), "{lines:?}");
}
