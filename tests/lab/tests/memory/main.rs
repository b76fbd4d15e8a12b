//! Peers that break the protocol, or try to make the proxy keep what they send: an error to them alone, memory flat.

#![allow(clippy::disallowed_methods, reason = "a test writes files")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "fixture and client are shared with the transcripts")]

#[path = "../wire/fixture.rs"]
mod fixture;
#[path = "../wire/raw.rs"]
mod raw;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::fixture::Fixture;
use crate::raw::{Raw, bind, code, execute, frame, parse, query, strings, sync};

/// The tests measure the process that they all run in: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Resident memory of this process, which the proxy runs in.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// The most that memory grew by while something was done, looked at every few milliseconds.
fn growth(work: impl FnOnce()) -> usize {
    let before = resident();
    let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::thread::spawn({
        let done = std::sync::Arc::clone(&done);
        move || {
            let mut most = 0;
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                most = most.max(resident());
                std::thread::park_timeout(Duration::from_millis(2));
            }
            most
        }
    });
    work();
    done.store(true, std::sync::atomic::Ordering::Release);
    seen.join().unwrap().saturating_sub(before)
}

fn lives(raw: &mut Raw) {
    let heard = raw.run("SELECT 'alive'");
    assert!(heard.iter().any(|m| m.tag == b'D' && m.body.ends_with(b"alive")), "{heard:?}");
}

/// Bytes, and the SQLSTATE that answers them where the session goes on (`Ok`) or ends (`Err`).
fn rudeness() -> Vec<(&'static str, Vec<u8>, Result<&'static str, &'static str>)> {
    let lying_bind = |formats: u16| frame(b'B', &[strings(&["", ""]), formats.to_be_bytes().to_vec(), vec![0; 4]].concat());
    vec![
        ("a length of 0", vec![b'Q', 0, 0, 0, 0], Err("08P01")),
        ("a length of 3", vec![b'Q', 0, 0, 0, 3], Err("08P01")),
        ("a length of 4 GiB", vec![b'Q', 255, 255, 255, 255, b'S'], Err("08P01")),
        ("a Sync of 1 MiB", [vec![b'S', 0, 16, 0, 0], vec![0; 100]].concat(), Err("08P01")),
        ("an unknown type", frame(b'~', b"x"), Err("08P01")),
        ("a server's message", frame(b'T', &[0, 0]), Err("08P01")),
        ("a Query without its end", frame(b'Q', b"SELECT 1"), Ok("08P01")),
        ("a Query with more behind its end", frame(b'Q', b"SELECT 1\0SELECT 2\0"), Ok("08P01")),
        ("an empty Query message", frame(b'Q', b""), Ok("08P01")),
        ("a Parse of nothing", [frame(b'P', b""), sync()].concat(), Ok("08P01")),
        ("a Parse whose type count lies", [frame(b'P', b"\0SELECT 1\0\x7f\xff"), sync()].concat(), Ok("08P01")),
        ("a Bind whose format count lies", [parse("", "SELECT 1"), lying_bind(65_535), sync()].concat(), Ok("08P01")),
        (
            "a Bind with a value longer than itself",
            {
                let body = [strings(&["", ""]), vec![0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff, 0, 0]].concat();
                [parse("", "SELECT $1::int"), frame(b'B', &body), sync()].concat()
            },
            Ok("08P01"),
        ),
        ("an Execute without a count", [frame(b'E', b"\0"), sync()].concat(), Ok("08P01")),
        ("a Describe of nothing in particular", [frame(b'D', b"Zx\0"), sync()].concat(), Ok("08P01")),
        ("a Describe without its name's end", [frame(b'D', b"Sx"), sync()].concat(), Ok("08P01")),
        ("10,000 nested parentheses", query(&format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000))), Ok("")),
        ("20,000 nested comments", query(&"/*".repeat(20_000)), Ok("")),
    ]
}

#[test]
fn a_rude_client_hears_of_it_and_nobody_else() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let fixture = Fixture::start("");
    let mut other = fixture.proxied("gov");
    for user in ["gov", "guest"] {
        for (what, bytes, want) in rudeness() {
            let mut raw = fixture.proxied(user);
            lives(&mut raw);
            raw.send(&bytes);
            match want {
                Ok(sqlstate) => {
                    let heard = raw.until_ready();
                    let code = code(&heard);
                    assert!(code == sqlstate || (sqlstate.is_empty() && !code.is_empty()), "{user}: {what}: {heard:?}");
                    lives(&mut raw);
                }
                Err(sqlstate) => {
                    let heard = raw.until_end();
                    assert_eq!(code(&heard), sqlstate, "{user}: {what}: {heard:?}");
                }
            }
            lives(&mut other);
        }
    }
    // Names and texts that are no UTF-8.
    let mut raw = fixture.proxied("gov");
    raw.send(&frame(b'Q', b"SELECT '\xff\xfe'\0"));
    assert_eq!(code(&raw.until_ready()), "0A000");
    raw.send(&[frame(b'P', b"\xff\0SELECT 1\0\0\0"), frame(b'B', b"\0\xff\0\0\0\0\0\0\0"), execute("", 0), sync()].concat());
    assert_eq!(code(&raw.until_ready()), "22021");
    lives(&mut raw);
}

