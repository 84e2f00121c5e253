//! A logger of the session's own: a library must not set the process-wide one of its host.

use log::{LevelFilter, Log, Metadata, Record};

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

impl Log for SessionLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= self.max_level && (self.sink.is_some() || log::logger().enabled(metadata))
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
