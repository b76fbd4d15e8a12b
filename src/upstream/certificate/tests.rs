use super::*;
use rcgen::{CertificateParams, DnType, KeyPair, SanType};

fn certificate(common_names: &[&str], alternatives: &[&str]) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for name in common_names {
        params.distinguished_name.push(DnType::CommonName, *name);
    }
    for name in alternatives {
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        });
    }
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec()
}

#[test]
fn a_host_is_found_as_libpq_finds_it() {
    for (common_name, alternatives, host, want) in [
        ("db.example", &[][..], "db.example", true),
        ("db.example", &[], "DB.Example", true),
        ("db.example", &[], "other.example", false),
        ("db.example", &["other.example"], "db.example", false),
        ("x", &["a.example", "b.example"], "b.example", true),
        ("x", &["*.example.org"], "a.example.org", true),
        ("x", &["*.example.org"], "a.b.example.org", false),
        ("x", &["*.example.org"], "example.org", false),
        ("x", &["*.example.org"], ".example.org", false),
        ("127.0.0.1", &[], "127.0.0.1", true),
        ("127.0.0.1", &["db.example"], "127.0.0.1", true),
        ("127.0.0.1", &["127.0.0.2"], "127.0.0.1", false),
        ("x", &["127.0.0.1"], "127.0.0.1", true),
        ("x", &["::1"], "::1", true),
        ("x", &["::1"], "localhost", false),
    ] {
        assert_eq!(is_for_host(&certificate(&[common_name], alternatives), host), want, "{common_name} {alternatives:?} {host}");
    }
}

#[test]
fn a_common_name_is_the_only_one() {
    assert_eq!(common_name(&certificate(&["alice"], &[])), Some("alice".to_owned()));
    assert_eq!(common_name(&certificate(&[], &[])), None);
    assert_eq!(common_name(b"\x30\x03abc"), None);
}

#[test]
fn a_certificate_is_hashed_by_its_signatures_hash() {
    let der = certificate(&["x"], &[]);
    assert_eq!(end_point_hash(&der), Some(Sha256::digest(&der).to_vec()));
    assert_eq!(end_point_hash(b"x"), None);
}

#[test]
fn a_signature_is_held_against_the_issuer() {
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
    let (one, other) = (certificate(&["x"], &[]), certificate(&["x"], &[]));
    assert!(is_signed_by(&one, &one, algorithms.all));
    assert!(!is_signed_by(&one, &other, algorithms.all));
}
