//! Passes the weights of an ONNX file on as the tensors of a checkpoint, each as soon as its data is complete.

use super::by_name::ByName;
use super::rows::{Rows, Scales, Stored};
use super::tensor::{Head, Tensor, Type};
use super::weight::{Form, Kind, Output, Weight, two};
use super::wire::invalid;
use crate::error::{Result, try_vec};
use crate::weights::dtype::Storage;
use crate::weights::header::{Header, MAX_TENSORS, TensorInfo};
use crate::weights::int4;
use crate::weights::stream::RowSink;
use safetensors::tensor::Dtype;

/// The weights that a sink requests from a file's graph.
pub struct Wanted {
    /// The weights.
    pub weights: Vec<Weight>,
    /// Whether to decode integers to floating-point numbers.
    pub exact: bool,
    /// Whether rows must arrive in the order of the weights instead of the file's order.
    pub in_order: bool,
}

/// Passes the weights on to a sink.
pub struct Delivery {
    wanted: Wanted,
    /// For each tensor of the file, the weights that need it.
    uses: ByName<Vec<usize>>,
    /// Tensors that have arrived and are still needed.
    held: ByName<Option<Tensor>>,
    /// What the file says about its tensors, as far as it has been read.
    heads: ByName<Head>,
    float: Option<Storage>,
    declared: Option<Declared>,
    left: Vec<bool>,
}

/// The header that was passed on.
struct Declared {
    header: Header,
    outputs: Vec<Output>,
    /// The index in the header of each weight's first tensor.
    first: Vec<usize>,
}

/// A weight whose rows are passed on as they arrive.
pub struct Streaming {
    weight: usize,
    rows: usize,
    row: usize,
    row_bytes: usize,
    /// The part of the next row received so far.
    held: Vec<u8>,
    scales: Vec<u8>,
}

/// Whether a weight keeps the file's floating-point type.
fn is_float(weight: &Weight) -> bool {
    weight.scale.is_none() && matches!(weight.kind, Kind::Table | Kind::Matrix)
}

impl Delivery {
    /// A delivery of the `wanted` weights.
    pub fn new(wanted: Wanted) -> Self {
        let mut uses: ByName<Vec<usize>> = ByName::default();
        for (i, weight) in wanted.weights.iter().enumerate() {
            for tensor in weight.tensors() {
                uses.entry(tensor).push(i);
            }
        }
        let left = vec![true; wanted.weights.len()];
        Self { wanted, uses, held: ByName::default(), heads: ByName::default(), float: None, declared: None, left }
    }

    /// Passes on the header of no weights: no tensor that arrives would do it.
    ///
    /// # Errors
    /// The errors of [`RowSink::header`].
    pub fn begin(&mut self, sink: &mut dyn RowSink) -> Result<()> {
        if self.wanted.weights.is_empty() { self.declare(sink) } else { Ok(()) }
    }

    /// The header, once it has been passed on.
    pub fn header(&self) -> Option<&Header> {
        self.declared.as_ref().map(|declared| &declared.header)
    }

    /// Whether a weight needs the file's tensor `name`.
    pub fn needs(&self, name: &str) -> bool {
        self.uses.has(name)
    }

    /// A weight with tensors that have not all arrived.
    pub fn missing(&self) -> Option<&Weight> {
        self.wanted.weights.iter().zip(&self.left).find(|(_, left)| **left).map(|(weight, _)| weight)
    }

    /// Adds what the file says about a tensor; passes on the header as soon as enough is known.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsMismatch`] if its sizes differ from the model's; the errors of
    /// [`RowSink::header`].
    pub fn head(&mut self, head: &Head, sink: &mut dyn RowSink) -> Result<()> {
        let Some(uses) = self.uses.get(&head.name) else { return Ok(()) };
        let first = uses[0];
        self.heads.insert(&head.name, head.clone());
        let weight = &self.wanted.weights[first];
        if let Type::Float(storage) = head.dtype()
            && is_float(weight)
        {
            self.float.get_or_insert(storage);
        }
        self.declare(sink)
    }

