//! A document as it streams by: what no path leads to is copied as it stands, what one leads to is masked. Recursion follows the
//! policy's paths and no document.

use super::json::{Kind, Reader, quote, unescaped};
use super::{Leaf, NUMERIC, Node, TEXT};
use crate::catalog::Scalar;
use crate::mask::Mask;
use crate::mask::value::{CannotMask, Format, Masked, Rendering, Value};

/// `JSONB_VERSION`, before the text of a jsonb in binary format.
const VERSION: u8 = 1;

pub(super) fn apply(root: &Node, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    let text = match (value.format, value.scalar) {
        (Format::Binary, Scalar::Jsonb) => {
            out.push(VERSION);
            value.bytes.strip_prefix(&[VERSION]).ok_or(CannotMask::InvalidValue)?
        }
        _ => value.bytes,
    };
    let style = match value.scalar {
        Scalar::Jsonb => &JSONB,
        Scalar::Json if cannot_be_read(text) => {
            out.extend_from_slice(b"{}");
            return Ok(());
        }
        Scalar::Json => &JSON,
        _ => return Err(CannotMask::DoesNotFit),
    };
    let mut walk = Walk { text: Reader::new(text), style, rendering: value.rendering };
    if !walk.value(root, root.levels, out)? {
        out.extend_from_slice(b"null");
    }
    walk.text.end()
}

/// How an object is printed.
#[derive(Debug)]
struct Style {
    open: &'static [u8],
    colon: &'static [u8],
    close: &'static [u8],
}

/// `JsonbToCString`.
static JSONB: Style = Style { open: b"{", colon: b": ", close: b"}" };

/// `json_object_agg`.
static JSON: Style = Style { open: b"{ ", colon: b" : ", close: b" }" };

#[derive(Debug)]
struct Walk<'a> {
    text: Reader<'a>,
    style: &'static Style,
    rendering: &'a Rendering,
}

impl Walk<'_> {
    /// Appends a value; `false`, and nothing, where it is absent.
    fn value(&mut self, node: &Node, levels: usize, out: &mut Vec<u8>) -> Result<bool, CannotMask> {
        let kind = self.text.kind()?;
        if let (Kind::Array, Some(below)) = (kind, levels.checked_sub(1)) {
            return self.array(node, below, out).map(|()| true);
        }
        match (&node.leaf, kind) {
            (Some(Leaf::Absent), _) => {
                self.text.value()?;
                return Ok(false);
            }
            (Some(Leaf::Masked(mask)), _) => self.masked(mask, kind, out)?,
            (None, Kind::Object) => self.object(node, out)?,
            (None, Kind::Array) => {
                self.text.value()?;
                out.extend_from_slice(b"[]");
            }
            (None, Kind::Text | Kind::Number | Kind::Boolean | Kind::Null) => out.extend_from_slice(self.text.value()?),
        }
        Ok(true)
    }

    fn array(&mut self, node: &Node, levels: usize, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        self.text.take(b'[')?;
        out.push(b'[');
        let mut first = true;
        while !self.text.takes(b']')? {
            if !std::mem::take(&mut first) {
                self.text.take(b',')?;
                out.extend_from_slice(b", ");
            }
            self.value(node, levels, out)?;
        }
        out.push(b']');
        Ok(())
    }

    fn object(&mut self, node: &Node, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let Style { open, colon, close } = self.style;
        self.text.take(b'{')?;
        let start = out.len();
        let mut first = true;
        while !self.text.takes(b'}')? {
            if !std::mem::take(&mut first) {
                self.text.take(b',')?;
            }
            let before = out.len();
            out.extend_from_slice(if before == start { open } else { b", " });
            let quoted = self.text.text()?;
            self.text.take(b':')?;
            let name = unescaped(quoted)?;
            quote(&name, out);
            out.extend_from_slice(colon);
            match node.member(&name) {
                None => out.extend_from_slice(self.text.value()?),
                Some(member) if self.value(member, member.levels, out)? => {}
                Some(_) => out.truncate(before),
            }
        }
        out.extend_from_slice(if out.len() == start { b"{}" } else { close });
        Ok(())
    }

    /// Appends the mask of a value: what it says of texts and numbers, the harmless value of anything else.
    fn masked(&mut self, mask: &Mask, kind: Kind, out: &mut Vec<u8>) -> Result<(), CannotMask> {
        let value = self.text.value()?;
        if mask.is_null() || kind == Kind::Null {
            out.extend_from_slice(b"null");
            return Ok(());
        }
        match kind {
            Kind::Text if mask.laws(&TEXT).is_some() => {
                let mut text = Vec::new();
                match mask.apply(&TEXT, Format::Text, self.rendering, unescaped(value)?.as_bytes(), &mut text)? {
                    Masked::Value => quote(std::str::from_utf8(&text).map_err(|_| CannotMask::InvalidValue)?, out),
                    Masked::Null => out.extend_from_slice(b"null"),
                }
            }
            Kind::Number if mask.laws(&NUMERIC).is_some() => {
                if mask.apply(&NUMERIC, Format::Text, self.rendering, value, out)? == Masked::Null {
                    out.extend_from_slice(b"null");
                }
            }
            Kind::Text => out.extend_from_slice(br#""***""#),
            Kind::Number => out.push(b'0'),
            Kind::Boolean => out.extend_from_slice(b"false"),
            Kind::Object => out.extend_from_slice(b"{}"),
            Kind::Array => out.extend_from_slice(b"[]"),
            Kind::Null => {}
        }
        Ok(())
    }
}

/// Whether the type json keeps a text that PostgreSQL's own functions cannot read: an escaped NUL, half of a surrogate pair.
fn cannot_be_read(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|b| *b == b'\\') {
        let escape = rest.get(at + 1..).unwrap_or_default();
        let (unit, after) = unit(escape);
        rest = match unit {
            None => escape.get(1..).unwrap_or_default(),
            Some(0 | 0xDC00..=0xDFFF) => return true,
            Some(0xD800..=0xDBFF) => match self::unit(after.strip_prefix(b"\\").unwrap_or_default()) {
                (Some(0xDC00..=0xDFFF), after) => after,
                _ => return true,
            },
            Some(_) => after,
        };
    }
    false
}

/// The unit of `uXXXX`, and what follows.
fn unit(escape: &[u8]) -> (Option<u16>, &[u8]) {
    let digits = escape.strip_prefix(b"u").and_then(|e| e.split_at_checked(4));
    let Some((digits, rest)) = digits else { return (None, escape) };
    (std::str::from_utf8(digits).ok().and_then(|d| u16::from_str_radix(d, 16).ok()), rest)
}
