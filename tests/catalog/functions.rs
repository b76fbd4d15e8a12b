//! What the shipped list says of functions, against `pg_proc` of each installed server.

use std::collections::BTreeMap;

use pgscrim::base::{RawSql, quote_ident};
use pgscrim::catalog::{Catalog, FIRST_NORMAL_OID, class_of_call, classified_functions};
use pgscrim::plan::{Names, Plan, Protocol, Setting, plan_text};
use pgscrim::policy::{Principal, Profile};
use pgscrim::upstream::catalog_loader::{Login, load};

use crate::server::{Server, installations};

const LOGIN: Login<'_> = Login { user: "postgres", password: None, database: "postgres" };

/// The functions of all installed versions: name to the largest number of arguments, for names that the server has.
#[tokio::test(flavor = "current_thread")]
async fn the_shipped_list_knows_every_function_and_no_others() {
    let mut names: BTreeMap<String, u32> = BTreeMap::new();
    let mut versions = Vec::new();
    for bin in installations() {
        let server = Server::start(&bin);
        let contents = load(server.dial().await, LOGIN).await.unwrap();
        let version = contents.server_version / 10_000;
        versions.push(version);
        for f in contents.functions.iter().filter(|f| f.oid < FIRST_NORMAL_OID) {
            names.insert(f.name.name.to_string(), version);
            for args in f.args - f.defaults..=f.args {
                let class = class_of_call(&f.name.name, usize::from(args));
                assert!(class.is_some(), "PostgreSQL {version}: {}/{args} is in no list", f.name.name);
            }
        }
        let catalog = pgscrim::catalog::Catalog::new(contents);
        let functions = catalog.contents().operators.iter().map(|o| o.function).chain(catalog.contents().casts.iter().map(|c| c.2));
        for f in functions.filter_map(|oid| catalog.function(oid)).filter(|f| f.oid < FIRST_NORMAL_OID) {
            let class = class_of_call(&f.name.name, usize::from(f.args));
            assert!(class.is_some_and(pgscrim::catalog::FunctionClass::is_usable), "behind an operator or cast: {}", f.name.name);
        }
    }
    // A name that no version has would be a slip; it can only be told where all versions are at hand.
    if (14..=18).all(|v| versions.contains(&v)) {
        for (name, _, _) in classified_functions() {
            assert!(names.contains_key(name), "{name} is a function of no version");
        }
    }
}

/// PostgreSQL takes `(x).f` and `t.f` for `f(x)` and `f(t)`, whatever `f` is. Nothing may come through so that a call would not.
#[tokio::test(flavor = "current_thread")]
async fn in_field_notation_no_function_is_called() {
    let principal = Principal { login: "clerk".into(), roles: vec!["clerk".into()], ..Principal::default() };
    let profile = Profile { principal, ..Profile::default() };
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    for bin in installations() {
        let server = Server::start(&bin);
        let setup = "CREATE TABLE t (x text, n int); CREATE FUNCTION one(t) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION one(text) RETURNS int LANGUAGE sql AS 'SELECT 1'";
        server.sql("postgres", setup).await;
        let catalog = Catalog::new(load(server.dial().await, LOGIN).await.unwrap());
        let setting = Setting { catalog: &catalog, profile: &profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
        let sent = |text: &str| {
            let planned = plan_text(&RawSql::new(text), &[], Protocol::Simple, setting);
            planned.iter().all(|p| matches!(p.plan, Plan::Send(_)))
        };
        assert!(sent("SELECT lower(t.x), t.x, (t).x FROM t") && !sent("SELECT pg_read_file(t.x) FROM t"));
        let mut tried = 0;
        for f in catalog.contents().functions.iter().filter(|f| f.args - f.defaults <= 1 && (f.args >= 1 || f.variadic)) {
            let f = quote_ident(&f.name.name);
            for text in [
                format!("SELECT (t.x).{f} FROM t"),
                format!("SELECT t.{f} FROM t"),
                format!("SELECT (t).{f} FROM t WHERE (t.n).{f} IS NULL"),
            ] {
                assert!(!sent(&text), "{text}");
                tried += 1;
            }
        }
        assert!(tried > 3000, "{tried} texts");
    }
}
