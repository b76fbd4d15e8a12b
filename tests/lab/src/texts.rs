//! Answers as texts: what a governed login named `reader` is told, held against views by hand, where nothing may be refused.

use std::fmt::Write as _;

use crate::Lab;
use crate::dice::{Dice, asked_for};
use crate::wire::Client;

/// Rows as text without their order, or the error.
///
/// # Panics
/// Where the connection ends, or a value is no text.
pub fn ask(client: &mut Client, text: &str) -> String {
    let answer = client.query(text).unwrap();
    if let Some(error) = answer.iter().find(|m| m.tag == b'E') {
        return format!("{} {}", error.field(b'C').unwrap(), error.field(b'M').unwrap());
    }
    let value = |v: Option<Vec<u8>>| v.map_or_else(|| "NULL".to_owned(), |v| String::from_utf8(v).unwrap());
    let row = |values: Vec<Option<Vec<u8>>>| values.into_iter().map(value).collect::<Vec<_>>().join("|");
    let mut rows: Vec<String> = answer.iter().filter(|m| m.tag == b'D').map(|m| row(m.values())).collect();
    rows.sort();
    rows.join("\n")
}

/// Asks `GENERATED` random texts, from `SEED` on, of the reader and of the server over the views in the schema `veil`.
///
/// # Panics
/// Where an answer differs, something was refused, or a canary got out; and where too many texts fail on both sides.
pub fn random_texts(lab: &Lab, query: impl Fn(&mut Dice) -> String) {
    let mut reader = Client::connect(lab.port, "reader", "postgres").unwrap();
    let mut veil = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    veil.query("SET search_path = veil, public; SET jit = off").unwrap();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 250));
    let (mut wrong, mut failed, mut refused) = (String::new(), 0, 0);
    for seed in first..first + count {
        let text = query(&mut Dice::new(seed));
        let (got, want) = (ask(&mut reader, &text), ask(&mut veil, &text));
        if got.contains(" pgscrim: ") {
            refused += 1;
            writeln!(wrong, "{seed}: {got}: {text}").unwrap();
        } else if is_error(&got) && is_error(&want) && got[..5] == want[..5] {
            failed += 1;
        } else if got != want {
            let differ = got.lines().zip(want.lines()).find(|(a, b)| a != b);
            writeln!(wrong, "{seed}: {text}: {differ:?}").unwrap();
        }
    }
    for leak in lab.leaks() {
        writeln!(wrong, "LEAK: {}", leak.found).unwrap();
    }
    println!("{count} random queries: {refused} refused, {failed} fail over the veil too");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{wrong}", wrong.lines().count());
    assert!(failed * 4 < count, "{failed}");
}

/// An SQLSTATE stands first.
fn is_error(answer: &str) -> bool {
    answer.len() > 6 && answer.as_bytes()[5] == b' ' && answer[..5].bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}
