//! Defaults that may read what is veiled: rows that take one are refused, which an application finds out late.

use std::collections::BTreeMap;

use super::Examined;
use crate::base::Diagnostic;

impl Examined<'_> {
    pub(super) fn defaults(&mut self) {
        let mut roles: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for alone in &self.roles {
            for (oid, columns) in &alone.profile.raw_defaults {
                let Some(relation) = self.catalog.relation(*oid) else { continue };
                for column in columns.iter().filter_map(|number| relation.column_number(*number)) {
                    roles.entry(format!("{}.{}", relation.name, column.name)).or_default().push(&alone.role.name);
                }
            }
        }
        for (column, roles) in roles {
            let message =
                format!("the default of '{column}' may read what is veiled: rows that take it are refused ({})", roles.join(", "));
            let help = "name its function under 'functions' if it is SECURITY DEFINER or not in SQL, or have the column given a value";
            self.say(Diagnostic::warning(None, message).help(help));
        }
    }
}
