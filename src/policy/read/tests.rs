use crate::policy::model::{Member, Model, ReadRule, Target};
use crate::policy::{StatementRight, document, load};

fn read(text: &str) -> (Model, String) {
    let mut found = crate::base::Diagnostics::default();
    let documents = document::read(&[("p.yaml".into(), text.to_owned())], &mut found);
    let tree = document::merge(&documents, Some("shop"), &mut found);
    let model = super::model(tree, &mut found);
    (model, found.to_string())
}

/// What is wrong with a policy of which `text` follows a version and some classes.
fn wrong(text: &str) -> String {
    let head = "version: 1\nclasses: { personal.contact: ~, personal.identity: ~, behaviour: ~ }\n";
    read(&format!("{head}{text}\n")).1
}

#[test]
fn the_languages_own_example_is_read_whole() {
    let (model, found) = read(include_str!("examples/everything.yaml"));
    assert_eq!(found, "");
    assert_eq!(model.classes.len(), 5);
    assert_eq!(model.tables.len(), 3);
    assert_eq!(model.tables[0].columns.len(), 5);
    let [support, analyst, dba] = model.roles.as_slice() else { panic!() };
    assert_eq!(support.members[2].0, Member::Group("support_team".into()));
    assert_eq!((support.read.len(), support.write.len(), support.delete.len(), support.rows.len()), (4, 1, 1, 1));
    assert_eq!(support.until, Some(jiff::civil::date(2027, 6, 30)));
    assert!(matches!(&support.read[1].target, Target::Object(key) if key.parts.len() == 3));
    assert!(matches!(&support.read[1].value, ReadRule::Mask(used) if &*used.name == "phone_tail"));
    assert!(analyst.unclassified_deny && !support.unclassified_deny && dba.unrestricted);
}

#[test]
fn lists_and_words_of_a_role() {
    let (model, found) = read(
        "version: 1\nclasses: { a: ~ }\nroles:\n  r:\n    statements: [ddl, explain]\n    listen: [jobs, \"orders_*\"]\n    functions: [\"public.st_*\", \"extension:pg_trgm\"]\n    star: refuse\n    read: { a: { when: \"x = 1\", then: allow, else: { mask: { round: { to: 0.25 } }, reveal: [lookup, order] } } }\n",
    );
    assert_eq!(found, "");
    let role = &model.roles[0];
    assert!(role.statements.contains(&StatementRight::Ddl) && role.statements.contains(&StatementRight::Explain) && role.star_refuse);
    assert_eq!((role.listen.len(), role.functions.len()), (2, 2));
    let ReadRule::When(when) = &role.read[0].value else { panic!() };
    let ReadRule::Mask(used) = &when.otherwise else { panic!() };
    assert_eq!(&*used.name, "round { to: 0.25 }");
    assert!(used.reveal.lookup && used.reveal.order && !used.reveal.equality);
}

#[test]
fn unknown_keys_name_the_nearest() {
    for (text, want) in [
        ("tabels: {}", "p.yaml:3:1: error: unknown key 'tabels'\n  help: did you mean 'tables'?"),
        ("roles: { r: { raed: {} } }", "p.yaml:3:15: error: unknown key 'raed'\n  help: did you mean 'read'?"),
        ("tables: { public.t: { colums: {} } }", "p.yaml:3:23: error: unknown key 'colums'\n  help: did you mean 'columns'?"),
        ("defaults: { purpose: x }", "p.yaml:3:13: error: unknown key 'purpose'\n  help: one of role, unclassified, timezone"),
        ("masks: { a: { partail: { first: 1 } } }", "p.yaml:3:15: error: unknown key 'partail'\n  help: did you mean 'partial'?"),
        ("masks: { a: { partial: { frist: 1 } } }", "p.yaml:3:26: error: unknown key 'frist'\n  help: did you mean 'first'?"),
        ("masks: { a: { email: { first: 1 } } }", "p.yaml:3:24: error: mask 'email' has no parameters"),
    ] {
        assert_eq!(wrong(text), want, "{text}");
    }
}

