//! Who is let in: the caller's part in a log-in. Roles come from the policy, over the database's own catalog, after the server has
//! accepted the login.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::audit_writer::AuditHandle;
use super::databases::{Databases, Unknown};
use super::sessions::{Seat, Sessions};
use super::startup::{Admission, Arrival, Expected, Grant, StartupRefusal};
use crate::session::View;

/// What the gate knows of a session.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) seat: Seat,
    pub(crate) view: Arc<View>,
}

/// The gate, shared by all threads.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) databases: Arc<Databases>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) audit: AuditHandle,
    /// Connections that are open, those that have not logged in among them.
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) limit: usize,
    pub(crate) closing: Arc<AtomicBool>,
}

fn refuse<T>(sqlstate: &'static str, message: impl Into<String>) -> Result<T, StartupRefusal> {
    Err(StartupRefusal { sqlstate, message: message.into() })
}

fn unknown<T>(why: &Unknown) -> Result<T, StartupRefusal> {
    let sqlstate = if matches!(why, Unknown::Catalog(_)) { "08006" } else { "28000" };
    refuse(sqlstate, why.to_string())
}

impl Admission for Gate {
    type Session = Admitted;

    fn expect(&self, arrival: &Arrival) -> Result<Expected, StartupRefusal> {
        if self.closing.load(Ordering::Acquire) {
            return refuse("57P03", "the proxy is shutting down");
        }
        if self.connections.load(Ordering::Acquire) > self.limit {
            return refuse("53400", format!("limits.connections ({}) is reached", self.limit));
        }
        let known = self.databases.known(&arrival.database).and_then(Result::ok);
        let view = known.and_then(|s| s.view(&arrival.login, arrival.certificate.as_deref()));
        Ok(Expected { governed: view.is_none_or(|v| !v.profile.unrestricted) })
    }

    async fn authorize(&self, arrival: &Arrival) -> Result<Grant<Admitted>, StartupRefusal> {
        // A session whose beginning cannot be recorded does not begin.
        if self.audit.refuses() {
            return refuse("58030", "the audit log cannot be written");
        }
        if let Err(why) = self.databases.snapshot(&arrival.database).await {
            return unknown(&why);
        }
        let mut key = vec![0; if arrival.minor >= 2 { 32 } else { 4 }];
        if getrandom::fill(&mut key).is_err() {
            return refuse("57P03", "the system gives no random bytes");
        }
        let certificate = arrival.certificate.as_deref();
        // The seat comes first: a snapshot that is published after the look at it is told to the session.
        let (seat, key) = self.sessions.enter(&arrival.database, &arrival.login, certificate, key);
        let current = match self.databases.known(&arrival.database) {
            Some(Ok(snapshot)) => snapshot,
            Some(Err(why)) => return unknown(&why),
            None => return refuse("08006", "the database's catalog is not known"),
        };
        match current.view(&arrival.login, certificate) {
            Some(view) => Ok(Grant { governed: !view.profile.unrestricted, key, session: Admitted { seat, view } }),
            None => refuse("28000", format!("login \"{}\" has no role in the policy, or its role has ended", arrival.login)),
        }
    }
}
