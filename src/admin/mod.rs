//! The admin endpoint: `/metrics`, `/healthz`, `/readyz` over HTTP, on a thread of its own, so that it answers while the sessions'
//! threads are busy. It changes nothing, and knows no user's, row's or statement's text.

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::oneshot;

use crate::server::audit_writer::AuditHandle;
use crate::server::metrics::Metrics;

/// How often the histograms are brought into order where nobody looks.
const UPKEEP: Duration = Duration::from_secs(5);

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

/// The endpoint while it serves. Dropping it ends it.
#[derive(Debug)]
pub struct Admin {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Admin {
    /// Where it listens, for a port that was chosen by the system.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing left to do that could fail.
            let _ = thread.join();
        }
    }
}

/// Serves on `listen` (`host:port`) until what is returned is dropped.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn serve(listen: &str, shown: Shown) -> io::Result<Admin> {
    let listener = TcpListener::bind(listen)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let listener = {
        let _within = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    let run = move || {
        runtime.block_on(async move {
            tokio::select! {
                _ = stopped => {}
                () = keep_up(shown.printer.clone()) => {}
                served = axum::serve(listener, router(shown)) => {
                    if let Err(error) = served {
                        tracing::error!(%error, "the admin endpoint ended");
                    }
                }
            }
        });
    };
    let thread = std::thread::Builder::new().name("admin".into()).spawn(run)?;
    Ok(Admin { address, stop: Some(stop), thread: Some(thread) })
}

async fn keep_up(printer: PrometheusHandle) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        printer.run_upkeep();
    }
}

fn router(shown: Shown) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(shown)
}

async fn metrics(State(shown): State<Shown>) -> Response {
    shown.metrics.look(shown.health.audit.as_ref(), (shown.health.catalog_age)());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shown.printer.render()).into_response()
}

/// The process lives.
async fn healthz() -> &'static str {
    "ok\n"
}

/// A new client would be served; else 503 and why not, a line each.
async fn readyz(State(shown): State<Shown>) -> Response {
    let missing = shown.health.missing();
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n").into_response()
}
