//! From a merged tree to a [`Model`]: every key is known or an error, every value has the form that its key wants. What the
//! names in it mean in a database is not looked at here.

mod masks;
mod roles;
mod rules;
mod tables;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::document::Tree;
use super::model::{Class, Model};
use super::profile::ClassName;
use crate::base::yaml::{Key, Node, Value};
use crate::base::{Diagnostic, Diagnostics, Place};

use masks::Masks;

/// The keys at the top of a document.
const ROOT: [&str; 7] = ["version", "database", "classes", "tables", "masks", "roles", "defaults"];

/// Reads a merged tree.
pub(super) fn model(tree: Tree, found: &mut Diagnostics) -> Model {
    let mut reader = Reader { found, classes: Vec::new(), roots: Vec::new(), masks: Masks::default(), unclassified_deny: false };
    let mut model = Model::default();
    let entries: HashMap<String, Node> =
        tree.into_entries().into_iter().filter(|(key, _)| reader.known(key, &ROOT)).map(|(k, n)| (k.text, n)).collect();
    if let Some(node) = entries.get("classes") {
        model.classes = reader.classes(node);
        reader.classes = model.classes.keys().cloned().collect();
    }
    if let Some(node) = entries.get("masks") {
        reader.masks(node);
    }
    let default_role = entries.get("defaults").and_then(|node| reader.defaults(node, &mut model));
    if let Some(node) = entries.get("tables") {
        model.tables = reader.tables(node);
    }
    reader.roots = model.tables.iter().filter_map(|t| Some(t.key.parts.first()?.to_string())).collect();
    if let Some(node) = entries.get("roles") {
        model.roles = reader.roles(node);
    }
    if let Some((name, place)) = default_role {
        model.default_role = model.roles.iter().position(|r| *r.name == *name);
        if model.default_role.is_none() {
            let error = Diagnostic::error(place, format!("no role '{name}' stands in the policy"));
            reader.found.push(error.help_nearest(&name, model.roles.iter().map(|r| &*r.name)));
        }
    }
    model
}

/// What reading a part needs of the parts read before.
struct Reader<'a> {
    found: &'a mut Diagnostics,
    /// The defined classes.
    classes: Vec<ClassName>,
    /// Schemas (or patterns of them) that entries of `tables` name.
    roots: Vec<String>,
    masks: Masks,
    /// `defaults.unclassified`.
    unclassified_deny: bool,
}

