//! What a text may be before any parser sees it: size, comment nesting, nesting and chains. Linear in the text.
//! `libpg_query`, prost and our own walk recurse with the depth of the tree, so its bound is found here, from PostgreSQL's own tokens,
//! before a tree exists. The lexer is quadratic on `/*/*/*…`, so those are counted before the lexer runs.

use pg_query::protobuf::{ScanToken, Token};

use super::reject::{Checked, RefusalKind, Reject, Syntax};

/// The deepest tree that is read. Measured: debug builds need under 24 KiB of stack a level on a 32 MiB thread.
pub const MAX_DEPTH: u32 = 400;

/// How often `/*` may stand in a text, in comments or not: the lexer's cost is at most this times the text's length.
const MAX_COMMENT_STARTS: usize = 1000;

/// A text that may be parsed, with PostgreSQL's own tokens.
#[derive(Debug)]
pub struct Scanned {
    /// Start, end and kind of each token, comments included.
    pub tokens: Vec<ScanToken>,
}

/// Looks at a text without parsing it. `limit` is in bytes.
///
/// # Errors
/// A limit (53400) or what PostgreSQL's lexer says of the text.
pub(super) fn scan(text: &str, limit: usize) -> Checked<Scanned> {
    if text.len() > limit {
        return Err(Reject::limit(
            "parse_limit",
            format!("the statement has {} bytes, more than limits.parse allows ({limit})", text.len()),
        ));
    }
    if text.bytes().any(|b| b == 0) {
        return Err(Reject::postgres(Syntax::SyntaxError, "invalid byte sequence for encoding \"UTF8\": 0x00"));
    }
    if text.as_bytes().windows(2).filter(|w| w == b"/*").count() > MAX_COMMENT_STARTS {
        return Err(Reject::limit("comment_nesting", format!("more than {MAX_COMMENT_STARTS} comments in one statement")));
    }
    // Where there is no token at all the crate makes a slice of a null pointer.
    if text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)) {
        return Ok(Scanned { tokens: Vec::new() });
    }
    let tokens = pg_query::scan_tokens(text).map_err(|e| super::parse::syntax_error(text, &e))?;
    check_depth(&tokens)?;
    Ok(Scanned { tokens })
}

/// What is known of an open bracket's content: a bound on the height of the tree that it will become.
#[derive(Clone, Copy, Default)]
struct Nest {
    /// Operators since the last separator: a chain of them is a tree of that height.
    chain: u32,
    /// The tallest closed bracket since the last separator: the chain stands upon it.
    operand: u32,
    /// The tallest part that a separator ended.
    tallest: u32,
    /// Joins and set operations: they chain over separators.
    lasting: u32,
}

impl Nest {
    fn height(self) -> u32 {
        self.tallest.max(self.chain + self.operand) + self.lasting
    }

    fn separate(&mut self) {
        self.tallest = self.tallest.max(self.chain + self.operand);
        self.chain = 0;
        self.operand = 0;
    }
}

fn check_depth(tokens: &[ScanToken]) -> Checked<()> {
    let mut outer: Vec<Nest> = Vec::new();
    let mut top = Nest::default();
    for token in tokens {
        match weigh(token) {
            Weight::Open => outer.push(std::mem::take(&mut top)),
            Weight::Close => {
                if let Some(around) = outer.pop() {
                    let height = top.height() + 1;
                    top = around;
                    top.operand = top.operand.max(height);
                }
            }
            Weight::Chain => top.chain += 1,
            Weight::Lasting => {
                top.separate();
                top.lasting += 1;
            }
            Weight::Separator => top.separate(),
            Weight::End => {
                outer.clear();
                top = Nest::default();
            }
            Weight::Nothing => {}
        }
        if top.height() > MAX_DEPTH || outer.len() > MAX_DEPTH as usize {
            return Err(too_deep());
        }
    }
    Ok(())
}

fn too_deep() -> Reject {
    Reject {
        kind: RefusalKind::Limit,
        message: format!("the statement is nested, or chains operators, more than {MAX_DEPTH} deep").into(),
        hint: None,
        at: None,
        reason: "depth",
    }
}

enum Weight {
    Open,
    Close,
    Chain,
    Lasting,
    Separator,
    End,
    Nothing,
}

/// What a token does to the depth of the tree. AND and OR end a chain: the grammar flattens them (`makeAndExpr` in gram.y).
#[expect(clippy::wildcard_enum_match_arm, reason = "an operator or mark that is not named above weighs, a keyword does not")]
fn weigh(token: &ScanToken) -> Weight {
    let kind = token.token();
    match kind {
        Token::Ascii40 | Token::Ascii91 | Token::Case => Weight::Open,
        Token::Ascii41 | Token::Ascii93 | Token::EndP => Weight::Close,
        Token::Ascii59 => Weight::End,
        Token::Union | Token::Intersect | Token::Except | Token::Join => Weight::Lasting,
        Token::Ascii44
        | Token::And
        | Token::Or
        | Token::When
        | Token::Then
        | Token::Else
        | Token::Select
        | Token::From
        | Token::Where
        | Token::On
        | Token::Order
        | Token::GroupP
        | Token::Having
        | Token::Limit
        | Token::Set
        | Token::Values => Weight::Separator,
        Token::Ident
        | Token::Uident
        | Token::Fconst
        | Token::Sconst
        | Token::Usconst
        | Token::Bconst
        | Token::Xconst
        | Token::Iconst
        | Token::Param
        | Token::Ascii46
        | Token::SqlComment
        | Token::CComment => Weight::Nothing,
        Token::Not | Token::Is | Token::InP | Token::Collate | Token::At | Token::Isnull | Token::Notnull | Token::Operator => {
            Weight::Chain
        }
        _ if token.keyword_kind() == pg_query::protobuf::KeywordKind::NoKeyword => Weight::Chain,
        _ => Weight::Nothing,
    }
}

#[cfg(test)]
mod tests;
