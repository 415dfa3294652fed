//! Weights into place: each row that the stream gives goes straight to where the model needs it.

use super::embedding::EmbeddingTable;
use super::names::{self, Norm, Product, Role, Table};
use super::{Layer, Model, Projections};
use crate::backend::{Backend, LinearBuilder, Precision};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::weights::dtype::{Storage, check_finite, decode};
use crate::weights::header::{Header, TensorInfo};
use crate::weights::int4;
use crate::weights::stream::{Reader, RowSink};
use std::collections::HashMap;

/// The suffix of the tensor that holds an integer matrix' scales: one a row of int8, one a group of int4.
pub const SCALE_SUFFIX: &str = "_scale";

/// What the products are computed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// As the file stores them: int8 and int4 stay so, f16 stays f16 where the backend stores halves, everything else is f32.
    Auto,
    /// f32, whatever the file stores.
    Fp32,
    /// f16, on backends that store halves; f32 on others.
    Fp16,
    /// int8; a file of floating-point weights is quantized while it streams.
    Int8,
    /// int4 where the model bears it ([`Product::bears_int4`]), else int8; likewise.
    Int4,
}

impl Dtype {
    /// The name's dtype.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "auto" => Ok(Self::Auto),
            "fp32" => Ok(Self::Fp32),
            "fp16" => Ok(Self::Fp16),
            "int8" => Ok(Self::Int8),
            "int4" => Ok(Self::Int4),
            other => Err(Error::new(
                ErrorKind::InvalidArgument,
                format!("dtype {other:?} is unknown: \"auto\", \"fp32\", \"fp16\", \"int8\" and \"int4\" are there."),
            )),
        }
    }
}

/// A model on its way in: push the file's bytes, then [`ModelLoader::finish`].
pub struct ModelLoader<B: Backend> {
    reader: Reader,
    placer: Placer<B>,
}

impl<B: Backend> ModelLoader<B> {
    /// A loader for a model of `config` in `dtype`. `announced`: the file's length in bytes, where it is known.
    pub fn new(backend: B, config: Config, dtype: Dtype, announced: Option<usize>) -> Self {
        let placer = Placer {
            backend,
            config,
            dtype,
            tensors: Vec::new(),
            parts: None,
            row: Vec::new(),
            group_scales: Vec::new(),
        };
        Self { reader: Reader::new(announced), placer }
    }

    /// Takes the file's next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsHeader`], [`ErrorKind::WeightsMismatch`], [`ErrorKind::WeightsNotFinite`],
    /// [`ErrorKind::WeightsLength`], [`ErrorKind::OutOfMemory`]; the loader takes nothing more after one.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.reader.push(chunk, &mut self.placer)
    }

    /// The narrowest precision of any product, once the header has come.
    pub fn precision(&self) -> Option<Precision> {
        self.reader.header()?;
        let any = |precision| self.placer.tensors.iter().any(|t| t.precision == Some(precision));
        let narrow = [Precision::Int4, Precision::Int8, Precision::F16].into_iter().find(|p| any(*p));
        Some(narrow.unwrap_or(Precision::F32))
    }

    /// The file's header, once it is there.
    pub fn header(&self) -> Option<&Header> {
        self.reader.header()
    }

    /// The model, its backend, and what was loaded.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] where bytes are missing.
    pub fn finish(self) -> Result<(Model<B>, B, Loaded)> {
        self.reader.finish()?;
        let precision = self.precision().expect("a finished reader has its header");
        let header = self.reader.header().expect("a finished reader has its header");
        let loaded = Loaded {
            file_bytes: header.file_bytes,
            warnings: Vec::new(),
            parameters: self
                .placer
                .tensors
                .iter()
                .filter(|t| !matches!(t.target, Target::Nothing))
                .map(|t| t.numbers)
                .sum(),
            precision,
        };
        let Placer { backend, config, parts, .. } = self.placer;
        let model = parts.expect("the header brought the parts").finish(&backend, config)?;
        Ok((model, backend, loaded))
    }
}

