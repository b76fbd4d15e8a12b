//! Walks a log line by line and says where it is not what was written. Lines come in, verdicts come out; files are the caller's.

use std::fmt;

use super::chain::{Chain, Hash, Line, Malformed};

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not of a record's form.
    Form,
    /// It is not what its hash says.
    Hash,
    /// Its number does not follow.
    Order {
        /// The number that would.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// Its number follows, but the record before it is not the one that it was written after.
    Link,
    /// The file ends within it.
    Torn,
    /// The log is known to have held more: it ends at `last`, and record `known` was there.
    Short {
        /// The last number that stands.
        last: u64,
        /// A number that stood.
        known: u64,
    },
    /// An expected record is older than the first that was looked at.
    Absent {
        /// Its number.
        known: u64,
    },
    /// The record with a known number has another hash than was known.
    Expected,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form => f.write_str("is not a record"),
            Self::Hash => f.write_str("was changed: its content does not give its hash"),
            Self::Order { expected, found } if found > expected => {
                write!(f, "is record {found} where {expected} should follow: {} missing", found - expected)
            }
            Self::Order { expected, found } => write!(f, "is record {found} where {expected} should follow: moved or repeated"),
            Self::Link => f.write_str("was written after another record than the one that stands before it"),
            Self::Torn => f.write_str("is cut off: the file ends within it"),
            Self::Short { last, known } => write!(f, "is where the log ends, at record {last}, but record {known} was written"),
            Self::Absent { known } => write!(f, "is where the log ends, and record {known} is in none of the files"),
            Self::Expected => f.write_str("has another hash than the one expected for its number"),
        }
    }
}

/// The first thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line in its file, from 1; 0 for an empty log.
    pub line: u64,
    /// What is wrong with it.
    pub reason: Reason,
}

/// A record that is known to have been written: a head file's, or one that somebody kept.
pub type Expected = Chain;

/// A walk over one log, in one file or in several that follow each other.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    expected: Vec<Expected>,
    at: Option<Chain>,
    first: Option<u64>,
    line: u64,
    count: u64,
}

impl Verifier {
    /// A walk that also looks for records that are known.
    #[must_use]
    pub fn new(expected: Vec<Expected>) -> Self {
        Self { expected, ..Self::default() }
    }

    /// The next file begins: its lines count from 1, the chain goes on.
    pub fn file(&mut self) {
        self.line = 0;
    }

    /// The next line, with its newline where it has one.
    ///
    /// # Errors
    /// What is wrong with it; nothing after it is of worth.
    pub fn line(&mut self, bytes: &[u8]) -> Result<Line, Broken> {
        self.line += 1;
        let line = self.judge(bytes).map_err(|reason| Broken { line: self.line, reason })?;
        self.first.get_or_insert(line.seq);
        self.at = Some(Chain { seq: line.seq, hash: line.hash });
        self.count += 1;
        Ok(line)
    }

    fn judge(&self, bytes: &[u8]) -> Result<Line, Reason> {
        let bytes = bytes.strip_suffix(b"\n").ok_or(Reason::Torn)?;
        let line = Line::read(bytes).map_err(|e| match e {
            Malformed::Form => Reason::Form,
            Malformed::Hash => Reason::Hash,
        })?;
        let before = self.at.unwrap_or_else(|| Chain { seq: line.seq.saturating_sub(1), hash: line.prev });
        let expected = before.seq.saturating_add(1);
        if line.seq != expected {
            return Err(Reason::Order { expected, found: line.seq });
        }
        if line.prev != before.hash || (line.seq == 1 && line.prev != Hash::default()) {
            return Err(Reason::Link);
        }
        if self.expected.iter().any(|e| e.seq == line.seq && e.hash != line.hash) {
            return Err(Reason::Expected);
        }
        Ok(line)
    }

    /// The end of the log: first and last record and how many, or `None` for an empty log.
    ///
    /// # Errors
    /// Where a record that was expected is not there.
    pub fn finish(&self) -> Result<Option<(u64, Chain, u64)>, Broken> {
        let last = self.at.map_or(0, |c| c.seq);
        if let Some(known) = self.expected.iter().map(|e| e.seq).filter(|seq| *seq > last).max() {
            return Err(Broken { line: self.line, reason: Reason::Short { last, known } });
        }
        if let Some(known) = self.expected.iter().map(|e| e.seq).find(|seq| self.first.is_some_and(|first| *seq < first)) {
            return Err(Broken { line: self.line, reason: Reason::Absent { known } });
        }
        Ok(self.first.zip(self.at).map(|(first, at)| (first, at, self.count)))
    }
}
