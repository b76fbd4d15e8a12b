//! The thin thread through the whole house: one login, one masked answer, one refusal, one record each; on a real PostgreSQL, with
//! its own clients.

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

use lab::{Lab, shop_policy};
use serde_json::Value;
use tokio_postgres::{Client, NoTls};

async fn with<T>(config: tokio_postgres::Config, work: impl AsyncFnOnce(&Client) -> T) -> T {
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::select! {
        done = work(&client) => done,
        ended = connection => panic!("the connection ended: {ended:?}"),
    }
}

/// What the audit says of a login's statements: decision and text.
fn statements(log: &str, user: &str) -> Vec<(String, String)> {
    let records = log.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
    let own = records.filter(|r| r["kind"] == "statement" && r["user"] == user);
    own.map(|r| (r["decision"].as_str().unwrap().to_owned(), r["statement"].as_str().unwrap().to_owned())).collect()
}

#[tokio::test(flavor = "current_thread")]
async fn each_login_sees_its_own_shop() {
    let mut lab = Lab::start(&shop_policy(), 50, "").unwrap();
    let sql = "SELECT id, full_name, email, phone, level FROM users ORDER BY id LIMIT 20";
    let text = |rows: &[tokio_postgres::Row]| -> Vec<Vec<String>> {
        rows.iter().map(|r| (1..5).map(|i| r.get::<_, String>(i)).collect()).collect()
    };
    let direct = with(lab.cluster.connect("owner", "postgres"), async |c| text(&c.query(sql, &[]).await.unwrap())).await;
    let owner = with(lab.connect("owner"), async |c| text(&c.query(sql, &[]).await.unwrap())).await;
    assert_eq!(owner, direct);
    let support = with(lab.connect("support"), async |c| text(&c.query(sql, &[]).await.unwrap())).await;
    assert_eq!(support.len(), direct.len());
    for (masked, raw) in support.iter().zip(&direct) {
        for column in [0, 1, 2] {
            assert_ne!(masked[column], raw[column]);
        }
        assert_eq!(masked[3], raw[3]);
        assert!(masked[2].ends_with(&raw[2][raw[2].len() - 4..]));
    }
    let refused = with(lab.connect("support"), async |c| {
        let error = c.query("SELECT id FROM users WHERE birth_date IS NULL", &[]).await.unwrap_err();
        let still = c.query_one("SELECT 1", &[]).await.unwrap().get::<_, i32>(0);
        assert_eq!(still, 1);
        error.as_db_error().map(|e| (e.code().code().to_owned(), e.message().to_owned())).unwrap()
    })
    .await;
    assert_eq!(refused.0, "42501", "{refused:?}");
    assert!(refused.1.starts_with("pgscrim: "), "{refused:?}");
    assert!(lab.connect("pgscrim").connect(NoTls).await.is_err());
    let log = lab.audit().unwrap();
    let decisions: Vec<String> = statements(&log, "support").into_iter().map(|(decision, _)| decision).collect();
    assert_eq!(decisions, ["masked", "refused", "allowed"], "{log}");
    assert_eq!(statements(&log, "owner").len(), 1);
    for raw in direct.iter().flat_map(|r| &r[..3]) {
        assert!(!log.contains(raw.as_str()), "the audit holds a value");
    }
}

