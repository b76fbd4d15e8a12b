//! A thread's connections: each from its log-in to its end, on the thread that it was given to.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::edge::{SessionEdge, Watch, unrecorded};
use super::gate::{Admitted, Gate};
use super::listen::Accepted;
use super::relay::{Relay, Worker};
use super::sessions::Seat;
use super::startup::{AuthFailure, Ready, Started, StartupContext, start};
use super::stream::Stream;
use crate::auth::CancelKey;
use crate::session::{Budget, Limits, Session};
use crate::upstream::cancel;

/// A connection on its way to a thread: a socket belongs to the thread that has registered it.
#[derive(Debug)]
pub(super) enum Handed {
    Tcp(std::net::TcpStream),
    Unix(std::os::unix::net::UnixStream),
}

impl Handed {
    pub(super) fn of(accepted: Accepted) -> io::Result<Self> {
        Ok(match accepted {
            Accepted::Tcp(socket) => Self::Tcp(socket.into_std()?),
            Accepted::Unix(socket) => Self::Unix(socket.into_std()?),
        })
    }

    fn take(self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Tcp(socket) => Accepted::Tcp(tokio::net::TcpStream::from_std(socket)?),
            Self::Unix(socket) => Accepted::Unix(tokio::net::UnixStream::from_std(socket)?),
        })
    }
}

/// What all connections of a thread share.
pub(super) struct Shared {
    pub(super) startup: StartupContext<Gate>,
    pub(super) worker: Rc<RefCell<Worker>>,
    pub(super) limits: Limits,
    pub(super) budget: Arc<Budget>,
    pub(super) watch: Watch,
}

/// A connection that is counted as long as it is open.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn one_more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A thread of sessions: it ends when no more connections can come and all that it has are closed.
pub(super) fn run_thread(shared: Shared, mut receiver: mpsc::Receiver<Handed>) {
    let options = tokio::runtime::LocalOptions::default();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build_local(options) else {
        tracing::error!("a thread of sessions could not be started");
        return;
    };
    let shared = Rc::new(shared);
    runtime.block_on(async {
        while let Some(handed) = receiver.recv().await {
            let counted = Counted::one_more(&shared.startup.admission.connections);
            let Ok(accepted) = handed.take() else { continue };
            let shared = Rc::clone(&shared);
            tokio::task::spawn_local(async move {
                connection(accepted, &shared).await;
                drop(counted);
            });
        }
    });
}

/// Takes a connection from its log-in to its end. What is rare is boxed: the task of an idle session keeps no room for it.
async fn connection(accepted: Accepted, shared: &Shared) {
    let logging_in = shared.watch.logging_in();
    let started = start(accepted, &shared.startup).await;
    drop(logging_in);
    match started {
        Started::Session(ready) => {
            // What the log-in left behind goes before the session begins: a connection may be idle for days.
            match session(*ready, shared) {
                Ok((relay, (client, server), seat)) => {
                    relay.run(client, server).await;
                    drop(seat);
                }
                Err(client) => Box::pin(unrecorded(client)).await,
            }
        }
        Started::Cancel(key, client) => {
            Box::pin(pass_on(key, shared)).await;
            drop(client);
        }
        Started::Refused(failure) => refused(&failure, shared),
        Started::Closed => {}
    }
}

async fn pass_on(key: CancelKey, shared: &Shared) {
    if let Some(upstream) = shared.startup.admission.sessions.cancelled(&key)
        && let Err(error) = cancel(&shared.startup.upstream, &upstream).await
    {
        tracing::warn!("a cancel request could not be passed on: {error}");
    }
}

fn refused(failure: &AuthFailure, shared: &Shared) {
    tracing::info!(sqlstate = %failure.sqlstate, reason = ?failure.reason, "a log-in failed: {}", failure.detail);
    shared.watch.auth_failed(failure);
}

/// A session's loop with what was read beyond the log-in, and its seat. The client where it cannot begin.
#[expect(clippy::type_complexity, reason = "made and taken apart once")]
fn session(
    ready: Ready<Admitted>,
    shared: &Shared,
) -> Result<(Box<Relay<Stream, Stream, SessionEdge>>, (Vec<u8>, Vec<u8>), Seat), Box<Stream>> {
    let Ready { client, upstream, arrival, grant, settings, server_parameters, upstream_key, client_rest, upstream_rest, .. } = ready;
    let Admitted { seat, view } = grant.session;
    let gate = &shared.startup.admission;
    gate.sessions.runs(seat.number, upstream_key.clone());
    let asked = (Arc::clone(&shared.startup.upstream), upstream_key);
    let changes = gate.databases.changes(&arrival.database);
    let Some(edge) = SessionEdge::open(&shared.watch, &arrival, &settings, &view, changes, asked) else { return Err(Box::new(client)) };
    let session = Session::new(view, shared.limits, &server_parameters).sharing(&shared.budget);
    let mailbox = Arc::clone(&seat.mailbox);
    let relay = Box::new(Relay::new(client, upstream, session, edge, Rc::clone(&shared.worker), mailbox));
    Ok((relay, (client_rest, upstream_rest), seat))
}
