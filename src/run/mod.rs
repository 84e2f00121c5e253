//! Where plans meet IO: a session, its operations, and the waves in which they change the tree.

mod catalog_answers;
mod context;
mod convert;
mod delete;
mod finish;
mod gate;
mod groups;
mod inspect;
mod job;
mod lock_file;
mod log;
mod marks;
mod options;
mod parts;
mod recovery;
mod report;
mod scan;
mod session;
mod status;
mod task_facts;
mod trees;
mod upgrade;
mod upgrade_plan;
mod v1_check;
mod verify;
mod waves;

pub use self::log::{LogSink, SessionLog};
pub use job::{Job, JobProgressSink};
pub use lock_file::LockHolder;
pub use options::{Progress, ProgressSink, RunOptions, Stage};
pub use report::{Counts, Outcome, Report, Row, REPORT_FORMAT, ROWS_LIMIT};
pub use session::{Failure, Session, SessionBuilder};
