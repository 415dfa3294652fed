//! An ONNX file on its way in, in chunks of any size: its messages, of which tensors' data is passed on as it comes.
//!
//! Exporters write a graph's operations in front of its tensors. Where these come first, they are held until the graph
//! is known.

use super::delivery::{Delivery, Streaming};
use super::graph::Graph;
use super::tensor::{Data, External, Head, Tensor};
use super::wire::{MAX_VARINT, Value, Wire, lies, tag, varint};
use crate::error::{Result, try_reserve};
use crate::weights::header::{Header, quoted};
use crate::weights::stream::{RowSink, ended, failed_before, longer};
use std::collections::HashMap;

/// The most operations and tensors taken; an encoder of 24 layers has some 3,000.
const MOST_NODES: usize = 100_000;
/// Tensors of so many bytes are kept for what the graph says of the model.
const SMALL: usize = 64;

/// What a file says of its tensors, for checks of the graph.
#[derive(Default)]
pub struct Tensors {
    /// What each is.
    pub heads: HashMap<String, Head>,
    /// The small ones.
    pub constants: HashMap<String, Tensor>,
}

/// The state of a file on its way in.
pub struct Reader {
    open: Vec<Open>,
    step: Step,
    /// What has come of the present tag, or of a field that is read as a whole.
    held: Vec<u8>,
    at: u64,
    announced: Option<usize>,
    graph: Graph,
    has_graph: bool,
    tensors: Tensors,
    /// Tensors in front of the graph's operations.
    early: Vec<Tensor>,
    delivery: Option<Delivery>,
    tensor: Incoming,
    beside: Vec<(External, Head)>,
    /// The file that is read, if that is one beside the ONNX file.
    file: Option<Beside>,
    failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Model,
    Graph,
    Tensor,
}

struct Open {
    level: Level,
    end: u64,
}

enum Step {
    Tag,
    /// A field that is read as a whole.
    Field {
        field: u32,
        wire: Wire,
        left: u64,
    },
    Skip {
        left: u64,
    },
    Raw {
        left: u64,
    },
}

/// A tensor on its way in.
#[derive(Default)]
struct Incoming {
    head: Head,
    data: Data,
    to: To,
}

/// Where a tensor's bytes go.
#[derive(Default)]
enum To {
    /// They have not begun.
    #[default]
    Nothing,
    Held(Vec<u8>),
    Rows(Streaming),
    Skipped,
}

/// A file beside the ONNX file.
struct Beside {
    location: String,
    at: u64,
    /// The first of [`Reader::beside`] that is not complete.
    next: usize,
}

impl Reader {
    /// A reader of a file that is announced to have `announced` bytes, where that is known.
    pub fn new(announced: Option<usize>) -> Self {
        let end = announced.map_or(u64::MAX, |bytes| bytes as u64);
        Self {
            open: vec![Open { level: Level::Model, end }],
            step: Step::Tag,
            held: Vec::new(),
            at: 0,
            announced,
            graph: Graph::default(),
            has_graph: false,
            tensors: Tensors::default(),
            early: Vec::new(),
            delivery: None,
            tensor: Incoming::default(),
            beside: Vec::new(),
            file: None,
            failed: false,
        }
    }

    /// The header of the checkpoint that the file's weights are, once so much is known of them.
    pub fn header(&self) -> Option<&Header> {
        self.delivery.as_ref()?.header()
    }

    /// Takes the file's next bytes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`], [`crate::ErrorKind::WeightsMismatch`],
    /// [`crate::ErrorKind::WeightsNotFinite`], [`crate::ErrorKind::OutOfMemory`], and whatever `sink` finds. After an
    /// error the reader takes nothing more.
    pub fn push(&mut self, chunk: &[u8], sink: &mut impl RowSink) -> Result<()> {
        if self.failed {
            return Err(failed_before());
        }
        let result = if self.file.is_some() { self.push_beside(chunk, sink) } else { self.advance(chunk, sink) };
        if result.is_err() {
            self.failed = true;
            (self.held, self.early, self.delivery, self.tensor) = Default::default();
        }
        result
    }

    /// That the file is complete: the name of one beside it that the weights go on in, whose bytes come next.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsLength`] where bytes are missing.
    pub fn end_file(&mut self) -> Result<Option<String>> {
        let begun = match &self.file {
            Some(file) => {
                let of_this = |(place, _): &&(External, Head)| place.location == file.location;
                if self.beside[file.next..].iter().any(|one| of_this(&one)) {
                    return Err(ended(file.at as usize, format_args!("more of {}", quoted(&file.location))));
                }
                file.next
            }
            None => {
                self.is_whole()?;
                0
            }
        };
        let Some((place, _)) = self.beside.get(begun) else { return Ok(None) };
        let location = place.location.clone();
        self.file = Some(Beside { location: location.clone(), at: 0, next: begun });
        Ok(Some(location))
    }

