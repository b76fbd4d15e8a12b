//! The door `step`: a session between a client and a server that send anything in any order, cut anywhere, at any pace. The bytes of an
//! input are a program, so that a fuzzer can change them and what fails can be run again.

use std::sync::Arc;

use pgscrim::policy::Profile;
use pgscrim::session::{Counts, Cx, Decided, Finished, Limits, PlanCache, Session, View};
use pgscrim::wire::{Build, backend, client};

use super::server::{CANARY, Server};
use super::shop;

const PLACES: u32 = 1 << 20;

const NAMES: [&[u8]; 4] = [b"", b"", b"a", b"b"];

const TEXTS: [&str; 24] = [
    "SELECT email FROM users",
    "SELECT u.email FROM users u WHERE id = 1",
    "SELECT ssn FROM users",
    "SELECT email FROM users WHERE email LIKE 'a%'",
    "SELECT 1",
    "SELECT 'boom'",
    "SELEC",
    "",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SELECT email FROM users; SELECT id FROM orders",
    "BEGIN; SELECT 'boom'",
    "INSERT INTO orders (id, note) VALUES (1, 'x')",
    "UPDATE orders SET note = 'x'",
    "PREPARE a AS SELECT email FROM users",
    "EXECUTE a",
    "EXPLAIN EXECUTE a",
    "DEALLOCATE ALL",
    "DECLARE a CURSOR FOR SELECT email FROM users",
    "FETCH 2 FROM a",
    "COPY orders FROM STDIN",
    "SET search_path = public",
    "SELECT email FROM users WHERE id = ANY ($1)",
];

/// Who is decided by what; made once.
#[derive(Debug)]
pub(crate) struct Views {
    governed: Arc<View>,
    renewed: Arc<View>,
    free: Arc<View>,
}

impl Views {
    pub(crate) fn new() -> Self {
        let catalog = Arc::new(shop::catalog());
        let view = |snapshot, profile| {
            let catalog = Arc::clone(&catalog);
            Arc::new(View { snapshot, catalog, profile, fingerprint_key: [7; 32], policy: "sha256:00".into() })
        };
        let free = Profile { unrestricted: true, ..Profile::default() };
        Self { governed: view(1, shop::profile()), renewed: view(2, shop::profile()), free: view(1, free) }
    }
}

/// A session with what the shell lends it, and both its sides.
struct Desk {
    session: Session,
    cache: PlanCache,
    finished: Vec<Finished>,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
    counts: Counts,
    places: u32,
    server: Server,
    /// What the client says and has not been heard.
    said: Vec<u8>,
    /// What the server answered and has not been heard.
    answered: Vec<u8>,
    work: Option<Decided>,
}

impl Desk {
    fn new(view: &Arc<View>) -> Self {
        // every text but the shortest is decided elsewhere
        let limits = Limits { statement: 4096, message: 1 << 16, masked_row: 4096, long: 24, ..Limits::default() };
        Self {
            session: Session::new(Arc::clone(view), limits, &[]),
            cache: PlanCache::new(1 << 16),
            finished: Vec::new(),
            to_client: Vec::new(),
            to_server: Vec::new(),
            counts: Counts::default(),
            places: PLACES,
            server: Server::default(),
            said: Vec::new(),
            answered: Vec::new(),
            work: None,
        }
    }

