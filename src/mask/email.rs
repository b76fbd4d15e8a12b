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
    let at = quote("@");
    let none = call("int4eq", &[&call("strpos", &[&text, &at]), "0"]);
    let domain = call("reverse", &[&call("split_part", &[&call("reverse", &[&text]), &at, "1"])]);
    let behind = call("int4pl", &[&call("length", &[&domain]), "1"]);
    let local = call("left", &[&text, &call("int4um", &[&behind])]);
    choose(&none, &quote("***"), &concat(&[&call("left", &[&local, "1"]), &quote("***@"), &domain]))
}
