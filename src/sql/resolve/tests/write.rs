//! Writes: what is set, what is stored, what is given back.

use super::*;
use crate::catalog::{Constraint, ConstraintKind};
use crate::sql::effect::{CopyDirection, CopyFormat, Deed};

/// What is set, as `New users#0.email`.
fn writes(text: &str) -> Vec<String> {
    let analysis = analysed(text);
    analysis.writes.iter().map(|w| format!("{:?} {}", w.changes, shown(&analysis, w.target))).collect()
}

#[test]
fn writes_name_the_columns_that_they_set() {
    for (text, want) in [
        ("INSERT INTO orders (id, total) VALUES (1, DEFAULT)", vec!["New orders#0.id", "New orders#0.total"]),
        ("INSERT INTO orders VALUES (1, 2)", vec!["New orders#0.id", "New orders#0.user_id"]),
        ("INSERT INTO orders DEFAULT VALUES", vec![]),
        ("UPDATE users u SET name = 'x' WHERE u.id = 1", vec!["Stored users#0.name"]),
        ("UPDATE users SET (name, email) = ('x', 'y')", vec!["Stored users#0.name", "Stored users#0.email"]),
        ("UPDATE users SET (name, email) = (SELECT 'x', 'y')", vec!["Part users#0.name", "Part users#0.email"]),
        (
            "INSERT INTO users (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            vec!["New users#0.id", "New users#0.name", "Stored users#0.name"],
        ),
        (
            "MERGE INTO users u USING orders o ON u.id = o.user_id WHEN MATCHED THEN UPDATE SET name = 'x' WHEN NOT MATCHED THEN INSERT (id) VALUES (o.id)",
            vec!["Stored users#0.name", "New users#0.id"],
        ),
    ] {
        assert_eq!(writes(text), want, "{text}");
    }
    assert_eq!(analysed("DELETE FROM users WHERE id = 1").deletes.len(), 1);
}

#[test]
fn what_is_stored_and_read_is_used() {
    for (text, want) in [
        ("INSERT INTO orders (id) SELECT id FROM users", vec!["WriteSource users#0.id"]),
        ("UPDATE users SET name = email", vec!["WriteSource users#0.email"]),
        ("UPDATE users SET name = 'x' WHERE email = 'y'", vec!["Lookup(1) users#0.email"]),
        ("UPDATE orders o SET total = 1 FROM users u WHERE u.id = o.user_id", vec!["Equality users#1.id", "Equality orders#0.user_id"]),
        ("DELETE FROM orders USING users u WHERE u.id = user_id", vec!["Equality users#1.id", "Equality orders#0.user_id"]),
        ("INSERT INTO users (id) VALUES (1) ON CONFLICT (email) DO NOTHING", vec!["Conflict users#0.email"]),
        ("INSERT INTO users (id) VALUES (1) ON CONFLICT ((email)) DO NOTHING", vec!["Conflict users#0.email"]),
        (
            "CREATE INDEX i ON users (email, lower(name)) WHERE id > 1",
            vec!["Expression users#0.email", "Expression users#0.name", "Filter users#0.id"],
        ),
        ("CREATE TEMP TABLE x AS SELECT email FROM users", vec!["WriteSource users#0.email"]),
    ] {
        assert_eq!(uses(text), want, "{text}");
    }
}

#[test]
fn returning_gives_columns() {
    assert_eq!(outputs("DELETE FROM users RETURNING email, 1"), ["email: users#0.email", "?column?: computed"]);
    assert_eq!(outputs("WITH d AS (DELETE FROM users RETURNING email) SELECT email FROM d"), ["email: users#0.email"]);
    assert!(!analysed("DELETE FROM users").returns_rows);
    let merged = outputs("MERGE INTO users u USING (SELECT id AS o FROM orders) s ON u.id = s.o WHEN MATCHED THEN DELETE RETURNING *");
    assert_eq!(merged, ["o: orders#1.id", "id: users#0.id", "email: users#0.email", "ssn: users#0.ssn", "name: users#0.name"]);
    // the row before and after can be named since PostgreSQL 18
    assert_eq!(refused("DELETE FROM users RETURNING WITH (OLD AS o) o.email").reason, "version");
    assert_eq!(refused("DELETE FROM users RETURNING old.email").kind, RefusalKind::Postgres(Syntax::UndefinedTable));
}

