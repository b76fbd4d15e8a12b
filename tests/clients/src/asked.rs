//! The list of checks, for the clients that are written in Rust. Its format stands at its beginning.

/// A parameter of a step.
#[derive(Clone, Debug)]
pub enum Parameter {
    /// An int4.
    Int(i32),
    /// A text.
    Text(String),
    /// A bytea.
    Bytes(Vec<u8>),
    /// An int4[].
    Ints(Vec<i32>),
    /// NULL.
    Null,
}

/// A query with a parameter over masked columns.
pub const MASKED: &str = "SELECT id, full_name, email, born, joined, tags FROM people WHERE level = $1 ORDER BY id";

/// Several statements in one string, right and wrong ones.
pub const MULTI: [&str; 7] = [
    "SELECT 1; SELECT id, email FROM people ORDER BY id LIMIT 2; SELECT 2",
    "INSERT INTO scratch VALUES (50, 'x', 1); SELECT secret FROM vault; SELECT 2",
    "BEGIN; SELECT 1; COMMIT",
    "SELECT count(*) FROM scratch",
    "DELETE FROM scratch WHERE id > 9",
    ";",
    "",
];

/// COPY to the client: each of four things in each of three formats.
pub fn copies() -> impl Iterator<Item = String> {
    ["text", "csv", "binary"].into_iter().flat_map(|form| {
        ["people", "(SELECT id, email, born, tags FROM people WHERE level = 1 ORDER BY id)", "scratch", "vault (secret)"]
            .map(|what| format!("COPY {what} TO STDOUT WITH (FORMAT {form})"))
    })
}

/// One check.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Statements with their parameters.
    pub steps: Vec<(String, Vec<Parameter>)>,
}

fn parameter(text: &str) -> Parameter {
    let (kind, value) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    match kind {
        "int" => value.parse().map_or(Parameter::Null, Parameter::Int),
        "bytes" => hex::decode(value).map_or(Parameter::Null, Parameter::Bytes),
        "ints" => Parameter::Ints(value.split(',').filter_map(|n| n.parse().ok()).collect()),
        "null" => Parameter::Null,
        _ => Parameter::Text(value.to_owned()),
    }
}

/// All checks, in order.
#[must_use]
pub fn checks() -> Vec<Check> {
    let mut checks: Vec<Check> = Vec::new();
    for line in include_str!("../checks.txt").lines() {
        if let Some(head) = line.strip_prefix("= ") {
            let name = head.split(':').next().unwrap_or_default().to_owned();
            checks.push(Check { name, steps: Vec::new() });
        } else if let (Some(sql), Some(check)) = (line.strip_prefix("> "), checks.last_mut()) {
            check.steps.push((sql.to_owned(), Vec::new()));
        } else if let (Some(list), Some(step)) = (line.strip_prefix("<- "), checks.last_mut().and_then(|c| c.steps.last_mut())) {
            step.1 = list.split(" | ").map(parameter).collect();
        }
    }
    checks
}
