//! Canaries: values that no governed client may see, and the search for them in whatever form they could come: as they are, in another
//! case, encoded, escaped, reversed, in binary, or spread over many rows. Not here: which connections are searched (`tap`).

mod forms;
mod stream;

pub use stream::Watch;

use std::collections::{HashMap, HashSet};
use std::fmt;

use aho_corasick::{AhoCorasick, MatchKind};

/// A value that its mask hides, or the part of it that its mask hides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Canary {
    /// Letters, digits and what else; at least six characters.
    Text(String),
    /// A number of at least six digits, that many of them behind the point.
    Number(i64, u32),
    /// Days since 1970-01-01.
    Date(i64),
    /// Microseconds since 1970-01-01 UTC.
    Moment(i64),
    /// As its sixteen bytes.
    Uuid([u8; 16]),
    /// Address bytes.
    Address(Vec<u8>),
    /// Raw bytes.
    Bytes(Vec<u8>),
}

/// A canary that was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Found {
    /// Which one, as text.
    pub canary: String,
    /// How it looked.
    pub form: &'static str,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.canary, self.form)
    }
}

/// The search for a set of canaries.
pub struct Canaries {
    patterns: AhoCorasick,
    of_pattern: Vec<Found>,
    /// Bytes that count only where they are a whole value: too short to mean anything elsewhere.
    values: HashMap<Vec<u8>, Found>,
    longest: usize,
}

impl fmt::Debug for Canaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canaries").field("patterns", &self.of_pattern.len()).finish_non_exhaustive()
    }
}

/// Patterns shorter than this stand in other text by chance.
const SHORTEST: usize = 6;

impl Canaries {
    /// Prepares the search.
    ///
    /// # Panics
    /// Where a canary is too short to be told from chance: a mistake in the test.
    #[must_use]
    pub fn new(canaries: impl IntoIterator<Item = Canary>) -> Self {
        let (mut patterns, mut of_pattern, mut values, mut seen) = (Vec::new(), Vec::new(), HashMap::new(), HashSet::new());
        for canary in canaries {
            let name = forms::name(&canary);
            for (form, bytes) in forms::of(&canary) {
                assert!(bytes.len() >= SHORTEST, "canary {name} is too short as {form}");
                if seen.insert(bytes.to_ascii_lowercase()) {
                    of_pattern.push(Found { canary: name.clone(), form });
                    patterns.push(bytes);
                }
            }
            for (form, bytes) in forms::whole_values(&canary) {
                values.entry(bytes).or_insert(Found { canary: name.clone(), form });
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        // case does not count: a masked value in capitals is the value
        let search = AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostFirst).build(&patterns);
        Self { patterns: search.unwrap_or_else(|e| panic!("{e}")), of_pattern, values, longest }
    }

    /// The length of the longest pattern.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The first canary in some bytes.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Option<Found> {
        let found = self.patterns.find(bytes)?;
        self.of_pattern.get(found.pattern().as_usize()).cloned()
    }

    /// A canary that these bytes are, as one value of a row.
    #[must_use]
    pub fn find_value(&self, value: &[u8]) -> Option<Found> {
        self.values.get(value).cloned()
    }
}
