//! The second reader: `sqlparser` reads the client's text by itself and makes a census of the relations, columns and stars that it
//! finds. What the analysis of the first reader's tree did not account for is refused: one of the two is wrong, and nobody knows
//! which. Where `sqlparser` cannot read a text, the first reader stands alone. Its tree is used for nothing else.

use std::collections::HashMap;

use super::model::Analysis;
use super::reject::{Checked, Reject};

mod dialect;
mod walk;

/// `Reject::reason` where the readers disagree: it is counted.
pub const DISAGREEMENT: &str = "second_reader";

/// The longest name that PostgreSQL keeps (`NAMEDATALEN` - 1); longer ones are cut.
const NAME_BYTES: usize = 63;

/// A name in the text, as PostgreSQL would store it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Word {
    name: Box<str>,
    quoted: bool,
}

impl Word {
    fn new(written: &str, quoted: bool) -> Self {
        let mut name = if quoted { written.to_owned() } else { crate::base::fold(written) };
        if name.len() > NAME_BYTES {
            let end = (0..=NAME_BYTES).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
            name.truncate(end);
        }
        Self { name: name.into(), quoted }
    }

    /// A word that PostgreSQL's grammar takes for no name, such as `current_user` or `default`: `sqlparser` does not tell them apart.
    fn is_reserved(&self) -> bool {
        use pg_query::protobuf::KeywordKind;
        if self.quoted || !self.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return false;
        }
        let scanned = pg_query::scan_tokens(&self.name);
        let kind = scanned.ok().and_then(|tokens| tokens.first().map(pg_query::protobuf::ScanToken::keyword_kind));
        matches!(kind, Some(KeywordKind::ReservedKeyword | KeywordKind::TypeFuncNameKeyword | KeywordKind::ColNameKeyword))
    }
}

/// What the second reader found in a statement.
#[derive(Debug, Default)]
pub(super) struct Census {
    /// Each appearance of a relation's name, its qualifiers before it.
    relations: Vec<Vec<Word>>,
    /// Names that stand where a column's does; the last part of qualified ones.
    columns: Vec<Word>,
    /// `*` in select lists.
    stars: u32,
}

impl Census {
    fn add(&mut self, other: Self) {
        let Self { relations, columns, stars } = other;
        self.relations.extend(relations);
        self.columns.extend(columns);
        self.stars += stars;
    }
}

/// What the second reader finds in a statement's text; `None` where it cannot read it. The text has passed the caps.
pub(super) fn take(text: &str) -> Option<Census> {
    let read = dialect::Reading::default();
    let statement = read.statement(text)?;
    let mut census = read.found();
    walk::add(&statement, &mut census);
    Some(census)
}

/// Holds the census against the analysis.
///
/// # Errors
/// A relation, column or star that the analysis did not account for.
pub(super) fn hold(census: &Census, analysis: &Analysis) -> Checked<()> {
    relations(census, analysis)?;
    let unseen = |w: &&Word| !analysis.seen.columns.contains(&w.name) && !w.is_reserved();
    if census.columns.iter().any(|w| unseen(&w)) {
        return Err(disagree("a column"));
    }
    if census.stars > 0 && analysis.seen.stars == 0 {
        return Err(disagree("a `*`"));
    }
    Ok(())
}

/// Each appearance must be an instance or a WITH query's: of that name, and in that schema where one is written.
fn relations(census: &Census, analysis: &Analysis) -> Checked<()> {
    let mut known: HashMap<(Option<&str>, &str), usize> = HashMap::new();
    let in_definition =
        |number: u32| analysis.inlined.values().chain(analysis.bodies.iter().map(|b| &b.instances)).any(|parts| parts.contains(&number));
    for (_, instance) in (0..).zip(&analysis.instances).filter(|(number, _)| !in_definition(*number)) {
        *known.entry((None, &instance.name.name)).or_default() += 1;
        *known.entry((Some(&instance.name.schema), &instance.name.name)).or_default() += 1;
    }
    for (name, times) in &analysis.seen.relations {
        *known.entry((None, name)).or_default() += times;
    }
    for path in &census.relations {
        let Some((word, qualifier)) = path.split_last() else { continue };
        let schema = qualifier.last().map(|w| &*w.name);
        if qualifier.is_empty() && word.is_reserved() {
            continue;
        }
        let keys = [Some((None, &*word.name)), schema.map(|s| (Some(s), &*word.name))];
        for key in keys.into_iter().flatten() {
            match known.get_mut(&key) {
                Some(left) if *left > 0 => *left -= 1,
                Some(_) | None => return Err(disagree("a relation")),
            }
        }
    }
    Ok(())
}

fn disagree(what: &str) -> Reject {
    Reject::unclear(DISAGREEMENT, format!("two readings of the text differ: one finds {what} that the other does not"))
        .hint("write the statement more plainly, and report it: this is a fault of pgscrim")
}

#[cfg(test)]
mod tests;
