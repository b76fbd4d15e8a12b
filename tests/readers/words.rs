//! PostgreSQL's words: statements with a token dropped, doubled, swapped or misspelt, as the server itself refuses them and as we do.
//! The server's SQLSTATE, message and position are the judge wherever it fails while it parses or resolves a text.

use std::collections::BTreeMap;
use std::io::Write;

use pgscrim::base::RawSql;
use pgscrim::catalog::Catalog;
use pgscrim::demo::{Cluster, Setup, installations, shop};
use pgscrim::plan::{Names, Plan, Protocol, RefusalKind, Setting, plan_text};
use pgscrim::policy::Profile;
use pgscrim::session::refusal_fields;
use pgscrim::upstream::catalog_loader::{Login, load};
use tokio::net::TcpStream;
use tokio_postgres::error::ErrorPosition;

/// What a refusal says.
type Said = (String, String, Option<u32>);

/// Splits a text into words, numbers, literals and single characters.
fn tokens(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80;
        let end = match bytes[at] {
            b'\'' | b'"' => (at + 1..bytes.len()).find(|i| bytes[*i] == bytes[at]).map_or(bytes.len(), |i| i + 1),
            b if word(b) => (at..bytes.len()).find(|i| !word(bytes[*i])).unwrap_or(bytes.len()),
            _ => at + 1,
        };
        if !text[at..end].trim().is_empty() {
            out.push(&text[at..end]);
        }
        at = end;
    }
    out
}

fn joined(tokens: &[&str]) -> String {
    tokens.join(" ").replace(": :", "::").replace("| |", "||").replace("- >", "->").replace("> =", ">=").replace("< =", "<=")
}

fn mutants(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let mut out = Vec::new();
    for i in 0..tokens.len() {
        let mut dropped = tokens.clone();
        dropped.remove(i);
        let mut doubled = tokens.clone();
        doubled.insert(i, tokens[i]);
        let mut swapped = tokens.clone();
        swapped.swap(i, (i + 1) % tokens.len());
        out.extend([joined(&dropped), joined(&doubled), joined(&swapped)]);
        if tokens[i].bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            let misspelt = format!("{}q", tokens[i]);
            let mut changed = tokens.clone();
            changed[i] = &misspelt;
            out.push(joined(&changed));
        }
    }
    out
}

/// What we say: `Err` where the statement is let through.
fn ours(catalog: &Catalog, text: &str) -> Result<(Said, RefusalKind), ()> {
    let profile = Profile::default();
    let names = Names { epoch: 1, search_path: vec!["pg_catalog".into(), "public".into()], relations: Vec::new() };
    let setting = Setting { catalog, profile: &profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    for planned in plan_text(&RawSql::new(text), &[], Protocol::Extended, setting) {
        if let Plan::Refuse(refusal) = planned.plan {
            let fields = refusal_fields(&refusal);
            return Ok(((fields.sqlstate.to_owned(), fields.message, fields.position), refusal.kind));
        }
    }
    Err(())
}

/// What a parser or resolver fails with.
fn early(sqlstate: &str) -> bool {
    matches!(sqlstate, "42601" | "42P01" | "42703" | "42883" | "42702" | "42P02" | "42704" | "3F000" | "42712" | "42P10" | "42701")
}

/// A literal that the server quotes is not repeated by us.
fn without_literal(message: &str) -> String {
    match message.split_once(" at or near \"") {
        Some((what, near)) if near.starts_with(|c: char| c == '\'' || c.is_ascii_digit() || c == '"') => what.to_owned(),
        _ => message.to_owned(),
    }
}

#[tokio::test(flavor = "current_thread")]
async fn refusals_are_in_postgresqls_words() {
    let found = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref());
    let cluster = Cluster::start(found.first().expect("no PostgreSQL server programs"), &Setup::default()).unwrap();
    let (client, connection) = cluster.connect("postgres", "postgres").connect(tokio_postgres::NoTls).await.unwrap();
    let ended = tokio::spawn(connection);
    client.batch_execute(shop::SCHEMA).await.unwrap();
    let stream = TcpStream::connect(("127.0.0.1", cluster.port())).await.unwrap();
    let catalog = Catalog::new(load(stream, Login { user: "postgres", password: None, database: "postgres" }).await.unwrap());

    let statements = include_str!("../floor/statements.txt").lines().filter(|l| !l.starts_with("= "));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut samples: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for text in statements.flat_map(mutants) {
        let Err(error) = client.prepare(&text).await else { continue };
        let Some(error) = error.as_db_error() else { continue };
        if !early(error.code().code()) {
            continue;
        }
        let position = match error.position() {
            Some(ErrorPosition::Original(at)) => Some(*at),
            Some(ErrorPosition::Internal { .. }) | None => None,
        };
        let theirs: Said = (error.code().code().to_owned(), without_literal(error.message()), position);
        let what = match ours(&catalog, &text) {
            Ok((said, _)) if said == theirs => "the same",
            Ok((said, RefusalKind::Postgres(_))) if said.0 != theirs.0 => "another SQLSTATE",
            Ok((said, RefusalKind::Postgres(_))) if said.1 != theirs.1 => "another message",
            Ok((_, RefusalKind::Postgres(_))) => "another position",
            Ok(_) => "refused for a reason of our own",
            Err(()) => "left to the server",
        };
        *counts.entry(what).or_default() += 1;
        if what != "the same" {
            let words = |m: &str| m.split('"').step_by(2).collect::<Vec<_>>().join("…");
            let said =
                ours(&catalog, &text).map_or_else(|()| String::new(), |(s, _)| format!("{} {} {:?}", s.0, words(&s.1), s.2.map(|_| ())));
            let key = format!("{what}: {} {} | {said}", theirs.0, words(&theirs.1));
            let sample = samples.entry(key).or_insert_with(|| (0, format!("{text}\n      {theirs:?}\n      {:?}", ours(&catalog, &text))));
            sample.0 += 1;
        }
    }
    ended.abort();
    let total: usize = counts.values().sum();
    writeln!(std::io::stdout(), "{total} failures of the server: {counts:?}").unwrap();
    if std::env::var_os("SAMPLES").is_some() {
        let mut samples: Vec<_> = samples.into_iter().collect();
        samples.sort_by_key(|(_, (n, _))| std::cmp::Reverse(*n));
        for (key, (n, sample)) in samples {
            writeln!(std::io::stdout(), "{n:5} {key}\n      {sample}").unwrap();
        }
    }
    assert!(total > 2_000, "{total} failures only");
    let count = |what| counts.get(what).copied().unwrap_or_default();
    assert!(count("the same") * 100 >= total * 98, "{counts:?}");
}
