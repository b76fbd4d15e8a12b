//! Shapes: what texts that differ in plain literals alone have in common. A client that writes its values into the text sends another
//! text each time; its shape comes again.
//!
//! Two texts of one shape have the same tokens but for the values of those literals, so their trees differ in constants alone, and which
//! of the constants are equal is part of the shape. Nothing else may tell them apart: a literal counts only where no analysis looks at
//! what it says ([`Specimen::is_free`]); a position in ORDER BY, a setting's name or an array's elements are no such places.

use std::fmt::Write as _;

use pg_query::protobuf::{AExpr, AExprKind, Node};
use pg_query::{NodeEnum, NodeRef};

use super::{parse, resolve};

/// The longest text, in bytes, and the most literals that are looked for: beyond them a parser's time is well spent.
const LONGEST: usize = 8 << 10;
const MOST: usize = 64;

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'t> {
    /// What must be the same in each text of the shape.
    Verbatim(&'t str),
    /// A literal that is not.
    Literal(Literal<'t>),
}

/// A plain literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Literal<'t> {
    /// Up to nine digits, the first of them not 0: always an `integer`, and printed as it stands.
    Number(&'t str),
    /// What stands between two quotes; never empty. ASCII that means itself, whatever `standard_conforming_strings` says.
    Text(&'t str),
}

/// A text taken apart.
#[derive(Debug)]
pub struct Shape<'t> {
    parts: Vec<Part<'t>>,
    /// Each literal once, in the order of the text.
    literals: Vec<Literal<'t>>,
}

/// A text of a shape whose literals are known from each other and from everything else.
#[derive(Debug)]
pub struct Specimen {
    /// The text.
    pub text: String,
    /// Where each literal stands, in bytes.
    places: Vec<usize>,
    literals: Vec<String>,
}

/// A text in which a shape's literals can be put.
#[derive(Clone, Debug)]
pub struct Template {
    /// A text, and the number of the literal behind it.
    parts: Vec<(Box<str>, usize)>,
    tail: Box<str>,
}

impl<'t> Shape<'t> {
    /// The shape of a text that has plain literals and nothing that would need PostgreSQL's lexer to tell them from the rest: comments,
    /// dollar quotes, parameters, escapes.
    #[must_use]
    pub fn of(text: &'t str) -> Option<Self> {
        let parts = (text.len() <= LONGEST).then(|| parts(text)).flatten()?;
        let mut literals = Vec::new();
        for literal in parts.iter().filter_map(Part::literal) {
            if !literals.contains(&literal) {
                literals.push(literal);
            }
        }
        (!literals.is_empty() && literals.len() <= MOST).then_some(Self { parts, literals })
    }

    /// Equal for texts of one shape alone: the text with each literal's kind and number in its place, behind bytes that stand in no text
    /// that has a shape.
    #[must_use]
    pub fn key(&self) -> String {
        let mut key = String::with_capacity(self.parts.iter().map(Part::len).sum());
        for part in &self.parts {
            match part {
                Part::Verbatim(text) => key.push_str(text),
                Part::Literal(literal) => {
                    key.push(if matches!(literal, Literal::Number(_)) { '\u{1}' } else { '\u{2}' });
                    key.extend(self.number(literal).and_then(|n| u32::try_from(n).ok()).and_then(|n| char::from_u32(0x20 + n)));
                }
            }
        }
        key
    }

    fn number(&self, literal: &Literal<'_>) -> Option<usize> {
        self.literals.iter().position(|l| l == literal)
    }

    /// A specimen of the shape.
    #[must_use]
    pub fn specimen(&self) -> Specimen {
        let mark = |(n, literal): (usize, &Literal<'_>)| match literal {
            Literal::Number(_) => format!("{}", 730_460_001 + n),
            Literal::Text(_) => format!("a literal of pgscrim {n:02}"),
        };
        let literals: Vec<String> = self.literals.iter().enumerate().map(mark).collect();
        let (mut text, mut places) = (String::new(), Vec::new());
        for part in &self.parts {
            match part {
                Part::Verbatim(own) => text.push_str(own),
                Part::Literal(literal) => {
                    places.push(text.len());
                    let mark = self.number(literal).and_then(|n| literals.get(n)).map_or("", String::as_str);
                    let quote = if matches!(literal, Literal::Number(_)) { "" } else { "'" };
                    let _ = write!(text, "{quote}{mark}{quote}");
                }
            }
        }
        Specimen { text, places, literals }
    }
}

impl<'t> Part<'t> {
    fn literal(&self) -> Option<Literal<'t>> {
        if let Self::Literal(literal) = self { Some(*literal) } else { None }
    }

    fn len(&self) -> usize {
        if let Self::Verbatim(text) = self { text.len() } else { 2 }
    }
}

