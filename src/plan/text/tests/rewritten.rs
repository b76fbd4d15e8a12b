//! Statements over the veil, as they are sent.

use super::*;
use crate::catalog::Contents;

/// What is sent, over users whose e-mail addresses are '***', and of whom the first exists.
fn sent(text: &str, rows: &str, edit: impl FnOnce(&mut Contents)) -> Result<String, String> {
    sent_with(Reveal::default(), text, rows, edit)
}

fn sent_with(reveal: Reveal, text: &str, rows: &str, edit: impl FnOnce(&mut Contents)) -> Result<String, String> {
    let mut contents = catalog().contents().clone();
    edit(&mut contents);
    let mut p = profile();
    let users = p.relations.get_mut(&USERS).unwrap();
    users.columns.insert(2, seen(masked("redact", &MaskSpec::Redact, reveal), true));
    users.rows = (!rows.is_empty()).then(|| RowCondition { sql: rows.into(), reads: [1].into() });
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let catalog = Catalog::new(contents);
    let setting = Setting { catalog: &catalog, profile: &p, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    match plan_text(&RawSql::new(text), &[], Protocol::Simple, setting).remove(0).plan {
        Plan::Send(permit) => Ok(permit.text().to_owned()),
        Plan::Refuse(refusal) => Err(format!("{}: {}", refusal.reason, refusal.message)),
    }
}

const CHECK: &str = "CASE WHEN users.id = 1 THEN true \
    ELSE pg_catalog.concat(pg_catalog.current_setting('pgscrim.row_condition'), '?')::boolean END";
const MASK: &str =
    "(SELECT CASE WHEN users.email IS NOT NULL THEN '***'::pg_catalog.text END::pg_catalog.text COLLATE pg_catalog.\"default\")";

/// What the raw value is kept for: that it is written back as it was read.
fn kept_or(new: &str) -> String {
    format!(
        "CASE WHEN {new} OPERATOR(pg_catalog.=) {MASK} THEN users.email \
         WHEN {new} IS NULL AND {MASK} IS NULL THEN users.email ELSE {new} END"
    )
}

#[test]
fn a_column_that_is_masked_in_sql_reveals_nothing() {
    let lookup = Reveal { lookup: true, ..Reveal::default() };
    for (text, want) in [
        ("SELECT email FROM users WHERE email = 'a'", "SELECT email FROM public.users WHERE email = 'a'"),
        ("SELECT lower(email) FROM users WHERE id = 1", "'***'::pg_catalog.text"),
        ("SELECT lower(email) FROM users WHERE email = 'a'", "reveal: lookup of column"),
        ("SELECT lower(a.email) FROM users a, users b WHERE b.email = 'a'", ") a, public.users b WHERE b.email = 'a'"),
    ] {
        let got = sent_with(lookup, text, "", |_| {}).unwrap_or_else(|why| why);
        assert!(got.contains(want), "{text}: {got}");
    }
}

/// What is stored is looked at beside an item that is no plain column, where there is one.
#[test]
fn a_row_is_checked_as_it_is_given_back() {
    for (returning, want) in [
        ("", CHECK.to_owned()),
        ("RETURNING id", format!("CASE WHEN {CHECK} THEN id ELSE id END AS id")),
        ("RETURNING id, 7 AS x", format!("id AS id, CASE WHEN {CHECK} THEN 7 ELSE 7 END AS x")),
        ("RETURNING 7 AS x, id", format!("CASE WHEN {CHECK} THEN 7 ELSE 7 END AS x, id AS id")),
    ] {
        let got = sent(&format!("UPDATE users SET id = 2 {returning}"), "id = 1", |_| {}).unwrap();
        assert_eq!(got, format!("UPDATE public.users SET id = 2 WHERE users.id = 1 RETURNING {want}"));
    }
}

#[test]
fn a_mask_stands_in_the_place_of_its_column_in_a_target() {
    for (text, want) in [
        ("SET email = 'x'", format!("SET email = {}", kept_or("'x'::pg_catalog.text"))),
        ("SET email = DEFAULT", "SET email = DEFAULT".to_owned()),
        (
            "SET email = lower('A')",
            format!(
                "SET email = (SELECT {} FROM (SELECT pg_catalog.lower('A')::pg_catalog.text AS pgscrim_new) pgscrim_new)",
                kept_or("pgscrim_new.pgscrim_new")
            ),
        ),
        ("SET id = 3 WHERE email < 'x'", format!("SET id = 3 WHERE {MASK} < 'x'")),
        (
            "SET id = 3 WHERE email < 'x' RETURNING *",
            format!("SET id = 3 WHERE {MASK} < 'x' RETURNING users.id, {MASK} AS email, users.phone, users.born"),
        ),
    ] {
        assert_eq!(sent(&format!("UPDATE users {text}"), "", |_| {}), Ok(format!("UPDATE public.users {want}")));
    }
    // no column is hidden, and yet a star is written out
    let whole = |c: &mut Contents| c.relations.iter_mut().filter(|r| r.oid == USERS).for_each(|r| r.columns.retain(|c| c.number != 3));
    let star = sent("DELETE FROM users WHERE email < 'x' RETURNING *", "", whole).unwrap();
    assert!(star.ends_with(&format!("RETURNING users.id, {MASK} AS email, users.phone, users.born")), "{star}");
    let rows = |kind, returns_set| {
        move |c: &mut Contents| {
            c.functions.iter_mut().filter(|f| &*f.name.name == "lower").for_each(|f| (f.kind, f.returns_set) = (kind, returns_set));
        }
    };
    for (kind, returns_set) in [('a', false), ('w', false), ('f', true)] {
        let got = sent("UPDATE users SET email = lower('A')", "", rows(kind, returns_set));
        assert!(got.is_err_and(|why| why.contains("a value of this kind")), "{kind} {returns_set}");
    }
}

#[test]
fn a_veil_has_the_columns_that_are_read() {
    for (text, want) in [
        // behind a fence no column stands by itself
        ("SELECT total FROM accounts JOIN users USING (id)", "SELECT COALESCE(users.id, users.id) AS id"),
        ("SELECT total FROM users JOIN accounts USING (id)", "SELECT COALESCE(users.id, users.id) AS id"),
        (
            "SELECT 1 FROM accounts NATURAL JOIN users",
            "SELECT COALESCE(users.id, users.id) AS id, COALESCE(users.email, users.email) AS email, \
             COALESCE(users.phone, users.phone) AS phone, COALESCE(users.born, users.born) AS born",
        ),
        ("SELECT 1 FROM users", "SELECT"),
        ("SELECT u.phone FROM users u", "SELECT u.phone"),
    ] {
        let got = sent(text, "id = 1", |_| {}).unwrap();
        let veil = got.split_once('(').and_then(|(_, rest)| rest.split_once(" FROM public.users")).map(|(columns, _)| columns);
        assert_eq!(
            veil.map(|v| v.replace("users.phone", if text.contains("users u") { "u.phone" } else { "users.phone" })).as_deref(),
            Some(want),
            "{text}"
        );
    }
}

/// Two relations of one name stand apart by their schemas, which a veil does not have.
#[test]
fn a_veiled_relation_has_its_name_alone() {
    let twin = |c: &mut Contents| {
        let users = c.relations.iter().find(|r| r.oid == USERS).unwrap().clone();
        c.relations.push(Relation { oid: Oid(40000), name: QualifiedName::new("private", "users"), ..users });
        c.schemas.push((Oid(40001), "private".into()));
    };
    let text = "SELECT 1 FROM public.users, private.users WHERE public.users.id = private.users.id";
    assert!(sent(text, "", twin).is_ok());
    for text in [text, "SELECT 1 FROM private.users, public.users WHERE public.users.id = 1"] {
        assert!(sent(text, "id = 1", twin).is_err_and(|why| why.starts_with("alias: ")), "{text}");
    }
}

/// Only `current_setting` says who asks.
#[test]
fn a_policys_sql_knows_the_login() {
    let got = sent("SELECT id FROM users", "lower('pgscrim.user') = current_setting('pgscrim.user')", |_| {});
    let rows = "pg_catalog.lower('pgscrim.user') = 'alice'::pg_catalog.text";
    assert_eq!(got.unwrap(), format!("SELECT id FROM (SELECT users.id FROM public.users WHERE {rows}) users"));
}
