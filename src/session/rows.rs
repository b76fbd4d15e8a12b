//! Rows on their way back: runs of whole frames pass as they are, or cell by cell through their masks.

use super::witness::{MaskedColumn, Witnessed};
use crate::mask::{Masked, Rendering};
use crate::wire::{Frame, Run};

/// Server settings that shape text output, as `ParameterStatus` reports them.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    rendering: Rendering,
}

impl Settings {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.rendering.set(name, value);
    }

    pub(super) fn rendering(&self) -> &Rendering {
        &self.rendering
    }
}

/// Why a result stops; what was written of its last row is cut off again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A cell that its mask did not take.
    NotMasked,
    /// A row that is longer than one may be that is masked.
    TooLong,
}

/// How much of a row is waited for, for its length and that of its original values to be looked at.
pub(super) fn whole(limit: usize) -> usize {
    limit.saturating_mul(2)
}

/// What was written of a result: rows, and masked values in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) masked: u64,
}

/// What of a row was masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Values.
    masked: u64,
    /// The bytes that they had.
    bytes: usize,
}

impl Taken {
    pub(super) fn add(&mut self, value: &[u8]) {
        self.masked += 1;
        self.bytes += value.len();
    }
}

impl Written {
    /// A row of `length` bytes. It is too long if it is so as the client gets it, or if its original values are so by themselves: the sum of both would tell
    /// how long these are, by the room that clear values leave, which the client can choose.
    pub(super) fn add(&mut self, taken: Taken, length: usize, limit: usize) -> Result<(), Stop> {
        if length > limit || taken.bytes > limit {
            return Err(Stop::TooLong);
        }
        self.rows += 1;
        self.masked += taken.masked;
        Ok(())
    }
}

/// Appends a run of `DataRow` frames, masked as witnessed, up to the first that cannot be or is longer than `limit`. `written` counts what was appended.
pub(super) fn mask_run(
    run: Run<'_>,
    witnessed: &Witnessed,
    (rendering, limit): (&Rendering, usize),
    out: &mut Vec<u8>,
    written: &mut Written,
) -> Result<(), Stop> {
    for frame in run.frames() {
        let start = out.len();
        let masked = mask_row(frame, witnessed, rendering, out).ok_or(Stop::NotMasked);
        if let Err(stop) = masked.and_then(|taken| written.add(taken, out.len() - start, limit)) {
            out.truncate(start);
            return Err(stop);
        }
    }
    Ok(())
}

/// What stands between two masked cells is copied in one piece.
fn mask_row(frame: Frame<'_>, witnessed: &Witnessed, rendering: &Rendering, out: &mut Vec<u8>) -> Option<Taken> {
    let (row, columns) = (frame.whole, witnessed.masked());
    if usize::from(u16::from_be_bytes(*row.get(5..)?.first_chunk::<2>()?)) != columns.len() {
        return None;
    }
    let start = out.len();
    let taken = mask_cells(row, 7, columns, rendering, out)?;
    let length = u32::try_from(out.len() - start - 1).ok()?;
    out.get_mut(start + 1..start + 5)?.copy_from_slice(&length.to_be_bytes());
    Some(taken)
}

/// Appends a row whose first value begins at a place, each with its length in front, as `DataRow` and the binary format of COPY have them.
pub(super) fn mask_cells(
    row: &[u8],
    first: usize,
    columns: &[Option<MaskedColumn>],
    rendering: &Rendering,
    out: &mut Vec<u8>,
) -> Option<Taken> {
    let (mut at, mut copied, mut taken) = (first, 0, Taken::default());
    for column in columns {
        let length = i32::from_be_bytes(*row.get(at..)?.first_chunk::<4>()?);
        let value = at + 4;
        // -1 is NULL, which needs no mask.
        let end = if length == -1 { value } else { value.checked_add(usize::try_from(length).ok()?)? };
        if let (Some(column), true) = (column, length != -1) {
            out.extend_from_slice(row.get(copied..at)?);
            copied = end;
            let value = row.get(value..end)?;
            taken.add(value);
            mask_cell(column, value, rendering, out)?;
        }
        at = end;
    }
    out.extend_from_slice(row.get(copied..)?);
    (at == row.len()).then_some(taken)
}

/// Appends a masked value with its length in front.
fn mask_cell(column: &MaskedColumn, value: &[u8], rendering: &Rendering, out: &mut Vec<u8>) -> Option<()> {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    let length = match column.mask.apply(&column.ty, column.format, rendering, value, out).ok()? {
        Masked::Null => {
            out.truncate(at + 4);
            -1
        }
        Masked::Value => i32::try_from(out.len() - at - 4).ok()?,
    };
    out.get_mut(at..at + 4)?.copy_from_slice(&length.to_be_bytes());
    Some(())
}
