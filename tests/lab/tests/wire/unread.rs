//! Texts that PostgreSQL's lexer and grammar do not take: the code and the hint of its error, which tell a client what is wrong.

use crate::fixture::Fixture;
use crate::raw::{Message, parse, sync};

const TEXTS: &[&str] = &[
    r"SELECT E'\u00'",
    r"SELECT E'\uZZZZ'",
    r"SELECT E'\U0000'",
    r"SELECT E'\u0000'",
    r"SELECT E'\ud800'",
    r"SELECT E'\U00110000'",
    r"SELECT E'\xff'",
    r"SELECT E'a\000'",
    r"SELECT U&'\'",
    r"SELECT U&'\00'",
    r"SELECT U&'\d800'",
    r"SELECT U&'a' UESCAPE '+'",
    r#"SELECT 1 AS U&"\00""#,
    "SELECT 'abc",
    "SELECT \"\"",
    "SELECT 1 /* x",
    "SELECT $a$ x",
    "SELEC 1",
    "SELECT sum(id) OVER (ROWS BETWEEN UNBOUNDED FOLLOWING AND CURRENT ROW) FROM item",
    "SELECT sum(id) OVER (ROWS BETWEEN CURRENT ROW AND UNBOUNDED PRECEDING) FROM item",
    "SELECT 1::float(0)",
    "SELECT 1::float(60)",
    "CREATE ASSERTION x CHECK (true)",
    "SELECT * FROM item LIMIT 1, 2",
];

/// Code and hint of the error.
fn told(heard: &[Message]) -> Vec<(String, Option<String>)> {
    heard.iter().filter(|m| m.tag == b'E').map(|m| (m.sqlstate(), m.field(b'H'))).collect()
}

#[test]
fn a_text_that_cannot_be_read_is_answered_as_postgresql_does() {
    let fixture = Fixture::start("");
    let (mut gov, mut direct) = (fixture.proxied("gov"), fixture.direct("free"));
    let mut wrong = Vec::new();
    for text in TEXTS {
        let (want, got) = (told(&direct.run(text)), told(&gov.run(text)));
        gov.send(&[parse("", text), sync()].concat());
        let extended = told(&gov.until_ready());
        if want.len() != 1 || got != want || extended != want {
            wrong.push(format!("{text}: {got:?}, {extended:?}, and not {want:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
