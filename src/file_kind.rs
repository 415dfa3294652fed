//! Recognizes the kind of a file by its first bytes, for errors about files that are not model files.

/// A UTF-8 byte order mark.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Signatures of binary formats, and of text files that always begin the same way.
const SIGNATURES: &[(&[u8], &str)] = &[
    (b"version https://git-lfs", "a Git LFS pointer"),
    (b"<<<<<<< ", "a file with an unresolved merge conflict"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"{\0", "UTF-16 text"),
    (b"\0{", "UTF-16 text"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (b"PK\x03\x04", "a zip archive, as PyTorch writes its weights"),
    (b"GGUF", "a GGUF file"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file, as Keras and TensorFlow write their weights"),
    (b"\x93NUMPY", "a NumPy array"),
];

/// The kind of a file that begins with `first_bytes`, worded to follow "is", for example "a web page". `None`
/// for JSON and safetensors, and if the bytes don't show it. The first kilobyte suffices unless more white
/// space or comments come first.
pub fn name_of(first_bytes: &[u8]) -> Option<&'static str> {
    if is_safetensors(first_bytes) {
        return None;
    }
    let bytes = first_bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(first_bytes);
    let known = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature));
    known.map(|(_, name)| *name).or_else(|| binary(bytes)).or_else(|| markup(bytes))
}

/// Whether the bytes begin a safetensors file: a plausible length of 8 bytes, then a JSON object.
fn is_safetensors(bytes: &[u8]) -> bool {
    bytes.len() > 8 && bytes[4..8] == [0; 4] && bytes[8] == b'{'
}

fn binary(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        // The pickle protocol, then PyTorch's magic number.
        [0x80, 2, 0x8a, 0x0a, ..] => Some("a PyTorch checkpoint from before version 1.6"),
        // The pickle protocol, then an opcode that a saved dictionary begins with.
        [0x80, 2..=5, b'}' | b'c' | b'(' | 0x8a | 0x95, ..] => Some("a pickle that torch.save did not write"),
        // Field 1 (the version of the ONNX format), then the producer's name.
        [0x08, 3..=32, 0x12, ..] => Some("an ONNX model"),
        _ => None,
    }
}

fn markup(mut bytes: &[u8]) -> Option<&'static str> {
    loop {
        bytes = bytes.trim_ascii_start();
        let Some(comment) = bytes.strip_prefix(b"<!--") else { break };
        let end = comment.windows(3).position(|w| w == b"-->")?;
        bytes = &comment[end + 3..];
    }
    match bytes {
        [b'<', b'?', ..] => Some("an XML document"),
        [b'<', b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] => Some("a web page"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_other_kinds_of_files() {
        for (bytes, expected) in [
            (&b"<!doctype html><title>App</title>"[..], "web page"),
            (b"\xef\xbb\xbf<!doctype html>", "web page"),
            (b"\n\n\n  <HTML>", "web page"),
            (b"<!-- build 1 -->\n<html></html>", "web page"),
            (b"<script src=/main.js></script>", "web page"),
            (b"<?xml version=\"1.0\"?><Error/>", "XML"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
            (b"<<<<<<< HEAD\n{}", "merge conflict"),
            (b"\xff\xfe{\0", "UTF-16"),
            (b"{\0\"\0", "UTF-16"),
            (b"\x1f\x8b\x08\0\0\0\0\0\x02\xff", "gzip"),
            (b"PK\x03\x04\x14\0", "PyTorch"),
            (b"\x80\x02}q\0", "pickle"),
            (b"\x80\x02\x8a\x0al\xfc", "PyTorch"),
            (b"\x08\x08\x12\x07pytorch", "ONNX"),
            (b"GGUF\x03\0\0\0", "GGUF"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
        ] {
            assert!(name_of(bytes).is_some_and(|name| name.contains(expected)), "{bytes:?} → {:?}", name_of(bytes));
        }
    }

    #[test]
    fn has_no_name_for_json_and_safetensors() {
        for bytes in [
            &b""[..],
            b"\n",
            b"{\"model_type\": \"distilbert\"}",
            b"[1]",
            b"\xef\xbb\xbf{}",
            b"no such entry",
            b"<",
            b"<!-- never closed",
            b"\x10\0\0\0\0\0\0\0{\"a\"",
            // Headers whose length begins with the bytes of gzip's and ONNX's signatures.
            b"\x1f\x8b\x08\0\0\0\0\0{\"a\"",
            b"\x08\x08\x12\0\0\0\0\0{\"a\"",
        ] {
            assert_eq!(name_of(bytes), None, "{bytes:?}");
        }
    }
}