impl Specimen {
    /// Whether no analysis may look at what any of the literals says: each is a whole operand of a plain operator, an item of VALUES, a
    /// column that is selected or set, or a number of rows.
    #[must_use]
    pub fn is_free(&self) -> bool {
        let Ok(tree) = parse::tree(&self.text) else { return false };
        let mut free: Vec<usize> = Vec::new();
        let statements = tree.stmts.iter().filter_map(|s| s.stmt.as_ref()?.node.as_ref());
        for (node, ..) in statements.flat_map(NodeEnum::nodes) {
            operands(node, &mut |node| free.extend(node.and_then(place)));
        }
        let bytes = self.text.as_bytes();
        // a sign becomes part of the constant
        let signed = |at: usize| at.checked_sub(1).filter(|before| bytes.get(*before) == Some(&b'-'));
        self.places.iter().all(|at| free.contains(at) || signed(*at).is_some_and(|at| free.contains(&at)))
    }

    /// A text in which each of the literals stands as often as in the specimen, and so those of another text of the shape can be put.
    #[must_use]
    pub fn template(&self, text: &str) -> Option<Template> {
        let (mut filled, mut verbatim, mut found) = (Vec::new(), String::new(), vec![0usize; self.literals.len()]);
        for part in parts(text)? {
            let (quote, own) = match part {
                Part::Verbatim(own) => ("", own),
                Part::Literal(Literal::Number(own)) => ("", own),
                Part::Literal(Literal::Text(own)) => ("'", own),
            };
            verbatim.push_str(quote);
            let number = part.literal().and_then(|_| self.literals.iter().position(|mark| mark == own));
            match number.and_then(|n| Some((n, found.get_mut(n)?))) {
                Some((n, found)) => {
                    *found += 1;
                    filled.push((std::mem::take(&mut verbatim).into(), n));
                }
                None => verbatim.push_str(own),
            }
            verbatim.push_str(quote);
        }
        let wanted = self.literals.iter().map(|mark| self.text.matches(mark.as_str()).count());
        wanted.eq(found.iter().copied()).then(|| Template { parts: filled, tail: verbatim.into() })
    }
}

impl Template {
    /// The text with the literals of a text of the same shape.
    #[must_use]
    pub fn fill(&self, shape: &Shape<'_>) -> String {
        let own = |n: &usize| match shape.literals.get(*n) {
            Some(Literal::Number(own) | Literal::Text(own)) => *own,
            None => "",
        };
        let length = self.parts.iter().map(|(text, n)| text.len() + own(n).len()).sum::<usize>() + self.tail.len();
        let mut out = String::with_capacity(length);
        for (text, n) in &self.parts {
            out.push_str(text);
            out.push_str(own(n));
        }
        out.push_str(&self.tail);
        out
    }
}

