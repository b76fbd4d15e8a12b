//! A small catalog by hand and a governed principal over it: what tests and fuzz targets decide by where no server is at hand.

use std::collections::HashMap;
use std::sync::Arc;

use pgscrim::base::{QualifiedName, RawSql};
use pgscrim::catalog::{Catalog, Column, Contents, Function, Oid, Operator, PgType, Relation, RelationKind, TypeInfo};
use pgscrim::mask::{Keyring, MaskSpec};
use pgscrim::plan::{Names, Planned, Protocol, Setting, Shaped, plan_text};
use pgscrim::policy::{Absence, ColumnProfile, MaskRule, Outcome, Principal, Profile, RelationProfile, Reveal};
use pgscrim::sql::Shape;

const TEXT: u32 = 25;
const INT4: u32 = 23;

fn column(number: i16, name: &str, ty: u32) -> Column {
    Column::plain(number, name, PgType::builtin(Oid(ty), -1))
}

fn relation(oid: u32, schema: &str, name: &str, columns: &[(&str, u32)]) -> Relation {
    Relation {
        oid: Oid(oid),
        name: QualifiedName::new(schema, name),
        kind: RelationKind::Table,
        owner: Oid(10),
        row_type: Oid(oid + 1000),
        columns: columns.iter().zip(1..).map(|((name, ty), number)| column(number, name, *ty)).collect(),
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

fn types() -> Vec<TypeInfo> {
    let named = [
        (16, "bool", 1000),
        (20, "int8", 1016),
        (INT4, "int4", 1007),
        (TEXT, "text", 1009),
        (26, "oid", 1028),
        (1082, "date", 1182),
        (1043, "varchar", 1015),
        (1700, "numeric", 1231),
        (2249, "record", 2287),
        (2276, "any", 9001),
        (2278, "void", 9004),
    ];
    let info = |oid, name: String, element, array, kind| TypeInfo {
        oid: Oid(oid),
        name: QualifiedName::new("pg_catalog", name.as_str()),
        element: Oid(element),
        array: Oid(array),
        base: None,
        relation: Oid(0),
        kind,
        foreign_code: false,
        constraints: Vec::new(),
    };
    let both = |(oid, name, array): (u32, &str, u32)| {
        let kind = if matches!(name, "record" | "any" | "void") { 'p' } else { 'b' };
        [info(oid, name.to_owned(), 0, array, kind), info(array, format!("_{name}"), oid, 0, 'b')]
    };
    named.into_iter().flat_map(both).collect()
}

fn functions() -> Vec<Function> {
    let listed: [(u32, &str, char, &[u32], u32); 12] = [
        (870, "lower", 'f', &[TEXT], TEXT),
        (871, "upper", 'f', &[TEXT], TEXT),
        (1317, "length", 'f', &[TEXT], INT4),
        (2803, "count", 'a', &[], 20),
        (2147, "count", 'a', &[2276], 20),
        (2132, "min", 'a', &[INT4], INT4),
        (2145, "min", 'a', &[TEXT], TEXT),
        (2108, "sum", 'a', &[INT4], 20),
        (1299, "now", 'f', &[], TEXT),
        (1067, "generate_series", 'f', &[INT4, INT4], INT4),
        (2078, "set_config", 'f', &[TEXT, TEXT, 16], TEXT),
        (3100, "row_number", 'w', &[], 20),
    ];
    let function = |(oid, name, kind, args, returns): (u32, &str, char, &[u32], u32)| Function {
        oid: Oid(oid),
        name: QualifiedName::new("pg_catalog", name),
        kind,
        args: u16::try_from(args.len()).unwrap(),
        defaults: 0,
        variadic: false,
        leakproof: false,
        returns_set: name == "generate_series",
        returns: Oid(returns),
        arg_types: args.iter().map(|a| Oid(*a)).collect(),
        out_columns: Vec::new(),
        volatility: 'i',
        extension: None,
        body: None,
        source: None,
        own_path: false,
    };
    listed.into_iter().map(function).collect()
}

fn operators() -> Vec<Operator> {
    let operator = |name: &str, oid, ty| {
        let compares = !matches!(name, "+" | "-" | "*" | "/" | "||");
        let result = if compares { Oid(16) } else { Oid(ty) };
        let name = QualifiedName::new("pg_catalog", name);
        Operator { oid: Oid(oid), name, left: Oid(ty), right: Oid(ty), result, function: Oid(oid) }
    };
    let mut all = Vec::new();
    for (name, i) in ["=", "<>", "<", ">", "<=", ">=", "~~", "!~~", "~", "||"].into_iter().zip(96..) {
        all.push(operator(name, i, INT4));
        all.push(operator(name, i + 100, TEXT));
    }
    for (name, i) in ["+", "-", "*", "/"].into_iter().zip(551..) {
        all.push(operator(name, i, INT4));
    }
    all
}

/// `users (id, email, ssn, name, level)`, `orders (id, user_id, total, note)`, `products (id, name, price)`.
pub(crate) fn catalog() -> Catalog {
    Catalog::new(Contents {
        database: "shop".into(),
        server_version: 150_000,
        search_path: "public".into(),
        schemas: vec![(Oid(11), "pg_catalog".into()), (Oid(2200), "public".into())],
        relations: vec![
            relation(20001, "public", "users", &[("id", INT4), ("email", TEXT), ("ssn", TEXT), ("name", TEXT), ("level", TEXT)]),
            relation(20002, "public", "orders", &[("id", INT4), ("user_id", INT4), ("total", INT4), ("note", TEXT)]),
            relation(20003, "public", "products", &[("id", INT4), ("name", TEXT), ("price", INT4)]),
            relation(1259, "pg_catalog", "pg_class", &[("oid", 26), ("relname", TEXT)]),
        ],
        indexes: Vec::new(),
        types: types(),
        functions: functions(),
        operators: operators(),
        ..Contents::default()
    })
}

/// email and name masked, ssn denied; orders may be written.
pub(crate) fn profile() -> Profile {
    let mask = |name: &str, spec: &MaskSpec| {
        let mask = Arc::new(spec.compile(name, &Keyring::default()).unwrap());
        Outcome::Masked(MaskRule { name: name.into(), mask, reveal: Reveal::default(), role: "support".into() })
    };
    let seen = |read| ColumnProfile { read, write: true, class: Some("personal.contact".into()), document: None };
    let users = HashMap::from([
        (2, seen(mask("email", &MaskSpec::Email))),
        (3, seen(Outcome::Absent(Absence::Denied { role: "support".into() }))),
        (4, seen(mask("null", &MaskSpec::Null))),
    ]);
    let table = |columns| RelationProfile { columns, delete: true, ..RelationProfile::default() };
    Profile {
        principal: Principal { login: "alice".into(), roles: vec!["support".into()], certificate: None },
        relations: HashMap::from([(Oid(20001), table(users)), (Oid(20002), table(HashMap::new()))]),
        ..Profile::default()
    }
}

/// The shop with its principal, made once.
#[derive(Debug)]
pub(crate) struct Shop {
    catalog: Catalog,
    profile: Profile,
    names: Names,
}

impl Shop {
    pub(crate) fn new() -> Self {
        let names = Names { epoch: 1, search_path: vec!["pg_catalog".into(), "public".into()], relations: Vec::new() };
        Self { catalog: catalog(), profile: profile(), names }
    }

    /// What is decided about a text.
    pub(crate) fn plan(&self, text: &str) -> Vec<Planned> {
        plan_text(&RawSql::new(text), &[], Protocol::Simple, self.setting())
    }

    /// What is decided about a text by its shape, where it has one.
    pub(crate) fn plan_by_shape(&self, text: &str) -> Option<Vec<Planned>> {
        let shape = Shape::of(text)?;
        Some(vec![Shaped::learn(&shape, &[], Protocol::Simple, self.setting())?.fill(&shape)])
    }

    fn setting(&self) -> Setting<'_> {
        let Self { catalog, profile, names } = self;
        Setting { catalog, profile, names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 }
    }
}

/// Runs on a thread with half of a session's stack: what holds here has room to grow.
pub(crate) fn on_session_stack<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    std::thread::Builder::new().stack_size(pgscrim::sql::STACK / 2).spawn(work).unwrap().join().unwrap()
}
