use crate::catalog::Catalog;
use crate::mask::Keyring;
use crate::policy::compile::tests::{column, relation, shop};
use crate::policy::{document, load};

const HEAD: &str = "version: 1\nclasses: { a: ~, b: ~ }\n";

/// What binding says of a policy over the shop of the tests.
fn said(text: &str) -> String {
    let (policy, warnings) = load(&[("p.yaml".into(), format!("{HEAD}{text}\n"))]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(warnings.to_string(), "", "{text}");
    match policy.bind(&Catalog::new(shop()), &Keyring::default()) {
        Ok((_, found)) | Err(found) => found.to_string(),
    }
}

#[test]
fn what_matches_nothing_is_an_error() {
    for (text, want) in [
        ("tables: { public.users: { columns: { email: a } } }", ""),
        (
            "tables: { public.usres: { columns: { email: a } } }",
            "p.yaml:3:11: error: nothing in the database is called 'public.usres'\n  help: did you mean 'public.users'?",
        ),
        ("tables: { public.usres: { columns: { email: a }, optional: true } }", ""),
        (
            "tables: { public.users: { columns: { emial: a } } }",
            "p.yaml:3:38: error: no column of 'public.users' is called 'emial'\n  help: did you mean 'email'?",
        ),
        ("tables: { public.users: { columns: { emial: { class: a, optional: true } } } }", ""),
        (
            "tables: { public.users: { subject: uid } }",
            "p.yaml:3:36: error: table 'public.users' has no column 'uid'\n  help: did you mean 'id'?",
        ),
        (
            "roles: { r: { read: { public.users.fax: allow } } }",
            "p.yaml:3:23: error: table 'public.users' has no column 'fax'\n  help: 'optional: true' beside it would let it be missing",
        ),
        ("roles: { r: { read: { public.users.fax: { rule: allow, optional: true } } } }", ""),
        ("roles: { r: { delete: [public.carts] } }", "p.yaml:3:24: error: nothing in the database is called 'public.carts'"),
        ("roles: { r: { functions: [public.f] } }", "p.yaml:3:27: error: no function of the database is called 'public.f'"),
        ("roles: { r: { members: [alcie] } }", "p.yaml:3:25: warning: the server has no role 'alcie'\n  help: did you mean 'alice'?"),
        (
            "roles: { r: { read: { a: { mask: pseudonym } } } }",
            "p.yaml:3:23: error: mask 'pseudonym' needs a key: the keyring has no current key\n  help: 'pgscrim keyring init keyring.yaml' makes one, and 'keyring: keyring.yaml' in the configuration names it",
        ),
        (
            "tables: { public.users: { columns: { email.$.x: a } } }",
            "p.yaml:3:38: error: column 'public.users.email' holds no json documents, so no path leads into it",
        ),
        (
            "tables: { public.homes: { columns: { home.stret: a } } }",
            "p.yaml:3:38: error: column 'public.homes.home' has no field 'stret'\n  help: did you mean 'street'?",
        ),
        ("tables: { public.homes: { columns: { home.stret: { class: a, optional: true } } } }", ""),
        (
            "roles: { r: { read: { public.homes.home.zipp: deny } } }",
            "p.yaml:3:23: error: column 'public.homes.home' has no field 'zipp'\n  help: did you mean 'zip'?",
        ),
        (
            "tables: { public.users: { columns: { email.x: a } } }",
            "p.yaml:3:38: error: column 'public.users.email' is of no composite type, so it has no fields",
        ),
        (
            "roles: { r: { write: { public.users.email.x: deny } } }",
            "p.yaml:3:24: error: column 'public.users.email' is of no composite type, so it has no fields",
        ),
        ("tables: { \"public.*\": { columns: { \"*.street\": a } } }", ""),
        (
            "roles: { r: { read: { \"public.h*.home.street\": allow, \"public.*s.home.s*t\": deny, \"public.*s.home.street\": deny } } }",
            "p.yaml:3:83: error: two patterns meet at table 'public.homes' and say different things\n  p.yaml:3:23: the other one is here\n  help: say it of the table by its full name",
        ),
        (
            "roles: { r: { read: { public.users.email.$.x: deny } } }",
            "p.yaml:3:23: error: column 'public.users.email' holds no json documents, so no path leads into it",
        ),
    ] {
        assert_eq!(said(text), want, "{text}");
    }
}

#[test]
fn patterns_that_meet_say_the_same() {
    for (text, want) in [
        (
            "tables: { \"public.u*\": { columns: { email: a } }, \"public.*s\": { columns: { email: b } }, public.mails: { columns: { email: a } } }",
            "p.yaml:3:77: error: two patterns meet at column 'public.users.email' and say different things\n  p.yaml:3:37: the other one is here\n  help: name the column without '*'",
        ),
        ("tables: { \"public.u*\": { columns: { email: a } }, public.users: { columns: { email: b } } }", ""),
        ("tables: { public.users: { columns: { \"e*\": a, \"*l\": a, \"*\": b } } }", ""),
        (
            "roles: { r: { read: { \"public.u*\": allow, \"public.*s\": deny } } }",
            "p.yaml:3:43: error: two patterns meet at table 'public.users' and say different things\n  p.yaml:3:23: the other one is here\n  help: say it of the table by its full name",
        ),
    ] {
        assert_eq!(said(text), want, "{text}");
    }
}

#[test]
fn the_sample_shop_fits_its_schema() {
    let table = crate::catalog::RelationKind::Table;
    let mut contents = crate::catalog::Contents { database: "shop".into(), ..Default::default() };
    let mut oid = 20000;
    for block in include_str!("../../demo/shop/schema.sql").split("CREATE TABLE ").skip(1) {
        let (name, rest) = block.split_once(" (").unwrap();
        let mut made = relation(oid, name, table, &[]);
        for line in rest.lines().skip(1).take_while(|l| !l.starts_with(')')) {
            let words: Vec<&str> = line.trim().trim_end_matches(',').split_whitespace().collect();
            let ty = match words[1].split('(').next().unwrap() {
                "bigint" => 20,
                "integer" => 23,
                "numeric" => 1700,
                "date" => 1082,
                "timestamptz" => 1184,
                "inet" => 869,
                "boolean" => 16,
                _ => 25,
            };
            let number = i16::try_from(made.columns.len() + 1).unwrap();
            made.columns.push(column(number, words[0], ty));
        }
        contents.relations.push(made);
        oid += 10;
    }
    let names = ["support", "analyst", "owner"];
    contents.roles = names
        .iter()
        .zip(1..)
        .map(|(n, o)| crate::catalog::Role {
            oid: crate::catalog::Oid(o),
            name: (*n).into(),
            can_login: true,
            superuser: false,
            member_of: Vec::new(),
        })
        .collect();
    let catalog = Catalog::new(contents);
    let (policy, warnings) = load(&[("shop.yaml".into(), include_str!("../../../policies/shop/shop.yaml").to_owned())]).unwrap();
    assert_eq!(warnings.to_string(), "");
    let (bound, found) = policy.bind(&catalog, &Keyring::default()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(found.to_string(), "");
    let day = jiff::civil::date(2026, 11, 24);
    let profile = |login| bound.profile(&bound.principal(login, None, &catalog, day).unwrap(), &catalog, day);
    assert!(profile("owner").unrestricted);
    assert!(profile("support").is_veiled(crate::catalog::Oid(20000)));
    assert!(!profile("analyst").read(crate::catalog::Oid(20000), 1).is_veiled());
}

#[test]
fn documents_for_another_database_do_not_count() {
    let mut found = crate::base::Diagnostics::default();
    let documents = document::read(&[("p".into(), "version: 1\ndatabase: crm\n".into())], &mut found);
    assert_eq!(documents.len(), 1);
    let text = "version: 1\ndatabase: crm\nroles: { r: { members: [alice] } }\n";
    let (policy, _) = load(&[("p.yaml".into(), text.into())]).unwrap();
    let catalog = Catalog::new(shop());
    let (bound, _) = policy.bind(&catalog, &Keyring::default()).unwrap();
    assert!(bound.principal("alice", None, &catalog, jiff::civil::date(2026, 11, 24)).is_none());
}
