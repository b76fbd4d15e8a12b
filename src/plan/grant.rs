//! From a judged statement and its printed text to its permit.

use std::sync::Arc;

use super::decide::Decided;
use super::effects::{effect, rows_of};
use super::permit::{Effect, Grant, Kind, Permit, RowCheck};
use super::turned::TurnedBack;
use crate::base::Origin;
use crate::catalog::Oid;
use crate::sql::effect::{CopyDirection, Deed, SettingScope};
use crate::sql::model::{Analysis, Output, Source};

/// The permit of a judged statement. `text` was printed from the tree that was judged, or is the client's own where the principal
/// is unrestricted.
pub(super) fn grant(
    text: Arc<str>,
    copied: Option<Arc<str>>,
    analysis: &Analysis,
    decided: Decided,
    row_check: Option<RowCheck>,
) -> Permit {
    let Decided { kind, cells, arity, decision, defers, demand: _, lookups, turned, turns: _, sees_plans } = decided;
    let own = Grant {
        origins: if kind == Kind::Rewrite { origins(analysis) } else { Vec::new() },
        kind,
        cells,
        arity,
        decision,
        effect: Effect::None,
        rows_of: rows_of(&analysis.deed, sees_plans),
        returns_rows: analysis.returns_rows,
        defers,
        copied,
        lookups,
        turned,
        row_check,
        batches: batches(analysis),
    };
    if let Deed::Prepare { name, rows } = &analysis.deed {
        return prepare(text, own, name, *rows);
    }
    // FETCH describes its rows by the cursor's permit, so the cells stay; DECLARE itself gives none
    let returns_rows = own.returns_rows && !matches!(analysis.deed, Deed::Declare { .. });
    Permit::new(text, Grant { effect: effect(&analysis.deed), returns_rows, ..own })
}

/// Queries, changes of rows, COPY to the client, the session's own tables, and what begins and ends transactions. Others ask whether they stand in a string (VACUUM, LOCK, DECLARE), or name
/// what a string does not have.
fn batches(analysis: &Analysis) -> bool {
    let same = match analysis.deed {
        Deed::None
        | Deed::Begin
        | Deed::Commit { .. }
        | Deed::Rollback { .. }
        | Deed::Savepoint(_)
        | Deed::Release(_)
        | Deed::RollbackTo(_)
        | Deed::Create { .. }
        | Deed::Copy(CopyDirection::Out, _) => true,
        Deed::Set(ref change) => change.scope == SettingScope::Session,
        Deed::Prepare { .. }
        | Deed::Execute(_)
        | Deed::ExplainExecute { .. }
        | Deed::Deallocate(_)
        | Deed::Declare { .. }
        | Deed::Fetch(_)
        | Deed::Close(_)
        | Deed::Copy(CopyDirection::In, _)
        | Deed::CatalogChanged
        | Deed::Code
        | Deed::DiscardAll
        | Deed::Discard => false,
    };
    same && analysis.needs.is_empty()
}

/// The columns that the statement's result columns are; those of the session's own relations the server goes on to name. A whole row of a
/// relation has its type.
fn origins(analysis: &Analysis) -> Vec<Option<Origin>> {
    let none = Origin { relation: Oid(0), column: 0, ty: None };
    let origin = |o: &Output| {
        // what a function gives comes from nowhere, also where the server sees its body
        let Some(Source { instance, column }) = o.origin else { return (!analysis.bodies.is_empty()).then_some(none) };
        Some(Origin { relation: analysis.relation_of(instance)?, column, ty: o.ty.filter(|_| column == 0) })
    };
    let mut origins: Vec<_> = analysis.outputs.iter().flatten().map(origin).collect();
    origins.truncate(origins.iter().rposition(Option::is_some).map_or(0, |i| i + 1));
    origins
}

/// PREPARE: the cells belong to EXECUTE.
fn prepare(text: Arc<str>, own: Grant, name: &str, rows: bool) -> Permit {
    let plain = Grant::plain(own.kind, own.decision.clone(), own.rows_of.clone());
    let (defers, lookups) = (own.defers, own.lookups.clone());
    let inner = Grant { returns_rows: rows, copied: None, turned: TurnedBack::default(), batches: false, ..own };
    let effect = Effect::Prepare(name.into(), Box::new(Permit::new(Arc::clone(&text), inner)));
    Permit::new(text, Grant { effect, returns_rows: false, defers, lookups, ..plain })
}
