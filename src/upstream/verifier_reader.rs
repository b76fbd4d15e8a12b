//! Reads SCRAM verifiers over the catalog login: a fixed text, or the one query that the configuration names, with the login as its only
//! parameter. Nothing of a client's start-up packet gets into this session, `search_path` among it (what CVE-2025-12819 of PgBouncer was).
//! What a verifier is good for is decided elsewhere.

use std::fmt;
use std::future::Future;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, Connection, NoTls, Statement};

use super::catalog_loader::{Cause, Login};
use crate::base::Secret;

/// The server's own look-up of a password, `VALID UNTIL` included (`get_role_password` in `src/backend/libpq/crypt.c`); `NOLOGIN`,
/// connection limits and all else are the server's own to say when the login is passed on to it.
const PG_AUTHID: &str = "SELECT CASE WHEN a.rolvaliduntil IS NULL OR a.rolvaliduntil OPERATOR(pg_catalog.>=) pg_catalog.now() \
    THEN a.rolpassword END FROM pg_catalog.pg_authid a WHERE a.rolname OPERATOR(pg_catalog.=) $1";

/// As the catalog loader's: names resolve in `pg_catalog`, nothing is written, nothing hangs.
const PRELUDE: &str = "SET search_path TO pg_catalog; SET default_transaction_read_only TO on; SET statement_timeout TO '10s'; \
    SET lock_timeout TO '2s'; SET client_min_messages TO error; SET standard_conforming_strings TO on";

/// What the server would use for a verifier that it makes now; not there before PostgreSQL 16.
const ITERATIONS: &str = "SELECT pg_catalog.current_setting('scram_iterations', true)";

/// PostgreSQL's own default.
const DEFAULT_ITERATIONS: u32 = 4096;

/// Why verifiers cannot be read. Texts name no value.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// The session could not be opened, or broke.
    #[error("the catalog login could not read verifiers: {0}")]
    Connection(Cause),
    /// The login lacks the right.
    #[error(
        "the catalog login may not read verifiers (SQLSTATE {0}): grant it what docs/operations.md says, or name a file in auth.verifiers"
    )]
    Denied(Box<str>),
    /// The query is no query of this kind.
    #[error("'auth.auth_query' must take the login as its only parameter, and give one column of text, or the login and it")]
    Shape,
    /// The server refuses the query.
    #[error("'auth.auth_query' fails (SQLSTATE {0})")]
    Query(Box<str>),
    /// There is more than one row for a login.
    #[error("'auth.auth_query' gives more than one row for a login")]
    Ambiguous,
}

impl From<tokio_postgres::Error> for VerifierError {
    fn from(error: tokio_postgres::Error) -> Self {
        match Cause::from(&error) {
            Cause::Server(state) if &*state == "42501" => Self::Denied(state),
            // Connection trouble, shutdown, resources: it may pass.
            Cause::Server(state) if !["08", "53", "57", "58", "XX"].iter().any(|class| state.starts_with(class)) => Self::Query(state),
            cause @ (Cause::Server(_) | Cause::Closed | Cause::Io(_) | Cause::Answer) => Self::Connection(cause),
        }
    }
}

impl VerifierError {
    /// Whether another try may succeed without anybody changing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            // A password that is wrong, a database that is not there.
            Self::Connection(Cause::Server(state)) => !["28", "3D"].iter().any(|class| state.starts_with(class)),
            Self::Connection(_) => true,
            Self::Denied(_) | Self::Shape | Self::Query(_) | Self::Ambiguous => false,
        }
    }
}

/// A session that reads verifiers.
pub struct VerifierReader<S> {
    client: Client,
    connection: Connection<S, NoTlsStream>,
    statement: Statement,
    iterations: u32,
}

impl<S> fmt::Debug for VerifierReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifierReader")
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> VerifierReader<S> {
    /// Logs in on a stream to the server, and sees whether verifiers can be read; `query` in the place of `pg_authid`.
    ///
    /// # Errors
    /// The log-in fails, or the login may not read them.
    pub async fn connect(stream: S, login: Login<'_>, query: Option<&str>) -> Result<Self, VerifierError> {
        let mut config = Config::new();
        config.user(login.user).dbname(login.database).application_name("pgscrim log-in").ssl_mode(SslMode::Disable);
        if let Some(password) = login.password {
            config.password(password.expose());
        }
        let connected = config.connect_raw(stream, NoTls).await;
        let (client, mut connection) = connected.map_err(|e| VerifierError::Connection(Cause::from(&e)))?;
        let (statement, iterations) = driven(&mut connection, prepare(&client, query.unwrap_or(PG_AUTHID))).await?;
        let mut reader = Self { client, connection, statement, iterations };
        // What the login may read is seen when a query runs: a look at a login that cannot be.
        reader.read("").await?;
        Ok(reader)
    }

    /// Iterations of a verifier that the server would make now.
    #[must_use]
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    /// A login's verifier as the server keeps it; `None` where it has none, or may not be used any longer.
    ///
    /// # Errors
    /// The server does not say.
    pub async fn read(&mut self, login: &str) -> Result<Option<Secret>, VerifierError> {
        let Self { client, connection, statement, .. } = self;
        let rows = driven(connection, async { Ok(client.query(statement, &[&login]).await?) }).await?;
        match rows.as_slice() {
            [] => Ok(None),
            [row] => Ok(row.try_get::<_, Option<String>>(row.len().saturating_sub(1))?.map(|text| Secret::new(text.into_bytes()))),
            _ => Err(VerifierError::Ambiguous),
        }
    }
}

async fn prepare(client: &Client, query: &str) -> Result<(Statement, u32), VerifierError> {
    client.batch_execute(PRELUDE).await?;
    let rows = client.query_typed(ITERATIONS, &[]).await?;
    let setting: Option<String> = rows.first().map(|r| r.try_get(0)).transpose()?.flatten();
    let iterations = setting.and_then(|s| s.parse().ok()).filter(|n| *n > 0).unwrap_or(DEFAULT_ITERATIONS);
    let statement = client.prepare_typed(query, &[Type::TEXT]).await?;
    let text = |t: &Type| [Type::TEXT, Type::VARCHAR, Type::NAME, Type::BPCHAR].contains(t);
    let fits = statement.params() == [Type::TEXT] && (1..=2).contains(&statement.columns().len());
    if fits && statement.columns().iter().all(|c| text(c.type_())) { Ok((statement, iterations)) } else { Err(VerifierError::Shape) }
}

/// Polls the work and the connection that carries it.
async fn driven<S, T>(
    connection: &mut Connection<S, NoTlsStream>,
    work: impl Future<Output = Result<T, VerifierError>>,
) -> Result<T, VerifierError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tokio::select! {
        biased;
        done = work => done,
        ended = connection => Err(VerifierError::Connection(ended.err().map_or(Cause::Closed, |e| Cause::from(&e)))),
    }
}
