//! Buffers that outlive the tensors they served: a forward pass of sizes seen before allocates nothing.
//! A request takes the smallest spare buffer that is large enough. If there is none, the largest spare one is freed
//! and a new one allocated. So there are never more buffers than were in use at once, and none is larger than the
//! largest request, rounded up by at most an eighth: memory is bounded however sizes vary.

use crate::error::{Result, try_vec};
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// Buffers are no smaller than this.
const MIN_ELEMENTS: usize = 1024;

/// The spare buffers, shared by those in use.
pub struct Pool<T> {
    spare: Rc<RefCell<Vec<Vec<T>>>>,
}

/// A slice of elements that goes back to its pool when dropped.
pub struct Buffer<T> {
    // Longer than `len` if the buffer was allocated for more.
    elements: Vec<T>,
    len: usize,
    spare: Rc<RefCell<Vec<Vec<T>>>>,
}

impl<T> Default for Pool<T> {
    /// A pool without a buffer.
    fn default() -> Self {
        Self { spare: Rc::default() }
    }
}

impl<T: Clone + Default> Pool<T> {
    /// A buffer of `len` elements with old contents.
    ///
    /// # Errors
    /// [`crate::ErrorKind::OutOfMemory`], naming `what`.
    pub fn take(&self, len: usize, what: &str) -> Result<Buffer<T>> {
        let mut spare = self.spare.borrow_mut();
        let fitting = spare.iter().enumerate().filter(|(_, b)| b.len() >= len).min_by_key(|(_, b)| b.len());
        let elements = match fitting.map(|(i, _)| i) {
            Some(i) => spare.swap_remove(i),
            None => {
                if let Some((i, _)) = spare.iter().enumerate().max_by_key(|(_, b)| b.len()) {
                    spare.swap_remove(i);
                }
                try_vec(rounded(len), what)?
            }
        };
        Ok(Buffer { elements, len, spare: self.spare.clone() })
    }

    /// Elements of all spare buffers.
    pub fn spare_elements(&self) -> usize {
        self.spare.borrow().iter().map(Vec::len).sum()
    }
}

/// `len` rounded up to a multiple of an eighth of the power of two at or below it, so that slowly growing
/// sizes cause few allocations.
fn rounded(len: usize) -> usize {
    let len = len.max(MIN_ELEMENTS);
    let step = (1usize << len.ilog2()) / 8;
    len.checked_next_multiple_of(step).unwrap_or(len)
}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.elements[..self.len]
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.elements[..self.len]
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        self.spare.borrow_mut().push(std::mem::take(&mut self.elements));
    }
}
