//! Every mask on every type against a real PostgreSQL: what the kernels give, in text and in binary, is what the server's own SQL
//! gives, what its own input functions read back, and what its own operators say of the laws.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

mod composites;
mod documents;
mod keyed;
mod naive;
mod server;
mod types;
mod values;

use pgscrim::mask::{FakeKind, Format, Keep, Laws, Locale, Mask, MaskSpec, Masked, Rendering};
use server::{Server, quote};
use types::Case;

/// Masks with parameters that matter.
fn specs() -> Vec<MaskSpec> {
    let partial = |first, last, with| MaskSpec::Partial { first, last, with };
    let mut specs = vec![
        MaskSpec::Null,
        MaskSpec::Redact,
        partial(0, 4, '*'),
        partial(3, 4, '●'),
        partial(1, 0, '\''),
        partial(usize::MAX, 1, '\\'),
        MaskSpec::Email,
        MaskSpec::Name,
        MaskSpec::Card,
        MaskSpec::Ip,
        MaskSpec::Date { keep: Keep::Year },
        MaskSpec::Date { keep: Keep::Month },
        MaskSpec::Pseudonym { key: None },
        MaskSpec::Fpe { key: None },
    ];
    for to in ["1", "7", "1000", "100000000", "999999999999999999", "0.25", "0.1", "0.003", "0.00000000000000001", "12345.678"] {
        specs.push(MaskSpec::Round { to: to.parse().unwrap() });
    }
    for kind in [FakeKind::Name, FakeKind::Address, FakeKind::Phone, FakeKind::Company] {
        for locale in [Locale::Zh, Locale::En] {
            specs.push(MaskSpec::Fake { kind, locale, key: None });
        }
    }
    specs
}

/// What a mask makes of a value; `None` for NULL.
fn apply(mask: &Mask, case: &Case, format: Format, rendering: &Rendering, value: &[u8]) -> Option<Vec<u8>> {
    let mut out = b"before".to_vec();
    match mask.apply(&case.ty, format, rendering, value, &mut out) {
        Ok(Masked::Value) => Some(out.strip_prefix(b"before").unwrap().to_vec()),
        Ok(Masked::Null) => {
            assert_eq!(out, b"before");
            None
        }
        Err(error) => panic!("{mask:?} on {}: {error}: {}", case.declared, String::from_utf8_lossy(value)),
    }
}

/// The settings under which a type is printed.
fn settings(case: &Case) -> Vec<Vec<(&'static str, &'static str)>> {
    let zones = ["UTC", "Asia/Shanghai", "America/St_Johns", "<+05>-05"];
    match case.base {
        "timestamptz" => zones.iter().map(|zone| vec![("TimeZone", *zone), ("DateStyle", "ISO, DMY")]).collect(),
        "bytea" => vec![vec![("bytea_output", "hex")], vec![("bytea_output", "escape")]],
        "float4" | "float8" => vec![vec![("extra_float_digits", "1")], vec![("extra_float_digits", "3")]],
        _ => vec![vec![("DateStyle", "ISO, MDY")]],
    }
}

#[tokio::test(flavor = "current_thread")]
async fn kernels_give_what_the_server_gives() {
    let server = Server::start().await;
    let mut pairs = 0;
    for case in types::cases(&server).await {
        for settings in settings(&case) {
            let mut rendering = Rendering::default();
            for (name, value) in settings {
                server.run(&format!("SET {name} = {}", quote(value))).await;
                rendering.set(name, value);
            }
            server.run("DROP TABLE IF EXISTS t").await;
            server.run(&format!("CREATE TEMP TABLE t (i int PRIMARY KEY, v {}, m {})", case.declared, case.declared)).await;
            let values = case.values.iter().map(|v| quote(v)).chain(["NULL".to_owned()]);
            let rows: Vec<String> =
                values.enumerate().map(|(i, v)| format!("({i}, {v}::{}::{})", case.undomained, case.declared)).collect();
            server.run(&format!("INSERT INTO t (i, v) VALUES {}", rows.join(", "))).await;
            for spec in specs() {
                let mask = spec.compile(spec.kind(), &keyed::keyring()).unwrap();
                let Some(laws) = mask.laws(&case.ty) else {
                    assert_eq!(mask.sql(&case.ty, "v"), None);
                    continue;
                };
                pairs += 1;
                Pair { server: &server, case: &case, spec: &spec, mask, laws, rendering: &rendering }.check().await;
            }
            server.run("RESET ALL").await;
        }
    }
    assert!(pairs > 400, "{pairs}");
}

