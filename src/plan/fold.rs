//! What the earlier statements of a query string do to the meaning of the later ones: where names resolve, and relations that did
//! not stand there when the string came. The string is decided whole before any of it is sent, so nobody can be asked.

use super::{Effect, Names, Refusal, SessionRelation, Setting};
use crate::sql::Reject;

/// The names as a statement of the string meets them.
#[derive(Debug)]
pub(super) struct Fold {
    /// `None` where they are as before.
    names: Option<Names>,
    /// What made them uncertain.
    doubt: Option<&'static str>,
    /// `search_path` was set in this string: the end of a transaction may undo it.
    moved: bool,
}

impl Fold {
    pub(super) fn new() -> Self {
        Self { names: None, doubt: None, moved: false }
    }

    /// The setting for the next statement.
    pub(super) fn setting<'a>(&'a self, setting: Setting<'a>) -> Setting<'a> {
        Setting { names: self.names.as_ref().unwrap_or(setting.names), ..setting }
    }

    /// Why a statement that names relations cannot be decided here.
    pub(super) fn refusal(&self, text: &str, decision: &super::Decision) -> Option<Refusal> {
        let why = self.doubt?;
        let reject = Reject::unclear("names within a string", format!("{why}; send what follows by itself"));
        Some(Refusal::from_reject(reject, text, decision.clone()))
    }

    /// A statement that will have run.
    pub(super) fn follow(&mut self, effect: &Effect, setting: Setting<'_>) {
        match effect {
            Effect::Set(change) => match (change.name.as_deref(), &change.values) {
                (Some("search_path"), Some(values)) => {
                    let names = self.names.get_or_insert_with(|| setting.names.clone());
                    names.search_path = path(values, setting);
                    self.moved = true;
                    self.doubt = None;
                }
                (Some("search_path" | "role" | "session_authorization") | None, _) => {
                    self.doubt = Some("where names resolve is changed earlier in this string");
                }
                (Some(_), _) => {}
            },
            Effect::Commit { .. } | Effect::Rollback { .. } | Effect::RollbackTo(_) if self.moved => {
                self.doubt = Some("the search path may be what it was before, since a transaction ends in this string");
            }
            Effect::Code => self.doubt = Some("code that may change where names resolve runs earlier in this string"),
            Effect::DiscardAll => self.doubt = Some("the session's state is discarded in this string"),
            Effect::Create { schema, name, columns } => {
                let names = self.names.get_or_insert_with(|| setting.names.clone());
                names.relations.retain(|r| r.schema != *schema || r.name != *name);
                names.relations.push(SessionRelation {
                    schema: schema.clone(),
                    name: name.clone(),
                    columns: columns.clone(),
                    looked_up: None,
                });
            }
            Effect::None
            | Effect::Begin
            | Effect::Commit { .. }
            | Effect::Rollback { .. }
            | Effect::RollbackTo(_)
            | Effect::Savepoint(_)
            | Effect::Release(_)
            | Effect::Prepare(..)
            | Effect::Deallocate(_)
            | Effect::Declare { .. }
            | Effect::Close(_)
            | Effect::Copy(..)
            | Effect::CatalogChanged
            | Effect::Discard => {}
        }
    }
}

/// The schemas that a `search_path` of these names comes to: those that exist, the implicit ones first (`recomputeNamespacePath`
/// in namespace.c).
fn path(values: &[Box<str>], setting: Setting<'_>) -> Vec<Box<str>> {
    let mut path: Vec<Box<str>> = Vec::new();
    for value in values {
        let name: &str = if **value == *"$user" { &setting.profile.principal.login } else { value };
        if (name == "pg_temp" || setting.catalog.has_schema(name)) && !path.iter().any(|p| **p == *name) {
            path.push(name.into());
        }
    }
    if !path.iter().any(|p| **p == *"pg_catalog") {
        path.insert(0, "pg_catalog".into());
    }
    path
}
