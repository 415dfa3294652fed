//! Weight matrices on the device: written row by row while they stream in, and read back for the self-test.

use super::device::Device;
use super::geometry;
use super::kernels::Format;
use super::memory::GpuBuffer;
use super::read::Mapping;
use crate::backend::cpu::{CpuBackend, linear};
use crate::backend::{Backend, LinearBuilder as _, Precision};
use crate::error::{Error, ErrorKind, Result, try_vec};
use crate::weights::int4;
use crate::weights::quantize::quantize_row;
use half::f16;
use std::rc::Rc;

/// Rows are padded with zeros to a multiple of this many numbers.
pub const BLOCK: usize = geometry::ALIGN as usize;
/// Matrices are padded with rows of zeros to a multiple of this many rows.
const ROW_BLOCK: usize = geometry::WEIGHT_ROWS as usize;
/// Bytes that are collected before they are passed to the queue, which copies them each time.
const STAGING: usize = 256 << 10;
/// Bytes that are read back at a time.
const READ_BACK: usize = 2 << 20;
/// The purpose of an allocation, for its error message.
const WHAT: &str = "a weight matrix";
/// The largest finite half.
const HALF_MAX: f32 = 65_504.0;

/// A weight matrix (M, K) with its bias, on the device.
///
/// Rows of K numbers in `format`, padded to [`BLOCK`]; a weight is number · scale of its row. A row of int4
/// is K / 2 bytes as [`int4`] stores them, followed by the groups' scales, in f32 as in ONNX files.
pub struct Linear {
    device: Rc<Device>,
    out_features: usize,
    in_features: usize,
    pub(super) format: Format,
    pub(super) weights: GpuBuffer,
    // (bias, scale) of each row.
    pub(super) columns: GpuBuffer,
    // The sum of `weights` as they were sent.
    checksum: u64,
}

impl Format {
    /// How weights of a precision are stored.
    pub const fn of(precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::F32,
            Precision::F16 => Self::F16,
            Precision::Int8 => Self::Int8,
            Precision::Int4 => Self::Int4,
        }
    }

    /// Bytes of a row of `columns` columns.
    const fn row_bytes(self, columns: usize) -> usize {
        let padded = columns.next_multiple_of(BLOCK);
        match self {
            Self::F32 => 4 * padded,
            Self::F16 => 2 * padded,
            Self::Int8 => padded,
            Self::Int4 => columns / 2 + size_of::<f32>() * (columns / int4::GROUP),
        }
    }
}

impl Linear {
    /// M
    pub fn out_features(&self) -> usize {
        self.out_features
    }

    /// K
    pub fn in_features(&self) -> usize {
        self.in_features
    }

    fn row_bytes(&self) -> usize {
        self.format.row_bytes(self.in_features)
    }

    /// The matrix as the device holds it, packed for the CPU.
    ///
    /// # Errors
    /// [`crate::ErrorKind::DeviceLost`], [`crate::ErrorKind::OutOfMemory`].
    pub async fn read_back(&self, cpu: &CpuBackend) -> Result<linear::Linear> {
        let precision = if self.format == Format::Int8 { Precision::Int8 } else { Precision::F32 };
        let mut builder = cpu.linear_builder(self.out_features, self.in_features, precision)?;
        let mut columns: Vec<[f32; 2]> = try_vec(self.out_features, WHAT)?;
        let row_bytes = self.row_bytes();
        let mut checksum = 0u64;
        let step = (READ_BACK / row_bytes.max(1)).max(1);
        let mut row = try_vec(self.in_features, WHAT)?;
        let parts = (0..self.out_features).step_by(step).map(|first| {
            let rows = step.min(self.out_features - first);
            (&self.weights, first * row_bytes, rows * row_bytes)
        });
        let of_columns = (&self.columns, 0, size_of_val(&columns[..]));
        // All copies are started before the first is awaited.
        let mut copies = self.copies([of_columns].into_iter().chain(parts)).into_iter();
        let Copied { mapping, readable: _readable } = copies.next().expect("that of the columns");
        mapping.finish(&self.device, |bytes| bytemuck::cast_slice_mut(&mut columns).copy_from_slice(bytes)).await?;
        for (first, Copied { mapping, readable: _readable }) in (0..).step_by(step).zip(copies) {
            let taken = mapping.finish(&self.device, |bytes| {
                checksum = checksum.wrapping_add(sum_words(first * row_bytes, bytes));
                for (m, stored) in (first..).zip(bytes.chunks_exact(row_bytes)) {
                    match self.format {
                        Format::Int8 => {
                            builder.row_i8(m, bytemuck::cast_slice(&stored[..self.in_features]));
                            continue;
                        }
                        Format::F32 => row.iter_mut().zip(floats(stored)).for_each(|(to, x)| *to = x),
                        Format::F16 => {
                            let halves = stored.as_chunks().0.iter().map(|b| f16::from_le_bytes(*b).to_f32());
                            row.iter_mut().zip(halves).for_each(|(to, x)| *to = x);
                        }
                        Format::Int4 => {
                            let (packed, scales) = stored.split_at(self.in_features / 2);
                            int4::dequantize(packed, &floats(scales).collect::<Vec<_>>(), &mut row);
                        }
                    }
                    let scale = columns[m][1];
                    row.iter_mut().for_each(|x| *x *= scale);
                    builder.row_f32(m, &row);
                }
            });
            taken.await?;
        }
        if checksum != self.checksum {
            return Err(Error::new(
                ErrorKind::WebgpuUnusable,
                "The weights read back from the graphics device differ from those sent.",
            ));
        }
        let (bias, scales): (Vec<f32>, Vec<f32>) = columns.iter().map(|[bias, scale]| (*bias, *scale)).unzip();
        builder.bias(0, &bias);
        if self.format == Format::Int8 {
            builder.scales(0, &scales);
        }
        Ok(builder.finish())
    }

