//! sqlx as one of the clients, without its macros (they ask a database while they compile). Its answers are Rust's debug output.

#![allow(clippy::disallowed_methods, reason = "a program of the tests reads the environment")]
#![allow(clippy::unwrap_used, reason = "a program of the tests")]

use std::fmt::Debug;

use clients::asked::{self, MASKED, MULTI, Parameter};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgListener, PgPoolOptions, PgQueryResult, PgRow, PgSslMode};
use sqlx::query::Query;
use sqlx::{Column, ConnectOptions, Connection, Either, Error, Executor, PgConnection, Postgres, Row, Statement, ValueRef};

type Answer = Result<Vec<String>, Error>;

fn options(name: &str) -> PgConnectOptions {
    let env = |name: &str| std::env::var(name).unwrap();
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(env("CLIENT_PORT").parse().unwrap());
    let options = options.username(&env("CLIENT_USER")).password(&env("CLIENT_PASSWORD")).database(&env("CLIENT_DATABASE"));
    options.application_name(name).ssl_mode(PgSslMode::Disable).disable_statement_logging()
}

/// A row: each value as it came, in its format.
fn row(row: &PgRow) -> String {
    let value = |i: usize| {
        let value = row.try_get_raw(i).unwrap();
        if value.is_null() { "NULL".to_owned() } else { format!("{:?}{}", value.format(), hex::encode(value.as_bytes().unwrap())) }
    };
    (0..row.len()).map(value).collect::<Vec<_>>().join(",")
}

fn rows(found: &[Either<PgQueryResult, PgRow>]) -> String {
    let first = found.iter().find_map(|f| f.as_ref().right());
    let columns = first.map(|r| r.columns().iter().map(|c| format!("{} {}", c.name(), c.type_info())).collect::<Vec<_>>());
    let one = |f: &Either<PgQueryResult, PgRow>| f.as_ref().either(|done| format!("done {}", done.rows_affected()), row);
    format!("{columns:?} {}", found.iter().map(one).collect::<Vec<_>>().join(";"))
}

fn said<T: Debug>(done: Result<T, Error>) -> String {
    match done {
        Ok(value) => format!("{value:?} [-]"),
        Err(Error::Database(e)) => format!("ERROR {} {} [-]", e.code().unwrap_or_default(), e.message()),
        Err(error) => format!("BROKE {error:?}"),
    }
}

fn query<'q>(sql: &'q str, parameters: &[Parameter]) -> Query<'q, Postgres, PgArguments> {
    parameters.iter().fold(sqlx::query(sql), |query, p| match p {
        Parameter::Int(n) => query.bind(*n),
        Parameter::Text(t) => query.bind(t.clone()),
        Parameter::Bytes(b) => query.bind(b.clone()),
        Parameter::Ints(n) => query.bind(n.clone()),
        Parameter::Null => query.bind(None::<i32>),
    })
}

async fn all<'q>(c: &mut PgConnection, query: impl sqlx::Execute<'q, Postgres> + 'q) -> Result<String, Error> {
    let found: Vec<_> = c.fetch_many(query).try_collect().await?;
    Ok(rows(&found))
}

async fn ask(c: &mut PgConnection, sql: &str, parameters: &[Parameter]) -> String {
    said(all(c, query(sql, parameters)).await)
}

async fn multi(c: &mut PgConnection) -> Answer {
    let mut out = Vec::new();
    for sql in MULTI {
        out.push(said(all(c, sqlx::raw_sql(sql)).await));
    }
    Ok(out)
}

async fn reuse(c: &mut PgConnection) -> Answer {
    let mut out = Vec::new();
    for i in 0..8 {
        out.push(ask(c, MASKED, &[Parameter::Int(i % 3)]).await);
    }
    out.push(format!("{} kept", c.cached_statements_size()));
    // One that is not kept, one that is refused, one of its own accord.
    out.push(said(all(c, query(MASKED, &[Parameter::Int(1)]).persistent(false)).await));
    out.push(ask(c, "SELECT secret FROM vault", &[]).await);
    let statement = c.prepare(MASKED).await?;
    out.push(format!("{:?}", statement.columns().iter().map(|c| format!("{} {}", c.name(), c.type_info())).collect::<Vec<_>>()));
    c.clear_cached_statements().await?;
    out.push(ask(c, MASKED, &[Parameter::Int(2)]).await);
    Ok(out)
}

async fn binary(c: &mut PgConnection) -> Answer {
    let mut out = vec![ask(c, "SELECT * FROM kinds ORDER BY id", &[]).await];
    let ids = [Parameter::Ints(vec![1, 2, 3])];
    out.push(ask(c, "SELECT id, joined, key, photo, notes, salary, ip FROM people WHERE id = ANY($1) ORDER BY id", &ids).await);
    out.push(ask(c, "SELECT id FROM scratch WHERE label = $1", &[Parameter::Text("二".to_owned())]).await);
    Ok(out)
}

async fn copied(c: &mut PgConnection, sql: &str) -> Result<String, Error> {
    let parts: Vec<_> = c.copy_out_raw(sql).await?.try_collect().await?;
    Ok(hex::encode(parts.concat()))
}

async fn copyout(c: &mut PgConnection) -> Answer {
    let mut out = Vec::new();
    for copy in asked::copies() {
        // sqlx 0.8.6 takes the end of a COPY that failed for the beginning of the next one: each has a connection of its own.
        let mut fresh = PgConnection::connect_with(&options("copyout")).await?;
        out.push(said(copied(&mut fresh, &copy).await));
        fresh.close_hard().await?;
    }
    out.push(ask(c, "SELECT 1", &[]).await);
    Ok(out)
}

