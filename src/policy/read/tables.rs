//! `tables`: which columns hold which class.

use super::Reader;
use crate::base::yaml::{Key, Node, Value};
use crate::base::{Diagnostic, Place};
use crate::policy::key::ObjectKey;
use crate::policy::model::{ColumnEntry, TableEntry};

impl Reader<'_> {
    pub(super) fn tables(&mut self, node: &Node) -> Vec<TableEntry> {
        let mut tables = Vec::new();
        for (key, value) in self.map("'tables'", node) {
            let Some(name) = self.table_key(&key.text, &key.place) else { continue };
            let mut entry = TableEntry { key: name, place: key.place.clone(), subject: None, columns: Vec::new(), optional: false };
            self.table(&mut entry, value);
            tables.push(entry);
        }
        tables
    }

    /// `schema.table`, with patterns.
    pub(super) fn table_key(&mut self, text: &str, place: &Place) -> Option<ObjectKey> {
        let key = self.object_key(text, place)?;
        if key.parts.len() != 2 || key.path.is_some() {
            let error = Diagnostic::error(place.clone(), format!("'{text}' is not the name of a table"));
            self.found.push(error.help("a table is named with its schema: public.users"));
            return None;
        }
        self.not_system(&key, place).then_some(key)
    }

    pub(super) fn object_key(&mut self, text: &str, place: &Place) -> Option<ObjectKey> {
        match ObjectKey::parse(text) {
            Ok(key) => Some(key),
            Err(problem) => {
                self.error(place, format!("'{text}' is not a name: {problem}"));
                None
            }
        }
    }

    /// The system's own relations are classified by the shipped file, which a policy cannot change.
    pub(super) fn not_system(&mut self, key: &ObjectKey, place: &Place) -> bool {
        let system = key.parts.first().and_then(|p| p.exact()).filter(|s| crate::catalog::is_system_schema(s));
        if let Some(schema) = system {
            let error = Diagnostic::error(place.clone(), format!("relations of '{schema}' have no entries in a policy"));
            self.found.push(error.help("the classification of the system catalog comes with pgscrim"));
        }
        system.is_none()
    }

    fn table(&mut self, entry: &mut TableEntry, node: &Node) {
        for (key, value) in self.map("a table", node) {
            match key.text.as_str() {
                "subject" => {
                    if let Some(text) = self.text("'subject'", value) {
                        entry.subject = self.column_key(text, &value.place).map(|key| (key, value.place.clone()));
                    }
                }
                "columns" => {
                    for (key, value) in self.map("'columns'", value) {
                        entry.columns.extend(self.column(key, value));
                    }
                }
                "optional" => entry.optional = self.flag("'optional'", value) == Some(true),
                _ => {
                    self.known(key, &["subject", "columns", "optional"]);
                }
            }
        }
    }

    fn column_key(&mut self, text: &str, place: &Place) -> Option<ObjectKey> {
        self.object_key(text, place)
    }

    /// `column: class`, or `column: { class: …, optional: true }`.
    fn column(&mut self, key: &Key, node: &Node) -> Option<ColumnEntry> {
        let name = self.column_key(&key.text, &key.place)?;
        let mut optional = false;
        let mut class = None;
        if let Value::Map(entries) = &node.value {
            for (key, value) in entries {
                match key.text.as_str() {
                    "class" => class = Some(value),
                    "optional" => optional = self.flag("'optional'", value) == Some(true),
                    _ => {
                        self.known(key, &["class", "optional"]);
                    }
                }
            }
        } else {
            class = Some(node);
        }
        let Some(class) = class else {
            self.error(&node.place, format!("column '{}' has no 'class'", key.text));
            return None;
        };
        let text = self.text("a column's class", class)?;
        let class = self.class_name(text, &class.place)?;
        Some(ColumnEntry { key: name, place: key.place.clone(), class, optional })
    }
}
