//! From an accepted connection to a session that is logged in on both sides, or to the reason why not.
//! What a login may see is decided by the caller through [`Admission`]; what follows the log-in is not looked at.

mod channel;
mod hello;
mod login;
mod ready;
mod scram;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::listen::Accepted;
use super::tls::ServerTls;
use super::verifiers::Verifiers;
use crate::auth::{CancelKey, StartupError, Throttle};
use crate::upstream::{Stream, Target};

/// How long a log-in may take, unless configured otherwise (PostgreSQL's `authentication_timeout`).
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(60);

/// What is known of a client that wants to log in. The login is what it says until the server has accepted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The login.
    pub login: String,
    /// The database.
    pub database: String,
    /// Its `application_name`.
    pub application: Option<String>,
    /// The common name of its certificate.
    pub certificate: Option<String>,
    /// Its address, `[local]` for a unix socket.
    pub client_address: String,
    /// The minor version of protocol 3 that is spoken with it: from 2 on, cancel keys may be longer than 4 bytes.
    pub minor: u16,
}

/// What the caller expects of a login that has not proved itself yet. It only steers what the server is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The session will be governed.
    pub governed: bool,
}

/// What the caller gives a login that the server has accepted.
#[derive(Clone, Debug)]
pub struct Grant<S> {
    /// A policy holds for the session; `false` for unrestricted principals.
    pub governed: bool,
    /// The cancel key that the client gets: 4 bytes below minor version 2, else up to 256.
    pub key: CancelKey,
    /// What the caller knows of the session.
    pub session: S,
}

/// Why the caller sends a client away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartupRefusal {
    /// Of interface.md's table: 28000, 57P03, 53400 …
    pub sqlstate: &'static str,
    /// Without the `pgscrim: ` in front.
    pub message: String,
}

/// The caller's part in a log-in.
pub trait Admission {
    /// What the caller knows of a session.
    type Session;

    /// A client has said who it wants to be; nothing is proved.
    ///
    /// # Errors
    /// It is sent away before it is asked for anything: shutting down, locked down, too many connections.
    fn expect(&self, arrival: &Arrival) -> Result<Expected, StartupRefusal>;

    /// The server has accepted the login; the client does not know yet.
    ///
    /// # Errors
    /// The login has no role here (28000).
    fn authorize(&self, arrival: &Arrival) -> impl Future<Output = Result<Grant<Self::Session>, StartupRefusal>>;
}

/// The way that log-ins take.
#[derive(Clone, Debug)]
pub enum Method {
    /// The exchange between client and server is relayed.
    Passthrough,
    /// The proxy checks the client, and logs in as that user.
    Scram(Arc<Verifiers>),
    /// By relay, but where both sides use TLS and the server offers channel binding: there the proxy checks the client, if it has
    /// verifiers.
    Auto(Option<Arc<Verifiers>>),
}

/// All that log-ins share. One a thread; what is behind the `Arc`s is one a process.
#[derive(Debug)]
pub struct StartupContext<A> {
    /// The server.
    pub upstream: Arc<Target>,
    /// TLS for clients, where it is configured.
    pub tls: Option<Arc<ServerTls>>,
    /// TCP clients must use TLS; unix sockets are exempt.
    pub tls_required: bool,
    /// The way that log-ins take.
    pub method: Method,
    /// A server that lets the proxy in without a challenge is believed.
    pub allow_trust: bool,
    /// How long a log-in may take, waiting for its turn included.
    pub timeout: Duration,
    /// The sources that failed lately.
    pub throttle: Arc<Mutex<Throttle>>,
    /// The moment since which the throttle counts.
    pub epoch: Instant,
    /// The caller's part.
    pub admission: A,
}

/// A session that is logged in. The client has had its `ReadyForQuery`, the server has sent its.
#[derive(Debug)]
pub struct Ready<S> {
    /// The client's connection.
    pub client: Stream,
    /// The server's connection.
    pub upstream: Stream,
    /// Who it is; the login is the one that the server accepted.
    pub arrival: Arrival,
    /// What the caller granted.
    pub grant: Grant<S>,
    /// The start-up parameters as they came, in order: the proxy's own (`pgscrim.*`) among them, `options` as it was.
    pub parameters: Vec<(String, String)>,
    /// The settings that the server started with, in the order in which it applied them: those of `options` first, names in lower
    /// case. What only the proxy takes (`pgscrim.*`) is among them.
    pub settings: Vec<(String, String)>,
    /// The server's `ParameterStatus` messages.
    pub server_parameters: Vec<(String, String)>,
    /// With what the server is asked to cancel; `None` where it gave nothing.
    pub upstream_key: Option<CancelKey>,
    /// What was read from the client beyond the log-in.
    pub client_rest: Vec<u8>,
    /// What was read from the server beyond its `ReadyForQuery`.
    pub upstream_rest: Vec<u8>,
}

/// Why a log-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureReason {
    /// The start-up packet is refused.
    Packet,
    /// TLS is required.
    TlsRequired,
    /// Too many failures of the same source.
    Throttled,
    /// The caller sent the client away.
    Admission,
    /// The server cannot be reached, or went away.
    Unreachable,
    /// The server, or the proxy in its place, refused the login.
    Password,
    /// Client and server cannot log in this way.
    Method,
    /// The server accepted the login, and then refused the session (no such database, too many connections).
    Server,
    /// A message came that cannot come there.
    Protocol,
    /// The session cannot be governed (encoding, string literals).
    Settings,
}

/// A log-in that failed, for the audit and the log. The client has been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthFailure {
    /// What the client said of itself; `None` where its packet was refused.
    pub arrival: Option<Arrival>,
    /// Its address.
    pub client_address: String,
    /// What it was told.
    pub sqlstate: String,
    /// Why.
    pub reason: FailureReason,
    /// The same for the operator's log; never a value.
    pub detail: String,
}

/// What became of a connection.
#[derive(Debug)]
pub enum Started<S> {
    /// It is a session.
    Session(Box<Ready<S>>),
    /// It wants this session's statement cancelled; the connection is closed without an answer when the stream is dropped, which
    /// should happen when the request has been handled.
    Cancel(CancelKey, Stream),
    /// It was sent away.
    Refused(Box<AuthFailure>),
    /// It went away, or was no PostgreSQL client.
    Closed,
}

/// Takes a connection through its log-in. Nothing of it stays in memory afterwards but what is returned.
pub async fn start<A: Admission>(accepted: Accepted, cx: &StartupContext<A>) -> Started<A::Session> {
    // Boxed, so that the task of a long session does not keep room for its beginning.
    Box::pin(begin(accepted, cx)).await
}

async fn begin<A: Admission>(accepted: Accepted, cx: &StartupContext<A>) -> Started<A::Session> {
    let deadline = Instant::now() + cx.timeout;
    match hello::greet(accepted, cx.tls.as_deref(), deadline).await {
        hello::Hello::Startup(client) => login::log_in(*client, cx).await,
        hello::Hello::Cancel(key, stream) => Started::Cancel(key, stream),
        hello::Hello::Refused(error, client_address) => Started::Refused(Box::new(packet_failure(error, client_address))),
        hello::Hello::Closed => Started::Closed,
    }
}

fn packet_failure(error: StartupError, client_address: String) -> AuthFailure {
    let sqlstate = error.sqlstate().unwrap_or_default().to_owned();
    AuthFailure { arrival: None, client_address, sqlstate, reason: FailureReason::Packet, detail: error.to_string() }
}
