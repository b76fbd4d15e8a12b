//! Certificates that clients show: webpki's verification, and beside it what OpenSSL takes too and `openssl x509 -req` makes without
//! extensions, a certificate of version 1 that an authority signed itself. Whom one names is decided elsewhere.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};

use super::tls::ClientCertificate;
use crate::upstream::certificate;

/// Verifies what clients show against authorities.
pub(super) struct ClientVerifier {
    webpki: Arc<dyn ClientCertVerifier>,
    authorities: Vec<CertificateDer<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl fmt::Debug for ClientVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientVerifier").field("authorities", &self.authorities.len()).finish_non_exhaustive()
    }
}

impl ClientVerifier {
    /// `None` where one of the authorities cannot be used.
    pub(super) fn new(authorities: Vec<CertificateDer<'static>>, needed: ClientCertificate, provider: Arc<CryptoProvider>) -> Option<Self> {
        let algorithms = provider.signature_verification_algorithms;
        let mut store = RootCertStore::empty();
        for authority in &authorities {
            store.add(authority.clone()).ok()?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider);
        let builder = match needed {
            ClientCertificate::Optional => builder.allow_unauthenticated(),
            ClientCertificate::Required => builder,
        };
        Some(Self { webpki: builder.build().ok()?, authorities, algorithms })
    }

    fn is_old_and_signed(&self, leaf: &CertificateDer<'_>, now: UnixTime) -> bool {
        certificate::is_version_1(leaf)
            && certificate::is_valid_at(leaf, now.as_secs())
            && self.authorities.iter().any(|a| certificate::is_signed_by(leaf, a, self.algorithms.all))
    }
}

impl ClientCertVerifier for ClientVerifier {
    fn offer_client_auth(&self) -> bool {
        self.webpki.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.webpki.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.webpki.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.webpki.verify_client_cert(leaf, chain, now) {
            Err(_) if self.is_old_and_signed(leaf, now) => Ok(ClientCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verified = self.webpki.verify_tls12_signature(message, leaf, signature);
        verified.or_else(|error| certificate::verify_old(leaf, message, signature, &self.algorithms).ok_or(error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, leaf, signature).or_else(|error| {
            // webpki does not read certificates of version 1; the key in one is as good.
            let key = certificate::public_key(leaf).filter(|_| certificate::is_version_1(leaf));
            let key = key.map(|k| SubjectPublicKeyInfoDer::from(k.to_vec())).ok_or(error)?;
            verify_tls13_signature_with_raw_key(message, &key, signature, &self.algorithms)
        })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}
