//! The one thread that decides long texts: one at a time, in the order in which they came, so that the memory and the processor that
//! they take have a bound however many sessions send them. A session has one at most.

use std::io;
use std::sync::mpsc;

use tokio::sync::oneshot;

use crate::session::{Decided, Work};

type Task = (Box<Work>, oneshot::Sender<Decided>);

/// Where long texts are given out. The thread ends with the last of these.
#[derive(Clone, Debug)]
pub(crate) struct Analyst(mpsc::Sender<Task>);

impl Analyst {
    /// Starts the thread; `stack` is what parsing needs.
    pub(crate) fn start(stack: usize) -> io::Result<Self> {
        let (sender, tasks) = mpsc::channel::<Task>();
        std::thread::Builder::new().name("analyst".into()).stack_size(stack).spawn(move || {
            for (work, answer) in tasks {
                // A session that has ended in the meantime needs no answer, and no work.
                if !answer.is_closed() {
                    let _ = answer.send(work.run());
                }
            }
        })?;
        Ok(Self(sender))
    }

    /// Gives a text out. Where the thread is gone, the receiver hears so.
    pub(crate) fn decide(&self, work: Box<Work>) -> oneshot::Receiver<Decided> {
        let (sender, receiver) = oneshot::channel();
        let _ = self.0.send((work, sender));
        receiver
    }
}
