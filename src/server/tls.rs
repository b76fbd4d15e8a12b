//! TLS towards clients: certificate, key and client CA made into an acceptor, exchanged while running, and what a handshake tells.
//! Whether a client may come without TLS is decided in `startup`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::NoServerSessionStorage;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::client_certificate::ClientVerifier;
use crate::base::Secret;
use crate::upstream::{Stream, common_name, end_point_hash};

/// The protocol's name in ALPN; direct negotiation demands it.
const ALPN: &[u8] = b"postgresql";

/// What a client has to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClientCertificate {
    /// A certificate is looked at where the client shows one.
    #[default]
    Optional,
    /// Without one there is no connection.
    Required,
}

/// The texts of the PEM files that TLS is made of.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and those between it and its CA.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Secret,
    /// The CA of client certificates, and whether these are needed.
    pub client_ca: Option<(Vec<u8>, ClientCertificate)>,
}

/// Why TLS cannot be set up. Texts name the file's role, never what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsSetupError {
    /// `tls.cert` cannot be read.
    #[error("'tls.cert' holds no certificate that can be read")]
    Certificate,
    /// `tls.key` cannot be read.
    #[error("'tls.key' holds no private key that can be read")]
    Key,
    /// They do not belong together.
    #[error("'tls.key' is not the key of the certificate in 'tls.cert'")]
    Mismatch,
    /// `tls.client_ca` cannot be read.
    #[error("'tls.client_ca' holds no certificate that can be read")]
    ClientCa,
}

/// One certificate in use.
#[derive(Debug)]
struct Identity {
    config: Arc<ServerConfig>,
    end_point: Option<Arc<[u8]>>,
}

/// TLS as it is now; shared by all threads.
#[derive(Debug)]
pub struct ServerTls {
    current: ArcSwap<Identity>,
}

/// What a handshake gave.
#[derive(Debug)]
pub struct Secured {
    /// The connection.
    pub stream: Stream,
    /// The common name of the client's certificate, where it showed one.
    pub certificate: Option<String>,
    /// The hash of the certificate that this client saw, for channel binding.
    pub end_point: Option<Arc<[u8]>>,
}

/// How TLS began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Negotiation {
    /// Behind an `SSLRequest`.
    Requested,
    /// With the first byte; the client must name the protocol.
    Direct,
}

impl ServerTls {
    /// Makes TLS from its files.
    ///
    /// # Errors
    /// A file does not hold what it should.
    pub fn new(files: &TlsFiles) -> Result<Self, TlsSetupError> {
        Ok(Self { current: ArcSwap::from_pointee(Identity::new(files)?) })
    }

    /// Takes new files for the connections that come from now on; on an error all stays as it is.
    ///
    /// # Errors
    /// A file does not hold what it should.
    pub fn reload(&self, files: &TlsFiles) -> Result<(), TlsSetupError> {
        self.current.store(Arc::new(Identity::new(files)?));
        Ok(())
    }

    /// Does the handshake. `None` where it fails, or where a client of direct negotiation does not name the protocol: then there is
    /// nothing more to say to it.
    pub async fn accept(&self, socket: TcpStream, negotiation: Negotiation) -> Option<Secured> {
        let identity = self.current.load_full();
        let tls = TlsAcceptor::from(identity.config.clone()).accept(socket).await.ok()?;
        let (_, connection) = tls.get_ref();
        // Without it another protocol's client could be made to talk to us (ALPACA).
        if negotiation == Negotiation::Direct && connection.alpn_protocol() != Some(ALPN) {
            return None;
        }
        let certificate = connection.peer_certificates().and_then(|chain| common_name(chain.first()?));
        Some(Secured { stream: Stream::Tls(Box::new(tls.into())), certificate, end_point: identity.end_point.clone() })
    }
}

impl Identity {
    #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else is wrong comes from reading the key")]
    fn new(files: &TlsFiles) -> Result<Self, TlsSetupError> {
        let chain = certificates(&files.certificate).ok_or(TlsSetupError::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(files.key.expose()).map_err(|_| TlsSetupError::Key)?;
        let end_point = chain.first().and_then(|leaf| end_point_hash(leaf)).map(Arc::from);
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| TlsSetupError::Certificate)?;
        let builder = match &files.client_ca {
            None => builder.with_no_client_auth(),
            Some((pem, needed)) => {
                let authorities = certificates(pem).ok_or(TlsSetupError::ClientCa)?;
                let verifier = ClientVerifier::new(authorities, *needed, provider).ok_or(TlsSetupError::ClientCa)?;
                builder.with_client_cert_verifier(Arc::new(verifier))
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsSetupError::Mismatch,
            rustls::Error::InvalidCertificate(_) => TlsSetupError::Certificate,
            _ => TlsSetupError::Key,
        })?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // As PostgreSQL: sessions are not resumed, so no client certificate outlives its check.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), end_point })
    }
}

fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().ok()?;
    (!chain.is_empty()).then_some(chain)
}
