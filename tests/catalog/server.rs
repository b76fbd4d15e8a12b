//! A throwaway PostgreSQL of each version for these tests.

use pgscrim::demo::{Cluster, Installation, Setup};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;

#[path = "installations.rs"]
mod installations;

pub(crate) use installations::installations;

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
