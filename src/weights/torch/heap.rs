//! The values of a checkpoint's pickles: strings, sequences and dictionaries, storages and views of them.
//!
//! Values are stored in lists and referred to by index, so no value is copied, and none is followed deeper
//! than one step.

use super::globals::Global;
use super::{MAX_STORAGES, invalid};
use crate::error::Result;
use crate::weights::header::quoted;
use safetensors::tensor::Dtype;
use std::collections::HashMap;

/// A value. Numbers in parentheses are indices into the lists of [`Heap`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(usize),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Global(Global),
    /// A storage, viewed as numbers of a type.
    Storage(usize, Option<Dtype>),
    Tensor(usize),
    /// A value that is irrelevant to tensors.
    Other,
}

/// A run of bytes that comes after the pickle.
#[derive(Debug)]
pub struct Storage {
    /// Its name.
    pub key: String,
    /// Its type, if it has one.
    pub dtype: Option<Dtype>,
    /// Its length.
    pub bytes: u64,
}

/// A view of a storage, as the pickle gives it, unchecked. Offset and strides count elements.
#[derive(Clone, Debug)]
pub struct View {
    pub storage: usize,
    pub dtype: Dtype,
    pub offset: i64,
    pub shape: Vec<i64>,
    pub strides: Vec<i64>,
}

/// Everything that the pickles have made.
#[derive(Default)]
pub struct Heap {
    texts: Vec<String>,
    sequences: Vec<Vec<Value>>,
    dicts: Vec<Vec<(Value, Value)>>,
    pub storages: Vec<Storage>,
    pub tensors: Vec<View>,
    by_key: HashMap<String, usize>,
}

