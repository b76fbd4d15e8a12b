//! The rules of the house, held by tests that need neither a server nor a network. Each checker is also shown a planted fault.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

mod containers;
mod dependencies;
mod layers;
mod tidy;

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the checkout: its path from the top, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under a folder or at a path whose name ends in one of `ends`, in order of their names.
pub(crate) fn sources(places: &[&str], ends: &[&str]) -> Vec<Source> {
    let mut files = Vec::new();
    places.iter().for_each(|place| walk(&top().join(place), &mut files));
    files.sort();
    let wanted = |path: &PathBuf| ends.iter().any(|end| path.to_string_lossy().ends_with(end));
    let read = |path: PathBuf| {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        Source { path: path.strip_prefix(top()).unwrap().to_string_lossy().into_owned(), text }
    };
    files.into_iter().filter(wanted).map(read).collect()
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), files));
    } else if path.is_file() {
        files.push(path.to_owned());
    }
}

#[track_caller]
pub(crate) fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}
