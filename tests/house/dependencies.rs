//! What comes from outside: one source, licences from a list, one TLS library with one provider. `make deny` holds the same and also
//! looks at advisories, where cargo-deny is installed.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use crate::{none, top};

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Licences under which a dependency may be used, as in `deny.toml`.
const LICENCES: [&str; 8] =
    ["Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unicode-3.0", "Zlib"];

/// Crates of which there is exactly one: what two of would be two opinions on the same bytes.
const ONE_OF: [&str; 8] = ["rustls", "ring", "tokio", "pg_query", "prost", "sqlparser", "serde-saphyr", "tokio-rustls"];

/// Crates that must not come in: other TLS libraries and crypto providers, and the YAML readers that let a duplicate key win.
const NONE_OF: [&str; 10] =
    ["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "boring", "mbedtls", "serde_yaml", "serde_yaml_ng", "serde_norway"];

/// Name, version and source of each package of a lock file.
fn locked(lock: &str) -> Vec<(&str, &str, Option<&str>)> {
    let field = |block: &'_ str, name: &str| -> Option<(usize, usize)> {
        let start = block.find(&format!("\n{name} = \""))? + name.len() + 5;
        Some((start, start + block.get(start..)?.find('"')?))
    };
    let blocks = lock.split("[[package]]").skip(1);
    blocks.map(|b| (get(b, field(b, "name")), get(b, field(b, "version")), field(b, "source").map(|at| get(b, Some(at))))).collect()
}

fn get(block: &str, at: Option<(usize, usize)>) -> &str {
    at.and_then(|(from, to)| block.get(from..to)).unwrap_or_default()
}

fn packages(lock: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, version, source) in locked(lock) {
        *count.entry(name).or_default() += 1;
        if source.is_some_and(|s| s != CRATES_IO)
            || (source.is_none() && !matches!(name, "pgscrim" | "parser" | "lab" | "clients" | "mutants" | "bench"))
        {
            faults.push(format!("'{name}' {version} does not come from crates.io"));
        }
        if NONE_OF.contains(&name) {
            faults.push(format!("'{name}' must not be a dependency"));
        }
    }
    faults.extend(ONE_OF.iter().filter(|one| count.get(*one) != Some(&1)).map(|one| format!("there is not exactly one '{one}'")));
    faults
}

/// Whether an SPDX expression can be met from the list: `A OR B`, `A AND (B OR C)`; `/` is an old OR.
fn allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "\u{1}");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (value, rest) = any(&words);
    value && rest.is_empty()
}

fn any<'a, 'b>(words: &'b [&'a str]) -> (bool, &'b [&'a str]) {
    let (mut value, mut rest) = all(words);
    while let ["OR", next @ ..] = rest {
        let (other, after) = all(next);
        (value, rest) = (value || other, after);
    }
    (value, rest)
}

fn all<'a, 'b>(words: &'b [&'a str]) -> (bool, &'b [&'a str]) {
    let (mut value, mut rest) = one(words);
    while let ["AND", next @ ..] = rest {
        let (other, after) = one(next);
        (value, rest) = (value && other, after);
    }
    (value, rest)
}

fn one<'a, 'b>(words: &'b [&'a str]) -> (bool, &'b [&'a str]) {
    match words {
        ["(", inner @ ..] => match any(inner) {
            (value, [")", rest @ ..]) => (value, rest),
            (_, rest) => (false, rest),
        },
        [licence, rest @ ..] => (LICENCES.contains(&licence.replace('\u{1}', " WITH ").as_str()), rest),
        [] => (false, words),
    }
}

fn cargo(arguments: &[&str]) -> String {
    let out = Command::new(env!("CARGO")).args(arguments).current_dir(top()).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn packages_come_from_one_place_and_only_once() {
    none(&packages(&std::fs::read_to_string(top().join("Cargo.lock")).unwrap()));
}

#[test]
fn licences_are_on_the_list() {
    // For this platform alone: what others need need not be on this machine.
    let version = String::from_utf8(Command::new("rustc").arg("-vV").output().unwrap().stdout).unwrap();
    let host = version.lines().find_map(|l| l.strip_prefix("host: ")).unwrap();
    let text = cargo(&["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host]);
    let metadata: Value = serde_json::from_str(&text).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100, "cargo metadata lists {} packages", packages.len());
    let faults = packages.iter().filter(|p| !p["license"].as_str().is_some_and(allowed));
    none(&faults.map(|p| format!("{} {}: licence {}", p["name"], p["version"], p["license"])).collect::<Vec<_>>());
}

#[test]
fn deny_toml_has_the_same_licences() {
    let deny = std::fs::read_to_string(top().join("deny.toml")).unwrap();
    let list = deny.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
    let listed: Vec<&str> = list.split(',').map(|l| l.trim().trim_matches('"')).filter(|l| !l.is_empty()).collect();
    assert_eq!(listed, LICENCES);
}

#[test]
fn planted_faults_are_found() {
    let whole: String = ONE_OF.map(|name| package(name, CRATES_IO)).concat();
    assert_eq!(packages(&whole), [""; 0]);
    for (more, want) in [
        (package("rustls", CRATES_IO), "not exactly one 'rustls'"),
        (package("aws-lc-rs", CRATES_IO), "'aws-lc-rs' must not"),
        (package("x", "git+https://example.org/x"), "'x' 1.0.0 does not come from crates.io"),
        ("[[package]]\nname = \"y\"\nversion = \"1.0.0\"\n".to_owned(), "'y' 1.0.0 does not come from crates.io"),
    ] {
        let found = packages(&(whole.clone() + &more));
        assert!(found.len() == 1 && found[0].contains(want), "{found:?}");
    }
    for (expression, want) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0 OR MIT", true),
        ("(MIT OR GPL-2.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-3.0", false),
        ("MIT AND GPL-3.0", false),
        ("(MIT", false),
        ("", false),
        ("MIT MIT", false),
    ] {
        assert_eq!(allowed(expression), want, "{expression}");
    }
}

fn package(name: &str, source: &str) -> String {
    format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = \"{source}\"\n\n")
}
