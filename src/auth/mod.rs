//! Log-in as state machines without sockets: start-up packets, the relay of the server's own exchange, SCRAM on both sides.
//! Randomness and time come in as arguments; what a login may see is decided in `policy`.

mod fault;
mod message;
mod options;
mod passthrough;
mod scram;
mod startup;
mod throttle;

pub use fault::Fault;
pub use message::{AUTH_MESSAGE_LIMIT, Frames, Message, error_response, ready_for_query, server_error};
pub use message::{ServerError, authentication_ok, backend_key_data, negotiate, parameter_status};
pub use options::{Opaque, Setting, is_proxy_setting, render_options, split_options};
pub use passthrough::{Passthrough, Reply};
pub use scram::{Candidate, Credentials, NONCE, ScramClient, ScramServer, Step, Userlist, UserlistError, Verifier, offers_binding};
pub use startup::{Asked, CancelKey, First, NEWEST_MINOR, STARTUP_LIMIT, StartupError, first_packet, upstream_startup};
pub use throttle::{Source, Throttle, Verdict};
