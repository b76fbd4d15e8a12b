//! The messages of the log-in: cutting them out of a buffer, and building those that the proxy sends.
//! Every length is checked before it is believed. What comes after the log-in is read in `wire`.
//! Source: PostgreSQL documentation, 55.7 "Message Formats".

use bytes::{Buf, BytesMut};

use crate::wire::{Build, Malformed, Reader};

/// The longest message, length word included, that either side may send while it logs in (PostgreSQL itself stops at 65,535).
pub const AUTH_MESSAGE_LIMIT: usize = 65_536;

/// One whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type byte.
    pub tag: u8,
    /// What follows the length.
    pub body: BytesMut,
}

/// Cuts messages out of what was read; what is behind them stays.
#[derive(Debug, Default)]
pub struct Frames {
    /// What was read and not yet taken.
    pub buffer: BytesMut,
}

impl Frames {
    /// The next whole message, `None` when more must be read.
    ///
    /// # Errors
    /// A length below 4 or above [`AUTH_MESSAGE_LIMIT`].
    pub fn message(&mut self) -> Result<Option<Message>, Malformed> {
        let Some((tag, length)) = self.header()? else { return Ok(None) };
        if self.buffer.len() < 1 + length {
            return Ok(None);
        }
        let mut whole = self.buffer.split_to(1 + length);
        whole.advance(5);
        Ok(Some(Message { tag, body: whole }))
    }

    fn header(&self) -> Result<Option<(u8, usize)>, Malformed> {
        let Some((tag, rest)) = self.buffer.split_first() else { return Ok(None) };
        let Some(length) = rest.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if (4..=AUTH_MESSAGE_LIMIT).contains(&length) { Ok(Some((*tag, length))) } else { Err(Malformed) }
    }
}

/// Appends a message.
pub(super) fn put(out: &mut Vec<u8>, tag: u8, parts: &[&[u8]]) {
    parts.iter().fold(Build::new(out, tag), |build, part| build.bytes(part)).end();
}

/// `R` with a code and what belongs to it.
pub(super) fn authentication(out: &mut Vec<u8>, code: i32, data: &[u8]) {
    put(out, b'R', &[&code.to_be_bytes(), data]);
}

/// Appends `AuthenticationOk`.
pub fn authentication_ok(out: &mut Vec<u8>) {
    authentication(out, 0, &[]);
}

/// Appends a `ParameterStatus`.
pub fn parameter_status(out: &mut Vec<u8>, name: &str, value: &str) {
    put(out, b'S', &[name.as_bytes(), &[0], value.as_bytes(), &[0]]);
}

/// Appends a `BackendKeyData`; the key has 4 bytes, or 4 to 256 in protocol 3.2.
pub fn backend_key_data(out: &mut Vec<u8>, pid: i32, key: &[u8]) {
    put(out, b'K', &[&pid.to_be_bytes(), key]);
}

/// Appends a `ReadyForQuery` outside a transaction.
pub fn ready_for_query(out: &mut Vec<u8>) {
    put(out, b'Z', &[b"I"]);
}

/// Appends a `NegotiateProtocolVersion`: the newest minor version that is spoken, and the options that are not known.
pub fn negotiate(out: &mut Vec<u8>, minor: u16, unknown: &[String]) {
    let version = (3_i32 << 16) | i32::from(minor);
    let count = i32::try_from(unknown.len()).unwrap_or(i32::MAX);
    let mut names = Vec::new();
    for name in unknown {
        names.extend_from_slice(name.as_bytes());
        names.push(0);
    }
    put(out, b'v', &[&version.to_be_bytes(), &count.to_be_bytes(), &names]);
}

/// Appends a FATAL `ErrorResponse`; a NUL in the message is left out.
pub fn error_response(out: &mut Vec<u8>, sqlstate: &str, message: &str) {
    let message = message.replace('\0', "");
    put(out, b'E', &[b"SFATAL\0VFATAL\0C", sqlstate.as_bytes(), b"\0M", message.as_bytes(), b"\0\0"]);
}

/// What the proxy reads of a server's `ErrorResponse`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// Five characters; `XX000` where the server gave none.
    pub sqlstate: String,
    /// The error came out of a function that ran (a log-in trigger): its text may hold data.
    pub from_function: bool,
}

/// Reads the body of an `ErrorResponse`.
///
/// # Errors
/// Where it is not one.
pub fn server_error(body: &[u8]) -> Result<ServerError, Malformed> {
    let mut body = Reader::new(body);
    let mut error = ServerError { sqlstate: "XX000".to_owned(), from_function: false };
    loop {
        match body.u8()? {
            0 => return Ok(error),
            letter => {
                let text = body.cstr()?;
                match letter {
                    b'C' if text.len() == 5 && text.iter().all(u8::is_ascii_alphanumeric) => {
                        error.sqlstate = text.iter().copied().map(char::from).collect();
                    }
                    b'W' | b'q' => error.from_function = true,
                    _ => {}
                }
            }
        }
    }
}
