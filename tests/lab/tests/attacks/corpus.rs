//! The attacks as data: `tests/attacks/*.sql`, as its README says.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// One attack.
#[derive(Debug)]
pub(crate) struct Case {
    /// `file: reason`.
    pub(crate) name: String,
    /// What the server itself does with it.
    pub(crate) mark: char,
    /// The versions on which it does so.
    pub(crate) versions: RangeInclusive<u32>,
    /// It is run outside a transaction.
    pub(crate) alone: bool,
    /// Its messages.
    pub(crate) steps: Vec<String>,
}

/// Files that are not attacks.
const OTHERS: [&str; 4] = ["schema.sql", "derived.sql", "canaries.sql", "veil.sql"];

/// The folder.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../attacks")
}

/// A file of it.
pub(crate) fn file(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

/// `17+`, `15-`, or all.
fn versions(flags: &str) -> RangeInclusive<u32> {
    let number: String = flags.chars().filter(char::is_ascii_digit).collect();
    match number.parse() {
        Ok(first) if flags.contains('+') => first..=u32::MAX,
        Ok(last) => 0..=last,
        Err(_) => 0..=u32::MAX,
    }
}

/// All attacks. `ATTACKS` in the environment picks those whose name has it.
pub(crate) fn cases() -> Vec<Case> {
    let mut files: Vec<String> = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    files.retain(|f| f.ends_with(".sql") && !OTHERS.contains(&&**f));
    files.sort();
    let mut cases: Vec<Case> = Vec::new();
    for name in files {
        for line in file(&name).lines() {
            if let Some(mark) = line.chars().next().filter(|c| matches!(c, '=' | '?' | '-') && !line.starts_with("--")) {
                let (flags, reason) = line.split_once(' ').unwrap();
                let (name, alone) = (format!("{name}: {reason}"), flags.ends_with('!'));
                cases.push(Case { name, mark, versions: versions(flags), alone, steps: vec![String::new()] });
            } else if let Some(case) = cases.last_mut() {
                if line == ";;" {
                    case.steps.push(String::new());
                } else {
                    let step = case.steps.last_mut().unwrap();
                    step.push_str(line);
                    step.push('\n');
                }
            }
        }
    }
    if let Ok(part) = std::env::var("ATTACKS") {
        cases.retain(|c| c.name.contains(&part));
    }
    cases
}
