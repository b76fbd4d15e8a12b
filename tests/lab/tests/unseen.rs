//! Names that stand for other names: what the server runs behind an EXECUTE, a FETCH or a nameless statement is either what the proxy
//! judged, or does not run. The canaries of the lab say whether a byte got out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::pedantic,
    clippy::disallowed_methods,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use lab::Lab;
use lab::wire::{Client, Message};
use serde_json::Value;

const SETUP: &str = "
    CREATE TABLE public.people (id int PRIMARY KEY, email text, city text);
    INSERT INTO public.people SELECT id, 'Tk' || substr(md5('email' || id), 1, 10), 'town' FROM generate_series(1, 5) AS id;
    CREATE ROLE clerk LOGIN SUPERUSER;
    CREATE ROLE pgscrim LOGIN;";

const CANARIES: &str = "SELECT 'text', email FROM public.people";

const POLICY: &str = "version: 1\nclasses: { a: ~ }\ntables: { public.people: { columns: { email: a } } }\n\
    roles: { r: { members: [clerk], read: { a: { mask: redact } } } }\n";

/// The raw values without an origin: the second witness cannot see where they come from.
const RAW: &str = "SELECT email FROM public.people UNION ALL SELECT email FROM public.people";

/// A lab under [`POLICY`].
fn lab() -> Lab {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), POLICY).unwrap();
    Lab::guarded(path.path(), SETUP, CANARIES, &[], "").unwrap()
}

