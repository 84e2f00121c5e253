//! The ids of tasks: the V1 base name and the V2 query id that is made of it.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// How many tasks may share one `ts` and `seq`: the ordinal has three digits.
pub const ORDINALS_LIMIT: u16 = 1_000;

const QUERY_ID_PREFIX: &str = "aaaaffff";
const TS_DIGITS: usize = 13;

/// A V1 task's name without its state: who received it, its sequence number, and when (seed: `CompactTaskIdV1`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct V1Base {
    /// The receiving PU, not empty; it may hold dots.
    pub pu: String,
    /// The sequence number, not negative.
    pub seq: i32,
    /// The time of receipt, in milliseconds since 1970 in every tree seen.
    pub ts: u64,
}

impl V1Base {
    /// The base that a name spells: `compct.<pu>.<seq>.<ts>`, both numbers without leading zeros.
    pub fn parse(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("compct.")?;
        let (rest, ts) = rest.rsplit_once('.')?;
        let (pu, seq) = rest.rsplit_once('.')?;
        // A file's name holds neither; a text that a host or a manifest hands in may.
        if pu.is_empty() || pu.contains(['/', '\0']) {
            return None;
        }
        Some(Self { pu: pu.to_owned(), seq: parse_number(seq)?, ts: parse_number(ts)? })
    }

    /// The id of the V2 task that it becomes; an error where `ts` has over 13 digits or the ordinal over three.
    pub fn v2_id(&self, ordinal: u16) -> Result<V2Id> {
        let digits = format!("{:0TS_DIGITS$}", self.ts);
        if digits.len() > TS_DIGITS {
            return Err(Error::new(ErrorKind::TooLarge, format!("its time {} has over {TS_DIGITS} digits", self.ts))
                .of_task(self)
                .advise("move the file out of the tree: no V2 id can be made of its name"));
        }
        if ordinal >= ORDINALS_LIMIT {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("over {ORDINALS_LIMIT} tasks have the time {} and the sequence number {}", self.ts, self.seq),
            )
            .of_task(self));
        }
        let (first, last) = digits.split_at(8);
        Ok(V2Id { query_id: format!("{QUERY_ID_PREFIX}.{first}.{last}{ordinal:03}"), sequence_no: self.seq })
    }
}

impl fmt::Display for V1Base {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "compct.{}.{}.{}", self.pu, self.seq, self.ts)
    }
}

/// A V2 task's id: the name of its folder (seed: `CompactTaskId`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct V2Id {
    /// The query id; it may hold dots.
    pub query_id: String,
    /// The sequence number, not negative.
    pub sequence_no: i32,
}

impl V2Id {
    /// The id that a folder name spells: `<query_id>.<seq>`.
    pub fn parse(name: &str) -> Option<Self> {
        let (query_id, seq) = name.rsplit_once('.')?;
        if query_id.is_empty() || query_id.contains(['/', '\0']) {
            return None;
        }
        Some(Self { query_id: query_id.to_owned(), sequence_no: parse_number(seq)? })
    }

    /// The `ts` and the ordinal that it was made of, where it has the shape that an upgrade gives.
    pub fn upgraded_from(&self) -> Option<(u64, u16)> {
        let digits = self.query_id.strip_prefix(QUERY_ID_PREFIX)?.strip_prefix('.')?;
        let (first, last) = digits.split_once('.')?;
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if first.len() != 8 || last.len() != 8 || !all_digits(first) || !all_digits(last) {
            return None;
        }
        let (last, ordinal) = last.split_at(5);
        Some((format!("{first}{last}").parse().ok()?, ordinal.parse().ok()?))
    }
}

impl fmt::Display for V2Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.query_id, self.sequence_no)
    }
}

/// A number of digits alone, without leading zeros, that fits its type and is not negative.
fn parse_number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (text.len() > 1 && text.starts_with('0')) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_tasks_get_the_seeds_ids() {
        for (ts, id) in [
            (1_617_693_156_000, "aaaaffff.16176931.56000000.0"),
            (1_617_606_756_000, "aaaaffff.16176067.56000000.0"),
            (1_614_928_356_000, "aaaaffff.16149283.56000000.0"),
            (1_583_392_356_000, "aaaaffff.15833923.56000000.0"),
        ] {
            let base = V1Base { pu: "xcloud24_9876".into(), seq: 0, ts };
            assert_eq!(base.v2_id(0).unwrap().to_string(), id);
            assert_eq!(V2Id::parse(id).unwrap().upgraded_from(), Some((ts, 0)));
        }
    }

    #[test]
    fn a_short_time_is_padded_and_a_long_one_refused() {
        let base = |ts| V1Base { pu: "p".into(), seq: 7, ts };
        assert_eq!(base(5).v2_id(12).unwrap().to_string(), "aaaaffff.00000000.00005012.7");
        assert_eq!(base(10_000_000_000_000).v2_id(0).unwrap_err().kind(), ErrorKind::TooLarge);
        assert_eq!(base(5).v2_id(999).unwrap().upgraded_from(), Some((5, 999)));
        assert_eq!(base(5).v2_id(1_000).unwrap_err().kind(), ErrorKind::TooLarge);
    }

    #[test]
    fn an_id_that_is_no_name_of_a_folder_is_none() {
        for bad in ["../x.0", "a/b.0", "a\0.0", ".0", "a.-1", "a.01", "a"] {
            assert_eq!(V2Id::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_base_is_read_from_the_right() {
        let base = V1Base::parse("compct.a.0.1.2.3").unwrap();
        assert_eq!((base.pu.as_str(), base.seq, base.ts), ("a.0.1", 2, 3));
        assert_eq!(base.to_string(), "compct.a.0.1.2.3");
        for bad in [
            "compct..0.1",
            "compct.0.1",
            "compct.p.00.1",
            "compct.p.0.01",
            "compct.p.-1.1",
            "compct.p.+1.1",
            "compct.p.2147483648.1",
            "compct.p.0.18446744073709551616",
            "compct.p.0.",
            "compct.p.0.1.Done",
            "compct.a/../../x.0.1",
            "compct.a\0.0.1",
            "Compct.p.0.1",
            "",
        ] {
            assert_eq!(V1Base::parse(bad), None, "{bad:?}");
        }
        assert!(V1Base::parse("compct.p.2147483647.18446744073709551615").is_some());
        assert!(V1Base::parse("compct...0.1").is_some(), "a PU of one dot is a PU");
    }
}
