//! The databases behind the proxy, as they are known: for each one that a client has asked for, a task that reads its catalog,
//! holds the policy against it, and publishes both as one snapshot. A load that fails leaves the last snapshot until it is too
//! old. What a snapshot decides is not looked at here.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dashmap::DashMap;
use jiff::civil::Date;
use tokio::runtime::Handle as Runtime;
use tokio::sync::watch;

use super::mailbox::Signal;
use super::sessions::Sessions;
use crate::base::{Diagnostics, Secret};
use crate::catalog::{Catalog, Trigger, digest};
use crate::config::CatalogLogin;
use crate::mask::Keyring;
use crate::policy::{BoundPolicy, Policy, Principal};
use crate::session::View;
use crate::upstream::catalog_loader::{LoadError, Login, Reader};
use crate::upstream::{DialError, Stream, Target, dial};

/// How long reading a catalog may take.
const LOAD: Duration = Duration::from_secs(60);

/// A database's catalog under a policy on a day. Immutable.
#[derive(Debug)]
pub(crate) struct Snapshot {
    id: u64,
    catalog: Arc<Catalog>,
    policy: BoundPolicy,
    today: Date,
    fingerprint_key: [u8; 32],
    digest: Arc<str>,
    views: DashMap<Principal, Arc<View>>,
}

impl Snapshot {
    /// `before` is what the same policy was bound to, for names that have changed since.
    fn new(
        id: u64,
        catalog: Arc<Catalog>,
        rules: &Rules,
        before: Option<&BoundPolicy>,
        today: Date,
        fingerprint_key: [u8; 32],
    ) -> Result<Self, Diagnostics> {
        let (policy, _) = match before {
            Some(before) => rules.policy.rebind(before, &catalog, &rules.keyring)?,
            None => rules.policy.bind(&catalog, &rules.keyring)?,
        };
        Ok(Self { id, catalog, policy, today, fingerprint_key, digest: rules.policy.digest().into(), views: DashMap::new() })
    }

    /// The database's schema.
    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog)
    }

    /// What a login sees; `None` where it has no role here.
    pub(crate) fn view(&self, login: &str, certificate: Option<&str>) -> Option<Arc<View>> {
        let principal = self.policy.principal(login, certificate, &self.catalog, self.today)?;
        if let Some(view) = self.views.get(&principal) {
            return Some(Arc::clone(&view));
        }
        let profile = self.policy.profile(&principal, &self.catalog, self.today);
        let view = Arc::new(View {
            snapshot: self.id,
            catalog: Arc::clone(&self.catalog),
            profile,
            fingerprint_key: self.fingerprint_key,
            policy: Arc::clone(&self.digest),
        });
        self.views.insert(principal, Arc::clone(&view));
        Some(view)
    }
}

/// Reads one database's catalog once, for commands that run no proxy.
pub(crate) async fn read_catalog(target: &Target, login: Login<'_>) -> Result<(Catalog, Vec<Trigger>), Unknown> {
    let load = async {
        let mut reader = in_time(Reader::connect(dial(target).await?, login)).await?;
        Ok((Catalog::new(in_time(reader.load()).await?), in_time(reader.triggers()).await?))
    };
    load.await.map_err(|e: Failure| Unknown::Catalog(e.to_string().into()))
}

/// The same, with the policy held against it.
pub(crate) async fn read_once(target: &Target, login: Login<'_>, rules: &Rules) -> Result<Snapshot, Unknown> {
    let (catalog, _) = read_catalog(target, login).await?;
    let catalog = Arc::new(catalog);
    let today = rules.policy.today(jiff::Timestamp::now());
    Snapshot::new(1, catalog, rules, None, today, [0; 32]).map_err(|d| Unknown::Policy(d.to_string().into()))
}

/// Why a database is not known. Texts name no value.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Unknown {
    /// The catalog could not be read.
    #[error("the database's catalog is not known: {0}")]
    Catalog(Arc<str>),
    /// The policy does not fit the database.
    #[error("{0}")]
    Policy(Arc<str>),
}

/// A database's state as its task publishes it.
type Known = Result<Arc<Snapshot>, Unknown>;

/// The policy with what it needs.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) policy: Policy,
    pub(crate) keyring: Keyring,
}

/// Why a load failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Dial(#[from] DialError),
    #[error("{0}")]
    Load(#[from] LoadError),
    #[error("the server did not answer in time")]
    Timeout,
}

/// All databases.
#[derive(Debug)]
pub(crate) struct Databases {
    target: Arc<Target>,
    login: CatalogLogin,
    password: Option<Secret>,
    rules: watch::Sender<Arc<Rules>>,
    sessions: Arc<Sessions>,
    fingerprint_key: [u8; 32],
    open: DashMap<String, watch::Receiver<Option<Known>>>,
    /// When each database's catalog was last seen.
    seen: DashMap<String, Instant>,
    next: AtomicU64,
    runtime: Runtime,
}

impl Databases {
    pub(crate) fn new(
        target: Arc<Target>,
        login: CatalogLogin,
        password: Option<Secret>,
        rules: Rules,
        sessions: Arc<Sessions>,
        fingerprint_key: [u8; 32],
        runtime: Runtime,
    ) -> Arc<Self> {
        let rules = watch::Sender::new(Arc::new(rules));
        Arc::new(Self {
            target,
            login,
            password,
            rules,
            sessions,
            fingerprint_key,
            open: DashMap::new(),
            seen: DashMap::new(),
            next: AtomicU64::new(1),
            runtime,
        })
    }

    /// The server.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Decides by other rules from now on.
    pub(crate) fn set_rules(&self, rules: Rules) {
        self.rules.send_replace(Arc::new(rules));
    }

