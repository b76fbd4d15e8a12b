//! The way to the server: dialling it, and reading its catalog. What is sent for a client is decided elsewhere.

pub mod catalog_loader;
mod certificate;
mod dial;
mod stream;
mod tls;

pub use certificate::{common_name, end_point_hash};
pub use dial::{DialError, Target, cancel, dial};
pub use stream::Stream;
pub use tls::{TlsError, TlsMode, UpstreamTls};
