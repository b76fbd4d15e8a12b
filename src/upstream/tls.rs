//! TLS towards the server, by libpq's modes: `disable`, `prefer`, `require`, `verify-ca`, `verify-full`.
//! When it is tried is decided in `dial`.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature, verify_tls13_signature_with_raw_key,
};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificate;
use super::stream::Stream;
use crate::base::Secret;

/// How the connection to the server is protected (libpq's `sslmode`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// Where the server takes it, without looking at its certificate.
    #[default]
    Prefer,
    /// Always; the certificate is looked at only where a CA is given, then as `verify-ca` does.
    Require,
    /// Always, with a certificate that the CA signed.
    VerifyCa,
    /// Always, with a certificate that the CA signed for this host.
    VerifyFull,
}

/// What goes wrong with TLS towards the server.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// `verify-ca` and `verify-full` need something to verify with.
    #[error("TLS mode 'verify-ca' or 'verify-full' needs a CA file")]
    NoCa,
    /// The CA file holds no certificate, or something that is not one.
    #[error("the CA file holds no certificate that can be read")]
    BadCa,
    /// The proxy's own certificate or key towards the server cannot be read, or they do not belong together.
    #[error("'upstream.cert' and 'upstream.key' are not a certificate and its key")]
    BadCertificate,
    /// This build cannot do TLS as configured.
    #[error("TLS cannot be set up")]
    Setup,
    /// The server's certificate is not one that the CA signed (for this host).
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(&'static str),
    /// Anything else in the handshake.
    #[error("the TLS handshake with the server failed")]
    Handshake,
}

/// The texts of the PEM files of a link to the server.
#[derive(Clone, Debug, Default)]
pub struct UpstreamTlsFiles {
    /// Whom the server's certificate must come from.
    pub ca: Option<Vec<u8>>,
    /// The certificate that the proxy shows, with those behind it, and its key.
    pub identity: Option<(Vec<u8>, Secret)>,
}

/// A mode with all that it needs. What is cloned shares the files that are read later.
#[derive(Clone, Debug)]
pub struct UpstreamTls {
    mode: TlsMode,
    host: String,
    name: Option<ServerName<'static>>,
    config: Option<Arc<ArcSwap<ClientConfig>>>,
}

impl UpstreamTls {
    /// No TLS.
    #[must_use]
    pub fn disabled() -> Self {
        Self { mode: TlsMode::Disable, host: String::new(), name: None, config: None }
    }

    /// Makes a mode ready for a host.
    ///
    /// # Errors
    /// A file does not hold what it should, or the mode needs one that is not there.
    pub fn new(mode: TlsMode, host: &str, files: &UpstreamTlsFiles) -> Result<Self, TlsError> {
        if mode == TlsMode::Disable {
            return Ok(Self::disabled());
        }
        let config = Arc::new(ArcSwap::from_pointee(client_config(mode, host, files)?));
        Ok(Self { mode, host: host.to_owned(), name: ServerName::try_from(host.to_owned()).ok(), config: Some(config) })
    }

    /// Takes new files for the connections that come from now on; on an error all stays as it is.
    ///
    /// # Errors
    /// A file does not hold what it should.
    pub fn reload(&self, files: &UpstreamTlsFiles) -> Result<(), TlsError> {
        if let Some(config) = &self.config {
            config.store(Arc::new(client_config(self.mode, &self.host, files)?));
        }
        Ok(())
    }

    /// The mode.
    #[must_use]
    pub fn mode(&self) -> TlsMode {
        self.mode
    }

    /// Does the handshake on a connection whose other side agreed to it.
    pub(super) async fn handshake(&self, socket: TcpStream) -> Result<Stream, TlsError> {
        let config = self.config.as_ref().ok_or(TlsError::Setup)?.load_full();
        // A host that no certificate could name gets no server name indication; the verifier has the host's text itself.
        let name = self.name.clone().unwrap_or(ServerName::IpAddress(std::net::Ipv4Addr::UNSPECIFIED.into()));
        let tls = TlsConnector::from(config).connect(name, socket).await.map_err(|e| why(&e))?;
        Ok(Stream::Tls(Box::new(tls.into())))
    }
}

