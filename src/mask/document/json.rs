//! The text of a document, read step by step: values that are not looked into are passed over without recursion, whatever their nesting.

use std::borrow::Cow;

use crate::mask::value::CannotMask;

/// What a value is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Boolean,
    Null,
    Object,
    Array,
}

/// What is left of a text.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { rest: text }
    }

    /// The next byte behind white space.
    fn peek(&mut self) -> Result<u8, CannotMask> {
        let blank = self.rest.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.rest = self.rest.get(blank..).unwrap_or_default();
        self.rest.first().copied().ok_or(CannotMask::InvalidValue)
    }

    /// What comes next.
    pub(super) fn kind(&mut self) -> Result<Kind, CannotMask> {
        Ok(match self.peek()? {
            b'"' => Kind::Text,
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b't' | b'f' => Kind::Boolean,
            b'n' => Kind::Null,
            b'-' | b'0'..=b'9' => Kind::Number,
            _ => return Err(CannotMask::InvalidValue),
        })
    }

    /// Takes a byte, where it comes next.
    pub(super) fn takes(&mut self, byte: u8) -> Result<bool, CannotMask> {
        let is = self.peek()? == byte;
        if is {
            self.rest = self.rest.get(1..).unwrap_or_default();
        }
        Ok(is)
    }

    /// Takes a byte that must come next.
    pub(super) fn take(&mut self, byte: u8) -> Result<(), CannotMask> {
        if self.takes(byte)? { Ok(()) } else { Err(CannotMask::InvalidValue) }
    }

    /// Nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), CannotMask> {
        if self.peek().is_err() { Ok(()) } else { Err(CannotMask::InvalidValue) }
    }

    /// Takes a text, with its quotes.
    pub(super) fn text(&mut self) -> Result<&'a [u8], CannotMask> {
        if self.kind()? != Kind::Text {
            return Err(CannotMask::InvalidValue);
        }
        self.value()
    }

    /// Takes a value as it stands.
    pub(super) fn value(&mut self) -> Result<&'a [u8], CannotMask> {
        let end = match self.kind()? {
            Kind::Text => self.quoted(0)?,
            Kind::Object | Kind::Array => self.nested()?,
            Kind::Number | Kind::Boolean | Kind::Null => self.rest.iter().take_while(|b| is_bare(**b)).count(),
        };
        let (value, rest) = self.rest.split_at_checked(end).ok_or(CannotMask::InvalidValue)?;
        self.rest = rest;
        Ok(value)
    }

    /// Where the text ends whose quote opens at a position.
    fn quoted(&self, from: usize) -> Result<usize, CannotMask> {
        let mut at = from + 1;
        loop {
            match self.rest.get(at).ok_or(CannotMask::InvalidValue)? {
                b'"' => return Ok(at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    /// Where the object or array ends that opens here.
    fn nested(&self) -> Result<usize, CannotMask> {
        let (mut at, mut depth) = (0_usize, 0_usize);
        loop {
            match self.rest.get(at).ok_or(CannotMask::InvalidValue)? {
                b'"' => at = self.quoted(at)?,
                b'{' | b'[' => (at, depth) = (at + 1, depth + 1),
                b'}' | b']' => {
                    (at, depth) = (at + 1, depth - 1);
                    if depth == 0 {
                        return Ok(at);
                    }
                }
                _ => at += 1,
            }
        }
    }
}

fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

/// What a text with its quotes says.
pub(super) fn unescaped(quoted: &[u8]) -> Result<Cow<'_, str>, CannotMask> {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).and_then(|t| std::str::from_utf8(t).ok()).ok_or(CannotMask::InvalidValue)?;
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut out = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let mut chars = escape.chars();
        out.push(match chars.next().ok_or(CannotMask::InvalidValue)? {
            c @ ('"' | '\\' | '/') => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut chars)?,
            _ => return Err(CannotMask::InvalidValue),
        });
        rest = chars.as_str();
    }
    out.push_str(rest);
    Ok(Cow::Owned(out))
}

/// The character behind `\u`. PostgreSQL has no NUL in texts.
fn unicode(chars: &mut std::str::Chars<'_>) -> Result<char, CannotMask> {
    let unit = |chars: &mut std::str::Chars<'_>| {
        let digits = chars.as_str().get(..4).ok_or(CannotMask::InvalidValue)?;
        *chars = chars.as_str().get(4..).unwrap_or_default().chars();
        u16::from_str_radix(digits, 16).map_err(|_| CannotMask::InvalidValue)
    };
    let mut units = vec![unit(chars)?];
    if matches!(units.as_slice(), [0xD800..=0xDBFF])
        && let Some(rest) = chars.as_str().strip_prefix("\\u")
    {
        *chars = rest.chars();
        units.push(unit(chars)?);
    }
    let mut decoded = char::decode_utf16(units);
    match (decoded.next(), decoded.next()) {
        (Some(Ok(c)), None) if c != '\0' => Ok(c),
        _ => Err(CannotMask::InvalidValue),
    }
}

/// Appends a text with quotes and escapes (`escape_json`).
pub(super) fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(br#"\""#),
            b'\\' => out.extend_from_slice(br"\\"),
            0x08 => out.extend_from_slice(br"\b"),
            0x0c => out.extend_from_slice(br"\f"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            0..=0x1f => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