#[test]
fn a_missing_column_list_is_written_out() {
    let text = |sql: &str| run(sql, &[shop::SSN]).unwrap().1;
    assert_eq!(text("INSERT INTO users VALUES (1, 'a', 'b')"), "INSERT INTO public.users (id, email, name) VALUES (1, 'a', 'b')");
    assert_eq!(text("COPY users TO STDOUT"), "COPY public.users(id, email, name) TO STDOUT");
    assert_eq!(text("COPY users FROM STDIN"), "COPY public.users(id, email, name) FROM STDIN");
}

#[test]
fn copy_has_columns_and_a_format() {
    let analysis = analysed("COPY (SELECT email FROM users) TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE (email))");
    let Deed::Copy(CopyDirection::Out, format) = &analysis.deed else { panic!("{:?}", analysis.deed) };
    let want =
        CopyFormat::Csv { delimiter: b',', null: Box::default(), quote: b'"', escape: b'"', header: true, force_quote: Some(vec![0]) };
    assert_eq!(*format, want);
    assert_eq!(outputs_of(&analysis), ["email: users#0.email"]);
    assert_eq!(writes("COPY users (id) FROM STDIN"), ["New users#0.id"]);
    assert_eq!(
        writes("COPY users (id) FROM STDIN (ON_ERROR ignore, LOG_VERBOSITY verbose, REJECT_LIMIT 3, DEFAULT 'd')"),
        ["New users#0.id"]
    );
    assert_eq!(refused("COPY users TO '/tmp/x'").kind, RefusalKind::Forbidden);
    assert_eq!(refused("COPY users FROM PROGRAM 'cat'").kind, RefusalKind::Forbidden);
}

/// TRUNCATE … CASCADE empties what refers to what it empties, and that is a target as if it were named.
#[test]
fn cascade_names_what_it_empties() {
    let mut contents = shop::catalog().contents().clone();
    let orders = contents.relations.iter_mut().find(|r| r.oid == shop::ORDERS).unwrap();
    let kind = crate::catalog::ConstraintKind::Foreign(shop::USERS);
    orders.constraints.push(crate::catalog::Constraint { name: "f".into(), kind, columns: vec![2], definition: None });
    let catalog = Catalog::new(contents);
    for (text, targets) in
        [("TRUNCATE users CASCADE", &["users", "orders"][..]), ("TRUNCATE users", &["users"]), ("TRUNCATE orders CASCADE", &["orders"])]
    {
        let (analysis, _) = run_over(&catalog, text, &[]).unwrap();
        let emptied: Vec<&str> = analysis.instances.iter().filter(|i| i.access == Access::Truncate).map(|i| &*i.name.name).collect();
        assert_eq!((&*emptied, analysis.instances.len()), (targets, targets.len()), "{text}");
    }
}

/// What is not committed may be referred to by what nobody can be asked of.
#[test]
fn cascade_stays_within_what_is_known() {
    let (catalog, path): (_, [Box<str>; 2]) = (shop::catalog(), ["pg_catalog".into(), "public".into()]);
    for (schema, text, known) in [
        (None, "TRUNCATE mine CASCADE", true),
        (Some("public"), "TRUNCATE mine", true),
        (Some("public"), "TRUNCATE mine CASCADE", false),
        (Some("public"), "TRUNCATE users, mine CASCADE", false),
    ] {
        let locals = [Local { schema, name: "mine", columns: None, relation: None }];
        let mut parsed = read(text, 100).unwrap().statements.remove(0);
        let analysis = analyse(&mut parsed, Context { locals: &locals, ..Context::bare(&catalog, &path) });
        assert_eq!(analysis.map_err(|(reject, _)| reject.kind).err(), (!known).then_some(RefusalKind::Unclear), "{schema:?}: {text}");
    }
}

