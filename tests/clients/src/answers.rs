//! A client's answers, and when two of them are the same. Not here: who gave them.

use std::collections::BTreeMap;

/// What a client said to each check that it has.
pub type Answers = BTreeMap<String, Vec<String>>;

/// Reads the lines that a client's program prints.
///
/// # Errors
/// A line that is no answer.
pub fn read(printed: &str) -> anyhow::Result<Answers> {
    let mut answers = Answers::new();
    for line in printed.lines() {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let name = value.get("check").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let steps = value.get("answer").and_then(|v| v.as_array()).cloned().unwrap_or_default();
        answers.insert(name, steps.iter().map(|s| s.as_str().unwrap_or_default().to_owned()).collect());
    }
    Ok(answers)
}

/// Where two answers to one check part: the step, and both sides.
#[must_use]
pub fn parting<'a>(want: &'a [String], got: &'a [String], governed: bool) -> Option<(usize, &'a str, &'a str)> {
    let steps = want.len().max(got.len());
    let at = |answer: &'a [String], step: usize| answer.get(step).map_or("(nothing)", String::as_str);
    let mut pairs = (0..steps).map(|s| (s, at(want, s), at(got, s)));
    pairs.find(|(_, want, got)| want != got && !(governed && same_error(want, got)))
}

/// Whether both are an error of the same condition in the same transaction status, of a kind that the proxy words by itself for a
/// governed login: refusals, constraints whose messages quote values, and functions whose argument types it does not infer.
fn same_error(want: &str, got: &str) -> bool {
    let read = |said: &str| {
        let (state, _) = said.strip_prefix("ERROR ")?.split_at_checked(5)?;
        let status = said.rsplit_once(" [").map(|(_, s)| s.to_owned());
        Some((state.to_owned(), status))
    };
    match (read(want), read(got)) {
        (Some(want), Some(got)) => want == got && (matches!(&*want.0, "42501" | "42883") || want.0.starts_with("23")),
        _ => false,
    }
}
