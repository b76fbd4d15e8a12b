use super::*;
use crate::base::QualifiedName;
use crate::catalog::{Column, Contents, Oid, PgType, Relation, RelationKind, TypeInfo};
use crate::mask::Keyring;
use crate::policy::{Absence, BoundPolicy, Outcome, load};

pub(crate) fn column(number: i16, name: &str, oid: u32) -> Column {
    Column::plain(number, name, PgType::builtin(Oid(oid), -1))
}

pub(crate) fn relation(oid: u32, name: &str, kind: RelationKind, columns: &[(&str, u32)]) -> Relation {
    let (schema, name) = name.split_once('.').unwrap();
    Relation {
        oid: Oid(oid),
        name: QualifiedName::new(schema, name),
        kind,
        owner: Oid(10),
        row_type: Oid(oid + 1),
        columns: columns.iter().zip(1..).map(|((name, ty), n)| column(n, name, *ty)).collect(),
        parents: Vec::new(),
        definition: None,
        reads: Vec::new(),
        calls: Vec::new(),
        constraints: Vec::new(),
        has_rules: false,
        runs_code: false,
        row_security: false,
        readers: Vec::new(),
        temporary: false,
    }
}

fn role(oid: u32, name: &str, member_of: &[u32]) -> crate::catalog::Role {
    let member_of = member_of.iter().map(|o| Oid(*o)).collect();
    crate::catalog::Role { oid: Oid(oid), name: name.into(), can_login: true, superuser: false, member_of }
}

pub(crate) const USERS: u32 = 20000;
const VIEW: u32 = 20100;
const PARENT: u32 = 20200;
const CHILD: u32 = 20210;
const PLAIN: u32 = 20300;
const HOLDER: u32 = 20400;
const ADDRESS: u32 = 20500;
const HOMES: u32 = 20600;

/// A shop: users, a view on them, a partitioned table, one that nothing is said of, one that holds rows of users.
pub(crate) fn shop() -> Contents {
    let table = RelationKind::Table;
    let mut view = relation(VIEW, "public.mails", RelationKind::View, &[("id", 23), ("email", 25)]);
    view.definition = Some(" SELECT users.id, users.email FROM users;".into());
    view.reads = vec![(Oid(USERS), 1), (Oid(USERS), 2)];
    let mut child = relation(CHILD, "public.orders_1", table, &[("id", 23), ("card", 25)]);
    child.parents = vec![Oid(PARENT)];
    let mut users =
        relation(USERS, "public.users", table, &[("id", 23), ("email", 25), ("phone", 25), ("born", 1082), ("upper", 25), ("data", 3802)]);
    users.columns[4].generated = Some("upper(email)".into());
    let mut holder = relation(HOLDER, "public.holder", table, &[("id", 23)]);
    holder.columns.push(column(2, "who", USERS + 1));
    let row = TypeInfo {
        oid: Oid(USERS + 1),
        name: QualifiedName::new("public", "users"),
        element: Oid(0),
        array: Oid(0),
        base: None,
        relation: Oid(USERS),
        kind: 'c',
        foreign_code: false,
        constraints: Vec::new(),
    };
    let address =
        relation(ADDRESS, "public.address", RelationKind::Composite, &[("street", 25), ("zip", 25), ("since", 1082), ("at", 600)]);
    let homes = relation(HOMES, "public.homes", table, &[("id", 23), ("home", ADDRESS + 1)]);
    let composite = TypeInfo { oid: Oid(ADDRESS + 1), name: address.name.clone(), relation: Oid(ADDRESS), ..row.clone() };
    let stats = relation(2619, "pg_catalog.pg_statistic", table, &[("starelid", 26), ("stavalues1", 2277)]);
    let hba = relation(12000, "pg_catalog.pg_hba_file_rules", RelationKind::View, &[("line", 23)]);
    Contents {
        database: "shop".into(),
        relations: vec![
            view,
            users,
            child,
            relation(PARENT, "public.orders", RelationKind::Partitioned, &[("id", 23), ("card", 25)]),
            relation(PLAIN, "public.plain", table, &[("a", 23)]),
            holder,
            address,
            homes,
            stats,
            hba,
        ],
        types: vec![row, composite],
        roles: vec![role(1, "alice", &[9]), role(2, "bob", &[]), role(9, "team", &[])],
        ..Contents::default()
    }
}

