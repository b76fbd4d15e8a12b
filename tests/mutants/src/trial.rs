//! What becomes of a mutant: stage after stage, until a test finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::copy::Planted;

/// Tests of one binary.
struct Stage {
    name: &'static str,
    test: &'static str,
    arguments: &'static [&'static str],
    seconds: u64,
}

/// The cheap ones first. The limits are several times what an unchanged copy takes.
const STAGES: [Stage; 4] = [
    Stage { name: "pure", test: "lib", arguments: &["sql::", "plan::"], seconds: 60 },
    Stage { name: "planned", test: "attacks", arguments: &["planned::"], seconds: 300 },
    Stage { name: "session", test: "lib", arguments: &["session::", "audit::", "policy::", "server::", "cli::"], seconds: 300 },
    Stage { name: "readers", test: "readers", arguments: &["--skip", "long::", "--skip", "survive::"], seconds: 300 },
];

/// What a test says where a witness would have stopped what it found.
const WITNESSES: [&str; 2] = ["THE WITNESS TRIPS", "THE READERS DISAGREE"];

/// The tests that are built.
pub(crate) fn tests() -> BTreeSet<&'static str> {
    STAGES.iter().map(|s| s.test).collect()
}

fn first_failure(output: &str) -> Option<&str> {
    output.lines().find_map(|l| l.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
}

/// What finds a mutant.
fn fate(number: usize, binaries: &BTreeMap<String, PathBuf>, scratch: &Path) -> Option<String> {
    for stage in &STAGES {
        let log = std::fs::File::create(scratch).expect("a log");
        let mut test = Command::new(&binaries[stage.test]);
        test.args(stage.arguments).args(["--test-threads", "2"]);
        test.env("PGSCRIM_MUTANT", number.to_string()).stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log);
        let mut child = test.spawn().expect("the test starts");
        let until = Instant::now() + Duration::from_secs(stage.seconds);
        let status = loop {
            match child.try_wait().expect("the test ends") {
                Some(status) => break Some(status),
                None if Instant::now() > until => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break None;
                }
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let output = String::from_utf8_lossy(&std::fs::read(scratch).unwrap_or_default()).into_owned();
        match status {
            Some(status) if status.success() => {}
            Some(_) => {
                let test = first_failure(&output).unwrap_or("the test died");
                let seen: Vec<&str> = WITNESSES.into_iter().filter(|words| output.contains(words)).collect();
                return Some([&[stage.name, test][..], &seen].concat().join(": "));
            }
            None => return Some(format!("{}: it takes too long", stage.name)),
        }
    }
    None
}

/// Tries mutants, two at a time, and writes what becomes of each.
pub(crate) fn run(all: &[Planted], sample: &[usize], binaries: &BTreeMap<String, PathBuf>, folder: &Path) {
    assert_eq!(fate(0, binaries, &folder.join("0.log")), None, "nothing is planted, and a test fails");
    let queue = Mutex::new(sample.iter());
    let fates = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for worker in 1..=2 {
            let (queue, fates) = (&queue, &fates);
            scope.spawn(move || {
                while let Some(&number) = { queue.lock().expect("the queue").next() } {
                    let fate = fate(number, binaries, &folder.join(format!("{worker}.log"))).unwrap_or_else(|| "survives".into());
                    let Planted { file, mutant } = &all[number - 1];
                    let line = format!("{number}\t{fate}\t{file}:{}\t{}\t{}", mutant.line, mutant.what, mutant.text);
                    println!("{line}");
                    fates.lock().expect("the fates").insert(number, line);
                }
            });
        }
    });
    let fates = fates.into_inner().expect("the fates");
    let survive = fates.values().filter(|l| l.contains("\tsurvives\t")).count();
    std::fs::write(folder.join("fates.txt"), fates.values().map(|l| format!("{l}\n")).collect::<String>()).expect("the fates are written");
    println!("{} mutants tried: {} found, {survive} survive", fates.len(), fates.len() - survive);
}
