//! A log-in on both sides: the server is dialled, its exchange relayed, the caller asked, and only then the client let in.
//! Until then `AuthenticationOk` and all that follows it are held back.

use std::sync::PoisonError;

use tokio::time::{sleep, timeout_at};

use super::super::stream::source;
use super::channel::{Channel, Lost};
use super::hello::{Client, EndPoint};
use super::ready::{Opened, check_governed, settings};
use super::scram;
use super::{Admission, Arrival, AuthFailure, FailureReason, Method, Ready, Started, StartupContext, StartupRefusal};
use crate::auth::{
    Asked, Fault, Message, Passthrough, Reply, Source, Verdict, error_response, negotiate, offers_binding, server_error, upstream_startup,
};
use crate::upstream::{DialError, Stream, dial, dial_plain};

/// Why a log-in stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client is gone; nobody need be told.
    Closed,
    /// It is sent away.
    Refuse(Refusal),
}

/// What the client is told, and what the audit.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) frame: Vec<u8>,
    pub(super) sqlstate: String,
    pub(super) reason: FailureReason,
    pub(super) detail: String,
}

impl Refusal {
    /// In our own words.
    pub(super) fn own(sqlstate: &str, reason: FailureReason, message: &str) -> Self {
        let mut frame = Vec::new();
        error_response(&mut frame, sqlstate, &format!("pgscrim: {message}"));
        Self { frame, sqlstate: sqlstate.to_owned(), reason, detail: message.to_owned() }
    }

    /// The server's `ErrorResponse`, as it came; one out of a function that ran at the log-in may hold data, and keeps its SQLSTATE only.
    pub(super) fn servers(body: &[u8], reason: FailureReason) -> Self {
        let Ok(error) = server_error(body) else { return Self::lost(Lost::Malformed) };
        let detail = "the server refused it".to_owned();
        if error.from_function {
            return Self::own(&error.sqlstate, reason, "a function of the server's ended the log-in");
        }
        let mut frame = Vec::with_capacity(body.len() + 5);
        crate::wire::Build::new(&mut frame, b'E').bytes(body).end();
        Self { frame, sqlstate: error.sqlstate, reason, detail }
    }

    /// The server's connection is of no more use.
    pub(super) fn lost(lost: Lost) -> Self {
        match lost {
            Lost::Gone => Self::own("08006", FailureReason::Unreachable, "the server closed the connection while logging in"),
            Lost::Late => Self::own("08006", FailureReason::Unreachable, "the server did not answer in time"),
            Lost::Malformed => Fault::Server.into(),
        }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        let reason = match fault {
            Fault::Trust | Fault::Unsupported | Fault::ChannelBinding | Fault::NotScram => FailureReason::Method,
            Fault::Password | Fault::OtherVerifier => FailureReason::Password,
            Fault::BindingNegotiation
            | Fault::BindingCheck
            | Fault::AuthorizationIdentity
            | Fault::Imposter
            | Fault::Scram
            | Fault::Server
            | Fault::Client => FailureReason::Protocol,
        };
        Self::own(fault.sqlstate(), reason, &fault.to_string())
    }
}

impl From<StartupRefusal> for Refusal {
    fn from(refusal: StartupRefusal) -> Self {
        Self::own(refusal.sqlstate, FailureReason::Admission, &refusal.message)
    }
}

impl<T: Into<Refusal>> From<T> for Stop {
    fn from(refusal: T) -> Self {
        Self::Refuse(refusal.into())
    }
}

/// Takes a client through its log-in.
pub(super) async fn log_in<A: Admission>(client: Client, cx: &StartupContext<A>) -> Started<A::Session> {
    let Client { mut channel, asked, certificate, end_point } = client;
    let arrival = Arrival {
        login: asked.user.clone(),
        database: asked.database.clone(),
        application: asked.parameter("application_name").map(str::to_owned),
        certificate,
        client_address: channel.stream.peer_name(),
        minor: asked.minor,
    };
    let source = source(&channel.stream);
    match open(&mut channel, end_point, &asked, &arrival, source, cx).await {
        Ok(opened) => Started::Session(Box::new(ready(channel, asked, arrival, opened))),
        Err(Stop::Closed) => Started::Closed,
        Err(Stop::Refuse(refusal)) => {
            if let (FailureReason::Password, Some(source)) = (refusal.reason, source) {
                cx.throttle.lock().unwrap_or_else(PoisonError::into_inner).failed(source, cx.epoch.elapsed());
            }
            channel.farewell(&refusal.frame).await;
            let Refusal { frame: _, sqlstate, reason, detail } = refusal;
            let client_address = arrival.client_address.clone();
            Started::Refused(Box::new(AuthFailure { arrival: Some(arrival), client_address, sqlstate, reason, detail }))
        }
    }
}

