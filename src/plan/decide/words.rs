//! What people are told: the column, its class, the role whose rule decided, the use, and what would work. Names, never a literal.

use std::sync::Arc;

use crate::catalog::{Catalog, Oid, PgType};
use crate::mask::{Laws, Mask};
use crate::policy::{Absence, MaskRule, Outcome, Profile};
use crate::sql::Reject;
use crate::sql::model::UseKind;

/// What every refusal for want of `Rewrite` says.
pub(super) const NOT_YET: &str = "needs rewriting, which this version does not do there yet";

/// `public.users.email`.
pub(super) fn column_name(catalog: &Catalog, relation: Oid, column: i16) -> String {
    let Some(r) = catalog.relation(relation) else {
        return "an unknown column".to_owned();
    };
    r.column_number(column).map_or_else(|| format!("{}.*", r.name), |c| r.name.column(&c.name))
}

/// The mask's and role's names that stand behind an outcome.
pub(super) fn rule_of(outcome: &Outcome) -> (Option<Arc<str>>, Option<Arc<str>>) {
    match outcome {
        Outcome::Masked(rule) => (Some(Arc::clone(&rule.name)), Some(Arc::clone(&rule.role))),
        Outcome::Absent(Absence::Denied { role }) => (None, Some(Arc::clone(role))),
        Outcome::Absent(Absence::Misfit { mask }) => (Some(Arc::clone(mask)), None),
        Outcome::Clear
        | Outcome::Conditional(_)
        | Outcome::Absent(Absence::NoRule | Absence::Unclassified | Absence::Derived | Absence::System) => (None, None),
    }
}

/// `column "public.users.email" (class "personal.contact")`.
pub(super) fn column(catalog: &Catalog, profile: &Profile, relation: Oid, number: i16) -> String {
    let name = column_name(catalog, relation, number);
    let inside = classes_inside(profile, relation, number);
    match profile.class(relation, number) {
        Some(class) => format!("column \"{name}\" (class \"{class}\")"),
        None if inside.is_empty() => format!("column \"{name}\""),
        None => format!("column \"{name}\" ({})", inside.join(", ")),
    }
}

/// `class "personal.contact" at $.address.street`, for each path into a column.
fn classes_inside(profile: &Profile, relation: Oid, number: i16) -> Vec<String> {
    let paths = profile.paths(relation, number).iter();
    paths.filter_map(|p| Some(format!("class \"{}\" at {}", p.class.as_ref()?, p.text))).collect()
}

/// What a `write` rule has to name for a column to be set: its class, those of the paths into it, or the column.
pub(super) fn write_keys(catalog: &Catalog, profile: &Profile, relation: Oid, number: i16) -> String {
    let inside = profile.paths(relation, number).iter().filter_map(|p| p.class.clone());
    let mut keys: Vec<String> = profile.class(relation, number).into_iter().chain(inside).map(|class| format!("{class}: allow")).collect();
    keys.sort();
    keys.dedup();
    if keys.is_empty() { format!("{}: allow", column_name(catalog, relation, number)) } else { keys.join(", ") }
}

/// `role "support"`, `roles "a", "b"`.
pub(super) fn roles(profile: &Profile) -> String {
    let names: Vec<String> = profile.principal.roles.iter().map(|r| format!("\"{r}\"")).collect();
    match names.len() {
        0 => format!("\"{}\"", profile.principal.login),
        1 => format!("role {}", names.join(", ")),
        _ => format!("roles {}", names.join(", ")),
    }
}

/// An absent column is named.
pub(super) fn absent(absence: &Absence, column: &str, profile: &Profile) -> Reject {
    let who = roles(profile);
    let reject = match absence {
        Absence::Denied { role } => Reject::forbidden("denied", format!("role \"{role}\" denies {column}")),
        Absence::NoRule => Reject::forbidden("no rule", format!("{who}: no rule allows {column}")),
        Absence::Unclassified => Reject::forbidden("unclassified", format!("{who}: {column} has no class, and 'unclassified: deny' holds")),
        Absence::Misfit { mask } => Reject::forbidden("misfit", format!("{who}: mask \"{mask}\" does not fit the type of {column}")),
        Absence::Derived => Reject::forbidden("derived", format!("{who}: {column} is derived from veiled data")),
        Absence::System => Reject::forbidden("system catalog", format!("{who}: {column} holds data of the server")),
    };
    reject.hint(match absence {
        Absence::Denied { .. } => "leave it out; '*' does so by itself",
        Absence::NoRule | Absence::Unclassified => "a 'read' rule on the column or its class would allow it; '*' leaves it out by itself",
        Absence::Misfit { .. } => "a rule with a mask that fits the column's type would allow it",
        Absence::Derived => "naming the column under 'tables' with a class, and a 'read' rule for it, would allow it",
        Absence::System => "leave it out",
    })
}