fn client_config(mode: TlsMode, host: &str, files: &UpstreamTlsFiles) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new(mode, host, files.ca.as_deref(), &provider)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &files.identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
            let chain = chain.ok().filter(|c| !c.is_empty()).ok_or(TlsError::BadCertificate)?;
            let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| TlsError::BadCertificate)?;
            builder.with_client_auth_cert(chain, key).map_err(|_| TlsError::BadCertificate)?
        }
    };
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    // As libpq: no session is ever resumed.
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// What of an error an operator needs to know.
#[expect(clippy::wildcard_enum_match_arm, reason = "rustls names more ways to be useless than people can act on")]
fn why(error: &std::io::Error) -> TlsError {
    let Some(rustls::Error::InvalidCertificate(error)) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) else {
        return TlsError::Handshake;
    };
    TlsError::Untrusted(match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "it is for another host",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        // A bad signature is that of another authority of the same name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => "the CA did not sign it",
        _ => "it cannot be used",
    })
}

/// Looks at the server's certificate as far as the mode asks.
#[derive(Debug)]
struct Verifier {
    algorithms: WebPkiSupportedAlgorithms,
    trusted: Option<Trusted>,
    host: Option<String>,
}

/// The CA file.
#[derive(Debug)]
struct Trusted {
    certificates: Vec<CertificateDer<'static>>,
    store: RootCertStore,
}

impl Trusted {
    fn read(pem: &[u8]) -> Result<Self, TlsError> {
        let certificates: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(|_| TlsError::BadCa)?;
        let mut store = RootCertStore::empty();
        for certificate in &certificates {
            store.add(certificate.clone()).map_err(|_| TlsError::BadCa)?;
        }
        if certificates.is_empty() { Err(TlsError::BadCa) } else { Ok(Self { certificates, store }) }
    }

    /// OpenSSL takes two kinds of certificates that webpki does not, and that PostgreSQL's own manual tells people to make: one that is
    /// itself in the CA file (self-signed), and one of version 1 that a CA signed.
    fn knows(&self, leaf: &CertificateDer<'_>, algorithms: &WebPkiSupportedAlgorithms) -> bool {
        self.certificates.iter().any(|c| c == leaf)
            || (certificate::is_version_1(leaf) && self.certificates.iter().any(|c| certificate::is_signed_by(leaf, c, algorithms.all)))
    }

    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
        algorithms: &WebPkiSupportedAlgorithms,
    ) -> Result<(), rustls::Error> {
        if self.knows(leaf, algorithms) {
            return if certificate::is_valid_at(leaf, now.as_secs()) { Ok(()) } else { Err(CertificateError::Expired.into()) };
        }
        verify_server_cert_signed_by_trust_anchor(&ParsedCertificate::try_from(leaf)?, &self.store, chain, now, algorithms.all)
    }
}

impl Verifier {
    fn new(mode: TlsMode, host: &str, ca: Option<&[u8]>, provider: &CryptoProvider) -> Result<Self, TlsError> {
        let trusted = match (mode, ca) {
            (TlsMode::Disable | TlsMode::Prefer, _) | (TlsMode::Require, None) => None,
            (TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull, Some(pem)) => Some(Trusted::read(pem)?),
            (TlsMode::VerifyCa | TlsMode::VerifyFull, None) => return Err(TlsError::NoCa),
        };
        let host = (mode == TlsMode::VerifyFull).then(|| host.to_owned());
        Ok(Self { algorithms: provider.signature_verification_algorithms, trusted, host })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(trusted) = &self.trusted {
            trusted.verify(leaf, chain, now, &self.algorithms)?;
        }
        match &self.host {
            Some(host) if !certificate::is_for_host(leaf, host) => Err(CertificateError::NotValidForName.into()),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signature, &self.algorithms)
            .or_else(|error| certificate::verify_old(leaf, message, signature, &self.algorithms).ok_or(error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signature, &self.algorithms).or_else(|error| {
            // webpki does not read certificates of version 1; the key in one is as good.
            let key = certificate::public_key(leaf).map(|k| SubjectPublicKeyInfoDer::from(k.to_vec())).ok_or(error)?;
            verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
        })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
