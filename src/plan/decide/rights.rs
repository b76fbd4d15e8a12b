//! Kinds of statements that need a right of their own, and settings that a governed session keeps.

use super::{Judge, veil, words};
use crate::base::is_on;
use crate::plan::permit::Kind;
use crate::policy::StatementRight;
use crate::sql::Reject;
use crate::sql::effect::{Deed, SettingChange};
use crate::sql::model::Need;

impl Judge<'_> {
    /// Rights that the kind of statement needs.
    pub(super) fn needs(&mut self) {
        for need in &self.analysis.needs {
            let (right, what) = match need {
                Need::Ddl(what) => (StatementRight::Ddl, *what),
                Need::Code(what) => (StatementRight::Code, *what),
                Need::Call => (StatementRight::Call, "CALL"),
                Need::Do => (StatementRight::Do, "DO"),
                Need::Lock => (StatementRight::Lock, "LOCK"),
                Need::Maintenance(what) => (StatementRight::Maintenance, *what),
                // of the client's own text it shows no more than it holds; of a veil it shows the condition, and estimates from raw rows
                Need::Explain | Need::ExplainAnalyze if self.demand.is_empty() && !self.analysis.puts_in_place() => continue,
                Need::Explain | Need::ExplainAnalyze => (StatementRight::Explain, "EXPLAIN of what is masked in SQL"),
                Need::Listen(channel) => {
                    self.listen(channel);
                    continue;
                }
            };
            self.needs_right(right, what);
            if matches!(need, Need::Ddl(_)) {
                self.defines_over_veiled(what);
            }
        }
    }

    fn needs_right(&mut self, right: StatementRight, what: &str) {
        if !self.profile.statements.contains(&right) {
            let who = words::roles(self.profile);
            let reject = Reject::forbidden("statement", format!("{who} may not use {what}"));
            self.refuse(reject.hint(format!("'statements: [{}]' in the role would allow it", word(right))));
        }
    }

    /// EXPLAIN ANALYZE says how much room a statement took for what it sorted, hashed and kept: that of original values, where the proxy masks them. To
    /// be called when it is known whether it does.
    pub(super) fn explained(&mut self) {
        if self.kind != Kind::Forward && self.analysis.needs.contains(&Need::ExplainAnalyze) {
            self.needs_right(StatementRight::Explain, "EXPLAIN ANALYZE of what is masked");
        }
    }

    /// DDL that touches a veiled relation in any way.
    fn defines_over_veiled(&mut self, what: &str) {
        let veiled = self.analysis.instances.iter().find(|i| match i.of {
            crate::sql::model::InstanceOf::Catalog(oid) => veil::is_veiled(self.catalog, self.profile, oid),
            crate::sql::model::InstanceOf::Temporary | crate::sql::model::InstanceOf::Uncommitted => false,
        });
        if let Some(instance) = veiled {
            let who = words::roles(self.profile);
            let message = format!("{who}: {what} touches relation \"{}\", which is veiled", instance.name);
            self.refuse(Reject::forbidden("definition", message).at(instance.at));
        }
    }

    fn listen(&mut self, channel: &str) {
        if !self.profile.listen.iter().any(|pattern| matches(pattern, channel)) {
            let who = words::roles(self.profile);
            let reject = Reject::forbidden("listen", format!("{who} may not listen on this channel"));
            self.refuse(reject.hint("'listen: [channel]' in the role would allow it"));
        }
    }

    /// Settings that decide how texts are read.
    pub(super) fn settings(&mut self) {
        let Deed::Set(SettingChange { name: Some(name), values, scope: _ }) = &self.analysis.deed else {
            return;
        };
        let value = values.as_ref().map(|v| v.join(",").to_ascii_lowercase());
        let reject = match (&**name, value.as_deref()) {
            (n, _) if n.starts_with("pgscrim.") => Some("settings of pgscrim's own are not set by a session"),
            ("standard_conforming_strings", Some(v)) if !is_on(v) => Some("\"standard_conforming_strings\" stays on"),
            // arrays in the definitions of views are read again where these are put
            ("array_nulls", Some(v)) if !is_on(v) => Some("\"array_nulls\" stays on"),
            ("client_encoding" | "names", Some(v)) if !is_utf8(v) => Some("\"client_encoding\" stays UTF8"),
            _ => None,
        };
        if let Some(message) = reject {
            self.refuse(Reject::unclear("setting", message));
        }
    }
}

/// PostgreSQL's names of the encoding, as `clean_encoding_name` in encnames.c reads them.
fn is_utf8(name: &str) -> bool {
    let clean: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    matches!(clean.as_str(), "utf8" | "unicode")
}

/// The right's name in a policy.
fn word(right: StatementRight) -> &'static str {
    match right {
        StatementRight::Ddl => "ddl",
        StatementRight::Code => "code",
        StatementRight::Call => "call",
        StatementRight::Do => "do",
        StatementRight::Lock => "lock",
        StatementRight::Maintenance => "maintenance",
        StatementRight::Explain => "explain",
    }
}

/// Whether a name fits a pattern in which `*` stands for any run of characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|head| name.strip_prefix(head)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        if let Some(middle) = last.replace(part) {
            let Some(found) = rest.find(middle) else {
                return false;
            };
            rest = rest.get(found + middle.len()..).unwrap_or_default();
        }
    }
    match last {
        Some(tail) => rest.ends_with(tail),
        None => rest.is_empty(),
    }
}
