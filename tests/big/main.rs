//! Size: results, rows, data and clients that are large or many, and a proxy whose memory stays as it was; ends that come in the middle of
//! them. The proxy is a process of its own. `BIG=1` asks for full sizes; otherwise they are those that CI has the time for.
#![allow(clippy::disallowed_methods, reason = "a test writes files and reads the environment")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "the client is shared with other tests")]

#[path = "../lab/tests/wire/raw.rs"]
mod raw;
mod serve;

use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError};

use nix::sys::signal::Signal;

use raw::{Message, Raw, code, frame, query};
use serve::{Proxy, server};

const MIB: usize = 1 << 20;
/// How much a proxy may grow while something passes through it: read and write buffers that it had not needed before.
const FLAT: usize = MIB;

/// What is measured would be spoilt by another test's load: one at a time.
static TURN: Mutex<()> = Mutex::new(());

fn is_full() -> bool {
    std::env::var_os("BIG").is_some()
}

/// The full size, or CI's.
fn size(full: usize, ci: usize) -> usize {
    if is_full() { full } else { ci }
}

/// Tells a person what was measured, past the test harness, which keeps what a test prints to itself.
fn tell(what: &str, figure: usize, unit: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{what}: {figure} {unit}").unwrap();
}

/// Asks until the answer is this one; the server's own events take their time.
fn until(admin: &mut Raw, sql: &str, want: &str) {
    for _ in 0..600 {
        let heard = admin.run(sql);
        let row = heard.iter().find(|m| m.tag == b'D').unwrap();
        if row.body[6..] == *want.as_bytes() {
            return;
        }
        admin.run("SELECT pg_sleep(0.05)");
    }
    panic!("{sql} is never {want}");
}

/// Reads everything up to a `ReadyForQuery` outside transactions without keeping it; how many bytes that were.
fn swallow(raw: &mut Raw) -> usize {
    const READY: [u8; 6] = [b'Z', 0, 0, 0, 5, b'I'];
    let (mut buffer, mut end, mut all) = (vec![0; 256 << 10], [0; 6], 0);
    loop {
        let n = raw.socket().read(&mut buffer).unwrap();
        assert!(n > 0, "the connection ended after {all} bytes");
        all += n;
        let tail = [&end[..], &buffer[..n]].concat();
        end.copy_from_slice(&tail[tail.len() - 6..]);
        if end == READY {
            return all;
        }
    }
}

/// The last whole message of a stream, and how much there is of the next one.
fn last(stream: &[u8]) -> (Message, usize) {
    let (mut rest, mut last) = (stream, &stream[..0]);
    while rest.len() >= 5 {
        let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize + 1;
        let Some((message, behind)) = rest.split_at_checked(length) else { break };
        assert!(matches!(message[0], b'T' | b'D' | b'N' | b'E'), "{}", message.escape_ascii());
        (last, rest) = (message, behind);
    }
    (Message { tag: last[0], body: last[5..].to_vec() }, rest.len())
}

/// A result of so many rows of 1 KB, a masked column in each.
fn rows(n: usize) -> String {
    format!("SELECT p.email, repeat('x', 1000) FROM person p, generate_series(1, {})", n.div_ceil(1000))
}

