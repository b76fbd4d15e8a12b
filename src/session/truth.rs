//! What the server holds by name, as its own answers told: prepared statements (of the protocol and of SQL share their names),
//! portals (cursors share theirs). Changed only in the order of the replies.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use super::open::{OpenStatement, PlannedRef};
use super::witness::{Shape, Witnessed};
use super::{ByName, WireName};
use crate::plan::{Effect, Kind, Names, Permit, RowsOf};
use crate::policy::ProfileId;

/// A plan and the snapshot that it was made for.
#[derive(Debug)]
pub(super) struct Current {
    /// `None` for the empty statement.
    pub(super) planned: Option<PlannedRef>,
    pub(super) snapshot: u64,
    /// Where names resolved.
    pub(super) names: Arc<Names>,
}

impl Current {
    /// Whether the plan is still one for this catalog, policy and search path.
    pub(super) fn holds(&self, snapshot: u64, names: &Arc<Names>) -> bool {
        self.snapshot == snapshot && (Arc::ptr_eq(&self.names, names) || self.names.search_path == names.search_path)
    }
}

/// A prepared statement.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) current: RefCell<Current>,
    /// What a Describe of it said.
    pub(super) shape: OnceCell<Arc<Shape>>,
}

impl Prepared {
    pub(super) fn permit(&self) -> Option<Permit> {
        self.current.borrow().planned.as_ref()?.permit().cloned()
    }

    pub(super) fn planned(&self) -> Option<PlannedRef> {
        self.current.borrow().planned.clone()
    }
}

/// A portal or cursor.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) permit: Option<Permit>,
    /// What a record of its Execute says: the bound statement, or the DECLARE.
    pub(super) planned: Option<PlannedRef>,
    /// The rights that it was opened under.
    pub(super) profile: ProfileId,
    pub(super) prepared: Option<Rc<Prepared>>,
    /// The result formats that Bind asked for.
    pub(super) formats: Box<[i16]>,
    /// What a Describe of the portal said.
    pub(super) shape: Option<Arc<Shape>>,
    /// What its rows are held against, once that is known.
    pub(super) witnessed: Option<Witnessed>,
    /// The statement that it runs, from its first Execute to its end.
    pub(super) open: Option<OpenStatement>,
    /// It survives its transaction.
    pub(super) hold: bool,
    /// How many savepoints of its transaction it was made behind.
    pub(super) depth: usize,
    /// It has come to its end: an Execute that gives nothing more is no other access.
    pub(super) ended: bool,
}

/// Names and what they stand for.
#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) statements: ByName<Rc<Prepared>>,
    pub(super) portals: ByName<Portal>,
    /// Those of the open transaction, in their order.
    savepoints: Vec<Box<str>>,
}

impl Truth {
    /// The permit whose cells describe the rows of a statement under `permit`: its own, a cursor's, a prepared statement's.
    pub(super) fn rows_permit(&self, permit: &Permit) -> Option<Permit> {
        let of = match permit.rows_of() {
            RowsOf::Own => return Some(permit.clone()),
            RowsOf::Plan { name, most } => {
                let explained = self.statements.get(name.as_bytes())?.permit()?;
                return shows_its_plan(&explained, *most).then(|| permit.clone());
            }
            RowsOf::Cursor(name) => self.portals.get(name.as_bytes())?.permit.clone()?,
            RowsOf::Prepared(name) => self.statements.get(name.as_bytes())?.permit()?,
        };
        // A FETCH or EXECUTE that another name runs gives rows of a third: nothing says here which.
        (of.rows_of() == &RowsOf::Own).then_some(of)
    }

    /// Whether a statement under `permit` runs, by name, something whose effect on the session would go unseen: the server lets EXECUTE
    /// run whatever the protocol prepared under that name (DEALLOCATE, PREPARE, DECLARE …), and FETCH read any portal.
    pub(super) fn runs_unseen(&self, permit: &Permit) -> bool {
        match permit.rows_of() {
            RowsOf::Own => false,
            RowsOf::Plan { name, most } => {
                self.statements.get(name.as_bytes()).and_then(|s| s.permit()).is_some_and(|p| !shows_its_plan(&p, *most))
            }
            RowsOf::Cursor(name) => self.portals.get(name.as_bytes()).and_then(|p| p.permit.as_ref()).is_some_and(|p| !gives_rows(p)),
            RowsOf::Prepared(name) => {
                self.statements.get(name.as_bytes()).and_then(|s| s.permit()).is_some_and(|p| !gives_rows(&p) || !is_plain(&p))
            }
        }
    }

    /// Whether the session has the name that a statement under `permit` asks for.
    pub(super) fn knows(&self, permit: &Permit) -> bool {
        match permit.rows_of() {
            RowsOf::Own => true,
            RowsOf::Cursor(name) => self.portals.contains_key(name.as_bytes()),
            RowsOf::Prepared(name) | RowsOf::Plan { name, .. } => self.statements.contains_key(name.as_bytes()),
        }
    }

