//! Rows on their way back: runs of whole frames pass as they are, or cell by cell through their masks.

use super::witness::{MaskedColumn, Witnessed};
use crate::mask::{Format, Masked, Rendering};
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

/// A cell that its mask did not take: what was written of its row is cut off again, and the result stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotMasked;

/// What was written of a result: rows, and masked values in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) rows: u64,
    pub(super) masked: u64,
}

/// Appends a run of `DataRow` frames, masked as witnessed, up to the first that cannot be. `written` counts what was appended.
pub(super) fn mask_run(
    run: Run<'_>,
    witnessed: &Witnessed,
    rendering: &Rendering,
    out: &mut Vec<u8>,
    written: &mut Written,
) -> Result<(), NotMasked> {
    for frame in run.frames() {
        let start = out.len();
        let Some(masked) = mask_row(frame, witnessed, rendering, out) else {
            out.truncate(start);
            return Err(NotMasked);
        };
        written.rows += 1;
        written.masked += masked;
    }
    Ok(())
}

/// What stands between two masked cells is copied in one piece.
fn mask_row(frame: Frame<'_>, witnessed: &Witnessed, rendering: &Rendering, out: &mut Vec<u8>) -> Option<u64> {
    let (row, columns) = (frame.whole, witnessed.masked());
    if usize::from(u16::from_be_bytes(*row.get(5..)?.first_chunk::<2>()?)) != columns.len() {
        return None;
    }
    let start = out.len();
    let (mut at, mut copied, mut masked) = (7, 0, 0);
    for column in columns {
        let length = i32::from_be_bytes(*row.get(at..)?.first_chunk::<4>()?);
        let value = at + 4;
        // -1 is NULL, which needs no mask.
        let end = if length == -1 { value } else { value.checked_add(usize::try_from(length).ok()?)? };
        if let (Some(column), true) = (column, length != -1) {
            out.extend_from_slice(row.get(copied..at)?);
            copied = end;
            masked += 1;
            mask_cell(column, column.format, row.get(value..end)?, rendering, out)?;
        }
        at = end;
    }
    if at != row.len() {
        return None;
    }
    out.extend_from_slice(row.get(copied..)?);
    let length = u32::try_from(out.len() - start - 1).ok()?;
    out.get_mut(start + 1..start + 5)?.copy_from_slice(&length.to_be_bytes());
    Some(masked)
}

/// Appends a masked value with its length in front, as `DataRow` and the binary format of COPY have it.
pub(super) fn mask_cell(column: &MaskedColumn, format: Format, value: &[u8], rendering: &Rendering, out: &mut Vec<u8>) -> Option<()> {
    let at = out.len();
    out.extend_from_slice(&[0; 4]);
    let length = match column.mask.apply(&column.ty, format, rendering, value, out).ok()? {
        Masked::Null => {
            out.truncate(at + 4);
            -1
        }
        Masked::Value => i32::try_from(out.len() - at - 4).ok()?,
    };
    out.get_mut(at..at + 4)?.copy_from_slice(&length.to_be_bytes());
    Some(())
}
