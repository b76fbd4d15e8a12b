//! Compares two of PostgreSQL's trees without their locations, on their encoded form: so every field of every node takes part, also
//! those that nobody here has heard of. `nodes.txt` says which fields are nodes and which are locations; it was made from the
//! `pg_query.proto` of the pinned crate, and a field that it does not list makes the comparison fail (INVARIANT 2).

use std::collections::HashMap;
use std::sync::OnceLock;

use pg_query::protobuf::Node;
use prost::Message;

use super::reject::{Checked, Reject};

const NODES: &str = include_str!("nodes.txt");

/// What a field of a message holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// A number or a text.
    Plain,
    /// A place in the text.
    Location,
    /// A message, by its index in the schema.
    Message(usize),
}

type Schema = Vec<Vec<Option<Field>>>;

fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let names: HashMap<&str, usize> = NODES.lines().enumerate().filter_map(|(i, l)| Some((l.split(' ').next()?, i))).collect();
        NODES.lines().map(|line| fields(line, &names)).collect()
    })
}

fn fields(line: &str, names: &HashMap<&str, usize>) -> Vec<Option<Field>> {
    let mut fields = Vec::new();
    for word in line.split(' ').skip(1) {
        let (number, field) = match (word.strip_suffix('@'), word.split_once(':')) {
            (Some(number), _) => (number, Some(Field::Location)),
            (None, Some((number, message))) => (number, names.get(message).map(|i| Field::Message(*i))),
            (None, None) => (word, Some(Field::Plain)),
        };
        let Ok(number) = number.parse::<usize>() else { continue };
        if fields.len() <= number {
            fields.resize(number + 1, None);
        }
        if let Some(slot) = fields.get_mut(number) {
            *slot = field;
        }
    }
    fields
}

/// One statement's tree as the parser's `ParseResult`, encoded. The lengths of the two messages around it have four bytes each, to be
/// filled in when they are known.
pub(super) fn encode(node: &Node, version: i32) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    prost::encoding::int32::encode(1, &version, &mut out);
    let whole = begin(2, &mut out);
    let statement = begin(1, &mut out);
    node.encode_raw(&mut out);
    end(statement, &mut out);
    end(whole, &mut out);
    out
}

fn begin(field: u32, out: &mut Vec<u8>) -> usize {
    prost::encoding::encode_key(field, prost::encoding::WireType::LengthDelimited, out);
    out.extend_from_slice(&[0x80, 0x80, 0x80, 0]);
    out.len()
}

fn end(start: usize, out: &mut [u8]) {
    let length = out.len() - start;
    let (before, _) = out.split_at_mut(start);
    for (at, byte) in before.iter_mut().rev().take(4).rev().enumerate() {
        *byte |= low_seven((length >> (7 * at)) as u64);
    }
}

/// Whether two encoded trees are the same, locations aside.
///
/// # Errors
/// A tree that the schema does not describe.
pub(super) fn same(a: &[u8], b: &[u8]) -> Checked<bool> {
    messages(a, b, 0).ok_or_else(|| Reject::unclear("tree", "the parser gave a tree of an unknown form"))
}

/// Walks two messages in step: both come with their fields in the order of their numbers.
fn messages(mut a: &[u8], mut b: &[u8], message: usize) -> Option<bool> {
    let fields = schema().get(message)?;
    loop {
        let (a, b) = match (part(&mut a, fields)?, part(&mut b, fields)?) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return Some(a.is_none() && b.is_none()),
        };
        let same = a.key == b.key
            && match a.field {
                Field::Message(inner) => messages(a.body, b.body, inner)?,
                Field::Plain | Field::Location => a.number == b.number && a.body == b.body,
            };
        if !same {
            return Some(false);
        }
    }
}

/// A field with what it holds: a number, or bytes.
struct Part<'a> {
    key: u64,
    field: Field,
    number: u64,
    body: &'a [u8],
}

/// The next field that is no location; `Some(None)` behind the last one.
#[expect(clippy::option_option, reason = "the end, and what the schema does not describe, are two things")]
fn part<'a>(bytes: &mut &'a [u8], fields: &[Option<Field>]) -> Option<Option<Part<'a>>> {
    while !bytes.is_empty() {
        let key = varint(bytes)?;
        let field = (*fields.get(usize::try_from(key >> 3).ok()?)?)?;
        let wire = key & 7;
        let (number, length) = match wire {
            0 => (varint(bytes)?, 0),
            1 => (0, 8),
            2 => (0, usize::try_from(varint(bytes)?).ok()?),
            5 => (0, 4),
            _ => return None,
        };
        let (body, rest) = bytes.split_at_checked(length)?;
        *bytes = rest;
        match field {
            Field::Location if wire == 0 => {}
            Field::Message(_) if wire == 2 => return Some(Some(Part { key, field, number, body })),
            Field::Plain => return Some(Some(Part { key, field, number, body })),
            Field::Location | Field::Message(_) => return None,
        }
    }
    Some(None)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn low_seven(value: u64) -> u8 {
    value.to_le_bytes().first().map_or(0, |byte| byte & 0x7f)
}