    /// Starts to copy parts of buffers, each given as a buffer, an offset and a length.
    fn copies<'a>(&self, parts: impl Iterator<Item = (&'a GpuBuffer, usize, usize)>) -> Vec<Copied> {
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let mut encoder = self.device.device.create_command_encoder(&Default::default());
        let copy = |(from, offset, bytes): (&GpuBuffer, usize, usize)| {
            let readable = GpuBuffer::new(&self.device, bytes as u64, usage);
            encoder.copy_buffer_to_buffer(&from.raw, offset as u64, &readable.raw, 0, bytes as u64);
            (readable, bytes as u64)
        };
        let copies: Vec<_> = parts.map(copy).collect();
        self.device.queue.submit([encoder.finish()]);
        let started =
            copies.into_iter().map(|(readable, bytes)| Copied { mapping: Mapping::start(&readable, bytes), readable });
        started.collect()
    }
}

/// A part of a buffer that is being copied back.
struct Copied {
    // Declared before the buffer that it maps, so that it is dropped first.
    mapping: Mapping,
    readable: GpuBuffer,
}

/// Σ word · (2·place + 1) modulo 2^64 over the words of `bytes`, the first at `offset` in the matrix. It
/// doesn't depend on how the matrix is cut, and changes with any word that changes or moves.
fn sum_words(offset: usize, bytes: &[u8]) -> u64 {
    let words = bytes.as_chunks().0.iter().map(|b| u64::from(u32::from_le_bytes(*b)));
    let places = (offset / size_of::<u32>()) as u64..;
    words.zip(places).fold(0, |sum, (word, place)| sum.wrapping_add(word.wrapping_mul(2 * place + 1)))
}

/// The numbers that are stored in `bytes`.
fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b))
}

/// A matrix being loaded.
pub struct LinearBuilder {
    linear: Linear,
    columns: Vec<[f32; 2]>,
    // Whole rows, starting at `first`, that have not been sent yet.
    staging: Vec<u8>,
    first: usize,
    int8: Vec<i8>,
    int4: Vec<u8>,
    group_scales: Vec<f32>,
}

impl LinearBuilder {
    /// Allocates a matrix (M, K) in `format`. If the device has no room for it, its error scope reports that.
    ///
    /// # Errors
    /// [`ErrorKind::OutOfMemory`].
    pub fn new(device: &Rc<Device>, out_features: usize, in_features: usize, format: Format) -> Result<Self> {
        let rows = out_features.next_multiple_of(ROW_BLOCK);
        // 64 bits: the device, not this address space, decides what is too large.
        let row_bytes = format.row_bytes(in_features) as u64;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        let buffer = |bytes: u64| GpuBuffer::new(device, bytes.max(BLOCK as u64), usage);
        let linear = Linear {
            device: device.clone(),
            out_features,
            in_features,
            format,
            weights: buffer((rows as u64).saturating_mul(row_bytes)),
            columns: buffer((rows as u64).saturating_mul(size_of::<[f32; 2]>() as u64)),
            checksum: 0,
        };
        let mut columns = try_vec(rows, WHAT)?;
        columns.fill([0.0, 1.0]);
        let mut staging = try_vec(linear.row_bytes().max(STAGING), WHAT)?;
        staging.clear();
        let of_format = |of: Format, columns: usize| if format == of { columns } else { 0 };
        let int8 = try_vec(of_format(Format::Int8, in_features), WHAT)?;
        let int4 = try_vec(of_format(Format::Int4, in_features), WHAT)?;
        let group_scales = try_vec(of_format(Format::Int4, in_features / int4::GROUP), WHAT)?;
        Ok(Self { linear, columns, staging, first: 0, int8, int4, group_scales })
    }