/// How a use is called in messages and in the audit.
pub(super) fn usage(kind: UseKind) -> &'static str {
    match kind {
        UseKind::Output => "output",
        UseKind::NullTest => "null test",
        UseKind::Count => "count",
        UseKind::CountDistinct => "count distinct",
        UseKind::MinMax => "min or max",
        UseKind::Aggregate => "aggregate",
        UseKind::Filter => "filter",
        UseKind::Lookup(_) | UseKind::LookupMany(_) => "lookup",
        UseKind::EqualsConstant => "comparison",
        UseKind::Join => "join",
        UseKind::Equality => "equality",
        UseKind::Using => "join using",
        UseKind::Group => "group",
        UseKind::Distinct => "distinct",
        UseKind::Order => "order",
        UseKind::Expression => "expression",
        UseKind::Member(_) => "member",
        UseKind::SetOperation => "set operation",
        UseKind::MixedOutput => "mixed output",
        UseKind::Recursive => "recursion",
        UseKind::WholeRow => "whole row",
        UseKind::WriteSource => "stored value",
        UseKind::Conflict => "conflict target",
        UseKind::Shadow => "shadow",
        UseKind::Named => "named",
    }
}

/// A use of a column of this type that the mask does not commute with.
pub(super) fn cannot_commute(kind: UseKind, column: &str, rule: &MaskRule, laws: Option<Laws>, ty: Option<&PgType>) -> Reject {
    let (usage, role, mask) = (usage(kind), &rule.role, &rule.name);
    let what = format!("{usage} of {column}, which role \"{role}\" masks with \"{mask}\"");
    let message = match laws {
        Some(l) if l.sql || l.constant => format!("{what}, {NOT_YET}"),
        Some(_) => format!("{what}: the mask has no SQL form"),
        None => format!("{what}: the mask does not fit its type"),
    };
    let reject = Reject::unclear(reason(kind), message);
    match ty.filter(|_| laws.is_none_or(|l| !l.sql && !l.constant)) {
        Some(ty) => reject.hint(format!("{}; a mask with an SQL form would allow any use ({})", hint(kind), with_sql_form(ty))),
        None => reject.hint(hint(kind)),
    }
}

/// The masks that can be written in SQL for a type: `'redact', 'email'`.
pub(super) fn with_sql_form(ty: &PgType) -> String {
    Mask::with_sql_form(ty).iter().map(|m| format!("'{m}'")).collect::<Vec<_>>().join(", ")
}

fn reason(kind: UseKind) -> &'static str {
    match kind {
        UseKind::Filter | UseKind::Lookup(_) | UseKind::LookupMany(_) | UseKind::EqualsConstant => "filter",
        UseKind::Join | UseKind::Equality | UseKind::Using => "join",
        UseKind::Group | UseKind::Distinct | UseKind::CountDistinct | UseKind::SetOperation => "group",
        UseKind::Order | UseKind::MinMax => "order",
        UseKind::Aggregate | UseKind::Count => "aggregate",
        UseKind::WholeRow => "whole row",
        UseKind::WriteSource | UseKind::Conflict => "write",
        UseKind::Output | UseKind::MixedOutput | UseKind::Recursive => "output",
        UseKind::Expression | UseKind::Member(_) | UseKind::NullTest | UseKind::Shadow | UseKind::Named => "expression",
    }
}

fn hint(kind: UseKind) -> &'static str {
    match kind {
        UseKind::Lookup(_) | UseKind::LookupMany(_) | UseKind::EqualsConstant => {
            "a rule with 'reveal: [lookup]' would allow 'column = constant' in WHERE; the column may be selected, counted and tested for NULL"
        }
        UseKind::Equality
        | UseKind::Join
        | UseKind::Using
        | UseKind::Group
        | UseKind::Distinct
        | UseKind::CountDistinct
        | UseKind::SetOperation => {
            "a mask that keeps values apart ('pseudonym') or a rule with 'reveal: [equality]' would allow equality joins, GROUP BY and DISTINCT"
        }
        UseKind::Order | UseKind::MinMax => "a rule with 'reveal: [order]' would allow it; 'round' and 'date' allow min and max",
        UseKind::WholeRow => "select the columns by name",
        UseKind::Output
        | UseKind::NullTest
        | UseKind::Count
        | UseKind::Aggregate
        | UseKind::Filter
        | UseKind::Expression
        | UseKind::Member(_)
        | UseKind::MixedOutput
        | UseKind::Recursive
        | UseKind::WriteSource
        | UseKind::Conflict
        | UseKind::Shadow
        | UseKind::Named => "the column may be selected as it is, counted and tested for NULL",
    }
}