/// What was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Bytes of the file.
    pub file_bytes: usize,
    /// Numbers of the model, scales not counted.
    pub parameters: usize,
    /// The narrowest weights of any product.
    pub precision: Precision,
    /// What of the weights' files is not as it should be, and was passed over.
    pub warnings: Vec<String>,
}

/// Where a tensor of the file goes.
#[derive(Clone, Copy)]
enum Target {
    /// Nowhere: a buffer that is no weight.
    Nothing,
    Role(Role),
    /// The scales of an int8 tensor.
    Scales(Role),
    /// The scales of an int4 tensor, row by row.
    GroupScales(Role),
}

struct Incoming {
    name: String,
    storage: Storage,
    // Elements of a row, as they are stored.
    columns: usize,
    // The model's numbers in it.
    numbers: usize,
    target: Target,
    precision: Option<Precision>,
}

/// Takes the rows of the file and puts them where they belong.
struct Placer<B: Backend> {
    backend: B,
    config: Config,
    dtype: Dtype,
    tensors: Vec<Incoming>,
    parts: Option<Parts<B>>,
    row: Vec<f32>,
    // Of the int4 matrices whose rows have not all come.
    group_scales: Vec<(Role, Vec<f32>)>,
}

fn mismatch(message: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::WeightsMismatch,
        format!("{message}: model.safetensors and config.json must be of one checkpoint."),
    )
}

impl<B: Backend> RowSink for Placer<B> {
    fn header(&mut self, header: &Header) -> Result<()> {
        self.tensors = match_tensors(header, &self.config)?;
        for tensor in &mut self.tensors {
            if let Target::Role(role) = tensor.target {
                tensor.precision = match role {
                    Role::Weight(product) => {
                        // A row of pairs has half as many elements as numbers; whether groups fit, int4 files were asked before.
                        let wanted = self.dtype.precision(tensor.storage, product, tensor.columns);
                        Some(self.backend.precision(wanted))
                    }
                    _ => None,
                };
            }
        }
        let widest = self.tensors.iter().map(|t| t.columns).max().unwrap_or(0);
        self.row = vec![0.0; widest];
        self.parts = Some(Parts::new(&self.backend, &self.config, self.dtype, &self.tensors)?);
        Ok(())
    }

    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()> {
        let info = &self.tensors[tensor];
        let parts = self.parts.as_mut().expect("the header comes before the rows");
        let role = match info.target {
            Target::Nothing => return Ok(()),
            Target::Role(role) | Target::Scales(role) | Target::GroupScales(role) => role,
        };
        if info.storage == Storage::Int4 {
            let of_matrix = self.group_scales.iter().position(|(of, _)| *of == role).expect("scales come first");
            let scales = &self.group_scales[of_matrix].1;
            let groups = 2 * bytes.len() / int4::GROUP;
            parts.put_int4(role, row, bytes, &scales[row * groups..(row + 1) * groups]);
            if (row + 1) * groups == scales.len() {
                self.group_scales.swap_remove(of_matrix);
            }
            return Ok(());
        }
        if info.storage == Storage::Int8 {
            if holds_minus_128(bytes) {
                return Err(mismatch(format!(
                    "{:?} holds -128, which symmetric int8 weights (-127 to 127) never do",
                    info.name
                )));
            }
            parts.put_int8(role, row, bytemuck::cast_slice(bytes));
            return Ok(());
        }
        let numbers = &mut self.row[..info.columns];
        decode(info.storage, bytes, numbers);
        check_finite(numbers, &info.name)?;
        match info.target {
            Target::Scales(role) => parts.put_scales(role, numbers),
            Target::GroupScales(role) => match self.group_scales.iter_mut().find(|(of, _)| *of == role) {
                Some((_, scales)) => scales.extend_from_slice(numbers),
                None => self.group_scales.push((role, numbers.to_vec())),
            },
            _ => parts.put(role, row, numbers, bytes),
        }
        Ok(())
    }
}

