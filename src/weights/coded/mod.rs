//! A losslessly compressed (entropy-coded) safetensors file: about 8 % fewer bytes for int4, 9 % for int8.
//!
//! It is a safetensors file itself. Its only tensor ([`TENSOR`]) has these bytes, with all numbers
//! little-endian:
//!
//! - u64: the length of the file within
//! - blocks, until that many bytes are decoded:
//!   - u32: bytes of the file that the block decodes to, 1 to [`BLOCK`]; u32: bytes after the next field
//!   - u8: planes. 0: the bytes follow unchanged, as for the inner header. Otherwise 1, 2 or 4: byte i
//!     belongs to plane i mod planes, so that each byte of an f16 or f32 has its own distribution
//!   - for each plane, the frequencies of the 256 bytes, with the sum [`TOTAL`]: in one byte each, or in two
//!     if 128 or more (the first has the top bit set and the lower seven bits)
//!   - four u32, the initial states, and u16, the words that they consume
//!
//! Coding is rANS (Duda 2014; the variant with 16-bit words is from Giesen, 2014): state i mod 4 decodes byte
//! i, so that four chains of arithmetic run in parallel. A decoded block ends with all states at [`LOW`] and
//! all words consumed, which detects most damage.

mod encode;

pub use encode::{decode, encode};

use super::header::TensorInfo;
use super::stream::take;
use crate::error::{Error, ErrorKind, Result, try_reserve};
use ::safetensors::tensor::Dtype;

/// The name of the tensor that marks a file as coded; it ends with the version of the format.
pub const TENSOR: &str = "tabsense.coded.1";
/// The prefix of the names of all versions.
const TENSORS: &str = "tabsense.coded.";
/// The maximum number of bytes that a block decodes to.
pub const BLOCK: usize = 1 << 18;
/// Bits of a frequency.
const BITS: u32 = 12;
/// The sum of a plane's frequencies.
const TOTAL: u32 = 1 << BITS;
/// The lower bound of a state.
const LOW: u32 = 1 << 16;
/// States that run in parallel.
const LANES: usize = 4;
/// Bytes of a block's two lengths and its number of planes.
const HEAD: usize = 9;
/// Bytes of the length of the file within.
const PREFIX: usize = 8;
/// The maximum number of bytes of a block: as many as it decodes to, plus tables and states.
const MAX_CODED_BYTES: usize = BLOCK + 4 * 512 + 4 * LANES;

/// Whether a file of these tensors is a coded file.
///
/// # Errors
/// [`ErrorKind::WeightsHeader`] if its version is unknown.
pub fn is_coded(tensors: &[TensorInfo]) -> Result<bool> {
    match tensors {
        [one] if one.name == TENSOR && one.dtype == Dtype::U8 => Ok(true),
        [one] if one.name.starts_with(TENSORS) => Err(Error::new(
            ErrorKind::WeightsHeader,
            format!("The weights are coded as {:?}, which this version doesn't read: update tabsense.", one.name),
        )),
        _ => Ok(false),
    }
}

/// Decodes coded bytes to the bytes of the file within. Holds one block.
pub struct Decoder {
    /// The part of the current prefix, head or block received so far.
    held: Vec<u8>,
    state: State,
    /// The length of the file within, once the prefix has been read, and the bytes of it returned so far.
    length: Option<u64>,
    decoded_bytes: u64,
    tables: Vec<Table>,
    decoded: Vec<u8>,
}

#[derive(Clone, Copy)]
enum State {
    Prefix,
    Head,
    Block { bytes: usize, coded: usize, planes: usize },
}

impl Decoder {
    /// A decoder for the beginning of the tensor.
    pub fn new() -> Self {
        Self {
            held: Vec::new(),
            state: State::Prefix,
            length: None,
            decoded_bytes: 0,
            tables: Vec::new(),
            decoded: Vec::new(),
        }
    }

    /// The length of the file within, once it has been read.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// Whether the file within is complete.
    pub fn is_complete(&self) -> bool {
        self.length == Some(self.decoded_bytes)
    }

