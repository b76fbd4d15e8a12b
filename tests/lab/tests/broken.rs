//! Results that the proxy breaks off in the middle: a value that its mask does not take, a row longer than one that is masked may be. The
//! client hears an error as of any statement, the server stops, an open transaction has failed, and the session goes on.
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
use serde_json::Value;

/// In `some` one value of many is no NULL, and in `every` all are: in a DateStyle that is not ISO none of them can be masked. In `wide` one
/// row is long.
const SETUP: &str = "
    CREATE TABLE public.some (id int PRIMARY KEY, n date, t text);
    INSERT INTO public.some SELECT id, CASE WHEN id = 20000 THEN date '1987-06-05' END, 'text' FROM generate_series(1, 40000) AS id;
    CREATE TABLE public.every (id int PRIMARY KEY, n date);
    INSERT INTO public.every SELECT id, date '1987-06-05' FROM generate_series(1, 10000) AS id;
    CREATE TABLE public.wide (id int PRIMARY KEY, n date, t text);
    INSERT INTO public.wide SELECT id, NULL, repeat('x', CASE WHEN id = 5 THEN 3000000 ELSE 1 END) FROM generate_series(1, 10) AS id;
    CREATE TABLE public.done (what text);
    CREATE ROLE clerk LOGIN SUPERUSER;
    CREATE ROLE pgscrim LOGIN;
    ANALYZE;";

const POLICY: &str = "version: 1\nclasses: { a: ~ }\ntables:\n  public.some: { columns: { n: a } }\n  public.every: { columns: { n: a } }\n  \
    public.wide: { columns: { n: a } }\nroles: { r: { members: [clerk], read: { a: { mask: { date: { keep: year } } } }, \
    write: { a: allow }, delete: [public.done] } }\n";

/// More rows than anybody waits for.
const ENDLESS: &str = "SELECT a.n FROM public.every a CROSS JOIN public.every b CROSS JOIN public.every c";

fn lab() -> Lab {
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), POLICY).unwrap();
    Lab::guarded(path.path(), SETUP, "SELECT 'date', (date '1987-06-05' - date '2000-01-01')::text", &[], "limits: { masked_row: 1MiB }\n")
        .unwrap()
}

/// A client whose dates cannot be masked.
fn clerk(lab: &Lab) -> Client {
    let mut client = Client::connect(lab.port, "clerk", "postgres").unwrap();
    assert_eq!(ask(&mut client, "SET DateStyle = SQL"), "C S ZI");
    client
}

/// Type by type, runs of rows and data as one; errors with severity and code, the end with the transaction's status.
fn told(answer: &[Message]) -> String {
    let mut out: Vec<String> = Vec::new();
    for message in answer {
        let said = match message.tag {
            b'E' => format!("{} {}", message.field(b'S').unwrap(), message.field(b'C').unwrap()),
            b'Z' => format!("Z{}", char::from(message.body[0])),
            tag => char::from(tag).to_string(),
        };
        if !(matches!(message.tag, b'D' | b'd') && out.last() == Some(&said)) {
            out.push(said);
        }
    }
    out.join(" ")
}

fn ask(client: &mut Client, text: &str) -> String {
    told(&client.query(text).unwrap())
}

/// Parse, Bind and Execute of a text, all nameless.
fn execute(client: &mut Client, text: &str, rows: i32) {
    client.send(b'P', &[b"\0", text.as_bytes(), b"\0\0\0"].concat()).unwrap();
    client.send(b'B', &[0; 8]).unwrap();
    client.send(b'E', &[b"\0", &rows.to_be_bytes()[..]].concat()).unwrap();
}

fn sync(client: &mut Client) -> String {
    client.send(b'S', b"").unwrap();
    told(&client.until_ready().unwrap())
}

/// Statements of the clerk: decision, reason, rows, text.
fn records(lab: &mut Lab) -> Vec<String> {
    let log = lab.audit().unwrap();
    let all = log.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let own = all.filter(|r| r["kind"] == "statement" && r["user"] == "clerk");
    own.map(|r| {
        let text = |field: &str| r[field].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", text("decision"), text("reason"), text("sqlstate"), text("statement"))
    })
    .collect()
}

