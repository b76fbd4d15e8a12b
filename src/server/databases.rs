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

use super::changes::Changes;
use super::mailbox::Signal;
use super::sessions::{Handle, Sessions};
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

/// The least time between two looks at a catalog.
const GAP: Duration = Duration::from_millis(200);

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
    let today = rules.policy.today_for(&catalog.contents().database, jiff::Timestamp::now());
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
    /// What wakes each database's task: its schema may have changed.
    changes: DashMap<String, Arc<Changes>>,
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
            changes: DashMap::new(),
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

    /// Whether rules fit every database that is known.
    ///
    /// # Errors
    /// What does not fit.
    pub(crate) fn fits(&self, rules: &Rules) -> Result<(), Diagnostics> {
        let known: Vec<_> = self.open.iter().filter_map(|database| database.borrow().clone()?.ok()).collect();
        known.iter().try_for_each(|snapshot| rules.policy.bind(&snapshot.catalog, &rules.keyring).map(drop))
    }

    /// What to notify when a database's schema may have changed.
    pub(crate) fn changes(&self, database: &str) -> Arc<Changes> {
        Arc::clone(&self.changes.entry(database.to_owned()).or_default())
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
            changes: self.changes(database),
            rules: self.rules.subscribe(),
            reader: None,
            catalog: None,
            confirmed: None,
            last: None,
            unfit: None,
            ended: false,
            sender,
        };
        self.runtime.spawn(keeper.keep());
        receiver
    }
}

/// What a snapshot was made of.
struct Made {
    rules: Arc<Rules>,
    digest: [u8; 32],
    today: Date,
    snapshot: Arc<Snapshot>,
}

/// A database's task.
struct Keeper {
    databases: Arc<Databases>,
    database: String,
    /// Statements of open sessions that change the schema notify it.
    changes: Arc<Changes>,
    rules: watch::Receiver<Arc<Rules>>,
    reader: Option<Reader<Stream>>,
    catalog: Option<([u8; 32], Arc<Catalog>)>,
    /// When the catalog was last known to be the server's.
    confirmed: Option<Instant>,
    /// The last snapshot, whatever has failed since: what had a class in it keeps it.
    last: Option<Made>,
    /// Rules that did not fit, and the catalog that they did not fit.
    unfit: Option<(Arc<Rules>, [u8; 32])>,
    /// Nobody decides by the last snapshot any more.
    ended: bool,
    sender: watch::Sender<Option<Known>>,
}

impl Keeper {
    async fn keep(mut self) {
        loop {
            let (begun, expiry) = (Instant::now(), self.expiry());
            let looked = tokio::select! {
                looked = self.look() => Some(looked),
                // A reader that hangs is given up.
                () = sleep_until(expiry) => None,
            };
            let failed = match looked {
                Some(Ok(())) => {
                    self.publish();
                    self.changes.is_read(begun);
                    self.tell(|session| session.awaits_catalog().then_some(Signal::Read(begun)));
                    false
                }
                Some(Err(failure)) => {
                    self.fail(&failure);
                    true
                }
                None => {
                    self.expire("the server does not answer");
                    continue;
                }
            };
            // Twice within the time that a catalog may last, so that one look that is slow is none too late.
            let refresh = tokio::time::sleep(self.databases.login.refresh.min(self.databases.login.max_age / 2));
            let expiry = if failed { self.expiry() } else { None };
            tokio::select! {
                () = refresh => {}
                () = poked(&self.changes, begun) => {}
                () = sleep_until(expiry) => self.expire("it could not be read again"),
                changed = self.rules.changed() => if changed.is_err() { return },
            }
        }
    }

