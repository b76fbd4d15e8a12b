//! Rows of results: what they are held against before the first one goes on, masked or as they are.

use std::sync::Arc;

use crate::plan::{Permit, RowsOf};
use crate::session::rows::Stop;
use crate::session::sqlstate::Fault;
use crate::session::witness::{Shape, Trip, Witnessed, witness};
use crate::session::{Cx, Session, WireName, rows};
use crate::wire::{Frame, Hold, Run, backend};

use super::Expect;

impl Session {
    /// What a `DataRow` must wait for: a masked one until it is whole, others for nothing.
    pub(in crate::session) fn row_rule(&self) -> Hold {
        if self.replies.is_broken() {
            return Hold::Pass;
        }
        let masked = match self.replies.queue.front() {
            Some(Expect::Query(q)) => q.witnessed.as_ref().is_some_and(|w| !w.is_clear()),
            Some(Expect::Ask(_)) | None => true,
            Some(Expect::Execute { portal, .. }) => match self.replies.truth.portals.get(portal).and_then(|p| p.witnessed.as_ref()) {
                Some(witnessed) => !witnessed.is_clear(),
                None => self.head_may_mask(),
            },
            Some(_) => self.head_may_mask(),
        };
        if masked { Hold::UpTo(rows::whole(self.limits.masked_row)) } else { Hold::Pass }
    }

    fn head_may_mask(&self) -> bool {
        self.governed() && self.replies.head_permit().is_none_or(|p| p.masks_rows() || p.rows_of() != &RowsOf::Own)
    }

    /// Holds a result against the permit that its rows are under: its own, a cursor's, a prepared statement's.
    pub(super) fn witness(&self, permit: Option<&Permit>, shape: &Shape, formats: &[i16]) -> Result<Witnessed, Trip> {
        if !self.governed() {
            return Ok(Witnessed::of_unrestricted());
        }
        let of = self.replies.truth.rows_permit(permit.ok_or(Trip)?).ok_or(Trip)?;
        if of.keeps_rows() {
            return Ok(Witnessed::kept());
        }
        witness(shape, formats, &of, &self.view.profile)
    }

    /// For FETCH and EXECUTE, the permit of what they give the rows of; for EXPLAIN EXECUTE, of what is explained and may be run.
    pub(super) fn rows_of(&self, permit: Option<&Permit>) -> Option<Permit> {
        let truth = &self.replies.truth;
        match permit?.rows_of() {
            RowsOf::Own => None,
            RowsOf::Plan { name, .. } => truth.statements.get(name.as_bytes())?.permit(),
            RowsOf::Cursor(_) | RowsOf::Prepared(_) => truth.rows_permit(permit?),
        }
    }

    pub(super) fn on_rows(&mut self, run: Run<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let witnessed = match self.replies.queue.front() {
            Some(Expect::Query(q)) => q.witnessed.clone().ok_or(Fault::ServerProtocol)?,
            Some(Expect::Execute { portal, .. }) => {
                let portal = portal.clone();
                self.witness_portal(&portal)?
            }
            Some(Expect::Ask(_)) => return run.frames().try_for_each(|f| self.on_ask_row(f)),
            _ => return Err(Fault::ServerProtocol),
        };
        if witnessed.is_kept() {
            return Ok(());
        }
        if witnessed.is_clear() {
            cx.to_client.extend_from_slice(run.bytes);
            self.count_bytes(run.count as u64, run.bytes.len() - 5 * run.count);
            return Ok(());
        }
        let (before, mut written) = (cx.to_client.len(), rows::Written::default());
        let by = (self.rendering.rendering(), self.limits.masked_row);
        let masked = rows::mask_run(run, &witnessed, by, cx.to_client, &mut written);
        cx.counts.masked += written.masked;
        let bytes = (cx.to_client.len() - before) as u64 - 5 * written.rows;
        self.count_bytes(written.rows, usize::try_from(bytes).unwrap_or_default());
        masked.map_err(|stop| self.stopped(stop))
    }

    pub(super) fn stopped(&self, stop: Stop) -> Fault {
        match stop {
            Stop::NotMasked => Fault::CannotMask,
            Stop::TooLong => Fault::RowTooLong { limit: self.limits.masked_row },
        }
    }

    /// What the rows of a portal are held against, made once for each of its Describes.
    pub(super) fn witness_portal(&mut self, name: &WireName) -> Result<Witnessed, Fault> {
        if !self.governed() {
            return Ok(Witnessed::of_unrestricted());
        }
        let portal = self.replies.truth.portals.get(name).ok_or(Fault::Witness)?;
        if let Some(witnessed) = &portal.witnessed {
            return Ok(witnessed.clone());
        }
        let keeps = |permit| self.replies.truth.rows_permit(permit).is_some_and(|of| of.keeps_rows());
        if portal.permit.as_ref().is_some_and(keeps) {
            return Ok(Witnessed::kept());
        }
        let (shape, formats) = match (&portal.shape, portal.prepared.as_ref().and_then(|p| p.shape.get())) {
            // A portal's own description bears its formats already.
            (Some(shape), _) => (Arc::clone(shape), &[][..]),
            (None, Some(shape)) => (Arc::clone(shape), &*portal.formats),
            (None, None) => return Err(Fault::Witness),
        };
        let witnessed = self.witness(portal.permit.as_ref(), &shape, formats).map_err(|Trip| Fault::Witness)?;
        if let Some(portal) = self.replies.truth.portals.get_mut(name) {
            portal.witnessed = Some(witnessed.clone());
        }
        Ok(witnessed)
    }

    /// Adds to the statement that rows are sent for.
    pub(super) fn count_bytes(&mut self, rows: u64, bytes: usize) {
        if let Some(open) = self.replies.head_statement() {
            open.rows += rows;
            open.bytes += bytes as u64;
        }
    }

    /// The beginning of a row or piece of COPY data that is too large to be kept and need not be.
    pub(super) fn on_large(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        if frame.tag == backend::DATA_ROW {
            let clear = match self.replies.queue.front() {
                Some(Expect::Query(q)) => q.witnessed.as_ref().is_some_and(Witnessed::is_clear),
                Some(Expect::Execute { portal, .. }) => {
                    let portal = portal.clone();
                    self.witness_portal(&portal)?.is_clear()
                }
                _ => false,
            };
            if !clear {
                return Err(Fault::ServerProtocol);
            }
        } else if self.replies.copy_out.is_some() {
            return self.copy_masked(frame.body(), cx);
        } else if self.governed() && self.replies.head_permit().is_none_or(|p| p.masks_rows()) {
            return Err(Fault::ServerProtocol);
        }
        self.count_bytes(1, frame.body().len());
        cx.to_client.extend_from_slice(frame.whole);
        Ok(())
    }
}
