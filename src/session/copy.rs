//! Rows of a COPY TO STDOUT through their masks, in the three formats. The server's `CopyData` messages are taken as one stream of
//! bytes, since nothing promises that a message is a row; each row goes on as a message of its own.
//! Source: PostgreSQL documentation, COPY, "File Formats"; `CopyAttributeOutText` and `CopyAttributeOutCSV` for what is quoted.

use super::rows::{Stop, Taken, Written, mask_cells, whole};
use super::witness::MaskedColumn;
use crate::mask::{Format, Masked, Rendering};
use crate::plan::CopyFormat;
use crate::wire::{Build, backend};

/// What a binary stream begins with: signature, flags, and the length of an extension that PostgreSQL leaves empty.
const BINARY_HEADER: usize = 19;

/// The state of one COPY whose rows are masked.
#[derive(Debug)]
pub(super) struct CopyMask {
    format: CopyFormat,
    columns: Vec<Option<MaskedColumn>>,
    /// A row that is not whole yet, or the header of a binary stream.
    partial: Vec<u8>,
    /// The header line or the binary header is still to come.
    header: bool,
    /// The binary header, which PostgreSQL sends in one message with what follows it.
    prefix: Vec<u8>,
    /// The longest row, in bytes.
    limit: usize,
    /// How far into `partial` no row ends.
    scanned: Scan,
    /// A value without its escapes, and its mask: kept for their memory.
    scratch: (Vec<u8>, Vec<u8>),
}

#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    at: usize,
    quoted: bool,
    escaped: bool,
}

impl CopyMask {
    pub(super) fn new(format: CopyFormat, columns: Vec<Option<MaskedColumn>>, limit: usize) -> Self {
        let header = match &format {
            CopyFormat::Text { header, .. } | CopyFormat::Csv { header, .. } => *header,
            CopyFormat::Binary => true,
        };
        let scratch = (Vec::new(), Vec::new());
        Self { format, columns, partial: Vec::new(), header, prefix: Vec::new(), limit, scanned: Scan::default(), scratch }
    }

    /// Takes a piece of the stream and writes the rows that it completes. Only what is left of a row is kept.
    pub(super) fn feed(&mut self, bytes: &[u8], rendering: &Rendering, out: &mut Vec<u8>, copied: &mut Written) -> Result<(), Stop> {
        if self.partial.is_empty() {
            let taken = self.rows(bytes, rendering, out, copied)?;
            self.partial.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            let mut kept = std::mem::take(&mut self.partial);
            kept.extend_from_slice(bytes);
            let taken = self.rows(&kept, rendering, out, copied)?;
            if taken < kept.len() {
                kept.drain(..taken);
                self.partial = kept;
            }
        }
        if self.partial.len() > whole(self.limit) { Err(Stop::TooLong) } else { Ok(()) }
    }

    /// Writes the rows that `bytes` begins with; how many bytes they have.
    fn rows(&mut self, bytes: &[u8], rendering: &Rendering, out: &mut Vec<u8>, copied: &mut Written) -> Result<usize, Stop> {
        let mut at = 0;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(end) = self.row_end(rest)? else { break };
            self.scanned = Scan::default();
            self.row(rest.get(..end).unwrap_or_default(), rendering, out, copied)?;
            at += end;
        }
        Ok(at)
    }

    /// Bytes that are kept.
    pub(super) fn kept(&self) -> usize {
        self.partial.len()
    }

    /// Whether the stream stands between two rows.
    pub(super) fn at_boundary(&self) -> bool {
        self.partial.is_empty() && self.prefix.is_empty()
    }

    fn row(&mut self, row: &[u8], rendering: &Rendering, out: &mut Vec<u8>, copied: &mut Written) -> Result<(), Stop> {
        let frame_at = out.len();
        if std::mem::take(&mut self.header) {
            if self.format == CopyFormat::Binary {
                self.prefix = row.to_vec();
                return Ok(());
            }
            Build::new(out, backend::COPY_DATA).bytes(row).end();
            return Ok(());
        }
        out.extend_from_slice(&[backend::COPY_DATA, 0, 0, 0, 0]);
        out.append(&mut self.prefix);
        let masked = match &self.format {
            CopyFormat::Text { delimiter, null, .. } => text_row(row, *delimiter, null, &self.columns, rendering, &mut self.scratch, out),
            CopyFormat::Csv { .. } => csv_row(row, &self.format, &self.columns, rendering, &mut self.scratch, out),
            CopyFormat::Binary => binary_row(row, &self.columns, rendering, out),
        };
        let length = out.len() - frame_at - 1;
        let added = masked.ok_or(Stop::NotMasked).and_then(|taken| taken.map_or(Ok(()), |taken| copied.add(taken, length, self.limit)));
        if let Err(stop) = added {
            out.truncate(frame_at);
            return Err(stop);
        }
        let length = u32::try_from(length).map_err(|_| Stop::TooLong)?;
        out.get_mut(frame_at + 1..frame_at + 5).ok_or(Stop::NotMasked)?.copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// Where the first row in `bytes` ends, its newline included. As far as was looked at before, none does.
    fn row_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Stop> {
        let scan = &mut self.scanned;
        match &self.format {
            CopyFormat::Text { .. } => Ok(text_end(scan, bytes)),
            CopyFormat::Csv { quote, escape, .. } => Ok(csv_end(scan, bytes, *quote, *escape)),
            CopyFormat::Binary if self.header => Ok((bytes.len() >= BINARY_HEADER).then_some(BINARY_HEADER)),
            CopyFormat::Binary => binary_end(bytes, self.columns.len()),
        }
    }
}

