//! What a client sends before anything else: `SSLRequest`, `GSSENCRequest`, `CancelRequest` or a start-up packet, read strictly.
//! What the log-in then looks like is decided by the caller.
//! Source: PostgreSQL 18, `ProcessStartupPacket` in `src/backend/tcop/backend_startup.c`.

use super::options::{is_proxy_setting, split_options, without_proxy_settings};
use crate::wire::{Malformed, Reader};

#[cfg(test)]
mod tests;

/// The longest first packet, its length word included (`MAX_STARTUP_PACKET_LENGTH` counts without it).
pub const STARTUP_LIMIT: usize = 10_004;

/// The newest minor version of protocol 3 that is spoken.
pub const NEWEST_MINOR: u16 = 2;

/// Names are cut at 63 bytes by servers before PostgreSQL 17, so a longer one could end up as another login than the one asked for.
const NAME_LIMIT: usize = 63;

/// The longest cancel key of protocol 3.2.
const KEY_LIMIT: usize = 256;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// The process id and key of a `BackendKeyData`, or of a `CancelRequest`. `Debug` does not show the key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CancelKey {
    /// The process id.
    pub pid: i32,
    /// 4 bytes, or 4 to 256 in protocol 3.2.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CancelKey({}, {} bytes)", self.pid, self.key.len())
    }
}

impl CancelKey {
    /// Reads the body of a `BackendKeyData`.
    ///
    /// # Errors
    /// A key that is shorter than 4 or longer than 256 bytes.
    pub fn read(body: &[u8]) -> Result<Self, Malformed> {
        let mut body = Reader::new(body);
        let pid = body.i32()?;
        let key = body.rest();
        if (4..=KEY_LIMIT).contains(&key.len()) { Ok(Self { pid, key: key.to_vec() }) } else { Err(Malformed) }
    }

    /// The `CancelRequest` that carries it.
    #[must_use]
    pub fn request(&self) -> Vec<u8> {
        let length = u32::try_from(12 + self.key.len()).unwrap_or(u32::MAX);
        let mut out = length.to_be_bytes().to_vec();
        out.extend_from_slice(&CANCEL_REQUEST.to_be_bytes());
        out.extend_from_slice(&self.pid.to_be_bytes());
        out.extend_from_slice(&self.key);
        out
    }
}

/// What a start-up packet asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The minor version that is spoken with this client: what it asked for, at most [`NEWEST_MINOR`].
    pub minor: u16,
    /// The minor version is lower than it asked for, or some `_pq_.` option is not known: it must be told.
    pub negotiate: bool,
    /// Names of the `_pq_.` options that are not known (none is).
    pub unknown: Vec<String>,
    /// The login that it wants to be.
    pub user: String,
    /// The database; the user's name where none was named.
    pub database: String,
    /// Every parameter in the order in which it came, `user`, `database` and `options` too, without the `_pq_.` ones.
    pub parameters: Vec<(String, String)>,
}

impl Asked {
    /// The last parameter of this name (the one that counts), names compared as PostgreSQL does.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

/// A client's first packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum First {
    /// It asks for TLS.
    Ssl,
    /// It asks for GSSAPI encryption.
    Gss,
    /// It wants the statement of another connection cancelled.
    Cancel(CancelKey),
    /// It wants to log in.
    Startup(Asked),
}

/// Why a first packet is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    /// A length that no first packet has: not a PostgreSQL client. Nothing is answered.
    #[error("invalid length of startup packet")]
    Length,
    /// A major version other than 3.
    #[error("unsupported frontend protocol {0}.{1}: pgscrim speaks 3.0 to 3.2")]
    Version(u16, u16),
    /// Names and values do not end where the packet does.
    #[error("invalid startup packet layout: expected terminator as last byte")]
    Layout,
    /// A parameter is not UTF-8.
    #[error("a startup parameter is not valid UTF-8")]
    Encoding,
    /// No `user`.
    #[error("no PostgreSQL user name specified in startup packet")]
    NoUser,
    /// `user` or `database` came twice: the proxy and the server could each take another one.
    #[error("startup parameter '{0}' is given twice")]
    Twice(&'static str),
    /// `user` or `database` is longer than a name can be.
    #[error("startup parameter '{0}' is longer than 63 bytes")]
    LongName(&'static str),
    /// Something came behind a request for encryption, before it was answered.
    #[error("received unencrypted data after a request for encryption")]
    BehindRequest,
    /// `options` name a setting of the proxy's among switches that are not followed, so it could not be kept from the server.
    #[error("startup parameter 'options' has a pgscrim setting beside switches other than -c and --name=value")]
    Options,
    /// A replication connection.
    #[error("replication connections are not supported")]
    Replication,
}

impl StartupError {
    /// What the client is told: PostgreSQL's own words where it would refuse too, ours with our name in front.
    #[must_use]
    pub fn message(self) -> String {
        match self {
            Self::Length | Self::Version(..) | Self::Layout | Self::NoUser => self.to_string(),
            Self::Encoding | Self::Twice(_) | Self::LongName(_) | Self::Options | Self::Replication | Self::BehindRequest => {
                format!("pgscrim: {self}")
            }
        }
    }

    /// Its SQLSTATE, `None` where nothing is answered.
    #[must_use]
    pub fn sqlstate(self) -> Option<&'static str> {
        match self {
            Self::Length => None,
            Self::Version(..) | Self::Replication | Self::Options => Some("0A000"),
            Self::Layout | Self::Encoding | Self::Twice(_) | Self::BehindRequest => Some("08P01"),
            Self::NoUser | Self::LongName(_) => Some("28000"),
        }
    }
}

