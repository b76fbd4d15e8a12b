use super::*;
use crate::sql::read;

fn described(text: &str) -> String {
    let read = read(text, 1 << 20).expect(text);
    let known = |name: &str| name == "Users";
    let one = read.statements.first().map(|s| describe(text, &read.scanned.tokens, s, &known));
    one.map(|d| d.text).unwrap_or_default()
}

#[test]
fn no_literal_and_no_comment_stays() {
    for (text, want) in [
        ("SELECT email FROM users WHERE id = 42", "SELECT email FROM users WHERE id = $1"),
        ("SELECT  $1, 'a''b' -- secret\n, E'\\'x', $$y$$, 1.5e3", "SELECT $1, $2 , $3, $4, $5"),
        ("SELECT \"alice@example.com\" FROM \"Users\"", "SELECT $1 FROM \"Users\""),
        ("/* secret */ SELECT x'ff', b'1', U&'\\0061'", "SELECT $1, $2, $3"),
        ("CREATE USER bob PASSWORD 'secret'", "CREATE USER bob PASSWORD $1"),
        ("SELECT 1; SELECT 'b'", "SELECT $1"),
    ] {
        assert_eq!(described(text), want, "{text}");
    }
}

#[test]
fn unread_texts_have_keyed_fingerprints() {
    let (a, b) = (describe_unread("SELEC 1", &[1; 32]), describe_unread("SELEC 1", &[2; 32]));
    assert_eq!(a.text, "(not parsed, 7 bytes)");
    assert_eq!(a.fingerprint.len(), 16);
    assert_ne!(a.fingerprint, b.fingerprint);
}
