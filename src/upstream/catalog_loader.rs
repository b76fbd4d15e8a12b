//! Reads a database's catalog over the catalog login: fixed texts, one snapshot, no writes. The stream was dialled (and wrapped
//! in TLS) by the caller, who also keeps the time: a server that stops answering makes these futures wait.
//! What the rows mean is decided elsewhere; nothing here looks at a policy or a session.

mod queries;
mod rows;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::NoTlsStream;
use tokio_postgres::{Client, Config, Connection, NoTls, Row};

use crate::base::Secret;
use crate::catalog::{Column, Contents, Oid, PgType, RoleSetting, Trigger, TypeInfo, spread_foreign_code};

/// The servers that are read, by `server_version_num`: what a newer one brings, in its grammar and its catalog, is not known here and so not veiled.
const VERSIONS: std::ops::Range<u32> = 140_000..190_000;

/// Who reads, and where.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// The catalog login's name.
    pub user: &'a str,
    /// Its password, where the server asks for one.
    pub password: Option<&'a Secret>,
    /// The database whose catalog it is.
    pub database: &'a str,
}

/// Why a catalog could not be read. Texts name no value: the SQLSTATE says what the server thought.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The session could not be opened.
    #[error("the catalog login could not connect: {0}")]
    Connect(Cause),
    /// A step of the load failed.
    #[error("the catalog could not be read at '{step}': {cause}")]
    Step {
        /// Which of the fixed queries.
        step: &'static str,
        /// What happened.
        cause: Cause,
    },
    /// The server is of another version.
    #[error("the server is not PostgreSQL 14 to 18 (server_version_num {0})")]
    Version(u32),
    /// The login has a `search_path` of its own, so what other logins start with cannot be seen.
    #[error("the catalog login has a search_path of its own, which hides what other logins start with: ALTER ROLE … RESET search_path")]
    OwnSearchPath,
}

/// What the driver met.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The server's error, by its SQLSTATE.
    #[error("SQLSTATE {0}")]
    Server(Box<str>),
    /// The connection ended.
    #[error("the connection was closed")]
    Closed,
    /// The socket failed.
    #[error("{0}")]
    Io(std::io::ErrorKind),
    /// A column is not of the kind that every supported version has, or a message was not understood.
    #[error("an unexpected answer")]
    Answer,
}

impl From<&tokio_postgres::Error> for Cause {
    fn from(error: &tokio_postgres::Error) -> Self {
        if let Some(code) = error.code() {
            return Self::Server(code.code().into());
        }
        let io = std::error::Error::source(error).and_then(|e| e.downcast_ref::<std::io::Error>());
        match io {
            Some(io) => Self::Io(io.kind()),
            None if error.is_closed() => Self::Closed,
            None => Self::Answer,
        }
    }
}

fn at(step: &'static str) -> impl Fn(tokio_postgres::Error) -> LoadError {
    move |e| LoadError::Step { step, cause: Cause::from(&e) }
}

/// Where a login's `search_path` comes from (`pg_settings.source`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PathSource {
    /// The server's files or defaults, or a setting that every login of this database has: what others see.
    Shared,
    /// The login's own setting, or the start-up packet.
    Own,
}

/// What tells one state of the catalog from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    /// Transactions that were visible: equal ones mean that none has ended since.
    visible: Box<str>,
    /// `search_path` comes from a file, so no transaction tells of its change.
    search_path: Box<str>,
    /// The rows of every catalog that is read, hashed.
    rows: (Box<str>, Box<str>),
}

/// A session on the catalog login. After an error, or after a future of its was dropped half-way, it may be used again unless
/// the connection is gone.
pub struct Reader<S> {
    client: Client,
    connection: Connection<S, NoTlsStream>,
    path: PathSource,
    mark: Option<Mark>,
    /// A load has begun and not come to its end: its snapshot is still the transaction's.
    open: bool,
}