/// Reads a client's first packet off the beginning of `bytes`: the packet and its length, `None` when more must be read.
///
/// # Errors
/// Whatever PostgreSQL refuses, and what it and the proxy could understand differently.
pub fn first_packet(bytes: &[u8]) -> Result<Option<(First, usize)>, StartupError> {
    let Some(length) = bytes.first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if !(8..=STARTUP_LIMIT).contains(&length) {
        return Err(StartupError::Length);
    }
    let Some(body) = bytes.get(4..length) else { return Ok(None) };
    let (code, body) = body.split_first_chunk::<4>().ok_or(StartupError::Length)?;
    read(u32::from_be_bytes(*code), body).map(|first| Some((first, length)))
}

fn read(code: u32, body: &[u8]) -> Result<First, StartupError> {
    match code {
        SSL_REQUEST if body.is_empty() => Ok(First::Ssl),
        GSS_REQUEST if body.is_empty() => Ok(First::Gss),
        SSL_REQUEST | GSS_REQUEST => Err(StartupError::Length),
        CANCEL_REQUEST => CancelKey::read(body).map(First::Cancel).map_err(|_| StartupError::Length),
        version => {
            let [a, b, c, d] = version.to_be_bytes();
            let (major, minor) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            if major == 3 { asked(minor, body).map(First::Startup) } else { Err(StartupError::Version(major, minor)) }
        }
    }
}

fn asked(minor: u16, body: &[u8]) -> Result<Asked, StartupError> {
    let (mut parameters, mut unknown) = (Vec::new(), Vec::new());
    for (name, value) in pairs(body)? {
        if name.starts_with("_pq_.") { unknown.push(name) } else { parameters.push((name, value)) }
    }
    let user = once(&parameters, "user")?.filter(|u| !u.is_empty()).ok_or(StartupError::NoUser)?;
    let database = once(&parameters, "database")?.filter(|d| !d.is_empty()).unwrap_or_else(|| user.clone());
    if parameters.iter().any(|(name, value)| name.eq_ignore_ascii_case("replication") && !is_off(value)) {
        return Err(StartupError::Replication);
    }
    if parameters.iter().any(|(name, value)| name == "options" && hides_proxy_setting(value)) {
        return Err(StartupError::Options);
    }
    let spoken = minor.min(NEWEST_MINOR);
    Ok(Asked { minor: spoken, negotiate: spoken != minor || !unknown.is_empty(), unknown, user, database, parameters })
}

fn hides_proxy_setting(options: &str) -> bool {
    split_options(options).is_err() && options.to_ascii_lowercase().contains("pgscrim")
}

/// `replication=false` is an ordinary connection; whatever is not plainly that is refused.
fn is_off(value: &str) -> bool {
    ["false", "off", "no", "0"].iter().any(|off| value.eq_ignore_ascii_case(off))
}

/// Names and values up to the empty name, which must be the last byte.
fn pairs(body: &[u8]) -> Result<Vec<(String, String)>, StartupError> {
    let mut body = Reader::new(body);
    let mut pairs = Vec::new();
    loop {
        let name = text(body.cstr())?;
        if name.is_empty() {
            return if body.rest().is_empty() { Ok(pairs) } else { Err(StartupError::Layout) };
        }
        pairs.push((name, text(body.cstr())?));
    }
}

fn text(bytes: Result<&[u8], Malformed>) -> Result<String, StartupError> {
    let bytes = bytes.map_err(|_| StartupError::Layout)?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| StartupError::Encoding)
}

/// The value of a parameter that may come once. PostgreSQL compares these two names exactly; another spelling would be a setting
/// of that name, which no server has, so it is refused there.
fn once(parameters: &[(String, String)], name: &'static str) -> Result<Option<String>, StartupError> {
    let mut values = parameters.iter().filter(|(n, _)| n == name).map(|(_, v)| v);
    let value = values.next();
    match (value, values.next()) {
        (_, Some(_)) => Err(StartupError::Twice(name)),
        (Some(v), None) if v.len() > NAME_LIMIT => Err(StartupError::LongName(name)),
        (value, None) => Ok(value.cloned()),
    }
}

/// The start-up packet for the server: what was asked for, without the proxy's own settings, and with `extra` behind it.
#[must_use]
pub fn upstream_startup(asked: &Asked, extra: &[(&str, &str)]) -> Vec<u8> {
    let mut body = ((3_u32 << 16) | u32::from(asked.minor)).to_be_bytes().to_vec();
    let mut put = |name: &str, value: &str| {
        for part in [name, value] {
            body.extend_from_slice(part.as_bytes());
            body.push(0);
        }
    };
    for (name, value) in asked.parameters.iter().filter(|(name, _)| !is_proxy_setting(name)) {
        match name.as_str() {
            "options" => put(name, &without_proxy_settings(value)),
            _ => put(name, value),
        }
    }
    for (name, value) in extra {
        put(name, value);
    }
    body.push(0);
    let length = u32::try_from(4 + body.len()).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), &body].concat()
}
