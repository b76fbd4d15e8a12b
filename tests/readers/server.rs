//! A server by hand for the door `step`: it follows the protocol as PostgreSQL does, and its rows of `users.email` hold a canary. What comes
//! of texts is told by their words.

use std::collections::HashMap;

use pgscrim::wire::{Build, Cutter, FrameError, Hold, Piece, Reader, client};

/// Stands in each raw value of a masked column.
pub(crate) const CANARY: &[u8] = b"canary-1@example.com";

/// The names of what was prepared and bound, each with its text.
#[expect(clippy::struct_excessive_bools, reason = "facts that do not depend on each other")]
#[derive(Debug)]
pub(crate) struct Server {
    cutter: Cutter,
    statements: HashMap<Vec<u8>, String>,
    portals: HashMap<Vec<u8>, String>,
    status: u8,
    skip: bool,
    copies_in: bool,
    /// By a query string, after which it is ready again.
    copies_simply: bool,
    /// It was told that the client goes, or sent what no message is, and hung up.
    pub(crate) gone: bool,
}

impl Default for Server {
    fn default() -> Self {
        let (statements, portals) = (HashMap::new(), HashMap::new());
        Self {
            cutter: Cutter::new(client::ALL, &[]),
            statements,
            portals,
            status: b'I',
            skip: false,
            copies_in: false,
            copies_simply: false,
            gone: false,
        }
    }
}

impl Server {
    /// What it says to these bytes.
    pub(crate) fn feed(&mut self, mut input: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        if self.gone {
            return out;
        }
        let mut cutter = std::mem::replace(&mut self.cutter, Cutter::new(client::ALL, &[]));
        loop {
            match cutter.next(&mut input, |_, _| Hold::UpTo(1 << 20)) {
                Ok(Some(Piece::Whole(frame))) => self.answer(frame.tag, frame.body(), &mut out),
                Ok(Some(Piece::Run(run))) => run.frames().for_each(|f| self.answer(f.tag, f.body(), &mut out)),
                Ok(Some(Piece::Begin(_) | Piece::Part { .. })) => unreachable!("everything is held"),
                Ok(None) => break,
                // what is no message to us may be the data of a COPY, which passes at any length
                Err(FrameError::TooLong { tag: client::COPY_DATA, .. }) => {
                    self.gone = true;
                    break;
                }
                Err(error) => panic!("the proxy sends what is no message: {error}"),
            }
        }
        self.cutter = cutter;
        out
    }

    fn fail(&mut self, code: &[u8], out: &mut Vec<u8>) {
        Build::new(out, b'E').byte(b'S').cstr(b"ERROR").byte(b'C').cstr(code).byte(b'M').cstr(b"no").byte(0).end();
        if self.status == b'T' {
            self.status = b'E';
        }
    }

    fn ready(&mut self, out: &mut Vec<u8>) {
        if self.status == b'I' {
            self.portals.clear();
        }
        Build::new(out, b'Z').byte(self.status).end();
    }

    fn answer(&mut self, tag: u8, body: &[u8], out: &mut Vec<u8>) {
        if tag == client::TERMINATE {
            self.gone = true;
        }
        if self.gone {
            return;
        }
        if self.copies_in {
            return self.during_copy(tag, out);
        }
        if self.skip && tag != client::SYNC {
            return;
        }
        let mut r = Reader::new(body);
        match tag {
            client::QUERY => {
                self.statements.remove(&b""[..]);
                let text = String::from_utf8_lossy(r.cstr().unwrap()).into_owned();
                let mut parts = text.split(';').map(str::trim).filter(|p| !p.is_empty()).peekable();
                if parts.peek().is_none() {
                    Build::new(out, b'I').end();
                }
                let _done = parts.all(|part| self.run(part, true, out));
                self.copies_simply = self.copies_in;
                if !self.copies_in {
                    self.ready(out);
                }
            }
            client::SYNC => {
                self.skip = false;
                self.ready(out);
            }
            client::FUNCTION_CALL => {
                self.fail(b"0A000", out);
                self.ready(out);
            }
            client::PARSE | client::BIND | client::DESCRIBE | client::EXECUTE | client::CLOSE => {
                self.skip = !self.extended(tag, r, out);
            }
            _ => {}
        }
    }

