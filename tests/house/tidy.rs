//! What a reader may count on: files that say their duty, of a size that can be read; nodes taken apart whole; no words that belong
//! to one machine.

use syn::visit::{self, Visit};

use crate::{Source, none, sources};

/// Lines at which a file wants a reason.
const LONG: usize = 600;
/// Longer files, and why.
const LONG_BECAUSE: [(&str, &str); 0] = [];
/// What belongs to somebody's machine and to no checkout. Put together here, so that this file is not found itself.
const FORBIDDEN: [[&str; 2]; 6] = [["/wo", "rk/"], ["/ro", "ot/"], ["/Us", "ers/"], ["/home", "/runner"], ["TO", "DO"], ["FIX", "ME"]];

/// Patterns that name some fields of a struct and pass over the rest.
#[derive(Default)]
struct HalfPatterns(Vec<String>);

impl<'ast> Visit<'ast> for HalfPatterns {
    fn visit_pat_struct(&mut self, pattern: &'ast syn::PatStruct) {
        if pattern.rest.is_some() && !pattern.fields.is_empty() {
            let path: Vec<String> = pattern.path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.0.push(format!("'{} {{ .. }}' passes over fields", path.join("::")));
        }
        visit::visit_pat_struct(self, pattern);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let text: String = mac.tokens.to_string().split_whitespace().collect();
        if text.contains(",..}") {
            self.0.push("a pattern in a macro passes over fields".to_owned());
        }
    }
}

fn half_patterns(source: &Source) -> Vec<String> {
    let file = syn::parse_file(&source.text).unwrap_or_else(|e| panic!("{}: {e}", source.path));
    let mut found = HalfPatterns::default();
    found.visit_file(&file);
    found.0.into_iter().map(|fault| format!("{}: {fault}", source.path)).collect()
}

fn manners(source: &Source) -> Vec<String> {
    let Source { path, text } = source;
    let mut faults = Vec::new();
    // A file of unit tests says by its place what it is for.
    if path.ends_with(".rs") && !path.ends_with("/tests.rs") && !text.starts_with("//!") {
        faults.push(format!("{path}: does not begin with '//!' and its duty"));
    }
    let lines = text.lines().count();
    if path.ends_with(".rs") && lines > LONG && !LONG_BECAUSE.iter().any(|(long, _)| long == path) {
        faults.push(format!("{path}: {lines} lines; split it, or say in {} why not", file!()));
    }
    for word in FORBIDDEN.map(|parts| parts.concat()) {
        if let Some(line) = text.lines().position(|line| line.contains(&word)) {
            faults.push(format!("{path}:{}: '{word}' has no place in a checkout", line + 1));
        }
    }
    faults
}

#[test]
fn nodes_are_taken_apart_whole() {
    let all = sources(&["src/sql", "src/mask", "src/plan"], &[".rs"]);
    let judged = all.iter().filter(|s| !s.path.contains("tests"));
    none(&judged.flat_map(half_patterns).collect::<Vec<_>>());
}

#[test]
fn files_keep_their_manners() {
    let places = [
        "src",
        "tests",
        "docs",
        "docker",
        "policies",
        "bench",
        "parser",
        ".ci",
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "Makefile",
    ];
    let all = sources(&places, &[".rs", ".md", ".yaml", ".yml", ".sql", ".txt", ".c", "Dockerfile", "Makefile", "run", "prerequisites"]);
    none(&all.iter().flat_map(manners).collect::<Vec<_>>());
}

#[test]
fn each_long_file_is_there_and_long() {
    for (path, reason) in LONG_BECAUSE {
        let text = std::fs::read_to_string(crate::top().join(path)).unwrap();
        assert!(text.lines().count() > LONG && !reason.is_empty(), "{path} need not be listed any more");
    }
}

/// The one crate with unsafe code.
const UNSAFE: &str = "parser";

#[test]
fn unsafe_code_is_forbidden_in_each_crate_but_one() {
    let manifest = |member: &str| std::fs::read_to_string(crate::top().join(member).join("Cargo.toml")).unwrap();
    let workspace = manifest(".");
    let forbids = "lints.rust]\nunsafe_code = \"forbid\"\n";
    assert!(workspace.contains(forbids));
    let members = workspace.lines().find_map(|line| line.strip_prefix("members = [")).unwrap().trim_end_matches(']');
    for member in members.split(", ").map(|name| name.trim_matches('"')) {
        let manifest = manifest(member);
        assert_eq!(manifest.contains("[lints]\nworkspace = true") || manifest.contains(forbids), member != UNSAFE, "{member}");
    }
}

#[test]
fn planted_faults_are_found() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.into() };
    for (text, faults) in [
        ("fn f(n: Node) { let Node { a, .. } = n; }", 1),
        ("fn f(n: Node) { match n { x::Node { a, b: 1, .. } => {} Node { .. } => {} Node { a, b } => {} } }", 1),
        ("fn f(n: Node) -> bool { matches!(n, Node { a: 1, .. }) }", 1),
        ("fn f(n: Node) -> bool { matches!(n, Node { .. }) && g(Node { a, ..n }) }", 0),
    ] {
        assert_eq!(half_patterns(&source("a.rs", text)).len(), faults, "{text}");
    }
    for (path, text, faults) in [
        ("a.rs", "//! Duty.\n".to_owned(), 0),
        ("a.rs", "fn f() {}\n".to_owned(), 1),
        ("a/tests.rs", "fn f() {}\n".to_owned(), 0),
        ("a.rs", "//! Duty.\n".to_owned() + &"\n".repeat(LONG), 1),
        ("a.md", format!("see {}", FORBIDDEN[0].concat()), 1),
    ] {
        assert_eq!(manners(&source(path, &text)).len(), faults, "{path}");
    }
}