/// Takes a text apart; neighbours of literals are what cannot belong to them.
fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let bytes = text.as_bytes();
    let (mut parts, mut from, mut at) = (Vec::new(), 0, 0);
    while let Some(&byte) = bytes.get(at) {
        let before = at.checked_sub(1).and_then(|b| bytes.get(b)).copied().unwrap_or(b' ');
        let length = match byte {
            b'\'' => text_literal(bytes.get(at..)?, before)?,
            b'"' => 1 + quoted(bytes.get(at + 1..)?)?,
            b'0'..=b'9' => bytes.get(at..)?.iter().take_while(|b| b.is_ascii_digit()).count(),
            b'-' | b'/' if matches!(bytes.get(at..at + 2), Some(b"--" | b"/*")) => return None,
            b'$' | b'\\' | 0..=8 | 0x0b..=0x1f | 0x7f => return None,
            _ => 1,
        };
        let whole = text.get(at..at + length);
        let literal = match byte {
            b'\'' if length > 2 => text.get(at + 1..at + length - 1).map(Literal::Text),
            b'0'..=b'9' if length <= 9 && byte != b'0' && !in_word(before) && !bytes.get(at + length).copied().is_some_and(in_word) => {
                whole.map(Literal::Number)
            }
            _ => None,
        };
        if let Some(literal) = literal {
            parts.push(Part::Verbatim(text.get(from..at)?));
            parts.push(Part::Literal(literal));
            from = at + length;
        }
        at += length;
    }
    parts.push(Part::Verbatim(text.get(from..)?));
    Some(parts)
}

/// What may belong to a name or a number that digits stand in.
fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$') || byte >= 0x80
}

/// The length of a literal with its quotes; `None` where it is not plain.
fn text_literal(bytes: &[u8], before: u8) -> Option<usize> {
    // what stands before it may say how it is read (E'…', U&'…')
    let apart = before.is_ascii_whitespace() || b"(),=<>|+*/%~[".contains(&before);
    let own = 1 + quoted_by(bytes.get(1..)?, b'\'')?;
    let plain = bytes.get(1..own - 1)?.iter().all(|b| matches!(b, 0x20..=0x7e) && *b != b'\\');
    (apart && plain && bytes.get(own) != Some(&b'\'')).then_some(own)
}

/// The length of a quoted name behind its first quote.
fn quoted(bytes: &[u8]) -> Option<usize> {
    quoted_by(bytes, b'"')
}

fn quoted_by(bytes: &[u8], quote: u8) -> Option<usize> {
    bytes.iter().position(|b| *b == quote).map(|at| at + 1)
}

/// The places of a node in which a constant may say anything.
fn operands(node: NodeRef<'_>, found: &mut dyn FnMut(Option<&Node>)) {
    if let NodeRef::AExpr(expr) = node
        && is_plain(expr)
    {
        items(expr.lexpr.as_deref(), found);
        items(expr.rexpr.as_deref(), found);
    } else if let NodeRef::SelectStmt(select) = node {
        select.values_lists.iter().for_each(|row| items(Some(row), found));
        found(select.limit_count.as_deref());
        found(select.limit_offset.as_deref());
    } else if let NodeRef::ResTarget(target) = node {
        found(target.val.as_deref());
    }
}

/// A node, or what stands in it where it is a list.
fn items(node: Option<&Node>, found: &mut dyn FnMut(Option<&Node>)) {
    match node.and_then(|n| n.node.as_ref()) {
        Some(NodeEnum::List(list)) => list.items.iter().for_each(|item| found(Some(item))),
        _ => found(node),
    }
}

/// Operators that mean no more than their function whatever their operands say: not those that reach into documents, and no ANY or ALL,
/// whose text is an array.
fn is_plain(expr: &AExpr) -> bool {
    use AExprKind::{
        AexprBetween, AexprBetweenSym, AexprDistinct, AexprIlike, AexprIn, AexprLike, AexprNotBetween, AexprNotBetweenSym,
        AexprNotDistinct, AexprNullif, AexprOp, AexprOpAll, AexprOpAny, AexprSimilar, Undefined,
    };
    match AExprKind::try_from(expr.kind).unwrap_or(Undefined) {
        AexprOp => matches!(
            resolve::strings(&expr.name).as_deref(),
            Ok(["=" | "<>" | "<" | ">" | "<=" | ">=" | "+" | "-" | "*" | "/" | "%" | "||"])
        ),
        AexprIn | AexprLike | AexprIlike | AexprBetween | AexprNotBetween | AexprBetweenSym | AexprNotBetweenSym | AexprDistinct
        | AexprNotDistinct => true,
        AexprNullif | AexprOpAll | AexprOpAny | AexprSimilar | Undefined => false,
    }
}

/// Where a constant stands.
fn place(node: &Node) -> Option<usize> {
    match &node.node {
        Some(NodeEnum::AConst(constant)) => usize::try_from(constant.location).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