impl<S> std::fmt::Debug for Reader<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Reads a catalog once, over a stream to the server.
///
/// # Errors
/// The login is refused, the connection breaks, or a query fails (a lock held by someone else among others).
pub async fn load<S>(stream: S, login: Login<'_>) -> Result<Contents, LoadError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    Reader::connect(stream, login).await?.load().await
}

impl<S> Reader<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// Logs in on a stream to the server, and fixes the session's settings.
    ///
    /// # Errors
    /// [`LoadError::Connect`] where the log-in fails, [`LoadError::Step`] where the settings cannot be made.
    pub async fn connect(stream: S, login: Login<'_>) -> Result<Self, LoadError> {
        let mut config = Config::new();
        config.user(login.user).dbname(login.database).application_name("pgscrim catalog").ssl_mode(SslMode::Disable);
        if let Some(password) = login.password {
            config.password(password.expose());
        }
        let connected = config.connect_raw(stream, NoTls).await;
        let (client, mut connection) = connected.map_err(|e| LoadError::Connect(Cause::from(&e)))?;
        let path = drive(&mut connection, prepare_session(&client)).await?;
        Ok(Self { client, connection, path, mark: None, open: false })
    }

    /// Reads everything in one snapshot.
    ///
    /// # Errors
    /// [`LoadError`] for the first query that fails; the transaction is then rolled back.
    pub async fn load(&mut self) -> Result<Contents, LoadError> {
        self.leave_old_snapshot().await?;
        let Self { client, connection, path, mark, open } = self;
        *open = true;
        let loaded = drive(connection, in_transaction(client, *path)).await;
        *open = false;
        let (contents, new) = loaded?;
        *mark = Some(new);
        Ok(contents)
    }

    /// The triggers of all tables.
    ///
    /// # Errors
    /// [`LoadError`] where the server does not answer.
    pub async fn triggers(&mut self) -> Result<Vec<Trigger>, LoadError> {
        let Self { client, connection, .. } = self;
        drive(connection, all(client, "triggers", queries::TRIGGERS, rows::trigger)).await
    }

    /// Without this a load after one that was dropped would join its transaction, and see the old snapshot.
    async fn leave_old_snapshot(&mut self) -> Result<(), LoadError> {
        let Self { client, connection, open, .. } = self;
        if *open {
            drive(connection, async { client.batch_execute(queries::ROLLBACK).await.map_err(at("rollback")) }).await?;
            *open = false;
        }
        Ok(())
    }

    /// Whether the catalog may differ from what the last [`Reader::load`] gave: cheap while nothing commits on the server, some
    /// tens of milliseconds for thousands of tables otherwise. True before the first load. A true answer can be a false alarm
    /// ([`crate::catalog::digest`] decides), a false one cannot.
    ///
    /// # Errors
    /// [`LoadError`] where the server does not answer.
    pub async fn changed(&mut self) -> Result<bool, LoadError> {
        self.leave_old_snapshot().await?;
        let Self { client, connection, mark, .. } = self;
        let Some(mark) = mark else { return Ok(true) };
        drive(connection, async {
            let (visible, search_path) = gate(client).await?;
            if search_path != mark.search_path {
                return Ok(true);
            }
            // The rows are hashed in a later snapshot than `visible`, so what commits between the two is looked at again.
            if visible != mark.visible {
                if marked_rows(client).await? != mark.rows {
                    return Ok(true);
                }
                mark.visible = visible;
            }
            Ok(false)
        })
        .await
    }
}

/// Polls the work and the connection that carries it, so that no task of its own is needed.
async fn drive<S, T>(connection: &mut Connection<S, NoTlsStream>, work: impl Future<Output = Result<T, LoadError>>) -> Result<T, LoadError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut work = pin!(work);
    poll_fn(|cx| {
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            match connection.poll_message(cx) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(e))) => return Poll::Ready(Err(at("connection")(e))),
                Poll::Ready(None) => return Poll::Ready(Err(LoadError::Step { step: "connection", cause: Cause::Closed })),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Looks where the login's own `search_path` comes from, then fixes the settings.
