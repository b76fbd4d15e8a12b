//! `partial`: the first and last characters stay, each other one becomes one replacement character.

use super::laws::Laws;
use super::sql::{call, choose, concat, number, quote};
use super::text;
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;

/// The parameters of `partial`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Partial {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) with: char,
}

/// Text only; and PostgreSQL's text cannot hold NUL.
pub(super) fn laws(partial: &Partial, scalar: Scalar) -> Option<Laws> {
    (scalar.is_text() && partial.with != '\0').then_some(Laws::PLAIN)
}

pub(super) fn apply(partial: &Partial, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    text::mask(value, out, |text, out| mask(*partial, text, out))
}

fn mask(Partial { first, last, with }: Partial, text: &str, out: &mut Vec<u8>) {
    let chars = if text.is_ascii() { text.len() } else { text.chars().count() };
    let shown = first.saturating_add(last);
    if chars <= shown {
        return text::push_times(with, chars, out);
    }
    let (head, rest) = split_chars(text, first);
    let (_, tail) = split_chars(rest, chars - shown);
    out.extend_from_slice(head.as_bytes());
    text::push_times(with, chars - shown, out);
    out.extend_from_slice(tail.as_bytes());
}

/// Splits behind the `n`th character.
fn split_chars(text: &str, n: usize) -> (&str, &str) {
    let at = if text.is_ascii() { n } else { text.char_indices().nth(n).map_or(text.len(), |(i, _)| i) };
    text.split_at_checked(at).unwrap_or((text, ""))
}

pub(super) fn sql(Partial { first, last, with }: &Partial, column: &str) -> String {
    let text = text::sql(column);
    let length = call("length", &[&text]);
    let with = quote(&with.to_string());
    let shown = first.saturating_add(*last);
    let all = call("repeat", &[&with, &length]);
    // No text has more characters than an int4 counts.
    if i32::try_from(shown).is_err() {
        return all;
    }
    let hidden = call("repeat", &[&with, &call("int4mi", &[&length, &number(shown)])]);
    let (head, tail) = (call("left", &[&text, &number(*first)]), call("right", &[&text, &number(*last)]));
    choose(&call("int4le", &[&length, &number(shown)]), &all, &concat(&[&head, &hidden, &tail]))
}
