//! Any messages in any order, cut at any byte, before a scripted server that follows the protocol (or breaks it): what an
//! unrestricted client gets is what it would have got without the proxy, and every statement gives one record.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::wire::{Build, Reader};

/// Answers as a server would: texts with `boom` fail, everything else succeeds without rows.
#[derive(Debug, Default)]
struct Script {
    cutter: Option<Cutter>,
    statements: Vec<Vec<u8>>,
    portals: Vec<Vec<u8>>,
    skip: bool,
    /// What a governed session over an empty catalog refuses fails too.
    governed: bool,
}

fn cstr(body: &[u8]) -> Vec<u8> {
    Reader::new(body).cstr().unwrap_or_default().to_vec()
}

impl Script {
    fn feed(&mut self, mut input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut cutter = self.cutter.take().unwrap_or_else(|| Cutter::new(client::ALL, &[]));
        while let Some(piece) = cutter.next(&mut input, |_, _| Hold::UpTo(1 << 20)).unwrap() {
            match piece {
                Piece::Whole(frame) => self.answer(frame.tag, frame.body(), &mut out),
                Piece::Run(run) => run.frames().for_each(|f| self.answer(f.tag, f.body(), &mut out)),
                Piece::Begin(_) | Piece::Part { .. } => unreachable!("everything is held"),
            }
        }
        self.cutter = Some(cutter);
        out
    }

    fn fail(&mut self, code: &[u8], out: &mut Vec<u8>) {
        Build::new(out, b'E').byte(b'S').cstr(b"ERROR").byte(b'C').cstr(code).byte(b'M').cstr(b"no").byte(0).end();
        self.skip = true;
    }

    fn ready(out: &mut Vec<u8>) {
        Build::new(out, b'Z').byte(b'I').end();
    }

    fn answer(&mut self, tag: u8, body: &[u8], out: &mut Vec<u8>) {
        if self.skip && !matches!(tag, client::SYNC | client::TERMINATE) {
            return;
        }
        match tag {
            client::QUERY => {
                // A simple query ends the nameless statement.
                self.statements.retain(|n| !n.is_empty());
                self.query(&cstr(body), out);
            }
            client::PARSE => {
                let mut reader = Reader::new(body);
                let (name, text) = (reader.cstr().unwrap(), reader.cstr().unwrap());
                if text.windows(6).any(|w| w == b"pgscri")
                    || text.windows(4).any(|w| w == b"boom")
                    || (self.governed && text.starts_with(b"UPDATE"))
                {
                    self.fail(b"42883", out);
                } else if !name.is_empty() && self.statements.iter().any(|n| n == name) {
                    self.fail(b"42P05", out);
                } else {
                    self.statements.retain(|n| n != name);
                    self.statements.push(name.to_vec());
                    Build::new(out, b'1').end();
                }
            }
            client::BIND => {
                let mut reader = Reader::new(body);
                let (portal, statement) = (reader.cstr().unwrap(), reader.cstr().unwrap());
                if !self.statements.iter().any(|n| n == statement) {
                    self.fail(b"26000", out);
                } else if !portal.is_empty() && self.portals.iter().any(|n| n == portal) {
                    self.fail(b"42P03", out);
                } else {
                    self.portals.retain(|n| n != portal);
                    self.portals.push(portal.to_vec());
                    Build::new(out, b'2').end();
                }
            }
            client::DESCRIBE => {
                let name = cstr(&body[1..]);
                let known = if body[0] == b'S' { &self.statements } else { &self.portals };
                if known.contains(&name) {
                    if body[0] == b'S' {
                        Build::new(out, b't').i16(0).end();
                    }
                    Build::new(out, b'n').end();
                } else {
                    self.fail(if body[0] == b'S' { b"26000" } else { b"34000" }, out);
                }
            }
            client::EXECUTE => {
                if cstr(body) == b"pgscrim asks" {
                    // Where names resolve; no relations of the session's own.
                    let path = br#"["pg_catalog","public"]"#;
                    let row = Build::new(out, b'D').i16(2).i32(i32::try_from(path.len()).unwrap()).bytes(path);
                    row.i32(-1).end();
                    Build::new(out, b'C').cstr(b"SELECT 1").end();
                } else if self.portals.contains(&cstr(body)) {
                    Build::new(out, b'C').cstr(b"UPDATE 1").end();
                } else {
                    self.fail(b"34000", out);
                }
            }
            client::CLOSE => {
                let name = cstr(&body[1..]);
                let known = if body[0] == b'S' { &mut self.statements } else { &mut self.portals };
                known.retain(|n| *n != name);
                Build::new(out, b'3').end();
            }
            client::SYNC => {
                self.skip = false;
                self.portals.clear();
                Self::ready(out);
            }
            client::FLUSH | client::TERMINATE | client::COPY_DATA | client::COPY_DONE | client::COPY_FAIL => {}
            client::FUNCTION_CALL => {
                self.fail(b"0A000", out);
                self.skip = false;
                Self::ready(out);
            }
            _ => unreachable!("no such message"),
        }
    }