    /// The rules in force.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.borrow())
    }

    /// The age of the oldest catalog that sessions decide by; `None` where there is none.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.seen.iter().map(|at| at.elapsed()).max()
    }

    /// What is known of a database now, without waiting.
    pub(crate) fn known(&self, database: &str) -> Option<Known> {
        self.open.get(database)?.borrow().clone()
    }

    /// What is known of a database; the first to ask for it waits until it is read. Only for databases that the server has let
    /// a login into: each one that is asked for keeps a task.
    pub(crate) async fn snapshot(self: &Arc<Self>, database: &str) -> Known {
        let mut receiver = self.open.entry(database.to_owned()).or_insert_with(|| self.begin(database)).clone();
        let known = receiver.wait_for(Option::is_some).await;
        known.ok().and_then(|k| k.clone()).unwrap_or_else(|| Err(Unknown::Catalog("its reader has stopped".into())))
    }

    /// A session on the catalog login.
    async fn reader(&self, database: &str) -> Result<Reader<Stream>, Failure> {
        let stream = dial(&self.target).await?;
        let login = Login { user: &self.login.user, password: self.password.as_ref(), database };
        in_time(Reader::connect(stream, login)).await
    }

    fn begin(self: &Arc<Self>, database: &str) -> watch::Receiver<Option<Known>> {
        let (sender, receiver) = watch::channel(None);
        let keeper = Keeper {
            databases: Arc::clone(self),
            database: database.to_owned(),
            rules: self.rules.subscribe(),
            reader: None,
            catalog: None,
            confirmed: None,
            published: None,
            sender,
        };
        self.runtime.spawn(keeper.keep());
        receiver
    }
}

/// A database's task.
struct Keeper {
    databases: Arc<Databases>,
    database: String,
    rules: watch::Receiver<Arc<Rules>>,
    reader: Option<Reader<Stream>>,
    catalog: Option<([u8; 32], Arc<Catalog>)>,
    /// When the catalog was last known to be the server's.
    confirmed: Option<Instant>,
    /// What the last snapshot was made of: its rules' address, its catalog's digest, its day.
    published: Option<(Arc<Rules>, [u8; 32], Date)>,
    sender: watch::Sender<Option<Known>>,
}

impl Keeper {
    async fn keep(mut self) {
        loop {
            match self.look().await {
                Ok(()) => self.publish(),
                Err(failure) => self.fail(&failure),
            }
            let refresh = self.databases.login.refresh;
            tokio::select! {
                () = tokio::time::sleep(refresh) => {}
                changed = self.rules.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Reads the catalog where it may have changed.
    async fn look(&mut self) -> Result<(), Failure> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.databases.reader(&self.database).await?,
        };
        let begun = Instant::now();
        if self.catalog.is_none() || in_time(reader.changed()).await? {
            let contents = in_time(reader.load()).await?;
            let digest = digest(&contents);
            if self.catalog.as_ref().is_none_or(|(old, _)| *old != digest) {
                self.catalog = Some((digest, Arc::new(Catalog::new(contents))));
            }
        }
        self.reader = Some(reader);
        self.confirmed = Some(begun);
        self.databases.seen.insert(self.database.clone(), begun);
        Ok(())
    }

    /// Binds the policy to the catalog where either is new, or the day is.
    fn publish(&mut self) {
        let rules = Arc::clone(&self.rules.borrow_and_update());
        let Some((digest, catalog)) = self.catalog.clone() else { return };
        let today = rules.policy.today(jiff::Timestamp::now());
        let same = |(r, d, t): &(Arc<Rules>, [u8; 32], Date)| Arc::ptr_eq(r, &rules) && *d == digest && *t == today;
        if self.published.as_ref().is_some_and(same) {
            return;
        }
        let id = self.databases.next.fetch_add(1, Ordering::Relaxed);
        let known = self.sender.borrow().clone().and_then(Result::ok);
        let before = known.as_ref().filter(|_| self.published.as_ref().is_some_and(|(r, ..)| Arc::ptr_eq(r, &rules)));
        let known = match Snapshot::new(id, catalog, &rules, before.map(|s| &s.policy), today, self.databases.fingerprint_key) {
            Ok(snapshot) => Ok(Arc::new(snapshot)),
            Err(diagnostics) => {
                tracing::error!(database = %self.database, "the policy does not fit the database:\n{diagnostics}");
                Err(Unknown::Policy("the policy does not fit this database; the proxy's log says where".into()))
            }
        };
        self.published = Some((rules, digest, today));
        self.sender.send_replace(Some(known.clone()));
        self.tell(&known);
    }

    /// A failed look leaves what is known until it is too old; then nobody decides by it.
    fn fail(&mut self, failure: &Failure) {
        let age = self.confirmed.map(|at| at.elapsed());
        tracing::warn!(database = %self.database, "{failure}");
        if age.is_none_or(|age| age > self.databases.login.max_age) {
            let known = Err(Unknown::Catalog(failure.to_string().into()));
            self.published = None;
            self.sender.send_replace(Some(known.clone()));
            self.tell(&known);
        }
    }

    /// Open sessions decide by the new snapshot, or end where there is none for them.
    fn tell(&self, known: &Known) {
        self.databases.sessions.tell_all(|session| {
            if *session.database != *self.database {
                return None;
            }
            let view = known.as_ref().ok().and_then(|s| s.view(&session.login, session.certificate.as_deref()));
            Some(view.map_or(Signal::Stop, Signal::View))
        });
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, LoadError>>) -> Result<T, Failure> {
    tokio::time::timeout(LOAD, work).await.map_err(|_| Failure::Timeout)?.map_err(Failure::Load)
}
