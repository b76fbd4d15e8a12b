//! From texts to one tree for each database: documents are read in order and merged key by key, where keys that mean the same
//! table or column are the same key. What the keys mean is read in `model`.

use std::collections::HashMap;

use crate::base::yaml::{self, Key, Node, Value};
use crate::base::{Diagnostic, Diagnostics, Place};

use super::key::ObjectKey;

/// The version of the language that is read.
const VERSION: &str = "1";

/// A document, before it is merged with others.
#[derive(Debug)]
pub(crate) struct Document {
    /// The database that it holds for; `None` for all.
    pub(crate) database: Option<Box<str>>,
    entries: Vec<(Key, Node)>,
}

/// Reads every document of the files, in the order given.
pub(crate) fn read(files: &[(String, String)], found: &mut Diagnostics) -> Vec<Document> {
    let mut documents = Vec::new();
    let mut first = None;
    let mut versioned = false;
    for (file, text) in files {
        match yaml::read(file, text) {
            Err(errors) => found.0.extend(errors.0),
            Ok(nodes) => {
                for node in nodes {
                    first.get_or_insert_with(|| node.place.clone());
                    documents.extend(document(node, &mut versioned, found));
                }
            }
        }
    }
    if let (Some(place), false) = (first, versioned || found.has_errors()) {
        found.push(Diagnostic::warning(place, "no 'version' stands in the policy").help(format!("begin it with 'version: {VERSION}'")));
    }
    documents
}

fn document(node: Node, versioned: &mut bool, found: &mut Diagnostics) -> Option<Document> {
    let kind = node.kind();
    let Value::Map(entries) = node.value else {
        found.push(Diagnostic::error(node.place, format!("a policy is a mapping of keys, not {kind}")));
        return None;
    };
    let mut document = Document { database: None, entries: Vec::new() };
    for (key, value) in entries {
        match key.text.as_str() {
            "version" => {
                *versioned = true;
                if value.text() != Some(VERSION) {
                    let help = format!("this pgscrim reads version {VERSION}");
                    found.push(Diagnostic::error(value.place, "this version of the policy language is not known").help(help));
                }
            }
            "database" => match value.text().filter(|t| !t.is_empty()) {
                Some(name) => document.database = Some(name.into()),
                None => found.push(Diagnostic::error(value.place.clone(), format!("'database' takes a name, not {}", value.kind()))),
            },
            _ => document.entries.push((key, value)),
        }
    }
    Some(document)
}

/// What holds for one database: the documents for all and those that name it. `None` leaves out every document that names one.
pub(crate) fn merge(documents: &[Document], database: Option<&str>, found: &mut Diagnostics) -> Tree {
    let mut tree = Tree::default();
    for document in documents {
        if document.database.is_none() || document.database.as_deref() == database {
            tree.add(Level::Root, "", &document.entries, found);
        }
    }
    tree
}

/// Where in the language a mapping stands: it decides which keys are the same, and whether a value is merged or is a leaf.
#[derive(Clone, Copy)]
enum Level {
    Root,
    /// Keys are tables.
    Tables,
    Table,
    /// Keys are columns.
    Columns,
    Roles,
    Role,
    /// Keys are classes, tables or columns; each value is a leaf.
    Rules,
    Classes,
    /// Each value is a leaf.
    Plain,
}

impl Level {
    /// The level of the mapping under a key; `None` for a leaf.
    fn below(self, key: &str) -> Option<Self> {
        match (self, key) {
            (Self::Root, "tables") => Some(Self::Tables),
            (Self::Root, "roles") => Some(Self::Roles),
            (Self::Root, "classes") => Some(Self::Classes),
            (Self::Root, "masks" | "defaults") | (Self::Classes, _) => Some(Self::Plain),
            (Self::Tables, _) => Some(Self::Table),
            (Self::Table, "columns") => Some(Self::Columns),
            (Self::Roles, _) => Some(Self::Role),
            (Self::Role, "read" | "write" | "rows") => Some(Self::Rules),
            (Self::Root | Self::Table | Self::Role | Self::Columns | Self::Rules | Self::Plain, _) => None,
        }
    }

    /// One spelling for every key that means the same.
    fn canonical(self, key: &str) -> String {
        match self {
            Self::Tables | Self::Columns | Self::Rules => ObjectKey::parse(key).map_or_else(|_| key.to_owned(), |k| k.to_string()),
            Self::Root | Self::Table | Self::Roles | Self::Role | Self::Classes | Self::Plain => key.to_owned(),
        }
    }
}

/// A merged mapping.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    entries: Vec<Branch>,
    index: HashMap<String, usize>,
}

#[derive(Debug)]
struct Branch {
    key: Key,
    value: Node,
    /// The merged mapping, where the value is one; its entries go into `value` at the end.
    below: Option<Tree>,
}

impl Tree {
    fn add(&mut self, level: Level, path: &str, entries: &[(Key, Node)], found: &mut Diagnostics) {
        for (key, value) in entries {
            let canonical = level.canonical(&key.text);
            let name = if path.is_empty() { canonical.clone() } else { format!("{path}: {canonical}") };
            let at = *self.index.entry(canonical.clone()).or_insert(self.entries.len());
            let below = level.below(&canonical).filter(|_| matches!(value.value, Value::Map(_) | Value::Null));
            let Some(branch) = self.entries.get_mut(at) else {
                let mut branch = Branch { key: key.clone(), value: value.clone(), below: below.map(|_| Self::default()) };
                branch.add_below(below, &name, value, found);
                self.entries.push(branch);
                continue;
            };
            if below.is_some() && branch.below.is_some() {
                branch.add_below(below, &name, value, found);
            } else {
                found.push(twice(&name, &key.place, &branch.key.place));
            }
        }
    }

    /// The merged entries, in the order in which their keys came first.
    pub(crate) fn into_entries(self) -> Vec<(Key, Node)> {
        self.entries.into_iter().map(Branch::into_entry).collect()
    }
}

impl Branch {
    fn add_below(&mut self, level: Option<Level>, name: &str, value: &Node, found: &mut Diagnostics) {
        if let (Some(level), Some(tree), Some(entries)) = (level, &mut self.below, value.map()) {
            tree.add(level, name, entries, found);
        }
    }

    fn into_entry(self) -> (Key, Node) {
        let Self { key, value: Node { place, value }, below } = self;
        let value = match below.map(Tree::into_entries) {
            Some(entries) if !entries.is_empty() => Value::Map(entries),
            _ => value,
        };
        (key, Node { place, value })
    }
}

fn twice(name: &str, second: &Place, first: &Place) -> Diagnostic {
    Diagnostic::error(second.clone(), format!("'{name}' stands twice")).label(first.clone(), "first here")
}

#[cfg(test)]
mod tests;
