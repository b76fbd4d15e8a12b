//! A result that the proxy breaks off: the client has its error, and what the server still answers up to the end of the batch is followed
//! (names, transaction, records) and goes to nobody. An open transaction fails, as it does by any error.

use crate::session::sqlstate::{Fault, fault_fields};
use crate::session::upstream::Upstream;
use crate::session::{Cx, Session};
use crate::wire::{Frame, backend, error_frame};

use super::{Expect, Replies};

/// Why, and whether the server was asked to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    fault: Fault,
    cancelled: bool,
}

/// Where a request to cancel stands. Until it is through nothing more is asked of the server: it would hit that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::session) enum Cancel {
    /// None is under way.
    #[default]
    None,
    /// To be sent.
    Wanted,
    /// Sent, and not known to be handled.
    Awaited,
}

impl Replies {
    /// Whether the rest of a broken result is still to come.
    pub(in crate::session) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// How many answers that are awaited end with `ReadyForQuery`.
    fn batches(&self) -> usize {
        let ends = |e: &&Expect| matches!(e, Expect::Query(_) | Expect::RefusedQuery(_) | Expect::Sync | Expect::CopyShape(false));
        self.queue.iter().filter(ends).count()
    }
}

impl Session {
    /// Tells the client at once; what else is to be done with a statement that runs.
    pub(in crate::session) fn break_off(&mut self, fault: Fault, cx: &mut Cx<'_>) {
        if matches!(fault, Fault::ServerProtocol) {
            return self.stop(fault, cx);
        }
        let Some(open) = self.replies.head_statement() else { return self.stop(fault, cx) };
        cx.counts.witness_trips += u64::from(fault == Fault::Witness);
        open.broken.get_or_insert(fault);
        (self.replies.copy_out, self.replies.copy_shape) = (None, None);
        if self.replies.is_broken() {
            return;
        }
        self.replies.broken = Some(Broken { fault, cancelled: false });
        error_frame(cx.to_client, &fault_fields(fault).as_fields());
        self.end_data(cx);
        // What the client sends up to its Sync is not to run: the server has to be in error, too.
        if self.replies.batches() == 0 {
            self.fail_batch(cx);
        }
    }

    /// An answer of the server to a batch whose client has its error already.
    pub(super) fn on_drained(&mut self, frame: Frame<'_>, cx: &mut Cx<'_>) -> Result<(), Fault> {
        let before = cx.to_client.len();
        match frame.tag {
            backend::PARAMETER_STATUS | backend::NOTIFICATION | backend::READY => return self.on_server_frame(frame, cx),
            _ => self.on_server_frame(frame, cx)?,
        }
        // the client would have to send data for it, and has been told of an error
        self.end_data(cx);
        if frame.tag == backend::ERROR {
            self.replies.broken = None;
        }
        if !self.replies.farewell {
            cx.to_client.truncate(before);
        }
        Ok(())
    }

    /// Data that the server awaits does not come: its COPY fails.
    fn end_data(&mut self, cx: &mut Cx<'_>) {
        if !self.replies.copies_in() {
            return;
        }
        self.replies.copy_in_ended();
        if self.client.is_passing() {
            // a piece of data has begun, and the server counts on its length
            return self.stop(self.replies.broken.map_or(Fault::ServerProtocol, |b| b.fault), cx);
        }
        Upstream::new(cx.to_server).fail_copy();
    }

    /// The batch of a broken result is over. Where its transaction is open and has not failed, a statement that fails is run in it, whose
    /// answer ends the batch for the client; whether it is.
    pub(super) fn fails_transaction(&mut self, cx: &mut Cx<'_>) -> bool {
        let Some(Broken { fault, cancelled: _ }) = self.replies.broken.take().filter(|_| self.status == b'T') else { return false };
        if self.replies.queue.is_empty() && !self.replies.batch {
            Upstream::new(cx.to_server).fail_query();
            self.replies.push(Expect::RefusedQuery(None));
        } else {
            // what stands behind would run in the transaction
            self.stop(fault, cx);
        }
        true
    }

    /// Whether the server shall be asked to give up what it runs, once. [`Session::cancelled`] takes that it was.
    pub fn cancels(&mut self) -> bool {
        let wanted = self.cancel == Cancel::Wanted;
        if wanted {
            self.cancel = Cancel::Awaited;
        }
        wanted
    }

    /// The request to cancel was handled, or could not be made: the client's messages are taken up again.
    pub fn cancelled(&mut self, cx: &mut Cx<'_>) {
        self.cancel = Cancel::None;
        self.take_up(cx);
    }

    /// After what came from the server: a broken result that goes on is to be cancelled, where nothing else would be hit.
    pub(in crate::session) fn consider_cancel(&mut self) {
        let alone = self.replies.batches() <= 1;
        if let Some(broken) = self.replies.broken.as_mut().filter(|b| alone && !b.cancelled) {
            broken.cancelled = true;
            self.cancel = Cancel::Wanted;
        }
    }

    /// Whether the client's next message has to wait for the end of a broken result or of a request to cancel. What its batch still
    /// needs to come to its Sync does not.
    pub(in crate::session) fn settles(&self) -> bool {
        (self.replies.is_broken() || self.cancel != Cancel::None) && !self.replies.in_batch()
    }
}
