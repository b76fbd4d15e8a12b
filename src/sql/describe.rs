//! What the audit keeps of a text: PostgreSQL's own tokens, each literal replaced by `$n`, comments left out, and quoted names that
//! no object has replaced too, since clients put values between the wrong quotes. Never a literal, never a value.

use pg_query::protobuf::{ScanToken, Token};

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::parse::Parsed;

/// A text for the audit with the fingerprint of its shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The text without literals.
    pub text: String,
    /// 16 hexadecimal digits.
    pub fingerprint: String,
}

/// Describes one statement of a text that was parsed. `known` says whether any object has a name.
#[must_use]
pub fn describe(text: &str, tokens: &[ScanToken], statement: &Parsed, known: &dyn Fn(&str) -> bool) -> Description {
    let Parsed {
        node: _,
        version: _,
        known: parser::Statement { fingerprint, emptied: _ },
        depth: _,
        parameters: _,
        number_since_16: _,
        start,
        end,
    } = statement;
    let tokens = within(tokens, *start, *end);
    let highest = tokens.iter().filter(|t| t.token() == Token::Param).filter_map(|t| param_number(slice(text, t))).max().unwrap_or(0);
    let mut out = String::with_capacity(end.saturating_sub(*start));
    let mut next = highest;
    let mut last_end: Option<usize> = None;
    for token in tokens {
        let (Ok(from), Ok(to)) = (usize::try_from(token.start), usize::try_from(token.end)) else { continue };
        if matches!(token.token(), Token::SqlComment | Token::CComment) {
            continue;
        }
        if last_end.is_some_and(|e| e != from) {
            out.push(' ');
        }
        last_end = Some(to);
        if is_literal(token, slice(text, token), known) {
            next += 1;
            out.push('$');
            out.push_str(&next.to_string());
        } else {
            out.push_str(slice(text, token));
        }
    }
    Description { text: out, fingerprint: format!("{fingerprint:016x}") }
}

/// Describes a text that could not be parsed: its length, and a fingerprint that is keyed, or its literals could be guessed.
#[must_use]
pub fn describe_unread(text: &str, key: &[u8; 32]) -> Description {
    let fingerprint = match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mut mac) => {
            mac.update(text.as_bytes());
            hex::encode(mac.finalize().into_bytes().iter().take(8).copied().collect::<Vec<u8>>())
        }
        Err(_) => "0000000000000000".to_owned(),
    };
    Description { text: format!("(not parsed, {} bytes)", text.len()), fingerprint }
}

/// The tokens of one statement; they stand in the order of the text.
fn within(tokens: &[ScanToken], start: usize, end: usize) -> &[ScanToken] {
    let before = |place: i32, limit: usize| usize::try_from(place).is_ok_and(|p| p < limit);
    let first = tokens.partition_point(|t| before(t.start, start));
    let behind = tokens.partition_point(|t| before(t.end, end.saturating_add(1)));
    tokens.get(first..behind).unwrap_or_default()
}

fn slice<'a>(text: &'a str, token: &ScanToken) -> &'a str {
    let (from, to) = (usize::try_from(token.start).unwrap_or(0), usize::try_from(token.end).unwrap_or(0));
    text.get(from..to).unwrap_or_default()
}

fn param_number(token: &str) -> Option<u32> {
    token.strip_prefix('$')?.parse().ok()
}

#[expect(clippy::wildcard_enum_match_arm, reason = "keywords and punctuation, five hundred of them")]
fn is_literal(token: &ScanToken, text: &str, known: &dyn Fn(&str) -> bool) -> bool {
    match token.token() {
        Token::Fconst | Token::Sconst | Token::Usconst | Token::Bconst | Token::Xconst | Token::Iconst | Token::Uident => true,
        Token::Ident => match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            Some(quoted) => !known(&quoted.replace("\"\"", "\"")),
            None => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests;
