//! The throwaway server and the sample shop, on a real PostgreSQL.

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

mod tour;

use std::net::TcpStream;
use std::path::PathBuf;

use pgscrim::demo::{Cluster, Setup, installations, shop};
use tokio_postgres::{Client, NoTls};

/// One test at a time: a port that one gives back, and then finds to be free, another may have taken.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn start(setup: &Setup) -> Cluster {
    let found = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref());
    Cluster::start(found.first().expect("no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN"), setup).unwrap()
}

async fn with<T>(cluster: &Cluster, user: &str, work: impl AsyncFnOnce(Client) -> T) -> T {
    let (client, connection) = cluster.connect(user, "postgres").connect(NoTls).await.unwrap();
    tokio::join!(work(client), connection).0
}

#[tokio::test(flavor = "current_thread")]
async fn the_shop_is_whole_and_its_logins_may_read_it() {
    let _alone = ALONE.lock().await;
    let cluster = start(&Setup::default());
    with(&cluster, "postgres", async |client| shop::load(&client, shop::SEED, 400).await.unwrap()).await;
    let counts = with(&cluster, "analyst", async |client| {
        let sql = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM addresses), (SELECT count(*) FROM products), \
                   (SELECT count(*) FROM orders), (SELECT count(*) FROM payments), (SELECT count(*) FROM page_views)";
        let row = client.query_one(sql, &[]).await.unwrap();
        (0..6).map(|n| row.get::<_, i64>(n)).collect::<Vec<_>>()
    })
    .await;
    let made: Vec<i64> = shop::rows(shop::SEED, 400).iter().map(|t| i64::try_from(t.count).unwrap()).collect();
    assert_eq!(counts, made);
}

#[tokio::test(flavor = "current_thread")]
async fn the_container_database_is_made_by_its_scripts() {
    let _alone = ALONE.lock().await;
    let cluster = start(&Setup::default());
    let scripts =
        [shop::SCHEMA, include_str!("../../docker/postgres/rows.sql"), shop::GRANTS, include_str!("../../docker/postgres/passwords.sql")];
    with(&cluster, "postgres", async |client| {
        for script in scripts {
            client.batch_execute(script).await.unwrap();
        }
    })
    .await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_password_and_rules_of_its_own_hold() {
    let _alone = ALONE.lock().await;
    let hba = "host all all 127.0.0.1/32 scram-sha-256\nlocal all all reject\n".to_owned();
    let cluster = start(&Setup { hba: Some(hba), password: Some("opensesame".to_owned()), settings: vec!["work_mem = '7MB'".to_owned()] });
    assert!(cluster.connect("postgres", "postgres").password("wrong").connect(NoTls).await.is_err());
    let (client, connection) = cluster.connect("postgres", "postgres").password("opensesame").connect(NoTls).await.unwrap();
    let work = async move { client.query_one("SHOW work_mem", &[]).await.unwrap().get::<_, String>(0) };
    assert_eq!(tokio::join!(work, connection).0, "7MB");
}

#[test]
fn nothing_is_left_behind() {
    let _alone = ALONE.blocking_lock();
    let cluster = start(&Setup::default());
    let (folder, port): (PathBuf, u16) = (cluster.folder().to_owned(), cluster.port());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    drop(cluster);
    assert!(!folder.exists());
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}
