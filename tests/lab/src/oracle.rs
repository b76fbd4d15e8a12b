//! Two answers to one text held against each other: that of a governed login, and that of an oracle (views written by hand, a copy that
//! was masked by a second implementation). Equal rows, a refusal, or an error of the same class; anything else is wrong.

use std::fmt::Write as _;

use crate::refusals::Refusals;
use crate::wire::Message;

/// A row's values as they came.
pub type Row = Vec<Option<Vec<u8>>>;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Rows, where there were any, in the order of their coming.
    Rows(Vec<Row>),
    /// The proxy refused: SQLSTATE and message.
    Refused(String),
    /// The server's error, or one in its words: SQLSTATE and message.
    Failed(String),
}

impl Answer {
    /// What a server's messages say. An end of the connection is a failure.
    ///
    /// # Panics
    /// Where an error has no SQLSTATE or no message.
    #[must_use]
    pub fn of(heard: &[Message]) -> Self {
        if let Some(error) = heard.iter().find(|m| m.tag == b'E') {
            let (code, message) = (error.field(b'C').unwrap(), error.field(b'M').unwrap());
            let text = format!("{code} {message}");
            return if message.starts_with("pgscrim: ") { Self::Refused(text) } else { Self::Failed(text) };
        }
        if heard.is_empty() {
            return Self::Failed("the connection ended".into());
        }
        Self::Rows(heard.iter().filter(|m| m.tag == b'D').map(Message::values).collect())
    }

    /// It in few words.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Rows(rows) => format!("{} rows", rows.len()),
            Self::Refused(text) | Self::Failed(text) => text.clone(),
        }
    }
}

/// Rows without their order.
#[must_use]
pub fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// What came of many texts.
#[derive(Debug, Default)]
pub struct Held {
    /// What is wrong, a line each.
    pub wrong: String,
    /// Why texts were refused.
    pub refused: Refusals,
    /// How many fail at the oracle too.
    pub failed: u64,
    /// How many were answered with rows.
    pub found: u64,
    asked: u64,
}

impl Held {
    /// Holds an answer against the oracle's.
    pub fn hold(&mut self, case: &dyn std::fmt::Display, text: &str, got: Answer, want: Answer) {
        self.asked += 1;
        match (got, want) {
            (Answer::Refused(why), _) => self.refused.add(&why),
            // of two mistakes in a text either may be told first, so classes are compared
            (Answer::Failed(a), Answer::Failed(b)) if a.get(..2) == b.get(..2) => self.failed += 1,
            (Answer::Rows(a), Answer::Rows(b)) if sorted(a.clone()) == sorted(b.clone()) => self.found += u64::from(!a.is_empty()),
            (got, want) => writeln!(self.wrong, "{case}: {}, the oracle: {}: {text}", got.short(), want.short()).unwrap_or_default(),
        }
    }

    /// Tells of it, and fails where something is wrong, or where texts that cannot be answered are more than a fifth.
    ///
    /// # Panics
    /// So.
    pub fn told(&self, what: &str) {
        let (asked, total) = (self.asked, self.refused.total());
        self.refused.tell(&format!("{asked} {what}: {total} refused, {} fail at the oracle too, {} find rows", self.failed, self.found));
        assert!(self.wrong.is_empty(), "{} of {asked} differ:\n{}", self.wrong.lines().count(), self.wrong);
        assert!(self.failed * 5 < asked, "the generator makes texts that PostgreSQL does not take: {} of {asked}", self.failed);
    }
}
