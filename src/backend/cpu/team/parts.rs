//! What tasks write to.

use std::marker::PhantomData;
use std::ops::Range;

/// A slice of which tasks that run at the same time write places of their own.
pub struct Parts<'a, T> {
    start: *mut T,
    len: usize,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: all that can be done with it is `part`, whose callers keep places apart.
unsafe impl<T: Send> Sync for Parts<'_, T> {}

impl<'a, T> Parts<'a, T> {
    /// The places of `all`.
    pub fn new(all: &'a mut [T]) -> Self {
        Self { start: all.as_mut_ptr(), len: all.len(), of: PhantomData }
    }

    /// The places `range`.
    ///
    /// # Panics
    /// Where there are fewer.
    ///
    /// # Safety
    /// While the result is in use, no other part may be that has one of its places.
    #[allow(clippy::mut_from_ref)] // That is what it is for.
    #[inline(always)]
    pub unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "places of the slice");
        // SAFETY: they lie in the slice, which is borrowed for 'a; and the caller has no second part with one
        // of them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start), range.len()) }
    }
}
