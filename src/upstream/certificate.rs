//! What the proxy reads in a certificate: its names, the hash that channel binding speaks of, and who signed it.
//! Chains are verified elsewhere.

use std::net::IpAddr;

use rustls::DigitallySignedStruct;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls_pki_types::SignatureVerificationAlgorithm;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

#[cfg(test)]
mod tests;

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().filter(|(rest, _)| rest.is_empty()).map(|(_, certificate)| certificate)
}

/// The subject's common name. `None` where there is none, more than one, or one that is not a text or holds a NUL: a name that two
/// readers could read differently names nobody.
#[must_use]
pub fn common_name(der: &[u8]) -> Option<String> {
    let certificate = parse(der)?;
    let mut names = certificate.subject().iter_common_name();
    let name = names.next()?.as_str().ok()?;
    (names.next().is_none() && !name.is_empty() && !name.contains('\0')).then(|| name.to_owned())
}

/// The hash of a certificate for channel binding `tls-server-end-point`: by the hash of its own signature, SHA-256 in the place of
/// MD5 and SHA-1 (RFC 5929, 4.1). `None` where its signature names no hash of its own (Ed25519, RSASSA-PSS), as in libpq.
#[must_use]
pub fn end_point_hash(der: &[u8]) -> Option<Vec<u8>> {
    let certificate = parse(der)?;
    match certificate.signature_algorithm.algorithm.to_id_string().as_str() {
        // RSA with MD5, SHA-1, SHA-256; ECDSA with SHA-1, SHA-256.
        "1.2.840.113549.1.1.4" | "1.2.840.113549.1.1.5" | "1.2.840.113549.1.1.11" | "1.2.840.10045.4.1" | "1.2.840.10045.4.3.2" => {
            Some(Sha256::digest(der).to_vec())
        }
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Some(Sha384::digest(der).to_vec()),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Some(Sha512::digest(der).to_vec()),
        _ => None,
    }
}

/// Whether a certificate is for this host, as libpq sees it: by its alternative names, and by its common name where none of these is of
/// the host's own kind.
/// Source: PostgreSQL 18, `pgtls_verify_peer_name_matches_certificate_guts`.
#[must_use]
pub(super) fn is_for_host(der: &[u8], host: &str) -> bool {
    let Some(certificate) = parse(der) else { return false };
    let Ok(extension) = certificate.subject_alternative_name() else { return false };
    let address: Option<IpAddr> = host.parse().ok();
    let mut same_kind = false;
    for name in extension.iter().flat_map(|e| &e.value.general_names) {
        let matches = match (name, address) {
            (GeneralName::DNSName(name), _) => {
                same_kind |= address.is_none();
                name_matches(name, host)
            }
            (GeneralName::IPAddress(bytes), Some(address)) => {
                same_kind = true;
                is_address(bytes, address)
            }
            _ => false,
        };
        if matches {
            return true;
        }
    }
    !same_kind && common_name(der).is_some_and(|name| name_matches(&name, host))
}

fn is_address(bytes: &[u8], address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => bytes == v4.octets(),
        IpAddr::V6(v6) => bytes == v6.octets(),
    }
}

/// Equal but for case, or a `*.` in front that stands for exactly one label.
fn name_matches(name: &str, host: &str) -> bool {
    if name.contains('\0') || host.is_empty() {
        return false;
    }
    let wild = || {
        let suffix = name.strip_prefix('*').filter(|s| s.len() > 1 && s.starts_with('.'))?;
        let (label, _) = host.split_once('.')?;
        Some(!label.is_empty() && host.get(label.len()..)?.eq_ignore_ascii_case(suffix))
    };
    name.eq_ignore_ascii_case(host) || wild().unwrap_or(false)
}

/// Whether a certificate may be used at this time, in seconds since 1970.
#[must_use]
pub(crate) fn is_valid_at(der: &[u8], seconds: u64) -> bool {
    let time = i64::try_from(seconds).ok().and_then(|s| x509_parser::time::ASN1Time::from_timestamp(s).ok());
    matches!((parse(der), time), (Some(certificate), Some(time)) if certificate.validity().is_valid_at(time))
}

/// Whether a certificate is of X.509 version 1, as `openssl x509 -req` makes without extensions; webpki does not read these.
#[must_use]
pub(crate) fn is_version_1(der: &[u8]) -> bool {
    parse(der).is_some_and(|c| c.version() == x509_parser::x509::X509Version::V1)
}

/// Whether `issuer` itself signed `der`: its name is the one that `der` gives, and the signature is right.
#[must_use]
pub(crate) fn is_signed_by(der: &[u8], issuer: &[u8], algorithms: &[&dyn SignatureVerificationAlgorithm]) -> bool {
    let (Some(certificate), Some(issuer)) = (parse(der), parse(issuer)) else { return false };
    if certificate.issuer().as_raw() != issuer.subject().as_raw() {
        return false;
    }
    let key = issuer.public_key();
    let message = certificate.tbs_certificate.as_ref();
    let signature = certificate.signature_value.as_ref();
    let signed_with = certificate.signature_algorithm.algorithm.as_bytes();
    algorithms.iter().any(|a| {
        identifies(a.signature_alg_id().as_ref(), signed_with)
            && identifies(a.public_key_alg_id().as_ref(), key.algorithm.algorithm.as_bytes())
            && a.verify_signature(&key.subject_public_key.data, message, signature).is_ok()
    })
}

/// Holds the signature of a TLS 1.2 handshake against a certificate of version 1, which webpki does not read.
#[must_use]
pub(crate) fn verify_old(
    der: &[u8],
    message: &[u8],
    signature: &DigitallySignedStruct,
    algorithms: &WebPkiSupportedAlgorithms,
) -> Option<HandshakeSignatureValid> {
    let certificate = parse(der).filter(|_| is_version_1(der))?;
    let key = certificate.public_key();
    let (_, candidates) = algorithms.mapping.iter().find(|(scheme, _)| *scheme == signature.scheme)?;
    let fits = |a: &&dyn SignatureVerificationAlgorithm| {
        identifies(a.public_key_alg_id().as_ref(), key.algorithm.algorithm.as_bytes())
            && a.verify_signature(&key.subject_public_key.data, message, signature.signature()).is_ok()
    };
    candidates.iter().any(fits).then(HandshakeSignatureValid::assertion)
}

/// Whether the content of an `AlgorithmIdentifier` begins with this object identifier.
fn identifies(identifier: &[u8], oid: &[u8]) -> bool {
    let Some(([0x06, length], rest)) = identifier.split_first_chunk::<2>() else { return false };
    usize::from(*length) == oid.len() && rest.starts_with(oid)
}

/// The public key with its algorithm, as it stands in the certificate.
#[must_use]
pub(crate) fn public_key(der: &[u8]) -> Option<&[u8]> {
    parse(der).map(|c| c.tbs_certificate.subject_pki.raw)
}
