//! The configuration: `pgscrim.yaml` and its environment overrides, checked, with a typed value for every key. Nothing is read
//! here: the text and the environment come in as arguments. What the keys mean stands in `docs/configuration.md`.

mod keys;
mod layers;
mod typed;
mod units;

use std::path::PathBuf;
use std::time::Duration;

use crate::base::{Diagnostics, Secret};

pub use keys::{Key, keys};
pub use units::{parse_duration, parse_size};

/// Where clients connect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Listen {
    /// `host:port`, to be resolved; an IPv6 address stands in brackets.
    Tcp(String),
    /// A unix socket `.s.PGSQL.<port>` in a folder.
    Unix {
        /// The folder.
        folder: PathBuf,
        /// The number in the socket's name: that of the first TCP address, else 6432.
        port: u16,
    },
}

/// How the link to the upstream is protected, as libpq's `sslmode` means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// Never TLS.
    Disable,
    /// TLS where the server offers it, nothing verified.
    Prefer,
    /// TLS or nothing; verified only where `upstream.ca` stands (as libpq does with a root certificate).
    Require,
    /// The chain is verified against `upstream.ca`.
    VerifyCa,
    /// The chain and the host name are verified.
    VerifyFull,
}

/// The PostgreSQL server behind the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// A name, an address, or the folder of a unix socket (it begins with `/`).
    pub host: String,
    /// The port.
    pub port: u16,
    /// The link's protection.
    pub tls: TlsMode,
    /// Certificates of the authorities that the server's must come from (PEM).
    pub ca: Option<PathBuf>,
    /// A certificate that the proxy shows to the server (PEM).
    pub cert: Option<PathBuf>,
    /// Its key (PEM).
    pub key: Option<PathBuf>,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
}

/// TLS towards clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain (PEM).
    pub cert: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// Authorities of client certificates (PEM). A certificate is asked for where it stands.
    pub client_ca: Option<PathBuf>,
    /// Connections without TLS are refused, unix sockets apart.
    pub required: bool,
}

/// How clients log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthMethod {
    /// Whichever works.
    Auto,
    /// The exchange is relayed to the server.
    Passthrough,
    /// The proxy checks SCRAM itself and logs in as that user.
    Scram,
}

/// Authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// How.
    pub method: AuthMethod,
    /// A server that lets a user in without a challenge is accepted.
    pub allow_trust: bool,
    /// A query for the SCRAM verifier of user `$1`, run on the catalog login; `None` reads `pg_catalog.pg_authid`.
    pub auth_query: Option<String>,
    /// A file of verifiers: lines of `"user" "SCRAM-SHA-256$…"`, read in the place of a query.
    pub verifiers: Option<PathBuf>,
}

/// The login that reads the upstream's catalogs.
#[derive(Clone, Debug)]
pub struct CatalogLogin {
    /// Its name.
    pub user: String,
    /// The file that holds its password.
    pub password_file: Option<PathBuf>,
    /// Its password, where the environment gives it (`PGSCRIM_CATALOG_PASSWORD`).
    pub password: Option<Secret>,
    /// A database that is loaded at the start, before a client asks for it.
    pub database: Option<String>,
    /// How often the catalog is looked at.
    pub refresh: Duration,
    /// The age from which on governed statements are refused.
    pub max_age: Duration,
}

/// The HTTP listener of `/metrics`, `/healthz` and `/readyz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// `host:port`; `None` for no listener (`listen: null`, or `off`).
    pub listen: Option<String>,
    /// The address was asked for. The default one may be taken already: that is worth a warning, not the end of a start.
    pub explicit: bool,
}

/// When the client hears of the end of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Durability {
    /// Records are synced in lots; a crash may lose the last 50 ms.
    Batch,
    /// After its record is on disk.
    Each,
}

/// What happens where the audit cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// Governed and unrestricted statements are refused (58030).
    Refuse,
    /// Statements run on, and a metric counts.
    Continue,
}

/// The audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The file.
    pub file: PathBuf,
    /// When it is synced.
    pub durability: Durability,
    /// What a failure does.
    pub on_failure: OnFailure,
    /// The size in bytes at which a new file is begun; `None` never.
    pub rotate: Option<u64>,
    /// How many records may wait to be written.
    pub queue: usize,
}

/// Limits; sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest statement of a governed session, literals included.
    pub statement: u64,
    /// The longest statement that is parsed (governed sessions).
    pub parse: u64,
    /// The largest row that is masked.
    pub masked_row: u64,
    /// All rows that are held to be masked, over all sessions.
    pub masked_rows: u64,
    /// The largest message of a client that passes.
    pub message: u64,
    /// Client connections at a time.
    pub connections: usize,
    /// The plan cache, over all sessions.
    pub plan_cache: u64,
    /// How long a log-in may take.
    pub login: Duration,
    /// How long sessions may run on after SIGTERM.
    pub drain: Duration,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What deserves a look.
    Warn,
    /// Starts, stops, reloads.
    Info,
    /// Sessions.
    Debug,
    /// Messages, by their kind.
    Trace,
}

/// The proxy's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its form.
    pub format: LogFormat,
    /// What is in it.
    pub level: LogLevel,
}

/// The whole configuration. Paths are joined to the folder of the file that they stand in.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients connect; never empty.
    pub listen: Vec<Listen>,
    /// The server.
    pub upstream: Upstream,
    /// The policy: a file, or a folder of `*.yaml`.
    pub policies: PathBuf,
    /// TLS towards clients.
    pub tls: Option<Tls>,
    /// Log-in.
    pub auth: Auth,
    /// The catalog login.
    pub catalog: CatalogLogin,
    /// The HTTP listener.
    pub admin: Admin,
    /// The audit log.
    pub audit: Audit,
    /// Limits.
    pub limits: Limits,
    /// The keyring's file.
    pub keyring: Option<PathBuf>,
    /// The proxy's own log.
    pub log: Log,
    /// Threads that run sessions; 0 for one a core.
    pub threads: usize,
}

impl Config {
    /// Whether a log-in can be in TLS on both sides.
    #[must_use]
    pub fn both_sides_may_use_tls(&self) -> bool {
        let tcp = self.listen.iter().any(|l| matches!(l, Listen::Tcp(_)));
        self.tls.is_some() && tcp && self.upstream.tls != TlsMode::Disable && !self.upstream.host.starts_with('/')
    }

    /// Whether every log-in over TCP is in TLS on both sides.
    #[must_use]
    pub fn both_sides_need_tls(&self) -> bool {
        let required = self.tls.as_ref().is_some_and(|t| t.required);
        self.both_sides_may_use_tls() && required && self.upstream.tls != TlsMode::Prefer
    }

    /// Reads a configuration. `file` is its name as the person gave it: places show it, and relative paths start in its folder.
    /// `env` is the environment; only names that begin with `PGSCRIM_` are looked at, and they outrank the file.
    ///
    /// # Errors
    /// All that is wrong with it; warnings alone come with the configuration.
    pub fn parse(file: &str, text: &str, env: impl IntoIterator<Item = (String, String)>) -> Result<(Self, Diagnostics), Diagnostics> {
        let mut found = Diagnostics::default();
        let layers = layers::Layers::read(file, text, env, &mut found);
        let config = typed::build(file, layers, &mut found);
        match config {
            Some(config) if !found.has_errors() => Ok((config, found)),
            _ => Err(found),
        }
    }
}

#[cfg(test)]
mod tests;
