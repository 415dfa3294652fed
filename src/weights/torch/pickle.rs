//! A machine for the pickles of PyTorch checkpoints. It supports the opcodes and globals ([`super::globals`])
//! of a dictionary of tensors, and rejects all others by name. It makes descriptions of tensors, never Python
//! objects, and calls nothing.
//!
//! The values are on the [`Heap`], so the memory for a pickle is proportional to its bytes, however it is
//! nested.

use super::globals::global;
use super::heap::{Heap, Value};
use super::opcodes::{self as op, Operand};
use super::{MAX_PICKLE_BYTES, invalid, refused};
use crate::error::{Result, try_reserve};
use std::collections::HashMap;

/// The maximum length of a line after GLOBAL.
const MAX_LINE_BYTES: usize = 256;
/// Bytes taken from a chunk at a time, since bytes after the pickle may not belong to it.
const STEP_BYTES: usize = 4096;

/// Runs a pickle as it arrives.
#[derive(Default)]
pub struct Machine {
    pub heap: Heap,
    stack: Vec<Value>,
    /// The length of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
    /// The beginning of an incomplete instruction.
    held: Vec<u8>,
    seen: usize,
}

impl Machine {
    /// Takes the next bytes from the front of `chunk`, and no byte after the end of the pickle; returns its
    /// value at the end. The machine is then ready for another pickle, whose values join those of the first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`], [`crate::ErrorKind::NotAModel`],
    /// [`crate::ErrorKind::OutOfMemory`].
    pub fn push(&mut self, chunk: &mut &[u8]) -> Result<Option<Value>> {
        while !chunk.is_empty() {
            let n = chunk.len().min(STEP_BYTES);
            try_reserve(&mut self.held, n, "the list of tensors")?;
            self.held.extend_from_slice(&chunk[..n]);
            let mut bytes = std::mem::take(&mut self.held);
            let mut at = 0;
            while let Some(length) = instruction(&bytes[at..])? {
                self.seen += length;
                if self.seen > MAX_PICKLE_BYTES {
                    return Err(invalid(format!("has more than {MAX_PICKLE_BYTES} bytes")));
                }
                let (code, operand) = (bytes[at], &bytes[at + 1..at + length]);
                at += length;
                if code == op::STOP {
                    // The held bytes were less than an instruction, so the rest is from this chunk.
                    *chunk = &chunk[n - (bytes.len() - at)..];
                    return self.stop().map(Some);
                }
                self.step(code, operand)?;
            }
            bytes.drain(..at);
            self.held = bytes;
            *chunk = &chunk[n..];
        }
        Ok(None)
    }

    fn stop(&mut self) -> Result<Value> {
        let value = self.pop()?;
        if !self.stack.is_empty() {
            return Err(invalid("ends with more than one value"));
        }
        self.memo.clear();
        self.seen = 0;
        Ok(value)
    }

    fn pop(&mut self) -> Result<Value> {
        if self.stack.len() <= self.marks.last().copied().unwrap_or(0) {
            return Err(invalid("pops more values than there are"));
        }
        Ok(self.stack.pop().expect("its length was checked"))
    }

    /// The values since the last mark.
    fn pop_mark(&mut self) -> Result<Vec<Value>> {
        let mark = self.marks.pop().ok_or_else(|| invalid("lacks a mark"))?;
        Ok(self.stack.split_off(mark))
    }

    fn tuple(&mut self, length: usize) -> Result<Value> {
        let mut values = (0..length).map(|_| self.pop()).collect::<Result<Vec<_>>>()?;
        values.reverse();
        Ok(self.heap.new_tuple(values))
    }

    /// Adds `items`, alternating keys and values, to the dictionary on top.
    fn set(&mut self, items: &[Value]) -> Result<()> {
        let top = self.pop()?;
        self.heap.set(top, items)?;
        self.stack.push(top);
        Ok(())
    }

    fn append(&mut self, items: &[Value]) -> Result<()> {
        let top = self.pop()?;
        self.heap.append(top, items)?;
        self.stack.push(top);
        Ok(())
    }

