//! Functions, operators and types: what may run. Whatever a name could resolve to is judged, and the worst counts.

use super::{Judge, veil, words};
use crate::base::named;
use crate::catalog::{FIRST_NORMAL_OID, Function, FunctionClass, Oid, Relation, RelationKind, class_of, class_of_call};
use crate::sql::Reject;
use crate::sql::effect::Deed;
use crate::sql::model::Call;

/// `cstring`: what a type's input function takes.
const CSTRING: Oid = Oid(2275);

/// The word that stands for the session's temporary schema.
const TEMPORARY: &str = "pg_temp";

/// What a text is allowed beyond what its analysis shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) enum Allowance {
    /// Nothing.
    None,
    /// It is a statement of a known client that changes a setting in a way that the proxy need not follow.
    SetsSetting,
}

impl Judge<'_> {
    /// Functions that may be called, by name or behind operators.
    pub(super) fn calls(&mut self) {
        for call in &self.analysis.calls {
            // an operator is noted for its namesakes from outside PostgreSQL: where a view is known to call none of them, none is left
            if call.candidates.is_empty() && call.operator.is_none() {
                self.refuse(Reject::unclear("function", "a function that is not in the catalog").at(call.at));
            }
            for oid in &call.candidates {
                match self.catalog.function(*oid) {
                    Some(function) => self.call(call, function),
                    None => self.refuse(Reject::unclear("function", "a function that is not in the catalog").at(call.at)),
                }
            }
        }
    }

    fn call(&mut self, call: &Call, function: &Function) {
        if function.oid >= FIRST_NORMAL_OID {
            self.scrub = true;
            if !self.profile.functions.contains(&function.oid) {
                let behind = call.operator.as_ref().map_or_else(String::new, |o| format!(" behind operator {o}"));
                let (name, who) = (&function.name, words::roles(self.profile));
                let reject = Reject::forbidden("function", format!("{who} may not use function \"{name}\"{behind}"));
                self.refuse(reject.hint(format!("'functions: [\"{name}\"]' in the role would allow it")).at(call.at));
            }
            return;
        }
        let name = &*function.name.name;
        let class = class_of_call(name, call.args).or_else(|| class_of(name));
        if let Some(reject) = self.classified(call, name, class) {
            self.refuse(reject.at(call.at));
        }
    }

    /// A function that came with PostgreSQL.
    fn classified(&self, call: &Call, name: &str, class: Option<FunctionClass>) -> Option<Reject> {
        let Some(class) = class else {
            return Some(Reject::unclear("function", format!("function \"{name}\" is not classified")));
        };
        let allowed = match class {
            FunctionClass::Usable | FunctionClass::ReadsSetting => true,
            FunctionClass::SetsSetting => {
                let harmless = call.first.as_deref().is_some_and(is_harmless_setting);
                matches!(self.analysis.deed, Deed::Set(_)) || harmless || self.allowance == Allowance::SetsSetting
            }
            FunctionClass::Sequence => call.first.as_deref().is_some_and(|text| self.is_open_sequence(text)),
            FunctionClass::DataByName
            | FunctionClass::SqlText
            | FunctionClass::Files
            | FunctionClass::LargeObjects
            | FunctionClass::Sessions
            | FunctionClass::Statistics
            | FunctionClass::Signals
            | FunctionClass::State
            | FunctionClass::Internal => false,
        };
        if allowed {
            return None;
        }
        let (who, about) = (words::roles(self.profile), class.about());
        let reject = Reject::forbidden("function", format!("{who} may not use function \"{name}\", which {about}"));
        Some(match class {
            FunctionClass::Sequence => reject.hint("name a sequence of a column that is not veiled as a constant"),
            FunctionClass::SetsSetting => reject.hint("SET, or SELECT set_config(…) with constants alone, would be allowed"),
            FunctionClass::Usable
            | FunctionClass::ReadsSetting
            | FunctionClass::DataByName
            | FunctionClass::SqlText
            | FunctionClass::Files
            | FunctionClass::LargeObjects
            | FunctionClass::Sessions
            | FunctionClass::Statistics
            | FunctionClass::Signals
            | FunctionClass::State
            | FunctionClass::Internal => reject,
        })
    }

    /// Whether a constant names a sequence that no veiled column takes its values from. It has its schema: the walk has given it one, if there is such a
    /// relation.
    fn is_open_sequence(&self, text: &str) -> bool {
        let Some((Some(schema), name)) = named(text) else {
            return false;
        };
        let own = self.own.iter().find(|r| r.schema.as_deref().unwrap_or(TEMPORARY) == schema && *r.name == *name);
        match own {
            Some(own) => own.looked_up.as_ref().is_some_and(|r| r.kind == RelationKind::Sequence),
            None => self.catalog.relation_in(&schema, &name).is_some_and(|r| r.kind == RelationKind::Sequence && self.is_open(r)),
        }
    }

    /// Whether no veiled column takes its values from a sequence.
    fn is_open(&self, sequence: &Relation) -> bool {
        let veiled = self.profile.relations.keys().filter_map(|oid| self.catalog.relation(*oid)).any(|r| {
            let hidden = |c: &&crate::catalog::Column| veil::column_outcome(self.catalog, self.profile, r.oid, c.number).is_veiled();
            // an identity column's sequence is not named by a default: its usual name stands for it
            let usual = |column: &str| *sequence.name.name == format!("{}_{column}_seq", r.name.name);
            r.columns.iter().filter(hidden).any(|c| c.default.as_ref().is_some_and(|d| d.contains(&*sequence.name.name)) || usual(&c.name))
        });
        !veiled && !veil::is_veiled(self.catalog, self.profile, sequence.oid)
    }

    /// Types whose input functions or checks do not come with PostgreSQL.
    pub(super) fn types(&mut self) {
        let declared = self.analysis.declared.iter().copied().chain(self.checked_parts()).map(|oid| (oid, -1));
        for (oid, at) in self.analysis.types.iter().copied().chain(declared).collect::<Vec<_>>() {
            let Some(info) = self.catalog.type_info(oid).filter(|t| t.foreign_code) else {
                continue;
            };
            self.scrub = true;
            let mut inputs =
                self.catalog.contents().functions.iter().filter(|f| f.returns == oid && f.arg_types.first() == Some(&CSTRING)).peekable();
            let allowed = inputs.peek().is_some() && inputs.all(|f| self.profile.functions.contains(&f.oid));
            if !allowed {
                let (name, who) = (&info.name, words::roles(self.profile));
                let reject = Reject::forbidden(
                    "type",
                    format!("{who} may not make values of type \"{name}\", which runs functions from outside PostgreSQL"),
                );
                self.refuse(reject.hint("'functions' of the role may name its input functions, or \"extension:NAME\"").at(at));
            }
        }
    }
}

/// Settings that decide neither what a text means nor how values are printed: whatever they are set to need not be followed. Those
/// with a dot in their name are an application's own; `pgscrim.` is ours.
fn is_harmless_setting(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let known = ["jit", "application_name", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "work_mem"];
    known.contains(&&*name) || (name.contains('.') && !name.starts_with("pgscrim."))
}
