//! COPY to the client among other statements of its string: where its columns come from is asked where it stands.

use crate::fixture::Fixture;
use crate::raw::{Message, code};

const STRINGS: &[&str] = &[
    "SELECT 1; COPY item (id) TO STDOUT; SELECT 2",
    "COPY item TO STDOUT; COPY (SELECT name FROM item WHERE id < 3) TO STDOUT (FORMAT csv, HEADER)",
    "BEGIN; COPY item TO STDOUT (FORMAT binary); COMMIT",
    "SET TimeZone = 'UTC'; COPY (SELECT now() IS NULL) TO STDOUT",
    "BEGIN; UPDATE item SET name = 'new' WHERE id = 1; COPY item TO STDOUT; ROLLBACK; COPY item TO STDOUT",
    "UPDATE item SET name = 'lost' WHERE id = 1; COPY (SELECT 1 / 0) TO STDOUT; SELECT 2",
    "SELECT 1; COPY (SELECT 10 / (4 - id) FROM item) TO STDOUT; SELECT 2",
    "COPY item (id, name) TO STDOUT",
    "UPDATE item SET name = 'kept' WHERE id = 2; COMMIT; COPY (SELECT 1 / 0) TO STDOUT",
    "BEGIN; SELECT 1 / 0",
    "SELECT 1; COPY item TO STDOUT",
    "ROLLBACK; COPY item TO STDOUT",
    "BEGIN; SAVEPOINT a; UPDATE item SET name = 'gone' WHERE id = 2; ROLLBACK TO a; COPY item TO STDOUT; COMMIT",
    "CREATE TEMP TABLE mine AS SELECT 1 AS a, 'x'::text AS b; COPY mine TO STDOUT; COPY mine (b) TO STDOUT",
    "DROP TABLE mine",
    "UPDATE item SET name = 'item 2' WHERE id = 2; COPY (SELECT name FROM item WHERE id = 2) TO STDOUT",
];

fn data(heard: &[Message]) -> Vec<&[u8]> {
    heard.iter().filter(|m| m.tag == b'd').map(|m| &*m.body).collect()
}

#[test]
fn a_copy_behind_other_statements_says_what_it_says_to_everybody() {
    let fixture = Fixture::start("");
    let (mut gov, mut direct) = (fixture.proxied("gov"), fixture.direct("free"));
    for string in STRINGS {
        let tell = |heard: Vec<Message>| -> Vec<(char, Vec<u8>)> {
            let said = |m: &Message| if matches!(m.tag, b'E' | b'N') { m.sqlstate().into_bytes() } else { m.body.clone() };
            heard.iter().map(|m| (m.tag as char, if m.tag == b'T' { Vec::new() } else { said(m) })).collect()
        };
        let (want, heard) = (tell(direct.run(string)), tell(gov.run(string)));
        assert_eq!(heard, want, "{string}");
    }
    assert_eq!(code(&gov.run("LOCK item; COPY item TO STDOUT")), "0A000");
    assert_eq!(code(&gov.run("SELECT 1")), "");
}

#[test]
fn what_it_gives_is_masked_as_ever() {
    let fixture = Fixture::start("");
    let mut guest = fixture.proxied("guest");
    for copy in [
        "COPY person (id, email) TO STDOUT",
        "COPY person (email) TO STDOUT (FORMAT csv, HEADER)",
        "COPY (SELECT email, id FROM person WHERE id < 9) TO STDOUT (FORMAT binary)",
        "COPY (SELECT upper(email) FROM person) TO STDOUT",
    ] {
        let alone = guest.run(copy);
        assert_eq!(code(&alone), "", "{copy}");
        assert!(!data(&alone).concat().windows(6).any(|w| w.eq_ignore_ascii_case(b"canary")), "{copy}");
        for string in [
            format!("SELECT 1; {copy}"),
            format!("BEGIN; {copy}; COMMIT"),
            format!("{copy}; SELECT email FROM person WHERE id = 1; {copy}"),
        ] {
            let heard = guest.run(&string);
            assert_eq!(code(&heard), "", "{string}");
            let times = string.matches("COPY").count();
            assert_eq!(data(&heard), data(&alone).repeat(times), "{string}");
        }
    }
    assert_eq!(code(&guest.run("SELECT 1; COPY person (pin) TO STDOUT")), "42501");
}
