//! JSON that is legal but malicious: a file's values changed, moved, duplicated and nested. Doesn't use the
//! `Value` of `serde_json`, which can't have duplicate keys.

use crate::text;
use arbitrary::{Result, Unstructured};
use serde_json::Value;

/// A value; strings and numbers in JSON syntax.
#[derive(Clone, Debug)]
pub enum Node {
    /// A string, a number, true, false or null.
    Leaf(String),
    /// A list.
    List(Vec<Node>),
    /// An object, whose keys may be duplicated.
    Object(Vec<(String, Node)>),
}

/// Values that readers trip over: limits and the next number beyond them, numbers that fit no type, other
/// types.
const LEAVES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "2",
    "0.5",
    "3e0",
    "1e400",
    "-1e-400",
    "1e999999999999",
    "96",
    "97",
    "255",
    "256",
    "257",
    "512",
    "8192",
    "8193",
    "10000",
    "10001",
    "65536",
    "65537",
    "1048576",
    "1048577",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "123456789012345678901234567890",
    "NaN",
    "Infinity",
    "-Infinity",
    "\"\"",
    "\"0\"",
    "\"1\"",
    "\" 1\"",
    "\"__proto__\"",
    "\"\\u0000\"",
    "\"\\u001b[2J\"",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "\"\\u202e\"",
    "\"../../etc/passwd\"",
    "[]",
    "{}",
    "[[]]",
    "[null]",
    "{\"\":null}",
    "{\"__proto__\":{\"toString\":1}}",
];

/// Keys that have a meaning elsewhere.
const KEYS: &[&str] = &["__proto__", "constructor", "toString", "", "\0", "a.b", "0", "\u{202e}"];

/// The maximum depth at which a value is nested: deeper than recursive readers go.
const DEEPEST: u16 = 600;

impl Node {
    /// Parses a file of the repository.
    pub fn read(json: &[u8]) -> Self {
        Self::of(&serde_json::from_slice(json).expect("JSON"))
    }

    /// Converts a value.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Array(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Object(entries) => {
                Self::Object(entries.iter().map(|(key, value)| (key.clone(), Self::of(value))).collect())
            }
            leaf => Self::Leaf(leaf.to_string()),
        }
    }

    /// The JSON text of the value.
    pub fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let separated = |out: &mut Vec<u8>, at: usize| {
            if at > 0 {
                out.push(b',');
            }
        };
        match self {
            Self::Leaf(text) => out.extend_from_slice(text.as_bytes()),
            Self::List(items) => {
                out.push(b'[');
                for (at, item) in items.iter().enumerate() {
                    separated(out, at);
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(entries) => {
                out.push(b'{');
                for (at, (key, value)) in entries.iter().enumerate() {
                    separated(out, at);
                    serde_json::to_writer(&mut *out, key).expect("a key is written to memory");
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// Changes one value at any depth. `keys`: the keys that the reader of the file knows.
    ///
    /// # Errors
    /// `u` has no bytes left.
    pub fn change(&mut self, keys: &[&str], u: &mut Unstructured) -> Result<()> {
        let inner = match self {
            Self::List(items) if !items.is_empty() => Some(items.len()),
            Self::Object(entries) if !entries.is_empty() => Some(entries.len()),
            _ => None,
        };
        match inner {
            Some(count) if u.ratio(3, 4)? => {
                let at = u.int_in_range(0..=count - 1)?;
                match self {
                    Self::List(items) => items[at].change(keys, u),
                    Self::Object(entries) => entries[at].1.change(keys, u),
                    Self::Leaf(_) => unreachable!("a leaf has nothing inside"),
                }
            }
            _ => self.change_here(keys, u),
        }
    }

    fn change_here(&mut self, keys: &[&str], u: &mut Unstructured) -> Result<()> {
        match self {
            Self::Leaf(_) => *self = leaf(u)?,
            Self::List(items) => match u.int_in_range(0..=6)? {
                0 => *self = leaf(u)?,
                1 => items.push(leaf(u)?),
                2 if !items.is_empty() => _ = items.remove(u.int_in_range(0..=items.len() - 1)?),
                3 if !items.is_empty() => {
                    let item = items[u.int_in_range(0..=items.len() - 1)?].clone();
                    // Nested lists are long enough.
                    let most = if matches!(item, Self::Leaf(_)) { 300 } else { 3 };
                    let times = u.int_in_range(1..=most)?;
                    items.extend(std::iter::repeat_n(item, times));
                }
                4 => items.reverse(),
                5 => items.clear(),
                _ => self.bury(u)?,
            },
            Self::Object(entries) => match u.int_in_range(0..=8)? {
                0 => *self = leaf(u)?,
                1 if !entries.is_empty() => _ = entries.remove(u.int_in_range(0..=entries.len() - 1)?),
                2 if !entries.is_empty() => {
                    // The same key again.
                    let key = entries[u.int_in_range(0..=entries.len() - 1)?].0.clone();
                    entries.push((key, leaf(u)?));
                }
                3 if !entries.is_empty() => {
                    let [a, b] = [u.int_in_range(0..=entries.len() - 1)?, u.int_in_range(0..=entries.len() - 1)?];
                    entries[a].1 = entries[b].1.clone();
                }
                4 if !entries.is_empty() => {
                    let at = u.int_in_range(0..=entries.len() - 1)?;
                    entries[at].0 = (*u.choose(KEYS)?).to_owned();
                }
                5 => entries.push(((*u.choose(KEYS)?).to_owned(), leaf(u)?)),
                6 => entries.clear(),
                7 => self.bury(u)?,
                _ => {
                    let known = if keys.is_empty() { KEYS } else { keys };
                    entries.push(((*u.choose(known)?).to_owned(), leaf(u)?));
                }
            },
        }
        Ok(())
    }

    /// Nests the value within others, as deep as any reader should go, or deeper.
    fn bury(&mut self, u: &mut Unstructured) -> Result<()> {
        let depth = if u.ratio(1, 4)? { u.int_in_range(1..=DEEPEST)? } else { u.int_in_range(1..=3)? };
        let lists: bool = u.arbitrary()?;
        for _ in 0..depth {
            let inner = std::mem::replace(self, Self::Leaf(String::new()));
            *self = if lists { Self::List(vec![inner]) } else { Self::Object(vec![("a".into(), inner)]) };
        }
        Ok(())
    }
}

fn leaf(u: &mut Unstructured) -> Result<Node> {
    Ok(Node::Leaf(match u.int_in_range(0..=9)? {
        0 => Value::from(text::token(u)?).to_string(),
        1 => u.arbitrary::<i64>()?.to_string(),
        2 => u.int_in_range(0..=40)?.to_string(),
        3 => format!("{:e}", u.arbitrary::<f64>()?),
        _ => (*u.choose(LEAVES)?).to_owned(),
    }))
}