    fn lend(&mut self, work: impl FnOnce(&mut Session, &mut Cx<'_>)) {
        let Self { session, cache, finished, to_client, to_server, counts, places, .. } = self;
        work(session, &mut Cx { now: 0, cache, to_client, to_server, finished, places, counts });
    }

    fn hears_client(&mut self, n: usize) -> bool {
        let n = n.min(self.said.len());
        if n == 0 || self.session.closing().is_some() || !self.session.wants_client() {
            return false;
        }
        let lot: Vec<u8> = self.said.drain(..n).collect();
        self.lend(|s, cx| s.client_bytes(&lot, cx));
        true
    }

    fn hears_server(&mut self, n: usize) -> bool {
        let asked = std::mem::take(&mut self.to_server);
        self.answered.extend(self.server.feed(&asked));
        let n = n.min(self.answered.len());
        if n == 0 || self.session.closing().is_some() {
            return !asked.is_empty();
        }
        let lot: Vec<u8> = self.answered.drain(..n).collect();
        self.lend(|s, cx| s.server_bytes(&lot, cx));
        true
    }

    fn reads_catalog(&mut self) -> bool {
        let changed = std::mem::take(&mut self.counts.schema_changes) > 0;
        if changed {
            self.lend(Session::catalog_is_fresh);
        }
        changed
    }

    fn analyses(&mut self) -> bool {
        if let Some(decided) = self.work.take() {
            self.lend(|s, cx| s.analysed(decided, cx));
            return true;
        }
        self.work = self.session.work().map(|work| work.run());
        self.work.is_some()
    }
}

/// Each statement takes a place in the audit and gives a record of it; no value of a masked column comes through; and what is asked of a
/// server that answers is answered. Gives what the client heard.
pub(crate) fn step(views: &Views, bytes: &[u8]) -> Vec<u8> {
    let mut input = bytes.iter().copied();
    let manner = input.next().unwrap_or(0);
    let governed = manner & 3 != 0;
    let mut desk = Desk::new(if governed { &views.governed } else { &views.free });
    let mut honest = true;
    while let Some(op) = input.next() {
        let mut next = || input.next().unwrap_or(0);
        match op % 18 {
            0..=8 => say(op % 18, next(), &mut desk.said),
            9 | 10 => drop(desk.hears_client(usize::from(next()))),
            11 | 12 => drop(desk.hears_server(usize::from(next()))),
            13 => drop(desk.analyses()),
            14 => desk.said.extend((0..next() % 16).map(|_| next())),
            15 => {
                // whatever the server says out of turn, it is no row: of those the witness would have to know what they are
                honest = false;
                let tags: Vec<u8> = backend::ALL.iter().copied().filter(|t| !matches!(t, b'D' | b'd' | b'T')).collect();
                let (tag, body) = (tags[usize::from(next()) % tags.len()], (0..next() % 12).map(|_| next()).collect::<Vec<_>>());
                Build::new(&mut desk.answered, tag).bytes(&body).end();
            }
            16 => {
                let bytes: Vec<u8> = (0..next() % 8).map(|_| next()).collect();
                honest &= bytes.is_empty();
                if desk.session.closing().is_none() {
                    desk.lend(|s, cx| s.server_bytes(&bytes, cx));
                }
            }
            _ if governed && next() % 4 == 0 => desk.lend(Session::catalog_is_stale),
            _ if governed => desk.lend(|s, cx| s.set_view(Arc::clone(&views.renewed), cx)),
            _ => {}
        }
    }
    // a server that falls silent, or one that answers all that it was asked
    if manner & 4 == 0 {
        while desk.analyses() | desk.reads_catalog() | desk.hears_client(4096) | desk.hears_server(4096) {}
        let waits = !desk.said.is_empty() && desk.session.closing().is_none() && !desk.server.gone;
        assert!(!(honest && waits), "the session waits for ever");
    }
    if manner & 8 == 0 {
        desk.lend(Session::server_gone);
    }
    desk.lend(Session::end);
    let taken = usize::try_from(PLACES - desk.places).unwrap();
    assert_eq!(taken, desk.finished.len(), "a place for each record, a record for each place");
    let shown = desk.to_client.windows(CANARY.len()).any(|w| w == CANARY);
    assert!(!(governed && honest && shown), "a raw value comes through");
    desk.to_client
}

/// A message of the client as it should be.
fn say(kind: u8, pick: u8, out: &mut Vec<u8>) {
    let pick = usize::from(pick);
    let (name, other) = (NAMES[pick % 4], NAMES[pick / 4 % 4]);
    let text = TEXTS[pick % TEXTS.len()].as_bytes();
    let target = if pick % 2 == 0 { b'S' } else { b'P' };
    match kind {
        0 => Build::new(out, client::QUERY).cstr(text).end(),
        1 => Build::new(out, client::PARSE).cstr(NAMES[pick / 64 % 4]).cstr(text).i16(0).end(),
        2 => Build::new(out, client::BIND).cstr(name).cstr(other).i16(0).i16(0).i16(0).end(),
        3 => Build::new(out, client::DESCRIBE).byte(target).cstr(other).end(),
        4 => Build::new(out, client::EXECUTE).cstr(name).i32(0).end(),
        5 => Build::new(out, client::CLOSE).byte(target).cstr(other).end(),
        6 => Build::new(out, client::SYNC).end(),
        7 => {
            Build::new(out, client::PARSE).cstr(b"").cstr(text).i16(0).end();
            Build::new(out, client::BIND).cstr(b"").cstr(b"").i16(0).i16(0).i16(0).end();
            Build::new(out, client::EXECUTE).cstr(b"").i32(0).end();
        }
        _ => match pick % 8 {
            0 => Build::new(out, client::TERMINATE).end(),
            1 => Build::new(out, client::COPY_DONE).end(),
            2 => Build::new(out, client::COPY_FAIL).cstr(b"no").end(),
            3 => Build::new(out, client::FUNCTION_CALL).bytes(&[0; 10]).end(),
            4 | 5 => Build::new(out, client::COPY_DATA).cstr(b"1\tx").end(),
            _ => Build::new(out, client::FLUSH).end(),
        },
    }
}

/// The door can tell: a governed client gets masks, another one the rows as they are.
#[test]
fn rows_come_masked_and_as_they_are() {
    let views = Views::new();
    let has = |heard: &[u8], what: &[u8]| heard.windows(what.len()).any(|w| w == what);
    for (manner, raw) in [(0, true), (1, false)] {
        for message in [0, 7] {
            let heard = step(&views, &[manner, message, 0, 6, 0]);
            let heard_mask = has(&heard, b"c***@example.com");
            assert_eq!((has(&heard, CANARY), heard_mask), (raw, !raw), "{manner} {message}: {}", heard.escape_ascii());
        }
    }
}

/// A `CopyDone` where no COPY is, which the server ignores, once left the session waiting for its answer.
#[test]
fn the_end_of_no_copy_is_not_waited_for() {
    step(&Views::new(), &[8, 0xf1, 0x2e, 0x12, 1, 8, 0xf1, 0x2e, 0x12, 1, 0xac, 0xac, 0xac, 0, 0, 0, 0, 0xfc]);
}