/// Whether a byte is 0x80. Eight at a time, for this runs over every byte of a file before the engine has optimized it.
fn holds_minus_128(bytes: &[u8]) -> bool {
    let (eights, rest) = bytes.as_chunks::<8>();
    let has_zero = |x: u64| x.wrapping_sub(0x0101_0101_0101_0101) & !x & 0x8080_8080_8080_8080 != 0;
    eights.iter().any(|eight| has_zero(u64::from_le_bytes(*eight) ^ 0x8080_8080_8080_8080)) || rest.contains(&0x80)
}

impl Dtype {
    fn precision(self, storage: Storage, product: Product, depth: usize) -> Precision {
        match (self, storage) {
            (Self::Auto | Self::Int4, Storage::Int4) => Precision::Int4,
            (Self::Int8, _) | (Self::Auto | Self::Int4, Storage::Int8) => Precision::Int8,
            (Self::Int4, _) if product.bears_int4() && int4::fits(depth) => Precision::Int4,
            (Self::Int4, _) => Precision::Int8,
            (Self::Fp16, _) | (Self::Auto, Storage::F16) => Precision::F16,
            _ => Precision::F32,
        }
    }

    /// How an embedding table stored as `storage` is held. Nothing is widened: rows are decoded as they are read.
    fn table_storage(self, storage: Storage) -> Storage {
        if matches!(self, Self::Int8 | Self::Int4) { Storage::Int8 } else { storage }
    }
}

/// Pairs the file's tensors with those that the configuration asks for.
fn match_tensors(header: &Header, config: &Config) -> Result<Vec<Incoming>> {
    let mut wanted: HashMap<String, (Vec<usize>, Role)> =
        names::expected(config).into_iter().map(|e| (e.name, (e.shape, e.role))).collect();
    // By the names of their scales.
    let integer_matrices: HashMap<String, (Vec<usize>, Target)> = header
        .tensors
        .iter()
        .filter_map(|t| {
            let (shape, role) = wanted.get(&t.name)?;
            let scales = match Storage::of(t.dtype)? {
                Storage::Int8 => (vec![shape[0]], Target::Scales(*role)),
                Storage::Int4 => (vec![shape[0], shape.get(1)? / int4::GROUP], Target::GroupScales(*role)),
                _ => return None,
            };
            Some((format!("{}{SCALE_SUFFIX}", t.name), scales))
        })
        .collect();
    let mut scales_missing: Vec<&String> = integer_matrices.keys().collect();

    let mut tensors = Vec::with_capacity(header.tensors.len());
    for t in &header.tensors {
        if names::BUFFERS.contains(&t.name.as_str()) {
            let nothing = Incoming {
                name: t.name.clone(),
                storage: Storage::F32,
                columns: 0,
                numbers: 0,
                target: Target::Nothing,
                precision: None,
            };
            tensors.push(nothing);
            continue;
        }
        let (shape, target) = if let Some((shape, role)) = wanted.remove(&t.name) {
            (shape, Target::Role(role))
        } else if let Some((shape, target)) = integer_matrices.get(&t.name) {
            scales_missing.retain(|name| *name != &t.name);
            (shape.clone(), *target)
        } else {
            return Err(mismatch(format!("The weights hold {:?}, which this model does not have", t.name)));
        };
        let storage = storage(t, &target)?;
        let mut stored = shape.clone();
        let columns = stored.last_mut().expect("no expected shape is empty");
        if storage == Storage::Int4 {
            if !int4::fits(*columns) {
                let group = int4::GROUP;
                return Err(mismatch(format!(
                    "{:?} is stored in int4, but its {columns} columns are not groups of {group}",
                    t.name
                )));
            }
            if scales_missing.iter().any(|name| name.strip_suffix(SCALE_SUFFIX) == Some(&t.name)) {
                return Err(mismatch(format!(
                    "The weights lack the scales of {:?} in front of it, for it is stored in int4",
                    t.name
                )));
            }
            *columns /= 2;
        }
        let columns = *columns;
        if stored != t.shape {
            return Err(mismatch(format!("{:?} has the shape {:?} where {stored:?} is asked for", t.name, t.shape)));
        }
        let numbers = if matches!(target, Target::Role(_)) { shape.iter().product() } else { 0 };
        tensors.push(Incoming { name: t.name.clone(), storage, columns, numbers, target, precision: None });
    }
    if let Some(name) = scales_missing.into_iter().min() {
        return Err(mismatch(format!("The weights lack {name:?}, the scales of an integer matrix")));
    }
    if let Some(name) = wanted.into_keys().min() {
        return Err(mismatch(format!("The weights lack {name:?}")));
    }
    Ok(tensors)
}

