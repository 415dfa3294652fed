//! Reads an ONNX file and its external data while they stream.
//! Exporters write a graph's operations before its tensors. If tensors come first, they are held until the graph is
//! known.

use super::by_name::ByName;
use super::delivery::Delivery;
use super::graph::Graph;
use super::incoming::{Destination, Incoming, SMALL};
use super::messages::{Event, Level, Messages, part};
use super::tensor::{External, Head, Tensor};
use super::wire::invalid;
use crate::error::{Error, ErrorKind, Result};
use crate::weights::header::{Header, MAX_TENSORS, quoted};
use crate::weights::stream::{RowSink, failed_before};

/// The maximum number of operations and of tensors; an encoder of 24 layers has about 3,000.
const MAX_NODES: usize = 100_000;

/// What a file says about its tensors, for checks of the graph.
#[derive(Default)]
pub struct Tensors {
    all: ByName<Entry>,
}

struct Entry {
    head: Head,
    /// Only for a small tensor.
    tensor: Option<Tensor>,
}

impl Tensors {
    /// The description of each tensor, in the order of the file.
    pub fn heads(&self) -> impl Iterator<Item = &Head> {
        self.all.values().iter().map(|entry| &entry.head)
    }

    /// The number in a tensor that has only one.
    pub fn number(&self, name: &str) -> Option<f32> {
        self.all.get(name)?.tensor.as_ref()?.number()
    }

    /// Records the description of a tensor.
    fn add(&mut self, head: &Head) -> Result<()> {
        if self.all.len() >= MAX_NODES {
            return Err(invalid(format_args!("has more than {MAX_NODES} tensors")));
        }
        if self.all.insert(&head.name, Entry { head: head.clone(), tensor: None }) {
            return Ok(());
        }
        Err(invalid(format_args!("has {} twice", quoted(&head.name))))
    }
}

/// Reads a file as it arrives.
pub struct Reader {
    messages: Messages,
    graph: Graph,
    has_graph: bool,
    tensors: Tensors,
    /// Tensors that came before the graph's operations.
    early: Vec<Tensor>,
    delivery: Option<Delivery>,
    tensor: Incoming,
    /// Tensors in other files, in the order of their bytes.
    external: Vec<(External, Head)>,
    /// The external file being read, if any.
    file: Option<ExternalFile>,
    failed: bool,
}

/// An external file, next to the ONNX file.
struct ExternalFile {
    location: String,
    at: u64,
    /// The first of [`Reader::external`] that is not complete.
    next: usize,
}

impl Reader {
    /// A reader of a file announced to have `announced` bytes, if known.
    pub fn new(announced: Option<usize>) -> Self {
        Self {
            messages: Messages::new(announced),
            graph: Graph::default(),
            has_graph: false,
            tensors: Tensors::default(),
            early: Vec::new(),
            delivery: None,
            tensor: Incoming::default(),
            external: Vec::new(),
            file: None,
            failed: false,
        }
    }

    /// The header of the checkpoint that the weights form, once enough is known.
    pub fn header(&self) -> Option<&Header> {
        self.delivery.as_ref()?.header()
    }

    /// Reads the file's next bytes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsHeader`], [`crate::ErrorKind::WeightsMismatch`],
    /// [`crate::ErrorKind::WeightsNotFinite`], [`crate::ErrorKind::OutOfMemory`], and the errors of `sink`. After an
    /// error the reader rejects further calls.
    pub fn push(&mut self, chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        if self.failed {
            return Err(failed_before());
        }
        let result = if self.file.is_some() { self.push_external(chunk, sink) } else { self.advance(chunk, sink) };
        if result.is_err() {
            self.failed = true;
            (self.early, self.delivery, self.tensor) = Default::default();
        }
        result
    }

