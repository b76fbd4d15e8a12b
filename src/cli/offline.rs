//! What `explain` and `check --against` need: configuration, policy and one database's catalog, read once.

use std::path::Path;
use std::sync::Arc;

use super::serve::read_config;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::server::run::read_database;
use crate::session::View;

/// One database as a session would see it.
#[derive(Debug)]
pub(super) struct Offline {
    pub(super) config: Config,
    catalog: Arc<Catalog>,
    database: crate::server::run::Database,
}

impl Offline {
    /// Reads everything; the error is a text for people.
    pub(super) fn read(file: &Path, database: Option<&str>) -> Result<Self, String> {
        let config = read_config(file)?;
        let Some(name) = database.or(config.catalog.database.as_deref()) else {
            return Err("error: which database? Give --database, or 'catalog.database' in the configuration".to_owned());
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| format!("error: {e}"))?;
        let database = runtime.block_on(read_database(&config, name)).map_err(|e| format!("error: {e}"))?;
        let catalog = database.catalog();
        Ok(Self { config, catalog, database })
    }

    /// What a login sees; `None` where it has no role.
    pub(super) fn view(&self, login: &str, certificate: Option<&str>) -> Option<Arc<View>> {
        self.database.view(login, certificate)
    }

    /// The schemas that a session of this login begins with.
    pub(super) fn search_path(&self, login: &str) -> Vec<Box<str>> {
        let contents = self.catalog.contents();
        let role = self.catalog.role(login).map(|r| r.oid);
        // The more special setting wins: role and database, role, database.
        let own = contents
            .settings
            .iter()
            .filter(|s| &*s.name == "search_path" && (s.role.0 == 0 || Some(s.role) == role))
            .max_by_key(|s| (s.role.0 != 0, s.database.0 != 0));
        let text = own.map_or(&*contents.search_path, |s| &*s.value);
        let mut path: Vec<Box<str>> = Vec::new();
        for word in text.split(',').map(|w| w.trim().trim_matches('"')) {
            let schema = if word == "$user" { login } else { word };
            if self.catalog.has_schema(schema) && !path.iter().any(|p| &**p == schema) {
                path.push(schema.into());
            }
        }
        if !path.iter().any(|p| &**p == "pg_catalog") {
            path.insert(0, "pg_catalog".into());
        }
        path
    }
}
