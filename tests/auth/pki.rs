//! Certificates of a test.

use pgscrim::base::Secret;
use pgscrim::server::tls::{ClientCertificate, ServerTls, TlsFiles};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair};

/// A certificate and its key, in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// One that signs others.
pub(crate) struct Authority(Certificate, KeyPair);

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(hosts.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// One for this machine, signed by itself.
pub(crate) fn self_signed() -> Pair {
    let key = KeyPair::generate().unwrap();
    let certificate = named("here", &["localhost", "127.0.0.1"]).self_signed(&key).unwrap();
    Pair { certificate: certificate.pem(), key: key.serialize_pem() }
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = named("authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(params.self_signed(&key).unwrap(), key)
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with this common name, for these hosts.
    pub(crate) fn sign(&self, name: &str, hosts: &[&str]) -> Pair {
        let key = KeyPair::generate().unwrap();
        let certificate = named(name, hosts).signed_by(&key, &self.0, &self.1).unwrap();
        Pair { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// The files of a proxy's TLS.
pub(crate) fn files(pair: &Pair, client_ca: Option<&Authority>) -> TlsFiles {
    TlsFiles {
        certificate: pair.certificate.clone().into_bytes(),
        key: Secret::new(pair.key.clone().into_bytes()),
        client_ca: client_ca.map(|ca| (ca.pem().into_bytes(), ClientCertificate::Optional)),
    }
}

/// A proxy's TLS with a certificate of its own.
pub(crate) fn tls() -> ServerTls {
    ServerTls::new(&files(&self_signed(), None)).unwrap()
}
