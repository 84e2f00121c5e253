//! A logger of the session's own: a library must not set the process-wide one of its host.

use std::fmt::Arguments;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// What takes a session's log records: level, target, message. Called from any thread of the run.
pub type LogSink = Box<dyn Fn(log::Level, &str, &str) + Send + Sync>;

/// The logger of a session: the host's sink, or the process-wide logger that a Rust host may have set.
pub struct SessionLog {
    sink: Option<LogSink>,
    max_level: LevelFilter,
}

impl SessionLog {
    /// A logger that hands on to the process-wide one.
    pub fn process_wide() -> Self {
        Self { sink: None, max_level: LevelFilter::Trace }
    }

    /// A logger that hands records up to a level to a sink.
    pub fn to_sink(sink: LogSink, max_level: LevelFilter) -> Self {
        Self { sink: Some(sink), max_level }
    }
}

/// The target of the crate's records.
const TARGET: &str = "comptask_upgrade";

/// The target of records that the report of the run, or the error that ends it, says as well: who shows both can leave
/// these out. What a run that writes warns of is not among them, since it may be killed before its report.
pub const REPORT_TARGET: &str = "comptask_upgrade::report";

impl SessionLog {
    pub(super) fn error(&self, text: Arguments<'_>) {
        self.write(Level::Error, TARGET, text);
    }

    pub(super) fn warn(&self, text: Arguments<'_>) {
        self.write(Level::Warn, TARGET, text);
    }

    pub(super) fn info(&self, text: Arguments<'_>) {
        self.write(Level::Info, TARGET, text);
    }

    pub(super) fn debug(&self, text: Arguments<'_>) {
        self.write(Level::Debug, TARGET, text);
    }

    /// What the report, or the error that ends the run, says too.
    pub(super) fn of_report(&self, level: Level, text: Arguments<'_>) {
        self.write(level, REPORT_TARGET, text);
    }

    /// The macros of `log` would ask the process-wide level first, which is off where the host sets none.
    fn write(&self, level: Level, target: &str, text: Arguments<'_>) {
        self.log(&Record::builder().level(level).target(target).args(text).build());
    }
}

impl Log for SessionLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let process_wide = || metadata.level() <= log::max_level() && log::logger().enabled(metadata);
        metadata.level() <= self.max_level && (self.sink.is_some() || process_wide())
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        match &self.sink {
            Some(sink) => sink(record.level(), record.target(), &record.args().to_string()),
            None => log::logger().log(record),
        }
    }

    fn flush(&self) {
        if self.sink.is_none() {
            log::logger().flush();
        }
    }
}

impl std::fmt::Debug for SessionLog {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SessionLog").field("max_level", &self.max_level).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn records_up_to_the_level_reach_the_sink_whatever_the_process_wide_level_is() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let sink: LogSink = Box::new(move |level, target, text| {
            kept.lock().unwrap().push(format!("{level} {target} {text}"));
        });
        let log = SessionLog::to_sink(sink, LevelFilter::Info);
        log.info(format_args!("one {}", 1));
        log.debug(format_args!("two"));
        log.error(format_args!("three"));
        assert_eq!(*seen.lock().unwrap(), ["INFO comptask_upgrade one 1", "ERROR comptask_upgrade three"]);
    }
}