async fn prepare_session(client: &Client) -> Result<PathSource, LoadError> {
    let found = fetch(client, "search_path", queries::OWN_SEARCH_PATH).await?;
    let source: Option<&str> = found.first().map(|r| r.try_get(0)).transpose().map_err(at("search_path"))?;
    client.batch_execute(queries::PRELUDE).await.map_err(at("settings"))?;
    Ok(match source {
        Some("default" | "environment variable" | "configuration file" | "command line" | "global" | "database") => PathSource::Shared,
        _ => PathSource::Own,
    })
}

async fn fetch(client: &Client, step: &'static str, text: &'static str) -> Result<Vec<Row>, LoadError> {
    client.query_typed(text, &[]).await.map_err(at(step))
}

/// Runs one of the fixed queries and turns its rows into something.
async fn all<T>(
    client: &Client,
    step: &'static str,
    text: &'static str,
    mut each: impl FnMut(&Row) -> Result<T, tokio_postgres::Error>,
) -> Result<Vec<T>, LoadError> {
    fetch(client, step, text).await?.iter().map(&mut each).collect::<Result<_, _>>().map_err(at(step))
}

async fn in_transaction(client: &Client, path: PathSource) -> Result<(Contents, Mark), LoadError> {
    client.batch_execute(queries::BEGIN).await.map_err(at("begin"))?;
    match read(client, path).await {
        Ok(read) => {
            client.batch_execute(queries::COMMIT).await.map_err(at("commit"))?;
            Ok(read)
        }
        Err(e) => {
            // The error at hand is the one to tell; a connection that cannot roll back fails at its next use.
            let _ = client.batch_execute(queries::ROLLBACK).await;
            Err(e)
        }
    }
}

async fn gate(client: &Client) -> Result<(Box<str>, Box<str>), LoadError> {
    let step = "gate";
    let found = all(client, step, queries::GATE, |r| Ok((r.try_get(0)?, r.try_get(1)?))).await?;
    found.into_iter().next().ok_or(LoadError::Step { step, cause: Cause::Answer })
}

fn is_known(server_version: u32) -> Result<(), LoadError> {
    if VERSIONS.contains(&server_version) { Ok(()) } else { Err(LoadError::Version(server_version)) }
}

async fn marked_rows(client: &Client) -> Result<(Box<str>, Box<str>), LoadError> {
    let step = "mark";
    let found = all(client, step, queries::MARK, |r| Ok((r.try_get(0)?, r.try_get(1)?))).await?;
    found.into_iter().next().ok_or(LoadError::Step { step, cause: Cause::Answer })
}

async fn read(client: &Client, path: PathSource) -> Result<(Contents, Mark), LoadError> {
    let server = all(client, "server", queries::SERVER, |r| Ok((r.try_get::<_, Box<str>>(0)?, r.try_get::<_, i32>(1)?))).await?;
    let (database, version) = server.into_iter().next().ok_or(LoadError::Step { step: "server", cause: Cause::Answer })?;
    let server_version = u32::try_from(version).unwrap_or(0);
    is_known(server_version)?;
    let (visible, search_path) = gate(client).await?;
    let mark = Mark { visible, search_path, rows: marked_rows(client).await? };
    let settings = all(client, "settings of roles", queries::SETTINGS, rows::setting).await?.into_iter().flatten().collect::<Vec<_>>();
    let search_path = default_path(path, &mark.search_path, &settings)?;
    let mut types = all(client, "types", queries::TYPES, rows::type_info).await?;
    let mut parts = read_parts(client, &types).await?;
    mark_foreign_types(client, &mut types, &parts.columns).await?;
    let contents = Contents {
        database,
        server_version,
        search_path,
        schemas: all(client, "schemas", queries::SCHEMAS, rows::schema).await?,
        relations: all(client, "relations", queries::RELATIONS, |r| rows::relation(r, &mut parts)).await?.into_iter().flatten().collect(),
        indexes: all(client, "indexes", queries::INDEXES, rows::index).await?,
        types,
        functions: all(client, "functions", queries::FUNCTIONS, rows::function).await?,
        operators: all(client, "operators", queries::OPERATORS, rows::operator).await?,
        casts: all(client, "casts", queries::CASTS, rows::cast).await?,
        support: all(client, "operator classes", queries::SUPPORT, rows::pair).await?,
        roles: read_roles(client).await?,
        settings,
    };
    Ok((contents, mark))
}