#[test]
fn a_result_that_is_broken_off_is_an_error_and_the_session_goes_on() {
    let mut lab = lab();
    let mut client = clerk(&lab);
    let fine = "T D C ZI";
    for (text, want) in [
        ("SELECT id, n FROM public.some", "T D ERROR 0A000 ZI"),
        (ENDLESS, "T ERROR 0A000 ZI"),
        ("SELECT n, t FROM public.wide", "T D ERROR 53400 ZI"),
        ("SELECT 1; SELECT n FROM public.every; INSERT INTO public.done VALUES ('after')", "T D C T ERROR 0A000 ZI"),
        ("COPY public.some (id, n) TO STDOUT", "H d ERROR 0A000 ZI"),
        ("COPY public.some (id, n) TO STDOUT (FORMAT csv, HEADER)", "H d ERROR 0A000 ZI"),
        ("COPY (SELECT n, t FROM public.wide) TO STDOUT (FORMAT binary)", "H d ERROR 53400 ZI"),
        ("COPY (SELECT n, t FROM public.wide) TO STDOUT", "H d ERROR 53400 ZI"),
    ] {
        assert_eq!(ask(&mut client, text), want, "{text}");
        assert_eq!(ask(&mut client, "SELECT n FROM public.some WHERE id = 1"), fine, "behind {text}");
    }
    for (text, rows, want) in [
        ("SELECT id, n FROM public.some", 0, "1 2 D ERROR 0A000 ZI"),
        ("SELECT id, n FROM public.some", 7, "1 2 D s ZI"),
        ("SELECT n FROM public.every", 7, "1 2 ERROR 0A000 ZI"),
        (ENDLESS, 0, "1 2 ERROR 0A000 ZI"),
        ("COPY public.some (id, n) TO STDOUT", 0, "1 2 H d ERROR 0A000 ZI"),
    ] {
        execute(&mut client, text, rows);
        assert_eq!(sync(&mut client), want, "{text}");
        assert_eq!(ask(&mut client, "SELECT n FROM public.some WHERE id = 1"), fine, "behind {text}");
    }
    drop(client);
    let leaks = lab.leaks();
    assert!(leaks.is_empty(), "{leaks:?}");
    let records = records(&mut lab);
    let of = |what: &str| records.iter().filter(|r| r.contains(what)).count();
    assert_eq!(records.len(), 1 + 8 + 2 + 8 + 5 + 5, "{records:#?}");
    assert_eq!((of("failed cannot mask"), of("failed row too long")), (9, 3), "{records:#?}");
    assert_eq!(of("masked - - "), 8 + 5 + 1, "{records:#?}");
}

#[test]
fn an_open_transaction_fails_with_it() {
    let lab = lab();
    let mut client = clerk(&lab);
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let texts = ["SELECT n FROM public.every WHERE id = 1", "SELECT id, n FROM public.some", ENDLESS, "SELECT n, t FROM public.wide"];
    for text in texts {
        for extended in [false, true] {
            assert_eq!(ask(&mut client, "BEGIN"), "C ZT");
            assert_eq!(ask(&mut client, "INSERT INTO public.done VALUES ('before')"), "C ZT");
            let said = if extended {
                execute(&mut client, text, 0);
                sync(&mut client)
            } else {
                ask(&mut client, text)
            };
            assert!(said.contains("ERROR ") && said.ends_with("ZE"), "{text}: {said}");
            assert_eq!(ask(&mut client, "SELECT 1"), "ERROR 25P02 ZE", "{text}");
            assert_eq!(ask(&mut client, "COMMIT"), "C ZI", "{text}");
            assert_eq!(ask(&mut server, "SELECT 1 FROM public.done"), "T C ZI", "{text}: nothing stands");
        }
    }
    // a savepoint takes back what failed
    assert_eq!(ask(&mut client, "BEGIN; INSERT INTO public.done VALUES ('kept'); SAVEPOINT s"), "C C C ZT");
    assert!(ask(&mut client, "SELECT id, n FROM public.some").ends_with("ERROR 0A000 ZE"));
    assert_eq!(ask(&mut client, "ROLLBACK TO s"), "C ZT");
    assert_eq!(ask(&mut client, "COMMIT"), "C ZI");
    assert_eq!(ask(&mut server, "SELECT 1 FROM public.done"), "T D C ZI");
}