    fn query(&mut self, text: &[u8], out: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(text).into_owned();
        let parts: Vec<&str> = text.split(';').map(str::trim).filter(|p| !p.is_empty()).collect();
        if parts.is_empty() {
            Build::new(out, b'I').end();
        }
        for part in parts {
            if part.contains("boom") || part.contains("pgscrim") {
                self.fail(b"42601", out);
                break;
            }
            Build::new(out, b'C').cstr(b"UPDATE 1").end();
        }
        self.skip = false;
        self.portals.clear();
        Self::ready(out);
    }
}

/// A session with what the shell would lend it.
#[derive(Debug)]
struct Desk {
    session: Session,
    cache: PlanCache,
    finished: Vec<Finished>,
    to_client: Vec<u8>,
    to_server: Vec<u8>,
    counts: Counts,
    /// Places in the audit's queue that nobody took.
    places: u32,
}

/// Places that a session begins with.
const PLACES: u32 = 1 << 20;

impl Desk {
    fn new(unrestricted: bool) -> Self {
        let profile = Profile { unrestricted, ..Profile::default() };
        let catalog = Arc::new(Catalog::new(crate::catalog::Contents::default()));
        let view = Arc::new(View { snapshot: 1, catalog, profile, fingerprint_key: [7; 32], policy: "sha256:00".into() });
        let limits = Limits { long: 10, ..Limits::default() };
        let session = Session::new(view, limits, &[]);
        let cache = PlanCache::new(1 << 20);
        Self {
            session,
            cache,
            finished: Vec::new(),
            to_client: Vec::new(),
            to_server: Vec::new(),
            counts: Counts::default(),
            places: PLACES,
        }
    }

    fn lend(&mut self, work: impl FnOnce(&mut Session, &mut Cx<'_>)) {
        let mut cx = Cx {
            now: 0,
            cache: &mut self.cache,
            to_client: &mut self.to_client,
            to_server: &mut self.to_server,
            finished: &mut self.finished,
            places: &mut self.places,
            counts: &mut self.counts,
        };
        work(&mut self.session, &mut cx);
    }
}

#[derive(Clone, Debug)]
enum Say {
    Query(&'static str),
    Parse(&'static str, &'static str),
    Bind(&'static str, &'static str),
    Describe(u8, &'static str),
    Execute(&'static str),
    Close(u8, &'static str),
    Flush,
    Sync,
}

impl Say {
    fn frame(&self, out: &mut Vec<u8>) {
        match self {
            Self::Query(text) => Build::new(out, client::QUERY).cstr(text.as_bytes()).end(),
            Self::Parse(name, text) => Build::new(out, client::PARSE).cstr(name.as_bytes()).cstr(text.as_bytes()).i16(0).end(),
            Self::Bind(portal, name) => {
                Build::new(out, client::BIND).cstr(portal.as_bytes()).cstr(name.as_bytes()).i16(0).i16(0).i16(0).end();
            }
            Self::Describe(kind, name) => Build::new(out, client::DESCRIBE).byte(*kind).cstr(name.as_bytes()).end(),
            Self::Execute(portal) => Build::new(out, client::EXECUTE).cstr(portal.as_bytes()).i32(0).end(),
            Self::Close(kind, name) => Build::new(out, client::CLOSE).byte(*kind).cstr(name.as_bytes()).end(),
            Self::Flush => Build::new(out, client::FLUSH).end(),
            Self::Sync => Build::new(out, client::SYNC).end(),
        }
    }
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "a", "b"])
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["UPDATE t SET a = 1", "boom", "SELECT 1", "UPDATE t SET a = 2", "SELECT 'it''s'"])
}

fn said() -> impl Strategy<Value = Say> {
    prop_oneof![
        prop::sample::select(vec!["SELECT 1", "", "SELECT 1; SELECT 2", "SELECT 1; UPDATE boom SET a = 1; SELECT 3", "boom"])
            .prop_map(Say::Query),
        (name(), text()).prop_map(|(n, t)| Say::Parse(n, t)),
        (name(), name()).prop_map(|(p, n)| Say::Bind(p, n)),
        (prop::sample::select(vec![b'S', b'P']), name()).prop_map(|(k, n)| Say::Describe(k, n)),
        name().prop_map(Say::Execute),
        (prop::sample::select(vec![b'S', b'P']), name()).prop_map(|(k, n)| Say::Close(k, n)),
        Just(Say::Flush),
        Just(Say::Sync),
        Just(Say::Sync),
    ]
}

/// Bytes, and in which lots they arrive: how many of each direction before the other one moves.
fn lots() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1usize..8, 50usize..4000], 1..6)
}

