//! Merges as JSON: two texts each, or, in older files, one with a blank.

use super::super::model::Merges;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use std::fmt;
use std::result::Result;

impl<'de> Deserialize<'de> for Merges {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Merges;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of merges")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Merges, A::Error> {
                let mut merges = Merges::default();
                while list.next_element_seed(Merge(&mut merges))?.is_some() {}
                Ok(merges)
            }
        }
        deserializer.deserialize_seq(All)
    }
}

/// Appends a merge: two texts, or, in older files, one with a blank.
struct Merge<'a>(&'a mut Merges);

impl<'de> DeserializeSeed<'de> for Merge<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Merge<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two tokens")
    }

    fn visit_str<E: Error>(self, line: &str) -> Result<(), E> {
        if self.0.push_line(line) { Ok(()) } else { Err(E::custom("a merge is not two tokens")) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<(), A::Error> {
        match (pair.next_element::<String>()?, pair.next_element::<String>()?, pair.next_element::<String>()?) {
            (Some(first), Some(second), None) => {
                self.0.push(&first, &second);
                Ok(())
            }
            _ => Err(A::Error::custom("a merge is not two tokens")),
        }
    }
}
