use crate::base::{QualifiedName, RawSql};
use crate::catalog::{Catalog, Constraint, ConstraintKind, Oid, Relation, TypeInfo};
use crate::mask::MaskSpec;
use crate::plan::decide::fixture::{USERS, catalog, masked, profile, seen};
use crate::plan::{Cell, Kind, Names, Plan, Planned, Protocol, Setting, Shaped, plan_text};
use crate::policy::{Profile, RelationProfile, Reveal, RowCondition};
use crate::sql::{RefusalKind, Shape, Syntax};

mod bodies;
mod rewritten;

const ACCOUNTS: Oid = Oid(20003);

fn planned(text: &str, profile: &Profile) -> Vec<Planned> {
    planned_by(Protocol::Simple, text, profile)
}

fn planned_by(protocol: Protocol, text: &str, profile: &Profile) -> Vec<Planned> {
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let setting = Setting { catalog: &catalog(), profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    plan_text(&RawSql::new(text), &[], protocol, setting)
}

fn one(text: &str, profile: &Profile) -> Plan {
    let mut all = planned(text, profile);
    assert_eq!(all.len(), 1, "{text}");
    all.remove(0).plan
}

#[test]
fn a_masked_column_is_sent_and_masked_on_its_way_back() {
    let Plan::Send(permit) = one("select id, email from users where id < 10", &profile()) else { panic!() };
    assert_eq!(permit.kind(), Kind::MaskRows);
    assert!(matches!(permit.cells(), [Cell::Clear, Cell::Masked { .. }]));
    assert_eq!((permit.arity(), permit.returns_rows(), permit.masks_rows()), (Some(2), true, true));
    assert_eq!(permit.text(), "SELECT id, email FROM public.users WHERE id < 10");
}

#[test]
fn a_masked_column_in_where_is_refused_with_its_place() {
    let Plan::Refuse(refusal) = one("select id from users where phone = 'x'", &profile()) else { panic!() };
    assert_eq!((refusal.kind, refusal.position), (RefusalKind::Unclear, Some(28)));
    assert_eq!(refusal.decision.relations.as_ref().map(Vec::len), Some(1));
}

/// A portal goes on where the plan made anew is the one that it runs by.
#[test]
fn a_plan_is_another_where_its_text_or_masks_are() {
    let permit = |text: &str, profile: &Profile| {
        let Plan::Send(permit) = one(text, profile) else { panic!("{text}") };
        permit
    };
    let (own, text) = (profile(), "SELECT id, email FROM users");
    let mut clear = profile();
    clear.relations.get_mut(&USERS).unwrap().columns.remove(&2);
    let mut other = profile();
    other.relations.get_mut(&USERS).unwrap().columns.insert(2, seen(masked("redact", &MaskSpec::Redact, Reveal::default()), true));
    let first = permit(text, &own);
    assert!(first.same_as(&permit(text, &own)) && first.same_as(&permit("select id,email from users", &profile())));
    for (text, profile) in
        [("SELECT id, email FROM users WHERE id = 1", &own), ("SELECT email, id FROM users", &own), (text, &clear), (text, &other)]
    {
        let second = permit(text, profile);
        assert!(!first.same_as(&second) && !second.same_as(&first), "{text}");
    }
}

#[test]
fn what_postgresql_would_refuse_is_refused_in_its_words() {
    let Plan::Refuse(refusal) = one("select 1 from nowhere", &profile()) else { panic!() };
    assert_eq!(refusal.kind, RefusalKind::Postgres(Syntax::UndefinedTable));
    let Plan::Refuse(refusal) = one("select from where", &profile()) else { panic!() };
    assert_eq!(refusal.kind, RefusalKind::Postgres(Syntax::SyntaxError));
}

#[test]
fn each_statement_is_decided_and_an_empty_text_has_none() {
    let all = planned("select id from users; select id_no from users", &profile());
    assert!(matches!(all.as_slice(), [Planned { plan: Plan::Send(_), .. }, Planned { plan: Plan::Refuse(_), .. }]));
    assert!(planned(" -- nothing", &profile()).is_empty());
}

#[test]
fn several_statements_are_not_prepared() {
    let text = "SELECT 1; SELECT 2";
    assert!(planned(text, &profile()).iter().all(|p| matches!(p.plan, Plan::Send(_))));
    let prepared = planned_by(Protocol::Extended, text, &profile());
    let [Planned { plan: Plan::Refuse(refusal), .. }] = prepared.as_slice() else { panic!("{prepared:?}") };
    assert_eq!(refusal.kind, RefusalKind::Postgres(Syntax::SyntaxError));
    assert!(matches!(planned_by(Protocol::Extended, "SELECT 1;", &profile()).as_slice(), [Planned { plan: Plan::Send(_), .. }]));
}

#[test]
fn an_unrestricted_text_passes_as_it_is() {
    let unrestricted = Profile { unrestricted: true, ..Profile::default() };
    for text in ["select  email from users /* x */", "this is no statement", "select 1 from nowhere"] {
        let Plan::Send(permit) = one(text, &unrestricted) else { panic!("{text}") };
        assert_eq!((permit.text(), permit.kind()), (text, Kind::Forward));
    }
}

/// What EXPLAIN says of a statement that the proxy masks is not what it took to run it.
#[test]
fn explain_is_answered_where_it_shows_nothing_veiled() {
    for text in [
        "EXPLAIN SELECT id, email FROM users",
        "EXPLAIN (COSTS, VERBOSE, FORMAT JSON, ANALYZE off) SELECT email FROM users",
        "EXPLAIN (ANALYZE false) SELECT email FROM users",
        "EXPLAIN ANALYZE SELECT id FROM users",
        "EXPLAIN ANALYZE SELECT 1 FROM users",
    ] {
        assert!(matches!(one(text, &profile()), Plan::Send(_)), "{text}");
    }
}

/// Which code each kind of statement is refused with, without and with its right; `None` is sent.
#[test]
fn kinds_of_statements_ask_for_their_rights() {
    use crate::policy::StatementRight::{Call, Code, Ddl, Do, Explain, Lock, Maintenance};
    use RefusalKind::{Forbidden, Unclear};
    for (text, right, with) in [
        ("DO 'BEGIN END'", Do, None),
        ("CALL p()", Call, Some(RefusalKind::Postgres(Syntax::UndefinedFunction))),
        ("LOCK TABLE users", Lock, None),
        ("VACUUM", Maintenance, None),
        ("VACUUM ANALYZE users", Maintenance, None),
        ("ANALYZE users (email)", Maintenance, None),
        ("ANALYZE users (id_no)", Maintenance, Some(Forbidden)),
        ("ANALYZE pg_file_settings", Maintenance, Some(Forbidden)),
        ("REINDEX TABLE orders", Maintenance, None),
        ("CLUSTER orders USING i", Maintenance, None),
        ("CHECKPOINT", Maintenance, None),
        ("EXPLAIN ANALYZE SELECT id, email FROM users", Explain, None),
        ("EXPLAIN (ANALYZE, COSTS OFF) SELECT email FROM users", Explain, None),
        ("EXPLAIN (ANALYZE off, ANALYZE 1) SELECT email FROM users", Explain, None),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", Code, None),
        ("CREATE PROCEDURE f() LANGUAGE sql AS 'SELECT 1'", Code, None),
        ("CREATE TRIGGER t AFTER INSERT ON users EXECUTE FUNCTION tells()", Code, Some(Forbidden)),
        ("CREATE TRIGGER t AFTER UPDATE ON accounts FOR EACH ROW WHEN (true) EXECUTE FUNCTION tells()", Code, Some(Unclear)),
        ("CREATE TRIGGER t AFTER UPDATE ON accounts REFERENCING NEW TABLE AS n EXECUTE FUNCTION tells()", Code, Some(Unclear)),
        ("CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON accounts FROM users FOR EACH ROW EXECUTE FUNCTION tells()", Code, Some(Unclear)),
        ("CREATE RULE r AS ON INSERT TO users DO NOTHING", Code, Some(Unclear)),
        ("CREATE EXTENSION pg_trgm", Code, Some(Unclear)),
        ("DROP FUNCTION f", Code, Some(Unclear)),
        ("CREATE INDEX i ON users (id)", Ddl, Some(Forbidden)),
        ("CREATE SCHEMA s", Ddl, None),
        ("CREATE PUBLICATION p FOR TABLE users", Ddl, Some(Unclear)),
        ("ALTER PUBLICATION p ADD TABLE users", Ddl, Some(Unclear)),
        ("CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", Ddl, Some(Unclear)),
        ("CREATE SERVER s FOREIGN DATA WRAPPER w", Ddl, Some(Unclear)),
        ("CREATE USER MAPPING FOR x SERVER s", Ddl, Some(Unclear)),
        ("CREATE FOREIGN TABLE f (a int) SERVER s", Ddl, Some(Unclear)),
        ("IMPORT FOREIGN SCHEMA x FROM SERVER s INTO public", Ddl, Some(Unclear)),
        ("DROP OWNED BY x", Ddl, Some(Unclear)),
        ("REASSIGN OWNED BY x TO y", Ddl, Some(Unclear)),
        ("CREATE POLICY p ON users USING (true)", Ddl, Some(Unclear)),
        ("SECURITY LABEL ON TABLE users IS 'x'", Ddl, Some(Unclear)),
        ("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO x", Ddl, Some(Unclear)),
        ("CREATE DOMAIN d AS int NOT NULL CHECK (VALUE IS NOT NULL)", Ddl, None),
        ("CREATE DOMAIN d AS int CHECK (price_of(VALUE) IS NULL)", Ddl, Some(Forbidden)),
        ("CREATE DOMAIN d AS int CHECK (EXISTS (SELECT id FROM users))", Ddl, Some(Forbidden)),
        ("DROP SCHEMA s", Ddl, None),
        ("DROP SCHEMA s CASCADE", Ddl, Some(Unclear)),
        ("REFRESH MATERIALIZED VIEW v", Ddl, Some(Unclear)),
        ("CREATE VIEW v AS SELECT id FROM users", Ddl, Some(Forbidden)),
        ("CREATE VIEW v AS SELECT 1 AS a", Ddl, None),
        ("CREATE VIEW v (z) AS SELECT 1 AS a", Ddl, None),
        ("CREATE OR REPLACE VIEW mails AS SELECT 1 AS a", Ddl, Some(Unclear)),
        ("CREATE TABLE IF NOT EXISTS users AS SELECT 1 AS email", Ddl, Some(Forbidden)),
        ("CREATE TABLE n (LIKE users)", Ddl, Some(Forbidden)),
        ("CREATE TABLE n (LIKE accounts INCLUDING ALL, x int)", Ddl, None),
        ("CREATE TEMP TABLE n () INHERITS (accounts)", Ddl, None),
        ("CREATE TEMP TABLE n () INHERITS (users)", Ddl, Some(Forbidden)),
        ("CREATE TABLE n PARTITION OF accounts (total NOT NULL) FOR VALUES FROM (1) TO (MAXVALUE)", Ddl, None),
        ("CREATE TABLE n PARTITION OF accounts FOR VALUES IN (price_of(1))", Ddl, Some(Forbidden)),
        ("CREATE TABLE n (x text) PARTITION BY LIST (lower(x))", Ddl, None),
        ("CREATE TABLE n (x text) PARTITION BY HASH (x text_ops)", Ddl, Some(Unclear)),
        ("ALTER TABLE accounts DETACH PARTITION other CONCURRENTLY", Ddl, Some(RefusalKind::Postgres(Syntax::UndefinedTable))),
        ("CREATE SEQUENCE s", Ddl, None),
        ("CREATE SEQUENCE s AS int START 5 OWNED BY accounts.total", Ddl, None),
        ("CREATE SEQUENCE s OWNED BY users.id", Ddl, Some(Forbidden)),
        ("CREATE SEQUENCE s OWNED BY public.accounts.total", Ddl, None),
        ("ALTER SEQUENCE orders_id_seq RESTART", Ddl, None),
        ("ALTER SEQUENCE orders_id_seq OWNED BY accounts.id", Ddl, None),
        ("ALTER SEQUENCE public.orders_id_seq OWNED BY public.users.id", Ddl, Some(Forbidden)),
        ("ALTER SEQUENCE orders_id_seq OWNED BY NONE", Ddl, None),
        ("DROP SEQUENCE orders_id_seq", Ddl, None),
        ("CREATE TYPE t AS ENUM ('a')", Ddl, None),
        ("CREATE TYPE t AS (a int)", Ddl, Some(Unclear)),
        ("CREATE TABLE n (id int REFERENCES accounts (id))", Ddl, None),
        ("CREATE TABLE n (id int REFERENCES users (id))", Ddl, Some(Forbidden)),
        (
            "CREATE TABLE n (id int PRIMARY KEY, other int REFERENCES n, CHECK (id < 5), FOREIGN KEY (other) REFERENCES public.n (id))",
            Ddl,
            None,
        ),
        ("CREATE TABLE n (id int PRIMARY KEY, other int REFERENCES n, third int REFERENCES users)", Ddl, Some(Forbidden)),
        ("CREATE TABLE n (other int REFERENCES other.n)", Ddl, Some(RefusalKind::Postgres(Syntax::UndefinedTable))),
        ("ALTER TABLE accounts ADD COLUMN x text NOT NULL DEFAULT lower('A'), DROP COLUMN total CASCADE", Ddl, None),
        ("ALTER TABLE accounts ADD x text DEFAULT price_of(1)", Ddl, Some(Forbidden)),
        ("ALTER TABLE accounts ALTER total TYPE text USING lower(total::text)", Ddl, None),
        ("ALTER TABLE accounts ALTER total SET NOT NULL, ALTER total SET DEFAULT 0, ALTER id DROP DEFAULT", Ddl, None),
        ("ALTER TABLE accounts ADD CONSTRAINT c CHECK (id < 5), DROP CONSTRAINT d", Ddl, None),
        ("ALTER TABLE accounts ADD FOREIGN KEY (id) REFERENCES users (id)", Ddl, Some(Forbidden)),
        ("ALTER TABLE accounts DISABLE TRIGGER ALL", Ddl, Some(Unclear)),
        ("ALTER TABLE accounts INHERIT users", Ddl, Some(Forbidden)),
        ("ALTER TABLE accounts ATTACH PARTITION users DEFAULT", Ddl, Some(Forbidden)),
        ("ALTER TABLE IF EXISTS nowhere ADD x int", Ddl, None),
        ("ALTER TABLE accounts RENAME total TO x", Ddl, None),
        ("ALTER TABLE accounts RENAME TO x", Ddl, None),
        ("COMMENT ON TABLE accounts IS 'x'", Ddl, None),
        ("COMMENT ON COLUMN accounts.total IS 'x'", Ddl, None),
        ("COMMENT ON FUNCTION lower(text) IS 'x'", Ddl, Some(Unclear)),
        ("GRANT SELECT (id), UPDATE ON accounts TO x", Ddl, None),
        ("REVOKE ALL ON accounts FROM x", Ddl, None),
        ("GRANT USAGE ON SCHEMA public TO x", Ddl, None),
        ("GRANT ALL ON ALL TABLES IN SCHEMA public TO x", Ddl, Some(Unclear)),
        ("GRANT a TO b", Ddl, Some(Unclear)),
        ("CREATE TRIGGER t AFTER INSERT ON accounts EXECUTE FUNCTION tells()", Code, None),
        ("CREATE ROLE r", Ddl, Some(Unclear)),
        ("ALTER ROLE r SET search_path = x", Ddl, Some(Unclear)),
        ("DROP ROLE r", Ddl, Some(Unclear)),
        ("CREATE DATABASE d", Ddl, Some(Unclear)),
        ("ALTER DATABASE d SET search_path = x", Ddl, Some(Unclear)),
        ("DROP DATABASE d", Ddl, Some(Unclear)),
        ("CREATE TABLESPACE t LOCATION '/t'", Ddl, Some(Unclear)),
        ("ALTER SYSTEM SET work_mem = 1", Code, Some(Unclear)),
        ("LOAD 'x'", Code, Some(Unclear)),
        ("ALTER TABLE users ADD x int", Ddl, Some(Forbidden)),
        ("ALTER TABLE users RENAME TO x", Ddl, Some(Forbidden)),
        ("COMMENT ON TABLE users IS 'x'", Ddl, Some(Forbidden)),
        ("GRANT SELECT ON users TO x", Ddl, Some(Forbidden)),
    ] {
        let mut p = profile();
        let Plan::Refuse(without) = one(text, &p) else { panic!("{text}") };
        let wanted = if matches!(with, Some(RefusalKind::Postgres(_))) { with.unwrap_or(Forbidden) } else { Forbidden };
        assert_eq!(without.kind, wanted, "{text}: {}", without.message);
        p.statements.insert(right);
        p.functions.insert(Oid(30001)); // tells
        let got = match one(text, &p) {
            Plan::Send(permit) => {
                assert!(permit.decision().scrub || matches!(right, Maintenance | Lock), "{text}");
                None
            }
            Plan::Refuse(refusal) => Some((refusal.kind, refusal.message)),
        };
        assert_eq!(got.as_ref().map(|(kind, _)| *kind), with, "{text}: {got:?}");
    }
}

#[test]
fn over_the_veil_an_absent_column_stands_in_nobodys_way() {
    for (text, sent) in [
        ("SELECT id_no FROM users, (SELECT 1 AS id_no) x", "SELECT id_no FROM (SELECT FROM public.users) users, (SELECT 1 AS id_no) x"),
        (
            "SELECT 1 FROM users NATURAL JOIN (SELECT 1 AS id_no) x",
            "SELECT 1 FROM (SELECT users.id, users.email, users.phone, users.born FROM public.users) users \
             NATURAL JOIN (SELECT 1 AS id_no) x",
        ),
    ] {
        let Plan::Send(permit) = one(text, &profile()) else { panic!("{text}") };
        assert_eq!((permit.kind(), permit.text()), (Kind::Rewrite, sent));
    }
}

/// What a statement that is sent does to its session.
#[test]
fn what_is_followed_is_what_was_sent() {
    use crate::plan::Effect;
    for (text, follows) in [
        ("DISCARD TEMP", (|e| matches!(e, Effect::Discard)) as fn(&Effect) -> bool),
        ("DISCARD ALL", |e| matches!(e, Effect::DiscardAll)),
        ("BEGIN", |e| matches!(e, Effect::Begin)),
        ("COMMIT AND CHAIN", |e| matches!(e, Effect::Commit { chain: true })),
        ("ROLLBACK", |e| matches!(e, Effect::Rollback { chain: false })),
        ("CLOSE ALL", |e| matches!(e, Effect::Close(None))),
        ("SELECT id FROM users", |e| matches!(e, Effect::None)),
    ] {
        let Plan::Send(permit) = one(text, &profile()) else { panic!("{text}") };
        assert!(follows(permit.effect()), "{text}: {:?}", permit.effect());
    }
}

/// A statement whose constants are masks of `users.id`: what is sent, or why nothing is.
fn turned(text: &str, declared: &[Oid]) -> Result<String, &'static str> {
    let mut p = profile();
    let pseudonym = masked("pseudonym", &MaskSpec::Pseudonym { key: None }, Reveal::default());
    p.relations.get_mut(&USERS).unwrap().columns.insert(1, seen(pseudonym, true));
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let setting = Setting { catalog: &catalog(), profile: &p, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    match plan_text(&RawSql::new(text), declared, Protocol::Extended, setting).remove(0).plan {
        Plan::Send(permit) => Ok(permit.text().to_owned()),
        Plan::Refuse(refusal) => Err(refusal.reason),
    }
}

/// EXPLAIN shows the values of parameters, and what was prepared runs with others.
#[test]
fn a_constant_is_turned_back_where_nothing_shows_it() {
    let text = "SELECT born FROM users WHERE id = 5";
    assert_eq!(turned(text, &[]).as_deref(), Ok("SELECT born FROM public.users WHERE id = $1"));
    assert!(turned(&format!("DECLARE c CURSOR FOR {text}"), &[]).is_ok());
    for kind in ["EXPLAIN", "PREPARE p AS", "CREATE TEMP TABLE t AS"] {
        assert_eq!(turned(&format!("{kind} {text}"), &[]), Err("turned back"), "{kind}");
    }
}

/// A parameter that has its type from what is turned back would be another's, too.
#[test]
fn a_parameter_is_turned_back_wherever_it_stands_or_has_a_type() {
    let int4 = Oid(23);
    for (condition, declared, sent) in [
        ("u.id = $1", &[][..], true),
        ("u.id = $1 OR u.id = $1", &[], true),
        ("u.id = 5::int4 AND u.id = '7'::int4", &[], true),
        ("u.id = $1::int4", &[int4], true),
        ("u.id = $1 AND a.id = $2", &[], true),
        ("u.id = $1 AND a.id = $1", &[], false),
        ("u.id = $2 AND a.id = $2 AND a.id = $1", &[], false),
        ("u.id = $1 AND a.id = $1", &[Oid(0)], false),
        ("u.id = $1 AND a.id = $1", &[int4], true),
    ] {
        let text = format!("SELECT 1 FROM users u, accounts a WHERE {condition}");
        let got = turned(&text, declared);
        assert_eq!(got.as_ref().err(), (!sent).then_some(&"turned back"), "{condition} {declared:?}: {got:?}");
    }
}

/// GROUP BY a primary key groups by all columns of a table, and of a subquery only where they stand there.
#[test]
fn what_hangs_on_a_key_is_grouped_by_over_the_veil() {
    let mut contents = catalog().contents().clone();
    let users = contents.relations.iter_mut().find(|r| r.oid == USERS).unwrap();
    users.constraints = vec![Constraint { name: "p".into(), kind: ConstraintKind::Primary, columns: vec![1], definition: None }];
    let mut p = profile();
    let redact = masked("redact", &MaskSpec::Redact, Reveal::default());
    p.relations.get_mut(&USERS).unwrap().columns.insert(2, seen(redact, true));
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let setting = Setting { catalog: &Catalog::new(contents), profile: &p, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    for (text, want) in [
        ("SELECT id, lower(email) FROM users GROUP BY id", "GROUP BY id, users.email"),
        ("SELECT id, lower(email) FROM users GROUP BY id, email", "GROUP BY id, email"),
        ("SELECT id, lower(email), born FROM users GROUP BY email, id", "GROUP BY email, id, users.born"),
        ("SELECT lower(email) FROM users GROUP BY email", "GROUP BY email"),
        (
            "SELECT id, lower(email), born FROM users GROUP BY GROUPING SETS ((id), (id, email))",
            "GROUP BY GROUPING SETS (id, (id, email)), users.born",
        ),
        ("SELECT lower(email) FROM users GROUP BY GROUPING SETS ((id), (email))", "GROUP BY GROUPING SETS (id, email)"),
    ] {
        let plan = plan_text(&RawSql::new(text), &[], Protocol::Simple, setting).remove(0).plan;
        let Plan::Send(permit) = plan else { panic!("{text}: {plan:?}") };
        assert_eq!(permit.text().split_once(" users ").map(|(_, rest)| rest), Some(want), "{text}");
    }
}

/// What becomes of each statement of a string.
fn string(text: &str) -> Vec<String> {
    let mut p = profile();
    p.statements.insert(crate::policy::StatementRight::Do);
    let shown = |planned: Planned| match planned.plan {
        Plan::Send(permit) => permit.text().to_owned(),
        Plan::Refuse(refusal) => refusal.reason.to_owned(),
    };
    planned(text, &p).into_iter().map(shown).collect()
}

/// A string is decided before any of it runs: its names are what its earlier statements leave.
#[test]
fn the_names_of_a_string_are_followed() {
    let (read, found, doubt, lost) = ("SELECT id FROM users", "SELECT id FROM public.users", "names within a string", "postgres");
    for (before, after) in [
        ("SET search_path = public", found),
        ("SET search_path = nowhere, \"$user\", public, public", found),
        ("SET search_path = pg_catalog", lost),
        ("SET search_path = nowhere", lost),
        ("SELECT set_config('search_path', 'pg_catalog', false)", lost),
        ("SET search_path = pg_catalog; SET search_path = public", found),
        ("RESET search_path", doubt),
        ("RESET ALL", doubt),
        ("SET ROLE x", doubt),
        ("SET work_mem = 1", found),
        ("RESET search_path; SET search_path = public", found),
        ("COMMIT", found),
        ("SET search_path = pg_catalog; COMMIT", doubt),
        ("SET search_path = pg_catalog; ROLLBACK", doubt),
        ("SET search_path = pg_catalog; SAVEPOINT s", lost),
        ("SET search_path = pg_catalog; ROLLBACK TO s", doubt),
        ("DO 'BEGIN END'", doubt),
        ("DISCARD ALL", doubt),
        ("CREATE TEMP TABLE users AS SELECT 1 AS id", "SELECT id FROM pg_temp.users"),
        ("CREATE TEMP TABLE users AS SELECT 1 AS id; SET search_path = public", "SELECT id FROM pg_temp.users"),
        ("CREATE TEMP TABLE users AS SELECT 1 AS id; SET search_path = public, pg_temp", found),
        ("CREATE TEMP TABLE others AS SELECT 1 AS id", found),
        ("CREATE TEMP TABLE users AS SELECT 1 AS x", lost),
    ] {
        let got = string(&format!("{before}; {read}")).pop().unwrap();
        assert_eq!(got, after, "{before}");
    }
    assert_eq!(string("DISCARD ALL; SELECT 1 AS a").pop().unwrap(), "SELECT 1 AS a", "it names nothing");
}

/// What a statement stores is held against the row condition where it may be other than that.
#[test]
fn what_may_leave_the_rows_is_checked() {
    let rows = |reads: &[i16]| RowCondition { sql: "id = 1".into(), reads: reads.iter().copied().collect() };
    let check = |text: &str, reads: &[i16], code: Option<Oid>| {
        let mut contents = catalog().contents().clone();
        let accounts = contents.relations.iter().find(|r| r.oid == ACCOUNTS).unwrap().clone();
        let child = Relation { oid: Oid(40000), name: QualifiedName::new("public", "child"), parents: vec![ACCOUNTS], ..accounts };
        contents.relations.push(child);
        contents.relations.iter_mut().filter(|r| Some(r.oid) == code).for_each(|r| r.runs_code = true);
        let mut p = profile();
        p.relations.insert(ACCOUNTS, RelationProfile { rows: Some(rows(reads)), delete: true, ..RelationProfile::default() });
        let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
        let catalog = Catalog::new(contents);
        let setting = Setting { catalog: &catalog, profile: &p, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
        match plan_text(&RawSql::new(text), &[], Protocol::Simple, setting).remove(0).plan {
            Plan::Send(permit) => permit.row_check().is_some(),
            Plan::Refuse(refusal) => panic!("{text}: {refusal:?}"),
        }
    };
    for (text, reads, code, checked) in [
        ("INSERT INTO accounts (total) VALUES (2)", &[1][..], None, true),
        ("UPDATE accounts SET id = 2", &[1], None, true),
        ("UPDATE accounts SET total = 2", &[1], None, false),
        ("UPDATE accounts SET total = 2", &[1, 2], None, true),
        ("UPDATE accounts SET total = 2", &[-6], None, true),
        ("UPDATE accounts SET total = 2", &[1], Some(ACCOUNTS), true),
        ("UPDATE accounts SET total = 2", &[1], Some(Oid(40000)), true),
        ("UPDATE accounts SET total = 2", &[1], Some(USERS), false),
        ("UPDATE orders SET total = 2", &[1], None, false),
        ("DELETE FROM accounts", &[1], None, false),
        ("SELECT total FROM accounts", &[1], None, false),
        ("MERGE INTO accounts a USING orders o ON a.id = o.id WHEN NOT MATCHED THEN INSERT VALUES (o.id, 2)", &[1], None, true),
    ] {
        assert_eq!(check(text, reads, code), checked, "{text} {reads:?} {code:?}");
    }
}

/// Deferred triggers of what is written, and what else is left to the end, may speak of what is veiled.
#[test]
fn only_what_leaves_work_is_scrubbed_to_the_end() {
    for (text, defers) in [("SELECT id, email FROM users", false), ("UPDATE users SET id = 1", true), ("UPDATE accounts SET id = 1", false)]
    {
        let Plan::Send(permit) = one(text, &profile()) else { panic!("{text}") };
        assert_eq!(permit.defers(), defers, "{text}");
    }
}

/// One plan serves all texts of a shape that are one statement each, and do no more than give rows.
#[test]
fn a_shape_is_learnt_of_one_statement() {
    let p = profile();
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let catalog = catalog();
    let setting = Setting { catalog: &catalog, profile: &p, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    let learnt = |text: &str| Shaped::learn(&Shape::of(text).unwrap(), &[], Protocol::Simple, setting);
    for (text, is_learnt) in [
        ("SELECT id, email FROM users WHERE id = 1", true),
        ("SELECT id FROM users; SELECT id FROM users WHERE id = 1", false),
        ("SELECT id FROM users WHERE id = 1; SELECT id_no FROM users", false),
        ("SELECT id_no FROM users WHERE id = 1", false),
        ("SET work_mem = 1", false),
        ("DECLARE c CURSOR FOR SELECT id FROM users WHERE id = 1", false),
        ("COPY (SELECT id FROM users WHERE id = 1) TO STDOUT", false),
    ] {
        assert_eq!(learnt(text).is_some(), is_learnt, "{text}");
    }
    let other = "SELECT id, email FROM users WHERE id = 23";
    let Plan::Send(filled) = learnt("SELECT id, email FROM users WHERE id = 1").unwrap().fill(&Shape::of(other).unwrap()).plan else {
        panic!()
    };
    let Plan::Send(planned) = one(other, &p) else { panic!() };
    assert_eq!(filled.text(), planned.text());
    assert!(filled.same_as(&planned) && filled.masks_rows());
}

/// MERGE looks at what it would insert before it does: a value that may come out otherwise, or that is not there, says nothing.
#[test]
fn what_merge_inserts_is_known_before() {
    let merged = |using: &str, insert: &str, edit: &dyn Fn(&mut Relation)| {
        let mut contents = catalog().contents().clone();
        edit(contents.relations.iter_mut().find(|r| r.oid == ACCOUNTS).unwrap());
        let info = contents.types[0].clone();
        contents.types.push(TypeInfo { oid: Oid(30010), name: QualifiedName::new("public", "own"), base: Some((Oid(23), -1)), ..info });
        let mut p = profile();
        let rows = RowCondition { sql: "id = 1".into(), reads: [1].into() };
        p.relations.insert(ACCOUNTS, RelationProfile { rows: Some(rows), ..RelationProfile::default() });
        let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
        let catalog = Catalog::new(contents);
        let setting = Setting { catalog: &catalog, profile: &p, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
        let text = format!("MERGE INTO accounts a USING {using} ON a.id = o.id WHEN NOT MATCHED THEN INSERT {insert}");
        match plan_text(&RawSql::new(text), &[], Protocol::Simple, setting).remove(0).plan {
            Plan::Send(_) => "sent",
            Plan::Refuse(refusal) => refusal.reason,
        }
    };
    let (total, id) = ("(total) VALUES (2)", "(id, total) VALUES (o.id, 2)");
    for (using, insert, want) in [
        ("orders o", total, "sent"),
        ("orders o", id, "sent"),
        ("orders o", "(id) VALUES (7)", "sent"),
        ("orders o", "(id) VALUES (nullif(o.id, 1))", "rows"),
        ("orders o", "DEFAULT VALUES", "sent"),
        ("(VALUES (1), (2)) o (id)", id, "sent"),
        ("(VALUES (1), (nullif(1, 2))) o (id)", id, "rows"),
        ("(SELECT id FROM orders) o", id, "rows"),
        ("users o", id, "sent"),
        ("(SELECT 1 AS a) m CROSS JOIN orders o", id, "rows"),
    ] {
        assert_eq!(merged(using, insert, &|_| {}), want, "{using} {insert}");
    }
    // without a value it is NULL, unless the server has another
    for edit in [
        &(|r: &mut Relation| r.columns[0].default = Some("5".into())) as &dyn Fn(&mut Relation),
        &|r| r.columns[0].generated = Some("5".into()),
        &|r| r.columns[0].not_null = true,
        &|r| r.columns[0].ty.oid = Oid(30010),
    ] {
        assert_eq!(merged("orders o", total, edit), "rows");
    }
}