    /// When the catalog will be too old to decide by, where it is not already.
    fn expiry(&self) -> Option<Instant> {
        self.confirmed.filter(|_| !self.ended).map(|at| at + self.databases.login.max_age)
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

    /// Binds the policy to the catalog where either is new, or the day is. A new policy that does not fit changes nothing.
    fn publish(&mut self) {
        let rules = Arc::clone(&self.rules.borrow_and_update());
        let Some((digest, catalog)) = self.catalog.clone() else { return };
        if !self.is_unfit(&rules, digest) {
            match self.make(&rules, digest, &catalog) {
                Ok(()) => return,
                Err(diagnostics) => {
                    tracing::error!(database = %self.database, "the policy does not fit the database:\n{diagnostics}");
                    self.unfit = Some((Arc::clone(&rules), digest));
                }
            }
        }
        let old = self.last.as_ref().map(|l| Arc::clone(&l.rules)).filter(|old| !Arc::ptr_eq(old, &rules));
        if old.is_some_and(|old| self.make(&old, digest, &catalog).is_ok()) {
            return;
        }
        self.end(Unknown::Policy("the policy does not fit this database; the proxy's log says where".into()));
    }

    /// Whether these rules were held against this catalog in vain.
    fn is_unfit(&self, rules: &Arc<Rules>, digest: [u8; 32]) -> bool {
        self.unfit.as_ref().is_some_and(|(r, d)| Arc::ptr_eq(r, rules) && *d == digest)
    }

    /// Publishes the snapshot of these rules over this catalog today, unless it is the one that is published.
    fn make(&mut self, rules: &Arc<Rules>, digest: [u8; 32], catalog: &Arc<Catalog>) -> Result<(), Diagnostics> {
        let today = rules.policy.today_for(&catalog.contents().database, jiff::Timestamp::now());
        let same_rules = |last: &&Made| Arc::ptr_eq(&last.rules, rules);
        if let Some(last) = self.last.as_ref().filter(same_rules).filter(|l| l.digest == digest && l.today == today) {
            if std::mem::take(&mut self.ended) {
                self.send(&Arc::clone(&last.snapshot));
            }
            return Ok(());
        }
        let id = self.databases.next.fetch_add(1, Ordering::Relaxed);
        let before = self.last.as_ref().filter(same_rules).map(|last| &last.snapshot.policy);
        let snapshot = Arc::new(Snapshot::new(id, Arc::clone(catalog), rules, before, today, self.databases.fingerprint_key)?);
        self.last = Some(Made { rules: Arc::clone(rules), digest, today, snapshot: Arc::clone(&snapshot) });
        self.ended = false;
        self.send(&snapshot);
        Ok(())
    }

    /// A failed look leaves what is known until it is too old.
    fn fail(&mut self, failure: &Failure) {
        tracing::warn!(database = %self.database, "{failure}");
        if self.confirmed.is_none_or(|at| at.elapsed() > self.databases.login.max_age) {
            self.expire(&failure.to_string());
        }
    }

    /// The catalog is too old: nobody logs in by it, and no governed statement is decided by it.
    fn expire(&mut self, why: &str) {
        self.sender.send_replace(Some(Err(Unknown::Catalog(why.into()))));
        if self.last.is_some() && !std::mem::replace(&mut self.ended, true) {
            tracing::error!(database = %self.database, "the catalog is older than catalog.max_age: governed statements are refused");
            self.tell(|_| Some(Signal::Stale));
        }
    }

    /// Nothing can be decided: governed sessions end.
    fn end(&mut self, why: Unknown) {
        self.ended = true;
        self.sender.send_replace(Some(Err(why)));
        let last = self.last.as_ref().map(|l| Arc::clone(&l.snapshot));
        self.tell(|session| {
            let view = last.as_ref().and_then(|s| s.view(&session.login, session.certificate.as_deref()));
            view.is_none_or(|v| !v.profile.unrestricted).then_some(Signal::Stop)
        });
    }

    /// Open sessions decide by the snapshot, or end where it has nothing for them.
    fn send(&self, snapshot: &Arc<Snapshot>) {
        self.sender.send_replace(Some(Ok(Arc::clone(snapshot))));
        self.tell(|session| Some(snapshot.view(&session.login, session.certificate.as_deref()).map_or(Signal::Stop, Signal::View)));
    }

    fn tell(&self, mut say: impl FnMut(&Handle) -> Option<Signal>) {
        self.databases.sessions.tell_all(|session| if *session.database == *self.database { say(session) } else { None });
    }
}

/// Waits until a statement may have changed the schema, but not so that a row of such statements keeps the server at nothing else.
async fn poked(changes: &Changes, last: Instant) {
    changes.announced().await;
    sleep_until(Some(last + GAP)).await;
}

/// Waits for a moment; for ever where there is none.
async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn in_time<T>(work: impl Future<Output = Result<T, LoadError>>) -> Result<T, Failure> {
    tokio::time::timeout(LOAD, work).await.map_err(|_| Failure::Timeout)?.map_err(Failure::Load)
}
