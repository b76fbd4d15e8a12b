//! The wire protocol 3.0 and 3.2 after log-in: cutting a byte stream into frames, reading the few messages that the session
//! looks into, and building those that it sends itself. Knows nothing of policy.
//! Source: PostgreSQL documentation, chapter 55 "Frontend/Backend Protocol".

mod build;
mod cut;
mod read;
mod server;

pub use build::{Build, ErrorFields, error_frame};
pub use cut::{Cutter, Frame, FrameError, Hold, Piece, Run};
pub use read::{Malformed, Reader};
pub use server::{Cells, Field, Notice, command_rows, command_writes, restore_origins, row_description};

/// The messages of a client, by their type byte.
pub mod client {
    /// Query
    pub const QUERY: u8 = b'Q';
    /// Parse
    pub const PARSE: u8 = b'P';
    /// Bind
    pub const BIND: u8 = b'B';
    /// Describe
    pub const DESCRIBE: u8 = b'D';
    /// Execute
    pub const EXECUTE: u8 = b'E';
    /// Close
    pub const CLOSE: u8 = b'C';
    /// Flush
    pub const FLUSH: u8 = b'H';
    /// Sync
    pub const SYNC: u8 = b'S';
    /// Terminate
    pub const TERMINATE: u8 = b'X';
    /// `FunctionCall`
    pub const FUNCTION_CALL: u8 = b'F';
    /// `CopyData`
    pub const COPY_DATA: u8 = b'd';
    /// `CopyDone`
    pub const COPY_DONE: u8 = b'c';
    /// `CopyFail`
    pub const COPY_FAIL: u8 = b'f';

    /// Every type that a client may send after log-in.
    pub const ALL: &[u8] = b"QPBDECHSXFdcf";
}

/// The messages of a server, by their type byte.
pub mod backend {
    /// `ParseComplete`
    pub const PARSE_COMPLETE: u8 = b'1';
    /// `BindComplete`
    pub const BIND_COMPLETE: u8 = b'2';
    /// `CloseComplete`
    pub const CLOSE_COMPLETE: u8 = b'3';
    /// `NotificationResponse`
    pub const NOTIFICATION: u8 = b'A';
    /// `CommandComplete`
    pub const COMMAND_COMPLETE: u8 = b'C';
    /// `DataRow`
    pub const DATA_ROW: u8 = b'D';
    /// `ErrorResponse`
    pub const ERROR: u8 = b'E';
    /// `CopyInResponse`
    pub const COPY_IN: u8 = b'G';
    /// `CopyOutResponse`
    pub const COPY_OUT: u8 = b'H';
    /// `CopyBothResponse`
    pub const COPY_BOTH: u8 = b'W';
    /// `EmptyQueryResponse`
    pub const EMPTY_QUERY: u8 = b'I';
    /// `BackendKeyData`
    pub const KEY_DATA: u8 = b'K';
    /// `NoticeResponse`
    pub const NOTICE: u8 = b'N';
    /// Authentication…
    pub const AUTHENTICATION: u8 = b'R';
    /// `ParameterStatus`
    pub const PARAMETER_STATUS: u8 = b'S';
    /// `RowDescription`
    pub const ROW_DESCRIPTION: u8 = b'T';
    /// `FunctionCallResponse`
    pub const FUNCTION_RESULT: u8 = b'V';
    /// `ReadyForQuery`
    pub const READY: u8 = b'Z';
    /// `CopyData`
    pub const COPY_DATA: u8 = b'd';
    /// `CopyDone`
    pub const COPY_DONE: u8 = b'c';
    /// `NoData`
    pub const NO_DATA: u8 = b'n';
    /// `PortalSuspended`
    pub const SUSPENDED: u8 = b's';
    /// `ParameterDescription`
    pub const PARAMETER_DESCRIPTION: u8 = b't';
    /// `NegotiateProtocolVersion`
    pub const NEGOTIATE: u8 = b'v';

    /// Every type that a server may send after log-in.
    pub const ALL: &[u8] = b"123ACDEGHWIKNRSTVZdcnstv";
}

#[cfg(test)]
mod tests;
