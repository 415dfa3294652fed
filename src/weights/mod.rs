//! Reads weights: the stream that splits a file in any chunks into rows of tensors, for any container
//! ([`stream`]); safetensors ([`safetensors`]), its header and their checks ([`header`]); PyTorch's checkpoints ([`torch`]); numbers as they are stored
//! ([`dtype`]), int8 ([`quantize`]) and int4 ([`int4`]); compressed files ([`coded`]).
//! What the tensors mean is up to the model, not to this module.

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
