//! Views and the server's rights: one that is read as it is spares its reader the rights on the table below; one that its definition stands
//! for does not, and says so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

use lab::Lab;
use lab::wire::Client;

const SETUP: &str = "
    CREATE TABLE public.people (id int PRIMARY KEY, email text, region text);
    INSERT INTO public.people VALUES (1, 'anna@example.com', 'EU'), (2, 'bert@example.com', 'US');
    CREATE VIEW public.plain AS SELECT id, email FROM people WHERE region IS NOT NULL;
    CREATE VIEW public.sorted AS SELECT id, email FROM people ORDER BY email DESC, id DESC;
    CREATE ROLE outer_reader LOGIN;
    CREATE ROLE inner_reader LOGIN;
    CREATE ROLE below LOGIN;
    CREATE ROLE pgscrim LOGIN;
    GRANT SELECT ON public.plain, public.sorted TO outer_reader, inner_reader;
    GRANT SELECT ON public.people TO inner_reader, below;";

const POLICY: &str = "version: 1\nclasses: { contact: ~ }\ntables: { public.people: { columns: { email: contact } } }\nroles: \
    { r: { members: [outer_reader, inner_reader, below], read: { contact: { mask: email } } } }\n";

/// Rows as text, or the error.
fn ask(lab: &Lab, login: &str, text: &str) -> String {
    let answer = Client::connect(lab.port, login, "postgres").unwrap().query(text).unwrap();
    if let Some(error) = answer.iter().find(|m| m.tag == b'E') {
        return format!("{} {}", error.field(b'C').unwrap(), error.field(b'M').unwrap());
    }
    let value = |v: Option<Vec<u8>>| v.map_or_else(String::new, |v| String::from_utf8(v).unwrap());
    let row = |values: Vec<Option<Vec<u8>>>| values.into_iter().map(value).collect::<Vec<_>>().join("|");
    answer.iter().filter(|m| m.tag == b'D').map(|m| row(m.values())).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_view_spares_rights_where_it_is_read_as_it_is() {
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), POLICY).unwrap();
    let lab = Lab::guarded(policy.path(), SETUP, "SELECT 'text', email FROM public.people", &[], "").unwrap();
    let (plain, sorted) = ("SELECT * FROM plain ORDER BY id", "SELECT * FROM sorted");
    let masked = "1|a***@example.com 2|b***@example.com";
    for login in ["outer_reader", "inner_reader"] {
        assert_eq!(ask(&lab, login, plain), masked, "{login}");
        // the mask is put over the view, by which its owner's rights stay
        assert_eq!(ask(&lab, login, "SELECT id FROM plain WHERE email LIKE 'b***%'"), "2", "{login}");
    }
    assert_eq!(ask(&lab, "inner_reader", sorted), "2|b***@example.com 1|a***@example.com");
    let why = "0A000 pgscrim: cannot veil this statement: view \"public.sorted\" can only be veiled by its definition, and login ";
    assert_eq!(
        ask(&lab, "outer_reader", sorted),
        format!("{why}\"outer_reader\" has no SELECT on \"public.people\" below it at the server")
    );
    assert_eq!(ask(&lab, "below", sorted), format!("{why}\"below\" has no SELECT on it at the server"));
    assert!(ask(&lab, "below", plain).starts_with("42501 "), "the server refuses it");
}
