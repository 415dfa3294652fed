//! Reads weights: the stream that splits a file, in chunks of any size, into rows of tensors, for any
//! container ([`stream`]); safetensors ([`safetensors`]), its header and the header's checks ([`header`]);
//! PyTorch checkpoints ([`torch`]); ONNX files ([`onnx`]); numbers as they are stored ([`dtype`]), int8
//! ([`quantize`]) and int4 ([`int4`]); compressed files ([`coded`]). The meaning of the tensors is up to the
//! model, not to this module.

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
