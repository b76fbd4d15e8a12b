//! The files that a start and a reload read: policies, certificates, passwords. What they mean is decided elsewhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::tls::{ClientCertificate, TlsFiles};
use crate::base::{Diagnostics, Secret};
use crate::config::{CatalogLogin, Tls, Upstream};
use crate::mask::{KeySource, Keyring, KeyringFile};
use crate::upstream::UpstreamTlsFiles;

/// A file that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("'{}' cannot be read: {}", path.display(), error.kind())]
pub struct Unreadable {
    path: PathBuf,
    error: io::Error,
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Unreadable> {
    fs::read(path).map_err(|error| Unreadable { path: path.to_owned(), error })
}

/// The policy's files in the order of their names: the file itself, or every `*.yaml` and `*.yml` of the folder.
///
/// # Errors
/// One of them cannot be read, or is not UTF-8.
pub(crate) fn policies(path: &Path) -> Result<Vec<(String, String)>, Unreadable> {
    let fail = |error| Unreadable { path: path.to_owned(), error };
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = fs::read_dir(path).map_err(fail)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>().map_err(fail)?;
        files.retain(|file| file.extension().is_some_and(|e| e == "yaml" || e == "yml"));
        files.sort();
    }
    let text = |file: PathBuf| {
        let text = fs::read_to_string(&file).map_err(|error| Unreadable { path: file.clone(), error })?;
        Ok((file.display().to_string(), text))
    };
    files.into_iter().map(text).collect()
}

/// The texts of the certificate's files.
///
/// # Errors
/// One of them cannot be read.
pub(crate) fn tls(tls: &Tls) -> Result<TlsFiles, Unreadable> {
    let client_ca = tls.client_ca.as_ref().map(|ca| read(ca).map(|text| (text, ClientCertificate::Optional))).transpose()?;
    Ok(TlsFiles { certificate: read(&tls.cert)?, key: Secret::new(read(&tls.key)?), client_ca })
}

/// What the salts of logins that do not exist are made from. Out of the certificate's key where there is one, so that they stay the same
/// when the proxy starts anew: a salt that changes would tell that nobody has it.
///
/// # Errors
/// The key cannot be read, or the system gives no random bytes.
pub(crate) fn mock_secret(tls: Option<&Tls>) -> Result<[u8; 32], io::Error> {
    use sha2::{Digest, Sha256};
    let Some(tls) = tls else {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        return Ok(secret);
    };
    Ok(Sha256::new().chain_update(b"pgscrim mock authentication").chain_update(fs::read(&tls.key)?).finalize().into())
}

/// The texts of the files of the link to the server.
///
/// # Errors
/// One of them cannot be read.
pub(crate) fn upstream_tls(upstream: &Upstream) -> Result<UpstreamTlsFiles, Unreadable> {
    let identity = match (&upstream.cert, &upstream.key) {
        (Some(cert), Some(key)) => Some((read(cert)?, Secret::new(read(key)?))),
        _ => None,
    };
    Ok(UpstreamTlsFiles { ca: upstream.ca.as_deref().map(read).transpose()?, identity })
}

/// The catalog login's password, where it has one; a line's end behind it is not part of it.
///
/// # Errors
/// Its file cannot be read.
pub(crate) fn catalog_password(login: &CatalogLogin) -> Result<Option<Secret>, Unreadable> {
    match (&login.password, &login.password_file) {
        (Some(password), _) => Ok(Some(password.clone())),
        (None, Some(file)) => {
            let mut text = read(file)?;
            while text.last().is_some_and(|b| matches!(b, b'\n' | b'\r')) {
                text.pop();
            }
            Ok(Some(Secret::new(text)))
        }
        (None, None) => Ok(None),
    }
}

/// Why there is no keyring.
#[derive(Debug, thiserror::Error)]
pub enum NoKeyring {
    /// Its file cannot be read.
    #[error("{0}")]
    Unreadable(#[from] Unreadable),
    /// Something is wrong in it.
    #[error("{0}")]
    Wrong(#[from] Diagnostics),
}

/// The keyring, with the key files and variables that it names; an empty one where none is configured.
///
/// # Errors
/// A file cannot be read, or is no keyring.
pub(crate) fn keyring(path: Option<&Path>) -> Result<Keyring, NoKeyring> {
    let Some(path) = path else { return Ok(Keyring::default()) };
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| Unreadable { path: path.to_owned(), error })?);
    let file = KeyringFile::read(&path.display().to_string(), &text)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(file.resolve(|source| match source {
        KeySource::Here(key) => Ok(key.clone()),
        KeySource::File(file) => {
            let text = fs::read(folder.join(file)).map_err(|e| format!("cannot be read from '{}': {}", file.display(), e.kind()));
            text.map(Secret::new)
        }
        KeySource::Env(name) => {
            let text = std::env::var_os(name).ok_or_else(|| format!("stands in the variable '{name}', which is not set"));
            text.map(|text| Secret::new(text.into_encoded_bytes()))
        }
    })?)
}
