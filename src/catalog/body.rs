//! Bodies of functions in SQL.

use std::borrow::Cow;

use super::functions::is_plain_word;
use super::{Catalog, FIRST_NORMAL_OID};

/// The body of a function in SQL that is not SECURITY DEFINER and belongs to no extension.
#[expect(clippy::struct_excessive_bools, reason = "a row of pg_proc: each is a fact of its own")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// `prosrc`, or what `pg_get_function_sqlbody` prints.
    pub text: Box<str>,
    /// All names but those of `pg_catalog` stand with their schemas: it was bound when it was made (RETURN, BEGIN ATOMIC), or its `search_path` is that alone.
    pub bound: bool,
    /// The names of its parameters, in order; empty where one has none.
    pub parameters: Vec<Box<str>>,
    /// `proisstrict`
    pub strict: bool,
    /// Everybody may call it.
    pub public: bool,
    /// It sets parameters while it runs (`proconfig`), other than such a `search_path`.
    pub sets: bool,
}

impl Body {
    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> Cow<'_, str> {
        let text = self.text.trim();
        let bound = |word: &str| text.strip_prefix(word).filter(|_| self.bound);
        match (bound("RETURN "), bound("BEGIN ATOMIC").and_then(|rest| rest.strip_suffix("END"))) {
            (Some(value), _) => Cow::Owned(format!("SELECT {value}")),
            (None, Some(statements)) => Cow::Borrowed(statements),
            (None, None) => Cow::Borrowed(text),
        }
    }

    /// Whether it surely acts on its arguments alone: one SELECT, without a word that a relation could stand behind, and without the name of anything that
    /// runs code from outside PostgreSQL. A word-wise look, for where nothing can be analysed; it errs to the strict side.
    #[must_use]
    pub fn is_closed(&self, catalog: &Catalog) -> bool {
        let text = crate::base::fold(&self.statements());
        let one = text.trim_start().starts_with("select") && !text.trim_end().trim_end_matches(';').contains(';');
        let opens = |word: &str| matches!(word, "from" | "table" | "into") || !is_plain_word(word);
        let contents = catalog.contents();
        let functions = contents.functions.iter().filter(|f| f.oid >= FIRST_NORMAL_OID).map(|f| &f.name.name);
        let operators = contents.operators.iter().filter(|o| o.oid >= FIRST_NORMAL_OID).map(|o| &o.name.name);
        let foreign = functions.chain(operators).any(|name| text.contains(&crate::base::fold(name)));
        let cast = contents.casts.iter().any(|(_, _, function)| catalog.function(*function).is_some_and(|f| f.body.is_some()));
        one && !text.contains("u&\"") && !text.split(|c: char| !c.is_alphanumeric() && c != '_').any(opens) && !foreign && !cast
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Contents;

    fn body(text: &str, bound: bool) -> Body {
        Body { text: text.into(), bound, parameters: Vec::new(), strict: false, public: true, sets: false }
    }

    #[test]
    fn what_surely_acts_on_its_arguments_alone_is_closed() {
        let catalog = Catalog::new(Contents::default());
        for (text, bound, closed) in [
            ("SELECT $1 + 1", false, true),
            ("  select upper(a) || ';'", false, false),
            ("SELECT coalesce(a, b);\n", false, true),
            ("RETURN (a + b)", true, true),
            ("BEGIN ATOMIC\n SELECT a.b;\nEND", true, true),
            ("BEGIN ATOMIC\n SELECT 1;\n SELECT 2;\nEND", true, false),
            ("SELECT email FROM people", false, false),
            ("select email\nfrom/**/people", false, false),
            ("TABLE people", false, false),
            ("SELECT 1 UNION TABLE people", false, false),
            ("UPDATE people SET a = 1", false, false),
            ("SELECT table_to_xml('people', true, true, '')", false, false),
            ("SELECT \"lo_get\"(1)", false, false),
            ("SELECT U&\"\\0074able_to_xml\"('people', true, true, '')", false, false),
            ("SELECT current_setting('x')", false, true),
        ] {
            assert_eq!(body(text, bound).is_closed(&catalog), closed, "{text}");
        }
    }
}
