//! A client that speaks in bytes: it says what it is told to, right or wrong, and gives what it heard, message by message.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A peer that says nothing for so long has hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message: its type and its body.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) tag: u8,
    pub(crate) body: Vec<u8>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = self.body.get(..600).unwrap_or(&self.body);
        write!(f, "{}({})", self.tag as char, body.escape_ascii())
    }
}

impl Message {
    /// The fields of an error or notice.
    pub(crate) fn field(&self, letter: u8) -> Option<String> {
        let mut parts = self.body.split(|b| *b == 0);
        parts.find(|p| p.first() == Some(&letter)).map(|p| String::from_utf8_lossy(&p[1..]).into_owned())
    }

    pub(crate) fn sqlstate(&self) -> String {
        self.field(b'C').unwrap_or_default()
    }
}

/// The SQLSTATE of the first error, or nothing.
pub(crate) fn code(heard: &[Message]) -> String {
    heard.iter().find(|m| m.tag == b'E').map(Message::sqlstate).unwrap_or_default()
}

/// A message as bytes.
pub(crate) fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    out.extend(body);
    out
}

/// A body made of strings with their ends.
pub(crate) fn strings(parts: &[&str]) -> Vec<u8> {
    parts.iter().flat_map(|p| p.bytes().chain([0])).collect()
}

pub(crate) fn query(text: &str) -> Vec<u8> {
    frame(b'Q', &strings(&[text]))
}

pub(crate) fn parse(name: &str, text: &str) -> Vec<u8> {
    frame(b'P', &[strings(&[name, text]), vec![0, 0]].concat())
}

pub(crate) fn bind(portal: &str, statement: &str) -> Vec<u8> {
    frame(b'B', &[strings(&[portal, statement]), vec![0; 6]].concat())
}

pub(crate) fn execute(portal: &str, rows: i32) -> Vec<u8> {
    frame(b'E', &[strings(&[portal]), rows.to_be_bytes().to_vec()].concat())
}

pub(crate) fn sync() -> Vec<u8> {
    frame(b'S', &[])
}

/// A connection after its log-in.
pub(crate) struct Raw {
    socket: TcpStream,
    heard: Vec<u8>,
    at: usize,
    /// Process and secret, for cancel requests.
    pub(crate) key: Vec<u8>,
}

impl Raw {
    pub(crate) fn connect(port: u16, user: &str, database: &str) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_nodelay(true).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut raw = Self { socket, heard: Vec::new(), at: 0, key: Vec::new() };
        let body = [vec![0, 3, 0, 0], strings(&["user", user, "database", database, ""])].concat();
        raw.send(&frame(0, &body)[1..]);
        loop {
            let message = raw.next();
            match message.tag {
                b'K' => raw.key = message.body,
                b'Z' => return raw,
                b'E' => panic!("log-in: {message:?}"),
                _ => {}
            }
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).unwrap();
    }

    /// Sends where the other side may be gone.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// The next message; `None` at the end of the connection.
    pub(crate) fn hear(&mut self) -> Option<Message> {
        loop {
            let rest = &self.heard[self.at..];
            if rest.len() >= 5 {
                let length = u32::from_be_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize + 1;
                if rest.len() >= length {
                    let message = Message { tag: rest[0], body: rest[5..length].to_vec() };
                    self.at += length;
                    return Some(message);
                }
            }
            self.heard.drain(..self.at);
            self.at = 0;
            let mut buffer = [0; 16384];
            match self.socket.read(&mut buffer) {
                Ok(0) => return None,
                Ok(n) => self.heard.extend(&buffer[..n]),
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => return None,
                Err(e) => panic!("nothing is heard: {e}"),
            }
        }
    }

    pub(crate) fn next(&mut self) -> Message {
        self.hear().expect("the connection ended")
    }

    /// Everything up to and with the next `ReadyForQuery`.
    pub(crate) fn until_ready(&mut self) -> Vec<Message> {
        let mut out = Vec::new();
        loop {
            let message = self.next();
            let ready = message.tag == b'Z';
            out.push(message);
            if ready {
                return out;
            }
        }
    }

    /// Everything up to the end of the connection.
    pub(crate) fn until_end(&mut self) -> Vec<Message> {
        std::iter::from_fn(|| self.hear()).collect()
    }

    /// Runs a query string.
    pub(crate) fn run(&mut self, text: &str) -> Vec<Message> {
        self.send(&query(text));
        self.until_ready()
    }

    /// The bytes of the socket as they come, without taking them apart.
    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }
}

/// A cancel request.
pub(crate) fn cancel(port: u16, key: &[u8]) {
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let body = [80_877_102_u32.to_be_bytes().to_vec(), key.to_vec()].concat();
    socket.write_all(&frame(0, &body)[1..]).unwrap();
    let _ = socket.read(&mut [0; 16]);
}
