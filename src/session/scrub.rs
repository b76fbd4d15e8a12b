//! What a governed client sees of the server's errors and notices where the statement touches something veiled: the condition
//! and the names of objects, never a value (interface.md, "Errors that a client sees").

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::base::quote_ident;
use crate::catalog::Catalog;
use crate::wire::{Build, Notice};

static CONDITIONS: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let lines = include_str!("conditions.txt").lines();
    lines.filter_map(|l| l.split_once(' ')).map(|(code, name)| (code, name.replace('_', " "))).collect()
});

/// The name of a SQLSTATE's condition in words; the class's for one that has none of its own.
fn condition(sqlstate: &str) -> &'static str {
    let class = || sqlstate.get(..2).map(|c| format!("{c}000"));
    let found = CONDITIONS.get(sqlstate).or_else(|| CONDITIONS.get(class()?.as_str()));
    found.map_or("error", String::as_str)
}

/// Fields that name objects, and how the message speaks of them.
const NAMES: [(u8, &str); 5] = [(b's', "schema"), (b't', "table"), (b'c', "column"), (b'd', "data type"), (b'n', "constraint")];

/// Whether the catalog has something of this name: a value that posed as one would not.
fn known(catalog: &Catalog, letter: u8, name: &str) -> bool {
    match letter {
        b's' => catalog.has_schema(name),
        b't' => catalog.relations().any(|r| &*r.name.name == name),
        b'c' => catalog.relations().any(|r| r.column(name).is_some()),
        b'd' => catalog.contents().types.iter().any(|t| &*t.name.name == name),
        b'n' => {
            let of_domain = || catalog.contents().types.iter().any(|t| t.constraints.iter().any(|c| &**c == name));
            catalog.relations().any(|r| r.constraints.iter().any(|c| &*c.name == name)) || of_domain()
        }
        _ => false,
    }
}

/// Writes an error or notice without anything that could hold a value.
/// `place` is where it stands in the client's text.
pub(super) fn scrubbed(tag: u8, notice: &Notice<'_>, place: Option<u32>, catalog: &Catalog, out: &mut Vec<u8>) {
    let named: Vec<(u8, &str, &str)> = NAMES
        .iter()
        .filter_map(|(letter, word)| {
            let name = std::str::from_utf8(notice.field(*letter)?).ok()?;
            known(catalog, *letter, name).then_some((*letter, *word, name))
        })
        .collect();
    let mut message = condition(notice.sqlstate()).to_owned();
    for (i, (_, word, name)) in named.iter().enumerate() {
        message.push_str(if i == 0 { ": " } else { ", " });
        message.push_str(word);
        message.push(' ');
        message.push_str(&quote_ident(name));
    }
    let mut frame = Build::new(out, tag);
    for letter in *b"SVC" {
        if let Some(text) = notice.field(letter).filter(|t| t.len() <= 16) {
            frame = frame.byte(letter).cstr(text);
        }
    }
    frame = frame.byte(b'M').cstr(message.as_bytes());
    frame = placed(frame, place);
    for (letter, _, name) in &named {
        frame = frame.byte(*letter).cstr(name.as_bytes());
    }
    for letter in *b"FLR" {
        if let Some(text) = notice.field(letter).filter(|t| t.len() <= 64 && t.iter().all(u8::is_ascii_graphic)) {
            frame = frame.byte(letter).cstr(text);
        }
    }
    frame.byte(0).end();
}

/// Writes an error or notice as it came, but for the position: that counts in the text that the proxy sent, and `place` in the client's.
pub(super) fn placed_anew(tag: u8, notice: &Notice<'_>, place: Option<u32>, out: &mut Vec<u8>) {
    let mut frame = Build::new(out, tag);
    for (letter, text) in &notice.0 {
        frame = if *letter == b'P' { placed(frame, place) } else { frame.byte(*letter).cstr(text) };
    }
    frame.byte(0).end();
}

fn placed(frame: Build<'_>, place: Option<u32>) -> Build<'_> {
    match place {
        Some(place) => frame.byte(b'P').cstr(place.to_string().as_bytes()),
        None => frame,
    }
}

/// Writes an error of the server's own words without where it stood: the text of a statement in a function may hold a value.
pub(super) fn without_context(tag: u8, notice: &Notice<'_>, out: &mut Vec<u8>) {
    let mut frame = Build::new(out, tag);
    for (letter, text) in notice.0.iter().filter(|(letter, _)| !matches!(letter, b'P' | b'D' | b'W' | b'q' | b'p')) {
        frame = frame.byte(*letter).cstr(text);
    }
    frame.byte(0).end();
}