impl Reader<'_> {
    fn error(&mut self, place: &Place, message: impl Into<String>) {
        self.found.push(Diagnostic::error(place.clone(), message));
    }

    /// Whether a key is one of those; else an error with the nearest.
    fn known(&mut self, key: &Key, known: &[&str]) -> bool {
        let is = known.contains(&key.text.as_str());
        if !is {
            let error = Diagnostic::error(key.place.clone(), format!("unknown key '{}'", key.text));
            let near = crate::base::nearest(&key.text, known.iter().copied()).is_some();
            let error = if near { error.help_nearest(&key.text, known.iter().copied()) } else { error.help(one_of(known)) };
            self.found.push(error);
        }
        is
    }

    /// The entries of a mapping; nothing is an empty one, all else an error.
    fn map<'n>(&mut self, what: &str, node: &'n Node) -> &'n [(Key, Node)] {
        match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            Value::Text(_) | Value::List(_) => {
                self.error(&node.place, format!("{what} is a mapping, not {}", node.kind()));
                &[]
            }
        }
    }

    /// The items of a list; nothing is an empty one.
    fn list<'n>(&mut self, what: &str, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(items) => items,
            Value::Null => &[],
            Value::Text(_) | Value::Map(_) => {
                let error = Diagnostic::error(node.place.clone(), format!("{what} is a list, not {}", node.kind()));
                self.found.push(error.help("write it as [a, b]"));
                &[]
            }
        }
    }

    /// A text that is not empty.
    fn text<'n>(&mut self, what: &str, node: &'n Node) -> Option<&'n str> {
        let text = node.text().filter(|t| !t.trim().is_empty());
        if text.is_none() {
            let kind = if node.text().is_some() { "an empty one" } else { node.kind() };
            self.error(&node.place, format!("{what} is a text, not {kind}"));
        }
        text
    }

    fn flag(&mut self, what: &str, node: &Node) -> Option<bool> {
        match node.text() {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => {
                self.error(&node.place, format!("{what} is true or false"));
                None
            }
        }
    }

    /// A word of a few.
    fn word<'w>(&mut self, what: &str, node: &Node, words: &[&'w str]) -> Option<&'w str> {
        let got = node.text().unwrap_or("");
        let word = words.iter().copied().find(|w| *w == got);
        if word.is_none() {
            let message = if got.is_empty() { format!("{what} is a word") } else { format!("{what} cannot be '{got}'") };
            self.found.push(Diagnostic::error(node.place.clone(), message).help(one_of(words)));
        }
        word
    }

    fn classes(&mut self, node: &Node) -> std::collections::BTreeMap<ClassName, Class> {
        let mut classes = std::collections::BTreeMap::new();
        for (key, value) in self.map("'classes'", node) {
            let well_formed = key.text.split('.').all(|p| !p.is_empty() && p.chars().all(|c| c.is_alphanumeric() || "_-".contains(c)));
            if !well_formed {
                let error = Diagnostic::error(key.place.clone(), format!("'{}' is no name for a class", key.text));
                self.found.push(error.help("letters, digits, '_' and '-', with dots between levels: personal.contact"));
                continue;
            }
            let class = self.class(value);
            classes.insert(Arc::from(key.text.as_str()), class);
        }
        classes
    }

    fn class(&mut self, node: &Node) -> Class {
        let mut class = Class::default();
        for (key, value) in self.map("a class", node) {
            match key.text.as_str() {
                "level" => {
                    class.level = value.text().and_then(|t| t.parse().ok());
                    if class.level.is_none() {
                        self.error(&value.place, "'level' is a whole number from 0 to 255");
                    }
                }
                "about" => class.about = self.text("'about'", value).map(Into::into),
                _ => {
                    self.known(key, &["level", "about"]);
                }
            }
        }
        class
    }

    /// Gives the default role's name and place.
    fn defaults(&mut self, node: &Node, model: &mut Model) -> Option<(Box<str>, Place)> {
        let mut role = None;
        for (key, value) in self.map("'defaults'", node) {
            match key.text.as_str() {
                "role" if value.value == Value::Null => {}
                "role" => role = self.text("'role'", value).map(|name| (name.into(), value.place.clone())),
                "unclassified" => self.unclassified_deny = self.word("'unclassified'", value, &["allow", "deny"]) == Some("deny"),
                "timezone" => {
                    if let Some(zone) = self.time_zone(value) {
                        model.time_zone = zone;
                    }
                }
                _ => {
                    self.known(key, &["role", "unclassified", "timezone"]);
                }
            }
        }
        role
    }

    fn time_zone(&mut self, node: &Node) -> Option<TimeZone> {
        static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
        let name = self.text("'timezone'", node)?;
        let zone = ZONES.get(name).ok();
        if zone.is_none() {
            let error = Diagnostic::error(node.place.clone(), format!("no time zone '{name}' is known"));
            self.found.push(error.help("a name of the IANA database: UTC, Europe/Berlin, Asia/Shanghai"));
        }
        zone
    }

    /// A defined class.
    fn class_name(&mut self, text: &str, place: &Place) -> Option<ClassName> {
        let class = self.classes.iter().find(|c| ***c == *text).cloned();
        if class.is_none() {
            let error = Diagnostic::error(place.clone(), format!("no class '{text}' stands under 'classes'"));
            self.found.push(error.help_nearest(text, self.classes.iter().map(|c| &**c)));
        }
        class
    }
}

fn one_of(words: &[&str]) -> String {
    format!("one of {}", words.join(", "))
}
