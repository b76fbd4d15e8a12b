//! The audit log under what happens to logs: a full disk, a rotated file, a kill. The proxy runs as a process of its own before a
//! real PostgreSQL, and `pgscrim audit verify` says what stands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

mod serve;

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Value;
use tokio_postgres::{Client, NoTls};

use serve::{Serving, Setting};

async fn with<T>(serving: &Serving<'_>, user: &str, work: impl AsyncFnOnce(&Client) -> T) -> T {
    let (client, connection) = serving.connect(user).connect(NoTls).await.unwrap();
    tokio::select! {
        done = work(&client) => done,
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

/// The records of a login's statements.
fn statements(log: &str, user: &str) -> Vec<Value> {
    let records = log.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    records.filter(|r| r["kind"] == "statement" && r["user"] == user).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn a_full_disk_stops_statements_and_loses_none() {
    let setting = Setting::new().await;
    let serving = setting.serve("", Some(96)).await;
    let (mut answered, mut refused) = (0_usize, 0_usize);
    with(&serving, "free", async |client| {
        for n in 0..2000_i32 {
            match client.execute("INSERT INTO told VALUES ($1)", &[&n]).await {
                Ok(_) => answered += 1,
                Err(error) => {
                    let error = error.as_db_error().unwrap();
                    assert_eq!((error.code().code(), error.message().starts_with("pgscrim: ")), ("58030", true), "{error:?}");
                    refused += 1;
                    if refused > 20 {
                        break;
                    }
                }
            }
        }
    })
    .await;
    assert!(answered > 0 && refused > 20, "{answered} {refused}");
    assert_eq!(setting.told().await, answered, "what was refused was not run");
    // Who logs in meanwhile hears why it cannot.
    let error = serving.connect("free").connect(NoTls).await.err().expect("a log-in that cannot be recorded");
    let error = error.as_db_error().expect("the proxy says why");
    assert_eq!((error.code().code(), error.severity(), error.message().starts_with("pgscrim: ")), ("58030", "FATAL", true), "{error:?}");
    // The disk has room again.
    serving.room();
    while serving.connect("free").connect(NoTls).await.is_err() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let again = with(&serving, "free", async |client| {
        for _ in 0..1000 {
            if client.execute("INSERT INTO told VALUES (-1)", &[]).await.is_ok() {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        false
    })
    .await;
    assert!(again, "statements run again once there is room");
    serving.stop();
    assert_eq!(setting.verify().0, 0, "{}", setting.verify().1);
    let records = statements(&setting.log(), "free");
    let done = records.iter().filter(|r| r["decision"] == "allowed" && r["statement"].as_str().unwrap().starts_with("INSERT")).count();
    assert_eq!(done, answered + 1, "each statement that ran has its record");
}

#[tokio::test(flavor = "current_thread")]
async fn with_continue_statements_run_on_and_the_gap_is_named() {
    let setting = Setting::new().await;
    let serving = setting.serve("audit_continue", Some(64)).await;
    with(&serving, "free", async |client| {
        for n in 0..1000_i32 {
            client.execute("INSERT INTO told VALUES ($1)", &[&n]).await.unwrap();
        }
    })
    .await;
    serving.room();
    with(&serving, "free", async |client| client.execute("INSERT INTO told VALUES (0)", &[]).await.unwrap()).await;
    serving.stop();
    assert_eq!(setting.told().await, 1001);
    assert_eq!(setting.verify().0, 0, "{}", setting.verify().1);
}

#[tokio::test(flavor = "current_thread")]
async fn what_a_client_was_told_outlives_a_kill() {
    let setting = Setting::new().await;
    let mut told: HashMap<String, usize> = HashMap::new();
    for round in 0..3 {
        let serving = setting.serve("audit_each", None).await;
        let clients = (0..4).map(|n| {
            let config = serving.connect("free");
            async move {
                let name = format!("round {round} client {n}");
                let mut told = 0;
                let (client, connection) = { config }.application_name(&name).connect(NoTls).await.unwrap();
                let work = async {
                    while client.execute("INSERT INTO told VALUES (1)", &[]).await.is_ok() {
                        told += 1;
                    }
                };
                tokio::join!(work, async { connection.await.ok() });
                (name, told)
            }
        });
        let all = futures_join(clients.collect());
        // Some hundred statements are under way when it dies.
        let kill = async {
            while setting.told().await < (round + 1) * 200 {
                tokio::task::yield_now().await;
            }
            serving.kill();
        };
        let (all, ()) = tokio::join!(all, kill);
        told.extend(all);
    }
    // The next start seals what is torn.
    setting.serve("audit_each", None).await.stop();
    assert_eq!(setting.verify().0, 0, "{}", setting.verify().1);
    let mut recorded: HashMap<String, usize> = HashMap::new();
    for record in statements(&setting.log(), "free") {
        if record["decision"] == "allowed" && record["statement"].as_str().unwrap().starts_with("INSERT") {
            *recorded.entry(record["application"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    let mut short = String::new();
    for (name, told) in &told {
        let recorded = recorded.get(name).copied().unwrap_or(0);
        if recorded < *told {
            writeln!(short, "{name}: told of {told}, recorded {recorded}").unwrap();
        }
    }
    assert!(short.is_empty(), "{short}");
    assert!(told.values().sum::<usize>() > 100);
}

#[tokio::test(flavor = "current_thread")]
async fn a_log_that_is_rotated_under_load_is_one_chain() {
    let setting = Setting::new().await;
    let serving = setting.serve("audit_rotate", None).await;
    with(&serving, "free", async |client| {
        for n in 0..600_i32 {
            client.execute("INSERT INTO told VALUES ($1)", &[&n]).await.unwrap();
            if n == 300 {
                // As logrotate does it.
                std::fs::rename(setting.audit(), setting.audit().with_extension("aside")).unwrap();
                serving.hang_up();
            }
        }
    })
    .await;
    serving.stop();
    let files = setting.files();
    assert!(files.len() > 3, "{files:?}");
    let (code, said) = setting.verify();
    assert_eq!(code, 0, "{said}");
    let log: String = files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect();
    assert_eq!(statements(&log, "free").iter().filter(|r| r["statement"].as_str().unwrap().starts_with("INSERT")).count(), 600);
    // One record less is found.
    let middle = files.get(files.len() / 2).unwrap();
    let text = std::fs::read_to_string(middle).unwrap();
    // Its second: before the first of all there may have been files that are kept elsewhere.
    let lines: Vec<&str> = text.split_inclusive('\n').enumerate().filter(|(i, _)| *i != 1).map(|(_, line)| line).collect();
    std::fs::write(middle, lines.concat()).unwrap();
    assert_eq!(setting.verify().0, 1);
}

/// All of them at once, on this thread.
async fn futures_join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut pinned: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = pinned.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in pinned.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(cx)
            {
                *done = Some(output);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}
