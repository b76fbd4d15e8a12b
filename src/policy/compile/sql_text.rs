//! The words of a piece of SQL, without reading it: which identifiers stand in it, which of them are called. What cannot be told
//! counts as more rather than less.

use std::collections::{BTreeSet, HashSet};

use crate::catalog::{Column, Relation, SYSTEM_COLUMNS, is_plain_word};

/// What stands in a text that PostgreSQL printed, or a policy's author wrote.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    /// Identifiers, unquoted ones folded; key words and parts of literals among them.
    pub(super) identifiers: HashSet<String>,
    /// Those of them that do not qualify what follows.
    pub(super) alone: HashSet<String>,
    /// A whole row (`t.*`).
    pub(super) whole_row: bool,
    /// Names that stand before an opening parenthesis; key words among them.
    pub(super) called: HashSet<String>,
    /// A function is called that came with PostgreSQL and does not act on its arguments alone.
    pub(super) hides: bool,
}

impl Words {
    /// Whether a column of a relation may be read: it is named, or the whole row is.
    fn may_name(&self, relation: &Relation, column: &Column) -> bool {
        self.whole_row || self.alone.contains(&*relation.name.name) || self.identifiers.contains(&*column.name)
    }
}

/// The columns of a relation that a text over it may read: those that it names, system columns among them, and those that generated ones
/// are computed from.
pub(super) fn read_by(relation: &Relation, text: &str) -> BTreeSet<i16> {
    let own = words(text);
    let named = || relation.columns.iter().filter(|c| own.may_name(relation, c));
    let generated: Vec<Words> = named().filter_map(|c| c.generated.as_deref()).map(words).collect();
    let behind = relation.columns.iter().filter(|c| generated.iter().any(|g| g.may_name(relation, c)));
    let texts = || std::iter::once(&own).chain(&generated);
    let system = SYSTEM_COLUMNS.iter().filter(|(name, ..)| texts().any(|t| t.identifiers.contains(*name))).map(|(_, number, _)| *number);
    named().chain(behind).map(|c| c.number).chain(system).collect()
}

/// Whether a condition on a relation's rows says the same of what gives them under other names, where all is given that it may read.
pub(crate) fn may_stand_above(relation: &Relation, condition: &str, gives: impl Fn(i16) -> bool) -> bool {
    let own = words(condition);
    let names_row = own.whole_row || own.identifiers.contains(&*relation.name.name);
    !names_row && read_by(relation, condition).into_iter().all(gives)
}

/// Reads a text's words.
pub(super) fn words(text: &str) -> Words {
    let mut words = Words { whole_row: text.contains(".*"), ..Words::default() };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let inner = rest.get(1..).unwrap_or("");
            let (name, after) = quoted(inner);
            if after.starts_with('(') {
                words.called.insert(name.clone());
            }
            if !after.starts_with('.') {
                words.alone.insert(name.clone());
            }
            words.identifiers.insert(name);
            // it may stand in a literal, and begin no name
            rest = inner;
        } else if is_word(c) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            let word = crate::base::fold(word);
            if after.starts_with('(') {
                words.hides |= !is_plain_word(&word);
                words.called.insert(word.clone());
            }
            if !after.starts_with('.') {
                words.alone.insert(word.clone());
            }
            words.identifiers.insert(word);
            rest = after;
        } else {
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    words
}

/// A quoted name, where one begins, and what follows it. No name is longer.
fn quoted(text: &str) -> (String, &str) {
    const LONGEST: usize = 256;
    let mut name = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next()
        && name.len() < LONGEST
    {
        if c == '"' && chars.next_if(|(_, next)| *next == '"').is_none() {
            return (name, text.get(at + 1..).unwrap_or(""));
        }
        name.push(c);
    }
    (name, "")
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_sql() {
        let found = words(r#" SELECT u.id, "E Mail", lower(u.City) FROM users u WHERE x = 'it'"#);
        for word in ["id", "E Mail", "city", "users", "it"] {
            assert!(found.identifiers.contains(word), "{word}");
        }
        assert!(!found.whole_row && !found.hides);
        let found = words(r#"a <> '"' AND "B c".d IN (SELECT e FROM "Odd""Name")"#);
        for word in ["a", "B c", "d", "e", "Odd\"Name"] {
            assert!(found.identifiers.contains(word), "{word}");
        }
        assert!(words("SELECT to_json(u.*) FROM users u").whole_row);
        assert!(words("SELECT query_to_xml('select 1', true, true, '')").hides);
        assert!(words("SELECT pg_read_file('x')").hides);
        assert!(!words("SELECT numeric(10,2), foo(1), IN (1)").hides);
    }
}
