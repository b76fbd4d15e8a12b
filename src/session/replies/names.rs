//! What the server's answers tell of names: bound, closed, described.

use std::sync::Arc;

use crate::plan::Permit;
use crate::session::sqlstate::Fault;
use crate::session::truth::Portal;
use crate::session::witness::Shape;
use crate::session::{Cx, Session, WireName};
use crate::wire::{Frame, backend};

impl Session {
    pub(super) fn bound(&mut self, name: WireName, statement: &[u8], formats: Box<[i16]>, cx: &mut Cx<'_>) {
        let prepared = self.replies.truth.statements.get(statement).cloned();
        let permit = prepared.as_ref().and_then(|p| p.permit());
        let planned = prepared.as_ref().and_then(|p| p.current.borrow().planned.clone());
        let portal = Portal {
            permit,
            // The rights may have changed since its Bind.
            profile: planned.as_ref().map_or(self.view.profile.id, |p| p.under().profile),
            planned,
            prepared,
            formats,
            shape: None,
            witnessed: None,
            open: None,
            hold: false,
            depth: self.replies.truth.depth(),
            ended: false,
        };
        let before = self.replies.truth.portals.insert(name, portal).and_then(|p| p.open);
        cx.finished.extend(before.map(|o| o.done(0, cx.now)));
    }

    pub(super) fn closed(&mut self, what: u8, name: &[u8], cx: &mut Cx<'_>) {
        if what == b'S' {
            self.replies.truth.statements.remove(name);
        } else if let Some(open) = self.replies.truth.portals.remove(name).and_then(|p| p.open) {
            cx.finished.push(open.done(0, cx.now));
        }
    }

    pub(super) fn described(&mut self, what: u8, name: &[u8], frame: Frame<'_>) -> Result<(), Fault> {
        let shape =
            if frame.tag == backend::NO_DATA { Shape::none() } else { Shape::read(frame.body()).map_err(|_| Fault::ServerProtocol)? };
        let shape = Arc::new(shape);
        if what == b'S' {
            if let Some(prepared) = self.replies.truth.statements.get(name) {
                // A statement's result type is fixed for its life; a second Describe says the same.
                prepared.shape.get_or_init(|| shape);
            }
        } else if let Some(portal) = self.replies.truth.portals.get_mut(name) {
            portal.shape = Some(shape);
            portal.witnessed = None;
        }
        Ok(())
    }

    /// The permit of a prepared statement or portal.
    pub(super) fn described_permit(&self, what: u8, name: &[u8]) -> Option<Permit> {
        let truth = &self.replies.truth;
        if what == b'S' { truth.statements.get(name)?.permit() } else { truth.portals.get(name)?.permit.clone() }
    }

    /// Whether the rows of a prepared statement or portal are none that the client asked for.
    pub(super) fn keeps_rows(&self, what: u8, name: &[u8]) -> bool {
        self.described_permit(what, name).and_then(|p| self.replies.truth.rows_permit(&p)).is_some_and(|of| of.keeps_rows())
    }
}
