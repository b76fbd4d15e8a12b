//! From what a statement's text does to its session to what its permit says of it. Whether it may is decided elsewhere.

use super::permit::{Effect, Kind, RowsOf};
use crate::sql::effect::Deed;

/// The effect of a deed; PREPARE's is made with its inner permit, not here.
pub(super) fn effect(deed: &Deed) -> Effect {
    match deed {
        Deed::None | Deed::Execute(_) | Deed::ExplainExecute { .. } | Deed::Fetch(_) | Deed::Prepare { .. } => Effect::None,
        Deed::Begin => Effect::Begin,
        Deed::Commit { chain } => Effect::Commit { chain: *chain },
        Deed::Rollback { chain } => Effect::Rollback { chain: *chain },
        Deed::Savepoint(name) => Effect::Savepoint(name.clone()),
        Deed::Release(name) => Effect::Release(name.clone()),
        Deed::RollbackTo(name) => Effect::RollbackTo(name.clone()),
        Deed::Set(change) => Effect::Set(change.clone()),
        Deed::Deallocate(name) => Effect::Deallocate(name.clone()),
        Deed::Declare { name, hold } => Effect::Declare { name: name.clone(), hold: *hold },
        Deed::Close(name) => Effect::Close(name.clone()),
        Deed::Copy(direction, format) => Effect::Copy(*direction, format.clone()),
        Deed::Create { schema, name, columns } => Effect::Create { schema: schema.clone(), name: name.clone(), columns: columns.clone() },
        Deed::CatalogChanged => Effect::CatalogChanged,
        Deed::Code => Effect::Code,
        Deed::DiscardAll => Effect::DiscardAll,
        Deed::Discard => Effect::Discard,
    }
}

/// Whose rows come back. `veils` is whether the principal may see plans of what is rewritten.
pub(super) fn rows_of(deed: &Deed, veils: bool) -> RowsOf {
    match deed {
        Deed::Execute(name) => RowsOf::Prepared(name.clone()),
        Deed::ExplainExecute { name, runs } => {
            let most = match (veils, runs) {
                (true, _) => Kind::Rewrite,
                (false, false) => Kind::MaskRows,
                (false, true) => Kind::Forward,
            };
            RowsOf::Plan { name: name.clone(), most }
        }
        Deed::Fetch(name) => RowsOf::Cursor(name.clone()),
        Deed::None
        | Deed::Begin
        | Deed::Commit { .. }
        | Deed::Rollback { .. }
        | Deed::Savepoint(_)
        | Deed::Release(_)
        | Deed::RollbackTo(_)
        | Deed::Set(_)
        | Deed::Prepare { .. }
        | Deed::Deallocate(_)
        | Deed::Declare { .. }
        | Deed::Close(_)
        | Deed::Copy(..)
        | Deed::Create { .. }
        | Deed::CatalogChanged
        | Deed::Code
        | Deed::DiscardAll
        | Deed::Discard => RowsOf::Own,
    }
}
