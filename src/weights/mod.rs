//! Weights on their way in: the stream that cuts a file of any chunks into rows of tensors, whatever its container
//! ([`stream`]); safetensors ([`safetensors`]), its header and their checks ([`header`]); PyTorch's checkpoints ([`torch`]); numbers as they are stored
//! ([`dtype`]), int8 ([`quantize`]) and int4 ([`int4`]); files with their entropy taken out ([`coded`]).
//!
//! What the tensors mean is not known here: that is the model's.

pub mod coded;
pub mod dtype;
pub mod header;
pub mod int4;
pub mod onnx;
pub mod quantize;
pub mod safetensors;
pub mod stream;
#[cfg(feature = "checkpoints")]
pub mod torch;
