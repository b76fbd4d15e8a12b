//! tokio-postgres as one of the clients. Its answers are Rust's debug output, of bytes where a type has no reader here.

#![allow(clippy::disallowed_methods, reason = "a program of the tests reads the environment")]
#![allow(clippy::unwrap_used, reason = "a program of the tests")]

use std::fmt::Debug;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use clients::asked::{self, MASKED, MULTI, Parameter};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future, stream};
use sha2::{Digest, Sha256};
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Config, Error, NoTls, Row, SimpleQueryMessage};

/// A value as it came: in binary.
struct Raw(Option<Vec<u8>>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw.to_vec())))
    }
    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

fn rows(rows: &[Row]) -> String {
    let columns =
        rows.first().map(|r| r.columns().iter().map(|c| (c.name().to_owned(), c.type_().clone(), c.type_modifier())).collect::<Vec<_>>());
    let values = |r: &Row| (0..r.len()).map(|i| r.get::<_, Raw>(i).0.map_or("NULL".to_owned(), hex::encode)).collect::<Vec<_>>().join(",");
    format!("{columns:?} {}", rows.iter().map(values).collect::<Vec<_>>().join(";"))
}

fn said<T: Debug>(done: Result<T, Error>) -> String {
    match done {
        Ok(value) => format!("{value:?} [-]"),
        Err(error) => match error.as_db_error() {
            Some(e) => format!("ERROR {} {} [-]", e.code().code(), e.message()),
            None => format!("BROKE {error:?}"),
        },
    }
}

/// A connection, with what it heard beside answers.
struct Connected {
    client: Client,
    heard: Arc<Mutex<Vec<String>>>,
    notify: Arc<tokio::sync::Notify>,
}

async fn connect(name: &str) -> Result<Connected, Error> {
    let mut config = Config::new();
    let env = |name: &str| std::env::var(name).unwrap();
    config.host("127.0.0.1").port(env("CLIENT_PORT").parse().unwrap()).user(env("CLIENT_USER")).password(env("CLIENT_PASSWORD"));
    config.dbname(env("CLIENT_DATABASE")).application_name(name);
    let (client, mut connection) = config.connect(NoTls).await?;
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let notify: Arc<tokio::sync::Notify> = Arc::default();
    let (into, bell) = (Arc::clone(&heard), Arc::clone(&notify));
    tokio::task::spawn_local(async move {
        let mut messages = pin!(stream::poll_fn(move |cx| connection.poll_message(cx)));
        while let Some(Ok(message)) = messages.next().await {
            let text = match message {
                AsyncMessage::Notice(n) => format!("{} {} {}", n.severity(), n.code().code(), n.message()),
                AsyncMessage::Notification(n) => format!("{} {}", n.channel(), n.payload()),
                _ => continue,
            };
            into.lock().unwrap().push(text);
            bell.notify_one();
        }
    });
    Ok(Connected { client, heard, notify })
}

async fn ask(client: &Client, sql: &str, parameters: &[Parameter]) -> String {
    let statement = match client.prepare(sql).await {
        Ok(statement) => statement,
        Err(error) => return said::<()>(Err(error)),
    };
    let values: Vec<Box<dyn ToSql + Sync>> = parameters
        .iter()
        .map(|p| -> Box<dyn ToSql + Sync> {
            match p {
                Parameter::Int(n) => Box::new(*n),
                Parameter::Text(t) => Box::new(t.clone()),
                Parameter::Bytes(b) => Box::new(b.clone()),
                Parameter::Ints(n) => Box::new(n.clone()),
                Parameter::Null => Box::new(None::<i32>),
            }
        })
        .collect();
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(AsRef::as_ref).collect();
    said(client.query(&statement, &values).await.map(|r| rows(&r)))
}

fn simple(messages: &[SimpleQueryMessage]) -> String {
    let one = |m: &SimpleQueryMessage| match m {
        SimpleQueryMessage::Row(r) => format!("{:?}", (0..r.len()).map(|i| r.get(i).map(str::to_owned)).collect::<Vec<_>>()),
        SimpleQueryMessage::CommandComplete(n) => format!("done {n}"),
        SimpleQueryMessage::RowDescription(c) => format!("{:?}", c.iter().map(|c| c.name().to_owned()).collect::<Vec<_>>()),
        _ => String::from("?"),
    };
    messages.iter().map(one).collect::<Vec<_>>().join(" ")
}

async fn simply(client: &Client, sql: &str) -> String {
    said(client.simple_query(sql).await.map(|m| simple(&m)))
}

async fn cancel(token: CancelToken) {
    // When the server sleeps for this client there is something to cancel.
    let asleep = || std::process::Command::new(std::env::var("CLIENT_ASLEEP").unwrap()).status();
    tokio::task::spawn_blocking(asleep).await.unwrap().unwrap();
    let _ = token.cancel_query(NoTls).await;
}

async fn copied(client: &Client, sql: &str) -> Result<String, Error> {
    let parts: Vec<bytes::Bytes> = client.copy_out(sql).await?.try_collect().await?;
    Ok(hex::encode(parts.concat()))
}

