use super::examine;
use crate::base::QualifiedName;
use crate::catalog::{Constraint, ConstraintKind, Contents, Function, Oid, Trigger};
use crate::policy::compile::tests::{USERS, bound, column, shop};

const HEAD: &str = "version: 1
classes: { personal.contact: ~, personal.birth: ~, money: ~, none: ~ }
tables:
  public.users: { columns: { email: personal.contact, phone: personal.contact, born: personal.birth } }
  public.orders: { columns: { card: money } }
";

fn said(roles: &str, contents: Contents, triggers: &[Trigger]) -> Vec<String> {
    let (bound, catalog) = bound(&format!("{HEAD}{roles}"), contents);
    let found = examine(&bound, &catalog, triggers, jiff::civil::date(2026, 11, 26));
    found.0.iter().map(ToString::to_string).collect()
}

fn constraint(name: &str, kind: ConstraintKind, columns: &[i16]) -> Constraint {
    Constraint { name: name.into(), kind, columns: columns.to_vec(), definition: None }
}

/// The shop with keys.
fn keyed() -> Contents {
    let mut shop = shop();
    let users = shop.relations.iter_mut().find(|r| r.oid == Oid(USERS)).unwrap();
    users.constraints = vec![
        constraint("users_pkey", ConstraintKind::Primary, &[1]),
        constraint("users_email_key", ConstraintKind::Unique, &[2]),
        constraint("users_phone_check", ConstraintKind::Check, &[3]),
    ];
    users.columns[3].not_null = true;
    shop
}

/// A function that conditions call.
fn called(source: Option<&str>, own_path: bool) -> Contents {
    let mut contents = shop();
    contents.functions.push(Function {
        oid: Oid(30100),
        name: QualifiedName::new("public", "may_see"),
        kind: 'f',
        args: 0,
        defaults: 0,
        variadic: false,
        leakproof: false,
        returns_set: false,
        returns: Oid(16),
        arg_types: Vec::new(),
        out_columns: Vec::new(),
        volatility: 's',
        extension: None,
        body: None,
        source: source.map(Into::into),
        own_path,
    });
    contents
}

#[test]
fn functions_in_conditions_whose_names_hang_on_a_path_are_named() {
    let role = "roles: { r: { read: { personal: allow, money: allow }, rows: { public.users: \"may_see()\" } } }";
    let warns = |contents| said(role, contents, &[]).iter().any(|line| line.contains("search_path makes of them"));
    assert!(warns(called(Some("BEGIN RETURN EXISTS (SELECT FROM staff); END"), false)));
    assert!(!warns(called(Some("BEGIN RETURN EXISTS (SELECT FROM staff); END"), true)));
    assert!(!warns(called(None, false)));
}

#[test]
fn paths_into_documents_have_their_words() {
    let head = HEAD.replace("born: personal.birth", "data.$.mail: personal.contact, data.$.born: personal.birth");
    let said = |rules: &str| {
        let (bound, catalog) = bound(&format!("{head}roles: {{ r: {{ members: [alice], read: {{ money: allow, {rules} }} }} }}"), shop());
        let found = examine(&bound, &catalog, &[], jiff::civil::date(2026, 11, 26));
        let texts = found.0.iter().map(ToString::to_string).filter(|t| t.contains("data"));
        texts.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said("personal: { mask: redact }"), "");
    assert_eq!(
        said("personal.contact: allow, personal.birth: { mask: { date: { keep: year } } }"),
        "p.yaml:6:80: error: mask 'date { keep: year }' does not fit values in documents of type 3802, at 'public.users.data.$.born', so role 'r' is \
         denied it\n  help: a rule on 'public.users.data.$.born' itself: { mask: redact }, { mask: null }, allow or deny"
    );
    assert_eq!(
        said("personal: allow, public.users.data: { mask: \"null\" }, public.users.data.$.mail: allow"),
        "p.yaml:6:109: warning: role 'r' is allowed 'public.users.data.$.mail', but sees nothing in 'public.users.data', which is masked or denied as \
         a whole\n  help: give a class to the paths that are to be masked, and none to what is around them"
    );
}

