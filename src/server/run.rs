//! The process: its threads, its listeners, its beginning and its end. A connection stays on the thread that it was given to; what
//! its session may do is decided in `session`.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::analyst::Analyst;
use super::connection::{Handed, Shared, run_thread};
use super::databases::{Databases, Rules};
use super::edge::Watch;
use super::files;
use super::gate::Gate;
use super::health::{CatalogAge, Health, Shown};
use super::listen::{Accepted, Address, Listener};
use super::mailbox::Signal;
use super::metrics::Metrics;
use super::relay::Worker;
use super::sessions::Sessions;
use super::startup::{Method, StartupContext};
use super::tls::ServerTls;
use super::verifiers::{Asker, NoVerifier, Verifiers};
use crate::auth::Throttle;
use crate::base::Diagnostics;
use crate::config::{AuthMethod, Config, Listen, Upstream};
use crate::session::{Budget, Limits};
use crate::sql::STACK;
use crate::upstream::{Target, TlsMode, UpstreamTls};

/// Connections that may wait for a thread.
const WAITING: usize = 1024;
/// Sources of failed log-ins that are remembered.
const SOURCES: usize = 4096;
/// How often what the metrics' histograms gather is emptied.
const UPKEEP: Duration = Duration::from_secs(5);
/// How long sessions that were told to stop get for their last words.
const LAST_WORDS: Duration = Duration::from_secs(6);

