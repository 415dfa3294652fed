//! A model's JSON files, read as Python reads them, with errors for other kinds of files. Errors name the
//! position in a file and never repeat its text.

use crate::error::{Error, ErrorKind, Result};
use crate::file_kind;
use serde_json::error::Category;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// A JSON file's name, and the kind of its errors.
#[derive(Clone, Copy)]
pub struct JsonFile {
    /// The name that every message begins with.
    pub name: &'static str,
    /// The kind of error if the file is invalid.
    pub kind: ErrorKind,
}

impl JsonFile {
    /// An error: the file's name, and `message`.
    pub fn error(self, message: impl std::fmt::Display) -> Error {
        Error::new(self.kind, format!("{} {message}", self.name))
    }

    /// The file's text, without a byte order mark.
    ///
    /// # Errors
    /// [`ErrorKind::NotAModel`] if its first bytes show that it is another kind of file; the file's error
    /// kind if it is not UTF-8.
    pub fn text(self, bytes: &[u8]) -> Result<&str> {
        if let Some(name) = file_kind::name_of(bytes) {
            return Err(Error::new(
                ErrorKind::NotAModel,
                format!("{} is {name}, not JSON: use the file that belongs to the weights.", self.name),
            ));
        }
        let bytes = bytes.strip_prefix(file_kind::BYTE_ORDER_MARK).unwrap_or(bytes);
        std::str::from_utf8(bytes)
            .map_err(|e| self.error(format_args!("is not UTF-8 (byte {}): save it as UTF-8.", e.valid_up_to())))
    }

    /// The file's object. `NaN`, `Infinity` and `-Infinity`, which Python writes, become strings.
    ///
    /// # Errors
    /// The errors of [`JsonFile::text`]; the file's error kind if it is not a JSON object.
    pub fn object(self, bytes: &[u8]) -> Result<Map<String, Value>> {
        let text = self.text(bytes)?;
        match serde_json::from_str(&with_numbers_of_python(text)).map_err(|e| self.broken(&e))? {
            Value::Object(object) => Ok(object),
            _ => Err(self.error("is JSON, but not an object: use the file that belongs to the weights.")),
        }
    }

    /// The error for a file that could not be parsed, without its text.
    pub fn broken(self, error: &serde_json::Error) -> Error {
        let (line, column) = (error.line(), error.column());
        let what = match error.classify() {
            Category::Eof if line == 1 && column == 0 => "is empty".into(),
            Category::Eof => "ends early".into(),
            Category::Data => {
                let message = error.to_string();
                // The names of missing fields come from this code, not from the file.
                match message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
                    Some((field, _)) => {
                        format!("lacks the field {field:?} (line {line}, column {column})")
                    }
                    None => format!("has a value of the wrong type at line {line}, column {column}"),
                }
            }
            Category::Syntax | Category::Io => format!("is not JSON at line {line}, column {column}"),
        };
        self.error(format_args!("{what}: use the original file that belongs to the weights."))
    }
}

/// The start of a string from the file, for a message.
pub fn start_of(text: &str) -> String {
    const MAX_CHARACTERS: usize = 40;
    match text.char_indices().nth(MAX_CHARACTERS) {
        None => text.into(),
        Some((at, _)) => format!("{}…", &text[..at]),
    }
}

/// `json` with Python's `NaN`, `Infinity` and `-Infinity` as strings.
fn with_numbers_of_python(json: &str) -> Cow<'_, str> {
    let bytes = json.as_bytes();
    let (mut out, mut copied, mut at, mut in_text) = (String::new(), 0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' | b'I' | b'-' if !in_text => {
                let words = ["NaN", "Infinity", "-Infinity"];
                if let Some(word) = words.into_iter().find(|word| bytes[at..].starts_with(word.as_bytes())) {
                    out.push_str(&json[copied..at]);
                    out.extend(["\"", word, "\""]);
                    copied = at + word.len();
                    at = copied - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.push_str(&json[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: JsonFile = JsonFile { name: "config.json", kind: ErrorKind::ConfigInvalid };

    #[test]
    fn numbers_of_python_become_texts_outside_of_texts() {
        for (json, expected) in [
            (r#"{"a": NaN, "b": [Infinity,-Infinity]}"#, r#"{"a": "NaN", "b": ["Infinity","-Infinity"]}"#),
            (r#"{"NaN": "a NaN \" NaN \\", "b": -1}"#, r#"{"NaN": "a NaN \" NaN \\", "b": -1}"#),
            (r#"{"a\\": NaN}"#, r#"{"a\\": "NaN"}"#),
            ("\"\\", "\"\\"),
            ("NaN", "\"NaN\""),
        ] {
            assert_eq!(with_numbers_of_python(json), expected);
        }
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_eq!(FILE.object(b"\xef\xbb\xbf{\"a\": 1}").unwrap()["a"], 1);
    }

    #[test]
    fn errors_name_the_place_and_repeat_no_text() {
        for (bytes, expected) in [
            (&b"{\"secret\": tru}"[..], "line 1, column"),
            (b"{\"secret\": \"secret\"", "ends early"),
            (b"\"secret\"", "not an object"),
            (b"{\"secret\": \"schl\xe4cht\"}", "not UTF-8 (byte 16)"),
            (b"", "is empty"),
            (b"\xff\xfe{\0s\0e\0c\0r\0e\0t\0", "UTF-16"),
            (b"<html>secret", "web page"),
            (b"\x1f\x8b\x08secret", "gzip"),
        ] {
            let error = FILE.object(bytes).unwrap_err();
            assert!(error.message().starts_with("config.json ") && error.message().contains(expected), "{error}");
            assert!(!error.message().contains("secret"), "{error}");
        }
    }
}
