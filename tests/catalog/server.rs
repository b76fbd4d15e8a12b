//! A throwaway PostgreSQL of each version for these tests.

use std::ffi::OsString;
use std::path::Path;

use pgscrim::demo::{Cluster, Installation, Setup};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;

/// Those of `PGSCRIM_PG_BIN`, else those that are installed and those that `tests/servers` fetched.
pub(crate) fn installations() -> Vec<Installation> {
    let found = match std::env::var_os("PGSCRIM_PG_BIN") {
        Some(named) => pgscrim::demo::installations(Some(&named)),
        None => {
            let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
            let fetched: Vec<_> = (14..=18).map(|version| target.join(format!("servers/{version}/bin"))).collect();
            let fetched: OsString = std::env::join_paths(fetched).unwrap();
            let mut found = pgscrim::demo::installations(None);
            found.extend(pgscrim::demo::installations(Some(&fetched)));
            found.sort_by_key(|i| i.version);
            found.dedup_by_key(|i| i.version);
            found
        }
    };
    assert!(!found.is_empty(), "no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN");
    found
}

pub(crate) struct Server {
    cluster: Cluster,
}

impl Server {
    pub(crate) fn start(installation: &Installation) -> Self {
        Self { cluster: Cluster::start(installation, &Setup::default()).unwrap() }
    }

    pub(crate) async fn dial(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.cluster.port())).await.unwrap()
    }

    /// Runs SQL as the superuser in a database.
    pub(crate) async fn sql(&self, database: &str, text: &str) -> Vec<tokio_postgres::SimpleQueryMessage> {
        let (client, connection) = self.cluster.connect("postgres", database).connect(NoTls).await.unwrap();
        let work = client.simple_query(text);
        tokio::select! {
            done = work => done.unwrap(),
            ended = connection => panic!("the server ended the connection: {ended:?}"),
        }
    }
}
