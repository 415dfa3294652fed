//! Prefetching of weights.

use bytemuck::NoUninit;

/// Weights that are wanted soon: a tile touches a few of their cache lines on its way, so that they come from
/// memory while it computes, and not all at once when they are wanted. WebAssembly has no instruction for
/// that; a load whose result is unused does it.
#[derive(Clone, Copy)]
pub struct Ahead<'a> {
    lines: &'a [[u8; LINE]],
}

/// Bytes of a cache line.
const LINE: usize = 64;

impl<'a> Ahead<'a> {
    /// Nothing is wanted.
    pub const NONE: Self = Self { lines: &[] };

    /// The part of the panel `next` that tile `tile` of `tiles` touches. Where there are few tiles, weights
    /// are awaited whatever is done: looking ahead would only be more loads.
    #[inline(always)]
    pub fn part<T: NoUninit>(next: Option<&'a [T]>, tile: usize, tiles: usize) -> Self {
        let Some(next) = next.filter(|_| tiles > 3) else { return Self::NONE };
        let (lines, _) = bytemuck::cast_slice(next).as_chunks::<LINE>();
        let each = lines.len().div_ceil(tiles);
        Self { lines: lines.get(tile * each..(tile + 1) * each).unwrap_or_default() }
    }

    /// How many lines there are.
    #[inline(always)]
    pub fn lines(self) -> usize {
        self.lines.len()
    }

    /// Touches a line, where it is one.
    #[inline(always)]
    pub fn touch(self, line: usize) {
        if let Some(line) = self.lines.get(line) {
            // SAFETY: it is a reference. Volatile, for else it would be taken out: nothing is done with the
            // value.
            unsafe { std::ptr::from_ref(&line[0]).read_volatile() };
        }
    }
}
