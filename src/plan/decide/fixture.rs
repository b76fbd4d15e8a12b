//! A small catalog and a governed profile over it, for the planner's tests.

use std::collections::HashMap;
use std::sync::Arc;

use crate::base::QualifiedName;
use crate::catalog::{Catalog, Column, Contents, Function, Oid, Operator, PgType, Relation, RelationKind, TypeInfo};
use crate::mask::{Keyring, Mask, MaskSpec};
use crate::policy::{Absence, ColumnProfile, MaskRule, Outcome, Principal, Profile, RelationProfile, Reveal};

pub(crate) const USERS: Oid = Oid(20000);
pub(crate) const ORDERS: Oid = Oid(20001);
pub(crate) const ACTIVITY: Oid = Oid(12200);
pub(crate) const FILE_SETTINGS: Oid = Oid(12300);
pub(crate) const VIEW: Oid = Oid(20002);

pub(crate) fn column(number: i16, name: &str, ty: u32) -> Column {
    Column::plain(number, name, PgType::builtin(Oid(ty), -1))
}

fn varchar(number: i16, name: &str, length: i32) -> Column {
    Column { ty: PgType::builtin(Oid(1043), length + 4), ..column(number, name, 1043) }
}

pub(crate) fn relation(oid: Oid, schema: &str, name: &str, kind: RelationKind, columns: Vec<Column>) -> Relation {
    Relation {
        oid,
        name: QualifiedName::new(schema, name),
        kind,
        owner: Oid(10),
        row_type: Oid(0),
        columns,
        parents: Vec::new(),
        definition: None,
        reads: Vec::new(),
        calls: Vec::new(),
        constraints: Vec::new(),
        has_rules: false,
        runs_code: false,
        row_security: false,
        readers: vec![Oid(0)],
        temporary: false,
    }
}

pub(crate) fn function(oid: u32, schema: &str, name: &str, args: u16) -> Function {
    Function {
        oid: Oid(oid),
        name: QualifiedName::new(schema, name),
        kind: 'f',
        args,
        defaults: 0,
        variadic: false,
        leakproof: false,
        returns_set: false,
        returns: Oid(25),
        arg_types: vec![Oid(25); usize::from(args)],
        out_columns: Vec::new(),
        volatility: 'v',
        extension: None,
        body: None,
        source: None,
        own_path: false,
    }
}

/// users(id, email, `id_no`, phone, born), orders(id, buyer, total), a view over users.email, two relations of the system catalog.
pub(crate) fn catalog() -> Catalog {
    let users = vec![column(1, "id", 23), column(2, "email", 25), column(3, "id_no", 25), column(4, "phone", 25), column(5, "born", 1082)];
    let orders =
        vec![column(1, "id", 23), column(2, "buyer", 25), column(3, "total", 1700), varchar(4, "buyer_name", 40), varchar(5, "short", 20)];
    let mut view = relation(VIEW, "public", "mails", RelationKind::View, vec![column(1, "email", 25)]);
    view.reads = vec![(USERS, 2)];
    Catalog::new(Contents {
        relations: vec![
            relation(USERS, "public", "users", RelationKind::Table, users),
            relation(ORDERS, "public", "orders", RelationKind::Table, orders),
            relation(ACTIVITY, "pg_catalog", "pg_stat_activity", RelationKind::View, vec![column(1, "pid", 23), column(2, "query", 25)]),
            relation(FILE_SETTINGS, "pg_catalog", "pg_file_settings", RelationKind::View, vec![column(1, "name", 25)]),
            relation(Oid(20003), "public", "accounts", RelationKind::Table, vec![column(1, "id", 23), column(2, "total", 1700)]),
            relation(Oid(20010), "public", "orders_id_seq", RelationKind::Sequence, vec![column(1, "last_value", 20)]),
            view,
        ],
        functions: vec![
            function(870, "pg_catalog", "lower", 1),
            function(2923, "pg_catalog", "query_to_xml", 4),
            function(2078, "pg_catalog", "set_config", 3),
            function(1574, "pg_catalog", "nextval", 1),
            function(30000, "public", "price_of", 1),
            function(30001, "public", "tells", 0),
        ],
        operators: vec![operator(97, "<", 23), operator(96, "=", 23), operator(98, "=", 25)],
        types: [(23, "int4"), (25, "text"), (1700, "numeric")].map(|(oid, name)| builtin(oid, name)).into(),
        schemas: vec![(Oid(11), "pg_catalog".into()), (Oid(2200), "public".into())],
        database: "shop".into(),
        ..Contents::default()
    })
}

fn builtin(oid: u32, name: &str) -> TypeInfo {
    TypeInfo {
        oid: Oid(oid),
        name: QualifiedName::new("pg_catalog", name),
        element: Oid(0),
        array: Oid(0),
        base: None,
        relation: Oid(0),
        kind: 'b',
        foreign_code: false,
        constraints: Vec::new(),
    }
}

pub(crate) fn masked(name: &str, spec: &MaskSpec, reveal: Reveal) -> Outcome {
    let keyring = Keyring::new("k1", [("k1".to_owned(), crate::base::Secret::new(vec![7; 32]))]).unwrap();
    let mask: Arc<Mask> = Arc::new(spec.compile(name, &keyring).unwrap());
    Outcome::Masked(MaskRule { name: name.into(), mask, reveal, role: "support".into() })
}

pub(crate) fn seen(read: Outcome, write: bool) -> ColumnProfile {
    ColumnProfile { read, write, class: Some("personal.contact".into()), document: None }
}

/// email masked, `id_no` denied, phone masked by a pseudonym that orders.buyer has too, born rounded to its year.
pub(crate) fn profile() -> Profile {
    let pseudonym = masked("pseudonym", &MaskSpec::Pseudonym { key: None }, Reveal::default());
    let users = HashMap::from([
        (2, seen(masked("email", &MaskSpec::Email, Reveal::default()), true)),
        (3, seen(Outcome::Absent(Absence::Denied { role: "support".into() }), false)),
        (4, seen(pseudonym.clone(), false)),
        (5, seen(masked("year", &MaskSpec::Date { keep: crate::mask::Keep::Year }, Reveal::default()), false)),
    ]);
    let orders = HashMap::from([2, 4, 5].map(|number| (number, seen(pseudonym.clone(), false))));
    let table = |columns| RelationProfile { columns, delete: true, ..RelationProfile::default() };
    Profile {
        principal: Principal { login: "alice".into(), roles: vec!["support".into()], certificate: None },
        relations: HashMap::from([(USERS, table(users)), (ORDERS, RelationProfile { delete: false, ..table(orders) })]),
        ..Profile::default()
    }
}

fn operator(oid: u32, name: &str, ty: u32) -> Operator {
    Operator {
        oid: Oid(oid),
        name: QualifiedName::new("pg_catalog", name),
        left: Oid(ty),
        right: Oid(ty),
        result: Oid(16),
        function: Oid(66),
    }
}
