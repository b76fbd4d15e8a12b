use crate::base::RawSql;
use crate::plan::decide::fixture::{catalog, profile};
use crate::plan::{Cell, Kind, Names, Plan, Planned, Protocol, Setting, plan_text};
use crate::policy::Profile;
use crate::sql::{RefusalKind, Syntax};

fn planned(text: &str, profile: &Profile) -> Vec<Planned> {
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let setting = Setting { catalog: &catalog(), profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    plan_text(&RawSql::new(text), &[], Protocol::Simple, setting)
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
    assert_eq!((permit.arity(), permit.returns_rows()), (Some(2), true));
    assert_eq!(permit.text(), "SELECT id, email FROM public.users WHERE id < 10");
}

#[test]
fn a_masked_column_in_where_is_refused_with_its_place() {
    let Plan::Refuse(refusal) = one("select id from users where email = 'x'", &profile()) else { panic!() };
    assert_eq!((refusal.kind, refusal.position), (RefusalKind::Unclear, Some(28)));
    assert_eq!(refusal.decision.relations.as_ref().map(Vec::len), Some(1));
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
fn an_unrestricted_text_passes_as_it_is() {
    let unrestricted = Profile { unrestricted: true, ..Profile::default() };
    for text in ["select  email from users /* x */", "this is no statement", "select 1 from nowhere"] {
        let Plan::Send(permit) = one(text, &unrestricted) else { panic!("{text}") };
        assert_eq!((permit.text(), permit.kind()), (text, Kind::Forward));
    }
}
