//! The catalog loader, against each installed server.

use std::future::poll_fn;
use std::task::Poll;

use pgscrim::base::QualifiedName;
use pgscrim::catalog::{Catalog, ConstraintKind, Oid, RelationKind, Scalar, Shape, digest};
use pgscrim::upstream::catalog_loader::{LoadError, Login, Reader};

use crate::server::{Server, installations};

const SAMPLE: &str = r#"
CREATE ROLE pgscrim LOGIN; CREATE ROLE support_team; CREATE ROLE leads IN ROLE support_team; CREATE ROLE alice LOGIN IN ROLE leads;
ALTER ROLE alice SET search_path = app, public; ALTER ROLE alice SET "my.secret" = 'x'; ALTER DATABASE postgres SET datestyle = 'ISO, DMY';
CREATE SCHEMA app;
CREATE FUNCTION app.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
CREATE FUNCTION app.pairs(n int, VARIADIC rest int[], OUT a int, OUT b text) RETURNS SETOF record LANGUAGE sql AS 'SELECT 1, ''''::text';
CREATE DOMAIN app.short AS varchar(10);
CREATE DOMAIN app.checked AS app.short CHECK (app.twice(length(VALUE)) < 20);
CREATE TYPE app.pair AS (x int, y app.checked);
CREATE TABLE app.users (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, nick app.checked DEFAULT 'n', tags varchar(5)[],
  half int GENERATED ALWAYS AS (id * 2) STORED, gone int, n app.pair, CONSTRAINT long_email CHECK (length(email) > 2));
ALTER TABLE app.users DROP COLUMN gone;
CREATE UNIQUE INDEX users_email ON app.users (email); CREATE UNIQUE INDEX users_lower ON app.users (lower(email));
CREATE TABLE app.orders (id bigint, user_id int REFERENCES app.users, at date) PARTITION BY RANGE (at);
CREATE TABLE app.orders_2026 PARTITION OF app.orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW app.mails AS SELECT u.email, app.twice(u.id) AS t, c.relname FROM app.users u, pg_class c WHERE u.half > 0;
CREATE VIEW app.common AS SELECT n_distinct FROM pg_stats;
CREATE MATERIALIZED VIEW app.stored AS SELECT count(*) FROM app.orders;
ALTER TABLE app.users ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION app.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER tr BEFORE INSERT ON app.users FOR EACH ROW EXECUTE FUNCTION app.tr();
CREATE RULE ru AS ON DELETE TO app.orders DO INSTEAD NOTHING;
CREATE OPERATOR app.<<< (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt);
"#;

fn login(user: &str) -> Login<'_> {
    Login { user, password: None, database: "postgres" }
}

fn named(name: &str) -> QualifiedName {
    QualifiedName::new("app", name)
}

#[tokio::test(flavor = "current_thread")]
async fn everything_that_the_analysis_reads_is_loaded() {
    for bin in installations() {
        let server = Server::start(&bin);
        server.sql("postgres", SAMPLE).await;
        let mut reader = Reader::connect(server.dial().await, login("pgscrim")).await.unwrap();
        let catalog = Catalog::new(reader.load().await.unwrap());
        tables_are_whole(&catalog);
        views_name_what_they_read(&catalog);
        types_and_functions_are_whole(&catalog);
        roles_and_settings_are_whole(&catalog);
        a_change_is_seen_and_temporary_tables_are_not(&server, &mut reader).await;
        a_load_that_was_dropped_leaves_no_old_snapshot(&server, &mut reader).await;
        a_path_of_its_own_hides_that_of_others(&server).await;
    }
}

fn tables_are_whole(catalog: &Catalog) {
    let users = catalog.relation_named(&named("users")).unwrap();
    let names: Vec<(i16, &str)> = users.columns.iter().map(|c| (c.number, &*c.name)).collect();
    assert_eq!(names, [(1, "id"), (2, "email"), (3, "nick"), (4, "tags"), (5, "half"), (7, "n")]);
    assert_eq!((users.kind, users.row_security, users.runs_code, users.has_rules), (RelationKind::Table, true, true, false));
    let nick = users.column("nick").unwrap();
    assert_eq!((nick.ty.scalar(), nick.ty.domain, nick.ty.max_chars), (Scalar::Varchar, true, Some(10)));
    assert_eq!(nick.default.as_deref(), Some("'n'::character varying"));
    assert_eq!(users.column("half").unwrap().generated.as_deref(), Some("(id * 2)"));
    assert!(users.column("email").unwrap().not_null);
    let tags = users.column("tags").unwrap().ty;
    assert_eq!((tags.shape, tags.max_chars), (Shape::Array { element: Scalar::Varchar, element_oid: Oid(1043) }, Some(5)));
    let kinds: Vec<(&str, &ConstraintKind, &[i16], Option<&str>)> =
        users.constraints.iter().map(|c| (&*c.name, &c.kind, &*c.columns, c.definition.as_deref())).collect();
    assert_eq!(
        kinds,
        [
            ("long_email", &ConstraintKind::Check, &[2][..], Some("CHECK ((length(email) > 2))")),
            ("users_pkey", &ConstraintKind::Primary, &[1], None),
            ("users_email", &ConstraintKind::Unique, &[2], None),
            ("users_lower", &ConstraintKind::Unique, &[0], Some("CREATE UNIQUE INDEX users_lower ON app.users USING btree (lower(email))")),
        ]
    );
    let orders = catalog.relation_named(&named("orders")).unwrap();
    assert_eq!((orders.kind, orders.has_rules), (RelationKind::Partitioned, true));
    assert!(orders.constraints.iter().any(|c| c.kind == ConstraintKind::Foreign(users.oid) && c.columns == [2]));
    let part = catalog.relation_named(&named("orders_2026")).unwrap();
    assert_eq!((&*part.parents, catalog.children(orders.oid)), (&[orders.oid][..], &[part.oid][..]));
}

fn views_name_what_they_read(catalog: &Catalog) {
    let oid = |schema: &str, name: &str| catalog.relation_named(&QualifiedName::new(schema, name)).unwrap().oid;
    let (users, orders, class) = (oid("app", "users"), oid("app", "orders"), oid("pg_catalog", "pg_class"));
    let mails = catalog.relation_named(&named("mails")).unwrap();
    assert_eq!(mails.reads, [(class, 0), (users, 1), (users, 2), (users, 5)]);
    let twice = catalog.functions_named("twice").next().unwrap();
    assert_eq!(mails.calls, [twice.oid]);
    assert!(mails.definition.as_deref().unwrap().contains("FROM app.users u"));
    let stored = catalog.relation_named(&named("stored")).unwrap();
    assert_eq!((stored.kind, &*stored.reads), (RelationKind::MaterializedView, &[(orders, 0)][..]));
    assert!(!mails.has_rules);
    let stats = catalog.relation_named(&QualifiedName::new("pg_catalog", "pg_stats")).unwrap();
    let values = stats.column("n_distinct").unwrap().number;
    assert_eq!(catalog.relation_named(&named("common")).unwrap().reads, [(stats.oid, values)]);
}

fn types_and_functions_are_whole(catalog: &Catalog) {
    let foreign = |name: &str| catalog.type_in("app", name).unwrap().foreign_code;
    assert_eq!(["short", "checked", "_checked", "pair", "users", "orders"].map(foreign), [false, true, true, true, true, false]);
    let pairs = catalog.functions_named("pairs").next().unwrap();
    assert_eq!((pairs.args, pairs.variadic, pairs.returns_set, pairs.kind), (2, true, true, 'f'));
    assert_eq!(pairs.out_columns, [("a".into(), Oid(23)), ("b".into(), Oid(25))]);
    let lower = catalog.functions_named("lower").find(|f| f.arg_types == [Oid(25)]).unwrap();
    assert_eq!((&*lower.name.schema, lower.volatility), ("pg_catalog", 'i'));
    assert!(catalog.operators_named("<<<").any(|o| &*o.name.schema == "app" && o.left == Oid(23)));
    assert_eq!(catalog.type_info(Oid(22)).unwrap().element, Oid(0), "int2vector is no array");
}

fn roles_and_settings_are_whole(catalog: &Catalog) {
    let mut groups = catalog.memberships("alice");
    groups.sort_unstable();
    assert_eq!(groups, ["alice", "leads", "support_team"]);
    assert!(catalog.role("alice").unwrap().can_login);
    let contents = catalog.contents();
    let settings: Vec<(bool, &str, &str)> = contents.settings.iter().map(|s| (s.role == Oid(0), &*s.name, &*s.value)).collect();
    assert_eq!(settings, [(true, "datestyle", "ISO, DMY"), (false, "search_path", "app, public")]);
    assert_eq!(&*contents.search_path, "\"$user\", public");
    assert!(contents.server_version >= 140_000);
}

async fn a_change_is_seen_and_temporary_tables_are_not(server: &Server, reader: &mut Reader<tokio::net::TcpStream>) {
    let before = reader.load().await.unwrap();
    assert!(!reader.changed().await.unwrap());
    server.sql("postgres", "CREATE TEMP TABLE t (a int); INSERT INTO app.users (email) SELECT 'abc'; ANALYZE app.users").await;
    assert!(!reader.changed().await.unwrap());
    for change in [
        "ALTER TABLE app.users RENAME COLUMN email TO mail",
        "ALTER TABLE app.users ALTER COLUMN mail DROP NOT NULL",
        "ALTER ROLE alice NOLOGIN",
        "GRANT support_team TO pgscrim",
        "ALTER DATABASE postgres RESET datestyle",
        "ALTER SYSTEM SET search_path = app; SELECT pg_reload_conf()",
        "DROP TABLE app.orders_2026",
    ] {
        let before = reader.load().await.unwrap();
        for statement in change.split("; ") {
            server.sql("postgres", statement).await;
        }
        // The server's processes read their files again a moment after pg_reload_conf has answered.
        while !reader.changed().await.unwrap() {}
        assert_ne!(digest(&reader.load().await.unwrap()), digest(&before), "{change}");
    }
    let after = reader.load().await.unwrap();
    assert_eq!(&*after.search_path, "app");
    assert_ne!(digest(&before), digest(&after));
}

async fn a_load_that_was_dropped_leaves_no_old_snapshot(server: &Server, reader: &mut Reader<tokio::net::TcpStream>) {
    for polls in [3, 30, 300] {
        let mut left = polls;
        let spent = poll_fn(|cx| {
            left -= 1;
            cx.waker().wake_by_ref();
            if left == 0 { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! { biased; _ = reader.load() => {}, () = spent => {} }
        server.sql("postgres", &format!("CREATE TABLE app.after_{polls} ()")).await;
        let contents = reader.load().await.unwrap();
        assert!(contents.relations.iter().any(|r| *r.name.name == *format!("after_{polls}")));
    }
}

async fn a_path_of_its_own_hides_that_of_others(server: &Server) {
    server.sql("postgres", "ALTER ROLE pgscrim SET search_path = evil").await;
    let mut reader = Reader::connect(server.dial().await, login("pgscrim")).await.unwrap();
    assert!(matches!(reader.load().await, Err(LoadError::OwnSearchPath)));
    server.sql("postgres", "ALTER DATABASE postgres SET search_path = shop").await;
    assert_eq!(&*reader.load().await.unwrap().search_path, "shop");
}