    fn declare(&mut self, sink: &mut dyn RowSink) -> Result<()> {
        if self.declared.is_some() {
            return Ok(());
        }
        if self.float.is_none() && self.wanted.weights.iter().any(is_float) {
            return Ok(());
        }
        let float = self.float.unwrap_or(Storage::F32);
        let mut declared =
            Declared { header: Header { tensors: Vec::new(), file_bytes: 0 }, outputs: Vec::new(), first: Vec::new() };
        for weight in &self.wanted.weights {
            let output = weight.output(float, self.wanted.exact);
            declared.outputs.push(output);
            declared.first.push(declared.header.tensors.len());
            let sizes = match self.heads.get(&weight.data) {
                Some(head) => weight.sizes(head)?,
                None if weight.parts.iter().all(|part| part.shape.is_some()) => [0, 0],
                // Its sizes are not yet known.
                None => return Ok(()),
            };
            for (i, part) in weight.parts.iter().enumerate() {
                let shape = weight.shape(i, sizes);
                let [rows, columns] = two(&shape);
                let mut add = |name: String, dtype: Dtype, shape: Vec<usize>| {
                    let numbers: usize = shape.iter().product();
                    let bytes = numbers.saturating_mul(dtype.bitsize() / 8);
                    declared.header.tensors.push(TensorInfo { name, dtype, shape, bytes });
                };
                let scale = format!("{}_scale", part.name);
                match output {
                    Output::Float(_) => add(part.name.clone(), output.dtype(), shape),
                    Output::Int8 => {
                        add(part.name.clone(), output.dtype(), shape);
                        add(scale, Dtype::F32, vec![rows]);
                    }
                    Output::Int4 => {
                        add(scale, Dtype::F32, vec![rows, columns / int4::GROUP]);
                        add(part.name.clone(), output.dtype(), vec![rows, columns / 2]);
                    }
                }
            }
        }
        if declared.header.tensors.len() > MAX_TENSORS {
            return Err(invalid(format_args!("has more than {MAX_TENSORS} tensors")));
        }
        sink.header(&declared.header)?;
        self.declared = Some(declared);
        self.deliver_ready(sink)
    }

    fn held(&self, name: &str) -> Option<&Tensor> {
        self.held.get(name)?.as_ref()
    }

    /// Passes on all weights that are complete.
    fn deliver_ready(&mut self, sink: &mut dyn RowSink) -> Result<()> {
        for weight in 0..self.left.len() {
            if self.is_ready(weight) {
                self.deliver(weight, sink)?;
            } else if self.left[weight] && self.wanted.in_order {
                break;
            }
        }
        Ok(())
    }

    /// Whether all tensors of a remaining weight have arrived.
    fn is_ready(&self, weight: usize) -> bool {
        self.left[weight] && self.wanted.weights[weight].tensors().all(|name| self.held(name).is_some())
    }

    /// Adds a complete tensor.
    ///
    /// # Errors
    /// The errors of [`Delivery::head`], and of the weights that it completes.
    pub fn tensor(&mut self, tensor: Tensor, sink: &mut dyn RowSink) -> Result<()> {
        let name = tensor.head.name.clone();
        let Some(weights) = self.uses.get(&name).cloned() else { return Ok(()) };
        *self.held.entry(&name) = Some(tensor);
        if self.declared.is_none() {
            return Ok(());
        }
        if self.wanted.in_order {
            return self.deliver_ready(sink);
        }
        for weight in weights {
            if self.is_ready(weight) {
                self.deliver(weight, sink)?;
            }
        }
        Ok(())
    }

    /// Passes on a weight whose tensors have all arrived.
    fn deliver(&mut self, at: usize, sink: &mut dyn RowSink) -> Result<()> {
        let declared = self.declared.as_ref().expect("rows come behind the header");
        let (weight, output) = (&self.wanted.weights[at], declared.outputs[at]);
        let data = self.held(&weight.data).expect("its tensors are there");
        let sizes = weight.sizes(&data.head)?;
        let mut stored = Stored::new(weight, data, sizes)?;
        let mut rows = Rows::new(weight, output, &data.head, sizes[1], self.scales(weight, sizes)?)?;
        let (mut tensor, mut row) = (declared.first[at], 0);
        for i in 0..weight.parts.len() {
            let [count, _] = two(&weight.shape(i, sizes));
            if weight.kind == Kind::Vector {
                let mut numbers: Vec<f32> = try_vec(count, "a vector of the weights")?;
                stored.numbers(row, rows.scales(), &mut numbers);
                sink.row(tensor, 0, bytemuck::cast_slice(&numbers))?;
                (row, tensor) = (row + count, tensor + 1);
                continue;
            }
            if output == Output::Int4 {
                for r in 0..count {
                    sink.row(tensor, r, rows.group_scales(row + r))?;
                }
                tensor += 1;
            }
            let mut scales = Vec::new();
            for r in 0..count {
                let (bytes, scale) = rows.row(row + r, stored.row(row + r))?;
                sink.row(tensor, r, bytes)?;
                scales.extend_from_slice(&scale.to_le_bytes());
            }
            tensor += 1;
            if output == Output::Int8 {
                sink.row(tensor, 0, &scales)?;
                tensor += 1;
            }
            row += count;
        }
        self.done(at);
        Ok(())
    }