#[test]
fn psql_sees_masks_and_its_own_commands_work() {
    let lab = Lab::start(&shop_policy(), 20, "").unwrap();
    let run = |commands: &[&str]| {
        let mut psql = lab.psql("support");
        for command in commands {
            psql.args(["-c", command]);
        }
        let out = psql.output().unwrap();
        (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (out, err) = run(&["SELECT email FROM users WHERE id = 1", "\\d users", "\\dt", "\\du", "\\l", "\\df", "\\d+ orders"]);
    assert_eq!(err, "");
    assert!(out.contains("***"), "{out}");
    assert!(out.contains("full_name"), "{out}");
    let (out, err) = run(&["\\copy (SELECT id, email FROM users) TO STDOUT", "COPY users (id, phone) TO STDOUT WITH (FORMAT csv)"]);
    assert_eq!(err, "");
    assert_eq!(out.lines().count(), 40, "{out}");
}

#[tokio::test(flavor = "current_thread")]
async fn names_are_asked_for_more_than_once_in_a_transaction() {
    let lab = Lab::start(&shop_policy(), 5, "").unwrap();
    with(lab.connect("support"), async |c| {
        c.batch_execute("BEGIN").await.unwrap();
        for path in ["pg_catalog", "public", "pg_catalog"] {
            c.batch_execute(&format!("SET search_path TO {path}")).await.unwrap();
            let found = c.query("SELECT 1 FROM users LIMIT 1", &[]).await.is_ok();
            assert_eq!(found, path == "public");
            if !found {
                c.batch_execute("ROLLBACK; BEGIN").await.unwrap();
            }
        }
        c.batch_execute("SET LOCAL search_path TO public; SET LOCAL search_path TO pg_catalog").await.unwrap();
        c.batch_execute("SET LOCAL search_path TO public").await.unwrap();
        assert_eq!(c.query("SELECT id, email FROM users", &[]).await.unwrap().len(), 5);
        c.batch_execute("ROLLBACK").await.unwrap();
    })
    .await;
}

/// Texts over 64 KiB are decided by a thread of their own: the answer is the same, the records too, and the session goes on.
#[tokio::test(flavor = "current_thread")]
async fn long_texts_are_answered_alike() {
    let lab = Lab::start(&shop_policy(), 50, "").unwrap();
    let list = |n: i64| (1..n).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let sql = |n| format!("SELECT id, full_name, level FROM users WHERE id IN ({}) ORDER BY id", list(n));
    assert!(sql(15_000).len() > 64 << 10);
    with(lab.connect("support"), async |c| {
        let short: Vec<(i64, String)> = c.query(&sql(51), &[]).await.unwrap().iter().map(|r| (r.get(0), r.get(1))).collect();
        let long: Vec<(i64, String)> = c.query(&sql(15_000), &[]).await.unwrap().iter().map(|r| (r.get(0), r.get(1))).collect();
        assert_eq!((short.len(), &long), (50, &short));
        let simple = c.simple_query(&format!("{}; SELECT 1", sql(15_000))).await.unwrap();
        assert_eq!(simple.iter().filter(|m| matches!(m, tokio_postgres::SimpleQueryMessage::Row(_))).count(), 51);
        let refused =
            c.query(&format!("SELECT id FROM users WHERE birth_date IS NULL AND id IN ({})", list(15_000)), &[]).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501");
        let limit = c.query(&sql(250_000), &[]).await.unwrap_err();
        assert_eq!(limit.code().unwrap().code(), "53400");
        assert_eq!(c.query_one("SELECT 2", &[]).await.unwrap().get::<_, i32>(0), 2);
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn texts_of_one_shape_are_answered_each_for_its_own_literals() {
    let mut lab = Lab::start(&shop_policy(), 20, "").unwrap();
    let text = |id: usize| format!("SELECT id, email, 'number {id}' FROM users WHERE id IN ({id}, -7) AND full_name IS NOT NULL");
    for user in ["support", "owner"] {
        with(lab.connect(user), async |c| {
            for id in 1..=6 {
                let rows = c.simple_query(&text(id)).await.unwrap();
                let rows: Vec<_> =
                    rows.iter().filter_map(|m| if let tokio_postgres::SimpleQueryMessage::Row(r) = m { Some(r) } else { None }).collect();
                assert_eq!(rows.len(), 1);
                assert_eq!((rows[0].get(0), rows[0].get(2)), (Some(&*id.to_string()), Some(&*format!("number {id}"))));
            }
        })
        .await;
        let metrics = lab.metrics().unwrap();
        let hits = metrics.lines().find_map(|l| l.strip_prefix("pgscrim_plan_cache_total{result=\"hit\"} ")).unwrap();
        assert!(hits.parse::<u64>().unwrap() >= 4, "{hits} found");
    }
    let log = lab.audit().unwrap();
    for user in ["support", "owner"] {
        let own = statements(&log, user);
        assert_eq!(own.len(), 6, "{own:?}");
        assert!(own.iter().all(|s| *s == own[0] && s.1.contains("$2")), "{own:?}");
    }
}