fn ready<S>(channel: Channel, asked: Asked, arrival: Arrival, opened: (Opened, super::Grant<S>)) -> Ready<S> {
    let (Opened { channel: upstream, parameters, key, .. }, grant) = opened;
    let ((client, client_rest), (upstream, upstream_rest)) = (channel.into_parts(), upstream.into_parts());
    let settings = settings(&asked);
    Ready {
        client,
        upstream,
        arrival,
        grant,
        settings,
        parameters: asked.parameters,
        server_parameters: parameters,
        upstream_key: key,
        client_rest,
        upstream_rest,
    }
}

async fn open<A: Admission>(
    client: &mut Channel,
    end_point: EndPoint,
    asked: &Asked,
    arrival: &Arrival,
    source: Option<Source>,
    cx: &StartupContext<A>,
) -> Result<(Opened, super::Grant<A::Session>), Stop> {
    if asked.negotiate {
        negotiate(&mut client.pending, asked.minor, &asked.unknown);
    }
    if cx.tls_required && !client.stream.is_tls() && !client.stream.is_unix() {
        return Err(Refusal::own("28000", FailureReason::TlsRequired, "connections without TLS are not taken here").into());
    }
    let expected = cx.admission.expect(arrival)?;
    wait_for_turn(source, cx).await?;
    let server = authenticate(client, end_point, asked, arrival, expected.governed, cx).await?;
    let opened = Opened::read(server).await?;
    opened.check_login(&arrival.login)?;
    let granted = timeout_at(client.deadline(), cx.admission.authorize(arrival)).await;
    let grant = granted.map_err(|_| Refusal::own("57P03", FailureReason::Admission, "the log-in took too long"))??;
    if grant.governed {
        check_governed(asked, &opened)?;
    }
    client.send(&opened.welcome(&grant)).await.map_err(|_| Stop::Closed)?;
    Ok((opened, grant))
}

/// Takes the way that works; the server's `AuthenticationOk` is held back.
async fn authenticate<A>(
    client: &mut Channel,
    end_point: EndPoint,
    asked: &Asked,
    arrival: &Arrival,
    governed: bool,
    cx: &StartupContext<A>,
) -> Result<Channel, Stop> {
    let checked = match &cx.method {
        // Before the server is troubled: whoever does not know a password does not cost it a process.
        Method::Scram(verifiers) => Some(scram::check(client, arrival, end_point.clone(), verifiers).await?),
        Method::Passthrough | Method::Auto(_) => None,
    };
    let (mut server, first) = reach(client, asked, governed, cx).await?;
    let checked = match (checked, &cx.method) {
        (None, Method::Auto(Some(verifiers))) if client.stream.is_tls() && first.tag == b'R' && offers_binding(&first.body) => {
            Some(scram::check(client, arrival, end_point, verifiers).await?)
        }
        (checked, _) => checked,
    };
    match checked {
        Some(credentials) => scram::log_in(&mut server, first, arrival, credentials, cx.allow_trust).await?,
        None => relay(client, &mut server, first, cx.allow_trust).await?,
    }
    Ok(server)
}

/// A source that failed before waits for its turn.
async fn wait_for_turn<A>(source: Option<Source>, cx: &StartupContext<A>) -> Result<(), Stop> {
    let Some(source) = source else { return Err(Stop::Closed) };
    let verdict = cx.throttle.lock().unwrap_or_else(PoisonError::into_inner).attempt(source, cx.epoch.elapsed());
    match verdict {
        Verdict::Wait(pause) if pause.is_zero() => Ok(()),
        Verdict::Wait(pause) => {
            sleep(pause).await;
            Ok(())
        }
        Verdict::Refuse => Err(Refusal::own("53400", FailureReason::Throttled, "too many failed log-ins from this address").into()),
    }
}

