//! The first packets of a client: TLS by request or from the first byte, GSSAPI declined, and then a start-up packet or a cancel.

use std::sync::Arc;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::super::listen::Accepted;
use super::super::tls::{Negotiation, ServerTls};
use super::channel::Channel;
use crate::auth::{Asked, CancelKey, First, StartupError, error_response, first_packet};
use crate::upstream::Stream;

/// The first byte of a TLS handshake; a start-up packet begins with 0, since it is short.
const TLS_HANDSHAKE: u8 = 0x16;

/// The hash of the certificate that a client saw, where there is one.
pub(super) type EndPoint = Option<Arc<[u8]>>;

/// A client that asks to log in.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) channel: Channel,
    pub(super) asked: Asked,
    /// The common name of its certificate.
    pub(super) certificate: Option<String>,
    /// The hash of the certificate that it saw.
    pub(super) end_point: EndPoint,
}

/// What the first packets came to.
#[derive(Debug)]
pub(super) enum Hello {
    Startup(Box<Client>),
    Cancel(CancelKey, Stream),
    Refused(StartupError, String),
    Closed,
}

/// A connection as it becomes known.
struct Greeting<'a> {
    stream: Stream,
    tls: Option<&'a ServerTls>,
    read: BytesMut,
    certificate: Option<String>,
    end_point: EndPoint,
    /// Each request may come once.
    asked_ssl: bool,
    asked_gss: bool,
}

/// Reads until it is known what the client wants.
pub(super) async fn greet(accepted: Accepted, tls: Option<&ServerTls>, deadline: Instant) -> Hello {
    let Ok(stream) = Stream::try_from(accepted) else { return Hello::Closed };
    let read = BytesMut::new();
    let greeting = Greeting { stream, tls, read, certificate: None, end_point: None, asked_ssl: false, asked_gss: false };
    timeout_at(deadline, greeting.run(deadline)).await.unwrap_or(Hello::Closed)
}

impl Greeting<'_> {
    async fn run(mut self, deadline: Instant) -> Hello {
        if self.is_direct().await {
            self.asked_ssl = true;
            match self.secure(Negotiation::Direct).await {
                Some(secured) => self = secured,
                None => return Hello::Closed,
            }
        }
        loop {
            let again = match self.first().await {
                None => return Hello::Closed,
                Some(Err(error)) => return self.refuse(error, deadline).await,
                Some(Ok(First::Cancel(key))) => return Hello::Cancel(key, self.stream),
                Some(Ok(First::Startup(asked))) => return Hello::Startup(Box::new(self.client(asked, deadline))),
                Some(Ok(First::Ssl)) if self.asked_ssl => return self.refuse(StartupError::Version(1234, 5679), deadline).await,
                Some(Ok(First::Gss)) if self.asked_gss => return self.refuse(StartupError::Version(1234, 5680), deadline).await,
                // What an attacker on the way put behind the request would be taken for the client's own words within TLS
                // (CVE-2021-23214).
                Some(Ok(First::Ssl | First::Gss)) if !self.read.is_empty() => {
                    return self.refuse(StartupError::BehindRequest, deadline).await;
                }
                Some(Ok(First::Ssl)) => self.answer_ssl().await,
                Some(Ok(First::Gss)) => self.decline_gss().await,
            };
            match again {
                Some(greeting) => self = greeting,
                None => return Hello::Closed,
            }
        }
    }

    /// Whether TLS begins with the first byte. Nothing is taken from the socket.
    async fn is_direct(&self) -> bool {
        match &self.stream {
            Stream::Tcp(socket) => {
                let mut first = [0];
                matches!(socket.peek(&mut first).await, Ok(1)) && first == [TLS_HANDSHAKE]
            }
            Stream::Unix(_) | Stream::Tls(_) => false,
        }
    }

    async fn first(&mut self) -> Option<Result<First, StartupError>> {
        loop {
            match first_packet(&self.read) {
                Err(error) => return Some(Err(error)),
                Ok(Some((first, length))) => {
                    self.read.advance(length);
                    return Some(Ok(first));
                }
                Ok(None) => {}
            }
            self.read.reserve(1024);
            if self.stream.read_buf(&mut self.read).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    async fn answer_ssl(mut self) -> Option<Self> {
        self.asked_ssl = true;
        let takes = self.tls.is_some() && matches!(self.stream, Stream::Tcp(_));
        self.stream.write_all(if takes { b"S" } else { b"N" }).await.ok()?;
        if takes { self.secure(Negotiation::Requested).await } else { Some(self) }
    }

    async fn decline_gss(mut self) -> Option<Self> {
        self.asked_gss = true;
        self.stream.write_all(b"N").await.ok()?;
        Some(self)
    }

    async fn secure(self, negotiation: Negotiation) -> Option<Self> {
        let (Some(tls), Stream::Tcp(socket)) = (self.tls, self.stream) else { return None };
        let secured = tls.accept(socket, negotiation).await?;
        Some(Self { stream: secured.stream, certificate: secured.certificate, end_point: secured.end_point, ..self })
    }

    fn client(self, asked: Asked, deadline: Instant) -> Client {
        let channel = Channel::new(self.stream, self.read, deadline);
        Client { channel, asked, certificate: self.certificate, end_point: self.end_point }
    }

    /// Tells the client why, where there is a way to tell.
    async fn refuse(self, error: StartupError, deadline: Instant) -> Hello {
        let Some(sqlstate) = error.sqlstate() else { return Hello::Closed };
        let address = self.stream.peer_name();
        let mut frame = Vec::new();
        error_response(&mut frame, sqlstate, &error.message());
        Channel::new(self.stream, self.read, deadline).farewell(&frame).await;
        Hello::Refused(error, address)
    }
}