    /// Makes `m` the next row of `staging`.
    fn seek(&mut self, m: usize) {
        let bytes = self.linear.row_bytes();
        if m != self.first + self.staging.len() / bytes.max(1) || self.staging.len() + bytes > STAGING {
            self.flush();
            self.first = m;
        }
    }

    fn pad(&mut self) {
        let bytes = self.linear.row_bytes();
        self.staging.resize(self.staging.len().next_multiple_of(bytes.max(1)), 0);
    }

    fn flush(&mut self) {
        let offset = self.first * self.linear.row_bytes();
        if !self.staging.is_empty() {
            let sum = sum_words(offset, &self.staging);
            self.linear.checksum = self.linear.checksum.wrapping_add(sum);
            self.linear.device.queue.write_buffer(&self.linear.weights.raw, offset as u64, &self.staging);
        }
        self.staging.clear();
    }

    fn push_i8(&mut self, m: usize, row: &[i8]) {
        self.seek(m);
        match self.linear.format {
            Format::Int8 => self.staging.extend_from_slice(bytemuck::cast_slice(row)),
            // The shader applies the scale here, too.
            Format::F16 => self.staging.extend(row.iter().flat_map(|w| f16::from(*w).to_le_bytes())),
            Format::F32 => self.staging.extend(row.iter().flat_map(|w| f32::from(*w).to_le_bytes())),
            Format::Int4 => unreachable!("a matrix of which a part is stored as int8 is not int4"),
        }
        self.pad();
    }

    fn push_i4(&mut self, m: usize, packed: impl IntoIterator<Item = u8>, group_scales: &[f32]) {
        self.seek(m);
        self.staging.extend(packed);
        self.staging.extend_from_slice(bytemuck::cast_slice(group_scales));
        self.pad();
    }
}

impl crate::backend::LinearBuilder for LinearBuilder {
    type Linear = Linear;

    fn row_f32(&mut self, m: usize, row: &[f32]) {
        match self.linear.format {
            Format::F32 => {
                self.seek(m);
                self.staging.extend_from_slice(bytemuck::cast_slice(row));
                self.pad();
            }
            Format::F16 => {
                self.seek(m);
                // A row that exceeds the range of halves is scaled back into it by a power of two, which is
                // exact.
                let largest = row.iter().fold(0.0f32, |m, w| m.max(w.abs()));
                let scale = if largest > HALF_MAX { (largest / HALF_MAX).log2().ceil().exp2() } else { 1.0 };
                self.columns[m][1] = scale;
                self.staging.extend(row.iter().flat_map(|w| f16::from_f32(w / scale).to_le_bytes()));
                self.pad();
            }
            Format::Int8 => {
                let mut quantized = std::mem::take(&mut self.int8);
                self.columns[m][1] = quantize_row(row, &mut quantized);
                self.push_i8(m, &quantized);
                self.int8 = quantized;
            }
            Format::Int4 => {
                let (mut q, mut scales) = (std::mem::take(&mut self.int4), std::mem::take(&mut self.group_scales));
                int4::quantize_row(row, &mut q, &mut scales);
                self.push_i4(m, int4::pack(&q), &scales);
                (self.int4, self.group_scales) = (q, scales);
            }
        }
    }

    fn row_i8(&mut self, m: usize, row: &[i8]) {
        self.push_i8(m, row);
    }

    fn row_i4(&mut self, m: usize, packed: &[u8], group_scales: &[f32]) {
        match self.linear.format {
            Format::Int4 => self.push_i4(m, packed.iter().copied(), group_scales),
            _ => self.row_f32(m, &int4::dequantized(packed, group_scales)),
        }
    }

    fn scales(&mut self, first: usize, scales: &[f32]) {
        self.columns[first..].iter_mut().zip(scales).for_each(|(column, scale)| column[1] = *scale);
    }

    fn bias(&mut self, first: usize, bias: &[f32]) {
        self.columns[first..].iter_mut().zip(bias).for_each(|(column, bias)| column[0] = *bias);
    }

    fn finish(mut self) -> Linear {
        self.flush();
        let columns = bytemuck::cast_slice(&self.columns);
        self.linear.device.queue.write_buffer(&self.linear.columns.raw, 0, columns);
        self.linear
    }
}
