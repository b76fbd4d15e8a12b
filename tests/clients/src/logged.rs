//! What a server's log says that each session ran, and what the audit says of it: one record for each statement. The log is of
//! `log_statement = 'all'` with the prefix that `servers` sets. Not here: what was asked.

use std::collections::BTreeMap;

/// What the proxy asks by itself on a client's connection: the names of its statement, and the text that fails on purpose.
const ASKED: [&str; 2] = ["pgscrim asks/", "pgscrim copies/"];
const FAILS_ON_PURPOSE: &str = "SELECT pg_catalog.pgscrim_refused_this_statement()";

/// A session of the server: what a client had run on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Statements that began to run or failed before: at least so many, as a string that fails says not where.
    pub least: usize,
    /// At most so many.
    pub most: usize,
    /// Those that failed while they ran.
    pub failed: usize,
    /// Those that failed before: of what fails at its Parse or Bind there is a record only where the client sent its Execute too.
    pub unbegun: usize,
    /// Their texts, for people.
    pub texts: Vec<String>,
    /// The last text, where it has not failed yet.
    open: Option<String>,
}

/// An entry of the log, with the lines that it goes on for.
struct Entry<'a> {
    process: &'a str,
    sqlstate: &'a str,
    user: &'a str,
    database: &'a str,
    said: &'a str,
}

fn entries(log: &str) -> impl Iterator<Item = Entry<'_>> {
    let whole = log.strip_prefix('@').unwrap_or(log);
    whole.split("\n@").filter_map(|entry| {
        let mut parts = entry.splitn(5, '|');
        let mut next = || parts.next();
        let (process, sqlstate, user, database) = (next()?, next()?, next()?, next()?);
        Some(Entry { process, sqlstate, user, database, said: next()? })
    })
}

/// How many statements a string holds.
fn statements(text: &str) -> usize {
    pg_query::parse(text, pg_query::ParserOptions::default()).map_or(1, |read| read.protobuf.stmts.len())
}

impl Ran {
    /// A string of statements, or a portal at its beginning.
    fn begins(&mut self, text: &str, statements: usize) {
        if text != FAILS_ON_PURPOSE {
            (self.least, self.most) = (self.least + statements, self.most + statements);
            self.texts.push(text.to_owned());
        }
        self.open = Some(text.to_owned());
    }

    /// A statement that failed: the one that began last, or one that did not come to that.
    fn fails(&mut self, text: &str) {
        let open = self.open.take();
        if text == FAILS_ON_PURPOSE {
            return;
        }
        if open.as_deref() == Some(text) {
            self.failed += 1;
            self.least -= statements(text).saturating_sub(1);
        } else {
            (self.unbegun, self.most) = (self.unbegun + 1, self.most + 1);
            self.texts.push(format!("(failed) {text}"));
        }
    }
}

/// The sessions of a user in a database, in the order in which they were let in.
#[must_use]
pub fn ran(log: &str, database: &str, user: &str) -> Vec<Ran> {
    let mut order: Vec<&str> = Vec::new();
    let mut found: BTreeMap<&str, Ran> = BTreeMap::new();
    for entry in entries(log).filter(|e| e.database == database && e.user == user) {
        let session = found.entry(entry.process).or_default();
        let said = entry.said.replace("\n\t", "\n");
        if said.starts_with("LOG:  connection authorized") {
            order.push(entry.process);
        } else if let Some(text) = said.strip_prefix("LOG:  statement: ") {
            session.begins(text, statements(text));
        } else if let Some(execute) = said.strip_prefix("LOG:  execute ").filter(|e| !e.starts_with("fetch from ")) {
            // A name of a client's holds no such thing; the unnamed one is written so.
            let text = execute.split_once(": ").map_or("", |(_, text)| text);
            if !ASKED.iter().any(|name| execute.starts_with(name)) {
                session.begins(text, 1);
            }
        } else if let Some(text) = said.strip_prefix("STATEMENT:  ").filter(|_| entry.sqlstate != "00000") {
            session.fails(text);
        }
    }
    order.iter().filter_map(|process| found.remove(process)).collect()
}

/// What the audit says of a session: the statements that reached the server, and what became of each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Records of statements that reached the server.
    pub reached: usize,
    /// Those of them that failed.
    pub failed: usize,
    /// Their texts, for people.
    pub texts: Vec<String>,
}

/// The lines of an audit log by their databases: each is then read for its own database alone.
#[must_use]
pub fn by_database(audit: &str) -> BTreeMap<&str, String> {
    let mut found: BTreeMap<&str, String> = BTreeMap::new();
    for line in audit.lines() {
        let database = line.split_once("\"database\":\"").and_then(|(_, rest)| rest.split_once('"'));
        if let Some((database, _)) = database {
            found.entry(database).or_default().extend([line, "\n"]);
        }
    }
    found
}

/// The sessions of a user in a database, in the order in which they were let in.
///
/// # Errors
/// A line that is no record.
pub fn recorded(audit: &str, database: &str, user: &str) -> anyhow::Result<Vec<Recorded>> {
    let mut order = Vec::new();
    let mut found: BTreeMap<String, Recorded> = BTreeMap::new();
    for line in audit.lines() {
        let record: serde_json::Value = serde_json::from_str(line)?;
        let field = |name: &str| record.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        if field("database") != database || field("user") != user {
            continue;
        }
        if field("kind") == "connect" {
            order.push(field("session").to_owned());
        }
        let reached = matches!(field("decision"), "allowed" | "masked" | "rewritten" | "failed");
        if field("kind") == "statement" && reached {
            let session = found.entry(field("session").to_owned()).or_default();
            session.reached += 1;
            session.failed += usize::from(field("decision") == "failed");
            session.texts.push(format!("({}) {}", field("decision"), field("statement")));
        }
    }
    Ok(order.iter().map(|session| found.remove(session).unwrap_or_default()).collect())
}

/// Where the two part: the session, by its place, and both sides. Sessions that were let in at the same time stand in any order.
#[must_use]
pub fn parting(ran: &[Ran], recorded: &[Recorded]) -> Option<String> {
    if ran.len() != recorded.len() {
        return Some(format!("{} sessions of the server, {} in the audit", ran.len(), recorded.len()));
    }
    let same = |ran: &Ran, recorded: &Recorded| {
        let failed = ran.failed..=ran.failed + ran.unbegun;
        (ran.least..=ran.most).contains(&recorded.reached) && failed.contains(&recorded.failed)
    };
    let mut left: Vec<&Recorded> = recorded.iter().collect();
    for (place, ran) in ran.iter().enumerate() {
        match left.iter().position(|recorded| same(ran, recorded)) {
            Some(at) => drop(left.remove(at)),
            None => {
                let other = recorded.get(place).map(|r| format!("{} ({} failed)\n      {}", r.reached, r.failed, r.texts.join("\n      ")));
                let texts = ran.texts.join("\n      ");
                return Some(format!(
                    "session {place}: the server ran {}-{} ({} failed)\n      {texts}\n    the audit has {}",
                    ran.least,
                    ran.most,
                    ran.failed,
                    other.unwrap_or_default()
                ));
            }
        }
    }
    None
}
