//! Building the frames that the proxy itself sends, on top of pgwire's message types where they serve, by hand where bytes are
//! already at hand. Nothing here reads.

use bytes::BytesMut;
use pgwire::messages::Message;

/// The fields of an error or notice that the proxy makes.
#[derive(Clone, Copy, Debug)]
pub struct ErrorFields<'a> {
    /// `ERROR` or `FATAL`.
    pub severity: &'a str,
    /// Five characters.
    pub sqlstate: &'a str,
    /// The message, prefix included.
    pub message: &'a str,
    /// What would be allowed.
    pub hint: Option<&'a str>,
    /// Character position in the client's text, from 1.
    pub position: Option<u32>,
}

/// An `ErrorResponse`, appended to `out`.
pub fn error_frame(out: &mut Vec<u8>, e: &ErrorFields<'_>) {
    let mut fields = vec![
        (b'S', e.severity.to_owned()),
        (b'V', e.severity.to_owned()),
        (b'C', e.sqlstate.to_owned()),
        (b'M', e.message.replace('\0', "")),
    ];
    fields.extend(e.hint.map(|h| (b'H', h.replace('\0', ""))));
    fields.extend(e.position.map(|p| (b'P', p.to_string())));
    let mut buffer = BytesMut::new();
    // Encoding fails only beyond pgwire's own size limit, far above our messages; then the bare condition goes out.
    if pgwire::messages::response::ErrorResponse::new(fields).encode(&mut buffer).is_ok() {
        out.extend_from_slice(&buffer);
    } else {
        Build::new(out, b'E').byte(b'S').cstr(b"ERROR").byte(b'C').cstr(b"XX000").byte(b'M').cstr(b"pgscrim: error").byte(0).end();
    }
}

/// Writes one frame behind another; the length is filled in at the end.
#[derive(Debug)]
pub struct Build<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Build<'a> {
    /// Begins a frame of this type.
    pub fn new(out: &'a mut Vec<u8>, tag: u8) -> Self {
        out.push(tag);
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        Self { out, start }
    }

    /// One byte.
    #[must_use]
    pub fn byte(self, b: u8) -> Self {
        self.out.push(b);
        self
    }

    /// Two bytes.
    #[must_use]
    pub fn i16(self, n: i16) -> Self {
        self.out.extend_from_slice(&n.to_be_bytes());
        self
    }

    /// Four bytes.
    #[must_use]
    pub fn i32(self, n: i32) -> Self {
        self.out.extend_from_slice(&n.to_be_bytes());
        self
    }

    /// Bytes as they are.
    #[must_use]
    pub fn bytes(self, b: &[u8]) -> Self {
        self.out.extend_from_slice(b);
        self
    }

    /// A string and its NUL.
    #[must_use]
    pub fn cstr(self, text: &[u8]) -> Self {
        self.bytes(text).byte(0)
    }

    /// Fills in the length.
    pub fn end(self) {
        let length = u32::try_from(self.out.len() - self.start).unwrap_or(u32::MAX);
        if let Some(slot) = self.out.get_mut(self.start..self.start + 4) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
    }
}