const HEAD: &str = "version: 1
classes: { personal.contact: { level: 3 }, personal.birth: ~, money: ~ }
tables:
  public.users: { subject: id, columns: { email: personal.contact, phone: personal.contact, born: personal.birth } }
  public.orders: { columns: { card: money } }
";

pub(crate) fn bound(text: &str, contents: Contents) -> (BoundPolicy, Catalog) {
    let catalog = Catalog::new(contents);
    let (policy, _) = load(&[("p.yaml".into(), text.to_owned())]).unwrap_or_else(|e| panic!("{e}"));
    let keys = Keyring::new("k", [("k".to_owned(), crate::base::Secret::new(vec![7; 32]))]).unwrap();
    let (bound, _) = policy.bind(&catalog, &keys).unwrap_or_else(|e| panic!("{e}"));
    (bound, catalog)
}

fn today() -> Date {
    jiff::civil::date(2026, 11, 24)
}

fn profile(roles: &str, contents: Contents, login: &str) -> Profile {
    let (bound, catalog) = bound(&format!("{HEAD}{roles}"), contents);
    let principal = bound.principal(login, None, &catalog, today()).expect("a role");
    bound.profile(&principal, &catalog, today())
}

fn shown(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Clear => "clear".into(),
        Outcome::Masked(rule) => rule.name.to_string(),
        Outcome::Conditional(_) => "when".into(),
        Outcome::Absent(Absence::Denied { role }) => format!("denied by {role}"),
        Outcome::Absent(why) => format!("{why:?}"),
    }
}

