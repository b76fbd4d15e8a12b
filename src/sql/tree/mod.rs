//! Compares two of PostgreSQL's trees without their locations, on their encoded form: so every field of every node takes part, also
//! those that nobody here has heard of. `nodes.txt` says which fields are nodes and which are locations; it was made from the
//! `pg_query.proto` of the pinned crate, and a field that it does not list makes the comparison fail (INVARIANT 2).

use std::collections::HashMap;
use std::sync::OnceLock;

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

/// Whether two trees are the same, locations aside.
///
/// # Errors
/// A tree that the schema does not describe.
pub(super) fn same(a: &pg_query::protobuf::Node, b: &pg_query::protobuf::Node) -> Checked<bool> {
    Ok(shape(a)? == shape(b)?)
}

/// A tree's bytes without its locations. Equal bytes are equal trees: prost writes fields in the order of their numbers.
pub(super) fn shape(node: &pg_query::protobuf::Node) -> Checked<Vec<u8>> {
    let bytes = node.encode_to_vec();
    let mut out = Vec::with_capacity(bytes.len());
    strip(&bytes, 1, &mut out).ok_or_else(|| Reject::unclear("tree", "the parser gave a tree of an unknown form"))?;
    Ok(out)
}

/// Copies a message without locations. Lengths are left out: an end mark stands behind each message instead.
fn strip(mut bytes: &[u8], message: usize, out: &mut Vec<u8>) -> Option<()> {
    let fields = schema().get(message)?;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let field = (*fields.get(usize::try_from(key >> 3).ok()?)?)?;
        let start = bytes;
        match key & 7 {
            0 => {
                varint(&mut bytes)?;
                if field != Field::Location {
                    push_varint(out, key);
                    out.extend_from_slice(start.get(..start.len() - bytes.len())?);
                }
            }
            1 => copy(&mut bytes, 8, key, out)?,
            5 => copy(&mut bytes, 4, key, out)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (body, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                push_varint(out, key);
                match field {
                    Field::Message(inner) => {
                        strip(body, inner, out)?;
                        out.push(0); // no field has number 0
                    }
                    Field::Plain => {
                        push_varint(out, length as u64);
                        out.extend_from_slice(body);
                    }
                    Field::Location => return None,
                }
            }
            _ => return None,
        }
    }
    Some(())
}

fn copy(bytes: &mut &[u8], length: usize, key: u64, out: &mut Vec<u8>) -> Option<()> {
    let (body, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    push_varint(out, key);
    out.extend_from_slice(body);
    Some(())
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

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(low_seven(value) | 0x80);
        value >>= 7;
    }
    out.push(low_seven(value));
}

fn low_seven(value: u64) -> u8 {
    value.to_le_bytes().first().map_or(0, |byte| byte & 0x7f)
}
