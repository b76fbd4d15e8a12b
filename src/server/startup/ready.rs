//! What a server says between `AuthenticationOk` and `ReadyForQuery`, what must hold of it, and what the client gets of it.

use super::channel::Channel;
use super::login::Refusal;
use super::{FailureReason, Grant};
use crate::auth::{Asked, CancelKey, Fault, authentication_ok, backend_key_data, ready_for_query, server_error, split_options};
use crate::base::is_on;
use crate::wire::{Build, Reader};

/// How much a server may say before its `ReadyForQuery`.
const LIMIT: usize = 1 << 20;

/// A server that waits for the first statement.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) channel: Channel,
    /// Its `ParameterStatus` messages, in order.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) key: Option<CancelKey>,
    /// The same messages as they came.
    statuses: Vec<u8>,
    /// Its notices as they came.
    notices: Vec<u8>,
}

impl Opened {
    /// Reads up to the `ReadyForQuery`.
    pub(super) async fn read(channel: Channel) -> Result<Self, Refusal> {
        let mut opened = Self { channel, parameters: Vec::new(), key: None, statuses: Vec::new(), notices: Vec::new() };
        loop {
            let message = opened.channel.message().await.map_err(Refusal::lost)?;
            let body = &message.body;
            match message.tag {
                b'S' => opened.status(body)?,
                b'K' => opened.key = Some(CancelKey::read(body).map_err(|_| Fault::Server)?),
                b'N' => Build::new(&mut opened.notices, b'N').bytes(body).end(),
                b'v' => {}
                b'Z' if body.as_ref() == b"I" => return Ok(opened),
                b'E' if server_error(body).is_ok() => return Err(Refusal::servers(body, FailureReason::Server)),
                _ => return Err(Fault::Server.into()),
            }
            if opened.statuses.len() + opened.notices.len() > LIMIT {
                return Err(Fault::Server.into());
            }
        }
    }

    fn status(&mut self, body: &[u8]) -> Result<(), Refusal> {
        let mut reader = Reader::new(body);
        let (Ok(name), Ok(value)) = (reader.cstr(), reader.cstr()) else { return Err(Fault::Server.into()) };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        self.parameters.push((text(name), text(value)));
        Build::new(&mut self.statuses, b'S').bytes(body).end();
        Ok(())
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The policy speaks of the login that the server accepted. Where that is not the one that was asked for (a `session_authorization`
    /// among the start-up parameters, `db_user_namespace`), two names would stand for one session.
    pub(super) fn check_login(&self, login: &str) -> Result<(), Refusal> {
        match self.parameter("session_authorization") {
            Some(name) if name != login => {
                Err(Refusal::own("28000", FailureReason::Settings, "the session does not belong to the login that asked for it"))
            }
            _ => Ok(()),
        }
    }

    /// All that the client was not told until now.
    pub(super) fn welcome<S>(&self, grant: &Grant<S>) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.statuses.len() + 64);
        authentication_ok(&mut out);
        out.extend_from_slice(&self.statuses);
        if !grant.governed {
            // A notice at this point comes out of a log-in trigger, so it may hold data.
            out.extend_from_slice(&self.notices);
        }
        backend_key_data(&mut out, grant.key.pid, &grant.key.key);
        ready_for_query(&mut out);
        out
    }
}

/// The settings that a client asked for, in the order in which the server applies them; names in lower case. Of `options` only what
/// is a plain setting.
pub(super) fn settings(asked: &Asked) -> Vec<(String, String)> {
    let options = asked.parameters.iter().rev().find(|(name, _)| name == "options");
    let first = options.and_then(|(_, value)| split_options(value).ok()).unwrap_or_default();
    let rest = asked.parameters.iter().filter(|(name, _)| !["user", "database", "options", "replication"].contains(&name.as_str()));
    first.into_iter().map(|s| (s.name, s.value)).chain(rest.map(|(n, v)| (n.to_ascii_lowercase(), v.clone()))).collect()
}

/// What must hold for a governed session from its beginning. The server's own words count, whatever made them so.
pub(super) fn check_governed(asked: &Asked, opened: &Opened) -> Result<(), Refusal> {
    let unclear = |what: &str| Err(Refusal::own("0A000", FailureReason::Settings, what));
    if asked.parameters.iter().any(|(name, value)| name == "options" && split_options(value).is_err()) {
        return unclear("'options' may only hold '-c name=value' and '--name=value' here");
    }
    if opened.parameter("client_encoding") != Some("UTF8") {
        return unclear("client_encoding must be UTF8");
    }
    if opened.parameter("standard_conforming_strings") != Some("on") {
        return unclear("standard_conforming_strings must be on");
    }
    // the server does not say it
    if settings(asked).iter().any(|(name, value)| name == "array_nulls" && !is_on(&value.to_ascii_lowercase())) {
        return unclear("array_nulls must be on");
    }
    Ok(())
}
