//! The file and the environment laid over each other: for each key the value that holds and where it came from. Types are not
//! looked at here.

use std::collections::HashMap;

use crate::base::yaml::{self, Node, Value};
use crate::base::{Diagnostic, Diagnostics, Place, Secret};

use super::keys::{KEYRING_PREFIX, Key, PREFIX, keys};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The file.
    File(Place),
    /// This variable.
    Variable(String),
    /// Nobody gave one.
    Default,
}

impl Origin {
    /// An error about a value that came from here.
    pub(super) fn error(&self, message: impl Into<String>) -> Diagnostic {
        match self {
            Self::File(place) => Diagnostic::error(place.clone(), message),
            Self::Variable(name) => Diagnostic::error(None, format!("in the variable '{name}': {}", message.into())),
            Self::Default => Diagnostic::error(None, message),
        }
    }
}

/// A key's value before its type is looked at. One that is empty was set to nothing on purpose (`null`).
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) texts: Vec<String>,
    pub(super) origin: Origin,
}

/// What holds for each key that somebody gave.
#[derive(Debug, Default)]
pub(super) struct Layers {
    given: HashMap<&'static str, Given>,
    pub(super) secrets: HashMap<&'static str, Secret>,
}

impl Layers {
    pub(super) fn read(file: &str, text: &str, env: impl IntoIterator<Item = (String, String)>, found: &mut Diagnostics) -> Self {
        let mut layers = Self::default();
        match yaml::read(file, text) {
            Err(errors) => found.0.extend(errors.0),
            Ok(documents) => {
                if let Some(second) = documents.get(1) {
                    found.push(Diagnostic::error(second.place.clone(), "a configuration is one document"));
                }
                if let Some(root) = documents.first() {
                    layers.section("", root, found);
                }
            }
        }
        for (name, value) in env {
            layers.variable(name, value, found);
        }
        layers
    }

    /// What was given for a key.
    pub(super) fn get(&self, path: &str) -> Option<&Given> {
        self.given.get(path)
    }

    fn section(&mut self, prefix: &str, node: &Node, found: &mut Diagnostics) {
        let Some(entries) = node.map() else {
            if node.value != Value::Null {
                let name = if prefix.is_empty() { "a configuration".to_owned() } else { format!("'{prefix}'") };
                found.push(Diagnostic::error(node.place.clone(), format!("{name} is a mapping of keys, not {}", node.kind())));
            }
            return;
        };
        for (key, value) in entries {
            let path = if prefix.is_empty() { key.text.clone() } else { format!("{prefix}.{}", key.text) };
            if let Some(known) = keys().iter().find(|k| k.path == path) {
                self.leaf(known, value, &key.place, found);
            } else if keys().iter().any(|k| k.path.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('.'))) {
                self.section(&path, value, found);
            } else {
                found.push(Diagnostic::error(key.place.clone(), format!("no key '{path}'")).help_nearest(&key.text, children(prefix)));
            }
        }
    }

    fn leaf(&mut self, key: &'static Key, node: &Node, at: &Place, found: &mut Diagnostics) {
        if key.secret {
            let help = format!("put it into a file, or into the variable '{}'", key.variable());
            found.push(Diagnostic::error(at.clone(), format!("'{}' is a secret and does not stand in this file", key.path)).help(help));
            return;
        }
        let texts = match &node.value {
            Value::Null => Some(Vec::new()),
            Value::Text(text) => Some(vec![text.clone()]),
            Value::List(items) if key.list => items.iter().map(|i| i.text().map(str::to_owned)).collect(),
            Value::List(_) | Value::Map(_) => None,
        };
        match texts {
            Some(texts) => {
                self.given.insert(key.path, Given { texts, origin: Origin::File(node.place.clone()) });
            }
            None => found.push(Diagnostic::error(node.place.clone(), format!("'{}' takes {}, not {}", key.path, key.takes, node.kind()))),
        }
    }

    fn variable(&mut self, name: String, value: String, found: &mut Diagnostics) {
        if !name.starts_with(PREFIX) || name.starts_with(KEYRING_PREFIX) {
            return;
        }
        let Some(key) = keys().iter().find(|k| k.variable() == name) else {
            let known: Vec<String> = keys().iter().map(Key::variable).collect();
            let warning = Diagnostic::warning(None, format!("the variable '{name}' names no key of the configuration"));
            found.push(warning.help_nearest(&name, known.iter().map(String::as_str)));
            return;
        };
        if key.secret {
            self.secrets.insert(key.path, Secret::new(value.into_bytes()));
            return;
        }
        let texts = if key.list {
            value.split(',').map(|t| t.trim().to_owned()).filter(|t| !t.is_empty()).collect()
        } else if value.is_empty() {
            Vec::new()
        } else {
            vec![value]
        };
        self.given.insert(key.path, Given { texts, origin: Origin::Variable(name) });
    }
}

/// The next part of every path below a prefix.
fn children(prefix: &str) -> impl Iterator<Item = &'static str> {
    keys().iter().filter_map(move |k| {
        let rest = if prefix.is_empty() { k.path } else { k.path.strip_prefix(prefix)?.strip_prefix('.')? };
        rest.split('.').next()
    })
}
