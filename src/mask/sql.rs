//! The pieces that SQL forms are put together from: `pg_catalog` functions by their qualified names, literals that mean the same
//! under every setting but `standard_conforming_strings = off`. Operators are written as the functions behind them, which no
//! `search_path` can lead astray. What the forms say is with each mask.

use super::{Kernel, Mask, card, composite, date, document, email, ip, name, null, partial, redact};
use crate::catalog::{PgType, Scalar, Shape};

impl Mask {
    /// The mask as an SQL expression over a column of a type: `Some` exactly where [`super::Laws::sql`] holds. `column` is a
    /// reference to it (`u.email`) and may stand several times.
    ///
    /// The expression has the base type of a domain, `text` for citext and for an array that became empty, and the collation `"C"`
    /// where it is text: a cast to the declared type and the column's own `COLLATE` belong around it. It is exact on servers whose
    /// encoding is UTF8.
    #[must_use]
    pub fn sql(&self, ty: &PgType, column: &str) -> Option<String> {
        if !self.laws(ty)?.sql {
            return None;
        }
        let text = |form: String| fit(&form, ty);
        Some(match &self.kernel {
            Kernel::Null => null::SQL.to_owned(),
            Kernel::Redact => redact::sql(ty, column),
            Kernel::Document(document) => document::sql(document, ty.scalar(), column)?,
            Kernel::Composite(composite) => composite::sql(composite, column)?,
            Kernel::Partial(partial) => text(partial::sql(partial, column)),
            Kernel::Email => text(email::sql(column)),
            Kernel::Name => text(name::sql(column)),
            Kernel::Card => text(card::sql(column)),
            Kernel::Ip if ty.scalar().is_text() => text(ip::sql_of_text(column)),
            Kernel::Ip => ip::sql(ty.scalar(), column),
            Kernel::Date(keep) => date::sql(*keep, ty.scalar(), column)?,
            Kernel::Round(round) => round.sql(ty, column)?,
            Kernel::Pseudonym(_) | Kernel::Fpe(_) | Kernel::Fake(_) => return None,
        })
    }

    /// What is stored in the place of a new value `new` that was made of the mask of `raw` part by part, as SQL over both; `raises` is an
    /// expression that raises an error. `None` where that cannot be told.
    #[must_use]
    pub fn sql_back(&self, ty: &PgType, new: &str, raw: &str, raises: &str) -> Option<String> {
        if !self.laws(ty)?.sql {
            return None;
        }
        if let Kernel::Document(document) = &self.kernel {
            return document::sql_back(document, ty, new, raw, raises);
        }
        let Kernel::Composite(composite) = &self.kernel else { return None };
        composite::sql_back(composite, new, raw)
    }
}

/// `pg_catalog.f(a, b)`
pub(super) fn call(function: &str, arguments: &[&str]) -> String {
    format!("pg_catalog.{function}({})", arguments.join(", "))
}

/// `CASE WHEN condition THEN yes ELSE no END`
pub(super) fn choose(condition: &str, yes: &str, no: &str) -> String {
    format!("CASE WHEN {condition} THEN {yes} ELSE {no} END")
}

/// `value` where the column is not NULL.
pub(super) fn unless_null(column: &str, value: &str) -> String {
    format!("CASE WHEN {column} IS NOT NULL THEN {value} END")
}

/// Texts behind each other.
pub(super) fn concat(parts: &[&str]) -> String {
    match parts {
        [] => quote(""),
        [one] => (*one).to_owned(),
        [one, rest @ ..] => call("textcat", &[one, &concat(rest)]),
    }
}

/// `(value)::pg_catalog.type`
pub(super) fn cast(value: &str, ty: &str) -> String {
    format!("({value})::pg_catalog.{ty}")
}

/// A constant of a type, from its text.
pub(super) fn constant(text: &str, ty: &str) -> String {
    format!("{}::pg_catalog.{ty}", quote(text))
}

/// A text literal.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A whole number that is not negative.
pub(super) fn number(n: usize) -> String {
    n.to_string()
}

/// Cut to the declared length, and padded, as an explicit cast does it.
fn fit(form: &str, ty: &PgType) -> String {
    match type_name(ty) {
        Some(name) => cast(form, &name),
        None => form.to_owned(),
    }
}

/// What a built-in type that masks know is called behind `pg_catalog.`, with its modifier.
#[must_use]
pub fn type_name(ty: &PgType) -> Option<String> {
    let Shape::Scalar(scalar) = ty.shape else { return None };
    let name = match scalar {
        Scalar::Bool => "bool",
        Scalar::Int2 => "int2",
        Scalar::Int4 => "int4",
        Scalar::Int8 => "int8",
        Scalar::Float4 => "float4",
        Scalar::Float8 => "float8",
        Scalar::Numeric => match super::decimal::declared(ty.typmod) {
            Some(declared) => return Some(format!("numeric({},{})", declared.precision, declared.scale)),
            None => "numeric",
        },
        Scalar::Money => "money",
        Scalar::Text | Scalar::Citext => "text",
        Scalar::Varchar | Scalar::Bpchar => {
            let name = if scalar == Scalar::Varchar { "varchar" } else { "bpchar" };
            return Some(ty.max_chars.map_or_else(|| name.to_owned(), |n| format!("{name}({n})")));
        }
        Scalar::Name => "name",
        Scalar::Date => "date",
        Scalar::Timestamp => "timestamp",
        Scalar::Timestamptz => "timestamptz",
        Scalar::Uuid => "uuid",
        Scalar::Json => "json",
        Scalar::Jsonb => "jsonb",
        Scalar::Bytea => "bytea",
        Scalar::Inet => "inet",
        Scalar::Cidr => "cidr",
        Scalar::Other => return None,
    };
    Some(name.to_owned())
}
