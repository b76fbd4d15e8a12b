//! What the policy's own SQL means hangs on no session's `search_path`: its types, operators and functions are PostgreSQL's, or those of its relation's schema,
//! whatever namesakes a login may put before them.
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
use lab::wire::{Client, code};

/// `other` and `own` have an equality of their own, which everything satisfies.
const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE clerk LOGIN; CREATE SCHEMA other; CREATE SCHEMA own; CREATE SCHEMA narrow;
CREATE FUNCTION other.yes(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR other.= (FUNCTION = other.yes, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION own.yes(text, varchar) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR own.= (FUNCTION = own.yes, LEFTARG = text, RIGHTARG = varchar);
CREATE OPERATOR own.=== (FUNCTION = texteq, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION own.lower(varchar) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT pg_catalog.lower($1)';
CREATE FUNCTION other.lower(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'eu' $$;
CREATE EXTENSION citext SCHEMA public; CREATE SCHEMA app;
CREATE TABLE app.plain (id int, region text); CREATE DOMAIN app.area AS public.citext; CREATE TABLE app.folded (id int, region citext); CREATE TABLE app.areas (id int, region app.area); CREATE TABLE app.cast (LIKE app.plain);
INSERT INTO app.plain VALUES (1, 'EU'), (2, 'US'), (3, 'eu'); INSERT INTO app.folded VALUES (1, 'eu'), (2, 'US'); INSERT INTO app.areas TABLE app.folded; INSERT INTO app.cast TABLE app.folded;
CREATE DOMAIN narrow.bpchar AS varchar(1);
CREATE TABLE equal (id int, region text); CREATE TABLE listed (LIKE equal); CREATE TABLE short (id int, region char(3)); CREATE TABLE own.equal (LIKE equal); CREATE TABLE own.called (LIKE equal);
INSERT INTO equal VALUES (1, 'EU'), (2, 'US'), (3, 'E'); INSERT INTO listed TABLE equal; INSERT INTO short TABLE equal; INSERT INTO own.equal TABLE equal; INSERT INTO own.called TABLE equal;
GRANT USAGE ON SCHEMA other, own, narrow, app TO clerk; GRANT ALL ON SCHEMA public TO clerk; GRANT SELECT, UPDATE ON ALL TABLES IN SCHEMA public, own, app TO clerk";

const POLICY: &str = "
version: 1
tables: { public.equal: {}, public.listed: {}, public.short: {}, own.equal: {}, own.called: {}, app.plain: {}, app.folded: {}, app.areas: {}, app.cast: {} }
roles:
  clerk:
    members: [clerk]
    write: { \"public.*\": allow }
    rows:
      public.equal: \"region = 'EU'\"
      public.listed: \"region IN ('EU', 'AU') AND region IS DISTINCT FROM NULL\"
      public.short: \"region = 'EU'::bpchar\"
      app.plain: \"region IN ('EU', 'AU') AND region LIKE 'E%' AND region = 'EU'\"
      app.folded: \"region IN ('EU', 'AU') AND region = 'EU'\"
      app.areas: \"region = 'EU'\"
      app.cast: \"region::public.citext = 'EU'\"
      own.equal: \"region === 'EU'\"
      own.called: \"lower(region) === 'eu'\"
";

#[test]
fn no_path_leads_the_policys_sql_astray() {
    let lab = Lab::under(POLICY, SETUP, "").unwrap();
    for (path, refused) in [
        ("public", &["own.called"][..]),
        ("app, public", &["own.called"]),
        ("pg_catalog, other", &["public.listed", "own.called", "app.plain", "app.folded", "app.areas", "app.cast"]),
        ("other, pg_catalog", &["public.listed", "own.called", "app.plain", "app.folded", "app.areas", "app.cast"]),
        ("narrow, pg_catalog", &["own.called", "app.folded", "app.areas", "app.cast"]),
        ("own, pg_catalog", &["public.listed", "own.called", "app.plain", "app.folded", "app.areas", "app.cast"]),
        ("pg_catalog, own", &["public.listed", "app.plain", "app.folded", "app.areas", "app.cast"]),
        ("''", &["own.called", "app.folded", "app.areas", "app.cast"]),
    ] {
        let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
        clerk.query(&format!("SET search_path = {path}")).unwrap();
        for table in
            ["public.equal", "public.listed", "public.short", "own.equal", "own.called", "app.plain", "app.folded", "app.areas", "app.cast"]
        {
            let heard = clerk.query(&format!("SELECT id FROM {table}")).unwrap();
            let rows: Vec<_> = heard.iter().filter(|m| m.tag == b'D').map(|m| m.values()[0].clone().unwrap()).collect();
            match refused.contains(&table) {
                true => assert_eq!(code(&heard), "0A000", "{path}: {table}"),
                false => assert_eq!(rows, [b"1"], "{path}: {table}: {heard:?}"),
            }
        }
        let heard = clerk.query("UPDATE public.equal SET id = 1 WHERE true").unwrap();
        assert!(heard.iter().any(|m| m.tag == b'C' && m.body.starts_with(b"UPDATE 1\0")), "{path}: {heard:?}");
    }
}