fn storage(t: &TensorInfo, target: &Target) -> Result<Storage> {
    let storage = Storage::of(t.dtype);
    let (read, integers): (_, &[Storage]) = match target {
        Target::Role(Role::Weight(_)) => {
            ("F32, F16, BF16 and the int8 and int4 of this project", &[Storage::Int8, Storage::Int4])
        }
        Target::Role(Role::Embedding(_)) => ("F32, F16, BF16 and the int8 of this project", &[Storage::Int8]),
        _ => ("F32, F16 and BF16", &[]),
    };
    match storage {
        Some(storage) if storage.is_float() || integers.contains(&storage) => return Ok(storage),
        _ => {}
    }
    Err(mismatch(format!("{:?} is stored as {:?} where {read} are read", t.name, t.dtype)))
}

struct LayerParts<L> {
    projections: Projections<L>,
    out_lin: L,
    lin1: L,
    lin2: L,
}

/// The model's parts while they fill.
struct Parts<B: Backend> {
    word: EmbeddingTable,
    position: EmbeddingTable,
    norms: Vec<[Vec<f32>; 2]>,
    layers: Vec<LayerParts<B::LinearBuilder>>,
    pre_classifier: B::LinearBuilder,
    classifier: B::LinearBuilder,
    width: usize,
}

/// The place of a layer normalization in [`Parts::norms`].
fn norm_index(norm: Norm) -> usize {
    match norm {
        Norm::Embedding => 0,
        Norm::Attention(i) => 1 + 2 * i,
        Norm::Ffn(i) => 2 + 2 * i,
    }
}

impl<B: Backend> Parts<B> {
    fn new(backend: &B, config: &Config, dtype: Dtype, tensors: &[Incoming]) -> Result<Self> {
        let (d, f) = (config.width, config.hidden);
        let find = |role: Role| {
            let found = tensors.iter().find(|t| matches!(t.target, Target::Role(r) if r == role));
            found.expect("every role was matched")
        };
        let table = |table, rows| {
            let storage = dtype.table_storage(find(Role::Embedding(table)).storage);
            EmbeddingTable::new(rows, d, storage)
        };
        // Matrices that share a product share its precision: the narrowest that holds all of them.
        let linear = |products: &[Product], m, k| {
            let all_in = |held: &[Precision]| {
                products.iter().all(|&p| find(Role::Weight(p)).precision.is_some_and(|p| held.contains(&p)))
            };
            let precision = if all_in(&[Precision::Int4]) {
                Precision::Int4
            } else if all_in(&[Precision::Int4, Precision::Int8]) {
                Precision::Int8
            } else if all_in(&[Precision::F16]) {
                Precision::F16
            } else {
                Precision::F32
            };
            backend.linear_builder(m, k, precision)
        };
        let mut layers = Vec::with_capacity(config.layers);
        for i in 0..config.layers {
            let (q, k, v) = (Product::Q(i), Product::K(i), Product::V(i));
            layers.push(LayerParts {
                projections: if i + 1 < config.layers {
                    Projections::Fused(linear(&[q, k, v], 3 * d, d)?)
                } else {
                    Projections::Split { q: linear(&[q], d, d)?, kv: linear(&[k, v], 2 * d, d)? }
                },
                out_lin: linear(&[Product::Out(i)], d, d)?,
                lin1: linear(&[Product::Lin1(i)], f, d)?,
                lin2: linear(&[Product::Lin2(i)], d, f)?,
            });
        }
        Ok(Self {
            word: table(Table::Word, config.vocabulary)?,
            position: table(Table::Position, config.max_tokens)?,
            norms: vec![[Vec::new(), Vec::new()]; 1 + 2 * config.layers],
            layers,
            pre_classifier: linear(&[Product::PreClassifier], d, d)?,
            classifier: linear(&[Product::Classifier], config.labels.len(), d)?,
            width: d,
        })
    }

