//! What a record says. Every key of the contract stands in every record, `null` where it does not apply. A record is made as the
//! bytes between its number and its place in the chain, on the thread that has something to say; the writer adds the rest.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;

use crate::plan::{Action, Decision, Described};

/// Characters of a text that a client chose (application, claimed user).
const NAME: usize = 256;
/// Bytes of a statement's text; a longer one is cut, so that the queue has a bound. The fingerprint is of the whole.
const TEXT: usize = 16 << 10;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A client logged in.
    Connect,
    /// A log-in failed or was refused.
    AuthFailed,
    /// A session ended.
    Disconnect,
    /// A statement ended.
    Statement,
    /// A policy took effect.
    Policy,
    /// The proxy started, and what it found at the log's end.
    Start,
    /// The proxy stopped.
    Stop,
    /// The log goes on in a new file, since somebody put the old one aside.
    Rotate,
    /// Records that could not be written (`on_failure: continue`).
    Lost,
}

impl Kind {
    /// Its word in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::AuthFailed => "auth_failed",
            Self::Disconnect => "disconnect",
            Self::Statement => "statement",
            Self::Policy => "policy",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Rotate => "rotate",
            Self::Lost => "lost",
        }
    }
}

/// Who a session is, for its records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// The session's name ([`super::session_id`]).
    pub session: Option<Arc<str>>,
    /// The login; for a failed log-in the claimed one.
    pub user: Option<Arc<str>>,
    /// The policy's roles.
    pub roles: Vec<Arc<str>>,
    /// What the access is for.
    pub purpose: Option<Arc<str>>,
    /// The person behind the application.
    pub end_user: Option<Arc<str>>,
    /// `application_name`.
    pub application: Option<Arc<str>>,
    /// The client's address: `127.0.0.1:53210`, or `unix`.
    pub client: Option<Arc<str>>,
    /// The database.
    pub database: Option<Arc<str>>,
}

impl Who {
    /// An address as records print it; `None` for a unix socket.
    #[must_use]
    pub fn address(peer: Option<SocketAddr>) -> Arc<str> {
        peer.map_or_else(|| "unix".into(), |a| a.to_string().into())
    }
}

/// [`Who`] as records hold it, made once and copied into each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhoPart(Box<[u8]>);

impl From<&Who> for WhoPart {
    fn from(who: &Who) -> Self {
        let mut out = Vec::with_capacity(256);
        field(&mut out, "session", who.session.as_deref());
        field(&mut out, "user", who.user.as_deref());
        key(&mut out, "roles");
        list(&mut out, who.roles.iter(), |out, role| string(out, cut(role)));
        field(&mut out, "purpose", who.purpose.as_deref());
        field(&mut out, "end_user", who.end_user.as_deref());
        field(&mut out, "application", who.application.as_deref());
        field(&mut out, "client", who.client.as_deref());
        field(&mut out, "database", who.database.as_deref());
        Self(out.into())
    }
}

impl Default for WhoPart {
    fn default() -> Self {
        Self::from(&Who::default())
    }
}

/// The end of a statement.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// Its text without literals.
    pub described: &'a Described,
    /// What it touched; `None` where that was not known.
    pub touched: Option<&'a Decision>,
    /// The contract's word: `refused`, `failed`, `skipped`, `rewritten`, `masked`, `allowed`.
    pub decision: &'static str,
    /// Why; never a value.
    pub reason: Option<&'a str>,
    /// Rows sent or changed, and the bytes of row data that the client got; `None` where it did not run.
    pub moved: Option<(u64, u64)>,
    /// Microseconds.
    pub duration: u64,
    /// The error's SQLSTATE.
    pub sqlstate: Option<[u8; 5]>,
}

/// A record without its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(Vec<u8>);

impl Record {
    /// A record of something else than a statement. `sqlstate` and `reason` as far as there are any.
    #[must_use]
    pub fn event(
        kind: Kind,
        time: Timestamp,
        who: &WhoPart,
        reason: Option<&str>,
        sqlstate: Option<[u8; 5]>,
        policy: Option<&str>,
    ) -> Self {
        let mut out = start(kind, time, who);
        out.extend_from_slice(b",\"statement\":null,\"fingerprint\":null,\"relations\":null,\"columns\":null,\"decision\":null");
        field(&mut out, "reason", reason);
        out.extend_from_slice(b",\"rows\":null,\"bytes\":null,\"duration_us\":null");
        end(&mut out, sqlstate, policy);
        Self(out)
    }