/// Why the proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file cannot be read.
    #[error("{0}")]
    File(#[from] files::Unreadable),
    /// The keyring cannot be read, or something is wrong in it.
    #[error("{0}")]
    Keyring(#[from] files::NoKeyring),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// As configured.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// The policy, the keyring or TLS is wrong.
    #[error("{0}")]
    Setup(String),
    /// The system gives no threads or random bytes.
    #[error("{0}")]
    System(#[from] io::Error),
}

fn setup(error: impl std::fmt::Display) -> StartError {
    StartError::Setup(error.to_string())
}

/// The proxy, started: its listeners are bound, its threads wait.
#[derive(Debug)]
pub struct Proxy {
    listeners: Vec<Listener>,
    threads: Vec<(mpsc::Sender<Handed>, JoinHandle<()>)>,
    gate: Gate,
    config: Config,
    tls: Option<Arc<ServerTls>>,
    method: Method,
    watch: Watch,
    shown: Shown,
}

impl Proxy {
    /// Reads what the configuration names, binds the listeners and starts the threads. Needs a runtime, which carries the catalog
    /// readers.
    ///
    /// # Errors
    /// Anything that is wrong: nothing runs half configured.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let tls = match &config.tls {
            Some(tls) => Some(Arc::new(ServerTls::new(&files::tls(tls)?).map_err(setup)?)),
            None => None,
        };
        let target = Arc::new(target(&config.upstream)?);
        let rules = rules(&config)?;
        let policy = rules.policy.digest().to_owned();
        let mut fingerprint_key = [0; 32];
        getrandom::fill(&mut fingerprint_key).map_err(io::Error::from)?;
        let password = files::catalog_password(&config.catalog)?;
        let sessions = Arc::new(Sessions::default());
        let method = method(&config, &target, password.as_ref()).await?;
        let runtime = tokio::runtime::Handle::current();
        let databases =
            Databases::new(Arc::clone(&target), config.catalog.clone(), password, rules, Arc::clone(&sessions), fingerprint_key, runtime);
        let listeners = listeners(&config.listen).await?;
        let audit = config.audit.file.display();
        let (metrics, printer) = Metrics::recorded();
        let watch = Watch::start(&config, &policy, metrics.clone())
            .map_err(|e| setup(format!("the audit log '{audit}' cannot be opened: {}", e.kind())))?;
        let gate = Gate {
            databases: Arc::clone(&databases),
            sessions,
            audit: watch.audit().clone(),
            connections: Arc::default(),
            limit: config.limits.connections,
            closing: Arc::new(AtomicBool::new(false)),
        };
        if let Some(database) = &config.catalog.database
            && let Err(why) = databases.snapshot(database).await
        {
            return Err(setup(why));
        }
        let health = Health::new(Some(watch.audit().clone()), catalog_age(&databases, &config), config.catalog.max_age);
        let shown = Shown { health, metrics, printer };
        let throttle = Arc::new(Mutex::new(Throttle::new(SOURCES)));
        let epoch = Instant::now();
        let limits = Limits {
            statement: size(config.limits.statement),
            message: size(config.limits.message),
            parse: size(config.limits.parse),
            masked_row: size(config.limits.masked_row),
            ..Limits::default()
        };
        let budget = Budget::new(size(config.limits.masked_rows));
        let count = if config.threads == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { config.threads };
        let analyst = Analyst::start(STACK)?;
        let cache = size(config.limits.plan_cache) / count.max(1);
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let (sender, receiver) = mpsc::channel(WAITING);
            let (gate, watch, budget) = (gate.clone(), watch.clone(), Arc::clone(&budget));
            let startup = StartupContext {
                upstream: Arc::clone(&target),
                tls: tls.clone(),
                tls_required: config.tls.as_ref().is_some_and(|t| t.required),
                method: method.clone(),
                allow_trust: config.auth.allow_trust,
                timeout: config.limits.login,
                throttle: Arc::clone(&throttle),
                epoch,
                admission: gate,
            };
            let analyst = analyst.clone();
            let run = move || {
                let shared = Shared { startup, worker: Worker::new(cache, analyst), limits, budget, watch };
                run_thread(shared, receiver);
            };
            threads.push((sender, std::thread::Builder::new().name(format!("sessions-{number}")).stack_size(STACK).spawn(run)?));
        }
        Ok(Self { listeners, threads, gate, config, tls, method, watch, shown })
    }

    /// Where clients connect, with the ports that the system chose.
    #[must_use]
    pub fn addresses(&self) -> Vec<String> {
        self.listeners.iter().filter_map(|l| l.address().ok()).collect()
    }

    /// What `/metrics` and `/readyz` show.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// What reads the files again.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        let Self { config, tls, method, gate, watch, .. } = self;
        let (databases, method) = (Arc::clone(&gate.databases), method.clone());
        Reloader { config: config.clone(), tls: tls.clone(), method, databases, watch: watch.clone() }
    }

    /// Takes connections until `stop` is done, then drains: idle sessions end at once, others at the end of what they are at, all
    /// of them at `limits.drain`.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        self.shown.health.listening();
        let mut next = 0;
        // Whether or not anybody reads the metrics (`admin.listen: off`): histograms gather until they are emptied.
        let mut upkeep = tokio::time::interval(UPKEEP);
        loop {
            let accepted = tokio::select! {
                () = &mut stop => break,
                _ = upkeep.tick() => {
                    self.shown.upkeep();
                    continue;
                }
                accepted = accept(&self.listeners) => accepted,
            };
            match accepted.and_then(Handed::of) {
                Ok(handed) => {
                    if let Some((thread, _)) = self.threads.get(next % self.threads.len().max(1)) {
                        // A thread that is gone, or 1,024 connections behind, takes no more: the client sees the end.
                        let _ = thread.try_send(handed);
                    }
                    next = next.wrapping_add(1);
                }
                Err(error) => {
                    // Too many open files, most likely: it passes when sessions end.
                    tracing::warn!("a connection could not be accepted: {}", error.kind());
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        self.drain().await;
    }

    async fn drain(self) {
        let Self { listeners, threads, gate, config, watch, shown, .. } = self;
        shown.health.draining();
        drop(listeners);
        gate.closing.store(true, Ordering::Release);
        gate.sessions.tell_all(|_| Some(Signal::Drain));
        if !empty(&gate, config.limits.drain).await {
            gate.sessions.tell_all(|_| Some(Signal::Stop));
            empty(&gate, LAST_WORDS).await;
        }
        for (sender, thread) in threads {
            drop(sender);
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        watch.close().await;
    }
}

/// A database under the policy, read once.
#[derive(Debug)]
pub struct Database(super::databases::Snapshot);

impl Database {
    /// Its schema.
    #[must_use]
    pub fn catalog(&self) -> Arc<crate::catalog::Catalog> {
        self.0.catalog()
    }

    /// What a login sees; `None` where it has no role.
    #[must_use]
    pub fn view(&self, login: &str, certificate: Option<&str>) -> Option<Arc<crate::session::View>> {
        self.0.view(login, certificate)
    }
}

/// Reads what the configuration names and one database's catalog, for commands that run no proxy.
///
/// # Errors
/// Anything that is wrong.
pub async fn read_database(config: &Config, database: &str) -> Result<Database, StartError> {
    let (target, rules) = (target(&config.upstream)?, rules(config)?);
    let password = files::catalog_password(&config.catalog)?;
    let login = crate::upstream::catalog_loader::Login { user: &config.catalog.user, password: password.as_ref(), database };
    super::databases::read_once(&target, login, &rules).await.map(Database).map_err(setup)
}

/// What is wrong, or worth a look, in the policies by themselves.
///
/// # Errors
/// A file cannot be read.
pub fn check_policies(config: &Config) -> Result<Diagnostics, StartError> {
    files::keyring(config.keyring.as_deref())?;
    Ok(read_policy(config)?.map_or_else(|found| found, |(_, found)| found))
}

/// The policy with everything that is worth saying of it alone, or what is wrong with it.
fn read_policy(config: &Config) -> Result<Result<(crate::policy::Policy, Diagnostics), Diagnostics>, StartError> {
    Ok(crate::policy::load(&files::policies(&config.policies)?).map(|(policy, mut found)| {
        found.0.extend(crate::policy::examine_conditions(&policy).0);
        (policy, found)
    }))
}

/// The same, held against a database's catalog.
///
/// # Errors
/// A file or the catalog cannot be read.
pub async fn check_database(config: &Config, database: &str) -> Result<Diagnostics, StartError> {
    let keyring = files::keyring(config.keyring.as_deref())?;
    let (policy, mut found) = match read_policy(config)? {
        Ok(read) => read,
        Err(found) => return Ok(found),
    };
    let password = files::catalog_password(&config.catalog)?;
    let login = crate::upstream::catalog_loader::Login { user: &config.catalog.user, password: password.as_ref(), database };
    let target = Arc::new(target(&config.upstream)?);
    let (catalog, triggers) = super::databases::read_catalog(&target, login).await.map_err(setup)?;
    if let Err(error) = method(config, &target, login.password).await {
        found.push(crate::base::Diagnostic::error(None, error.to_string()));
    }
    match policy.bind(&catalog, &keyring) {
        Ok((bound, warnings)) => {
            found.0.extend(warnings.0);
            let today = bound.today(jiff::Timestamp::now());
            found.0.extend(crate::policy::examine(&bound, &catalog, &triggers, today).0);
        }
        Err(wrong) => found.0.extend(wrong.0),
    }
    Ok(found)
}

/// Reads policies, keyring and certificates again while the proxy runs.
#[derive(Debug)]
pub struct Reloader {
    config: Config,
    tls: Option<Arc<ServerTls>>,
    method: Method,
    databases: Arc<Databases>,
    watch: Watch,
}

impl Reloader {
    /// Reads them again. What is wrong changes nothing.
    ///
    /// # Errors
    /// What is wrong.
    pub fn reload(&self) -> Result<(), StartError> {
        self.watch.audit().reopen();
        let rules = rules(&self.config)?;
        self.databases.fits(&rules).map_err(setup)?;
        if let (Some(tls), Some(files)) = (&self.tls, &self.config.tls) {
            tls.reload(&files::tls(files)?).map_err(setup)?;
        }
        self.databases.target().tls.reload(&files::upstream_tls(&self.config.upstream)?).map_err(setup)?;
        if let Method::Scram(verifiers) | Method::Auto(Some(verifiers)) = &self.method {
            verifiers.reload().map_err(setup)?;
        }
        if rules.policy.digest() != self.databases.rules().policy.digest() {
            self.watch.policy(rules.policy.digest());
        }
        self.databases.set_rules(rules);
        Ok(())
    }
}

/// Waits until no session is open, or the time is over.
async fn empty(gate: &Gate, within: Duration) -> bool {
    let deadline = Instant::now() + within;
    while gate.sessions.len() > 0 {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    true
}

/// Without a database to begin with there is nothing that could be too old before the first client.
fn catalog_age(databases: &Arc<Databases>, config: &Config) -> CatalogAge {
    let (databases, needed) = (Arc::clone(databases), config.catalog.database.is_some());
    Box::new(move || databases.age().or((!needed).then_some(Duration::ZERO)))
}

fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn rules(config: &Config) -> Result<Rules, StartError> {
    let keyring = files::keyring(config.keyring.as_deref())?;
    let (policy, diagnostics) = crate::policy::load(&files::policies(&config.policies)?).map_err(setup)?;
    if !diagnostics.is_empty() {
        tracing::warn!("the policy has warnings:\n{diagnostics}");
    }
    Ok(Rules { policy, keyring })
}

fn target(upstream: &Upstream) -> Result<Target, StartError> {
    let mode = match upstream.tls {
        crate::config::TlsMode::Disable => TlsMode::Disable,
        crate::config::TlsMode::Prefer => TlsMode::Prefer,
        crate::config::TlsMode::Require => TlsMode::Require,
        crate::config::TlsMode::VerifyCa => TlsMode::VerifyCa,
        crate::config::TlsMode::VerifyFull => TlsMode::VerifyFull,
    };
    let tls = if upstream.host.starts_with('/') || mode == TlsMode::Disable {
        UpstreamTls::disabled()
    } else {
        UpstreamTls::new(mode, &upstream.host, &files::upstream_tls(upstream)?).map_err(setup)?
    };
    Ok(Target { host: upstream.host.clone(), port: upstream.port, tls, connect_timeout: upstream.connect_timeout })
}

/// The way that log-ins take. What cannot work is said now, and not to each client.
async fn method(config: &Config, target: &Arc<Target>, password: Option<&crate::base::Secret>) -> Result<Method, StartError> {
    let relayed = match config.auth.method {
        AuthMethod::Passthrough => return Ok(Method::Passthrough),
        // Nothing but TLS on both sides needs verifiers.
        AuthMethod::Auto if !config.both_sides_may_use_tls() => return Ok(Method::Auto(None)),
        AuthMethod::Auto => true,
        AuthMethod::Scram => false,
    };
    let (verifiers, error) = verifiers(config, target, password).await?;
    let verifiers = Arc::new(verifiers);
    match error {
        None if relayed => Ok(Method::Auto(Some(verifiers))),
        None => Ok(Method::Scram(verifiers)),
        Some(error) if error.may_pass() => {
            tracing::warn!("verifiers cannot be read yet: {error}");
            Ok(if relayed { Method::Auto(Some(verifiers)) } else { Method::Scram(verifiers) })
        }
        Some(error) if relayed && (!config.both_sides_need_tls() || config.auth.allow_trust) => {
            tracing::warn!("log-ins where both sides use TLS are relayed, which libpq and others refuse: {error}");
            Ok(Method::Auto(None))
        }
        Some(error) if relayed => Err(setup(format!("both sides need TLS, so 'auth.method: auto' needs verifiers: {error}"))),
        Some(error) => Err(setup(format!("'auth.method: scram' needs verifiers: {error}"))),
    }
}

async fn verifiers(
    config: &Config,
    target: &Arc<Target>,
    password: Option<&crate::base::Secret>,
) -> Result<(Verifiers, Option<NoVerifier>), StartError> {
    let mock = files::mock_secret(config.tls.as_ref())?;
    if let Some(file) = &config.auth.verifiers {
        return Ok((Verifiers::file(file.clone(), mock).map_err(setup)?, None));
    }
    let asker = Asker {
        target: Arc::clone(target),
        user: config.catalog.user.clone(),
        password: password.cloned(),
        database: config.catalog.database.clone().unwrap_or_else(|| "postgres".to_owned()),
        query: config.auth.auth_query.clone(),
    };
    Ok(Verifiers::server(asker, &tokio::runtime::Handle::current(), mock).await)
}

async fn listeners(listens: &[Listen]) -> Result<Vec<Listener>, StartError> {
    let mut out = Vec::new();
    for listen in listens {
        match listen {
            Listen::Unix { folder, port } => {
                let address = Address::Unix { folder: folder.clone(), port: *port };
                let fail = |error| StartError::Listen { address: folder.display().to_string(), error };
                out.push(Listener::bind(&address).map_err(fail)?);
            }
            Listen::Tcp(text) => {
                let fail = |error| StartError::Listen { address: text.clone(), error };
                let addresses = tokio::net::lookup_host(text.as_str()).await.map_err(fail)?;
                for address in addresses {
                    out.push(Listener::bind(&Address::Tcp(address)).map_err(fail)?);
                }
            }
        }
    }
    Ok(out)
}

/// The next connection on any of the listeners.
async fn accept(listeners: &[Listener]) -> io::Result<Accepted> {
    let mut waiting: Vec<_> = listeners.iter().map(|l| Box::pin(l.accept())).collect();
    std::future::poll_fn(|cx| {
        for one in &mut waiting {
            if let std::task::Poll::Ready(accepted) = one.as_mut().poll(cx) {
                return std::task::Poll::Ready(accepted);
            }
        }
        std::task::Poll::Pending
    })
    .await
}
