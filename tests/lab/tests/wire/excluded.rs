//! A target that is named as the row that was not inserted: PostgreSQL takes that where nothing refers to either.

use crate::fixture::Fixture;
use crate::raw::code;

#[test]
fn a_target_named_excluded_is_one_where_nothing_names_it() {
    let fixture = Fixture::start("");
    let (mut gov, mut direct, mut planner) = (fixture.proxied("gov"), fixture.direct("free"), fixture.proxied("planner"));
    // where something of a veil must name the target, another name is needed
    for (rest, veiled) in [
        ("DO UPDATE SET pin = 'x'", "0A000"),
        ("DO UPDATE SET email = 'x' RETURNING excluded.id", "0A000"),
        ("DO UPDATE SET email = (SELECT 'x') RETURNING excluded.email", "0A000"),
        ("DO UPDATE SET pin = excluded.pin", "42P09"),
        ("DO UPDATE SET pin = 'y' WHERE email = 'c'", "42702"),
        ("DO NOTHING RETURNING excluded.email", ""),
    ] {
        let text = format!("INSERT INTO person AS excluded VALUES (1, 'a') ON CONFLICT (id) {rest}");
        let tell = |client: &mut crate::raw::Raw| {
            client.run("BEGIN");
            let told = code(&client.run(&text));
            client.run("ROLLBACK");
            told
        };
        assert_eq!(tell(&mut gov), tell(&mut direct), "{text}");
        assert_eq!(tell(&mut planner), veiled, "{text}");
    }
}
