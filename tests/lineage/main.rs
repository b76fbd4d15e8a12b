//! The analysis against PostgreSQL itself: a view made of a query depends on the columns that the query touches, and the printed
//! text means what the client's meant.
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

#[path = "../catalog/server.rs"]
mod server;

use std::collections::BTreeSet;

use pgscrim::catalog::{Catalog, Oid};
use pgscrim::demo::Installation;
use pgscrim::sql::model::{Analysis, InstanceOf, Source};
use pgscrim::sql::{Context, analyse, print, read};
use pgscrim::upstream::catalog_loader::{Login, Reader};
use server::{Server, installations};
use tokio_postgres::{NoTls, SimpleQueryMessage};

const SETUP: &str = include_str!("setup.sql");
const QUERIES: &str = include_str!("queries.sql");
const PSQL: &str = include_str!("psql.sql");

/// Analyses a statement with nothing hidden; the printed text.
fn analysed(catalog: &Catalog, text: &str) -> Result<(Analysis, String), String> {
    let mut parsed = read(text, 1 << 20).map_err(|e| format!("{e:?}"))?.statements.remove(0);
    let path: Vec<Box<str>> = vec!["pg_catalog".into(), "public".into()];
    let cx = Context::bare(catalog, &path);
    let analysis = analyse(&mut parsed, cx).map_err(|(reject, _)| format!("{reject:?}"))?;
    let printed = print(&parsed, text, &analysis).map_err(|e| format!("{e:?}"))?;
    Ok((analysis, printed.text().to_string()))
}

/// The statements of a text.
fn statements(text: &'static str) -> Vec<&'static str> {
    read(text, 1 << 20).unwrap().statements.iter().map(|s| text[s.start..s.end].trim()).collect()
}

/// Columns that the analysis says are touched.
fn touched(analysis: &Analysis) -> BTreeSet<(u32, i16)> {
    let flows = analysis.outputs.iter().flatten().flat_map(|o| o.flow.sources());
    let sources: Vec<Source> = analysis.uses.iter().map(|u| u.source).chain(flows.copied()).collect();
    let oid = |s: &Source| match analysis.instances[s.instance.0 as usize].of {
        InstanceOf::Catalog(Oid(oid)) => Some((oid, s.column)),
        InstanceOf::Temporary | InstanceOf::Uncommitted => None,
    };
    sources.iter().filter_map(oid).collect()
}

struct Session {
    client: tokio_postgres::Client,
}

impl Session {
    async fn open(server: &Server) -> Self {
        let mut config = tokio_postgres::Config::new();
        config.user("postgres").dbname("postgres");
        let (client, connection) = config.connect_raw(server.dial().await, NoTls).await.unwrap();
        tokio::spawn(connection);
        Self { client }
    }

    async fn run(&self, text: &str) -> Result<Vec<Vec<String>>, String> {
        let found = self.client.simple_query(text).await.map_err(|e| e.as_db_error().map_or_else(|| e.to_string(), ToString::to_string))?;
        let row = |m: SimpleQueryMessage| match m {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect()),
            _ => None,
        };
        Ok(found.into_iter().filter_map(row).collect())
    }

    /// Columns that a view made of the query depends on; its columns' names. `None` where it cannot be a view.
    async fn depends(&self, query: &str) -> Option<(BTreeSet<(u32, i16)>, Vec<String>)> {
        self.run(&format!("BEGIN; CREATE VIEW v AS {query}")).await.ok()?;
        let on = "SELECT DISTINCT refobjid, refobjsubid FROM pg_depend WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass \
                  AND refobjsubid <> 0 AND refobjid NOT IN (SELECT oid FROM pg_class WHERE relkind = 'c') AND objid = (SELECT oid FROM pg_rewrite WHERE ev_class = 'v'::regclass) AND refobjid <> 'v'::regclass";
        let found = self.run(on).await.unwrap();
        let names =
            self.run("SELECT attname FROM pg_attribute WHERE attrelid = 'v'::regclass AND attnum > 0 ORDER BY attnum").await.unwrap();
        let columns = found.iter().map(|r| (r[0].parse().unwrap(), r[1].parse().unwrap())).collect();
        Some((columns, names.into_iter().flatten().collect()))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn queries_touch_what_postgresql_says_they_touch() {
    for installation in installations() {
        let wrong = wrong(&installation).await;
        assert!(wrong.is_empty(), "PostgreSQL {}: {} wrong:\n{}", installation.version, wrong.len(), wrong.join("\n\n"));
    }
}

async fn wrong(installation: &Installation) -> Vec<String> {
    let server = Server::start(installation);
    server.sql("postgres", SETUP).await;
    let mut reader = Reader::connect(server.dial().await, Login { user: "postgres", password: None, database: "postgres" }).await.unwrap();
    let catalog = Catalog::new(reader.load().await.unwrap());
    let session = Session::open(&server).await;
    let mut wrong = Vec::new();
    for query in statements(QUERIES).into_iter().chain(statements(PSQL)) {
        let (analysis, printed) = match analysed(&catalog, query) {
            Ok(found) => found,
            // A server of another version knows other columns: what it does not accept itself may be refused.
            Err(_) if session.run("ROLLBACK").await.is_ok() && session.run(query).await.is_err() => continue,
            Err(refused) => {
                wrong.push(format!("{query}\n  refused: {refused}"));
                continue;
            }
        };
        let _ = session.run("ROLLBACK").await;
        // the server's own answer to both texts; search_path is of no account for the printed one, unless the query asks for it
        let plain = session.run(query).await;
        if !query.contains("_is_visible") && !query.contains("'mails'") {
            session.run("SET search_path = pg_catalog").await.unwrap();
        }
        let ours = session.run(&printed).await;
        let _ = session.run("RESET search_path").await;
        match (&plain, &ours) {
            (Ok(a), Ok(b)) if a.len() == b.len() => {}
            (Err(_), _) => {}
            (Ok(_), other) => wrong.push(format!("{query}\n  printed: {printed}\n  {other:?}")),
        }
        if let Some((columns, names)) = session.depends(query).await {
            let ours = touched(&analysis);
            let missing: Vec<_> = columns.difference(&ours).collect();
            if !missing.is_empty() {
                wrong.push(format!("{query}\n  not touched: {missing:?}"));
            }
            let outputs: Vec<&str> = analysis.outputs.iter().flatten().map(|o| &*o.name).collect();
            if outputs != names {
                wrong.push(format!("{query}\n  names: {outputs:?} for {names:?}"));
            }
        }
    }
    wrong
}