/// Runs a conversation to its end and gives what the client got.
fn converse(desk: &mut Desk, said: &[Say], lots: &[usize]) -> Vec<u8> {
    let mut stream = Vec::new();
    said.iter().for_each(|s| s.frame(&mut stream));
    Say::Sync.frame(&mut stream);
    let mut script = Script::default();
    let (mut at, mut turn) = (0, 0);
    let mut given_out = None;
    let mut answers: Vec<u8> = Vec::new();
    while desk.session.closing().is_none() {
        let lot = lots[turn % lots.len()];
        turn += 1;
        let mut moved = false;
        match given_out.take() {
            Some(decided) if turn % 3 != 0 => {
                given_out = Some(decided);
                moved = true;
            }
            Some(decided) => {
                desk.lend(|s, cx| s.analysed(decided, cx));
                moved = true;
            }
            None => given_out = desk.session.work().map(|work| work.run()),
        }
        if at < stream.len() && desk.session.wants_client() {
            let end = (at + lot).min(stream.len());
            desk.lend(|s, cx| s.client_bytes(&stream[at..end], cx));
            at = end;
            moved = true;
        }
        let asked = std::mem::take(&mut desk.to_server);
        answers.extend(script.feed(&asked));
        if !answers.is_empty() {
            let lot: Vec<u8> = answers.drain(..lot.min(answers.len())).collect();
            desk.lend(|s, cx| s.server_bytes(&lot, cx));
            moved = true;
        }
        if !moved && given_out.is_none() && desk.to_server.is_empty() {
            assert_eq!(at, stream.len(), "the session waits for ever");
            break;
        }
    }
    desk.lend(Session::end);
    assert_eq!(usize::try_from(PLACES - desk.places).unwrap(), desk.finished.len(), "a place for each record, a record for each place");
    std::mem::take(&mut desk.to_client)
}