/// The client's Sync comes late: what it sends before is skipped, as behind any error.
#[test]
fn what_stands_behind_it_in_its_batch_does_not_run() {
    let mut lab = lab();
    let mut client = clerk(&lab);
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    for text in ["SELECT id, n FROM public.some", ENDLESS] {
        execute(&mut client, "INSERT INTO public.done VALUES ('before')", 0);
        execute(&mut client, text, 0);
        client.send(b'H', b"").unwrap();
        let mut heard = Vec::new();
        while heard.last().is_none_or(|m: &Message| m.tag != b'E') {
            heard.push(client.receive().unwrap());
        }
        assert!(told(&heard).ends_with("ERROR 0A000"), "{}", told(&heard));
        execute(&mut client, "INSERT INTO public.done VALUES ('behind')", 0);
        assert_eq!(sync(&mut client), "ZI", "{text}");
        assert_eq!(ask(&mut server, "SELECT 1 FROM public.done"), "T C ZI", "{text}: nothing stands");
        assert_eq!(ask(&mut client, "SELECT n FROM public.some WHERE id = 1"), "T D C ZI");
    }
    drop(client);
    let records = records(&mut lab);
    let skipped = records.iter().filter(|r| r.starts_with("skipped")).count();
    assert_eq!((records.len(), skipped), (9, 2), "{records:#?}");
}

/// What was sent before anybody knew: batches of their own are answered, and a transaction that would go on ends with the session.
#[test]
fn what_was_pipelined_behind_it_is_answered_or_ends_with_the_session() {
    let lab = lab();
    let mut client = clerk(&lab);
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    execute(&mut client, "SELECT id, n FROM public.some", 0);
    client.send(b'S', b"").unwrap();
    execute(&mut client, "INSERT INTO public.done VALUES ('another')", 0);
    client.send(b'S', b"").unwrap();
    client.send(b'Q', b"SELECT 1\0").unwrap();
    let answers: Vec<String> = (0..3).map(|_| told(&client.until_ready().unwrap())).collect();
    assert_eq!(answers, ["1 2 D ERROR 0A000 ZI", "1 2 C ZI", "T D C ZI"]);
    assert_eq!(ask(&mut server, "DELETE FROM public.done"), "C ZI");
    assert_eq!(ask(&mut client, "BEGIN"), "C ZT");
    // in one piece: where the second came after the answer to the first, it would be answered with 25P02
    let texts = ["SELECT id, n FROM public.some", "INSERT INTO public.done VALUES ('behind')"];
    client.send_all(&texts.map(|text| (b'Q', [text.as_bytes(), b"\0"].concat()))).unwrap();
    let heard: Vec<Message> = std::iter::from_fn(|| client.receive().ok()).collect();
    assert_eq!(told(&heard), "T D ERROR 0A000 FATAL 0A000");
    assert_eq!(ask(&mut server, "SELECT 1 FROM public.done"), "T C ZI", "nothing stands");
}

/// The record of a write whose rows could not be masked says what the server did.
#[test]
fn the_record_of_a_write_says_whether_it_ran() {
    let mut lab = lab();
    let mut client = clerk(&lab);
    let mut server = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let mut ran = Vec::new();
    for id in 1..=5 {
        let one = format!("INSERT INTO public.every VALUES ({}, '1987-06-05') RETURNING n", 20_000 + id);
        let said = ask(&mut client, &one);
        assert_eq!(said, "T ERROR 0A000 ZI", "{one}");
        ran.push(ask(&mut server, &format!("SELECT 1 FROM public.every WHERE id = {}", 20_000 + id)) == "T D C ZI");
    }
    drop(client);
    let records = records(&mut lab);
    let told: Vec<bool> =
        records.iter().filter(|r| r.contains("INSERT")).map(|r| r.starts_with("failed cannot mask, after it ran")).collect();
    assert_eq!(told, ran, "{records:#?}");
}
