//! The server, one connection, and values as they stand on the wire.

use std::error::Error;

use pgscrim::demo::{Cluster, Setup, installations};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

pub(crate) struct Server {
    client: Client,
    _cluster: Cluster,
    _connection: tokio::task::JoinHandle<()>,
}

/// The bytes of a value in binary format, of whatever type.
#[derive(Debug)]
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_vec()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Raw {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

pub(crate) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

impl Server {
    pub(crate) async fn start() -> Self {
        let found = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref());
        let installation = found.first().expect("no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN");
        let cluster = Cluster::start(installation, &Setup::default()).unwrap();
        let (client, connection) = cluster.connect("postgres", "postgres").connect(NoTls).await.unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test's connection may run where it likes")]
        let connection = tokio::spawn(async move { drop(connection.await) });
        Self { client, _cluster: cluster, _connection: connection }
    }

    pub(crate) async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{e:?}: {}", sql.chars().take(2000).collect::<String>()));
    }

    /// The first column in text format.
    pub(crate) async fn texts(&self, query: &str) -> Vec<Option<String>> {
        let rows =
            self.client.simple_query(query).await.unwrap_or_else(|e| panic!("{e:?}: {}", query.chars().take(3000).collect::<String>()));
        let cell = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
            _ => None,
        };
        rows.iter().filter_map(cell).collect()
    }

    /// The first column in binary format.
    pub(crate) async fn binaries(&self, query: &str) -> Vec<Option<Vec<u8>>> {
        let rows =
            self.client.query(query, &[]).await.unwrap_or_else(|e| panic!("{e:?}: {}", query.chars().take(3000).collect::<String>()));
        rows.iter().map(|row| row.get::<_, Option<Raw>>(0).map(|raw| raw.0)).collect()
    }

    /// What the server sends after it has received these binary values.
    pub(crate) async fn sent_back(&self, ty: &str, values: &[Option<Vec<u8>>]) -> Vec<Option<Vec<u8>>> {
        let statement = self.client.prepare(&format!("SELECT $1::{ty}")).await.unwrap();
        let mut back = Vec::new();
        for value in values {
            let value = value.clone().map(Raw);
            let row = self.client.query_one(&statement, &[&value]).await.unwrap_or_else(|e| panic!("{ty}: {e:?}: {value:?}"));
            back.push(row.get::<_, Option<Raw>>(0).map(|raw| raw.0));
        }
        back
    }

    /// The same for a type that is no array: all at once, as elements of one.
    pub(crate) async fn elements_sent_back(&self, ty: &str, oid: u32, values: &[Option<Vec<u8>>]) -> Vec<Option<Vec<u8>>> {
        let count = i32::try_from(values.len()).unwrap();
        // one dimension, NULLs, the element's type, how many, from 1
        let mut array = [1_i32.to_be_bytes(), 1_i32.to_be_bytes(), oid.to_be_bytes(), count.to_be_bytes(), 1_i32.to_be_bytes()].concat();
        for value in values {
            array.extend(value.as_ref().map_or(-1, |v| i32::try_from(v.len()).unwrap()).to_be_bytes());
            array.extend(value.as_deref().unwrap_or_default());
        }
        let query = format!("SELECT v FROM unnest($1::{ty}[]) WITH ORDINALITY u (v, i) ORDER BY i");
        let rows = self.client.query(&query, &[&Raw(array)]).await.unwrap_or_else(|e| panic!("{ty}: {e:?}"));
        rows.iter().map(|row| row.get::<_, Option<Raw>>(0).map(|raw| raw.0)).collect()
    }
}
