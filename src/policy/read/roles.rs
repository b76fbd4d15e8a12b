//! `roles`: who is in each, and what it may do.

use std::collections::BTreeSet;

use super::Reader;
use crate::base::yaml::{Key, Node};
use crate::base::{Diagnostic, Place, nearest};
use crate::policy::key::ObjectKey;
use crate::policy::model::{FunctionKey, Member, RoleEntry, RowsEntry};
use crate::policy::profile::StatementRight;

/// The keys of a role.
const KEYS: [&str; 12] =
    ["members", "read", "write", "delete", "rows", "until", "unclassified", "unrestricted", "statements", "functions", "listen", "star"];

/// The words of `statements`.
const STATEMENTS: [(&str, StatementRight); 7] = [
    ("ddl", StatementRight::Ddl),
    ("code", StatementRight::Code),
    ("call", StatementRight::Call),
    ("do", StatementRight::Do),
    ("lock", StatementRight::Lock),
    ("maintenance", StatementRight::Maintenance),
    ("explain", StatementRight::Explain),
];

impl Reader<'_> {
    pub(super) fn roles(&mut self, node: &Node) -> Vec<RoleEntry> {
        let entries = self.map("'roles'", node);
        entries.iter().map(|(key, value)| self.role(key, value)).collect()
    }

    fn role(&mut self, name: &Key, node: &Node) -> RoleEntry {
        let mut role = RoleEntry {
            name: name.text.as_str().into(),
            place: name.place.clone(),
            members: Vec::new(),
            read: Vec::new(),
            write: Vec::new(),
            delete: Vec::new(),
            rows: Vec::new(),
            functions: Vec::new(),
            statements: BTreeSet::default(),
            listen: Vec::new(),
            unrestricted: false,
            unclassified_deny: self.unclassified_deny,
            star_refuse: false,
            until: None,
        };
        for (key, value) in self.map("a role", node) {
            self.role_key(&mut role, key, value);
        }
        if role.unrestricted && !(role.read.is_empty() && role.write.is_empty() && role.rows.is_empty()) {
            let warning =
                Diagnostic::warning(role.place.clone(), format!("role '{}' is unrestricted, its rules change nothing", role.name));
            self.found.push(warning);
        }
        role
    }

    fn role_key(&mut self, role: &mut RoleEntry, key: &Key, value: &Node) {
        match key.text.as_str() {
            "members" => role.members = self.members(value),
            "read" => role.read = self.read_rules(value),
            "write" => role.write = self.write_rules(value),
            "delete" => role.delete = self.tables_list("'delete'", value),
            "rows" => role.rows = self.rows(value),
            "until" => role.until = self.date(value),
            "unclassified" => {
                if let Some(word) = self.word("'unclassified'", value, &["allow", "deny"]) {
                    role.unclassified_deny = word == "deny";
                }
            }
            "unrestricted" => role.unrestricted = self.flag("'unrestricted'", value) == Some(true),
            "statements" => role.statements = self.statements(value),
            "functions" => role.functions = self.functions(value),
            "listen" => role.listen = self.texts("'listen'", value).into_iter().map(|(text, _)| text.into()).collect(),
            "star" => role.star_refuse = self.word("'star'", value, &["omit", "refuse"]) == Some("refuse"),
            _ => {
                self.known(key, &KEYS);
            }
        }
    }

    fn texts<'n>(&mut self, what: &str, node: &'n Node) -> Vec<(&'n str, &'n Place)> {
        let items = self.list(what, node);
        items.iter().filter_map(|item| Some((self.text("an item of the list", item)?, &item.place))).collect()
    }

    fn members(&mut self, node: &Node) -> Vec<(Member, Place)> {
        let mut members = Vec::new();
        for (text, place) in self.texts("'members'", node) {
            let member = match text.split_once(':') {
                Some(("group", name)) if !name.is_empty() => Member::Group(name.into()),
                Some(("cert", name)) if !name.is_empty() => Member::Certificate(name.into()),
                Some((kind, _)) if nearest(kind, ["group", "cert"]).is_some() => {
                    let error = Diagnostic::error(place.clone(), format!("'{text}' is no member"));
                    self.found.push(error.help("a login, group:ROLE or cert:NAME"));
                    continue;
                }
                _ => Member::Login(text.into()),
            };
            members.push((member, place.clone()));
        }
        members
    }

    fn tables_list(&mut self, what: &str, node: &Node) -> Vec<(ObjectKey, Place)> {
        let texts = self.texts(what, node);
        texts.into_iter().filter_map(|(text, place)| Some((self.table_key(text, place)?, place.clone()))).collect()
    }

    fn rows(&mut self, node: &Node) -> Vec<RowsEntry> {
        let mut rows = Vec::new();
        for (key, value) in self.map("'rows'", node) {
            let name = self.table_key(&key.text, &key.place);
            let mut optional = false;
            let mut said = value;
            for (inner, value) in value.map().unwrap_or(&[]) {
                match inner.text.as_str() {
                    "where" => said = value,
                    "optional" => optional = self.flag("'optional'", value) == Some(true),
                    _ => {
                        self.known(inner, &["where", "optional"]);
                    }
                }
            }
            let sql = self.text("a condition of 'rows'", said);
            if let (Some(name), Some(sql)) = (name, sql) {
                self.condition(sql, &said.place);
                rows.push(RowsEntry { key: name, place: key.place.clone(), sql: sql.into(), optional });
            }
        }
        rows
    }

    fn date(&mut self, node: &Node) -> Option<jiff::civil::Date> {
        let text = node.text().unwrap_or("");
        let date = jiff::civil::Date::strptime("%Y-%m-%d", text).ok().filter(|_| text.len() == 10);
        if date.is_none() {
            self.found.push(Diagnostic::error(node.place.clone(), "'until' is a day").help("written 2027-06-30"));
        }
        date
    }

    fn statements(&mut self, node: &Node) -> crate::policy::profile::StatementRights {
        let words = STATEMENTS.map(|(word, _)| word);
        let items = self.list("'statements'", node);
        let words = items.iter().filter_map(|item| self.word("'statements'", item, &words)).collect::<Vec<_>>();
        STATEMENTS.iter().filter(|(word, _)| words.contains(word)).map(|(_, right)| *right).collect()
    }

    fn functions(&mut self, node: &Node) -> Vec<(FunctionKey, Place)> {
        let mut functions = Vec::new();
        for (text, place) in self.texts("'functions'", node) {
            if let Some(extension) = text.strip_prefix("extension:").filter(|e| !e.is_empty()) {
                functions.push((FunctionKey::Extension(extension.into()), place.clone()));
                continue;
            }
            let Some(key) = self.object_key(text, place) else { continue };
            if key.parts.len() == 2 && key.path.is_none() {
                functions.push((FunctionKey::Named(key), place.clone()));
            } else {
                let error = Diagnostic::error(place.clone(), format!("'{text}' is not the name of a function"));
                self.found.push(error.help("a function is named with its schema: public.price_of"));
            }
        }
        functions
    }
}
