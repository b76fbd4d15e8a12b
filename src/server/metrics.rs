//! What `/metrics` counts. Handles are looked up when a session begins, not when a statement ends. Labels come from the policy and
//! from fixed words; none holds a user's, a row's or a statement's text.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dashmap::DashMap;
use metrics::{Counter, Gauge, Histogram, Recorder, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::audit_writer::{AuditHandle, outcome_word};
use crate::plan::{Cell, Permit};
use crate::session::{Counts, Finished, Outcome};

/// Words of refusals and SQLSTATE classes that are kept apart; beyond them all count as `other`.
const WORDS: usize = 200;
/// Seconds, for plans.
const PLAN: [f64; 9] = [0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.1, 1.0];
/// Seconds, for statements.
const STATEMENT: [f64; 12] = [0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0];
const OUTCOMES: [Outcome; 6] = [Outcome::Refused, Outcome::Failed, Outcome::Skipped, Outcome::Rewritten, Outcome::Masked, Outcome::Allowed];

/// A phase of a connection, the label `state` of `pgscrim_connections`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Logging in.
    Login,
    /// Open.
    Open,
}

/// What is counted outside of a session's statements.
struct Held {
    recorder: Option<PrometheusRecorder>,
    login: Gauge,
    open: Gauge,
    plan: Histogram,
    statement: Histogram,
    hits: Counter,
    misses: Counter,
    trips: Counter,
    disagreements: Counter,
    records: Counter,
    failures: Counter,
    queue: Gauge,
    catalog_age: Gauge,
    refusals: DashMap<Box<str>, Counter>,
    upstream: DashMap<[u8; 2], Counter>,
    policy: Mutex<Option<Gauge>>,
}