    fn is_whole(&self) -> Result<()> {
        if self.failed {
            return Err(failed_before());
        }
        let at_a_field = self.open.len() == 1 && matches!(self.step, Step::Tag) && self.held.is_empty();
        if !at_a_field || self.announced.is_some_and(|announced| announced as u64 != self.at) {
            let whole = self.announced.map_or_else(|| "more".to_owned(), |bytes| bytes.to_string());
            return Err(ended(self.at as usize, whole));
        }
        if !self.has_graph {
            return Err(lies("has no graph"));
        }
        Ok(())
    }

    /// That all is there, the files beside it, too.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsLength`] where bytes are missing; [`crate::ErrorKind::WeightsHeader`] where a tensor
    /// is.
    pub fn finish(&self) -> Result<()> {
        self.is_whole()?;
        let read = self.file.as_ref().map_or(0, |file| file.next);
        if let Some((place, _)) = self.beside.get(read) {
            return Err(ended(self.at as usize, format_args!("those with {}", quoted(&place.location))));
        }
        match self.delivery.as_ref().map(|delivery| delivery.missing()) {
            None => Err(lies("has no graph")),
            Some(None) => Ok(()),
            Some(Some(weight)) => {
                let held = weight.tensors().find(|name| !self.tensors.heads.contains_key(*name)).unwrap_or(&weight.data);
                Err(lies(format_args!("lacks the tensor {}, of {}", quoted(held), quoted(&weight.parts[0].name))))
            }
        }
    }

    fn advance(&mut self, mut chunk: &[u8], sink: &mut impl RowSink) -> Result<()> {
        loop {
            while self.open.len() > 1 && matches!(self.step, Step::Tag) && self.open.last().is_some_and(|open| open.end == self.at) {
                if !self.held.is_empty() {
                    return Err(lies("has a field that ends too early"));
                }
                self.close(sink)?;
            }
            if chunk.is_empty() {
                return Ok(());
            }
            if self.at == self.open[0].end {
                return Err(longer(self.at as usize));
            }
            match &mut self.step {
                Step::Tag => {
                    self.held.push(chunk[0]);
                    chunk = &chunk[1..];
                    self.at += 1;
                    self.begin(sink)?;
                }
                Step::Skip { left } => {
                    let n = part(*left, &mut chunk).len() as u64;
                    (*left, self.at) = (*left - n, self.at + n);
                    if *left == 0 {
                        self.step = Step::Tag;
                    }
                }
                Step::Field { left, .. } => {
                    let bytes = part(*left, &mut chunk);
                    try_reserve(&mut self.held, bytes.len(), "a part of the ONNX file")?;
                    self.held.extend_from_slice(bytes);
                    (*left, self.at) = (*left - bytes.len() as u64, self.at + bytes.len() as u64);
                    if *left == 0 {
                        self.field(sink)?;
                    }
                }
                Step::Raw { left } => {
                    let bytes = part(*left, &mut chunk);
                    (*left, self.at) = (*left - bytes.len() as u64, self.at + bytes.len() as u64);
                    if *left == 0 {
                        self.step = Step::Tag;
                    }
                    self.tensor.push(bytes, self.delivery.as_mut(), sink)?;
                }
            }
        }
    }

    /// Begins the field whose tag is held, if it is there as a whole.
    fn begin(&mut self, sink: &mut impl RowSink) -> Result<()> {
        let Some((n, length)) = varint(&self.held)? else { return Ok(()) };
        let (field, wire) = tag(n)?;
        let left = match wire {
            Wire::Fixed32 => 4,
            Wire::Fixed64 => 8,
            Wire::Varint | Wire::Bytes => {
                let Some((value, _)) = varint(&self.held[length..])? else {
                    return if self.held.len() < 2 * MAX_VARINT { Ok(()) } else { Err(lies("has a number without an end")) };
                };
                if wire == Wire::Varint {
                    self.held.clear();
                    return self.value(field, Value::Varint(value), sink);
                }
                value
            }
        };
        self.held.clear();
        let Open { level, end } = *self.open.last().expect("the model is open");
        let place = self.at.checked_add(left).filter(|place| *place <= end);
        let place = place.ok_or_else(|| lies("has a field that is longer than what it is in"))?;
        self.step = match (level, field, wire) {
            (Level::Model, 7, Wire::Bytes) | (Level::Graph, 5, Wire::Bytes) => {
                let level = if level == Level::Model { Level::Graph } else { Level::Tensor };
                self.enter(level, place, sink)?;
                Step::Tag
            }
            (Level::Tensor, 9, Wire::Bytes) if self.tensor.head.is_known() => {
                let head = std::mem::take(&mut self.tensor.head);
                self.note(&head)?;
                self.tensor.head = head;
                self.tensor.begin(left, self.delivery.as_mut(), sink)?;
                if left == 0 { Step::Tag } else { Step::Raw { left } }
            }
            (Level::Graph, 15, _) => return Err(lies("has sparse tensors, which are not read")),
            (Level::Graph, 1, _) | (Level::Tensor, _, _) if left > 0 => Step::Field { field, wire, left },
            (Level::Graph, 1, _) | (Level::Tensor, _, _) => return self.value(field, Value::Bytes(&[]), sink),
            _ if left == 0 => Step::Tag,
            _ => Step::Skip { left },
        };
        Ok(())
    }

