//! Builds PyTorch checkpoints byte by byte, so that tests can make any part of them lie.
#![allow(dead_code)] // Each group of tests uses only a part.

/// A pickle under construction. Numbers are below 2^31.
#[derive(Clone)]
pub struct Pickle(pub Vec<u8>);

impl Default for Pickle {
    fn default() -> Self {
        Self(vec![0x80, 2])
    }
}

impl Pickle {
    pub fn op(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn global(self, module: &str, name: &str) -> Self {
        self.op(format!("c{module}\n{name}\n").as_bytes())
    }

    pub fn text(self, text: &str) -> Self {
        self.op(b"X").op(&(text.len() as u32).to_le_bytes()).op(text.as_bytes())
    }

    pub fn int(self, n: i64) -> Self {
        match i32::try_from(n) {
            Ok(n) => self.op(b"J").op(&n.to_le_bytes()),
            Err(_) => self.op(&[0x8a, 8]).op(&n.to_le_bytes()),
        }
    }

    pub fn ints(self, numbers: &[i64]) -> Self {
        numbers.iter().fold(self.op(b"("), |pickle, &n| pickle.int(n)).op(b"t")
    }

    pub fn storage(self, key: &str, class: &str, count: i64) -> Self {
        self.op(b"(").text("storage").global("torch", class).text(key).text("cpu").int(count).op(b"tQ")
    }

    /// A view of storage `key`, which has `count` numbers.
    pub fn view(self, (key, class, count): (&str, &str, i64), offset: i64, shape: &[i64], strides: &[i64]) -> Self {
        let call = self.global("torch._utils", "_rebuild_tensor_v2").op(b"(").storage(key, class, count);
        call.int(offset).ints(shape).ints(strides).op(b"\x89ccollections\nOrderedDict\n)RtR")
    }

    pub fn end(self) -> Vec<u8> {
        self.op(b".").0
    }
}

/// An archive as torch.save writes it, except for the alignment: sizes follow the entries.
pub fn zip<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0u16);
    for (name, bytes) in entries {
        let (offset, size) = (out.len() as u32, (bytes.len() as u32).to_le_bytes());
        let flags = [0, 0, 0x08, 0x08, 0, 0, 0, 0, 0, 0];
        let length = (name.len() as u16).to_le_bytes();
        let head = [&b"PK\x03\x04"[..], &flags, &[0; 12], &length, &[0; 2], name.as_bytes(), bytes];
        out.extend(head.concat());
        out.extend([&b"PK\x07\x08"[..], &[0; 4], &size, &size].concat());
        let head = [&b"PK\x01\x02"[..], &[0; 2], &flags, &[0; 4], &size, &size, &length, &[0; 12]];
        directory.extend(head.concat());
        directory.extend([&offset.to_le_bytes()[..], name.as_bytes()].concat());
        count += 1;
    }
    let counts = [count.to_le_bytes(), count.to_le_bytes()].concat();
    let place = [directory.len() as u32, out.len() as u32].map(u32::to_le_bytes);
    let end = [&b"PK\x05\x06"[..], &[0; 4], &counts, place.as_flattened(), &[0; 2]];
    [out, directory, end.concat()].concat()
}

/// An archive of a pickle and the storages that it refers to.
pub fn archive(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
    let names: Vec<String> = storages.iter().map(|(key, _)| format!("archive/data/{key}")).collect();
    let notes = [("archive/data.pkl", pickle), ("archive/.format_version", b"1"), ("archive/byteorder", b"little")];
    let data = names.iter().zip(storages).map(|(name, (_, bytes))| (name.as_str(), *bytes));
    zip(notes.into_iter().chain(data).chain([("archive/version", &b"3\n"[..])]))
}
