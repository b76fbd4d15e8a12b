//! Random queries by the clerk against the views that say by hand what the clerk sees: equal rows, or a refusal. `SEED` and `GENERATED`
//! in the environment choose others and more.

use std::fmt::Write as _;
use std::io::Write as _;

use lab::dice::asked_for;
use lab::oracle::Held;
use lab::queries::Type::{Bool, Date, Int, Number, Text};
use lab::queries::{Generator, Table};

use super::corpus::Case;
use super::{Mode, Runner, lab};

/// What the clerk sees.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "people",
        plain: false,
        columns: &[
            ("id", Int),
            ("level", Text),
            ("region", Text),
            ("name", Text),
            ("email", Text),
            ("phone", Text),
            ("card", Text),
            ("note", Text),
            ("handle", Text),
            ("born", Date),
            ("salary", Int),
            ("wealth", Number),
            ("flag", Bool),
        ],
    },
    Table { name: "accounts", plain: false, columns: &[("id", Int), ("person_id", Int), ("iban", Text), ("state", Text)] },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int), ("code", Text)] },
    Table { name: "child", plain: false, columns: &[("id", Int), ("plain_id", Int), ("secret", Text)] },
    Table { name: "events", plain: false, columns: &[("id", Int), ("kind", Text), ("payload", Text)] },
    Table { name: "base", plain: false, columns: &[("id", Int), ("secret", Text)] },
    Table { name: "later", plain: false, columns: &[("id", Int), ("code", Text), ("secret", Text)] },
    Table { name: "fenced", plain: false, columns: &[("id", Int), ("region", Text), ("secret", Text)] },
];

/// Views that the policy does not name (`derived.sql`), which are made of what the clerk sees a second time; and tables to join them to.
pub(crate) const VIEWS: &[Table] = &[
    Table {
        name: "w_plain",
        plain: false,
        columns: &[
            ("id", Int),
            ("level", Text),
            ("name", Text),
            ("email", Text),
            ("phone", Text),
            ("note", Text),
            ("handle", Text),
            ("born", Date),
            ("salary", Int),
            ("wealth", Number),
            ("flag", Bool),
        ],
    },
    Table { name: "w_some", plain: false, columns: &[("id", Int), ("mail", Text), ("birthday", Date)] },
    Table { name: "w_filter", plain: false, columns: &[("id", Int), ("level", Text)] },
    Table { name: "w_join", plain: false, columns: &[("id", Int), ("name", Text), ("iban", Text), ("state", Text)] },
    Table { name: "w_alias", plain: false, columns: &[("id", Int), ("iban", Text)] },
    Table { name: "w_agg", plain: false, columns: &[("n", Int), ("level", Text), ("mails", Int), ("top", Int), ("eldest", Date)] },
    Table { name: "w_group", plain: false, columns: &[("n", Int), ("salary", Int)] },
    Table { name: "w_union", plain: false, columns: &[("id", Int), ("payload", Text)] },
    Table { name: "w_mixed", plain: false, columns: &[("id", Int), ("what", Text)] },
    Table { name: "w_distinct", plain: false, columns: &[("n", Int), ("flag", Bool)] },
    Table { name: "w_over", plain: false, columns: &[("id", Int), ("mail", Text), ("name", Text)] },
    Table { name: "w_fenced", plain: false, columns: &[("id", Int), ("region", Text), ("secret", Text)] },
    Table { name: "w_cte", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "w_window", plain: false, columns: &[("id", Int), ("name", Text), ("place", Int)] },
    Table { name: "w_case", plain: false, columns: &[("id", Int), ("answer", Text), ("name", Text)] },
    Table { name: "w_expr", plain: false, columns: &[("id", Int), ("mail", Text), ("phone", Text)] },
    Table { name: "w_when", plain: false, columns: &[("id", Int), ("secret", Text)] },
    Table { name: "v_people", plain: false, columns: &[("id", Int), ("level", Text), ("email", Text), ("born", Date), ("salary", Int)] },
    Table { name: "v_deep", plain: false, columns: &[("id", Int), ("email", Text), ("wealth", Number)] },
    Table { name: "v_call", plain: false, columns: &[("id", Int), ("label", Text)] },
    Table { name: "w_call", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "w_denied", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "people", plain: false, columns: &[("id", Int), ("level", Text), ("email", Text), ("born", Date)] },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int), ("code", Text)] },
];

