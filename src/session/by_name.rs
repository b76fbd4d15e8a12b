//! Things by the name that a client gave them. Nearly every portal and many a statement is nameless: it has a place of its own, so that
//! the usual query needs no hash and no memory for it. What is kept by name, and for how long, is the owner's.

use std::collections::HashMap;

use super::WireName;

/// A map from names as they stand on the wire.
#[derive(Debug)]
pub(super) struct ByName<T> {
    nameless: Option<T>,
    named: HashMap<WireName, T>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { nameless: None, named: HashMap::new() }
    }
}

impl<T> ByName<T> {
    pub(super) fn is_empty(&self) -> bool {
        self.nameless.is_none() && self.named.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        usize::from(self.nameless.is_some()) + self.named.len()
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&T> {
        if name.is_empty() { self.nameless.as_ref() } else { self.named.get(name) }
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut T> {
        if name.is_empty() { self.nameless.as_mut() } else { self.named.get_mut(name) }
    }

    pub(super) fn contains_key(&self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// Gives what had the name before.
    pub(super) fn insert(&mut self, name: WireName, value: T) -> Option<T> {
        if name.is_empty() { self.nameless.replace(value) } else { self.named.insert(name, value) }
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<T> {
        if name.is_empty() { self.nameless.take() } else { self.named.remove(name) }
    }

    pub(super) fn clear(&mut self) {
        drop(self.drain());
    }

    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.nameless.iter_mut().chain(self.named.values_mut())
    }

    /// Takes all; a few names' memory is kept for the next ones, that of many is not.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        let named = if self.named.capacity() > 16 { std::mem::take(&mut self.named) } else { HashMap::new() };
        let kept = self.named.drain().map(|(_, value)| value);
        self.nameless.take().into_iter().chain(kept).chain(named.into_values())
    }

    /// Takes those of which `is` holds.
    pub(super) fn take_those(&mut self, is: impl Fn(&T) -> bool) -> impl Iterator<Item = T> {
        self.nameless.take_if(|v| is(v)).into_iter().chain(self.named.extract_if(move |_, v| is(v)).map(|(_, v)| v))
    }
}