/// A mask on a type, with the type's values in `t`.
struct Pair<'a> {
    server: &'a Server,
    case: &'a Case,
    spec: &'a MaskSpec,
    mask: Mask,
    laws: Laws,
    rendering: &'a Rendering,
}

impl Pair<'_> {
    async fn check(&self) {
        let text = self.server.texts("SELECT v FROM t ORDER BY i").await;
        let binary = self.server.binaries("SELECT v FROM t ORDER BY i").await;
        let masked_text: Vec<Option<Vec<u8>>> = text.iter().map(|v| self.mask_one(Format::Text, v.as_deref().map(str::as_bytes))).collect();
        let masked_binary: Vec<Option<Vec<u8>>> = binary.iter().map(|v| self.mask_one(Format::Binary, v.as_deref())).collect();
        self.against_sql(&text, &masked_text, &masked_binary).await;
        self.read_back(&text, &masked_text, &masked_binary).await;
        keyed::check(self.spec, self.case, &text, &masked_text);
        self.the_laws(&binary, &masked_text, &masked_binary).await;
    }

    fn mask_one(&self, format: Format, value: Option<&[u8]>) -> Option<Vec<u8>> {
        let masked = apply(&self.mask, self.case, format, self.rendering, value?);
        if let Some(masked) = masked.as_ref().filter(|_| self.laws.reversible) {
            let mut back = Vec::new();
            match self.mask.turn_back(&self.case.ty, format, masked, &mut back) {
                Ok(()) => assert_eq!(back, value.unwrap(), "{:?} on {}", self.spec, self.case.declared),
                // several values have the mask that `redact` gives, and it is none of any other
                Err(_) => assert!(
                    self.case.ty.scalar().is_text() && masked.iter().all(|b| *b == b'*'),
                    "{:?} on {}",
                    self.spec,
                    self.case.declared
                ),
            }
        }
        masked
    }

    fn name(&self) -> String {
        format!("{:?} on {}", self.spec, self.case.declared)
    }

    /// The SQL form, where there is one.
    async fn against_sql(&self, text: &[Option<String>], masked_text: &[Option<Vec<u8>>], masked_binary: &[Option<Vec<u8>>]) {
        let form = self.mask.sql(&self.case.ty, "t.v");
        assert_eq!(form.is_some(), self.laws.sql, "{}", self.name());
        let Some(form) = form else { return };
        let query = format!("SELECT ({form})::{} FROM t ORDER BY i", self.case.declared);
        for ((server, ours), value) in self.server.texts(&query).await.iter().zip(masked_text).zip(text) {
            let ours = ours.as_ref().map(|o| String::from_utf8_lossy(o));
            assert_eq!(ours.as_deref(), server.as_deref(), "{}: {value:?}", self.name());
        }
        for ((server, ours), value) in self.server.binaries(&query).await.iter().zip(masked_binary).zip(text) {
            assert_eq!(ours, server, "{}, binary: {value:?}", self.name());
        }
    }

    /// What the server reads of the masked texts it prints and sends as ours; what it reads of the masked binaries it sends as ours.
    async fn read_back(&self, text: &[Option<String>], masked_text: &[Option<Vec<u8>>], masked_binary: &[Option<Vec<u8>>]) {
        let set: Vec<String> = masked_text
            .iter()
            .enumerate()
            .map(|(i, m)| format!("({i}, {})", m.as_ref().map_or("NULL".to_owned(), |m| quote(std::str::from_utf8(m).unwrap()))))
            .collect();
        let base = &self.case.undomained;
        let values = format!("(VALUES {}) m (i, m)", set.join(", "));
        let query = format!("SELECT m::text::{base} FROM {values} ORDER BY i");
        for ((server, ours), value) in self.server.texts(&query).await.iter().zip(masked_text).zip(text) {
            assert_eq!(server.as_ref().map(|s| s.as_bytes()), ours.as_deref(), "{}: {value:?}", self.name());
        }
        for ((server, ours), value) in self.server.binaries(&query).await.iter().zip(masked_binary).zip(text) {
            assert_eq!(&self.case.with_declared_element(server.clone()), ours, "{}, as binary: {value:?}", self.name());
        }
        let declared = if self.case.ty.domain { base } else { &self.case.declared };
        if self.spec.kind() != "null" {
            let sent = if self.case.is_array || self.case.ty.domain {
                self.server.sent_back(declared, masked_binary).await
            } else {
                self.server.elements_sent_back(declared, self.case.ty.oid.0, masked_binary).await
            };
            for ((server, ours), value) in sent.iter().zip(masked_binary).zip(text) {
                assert_eq!(server, ours, "{}, sent: {value:?}", self.name());
            }
        }
        let update = format!("UPDATE t SET m = m.m::text::{base} FROM {values} WHERE m.i = t.i");
        self.server.run(&update).await;
    }

    /// The laws, with the server's own operators as the judge.
    async fn the_laws(&self, binary: &[Option<Vec<u8>>], masked_text: &[Option<Vec<u8>>], masked_binary: &[Option<Vec<u8>>]) {
        let Laws { always, injective, order_preserving, constant, reversible: _, sql: _, by_parts: _ } = self.laws;
        let count = async |condition: &str| {
            let query = format!("SELECT count(*)::text FROM t a, t b WHERE {condition}");
            self.server.texts(&query).await[0].clone().unwrap()
        };
        for (masked, value) in [(masked_text, binary), (masked_binary, binary)] {
            assert!(masked.iter().zip(value).all(|(m, v)| v.is_some() || m.is_none()), "{}: a mask of NULL", self.name());
            assert!(!always || masked.iter().zip(value).all(|(m, v)| v.is_none() || m.is_some()), "{}: always", self.name());
            let distinct: std::collections::HashSet<_> = masked.iter().flatten().collect();
            assert!(!constant || distinct.len() < 2, "{}: constant", self.name());
        }
        if injective {
            assert_eq!(count("(a.v = b.v) <> (a.m = b.m)").await, "0", "{}: injective", self.name());
        }
        if order_preserving && !constant {
            assert_eq!(count("a.v <= b.v AND NOT a.m <= b.m").await, "0", "{}: order", self.name());
        }
        if self.spec.kind() == "round" && !self.case.is_array {
            assert_eq!(count("a.i = b.i AND a.m > a.v").await, "0", "{}: down", self.name());
        }
    }
}

/// What cannot be understood is not masked, and says why.
#[tokio::test(flavor = "current_thread")]
async fn settings_that_cannot_be_read_stop_the_row() {
    let server = Server::start().await;
    let mask = MaskSpec::Date { keep: Keep::Year }.compile("date", &keyed::keyring()).unwrap();
    for (ty, declared) in [(1082, "date"), (1114, "timestamp"), (1184, "timestamptz")] {
        let ty = pgscrim::catalog::PgType::builtin(pgscrim::catalog::Oid(ty), -1);
        for style in ["SQL, DMY", "SQL, MDY", "German", "Postgres, MDY", "Postgres, DMY"] {
            server.run(&format!("SET DateStyle = {}", quote(style))).await;
            let mut rendering = Rendering::default();
            rendering.set("DateStyle", style);
            let value = server.texts(&format!("SELECT '2024-02-03'::{declared}")).await[0].clone().unwrap();
            let mut out = Vec::new();
            let said = mask.apply(&ty, Format::Text, &rendering, value.as_bytes(), &mut out);
            assert_eq!(said, Err(pgscrim::mask::CannotMask::DateStyle), "{style}");
            assert!(out.is_empty());
        }
    }
}
