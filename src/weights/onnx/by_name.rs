//! A map of values by name. All uses share one type, because each further one adds kilobytes to the module.

use std::collections::HashMap;

/// Values by name, in insertion order.
pub struct ByName<T> {
    places: HashMap<String, usize>,
    values: Vec<T>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), values: Vec::new() }
    }
}

impl<T> ByName<T> {
    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.places.get(name).map(|&place| &self.values[place])
    }

    /// The value of a name, mutable.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        self.places.get(name).map(|&place| &mut self.values[place])
    }

    /// Whether a name has a value.
    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Sets the value of a name. Returns false if the name has a value already, which stays.
    pub fn insert(&mut self, name: &str, value: T) -> bool {
        if self.has(name) {
            return false;
        }
        self.places.insert(name.to_owned(), self.values.len());
        self.values.push(value);
        true
    }

    /// All values.
    pub fn values(&self) -> &[T] {
        &self.values
    }
}

impl<T: Default> ByName<T> {
    /// The value of a name, inserting a default value if there is none.
    pub fn entry(&mut self, name: &str) -> &mut T {
        if !self.has(name) {
            self.insert(name, T::default());
        }
        self.get_mut(name).expect("it was inserted")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_first_value() {
        let mut map = ByName::default();
        assert!(map.insert("a", 1) && !map.insert("a", 2));
        *map.entry("b") += 3;
        *map.entry("b") += 3;
        assert_eq!((map.get("a"), map.get("b"), map.get("c"), map.values()), (Some(&1), Some(&6), None, &[1, 6][..]));
    }
}
