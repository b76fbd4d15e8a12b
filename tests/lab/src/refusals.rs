//! What a login was refused, counted by reason.

use std::collections::BTreeMap;
use std::io::Write as _;

/// Reasons without the names in them, and how often each was given.
#[derive(Debug, Default)]
pub struct Refusals(BTreeMap<String, u64>);

impl Refusals {
    /// Counts a refusal by its message.
    pub fn add(&mut self, why: &str) {
        let reason: String = why.split('"').enumerate().map(|(i, part)| if i % 2 == 1 { "…" } else { part }).collect();
        *self.0.entry(reason).or_default() += 1;
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Tells of them past the test harness, which keeps what a test prints to itself.
    pub fn tell(&self, heading: &str) {
        let mut out = std::io::stdout();
        writeln!(out, "{heading}").unwrap();
        self.0.iter().for_each(|(why, times)| writeln!(out, "{times:6} {why}").unwrap());
    }
}