#[test]
fn what_is_wrong_says_what_would_be_right() {
    for (text, want) in [
        (
            "tables: { public.t: { columns: { a: personal.contcat } } }",
            "p.yaml:3:37: error: no class 'personal.contcat' stands under 'classes'\n  help: did you mean 'personal.contact'?",
        ),
        (
            "roles: { r: { read: { personal.contcat: allow } } }",
            "p.yaml:3:23: error: 'personal.contcat' is no class, and no table or column with its schema\n  help: did you mean 'personal.contact'?",
        ),
        (
            "tables: { users: {} }",
            "p.yaml:3:11: error: 'users' is not the name of a table\n  help: a table is named with its schema: public.users",
        ),
        ("tables: { public.user data: {} }", "p.yaml:3:11: error: 'public.user data' is not a name: this identifier needs double quotes"),
        (
            "tables: { pg_catalog.pg_class: {} }",
            "p.yaml:3:11: error: relations of 'pg_catalog' have no entries in a policy\n  help: the classification of the system catalog comes with pgscrim",
        ),
        (
            "roles: { r: { read: { personal: email } } }",
            "p.yaml:3:33: error: a rule cannot be 'email'\n  help: a mask is written { mask: email }",
        ),
        (
            "roles: { r: { read: { personal: { mask: emial } } } }",
            "p.yaml:3:41: error: no mask 'emial' is known\n  help: did you mean 'email'?",
        ),
        (
            "roles: { r: { read: { personal: { mask: partial } } } }",
            "p.yaml:3:41: error: no mask 'partial' is known\n  help: 'partial' needs parameters: { partial: { first: 3, last: 4 } }",
        ),
        ("masks: { a: { date: {} } }", "p.yaml:3:15: error: mask 'date' needs 'keep'\n  help: { date: { keep: month } }"),
        ("masks: { a: { date: { keep: day } } }", "p.yaml:3:29: error: 'keep' cannot be 'day'\n  help: one of year, month"),
        (
            "masks: { a: { round: { to: -1 } } }",
            "p.yaml:3:28: error: 'to' is not a decimal number greater than 0 with at most 18 digits, like 1000 or 0.25",
        ),
        ("masks: { a: { partial: { with: \"ab\" } } }", "p.yaml:3:32: error: 'with' is one character"),
        ("roles: { r: { until: tomorrow } }", "p.yaml:3:22: error: 'until' is a day\n  help: written 2027-06-30"),
        ("roles: { r: { members: alice } }", "p.yaml:3:24: error: 'members' is a list, not a text\n  help: write it as [a, b]"),
        (
            "roles: { r: { members: [\"gruop:x\"] } }",
            "p.yaml:3:25: error: 'gruop:x' is no member\n  help: a login, group:ROLE or cert:NAME",
        ),
        (
            "roles: { r: { write: { personal: { mask: email } } } }",
            "p.yaml:3:34: error: a rule of 'write' is a word\n  help: one of allow, deny",
        ),
        ("roles: { r: { unrestricted: perhaps } }", "p.yaml:3:29: error: 'unrestricted' is true or false"),
        (
            "roles: { r: { statements: [dll] } }",
            "p.yaml:3:28: error: 'statements' cannot be 'dll'\n  help: one of ddl, code, call, do, lock, maintenance, explain",
        ),
        (
            "roles: { r: { functions: [price_of] } }",
            "p.yaml:3:27: error: 'price_of' is not the name of a function\n  help: a function is named with its schema: public.price_of",
        ),
        ("roles: { r: { read: { personal: { when: x, then: allow } } } }", "p.yaml:3:33: error: a rule with 'when' needs 'else'"),
        (
            "defaults: { role: admin }\nroles: { admins: {} }",
            "p.yaml:3:19: error: no role 'admin' stands in the policy\n  help: did you mean 'admins'?",
        ),
        (
            "defaults: { timezone: Mars/Base }",
            "p.yaml:3:23: error: no time zone 'Mars/Base' is known\n  help: a name of the IANA database: UTC, Europe/Berlin, Asia/Shanghai",
        ),
        ("classes: 3", "p.yaml:3:1: error: not valid"),
    ] {
        let got = wrong(text);
        if text == "classes: 3" { assert!(got.contains("twice"), "{got}") } else { assert_eq!(got, want, "{text}") }
    }
}

#[test]
fn a_policy_with_an_error_is_not_loaded_and_each_error_stands_once() {
    let files = [
        ("a.yaml".to_owned(), "version: 1\nroles: { r: { raed: {} } }\n".to_owned()),
        ("b.yaml".to_owned(), "database: shop\n".to_owned()),
        ("c.yaml".to_owned(), "database: crm\n".to_owned()),
    ];
    let found = load(&files).map(|_| ()).unwrap_err();
    assert_eq!(found.to_string(), "a.yaml:2:15: error: unknown key 'raed'\n  help: did you mean 'read'?");
}

#[test]
fn hostile_yaml_is_an_error_and_no_more() {
    let deep = format!("a: {}{}", "[".repeat(50_000), "]".repeat(50_000));
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\ng: [*f, *f, *f, *f, *f, *f, *f, *f, *f]\n";
    let twice = "version: 1\nroles: {}\nroles: {}\n";
    for text in [deep.as_str(), bomb, twice, "version: 1\nroles: { a: { <<: { members: [b] } } }\n"] {
        let found = load(&[("p.yaml".into(), text.to_owned())]).map(|_| ()).unwrap_err();
        assert!(found.has_errors());
    }
    let when = format!("{}allow{}", "{ when: x, else: deny, then: ".repeat(10), " }".repeat(10));
    assert!(wrong(&format!("roles: {{ r: {{ read: {{ personal: {when} }} }} }}")).contains("more than 8 deep"));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(version: 1\n)?((classes|tables|masks|roles|defaults|read|a\\.b|\"a\\*\"|mask|when|members)[:\\-, {}\\[\\]\n ]{1,4}){0,14}") {
        let _ = load(&[("p.yaml".into(), text)]);
    }
}