async fn copyin(c: &mut PgConnection) -> Answer {
    let mut out = Vec::new();
    let mut transaction = c.begin().await?;
    let mut sink = transaction.copy_in_raw("COPY scratch FROM STDIN").await?;
    for i in 0..500 {
        sink.send(format!("{}\t复制{i}\t{i}\n", 100 + i).into_bytes()).await?;
    }
    out.push(said(sink.finish().await));
    out.push(ask(&mut transaction, "SELECT * FROM scratch ORDER BY id", &[]).await);
    transaction.rollback().await?;
    let mut sink = c.copy_in_raw("COPY scratch FROM STDIN").await?;
    sink.send(b"1\tdup\t1\n".to_vec()).await?;
    out.push(said(sink.finish().await));
    let mut sink = c.copy_in_raw("COPY scratch FROM STDIN").await?;
    sink.send(b"90\tx\t1\n".to_vec()).await?;
    out.push(said(sink.abort("no more").await));
    out.push(ask(c, "SELECT count(*) FROM scratch", &[]).await);
    Ok(out)
}

async fn notify(c: &mut PgConnection) -> Answer {
    let mut listener = PgListener::connect_with(&PgPoolOptions::new().max_connections(1).connect_lazy_with(options("notify"))).await?;
    listener.listen("news").await?;
    c.execute("NOTIFY news, '你好'").await?;
    sqlx::query("SELECT pg_notify('news', $1)").bind("again").execute(c).await?;
    let mut out = Vec::new();
    for _ in 0..2 {
        let heard = listener.recv().await?;
        out.push(format!("{} {}", heard.channel(), heard.payload()));
    }
    listener.unlisten_all().await?;
    Ok(out)
}

async fn large(c: &mut PgConnection) -> Answer {
    let mut digest = Sha256::new();
    let mut found = c.fetch(sqlx::query("SELECT * FROM many ORDER BY id"));
    while let Some(next) = found.try_next().await? {
        digest.update(row(&next));
    }
    Ok(vec![hex::encode(digest.finalize())])
}

async fn wide(c: &mut PgConnection) -> Answer {
    let value: String = sqlx::query_scalar("SELECT repeat('0123456789', 5000000)").fetch_one(c).await?;
    Ok(vec![hex::encode(Sha256::digest(value))])
}

/// What its macros ask of a server: types by name and oid, and which columns may be null.
async fn catalog(c: &mut PgConnection) -> Answer {
    let mut out = Vec::new();
    for sql in ["SELECT * FROM kinds", MASKED, "INSERT INTO scratch VALUES ($1, $2, $3) RETURNING label", "SELECT $1::mood, twice(2)"] {
        out.push(said(c.describe(sql).await.map(|d| {
            let columns = d.columns().iter().map(|c| format!("{} {}", c.name(), c.type_info())).collect::<Vec<_>>();
            (columns, format!("{:?}", d.parameters()), (0..d.columns().len()).map(|i| d.nullable(i)).collect::<Vec<_>>())
        })));
    }
    Ok(out)
}

async fn pool() -> Answer {
    let pool = PgPoolOptions::new().min_connections(1).max_connections(3).after_release(|c, _| {
        Box::pin(async move {
            c.clear_cached_statements().await?;
            c.execute("DISCARD ALL").await?;
            Ok(true)
        })
    });
    let pool = pool.connect_with(options("pool")).await?;
    let mut out = Vec::new();
    for i in 0..6 {
        let mut c = pool.acquire().await?;
        out.push(ask(&mut c, "SHOW TimeZone", &[]).await);
        c.execute("SET TimeZone TO 'Asia/Shanghai'").await?;
        out.push(ask(&mut c, MASKED, &[Parameter::Int(i % 3)]).await);
    }
    pool.close().await;
    Ok(out)
}

/// The answer of a check's own code; nothing where there is none.
async fn own(name: &str, c: &mut PgConnection) -> Option<Answer> {
    Some(match name {
        "multi" => multi(c).await,
        "reuse" => reuse(c).await,
        "binary" => binary(c).await,
        "copyout" => copyout(c).await,
        "copyin" => copyin(c).await,
        "notify" => notify(c).await,
        "large" => large(c).await,
        "wide" => wide(c).await,
        "status" => Ok(vec![format!("{:?}", c.server_version_num())]),
        "catalog" => catalog(c).await,
        "pool" => pool().await,
        _ => return None,
    })
}

/// A check on a connection of its own; nothing where this client has no such thing.
async fn answer(check: &asked::Check) -> Result<Option<Vec<String>>, Error> {
    let mut c = PgConnection::connect_with(&options(&check.name)).await?;
    let answer = match own(&check.name, &mut c).await {
        Some(answer) => answer?,
        None if check.steps.is_empty() => return Ok(None),
        None => {
            let mut answer = Vec::new();
            for (sql, parameters) in &check.steps {
                answer.push(ask(&mut c, sql, parameters).await);
            }
            answer
        }
    };
    c.close().await?;
    Ok(Some(answer))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    for check in asked::checks().into_iter().filter(|c| only.is_empty() || only.contains(&c.name)) {
        let answer = match answer(&check).await {
            Ok(None) => continue,
            Ok(Some(answer)) => answer,
            Err(error) => vec![format!("BROKE {error:?}")],
        };
        println!("{}", serde_json::json!({ "check": check.name, "answer": answer }));
    }
}
