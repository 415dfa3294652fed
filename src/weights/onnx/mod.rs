//! ONNX files, read as containers of weights: the graph is not run. It identifies the tensors; the sink,
//! which knows the model, requests the tensors that it needs ([`Wanted`]).
//!
//! `wire` and `messages` read Protocol Buffers, [`graph`] reads the operations, [`tensor`], `data` and
//! `incoming` read tensors. `reader` reads the file as it arrives. [`weight`], `rows` and `delivery` turn its numbers into a
//! checkpoint's rows.

pub mod by_name;
mod data;
mod delivery;
pub mod graph;
mod incoming;
mod messages;
mod reader;
mod rows;
pub mod tensor;
pub mod weight;
mod wire;

pub use delivery::Wanted;
pub use graph::{Graph, Node};
pub use reader::{Reader, Tensors};
pub use weight::{Form, Kind, Part, Weight};

/// Whether a file with these first bytes is an ONNX file: its first field is the version of the format, its
/// producer, its graph or its operators' version, and the bytes are not a length as at the start of
/// safetensors.
pub fn begins(first_bytes: &[u8]) -> bool {
    let is_length = first_bytes.get(4..8).is_none_or(|high| high == [0; 4]);
    !is_length
        && matches!(
            first_bytes,
            [0x08, 1..=0x7f, 0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42, ..] | [0x3a | 0x42, ..]
        )
}