    fn scales(&self, weight: &Weight, sizes: [usize; 2]) -> Result<Option<Scales>> {
        let Some(scale) = &weight.scale else { return Ok(None) };
        let Some(scale) = self.held(scale) else { return Ok(None) };
        let zero = weight.zero.as_ref().and_then(|name| self.held(name));
        Scales::new(weight, sizes, scale, zero).map(Some)
    }

    /// Frees the tensors that no other weight needs.
    fn done(&mut self, at: usize) {
        self.left[at] = false;
        let (left, uses) = (&self.left, &self.uses);
        for name in self.wanted.weights[at].tensors() {
            let is_needed = uses.get(name).is_some_and(|uses| uses.iter().any(|&weight| left[weight]));
            if !is_needed {
                *self.held.entry(name) = None;
            }
        }
    }

    /// Starts streaming if the rows of this tensor can be passed on as they arrive.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsMismatch`] if its sizes differ from the model's.
    pub fn stream(&self, head: &Head) -> Result<Option<Streaming>> {
        let (Some(declared), Some([at])) = (&self.declared, self.uses.get(&head.name).map(Vec::as_slice)) else {
            return Ok(None);
        };
        let (weight, output) = (&self.wanted.weights[*at], declared.outputs[*at]);
        let others = [&weight.scale, &weight.zero];
        let simple = !self.wanted.in_order
            && weight.data == head.name
            && weight.kind != Kind::Vector
            && weight.form == Form::Rows
            && weight.parts.len() == 1
            && output != Output::Int4
            && others.into_iter().flatten().all(|name| self.held(name).is_some());
        if !simple {
            return Ok(None);
        }
        let number = match (head.dtype(), output) {
            (Type::Float(storage), Output::Float(wanted)) if storage == wanted => storage.bytes(),
            (Type::Byte { .. }, _) if weight.scale.is_some() => 1,
            _ => return Ok(None),
        };
        let [rows, columns] = weight.sizes(head)?;
        Ok((rows > 0 && columns > 0).then(|| Streaming {
            weight: *at,
            rows,
            row: 0,
            row_bytes: columns * number,
            held: Vec::new(),
            scales: Vec::new(),
        }))
    }

    /// Reads the next bytes of a weight whose rows are passed on as they arrive.
    ///
    /// # Errors
    /// The errors of the rows.
    pub fn push(&mut self, head: &Head, to: &mut Streaming, mut chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        let declared = self.declared.as_ref().expect("rows come behind the header");
        let (weight, output, tensor) =
            (&self.wanted.weights[to.weight], declared.outputs[to.weight], declared.first[to.weight]);
        let columns = weight.sizes(head)?[1];
        let mut rows = Rows::new(weight, output, head, columns, self.scales(weight, [to.rows, columns])?)?;
        while to.row < to.rows {
            let stored = if to.held.is_empty() && chunk.len() >= to.row_bytes {
                let (row, rest) = chunk.split_at(to.row_bytes);
                chunk = rest;
                row
            } else {
                let n = (to.row_bytes - to.held.len()).min(chunk.len());
                to.held.extend_from_slice(&chunk[..n]);
                chunk = &chunk[n..];
                if to.held.len() < to.row_bytes {
                    return Ok(());
                }
                &to.held
            };
            let (bytes, scale) = rows.row(to.row, stored)?;
            sink.row(tensor, to.row, bytes)?;
            if output == Output::Int8 {
                to.scales.extend_from_slice(&scale.to_le_bytes());
            }
            to.held.clear();
            to.row += 1;
        }
        if output == Output::Int8 {
            sink.row(tensor + 1, 0, &to.scales)?;
        }
        let at = to.weight;
        self.done(at);
        Ok(())
    }
}
