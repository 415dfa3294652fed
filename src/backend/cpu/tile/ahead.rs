//! Prefetching of weights.

use bytemuck::NoUninit;

/// Weights that are needed soon. A tile touches a few of their cache lines as it goes, so that they arrive
/// from memory while it computes, and not all at once when they are needed. WebAssembly has no prefetch
/// instruction; a load whose result is unused does the same.
#[derive(Clone, Copy)]
pub struct Ahead<'a> {
    lines: &'a [[u8; LINE]],
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl<'a> Ahead<'a> {
    /// Nothing to prefetch.
    pub const NONE: Self = Self { lines: &[] };

    /// The part of the panel `next` that tile `tile` of `tiles` touches. With few tiles, the weights have to
    /// be awaited in any case, and prefetching would only add loads.
    #[inline(always)]
    pub fn part<T: NoUninit>(next: Option<&'a [T]>, tile: usize, tiles: usize) -> Self {
        let Some(next) = next.filter(|_| tiles > 3) else { return Self::NONE };
        let (lines, _) = bytemuck::cast_slice(next).as_chunks::<LINE>();
        let each = lines.len().div_ceil(tiles);
        Self { lines: lines.get(tile * each..(tile + 1) * each).unwrap_or_default() }
    }

    /// The number of lines.
    #[inline(always)]
    pub fn lines(self) -> usize {
        self.lines.len()
    }

    /// Touches a line, if it exists.
    #[inline(always)]
    pub fn touch(self, line: usize) {
        if let Some(line) = self.lines.get(line) {
            // SAFETY: the pointer comes from a reference. Volatile, because the load would otherwise be
            // optimized away: its value is unused.
            unsafe { std::ptr::from_ref(&line[0]).read_volatile() };
        }
    }
}
