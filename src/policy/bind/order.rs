//! The order in which relations are decided: parents before children, what a view reads before the view. Iterative, since a
//! database may stack views as deep as it likes.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Catalog, Oid, Relation};

/// What a relation's outcomes depend on.
pub(crate) fn below(relation: &Relation) -> impl Iterator<Item = Oid> {
    relation.parents.iter().copied().chain(relation.reads.iter().map(|(oid, _)| *oid))
}

/// All relations of the list, and those that stand in a circle, which PostgreSQL does not make.
pub(crate) fn order(catalog: &Catalog, all: &[Oid]) -> (Vec<Oid>, HashSet<Oid>) {
    let mut waiting: HashMap<Oid, usize> = HashMap::new();
    let mut above: HashMap<Oid, Vec<Oid>> = HashMap::new();
    let members: HashSet<Oid> = all.iter().copied().collect();
    for oid in all {
        let Some(relation) = catalog.relation(*oid) else { continue };
        let distinct: HashSet<Oid> = below(relation).filter(|o| members.contains(o)).collect();
        waiting.insert(*oid, distinct.len());
        distinct.into_iter().for_each(|o| above.entry(o).or_default().push(*oid));
    }
    let mut ready: Vec<Oid> = all.iter().copied().filter(|o| waiting.get(o) == Some(&0)).collect();
    let mut order = Vec::with_capacity(all.len());
    while let Some(oid) = ready.pop() {
        order.push(oid);
        for next in above.get(&oid).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(next) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.push(*next);
                }
            }
        }
    }
    let done: HashSet<Oid> = order.iter().copied().collect();
    let circle: HashSet<Oid> = members.difference(&done).copied().collect();
    order.extend(&circle);
    (order, circle)
}
