//! The way to the server: dialling it, and reading its catalog. What is sent for a client is decided elsewhere.

pub mod catalog_loader;
pub(crate) mod certificate;
mod dial;
mod stream;
mod tls;
mod verifier_reader;

pub use certificate::{common_name, end_point_hash};
pub use dial::{DialError, Target, cancel, dial, dial_plain};
pub use stream::Stream;
pub use tls::{TlsError, TlsMode, UpstreamTls, UpstreamTlsFiles};
pub use verifier_reader::{VerifierError, VerifierReader};
