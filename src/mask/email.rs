//! `email`: first character, `***`, then what follows the last `@`.

use super::laws::Laws;
use super::sql::{call, choose, concat, quote};
use super::text;
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;

pub(super) fn laws(scalar: Scalar) -> Option<Laws> {
    scalar.is_text().then_some(Laws::PLAIN)
}

pub(super) fn apply(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    text::mask(value, out, |text, out| {
        let Some((local, domain)) = text.rsplit_once('@') else { return out.extend_from_slice(b"***") };
        if let Some((first, _)) = text::split_first(local) {
            out.extend_from_slice(first.as_bytes());
        }
        out.extend_from_slice(b"***@");
        out.extend_from_slice(domain.as_bytes());
    })
}

pub(super) fn sql(column: &str) -> String {
    let text = text::sql(column);
    let (at, one) = (quote("@"), "1");
    let first = call("strpos", &[&text, &at]);
    let domain = call("split_part", &[&text, &at, "-1"]); // from the end, since PostgreSQL 14
    let local = call("left", &[&text, &call("int4um", &[&call("int4pl", &[&call("length", &[&domain]), one])])]);
    let masked = |local: &str| concat(&[&call("left", &[local, one]), &quote("***@"), &domain]);
    // an address that begins with `@` has nothing before its last one, or another: rare, and dear to tell
    let rare = choose(&call("int4eq", &[&first, "0"]), &quote("***"), &masked(&local));
    choose(&call("int4gt", &[&first, one]), &masked(&text), &rare)
}
