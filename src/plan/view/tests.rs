use std::sync::Arc;

use crate::base::{QualifiedName, RawSql};
use crate::catalog::{Catalog, Oid, Operator, Relation, RelationKind};
use crate::mask::MaskSpec;
use crate::plan::decide::fixture::{ORDERS, USERS, catalog, column, masked, profile, relation};
use crate::plan::{Action, Cell, Names, Plan, Protocol, Setting, plan_text};
use crate::policy::{Absence, ColumnProfile, Condition, DerivedView, Outcome, Profile, RelationProfile, Reveal, RowCondition};

const SEEN: Oid = Oid(20050);
const OVER: Oid = Oid(20051);

/// The small shop with a view of this definition and one over that view, both of two columns.
fn shop(definition: &str) -> (Catalog, Profile) {
    let mut contents = catalog().contents().clone();
    let columns = || vec![column(1, "id", 23), column(2, "email", 25)];
    let mut seen = relation(SEEN, "public", "seen", RelationKind::View, columns());
    seen.definition = Some(definition.into());
    seen.reads = vec![(USERS, 1)];
    let mut over = relation(OVER, "public", "over", RelationKind::View, columns());
    over.definition = Some("SELECT seen.id, seen.email FROM public.seen;".into());
    over.reads = vec![(SEEN, 1), (SEEN, 2)];
    contents.relations.extend([seen, over]);
    let mut profile = profile();
    for oid in [SEEN, OVER] {
        let absent = ColumnProfile { read: Outcome::Absent(Absence::Derived), write: false, class: None, document: None };
        let columns = [1, 2].map(|n| (n, absent.clone())).into();
        profile.relations.insert(oid, RelationProfile { columns, other_columns: Some(Absence::Derived), ..RelationProfile::default() });
        profile.views.insert(oid, DerivedView { open: [1, 2].into(), ..DerivedView::default() });
    }
    (Catalog::new(contents), profile)
}

/// What becomes of a statement: the text that is sent, `*` for each masked result column; or why not.
fn becomes(definition: &str, text: &str) -> String {
    let (catalog, profile) = shop(definition);
    sent(&catalog, &profile, text)
}

