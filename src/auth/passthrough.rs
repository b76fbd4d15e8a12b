//! Log-in by relay: the server asks, the client answers, the proxy holds each message against what may come at that point.
//! SCRAM-SHA-256-PLUS is taken out of the offer, since its proof covers a certificate that is not the proxy's to show.
//! Neither sockets nor passwords are kept here.

use super::fault::Fault;
use super::message::{authentication, put};
use crate::wire::{Malformed, Reader};

#[cfg(test)]
mod tests;

/// The mechanism that can be relayed.
const SCRAM: &[u8] = b"SCRAM-SHA-256";

/// What the proxy does with a server's Authentication message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Give the client this, and wait for its answer.
    Ask(Vec<u8>),
    /// Give the client this; the server goes on.
    Tell(Vec<u8>),
    /// The server let the login in.
    Accepted,
}

/// Where an exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was asked yet.
    Start,
    /// A password was asked for; the client's turn.
    Password,
    /// The password went to the server.
    Answered,
    /// SASL was offered; the client's turn. The server offered channel binding too, or not.
    Offered { binding: bool },
    /// The client chose SCRAM; the server's turn.
    Chosen,
    /// The server sent its challenge; the client's turn.
    Challenged,
    /// The client sent its proof; the server's turn.
    Proved,
    /// The server sent its own proof, and `AuthenticationOk` must follow.
    Final,
}

/// One exchange.
#[derive(Clone, Copy, Debug)]
pub struct Passthrough {
    state: State,
    allow_trust: bool,
}

impl Passthrough {
    /// An exchange that has not begun; `allow_trust` as in the configuration.
    #[must_use]
    pub fn new(allow_trust: bool) -> Self {
        Self { state: State::Start, allow_trust }
    }

    /// Takes the body of an Authentication message (`R`).
    ///
    /// # Errors
    /// A message that is out of place, or asks for what cannot be relayed.
    pub fn on_server(&mut self, body: &[u8]) -> Result<Reply, Fault> {
        let mut rest = Reader::new(body);
        let code = rest.i32()?;
        let data = rest.rest();
        let (state, reply) = match (self.state, code) {
            (State::Start, 0) if self.allow_trust => (State::Start, Reply::Accepted),
            (State::Start, 0) => return Err(Fault::Trust),
            (State::Answered | State::Final, 0) => (self.state, Reply::Accepted),
            (State::Start, 3) if data.is_empty() => (State::Password, Reply::Ask(message(body))),
            (State::Start, 5) if data.len() == 4 => (State::Password, Reply::Ask(message(body))),
            (State::Start, 10) => offer(data)?,
            (State::Chosen, 11) => (State::Challenged, Reply::Ask(message(body))),
            (State::Proved, 12) => (State::Final, Reply::Tell(message(body))),
            (State::Start, 2 | 6 | 7 | 8 | 9) => return Err(Fault::Unsupported),
            _ => return Err(Fault::Server),
        };
        self.state = state;
        Ok(reply)
    }

    /// Takes the body of a client's answer (`p`), and gives what the server gets.
    ///
    /// # Errors
    /// An answer that is out of place or malformed, or one that cannot succeed.
    pub fn on_client(&mut self, body: &[u8]) -> Result<Vec<u8>, Fault> {
        self.state = match self.state {
            State::Password if is_password(body) => State::Answered,
            State::Offered { binding } => {
                chosen(body, binding)?;
                State::Chosen
            }
            State::Challenged => State::Proved,
            State::Start | State::Password | State::Answered | State::Chosen | State::Proved | State::Final => return Err(Fault::Client),
        };
        let mut out = Vec::with_capacity(body.len() + 5);
        put(&mut out, b'p', &[body]);
        Ok(out)
    }
}

/// An Authentication message with this body.
fn message(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 5);
    put(&mut out, b'R', &[body]);
    out
}

/// The names in a SASL offer.
pub(super) fn mechanisms(data: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let (mut data, mut names) = (Reader::new(data), Vec::new());
    loop {
        match data.cstr()? {
            b"" => return Ok(names),
            name => names.push(name),
        }
    }
}

/// The offer as the client gets it.
fn offer(data: &[u8]) -> Result<(State, Reply), Fault> {
    let names = mechanisms(data)?;
    if !names.contains(&SCRAM) {
        return Err(Fault::Unsupported);
    }
    let mut out = Vec::new();
    authentication(&mut out, 10, b"SCRAM-SHA-256\0\0");
    Ok((State::Offered { binding: names.contains(&b"SCRAM-SHA-256-PLUS".as_slice()) }, Reply::Ask(out)))
}

/// One string, its NUL at the very end.
fn is_password(body: &[u8]) -> bool {
    let mut rest = Reader::new(body);
    rest.cstr().is_ok() && rest.rest().is_empty()
}

/// A `SASLInitialResponse` in its two parts: the mechanism's name and the data.
pub(super) fn initial_response(body: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let mut body = Reader::new(body);
    let name = body.cstr()?;
    let length = usize::try_from(body.i32()?).map_err(|_| Malformed)?;
    let data = body.bytes(length)?;
    if body.rest().is_empty() { Ok((name, data)) } else { Err(Malformed) }
}

fn chosen(body: &[u8], binding: bool) -> Result<(), Fault> {
    let (name, data) = initial_response(body).map_err(|_| Fault::Client)?;
    match data.first() {
        _ if name != SCRAM => Err(Fault::Client),
        Some(b'y') if binding => Err(Fault::ChannelBinding),
        Some(b'y' | b'n') => Ok(()),
        _ => Err(Fault::Client),
    }
}
