//! Opens a connection to the server: TCP (each address of the name in turn) or a unix socket, and TLS as the mode asks.
//! What is then said on it is not decided here.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::stream::Stream;
use super::tls::{TlsError, TlsMode, UpstreamTls};
use crate::auth::CancelKey;

/// `SSLRequest`.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Where the server is.
#[derive(Clone, Debug)]
pub struct Target {
    /// A host name, an address, or the folder of a unix socket (it begins with `/`).
    pub host: String,
    /// The port, which names the unix socket too.
    pub port: u16,
    /// How the connection is protected; not looked at for a unix socket, as libpq does.
    pub tls: UpstreamTls,
    /// How long connecting and the TLS handshake may take, for each address.
    pub connect_timeout: Duration,
}

impl Target {
    /// Whether the server is reached by a unix socket.
    #[must_use]
    pub fn is_unix(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Whether a connection without TLS is as good where one with it fails.
    #[must_use]
    pub fn may_be_plain(&self) -> bool {
        self.tls.mode() == TlsMode::Prefer
    }
}

/// Why the server could not be reached. Texts name no address: the operator's log has the target.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The socket could not be opened, or broke.
    #[error("the server cannot be reached: {0}")]
    Io(io::ErrorKind),
    /// Nothing answered in time.
    #[error("the server did not answer in time")]
    Timeout,
    /// The server takes no TLS and the mode demands it.
    #[error("the server does not take TLS connections")]
    NoTls,
    /// What came back is no answer to an `SSLRequest`.
    #[error("the server's answer to an SSLRequest is not one")]
    Answer,
    /// The handshake failed.
    #[error("{0}")]
    Tls(#[from] TlsError),
}

impl From<io::Error> for DialError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// Connects to the server.
///
/// # Errors
/// It cannot be reached in time, or the connection cannot be protected as the mode asks.
pub async fn dial(target: &Target) -> Result<Stream, DialError> {
    dial_with(target, &target.tls).await
}

/// Connects without TLS, for where the mode is `prefer` and the server turned the connection in TLS away.
///
/// # Errors
/// It cannot be reached in time.
pub async fn dial_plain(target: &Target) -> Result<Stream, DialError> {
    dial_with(target, &UpstreamTls::disabled()).await
}

async fn dial_with(target: &Target, tls: &UpstreamTls) -> Result<Stream, DialError> {
    if target.is_unix() {
        let path = PathBuf::from(&target.host).join(format!(".s.PGSQL.{}", target.port));
        return within(target, async { Ok(Stream::Unix(UnixStream::connect(path).await?)) }).await;
    }
    let mut last = DialError::Io(io::ErrorKind::NotFound);
    let addresses = within(target, async { Ok(tokio::net::lookup_host((target.host.as_str(), target.port)).await?) }).await?;
    for address in addresses {
        match open(address, target, tls).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Connects and cancels what the server's process with this key runs. The server closes without an answer; that is awaited, so
/// that the request has been handled when this returns.
///
/// # Errors
/// The server cannot be reached, or goes away before the request is sent.
pub async fn cancel(target: &Target, key: &CancelKey) -> Result<(), DialError> {
    let mut stream = dial(target).await?;
    within(target, async {
        stream.write_all(&key.request()).await?;
        stream.flush().await?;
        // The end may come as a reset; either way the server is done with the request.
        let _ = stream.read(&mut [0]).await;
        Ok(())
    })
    .await
}

async fn within<T>(target: &Target, work: impl Future<Output = Result<T, DialError>>) -> Result<T, DialError> {
    timeout(target.connect_timeout, work).await.unwrap_or(Err(DialError::Timeout))
}

async fn open(address: SocketAddr, target: &Target, tls: &UpstreamTls) -> Result<Stream, DialError> {
    let connect = || within(target, async { Ok(Stream::tcp(TcpStream::connect(address).await?)?) });
    match within(target, protect(connect().await?, tls)).await {
        // As libpq: `prefer` tries once more without TLS where the handshake failed.
        Err(DialError::Tls(_) | DialError::Answer) if tls.mode() == TlsMode::Prefer => connect().await,
        other => other,
    }
}

async fn protect(stream: Stream, tls: &UpstreamTls) -> Result<Stream, DialError> {
    let Stream::Tcp(mut socket) = stream else { return Ok(stream) };
    if tls.mode() == TlsMode::Disable {
        return Ok(Stream::Tcp(socket));
    }
    socket.write_all(&SSL_REQUEST).await?;
    // One byte and no more: what an attacker put behind it goes into the handshake and breaks it (CVE-2021-23222).
    match socket.read_u8().await? {
        b'S' => Ok(tls.handshake(socket).await?),
        b'N' if tls.mode() == TlsMode::Prefer => Ok(Stream::Tcp(socket)),
        b'N' => Err(DialError::NoTls),
        _ => Err(DialError::Answer),
    }
}
