//! Where a session's records and counts go, and the clock that its times come from. What is in a record is `audit`'s.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::audit_writer::{AuditHandle, AuditWriter, SessionAudit};
use super::changes::Changes;
use super::metrics::{ConnectionState, Counted, Metrics, SessionMetrics};
use super::relay::{Cancelling, Edge};
use super::startup::{Arrival, AuthFailure};
use crate::audit::{Kind, Who, WhoPart, session_id};
use crate::auth::CancelKey;
use crate::config::Config;
use crate::session::{Counts, Finished, View};
use crate::upstream::{Stream, Target, cancel};

/// The audit and the clock, shared by all threads.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    audit: AuditHandle,
    writer: Arc<Mutex<Option<AuditWriter>>>,
    metrics: Metrics,
    epoch: Instant,
}

impl Watch {
    /// Opens the audit log. `policy` is the digest of the policy that the process starts with.
    pub(crate) fn start(config: &Config, policy: &str, metrics: Metrics) -> std::io::Result<Self> {
        if let Some(folder) = config.audit.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        metrics.policy(policy);
        let writer = AuditWriter::start(&config.audit, Some(policy))?;
        Ok(Self { audit: writer.handle(), writer: Arc::new(Mutex::new(Some(writer))), metrics, epoch: Instant::now() })
    }

    /// The way to the log.
    pub(crate) fn audit(&self) -> &AuditHandle {
        &self.audit
    }

    /// A connection that logs in, counted as long as what is returned lives.
    pub(crate) fn logging_in(&self) -> Counted {
        self.metrics.connection(ConnectionState::Login)
    }

    /// A log-in failed.
    pub(crate) fn auth_failed(&self, failure: &AuthFailure) {
        let arrival = failure.arrival.as_ref();
        let who = Who {
            user: arrival.map(|a| a.login.as_str().into()),
            application: arrival.and_then(|a| a.application.as_deref().map(Into::into)),
            client: Some(failure.client_address.as_str().into()),
            database: arrival.map(|a| a.database.as_str().into()),
            ..Who::default()
        };
        let sqlstate = failure.sqlstate.as_bytes().try_into().ok();
        let reason = format!("{:?}", failure.reason).to_lowercase();
        // Nothing depends on it: the log-in has failed already.
        let _ = self.audit.event(Kind::AuthFailed, &WhoPart::from(&who), Some(&reason), sqlstate, None);
    }

    /// The policy changed.
    pub(crate) fn policy(&self, digest: &str) {
        self.metrics.policy(digest);
        let _ = self.audit.event(Kind::Policy, &WhoPart::default(), None, None, Some(digest));
    }

    /// Writes what waits, and ends. For after the last session's end.
    pub(crate) async fn close(self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            let _ = tokio::task::spawn_blocking(move || writer.stop()).await;
        }
    }
}

/// A session's end of it all.
#[derive(Debug)]
pub(crate) struct SessionEdge {
    audit: SessionAudit,
    metrics: SessionMetrics,
    /// For when the database's schema may have changed.
    changes: Arc<Changes>,
    epoch: Instant,
    upstream: (Arc<Target>, Option<CancelKey>),
}

impl SessionEdge {
    /// `None` where the log has no room for the session's beginning.
    pub(crate) fn open(
        watch: &Watch,
        arrival: &Arrival,
        settings: &[(String, String)],
        view: &View,
        changes: Arc<Changes>,
        upstream: (Arc<Target>, Option<CancelKey>),
    ) -> Option<Self> {
        let own = |name: &str| settings.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str().into());
        let mut random = [0; 10];
        getrandom::fill(&mut random).ok()?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let who = Who {
            session: Some(session_id(u64::try_from(now.as_millis()).unwrap_or_default(), random).into()),
            user: Some(arrival.login.as_str().into()),
            roles: Vec::new(),
            purpose: own("pgscrim.purpose"),
            end_user: own("pgscrim.end_user"),
            application: arrival.application.as_deref().map(Into::into),
            client: Some(arrival.client_address.as_str().into()),
            database: Some(arrival.database.as_str().into()),
        };
        let audit = SessionAudit::new(watch.audit.clone(), who);
        let metrics = SessionMetrics::new(&watch.metrics, &view.profile.principal.roles);
        audit.connected(view).then_some(Self { audit, metrics, changes, epoch: watch.epoch, upstream })
    }
}

/// A session whose beginning cannot be recorded does not begin.
pub(crate) async fn unrecorded(mut client: Box<Stream>) {
    let mut said = Vec::new();
    crate::auth::error_response(&mut said, "58030", "pgscrim: the audit log cannot be written");
    let say = async {
        client.write_all(&said).await?;
        client.shutdown().await
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), say).await;
}

impl Drop for SessionEdge {
    fn drop(&mut self) {
        self.audit.disconnected(None);
    }
}

impl Edge for SessionEdge {
    fn now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn hold(&self, held: u32, need: u32) -> u32 {
        self.audit.handle().hold(held, need)
    }

    fn keep(&self, held: u32) -> u32 {
        self.audit.handle().keep(held)
    }

    fn record(&self, view: &View, finished: Finished) {
        self.metrics.finished(&finished);
        self.audit.record(view, &finished);
    }

    fn count(&self, counts: Counts, since: u64) {
        if counts.schema_changes > 0 {
            self.changes.may_be(counts.definitions > 0);
        }
        if counts != Counts::default() {
            // Only the time of a plan is of interest, and asking for the time is not free.
            let step = if counts.cache_misses > 0 { self.now().saturating_sub(since) } else { 0 };
            self.metrics.count(counts, Duration::from_micros(step));
        }
    }

    fn schema_changed(&self) -> Option<std::time::Instant> {
        self.changes.unread()
    }

    fn poll_durable(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.audit.poll_durable(cx)
    }

    fn cancel(&self) -> Cancelling {
        let (target, key) = self.upstream.clone();
        Cancelling(Box::pin(async move {
            let Some(key) = key else { return };
            if let Err(error) = cancel(&target, &key).await {
                tracing::warn!("a statement that was broken off could not be cancelled: {error}");
            }
        }))
    }
}
