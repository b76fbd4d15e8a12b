//! Rows on their way back: runs of whole frames pass as they are, or cell by cell through their masks.

use super::witness::Witnessed;
use crate::mask::{Masked, Rendering};
use crate::wire::{Cells, Frame, Run};

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

/// Appends a run of `DataRow` frames, masked as witnessed. Returns how many values were masked.
pub(super) fn mask_run(run: Run<'_>, witnessed: &Witnessed, rendering: &Rendering, out: &mut Vec<u8>) -> Result<u64, NotMasked> {
    let mut masked = 0;
    for frame in run.frames() {
        let start = out.len();
        if let Some(n) = mask_row(frame, witnessed, rendering, out) {
            masked += n;
        } else {
            out.truncate(start);
            return Err(NotMasked);
        }
    }
    Ok(masked)
}

fn mask_row(frame: Frame<'_>, witnessed: &Witnessed, rendering: &Rendering, out: &mut Vec<u8>) -> Option<u64> {
    let columns = witnessed.masked();
    let mut cells = Cells::new(frame.body()).ok()?;
    if cells.left() != columns.len() {
        return None;
    }
    let start = out.len();
    out.extend_from_slice(frame.whole.get(..7)?);
    let mut masked = 0;
    for column in columns {
        let cell = cells.next_cell().ok()??;
        match (cell, column) {
            (None, _) => out.extend_from_slice(&(-1_i32).to_be_bytes()),
            (Some(value), None) => {
                out.extend_from_slice(&u32::try_from(value.len()).ok()?.to_be_bytes());
                out.extend_from_slice(value);
            }
            (Some(value), Some(column)) => {
                masked += 1;
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
            }
        }
    }
    // Asking once more makes the reader check that nothing stands behind the last cell.
    cells.next_cell().ok()?;
    let length = u32::try_from(out.len() - start - 1).ok()?;
    out.get_mut(start + 1..start + 5)?.copy_from_slice(&length.to_be_bytes());
    Some(masked)
}
