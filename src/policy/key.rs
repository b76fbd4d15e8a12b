//! The keys of tables and columns: SQL identifiers with folding and quotes, `*` in unquoted parts, and paths into documents.
//! What a key is matched against is not decided here.

use std::fmt;

use crate::base::{QualifiedName, fold, quote_ident};
use crate::mask::Step;

/// One identifier of a key, or a pattern for identifiers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Part {
    /// Folded unless it was quoted.
    text: Box<str>,
    pattern: bool,
}

impl Part {
    /// Whether a stored name is meant.
    pub(crate) fn matches(&self, name: &str) -> bool {
        if self.pattern { glob(&self.text, name) } else { *self.text == *name }
    }

    /// It has a `*`.
    pub(crate) fn is_pattern(&self) -> bool {
        self.pattern
    }

    /// It is `*` alone: whatever nothing else names.
    pub(crate) fn is_rest(&self) -> bool {
        self.pattern && &*self.text == "*"
    }

    /// The stored name, for a part without `*`.
    pub(crate) fn exact(&self) -> Option<&str> {
        (!self.pattern).then_some(&*self.text)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = self.text.chars().all(|c| c == '*' && self.pattern || is_plain(c) && !c.is_ascii_uppercase())
            && !self.text.starts_with(|c: char| c.is_ascii_digit() || c == '$')
            && !self.text.is_empty();
        if plain { f.write_str(&self.text) } else { f.write_str(&quote_ident(&self.text)) }
    }
}

/// Identifiers with dots between them, and a path into the column that the last one names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ObjectKey {
    pub(crate) parts: Vec<Part>,
    /// After `$`; `None` for a key that is not a path.
    pub(crate) path: Option<Vec<Step>>,
}

impl ObjectKey {
    /// Reads a key. The error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut rest = text;
        loop {
            if let Some(path) = rest.strip_prefix('$').filter(|_| !parts.is_empty()) {
                return Ok(Self { parts, path: Some(steps(path)?) });
            }
            let (part, after) = part(rest)?;
            parts.push(part);
            match after.strip_prefix('.') {
                Some(next) => rest = next,
                None if after.is_empty() => return Ok(Self { parts, path: None }),
                None => return Err("a dot stands between identifiers"),
            }
        }
    }

    /// No part has a `*`.
    pub(crate) fn is_exact(&self) -> bool {
        !self.parts.iter().any(Part::is_pattern)
    }

    /// `schema.table`, both parts without `*`.
    pub(crate) fn exact_table(&self) -> Option<QualifiedName> {
        match self.parts.as_slice() {
            [schema, table, ..] => Some(QualifiedName::new(schema.exact()?, table.exact()?)),
            _ => None,
        }
    }

    /// Whether the first two parts mean this relation.
    pub(crate) fn matches_table(&self, name: &QualifiedName) -> bool {
        matches!(self.parts.as_slice(), [schema, table, ..] if schema.matches(&name.schema) && table.matches(&name.name))
    }
}

/// A path into a document as it is written: `$.address.street`.
pub(crate) fn path_text(path: &[Step]) -> String {
    let mut text = String::from("$");
    for step in path {
        match step {
            Step::Member(name) if name.chars().all(is_plain) && !name.is_empty() => text.push_str(&format!(".{name}")),
            Step::Member(name) => text.push_str(&format!(".{}", quote_ident(name))),
            Step::AnyMember => text.push_str(".*"),
            Step::AnyElement => text.push_str("[*]"),
        }
    }
    text
}

/// A field's name as it is written.
pub(crate) fn field_text(name: &str) -> String {
    Part { text: name.into(), pattern: false }.to_string()
}

/// One spelling for every key that means the same.
impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            part.fmt(f)?;
        }
        match &self.path {
            Some(path) => write!(f, ".{}", path_text(path)),
            None => Ok(()),
        }
    }
}

/// What may stand in an identifier without quotes (`scan.l`, `ident_cont`).
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

fn part(text: &str) -> Result<(Part, &str), &'static str> {
    if let Some(inner) = text.strip_prefix('"') {
        let (name, rest) = quoted(inner).ok_or("a quote is not closed")?;
        if name.is_empty() {
            return Err("an identifier is empty");
        }
        return Ok((Part { text: name.into(), pattern: false }, rest));
    }
    let end = text.find(|c: char| !is_plain(c) && c != '*').unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    if name.is_empty() {
        return Err(if rest.is_empty() || rest.starts_with('.') {
            "an identifier is empty"
        } else {
            "this identifier needs double quotes"
        });
    }
    if name.starts_with(|c: char| c.is_ascii_digit() || c == '$') || !(rest.is_empty() || rest.starts_with('.')) {
        return Err("this identifier needs double quotes");
    }
    Ok((Part { text: fold(name).into(), pattern: name.contains('*') }, rest))
}

/// The text up to the closing quote, doubled quotes made one, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

fn steps(mut text: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    while !text.is_empty() {
        if let Some(rest) = text.strip_prefix("[*]") {
            steps.push(Step::AnyElement);
            text = rest;
            continue;
        }
        let member = text.strip_prefix('.').ok_or("a path goes on with '.name' or '[*]'")?;
        if let Some(inner) = member.strip_prefix('"') {
            let (name, rest) = quoted(inner).ok_or("a quote is not closed")?;
            steps.push(Step::Member(name.into()));
            text = rest;
            continue;
        }
        let end = member.find(['.', '[']).unwrap_or(member.len());
        let (name, rest) = member.split_at_checked(end).unwrap_or((member, ""));
        match name {
            "" => return Err("a member's name is empty"),
            "*" => steps.push(Step::AnyMember),
            _ if name.chars().all(|c| is_plain(c) || c == '-') => steps.push(Step::Member(name.into())),
            _ => return Err("this member's name needs double quotes"),
        }
        text = rest;
    }
    if steps.is_empty() { Err("a path names at least one member") } else { Ok(steps) }
}

/// Whether a text fits a pattern in which `*` is any run of characters. Linear but for one step back to the last `*`.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (mut p, mut t) = (pattern, text);
    let mut back: Option<(&str, &str)> = None;
    loop {
        let (head, tail) = match p.chars().next() {
            Some('*') => {
                p = p.get(1..).unwrap_or("");
                back = Some((p, t));
                continue;
            }
            Some(c) => (Some(c), p.get(c.len_utf8()..).unwrap_or("")),
            None => (None, ""),
        };
        let next = t.chars().next();
        match (head, next) {
            (None, None) => return true,
            (Some(a), Some(b)) if a == b => {
                p = tail;
                t = t.get(b.len_utf8()..).unwrap_or("");
            }
            _ => {
                let Some((after, from)) = back else { return false };
                let Some(skipped) = from.chars().next() else { return false };
                let from = from.get(skipped.len_utf8()..).unwrap_or("");
                back = Some((after, from));
                (p, t) = (after, from);
            }
        }
    }
}

#[cfg(test)]
mod tests;