/// The `search_path` that a login without settings of its own starts with.
fn default_path(source: PathSource, seen: &str, settings: &[RoleSetting]) -> Result<Box<str>, LoadError> {
    if source == PathSource::Shared {
        return Ok(seen.into());
    }
    // What every login of this database has hides the file from all of them; the database's setting comes before that for all.
    let for_all = settings.iter().filter(|s| s.role == Oid(0) && &*s.name == "search_path");
    for_all.max_by_key(|s| s.database).map(|s| s.value.clone()).ok_or(LoadError::OwnSearchPath)
}

async fn read_parts(client: &Client, types: &[TypeInfo]) -> Result<rows::Parts, LoadError> {
    let by_oid: HashMap<Oid, &TypeInfo> = types.iter().map(|t| (t.oid, t)).collect();
    let resolve = |oid, typmod| PgType::resolve(oid, typmod, |o| by_oid.get(&o).copied());
    let mut parts = rows::Parts::default();
    rows::group(&mut parts.columns, all(client, "columns", queries::COLUMNS, |r| rows::column(r, resolve)).await?);
    rows::group(&mut parts.parents, all(client, "parents", queries::PARENTS, rows::pair).await?);
    rows::group(&mut parts.constraints, all(client, "constraints", queries::CONSTRAINTS, rows::constraint).await?);
    rows::group(&mut parts.constraints, all(client, "unique indexes", queries::UNIQUE_INDEXES, rows::unique_index).await?);
    rows::group(&mut parts.reads, all(client, "view columns", queries::VIEW_READS, rows::read).await?);
    rows::group(&mut parts.calls, rows::distinct(all(client, "view functions", queries::VIEW_CALLS, rows::pair).await?));
    Ok(parts)
}

async fn mark_foreign_types(client: &Client, types: &mut [TypeInfo], columns: &rows::ByOid<Column>) -> Result<(), LoadError> {
    let mut foreign = all(client, "domains", queries::FOREIGN_DOMAINS, rows::first_oid).await?;
    let mut made_of = Vec::new();
    for (range, subtype, multirange, own) in all(client, "ranges", queries::RANGES, rows::range).await? {
        made_of.extend([(range, subtype), (multirange, range)]);
        if own {
            foreign.push(range);
        }
    }
    for t in types.iter_mut() {
        t.foreign_code |= foreign.contains(&t.oid);
    }
    spread_foreign_code(types, columns.iter().flat_map(|(oid, list)| list.iter().map(|c| (*oid, c))), &made_of);
    Ok(())
}

async fn read_roles(client: &Client) -> Result<Vec<crate::catalog::Role>, LoadError> {
    let mut member_of = rows::ByOid::new();
    rows::group(&mut member_of, all(client, "memberships", queries::MEMBERSHIPS, rows::pair).await?);
    let mut roles = all(client, "roles", queries::ROLES, rows::role).await?;
    for role in &mut roles {
        role.member_of = member_of.remove(&role.oid).unwrap_or_default();
    }
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_another_version_is_refused() {
        for (version, known) in [(130_020, false), (140_000, true), (189_999, true), (190_000, false)] {
            assert_eq!(is_known(version).is_ok(), known, "{version}");
        }
        assert_eq!(LoadError::Version(190_001).to_string(), "the server is not PostgreSQL 14 to 18 (server_version_num 190001)");
    }
}
