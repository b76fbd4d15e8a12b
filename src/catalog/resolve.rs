//! From a declared type to what values look like on the wire: domains followed, arrays told from scalars. Also which types run
//! code from outside PostgreSQL by way of the types they are made of.

use std::collections::{HashMap, HashSet};

use super::{Column, Oid, PgType, Scalar, Shape, TypeInfo, types::max_chars};

/// How deep domains may stand over domains; PostgreSQL has no cycles here, a broken catalog might.
const DEPTH: usize = 64;

impl PgType {
    /// The type that a column declares. `find` gives a type by its OID; what it does not know is [`Scalar::Other`].
    pub fn resolve<'a>(oid: Oid, typmod: i32, find: impl Fn(Oid) -> Option<&'a TypeInfo>) -> Self {
        let (base, base_typmod) = follow(oid, typmod, &find);
        let element = find(base).map_or(Oid(0), |t| t.element);
        if element == Oid(0) {
            let scalar = scalar(base, &find);
            let max_chars = max_chars(scalar, base_typmod);
            return Self { oid, typmod: base_typmod, shape: Shape::Scalar(scalar), domain: base != oid, max_chars };
        }
        let (inner, inner_typmod) = follow(element, base_typmod, &find);
        let is_array = find(inner).is_some_and(|t| t.element != Oid(0));
        let scalar = if is_array { Scalar::Other } else { scalar(inner, &find) };
        let max_chars = max_chars(scalar, inner_typmod);
        Self { oid, typmod: base_typmod, shape: Shape::Array { element: scalar, element_oid: element }, domain: base != oid, max_chars }
    }
}

/// A domain's base type and modifier, through any depth (`getBaseTypeAndTypmod` in lsyscache.c).
pub(super) fn follow<'a>(mut oid: Oid, mut typmod: i32, find: &impl Fn(Oid) -> Option<&'a TypeInfo>) -> (Oid, i32) {
    for _ in 0..DEPTH {
        let Some((base, base_typmod)) = find(oid).and_then(|t| t.base) else { break };
        oid = base;
        if typmod == -1 {
            typmod = base_typmod;
        }
    }
    (oid, typmod)
}

/// The mask's word for a base type; citext has no fixed OID and is known by its name.
fn scalar<'a>(oid: Oid, find: &impl Fn(Oid) -> Option<&'a TypeInfo>) -> Scalar {
    let citext = || find(oid).is_some_and(|t| t.kind == 'b' && &*t.name.name == "citext");
    let known = Scalar::from_oid(oid);
    if known == Scalar::Other && citext() { Scalar::Citext } else { known }
}

/// Marks every type that is made of one that runs foreign code: domains over it, arrays, composites with such a column, and
/// the further pairs that `made_of` names (a range and its subtype).
pub fn spread_foreign_code<'a>(types: &mut [TypeInfo], composites: impl IntoIterator<Item = (Oid, &'a Column)>, made_of: &[(Oid, Oid)]) {
    let mut parts: Vec<(Oid, Oid)> = made_of.to_vec();
    let rows: HashMap<Oid, Oid> = types.iter().filter(|t| t.relation != Oid(0)).map(|t| (t.relation, t.oid)).collect();
    parts.extend(composites.into_iter().filter_map(|(relation, column)| Some((*rows.get(&relation)?, column.ty.oid))));
    for t in types.iter() {
        parts.extend(t.base.map(|(base, _)| (t.oid, base)));
        if t.element != Oid(0) {
            parts.push((t.oid, t.element));
        }
    }
    let mut users: HashMap<Oid, Vec<Oid>> = HashMap::new();
    for (whole, part) in parts {
        users.entry(part).or_default().push(whole);
    }
    let mut next: Vec<Oid> = types.iter().filter(|t| t.foreign_code).map(|t| t.oid).collect();
    let mut foreign: HashSet<Oid> = next.iter().copied().collect();
    while let Some(part) = next.pop() {
        for whole in users.get(&part).into_iter().flatten() {
            if foreign.insert(*whole) {
                next.push(*whole);
            }
        }
    }
    for t in types {
        t.foreign_code = foreign.contains(&t.oid);
    }
}

#[cfg(test)]
mod tests;