    /// A statement's record.
    #[must_use]
    pub fn statement(time: Timestamp, who: &WhoPart, ended: Ended<'_>, policy: Option<&str>) -> Self {
        let mut out = start(Kind::Statement, time, who);
        key(&mut out, "statement");
        text(&mut out, &ended.described.text);
        key(&mut out, "fingerprint");
        string(&mut out, &ended.described.fingerprint);
        touched(&mut out, ended.touched);
        key(&mut out, "decision");
        string(&mut out, ended.decision);
        field(&mut out, "reason", ended.reason);
        number(&mut out, "rows", ended.moved.map(|m| m.0));
        number(&mut out, "bytes", ended.moved.map(|m| m.1));
        number(&mut out, "duration_us", Some(ended.duration));
        end(&mut out, ended.sqlstate, policy);
        Self(out)
    }

    /// For [`super::Chain::append`].
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0
    }
}

fn start(kind: Kind, time: Timestamp, who: &WhoPart) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"\"time\":\"");
    moment(&mut out, time);
    out.extend_from_slice(b"\",\"kind\":\"");
    out.extend_from_slice(kind.word().as_bytes());
    out.push(b'"');
    out.extend_from_slice(&who.0);
    out
}

/// RFC 3339 in UTC with microseconds, cut and not rounded, as jiff prints `{:.6}`; a record is made too often for a formatter's generality.
fn moment(out: &mut Vec<u8>, time: Timestamp) {
    let micros = time.as_microsecond();
    let (days, of_day) = (micros.div_euclid(86_400_000_000), micros.rem_euclid(86_400_000_000));
    let Ok(days) = u64::try_from(days + 719_468) else { return out.extend_from_slice(format!("{time:.6}").as_bytes()) };
    // Days since 1 March of the year 0, in eras of 400 years: a leap day then ends its year.
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = era * 400 + year + u64::from(month <= 2);
    let of_day = of_day.unsigned_abs();
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (of_day / 3_600_000_000, 2, b':'),
        (of_day / 60_000_000 % 60, 2, b':'),
        (of_day / 1_000_000 % 60, 2, b'.'),
        (of_day % 1_000_000, 6, b'Z'),
    ];
    for (value, digits, mark) in parts {
        for place in (0..digits).rev() {
            let digit = value / 10_u64.pow(place) % 10;
            out.push(b'0' + u8::try_from(digit).unwrap_or_default());
        }
        out.push(mark);
    }
}

fn end(out: &mut Vec<u8>, sqlstate: Option<[u8; 5]>, policy: Option<&str>) {
    let sqlstate = sqlstate.filter(|s| s.iter().all(u8::is_ascii_alphanumeric));
    field(out, "sqlstate", sqlstate.as_ref().and_then(|s| std::str::from_utf8(s).ok()));
    field(out, "policy", policy);
}

fn touched(out: &mut Vec<u8>, decision: Option<&Decision>) {
    key(out, "relations");
    match decision.and_then(|d| d.relations.as_ref()) {
        Some(relations) => list(out, relations.iter(), |out, name| string(out, &name.to_string())),
        None => out.extend_from_slice(b"null"),
    }
    key(out, "columns");
    list(out, decision.map(|d| d.columns.as_slice()).unwrap_or_default().iter(), |out, column| {
        out.extend_from_slice(b"{\"column\":");
        string(out, &column.column);
        key(out, "class");
        match &column.class {
            Some(class) => string(out, class.as_ref()),
            None => out.extend_from_slice(b"null"),
        }
        key(out, "use");
        string(out, column.usage);
        key(out, "action");
        string(out, action(column.action));
        field(out, "mask", column.mask.as_deref());
        out.push(b'}');
    });
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Allow => "allow",
        Action::Mask => "mask",
        Action::Deny => "deny",
    }
}

/// A comma and the key.
fn key(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn field(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    key(out, name);
    match value {
        Some(value) => string(out, cut(value)),
        None => out.extend_from_slice(b"null"),
    }
}

fn number(out: &mut Vec<u8>, name: &str, value: Option<u64>) {
    key(out, name);
    match value {
        Some(value) => out.extend_from_slice(value.to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
}

fn list<T>(out: &mut Vec<u8>, items: impl Iterator<Item = T>, mut print: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push(b',');
        }
        print(out, item);
    }
    out.push(b']');
}

/// The first characters of a name that somebody outside chose.
fn cut(text: &str) -> &str {
    if text.len() <= NAME {
        return text;
    }
    text.char_indices().nth(NAME).and_then(|(i, _)| text.get(..i)).unwrap_or(text)
}

fn text(out: &mut Vec<u8>, whole: &str) {
    if whole.len() <= TEXT {
        return string(out, whole);
    }
    let end = (0..=TEXT).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
    let part = whole.get(..end).unwrap_or_default();
    string(out, &format!("{part}… ({} bytes)", whole.len()));
}

/// A JSON string. Control characters are escaped, all else stands as it is.
fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| *b < 0x20 || *b == b'"' || *b == b'\\' || *b == 0x7f) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        let byte = rest.get(at).copied().unwrap_or_default();
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
