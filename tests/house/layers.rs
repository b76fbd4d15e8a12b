//! The module map as data: what each folder of `src` may use, of ours and of others'. A folder without a row fails, and so does a
//! crate that no row lists.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};

use crate::{Source, none, sources, top};

/// A folder, the folders that it may use, and the crates that it may use. A folder may always use itself.
struct Row(&'static str, &'static str, &'static str);

/// In order of dependency: a row uses rows above it only (a test holds it). Raising a row's list is a decision, not a formality.
const ROWS: [Row; 16] = [
    Row("base", "", "thiserror zeroize serde serde_saphyr"),
    Row("wire", "base", "thiserror bytes pgwire"),
    Row("catalog", "base", "sha2 serde serde_saphyr"),
    Row("sql", "base catalog", "parser pg_query prost sqlparser serde hex hmac sha2"),
    Row("mask", "base catalog sql", "aes fpe getrandom hex hmac jiff sha2 base64 subtle thiserror zeroize"),
    Row("policy", "base catalog sql mask", "hex jiff sha2"),
    Row("plan", "base catalog sql mask policy", ""),
    Row("audit", "base sql plan", "hex jiff serde_json sha2"),
    Row("auth", "base wire policy", "base64 bytes hmac md5 sha2 subtle thiserror zeroize"),
    Row("session", "base wire catalog sql mask policy plan audit auth", "memchr serde_json"),
    Row("config", "base", ""),
    Row(
        "upstream",
        "base wire catalog auth session config",
        "arc_swap rustls rustls_pki_types sha2 socket2 thiserror tokio tokio_postgres tokio_rustls tracing x509_parser",
    ),
    Row(
        "server",
        "base wire catalog sql mask policy plan audit auth session config upstream",
        "arc_swap bytes dashmap getrandom jiff metrics metrics_exporter_prometheus nix rustls rustls_pki_types sha2 socket2 subtle thiserror \
         tokio tokio_rustls tracing zeroize",
    ),
    Row("admin", "base config server", "axum tokio tracing"),
    Row("demo", "base", "bytes futures_sink getrandom hex nix thiserror tokio_postgres"),
    Row(
        "cli",
        "base wire catalog sql mask policy plan audit auth session config upstream server admin demo",
        "anyhow clap getrandom hex jiff serde_json thiserror tokio tokio_postgres tracing tracing_subscriber unicode_width zeroize",
    ),
];

/// What unit tests may use beside their folder's crates.
const IN_TESTS: &str = "hex insta jiff proptest rcgen rustls serde_json serde_saphyr tempfile tokio tokio_postgres clap";

/// The crates that are named in `Cargo.toml`, as paths name them.
fn crates() -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(top().join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut found = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]")
            && let Some((name, _)) = line.split_once('=')
        {
            found.insert(name.trim().replace('-', "_"));
        }
    }
    // Known to paths by its library's name.
    if found.remove("md_5") {
        found.insert("md5".to_owned());
    }
    found
}

/// Walks a file's paths. `module` is where it stands: `["wire", "read"]`.
struct Walk<'a> {
    row: &'a Row,
    crates: &'a BTreeSet<String>,
    module: Vec<String>,
    tests: bool,
    faults: BTreeSet<String>,
}

impl Walk<'_> {
    fn path(&mut self, segments: &[String]) {
        let supers = segments.iter().take_while(|s| *s == "super").count();
        let Some(first) = segments.first() else { return };
        if first == "crate" || (supers > 0 && supers >= self.module.len()) {
            let next = segments.get(if first == "crate" { 1 } else { supers });
            if let Some(layer) = next {
                self.layer(layer);
            }
        } else if self.crates.contains(first) && segments.len() > 1 {
            self.outside(first);
        }
    }

    fn layer(&mut self, layer: &str) {
        let Row(own, uses, _) = self.row;
        if layer != *own && !uses.split_whitespace().any(|u| u == layer) {
            self.faults.insert(format!("'{own}' uses '{layer}', which its row does not list"));
        }
    }

    fn outside(&mut self, name: &str) {
        let Row(own, _, listed) = self.row;
        let more = if self.tests { IN_TESTS } else { "" };
        if !listed.split_whitespace().chain(more.split_whitespace()).any(|c| c == name) {
            self.faults.insert(format!("'{own}' uses the crate '{name}', which its row does not list"));
        }
    }

    fn tree(&mut self, before: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(before, &path.tree);
                before.pop();
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(before, tree)),
            syn::UseTree::Name(name) => self.end(before, &name.ident.to_string()),
            syn::UseTree::Rename(rename) => self.end(before, &rename.ident.to_string()),
            syn::UseTree::Glob(_) => self.end(before, "*"),
        }
    }

    fn end(&mut self, before: &[String], last: &str) {
        let mut whole = before.to_vec();
        whole.push(last.to_owned());
        self.path(&whole);
    }

    /// Paths in a macro's text, which is no syntax yet: `crate :: x`, `name :: y`.
    fn tokens(&mut self, text: &str) {
        let words: Vec<&str> = text.split_whitespace().collect();
        for (i, word) in words.iter().enumerate() {
            let begins = i == 0 || words[i - 1] != "::";
            if begins && words.get(i + 1) == Some(&"::") {
                let next = words.get(i + 2).copied().unwrap_or_default();
                self.path(&[word.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned(), next.to_owned()]);
            }
        }
    }
}

