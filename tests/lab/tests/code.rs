//! Code that a login may run (DO, CALL) changes settings that nobody sees in its text: what follows is decided by what they are then, and a
//! session whose texts would be read otherwise than they are judged ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use lab::Lab;
use lab::wire::{Client, Message};

const SETUP: &str = "
    CREATE TABLE public.people (id int, email text);
    INSERT INTO public.people VALUES (1, 'Tk4f0a2b9c1d');
    CREATE SCHEMA other;
    CREATE TABLE other.people (id int, email text);
    INSERT INTO other.people VALUES (2, 'no canary');
    CREATE PROCEDURE public.moves() LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'other', false); END $$;
    CREATE ROLE clerk LOGIN; CREATE ROLE deputy; CREATE ROLE pgscrim LOGIN;
    GRANT deputy TO clerk;
    GRANT USAGE ON SCHEMA other TO clerk, deputy; GRANT SELECT ON other.people, public.people TO clerk, deputy;";

const POLICY: &str = "version: 1\nclasses: { a: ~ }\ntables: { public.people: { columns: { email: a } } }\n\
    roles: { r: { members: [clerk], read: { a: { mask: { null } } }, statements: [do, call], functions: [public.moves] } }\n";

const MOVES: &str = "DO $$ BEGIN PERFORM set_config('search_path', 'other', false); END $$";
const ASK: &str = "SELECT id, email FROM people";

/// Values and errors.
fn told(answer: &[Message]) -> String {
    let value = |v: &Option<Vec<u8>>| v.as_ref().map_or("NULL".into(), |v| String::from_utf8_lossy(v).into_owned());
    let one = |m: &Message| match m.tag {
        b'D' => Some(m.values().iter().map(value).collect::<Vec<_>>().join(",")),
        b'E' => Some(format!("{} {}", m.field(b'S').unwrap(), m.field(b'C').unwrap())),
        _ => None,
    };
    answer.iter().filter_map(one).collect::<Vec<_>>().join("; ")
}

/// Texts one after the other, or all in one batch of the extended protocol.
fn said(client: &mut Client, texts: &[&str], batch: bool) -> String {
    if !batch {
        let answers: Vec<Message> = texts.iter().flat_map(|text| client.query(text).unwrap()).collect();
        return told(&answers);
    }
    for text in texts {
        client.send(b'P', &[b"\0", text.as_bytes(), b"\0\0\0"].concat()).unwrap();
        client.send(b'B', &[0; 8]).unwrap();
        client.send(b'E', &[0; 5]).unwrap();
    }
    client.send(b'S', b"").unwrap();
    told(&client.until_ready().unwrap())
}

#[test]
fn what_follows_code_is_decided_by_what_it_left() {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), POLICY).unwrap();
    let lab = Lab::guarded(path.path(), SETUP, "SELECT 'text', email FROM public.people", &[], "").unwrap();
    let clerk = || Client::connect(lab.port, "clerk", "postgres").unwrap();
    let role = "DO $$ BEGIN PERFORM set_config('role', 'deputy', false); END $$";
    for batch in [false, true] {
        for (texts, want) in [
            (&[ASK, MOVES, ASK][..], "1,NULL; 2,no canary"),
            (&[ASK, "CALL public.moves()", ASK], "1,NULL; 2,no canary"),
            (&["BEGIN", MOVES, ASK, "ROLLBACK", ASK], "2,no canary; 1,NULL"),
            (&["BEGIN", "SAVEPOINT s", MOVES, ASK, "ROLLBACK TO s", ASK, "COMMIT"], "2,no canary; 1,NULL"),
            (&[role, ASK, MOVES, ASK], "1,NULL; 2,no canary"),
        ] {
            assert_eq!(said(&mut clerk(), texts, batch), want, "{texts:?} {batch}");
        }
    }
    // in one string nobody can ask between
    for first in [MOVES, "CALL public.moves()"] {
        assert_eq!(said(&mut clerk(), &[&format!("{first}; {ASK}"), ASK], false), "ERROR 0A000; 1,NULL", "{first}");
    }
    for setting in ["'standard_conforming_strings', 'off'", "'client_encoding', 'LATIN1'"] {
        let code = format!("DO $$ BEGIN PERFORM set_config({setting}, false); END $$");
        assert_eq!(said(&mut clerk(), &[&code], false), "FATAL 08P01", "{setting}");
    }
}
