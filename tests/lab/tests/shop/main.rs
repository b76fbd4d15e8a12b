//! Random queries over the sample shop by each of its governed logins, and by two more (one bound to rows, one whose masks are by condition),
//! against what each sees, written by hand: equal rows, or a refusal. `SEED` and `GENERATED` in the environment choose others and more.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use std::fmt::Write as _;

use lab::Lab;
use lab::dice::asked_for;
use lab::oracle::{Answer, Held};
use lab::queries::Type::{Bool, Date, Int, Number, Text};
use lab::queries::{Generator, Table, Type};
use lab::wire::Client;

const USERS: &[(&str, Type)] = &[
    ("id", Int),
    ("id_number", Text),
    ("full_name", Text),
    ("email", Text),
    ("phone", Text),
    ("birth_date", Date),
    ("locale", Text),
    ("level", Text),
];
const ADDRESSES: &[(&str, Type)] = &[
    ("id", Int),
    ("user_id", Int),
    ("recipient", Text),
    ("phone", Text),
    ("region", Text),
    ("city", Text),
    ("street", Text),
    ("postcode", Text),
    ("is_default", Bool),
];
const ORDERS: &[(&str, Type)] = &[
    ("id", Int),
    ("user_id", Int),
    ("product_id", Int),
    ("address_id", Int),
    ("quantity", Int),
    ("total", Number),
    ("status", Text),
    ("ordered_at::date", Date),
];
const PRODUCTS: &[(&str, Type)] = &[("id", Int), ("sku", Text), ("name", Text), ("category", Text), ("price", Number), ("stock", Int)];
const PAYMENTS: &[(&str, Type)] =
    &[("id", Int), ("order_id", Int), ("user_id", Int), ("method", Text), ("card_number", Text), ("card_holder", Text), ("amount", Number)];
const PAGE_VIEWS: &[(&str, Type)] = &[("id", Int), ("user_id", Int), ("path", Text), ("search_term", Text), ("ip::text", Text)];

/// Logins, and the columns that each is denied.
const LOGINS: [(&str, &[&str]); 4] = [
    ("support", &["users.birth_date", "page_views.path", "page_views.search_term", "page_views.ip::text"]),
    ("analyst", &["users.id_number", "payments.card_number"]),
    (
        "courier",
        &[
            "users.id_number",
            "users.full_name",
            "users.email",
            "users.phone",
            "users.birth_date",
            "payments.card_number",
            "payments.card_holder",
            "payments.amount",
            "page_views.path",
            "page_views.search_term",
            "page_views.ip::text",
        ],
    ),
    (
        "clinic",
        &[
            "users.phone",
            "addresses.recipient",
            "addresses.phone",
            "addresses.street",
            "addresses.postcode",
            "payments.card_number",
            "payments.card_holder",
            "payments.amount",
            "page_views.path",
            "page_views.search_term",
            "page_views.ip::text",
        ],
    ),
];

/// The shop as a login sees it; they live as long as the test.
fn seen(denied: &[&str]) -> &'static [Table] {
    let tables = [
        ("users", USERS),
        ("addresses", ADDRESSES),
        ("orders", ORDERS),
        ("products", PRODUCTS),
        ("payments", PAYMENTS),
        ("page_views", PAGE_VIEWS),
    ];
    let table = |(name, columns): (&'static str, &[(&'static str, Type)])| {
        let kept: Vec<_> = columns.iter().filter(|(c, _)| !denied.contains(&&*format!("{name}.{c}"))).copied().collect();
        Table { name, plain: name == "products", columns: Vec::leak(kept) }
    };
    Vec::leak(tables.map(table).to_vec())
}