#[test]
fn what_is_beyond_a_limit_is_refused_and_not_kept() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let fixture = Fixture::start("limits: { statement: 1MiB, parse: 64KiB, message: 4MiB }");
    let mut other = fixture.proxied("free");
    for user in ["gov", "free"] {
        let mut raw = fixture.proxied(user);
        lives(&mut raw);
        let piece = vec![b' '; 1 << 20];
        let grew = growth(|| {
            // A statement of 100 MB, as a Query and as a Parse; the answer comes before its end.
            for (tag, name) in [(b'Q', &b""[..]), (b'P', b"\0")] {
                let length = u32::try_from(4 + name.len() + (100 << 20) + 1 + if tag == b'P' { 2 } else { 0 }).unwrap();
                raw.send(&[&[tag], &length.to_be_bytes()[..], name].concat());
                (0..100).for_each(|_| raw.send(&piece));
                raw.send(if tag == b'P' { &[0, 0, 0] } else { &[0] });
                if tag == b'P' {
                    raw.send(&[bind("", ""), execute("", 0), sync()].concat());
                }
                let heard = raw.until_ready();
                assert_eq!(code(&heard), "53400", "{user}: {heard:?}");
                lives(&mut raw);
                lives(&mut other);
            }
            // A Bind of a million parameters: 65,535 is what its count can say, so the message lies.
            let mut body = [strings(&["", ""]), vec![0, 0, 255, 255]].concat();
            (0..1_000_000).for_each(|_| body.extend([0, 0, 0, 0]));
            body.extend([0, 0]);
            raw.send(&[parse("", "SELECT 1"), frame(b'B', &body), sync()].concat());
            assert_eq!(code(&raw.until_ready()), "08P01");
            // One beyond limits.message.
            let body =
                [strings(&["", ""]), vec![0, 0, 0, 1], (8_u32 << 20).to_be_bytes().to_vec(), vec![b'x'; 8 << 20], vec![0, 0]].concat();
            raw.send(&[parse("", "SELECT $1::text"), frame(b'B', &body), execute("", 0), sync()].concat());
            assert_eq!(code(&raw.until_ready()), "53400");
            lives(&mut raw);
        });
        assert!(grew < 64 << 20, "{user}: memory grew by {grew} bytes");
    }
}

#[test]
fn a_client_that_does_not_read_stops_the_server_and_one_that_sends_much_passes_through() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut fixture = Fixture::start("");
    for user in ["gov", "free"] {
        let mut raw = fixture.proxied(user);
        lives(&mut raw);
        // 100 MB of result of which nothing is read at first.
        let grew = growth(|| {
            raw.send(&query("SELECT repeat('x', 1000) FROM generate_series(1, 100000)"));
            std::thread::park_timeout(Duration::from_millis(300));
            let mut rows = 0;
            loop {
                let message = raw.next();
                rows += usize::from(message.tag == b'D');
                if message.tag == b'Z' {
                    break;
                }
            }
            assert_eq!(rows, 100_000);
        });
        assert!(grew < 8 << 20, "{user}: memory grew by {grew} bytes");
        // Data in: 100 MB of COPY.
        let grew = growth(|| {
            raw.send(&query("CREATE TEMP TABLE much (t text)"));
            raw.until_ready();
            raw.send(&query("COPY much FROM STDIN"));
            assert_eq!(raw.next().tag, b'G');
            let piece = frame(b'd', &[vec![b'x'; 9_999], vec![b'\n']].concat()).repeat(10);
            (0..1000).for_each(|_| raw.send(&piece));
            raw.send(&frame(b'c', b""));
            let heard = raw.until_ready();
            assert_eq!(heard[0].body, b"COPY 10000\0", "{heard:?}");
        });
        assert!(grew < 8 << 20, "{user}: memory grew by {grew} bytes");
    }
    fixture.sql("SELECT 1");
}

/// A masked row that is longer than what one may take, and one that finds nothing left of what all may.
#[test]
fn a_masked_row_is_bounded_by_itself_and_with_all_others() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut fixture = Fixture::start("limits: { masked_row: 4MiB, masked_rows: 6MiB }");
    fixture.sql("INSERT INTO person SELECT 2000, repeat('x', 3000000) || '@example.com', ''");
    fixture.sql("INSERT INTO person SELECT 2001, repeat('x', 5000000) || '@example.com', ''");
    let mut guest = fixture.proxied("guest");
    let heard = guest.run("SELECT email FROM person WHERE id = 2000");
    assert_eq!(heard.iter().map(|m| m.tag as char).collect::<String>(), "TDCZ", "{heard:?}");
    assert_eq!(code(&guest.run("SELECT email FROM person WHERE id = 2001")), "53400");
    // What a session took of the budget comes back with it.
    let mut guest = fixture.proxied("guest");
    for _ in 0..5 {
        let heard = guest.run("SELECT email FROM person WHERE id = 2000");
        assert_eq!(heard.iter().map(|m| m.tag as char).collect::<String>(), "TDCZ", "{heard:?}");
    }
}

/// How long an original value is does not show by the room that it leaves beside others, which the client can fill to the byte.
#[test]
fn the_limit_of_a_row_tells_no_length() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut fixture = Fixture::start("limits: { masked_row: 1MiB }");
    fixture.sql("INSERT INTO person SELECT 2000, repeat('x', 50) || '@example.com', ''");
    fixture.sql("INSERT INTO person SELECT 2001, repeat('x', 9000) || '@example.com', ''");
    let mut guest = fixture.proxied("guest");
    let mut answered = Vec::new();
    for room in [12_000, 8_000, 4_000, 0] {
        for way in ["?", "COPY (?) TO STDOUT", "COPY (?) TO STDOUT (FORMAT csv)", "COPY (?) TO STDOUT (FORMAT binary)"] {
            let of = |id| way.replace('?', &format!("SELECT email, repeat('y', {}) FROM person WHERE id = {id}", (1 << 20) - room));
            let codes = [2000, 2001].map(|id| code(&guest.run(&of(id))));
            assert_eq!(codes[0], codes[1], "{}", of(2001));
            answered.push(codes[0].is_empty());
        }
    }
    assert_eq!(answered, [vec![true; 12], vec![false; 4]].concat());
}