#[test]
fn what_streams_leaves_memory_as_it_was() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = server();
    let proxy = Proxy::serve(server.port(), "");
    let mut admin = Raw::connect(server.port(), "postgres", "postgres");
    let (result, copied) = (size(1 << 30, 100 * MIB), size(500 * MIB, 100 * MIB));
    for user in ["guest", "clear", "free"] {
        let mut raw = proxy.connect(user);
        let streams = [
            ("a result", query(&rows(result / 1000)), query(&rows(1000)), result),
            (
                "COPY out",
                query(&format!("COPY ({}) TO STDOUT", rows(copied / 1000))),
                query(&format!("COPY ({}) TO STDOUT", rows(1000))),
                copied,
            ),
        ];
        for (what, full, warm, least) in streams {
            raw.send(&warm);
            swallow(&mut raw);
            let mut bytes = 0;
            let grew = proxy.growth(|| {
                raw.send(&full);
                bytes = swallow(&mut raw);
            });
            tell(&format!("{what} of {} MiB, {user}: memory grew by", bytes / MIB), grew >> 10, "KiB");
            assert!(bytes >= least && grew <= FLAT, "{what}, {user}: {bytes} bytes, memory grew by {grew}");
        }
        let piece = frame(b'd', &[vec![b'x'; 9_999], vec![b'\n']].concat()).repeat(10);
        let mut copy_in = |n: usize| {
            raw.send(&query("COPY sink FROM STDIN"));
            assert_eq!(raw.next().tag, b'G', "{user}");
            (0..n / piece.len()).for_each(|_| raw.send(&piece));
            raw.send(&frame(b'c', b""));
            let heard = raw.until_ready();
            assert_eq!(heard[0].body, b"COPY 0\0", "{user}: {heard:?}");
        };
        copy_in(MIB);
        let grew = proxy.growth(|| copy_in(copied));
        tell(&format!("COPY in of {} MiB, {user}: memory grew by", copied / MIB), grew >> 10, "KiB");
        assert!(grew <= FLAT, "COPY in, {user}: memory grew by {grew}");
    }

    // one row, larger than any buffer: it passes where nothing in it is masked
    let row = size(300 * MIB, 40 * MIB);
    for user in ["clear", "free"] {
        let mut raw = proxy.connect(user);
        let mut bytes = 0;
        let grew = proxy.growth(|| {
            raw.send(&query(&format!("SELECT email, repeat('x', {row}) FROM person WHERE id = 1")));
            bytes = swallow(&mut raw);
        });
        tell(&format!("a row of {} MiB, {user}: memory grew by", bytes / MIB), grew >> 10, "KiB");
        assert!(bytes >= row && grew <= FLAT, "a row, {user}: {bytes} bytes, memory grew by {grew}");
    }
    let mut guest = proxy.connect("guest");
    let grew = proxy.growth(|| {
        guest.send(&query(&format!("SELECT email, repeat('x', {row}) FROM person WHERE id = 1")));
        assert_eq!(code(&guest.until_ready()), "53400");
    });
    assert_eq!(code(&guest.run("SELECT email FROM person WHERE id = 1")), "");
    tell(&format!("a masked row of {} MiB, refused: memory grew by", row / MIB), grew >> 10, "KiB");
    assert!(grew <= 17 * MIB, "a masked row: memory grew by {grew}");

    // a client that does not read holds up its own server and nobody else
    for user in ["guest", "free"] {
        let (mut slow, mut other) = (proxy.connect(user), proxy.connect("guest"));
        other.run("SELECT email FROM person WHERE id = 1");
        let grew = proxy.growth(|| {
            slow.send(&query(&rows(result / 1000)));
            let stalled = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}' AND wait_event = 'ClientWrite'");
            until(&mut admin, &stalled, "1");
            let heard = other.run("SELECT email FROM person WHERE id = 1");
            assert!(heard.iter().any(|m| m.tag == b'D' && m.body.ends_with(b"c***@example.com")), "{heard:?}");
        });
        tell(&format!("a client that does not read, {user}: memory grew by"), grew >> 10, "KiB");
        assert!(grew <= FLAT, "a slow reader, {user}: memory grew by {grew}");
        let bytes = swallow(&mut slow);
        assert!(bytes >= result, "{bytes}");
    }
}

