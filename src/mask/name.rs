//! `name`: first character, then `*` for each other one; `*` for a single one.

use super::laws::Laws;
use super::sql::{call, choose, concat, quote};
use super::text;
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;

pub(super) fn laws(scalar: Scalar) -> Option<Laws> {
    scalar.is_text().then_some(Laws::PLAIN)
}

pub(super) fn apply(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    text::mask(value, out, |text, out| match text::split_first(text) {
        None => {}
        Some((_, "")) => out.push(b'*'),
        Some((first, rest)) => {
            out.extend_from_slice(first.as_bytes());
            text::push_times('*', rest.chars().count(), out);
        }
    })
}

pub(super) fn sql(column: &str) -> String {
    let text = text::sql(column);
    let length = call("length", &[&text]);
    let stars = call("repeat", &[&quote("*"), &call("int4mi", &[&length, "1"])]);
    choose(&call("int4eq", &[&length, "1"]), &quote("*"), &concat(&[&call("left", &[&text, "1"]), &stars]))
}
