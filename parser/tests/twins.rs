//! The doors of `libpg_query` itself are the judge: the same tree, fingerprints, printed text and words of an error for any text.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]

use std::ffi::CString;

use parser::Fingerprints;
use pg_query::protobuf::{ParseResult, RawStmt};
use proptest::prelude::*;
use prost::Message;

const STATEMENTS: &str = include_str!("statements.sql");

/// Reads a text both ways. Gives both trees where it can be read.
fn read(text: &str) -> Option<(parser::Tree, ParseResult)> {
    let ended = CString::new(text).unwrap();
    let ours = parser::read(&ended, Fingerprints::Wanted);
    let theirs = match pg_query::parse(text, 0) {
        Ok(theirs) => theirs.protobuf,
        Err(pg_query::Error::Parse(message)) => {
            assert_eq!(ours.unwrap_err().message, message, "{text}");
            return None;
        }
        Err(error) => panic!("{text}: {error}"),
    };
    let ours = ours.unwrap();
    assert_eq!(ParseResult::decode(ours.bytes()).unwrap(), theirs, "{text}");
    assert_eq!(theirs.stmts.len(), ours.statements().len());
    for (statement, known) in theirs.stmts.iter().zip(ours.statements()) {
        let RawStmt { stmt: _, stmt_location, stmt_len } = statement;
        let (start, length) = (usize::try_from(*stmt_location).unwrap(), usize::try_from(*stmt_len).unwrap());
        let own = if length == 0 { &text[start..] } else { &text[start..start + length] };
        assert_eq!(pg_query::fingerprint(own, 0, 0).unwrap().value, known.fingerprint, "{text}");
    }
    Some((ours, theirs))
}

#[test]
fn statements_of_every_kind_are_read_and_printed_alike() {
    for text in STATEMENTS.lines() {
        let (ours, theirs) = read(text).unwrap();
        assert!(!ours.statements()[0].emptied, "{text}");
        let printed = parser::print(ours.bytes()).map(|printed| printed.text().to_str().unwrap().to_owned());
        assert_eq!(printed.ok(), pg_query::deparse(&theirs, pg_query::DeparseOptions::default()).ok(), "{text}");
    }
    assert!(read(&STATEMENTS.replace('\n', "\n;")).is_some());
}

#[test]
fn what_is_no_single_statement_is_not_printed() {
    for text in [c"", c";", c"SELECT 1; SELECT 2"] {
        let tree = parser::read(text, Fingerprints::Unwanted).unwrap();
        assert!(tree.statements().iter().all(|s| s.fingerprint == 0));
        assert!(parser::print(tree.bytes()).is_err(), "{text:?}");
    }
    assert!(parser::print(b"\x12\xff").is_err());
}

/// Each of these killed the process in the printer, or was printed as something else.
#[test]
fn a_lost_text_is_told() {
    for (text, emptied) in [
        (c"PREPARE TRANSACTION ''", [true].as_slice()),
        (c"SELECT ''; COMMIT PREPARED ''; SELECT 1", &[false, true, false]),
        (c"LOAD ''", &[true]),
        (c"ALTER TYPE a ADD VALUE ''", &[true]),
        (c"CREATE CONVERSION a FOR '' TO 'b' FROM c", &[true]),
        (c"COPY a TO ''", &[true]),
        (c"COMMENT ON TABLE a IS ''", &[false]),
        (c"NOTIFY a, ''", &[false]),
    ] {
        let tree = parser::read(text, Fingerprints::Unwanted).unwrap();
        assert_eq!(tree.statements().iter().map(|s| s.emptied).collect::<Vec<_>>(), emptied, "{text:?}");
    }
}

#[test]
fn an_error_says_where() {
    for (text, at) in [
        (c"SELECT 'é' FRO x", 15),
        (c"SELECT 1 +", 10),
        (c"SELECT 'x", 7),
        (c"SELECT U&'\\zzzz'", 10),
        (c"SELECT a FROM t FETCH FIRST 3 ROWS WITH TIES", 35),
    ] {
        assert_eq!(parser::read(text, Fingerprints::Unwanted).unwrap_err().at, Some(at), "{text:?}");
    }
}

/// Statements with some of their characters dropped, replaced or swapped.
fn damaged() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop::char::range(' ', '~'), 0..3u8);
    let statement = prop::sample::select(STATEMENTS.lines().collect::<Vec<_>>());
    (statement, prop::collection::vec(edit, 1..4)).prop_map(|(statement, edits)| {
        let mut chars: Vec<char> = statement.chars().collect();
        for (at, other, char, how) in edits {
            let (at, other) = (at.index(chars.len()), other.index(chars.len()));
            match how {
                0 if chars.len() > 1 => drop(chars.remove(at)),
                1 => chars.swap(at, other),
                _ => chars[at] = char,
            }
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_statements_are_read_alike(text in damaged()) {
        let _ = read(&text);
    }
}