#[test]
fn idle_sessions_cost_little() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = server();
    let proxy = Proxy::serve(server.port(), "");
    let mut warm = proxy.connect("guest");
    warm.run("SELECT email FROM person WHERE id = 1");
    let (count, before) = (size(2000, 300), proxy.memory());
    let mut idle: Vec<Raw> = Vec::new();
    for _ in 0..count {
        let mut raw = proxy.connect("guest");
        raw.run("SELECT email FROM person WHERE id = 1");
        idle.push(raw);
    }
    let each = proxy.memory().saturating_sub(before) / count;
    tell(&format!("each of {count} idle sessions takes"), each, "bytes");
    assert!(each <= 16 << 10, "{each} bytes for an idle session");
    for raw in &mut idle {
        let heard = raw.run("SELECT email FROM person WHERE id = 2");
        assert_eq!(code(&heard), "");
    }
}

#[test]
fn a_drain_waits_for_statements_until_its_deadline() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = server();
    let mut admin = Raw::connect(server.port(), "postgres", "postgres");
    let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(%' AND state = 'active' AND pid <> pg_backend_pid()";
    for (seconds, deadline, last) in [(2, "60s", ""), (300, "1s", "57P01")] {
        let proxy = Proxy::serve(server.port(), &format!("limits: {{ drain: {deadline} }}\n"));
        let mut idle = proxy.connect("guest");
        let mut busy = [proxy.connect("guest"), proxy.connect("free")];
        for raw in &mut busy {
            raw.send(&query(&format!("SELECT pg_sleep({seconds})")));
        }
        until(&mut admin, sleeping, "2");
        proxy.signal(Signal::SIGTERM);
        // who has nothing under way ends at once, while the others are still waited for
        assert_eq!(code(&idle.until_end()), "57P01");
        for raw in &mut busy {
            let heard = raw.until_end();
            let answered = heard.iter().any(|m| m.tag == b'C');
            assert_eq!((answered, heard.iter().any(|m| m.tag == b'E' && m.sqlstate() == "57P01")), (last.is_empty(), true), "{heard:?}");
        }
        let (well, audit) = proxy.ended();
        let sleeps: Vec<&str> = audit.lines().filter(|l| l.contains("pg_sleep")).collect();
        let decision = if last.is_empty() { r#""decision":"allowed""# } else { r#""decision":"failed""# };
        assert!(well && sleeps.len() == 2 && sleeps.iter().all(|l| l.contains(decision)), "{sleeps:?}");
        assert!(audit.lines().last().unwrap().contains(r#""kind":"stop""#));
        // nothing of it runs on in the server
        until(&mut admin, "SELECT count(*) FROM pg_stat_activity WHERE usename IN ('guest', 'free')", "0");
    }
}

#[test]
fn a_server_that_dies_in_a_result_ends_that_result_and_nothing_else() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = server();
    let proxy = Proxy::serve(server.port(), "");
    for user in ["guest", "free"] {
        let mut raw = proxy.connect(user);
        raw.send(&query(&rows(100_000)));
        let mut heard = vec![0; 1000];
        raw.socket().read_exact(&mut heard).unwrap();
        server.crash().unwrap();
        let _ended = raw.socket().read_to_end(&mut heard);
        let (last, part) = last(&heard);
        // a client that has the beginning of a message would take an error for the rest of it
        let told = last.tag == b'E' && ["57P01", "57P02", "08006"].contains(&last.sqlstate().as_str());
        assert!(told || part > 0, "{user}: {last:?}");
        let refused = proxy.refused(user);
        assert_eq!(refused.sqlstate(), "08006", "{refused:?}");
        let said = refused.field(b'M').unwrap();
        assert!(said.starts_with("pgscrim: "), "{said}");
        server.boot().unwrap();
        let heard = proxy.connect(user).run("SELECT count(*) FROM person");
        assert_eq!(code(&heard), "");
    }
    proxy.signal(Signal::SIGTERM);
    let (well, audit) = proxy.ended();
    let broken: Vec<&str> = audit.lines().filter(|l| l.contains("generate_series")).collect();
    assert!(well && broken.len() == 2 && broken.iter().all(|l| l.contains(r#""decision":"failed""#)), "{broken:?}");
}
