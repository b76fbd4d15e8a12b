//! COPY's answers: the data of both directions.

use crate::mask::Format;
use crate::plan::{CopyDirection, CopyFormat, Effect, Permit};
use crate::session::copy::CopyMask;
use crate::session::open::OpenStatement;
use crate::session::rows::Written;
use crate::session::sqlstate::Fault;
use crate::session::witness::MaskedColumn;
use crate::session::{Cx, Session};
use crate::wire::{Frame, Run, backend};

use super::{CopyIn, Expect};

impl Session {
    /// Whether a COPY that begins gives other columns than its permit says: what the server said of its query.
    pub(super) fn copy_trips(&mut self, permit: Option<&Permit>, tag: u8) -> bool {
        if tag != backend::COPY_OUT || !self.governed() {
            return false;
        }
        self.replies.copy_shape.take().is_none_or(|shape| self.witness(permit, &shape, &[]).is_err())
    }

    /// COPY's answers, where the permit says that there may be any.
    pub(super) fn on_copy_answer(&mut self, permit: Option<&Permit>, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let direction = permit.and_then(|p| if let Effect::Copy(direction, _) = p.effect() { Some(*direction) } else { None });
        let allowed = match frame.tag {
            backend::COPY_IN => direction == Some(CopyDirection::In),
            _ => direction == Some(CopyDirection::Out),
        };
        if !allowed && self.governed() {
            return Err(Fault::ServerProtocol);
        }
        match frame.tag {
            backend::COPY_IN => self.copy_begins(cx),
            backend::COPY_OUT => self.copy_out_begins(permit, frame)?,
            backend::COPY_DONE if self.replies.copy_out.take().is_some_and(|c| !c.at_boundary()) => return Err(Fault::ServerProtocol),
            _ => {}
        }
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }

    /// Rows that are masked are taken apart from here on. The number of columns is the server's word against the plan's.
    pub(super) fn copy_out_begins(&mut self, permit: Option<&Permit>, frame: Frame<'_>) -> Result<(), Fault> {
        self.replies.copy_out = None;
        let Some(permit) = permit.filter(|_| self.governed()) else { return Ok(()) };
        let Effect::Copy(_, format) = permit.effect() else { return Err(Fault::ServerProtocol) };
        let mut r = crate::wire::Reader::new(frame.body());
        let (Ok(_), Ok(columns)) = (r.u8(), r.count()) else { return Err(Fault::ServerProtocol) };
        if permit.arity().is_some_and(|n| n != columns) || permit.cells().len() > columns {
            return Err(Fault::ServerProtocol);
        }
        if permit.masks_rows() {
            let wire = if matches!(format, CopyFormat::Binary) { Format::Binary } else { Format::Text };
            self.replies.copy_out = Some(CopyMask::new(format.clone(), MaskedColumn::of(permit, columns, wire), self.limits.masked_row));
        }
        Ok(())
    }

    /// Rows of a COPY TO STDOUT, where the permit says that there may be any; they pass unmasked only where none is to be masked.
    pub(super) fn on_copy_run(&mut self, run: Run<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if self.replies.copy_out.is_some() {
            return run.frames().try_for_each(|frame| self.copy_masked(frame.body(), cx));
        }
        let permit = match self.replies.queue.front() {
            Some(Expect::Query(q)) => q.statements.front().and_then(OpenStatement::permit),
            Some(Expect::Execute { open, .. }) => open.as_ref().and_then(OpenStatement::permit),
            _ => return Err(Fault::ServerProtocol),
        };
        let clear = |p: &Permit| matches!(p.effect(), Effect::Copy(CopyDirection::Out, _)) && !p.masks_rows();
        if self.governed() && !permit.is_some_and(clear) {
            return Err(Fault::ServerProtocol);
        }
        self.count_bytes(run.count as u64, run.bytes.len() - 5 * run.count);
        cx.to_client.extend_from_slice(run.bytes);
        Ok(())
    }

    /// A piece of a COPY stream whose rows are masked.
    pub(super) fn copy_masked(&mut self, bytes: &[u8], cx: &mut Cx<'_>) -> Result<(), Fault> {
        let Some(copy) = &mut self.replies.copy_out else { return Err(Fault::ServerProtocol) };
        let (before, mut copied) = (cx.to_client.len(), Written::default());
        let fed = copy.feed(bytes, self.rendering.rendering(), cx.to_client, &mut copied);
        cx.counts.masked += copied.masked;
        let written = cx.to_client.len() - before;
        self.count_bytes(copied.rows, written);
        fed.map_err(|stop| self.stopped(stop))
    }

    /// Syncs and Flushes that the client sent before it saw the response are passed over by the server; so are their entries,
    /// up to where the client's data ended.
    pub(super) fn copy_begins(&mut self, cx: &mut Cx<'_>) {
        let end = self.replies.queue.iter().position(|e| matches!(e, Expect::CopyEnd));
        if end.is_none() {
            self.replies.copy_in = CopyIn::Active;
        }
        let passed = end.map_or(self.replies.queue.len(), |end| end + 1);
        for _ in 0..passed {
            if let Some(expect) = self.replies.queue.pop_front() {
                self.replies.skip(expect, cx);
            }
        }
    }
}
