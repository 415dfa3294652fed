//! Takes safetensors files apart and puts them together again, so that tests can make any part of them lie.
#![allow(dead_code)] // Each group of tests uses only a part.

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

/// A tensor that can be edited.
#[derive(Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

impl Tensor {
    pub fn f32(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self { name: name.into(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }

    pub fn i8(name: &str, shape: &[usize], values: &[i8]) -> Self {
        let bytes = values.iter().map(|x| x.cast_unsigned()).collect();
        Self { name: name.into(), dtype: Dtype::I8, shape: shape.to_vec(), bytes }
    }
}

pub fn read(file: &[u8]) -> Vec<Tensor> {
    SafeTensors::deserialize(file)
        .unwrap()
        .iter()
        .map(|(name, t)| Tensor {
            name: name.into(),
            dtype: t.dtype(),
            shape: t.shape().to_vec(),
            bytes: t.data().to_vec(),
        })
        .collect()
}

pub fn write(tensors: &[Tensor]) -> Vec<u8> {
    let views = tensors.iter().map(|t| (t.name.as_str(), TensorView::new(t.dtype, t.shape.clone(), &t.bytes).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

pub fn find<'a>(tensors: &'a mut [Tensor], name: &str) -> &'a mut Tensor {
    tensors.iter_mut().find(|t| t.name == name).expect(name)
}