impl<'ast> Visit<'ast> for Walk<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        self.path(&segments);
        visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&mut Vec::new(), &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let before = self.tests;
        self.tests |= item.ident == "tests";
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
        self.tests = before;
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.tokens(&mac.tokens.to_string());
        visit::visit_macro(self, mac);
    }
}

fn check(source: &Source, crates: &BTreeSet<String>) -> Vec<String> {
    let inner = source.path.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|m| m == "mod") {
        module.pop();
    }
    let Some(row) = ROWS.iter().find(|Row(name, ..)| module.first().is_some_and(|m| m == name)) else {
        return vec![format!("{}: no row of the module map is for it", source.path)];
    };
    let file = syn::parse_file(&source.text).unwrap_or_else(|e| panic!("{}: {e}", source.path));
    let tests = module.iter().any(|m| m == "tests");
    let mut walk = Walk { row, crates, module, tests, faults: BTreeSet::new() };
    walk.visit_file(&file);
    walk.faults.into_iter().map(|fault| format!("{}: {fault}", source.path)).collect()
}

#[test]
fn imports_point_down_and_each_crate_is_listed() {
    let crates = crates();
    let all = sources(&["src"], &[".rs"]);
    assert!(all.len() > 100, "the sources were not found");
    let files = all.iter().filter(|s| !matches!(s.path.as_str(), "src/lib.rs" | "src/main.rs"));
    none(&files.flat_map(|source| check(source, &crates)).collect::<Vec<_>>());
}

#[test]
fn the_map_has_no_way_up_and_no_row_for_nothing() {
    let mut above = BTreeSet::new();
    for Row(name, uses, listed) in ROWS {
        for used in uses.split_whitespace() {
            assert!(above.contains(used), "'{name}' lists '{used}', which does not stand above it");
        }
        let known = crates();
        for listed in listed.split_whitespace() {
            assert!(known.contains(listed), "'{name}' lists the crate '{listed}', which Cargo.toml does not name");
        }
        assert!(top().join("src").join(name).is_dir(), "no folder 'src/{name}'");
        above.insert(name);
    }
}

#[test]
fn planted_faults_are_found() {
    let known: BTreeSet<String> = ["tokio", "bytes", "proptest"].map(str::to_owned).into();
    for (path, text, want) in [
        ("src/wire/a.rs", "use crate::policy::Profile;", "'wire' uses 'policy'"),
        ("src/wire/a.rs", "use crate::{base::Place, plan::{Permit, Plan}};", "'wire' uses 'plan'"),
        ("src/wire/a.rs", "fn f() -> crate::plan::Permit { todo!() }", "'wire' uses 'plan'"),
        ("src/wire/mod.rs", "use super::plan::Permit;", "'wire' uses 'plan'"),
        ("src/wire/a.rs", "use super::super::plan::Permit;", "'wire' uses 'plan'"),
        ("src/wire/a.rs", "mod b { use super::super::super::plan::Permit; }", "'wire' uses 'plan'"),
        ("src/wire/a.rs", "fn f() { assert!(crate::plan::x()); }", "'wire' uses 'plan'"),
        ("src/wire/a.rs", "fn f() { tokio::spawn(g()) }", "'wire' uses the crate 'tokio'"),
        ("src/wire/a.rs", "fn f() { vec![tokio::time::sleep(d)]; }", "'wire' uses the crate 'tokio'"),
        ("src/wire/a.rs", "use proptest::prelude::*;", "'wire' uses the crate 'proptest'"),
        ("src/new/a.rs", "", "no row"),
    ] {
        let found = check(&Source { path: path.into(), text: text.into() }, &known);
        assert!(found.len() == 1 && found[0].contains(want), "{text}: {found:?}");
    }
    for text in
        ["use super::plan;", "use crate::base::Place;", "use bytes::Bytes;", "mod tests { use proptest::prelude::*; use super::super::b; }"]
    {
        assert_eq!(check(&Source { path: "src/wire/a.rs".into(), text: text.into() }, &known), [""; 0], "{text}");
    }
}