/// The answer of a check's own code; nothing where there is none.
async fn own(name: &str, c: &mut Connected) -> Result<Option<Vec<String>>, Error> {
    let mut out = Vec::new();
    match name {
        "multi" => {
            for sql in MULTI {
                out.push(simply(&c.client, sql).await);
            }
        }
        "reuse" => {
            let statement = c.client.prepare(MASKED).await?;
            out.push(format!("{statement:?}").replace(|ch: char| ch.is_ascii_digit(), ""));
            for i in 0..8 {
                out.push(said(c.client.query(&statement, &[&(i % 3)]).await.map(|r| rows(&r))));
            }
            drop(statement);
            out.push(
                said(c.client.prepare("SELECT secret FROM vault WHERE id = $1").await.map(|_| "prepared")).replace("\"prepared\"", ""),
            );
            out.push(ask(&c.client, "SELECT 1", &[]).await);
            if std::env::var("CLIENT_USER").is_ok_and(|u| u == "governed") {
                // Refused when it is prepared by the proxy, when it is executed by the server.
                out.remove(9);
            }
        }
        "pieces" => {
            let transaction = c.client.transaction().await?;
            let portal = transaction.bind("SELECT id, email, town FROM people ORDER BY id", &[]).await?;
            for n in [1, 3, 100, 1] {
                out.push(said(transaction.query_portal(&portal, n).await.map(|r| rows(&r))));
            }
            let other = transaction.bind(MASKED, &[&1]).await?;
            out.push(said(transaction.query_portal(&other, 2).await.map(|r| rows(&r))));
            out.push(said(transaction.query_portal(&other, 0).await.map(|r| rows(&r))));
            transaction.rollback().await?;
            out.push(ask(&c.client, "SELECT 1", &[]).await);
        }
        "pipeline" => {
            let client = &c.client;
            let many = (0..200).map(|i| async move {
                let (sql, n) = if i % 50 == 25 { ("SELECT secret FROM vault WHERE id = $1", i) } else { (MASKED, i % 3) };
                ask(client, sql, &[Parameter::Int(n)]).await
            });
            out = future::join_all(many).await;
        }
        "copyout" => {
            for copy in asked::copies() {
                out.push(said(copied(&c.client, &copy).await));
            }
            out.push(ask(&c.client, "SELECT 1", &[]).await);
        }
        "copyin" => {
            let transaction = c.client.transaction().await?;
            let sink = transaction.copy_in::<_, bytes::Bytes>("COPY scratch FROM STDIN").await?;
            let mut sink = pin!(sink);
            for i in 0..500 {
                sink.send(format!("{}\t复制{i}\t{i}\n", 100 + i).into()).await?;
            }
            out.push(said(sink.finish().await));
            out.push(said(transaction.query("SELECT * FROM scratch ORDER BY id", &[]).await.map(|r| rows(&r))));
            transaction.rollback().await?;
            let sink = c.client.copy_in::<_, bytes::Bytes>("COPY scratch FROM STDIN").await?;
            let mut sink = pin!(sink);
            sink.send("1\tdup\t1\n".into()).await?;
            out.push(said(sink.finish().await));
            out.push(ask(&c.client, "SELECT count(*) FROM scratch", &[]).await);
        }
        "notify" => {
            c.client.batch_execute("LISTEN news").await?;
            let other = connect("notify2").await?;
            other.client.batch_execute("NOTIFY news, '你好'").await?;
            other.client.query("SELECT pg_notify('news', $1)", &[&"again"]).await?;
            while c.heard.lock().unwrap().len() < 2 {
                c.notify.notified().await;
            }
            out.push(format!("{:?}", c.heard.lock().unwrap()));
        }
        "notices" => {
            out.push(simply(&c.client, "ROLLBACK").await);
            out.push(simply(&c.client, "SET LOCAL TimeZone TO 'UTC'").await);
            out.push(format!("{:?}", c.heard.lock().unwrap()));
        }
        "cancel" => {
            let (answer, ()) = future::join(ask(&c.client, "SELECT pg_sleep(60)", &[]), cancel(c.client.cancel_token())).await;
            out.push(answer);
            out.push(ask(&c.client, "SELECT 1", &[]).await);
        }
        "large" => {
            let mut found = pin!(c.client.query_raw("SELECT * FROM many ORDER BY id", Vec::<i32>::new()).await?);
            let mut digest = Sha256::new();
            while let Some(row) = found.try_next().await? {
                digest.update(rows(&[row]));
            }
            out.push(hex::encode(digest.finalize()));
        }
        "wide" => {
            let row = c.client.query_one("SELECT repeat('0123456789', 5000000)", &[]).await?;
            out.push(hex::encode(Sha256::digest(row.get::<_, &str>(0))));
        }
        _ => return Ok(None),
    }
    Ok(Some(out))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let all = async {
        for check in asked::checks() {
            if !only.is_empty() && !only.contains(&check.name) {
                continue;
            }
            let answer = match connect(&check.name).await {
                Err(error) => vec![format!("BROKE {error:?}")],
                Ok(mut c) => match own(&check.name, &mut c).await {
                    Err(error) => vec![format!("BROKE {error:?}")],
                    Ok(Some(answer)) => answer,
                    Ok(None) if check.steps.is_empty() => continue,
                    Ok(None) => {
                        let mut answer = Vec::new();
                        for (sql, parameters) in &check.steps {
                            answer.push(ask(&c.client, sql, parameters).await);
                        }
                        answer
                    }
                },
            };
            println!("{}", serde_json::json!({ "check": check.name, "answer": answer }));
        }
    };
    tokio::task::LocalSet::new().run_until(all).await;
}
