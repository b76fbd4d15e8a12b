//! Types that hold rows of classified tables: the row type itself, and whatever is made of it.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Catalog, Oid};

/// The types that are, or contain, the row type of one of the relations.
pub(crate) fn row_types(catalog: &Catalog, classified: &HashSet<Oid>) -> HashSet<Oid> {
    if classified.is_empty() {
        return HashSet::new();
    }
    let types = &catalog.contents().types;
    let mut users: HashMap<Oid, Vec<Oid>> = HashMap::new();
    let mut next = Vec::new();
    for ty in types {
        if classified.contains(&ty.relation) {
            next.push(ty.oid);
        }
        let parts = ty.base.iter().map(|(base, _)| *base).chain((ty.element != Oid(0)).then_some(ty.element));
        let fields = catalog.relation(ty.relation).into_iter().flat_map(|r| r.columns.iter().map(|c| c.ty.oid));
        parts.chain(fields).for_each(|part| users.entry(part).or_default().push(ty.oid));
    }
    let mut tainted: HashSet<Oid> = next.iter().copied().collect();
    while let Some(part) = next.pop() {
        for whole in users.get(&part).into_iter().flatten() {
            if tainted.insert(*whole) {
                next.push(*whole);
            }
        }
    }
    tainted
}
