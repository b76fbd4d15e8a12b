//! SQL identifiers: folding, quoting, and names with a schema.
//! Source: PostgreSQL documentation, 4.1.1 "Identifiers and Key Words".

use std::fmt;

/// Folds an unquoted identifier as PostgreSQL does: ASCII letters to lower case, all else as it is.
#[must_use]
pub fn fold(ident: &str) -> String {
    ident.to_ascii_lowercase()
}

/// Quotes an identifier always, so that no key word list is needed.
#[must_use]
pub fn quote_ident(ident: &str) -> String {
    format!("\"{}\"", ident.replace('"', "\"\""))
}

/// `name` or `schema.name` as PostgreSQL reads it in a text that stands for a relation: folded unless quoted. What begins with a digit is a number there.
#[must_use]
pub fn named(text: &str) -> Option<(Option<String>, String)> {
    let mut parts = Vec::new();
    let mut rest = text.trim_ascii();
    loop {
        let (part, tail) = if let Some(quoted) = rest.strip_prefix('"') {
            quoted.split_once('"').map(|(p, t)| (p.to_owned(), t))?
        } else {
            let end = rest.find('.').unwrap_or(rest.len());
            let (part, tail) = rest.split_at_checked(end)?;
            let plain =
                part.starts_with(|c: char| !c.is_ascii_digit()) && part.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '$');
            (plain.then(|| fold(part))?, tail)
        };
        parts.push(part);
        match tail.strip_prefix('.') {
            Some(next) => rest = next,
            None if tail.is_empty() => break,
            None => return None,
        }
    }
    let name = parts.pop()?;
    let schema = parts.pop();
    parts.is_empty().then_some((schema, name))
}

/// The name of a relation, type or function with its schema, as stored (already folded).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QualifiedName {
    /// The schema's stored name.
    pub schema: Box<str>,
    /// The object's stored name.
    pub name: Box<str>,
}

impl QualifiedName {
    /// A name from its two stored parts.
    pub fn new(schema: impl Into<Box<str>>, name: impl Into<Box<str>>) -> Self {
        Self { schema: schema.into(), name: name.into() }
    }
}

impl QualifiedName {
    /// The name of a column of it, for people and the audit: `public.users.email`.
    #[must_use]
    pub fn column(&self, name: &str) -> String {
        if needs_quotes(name) { format!("{self}.{}", quote_ident(name)) } else { format!("{self}.{name}") }
    }
}

fn needs_quotes(part: &str) -> bool {
    let mut chars = part.chars();
    let head = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_' || !c.is_ascii());
    !head || !chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '$' || !c.is_ascii())
}

/// For people and the audit: `public.users`, quoted only where folding would change a part.
impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in [&self.schema, &self.name].into_iter().enumerate() {
            if i == 1 {
                f.write_str(".")?;
            }
            if needs_quotes(part) { f.write_str(&quote_ident(part))? } else { f.write_str(part)? }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_texts() {
        let found = |schema: Option<&str>, name: &str| Some((schema.map(Into::into), name.into()));
        for (text, names) in [
            ("Steps", found(None, "steps")),
            (" a.\"B c\"", found(Some("a"), "B c")),
            ("\"16400\"", found(None, "16400")),
            ("16400", None),
            ("a.16400", None),
            ("a.b.c", None),
            ("\"a", None),
            ("\"a\"\"b\"", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(named(text), names, "{text}");
        }
    }
}