/// Dials the server and sends it the start-up packet; gives its first answer too.
async fn reach<A>(client: &Channel, asked: &Asked, governed: bool, cx: &StartupContext<A>) -> Result<(Channel, Message), Stop> {
    // Without it the server would talk in the database's encoding; a client that asks for another one is refused when it is known
    // who it is.
    let extra: &[(&str, &str)] =
        if governed && settings(asked).iter().all(|(name, _)| name != "client_encoding") { &[("client_encoding", "UTF8")] } else { &[] };
    let packet = upstream_startup(asked, extra);
    let (server, first) = begin(client, dial(&cx.upstream), &packet).await?;
    // As libpq under `prefer`: a server that refuses whoever comes in TLS (`hostnossl`) may take the same login without.
    if first.tag == b'E' && server.stream.is_tls() && cx.upstream.may_be_plain() && refused(&first.body) == FailureReason::Password {
        return begin(client, dial_plain(&cx.upstream), &packet).await;
    }
    Ok((server, first))
}

/// Sends the start-up packet over a fresh connection, and awaits the answer that counts.
async fn begin(
    client: &Channel,
    dialling: impl Future<Output = Result<Stream, DialError>>,
    packet: &[u8],
) -> Result<(Channel, Message), Stop> {
    let unreachable = |detail: String| {
        let mut refusal = Refusal::own("08006", FailureReason::Unreachable, "the server cannot be reached");
        refusal.detail = detail;
        refusal
    };
    let stream = match timeout_at(client.deadline(), dialling).await {
        Err(_) => return Err(unreachable("the server did not answer in time".to_owned()).into()),
        Ok(Err(error)) => return Err(unreachable(error.to_string()).into()),
        Ok(Ok(stream)) => stream,
    };
    let mut server = Channel::new(stream, bytes::BytesMut::new(), client.deadline());
    server.send(packet).await.map_err(Refusal::lost)?;
    loop {
        let message = server.message().await.map_err(Refusal::lost)?;
        // The server's own version is its matter; what a notice would say before the log-in is nobody's.
        if !matches!(message.tag, b'v' | b'N') {
            return Ok((server, message));
        }
    }
}

/// Relays the exchange until the server says `AuthenticationOk`, which is held back.
async fn relay(client: &mut Channel, server: &mut Channel, first: Message, allow_trust: bool) -> Result<(), Stop> {
    let mut exchange = Passthrough::new(allow_trust);
    let mut message = first;
    loop {
        match message.tag {
            b'R' => match exchange.on_server(&message.body)? {
                Reply::Accepted => return Ok(()),
                Reply::Tell(frame) => client.pending.extend_from_slice(&frame),
                Reply::Ask(frame) => {
                    let answer = ask(client, &frame).await?;
                    server.send(&exchange.on_client(&answer)?).await.map_err(Refusal::lost)?;
                }
            },
            b'E' => return Err(Refusal::servers(&message.body, refused(&message.body)).into()),
            b'v' | b'N' => {}
            _ => return Err(Fault::Server.into()),
        }
        message = server.message().await.map_err(Refusal::lost)?;
    }
}

/// Whether an error before `AuthenticationOk` says that the login is wrong, or that the server will not have anyone now.
pub(super) fn refused(body: &[u8]) -> FailureReason {
    match server_error(body) {
        Ok(error) if error.sqlstate.starts_with("28") => FailureReason::Password,
        _ => FailureReason::Server,
    }
}

/// Asks the client; gives the body of its answer. A client that goes away here (psql, to ask for a password) has not failed.
pub(super) async fn ask(client: &mut Channel, frame: &[u8]) -> Result<bytes::BytesMut, Stop> {
    client.send(frame).await.map_err(|_| Stop::Closed)?;
    match client.message().await {
        Ok(message) if message.tag == b'p' => Ok(message.body),
        Ok(message) if message.tag == b'X' => Err(Stop::Closed),
        Ok(_) | Err(Lost::Malformed) => Err(Fault::Client.into()),
        Err(Lost::Gone | Lost::Late) => Err(Stop::Closed),
    }
}
