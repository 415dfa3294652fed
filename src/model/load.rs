//! Loads weights: each row of the stream goes straight to its place in the model.

use super::Model;
use super::architecture::{Architecture, Network};
pub use super::dtype::Dtype;
pub use super::matching::SCALE_SUFFIX;
use super::matching::{Incoming, Matched, Target, match_tensors, unsupported_integers};
use super::onnx;
use super::plan::{Place, Plan};
use super::static_embedding;
use super::weights::{SlotFormat, WeightsBuilder};
use crate::backend::{Backend, Precision};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result, try_reserve, try_vec};
use crate::weights::dtype::{Storage, check_finite, decode};
use crate::weights::header::{Header, quoted};
use crate::weights::int4;
use crate::weights::onnx::{Graph, Tensors, Wanted};
use crate::weights::stream::{Reader, RowSink};

/// Loads a model: push the file's bytes, then call [`ModelLoader::finish`].
pub struct ModelLoader<B: Backend> {
    reader: Reader,
    placer: Placer<B>,
}

impl<B: Backend> ModelLoader<B> {
    /// A loader for a model of `config` in `dtype`. `announced`: the file's length in bytes, if known.
    pub fn new(backend: B, config: Config, dtype: Dtype, announced: Option<usize>) -> Self {
        let (network, plan) = Network::new(&config);
        let placer = Placer {
            backend,
            config,
            network,
            plan,
            dtype,
            tensors: Vec::new(),
            warnings: Vec::new(),
            mapped: None,
            builder: None,
            row: Vec::new(),
            group_scales: Vec::new(),
        };
        Self { reader: Reader::new(announced), placer }
    }

    /// Accepts the file's next bytes.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsHeader`], [`ErrorKind::WeightsMismatch`], [`ErrorKind::WeightsNotFinite`],
    /// [`ErrorKind::WeightsLength`], [`ErrorKind::OutOfMemory`], [`ErrorKind::NotFinite`] if a weight is too
    /// large for int4. After an error, the loader accepts no more bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Result<()> {
        self.reader.push(chunk, &mut self.placer)
    }

    /// Ends the file. Returns the name of the next one, if the weights continue in another file next to it;
    /// its bytes are pushed next.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing.
    pub fn end_file(&mut self) -> Result<Option<String>> {
        self.reader.end_file()
    }

    /// The narrowest precision of any product, once the header has arrived.
    pub fn precision(&self) -> Option<Precision> {
        self.reader.header()?;
        let any = |precision| self.placer.tensors.iter().any(|t| t.precision == Some(precision));
        let narrow = [Precision::Int4, Precision::Int8, Precision::F16].into_iter().find(|p| any(*p));
        Some(narrow.unwrap_or(Precision::F32))
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.placer.config
    }

    /// The file's header, once it has arrived.
    pub fn header(&self) -> Option<&Header> {
        self.reader.header()
    }

    /// The model, its backend, and what was loaded.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if bytes are missing.
    pub fn finish(self) -> Result<(Model<B>, B, Loaded)> {
        self.reader.finish()?;
        let precision = self.precision().expect("a finished reader has its header");
        let placer = self.placer;
        let loaded = Loaded {
            file_bytes: self.reader.seen(),
            parameters: placer.tensors.iter().map(|t| t.numbers).sum(),
            precision,
            warnings: placer.warnings,
        };
        let Placer { backend, config, network, plan, builder, .. } = placer;
        let weights = builder.expect("the header made room").finish(&backend, &plan)?;
        if let Network::StaticEmbedding(network) = &network {
            network.check(&weights)?;
        }
        Ok((Model { config, network, plan, weights }, backend, loaded))
    }
}

/// What was loaded.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Bytes of the file and of further files next to it.
    pub file_bytes: usize,
    /// Numbers of the model, scales not counted.
    pub parameters: usize,
    /// The narrowest weights of any product.
    pub precision: Precision,
    /// Warnings about the file, one sentence each: tensors that the model doesn't use.
    pub warnings: Vec<String>,
}

/// Puts the rows of the file where they belong.
struct Placer<B: Backend> {
    backend: B,
    config: Config,
    network: Network,
    plan: Plan,
    dtype: Dtype,
    tensors: Vec<Incoming>,
    warnings: Vec<String>,
    /// Which parts of an ONNX file are which weights.
    mapped: Option<onnx::Mapped>,
    builder: Option<WeightsBuilder<B>>,
    row: Vec<f32>,
    // For int4 matrices and tables whose rows are incomplete, by slot.
    group_scales: Vec<(usize, Vec<f32>)>,
}

