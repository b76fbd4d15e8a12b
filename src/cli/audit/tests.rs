//! The commands on files.

use clap::Parser;

use super::*;
use crate::audit::{Kind, Record, Who, WhoPart};

#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    command: AuditCommand,
}

fn run(args: &[&str]) -> (u8, String) {
    let cli = Cli::try_parse_from([&["audit"], args].concat()).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = cli.command.run_on(&mut out, &mut err);
    out.extend(err);
    (status, String::from_utf8(out).unwrap())
}

/// A log of six records in two files with a head, and the paths.
fn log() -> (tempfile::TempDir, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let (now, old) = (folder.path().join("a.jsonl"), folder.path().join("a.jsonl.00000000000000000003"));
    let mut chain = Chain::default();
    for file in [&old, &now] {
        let mut lines = Vec::new();
        for (i, user) in ["alice", "bob", "alice"].into_iter().enumerate() {
            let who = WhoPart::from(&Who { user: Some(user.into()), ..Who::default() });
            let time = format!("2026-11-2{i}T09:15:02Z").parse().unwrap();
            chain.append(Record::event(Kind::Connect, time, &who, None, None, None).body(), &mut lines);
        }
        File::create(file).unwrap().write_all(&lines).unwrap();
    }
    File::create(folder.path().join("a.jsonl.head")).unwrap().write_all(chain.head().as_bytes()).unwrap();
    let text = |p: PathBuf| p.to_str().unwrap().to_owned();
    (folder, text(old), text(now))
}

#[test]
fn a_whole_log_says_where_it_ends() {
    let (_folder, old, now) = log();
    let head = format!("{now}.head");
    for files in [&[&*now, &*old][..], &[&*old, &*now, &*head]] {
        let (status, said) = run(&[&["verify"], files].concat());
        assert_eq!((status, said.starts_with("whole: 6 records, 1 to 6; ends 6:sha256:")), (0, true), "{said}");
    }
    let (status, said) = run(&["verify", &now]);
    assert!(status == 0 && said.contains("records before 4 are not in these files"), "{said}");
}

#[test]
fn the_first_bad_record_is_named_by_its_line() {
    let (_folder, old, now) = log();
    let mut text = io::read_to_string(File::open(&now).unwrap()).unwrap();
    text = text.replacen("bob", "eve", 1);
    File::create(&now).unwrap().write_all(text.as_bytes()).unwrap();
    let said = run(&["verify", &old, &now]);
    assert_eq!(said, (1, format!("{now}:2: was changed: its content does not give its hash\n")));
    let first = text.find('\n').unwrap() + 1;
    File::create(&now).unwrap().write_all(&text.as_bytes()[..first]).unwrap();
    let said = run(&["verify", &old, &now]);
    assert_eq!(said, (1, format!("{now}:1: is where the log ends, at record 4, but record 6 was written\n")));
}

#[test]
fn a_hash_kept_elsewhere_is_held_against_the_log() {
    let (_folder, old, now) = log();
    let last = format!("6:{}", head(Path::new(&now)).unwrap().hash);
    assert_eq!(run(&["verify", &old, &now, "--expect", &last]).0, 0);
    let other = format!("5:{}", head(Path::new(&now)).unwrap().hash);
    assert_eq!(
        run(&["verify", &old, &now, "--expect", &other]),
        (1, format!("{now}:2: has another hash than the one expected for its number\n"))
    );
    assert!(Cli::try_parse_from(["audit", "verify", &now, "--expect", "5:x"]).is_err());
}

#[test]
fn a_file_that_is_not_there_is_another_matter() {
    let (status, said) = run(&["verify", "/nonexistent/a.jsonl"]);
    assert!(status == 2 && said.starts_with("pgscrim: /nonexistent/a.jsonl: "), "{said}");
    assert_eq!(run(&["verify", "/dev/null"]), (0, "whole: no records\n".into()));
}

#[test]
fn search_prints_what_it_finds_as_it_stands() {
    let (_folder, old, now) = log();
    let (status, found) = run(&["search", &now, &old, "--user", "alice", "--since", "2026-11-21", "--until", "2026-11-22T10:00:00+00:00"]);
    assert_eq!(status, 0);
    let seqs: Vec<u64> = found.lines().map(|l| Line::read(l.as_bytes()).unwrap().seq).collect();
    assert_eq!(seqs, [3, 6]);
    assert!(Cli::try_parse_from(["audit", "search", &now, "--since", "yesterday"]).is_err());
    assert!(Cli::try_parse_from(["audit", "search", &now, "--decision", "maybe"]).is_err());
}
