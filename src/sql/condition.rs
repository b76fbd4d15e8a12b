//! A condition that stands alone: the SQL of a policy's `rows` and `when`. Whether it is one expression, and what in it can raise an
//! error. Its names are resolved where it is used.

#![allow(clippy::wildcard_enum_match_arm, reason = "of some eight hundred tokens a handful matters here")]

use pg_query::protobuf::{ScanToken, Token};

use super::caps;
use super::parse::tree;
use super::reject::{Checked, Reject, Syntax};

/// The longest condition, in bytes and in tokens, and how deep its brackets may stand in each other: it is read on whatever thread
/// loads a policy, whose stack is not that of a session.
const LIMIT: usize = 16 << 10;
const TOKENS: usize = 400;
const DEPTH: i32 = 50;

/// Reads a condition. Gives what in it can raise an error on some row (a cast of something else than a constant, a division by
/// something else than a number), outside CASE, which can keep it from being reached.
///
/// # Errors
/// It is not one expression, in PostgreSQL's words.
pub fn condition(text: &str) -> Checked<Vec<&'static str>> {
    let own = caps::scan(text, LIMIT)?.tokens;
    if own.len() > TOKENS {
        return Err(Reject::limit("condition", format!("it has more than {TOKENS} words")));
    }
    // No bracket may close what stands around it, no semicolon end it, and no comment swallow what follows.
    let mut depth = 0_i32;
    for token in &own {
        match token.token() {
            Token::Ascii40 | Token::Ascii91 => depth += 1,
            Token::Ascii41 | Token::Ascii93 => depth -= 1,
            Token::Ascii59 => return Err(not_one()),
            _ => {}
        }
        if !(0..=DEPTH).contains(&depth) {
            return Err(not_one());
        }
    }
    if depth != 0 || own.is_empty() {
        return Err(not_one());
    }
    let whole = format!("SELECT 1 WHERE (\n{text}\n)");
    if tree(&whole)?.stmts.len() != 1 {
        return Err(not_one());
    }
    Ok(raises(&own))
}

fn not_one() -> Reject {
    Reject::postgres(Syntax::SyntaxError, "it is not one expression")
}

/// Judged by the tokens: what cannot be told counts.
fn raises(tokens: &[ScanToken]) -> Vec<&'static str> {
    let tokens: Vec<Token> = tokens.iter().map(ScanToken::token).filter(|t| !matches!(t, Token::SqlComment | Token::CComment)).collect();
    let at = |i: Option<usize>| i.and_then(|i| tokens.get(i)).copied();
    let constant =
        |t: Option<Token>| matches!(t, Some(Token::Sconst | Token::Iconst | Token::Fconst | Token::NullP | Token::TrueP | Token::FalseP));
    let (mut found, mut cases) = (Vec::new(), 0_usize);
    for (i, token) in tokens.iter().enumerate() {
        let what = match token {
            Token::Case => {
                cases += 1;
                continue;
            }
            Token::EndP => {
                cases = cases.saturating_sub(1);
                continue;
            }
            Token::Typecast if !constant(at(i.checked_sub(1))) => "a cast",
            Token::Cast if !constant(at(Some(i + 2))) => "a cast",
            Token::Ascii47 | Token::Ascii37 if !matches!(at(Some(i + 1)), Some(Token::Iconst | Token::Fconst)) => "a division",
            _ => continue,
        };
        if cases == 0 && !found.contains(&what) {
            found.push(what);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_expression_and_what_it_can_raise() {
        for (text, want) in [
            ("region = 'EU'", Ok(vec![])),
            ("created > now() - interval '30 days' AND x = '1'::int", Ok(vec![])),
            ("owner = current_setting('pgscrim.user')", Ok(vec![])),
            ("x::int = 1", Ok(vec!["a cast"])),
            ("CAST(x AS int) / y > 1", Ok(vec!["a cast", "a division"])),
            ("x / 2 > 1", Ok(vec![])),
            ("CASE WHEN y <> 0 THEN x / y > 1 ELSE false END", Ok(vec![])),
            ("", Err(())),
            ("x =", Err(())),
            ("true) OR (true", Err(())),
            ("true; DROP TABLE t", Err(())),
            ("true) UNION SELECT 1 WHERE (true", Err(())),
            ("x = 1 -- or so", Ok(vec![])),
            ("x = 1 /* or", Err(())),
            ("x = 1 ORDER BY 1", Err(())),
        ] {
            assert_eq!(condition(text).map_err(|_| ()), want, "{text}");
        }
    }
}