/// The process's metrics.
#[derive(Clone)]
pub struct Metrics(Arc<Held>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// A connection that is counted in its state until this is dropped.
#[derive(Debug)]
pub struct Counted(Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

impl Metrics {
    /// Metrics that are kept, with the handle that prints them. Somebody has to print them or call its `run_upkeep` every few
    /// seconds, or the histograms grow.
    #[must_use]
    pub fn recorded() -> (Self, PrometheusHandle) {
        let builder = PrometheusBuilder::new();
        let full = |name: &str| Matcher::Full(name.to_owned());
        // Only an empty list of buckets is an error, and these are not.
        let builder = builder
            .set_buckets_for_metric(full("pgscrim_plan_seconds"), &PLAN)
            .and_then(|b| b.set_buckets_for_metric(full("pgscrim_statement_seconds"), &STATEMENT));
        let recorder = builder.unwrap_or_default().build_recorder();
        let handle = recorder.handle();
        (Self::with(Some(recorder)), handle)
    }

    /// Metrics that nobody reads (`admin.listen: off`).
    #[must_use]
    pub fn unread() -> Self {
        Self::with(None)
    }

    fn with(recorder: Option<PrometheusRecorder>) -> Self {
        let held = within(recorder.as_ref(), || {
            describe();
            gauge!("pgscrim_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
            Held {
                recorder: None,
                login: gauge!("pgscrim_connections", "state" => "login"),
                open: gauge!("pgscrim_connections", "state" => "open"),
                plan: histogram!("pgscrim_plan_seconds"),
                statement: histogram!("pgscrim_statement_seconds"),
                hits: zero(counter!("pgscrim_plan_cache_total", "result" => "hit")),
                misses: zero(counter!("pgscrim_plan_cache_total", "result" => "miss")),
                trips: zero(counter!("pgscrim_witness_trips_total")),
                disagreements: zero(counter!("pgscrim_reader_disagreements_total")),
                records: zero(counter!("pgscrim_audit_records_total")),
                failures: zero(counter!("pgscrim_audit_failures_total")),
                queue: gauge!("pgscrim_audit_queue"),
                catalog_age: gauge!("pgscrim_catalog_age_seconds"),
                refusals: DashMap::new(),
                upstream: DashMap::new(),
                policy: Mutex::new(None),
            }
        });
        Self(Arc::new(Held { recorder, ..held }))
    }

    fn within<T>(&self, make: impl FnOnce() -> T) -> T {
        within(self.0.recorder.as_ref(), make)
    }

    /// Counts a connection in a state, as long as what is returned lives.
    #[must_use]
    pub fn connection(&self, state: ConnectionState) -> Counted {
        let gauge = match state {
            ConnectionState::Login => &self.0.login,
            ConnectionState::Open => &self.0.open,
        };
        gauge.increment(1.0);
        Counted(gauge.clone())
    }

    /// The policy that decides from now on, `sha256:…`.
    pub fn policy(&self, hash: &str) {
        let gauge = self.within(|| gauge!("pgscrim_policy_info", "hash" => hash.to_owned()));
        let mut current = self.0.policy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = current.replace(gauge.clone()) {
            before.set(0.0);
        }
        gauge.set(1.0);
    }

    /// What others count, at the time of a look.
    pub fn look(&self, audit: Option<&AuditHandle>, catalog_age: Option<Duration>) {
        if let Some(stats) = audit.map(AuditHandle::stats) {
            self.0.records.absolute(stats.records);
            self.0.failures.absolute(stats.failures);
            #[allow(clippy::cast_precision_loss, reason = "a queue of 2^53 records does not exist")]
            self.0.queue.set(stats.queue as f64);
        }
        if let Some(age) = catalog_age {
            self.0.catalog_age.set(age.as_secs_f64());
        }
    }

    fn refused(&self, reason: &str) {
        let reason = if self.0.refusals.len() < WORDS || self.0.refusals.contains_key(reason) { reason } else { "other" };
        if let Some(counter) = self.0.refusals.get(reason) {
            return counter.increment(1);
        }
        let counter = self.within(|| counter!("pgscrim_refusals_total", "reason" => reason.to_owned()));
        counter.increment(1);
        self.0.refusals.insert(reason.into(), counter);
    }

    fn upstream_error(&self, sqlstate: [u8; 5]) {
        let [a, b, ..] = sqlstate;
        let known = a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric();
        let class = if known && (self.0.upstream.len() < WORDS || self.0.upstream.contains_key(&[a, b])) { [a, b] } else { *b"??" };
        let label = if class == *b"??" { "other".to_owned() } else { class.map(char::from).iter().collect() };
        self.0
            .upstream
            .entry(class)
            .or_insert_with(|| self.within(|| counter!("pgscrim_upstream_errors_total", "sqlstate_class" => label)))
            .increment(1);
    }
}

/// Metrics that begin at 0 are seen before they first count.
fn zero(counter: Counter) -> Counter {
    counter.absolute(0);
    counter
}

fn within<T>(recorder: Option<&PrometheusRecorder>, make: impl FnOnce() -> T) -> T {
    let recorder: &dyn Recorder = recorder.map_or(&metrics::NoopRecorder, |r| r);
    metrics::with_local_recorder(recorder, make)
}

fn describe() {
    describe_gauge!("pgscrim_connections", "Client connections by state");
    describe_counter!("pgscrim_statements_total", "Statements that ended, by decision and role");
    describe_counter!("pgscrim_values_masked_total", "Values that the proxy masked in results, by class; NULLs among them count");
    describe_counter!("pgscrim_refusals_total", "Statements that were refused, by reason");
    describe_counter!("pgscrim_plan_cache_total", "Plans found in the cache, and plans made");
    describe_histogram!("pgscrim_plan_seconds", "Time to decide a text that was not in the cache");
    describe_histogram!("pgscrim_statement_seconds", "Time from a statement's request to its end");
    describe_counter!("pgscrim_upstream_errors_total", "Statements that the upstream answered with an error, by class of SQLSTATE");
    describe_counter!("pgscrim_audit_records_total", "Audit records written");
    describe_gauge!("pgscrim_audit_queue", "Audit records that wait to be written");
    describe_counter!("pgscrim_audit_failures_total", "Attempts to write the audit log that failed, and records that found no room");
    describe_gauge!("pgscrim_catalog_age_seconds", "Time since the upstream's catalog was last seen");
    describe_counter!("pgscrim_witness_trips_total", "Results that the second witness stopped");
    describe_counter!("pgscrim_reader_disagreements_total", "Texts in which the two readers saw different things");
    describe_gauge!("pgscrim_policy_info", "1 for the policy that decides");
    describe_gauge!("pgscrim_build_info", "1, with the program's version");
}

/// One session's counters, on its thread.
#[derive(Debug)]
pub struct SessionMetrics {
    all: Metrics,
    _open: Counted,
    decisions: Vec<(Outcome, Counter)>,
    classes: RefCell<HashMap<Box<str>, Counter>>,
}

impl SessionMetrics {
    /// For a session with these roles of the policy; several count as one label, joined by `+`.
    #[must_use]
    pub fn new(all: &Metrics, roles: &[Arc<str>]) -> Self {
        let role = roles.join("+");
        let counter = |outcome| counter!("pgscrim_statements_total", "decision" => outcome_word(outcome), "role" => role.clone());
        let decisions = all.within(|| OUTCOMES.iter().map(|o| (*o, counter(*o))).collect());
        Self { all: all.clone(), _open: all.connection(ConnectionState::Open), decisions, classes: RefCell::default() }
    }

    /// A statement ended.
    pub fn finished(&self, finished: &Finished) {
        if let Some((_, counter)) = self.decisions.iter().find(|(o, _)| *o == finished.outcome) {
            counter.increment(1);
        }
        self.all.0.statement.record(Duration::from_micros(finished.duration));
        match (finished.outcome, finished.sqlstate) {
            (Outcome::Refused, _) => self.all.refused(finished.reason.as_deref().unwrap_or("other")),
            (Outcome::Failed, Some(sqlstate)) if finished.reason.is_none() => self.all.upstream_error(sqlstate),
            _ => {}
        }
        if finished.bytes > 0
            && let Some(permit) = finished.of.as_ref().or_else(|| finished.planned.permit())
        {
            self.masked(permit, finished.rows);
        }
    }

    fn masked(&self, permit: &Permit, rows: u64) {
        for cell in permit.cells() {
            let Cell::Masked { class, .. } = cell else { continue };
            let class = class.as_deref().unwrap_or("none");
            let mut classes = self.classes.borrow_mut();
            if let Some(counter) = classes.get(class) {
                counter.increment(rows);
                continue;
            }
            let counter = self.all.within(|| counter!("pgscrim_values_masked_total", "class" => class.to_owned()));
            counter.increment(rows);
            classes.insert(class.into(), counter);
        }
    }

    /// What a step counted, and how long it took.
    pub fn count(&self, counts: Counts, step: Duration) {
        let held = &*self.all.0;
        let Counts { masked: _, witness_trips, reader_disagreements, cache_hits, cache_misses, schema_changes: _, definitions: _ } = counts;
        for (counter, n) in [
            (&held.hits, cache_hits),
            (&held.misses, cache_misses),
            (&held.trips, witness_trips),
            (&held.disagreements, reader_disagreements),
        ] {
            if n > 0 {
                counter.increment(n);
            }
        }
        // A step in which a text was decided does little else.
        if counts.cache_misses > 0 {
            held.plan.record(step);
        }
    }
}