    /// The transaction is over: portals without hold are gone. Their statements, suspended or not, are returned to be closed.
    pub(super) fn end_transaction(&mut self) -> Vec<OpenStatement> {
        self.savepoints.clear();
        if self.portals.is_empty() {
            return Vec::new();
        }
        let ended = self.portals.take_those(|p| !p.hold).filter_map(|p| p.open).collect();
        self.portals.values_mut().for_each(|p| p.depth = 0);
        ended
    }

    /// How many savepoints what is made now stands behind.
    pub(super) fn depth(&self) -> usize {
        self.savepoints.len()
    }

    /// A savepoint is given up: what was made behind it belongs to what it stood in (`AtSubCommit_Portals`).
    fn release(&mut self, name: &str) {
        let Some(at) = self.savepoints.iter().rposition(|s| **s == *name) else { return };
        self.savepoints.truncate(at);
        self.portals.values_mut().for_each(|p| p.depth = p.depth.min(at));
    }

    /// Back to a savepoint, which stays: what was made behind it is gone (`AtSubCleanup_Portals`).
    fn roll_back_to(&mut self, name: &str) -> Vec<OpenStatement> {
        let Some(at) = self.savepoints.iter().rposition(|s| **s == *name) else { return Vec::new() };
        self.savepoints.truncate(at + 1);
        self.portals.take_those(|p| p.depth > at).filter_map(|p| p.open).collect()
    }

    /// A statement has ended well. `names` are those that its decision was made with.
    pub(super) fn apply(&mut self, planned: &PlannedRef, permit: &Permit, names: &Arc<Names>) -> Vec<OpenStatement> {
        match permit.effect() {
            Effect::Prepare(name, _) => {
                let (snapshot, names) = (planned.under().snapshot, Arc::clone(names));
                let current = RefCell::new(Current { planned: planned.prepared(), snapshot, names });
                self.statements.insert(name.as_bytes().into(), Rc::new(Prepared { current, shape: OnceCell::new() }));
                Vec::new()
            }
            Effect::Deallocate(Some(name)) => {
                self.statements.remove(name.as_bytes());
                Vec::new()
            }
            Effect::Deallocate(None) => {
                self.forget_named();
                Vec::new()
            }
            Effect::Declare { name, hold } => {
                let portal = Portal {
                    permit: Some(permit.clone()),
                    planned: Some(planned.clone()),
                    profile: planned.under().profile,
                    prepared: None,
                    formats: Box::default(),
                    shape: None,
                    witnessed: None,
                    open: None,
                    hold: *hold,
                    depth: self.depth(),
                    ended: false,
                };
                self.portals.insert(name.as_bytes().into(), portal).and_then(|p| p.open).into_iter().collect()
            }
            Effect::Close(Some(name)) => self.portals.remove(name.as_bytes()).and_then(|p| p.open).into_iter().collect(),
            Effect::Close(None) => self.portals.drain().filter_map(|p| p.open).collect(),
            Effect::Commit { .. } | Effect::Rollback { .. } => self.end_transaction(),
            Effect::DiscardAll => {
                self.forget_named();
                self.portals.drain().filter_map(|p| p.open).collect()
            }
            Effect::Savepoint(name) => {
                self.savepoints.push(name.clone());
                Vec::new()
            }
            Effect::Release(name) => {
                self.release(name);
                Vec::new()
            }
            Effect::RollbackTo(name) => self.roll_back_to(name),
            Effect::None
            | Effect::Begin
            | Effect::Set(_)
            | Effect::Copy(..)
            | Effect::Create { .. }
            | Effect::CatalogChanged
            | Effect::Code
            | Effect::Discard => Vec::new(),
        }
    }

    /// All statements but the nameless one, which the server keeps (`DropAllPreparedStatements` in prepare.c).
    fn forget_named(&mut self) {
        let nameless = self.statements.remove(&b""[..]);
        self.statements.clear();
        if let Some(nameless) = nameless {
            self.statements.insert(WireName::default(), nameless);
        }
    }
}

/// Its rows are its own.
pub(super) fn gives_rows(permit: &Permit) -> bool {
    permit.rows_of() == &RowsOf::Own
}

/// EXPLAIN of it shows nothing but what who asks may see: of a plan of this kind at most.
pub(super) fn shows_its_plan(permit: &Permit, most: Kind) -> bool {
    gives_rows(permit) && is_plain(permit) && permit.kind() <= most
}

/// It changes nothing that the session follows, and nothing must be counted or turned back before it runs.
pub(super) fn is_plain(permit: &Permit) -> bool {
    matches!(permit.effect(), Effect::None) && !permit.counts_at_bind() && permit.turned().is_none()
}

#[cfg(test)]
mod tests;
