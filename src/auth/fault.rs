//! Why a log-in cannot go on, whichever way it takes, and what the client is told.

use crate::wire::Malformed;

/// Why a log-in cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The server let the login in without asking for anything: it judged the proxy's address, not the client.
    #[error("the server asked for no password, which would let anyone in from here: see auth.allow_trust")]
    Trust,
    /// The server wants something that cannot be relayed (GSSAPI, SSPI, OAuth …).
    #[error("the server asks for an authentication method that pgscrim cannot relay")]
    Unsupported,
    /// The client's proof says that the server offers no channel binding, and the server knows better.
    #[error("this client checks for channel binding, which cannot be relayed where both sides use TLS: see auth.method")]
    ChannelBinding,
    /// The proxy has checked the client itself, and the server asks for a password that the proxy does not have.
    #[error("the server asks for this login's password in another way than SCRAM-SHA-256: see auth.method")]
    NotScram,
    /// The server has another verifier for the login than the proxy: the password was changed a moment ago, or a file is old.
    #[error("the server holds another verifier for this login than the proxy was given")]
    OtherVerifier,
    /// The server does not know the verifier that it asked a proof for.
    #[error("the server did not prove that it knows this login's verifier")]
    Imposter,
    /// The proof is wrong, or there is no such login: the client is not told which.
    #[error("the password is wrong, or the login has no SCRAM verifier")]
    Password,
    /// The client could bind to the TLS channel and thinks that the proxy could not: somebody between them cut the offer
    /// (RFC 5802, 6).
    #[error("SCRAM channel binding negotiation error")]
    BindingNegotiation,
    /// The client bound its proof to another certificate than the proxy's.
    #[error("SCRAM channel binding check failed")]
    BindingCheck,
    /// The client wants to act for somebody else.
    #[error("client uses authorization identity, but it is not supported")]
    AuthorizationIdentity,
    /// A SCRAM message of the client that is none.
    #[error("malformed SCRAM message")]
    Scram,
    /// A message of the server that cannot come here.
    #[error("the server broke the protocol while logging in")]
    Server,
    /// A message of the client that cannot come here.
    #[error("expected password response")]
    Client,
}

impl Fault {
    /// The SQLSTATE that the client gets.
    #[must_use]
    pub fn sqlstate(self) -> &'static str {
        match self {
            Self::Trust | Self::ChannelBinding | Self::NotScram | Self::Imposter | Self::BindingNegotiation | Self::BindingCheck => "28000",
            Self::Password | Self::OtherVerifier => "28P01",
            Self::Unsupported | Self::AuthorizationIdentity => "0A000",
            Self::Scram | Self::Server | Self::Client => "08P01",
        }
    }
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Server
    }
}