fn sent(catalog: &Catalog, profile: &Profile, text: &str) -> String {
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let setting = Setting { catalog, profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    match plan_text(&RawSql::new(text), &[], Protocol::Simple, setting).remove(0).plan {
        Plan::Send(permit) => {
            let masked = permit.cells().iter().map(|c| if matches!(c, Cell::Masked { .. }) { '*' } else { '.' });
            format!("{} {}", masked.collect::<String>(), permit.text())
        }
        Plan::Refuse(refusal) => format!("{:?}: {}", refusal.kind, refusal.message),
    }
}

#[test]
fn a_view_is_its_definition_over_the_veil() {
    let plain = "SELECT users.id, users.email FROM public.users WHERE users.id < 9;";
    for (definition, text, want) in [
        (plain, "SELECT * FROM seen", ".* SELECT * FROM public.seen"),
        (plain, "SELECT email FROM over", "* SELECT email FROM public.over"),
        (plain, "SELECT id FROM over WHERE id = 1", " SELECT id FROM public.over WHERE id = 1"),
        ("SELECT users.id, users.id_no AS email FROM public.users;", "SELECT * FROM over", " SELECT over.id FROM public.over"),
        (
            "SELECT users.id, users.id_no AS email FROM public.users;",
            "SELECT email FROM seen",
            "Forbidden: role \"support\" denies column \"public.seen.email\" (class \"personal.contact\")",
        ),
        ("SELECT users.id, lower(users.id_no) AS email FROM public.users;", "SELECT id FROM seen", " SELECT id FROM public.seen"),
        (
            "SELECT users.id, lower(users.id_no) AS email FROM public.users;",
            "SELECT email FROM seen",
            "Forbidden: role \"support\": column \"public.seen.email\" is derived from veiled data",
        ),
        // what the server says that it depends on is not all in it
        ("SELECT 1 AS id, users.email FROM public.users;", "SELECT id FROM seen", "Unclear: view"),
        ("SELECT users.id, users.email FROM public.users WHERE users.id_no IS NULL;", "SELECT id FROM seen", "Unclear: view"),
        ("SELECT users.id, users.email FROM public.users ORDER BY users.phone;", "SELECT id FROM seen", "Unclear: view"),
    ] {
        let got = becomes(definition, text);
        assert!(got == want || want == "Unclear: view" && got.starts_with(want), "{definition}\n{text}\n{got}");
    }
}

/// What is sent for a look into a view over users of whom rows are kept, to a login that may read a view and, or not, what is below.
fn over_rows((rows, reads): (&str, i16), readers: Vec<Oid>, edit: impl FnOnce(&mut Relation)) -> String {
    let (catalog, mut profile) = shop("SELECT users.id, users.email FROM public.users;");
    let mut contents = catalog.contents().clone();
    let users = contents.relations.iter_mut().find(|r| r.oid == USERS).unwrap();
    users.readers = readers;
    edit(users);
    let rows = RowCondition { sql: rows.into(), reads: [reads].into() };
    profile.relations.get_mut(&USERS).unwrap().rows = Some(rows);
    sent(&Catalog::new(contents), &profile, "SELECT s.email FROM over s, seen WHERE s.id < 3")
}

/// The number of a column that the views do not have.
const PHONE: i16 = 4;

#[test]
fn where_rows_are_kept_by_what_a_view_has_it_stays() {
    let rows = |of: &str| {
        format!(
            "(SELECT COALESCE({of}.id, {of}.id) AS id, COALESCE({of}.email, {of}.email) AS email FROM public.{of} WHERE id = 1 OFFSET 0)"
        )
    };
    let want = format!("* SELECT s.email FROM {} s, (SELECT FROM public.seen WHERE id = 1 OFFSET 0) seen WHERE s.id < 3", rows("over"));
    // whoever may read what is below
    for readers in [vec![Oid(0)], vec![Oid(10)]] {
        assert_eq!(over_rows(("id = 1", 1), readers, |users| users.row_security = true), want);
    }
    for other in ["users.id = 1", "public.users.id = 1", "(users).id = 1", "(users.*) IS NULL", "tableoid = 1"] {
        let reads = if other.starts_with("tableoid") { -6 } else { 1 };
        let got = over_rows((other, reads), vec![Oid(0)], |_| {});
        assert!(got.contains("FROM public.users WHERE"), "{got}");
    }
}

/// A mask by a condition that the view can be asked is one of the view's.
#[test]
fn a_conditional_mask_stays_where_the_view_has_what_it_reads() {
    let becomes = |definition: &str| {
        let (catalog, mut profile) = shop(definition);
        let email = profile.relations.get_mut(&USERS).unwrap().columns.get_mut(&2).unwrap();
        let condition =
            Condition { when: "id = 1".into(), then: Outcome::Clear, otherwise: masked("r", &MaskSpec::Redact, Reveal::default()) };
        email.read = Outcome::Conditional(Arc::new(condition));
        sent(&catalog, &profile, "SELECT email FROM seen")
    };
    let got = becomes("SELECT users.id, users.email FROM public.users;");
    assert!(got.contains("CASE WHEN id = 1 THEN") && got.contains("FROM public.seen"), "{got}");
    for other in [
        "SELECT users.id + 1 AS id, users.email FROM public.users;",
        "SELECT DISTINCT users.id, users.email FROM public.users;",
        "SELECT users.id, users.email FROM public.users JOIN public.orders USING (id);",
    ] {
        let got = becomes(other);
        assert!(!got.contains("FROM public.seen"), "{got}");
    }
}

#[test]
fn where_rows_are_kept_by_something_else_the_definition_stands_in_the_views_place() {
    let columns = "COALESCE(users.id, users.id) AS id, COALESCE(users.email, users.email) AS email";
    let users =
        format!("(SELECT users.id, users.email FROM (SELECT {columns} FROM public.users WHERE phone = 'x' OFFSET 0) users OFFSET 0)");
    let over = format!("(SELECT seen.id, seen.email FROM {users} seen(id, email) OFFSET 0) s(id, email)");
    let want = format!("* SELECT s.email FROM {over}, {users} seen(id, email) WHERE s.id < 3");
    assert_eq!(over_rows(("phone = 'x'", PHONE), vec![Oid(0)], |_| {}), want);
}

/// An operator that the view's owner meant is that one, whatever stands in the path of who reads the view, and none of its namesakes is called.
#[test]
fn a_definitions_operators_are_those_that_it_was_made_with() {
    let between = |name: Option<(&str, &str)>, operator: &str| {
        let (catalog, mut profile) = shop(&format!("SELECT users.id, users.email FROM public.users WHERE users.id {operator} 9;"));
        let mut contents = catalog.contents().clone();
        profile.functions.insert(Oid(30001));
        if let Some((schema, name)) = name {
            let like = contents.operators[0].clone();
            contents.operators.push(Operator { oid: Oid(30002), name: QualifiedName::new(schema, name), function: Oid(30001), ..like });
        }
        profile.relations.get_mut(&USERS).unwrap().rows = Some(RowCondition { sql: "id = 1".into(), reads: [1].into() });
        let text = sent(&Catalog::new(contents), &profile, "SELECT id FROM seen");
        text.split_once("WHERE users.id ").and_then(|(_, rest)| rest.split_once(" 9")).map(|(operator, _)| operator.to_owned())
    };
    let collated = between(None, "< 1 AND lower(users.id::text COLLATE \"C\") = 'x' AND users.id <");
    assert!(collated.is_some_and(|text| text.contains("COLLATE pg_catalog.\"C\"")));
    for (namesake, operator, want) in [
        (None, "<", "<"),
        (Some(("public", "<")), "<", "OPERATOR(pg_catalog.<)"),
        (Some(("public", "<<")), "<", "<"),
        (Some(("public", "<")), "OPERATOR(pg_catalog.<)", "OPERATOR(pg_catalog.<)"),
        // a schema may have any name
        (Some(("<", "<")), "OPERATOR(\"<\".<)", "OPERATOR(\"<\".<)"),
    ] {
        assert_eq!(between(namesake, operator).as_deref(), Some(want), "{namesake:?} {operator}");
    }
}

#[test]
fn a_definition_runs_with_the_rights_of_the_login() {
    for (got, why) in [
        (over_rows(("phone = 'x'", PHONE), vec![Oid(10)], |_| {}), "no SELECT on \"public.users\" below it"),
        (over_rows(("phone = 'x'", PHONE), vec![Oid(0)], |users| users.row_security = true), "has row security of the server"),
    ] {
        assert!(got.starts_with("Unclear: view") && got.contains(why), "{got}");
    }
}

#[test]
fn a_view_that_is_read_as_it_is_can_be_written_through() {
    let (plain, inside) = ("SELECT users.id, users.email FROM public.users;", "SELECT users.id, lower(users.email) FROM public.users;");
    for (text, want) in [("DELETE FROM seen", " DELETE FROM public.seen"), ("UPDATE seen SET id = 1", " UPDATE public.seen SET id = 1")] {
        assert_eq!(becomes(plain, text), want);
    }
    let got = becomes(inside, "UPDATE seen SET email = 'x'");
    assert!(got.contains("can only be veiled by its definition"), "{got}");
}

#[test]
fn the_audit_names_what_is_below() {
    let (catalog, profile) = shop("SELECT users.id, users.email FROM public.users WHERE users.email IS NOT NULL;");
    let names = Names { search_path: vec!["public".into()], ..Names::default() };
    let setting = Setting { catalog: &catalog, profile: &profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    let planned = plan_text(&RawSql::new("SELECT email FROM over"), &[], Protocol::Simple, setting).remove(0);
    let decision = planned.plan.decision();
    let relations: Vec<String> = decision.relations.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(relations, ["public.over", "public.seen", "public.users"]);
    let columns: Vec<(&str, &str)> = decision.columns.iter().map(|c| (&*c.column, c.usage)).collect();
    assert_eq!(columns, [("public.users.email", "null test"), ("public.over.email", "output"), ("public.users.email", "output")]);
    assert!(decision.columns.iter().all(|c| c.action == Action::Mask));
}

/// The same with a materialized view in the view's place.
fn stored(definition: &str) -> (Catalog, Profile) {
    let (catalog, mut profile) = shop(definition);
    let mut contents = catalog.contents().clone();
    contents.relations.iter_mut().filter(|r| r.oid == SEEN).for_each(|r| r.kind = RelationKind::MaterializedView);
    profile.views.insert(SEEN, DerivedView { open: [1, 2].into(), stored: true, ..DerivedView::default() });
    (Catalog::new(contents), profile)
}

#[test]
fn a_stored_copy_has_its_sources_mask_and_what_is_derived_is_hidden() {
    let of = |email: &str| format!("SELECT users.id, {email} AS email FROM public.users");
    for (definition, text, want) in [
        (of("users.email"), "SELECT * FROM seen", ".* SELECT * FROM public.seen"),
        (of("users.email"), "SELECT email FROM over", "* SELECT email FROM public.over"),
        (of("users.id_no"), "SELECT * FROM over", " SELECT over.id FROM public.over"),
        (of("lower(users.email)"), "SELECT * FROM seen", " SELECT seen.id FROM public.seen"),
        (
            of("lower(users.email)"),
            "SELECT email FROM over",
            "Forbidden: role \"support\": column \"public.over.email\" is derived from veiled data",
        ),
        // over the veil that would be the same, and yet it is computed from the column
        (
            of("(users.email IS NULL)::text"),
            "SELECT email FROM seen",
            "Forbidden: role \"support\": column \"public.seen.email\" is derived from veiled data",
        ),
        (of("users.email") + " WHERE users.email IS NOT NULL", "SELECT * FROM seen", ".* SELECT * FROM public.seen"),
        (of("users.email") + " WHERE lower(users.email) IS NULL", "SELECT id FROM seen", "Unclear: view"),
        (of("users.email") + " ORDER BY users.email", "SELECT id FROM over", "Unclear: view"),
        (of("users.email") + " WHERE users.id_no IS NULL", "SELECT id FROM seen", "Unclear: view"),
        (of("users.email"), "DELETE FROM seen", "Unclear: view"),
    ] {
        let (catalog, profile) = stored(&format!("{definition};"));
        let got = sent(&catalog, &profile, text);
        assert!(got == want || want == "Unclear: view" && got.starts_with(want), "{definition}\n{text}\n{got}");
    }
}

#[test]
fn a_stored_copy_over_row_conditions_needs_rows_of_its_own() {
    let (catalog, mut profile) = stored("SELECT users.id, users.email FROM public.orders, public.users;");
    let rows = RowCondition { sql: "id = 1".into(), reads: [1].into() };
    profile.relations.get_mut(&USERS).unwrap().rows = Some(rows.clone());
    let got = sent(&catalog, &profile, "SELECT * FROM seen");
    assert!(got.starts_with("Unclear: view") && got.contains("no 'rows' of its own"), "{got}");
    profile.relations.get_mut(&SEEN).unwrap().rows = Some(rows);
    profile.views.insert(SEEN, DerivedView { open: [1, 2].into(), stored: true, named: true, ..DerivedView::default() });
    let got = sent(&catalog, &profile, "SELECT * FROM seen");
    assert_eq!(got, ".* SELECT * FROM (SELECT seen.id, seen.email FROM public.seen WHERE id = 1) seen");
}

/// What is copied from a view is veiled as the view is, not as the tables below it.
#[test]
fn a_copy_of_a_view_is_hidden_by_what_is_seen_of_the_view() {
    let (catalog, mut profile) = shop("SELECT users.id, users.id::text AS email FROM public.users;");
    let mut contents = catalog.contents().clone();
    let over = contents.relations.iter_mut().find(|r| r.oid == OVER).unwrap();
    (over.kind, over.definition) =
        (RelationKind::MaterializedView, Some("SELECT seen.id, lower(seen.email) AS email FROM public.seen;".into()));
    let copy = || DerivedView { open: [1, 2].into(), stored: true, ..DerivedView::default() };
    profile.views.insert(OVER, copy());
    let catalog = Catalog::new(contents);
    let text = "SELECT * FROM over";
    assert_eq!(sent(&catalog, &profile, text), " SELECT * FROM public.over");
    // the policy names the view, and a mask for what is clear below
    let masked = profile.relations[&USERS].columns[&2].clone();
    profile.relations.insert(SEEN, RelationProfile { columns: [(2, masked)].into(), ..RelationProfile::default() });
    profile.views.insert(SEEN, DerivedView { open: [1].into(), named: true, ..DerivedView::default() });
    profile.views.insert(OVER, copy());
    assert_eq!(sent(&catalog, &profile, text), " SELECT over.id FROM public.over");
}

/// All that the server says a view depends on must be found in it.
#[test]
fn one_thing_found_does_not_stand_for_another() {
    for (reads, found) in [
        (&[(USERS, 1), (USERS, 2)][..], true),
        (&[(USERS, 1), (USERS, 3)], false),
        (&[(USERS, 3), (USERS, 1)], false),
        (&[(USERS, 0)], true),
        (&[(USERS, 1), (ORDERS, 0)], false),
        (&[(USERS, 1), (ORDERS, 1)], false),
    ] {
        let (catalog, profile) = shop("SELECT users.id, users.email FROM public.users;");
        let mut contents = catalog.contents().clone();
        contents.relations.iter_mut().filter(|r| r.oid == SEEN).for_each(|r| r.reads = reads.to_vec());
        let got = sent(&Catalog::new(contents), &profile, "SELECT id FROM seen");
        assert_eq!(got.starts_with(" SELECT id FROM public.seen"), found, "{reads:?}: {got}");
    }
}

/// A function that the login may not call hides the column that passes through it, and no other.
#[test]
fn a_function_hides_what_passes_through_it() {
    let definition = "SELECT users.id, public.price_of(users.id) AS email FROM public.users;";
    for (calls, text, want) in [
        (vec![Oid(30000)], "SELECT * FROM seen", " SELECT seen.id FROM public.seen"),
        (vec![Oid(30000)], "SELECT email FROM seen", "is derived from veiled data"),
        // one of which the definition says nothing stands behind a cast in it
        (vec![Oid(30000), Oid(30001)], "SELECT id FROM seen", "calls a function that does not come with PostgreSQL"),
    ] {
        let (catalog, profile) = shop(definition);
        let mut contents = catalog.contents().clone();
        contents.relations.iter_mut().find(|r| r.oid == SEEN).unwrap().calls = calls;
        let got = sent(&Catalog::new(contents), &profile, text);
        assert!(got.contains(want), "{text}: {got}");
    }
}
