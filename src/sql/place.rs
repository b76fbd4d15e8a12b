//! Where a place of a text that the proxy printed stands in the client's own. Both are taken apart into PostgreSQL's tokens and walked in
//! step: the printed one may qualify names, quote them, and say AS where the client did not. Where anything else differs there is no
//! answer, and so no wrong one.

use pg_query::protobuf::{ScanToken, Token};

use super::caps::scan;

/// Bytes of text beyond which no place is looked for.
const LONGEST: usize = 64 << 10;

/// A name with what it is qualified by, or any other token alone.
struct Unit {
    /// Where each part begins, and how it reads.
    parts: Vec<(usize, String)>,
}

/// Where a place in the printed text (in characters, the first one being 1) stands in the client's.
#[must_use]
pub fn place(printed: &str, own: &str, position: u32) -> Option<u32> {
    if printed == own {
        return Some(position);
    }
    if printed.len().max(own.len()) > LONGEST {
        return None;
    }
    let at = printed.char_indices().nth(usize::try_from(position).ok()?.checked_sub(1)?)?.0;
    let (printed, client) = (units(printed)?, units(own)?);
    let mut rest = client.iter().peekable();
    let mut found = None;
    for unit in &printed {
        match rest.peek() {
            Some(same) if same.is(unit) => {
                found = found.or_else(|| same.place(unit, at));
                rest.next();
            }
            _ if unit.is_as() => {}
            _ => return None,
        }
    }
    if rest.peek().is_some() {
        return None;
    }
    u32::try_from(own.get(..found?)?.chars().count() + 1).ok()
}

impl Unit {
    /// Whether it is what a printed one says, which may say it more fully.
    fn is(&self, printed: &Self) -> bool {
        let more = printed.parts.len().checked_sub(self.parts.len());
        more.is_some_and(|more| self.parts.iter().zip(printed.parts.iter().skip(more)).all(|(own, printed)| own.1 == printed.1))
    }

    /// Where a place in the printed one stands here, if it is in it.
    fn place(&self, printed: &Self, at: usize) -> Option<usize> {
        let index = printed.parts.iter().position(|(start, _)| *start == at)?;
        let more = printed.parts.len() - self.parts.len();
        self.parts.get(index.saturating_sub(more)).map(|(start, _)| *start)
    }

    fn is_as(&self) -> bool {
        matches!(self.parts.as_slice(), [(_, word)] if word == "as")
    }
}

/// A text's tokens, without comments and the semicolons at its end.
fn units(text: &str) -> Option<Vec<Unit>> {
    let scanned = scan(text, LONGEST).ok()?;
    let comment = |t: &&ScanToken| !matches!(t.token(), Token::SqlComment | Token::CComment);
    let (mut units, mut dotted): (Vec<Unit>, bool) = (Vec::new(), false);
    for token in scanned.tokens.iter().filter(comment) {
        let start = usize::try_from(token.start).ok()?;
        let word = word(text.get(start..usize::try_from(token.end).ok()?)?);
        let dot = word == ".";
        match units.last_mut() {
            Some(last) if dotted => last.parts.push((start, word)),
            Some(_) if dot => {}
            _ => units.push(Unit { parts: vec![(start, word)] }),
        }
        dotted = dot;
    }
    while matches!(units.last().map(|u| u.parts.as_slice()), Some([(_, word)]) if word == ";") {
        units.pop();
    }
    Some(units)
}

/// How a token reads, however it is written.
fn word(token: &str) -> String {
    if let Some(name) = token.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
        return name.replace("\"\"", "\"");
    }
    match token {
        "!=" => "<>".to_owned(),
        _ if token.starts_with('\'') => token.to_owned(),
        _ if token.bytes().any(|b| matches!(b, b'\'' | b'$')) => token.to_owned(),
        _ => token.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests;
