//! The admin endpoint: `/metrics`, `/healthz`, `/readyz` over HTTP, on a thread of its own, so that it answers while the sessions'
//! threads are busy. It changes nothing, and knows no user's, row's or statement's text.

#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::sync::oneshot;

use crate::config;
use crate::server::health::Shown;

/// How often the histograms are brought into order where nobody looks.
const UPKEEP: Duration = Duration::from_secs(5);

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

/// The endpoint that a configuration asks for. Where nobody asked for it and its address is taken, the proxy runs without.
///
/// # Errors
/// Where the address cannot be listened on.
pub fn configured(admin: &config::Admin, shown: Shown) -> io::Result<Option<Admin>> {
    let Some(listen) = &admin.listen else { return Ok(None) };
    match serve(listen, shown) {
        Ok(admin) => Ok(Some(admin)),
        Err(error) if !admin.explicit && error.kind() == io::ErrorKind::AddrInUse => {
            tracing::warn!("'{listen}' is in use: no metrics are served; give 'admin.listen' another address");
            Ok(None)
        }
        Err(error) => Err(error),
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
                () = keep_up(shown.clone()) => {}
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

async fn keep_up(shown: Shown) {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        shown.upkeep();
    }
}

fn router(shown: Shown) -> Router {
    Router::new().route("/metrics", get(metrics)).route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(shown)
}

async fn metrics(State(shown): State<Shown>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], shown.render()).into_response()
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