    /// Ends the current file and returns the name of the file next to it that continues the weights, if any.
    /// Its bytes come next.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsLength`] if bytes are missing.
    pub fn end_file(&mut self) -> Result<Option<String>> {
        self.check_complete()?;
        let next = self.file.as_ref().map_or(0, |file| file.next);
        let Some((place, _)) = self.external.get(next) else { return Ok(None) };
        let location = place.location.clone();
        if self.file.as_ref().is_some_and(|file| file.location == location) {
            return Err(ended_early(place));
        }
        self.file = Some(ExternalFile { location: location.clone(), at: 0, next });
        Ok(Some(location))
    }

    fn check_complete(&self) -> Result<()> {
        if self.failed {
            return Err(failed_before());
        }
        self.messages.check_complete()?;
        if self.has_graph { Ok(()) } else { Err(invalid("has no graph")) }
    }

    /// Checks that everything has arrived, including external files.
    ///
    /// # Errors
    /// [`crate::ErrorKind::WeightsLength`] if bytes are missing; [`crate::ErrorKind::WeightsHeader`] if a
    /// tensor is missing.
    pub fn finish(&self) -> Result<()> {
        self.check_complete()?;
        let read = self.file.as_ref().map_or(0, |file| file.next);
        if let Some((place, _)) = self.external.get(read) {
            return Err(ended_early(place));
        }
        let missing = self.delivery.as_ref().and_then(Delivery::missing);
        missing.map_or(Ok(()), |weight| {
            let held = weight.tensors().find(|name| !self.tensors.all.has(name)).unwrap_or(&weight.data);
            Err(invalid(format_args!("lacks the tensor {}, of {}", quoted(held), quoted(&weight.parts[0].name))))
        })
    }

    fn advance(&mut self, mut chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        while let Some(event) = self.messages.next(&mut chunk, self.tensor.head.is_known())? {
            match event {
                Event::Enter(Level::Tensor) => {
                    if self.delivery.is_none() && !self.graph.nodes().is_empty() {
                        self.deliver(sink)?;
                    }
                }
                Event::Enter(_) => {
                    if std::mem::replace(&mut self.has_graph, true) {
                        return Err(invalid("has two graphs"));
                    }
                }
                Event::Field(1, node) if self.messages.level() == Level::Graph => {
                    if self.delivery.is_some() {
                        return Err(invalid("has operations before and after its tensors: save it again"));
                    }
                    if self.graph.nodes().len() >= MAX_NODES {
                        return Err(invalid(format_args!("has more than {MAX_NODES} operations")));
                    }
                    if let Some((name, mut tensor)) = self.graph.add(node.value().bytes())? {
                        tensor.head.name = name;
                        self.tensors.add(&tensor.head)?;
                        self.add_tensor(tensor, sink)?;
                    }
                }
                Event::Field(field, content) => self.tensor.field(field, &content)?,
                Event::DataBegins(bytes) => {
                    self.tensors.add(&self.tensor.head)?;
                    self.tensor.begin(bytes, self.delivery.as_mut(), sink)?;
                }
                Event::Data(bytes) => self.tensor.push(bytes, self.delivery.as_mut(), sink)?,
                Event::Leave(Level::Tensor) => {
                    let Incoming { head, data, to } = std::mem::take(&mut self.tensor);
                    match to {
                        Destination::Nothing => {
                            self.tensors.add(&head)?;
                            self.add_tensor(data.finish(head)?, sink)?;
                        }
                        Destination::Held(bytes) => self.add_tensor(Tensor { head, bytes }, sink)?,
                        Destination::Rows(_) | Destination::Skipped => {}
                    }
                }
                Event::Leave(_) => {
                    if self.delivery.is_none() {
                        self.deliver(sink)?;
                    }
                    let place = |(place, _): &(External, Head)| (place.location.clone(), place.offset, place.length);
                    crate::order::sort_by_key(&mut self.external, place);
                    let overlaps = |pair: &&[(External, Head)]| {
                        let (a, b) = (&pair[0].0, &pair[1].0);
                        a.location == b.location && a.offset + a.length > b.offset
                    };
                    if let Some(pair) = self.external.windows(2).find(overlaps) {
                        return Err(invalid(format_args!(
                            "has tensors that overlap in {}",
                            quoted(&pair[0].0.location)
                        )));
                    }
                    sink.graph(&self.graph, &self.tensors)?;
                }
            }
        }
        Ok(())
    }

