//! What a text may be before any parser sees it: size, runs of operator characters, nesting and chains. Linear in the text.
//! `libpg_query`, prost, the second reader and our own walk recurse with the depth of the tree, so its bound is found here, from
//! PostgreSQL's own tokens, before a tree exists. Where a token could be a name or a construct, it is taken for what makes the bound
//! larger: `a.from`, `set + set` and `AS end` are names.

use pg_query::protobuf::{KeywordKind, ScanToken, Token};

use super::reject::{Checked, RefusalKind, Reject, Syntax};

/// The deepest tree that is read: nested brackets and chained operators, each of which may be several nodes.
pub const MAX_DEPTH: u32 = 400;

/// Bytes of stack that a thread needs to read any text that the caps let through. Only touched pages count. `tests/readers` puts each
/// construct into itself on such a thread; in a debug build a subquery takes some 200 KiB a level, decoding being the thirstiest.
pub const STACK: usize = 256 << 20;

/// What the lexer may spend on runs of operator characters: it reads a run anew for each `/*`, `+` and `-` in it, so a run costs the
/// square of its length. A rule of 2,000 dashes in a literal is well within this.
const MAX_RUN_COST: usize = 8 << 20;

/// A text that may be parsed, with PostgreSQL's own tokens.
#[derive(Debug)]
pub struct Scanned {
    /// Start, end and kind of each token, comments included.
    pub tokens: Vec<ScanToken>,
    /// A bound on the height of the tree.
    pub(super) depth: u32,
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
    if run_cost(text) > MAX_RUN_COST {
        return Err(Reject::limit("operator_run", "the text has too long a run of operator characters"));
    }
    // Where there is no token at all the crate makes a slice of a null pointer.
    if text.bytes().all(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)) {
        return Ok(Scanned { tokens: Vec::new(), depth: 0 });
    }
    let tokens = pg_query::scan_tokens(text).map_err(|_| super::parse::unread(text))?;
    let depth = depth(&tokens)?;
    Ok(Scanned { tokens, depth })
}

/// The squares of the lengths of all runs of the lexer's `op_chars`, wherever they stand.
fn run_cost(text: &str) -> usize {
    let (mut cost, mut run) = (0usize, 0usize);
    for byte in text.bytes() {
        if b"~!@#^&|`?+-*/%<>=".contains(&byte) {
            run += 1;
            cost = cost.saturating_add(2 * run - 1);
        } else {
            run = 0;
        }
    }
    cost
}

/// What opened a nest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opener {
    /// `(`.
    Paren,
    /// `[`.
    Bracket,
    /// CASE, which END closes.
    Case,
    /// BEGIN ATOMIC, which END closes where it can begin no result column's name.
    Atomic,
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
    /// Each BETWEEN has an AND of its own, which separates nothing: `a BETWEEN b AND NOT c BETWEEN d AND NOT …` is a chain.
    betweens: u32,
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

/// The nests that are open at a place of the text.
#[derive(Default)]
struct Nests {
    outer: Vec<(Opener, Nest)>,
    top: Nest,
}

impl Nests {
    fn open(&mut self, opener: Opener) {
        self.outer.push((opener, std::mem::take(&mut self.top)));
    }

    fn close(&mut self) {
        if let Some((_, around)) = self.outer.pop() {
            let height = self.top.height() + 1;
            self.top = around;
            self.top.operand = self.top.operand.max(height);
        }
    }

    fn inside(&self, opener: Opener) -> bool {
        self.outer.last().is_some_and(|(o, _)| *o == opener)
    }

    /// A closing bracket; what is open within it and was not closed was a name (`1 case`).
    fn close_bracket(&mut self, opener: Opener) {
        // without its partner it is a syntax error
        let Some(at) = self.outer.iter().rposition(|(o, _)| *o == opener) else { return };
        while self.outer.len() > at {
            self.close();
        }
    }
}

