//! A server with a few small tables, and the proxy before it: `gov` is governed and allowed everything, `free` is unrestricted,
//! `guest` sees names masked and may do little, `finder` may look persons up, `planner` sees half of them and how statements run.

use lab::Lab;

use crate::raw::{Message, Raw};

const POLICY: &str = r#"
version: 1
classes: { personal: { level: 3 }, secret: { level: 4 } }
tables:
  public.person: { columns: { email: personal, pin: secret } }
roles:
  everything:
    members: [gov]
    read: { personal: allow, secret: allow }
    write: { personal: allow, secret: allow }
    delete: ["public.*", "other.*"]
    listen: ["*"]
    statements: [ddl, code, call, do, lock, maintenance, explain]
  free: { members: [free, postgres], unrestricted: true }
  guest:
    members: [guest]
    read: { personal: { mask: email }, secret: deny }
  finder:
    members: [finder]
    read: { personal: { mask: email, reveal: [lookup] }, secret: deny }
  planner:
    members: [planner]
    read: { personal: { mask: email }, secret: { mask: "null" } }
    rows: { public.person: "id <= 500" }
    write: { public.person: allow }
    delete: ["public.person"]
    statements: [explain]
"#;

const SETUP: &str = "
CREATE ROLE pgscrim LOGIN; CREATE ROLE gov LOGIN; CREATE ROLE free LOGIN; CREATE ROLE guest LOGIN; CREATE ROLE finder LOGIN;
CREATE ROLE planner LOGIN;
GRANT ALL ON SCHEMA public TO gov, free;
CREATE TABLE item (id int PRIMARY KEY, name text, price numeric);
CREATE TABLE log (id serial PRIMARY KEY, msg text NOT NULL);
CREATE TABLE later (id int PRIMARY KEY, item int REFERENCES item DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE person (id int PRIMARY KEY, email text, pin text);
CREATE SCHEMA other;
CREATE TABLE other.place (id int, name text);
CREATE TABLE other.item (id int);
INSERT INTO other.place VALUES (1, 'here'), (2, 'there');
INSERT INTO item SELECT i, 'item ' || i, i * 1.5 FROM generate_series(1, 5) i;
INSERT INTO person SELECT i, 'canary' || i || '@example.com', 'canary' FROM generate_series(1, 1000) i;
GRANT USAGE ON SCHEMA other TO gov, free, guest, finder, planner;
GRANT ALL ON ALL TABLES IN SCHEMA public, other TO gov, free, guest, finder, planner;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO gov, free, guest, finder, planner;
ANALYZE";

pub(crate) struct Fixture {
    pub(crate) lab: Lab,
    pub(crate) admin: Raw,
    _folder: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn start(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("policy.yaml"), POLICY).unwrap();
        let lab = Lab::start_with(folder.path(), SETUP, more).unwrap();
        let admin = Raw::connect(lab.cluster.port(), "postgres", "postgres");
        Self { lab, admin, _folder: folder }
    }

    /// Runs as the administrator, past the proxy.
    pub(crate) fn sql(&mut self, text: &str) -> Vec<Message> {
        let heard = self.admin.run(text);
        assert!(heard.iter().all(|m| m.tag != b'E'), "{text}: {heard:?}");
        heard
    }

    /// What stood in the tables at the beginning.
    pub(crate) fn reset(&mut self) {
        self.sql("TRUNCATE log, later RESTART IDENTITY");
    }

    pub(crate) fn direct(&self, user: &str) -> Raw {
        Raw::connect(self.lab.cluster.port(), user, "postgres")
    }

    pub(crate) fn proxied(&self, user: &str) -> Raw {
        Raw::connect(self.lab.port, user, "postgres")
    }
}
