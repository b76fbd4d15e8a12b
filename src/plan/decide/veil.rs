//! What a principal sees of a relation's columns: its profile, and the shipped classification of what comes with PostgreSQL. What
//! may be done with it is not here.

use std::sync::{Arc, LazyLock};

use crate::catalog::{Catalog, Oid, Relation, RelationKind, SystemClass, is_system_schema, system_class};
use crate::mask::Mask;
use crate::policy::{MaskRule, Outcome, Profile, Reveal};

/// How deep views may stand over views.
const DEPTH: usize = 64;

/// What the shipped classification puts in the place of a column of the system catalog.
static NULL_RULE: LazyLock<MaskRule> = LazyLock::new(|| MaskRule {
    name: Arc::from("null"),
    mask: Arc::new(Mask::null()),
    reveal: Reveal::default(),
    role: Arc::from("system catalog"),
});

/// What a principal sees of a column. The profile's own word on a column outranks the shipped classification; system columns are
/// clear, since a relation with nothing visible is refused as a whole.
#[must_use]
pub(crate) fn column_outcome(catalog: &Catalog, profile: &Profile, relation: Oid, column: i16) -> Outcome {
    if profile.unrestricted || column < 0 {
        return Outcome::Clear;
    }
    let named = profile.relations.get(&relation).is_some_and(|r| r.columns.contains_key(&column));
    if !named && reads_null(catalog, relation, column) {
        return Outcome::Masked(NULL_RULE.clone());
    }
    profile.read(relation, column)
}

/// Whether the shipped classification lets a column read NULL; number 0 is any of them.
fn reads_null(catalog: &Catalog, relation: Oid, column: i16) -> bool {
    let Some(r) = catalog.relation(relation) else {
        return false;
    };
    match system_class(&r.name.schema, &r.name.name) {
        Some(SystemClass::Null(names)) => column == 0 || r.column_number(column).is_some_and(|c| names.iter().any(|n| **n == *c.name)),
        Some(SystemClass::Clear | SystemClass::Forbidden) | None => false,
    }
}

/// Whether no governed principal may name a relation.
#[must_use]
pub(super) fn is_forbidden(relation: &Relation) -> bool {
    match system_class(&relation.name.schema, &relation.name.name) {
        Some(SystemClass::Forbidden) => true,
        Some(SystemClass::Clear | SystemClass::Null(_)) => false,
        None => is_system_schema(&relation.name.schema) || relation.kind == RelationKind::Toast,
    }
}

/// Whether anything of a relation is veiled, the shipped classification included.
#[must_use]
pub(crate) fn is_veiled(catalog: &Catalog, profile: &Profile, relation: Oid) -> bool {
    profile.is_veiled(relation) || (!profile.unrestricted && reads_null(catalog, relation, 0))
}

/// Whether a column does not exist for a principal. One that a view computes of what is veiled does, though no mask gives it.
#[must_use]
pub(crate) fn is_hidden(catalog: &Catalog, profile: &Profile, relation: Oid, column: i16) -> bool {
    let inside = profile.view(relation).is_some_and(|view| view.inside.contains(&column));
    !inside && matches!(column_outcome(catalog, profile, relation, column), Outcome::Absent(_))
}

/// Whether a principal sees no column of a relation.
#[must_use]
pub(super) fn is_blank(catalog: &Catalog, profile: &Profile, relation: &Relation) -> bool {
    !relation.columns.is_empty() && relation.columns.iter().all(|c| is_hidden(catalog, profile, relation.oid, c.number))
}

/// Whether a view or materialized view that is not PostgreSQL's own reads something veiled, through any number of views.
#[must_use]
pub(super) fn reads_veiled(catalog: &Catalog, profile: &Profile, relation: &Relation) -> bool {
    reads_where(catalog, relation, DEPTH, &|oid, column| {
        let Some(r) = catalog.relation(oid) else {
            return true;
        };
        let rows = profile.rows(oid).is_some();
        let seen = if column == 0 { is_veiled(catalog, profile, oid) } else { column_outcome(catalog, profile, oid, column).is_veiled() };
        rows || seen || is_forbidden(r)
    })
}

/// Whether something that a view reads is so, through any number of views. What is no view reads nothing.
#[must_use]
pub(super) fn reads_any(catalog: &Catalog, relation: &Relation, so: &dyn Fn(Oid, i16) -> bool) -> bool {
    reads_where(catalog, relation, DEPTH, so)
}

fn reads_where(catalog: &Catalog, relation: &Relation, depth: usize, so: &dyn Fn(Oid, i16) -> bool) -> bool {
    if !is_view(relation) {
        return false;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return true;
    };
    relation.reads.iter().any(|(oid, column)| {
        let below = catalog.relation(*oid);
        so(*oid, *column) || below.is_some_and(|r| reads_where(catalog, r, depth, so))
    })
}

/// A view of the database's own, not one that comes with PostgreSQL.
#[must_use]
pub(super) fn is_view(relation: &Relation) -> bool {
    let view = matches!(relation.kind, RelationKind::View | RelationKind::MaterializedView);
    view && !is_system_schema(&relation.name.schema)
}
