//! Names that stand for many, as people read them: what differs from one to the next is in angle brackets.

use super::{DOWNGRADE_WORD, FAILED_WORD, PART_PREFIX, STARTED_PREFIX, STATUS_PREFIX, TASK_INFO_PREFIX, UPGRADED_WORD};
use crate::task::StateV1;

const V1_BASE: &str = "compct.<pu>.<seq>.<ts>";

/// `compct.<pu>.<seq>.<ts>[.<state>]`: the file of a V1 task in a state.
pub fn v1_file(state: StateV1) -> String {
    if state == StateV1::Init {
        V1_BASE.to_owned()
    } else {
        format!("{V1_BASE}.{}", state.word())
    }
}

/// `<query_id>.<seq>`: the folder of a V2 task.
pub fn main_task() -> String {
    "<query_id>.<seq>".to_owned()
}

/// `Status.<state>`: the state of a V2 task.
pub fn status() -> String {
    format!("{STATUS_PREFIX}<state>")
}

/// `TaskInfo.<pc>.<db>`: the record of a V2 task.
pub fn task_info() -> String {
    format!("{TASK_INFO_PREFIX}<pc>.<db>")
}

/// `<v1 base>.upgrade`: the mark of a task that is converted.
pub fn mark_upgraded() -> String {
    format!("<v1 base>.{UPGRADED_WORD}")
}

/// `<v1 base>.<node>`: the mark of a task that is being converted.
pub fn mark_in_progress() -> String {
    "<v1 base>.<node>".to_owned()
}

/// `Part.<run>.<n>`: what a group of tasks became.
pub fn part() -> String {
    format!("{PART_PREFIX}<run>.<n>")
}

/// `Started.<node>`: the record of a node that started since the upgrade was complete.
pub fn started() -> String {
    format!("{STARTED_PREFIX}<node>")
}

/// `<v2 id>.<v1 base>`: the mark of a V2 task that is being carried to V1.
pub fn mark_carrying() -> String {
    "<v2 id>.<v1 base>".to_owned()
}

/// `<v2 id>.downgrade`: the mark of a V2 task that is carried to V1.
pub fn mark_carried() -> String {
    format!("<v2 id>.{DOWNGRADE_WORD}")
}

/// `<v2 id>.failed`: the mark of a V2 task that cannot be carried to V1.
pub fn mark_failed() -> String {
    format!("<v2 id>.{FAILED_WORD}")
}

#[cfg(test)]
mod tests {
    use super::super::{self as layout, Mark, RecoveryMark, V1Name};
    use super::*;
    use crate::task::{V1Base, V2Id};

    const BASE: &str = "compct.p.0.1617693156000";
    const ID: &str = "aaaaffff.16176931.56000000.0";

    /// A shape with its parts filled in.
    fn filled(shape: &str) -> String {
        let parts = [
            ("<pu>", "p"),
            ("<query_id>", "aaaaffff.16176931.56000000"),
            ("<seq>", "0"),
            ("<ts>", "1617693156000"),
            ("<state>", "Init"),
            ("<pc>", "pc"),
            ("<db>", "db"),
            ("<v2 id>", ID),
            ("<run>", "0001-ab"),
            ("<n>", "7"),
            ("<node>", "n"),
        ];
        parts.iter().fold(shape.to_owned(), |text, (part, value)| text.replace(part, value))
    }

    #[test]
    fn what_a_shape_says_is_what_the_layout_reads() {
        for state in StateV1::ALL {
            let name = V1Name::parse(&filled(&v1_file(state))).unwrap();
            assert_eq!((name.base.to_string().as_str(), name.state), (BASE, state));
        }
        let (base, id) = (V1Base::parse(BASE).unwrap(), V2Id::parse(ID).unwrap());
        assert_eq!(filled(&main_task()), ID);
        assert!(layout::parse_status(&filled(&status())).is_some());
        assert!(layout::parse_task_info(&filled(&task_info())).is_some());
        let mark = |shape: &str| layout::parse_mark(&filled(shape).replace("<v1 base>", BASE));
        assert_eq!(mark(&mark_upgraded()), Mark::Upgraded { base: BASE.to_owned() });
        assert_eq!(mark(&mark_in_progress()), Mark::InProgress { base: BASE.to_owned(), node: "n".to_owned() });
        assert_eq!(mark(&part()), Mark::Part);
        assert_eq!(layout::done().join(&filled(&started())), layout::started("n").unwrap());
        let recovery =
            |shape: &str| layout::parse_recovery_mark(&filled(shape).replace("<v1 base>", &layout::escape(BASE)));
        assert_eq!(recovery(&mark_carrying()), RecoveryMark::Carrying(id.clone(), base));
        assert_eq!(recovery(&mark_carried()), RecoveryMark::Carried(id.clone()));
        assert_eq!(recovery(&mark_failed()), RecoveryMark::Failed(id));
    }
}