    fn step(&mut self, code: u8, operand: &[u8]) -> Result<()> {
        let value = match code {
            op::PROTOCOL => {
                return match operand[0] {
                    2 => Ok(()),
                    n => Err(refused(format!("has protocol {n}, not 2: save it again with torch.save's default"))),
                };
            }
            op::MARK => {
                self.marks.push(self.stack.len());
                return Ok(());
            }
            op::PUT1 | op::PUT4 => {
                let top = self.pop()?;
                self.stack.push(top);
                self.memo.insert(little_endian(operand) as u32, top);
                return Ok(());
            }
            op::SET_ITEM => {
                let value = self.pop()?;
                let key = self.pop()?;
                return self.set(&[key, value]);
            }
            op::SET_ITEMS => {
                let items = self.pop_mark()?;
                return self.set(&items);
            }
            op::APPEND => {
                let item = self.pop()?;
                return self.append(&[item]);
            }
            op::APPENDS => {
                let items = self.pop_mark()?;
                return self.append(&items);
            }
            op::BUILD => {
                // The attributes of a dictionary: `_metadata`, the versions of modules.
                self.pop()?;
                return match self.pop()? {
                    top @ (Value::Dict(_) | Value::Other) => {
                        self.stack.push(top);
                        Ok(())
                    }
                    _ => Err(invalid("gives attributes (BUILD) to something that isn't a dictionary")),
                };
            }
            op::NONE => Value::None,
            op::TRUE | op::FALSE => Value::Bool(code == op::TRUE),
            op::INT1 | op::INT2 => Value::Int(little_endian(operand) as i64),
            op::INT4 => Value::Int(i64::from(little_endian(operand) as i32)),
            op::LONG1 => long(&operand[1..]),
            op::FLOAT => Value::Other,
            op::UNICODE | op::STRING | op::SHORT_STRING => {
                let text = &operand[if code == op::SHORT_STRING { 1 } else { 4 }..];
                let text = std::str::from_utf8(text).map_err(|_| invalid("holds a string that is not UTF-8"))?;
                self.heap.new_text(text)
            }
            op::EMPTY_TUPLE => self.tuple(0)?,
            op::TUPLE1 | op::TUPLE2 | op::TUPLE3 => self.tuple(usize::from(code - op::TUPLE1 + 1))?,
            op::TUPLE => {
                let values = self.pop_mark()?;
                self.heap.new_tuple(values)
            }
            op::EMPTY_LIST => self.heap.new_list(),
            op::EMPTY_DICT => self.heap.new_dict(Vec::new()),
            op::GLOBAL => {
                let text = std::str::from_utf8(operand).map_err(|_| invalid("names a global that is not UTF-8"))?;
                let mut lines = text.lines();
                Value::Global(global(lines.next().unwrap_or_default(), lines.next().unwrap_or_default())?)
            }
            op::REDUCE => {
                let arguments = self.pop()?;
                let function = self.pop()?;
                self.heap.call(function, arguments)?
            }
            op::PERSISTENT_ID => {
                let id = self.pop()?;
                self.heap.persistent(id)?
            }
            op::GET1 | op::GET4 => {
                let known = self.memo.get(&(little_endian(operand) as u32));
                *known.ok_or_else(|| invalid("reads a memo that it hasn't written"))?
            }
            _ => unreachable!("instruction() knows this opcode"),
        };
        self.stack.push(value);
        Ok(())
    }
}

/// The length of the instruction that `bytes` begin with; `None` if it is incomplete.
fn instruction(bytes: &[u8]) -> Result<Option<usize>> {
    let Some((&code, rest)) = bytes.split_first() else { return Ok(None) };
    let operand = op::operand(code).ok_or_else(|| {
        refused(format!(
            "uses the opcode {}, which no state_dict needs, and no code of a file is ever run. \
             If you trust the file, load it in Python and save `model.state_dict()`",
            op::name_of(code)
        ))
    })?;
    let length = match operand {
        Operand::Bytes(n) => n,
        Operand::Counted(prefix) => {
            let Some(count) = rest.get(..prefix) else { return Ok(None) };
            let count = little_endian(count) as usize;
            if count > MAX_PICKLE_BYTES {
                return Err(invalid(format!("has a string of {count} bytes")));
            }
            prefix + count
        }
        Operand::Lines => {
            let end = |from: usize| {
                let line = &rest[from..rest.len().min(from + MAX_LINE_BYTES)];
                match line.iter().position(|&byte| byte == b'\n') {
                    Some(end) => Ok(Some(from + end + 1)),
                    None if line.len() < MAX_LINE_BYTES => Ok(None),
                    None => Err(invalid(format!("names a global of more than {MAX_LINE_BYTES} bytes"))),
                }
            };
            let Some(first) = end(0)? else { return Ok(None) };
            let Some(second) = end(first)? else { return Ok(None) };
            second
        }
    };
    Ok((rest.len() >= length).then_some(1 + length))
}

/// At most eight bytes as a number.
fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte))
}

/// A number of any length; one beyond i64 has no use here.
fn long(bytes: &[u8]) -> Value {
    let Some(&last) = bytes.last() else { return Value::Int(0) };
    if bytes.len() > size_of::<i64>() {
        return Value::Other;
    }
    let mut all = [if last & 0x80 == 0 { 0 } else { 0xff }; size_of::<i64>()];
    all[..bytes.len()].copy_from_slice(bytes);
    Value::Int(i64::from_le_bytes(all))
}
