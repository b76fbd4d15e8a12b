//! The copy of the checkout in which every mutant sleeps, and the test binaries built from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::places::{self, Enums, Mutant};

/// The folders whose sources are changed.
const CHANGED: [&str; 2] = ["src/sql/", "src/plan/"];

/// A mutant, with the file it is in.
pub(crate) struct Planted {
    pub(crate) file: String,
    pub(crate) mutant: Mutant,
}

/// Files of the checkout, also those that are not yet committed.
fn files(top: &Path) -> Vec<String> {
    let listed = Command::new("git").current_dir(top).args(["ls-files", "-co", "--exclude-standard"]).output().expect("git");
    String::from_utf8_lossy(&listed.stdout).lines().filter(|f| top.join(f).is_file()).map(str::to_owned).collect()
}

fn is_changed(file: &str) -> bool {
    let of_tests = file.contains("/tests") || file.ends_with("/fixture.rs");
    CHANGED.iter().any(|folder| file.starts_with(folder)) && file.ends_with(".rs") && !of_tests
}

/// Writes only what is different, so that Cargo builds only that.
fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return;
    }
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("the copy is written");
}

/// Makes the copy. In lines of `spared` nothing is changed.
pub(crate) fn make(top: &Path, copy: &Path, spared: &BTreeSet<(String, usize)>) -> Vec<Planted> {
    let files = files(top);
    let sources: BTreeMap<&String, String> =
        files.iter().filter(|f| is_changed(f)).map(|f| (f, fs::read_to_string(top.join(f)).expect("a source"))).collect();
    let trees: BTreeMap<&String, syn::File> =
        sources.iter().map(|(f, text)| (*f, syn::parse_file(text).unwrap_or_else(|e| panic!("{f}: {e}")))).collect();
    let mut enums = Enums::new();
    trees.values().for_each(|tree| places::enums(tree, &mut enums));
    let mut all = Vec::new();
    for file in &files {
        let Some(source) = sources.get(file) else {
            let mut bytes = fs::read(top.join(file)).expect("a file");
            if file == "src/lib.rs" {
                bytes.extend_from_slice(b"\npub(crate) mod mutant;\n");
            }
            write(&copy.join(file), &bytes);
            continue;
        };
        let lines = spared.iter().filter(|(f, _)| f == file).map(|(_, line)| *line).collect();
        let (text, mutants) = places::mutate(source, &trees[file], &enums, lines, all.len() + 1);
        write(&copy.join(file), text.as_bytes());
        all.extend(mutants.into_iter().map(|mutant| Planted { file: file.clone(), mutant }));
    }
    write(&copy.join("src/mutant.rs"), include_str!("switch.rs").as_bytes());
    all
}

/// Builds the tests of the copy: the binaries by their target's name, or the lines that the compiler would not have.
pub(crate) fn build(copy: &Path, tests: &BTreeSet<&str>) -> Result<BTreeMap<String, PathBuf>, BTreeSet<(String, usize)>> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(copy).env("CARGO_TARGET_DIR", copy.with_file_name("target")).stderr(Stdio::inherit());
    cargo.args(["test", "--locked", "--workspace", "--no-run", "--message-format", "json-diagnostic-short", "--quiet"]);
    for test in tests {
        if *test == "lib" {
            cargo.arg("--lib")
        } else {
            cargo.args(["--test", test])
        };
    }
    let output = cargo.output().expect("cargo");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let (mut built, mut wrong) = (BTreeMap::new(), BTreeSet::new());
    for line in lines {
        if let Some(path) = line["executable"].as_str() {
            let kind = line["target"]["kind"][0].as_str().unwrap_or_default();
            let name = if kind == "lib" { "lib" } else { line["target"]["name"].as_str().unwrap_or_default() };
            if kind == "test" || line["target"]["name"] == "pgscrim" && kind == "lib" {
                built.insert(name.to_owned(), PathBuf::from(path));
            }
        }
        if line["message"]["level"] == "error" {
            for span in line["message"]["spans"].as_array().into_iter().flatten() {
                let (Some(file), Some(at)) = (span["file_name"].as_str(), span["line_start"].as_u64()) else { continue };
                wrong.insert((file.to_owned(), usize::try_from(at).unwrap_or(0)));
            }
        }
    }
    if output.status.success() { Ok(built) } else { Err(wrong) }
}