/// Stored copies, views over them, and tables to join them to.
pub(crate) const STORED: &[Table] = &[
    Table {
        name: "s_plain",
        plain: false,
        columns: &[
            ("id", Int),
            ("level", Text),
            ("name", Text),
            ("mail", Text),
            ("phone", Text),
            ("born", Date),
            ("salary", Int),
            ("note", Text),
            ("flag", Bool),
        ],
    },
    Table { name: "v_stored", plain: false, columns: &[("id", Int), ("mail", Text), ("note", Text), ("low", Text), ("salary", Int)] },
    Table { name: "s_deep", plain: false, columns: &[("id", Int), ("mail", Text), ("loud", Text), ("label", Text)] },
    Table { name: "s_agg", plain: false, columns: &[("n", Int), ("level", Text), ("lowest", Text), ("ever", Bool)] },
    Table { name: "s_alias", plain: false, columns: &[("id", Int), ("iban", Text)] },
    Table { name: "s_union", plain: false, columns: &[("id", Int), ("payload", Text), ("kind", Text)] },
    Table { name: "s_mixed", plain: false, columns: &[("id", Int), ("more", Text)] },
    Table { name: "s_cut", plain: false, columns: &[("id", Int), ("phone", Text)] },
    Table { name: "s_place", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "s_when", plain: false, columns: &[("id", Int)] },
    Table { name: "s_ruled", plain: false, columns: &[("id", Int), ("region", Text), ("secret", Text), ("size", Int)] },
    Table { name: "s_named", plain: false, columns: &[("id", Int), ("region", Text), ("loud", Text)] },
    Table { name: "s_call", plain: false, columns: &[("id", Int), ("name", Text)] },
    Table { name: "m_people", plain: false, columns: &[("id", Int), ("email", Text), ("loud", Text)] },
    Table { name: "w_stored", plain: false, columns: &[("id", Int), ("mail", Text), ("low", Text), ("born", Date), ("label", Text)] },
    Table { name: "s_null", plain: false, columns: &[("id", Int), ("rich", Bool), ("size", Int)] },
    Table { name: "made", plain: false, columns: &[("id", Int), ("twin", Text), ("size", Int), ("tag", Text), ("tail", Text)] },
    Table { name: "people", plain: false, columns: &[("id", Int), ("level", Text), ("email", Text), ("born", Date)] },
    Table { name: "plain", plain: true, columns: &[("id", Int), ("label", Text), ("amount", Int), ("code", Text)] },
];

#[test]
fn random_queries_are_answered_by_the_veil() {
    hold(TABLES);
}

#[test]
fn random_queries_over_views_are_answered_by_the_veil() {
    hold(VIEWS);
}

#[test]
fn random_queries_over_stored_copies_are_answered_by_the_veil() {
    hold(STORED);
}

/// Asks random queries over relations, of the clerk and of the views by hand.
fn hold(relations: &'static [Table]) {
    let lab = lab();
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", 1500));
    let mut veil = Runner { veiled: true, ..Runner::new(lab.cluster.port(), "postgres", Mode::Simple) };
    let mut clerks = [Mode::Simple, Mode::Text].map(|mode| Runner::new(lab.port, "clerk", mode));
    let mut held = Held::default();
    for seed in first..first + count {
        let text = Generator::new(seed, relations).query();
        let case = Case { name: seed.to_string(), mark: '-', versions: 0..=u32::MAX, alone: false, steps: vec![text] };
        let want = veil.run(&case).remove(0);
        let got = clerks[usize::try_from(seed % 2).unwrap()].run(&case).remove(0);
        for leak in lab.leaks() {
            writeln!(held.wrong, "LEAK: {seed}: {}: {}", leak.found, case.steps[0]).unwrap();
        }
        held.hold(&seed, &case.steps[0], got, want);
    }
    held.told("random queries");
}

/// Queries, and every attack, by their shape as by their text; the owner's, who is not governed, too.
#[test]
fn a_plan_by_shape_is_the_plan_of_the_text() {
    let lab = lab();
    let mut texts: Vec<String> = (1..=400).map(|seed| Generator::new(seed, TABLES).query()).collect();
    texts.extend(super::cases().into_iter().flat_map(|case| case.steps));
    let count = texts.len();
    let held = lab::shapes::hold(&lab, &["clerk", "auditor", "loader", "seer", "owner"], &["pg_catalog", "public"], texts);
    assert!(held.wrong.is_empty(), "{} lines:\n{}", held.wrong.lines().count(), held.wrong);
    writeln!(std::io::stdout(), "{count} texts for five logins: {} plans by shape", held.shaped).unwrap();
    assert!(held.shaped > count / 2, "hardly any text has a shape: {} of {count}", held.shaped);
}
