//! The extensions that come with PostgreSQL: nothing of theirs is usable that the policy does not give.

use std::collections::BTreeSet;

use pgscrim::base::{RawSql, quote_ident};
use pgscrim::catalog::{Catalog, FIRST_NORMAL_OID, RelationKind, SystemClass, reaching_functions, system_class};
use pgscrim::plan::{Names, Plan, Protocol, Setting, plan_text};
use pgscrim::policy::{Principal, Profile};
use pgscrim::upstream::catalog_loader::{Login, load};

use crate::server::{Server, installations};

const LOGIN: Login<'_> = Login { user: "postgres", password: None, database: "postgres" };

/// Every extension that can be made here; some need languages that are not.
const MADE: &str = "DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT e.name FROM pg_available_extensions e ORDER BY 1 LOOP
        BEGIN EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I CASCADE', name); EXCEPTION WHEN OTHERS THEN NULL; END;
    END LOOP; END $$";

/// Relations of theirs that hold numbers of pages, counters and the like.
const NUMBERS: [&str; 2] = ["pg_buffercache_numa", "pg_stat_statements_info"];

#[tokio::test(flavor = "current_thread")]
async fn no_function_is_usable_and_no_relation_shows_statements() {
    let principal = Principal { login: "clerk".into(), roles: vec!["clerk".into()], ..Principal::default() };
    let profile = Profile { principal, ..Profile::default() };
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let (mut versions, mut known) = (Vec::new(), BTreeSet::new());
    for installation in installations() {
        let server = Server::start(&installation);
        server.sql("postgres", MADE).await;
        let catalog = Catalog::new(load(server.dial().await, LOGIN).await.unwrap());
        let setting = Setting { catalog: &catalog, profile: &profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
        let sent = |text: &str| {
            let planned = plan_text(&RawSql::new(text), &[], Protocol::Simple, setting);
            planned.iter().all(|p| matches!(p.plan, Plan::Send(_)))
        };
        versions.push(installation.version);
        for f in catalog.contents().functions.iter().filter(|f| f.oid >= FIRST_NORMAL_OID) {
            known.insert((f.extension.as_deref().unwrap_or_default().to_owned(), f.name.name.to_string()));
            for args in f.args - f.defaults..=f.args {
                let nulls = vec!["NULL"; args.into()].join(", ");
                let text = format!("SELECT public.{}({nulls})", quote_ident(&f.name.name));
                assert!(!sent(&text), "PostgreSQL {}: {text}", installation.version);
            }
        }
        for r in catalog.contents().relations.iter().filter(|r| r.oid >= FIRST_NORMAL_OID && r.kind != RelationKind::Composite) {
            let class = system_class(&r.name.schema, &r.name.name);
            assert!(NUMBERS.contains(&&*r.name.name) || matches!(class, Some(SystemClass::Null(_))), "{}", r.name);
        }
    }
    if (14..=18).all(|v| versions.contains(&v)) {
        for (extension, function) in reaching_functions() {
            let found = known.iter().any(|(e, f)| e == extension && (function == "*" || f == function));
            assert!(found, "{extension}: {function} is a function of no version");
        }
    }
}
