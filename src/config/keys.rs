//! Every key of the configuration, once: its path, what it takes, its default. The file's reader, the environment's and the
//! reference are all made from this list, so none of them can forget a key.

/// A key of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its path, dots between the parts.
    pub path: &'static str,
    /// What it takes, for people.
    pub takes: &'static str,
    /// What holds where it is not given; empty for nothing.
    pub default: &'static str,
    /// It is a list, or one value.
    pub list: bool,
    /// It is a secret: from the environment alone, never from the file.
    pub secret: bool,
}

impl Key {
    /// Its variable: `PGSCRIM_` and the path in capitals.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.path.replace('.', "_").to_ascii_uppercase())
    }
}

/// What every variable of ours begins with.
pub(super) const PREFIX: &str = "PGSCRIM_";

/// Variables with this beginning are the keyring's own (`keys: { k2: { env: PGSCRIM_KEY_K2 } }`).
pub(super) const KEYRING_PREFIX: &str = "PGSCRIM_KEY_";

const fn key(path: &'static str, takes: &'static str, default: &'static str) -> Key {
    Key { path, takes, default, list: false, secret: false }
}

/// All keys, in the order of the reference.
#[must_use]
pub fn keys() -> &'static [Key] {
    KEYS
}

static KEYS: &[Key] = &[
    Key {
        path: "listen",
        takes: "host:port or a unix socket folder, or a list of them",
        default: "127.0.0.1:6432",
        list: true,
        secret: false,
    },
    key("upstream.host", "a host name, an address or a unix socket folder", "127.0.0.1"),
    key("upstream.port", "a port", "5432"),
    key("upstream.tls", "disable, prefer, require, verify-ca or verify-full", "prefer"),
    key("upstream.ca", "a file (PEM)", ""),
    key("upstream.cert", "a file (PEM)", ""),
    key("upstream.key", "a file (PEM)", ""),
    key("upstream.connect_timeout", "a duration", "10s"),
    key("policies", "a file or a folder", "policies/"),
    key("tls.cert", "a file (PEM)", ""),
    key("tls.key", "a file (PEM)", ""),
    key("tls.client_ca", "a file (PEM)", ""),
    key("tls.required", "true or false", "false"),
    key("auth.method", "auto, passthrough or scram", "auto"),
    key("auth.allow_trust", "true or false", "false"),
    key("auth.auth_query", "a query that gives the verifier of login $1", ""),
    key("auth.verifiers", "a file of verifiers", ""),
    key("catalog.user", "a login of the upstream", "pgscrim"),
    key("catalog.password_file", "a file", ""),
    Key { path: "catalog.password", takes: "a password, from the environment alone", default: "", list: false, secret: true },
    key("catalog.database", "a database", ""),
    key("catalog.refresh", "a duration", "1s"),
    key("catalog.max_age", "a duration", "60s"),
    key("admin.listen", "host:port, or off", "127.0.0.1:9187"),
    key("audit.file", "a file", "audit/audit.jsonl"),
    key("audit.durability", "batch or each", "batch"),
    key("audit.on_failure", "refuse or continue", "refuse"),
    key("audit.rotate", "a size, or off", "off"),
    key("audit.queue", "a number of records", "65536"),
    key("limits.statement", "a size", "16MiB"),
    key("limits.parse", "a size", "1MiB"),
    key("limits.masked_row", "a size", "16MiB"),
    key("limits.masked_rows", "a size", "256MiB"),
    key("limits.message", "a size", "256MiB"),
    key("limits.connections", "a number", "10000"),
    key("limits.plan_cache", "a size", "64MiB"),
    key("limits.login", "a duration", "60s"),
    key("limits.drain", "a duration", "30s"),
    key("keyring", "a file", ""),
    key("log.format", "text or json", "text"),
    key("log.level", "error, warn, info, debug or trace", "info"),
    key("threads", "a number, 0 for one a core", "0"),
];
