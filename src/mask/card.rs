//! `card`: the last four ASCII digits, `*` for each other digit and letter. Separators stay; what is neither is hidden too.

use super::laws::Laws;
use super::sql::{call, choose, concat, number, quote};
use super::text;
use super::value::{CannotMask, Value};
use crate::catalog::Scalar;

/// With fewer digits than this none is shown: four of them would be most of the number.
const LEAST: usize = 8;
/// Digits that are shown.
const SHOWN: usize = 4;

/// What separates groups, as ranges of characters: ASCII without digits and letters, no-break space, middle dot, general
/// punctuation and spaces, ideographic space and stops, katakana middle dot, full-width `-./`. Everything else is hidden.
const SEPARATORS: [(char, char); 11] = [
    ('\u{1}', '/'),
    (':', '@'),
    ('[', '`'),
    ('{', '\u{7f}'),
    ('\u{a0}', '\u{a0}'),
    ('\u{b7}', '\u{b7}'),
    ('\u{2000}', '\u{206f}'),
    ('\u{3000}', '\u{3002}'),
    ('\u{30fb}', '\u{30fb}'),
    ('\u{ff0d}', '\u{ff0f}'),
    ('\u{ff1a}', '\u{ff1a}'),
];

pub(super) fn laws(scalar: Scalar) -> Option<Laws> {
    scalar.is_text().then_some(Laws::PLAIN)
}

pub(super) fn apply(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    text::mask(value, out, |text, out| {
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        let mut hidden = if digits < LEAST { digits } else { digits - SHOWN };
        for c in text.chars() {
            let digit = c.is_ascii_digit();
            if is_separator(c) || (digit && hidden == 0) {
                text::push(c, out);
            } else {
                out.push(b'*');
                hidden -= usize::from(digit && hidden > 0);
            }
        }
    })
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_alphanumeric();
    }
    SEPARATORS.iter().any(|(first, last)| (*first..=*last).contains(&c))
}

pub(super) fn sql(column: &str) -> String {
    let separators: String = SEPARATORS.iter().map(|(a, b)| format!("\\u{:04x}-\\u{:04x}", u32::from(*a), u32::from(*b))).collect();
    let text = text::sql(column);
    let replace = |of: &str, class: &str, with: &str| call("regexp_replace", &[of, &quote(class), &quote(with), &quote("g")]);
    let hide = |of: &str| replace(of, &format!("[^{separators}]"), "*");
    let tail = call("substring", &[&text, &quote(&format!("(?:[0-9][^0-9]*){{{SHOWN}}}$"))]);
    let head = call("left", &[&text, &call("int4um", &[&call("length", &[&tail])])]);
    let few = call("int4lt", &[&call("length", &[&replace(&text, "[^0-9]", "")]), &number(LEAST)]);
    choose(&few, &hide(&text), &concat(&[&hide(&head), &replace(&tail, &format!("[^0-9{separators}]"), "*")]))
}
