//! The memory that tasks write to.

use std::marker::PhantomData;
use std::ops::Range;

/// A slice to which concurrent tasks write, each to its own places.
pub struct Parts<'a, T> {
    start: *mut T,
    len: usize,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: its only access is `part`, whose callers keep the places disjoint.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    /// The places of `all`.
    pub fn new(all: &'a mut [T]) -> Self {
        Self { start: all.as_mut_ptr(), len: all.len(), of: PhantomData }
    }

    /// The places `range`.
    ///
    /// # Panics
    /// If there are fewer.
    ///
    /// # Safety
    /// While the result is in use, no other part may be in use that overlaps it.
    #[allow(clippy::mut_from_ref)] // That is its purpose.
    #[inline(always)]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "places of the slice");
        // SAFETY: they are in the slice, which is borrowed for 'a, and the caller uses no other part that
        // overlaps them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
