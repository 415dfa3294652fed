//! Finds the tensors in the value of a checkpoint's pickle and checks them: which dictionary holds them, and
//! that each is within its storage.

use super::heap::{Heap, Value, View};
use super::{invalid, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::weights::header::{MAX_RANK, MAX_TENSORS, TensorInfo, quoted};
use std::collections::HashSet;

/// How many times the tensors of a storage may repeat its bytes: layers that share their weights each have a
/// name.
const MAX_SHARED: u64 = 32;

/// A tensor and where its numbers are.
#[derive(Debug)]
pub struct Placed {
    pub info: TensorInfo,
    pub storage: usize,
    /// The first byte in the storage.
    pub first: usize,
    /// Elements from one to the next in each dimension; `None` if they are contiguous.
    pub strides: Option<Vec<usize>>,
}

/// The tensors of a checkpoint, from the value `top` of its pickle, in the order of the dictionary.
///
/// # Errors
/// [`ErrorKind::WeightsHeader`] if there is not exactly one dictionary of tensors, or a tensor is not within
/// its storage; [`ErrorKind::OutOfMemory`] if a tensor is too long to be addressed.
pub fn tensors(heap: &Heap, top: Value) -> Result<Vec<Placed>> {
    let items = state_dict(heap, top)?;
    let mut seen = HashSet::new();
    let mut shared = vec![0u64; heap.storages.len()];
    let mut placed = Vec::new();
    for &(key, value) in items {
        let (Some(name), Value::Tensor(at)) = (heap.text(key), value) else { continue };
        if placed.len() == MAX_TENSORS {
            return Err(invalid(format!("names more than {MAX_TENSORS} tensors")));
        }
        if !seen.insert(name) {
            return Err(invalid(format!("names {} twice", quoted(name))));
        }
        let tensor = place(heap, name, &heap.tensors[at])?;
        let given = &mut shared[tensor.storage];
        *given = given.saturating_add(tensor.info.bytes as u64);
        if *given > heap.storages[tensor.storage].bytes.saturating_mul(MAX_SHARED) {
            return Err(invalid(format!("has more than {MAX_SHARED} tensors share the numbers of {}", quoted(name))));
        }
        placed.push(tensor);
    }
    Ok(placed)
}

/// The items of the only dictionary of tensors.
fn state_dict(heap: &Heap, top: Value) -> Result<&[(Value, Value)]> {
    let has_tensors = |items: &[(Value, Value)]| items.iter().any(|(_, value)| matches!(value, Value::Tensor(_)));
    let items = heap.dict(top).ok_or_else(|| {
        refused("holds something other than a dictionary of tensors. Save `model.state_dict()`, in Python")
    })?;
    let inner = |&(key, value): &(Value, Value)| {
        let items = heap.dict(value).filter(|items| has_tensors(items))?;
        Some((heap.text(key).unwrap_or("a number"), items))
    };
    let inner: Vec<_> = items.iter().filter_map(inner).collect();
    match (has_tensors(items), &inner[..]) {
        (true, []) => Ok(items),
        (false, [(_, items)]) => Ok(items),
        (false, []) => Err(refused("holds no tensors. Save `model.state_dict()`, in Python")),
        (_, several) => {
            let names: Vec<String> = several.iter().take(4).map(|(name, _)| quoted(name)).collect();
            let beside = if has_tensors(items) { "tensors and, beside them, " } else { "" };
            Err(refused(format!(
                "holds {beside}dictionaries of tensors ({}). Save the model's own, in Python",
                names.join(", ")
            )))
        }
    }
}

/// Checks one tensor.
fn place(heap: &Heap, name: &str, view: &View) -> Result<Placed> {
    let storage = &heap.storages[view.storage];
    if view.shape.len() > MAX_RANK || view.shape.len() != view.strides.len() {
        return Err(invalid(format!("gives {} {} dimensions", quoted(name), view.shape.len())));
    }
    let outside = || invalid(format!("gives {} an offset outside its storage", quoted(name)));
    let sizes = |sizes: &[i64]| sizes.iter().map(|&n| u64::try_from(n).ok()).collect::<Option<Vec<u64>>>();
    let (shape, strides) = (sizes(&view.shape).ok_or_else(outside)?, sizes(&view.strides).ok_or_else(outside)?);
    let width = view.dtype.bitsize() as u64 / 8;
    let offset = u64::try_from(view.offset).map_err(|_| outside())?;
    let count = if shape.contains(&0) { 0 } else { product(&shape).ok_or_else(outside)? };
    let (bytes, first) = if count == 0 {
        (0, 0)
    } else {
        // The end of the last number. `bytes` is limited too: numbers repeated many times would turn few
        // bytes into many.
        let steps = shape
            .iter()
            .zip(&strides)
            .try_fold(offset, |at, (&n, &stride)| at.checked_add((n - 1).checked_mul(stride)?));
        let end = steps.and_then(|last| last.checked_add(1)?.checked_mul(width)).ok_or_else(outside)?;
        let bytes = count.checked_mul(width).ok_or_else(outside)?;
        if end > storage.bytes || bytes > storage.bytes {
            return Err(outside());
        }
        (bytes, offset * width)
    };
    let usizes = |sizes: &[u64]| sizes.iter().map(|&n| addressable(n)).collect::<Result<Vec<usize>>>();
    let info =
        TensorInfo { name: name.to_owned(), dtype: view.dtype, shape: usizes(&shape)?, bytes: addressable(bytes)? };
    // The stride of a single row is never used, so it may be anything.
    let taken = shape.iter().zip(&strides).map(|(&n, &stride)| if n == 1 { 0 } else { stride });
    let strides =
        if count == 0 || is_contiguous(&shape, &strides) { None } else { Some(usizes(&taken.collect::<Vec<_>>())?) };
    Ok(Placed { info, storage: view.storage, first: addressable(first)?, strides })
}

fn product(shape: &[u64]) -> Option<u64> {
    shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n))
}

/// Whether numbers are contiguous, last dimension fastest.
fn is_contiguous(shape: &[u64], strides: &[u64]) -> bool {
    let mut next = 1u64;
    shape.iter().zip(strides).rev().all(|(&n, &stride)| {
        let contiguous = n == 1 || stride == next;
        next = next.saturating_mul(n);
        contiguous
    })
}

fn addressable(n: u64) -> Result<usize> {
    usize::try_from(n).map_err(|_| {
        Error::new(
            ErrorKind::OutOfMemory,
            format!("The weights have {n} bytes or rows, more than can be addressed here: use a smaller model."),
        )
    })
}
