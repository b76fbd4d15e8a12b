//! A small catalog by hand.

use crate::base::QualifiedName;
use crate::catalog::{Catalog, Column, Contents, Function, Oid, Operator, PgType, Relation, RelationKind, TypeInfo};

pub(super) const USERS: Oid = Oid(20001);
pub(super) const ORDERS: Oid = Oid(20002);
const PLACE: Oid = Oid(20003);
pub(super) const SSN: i16 = 3;

fn column(number: i16, name: &str, ty: u32) -> Column {
    Column::plain(number, name, PgType::builtin(Oid(ty), -1))
}

fn relation(oid: Oid, schema: &str, name: &str, columns: Vec<Column>) -> Relation {
    Relation {
        oid,
        name: QualifiedName::new(schema, name),
        kind: RelationKind::Table,
        owner: Oid(10),
        row_type: Oid(oid.0 + 1000),
        columns,
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

fn ty(oid: u32, name: &str, array: u32) -> [TypeInfo; 2] {
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
    let kind = if name.starts_with("any") || matches!(name, "record" | "void") { 'p' } else { 'b' };
    [info(oid, name.to_owned(), 0, array, kind), info(array, format!("_{name}"), oid, 0, 'b')]
}

fn function(oid: u32, name: &str, kind: char, args: &[u32], returns: u32) -> Function {
    Function {
        oid: Oid(oid),
        name: QualifiedName::new("pg_catalog", name),
        kind,
        args: u16::try_from(args.len()).unwrap(),
        defaults: 0,
        variadic: false,
        leakproof: false,
        returns_set: false,
        returns: Oid(returns),
        arg_types: args.iter().map(|a| Oid(*a)).collect(),
        out_columns: Vec::new(),
        volatility: 'i',
        extension: None,
        body: None,
        source: None,
        own_path: false,
    }
}

fn operator(oid: u32, name: &str, ty: u32, result: u32) -> Operator {
    Operator {
        oid: Oid(oid),
        name: QualifiedName::new("pg_catalog", name),
        left: Oid(ty),
        right: Oid(ty),
        result: Oid(result),
        function: Oid(oid),
    }
}

/// `public.users (id, email, ssn, name)`, `public.orders (id, user_id, total)`, and some of `pg_catalog`.
pub(in crate::sql) fn catalog() -> Catalog {
    let mut types: Vec<TypeInfo> = Vec::new();
    for (oid, name, array) in [
        (16, "bool", 1000),
        (20, "int8", 1016),
        (23, "int4", 1007),
        (25, "text", 1009),
        (26, "oid", 1028),
        (1700, "numeric", 1231),
        (2205, "regclass", 2210),
        (2249, "record", 2287),
        (2276, "any", 9001),
        (2283, "anyelement", 9002),
        (2277, "anyarray", 9003),
        (2278, "void", 9004),
    ] {
        types.extend(ty(oid, name, array));
    }
    let mut operators = Vec::new();
    for (i, name) in ["=", "<>", "<", ">", "<=", ">=", "~~", "~"].into_iter().enumerate() {
        let i = u32::try_from(i).unwrap();
        operators.push(operator(96 + i, name, 23, 16));
        operators.push(operator(196 + i, name, 25, 16));
    }
    operators.push(operator(551, "+", 23, 23));
    operators.push(operator(654, "||", 25, 25));
    let place = Oid(21003);
    types.push(TypeInfo {
        name: QualifiedName::new("public", "place"),
        array: Oid(21004),
        relation: PLACE,
        kind: 'c',
        ..ty(place.0, "place", 21004)[0].clone()
    });
    types.push(TypeInfo { name: QualifiedName::new("public", "_place"), ..ty(place.0, "place", 21004)[1].clone() });
    let outs =
        Function { out_columns: vec![("street".into(), Oid(25)), ("n".into(), Oid(2283))], ..function(20101, "outs", 'f', &[2283], 2249) };
    let named = Function { out_columns: vec![("total".into(), Oid(23))], ..function(20106, "named", 'f', &[23], 23) };
    let functions = vec![
        outs,
        named,
        function(3960, "json_populate_record", 'f', &[2283, 25], 2283),
        function(20102, "place_of", 'f', &[23], place.0),
        function(20103, "rec", 'f', &[], 2249),
        function(20120, "does", 'p', &[23], 2278),
        function(20107, "scalars", 'f', &[23], 23),
        function(20108, "scalars", 'f', &[25], 25),
        function(20109, "arrays", 'f', &[1016], 23),
        function(20110, "arrays", 'f', &[23], place.0),
        function(20111, "numerics", 'f', &[1231], place.0),
        function(20112, "numerics", 'f', &[1007], 23),
        function(20104, "either", 'f', &[23], 23),
        function(20105, "either", 'f', &[25], place.0),
        function(2803, "count", 'a', &[], 20),
        function(2147, "count", 'a', &[2276], 20),
        function(2132, "min", 'a', &[23], 23),
        function(2145, "min", 'a', &[25], 25),
        function(870, "lower", 'f', &[25], 25),
        function(752, "overlay", 'f', &[17, 17, 23, 23], 17),
        function(4350, "normalize", 'f', &[25, 25], 25),
        function(4351, "is_normalized", 'f', &[25, 25], 16),
        function(1299, "now", 'f', &[], 25),
        function(2331, "unnest", 'f', &[2277], 2283),
        function(1067, "generate_series", 'f', &[23, 23], 23),
        function(2078, "set_config", 'f', &[25, 25, 16], 25),
        function(2081, "pg_get_expr", 'f', &[25, 26], 25),
        function(2079, "pg_table_is_visible", 'f', &[26], 16),
    ];
    Catalog::new(Contents {
        database: "shop".into(),
        server_version: 150_000,
        search_path: "\"$user\", public".into(),
        schemas: vec![(Oid(11), "pg_catalog".into()), (Oid(2200), "public".into())],
        relations: vec![
            relation(
                USERS,
                "public",
                "users",
                vec![column(1, "id", 23), column(2, "email", 25), column(SSN, "ssn", 25), column(4, "name", 25)],
            ),
            relation(ORDERS, "public", "orders", vec![column(1, "id", 23), column(2, "user_id", 23), column(3, "total", 1700)]),
            relation(PLACE, "public", "place", vec![column(1, "street", 25), column(2, "city", 25)]),
            relation(Oid(1259), "pg_catalog", "pg_class", vec![column(1, "oid", 26), column(2, "relname", 25)]),
        ],
        indexes: vec![(QualifiedName::new("public", "users_pkey"), USERS)],
        types,
        functions,
        operators,
        casts: Vec::new(),
        support: Vec::new(),
        roles: Vec::new(),
        settings: Vec::new(),
    })
}
