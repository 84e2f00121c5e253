//! Which ordinal each of the tasks gets that share one `ts` and one `seq`.

use crate::task::ORDINALS_LIMIT;

/// Who has an ordinal already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The ordinal in the id of a V2 task that is there.
    pub ordinal: u16,
    /// The `receive_pu` inside it; `None` where it is torn and cannot be told.
    pub pu: Option<String>,
}

/// The ordinal of each PU, in the order given, which must be the byte order; `None` where none is left.
///
/// Who has a V2 task keeps its ordinal. The others take the lowest that no other task has; what is torn counts as free,
/// since only an attempt of an upgrade leaves such a thing, and the verdict table decides about it.
pub fn assign(pus: &[&str], taken: &[Taken]) -> Vec<Option<u16>> {
    let kept = |pu: &str| {
        let owned = taken.iter().filter(|task| task.pu.as_deref() == Some(pu));
        owned.map(|task| task.ordinal).min()
    };
    let mut free =
        (0..ORDINALS_LIMIT).filter(|ordinal| !taken.iter().any(|task| task.ordinal == *ordinal && task.pu.is_some()));
    pus.iter().map(|pu| kept(pu).or_else(|| free.next())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rows: &[(u16, Option<&str>)]) -> Vec<Taken> {
        rows.iter().map(|(ordinal, pu)| Taken { ordinal: *ordinal, pu: pu.map(str::to_owned) }).collect()
    }

    #[test]
    fn fresh_tasks_are_counted_in_the_order_of_their_pus() {
        assert_eq!(assign(&["a", "b", "c"], &[]), [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn whatever_part_of_a_group_was_made_the_rest_falls_into_its_places() {
        let pus = ["a", "b", "c", "d"];
        for made in 0..16_u16 {
            let rows: Vec<_> = (0..4)
                .filter(|place| made & (1 << place) != 0)
                .map(|place| (place, Some(pus[place as usize])))
                .collect();
            assert_eq!(assign(&pus, &taken(&rows)), [Some(0), Some(1), Some(2), Some(3)], "{made:b}");
        }
    }

    #[test]
    fn one_that_turns_up_later_takes_the_next_free() {
        let rows = taken(&[(0, Some("b")), (1, Some("c"))]);
        assert_eq!(assign(&["a", "b", "c"], &rows), [Some(2), Some(0), Some(1)]);
    }

    #[test]
    fn a_strangers_task_is_passed_by_and_a_torn_one_is_not() {
        assert_eq!(assign(&["a"], &taken(&[(0, Some("x")), (1, None)])), [Some(1)]);
    }

    #[test]
    fn the_thousand_and_first_has_none() {
        let names: Vec<String> = (0..1_001).map(|number| format!("{number:04}")).collect();
        let pus: Vec<&str> = names.iter().map(String::as_str).collect();
        let ordinals = assign(&pus, &[]);
        assert_eq!((ordinals[999], ordinals[1_000]), (Some(999), None));
    }
}