/// The first newline that no backslash stands before, or an even number of them.
fn text_end(scan: &mut Scan, bytes: &[u8]) -> Option<usize> {
    while let Some(found) = memchr::memchr(b'\n', bytes.get(scan.at..)?) {
        let end = scan.at + found;
        scan.at = end + 1;
        let before = bytes.get(..end)?.iter().rev().take_while(|b| **b == b'\\').count();
        if before % 2 == 0 {
            return Some(scan.at);
        }
    }
    scan.at = bytes.len();
    None
}

/// The first newline outside of quotes.
fn csv_end(scan: &mut Scan, bytes: &[u8], quote: u8, escape: u8) -> Option<usize> {
    for b in bytes.get(scan.at..)? {
        scan.at += 1;
        if std::mem::take(&mut scan.escaped) {
            continue;
        }
        // Where escape and quote are one character, a doubled quote ends and begins the quoting, which comes to the same.
        if scan.quoted && *b == escape && escape != quote {
            scan.escaped = true;
        } else if *b == quote {
            scan.quoted = !scan.quoted;
        }
        if *b == b'\n' && !scan.quoted {
            return Some(scan.at);
        }
    }
    None
}

/// Masks one value into `out`; whether it is NULL now.
fn apply(column: &MaskedColumn, format: Format, value: &[u8], rendering: &Rendering, out: &mut Vec<u8>) -> Option<Masked> {
    column.mask.apply(&column.ty, format, rendering, value, out).ok()
}

/// A row of the text format, its newline included. The outer `None` is a row that cannot be masked.
#[expect(clippy::option_option, reason = "the inner one says that there was no row: only binary has a trailer")]
fn text_row(
    row: &[u8],
    delimiter: u8,
    null: &[u8],
    columns: &[Option<MaskedColumn>],
    rendering: &Rendering,
    (value, result): &mut (Vec<u8>, Vec<u8>),
    out: &mut Vec<u8>,
) -> Option<Option<Taken>> {
    let line = row.strip_suffix(b"\n")?;
    // what is not masked is copied in as few pieces as there are
    let (mut at, mut copied, mut taken) = (0, 0, Taken::default());
    for (i, column) in columns.iter().enumerate() {
        let end = text_field_end(line, at, delimiter);
        let field = line.get(at..end)?;
        if let Some(column) = column
            && field != null
        {
            taken.add(field);
            result.clear();
            out.extend_from_slice(row.get(copied..at)?);
            copied = end;
            match apply(column, Format::Text, unescape_text(field, value)?, rendering, result)? {
                Masked::Null => out.extend_from_slice(null),
                Masked::Value => escape_text(result, delimiter, out),
            }
        }
        // a delimiter stands behind each field but the last
        if (end == line.len()) != (i + 1 == columns.len()) {
            return None;
        }
        at = end + 1;
    }
    out.extend_from_slice(row.get(copied..)?);
    Some(Some(taken))
}

/// Where the field that begins at a place of a line of the text format ends.
fn text_field_end(line: &[u8], mut at: usize, delimiter: u8) -> usize {
    while let Some(found) = memchr::memchr2(delimiter, b'\\', line.get(at..).unwrap_or_default()) {
        at += found;
        if line.get(at) == Some(&delimiter) {
            return at;
        }
        // What a backslash stands before is no delimiter.
        at += 2;
    }
    line.len()
}

/// A field without its escapes: itself where it has none, else what was written to `out`.
fn unescape_text<'a>(field: &'a [u8], out: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    if memchr::memchr(b'\\', field).is_none() {
        return Some(field);
    }
    out.clear();
    let mut bytes = field.iter().copied();
    while let Some(b) = bytes.next() {
        out.push(if b == b'\\' {
            match bytes.next()? {
                b'b' => 8,
                b'f' => 12,
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'v' => 11,
                other => other,
            }
        } else {
            b
        });
    }
    Some(out)
}

