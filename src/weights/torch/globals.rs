//! The Python globals that a checkpoint's pickle may name: storage classes, and functions that make tensors
//! from them.
//!
//! A global is a variant of an enum here; nothing is looked up, imported or called. The list is that of
//! PyTorch's own `torch/_weights_only_unpickler.py`, limited to what dictionaries of dense tensors need.

use super::refused;
use crate::error::{Error, ErrorKind, Result};
use crate::weights::header::quoted;
use safetensors::tensor::Dtype;

/// A known global.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Global {
    /// `collections.OrderedDict`.
    Dict,
    /// `torch.FloatStorage` and the like; `None` is a storage without a type.
    Storage(Option<Dtype>),
    /// `torch.float32` and the like.
    Dtype(Dtype),
    /// Makes a tensor from a storage, an offset, a shape and strides; more arguments may follow.
    Tensor,
    /// Like [`Global::Tensor`], with the type as seventh argument.
    TypedTensor,
    /// Makes a parameter from a tensor, its first argument.
    Parameter,
    /// Calls its first argument, another of these globals, with its third: a tensor with attributes.
    FromType,
    /// `torch.Size`.
    Size,
    /// Makes something that is irrelevant to tensors: a device, bytes, a set.
    Other,
}

/// The global `name` of `module`.
///
/// # Errors
/// [`ErrorKind::WeightsHeader`] if no dictionary of tensors needs it, [`ErrorKind::NotAModel`] for
/// TorchScript.
pub fn global(module: &str, name: &str) -> Result<Global> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Global::Dict,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::Tensor,
        ("torch._utils", "_rebuild_tensor_v3") => Global::TypedTensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state")
        | ("torch.nn.parameter", "Parameter") => Global::Parameter,
        ("torch._tensor", "_rebuild_from_type_v2") => Global::FromType,
        ("torch", "Size") => Global::Size,
        ("torch", "device" | "Tensor")
        | ("torch.serialization", "_get_layout")
        | ("_codecs", "encode")
        | ("collections", "Counter")
        | ("builtins" | "__builtin__", "set" | "bytearray" | "complex") => Global::Other,
        ("torch" | "torch.storage", "UntypedStorage") => Global::Storage(None),
        ("torch" | "torch.cuda", name) if let Some(storage) = name.strip_suffix("Storage") => {
            match storage_type(storage) {
                Some(dtype) => Global::Storage(Some(dtype)),
                None => return Err(unknown(module, name)),
            }
        }
        ("torch", name) => Global::Dtype(dtype(name).ok_or_else(|| unknown(module, name))?),
        _ => return Err(unknown(module, name)),
    })
}

fn storage_type(name: &str) -> Option<Dtype> {
    Some(match name {
        "Double" => Dtype::F64,
        "Float" => Dtype::F32,
        "Half" => Dtype::F16,
        "BFloat16" => Dtype::BF16,
        "Long" => Dtype::I64,
        "Int" => Dtype::I32,
        "Short" => Dtype::I16,
        "Char" => Dtype::I8,
        "Byte" => Dtype::U8,
        "Bool" => Dtype::BOOL,
        _ => return None,
    })
}

fn dtype(name: &str) -> Option<Dtype> {
    Some(match name {
        "float64" => Dtype::F64,
        "float32" => Dtype::F32,
        "float16" => Dtype::F16,
        "bfloat16" => Dtype::BF16,
        "float8_e4m3fn" => Dtype::F8_E4M3,
        "float8_e5m2" => Dtype::F8_E5M2,
        "int64" => Dtype::I64,
        "int32" => Dtype::I32,
        "int16" => Dtype::I16,
        "int8" => Dtype::I8,
        "uint64" => Dtype::U64,
        "uint32" => Dtype::U32,
        "uint16" => Dtype::U16,
        "uint8" => Dtype::U8,
        "bool" => Dtype::BOOL,
        _ => return None,
    })
}

fn unknown(module: &str, name: &str) -> Error {
    if module.starts_with("__torch__") {
        return torchscript();
    }
    refused(format!(
        "refers to {}, which no state_dict needs, and no code of a file is ever run. If you trust the file, load it \
         in Python and save `model.state_dict()`",
        quoted(&format!("{module}.{name}"))
    ))
}

/// The error for a TorchScript file.
pub fn torchscript() -> Error {
    Error::new(
        ErrorKind::NotAModel,
        "The weights are a TorchScript archive, which holds a program: save `model.state_dict()` instead, as safetensors \
         or with torch.save.",
    )
}