    /// Whether it went well.
    fn extended(&mut self, tag: u8, mut r: Reader<'_>, out: &mut Vec<u8>) -> bool {
        let kind = if matches!(tag, client::DESCRIBE | client::CLOSE) { r.u8().unwrap() } else { 0 };
        let name = r.cstr().unwrap().to_vec();
        let failed = match tag {
            client::PARSE => {
                let text = String::from_utf8_lossy(r.cstr().unwrap()).into_owned();
                match text {
                    text if text.contains("boom") || text.contains("pgscrim_refused") => Some(b"42883"),
                    _ if !name.is_empty() && self.statements.contains_key(&name) => Some(b"42P05"),
                    text => {
                        self.statements.insert(name, text);
                        Build::new(out, b'1').end();
                        None
                    }
                }
            }
            client::BIND => match self.statements.get(r.cstr().unwrap()) {
                None => Some(b"26000"),
                Some(_) if !name.is_empty() && self.portals.contains_key(&name) => Some(b"42P03"),
                Some(text) => {
                    self.portals.insert(name, text.clone());
                    Build::new(out, b'2').end();
                    None
                }
            },
            client::DESCRIBE => match if kind == b'S' { self.statements.get(&name) } else { self.portals.get(&name) } {
                None => Some(if kind == b'S' { b"26000" } else { b"34000" }),
                Some(text) => {
                    if kind == b'S' {
                        Build::new(out, b't').i16(0).end();
                    }
                    if !describe(text, out) {
                        Build::new(out, b'n').end();
                    }
                    None
                }
            },
            client::EXECUTE => match self.portals.get(&name).cloned() {
                None => Some(b"34000"),
                Some(_) if name == b"pgscrim asks" => {
                    let path = br#"["pg_catalog","public"]"#;
                    Build::new(out, b'D').i16(2).i32(i32::try_from(path.len()).unwrap()).bytes(path).i32(-1).end();
                    Build::new(out, b'C').cstr(b"SELECT 1").end();
                    None
                }
                Some(text) => {
                    let done = self.run(&text, false, out);
                    return done || self.copies_in;
                }
            },
            _ => {
                if kind == b'S' {
                    self.statements.remove(&name)
                } else {
                    self.portals.remove(&name)
                };
                Build::new(out, b'3').end();
                None
            }
        };
        if let Some(code) = failed {
            self.fail(code, out);
        }
        failed.is_none()
    }

    /// Runs a statement; whether it came to its end.
    fn run(&mut self, text: &str, describes: bool, out: &mut Vec<u8>) -> bool {
        let word = text.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        if self.status == b'E' && !matches!(word.as_str(), "ROLLBACK" | "COMMIT") {
            self.fail(b"25P02", out);
            return false;
        }
        if text.contains("boom") || text.contains("pgscrim_refused") || word == "SELEC" {
            self.fail(b"22012", out);
            return false;
        }
        match word.as_str() {
            "BEGIN" => self.status = b'T',
            "COMMIT" | "ROLLBACK" => self.status = b'I',
            "COPY" if text.contains("FROM") => {
                Build::new(out, b'G').byte(0).i16(0).end();
                self.copies_in = true;
                return false;
            }
            _ => {}
        }
        if text.contains("email") && word == "SELECT" {
            if describes {
                describe(text, out);
            }
            for _ in 0..2 {
                Build::new(out, b'D').i16(1).i32(i32::try_from(CANARY.len()).unwrap()).bytes(CANARY).end();
            }
        }
        Build::new(out, b'C').cstr(format!("{word} 2").as_bytes()).end();
        true
    }

    fn during_copy(&mut self, tag: u8, out: &mut Vec<u8>) {
        match tag {
            client::COPY_DATA | client::FLUSH | client::SYNC => return,
            client::COPY_DONE => {
                Build::new(out, b'C').cstr(b"COPY 2").end();
            }
            _ => {
                self.fail(b"57014", out);
                self.skip = !self.copies_simply;
            }
        }
        self.copies_in = false;
        if std::mem::take(&mut self.copies_simply) {
            self.ready(out);
        }
    }
}

/// One column that comes from `users.email`, where a text reads it; whether it gives rows.
fn describe(text: &str, out: &mut Vec<u8>) -> bool {
    let reads = text.contains("email") && text.starts_with("SELECT");
    if reads {
        Build::new(out, b'T').i16(1).cstr(b"email").i32(20001).i16(2).i32(25).i16(-1).i32(-1).i16(0).end();
    }
    reads
}