#[test]
fn fields_of_composite_types_have_their_words() {
    let head = HEAD.replace(
        "  public.orders:",
        "  public.homes: { columns: { home.street: personal.contact, home.since: personal.birth } }\n  public.orders:",
    );
    let said = |rules: &str| {
        let (bound, catalog) = bound(&format!("{head}roles: {{ r: {{ members: [alice], read: {{ money: allow, {rules} }} }} }}"), shop());
        let found = examine(&bound, &catalog, &[], jiff::civil::date(2026, 11, 26));
        let texts = found.0.iter().map(ToString::to_string).filter(|t| t.contains("home"));
        texts.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(said("personal: { mask: redact }"), "");
    assert_eq!(
        said("personal: { mask: email }"),
        "p.yaml:7:55: error: mask 'email' does not fit field 'public.homes.home.since' of a value of type public.address, so role 'r' is denied it\n  \
         help: a mask for the field's type, which is no domain: a mask need not satisfy its constraints"
    );
    assert_eq!(
        said("personal.contact: { mask: redact }, personal.birth: deny"),
        "p.yaml:7:91: warning: role 'r' is denied 'public.homes.home.since', and with it 'public.homes.home', since a value has all fields of its type\n  \
         help: the mask 'null' leaves the others to be seen"
    );
    assert_eq!(
        said("personal: allow, public.homes.home: { mask: \"null\" }, public.homes.home.street: allow"),
        "p.yaml:7:109: warning: role 'r' is allowed 'public.homes.home.street', but sees nothing in 'public.homes.home', which is masked or denied as \
         a whole\n  help: give a class to the fields that are to be masked, and none to what is around them"
    );
}

#[test]
fn each_question_has_its_words() {
    for (roles, want) in [
        ("roles: { r: { members: [alice], read: { personal: allow, money: allow } } }", vec![]),
        (
            "roles: { r: { members: [alice], read: { personal: { mask: email }, money: allow } } }",
            vec![
                "p.yaml:6:41: error: mask 'email' does not fit column 'public.users.born' of type 1082, so role 'r' is denied it\n  help: a rule on 'public.users.born' itself: { mask: redact }, { mask: null }, allow or deny",
                "p.yaml:6:10: note: a dump by role 'r' could not be loaded: 'public.users.email' is masked and unique",
                "p.yaml:6:10: note: a dump by role 'r' could not be loaded: 'public.users.phone' is masked and checked by \"users_phone_check\"",
            ],
        ),
        (
            "roles: { r: { members: [alice], read: { personal: { mask: email }, public.users.email: { mask: pseudonym }, public.users.born: allow, money: allow }, write: { public.users.email: allow } } }",
            vec![
                "p.yaml:6:10: note: accepted leak: role 'r' may group and join by the pseudonyms of 'public.users.email': rows may come in the order of the original values, and who writes it can find a value by that",
                "p.yaml:6:10: note: accepted leak: role 'r' may write 'public.users.email', which is unique, and so learns whether a value is taken (23505)",
                "p.yaml:6:10: note: a dump by role 'r' could not be loaded: 'public.users.phone' is masked and checked by \"users_phone_check\"",
            ],
        ),
        (
            "roles: { r: { read: { personal: { mask: \"null\", reveal: [lookup, order] }, money: allow }, write: { personal.contact: allow }, statements: [code] } }",
            vec![
                "p.yaml:6:23: note: accepted leak: role 'r' finds rows by the raw value (lookup) where this rule holds",
                "p.yaml:6:23: note: accepted leak: role 'r' sorts and compares by the raw value (order) where this rule holds",
                "p.yaml:6:10: note: accepted leak: role 'r' may create functions ('code'), so it can read everything that its logins can on the server",
                "p.yaml:6:10: note: accepted leak: role 'r' may write 'public.users.email', which is unique, and so learns whether a value is taken (23505)",
                "p.yaml:6:10: note: a dump by role 'r' could not be loaded: 'public.users.born' is masked and must not be NULL",
                "p.yaml:6:10: note: a dump by role 'r' could not be loaded: 'public.users.email' is masked and unique",
                "p.yaml:6:10: note: a dump by role 'r' could not be loaded: 'public.users.phone' is masked and checked by \"users_phone_check\"",
            ],
        ),
        (
            "roles: { r: { read: { personal.contact: { when: \"born IS NULL OR rgion IS NULL\", then: allow, else: { mask: redact } }, personal.birth: allow, money: allow }, rows: { public.plain: \"b IS NULL\", public.orders: \"card IS NULL\" } } }",
            vec![
                "p.yaml:6:168: error: this condition cannot be used for 'public.plain': column \"b\" does not exist",
                "p.yaml:6:23: error: this condition cannot be used for 'public.users': column \"rgion\" does not exist",
            ],
        ),
        (
            "roles: { r: { read: { personal: allow, money: allow, public.orders_1.card: deny } } }",
            vec![
                "p.yaml:6:54: error: 'public.orders_1.card' is stricter for role 'r' than 'public.orders.card', which shows the same rows\n  help: say it of 'public.orders'",
            ],
        ),
        (
            "roles: { a: { members: [alice], read: { personal.contact: { mask: email }, personal.birth: allow, money: allow }, rows: { public.plain: \"a IS NULL\" } }, b: { members: [alice], read: { personal.contact: { mask: name }, personal.birth: allow, money: allow }, rows: { public.plain: \"true\" } } }",
            vec![
                "p.yaml:6:154: warning: login 'alice' is in 'a', 'b', which mask 'public.users.email' differently (email, name)\n  help: the role that stands first in the policy decides",
                "p.yaml:6:154: warning: login 'alice' is in 'a', 'b', which mask 'public.users.phone' differently (email, name)\n  help: the role that stands first in the policy decides",
                "p.yaml:6:154: note: accepted leak: login 'alice' is in 'a', 'b': their conditions on rows of 'public.plain' are joined with OR",
            ],
        ),
    ] {
        let dumps = roles.contains("members: [alice], read: { personal: { mask: email }") || roles.contains("lookup");
        let said = said(roles, if dumps { keyed() } else { shop() }, &[]);
        assert_eq!(said.join("\n"), want.join("\n"), "{roles}");
    }
}

#[test]
fn functions_of_extensions_that_reach_past_the_veil_are_named() {
    let mut contents = shop();
    for (n, name) in ["crosstab", "normal_rand"].into_iter().enumerate() {
        let oid = Oid(30000 + u32::try_from(n).unwrap());
        contents.functions.push(Function {
            oid,
            name: QualifiedName::new("public", name),
            kind: 'f',
            args: 1,
            defaults: 0,
            variadic: false,
            leakproof: false,
            returns_set: true,
            returns: Oid(2249),
            arg_types: vec![Oid(25)],
            out_columns: Vec::new(),
            volatility: 'v',
            extension: Some("tablefunc".into()),
            body: None,
            source: None,
            own_path: false,
        });
    }
    assert_eq!(
        said("roles: { r: { read: { personal: allow, money: allow }, functions: [\"extension:tablefunc\"] } }", contents, &[]),
        ["p.yaml:6:10: note: accepted leak: role 'r' may call 'crosstab' of extension 'tablefunc', which reads past every veil"]
    );
}

#[test]
fn columns_that_look_personal_are_named() {
    let mut contents = shop();
    let plain = contents.relations.iter_mut().find(|r| &*r.name.name == "plain").unwrap();
    let names = [
        ("homePhone", 25),
        ("e_mail", 25),
        ("手机号", 25),
        ("date_of_birth", 1082),
        ("passport_no", 25),
        ("address_id", 23),
        ("has_email", 16),
        ("name", 25),
        ("package", 25),
        ("ip_address", 869),
        ("token_count", 23),
        ("image", 25),
    ];
    plain.columns = names.iter().zip(1..).map(|((name, ty), n)| column(n, name, *ty)).collect();
    let said = said("roles: {}", contents, &[]);
    let found: Vec<&str> = said.iter().filter_map(|s| s.split('\'').nth(1)?.strip_prefix("public.plain.")).collect();
    assert_eq!(
        found,
        ["homePhone", "e_mail", "手机号", "date_of_birth", "passport_no", "ip_address"].map(|n| if n == "homePhone" {
            "\"homePhone\""
        } else {
            n
        })
    );
    assert_eq!(
        said.iter().find(|s| s.contains("e_mail")).unwrap(),
        "warning: column 'public.plain.e_mail' looks like an email address and has no class\n  help: tables: { public.plain: { columns: { e_mail: CLASS } } }"
    );
}

#[test]
fn defaults_that_may_read_what_is_veiled_are_named() {
    let role = "roles: { r: { read: { personal: deny, money: allow } }, s: { read: { personal: allow, money: allow } } }";
    let warned = |source| {
        let mut contents = called(Some(source), true);
        contents.relations.iter_mut().find(|r| &*r.name.name == "orders").unwrap().columns[0].calls = vec![Oid(30100)];
        let told = said(role, contents, &[]);
        told.into_iter().find(|line| line.contains("the default of 'public.orders.id' may read what is veiled"))
    };
    assert!(warned("SELECT max(email) FROM users").is_some_and(|line| line.contains("(r)")));
    assert!(warned("SELECT 1").is_none());
}

#[test]
fn triggers_that_write_elsewhere_are_named() {
    let trigger = |relation: u32, language: &str, source: &str| Trigger {
        relation: Oid(relation),
        name: "t".into(),
        function: QualifiedName::new("public", "f"),
        language: language.into(),
        source: source.into(),
    };
    let one = |t: Trigger| said("roles: {}", shop(), &[t]);
    assert!(one(trigger(USERS, "plpgsql", "BEGIN NEW.email := lower(NEW.email); RETURN NEW; END")).is_empty());
    assert!(one(trigger(20300, "plpgsql", "BEGIN INSERT INTO log VALUES (NEW.*); RETURN NEW; END")).is_empty());
    assert_eq!(
        one(trigger(USERS, "plpgsql", "BEGIN INSERT INTO log VALUES (NEW.*); RETURN NEW; END")),
        [
            "warning: trigger 't' on classified table 'public.users' may write elsewhere (its function says 'INSERT')\n  help: see function public.f: what it stores elsewhere needs a class there"
        ]
    );
    assert!(one(trigger(USERS, "c", "f"))[0].contains("cannot be read here"));
}
