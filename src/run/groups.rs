//! Work in groups that are bounded by count and by bytes, so that memory is.

/// How many bytes the files of tasks that go together have at most.
const GROUP_BYTES: u64 = 8 << 20;

/// The items in groups of so many at most, in their order. An item that is over the bound by itself makes a group of its
/// own.
pub(super) fn groups<T>(items: &[T], most: usize, bytes_of: impl Fn(&T) -> u64) -> impl Iterator<Item = &[T]> {
    let mut rest = items;
    std::iter::from_fn(move || {
        let mut bytes = 0_u64;
        let fits = |item: &&T| {
            bytes = bytes.saturating_add(bytes_of(item));
            bytes <= GROUP_BYTES
        };
        let count = rest.iter().take(most).take_while(fits).count().max(1).min(rest.len());
        let (group, after) = rest.split_at(count);
        rest = after;
        (!group.is_empty()).then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_bounded_and_lose_nothing() {
        let items: Vec<u64> = (0..5_000).collect();
        let sizes: Vec<usize> = groups(&items, 2_048, |_| 1).map(<[u64]>::len).collect();
        assert_eq!(sizes, [2_048, 2_048, 904]);
        let large = [1, GROUP_BYTES, GROUP_BYTES + 1, 5, u64::MAX];
        let sizes: Vec<usize> = groups(&large, 2_048, |item| *item).map(<[u64]>::len).collect();
        assert_eq!(sizes, [1, 1, 1, 1, 1]);
        assert_eq!(groups::<u64>(&[], 2_048, |_| 1).count(), 0);
    }
}
