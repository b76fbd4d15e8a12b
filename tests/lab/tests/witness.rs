//! The second witness: where the server's answer does not come from where the plan says, no row goes on. The fault is planted by changing
//! the names of two tables behind the proxy's back, while it believes in its catalog for an hour: each permit then says that a column is
//! clear which the server takes from a masked one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use lab::Lab;
use lab::wire::{Client, Message};
use serde_json::Value;

const SETUP: &str = "
    CREATE TABLE public.people (id int PRIMARY KEY, email text);
    INSERT INTO public.people SELECT id, 'Tk' || substr(md5('email' || id), 1, 10) FROM generate_series(1, 5) AS id;
    CREATE TABLE public.decoy (id int PRIMARY KEY, email text);
    INSERT INTO public.decoy SELECT id, 'nothing ' || id FROM generate_series(1, 5) AS id;
    CREATE ROLE clerk LOGIN SUPERUSER;
    CREATE ROLE pgscrim LOGIN;";

const CANARIES: &str = "SELECT 'text', email FROM public.people";

const POLICY: &str = "version: 1\nclasses: { a: ~ }\ntables: { public.people: { columns: { email: a } } }\n\
    roles: { r: { members: [clerk], read: { a: { mask: redact } }, write: { a: allow }, delete: [public.decoy] } }\n";

const SWAP: &str =
    "ALTER TABLE public.people RENAME TO other; ALTER TABLE public.decoy RENAME TO people; ALTER TABLE public.other RENAME TO decoy;";

/// Messages of the extended protocol for one nameless statement.
struct Extended {
    describe_statement: bool,
    describe_portal: bool,
    binary: u8,
    rows: i32,
}

fn extended(client: &mut Client, text: &str, how: &Extended) -> Vec<Message> {
    client.send(b'P', &[b"\0", text.as_bytes(), b"\0\0\0"].concat()).unwrap();
    if how.describe_statement {
        client.send(b'D', b"S\0").unwrap();
    }
    client.send(b'B', &[0, 0, 0, 0, 0, 0, 0, 1, 0, how.binary]).unwrap();
    if how.describe_portal {
        client.send(b'D', b"P\0").unwrap();
    }
    client.send(b'E', &[b"\0", &how.rows.to_be_bytes()[..]].concat()).unwrap();
    client.send(b'S', b"").unwrap();
    client.until_ready().unwrap_or_default()
}

fn simple(client: &mut Client, texts: &[&str]) -> Vec<Message> {
    texts.iter().flat_map(|text| client.query(text).unwrap_or_default()).collect()
}