fn reads(profile: &Profile, relation: u32, columns: i16) -> String {
    (1..=columns).map(|c| shown(&profile.read(Oid(relation), c))).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_most_specific_rule_decides() {
    for (rules, want) in [
        ("", "clear, NoRule, NoRule, NoRule, Derived, clear"),
        ("personal: allow", "clear, clear, clear, clear, clear, clear"),
        ("personal: { mask: redact }", "clear, redact, redact, redact, redact, clear"),
        ("personal: allow, personal.contact: { mask: email }", "clear, email, email, clear, Derived, clear"),
        ("personal.contact: { mask: email }, public.users: allow", "clear, clear, clear, clear, clear, clear"),
        ("public.users: allow, public.users.phone: deny", "clear, clear, denied by r, clear, clear, clear"),
        ("public.users: { mask: null }", "null, null, null, null, null, null"),
        ("\"public.users.*\": { mask: null }, public.users.id: allow", "clear, null, null, null, null, null"),
        ("personal: { mask: email }", "clear, email, email, Misfit { mask: \"email\" }, Derived, clear"),
        ("personal: { when: \"id = 1\", then: allow, else: deny }", "clear, when, when, when, Derived, clear"),
    ] {
        let profile = profile(&format!("roles: {{ r: {{ members: [alice], read: {{ {rules} }} }} }}\n"), shop(), "alice");
        assert_eq!(reads(&profile, USERS, 6), want, "{rules}");
    }
}

#[test]
fn several_roles_join() {
    for (a, b, want) in [
        ("read: { personal: allow }", "read: { personal: deny }", "clear, denied by b, denied by b, denied by b, Derived, clear"),
        ("read: { personal: { mask: redact } }", "read: { personal: allow }", "clear, clear, clear, clear, clear, clear"),
        ("read: { personal: { mask: redact } }", "read: { personal: { mask: null } }", "clear, redact, redact, redact, redact, clear"),
        ("read: {}", "read: { personal: { mask: null } }", "clear, null, null, null, null, clear"),
        ("unclassified: deny", "read: {}", "clear, NoRule, NoRule, NoRule, Derived, clear"),
        (
            "unclassified: deny",
            "unclassified: deny, read: { public.users.id: allow }",
            "clear, NoRule, NoRule, NoRule, Unclassified, Unclassified",
        ),
    ] {
        let roles = format!("roles: {{ a: {{ members: [alice], {a} }}, b: {{ members: [\"group:team\"], {b} }} }}\n");
        assert_eq!(reads(&profile(&roles, shop(), "alice"), USERS, 6), want, "{a} | {b}");
    }
}

#[test]
fn what_is_made_of_veiled_data_is_veiled() {
    let veiled = profile(
        "roles: { r: { members: [alice], read: { personal.contact: { mask: email }, money: { mask: redact } } } }\n",
        shop(),
        "alice",
    );
    assert_eq!(reads(&veiled, VIEW, 2), "Derived, Derived");
    assert_eq!(reads(&veiled, PARENT, 2), "clear, redact");
    assert_eq!(reads(&veiled, CHILD, 2), "clear, redact");
    assert_eq!(reads(&veiled, HOLDER, 2), "clear, Derived");
    assert_eq!(reads(&veiled, PLAIN, 1), "clear");
    assert!(!veiled.relations.contains_key(&Oid(PLAIN)));
    assert!(!veiled.write(Oid(CHILD), 2) && veiled.write(Oid(CHILD), 1) && veiled.write(Oid(PLAIN), 1));
    let clear = profile("roles: { r: { members: [alice], read: { personal: allow, money: allow } } }\n", shop(), "alice");
    assert_eq!(reads(&clear, VIEW, 2), "clear, clear");
    assert_eq!(reads(&clear, CHILD, 2), "clear, clear");
}

#[test]
fn a_whole_row_in_a_view_is_all_its_columns() {
    let roles = "roles: { r: { members: [alice], read: { personal: { mask: redact } } } }\n";
    for (definition, want) in [
        (" SELECT users.id FROM users;", "clear"),
        (" SELECT to_json(users.*) AS id FROM users;", "Derived"),
        (" SELECT 1 AS id FROM users WHERE query_to_xml('x', true, true, '') IS NULL;", "Derived"),
    ] {
        let mut contents = shop();
        contents.relations[0].reads = vec![(Oid(USERS), 1)];
        contents.relations[0].definition = Some(definition.into());
        assert_eq!(reads(&profile(roles, contents, "alice"), VIEW, 1), want, "{definition}");
    }
}

#[test]
fn a_view_that_the_policy_names_is_a_relation_of_its_own() {
    let text = format!(
        "{HEAD}  public.mails: {{ columns: {{ email: personal.contact }} }}\nroles: {{ r: {{ members: [alice], read: {{ personal.contact: {{ mask: email }} }} }} }}\n"
    );
    let (bound, catalog) = bound(&text, shop());
    let principal = bound.principal("alice", None, &catalog, today()).unwrap();
    assert_eq!(reads(&bound.profile(&principal, &catalog, today()), VIEW, 2), "Derived, email");
}

#[test]
fn the_systems_own_relations() {
    let profile = profile("roles: { r: { members: [alice], unclassified: deny } }\n", shop(), "alice");
    assert_eq!(reads(&profile, 2619, 2), "clear, null");
    assert_eq!(reads(&profile, 12000, 1), "System");
    assert_eq!(reads(&profile, PLAIN, 1), "Unclassified");
    assert!(!profile.write(Oid(2619), 1) && !profile.write(Oid(PLAIN), 1));
}

#[test]
fn writes_deletes_and_rows() {
    let roles = "roles:
  r:
    members: [alice]
    read: { personal: allow, money: allow }
    write: { personal.contact: allow, public.users.phone: deny }
    delete: [\"public.orders*\"]
    rows: { public.users: \"born IS NOT NULL\", public.orders: \"id > 1\" }
";
    let profile = profile(roles, shop(), "alice");
    let writes: Vec<bool> = (1..=4).map(|c| profile.write(Oid(USERS), c)).collect();
    assert_eq!(writes, [true, true, false, false]);
    assert!(!profile.write(Oid(PARENT), 1), "a condition reads it");
    assert!(profile.delete(Oid(PARENT)) && profile.delete(Oid(CHILD)) && !profile.delete(Oid(USERS)));
    assert_eq!(&*profile.rows(Oid(CHILD)).unwrap().sql, "(id > 1)");
    assert_eq!(&*profile.rows(Oid(USERS)).unwrap().sql, "(born IS NOT NULL)");
    assert_eq!(reads(&profile, VIEW, 2), "Derived, Derived");
}

#[test]
fn who_is_in_which_role() {
    let text = "version: 1
roles:
  a: { members: [\"group:team\"], until: 2026-11-24 }
  b: { members: [\"cert:front desk\"] }
  c: { members: [alice], until: 2026-11-23 }
  d: {}
defaults: { role: d }
";
    let (bound, catalog) = bound(text, shop());
    let roles = |login, certificate, day| bound.principal(login, certificate, &catalog, day).map(|p| p.roles.join(" "));
    assert_eq!(roles("alice", None, today()).as_deref(), Some("a"));
    assert_eq!(roles("alice", None, today().tomorrow().unwrap()), None);
    assert_eq!(roles("alice", Some("front desk"), today()).as_deref(), Some("a b"));
    assert_eq!(roles("bob", None, today()).as_deref(), Some("d"));
    assert_eq!(roles("team", None, today()).as_deref(), Some("d"));
    let alice = bound.principal("alice", None, &catalog, today()).unwrap();
    assert_eq!(bound.profile(&alice, &catalog, today()).last_day, Some(today()));
}

#[test]
fn equal_decisions_have_equal_ids() {
    let text = format!("{HEAD}roles: {{ r: {{ members: [alice, bob] }}, s: {{ members: [bob] }}, t: {{ members: [team, alice] }} }}\n");
    let (bound, catalog) = bound(&text, shop());
    let id = |login| bound.profile(&bound.principal(login, None, &catalog, today()).unwrap(), &catalog, today()).id;
    assert_eq!(id("alice"), id("alice"));
    assert_ne!(id("alice"), id("bob"));
    let mut other = shop();
    other.relations[4].columns.push(column(2, "b", 25));
    let alice = |text: &str, contents| {
        let (bound, catalog) = super::tests::bound(text, contents);
        bound.profile(&bound.principal("alice", None, &catalog, today()).unwrap(), &catalog, today()).id
    };
    assert_eq!(alice(&text, other), id("alice"), "what decides nothing changes nothing");
}

fn full(outcome: &Outcome) -> String {
    if let Outcome::Conditional(c) = outcome {
        return format!("when {}: {} else {}", c.when, full(&c.then), full(&c.otherwise));
    }
    shown(outcome)
}

#[test]
fn paths_into_documents_take_away_from_their_column() {
    let head =
        HEAD.replace("born: personal.birth", "born: personal.birth, data.$.mail: personal.contact, \"data.$.to[*].day\": personal.birth");
    let read = |rules: &str| {
        let text = format!("{head}roles: {{ r: {{ members: [alice], read: {{ {rules} }}, write: {{ personal.contact: allow }} }} }}\n");
        let (bound, catalog) = bound(&text, shop());
        let profile = bound.profile(&bound.principal("alice", None, &catalog, today()).unwrap(), &catalog, today());
        let paths: Vec<String> = profile.paths(Oid(USERS), 6).iter().map(|p| format!("{} {}", p.text, full(&p.read))).collect();
        assert!(!profile.write(Oid(USERS), 6), "a path in it may not be written");
        format!("{}; {}", full(&profile.read(Oid(USERS), 6)), paths.join(", "))
    };
    for (rules, want) in [
        ("personal: { mask: redact }", "$.mail: redact, $.to[*].day: redact; $.mail redact, $.to[*].day redact"),
        ("personal: allow", "clear; $.mail clear, $.to[*].day clear"),
        ("personal.contact: allow", "$.to[*].day: absent; $.mail clear, $.to[*].day NoRule"),
        ("personal: deny", "$.mail: absent, $.to[*].day: absent; $.mail denied by r, $.to[*].day denied by r"),
        // the column's own rule, and one of a path, outrank those of classes
        ("personal: deny, public.users.data: allow", "clear; $.mail clear, $.to[*].day clear"),
        ("personal: allow, public.users.data: deny", "denied by r; $.mail denied by r, $.to[*].day denied by r"),
        (
            "personal: allow, \"public.users.data.$.to\": { mask: \"null\" }",
            "$.to[*].day: null, $.to: null; $.mail clear, $.to[*].day null, $.to null",
        ),
        // a mask that says nothing of texts and numbers
        (
            "personal.contact: allow, personal.birth: { mask: { date: { keep: year } } }",
            "$.to[*].day: absent; $.mail clear, $.to[*].day Misfit { mask: \"date { keep: year }\" }",
        ),
        // conditions stand outside
        (
            "personal.birth: allow, personal.contact: { when: \"id = 1\", then: allow, else: { mask: email } }",
            "when id = 1: clear else $.mail: email; $.mail when id = 1: clear else email, $.to[*].day clear",
        ),
        (
            "personal: { when: \"id = 1\", then: deny, else: { mask: redact } }",
            "when id = 1: $.mail: null, $.to[*].day: null else $.mail: redact, $.to[*].day: redact; $.mail when id = 1: null else redact, \
             $.to[*].day when id = 1: null else redact",
        ),
    ] {
        assert_eq!(read(rules), want, "{rules}");
    }
}

fn with_fields(classes: &str, rules: &str) -> String {
    let head = HEAD.replace("  public.orders:", &format!("  public.homes: {{ columns: {{ {classes} }} }}\n  public.orders:"));
    format!("{head}roles: {{ r: {{ members: [alice], {rules} }} }}\n")
}

#[test]
fn fields_of_composite_types_take_away_from_their_column() {
    let fields = "home.street: personal.contact, home.since: personal.birth";
    for (classes, rules, want) in [
        (fields, "personal: { mask: redact }", "street: redact, since: redact; street redact, since redact"),
        (fields, "personal: allow", "clear; street clear, since clear"),
        // a value has all its fields: one that is not there denies it
        (fields, "personal.contact: { mask: redact }", "NoRule; street redact, since NoRule"),
        (fields, "personal.contact: { mask: redact }, personal.birth: deny", "denied by r; street redact, since denied by r"),
        // a field's rule before its column's before its class's
        (fields, "personal: deny, public.homes.home: allow", "clear; street clear, since clear"),
        (fields, "personal: allow, public.homes.home.street: deny", "denied by r; street denied by r, since clear"),
        (
            fields,
            "personal: deny, public.homes.home: allow, public.homes.home.zip: { mask: card }",
            "zip: card; street clear, zip card, since clear",
        ),
        (
            fields,
            "personal: allow, \"public.homes.home.s*\": { mask: \"null\" }, public.homes.home.since: allow",
            "street: null; street null, since clear",
        ),
        (fields, "personal: allow, public.homes.home.at: { mask: redact }", "at: redact; street clear, since clear, at redact"),
        // a mask that does not fit
        (fields, "personal: { mask: email }", "Misfit { mask: \"email\" }; street email, since Misfit { mask: \"email\" }"),
        // the whole column's word decides before its fields'
        ("home: money, home.street: personal.contact", "personal: allow, money: { mask: \"null\" }", "null; street clear"),
        ("home: money, home.street: personal.contact", "personal: { mask: email }, money: allow", "street: email; street email"),
        (
            "\"home.*\": money, home.zip: personal.contact",
            "personal: allow, money: { mask: redact }",
            "street: redact, since: redact, at: redact; street redact, zip clear, since redact, at redact",
        ),
        // conditions stand outside; where one denies, the field is NULL
        (
            fields,
            "personal.birth: allow, personal.contact: { when: \"id = 1\", then: deny, else: { mask: email } }",
            "when id = 1: street: null else street: email; street when id = 1: null else email, since clear",
        ),
        // what lies deeper is not told apart
        ("home.at.x: money", "money: { mask: redact }", "Derived; "),
        ("home.at.x: money", "money: allow", "clear; "),
        (fields, "personal: allow, public.homes.home.at.x: { mask: redact }", "Derived; "),
    ] {
        let (bound, catalog) = bound(&with_fields(classes, &format!("read: {{ {rules} }}")), shop());
        let profile = bound.profile(&bound.principal("alice", None, &catalog, today()).unwrap(), &catalog, today());
        let places: Vec<String> = profile.paths(Oid(HOMES), 2).iter().map(|p| format!("{} {}", p.text, full(&p.read))).collect();
        assert_eq!(format!("{}; {}", full(&profile.read(Oid(HOMES), 2)), places.join(", ")), want, "{classes}: {rules}");
    }
}

#[test]
fn who_sets_a_composite_column_sets_its_fields() {
    for (classes, write, want) in [
        ("home.street: money", "", false),
        ("home.street: money", "money: allow", true),
        ("home.street: money, home.zip: personal.contact", "money: allow", false),
        ("home.street: money", "money: allow, public.homes.home.street: deny", false),
        ("home.street: money", "public.homes.home.street: allow", true),
        ("home.street: money", "public.homes.home: allow", true),
        ("home.at.x: money", "", false),
        ("home.at.x: money", "money: allow", true),
        ("home.street: money", "money: allow, public.homes.home.at.x: deny", false),
    ] {
        let (bound, catalog) = bound(&with_fields(classes, &format!("write: {{ {write} }}")), shop());
        let profile = bound.profile(&bound.principal("alice", None, &catalog, today()).unwrap(), &catalog, today());
        assert_eq!(profile.write(Oid(HOMES), 2), want, "{classes}: {write}");
    }
}

/// A class stays with a field that is renamed, and a new field of its old name has it too; a column that gets another type keeps what its
/// fields had.
#[test]
fn a_class_stays_with_a_field_that_is_renamed() {
    let text = with_fields("home.street: money", "read: { money: { mask: redact } }");
    let (policy, _) = load(&[("p.yaml".into(), text)]).unwrap();
    let keys = Keyring::default();
    let (before, _) = policy.bind(&Catalog::new(shop()), &keys).unwrap();
    let seen = |change: &dyn Fn(&mut Contents)| {
        let mut contents = shop();
        change(&mut contents);
        let catalog = Catalog::new(contents);
        let (after, _) = policy.rebind(&before, &catalog, &keys).unwrap();
        let profile = after.profile(&after.principal("alice", None, &catalog, today()).unwrap(), &catalog, today());
        (full(&profile.read(Oid(HOMES), 2)), profile.id)
    };
    let at = |contents: &mut Contents, oid: u32| contents.relations.iter().position(|r| r.oid == Oid(oid)).unwrap();
    let (same, id) = seen(&|_| {});
    assert_eq!(same, "street: redact");
    let (renamed, other) = seen(&|contents| {
        let at = at(contents, ADDRESS);
        contents.relations[at].columns[0].name = "road".into();
        contents.relations[at].columns[1].name = "street".into();
    });
    assert_eq!(renamed, "road: redact, street: redact");
    assert_ne!(id, other);
    let (moved, other) = seen(&|contents| {
        let at = at(contents, ADDRESS);
        contents.relations[at].columns.push(column(9, "note", 25));
    });
    assert_eq!(moved, "street: redact");
    assert_ne!(id, other, "a kernel that knows other fields");
    let (retyped, _) = seen(&|contents| {
        let at = at(contents, HOMES);
        contents.relations[at].columns[1] = column(2, "home", 25);
    });
    assert_eq!(retyped, "Derived");
}

#[test]
fn a_class_stays_with_a_column_that_is_renamed() {
    let text = format!("{HEAD}roles: {{ r: {{ members: [alice] }} }}\n");
    let (policy, _) = load(&[("p.yaml".into(), text)]).unwrap();
    let keys = Keyring::default();
    let (before, _) = policy.bind(&Catalog::new(shop()), &keys).unwrap();
    let mut renamed = shop();
    renamed.relations[1].columns[1].name = "mail".into();
    renamed.relations[1].name = QualifiedName::new("public", "people");
    let catalog = Catalog::new(renamed);
    assert!(policy.bind(&catalog, &keys).is_err());
    let (after, _) = policy.rebind(&before, &catalog, &keys).unwrap();
    let profile = after.profile(&after.principal("alice", None, &catalog, today()).unwrap(), &catalog, today());
    assert_eq!(reads(&profile, USERS, 4), "clear, NoRule, NoRule, NoRule");
}
