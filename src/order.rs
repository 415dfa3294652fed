//! Sorting that is compiled once: the standard library's sort is compiled again for each type and order,
//! which costs the module 5 to 30 kB each time. For lists that are sorted once per model. The sort is stable.

use std::cmp::Ordering;

/// Sorts `items` by `compare`.
pub fn sort_by<T>(items: &mut Vec<T>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    sort_indices(&mut order, &mut |a, b| compare(&items[a], &items[b]));
    let mut taken: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|i| taken[i].take()));
}

/// Sorts `items` by the key of each.
pub fn sort_by_key<T, K: Ord>(items: &mut Vec<T>, key: impl Fn(&T) -> K) {
    sort_by(items, |a, b| key(a).cmp(&key(b)));
}

#[inline(never)]
fn sort_indices(order: &mut [usize], compare: &mut dyn FnMut(usize, usize) -> Ordering) {
    order.sort_by(|&a, &b| compare(a, b));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorting_is_stable() {
        let mut words: Vec<String> = ["pear", "fig", "plum", "kiwi", "date", "nut"].map(str::to_owned).to_vec();
        sort_by_key(&mut words, String::len);
        assert_eq!(words, ["fig", "nut", "pear", "plum", "kiwi", "date"]);
        sort_by(&mut words, |a, b| b.cmp(a));
        assert_eq!(words, ["plum", "pear", "nut", "kiwi", "fig", "date"]);
        let mut many: Vec<u32> = (0..1000).map(|i| i * 7919 % 1000).collect();
        sort_by_key(&mut many, |x| *x);
        assert!(many.iter().copied().eq(0..1000));
        sort_by_key(&mut Vec::<u32>::new(), |x| *x);
    }
}