/// Each way to ask for the rows of a table, with how many statements it takes before the one that trips.
type Way = (&'static str, Box<dyn Fn(&mut Client) -> Vec<Message>>);

fn ways() -> Vec<Way> {
    let ask = "SELECT id, email FROM public.decoy";
    let mut ways: Vec<Way> = vec![
        ("simple", Box::new(move |c| simple(c, &[ask]))),
        ("simple, a string of several", Box::new(|c| simple(c, &["SELECT 1; SELECT email FROM public.decoy; SELECT 2"]))),
        ("simple, RETURNING of an INSERT", Box::new(|c| simple(c, &["INSERT INTO public.decoy VALUES (7, 'x') RETURNING email"]))),
        (
            "simple, RETURNING of what stood there",
            Box::new(|c| {
                simple(c, &["INSERT INTO public.decoy VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET id = 1 RETURNING decoy.email"])
            }),
        ),
        ("simple, RETURNING", Box::new(|c| simple(c, &["UPDATE public.decoy SET id = id RETURNING email"]))),
        ("simple, RETURNING of a DELETE", Box::new(|c| simple(c, &["DELETE FROM public.decoy WHERE id = 5 RETURNING *"]))),
        ("a subquery's column", Box::new(|c| simple(c, &["SELECT s.e FROM (SELECT email AS e FROM public.decoy) AS s"]))),
        ("a cursor", Box::new(|c| simple(c, &["BEGIN", "DECLARE c CURSOR FOR SELECT email FROM public.decoy", "FETCH ALL FROM c"]))),
        (
            "a binary cursor",
            Box::new(|c| simple(c, &["BEGIN", "DECLARE c BINARY CURSOR FOR SELECT email FROM public.decoy", "FETCH 1 FROM c"])),
        ),
        (
            "a held cursor",
            Box::new(|c| {
                simple(c, &["BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT email FROM public.decoy", "COMMIT", "FETCH ALL FROM c"])
            }),
        ),
        (
            "RETURNING of a WITH query",
            Box::new(|c| simple(c, &["WITH w AS (DELETE FROM public.decoy WHERE id = 4 RETURNING email) SELECT email FROM w"])),
        ),
        ("EXECUTE", Box::new(|c| simple(c, &["PREPARE p AS SELECT email FROM public.decoy", "EXECUTE p"]))),
        ("COPY of a query", Box::new(|c| simple(c, &["COPY (SELECT email FROM public.decoy) TO STDOUT"]))),
        ("COPY of a query in binary", Box::new(|c| simple(c, &["COPY (SELECT email FROM public.decoy) TO STDOUT (FORMAT binary)"]))),
        ("COPY of a table", Box::new(|c| simple(c, &["COPY public.decoy TO STDOUT"]))),
        (
            "COPY in the extended protocol",
            Box::new(|c| {
                extended(
                    c,
                    "COPY public.decoy (email) TO STDOUT",
                    &Extended { describe_statement: false, describe_portal: false, binary: 0, rows: 0 },
                )
            }),
        ),
    ];
    for describe_statement in [false, true] {
        for describe_portal in [false, true] {
            for binary in [0, 1] {
                for rows in [0, 2] {
                    let how = Extended { describe_statement, describe_portal, binary, rows };
                    ways.push(("extended", Box::new(move |c| extended(c, ask, &how))));
                    let how = Extended { describe_statement, describe_portal, binary, rows };
                    ways.push((
                        "extended, RETURNING",
                        Box::new(move |c| extended(c, "UPDATE public.decoy SET id = id RETURNING email", &how)),
                    ));
                }
            }
        }
    }
    ways
}

#[test]
fn a_permit_that_is_wrong_gives_no_row() {
    let path = std::env::temp_dir().join(format!("pgscrim-witness-{}", std::process::id()));
    std::fs::write(&path, POLICY).unwrap();
    let catalog = "catalog: { user: pgscrim, database: postgres, refresh: 1h, max_age: 2h }\n";
    let mut lab = Lab::guarded(&path, SETUP, CANARIES, &[], catalog).unwrap();
    std::fs::remove_file(&path).unwrap();
    // the proxy has read its catalog once a session of the database has begun
    let mut before = Client::connect(lab.port, "clerk", "postgres").unwrap();
    assert!(before.query("SELECT email FROM public.decoy").unwrap().iter().any(|m| m.tag == b'D'));
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    assert!(server.query(SWAP).unwrap().iter().all(|m| m.tag != b'E'));
    let (ways, mut wrong) = (ways(), Vec::new());
    for (name, way) in &ways {
        let mut client = Client::connect(lab.port, "clerk", "postgres").unwrap();
        let answer = way(&mut client);
        let rows = answer.iter().filter(|m| matches!(m.tag, b'd')).count();
        let veiled = answer.iter().filter(|m| m.tag == b'D').any(|m| m.values().iter().flatten().any(|v| v.starts_with(b"Tk")));
        let error = answer.iter().find(|m| m.tag == b'E').map(|m| (m.field(b'S').unwrap(), m.field(b'C').unwrap()));
        if rows > 0 || veiled || error != Some(("ERROR".into(), "42501".into())) {
            wrong.push(format!("{name}: {rows} pieces of a copy, {error:?}"));
        }
        // a transaction has failed, and the session goes on
        let after = client.query("ROLLBACK").and_then(|_| client.query("SELECT 'on'"));
        if !after.is_ok_and(|m| m.iter().map(|m| m.tag).eq(*b"TDCZ")) {
            wrong.push(format!("{name}: the session does not go on"));
        }
    }
    let leaks = lab.leaks();
    let metrics = lab.metrics().unwrap();
    let counted = metrics.lines().find_map(|l| l.strip_prefix("pgscrim_witness_trips_total ")).and_then(|n| n.parse::<usize>().ok());
    let log = lab.audit().unwrap();
    let records: Vec<Value> = log.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let trip =
        |r: &&Value| r["decision"] == "failed" && r["reason"].as_str().is_some_and(|r| r == "witness" || r == "witness, after it ran");
    let told = records.iter().filter(|r| r["kind"] == "statement").filter(trip).count();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(leaks.is_empty(), "{leaks:?}");
    assert_eq!((counted, told), (Some(ways.len()), ways.len()), "trips counted and recorded");
}