    /// The matrix that a product is part of, and its first row there.
    fn product(&mut self, product: Product) -> (&mut B::LinearBuilder, usize) {
        let d = self.width;
        match product {
            Product::Q(i) => match &mut self.layers[i].projections {
                Projections::Fused(qkv) => (qkv, 0),
                Projections::Split { q, .. } => (q, 0),
            },
            Product::K(i) => match &mut self.layers[i].projections {
                Projections::Fused(qkv) => (qkv, d),
                Projections::Split { kv, .. } => (kv, 0),
            },
            Product::V(i) => match &mut self.layers[i].projections {
                Projections::Fused(qkv) => (qkv, 2 * d),
                Projections::Split { kv, .. } => (kv, d),
            },
            Product::Out(i) => (&mut self.layers[i].out_lin, 0),
            Product::Lin1(i) => (&mut self.layers[i].lin1, 0),
            Product::Lin2(i) => (&mut self.layers[i].lin2, 0),
            Product::PreClassifier => (&mut self.pre_classifier, 0),
            Product::Classifier => (&mut self.classifier, 0),
        }
    }

    fn table(&mut self, table: Table) -> &mut EmbeddingTable {
        match table {
            Table::Word => &mut self.word,
            Table::Position => &mut self.position,
        }
    }

    fn put(&mut self, role: Role, row: usize, numbers: &[f32], stored: &[u8]) {
        match role {
            Role::Embedding(table) => self.table(table).set_float(row, numbers, stored),
            Role::Gamma(norm) => self.norms[norm_index(norm)][0] = numbers.to_vec(),
            Role::Beta(norm) => self.norms[norm_index(norm)][1] = numbers.to_vec(),
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.row_f32(first + row, numbers);
            }
            Role::Bias(product) => {
                let (builder, first) = self.product(product);
                builder.bias(first, numbers);
            }
        }
    }

    fn put_int8(&mut self, role: Role, row: usize, values: &[i8]) {
        match role {
            Role::Embedding(table) => self.table(table).set_int8(row, values),
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.row_i8(first + row, values);
            }
            Role::Gamma(_) | Role::Beta(_) | Role::Bias(_) => unreachable!("only matrices are stored as int8"),
        }
    }

    fn put_int4(&mut self, role: Role, row: usize, packed: &[u8], group_scales: &[f32]) {
        match role {
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.row_i4(first + row, packed, group_scales);
            }
            _ => unreachable!("only products' matrices are stored as int4"),
        }
    }

    fn put_scales(&mut self, role: Role, scales: &[f32]) {
        match role {
            Role::Embedding(table) => self.table(table).set_scales(scales),
            Role::Weight(product) => {
                let (builder, first) = self.product(product);
                builder.scales(first, scales);
            }
            Role::Gamma(_) | Role::Beta(_) | Role::Bias(_) => unreachable!("only matrices have scales"),
        }
    }

    fn finish(self, backend: &B, config: Config) -> Result<Model<B>> {
        let mut norms =
            self.norms.into_iter().map(|[gamma, beta]| backend.layer_norm_weights(gamma, beta, config.layer_norm_eps));
        let mut next_norm = || norms.next().expect("two a layer and one for the embedding");
        let embedding_norm = next_norm()?;
        let mut layers = Vec::with_capacity(config.layers);
        for layer in self.layers {
            layers.push(Layer {
                projections: match layer.projections {
                    Projections::Fused(qkv) => Projections::Fused(qkv.finish()),
                    Projections::Split { q, kv } => Projections::Split { q: q.finish(), kv: kv.finish() },
                },
                out_lin: layer.out_lin.finish(),
                sa_layer_norm: next_norm()?,
                lin1: layer.lin1.finish(),
                lin2: layer.lin2.finish(),
                output_layer_norm: next_norm()?,
            });
        }
        Ok(Model {
            word_embeddings: self.word,
            position_embeddings: self.position,
            embedding_norm,
            layers,
            pre_classifier: self.pre_classifier.finish(),
            classifier: self.classifier.finish(),
            config,
        })
    }
}