/// Which columns stand in the way of a row is used, and a constraint is a name for some.
#[test]
fn a_constraint_names_its_columns() {
    let mut contents = shop::catalog().contents().clone();
    let users = contents.relations.iter_mut().find(|r| r.oid == shop::USERS).unwrap();
    let constraint = |name: &str, kind, column| Constraint { name: name.into(), kind, columns: vec![column], definition: None };
    users.constraints.extend([constraint("u", ConstraintKind::Unique, 2), constraint("c", ConstraintKind::Check, 3)]);
    let catalog = Catalog::new(contents);
    for (target, want) in
        [("ON CONSTRAINT u", &["Conflict users#0.email"][..]), ("ON CONSTRAINT c", &[]), ("(id)", &["Conflict users#0.id"])]
    {
        let (analysis, _) = run_over(&catalog, &format!("INSERT INTO users (id) VALUES (1) ON CONFLICT {target} DO NOTHING"), &[]).unwrap();
        let uses: Vec<String> = analysis.uses.iter().map(|u| format!("{:?} {}", u.kind, shown(&analysis, u.source))).collect();
        assert_eq!(uses, want, "{target}");
    }
}

/// Of a table that the session made the columns are known, or a list has to name them.
#[test]
fn the_sessions_own_tables_have_the_columns_that_they_were_made_with() {
    let (catalog, path): (_, [Box<str>; 2]) = (shop::catalog(), ["pg_catalog".into(), "public".into()]);
    let made: [Box<str>; 2] = ["a".into(), "b".into()];
    for (columns, text, want) in [
        (Some(&made[..]), "SELECT * FROM mine", Some("a b")),
        (None, "SELECT * FROM mine", None),
        (None, "SELECT mine.x FROM mine", Some("x")),
        (Some(&made), "INSERT INTO mine VALUES (1)", Some("")),
        (None, "INSERT INTO mine VALUES (1)", None),
        (None, "INSERT INTO mine (a) VALUES (1)", Some("")),
        (Some(&made), "COPY mine TO STDOUT", Some("a b")),
        (None, "COPY mine TO STDOUT", None),
    ] {
        let locals = [Local { schema: None, name: "mine", columns, relation: None }];
        let mut parsed = read(text, 100).unwrap().statements.remove(0);
        let analysis = analyse(&mut parsed, Context { locals: &locals, ..Context::bare(&catalog, &path) });
        let names = |a: Analysis| a.outputs.into_iter().flatten().map(|o| o.name.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(analysis.ok().map(names).as_deref(), want, "{columns:?}: {text}");
    }
}

/// The row type of a table that the session made or changed is not the catalog's.
#[test]
fn row_types_of_the_sessions_own_tables_are_not_known() {
    let (catalog, path): (_, [Box<str>; 2]) = (shop::catalog(), ["pg_catalog".into(), "public".into()]);
    for (schema, ty, known) in [
        (None, "place", false),
        (None, "pg_temp.place", false),
        (None, "public.place", true),
        (Some("public"), "public.place", false),
        (Some("private"), "public.place", true),
        (Some("private"), "place", true),
    ] {
        let locals = [Local { schema, name: "place", columns: None, relation: None }];
        let mut parsed = read(&format!("SELECT NULL::{ty}"), 100).unwrap().statements.remove(0);
        let analysis = analyse(&mut parsed, Context { locals: &locals, ..Context::bare(&catalog, &path) });
        assert_eq!(analysis.map_err(|(reject, _)| reject.kind).err(), (!known).then_some(RefusalKind::Unclear), "{schema:?}: {ty}");
    }
}
