//! Whole messages of the log-in over a stream, each before a deadline. What was read too much stays for the session.

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use crate::auth::{Frames, Message};
use crate::upstream::Stream;

/// How much is read at once at most while logging in.
const READ: usize = 4096;

/// Why a channel is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The peer is gone.
    Gone,
    /// The deadline has passed.
    Late,
    /// What it sent is no message.
    Malformed,
}

/// A stream during the log-in.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) stream: Stream,
    frames: Frames,
    /// Goes out with what is sent next.
    pub(super) pending: Vec<u8>,
    deadline: Instant,
}

impl Channel {
    pub(super) fn new(stream: Stream, read: BytesMut, deadline: Instant) -> Self {
        Self { stream, frames: Frames { buffer: read }, pending: Vec::new(), deadline }
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Result<Message, Lost> {
        loop {
            if let Some(message) = self.frames.message().map_err(|_| Lost::Malformed)? {
                return Ok(message);
            }
            self.frames.buffer.reserve(READ);
            match timeout_at(self.deadline, self.stream.read_buf(&mut self.frames.buffer)).await {
                Err(_) => return Err(Lost::Late),
                Ok(Ok(0) | Err(_)) => return Err(Lost::Gone),
                Ok(Ok(_)) => {}
            }
        }
    }

    /// Sends what is pending, and these bytes behind it.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        self.pending.extend_from_slice(bytes);
        let write = async {
            self.stream.write_all(&self.pending).await?;
            self.stream.flush().await
        };
        match timeout_at(self.deadline, write).await {
            Err(_) => Err(Lost::Late),
            Ok(Err(_)) => Err(Lost::Gone),
            Ok(Ok(())) => {
                self.pending.clear();
                Ok(())
            }
        }
    }

    /// Sends a last message and says that there is nothing more; whether it arrives is not our matter any longer.
    pub(super) async fn farewell(mut self, bytes: &[u8]) {
        if self.send(bytes).await.is_ok() {
            let _ = timeout_at(self.deadline, self.stream.shutdown()).await;
        }
    }

    /// The stream, and what was read beyond the log-in.
    pub(super) fn into_parts(self) -> (Stream, Vec<u8>) {
        (self.stream, self.frames.buffer.to_vec())
    }
}
