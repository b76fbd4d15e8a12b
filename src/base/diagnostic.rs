//! Errors and warnings for the people who write policies: file, line, column, what is wrong, what would be right.

use std::fmt;
use std::sync::Arc;

/// A place in a file that a person wrote; line and column count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file as the person named it.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// How bad it is: an error stops the start, a warning counts with `--strict`, a note never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Right as written, and worth knowing: what was accepted on purpose.
    Note,
    /// Worth a look; everything still works as written.
    Warning,
    /// Nothing is loaded.
    Error,
}

/// One finding, with its places and its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Where it is, when it is in a file.
    pub place: Option<Place>,
    /// What is wrong: lower case, no full stop, names in single quotes.
    pub message: String,
    /// Other places that matter, each with a few words.
    pub labels: Vec<(Place, String)>,
    /// What would be right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place: place.into(), message: message.into(), labels: Vec::new(), help: None }
    }

    /// A warning at a place.
    pub fn warning(place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, message) }
    }

    /// A note at a place.
    pub fn note(place: impl Into<Option<Place>>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(place, message) }
    }

    /// Adds another place and what it has to do with it.
    #[must_use]
    pub fn label(mut self, place: Place, text: impl Into<String>) -> Self {
        self.labels.push((place, text.into()));
        self
    }

    /// Says what would be right.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Suggests the nearest known key, where one is near enough.
    #[must_use]
    pub fn help_nearest<'a>(self, got: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match nearest(got, known) {
            Some(near) => self.help(format!("did you mean '{near}'?")),
            None => self,
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        match &self.place {
            Some(place) => write!(f, "{place}: {severity}: {}", self.message)?,
            None => write!(f, "{severity}: {}", self.message)?,
        }
        for (place, text) in &self.labels {
            write!(f, "\n  {place}: {text}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// All findings of one reading, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Whether anything stops the start.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// Whether anything is worth a look.
    #[must_use]
    pub fn has_warnings(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Warning)
    }

    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            d.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// The known word with the smallest edit distance to `got`, where about a third of its letters differ at most.
pub fn nearest<'a>(got: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = got.chars().count().saturating_add(2) / 3;
    known.into_iter().map(|k| (distance(got, k), k)).filter(|(d, _)| *d <= limit.max(1)).min_by_key(|(d, _)| *d).map(|(_, k)| k)
}

/// Edit distance over characters, two neighbours that changed places counted once (optimal string alignment), row by row.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let cell = |row: &[usize], i: usize| row.get(i).copied().unwrap_or(usize::MAX / 2);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut last: Option<char> = None;
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let mut d = (cell(&row, j) + usize::from(ca != *cb)).min(cell(&row, j + 1) + 1).min(cell(&next, j) + 1);
            let swapped = j.checked_sub(1).filter(|k| last == Some(*cb) && b.get(*k) == Some(&ca));
            if let Some(k) = swapped {
                d = d.min(cell(&before, k) + 1);
            }
            next.push(d);
        }
        before = std::mem::replace(&mut row, next);
        last = Some(ca);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        let known = ["host", "port", "tls", "unclassified", "personal.contact"];
        for (got, want) in [
            ("prot", Some("port")),
            ("hots", Some("host")),
            ("tsl", Some("tls")),
            ("unclasified", Some("unclassified")),
            ("personal.contcat", Some("personal.contact")),
            ("password", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(got, known), want, "{got}");
        }
    }

    #[test]
    fn distances() {
        for (a, b, want) in [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("abcd", "acbd", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(a, b), want, "{a} {b}");
        }
    }
}
