//! Each door for as many seconds as `DOOR_SECONDS` says (one, where it is not set; CI says sixty): generated input, then damaged byte by
//! byte. Other cases at each run; the input that a door fails at is printed whole.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::shop::Shop;
use super::{doors, random, soup, step};

/// Bytes of a strategy, and the same with some of them flipped, dropped or doubled.
fn damaged(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..4u8);
    (bytes, prop_oneof![1 => Just(Vec::new()), 3 => prop::collection::vec(edit, 1..6)]).prop_map(|(mut bytes, edits)| {
        for (at, value, how) in edits {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, bytes[at]),
                2 => bytes[at] ^= 1 << (value % 8),
                _ => bytes[at] = value,
            }
        }
        bytes
    })
}

fn knock(name: &str, input: &impl Strategy<Value = Vec<u8>>, door: impl Fn(&[u8])) {
    let seconds = std::env::var("DOOR_SECONDS").map_or(1, |s| s.parse().unwrap());
    let mut runner = TestRunner::new(Config::default());
    let (began, mut times) = (Instant::now(), 0_u64);
    while began.elapsed() < Duration::from_secs(seconds) {
        let bytes = input.new_tree(&mut runner).unwrap().current();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| door(&bytes))) {
            eprintln!("{name} fails at {:?}\n{bytes:?}", String::from_utf8_lossy(&bytes));
            std::panic::resume_unwind(panic);
        }
        times += 1;
    }
    // past the test harness, which keeps what a test prints to itself
    let mut out = std::io::stdout();
    writeln!(out, "{name}: {times} inputs in {seconds} s").unwrap();
    assert!(times > 0, "{name}: nothing was tried");
}

#[test]
fn frames() {
    knock("frames", &damaged(random::stream()), doors::frames);
}

#[test]
fn startup() {
    knock("startup", &damaged(random::startup()), doors::startup);
}

#[test]
fn yaml() {
    knock("yaml", &damaged(random::yaml().prop_map(String::into_bytes)), doors::yaml);
}

#[test]
fn sql() {
    let shop = Shop::new();
    let texts = prop_oneof![soup::mutant(), soup::soup()].prop_map(String::into_bytes);
    knock("sql", &damaged(texts), |bytes| doors::sql(&shop, &String::from_utf8_lossy(bytes)));
}

/// The input is a program: what a client and a server say, in which lots, and what happens meanwhile.
#[test]
fn step() {
    let views = step::Views::new();
    knock("step", &damaged(prop::collection::vec(any::<u8>(), 0..400)), |bytes| drop(step::step(&views, bytes)));
}
