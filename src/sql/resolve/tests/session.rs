//! Statements that act on the session.

use super::*;
use crate::sql::effect::{Deed, SettingChange, SettingScope};
use crate::sql::model::Need;

fn set(name: &str, values: Option<&[&str]>, scope: SettingScope) -> Deed {
    let values = values.map(|v| v.iter().map(|s| (*s).into()).collect());
    Deed::Set(SettingChange { name: Some(name.into()), values, scope })
}

#[test]
fn deeds_are_told_apart() {
    for (text, want) in [
        ("BEGIN ISOLATION LEVEL SERIALIZABLE", Deed::Begin),
        ("COMMIT AND CHAIN", Deed::Commit { chain: true }),
        ("ROLLBACK", Deed::Rollback { chain: false }),
        ("SAVEPOINT a", Deed::Savepoint("a".into())),
        ("RELEASE a", Deed::Release("a".into())),
        ("ROLLBACK TO a", Deed::RollbackTo("a".into())),
        ("SET search_path = a, \"B\"", set("search_path", Some(&["a", "B"]), SettingScope::Session)),
        ("SET LOCAL DateStyle TO iso", set("datestyle", Some(&["iso"]), SettingScope::Local)),
        ("SET statement_timeout = 5", set("statement_timeout", Some(&["5"]), SettingScope::Session)),
        ("SET ROLE x", set("role", Some(&["x"]), SettingScope::Session)),
        ("SET NAMES 'utf8'", set("client_encoding", Some(&["utf8"]), SettingScope::Session)),
        ("RESET work_mem", set("work_mem", None, SettingScope::Session)),
        ("RESET ALL", Deed::Set(SettingChange { name: None, values: None, scope: SettingScope::Session })),
        ("SELECT set_config('search_path', '', false)", set("search_path", Some(&[]), SettingScope::Session)),
        ("SELECT set_config('Search_Path', 'a, \"B\"', true)", set("search_path", Some(&["a", "B"]), SettingScope::Local)),
        // another call stands in ORDER BY, and what it sets would not be followed
        ("SELECT set_config('a.b', 'x', false) ORDER BY set_config('search_path', 'evil', false)", Deed::None),
        ("SELECT set_config('a.b', 'x', false) GROUP BY set_config('search_path', 'evil', false)", Deed::None),
        ("EXECUTE p(1)", Deed::Execute("p".into())),
        ("DEALLOCATE p", Deed::Deallocate(Some("p".into()))),
        ("DEALLOCATE ALL", Deed::Deallocate(None)),
        ("FETCH 5 FROM c", Deed::Fetch("c".into())),
        ("CLOSE c", Deed::Close(Some("c".into()))),
        ("CLOSE ALL", Deed::Close(None)),
        ("DISCARD ALL", Deed::DiscardAll),
        ("DISCARD TEMP", Deed::Discard),
        ("NOTIFY x, 'y'", Deed::None),
        ("PREPARE p (int) AS SELECT email FROM users WHERE id = $1", Deed::Prepare { name: "p".into(), rows: true }),
        ("PREPARE p AS DELETE FROM users", Deed::Prepare { name: "p".into(), rows: false }),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT email FROM users", Deed::Declare { name: "c".into(), hold: true }),
        (
            "CREATE TEMP TABLE x AS SELECT id, name AS n FROM users",
            Deed::Create { schema: None, name: "x".into(), columns: Some(vec!["id".into(), "n".into()]) },
        ),
        (
            "CREATE TEMPORARY TABLE x (a int PRIMARY KEY, b text DEFAULT 'x')",
            Deed::Create { schema: None, name: "x".into(), columns: Some(vec!["a".into(), "b".into()]) },
        ),
    ] {
        assert_eq!(analysed(text).deed, want, "{text}");
    }
}

#[test]
fn rights_are_asked_for() {
    for (text, want) in [
        ("LISTEN a", vec![Need::Listen("a".into())]),
        ("LOCK TABLE users", vec![Need::Lock]),
        ("LOCK TABLE users IN ACCESS SHARE MODE", vec![]),
        ("EXPLAIN SELECT 1", vec![Need::Explain]),
        ("EXPLAIN (VERBOSE true) SELECT 1", vec![Need::Explain]),
        ("EXPLAIN ANALYZE SELECT 1", vec![Need::ExplainAnalyze]),
        ("EXPLAIN ANALYZE VERBOSE SELECT 1", vec![Need::ExplainAnalyze]),
        ("EXPLAIN (ANALYZE 'ON') SELECT 1", vec![Need::ExplainAnalyze]),
        ("EXPLAIN (ANALYZE 'oFF') SELECT 1", vec![Need::Explain]),
        ("EXPLAIN (ANALYZE off, ANALYZE) SELECT 1", vec![Need::ExplainAnalyze]),
        ("CREATE TABLE x (a int)", vec![Need::Ddl("CREATE TABLE")]),
        ("DROP TABLE users", vec![Need::Ddl("DROP TABLE")]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", vec![Need::Code("CREATE FUNCTION")]),
        ("DO 'BEGIN END'", vec![Need::Do]),
        ("VACUUM", vec![Need::Maintenance("VACUUM")]),
        ("ANALYZE users (id)", vec![Need::Maintenance("ANALYZE")]),
        ("VACUUM (FULL, VERBOSE) users, orders", vec![Need::Maintenance("VACUUM")]),
        ("REINDEX TABLE users", vec![Need::Maintenance("REINDEX")]),
        ("CLUSTER users", vec![Need::Maintenance("CLUSTER")]),
        ("CHECKPOINT", vec![Need::Maintenance("CHECKPOINT")]),
        ("CREATE INDEX i ON orders (user_id, lower('x')) WHERE total > 1", vec![Need::Ddl("CREATE INDEX")]),
        ("CREATE SCHEMA s", vec![Need::Ddl("CREATE SCHEMA")]),
        ("CREATE VIEW v AS SELECT id FROM orders", vec![Need::Ddl("CREATE VIEW")]),
        ("ALTER TABLE users ADD x int", vec![Need::Ddl("ALTER")]),
        ("GRANT SELECT ON users TO x", vec![Need::Ddl("GRANT or REVOKE")]),
        ("EXPLAIN EXECUTE p", vec![]),
        ("TRUNCATE users CASCADE", vec![]),
        ("PREPARE TRANSACTION 'x'", vec![Need::Maintenance("PREPARE TRANSACTION")]),
    ] {
        assert_eq!(analysed(text).needs, want, "{text}");
    }
}

#[test]
fn what_is_prepared_has_its_result() {
    assert_eq!(outputs("PREPARE p AS SELECT email FROM users"), ["email: users#0.email"]);
    assert_eq!(outputs("DECLARE c CURSOR FOR SELECT email FROM users"), ["email: users#0.email"]);
    assert_eq!(outputs("SHOW search_path"), ["search_path: computed"]);
    assert_eq!(uses("EXPLAIN SELECT email FROM users"), ["Output users#0.email"]);
}

#[test]
fn other_statements_are_refused() {
    for text in ["GRANT a TO b", "SET SESSION AUTHORIZATION x"] {
        assert_eq!(refused(text).kind, RefusalKind::Unclear, "{text}");
    }
}