fn depth(tokens: &[ScanToken]) -> Checked<u32> {
    let mut deepest = 0;
    let mut nests = Nests::default();
    let mut before = Token::Nul;
    for token in tokens {
        let kind = token.token();
        if matches!(kind, Token::SqlComment | Token::CComment) {
            continue;
        }
        match weigh(token, kind, before) {
            Weight::Open(opener) => {
                // subscripts and dimensions: PostgreSQL keeps them in a list, the second reader as a chain
                nests.top.chain += u32::from(opener == Opener::Bracket);
                nests.open(opener);
            }
            Weight::Close(opener) => nests.close_bracket(opener),
            Weight::End if nests.inside(Opener::Case) => nests.close(),
            Weight::End if nests.inside(Opener::Atomic) && matches!(before, Token::Ascii59 | Token::Atomic) => nests.close(),
            Weight::Chain => nests.top.chain += 1,
            Weight::Lasting => {
                nests.top.separate();
                nests.top.lasting += 1;
            }
            Weight::Between => {
                nests.top.chain += 1;
                nests.top.betweens += 1;
            }
            Weight::And if nests.top.betweens > 0 => nests.top.betweens -= 1,
            Weight::And | Weight::Separator => nests.top.separate(),
            Weight::Statement if nests.outer.is_empty() => nests.top = Nest::default(),
            // of a rule or of a function's body
            Weight::Statement => {
                nests.top.separate();
                nests.top.tallest += std::mem::take(&mut nests.top.lasting);
            }
            Weight::End | Weight::Nothing => {}
        }
        deepest = deepest.max(nests.top.height()).max(u32::try_from(nests.outer.len()).unwrap_or(u32::MAX));
        if deepest > MAX_DEPTH {
            return Err(too_deep());
        }
        before = kind;
    }
    Ok(deepest)
}

/// A bound on the height of the tree that a text of at most so many bytes gives.
///
/// # Errors
/// It is longer, or higher than [`MAX_DEPTH`].
pub fn height(text: &str, limit: usize) -> Checked<u32> {
    scan(text, limit).map(|scanned| scanned.depth)
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
    Open(Opener),
    Close(Opener),
    End,
    Chain,
    Between,
    And,
    Lasting,
    Separator,
    Statement,
    Nothing,
}

/// What a token does to the depth of the tree, `before` being the token before it. AND and OR end a chain: the grammar flattens them
/// (`makeAndExpr` in gram.y). Behind a dot or AS any key word is a name.
#[expect(clippy::wildcard_enum_match_arm, reason = "an operator or mark that is not named above weighs, a keyword does not")]
fn weigh(token: &ScanToken, kind: Token, before: Token) -> Weight {
    let keyword = token.keyword_kind() != KeywordKind::NoKeyword;
    if keyword && matches!(before, Token::Ascii46 | Token::As) {
        return Weight::Nothing;
    }
    match kind {
        Token::Ascii40 => Weight::Open(Opener::Paren),
        Token::Ascii91 => Weight::Open(Opener::Bracket),
        Token::Case => Weight::Open(Opener::Case),
        Token::Atomic if before == Token::BeginP => Weight::Open(Opener::Atomic),
        Token::Ascii41 => Weight::Close(Opener::Paren),
        Token::Ascii93 => Weight::Close(Opener::Bracket),
        Token::EndP => Weight::End,
        Token::Ascii59 => Weight::Statement,
        Token::Union | Token::Intersect | Token::Except | Token::Join => Weight::Lasting,
        Token::And => Weight::And,
        Token::Between => Weight::Between,
        // `a IS DISTINCT FROM NOT b IS DISTINCT FROM NOT …` is a chain
        Token::From if before == Token::Distinct => Weight::Nothing,
        // reserved words all: none of them can be an operand
        Token::Ascii44
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
        | Token::Limit => Weight::Separator,
        Token::Ident
        | Token::Uident
        | Token::Fconst
        | Token::Sconst
        | Token::Usconst
        | Token::Bconst
        | Token::Xconst
        | Token::Iconst
        | Token::Param
        | Token::Ascii46 => Weight::Nothing,
        Token::Not
        | Token::Is
        | Token::InP
        | Token::Like
        | Token::Ilike
        | Token::Similar
        | Token::Overlaps
        | Token::Collate
        | Token::At
        | Token::Isnull
        | Token::Notnull
        | Token::Operator => Weight::Chain,
        _ if keyword => Weight::Nothing,
        _ => Weight::Chain,
    }
}

#[cfg(test)]
mod tests;