    /// Consumes bytes from the front of `chunk`, and returns bytes of the file within when a block ends. Call
    /// it until the chunk is empty.
    ///
    /// # Errors
    /// [`ErrorKind::WeightsLength`] if [`encode`] did not write the bytes; [`ErrorKind::OutOfMemory`].
    pub fn take(&mut self, chunk: &mut &[u8]) -> Result<&[u8]> {
        if self.is_complete() {
            return Err(damaged());
        }
        let wanted = match self.state {
            State::Prefix => PREFIX,
            State::Head => HEAD,
            State::Block { coded, .. } => coded,
        };
        if take(&mut self.held, chunk, &mut 0, wanted)?.is_none() {
            return Ok(&[]);
        }
        match self.state {
            State::Prefix => {
                self.length = Some(u64::from_le_bytes(self.held[..PREFIX].try_into().expect("eight bytes")));
                self.state = State::Head;
            }
            State::Head => {
                let number = |at: usize| u32::from_le_bytes(self.held[at..at + 4].try_into().expect("four bytes"));
                let (bytes, coded, planes) = (number(0) as usize, number(4) as usize, usize::from(self.held[8]));
                let left = self.length.unwrap_or(0) - self.decoded_bytes;
                let is_known = matches!(planes, 1 | 2 | 4) || (planes == 0 && bytes == coded);
                if bytes == 0 || bytes > BLOCK || bytes as u64 > left || coded > MAX_CODED_BYTES || !is_known {
                    return Err(damaged());
                }
                self.state = State::Block { bytes, coded, planes };
            }
            State::Block { bytes, planes, .. } => {
                self.state = State::Head;
                self.decoded_bytes += bytes as u64;
                if planes == 0 {
                    std::mem::swap(&mut self.decoded, &mut self.held);
                } else {
                    self.decoded.clear();
                    try_reserve(&mut self.decoded, bytes, "a block of the weights")?;
                    self.decoded.resize(bytes, 0);
                    self.decode(planes)?;
                }
                self.held.clear();
                return Ok(&self.decoded);
            }
        }
        self.held.clear();
        Ok(&[])
    }

    /// Decodes the held block into `decoded`.
    fn decode(&mut self, planes: usize) -> Result<()> {
        self.tables.resize_with(planes, Table::new);
        let mut at = 0;
        for table in &mut self.tables {
            at += table.read(&self.held[at..])?;
        }
        let mut states = [0; LANES];
        for state in &mut states {
            let word = self.held.get(at..at + 4).ok_or_else(damaged)?;
            *state = u32::from_le_bytes(word.try_into().expect("four bytes"));
            at += 4;
        }
        let end = self.held.len();
        // A round looks at eight bytes, whether it consumes them or not.
        self.held.extend([0; 2 * LANES]);
        let tables: [&Table; LANES] = std::array::from_fn(|lane| &self.tables[lane % planes]);
        let mut lanes = Lanes { tables, states, words: &self.held, at };
        let (rounds, rest) = self.decoded.as_chunks_mut::<LANES>();
        for out in rounds {
            lanes.round(out)?;
        }
        lanes.round(rest)?;
        if lanes.at != end || lanes.states != [LOW; LANES] {
            return Err(damaged());
        }
        Ok(())
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

/// The states that a block is decoded with.
struct Lanes<'a> {
    tables: [&'a Table; LANES],
    states: [u32; LANES],
    words: &'a [u8],
    at: usize,
}

impl Lanes<'_> {
    /// Decodes a byte in each lane, or fewer if `out` is shorter.
    #[inline(always)]
    fn round(&mut self, out: &mut [u8]) -> Result<()> {
        let words = self.words.get(self.at..self.at + 2 * LANES).ok_or_else(damaged)?;
        let mut words = u64::from_le_bytes(words.try_into().expect("eight bytes"));
        for ((out, state), table) in out.iter_mut().zip(&mut self.states).zip(self.tables) {
            let entry = table.entries[(*state % TOTAL) as usize];
            *out = entry as u8;
            let next = ((entry >> 20) + 1) * (*state >> BITS) + (entry >> 8) % TOTAL;
            // Branchless, because it is close to random whether a state consumes a word.
            let takes = next < LOW;
            *state = if takes { next << 16 | u32::from(words as u16) } else { next };
            words >>= 16 * u32::from(takes);
            self.at += 2 * usize::from(takes);
        }
        Ok(())
    }
}

/// The meaning of each of the [`TOTAL`] remainders of a state: the byte in the lowest 8 bits, then 12 bits
/// for the offset within the byte's share, and 12 bits for the byte's frequency minus 1.
struct Table {
    entries: Box<[u32; TOTAL as usize]>,
}

impl Table {
    fn new() -> Self {
        Self { entries: Box::new([0; TOTAL as usize]) }
    }

    /// Reads frequencies and returns their length in bytes.
    fn read(&mut self, bytes: &[u8]) -> Result<usize> {
        let (mut at, mut first) = (0, 0);
        for byte in 0..=255u32 {
            let mut next = || {
                at += 1;
                bytes.get(at - 1).map(|&byte| u32::from(byte)).ok_or_else(damaged)
            };
            let mut frequency = next()?;
            if frequency > 127 {
                frequency = frequency & 127 | next()? << 7;
            }
            let share = self.entries.get_mut(first..first + frequency as usize).ok_or_else(damaged)?;
            for (entry, bias) in share.iter_mut().zip(0..) {
                *entry = (frequency - 1) << 20 | bias << 8 | byte;
            }
            first += frequency as usize;
        }
        if first == TOTAL as usize { Ok(at) } else { Err(damaged()) }
    }
}

fn damaged() -> Error {
    Error::new(ErrorKind::WeightsLength, "The coded weights are damaged: load them again.")
}

#[cfg(test)]
mod tests;
