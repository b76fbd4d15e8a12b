//! What the process says of itself: whether it is ready, and its metrics. Not here: the HTTP that carries it (`admin`).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;

use super::audit_writer::AuditHandle;
use super::metrics::Metrics;

/// The age of the catalog that sessions decide by, `None` before the first was loaded. Asked at each look.
pub type CatalogAge = Box<dyn Fn() -> Option<Duration> + Send + Sync>;

/// What readiness depends on, shared with the rest of the process.
pub struct Health {
    audit: Option<AuditHandle>,
    catalog_age: CatalogAge,
    /// Beyond it governed statements are refused (`catalog.max_age`).
    max_age: Duration,
    listening: AtomicBool,
    draining: AtomicBool,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health").field("listening", &self.listening).field("draining", &self.draining).finish_non_exhaustive()
    }
}

impl Health {
    /// Of a process that does not listen yet.
    #[must_use]
    pub fn new(audit: Option<AuditHandle>, catalog_age: CatalogAge, max_age: Duration) -> Arc<Self> {
        Arc::new(Self { audit, catalog_age, max_age, listening: AtomicBool::new(false), draining: AtomicBool::new(false) })
    }

    /// Clients are taken from now on.
    pub fn listening(&self) {
        self.listening.store(true, Ordering::Release);
    }

    /// No new clients are taken any more.
    pub fn draining(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// What keeps a new client from being served; nothing, where it would be.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let age = (self.catalog_age)();
        [
            (!self.listening.load(Ordering::Acquire), "not listening yet"),
            (self.draining.load(Ordering::Acquire), "shutting down"),
            (age.is_none(), "the catalog was not loaded yet"),
            (age.is_some_and(|a| a > self.max_age), "the catalog is too old"),
            (self.audit.as_ref().is_some_and(AuditHandle::refuses), "the audit log cannot be written"),
        ]
        .into_iter()
        .filter_map(|(wrong, word)| wrong.then_some(word))
        .collect()
    }
}

/// What the endpoint shows.
#[derive(Clone, Debug)]
pub struct Shown {
    /// For `/readyz`.
    pub health: Arc<Health>,
    /// The process's metrics, brought up to date before each print.
    pub metrics: Metrics,
    /// Prints them.
    pub printer: PrometheusHandle,
}

impl Shown {
    /// The metrics as they are now, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.metrics.look(self.health.audit.as_ref(), (self.health.catalog_age)());
        self.printer.render()
    }

    /// Brings the histograms into order: to be called every few seconds, or they grow.
    pub fn upkeep(&self) {
        self.printer.run_upkeep();
    }
}
