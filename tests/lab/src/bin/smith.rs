//! `sqlsmith` as a governed login of the sample shop: no canary may come out, no witness may trip, nothing may hang or panic. `make smith` calls it;
//! the words are the number of queries (10,000) and the seed (1).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::pedantic,
    reason = "a drill that cannot go on has failed, and short is better than exact"
)]

use std::collections::BTreeMap;
use std::process::Command;

use lab::{Lab, shop_policy};

fn main() {
    let words: Vec<u64> = std::env::args().skip(1).map(|w| w.parse().unwrap()).collect();
    let (queries, seed) = (words.first().copied().unwrap_or(10_000), words.get(1).copied().unwrap_or(1));
    let mut lab = Lab::start(&shop_policy(), 300, "").unwrap();
    let user = std::env::var("SMITH_USER").unwrap_or("analyst".into());
    let target = format!("--target=host=127.0.0.1 port={} user={user} dbname=postgres", lab.port);
    let run = Command::new("sqlsmith")
        .args([target, format!("--max-queries={queries}"), format!("--seed={seed}"), "--verbose".into()])
        .env("PGOPTIONS", "-c statement_timeout=2s")
        .output()
        .expect("sqlsmith, of the package of its name");
    let said = String::from_utf8_lossy(&run.stderr);
    let end: Vec<&str> = said.lines().rev().take(25).collect();
    println!("{}\n{}", run.status, end.into_iter().rev().collect::<Vec<_>>().join("\n"));
    let trips: Vec<String> =
        lab.metrics().unwrap().lines().filter(|l| l.contains("witness_trips") || l.contains("disagreements")).map(Into::into).collect();
    println!("{}", trips.join("\n"));
    let leaks = lab.leaks();
    let mut reasons = BTreeMap::<String, usize>::new();
    for line in lab.audit().unwrap().lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        if record["user"] == user.as_str() && record["kind"] == "statement" {
            let why = record["reason"].as_str().or(record["sqlstate"].as_str()).unwrap_or_default();
            *reasons.entry(format!("{} {why}", record["decision"].as_str().unwrap())).or_default() += 1;
            if ["reprint", "second_reader", "XX000"].contains(&why) {
                println!("{why}: {}", record["statement"]);
            }
        }
    }
    let mut lines: Vec<_> = reasons.into_iter().collect();
    lines.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    lines.iter().for_each(|(reason, count)| println!("{count:7} {reason}"));
    let tripped = trips.iter().any(|l| l.starts_with("pgscrim_witness_trips_total") && !l.ends_with(" 0"));
    assert!(leaks.is_empty(), "{leaks:?}");
    assert!(!tripped, "a witness tripped");
}
