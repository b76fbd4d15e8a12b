use super::*;
use crate::base::RawSql;
use crate::catalog::{Catalog, Contents};
use crate::plan::{Plan, Protocol, Setting, plan_text};
use crate::policy::Profile;
use crate::session::open::Under;

/// The names of portals and statements that a text leaves behind, where each of its statements runs.
fn left(text: &str) -> String {
    let (catalog, profile, names) = (Catalog::new(Contents::default()), Profile::default(), Arc::new(Names::default()));
    let setting = Setting { catalog: &catalog, profile: &profile, names: &names, fingerprint_key: &[7; 32], parse_limit: 1 << 20 };
    let planned: Arc<[_]> = plan_text(&RawSql::new(text), &[], Protocol::Simple, setting).into();
    let mut truth = Truth::default();
    for (i, one) in planned.iter().enumerate() {
        let Plan::Send(permit) = &one.plan else { panic!("{:?}", one.plan) };
        let under = Under { snapshot: 1, profile: profile.id };
        truth.apply(&PlannedRef::new(&planned, i, under, None).unwrap(), permit, &names);
    }
    let names = ["a", "b", "c"];
    let portals = names.iter().filter(|n| truth.portals.contains_key(n.as_bytes()));
    let statements = ["p"].iter().filter(|n| truth.statements.contains_key(n.as_bytes()));
    portals.chain(statements).copied().collect::<Vec<_>>().join(" ")
}

/// As PostgreSQL's `AtSubAbort_Portals` and its like have it; prepared statements belong to no transaction.
#[test]
fn what_is_made_behind_a_savepoint_goes_with_it() {
    for (text, want) in [
        ("BEGIN; a; SAVEPOINT s; b; ROLLBACK TO s; c", "a c"),
        ("BEGIN; a; SAVEPOINT s; b; RELEASE s; c", "a b c"),
        ("BEGIN; SAVEPOINT s; SAVEPOINT t; b; RELEASE t; ROLLBACK TO s", ""),
        ("BEGIN; SAVEPOINT s; a; SAVEPOINT t; b; ROLLBACK TO t; c; ROLLBACK TO t", "a"),
        ("BEGIN; SAVEPOINT s; a; SAVEPOINT s; b; ROLLBACK TO s", "a"),
        ("BEGIN; SAVEPOINT s; a; SAVEPOINT s; b; RELEASE s; c; ROLLBACK TO s", ""),
        ("BEGIN; SAVEPOINT s; h; PREPARE p AS SELECT 1; ROLLBACK TO s", "p"),
        ("BEGIN; SAVEPOINT s; h; a; COMMIT; BEGIN; SAVEPOINT s; ROLLBACK TO s; c", "b c"),
        ("BEGIN; SAVEPOINT s; a; ROLLBACK; BEGIN; b; SAVEPOINT s; ROLLBACK TO s", "b"),
    ] {
        let declare = |name: &str, hold: &str| format!("DECLARE {name} CURSOR {hold} FOR SELECT 1");
        let texts = text.split("; ").map(|part| match part {
            "a" | "b" | "c" => declare(part, ""),
            "h" => declare("b", "WITH HOLD"),
            other => other.to_owned(),
        });
        assert_eq!(left(&texts.collect::<Vec<_>>().join("; ")), want, "{text}");
    }
}
