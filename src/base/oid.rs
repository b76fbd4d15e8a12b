//! The number that PostgreSQL gives an object: in messages as in the catalog.

/// An object identifier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub u32);
