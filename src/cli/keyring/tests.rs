//! The command on files, and what it makes read by the one who reads keyrings.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::server::files;

#[test]
fn a_fresh_keyring_is_its_owners_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.yaml"), folder.path().join("two.yaml"));
    init(&one).unwrap();
    init(&two).unwrap();
    assert_eq!(std::fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&one).unwrap();
    assert_eq!(init(&one).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read_to_string(&one).unwrap(), text);
    let (a, b) = (files::keyring(Some(&one)).unwrap(), files::keyring(Some(&two)).unwrap());
    assert_eq!((a.current(), a.names().collect::<Vec<_>>()), (Some("k1"), vec!["k1"]));
    let key = |ring: &crate::mask::Keyring| ring.derive(None, &["test"]).unwrap().expose().to_vec();
    assert_ne!(key(&a), key(&b));
}

#[test]
fn keys_stand_in_files_and_variables_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keyring.yaml");
    let hex = "01".repeat(32);
    std::fs::write(folder.path().join("k1.key"), format!("{hex}\n")).unwrap();
    std::fs::write(
        &file,
        format!("current: k2\nkeys: {{ k1: {{ file: k1.key }}, k2: AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=, k3: {hex} }}\n"),
    )
    .unwrap();
    let ring = files::keyring(Some(&file)).unwrap();
    let key = |name: &str| ring.derive(Some(name), &["test"]).unwrap().expose().to_vec();
    assert!(key("k1") == key("k2") && key("k2") == key("k3"));
    std::fs::write(&file, "current: k1\nkeys: { k1: { env: PGSCRIM_KEY_NOT_SET_IN_TESTS }, k2: { file: gone.key } }\n").unwrap();
    let said = files::keyring(Some(&file)).unwrap_err().to_string().replace(&file.display().to_string(), "keyring.yaml");
    insta::assert_snapshot!(said);
}