    /// Adds a complete tensor, or one that is in another file.
    fn add_tensor(&mut self, tensor: Tensor, sink: &mut dyn RowSink) -> Result<()> {
        if tensor.bytes.len() <= SMALL {
            let entry = self.tensors.all.get_mut(&tensor.head.name);
            entry.expect("it was added").tensor = Some(tensor.clone());
        }
        match &mut self.delivery {
            None => {
                self.early.push(tensor);
                Ok(())
            }
            Some(delivery) => deliver_or_defer(delivery, &mut self.external, tensor, sink),
        }
    }

    /// Called when the operations are known: requests the weights, and passes on the tensors that came
    /// before.
    fn deliver(&mut self, sink: &mut dyn RowSink) -> Result<()> {
        let wanted = sink.wanted(&self.graph)?;
        if wanted.weights.len() > MAX_TENSORS {
            return Err(invalid(format_args!("has more than {MAX_TENSORS} weights")));
        }
        let mut delivery = Delivery::new(wanted);
        delivery.begin(sink)?;
        for tensor in std::mem::take(&mut self.early) {
            deliver_or_defer(&mut delivery, &mut self.external, tensor, sink)?;
        }
        self.delivery = Some(delivery);
        Ok(())
    }

    /// Reads bytes of an external file.
    fn push_external(&mut self, mut chunk: &[u8], sink: &mut dyn RowSink) -> Result<()> {
        let (Some(file), Some(delivery)) = (&mut self.file, &mut self.delivery) else { return Err(failed_before()) };
        while !chunk.is_empty() {
            let next = self.external.get(file.next).filter(|(place, _)| place.location == file.location);
            // Ignore bytes after the last tensor.
            let Some((place, head)) = next else { return Ok(()) };
            if file.at < place.offset {
                file.at += part(place.offset - file.at, &mut chunk).len() as u64;
                continue;
            }
            if matches!(self.tensor.to, Destination::Nothing) {
                self.tensor = Incoming { head: head.clone(), ..Incoming::default() };
                self.tensor.begin(place.length, Some(delivery), sink)?;
            }
            let end = place.offset + place.length;
            let bytes = part(end - file.at, &mut chunk);
            file.at += bytes.len() as u64;
            self.tensor.push(bytes, Some(delivery), sink)?;
            if file.at == end {
                if let Incoming { head, to: Destination::Held(bytes), .. } = std::mem::take(&mut self.tensor) {
                    delivery.tensor(Tensor { head, bytes }, sink)?;
                }
                file.next += 1;
            }
        }
        Ok(())
    }
}

/// The error for an external file that is missing or too short for its tensor at `place`.
fn ended_early(place: &External) -> Error {
    Error::new(
        ErrorKind::WeightsLength,
        format!(
            "The weights file {} is missing or has fewer than {} bytes: load it again.",
            quoted(&place.location),
            place.offset.saturating_add(place.length)
        ),
    )
}

/// Passes a tensor on, or notes its position in another file.
fn deliver_or_defer(
    delivery: &mut Delivery,
    external: &mut Vec<(External, Head)>,
    tensor: Tensor,
    sink: &mut dyn RowSink,
) -> Result<()> {
    if !delivery.needs(&tensor.head.name) {
        return Ok(());
    }
    delivery.head(&tensor.head, sink)?;
    match tensor.head.external()? {
        Some(place) if place.length > 0 => external.push((place, tensor.head)),
        _ => delivery.tensor(tensor, sink)?,
    }
    Ok(())
}
