//! From given texts to typed values: each key's own type, then what must hold between keys.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::base::{Diagnostic, Diagnostics, nearest};

use super::keys::{Key, keys};
use super::layers::{Given, Layers, Origin};
use super::units::{parse_duration, parse_size};
use super::{
    Admin, Audit, Auth, AuthMethod, CatalogLogin, Config, Durability, Limits, Listen, Log, LogFormat, LogLevel, OnFailure, Tls, TlsMode,
    Upstream,
};

const DEFAULT_PORT: u16 = 6432;

/// Builds the configuration; `None` where a value that it cannot do without is wrong (then `found` says so).
pub(super) fn build(file: &str, mut layers: Layers, found: &mut Diagnostics) -> Option<Config> {
    let password = layers.secrets.remove("catalog.password");
    let folder = Path::new(file).parent().unwrap_or_else(|| Path::new("")).to_owned();
    let mut r = Reader { layers, folder, found };
    let config = (|| {
        Some(Config {
            listen: r.listen()?,
            upstream: r.upstream()?,
            policies: r.path("policies")?,
            tls: r.tls(),
            auth: r.auth()?,
            catalog: CatalogLogin { password, ..r.catalog()? },
            admin: r.admin()?,
            audit: r.audit()?,
            limits: r.limits()?,
            keyring: r.path("keyring"),
            log: r.log()?,
            threads: r.number("threads")?,
        })
    })();
    if let Some(config) = &config {
        r.check(config);
    }
    config
}