/// The shop under its own policy and two more roles, and what each login sees beside it.
fn lab() -> (Lab, Client) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(lab::shop_policy().join("shop.yaml"), folder.path().join("shop.yaml")).unwrap();
    std::fs::write(folder.path().join("more.yaml"), include_str!("more.yaml")).unwrap();
    let lab = Lab::start(folder.path(), 12, "").unwrap();
    let mut direct = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    let logins = "CREATE ROLE courier LOGIN; CREATE ROLE clinic LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO courier, clinic;";
    let made = Answer::of(&direct.query(&format!("{logins} {}", include_str!("veils.sql"))).unwrap());
    assert!(matches!(made, Answer::Rows(_)), "{made:?}");
    lab.reload().unwrap();
    (lab, direct)
}

#[test]
fn random_queries_over_the_shop_are_answered_by_each_veil() {
    let (lab, mut direct) = lab();
    direct.query("SET statement_timeout = '10s'").unwrap();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 1600));
    let mut held = Held::default();
    for (login, denied) in LOGINS {
        let tables = seen(denied);
        let mut client = Client::connect(lab.port, login, "postgres").unwrap();
        direct.query(&format!("SET search_path = {login}, public")).unwrap();
        for seed in first..first + count / 4 {
            let text = Generator::new(seed, tables).query();
            let want = Answer::of(&direct.query(&text.replace("public.", &format!("{login}."))).unwrap());
            if matches!(&want, Answer::Failed(told) if told.starts_with("57014")) {
                continue; // it takes too long over the veil, too
            }
            let got = if seed % 2 == 0 { client.query(&text) } else { client.extended(&text, 0) };
            held.hold(&format_args!("{login} {seed}"), &text, Answer::of(&got.unwrap()), want);
            for leak in lab.leaks() {
                writeln!(held.wrong, "LEAK: {login} {seed}: {}: {text}", leak.found).unwrap();
            }
        }
    }
    held.told("random queries over the shop");
}

/// What depends on a primary key in GROUP BY, which views have none of.
const GROUPED: &[&str] = &[
    "SELECT id, email, full_name, count(*) FROM users GROUP BY id",
    "SELECT u.id, u.email, u.level, count(*) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id, ROLLUP (o.status)",
    "SELECT u.email, sum(o.total) FROM users u JOIN orders o ON o.user_id = u.id GROUP BY u.id, o.id HAVING max(o.total) > 3 ORDER BY u.phone",
    "SELECT id, lower(email), phone FROM users GROUP BY GROUPING SETS ((id, level), (id))",
    "SELECT id, email, level, count(*) FROM users GROUP BY GROUPING SETS ((id, level), (id, email))",
    "SELECT id, level, phone, count(*) FROM users GROUP BY id, CUBE (level)",
    "SELECT id, level, full_name FROM users GROUP BY (id, level), GROUPING SETS ((), (level))",
    "SELECT level, count(*), max(email), min(id) FROM users GROUP BY ROLLUP (level, id)",
    "SELECT level, string_agg(email, ',' ORDER BY email) FROM users GROUP BY GROUPING SETS ((id, level), ())",
    // not in each set
    "SELECT email FROM users GROUP BY ROLLUP (id)",
    "SELECT id, email FROM users GROUP BY GROUPING SETS ((id), ())",
    "SELECT email FROM users GROUP BY GROUPING SETS ((id, level), (level))",
];

#[test]
fn a_primary_key_groups_as_it_does_in_a_table() {
    let (lab, mut direct) = lab();
    direct.query("CREATE SCHEMA kept; SET search_path = kept").unwrap();
    for table in ["users", "orders"] {
        direct.query(&format!("CREATE TABLE {table} AS SELECT * FROM support.{table}; ALTER TABLE {table} ADD PRIMARY KEY (id)")).unwrap();
    }
    let mut client = Client::connect(lab.port, "support", "postgres").unwrap();
    let mut held = Held::default();
    for (i, text) in GROUPED.iter().enumerate() {
        held.hold(&i, text, Answer::of(&client.query(text).unwrap()), Answer::of(&direct.query(text).unwrap()));
    }
    assert_eq!((held.wrong.as_str(), held.refused.total(), held.failed), ("", 0, 3));
}