    fn enter(&mut self, level: Level, end: u64, sink: &mut impl RowSink) -> Result<()> {
        if level == Level::Graph && std::mem::replace(&mut self.has_graph, true) {
            return Err(lies("has two graphs"));
        }
        if level == Level::Tensor {
            if self.tensors.heads.len() >= MOST_NODES {
                return Err(lies(format_args!("has more than {MOST_NODES} tensors")));
            }
            if self.delivery.is_none() && !self.graph.nodes().is_empty() {
                self.deliver(sink)?;
            }
            self.tensor = Incoming::default();
        }
        self.open.push(Open { level, end });
        Ok(())
    }

    /// A field is held as a whole.
    fn field(&mut self, sink: &mut impl RowSink) -> Result<()> {
        let Step::Field { field, wire, .. } = std::mem::replace(&mut self.step, Step::Tag) else { unreachable!() };
        let held = std::mem::take(&mut self.held);
        let value = match wire {
            Wire::Fixed32 => Value::Fixed32(held[..].try_into().expect("four bytes")),
            Wire::Fixed64 => Value::Fixed64(held[..].try_into().expect("eight bytes")),
            _ => Value::Bytes(&held),
        };
        self.value(field, value, sink)
    }

    fn value(&mut self, field: u32, value: Value, sink: &mut impl RowSink) -> Result<()> {
        self.step = Step::Tag;
        match (self.open.last().expect("the model is open").level, field) {
            (Level::Graph, 1) => {
                if self.delivery.is_some() {
                    return Err(lies("has operations behind its tensors and in front of them: write it anew with onnx.save"));
                }
                if self.graph.nodes().len() >= MOST_NODES {
                    return Err(lies(format_args!("has more than {MOST_NODES} operations")));
                }
                if let Some((name, mut tensor)) = self.graph.add(value.bytes())? {
                    tensor.head.name = name;
                    self.note(&tensor.head)?;
                    self.whole(tensor, sink)?;
                }
            }
            (Level::Tensor, _) => {
                let incoming = &mut self.tensor;
                let begun = !matches!(incoming.to, To::Nothing);
                let of_head = incoming.head.take(field, value)?;
                // Where its bytes lie may be told behind them, what they are may not.
                if begun && !(of_head && matches!(field, 13 | 14)) && matches!(field, 1..=11) {
                    return Err(lies(format_args!("has {} with its fields out of order", quoted(&incoming.head.name))));
                }
                if !of_head {
                    incoming.data.take(field, value)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A message ends.
    fn close(&mut self, sink: &mut impl RowSink) -> Result<()> {
        match self.open.pop().expect("one is open").level {
            Level::Tensor => {
                let Incoming { head, data, to } = std::mem::take(&mut self.tensor);
                match to {
                    To::Nothing => {
                        self.note(&head)?;
                        self.whole(data.finish(head)?, sink)?;
                    }
                    To::Held(bytes) => self.whole(Tensor { head, bytes }, sink)?,
                    To::Rows(_) | To::Skipped => {}
                }
            }
            Level::Graph => {
                if self.delivery.is_none() {
                    self.deliver(sink)?;
                }
                // Tensors of one file in the order of their bytes.
                self.beside.sort_by(|(a, _), (b, _)| (&a.location, a.offset, a.length).cmp(&(&b.location, b.offset, b.length)));
                sink.graph(&self.graph, &self.tensors)?;
            }
            Level::Model => unreachable!("the model ends with the file"),
        }
        Ok(())
    }

    /// Remembers what a tensor is.
    fn note(&mut self, head: &Head) -> Result<()> {
        match self.tensors.heads.insert(head.name.clone(), head.clone()) {
            None => Ok(()),
            Some(_) => Err(lies(format_args!("has {} twice", quoted(&head.name)))),
        }
    }

    /// A tensor has come as a whole, or its place beside the file.
    fn whole(&mut self, tensor: Tensor, sink: &mut impl RowSink) -> Result<()> {
        if tensor.bytes.len() <= SMALL {
            self.tensors.constants.insert(tensor.head.name.clone(), tensor.clone());
        }
        match &mut self.delivery {
            None => {
                self.early.push(tensor);
                Ok(())
            }
            Some(delivery) => give(delivery, &mut self.beside, tensor, sink),
        }
    }

    /// The operations are known: what is wanted is asked for, and what came before is given on.
    fn deliver(&mut self, sink: &mut impl RowSink) -> Result<()> {
        let mut delivery = Delivery::new(sink.wanted(&self.graph)?);
        for tensor in std::mem::take(&mut self.early) {
            give(&mut delivery, &mut self.beside, tensor, sink)?;
        }
        self.delivery = Some(delivery);
        Ok(())
    }

    /// Takes bytes of the file beside this one.
    fn push_beside(&mut self, mut chunk: &[u8], sink: &mut impl RowSink) -> Result<()> {
        let file = self.file.as_mut().expect("a file was begun");
        let delivery = self.delivery.as_mut();
        let Some(delivery) = delivery else { return Err(failed_before()) };
        while !chunk.is_empty() {
            let next = self.beside.get(file.next).filter(|(place, _)| place.location == file.location);
            let Some((place, head)) = next else { return Ok(()) };
            if file.at < place.offset {
                file.at += part(place.offset - file.at, &mut chunk).len() as u64;
                continue;
            }
            if matches!(self.tensor.to, To::Nothing) {
                if file.at > place.offset {
                    return Err(lies(format_args!("has tensors that overlap in {}", quoted(&place.location))));
                }
                self.tensor = Incoming { head: head.clone(), ..Incoming::default() };
                self.tensor.begin(place.length, Some(delivery), sink)?;
            }
            let bytes = part(place.offset + place.length - file.at, &mut chunk);
            file.at += bytes.len() as u64;
            self.tensor.push(bytes, Some(delivery), sink)?;
            if file.at == place.offset + place.length {
                if let Incoming { head, to: To::Held(bytes), .. } = std::mem::take(&mut self.tensor) {
                    delivery.tensor(Tensor { head, bytes }, sink)?;
                }
                file.next += 1;
            }
        }
        Ok(())
    }
}

/// Gives a tensor on, or notes its place beside the file.
fn give(
    delivery: &mut Delivery,
    beside: &mut Vec<(External, Head)>,
    tensor: Tensor,
    sink: &mut impl RowSink,
) -> Result<()> {
    if !delivery.needs(&tensor.head.name) {
        return Ok(());
    }
    delivery.head(&tensor.head, sink)?;
    match tensor.head.external()? {
        Some(place) => beside.push((place, tensor.head)),
        None => delivery.tensor(tensor, sink)?,
    }
    Ok(())
}

impl Incoming {
    /// `length` bytes of data follow.
    fn begin(&mut self, length: u64, delivery: Option<&mut Delivery>, sink: &mut impl RowSink) -> Result<()> {
        if self.head.bytes()?.is_some_and(|bytes| bytes != length) {
            return Err(lies(format_args!("gives {} another length than its sizes have", quoted(&self.head.name))));
        }
        self.to = match delivery {
            Some(delivery) if delivery.needs(&self.head.name) => {
                delivery.head(&self.head, sink)?;
                delivery.stream(&self.head)?.map_or_else(|| To::Held(Vec::new()), To::Rows)
            }
            Some(_) if length > SMALL as u64 => To::Skipped,
            _ => To::Held(Vec::new()),
        };
        Ok(())
    }

    fn push(&mut self, bytes: &[u8], delivery: Option<&mut Delivery>, sink: &mut impl RowSink) -> Result<()> {
        match (&mut self.to, delivery) {
            (To::Held(held), _) => {
                try_reserve(held, bytes.len(), "a tensor")?;
                held.extend_from_slice(bytes);
            }
            (To::Rows(rows), Some(delivery)) => delivery.push(&self.head, rows, bytes, sink)?,
            _ => {}
        }
        Ok(())
    }
}

/// Takes at most `left` bytes from the front of `chunk`.
fn part<'a>(left: u64, chunk: &mut &'a [u8]) -> &'a [u8] {
    let n = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
    let (bytes, rest) = chunk.split_at(n);
    *chunk = rest;
    bytes
}
