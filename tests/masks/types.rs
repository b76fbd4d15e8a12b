//! The types that are tried, each with its values.

use pgscrim::catalog::{Oid, PgType, Scalar, Shape};

use super::server::Server;
use super::values::{self, Random};

/// A declared type.
#[derive(Debug)]
pub(crate) struct Case {
    /// As SQL declares it.
    pub(crate) declared: String,
    /// Its name without a modifier, for an array its element's.
    pub(crate) base: &'static str,
    /// As SQL declares its base type: what a masked value of a domain has.
    pub(crate) undomained: String,
    pub(crate) ty: PgType,
    pub(crate) is_array: bool,
    /// Texts that the type reads.
    pub(crate) values: Vec<String>,
}

impl Case {
    /// An array of a domain is sent with the domain's OID; one that was read as an array of its base has the base's.
    pub(crate) fn with_declared_element(&self, value: Option<Vec<u8>>) -> Option<Vec<u8>> {
        let Shape::Array { element_oid, .. } = self.ty.shape else { return value };
        value.map(|mut value| {
            value[8..12].copy_from_slice(&element_oid.0.to_be_bytes());
            value
        })
    }
}

/// Name, OID, array's OID, what is declared behind the name, modifier.
const TYPES: [(&str, u32, u32, &str, i32); 34] = [
    ("bool", 16, 1000, "", -1),
    ("int2", 21, 1005, "", -1),
    ("int4", 23, 1007, "", -1),
    ("int8", 20, 1016, "", -1),
    ("float4", 700, 1021, "", -1),
    ("float8", 701, 1022, "", -1),
    ("numeric", 1700, 1231, "", -1),
    ("numeric", 1700, 1231, "(5,2)", (5 << 16 | 2) + 4),
    ("numeric", 1700, 1231, "(30,17)", (30 << 16 | 17) + 4),
    ("numeric", 1700, 1231, "(7,0)", (7 << 16) + 4),
    ("money", 790, 791, "", -1),
    ("text", 25, 1009, "", -1),
    ("varchar", 1043, 1015, "", -1),
    ("varchar", 1043, 1015, "(1)", 5),
    ("varchar", 1043, 1015, "(7)", 11),
    ("varchar", 1043, 1015, "(40)", 44),
    ("bpchar", 1042, 1014, "", -1),
    ("bpchar", 1042, 1014, "(2)", 6),
    ("bpchar", 1042, 1014, "(30)", 34),
    ("name", 19, 1003, "", -1),
    ("date", 1082, 1182, "", -1),
    ("timestamp", 1114, 1115, "", -1),
    ("timestamp", 1114, 1115, "(0)", 0),
    ("timestamptz", 1184, 1185, "", -1),
    ("uuid", 2950, 2951, "", -1),
    ("json", 114, 199, "", -1),
    ("jsonb", 3802, 3807, "", -1),
    ("bytea", 17, 1001, "", -1),
    ("inet", 869, 1041, "", -1),
    ("cidr", 650, 651, "", -1),
    ("interval", 1186, 1187, "", -1),
    ("point", 600, 1017, "", -1),
    ("int4range", 3904, 3905, "", -1),
    ("bit", 1560, 1561, "(4)", 4),
];

/// All of them, and what PostgreSQL makes of them: arrays, domains, types of an extension.
pub(crate) async fn cases(server: &Server) -> Vec<Case> {
    let mut random = Random(20_261_126);
    let mut cases = Vec::new();
    for (name, oid, array, modifier, typmod) in TYPES {
        let declared = format!("{name}{modifier}");
        let values = values::of(name, modifier, &mut random);
        let arrays = values::arrays(&values, &mut random);
        let ty = PgType::builtin(Oid(oid), typmod);
        cases.push(Case { undomained: declared.clone(), declared: declared.clone(), base: name, ty, is_array: false, values });
        let ty = PgType::array(Oid(array), Oid(oid), typmod);
        let declared = format!("{declared}[]");
        cases.push(Case { undomained: declared.clone(), declared, base: name, ty, is_array: true, values: arrays });
    }
    numerics_of_15(server, &mut random, &mut cases).await;
    domains(server, &mut random, &mut cases).await;
    citext(server, &mut random, &mut cases).await;
    cases
}

async fn oid(server: &Server, ty: &str) -> Oid {
    Oid(server.texts(&format!("SELECT '{ty}'::regtype::oid::text")).await[0].clone().unwrap().parse().unwrap())
}

/// Scales that are negative or larger than the precision.
async fn numerics_of_15(server: &Server, random: &mut Random, cases: &mut Vec<Case>) {
    let version: u32 = server.texts("SHOW server_version_num").await[0].clone().unwrap().parse().unwrap();
    for (modifier, precision, scale) in [("(3,-2)", 3, -2), ("(2,5)", 2, 5)] {
        if version < 150_000 {
            continue;
        }
        let ty = PgType::builtin(Oid(1700), (precision << 16 | (scale & 0x7ff)) + 4);
        let declared = format!("numeric{modifier}");
        let values = values::of("numeric", modifier, random);
        cases.push(Case { undomained: declared.clone(), declared, base: "numeric", ty, is_array: false, values });
    }
}

async fn domains(server: &Server, random: &mut Random, cases: &mut Vec<Case>) {
    server.run("CREATE DOMAIN short AS varchar(7); CREATE DOMAIN amount AS numeric(5,2); CREATE DOMAIN many AS int4[]").await;
    for (name, base, of, modifier, typmod) in
        [("short", "varchar", 1043, "(7)", 11), ("amount", "numeric", 1700, "(5,2)", (5 << 16 | 2) + 4)]
    {
        let domain = oid(server, name).await;
        let values = values::of(base, modifier, random);
        let arrays = values::arrays(&values, random);
        let plain = PgType::builtin(Oid(of), typmod);
        let ty = PgType { oid: domain, domain: true, ..plain };
        cases.push(Case { declared: name.into(), undomained: format!("{base}{modifier}"), base, ty, is_array: false, values });
        let shape = Shape::Array { element: plain.scalar(), element_oid: domain };
        let ty = PgType { oid: oid(server, &format!("{name}[]")).await, shape, ..plain };
        let (declared, undomained) = (format!("{name}[]"), format!("{base}{modifier}[]"));
        cases.push(Case { declared, undomained, base, ty, is_array: true, values: arrays });
    }
    let ty = PgType { oid: oid(server, "many").await, domain: true, ..PgType::array(Oid(1007), Oid(23), -1) };
    let values = values::arrays(&values::of("int4", "", random), random);
    cases.push(Case { declared: "many".into(), undomained: "int4[]".into(), base: "int4", ty, is_array: true, values });
}

async fn citext(server: &Server, random: &mut Random, cases: &mut Vec<Case>) {
    if server.texts("SELECT name FROM pg_available_extensions WHERE name = 'citext'").await.is_empty() {
        return;
    }
    server.run("CREATE EXTENSION citext").await;
    let shape = Shape::Scalar(Scalar::Citext);
    let ty = PgType { oid: oid(server, "citext").await, typmod: -1, shape, domain: false, max_chars: None };
    let values = values::of("text", "", random);
    let arrays = values::arrays(&values, random);
    cases.push(Case { declared: "citext".into(), undomained: "citext".into(), base: "citext", ty, is_array: false, values });
    let shape = Shape::Array { element: Scalar::Citext, element_oid: ty.oid };
    let ty = PgType { oid: oid(server, "citext[]").await, shape, ..ty };
    cases.push(Case { declared: "citext[]".into(), undomained: "citext[]".into(), base: "citext", ty, is_array: true, values: arrays });
}
