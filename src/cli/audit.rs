//! `pgscrim audit`: is the log whole, and which records answer a question. What whole means is `audit`'s; here are files and words.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::audit::{Chain, Line, Query, Verifier};

const VERIFY_EXAMPLES: &str = "Examples:
  pgscrim audit verify audit/audit.jsonl
  pgscrim audit verify audit/audit.jsonl audit/audit.jsonl.0*      # with the files that were rotated away
  pgscrim audit verify audit.jsonl --expect 41:sha256:9f2c…        # a number and hash that were kept elsewhere

Exit status: 0 the log is whole, 1 it is not (the first bad record is named), 2 a file cannot be read.";

const SEARCH_EXAMPLES: &str = "Examples:
  pgscrim audit search audit/audit.jsonl --user alice --since 2026-11-01
  pgscrim audit search audit/audit.jsonl* --class personal.contact --decision allowed
  pgscrim audit search audit/audit.jsonl --table public.users --until 2026-11-23T12:00:00Z

Prints the records as they stand in the log, one JSON object a line.";

/// Read the audit log.
#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Walk the hash chain and say whether the log is whole.
    ///
    /// Any changed, missing, repeated, moved or cut record is found. FILE.head, where it is there, holds the newest record that
    /// was on disk: a log that ends before it was shortened, one that goes on behind it is whole.
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Find records.
    #[command(after_help = SEARCH_EXAMPLES)]
    Search(SearchArgs),
}

/// What `verify` walks.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The log's files, in any order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A record that must be there, by its number and hash
    #[arg(long, value_name = "SEQ:HASH", value_parser = expected)]
    expect: Vec<Chain>,
}

/// What `search` looks for. What is not given holds for every record.
#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// The log's files, in any order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The login
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// A table, with or without its schema
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// A class, or one above it: personal finds personal.contact
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// refused, failed, skipped, rewritten, masked or allowed
    #[arg(long, value_parser = ["refused", "failed", "skipped", "rewritten", "masked", "allowed"])]
    decision: Option<String>,
    /// statement, connect, `auth_failed`, disconnect, policy, start, stop, rotate or lost
    #[arg(long, value_parser = ["statement", "connect", "auth_failed", "disconnect", "policy", "start", "stop", "rotate", "lost"])]
    kind: Option<String>,
    /// Not before this day (UTC) or time: 2026-11-23, 2026-11-23T09:15:00Z, 2026-11-23T10:15:00+01:00
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Before this day (UTC) or time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
}

impl AuditCommand {
    /// Runs it on standard output. 0: whole, or found what there is; 1: not whole; 2: a file cannot be read.
    #[must_use]
    pub(super) fn run(self) -> ExitCode {
        let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
        ExitCode::from(self.run_on(&mut out, &mut err))
    }

    fn run_on(self, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
        let done = match self {
            Self::Verify(args) => verify(&args, out),
            Self::Search(args) => search(args, out),
        };
        match done {
            Ok(status) => status,
            // Who reads has read enough.
            Err((_, error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Err((file, error)) => {
                // Where standard error is closed there is nobody to tell.
                let _ = writeln!(err, "pgscrim: {}: {error}", file.display());
                2
            }
        }
    }
}

type Failed = (PathBuf, io::Error);

fn verify(args: &VerifyArgs, out: &mut dyn Write) -> Result<u8, Failed> {
    // Heads come first: a log that is being written is longer than its head by the time that it is read.
    let mut expected = args.expect.clone();
    expected.extend(args.files.iter().filter_map(|file| head(file)));
    let mut verifier = Verifier::new(expected);
    let files = in_order(&args.files)?;
    for file in &files {
        verifier.file();
        let walked = each_line(file, |line| match verifier.line(line) {
            Ok(_) => Ok(true),
            Err(broken) => writeln!(out, "{}:{}: {}", file.display(), broken.line, broken.reason).map(|()| false),
        });
        if !walked.map_err(|e| (file.clone(), e))? {
            return Ok(1);
        }
    }
    let last = files.last().cloned().unwrap_or_default();
    let (said, status) = match verifier.finish() {
        Ok(Some((first, at, count))) => {
            let earlier = if first > 1 { format!("; records before {first} are not in these files") } else { String::new() };
            (writeln!(out, "whole: {count} records, {first} to {}; ends {}:{}{earlier}", at.seq, at.seq, at.hash), 0)
        }
        Ok(None) => (writeln!(out, "whole: no records"), 0),
        Err(broken) => (writeln!(out, "{}:{}: {}", last.display(), broken.line, broken.reason), 1),
    };
    said.map_err(|e| (last, e))?;
    Ok(status)
}

fn search(args: SearchArgs, out: &mut dyn Write) -> Result<u8, Failed> {
    let SearchArgs { files, user, table, class, decision, kind, since, until } = args;
    let query = Query { user, table, class, decision, kind, since, until };
    for file in in_order(&files)? {
        let found = each_line(&file, |line| {
            if query.matches(line) {
                out.write_all(line)?;
            }
            Ok(true)
        });
        found.map_err(|e| (file.clone(), e))?;
    }
    Ok(0)
}

/// The record that a file's head names.
fn head(file: &Path) -> Option<Chain> {
    let mut name = file.as_os_str().to_owned();
    name.push(".head");
    Chain::read_head(&io::read_to_string(File::open(name).ok()?).ok()?)
}

/// The files by the number of their first record; one without a readable record comes first, so that it is looked at first.
/// Heads and torn ends that a pattern of the shell caught are not the log's files.
fn in_order(files: &[PathBuf]) -> Result<Vec<PathBuf>, Failed> {
    let mut keyed = Vec::with_capacity(files.len());
    for file in files.iter().filter(|f| !beside(f)) {
        let mut first = None;
        let read = each_line(file, |line| {
            first = Line::read(line.strip_suffix(b"\n").unwrap_or(line)).ok().map(|l| l.seq);
            Ok(false)
        });
        let empty = read.map_err(|e| (file.clone(), e))?;
        keyed.push((if empty { Some(u64::MAX) } else { first }, file.clone()));
    }
    keyed.sort_by_key(|(first, _)| *first);
    Ok(keyed.into_iter().map(|(_, file)| file).collect())
}

fn beside(file: &Path) -> bool {
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let torn = name.rsplit_once(".torn.").is_some_and(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
    torn || name.strip_suffix(".head").is_some_and(|log| file.with_file_name(log).exists())
}

/// Goes through a file's lines, newlines included, as long as `with` says so. Whether it came to the end.
fn each_line(file: &Path, mut with: impl FnMut(&[u8]) -> io::Result<bool>) -> io::Result<bool> {
    let mut reader = BufReader::with_capacity(256 << 10, File::open(file)?);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        if !with(&line)? {
            return Ok(false);
        }
        line.clear();
    }
    Ok(true)
}

fn expected(text: &str) -> Result<Chain, String> {
    Chain::read_head(text).ok_or_else(|| "a record's number, a colon and its hash: 41:sha256:… (64 hexadecimal digits)".into())
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let day = |d: Date| d.to_zoned(TimeZone::UTC).map(|z| z.timestamp());
    text.parse::<Timestamp>()
        .or_else(|_| text.parse::<Date>().and_then(day))
        .map_err(|_| "a day like 2026-11-23, or a time with its zone like 2026-11-23T09:15:00Z".into())
}
