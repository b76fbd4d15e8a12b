//! The audit log as a matter of bytes: what a record says, how records are chained, and how a reader finds what is wrong.
//! Pure: no file, no clock, no randomness. Who writes the lines is `server::audit_writer`, who reads them `cli::audit`.

mod chain;
mod record;
mod search;
mod session_id;
#[cfg(test)]
mod tests;
mod verify;

pub use chain::{Chain, Hash, Line, Malformed};
pub use record::{Ended, Kind, Record, Who, WhoPart};
pub use search::Query;
pub use session_id::session_id;
pub use verify::{Broken, Expected, Reason, Verifier};