impl Heap {
    /// The string, if `value` is one.
    pub fn text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Text(at) => Some(&self.texts[at]),
            _ => None,
        }
    }

    /// The values, if `value` is a tuple or a list.
    pub fn sequence(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Tuple(at) | Value::List(at) => Some(&self.sequences[at]),
            _ => None,
        }
    }

    /// The storage named `key`.
    pub fn storage(&self, key: &str) -> Option<usize> {
        self.by_key.get(key).copied()
    }

    /// The items, if `value` is a dictionary.
    pub fn dict(&self, value: Value) -> Option<&[(Value, Value)]> {
        match value {
            Value::Dict(at) => Some(&self.dicts[at]),
            _ => None,
        }
    }

    pub fn new_text(&mut self, text: &str) -> Value {
        self.texts.push(text.to_owned());
        Value::Text(self.texts.len() - 1)
    }

    pub fn new_tuple(&mut self, values: Vec<Value>) -> Value {
        self.sequences.push(values);
        Value::Tuple(self.sequences.len() - 1)
    }

    pub fn new_list(&mut self) -> Value {
        self.sequences.push(Vec::new());
        Value::List(self.sequences.len() - 1)
    }

    /// Adds `items`, alternating keys and values, to the dictionary `to`.
    pub fn set(&mut self, to: Value, items: &[Value]) -> Result<()> {
        let (Value::Dict(at), (items, [])) = (to, items.as_chunks::<2>()) else {
            return Err(invalid("sets items on something that isn't a dictionary, or keys without values"));
        };
        self.dicts[at].extend(items.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    /// Adds `items` to the list `to`.
    pub fn append(&mut self, to: Value, items: &[Value]) -> Result<()> {
        let Value::List(at) = to else { return Err(invalid("appends to something that isn't a list")) };
        self.sequences[at].extend_from_slice(items);
        Ok(())
    }

    pub fn new_dict(&mut self, items: Vec<(Value, Value)>) -> Value {
        self.dicts.push(items);
        Value::Dict(self.dicts.len() - 1)
    }

    fn ints(&self, value: Value) -> Option<Vec<i64>> {
        self.sequence(value)?.iter().map(|v| if let Value::Int(n) = v { Some(*n) } else { None }).collect()
    }

    /// The result of calling `function` with `arguments`.
    pub fn call(&mut self, function: Value, arguments: Value) -> Result<Value> {
        let mut function = function;
        let mut arguments = arguments;
        loop {
            let (Value::Global(global), Some(given)) = (function, self.sequence(arguments)) else {
                return Err(invalid("calls something that isn't a function, or without arguments"));
            };
            return match (global, given) {
                (Global::Dict, []) => Ok(self.new_dict(Vec::new())),
                (Global::Dict, &[pairs]) => self.pairs(pairs),
                (Global::Tensor, &[Value::Storage(storage, Some(dtype)), offset, shape, strides, ..])
                | (
                    Global::TypedTensor,
                    &[
                        Value::Storage(storage, _),
                        offset,
                        shape,
                        strides,
                        _,
                        _,
                        Value::Global(Global::Dtype(dtype)),
                        ..,
                    ],
                ) => self.view(storage, dtype, offset, shape, strides),
                (Global::Parameter, &[tensor @ Value::Tensor(_), ..]) => Ok(tensor),
                (Global::Size, &[shape]) if self.sequence(shape).is_some() => Ok(shape),
                (Global::FromType, &[inner @ Value::Global(_), _, more, ..])
                    if inner != Value::Global(Global::FromType) =>
                {
                    (function, arguments) = (inner, more);
                    continue;
                }
                (Global::Other, _) => Ok(Value::Other),
                _ => Err(invalid("makes a tensor or a dictionary with wrong arguments")),
            };
        }
    }

    /// A dictionary made from pairs, as Python 2 writes it.
    fn pairs(&mut self, pairs: Value) -> Result<Value> {
        let pair = |value: &Value| match self.sequence(*value) {
            Some(&[key, value]) => Some((key, value)),
            _ => None,
        };
        let items = self.sequence(pairs).and_then(|list| list.iter().map(pair).collect::<Option<Vec<_>>>());
        Ok(self.new_dict(items.ok_or_else(|| invalid("makes a dictionary from something other than pairs"))?))
    }

    fn view(&mut self, storage: usize, dtype: Dtype, offset: Value, shape: Value, strides: Value) -> Result<Value> {
        let (Value::Int(offset), Some(shape), Some(strides)) = (offset, self.ints(shape), self.ints(strides)) else {
            return Err(invalid("gives a tensor an offset, a shape or strides that aren't numbers"));
        };
        self.tensors.push(View { storage, dtype, offset, shape, strides });
        Ok(Value::Tensor(self.tensors.len() - 1))
    }

    /// The storage that a persistent id names: ("storage", type, key, device, length), and optionally a view,
    /// which must be None.
    pub fn persistent(&mut self, id: Value) -> Result<Value> {
        let (kind, dtype, key, count) = match self.sequence(id) {
            Some(&[kind, Value::Global(Global::Storage(dtype)), key, _, Value::Int(count)])
            | Some(&[kind, Value::Global(Global::Storage(dtype)), key, _, Value::Int(count), Value::None]) => {
                (kind, dtype, key, count)
            }
            _ => return Err(invalid("refers to something outside that isn't a whole storage")),
        };
        let (Some("storage"), Some(key)) = (self.text(kind), self.text(key)) else {
            return Err(invalid("refers to something outside that isn't a storage"));
        };
        let width = dtype.map_or(1, |dtype| dtype.bitsize() as u64 / 8);
        let bytes = u64::try_from(count).ok().and_then(|count| count.checked_mul(width));
        let bytes = bytes.ok_or_else(|| invalid(format!("gives storage {} {count} numbers", quoted(key))))?;
        if let Some(&at) = self.by_key.get(key) {
            if self.storages[at].bytes != bytes {
                return Err(invalid(format!("gives storage {} two lengths", quoted(key))));
            }
            return Ok(Value::Storage(at, dtype));
        }
        if self.storages.len() == MAX_STORAGES {
            return Err(invalid(format!("has more than {MAX_STORAGES} storages")));
        }
        let (key, at) = (key.to_owned(), self.storages.len());
        self.by_key.insert(key.clone(), at);
        self.storages.push(Storage { key, dtype, bytes });
        Ok(Value::Storage(at, dtype))
    }
}