enum Send {
    /// A query string.
    Q(String),
    /// Parse under a name.
    P(&'static str, String),
    /// Bind a portal to a statement.
    B(&'static str, &'static str),
    /// Execute a portal.
    E(&'static str),
    /// Sync.
    S,
}
use Send::{B, E, P, Q, S};

fn q(text: &str) -> Send {
    Q(text.replace("RAW", RAW))
}

fn p(name: &'static str, text: &str) -> Send {
    P(name, text.replace("RAW", RAW))
}

fn message(message: &Send) -> (u8, Vec<u8>) {
    match message {
        Q(text) => (b'Q', [text.as_bytes(), b"\0"].concat()),
        P(name, text) => (b'P', [name.as_bytes(), b"\0", text.as_bytes(), b"\0\0\0"].concat()),
        B(portal, statement) => (b'B', [portal.as_bytes(), b"\0", statement.as_bytes(), b"\0\0\0\0\0\0\0"].concat()),
        E(portal) => (b'E', [portal.as_bytes(), b"\0\0\0\0\0"].concat()),
        S => (b'S', Vec::new()),
    }
}

fn say(client: &mut Client, messages: &[Send]) -> std::io::Result<()> {
    client.send_all(&messages.iter().map(message).collect::<Vec<_>>())
}

fn send(client: &mut Client, messages: &[Send]) -> Vec<Message> {
    let mut got = Vec::new();
    for message in messages {
        if say(client, std::slice::from_ref(message)).is_err() {
            break;
        }
        if matches!(message, Q(_) | S) {
            match client.until_ready() {
                Ok(messages) => got.extend(messages),
                Err(_) => break,
            }
        }
    }
    got
}

/// The clerk's records of statements; the lab is over then.
fn statements(lab: &mut Lab) -> Vec<Value> {
    let log = lab.audit().unwrap();
    let records = log.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    records.filter(|r| r["kind"] == "statement" && r["user"] == "clerk").collect()
}

#[test]
fn nothing_runs_by_a_name_that_was_not_judged() {
    let lab = lab();
    let attacks = [
        (
            "a FETCH behind a protocol statement that SQL executes",
            vec![q("BEGIN"), q("DECLARE c CURSOR FOR RAW"), p("x", "FETCH ALL FROM c"), S, q("EXECUTE x")],
        ),
        (
            "an EXECUTE bound to a portal that FETCH reads",
            vec![
                q("BEGIN"),
                q("PREPARE p AS SELECT (SELECT email FROM public.people q WHERE q.id = o.id) FROM public.people o"),
                p("x", "EXECUTE p"),
                B("c", "x"),
                S,
                q("FETCH ALL FROM c"),
            ],
        ),
        (
            "utilities that SQL executes by the protocol's names",
            vec![
                q("PREPARE p AS SELECT 'x'::text"),
                p("a", "DEALLOCATE p"),
                p("b", "PREPARE p AS RAW"),
                S,
                q("EXECUTE a"),
                q("EXECUTE b"),
                q("EXECUTE p"),
            ],
        ),
        (
            "the same in one pipeline",
            vec![
                q("PREPARE p AS SELECT 'x'::text"),
                p("a", "DEALLOCATE p"),
                p("b", "PREPARE p AS RAW"),
                p("ea", "EXECUTE a"),
                B("", "ea"),
                E(""),
                p("eb", "EXECUTE b"),
                B("", "eb"),
                E(""),
                p("ep", "EXECUTE p"),
                B("", "ep"),
                E(""),
                S,
            ],
        ),
        (
            "a nameless statement that outlives DEALLOCATE ALL",
            vec![
                p("", "DECLARE c CURSOR FOR RAW"),
                S,
                p("d", "DEALLOCATE ALL"),
                B("", "d"),
                E(""),
                S,
                q("BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT 'x'::text; ROLLBACK TO s"),
                B("", ""),
                E(""),
                S,
                q("FETCH ALL FROM c"),
            ],
        ),
    ];
    for (what, messages) in attacks {
        let mut client = Client::connect(lab.port, "clerk", "postgres").unwrap();
        send(&mut client, &messages);
        let leaks = lab.leaks();
        assert!(leaks.is_empty(), "{what}: {leaks:?}");
    }
}

#[test]
fn what_runs_by_a_name_gives_its_record() {
    let mut lab = lab();
    let mut client = Client::connect(lab.port, "clerk", "postgres").unwrap();
    let got = send(&mut client, &[q("PREPARE p AS SELECT city FROM public.people"), B("", "p"), E(""), S, B("", "p"), E(""), S]);
    assert_eq!(got.iter().filter(|m| m.tag == b'D').count(), 10, "{got:?}");
    // The nameless statement is the server's still, and so it is the proxy's.
    let got = send(
        &mut client,
        &[p("", "SELECT city FROM public.people WHERE id = 1"), S, p("d", "DEALLOCATE ALL"), B("", "d"), E(""), S, B("", ""), E(""), S],
    );
    assert_eq!(got.iter().filter(|m| m.tag == b'D').count(), 1, "{got:?}");
    drop(client);
    let own = statements(&mut lab);
    assert_eq!(own.len(), 5, "{own:?}");
}

/// A pipeline's error skips what would have given a name to something else; the batch behind it was sent before anybody knew.
#[test]
fn what_an_error_skips_gives_no_name() {
    let mut lab = lab();
    let mut client = Client::connect(lab.port, "clerk", "postgres").unwrap();
    let got = send(&mut client, &[q("CREATE TEMP TABLE mine (a int)"), p("", "INSERT INTO mine VALUES (1)"), S]);
    assert!(got.iter().all(|m| m.tag != b'E'), "{got:?}");
    say(&mut client, &[B("x", "nowhere"), p("", "SELECT 'another'"), S, B("", ""), E(""), S]).unwrap();
    let tags: Vec<Vec<u8>> = (0..2).map(|_| client.until_ready().unwrap().iter().map(|m| m.tag).collect()).collect();
    assert_eq!(tags, [b"EZ".to_vec(), b"2CZ".to_vec()]);
    drop(client);
    let own = statements(&mut lab);
    let last = own.last().unwrap();
    assert_eq!((last["statement"].as_str(), last["rows"].as_u64()), (Some("INSERT INTO mine VALUES ($1)"), Some(1)), "{own:?}");
}

/// While the server takes in data it answers nothing of what stands behind: who waits for those answers would wait for ever.
#[test]
fn a_bind_behind_a_copy_waits_for_nothing() {
    let lab = lab();
    let answered = |port| {
        let mut client = Client::connect(port, "clerk", "postgres").unwrap();
        let made = send(&mut client, &[q("CREATE TEMP TABLE mine (a int)"), p("c", "COPY mine FROM STDIN"), S]);
        assert!(made.iter().all(|m| m.tag != b'E'), "{made:?}");
        say(&mut client, &[p("z", "SELECT 1"), B("", "c"), E(""), S, B("", "z"), E(""), S]).unwrap();
        // the server ends the connection over it
        let heard: Vec<Message> = std::iter::from_fn(|| client.receive().ok()).collect();
        let codes: Vec<String> = heard.iter().filter_map(|m| m.field(b'C').filter(|_| m.tag == b'E')).collect();
        (heard.iter().map(|m| char::from(m.tag)).collect::<String>(), codes)
    };
    // the server says it twice: that the message is wrong, and that it can read no further
    let said = |tags: &str, codes: &[&str]| (tags.to_owned(), codes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>());
    assert_eq!(answered(lab.cluster.port()), said("12GEE", &["08P01", "08P01"]));
    assert_eq!(answered(lab.port), said("12GE", &["08P01"]));
}

/// Clients ask again after the end (tokio-postgres does); nothing more is given, so nothing more is told. What a cursor gives again is.
#[test]
fn a_portal_that_has_ended_is_no_access_again() {
    let mut lab = lab();
    let mut client = Client::connect(lab.port, "clerk", "postgres").unwrap();
    let got = send(&mut client, &[p("", "SELECT email FROM public.people"), B("", ""), E(""), E(""), S]);
    assert_eq!(got.iter().map(|m| char::from(m.tag)).collect::<String>(), "12DDDDDCCZ");
    let cursor = [q("BEGIN"), q("DECLARE c SCROLL CURSOR FOR SELECT email FROM public.people"), E("c"), E("c"), S];
    let got = send(&mut client, &cursor);
    assert_eq!(got.iter().filter(|m| m.tag == b'D').count(), 5, "{got:?}");
    let got = send(&mut client, &[q("MOVE BACKWARD ALL FROM c"), E("c"), S, q("COMMIT")]);
    assert_eq!(got.iter().filter(|m| m.tag == b'D').count(), 5, "{got:?}");
    drop(client);
    let rows: Vec<u64> = statements(&mut lab).iter().map(|r| r["rows"].as_u64().unwrap()).collect();
    assert_eq!(rows, [5, 0, 0, 5, 5, 5, 0], "the query; BEGIN, DECLARE, the cursor, MOVE, the cursor again, COMMIT");
}

/// What an error skips was not run and did not fail; an Execute of a portal that is gone is of no statement.
#[test]
fn what_stands_behind_an_error_is_skipped() {
    let mut lab = lab();
    let mut client = Client::connect(lab.port, "clerk", "postgres").unwrap();
    let read = "SELECT city FROM public.people WHERE id = 1";
    let pipelines = [
        // another statement's Bind fails, or its Parse, and the name is given again
        vec![B("", "nowhere"), p("b", read), B("b", "b"), E("b"), S],
        vec![B("b", "nowhere"), p("b", read), B("b", "b"), E("b"), S],
        vec![p("b", "SELECT 1"), S, p("b", "SELECT 2"), p("b", read), B("", "b"), E(""), S],
        vec![p("", "SELECT pin FROM nowhere"), p("", read), B("", ""), E(""), S],
        // its own
        vec![p("b", "SELECT 3"), B("x", "b"), E("x"), S],
        // the portal has gone with its transaction
        vec![p("", read), B("c", ""), p("end", "ROLLBACK"), B("", "end"), E("c"), E(""), E("c"), S],
        // it closes all others, and cannot run again
        vec![p("", "CLOSE ALL"), B("c", ""), E("c"), E("c"), S],
    ];
    for pipeline in pipelines {
        say(&mut client, &pipeline).unwrap();
        for _ in pipeline.iter().filter(|m| matches!(m, S)) {
            client.until_ready().unwrap();
        }
    }
    // PostgreSQL says that it cannot read a text whatever state the transaction is in, and of any other that the transaction is aborted
    send(&mut client, &[q("BEGIN"), q("SELECT 1 / 0")]);
    let got = send(&mut client, &[q("SELEC"), q("SELECT nowhere"), q("ROLLBACK")]);
    assert_eq!(got.iter().filter_map(|m| m.field(b'C').filter(|_| m.tag == b'E')).collect::<Vec<_>>(), ["42601", "25P02"]);
    drop(client);
    let own = statements(&mut lab);
    let told: Vec<String> =
        own.iter().map(|r| format!("{} {}", r["decision"].as_str().unwrap(), r["statement"].as_str().unwrap())).collect();
    let read = "SELECT city FROM public.people WHERE id = $1";
    let skipped = format!("skipped {read}");
    let before = [
        &skipped,
        &skipped,
        &skipped,
        "refused SELECT pin FROM nowhere",
        &skipped,
        "failed SELECT $1",
        &format!("allowed {read}"),
        "allowed ROLLBACK",
        "allowed CLOSE ALL",
        "failed CLOSE ALL",
    ];
    assert_eq!(told[..10], before, "{told:#?}");
}
