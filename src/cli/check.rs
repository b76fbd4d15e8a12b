//! `pgscrim check`: whether configuration and policies are right, by themselves and against a database.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use tokio_postgres::config::Host;

use crate::base::{Diagnostic, Diagnostics};
use crate::config::{Config, Durability};
use crate::server::run::{check_database, check_policies};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pgscrim check -c pgscrim.yaml\n  \
    pgscrim check -c pgscrim.yaml --against postgres://pgscrim@127.0.0.1:5432/shop --strict\n\n\
    Exit code 0: clean; 1: errors; 2: warnings only, with --strict.")]
pub(super) struct Check {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "pgscrim.yaml")]
    config: PathBuf,
    /// Also hold the policy against this database's catalog; a password comes from the configuration, not from here
    #[arg(long, value_name = "URL")]
    against: Option<String>,
    /// Warnings count
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(super) fn run(self) -> ExitCode {
        let found = match self.look() {
            Ok(found) => found,
            Err(text) => {
                eprintln!("{text}");
                return ExitCode::FAILURE;
            }
        };
        if !found.is_empty() {
            println!("{found}");
        }
        let errors = found.has_errors();
        let warnings = found.has_warnings() && !errors;
        println!(
            "{}",
            if errors {
                "not right"
            } else if warnings {
                "right, with warnings"
            } else {
                "right"
            }
        );
        match (errors, warnings && self.strict) {
            (true, _) => ExitCode::FAILURE,
            (false, true) => ExitCode::from(2),
            (false, false) => ExitCode::SUCCESS,
        }
    }

    fn look(&self) -> Result<Diagnostics, String> {
        let name = self.config.display().to_string();
        let text = std::fs::read_to_string(&self.config).map_err(|e| format!("error: '{name}' cannot be read: {}", e.kind()))?;
        let (mut config, mut found) = match Config::parse(&name, &text, std::env::vars()) {
            Ok(read) => read,
            Err(found) => return Ok(found),
        };
        if config.audit.durability == Durability::Batch {
            found.push(Diagnostic::note(
                None,
                "'audit.durability: batch' may lose the last 50 ms of the audit in a crash; 'each' loses nothing",
            ));
        }
        let Some(url) = &self.against else {
            found.0.extend(check_policies(&config).map_err(|e| format!("error: {e}"))?.0);
            return Ok(found);
        };
        let database = aim(&mut config, url)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| format!("error: {e}"))?;
        found.0.extend(runtime.block_on(check_database(&config, &database)).map_err(|e| format!("error: {e}"))?.0);
        Ok(found)
    }
}

/// Points a configuration at the server that a URL names, and gives the database.
fn aim(config: &mut Config, url: &str) -> Result<String, String> {
    // The driver's own words could repeat a password.
    let parsed = tokio_postgres::Config::from_str(url).map_err(|_| "error: --against takes postgres://user@host:port/database")?;
    if parsed.get_password().is_some() {
        return Err("error: a password in an argument is seen by everybody on this machine: use PGSCRIM_CATALOG_PASSWORD".to_owned());
    }
    match parsed.get_hosts().first() {
        Some(Host::Tcp(host)) => config.upstream.host.clone_from(host),
        Some(Host::Unix(folder)) => config.upstream.host = folder.display().to_string(),
        None => {}
    }
    if let Some(port) = parsed.get_ports().first() {
        config.upstream.port = *port;
    }
    if let Some(user) = parsed.get_user() {
        user.clone_into(&mut config.catalog.user);
    }
    let database = parsed.get_dbname().map(str::to_owned).or_else(|| config.catalog.database.clone());
    database.ok_or_else(|| "error: --against names no database".to_owned())
}