impl<B: Backend> RowSink for Placer<B> {
    fn header(&mut self, header: &Header) -> Result<()> {
        if let Architecture::StaticEmbedding(layout) = self.config.architecture {
            self.config.sizes = static_embedding::sized(&self.config.sizes, layout, header)?;
            (self.network, self.plan) = Network::new(&self.config);
        }
        let Matched { mut tensors, warnings } = match_tensors(header, &self.config, &self.plan)?;
        let mut formats = vec![SlotFormat { storage: Storage::F32, precision: None }; self.plan.slots().len()];
        for tensor in &mut tensors {
            let Target::Slot(slot) = tensor.target else { continue };
            let place = self.plan.slots()[slot].place;
            if let (Place::Rows { .. }, Some(facts)) = (place, self.plan.facts(place)) {
                let wanted = self.dtype.precision(tensor.storage, facts.narrowest, facts.in_features);
                tensor.precision = Some(self.backend.precision(wanted));
            }
            formats[slot] = SlotFormat { storage: tensor.storage, precision: tensor.precision };
        }
        let widest = tensors.iter().map(|t| t.columns).max().unwrap_or(0);
        self.row = try_vec(widest, "a row of the weights")?;
        self.builder = Some(WeightsBuilder::new(&self.backend, &self.plan, self.dtype, &formats)?);
        (self.tensors, self.warnings) = (tensors, warnings);
        Ok(())
    }

    fn takes(&self, tensor: usize) -> bool {
        !matches!(self.tensors[tensor].target, Target::Nothing)
    }

    fn row(&mut self, tensor: usize, row: usize, bytes: &[u8]) -> Result<()> {
        let info = &self.tensors[tensor];
        let builder = self.builder.as_mut().expect("the header comes before the rows");
        let slot = match info.target {
            Target::Nothing => return Ok(()),
            Target::Slot(slot) | Target::Scales(slot) | Target::GroupScales(slot) => slot,
        };
        let place = self.plan.slots()[slot].place;
        if info.storage == Storage::Int4 {
            let of_matrix = self.group_scales.iter().position(|(of, _)| *of == slot).expect("scales come first");
            let scales = &self.group_scales[of_matrix].1;
            let groups = 2 * bytes.len() / int4::GROUP;
            builder.put_int4(place, row, bytes, &scales[row * groups..(row + 1) * groups]);
            if (row + 1) * groups == scales.len() {
                self.group_scales.swap_remove(of_matrix);
            }
            return Ok(());
        }
        if info.storage == Storage::Int8 {
            if holds_minus_128(bytes) {
                return Err(unsupported_integers(format!(
                    "{} holds -128, but int8 weights must be between -127 and 127",
                    quoted(&info.name)
                )));
            }
            builder.put_int8(place, row, bytemuck::cast_slice(bytes));
            return Ok(());
        }
        let numbers = &mut self.row[..info.columns];
        decode(info.storage, bytes, numbers);
        check_finite(numbers, &info.name)?;
        if info.precision == Some(Precision::Int4) || builder.rounds_table_to_int4(place) {
            int4::check_range(numbers, &info.name)?;
        }
        match info.target {
            Target::Scales(_) => builder.put_scales(place, numbers),
            Target::GroupScales(_) => {
                let known = self.group_scales.iter().position(|(of, _)| *of == slot);
                let at = known.unwrap_or_else(|| {
                    self.group_scales.push((slot, Vec::new()));
                    self.group_scales.len() - 1
                });
                let scales = &mut self.group_scales[at].1;
                try_reserve(scales, numbers.len(), "the scales of a weight matrix")?;
                scales.extend_from_slice(numbers);
            }
            _ => builder.put(place, row, numbers, bytes),
        }
        Ok(())
    }

    fn wanted(&mut self, graph: &Graph) -> Result<Wanted> {
        if matches!(self.network, Network::StaticEmbedding(_)) {
            return Err(Error::new(
                ErrorKind::WeightsMismatch,
                "Static embeddings can't be read from ONNX files: use model.safetensors.",
            ));
        }
        let (wanted, mapped) = onnx::of_model(graph, &self.config, &self.plan, self.dtype == Dtype::Fp32)?;
        self.mapped = Some(mapped);
        Ok(wanted)
    }

    fn graph(&mut self, graph: &Graph, tensors: &Tensors) -> Result<()> {
        self.mapped.as_ref().map_or(Ok(()), |mapped| onnx::check(graph, tensors, mapped, &self.config))
    }
}

/// Whether a byte is 0x80. Checks eight at a time, since this runs over every byte of a file before the
/// engine has optimized it.
fn holds_minus_128(bytes: &[u8]) -> bool {
    let (eights, rest) = bytes.as_chunks::<8>();
    let has_zero = |x: u64| x.wrapping_sub(0x0101_0101_0101_0101) & !x & 0x8080_8080_8080_8080 != 0;
    eights.iter().any(|eight| has_zero(u64::from_le_bytes(*eight) ^ 0x8080_8080_8080_8080)) || rest.contains(&0x80)
}