fn tags(stream: &[u8]) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), stream);
    while let [tag, a, b, c, d, ..] = rest {
        out.push(*tag);
        rest = &rest[1 + u32::from_be_bytes([*a, *b, *c, *d]) as usize..];
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn an_unrestricted_client_gets_every_byte_that_the_server_says(said in prop::collection::vec(said(), 0..25), lots in lots()) {
        let mut stream = Vec::new();
        said.iter().for_each(|s| s.frame(&mut stream));
        Say::Sync.frame(&mut stream);
        let want = Script::default().feed(&stream);
        let mut desk = Desk::new(true);
        let got = converse(&mut desk, &said, &lots);
        prop_assert_eq!(tags(&got), tags(&want));
        prop_assert_eq!(got, want);
    }

    #[test]
    fn a_governed_client_gets_an_answer_to_all_that_it_asks(said in prop::collection::vec(said(), 0..40), lots in lots()) {
        let mut stream = Vec::new();
        said.iter().for_each(|s| s.frame(&mut stream));
        Say::Sync.frame(&mut stream);
        // What is refused fails in the server as `boom` does.
        let want = Script { governed: true, ..Script::default() }.feed(&stream);
        let mut desk = Desk::new(false);
        let got = converse(&mut desk, &said, &lots);
        prop_assert!(desk.session.closing().is_none());
        let ready = |stream: &[u8]| tags(stream).into_iter().filter(|t| *t == b'Z').count();
        prop_assert_eq!(ready(&got), ready(&want));
        prop_assert!(desk.session.is_idle());
    }

    #[test]
    fn a_governed_client_whose_server_breaks_gives_every_record(
        said in prop::collection::vec(said(), 0..20),
        cut in 0usize..2000,
        lot in 1usize..400,
    ) {
        let mut stream = Vec::new();
        said.iter().for_each(|s| s.frame(&mut stream));
        let mut desk = Desk::new(false);
        let mut script = Script::default();
        let mut told = 0;
        for part in stream.chunks(lot) {
            if desk.session.closing().is_some() || !desk.session.wants_client() {
                break;
            }
            desk.lend(|s, cx| s.client_bytes(part, cx));
            let asked = std::mem::take(&mut desk.to_server);
            let mut answers = script.feed(&asked);
            // The server falls silent after so many bytes.
            answers.truncate(cut.saturating_sub(told));
            told += answers.len();
            desk.lend(|s, cx| s.server_bytes(&answers, cx));
        }
        desk.lend(Session::server_gone);
        desk.lend(Session::end);
        prop_assert_eq!(usize::try_from(PLACES - desk.places).unwrap(), desk.finished.len());
    }

    #[test]
    fn a_broken_server_ends_the_session_and_nothing_else(
        said in prop::collection::vec(said(), 0..10),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        well_formed in prop::collection::vec((prop::sample::select(backend::ALL.to_vec()), prop::collection::vec(any::<u8>(), 0..12)), 0..10),
        governed in any::<bool>(),
        lot in 1usize..50,
    ) {
        let mut desk = Desk::new(!governed);
        let mut stream = Vec::new();
        said.iter().for_each(|s| s.frame(&mut stream));
        for (tag, body) in &well_formed {
            let mut answer = Vec::new();
            Build::new(&mut answer, *tag).bytes(body).end();
            if desk.session.closing().is_none() {
                let end = lot.min(stream.len());
                let now: Vec<u8> = stream.drain(..end).collect();
                desk.lend(|s, cx| s.client_bytes(&now, cx));
                desk.lend(|s, cx| s.server_bytes(&answer, cx));
            }
        }
        for part in noise.chunks(lot) {
            if desk.session.closing().is_none() {
                desk.lend(|s, cx| s.server_bytes(part, cx));
            }
        }
        desk.lend(Session::end);
        prop_assert_eq!(usize::try_from(PLACES - desk.places).unwrap(), desk.finished.len());
    }

    #[test]
    fn a_client_that_sends_anything_harms_nobody(noise in prop::collection::vec(any::<u8>(), 0..200), governed in any::<bool>(), lot in 1usize..50) {
        let mut desk = Desk::new(!governed);
        for part in noise.chunks(lot) {
            if desk.session.closing().is_none() {
                desk.lend(|s, cx| s.client_bytes(part, cx));
            }
        }
        desk.lend(Session::end);
    }
}

#[test]
fn each_statement_of_a_string_gives_one_record() {
    let mut desk = Desk::new(true);
    converse(&mut desk, &[Say::Query("SELECT 1; SELECT 2"), Say::Query("SELECT 1; UPDATE boom SET a = 1; SELECT 3"), Say::Query("")], &[7]);
    let outcomes: Vec<Outcome> = desk.finished.iter().map(|f| f.outcome).collect();
    assert_eq!(outcomes, [Outcome::Allowed, Outcome::Allowed, Outcome::Allowed, Outcome::Failed, Outcome::Skipped]);
}
