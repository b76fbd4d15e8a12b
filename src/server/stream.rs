//! A client's connection: the same type as towards the server, made from what a listener accepted.

use std::io;

pub use crate::upstream::Stream;

use super::listen::Accepted;
use crate::auth::Source;

/// Whose failures count together; `None` where the peer is gone already.
#[must_use]
pub fn source(stream: &Stream) -> Option<Source> {
    match stream {
        Stream::Unix(socket) => socket.peer_cred().ok().map(|c| Source::Local(c.uid())),
        Stream::Tcp(_) | Stream::Tls(_) => stream.peer().map(|peer| Source::of(peer.ip())),
    }
}

impl TryFrom<Accepted> for Stream {
    type Error = io::Error;

    fn try_from(accepted: Accepted) -> io::Result<Self> {
        match accepted {
            Accepted::Tcp(socket) => Self::tcp(socket),
            Accepted::Unix(socket) => Ok(Self::Unix(socket)),
        }
    }
}
