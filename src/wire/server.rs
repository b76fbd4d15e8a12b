//! The server's messages that the session looks into: row descriptions, rows, errors and notices, command tags.

use super::read::{Malformed, Reader};
use crate::base::{Oid, Origin};

/// A field of a `RowDescription`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The column's name as the client sees it.
    pub name: &'a [u8],
    /// The relation that it comes from, 0 for none.
    pub relation: Oid,
    /// The column's number there, 0 for none.
    pub column: i16,
    /// Its type, domains followed.
    pub ty: Oid,
    /// Its type modifier.
    pub typmod: i32,
    /// 0 text, 1 binary.
    pub format: i16,
}

/// The fields of a `RowDescription`'s body.
///
/// # Errors
/// Where the body is not one.
pub fn row_description(body: &[u8]) -> Result<Vec<Field<'_>>, Malformed> {
    let mut r = Reader::new(body);
    let count = r.count()?;
    let mut fields = Vec::with_capacity(count.min(body.len() / 19 + 1));
    for _ in 0..count {
        let name = r.cstr()?;
        let (relation, column, ty) = (Oid(r.u32()?), r.i16()?, Oid(r.u32()?));
        r.i16()?;
        fields.push(Field { name, relation, column, ty, typmod: r.i32()?, format: r.i16()? });
    }
    r.end()?;
    Ok(fields)
}

/// Says in a `RowDescription`'s body where its columns come from, as far as `origins` tells.
///
/// # Errors
/// Where the body is not one.
pub fn restore_origins(body: &mut [u8], origins: &[Option<Origin>]) -> Result<(), Malformed> {
    /// What follows a name: relation, column, type, length, modifier, format.
    const BEHIND: usize = 4 + 2 + 4 + 2 + 4 + 2;
    let fields: Vec<(usize, Oid)> = row_description(body)?.iter().map(|f| (f.name.len() + 1, f.ty)).collect();
    let mut at = 2;
    for (i, (name, said)) in fields.into_iter().enumerate() {
        at += name;
        if let Some(Some(Origin { relation, column, ty })) = origins.get(i) {
            let new = [&relation.0.to_be_bytes()[..], &column.to_be_bytes(), &ty.unwrap_or(said).0.to_be_bytes()].concat();
            body.get_mut(at..at + new.len()).ok_or(Malformed)?.copy_from_slice(&new);
        }
        at += BEHIND;
    }
    Ok(())
}

/// The values of a `DataRow`'s body, in order.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    reader: Reader<'a>,
    left: usize,
}

impl<'a> Cells<'a> {
    /// Begins to read a body.
    ///
    /// # Errors
    /// Where even the count is missing.
    pub fn new(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(body);
        let left = reader.count()?;
        Ok(Self { reader, left })
    }

    /// How many are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }

    /// The next value, `None` behind the last; the inner `None` is NULL.
    ///
    /// # Errors
    /// Where the body ends too early, or goes on behind the last value.
    pub fn next_cell(&mut self) -> Result<Option<Option<&'a [u8]>>, Malformed> {
        if self.left == 0 {
            self.reader.end()?;
            return Ok(None);
        }
        self.left -= 1;
        self.reader.value().map(Some)
    }
}

/// An `ErrorResponse`'s or `NoticeResponse`'s body: fields by their letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice<'a>(pub Vec<(u8, &'a [u8])>);

impl<'a> Notice<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// Where it is not one.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        let mut r = Reader::new(body);
        let mut fields = Vec::with_capacity(12);
        loop {
            match r.u8()? {
                0 => return r.end().map(|()| Self(fields)),
                letter => fields.push((letter, r.cstr()?)),
            }
        }
    }

    /// The field with this letter.
    #[must_use]
    pub fn field(&self, letter: u8) -> Option<&'a [u8]> {
        self.0.iter().find(|(l, _)| *l == letter).map(|(_, text)| *text)
    }

    /// Whether the server ends the connection with it.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.field(b'V').or_else(|| self.field(b'S')).is_some_and(|v| v == b"FATAL" || v == b"PANIC")
    }

    /// The SQLSTATE, `XX000` where it is missing or not five ASCII letters and digits.
    #[must_use]
    pub fn sqlstate(&self) -> &'a str {
        let text = self.field(b'C').filter(|t| t.len() == 5 && t.iter().all(u8::is_ascii_alphanumeric));
        text.and_then(|t| std::str::from_utf8(t).ok()).unwrap_or("XX000")
    }
}

/// Whether a command tag is one of a statement that changed the rows it counts.
#[must_use]
pub fn command_writes(tag: &[u8]) -> bool {
    [&b"INSERT "[..], b"UPDATE ", b"DELETE ", b"MERGE "].iter().any(|word| tag.starts_with(word))
}

/// The number of rows at the end of a command tag (`UPDATE 3`, `INSERT 0 1`), 0 where there is none.
#[must_use]
pub fn command_rows(tag: &[u8]) -> u64 {
    let tag = tag.strip_suffix(&[0]).unwrap_or(tag);
    let digits = tag.rsplit(|b| *b == b' ').next().unwrap_or_default();
    std::str::from_utf8(digits).ok().and_then(|d| d.parse().ok()).unwrap_or(0)
}