struct Reader<'a> {
    layers: Layers,
    folder: PathBuf,
    found: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn upstream(&mut self) -> Option<Upstream> {
        let modes = [
            ("disable", TlsMode::Disable),
            ("prefer", TlsMode::Prefer),
            ("require", TlsMode::Require),
            ("verify-ca", TlsMode::VerifyCa),
            ("verify-full", TlsMode::VerifyFull),
        ];
        Some(Upstream {
            host: self.word("upstream.host")?,
            port: self.number("upstream.port")?,
            tls: self.choice("upstream.tls", &modes)?,
            ca: self.path("upstream.ca"),
            cert: self.path("upstream.cert"),
            key: self.path("upstream.key"),
            connect_timeout: self.duration("upstream.connect_timeout")?,
        })
    }

    fn tls(&mut self) -> Option<Tls> {
        let required = self.truth("tls.required")?;
        match (self.path("tls.cert"), self.path("tls.key")) {
            (Some(cert), Some(key)) => Some(Tls { cert, key, client_ca: self.path("tls.client_ca"), required }),
            (None, None) if !required && self.path("tls.client_ca").is_none() => None,
            (cert, _) => {
                let missing = if cert.is_none() { "tls.cert" } else { "tls.key" };
                let origin = ["tls.cert", "tls.key", "tls.required", "tls.client_ca"].iter().find_map(|p| self.layers.get(p));
                let origin = origin.map_or(Origin::Default, |g| g.origin.clone());
                self.found.push(origin.error(format!("'tls' needs '{missing}'")));
                None
            }
        }
    }

    fn auth(&mut self) -> Option<Auth> {
        let methods = [("auto", AuthMethod::Auto), ("passthrough", AuthMethod::Passthrough), ("scram", AuthMethod::Scram)];
        Some(Auth {
            method: self.choice("auth.method", &methods)?,
            allow_trust: self.truth("auth.allow_trust")?,
            auth_query: self.word("auth.auth_query"),
            verifiers: self.path("auth.verifiers"),
        })
    }

    fn catalog(&mut self) -> Option<CatalogLogin> {
        Some(CatalogLogin {
            user: self.word("catalog.user")?,
            password_file: self.path("catalog.password_file"),
            password: None,
            database: self.word("catalog.database"),
            refresh: self.duration("catalog.refresh")?,
            max_age: self.duration("catalog.max_age")?,
        })
    }

    fn admin(&mut self) -> Option<Admin> {
        let Given { texts, origin } = self.given("admin.listen")?;
        let explicit = origin != Origin::Default;
        let listen = match texts.first().map(String::as_str) {
            None | Some("off") => None,
            Some(text) => Some(self.address("admin.listen", text, &origin)?.0),
        };
        Some(Admin { listen, explicit })
    }

    fn audit(&mut self) -> Option<Audit> {
        Some(Audit {
            file: self.path("audit.file")?,
            durability: self.choice("audit.durability", &[("batch", Durability::Batch), ("each", Durability::Each)])?,
            on_failure: self.choice("audit.on_failure", &[("refuse", OnFailure::Refuse), ("continue", OnFailure::Continue)])?,
            rotate: self.parsed("audit.rotate", |t| if t == "off" { Some(None) } else { parse_size(t).filter(|n| *n > 0).map(Some) })?,
            queue: self.parsed("audit.queue", |t| usize::from_str(t).ok().filter(|n| *n > 0))?,
        })
    }

    fn limits(&mut self) -> Option<Limits> {
        Some(Limits {
            statement: self.size("limits.statement")?,
            parse: self.size("limits.parse")?,
            masked_row: self.size("limits.masked_row")?,
            masked_rows: self.size("limits.masked_rows")?,
            message: self.size("limits.message")?,
            connections: self.parsed("limits.connections", |t| usize::from_str(t).ok().filter(|n| *n > 0))?,
            plan_cache: self.size("limits.plan_cache")?,
            login: self.duration("limits.login")?,
            drain: self.duration("limits.drain")?,
        })
    }

    fn log(&mut self) -> Option<Log> {
        let levels = [
            ("error", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("info", LogLevel::Info),
            ("debug", LogLevel::Debug),
            ("trace", LogLevel::Trace),
        ];
        Some(Log {
            format: self.choice("log.format", &[("text", LogFormat::Text), ("json", LogFormat::Json)])?,
            level: self.choice("log.level", &levels)?,
        })
    }

    fn listen(&mut self) -> Option<Vec<Listen>> {
        let Given { texts, origin } = self.given("listen")?;
        if texts.is_empty() {
            self.found.push(origin.error("'listen' takes at least one address"));
            return None;
        }
        let mut tcp = Vec::new();
        let mut out = Vec::new();
        for text in &texts {
            if is_folder(text) {
                out.push(Listen::Unix { folder: self.join(text), port: DEFAULT_PORT });
            } else {
                let (address, port) = self.address("listen", text, &origin)?;
                tcp.push(port);
                out.push(Listen::Tcp(address));
            }
        }
        if let Some(first) = tcp.first() {
            for listen in &mut out {
                if let Listen::Unix { port, .. } = listen {
                    *port = *first;
                }
            }
        }
        Some(out)
    }

    /// `host:port`, `[v6]:port`, `*:port` or `:port` (every address), `host` (the default port).
    fn address(&mut self, path: &str, text: &str, origin: &Origin) -> Option<(String, u16)> {
        let bare_v6 = text.matches(':').count() > 1 && !text.starts_with('[');
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !bare_v6 && !port.ends_with(']') => (host, port.parse().ok()),
            _ => (text, (path == "listen").then_some(DEFAULT_PORT)),
        };
        let host = if host.is_empty() || host == "*" { "0.0.0.0" } else { host };
        match port {
            Some(port) if bare_v6 => Some((format!("[{host}]:{port}"), port)),
            Some(port) if !host.contains(char::is_whitespace) => Some((format!("{host}:{port}"), port)),
            _ => {
                self.found
                    .push(origin.error(format!("'{text}' is not an address for '{path}'")).help("write host:port, as 127.0.0.1:6432"));
                None
            }
        }
    }

    /// What must hold between keys.
    fn check(&mut self, config: &Config) {
        if matches!(config.upstream.tls, TlsMode::VerifyCa | TlsMode::VerifyFull) && config.upstream.ca.is_none() {
            self.complain("upstream.tls", "verifying the server's certificate needs 'upstream.ca'");
        }
        if config.upstream.cert.is_some() != config.upstream.key.is_some() {
            let path = if config.upstream.cert.is_some() { "upstream.cert" } else { "upstream.key" };
            self.complain(path, "'upstream.cert' and 'upstream.key' stand together");
        }
        self.check_auth(config);
        if config.limits.parse > config.limits.statement {
            self.complain("limits.parse", "'limits.parse' is larger than 'limits.statement'");
        }
        if config.limits.masked_row > config.limits.masked_rows {
            self.complain("limits.masked_row", "'limits.masked_row' is larger than 'limits.masked_rows', the budget of all sessions");
        }
        if config.catalog.refresh.is_zero() {
            self.complain("catalog.refresh", "'catalog.refresh' is at least 1ms");
        }
        if config.catalog.refresh > config.catalog.max_age {
            self.complain("catalog.max_age", "'catalog.max_age' is shorter than 'catalog.refresh': every statement would be refused");
        }
        if config.catalog.password.is_some() && config.catalog.password_file.is_some() {
            let warning = "the catalog login's password is given twice: the variable 'PGSCRIM_CATALOG_PASSWORD' holds";
            self.found.push(Diagnostic::warning(None, warning));
        }
    }

    /// Ways to log in that cannot work.
    fn check_auth(&mut self, config: &Config) {
        let Auth { method, allow_trust, auth_query, verifiers } = &config.auth;
        if auth_query.is_some() && verifiers.is_some() {
            self.complain("auth.verifiers", "'auth.auth_query' and 'auth.verifiers' are two places for the same: give one");
        }
        let reads = auth_query.is_some() || verifiers.is_some();
        if *method == AuthMethod::Passthrough && reads {
            let path = if verifiers.is_some() { "auth.verifiers" } else { "auth.auth_query" };
            self.complain(path, "'auth.method: passthrough' reads no verifiers: take 'auto' or 'scram'");
        }
        if *method == AuthMethod::Passthrough && config.both_sides_need_tls() && !allow_trust {
            let message = "'auth.method: passthrough' cannot work where both sides need TLS: clients in TLS bind their proof to a \
                certificate that is not the proxy's (libpq: \"channel binding negotiation error\")";
            let origin = self.layers.get("auth.method").map_or(Origin::Default, |g| g.origin.clone());
            let help = "take 'auto' or 'scram', which need verifiers (auth.auth_query, auth.verifiers), or a unix socket or plain link to \
                the server";
            self.found.push(origin.error(message).help(help));
        }
    }

    fn complain(&mut self, path: &str, message: &str) {
        let origin = self.layers.get(path).map_or(Origin::Default, |g| g.origin.clone());
        self.found.push(origin.error(message));
    }

    fn given(&self, path: &str) -> Option<Given> {
        if let Some(given) = self.layers.get(path) {
            return Some(given.clone());
        }
        let default = key(path)?.default;
        (!default.is_empty()).then(|| Given { texts: vec![default.to_owned()], origin: Origin::Default })
    }

    fn parsed<T>(&mut self, path: &str, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let Given { texts, origin } = self.given(path)?;
        let key = key(path)?;
        let Some(text) = texts.first() else {
            // `key: null` takes the key back to its default.
            return parse(key.default);
        };
        let value = parse(text);
        if value.is_none() {
            self.found.push(origin.error(format!("'{path}' takes {}, not '{text}'", key.takes)));
        }
        value
    }

    fn word(&mut self, path: &str) -> Option<String> {
        self.parsed(path, |t| (!t.is_empty()).then(|| t.to_owned()))
    }

    fn path(&mut self, path: &str) -> Option<PathBuf> {
        let text = self.word(path)?;
        Some(self.join(&text))
    }

    fn join(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    fn number<T: FromStr>(&mut self, path: &str) -> Option<T> {
        self.parsed(path, |t| t.parse().ok())
    }

    fn size(&mut self, path: &str) -> Option<u64> {
        self.parsed(path, |t| parse_size(t).filter(|n| *n > 0))
    }

    fn duration(&mut self, path: &str) -> Option<Duration> {
        self.parsed(path, parse_duration)
    }

    fn truth(&mut self, path: &str) -> Option<bool> {
        self.choice(path, &[("true", true), ("false", false)])
    }

    fn choice<T: Copy>(&mut self, path: &str, choices: &[(&str, T)]) -> Option<T> {
        let Given { texts, origin } = self.given(path)?;
        let text = texts.first().map_or(key(path)?.default, String::as_str);
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let error = origin.error(format!("'{path}' takes {}, not '{text}'", key(path)?.takes));
        self.found.push(match nearest(text, words) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None => error,
        });
        None
    }
}

fn key(path: &str) -> Option<&'static Key> {
    keys().iter().find(|k| k.path == path)
}

/// A path is told from `host:port` by its slash, or a dot alone.
fn is_folder(text: &str) -> bool {
    text.contains('/') || text == "." || text == ".."
}
