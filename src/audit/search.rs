//! Finds records: which of them answer a question. Reads the contract's keys and nothing else.

use jiff::Timestamp;
use serde_json::Value;

/// What is looked for; each part that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The login, exactly.
    pub user: Option<String>,
    /// A relation, `users` or `public.users`.
    pub table: Option<String>,
    /// A class, or one above it: `personal` finds `personal.contact`.
    pub class: Option<String>,
    /// The decision, exactly.
    pub decision: Option<String>,
    /// The kind, exactly.
    pub kind: Option<String>,
    /// Not before.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl Query {
    /// Whether a line answers it. A line that is no JSON object does not.
    #[must_use]
    pub fn matches(&self, line: &[u8]) -> bool {
        serde_json::from_slice::<Value>(line).is_ok_and(|record| self.holds(&record))
    }

    fn holds(&self, record: &Value) -> bool {
        let is = |key: &str, wanted: &Option<String>| wanted.as_deref().is_none_or(|w| text(record, key) == Some(w));
        is("user", &self.user) && is("decision", &self.decision) && is("kind", &self.kind) && self.in_time(record) && self.touches(record)
    }

    fn in_time(&self, record: &Value) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let Some(time) = text(record, "time").and_then(|t| t.parse::<Timestamp>().ok()) else {
            return false;
        };
        self.since.is_none_or(|s| time >= s) && self.until.is_none_or(|u| time < u)
    }

    fn touches(&self, record: &Value) -> bool {
        let table = self.table.as_deref().is_none_or(|wanted| {
            items(record, "relations").filter_map(Value::as_str).any(|name| name == wanted || last_part(name) == wanted)
        });
        let class = self.class.as_deref().is_none_or(|wanted| {
            items(record, "columns")
                .filter_map(|c| text(c, "class"))
                .any(|class| class.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
        });
        table && class
    }
}

fn text<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    record.get(key)?.as_str()
}

fn items<'a>(record: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    record.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// `users` of `public.users`; a quoted name keeps its quotes.
fn last_part(name: &str) -> &str {
    if name.ends_with('"') {
        let head = name.trim_end_matches('"');
        return head.rfind(".\"").and_then(|at| name.get(at + 1..)).unwrap_or(name);
    }
    name.rsplit('.').next().unwrap_or(name)
}
