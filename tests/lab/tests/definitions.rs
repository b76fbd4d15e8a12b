//! The lineage of generated view definitions, at column level, is what PostgreSQL says that the views depend on: nothing less, and nothing
//! more but for whole rows, of which it notes the relation alone. `SEED` and `GENERATED` in the environment choose others and more.
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

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write as _;

use lab::Lab;
use lab::dice::asked_for;
use lab::queries::{Generator, SHOP};
use lab::wire::Client;
use pgscrim::catalog::{Catalog, Oid};
use pgscrim::sql::model::{Analysis, InstanceOf, Source, Use, UseKind};
use pgscrim::sql::{Context, analyse, read};

/// Columns of relations.
type Columns = BTreeSet<(u32, i16)>;

/// Analyses a query with nothing hidden.
fn analysed(catalog: &Catalog, text: &str) -> Result<Analysis, String> {
    let mut parsed = read(text, 1 << 20).map_err(|e| format!("{e:?}"))?.statements.remove(0);
    let path: Vec<Box<str>> = vec!["pg_catalog".into(), "public".into()];
    let cx = Context::bare(catalog, &path);
    analyse(&mut parsed, cx).map_err(|(reject, _)| format!("{reject:?}"))
}

/// Columns that the analysis says are touched: all of them, and those that are so by name.
fn touched(analysis: &Analysis) -> (Columns, Columns) {
    let oid = |s: &Source| match analysis.instances[s.instance.0 as usize].of {
        InstanceOf::Catalog(Oid(oid)) => Some((oid, s.column)),
        InstanceOf::Temporary | InstanceOf::Uncommitted => None,
    };
    let whole = |kind: UseKind| matches!(kind, UseKind::WholeRow | UseKind::Shadow);
    let (whole, named): (Vec<&Use>, Vec<&Use>) = analysis.uses.iter().partition(|u| whole(u.kind));
    let flows = analysis.outputs.iter().flatten().flat_map(|o| o.flow.sources()).filter_map(oid);
    let named: Columns = named.iter().filter_map(|u| oid(&u.source)).chain(flows).collect();
    let all = whole.iter().filter_map(|u| oid(&u.source)).chain(named.iter().copied()).collect();
    (all, named)
}

const DEPENDS: &str = "SELECT DISTINCT refobjid, refobjsubid FROM pg_depend WHERE classid = 'pg_rewrite'::regclass AND refclassid = 'pg_class'::regclass \
    AND refobjsubid <> 0 AND objid = (SELECT oid FROM pg_rewrite WHERE ev_class = 'v'::regclass) AND refobjid <> 'v'::regclass";

/// What a view of the query depends on; `None` where it cannot be a view.
fn depends(direct: &mut Client, query: &str, columns: usize) -> Option<Columns> {
    let names: Vec<String> = (0..columns).map(|n| format!("c{n}")).collect();
    let heard = direct.query(&format!("BEGIN; CREATE VIEW v ({}) AS {query}; {DEPENDS}", names.join(", "))).unwrap();
    direct.query("ROLLBACK").unwrap();
    if heard.iter().any(|m| m.tag == b'E') {
        return None;
    }
    let number = |v: &Option<Vec<u8>>| String::from_utf8(v.clone().unwrap()).unwrap();
    let pair = |values: Vec<Option<Vec<u8>>>| (number(&values[0]).parse().unwrap(), number(&values[1]).parse().unwrap());
    Some(heard.iter().filter(|m| m.tag == b'D').map(|m| pair(m.values())).collect())
}

#[test]
fn a_views_lineage_is_what_postgresql_says_it_depends_on() {
    let lab = Lab::start(&lab::shop_policy(), 3, "").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(pgscrim::server::run::read_database(&lab.config, "postgres")).unwrap();
    let view = database.view("support", None).unwrap();
    let port = lab.cluster.port();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 1500));
    let work = move || {
        let mut direct = Client::connect(port, "postgres", "postgres").unwrap();
        let (mut wrong, mut held, mut columns) = (String::new(), 0, 0);
        for seed in first..first + count {
            let text = Generator::new(seed, SHOP).query();
            let analysis = match analysed(&view.catalog, &text) {
                Ok(analysis) => analysis,
                Err(refused) if refused.contains("kind: Postgres(") => continue,
                Err(refused) => {
                    writeln!(wrong, "{seed}: refused: {refused}: {text}").unwrap();
                    continue;
                }
            };
            let Some(server) = depends(&mut direct, &text, analysis.outputs.iter().flatten().count()) else { continue };
            held += 1;
            columns += server.len();
            let (all, named) = touched(&analysis);
            if !all.is_superset(&server) || !named.is_subset(&server) {
                let (less, more): (Vec<_>, Vec<_>) = (server.difference(&all).collect(), named.difference(&server).collect());
                writeln!(wrong, "{seed}: not seen: {less:?}, not there: {more:?}: {text}").unwrap();
            }
        }
        (wrong, held, columns)
    };
    let (wrong, held, columns) = std::thread::Builder::new().stack_size(pgscrim::sql::STACK).spawn(work).unwrap().join().unwrap();
    writeln!(std::io::stdout(), "{count} random queries: {held} are views, of {columns} columns").unwrap();
    assert!(wrong.is_empty(), "{} wrong:\n{wrong}", wrong.lines().count());
    assert!(held * 10 > count * 7, "hardly any is a view: {held} of {count}");
}