fn escape_text(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    // without a way out, so that many bytes are looked at at a time
    let special = |b: u8| matches!(b, 8..=13 | b'\\') || b == delimiter;
    if !value.iter().fold(false, |found, b| found | special(*b)) {
        return out.extend_from_slice(value);
    }
    for b in value {
        match *b {
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            11 => out.extend_from_slice(b"\\v"),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b if b == delimiter => out.extend_from_slice(&[b'\\', b]),
            b => out.push(b),
        }
    }
}

#[expect(clippy::option_option, reason = "as text_row")]
fn csv_row(
    row: &[u8],
    format: &CopyFormat,
    columns: &[Option<MaskedColumn>],
    rendering: &Rendering,
    (value, result): &mut (Vec<u8>, Vec<u8>),
    out: &mut Vec<u8>,
) -> Option<Option<Taken>> {
    let CopyFormat::Csv { delimiter, null, quote, escape, force_quote, .. } = format else { return None };
    let line = row.strip_suffix(b"\n")?;
    let mut rest = Some(line);
    let mut taken = Taken::default();
    for (i, column) in columns.iter().enumerate() {
        let (field, after) = csv_field(rest?, *delimiter, *quote, *escape);
        rest = after;
        if i > 0 {
            out.push(*delimiter);
        }
        match column {
            Some(column) if field != &**null => {
                taken.add(field);
                value.clear();
                result.clear();
                unquote_csv(field, *quote, *escape, value);
                match apply(column, Format::Text, value, rendering, result)? {
                    Masked::Null => out.extend_from_slice(null),
                    Masked::Value => {
                        let forced = force_quote.as_ref().is_some_and(|f| f.is_empty() || f.contains(&i));
                        let special = |b: &u8| [*delimiter, *quote, b'\n', b'\r'].contains(b);
                        let alone = columns.len() == 1 && *result == b"\\.";
                        if forced || alone || **result == **null || result.iter().any(special) {
                            quote_csv(result, *quote, *escape, out);
                        } else {
                            out.extend_from_slice(result);
                        }
                    }
                }
            }
            _ => out.extend_from_slice(field),
        }
    }
    out.push(b'\n');
    rest.is_none().then_some(Some(taken))
}

/// The first field of a csv line as it is written, and what follows its delimiter.
fn csv_field(line: &[u8], delimiter: u8, quote: u8, escape: u8) -> (&[u8], Option<&[u8]>) {
    let (mut quoted, mut escaped) = (false, false);
    let end = line.iter().position(|b| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        if quoted && *b == escape && escape != quote {
            escaped = true;
        } else if *b == quote {
            quoted = !quoted;
        }
        *b == delimiter && !quoted
    });
    match end.and_then(|end| Some((line.get(..end)?, line.get(end + 1..)?))) {
        Some((field, rest)) => (field, Some(rest)),
        None => (line, None),
    }
}

fn unquote_csv(field: &[u8], quote: u8, escape: u8, out: &mut Vec<u8>) {
    let mut quoted = false;
    let mut bytes = field.iter().copied().peekable();
    while let Some(b) = bytes.next() {
        let next = bytes.peek().copied();
        if quoted && b == escape && next.is_some_and(|n| n == quote || n == escape) {
            out.extend(bytes.next());
        } else if b == quote {
            quoted = !quoted;
        } else {
            out.push(b);
        }
    }
}

fn quote_csv(value: &[u8], quote: u8, escape: u8, out: &mut Vec<u8>) {
    out.push(quote);
    for b in value {
        if *b == quote || *b == escape {
            out.push(escape);
        }
        out.push(*b);
    }
    out.push(quote);
}

/// Where the row or trailer at the beginning of a binary stream ends.
fn binary_end(bytes: &[u8], columns: usize) -> Result<Option<usize>, Stop> {
    let Some(count) = bytes.first_chunk::<2>() else { return Ok(None) };
    let count = i16::from_be_bytes(*count);
    if count == -1 {
        return Ok(Some(2));
    }
    if usize::try_from(count) != Ok(columns) {
        return Err(Stop::NotMasked);
    }
    let mut at = 2;
    for _ in 0..columns {
        let Some(length) = bytes.get(at..).and_then(|b| b.first_chunk::<4>()) else { return Ok(None) };
        at += 4 + usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
    }
    Ok((bytes.len() >= at).then_some(at))
}

#[expect(clippy::option_option, reason = "as text_row")]
fn binary_row(row: &[u8], columns: &[Option<MaskedColumn>], rendering: &Rendering, out: &mut Vec<u8>) -> Option<Option<Taken>> {
    if row.first_chunk::<2>() == Some(&[0xff, 0xff]) {
        out.extend_from_slice(row.get(..2)?);
        return Some(None);
    }
    mask_cells(row, 2, columns, rendering, out).map(Some)
}
