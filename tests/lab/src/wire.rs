//! A client that speaks the protocol by hand: what is sent and what comes back, message by message. Log-ins without a password only.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// A message of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its type.
    pub tag: u8,
    /// What follows its length.
    pub body: Vec<u8>,
}

impl Message {
    /// A field of an error or notice.
    #[must_use]
    pub fn field(&self, letter: u8) -> Option<String> {
        let found = self.body.split(|b| *b == 0).find(|f| f.first() == Some(&letter))?;
        Some(String::from_utf8_lossy(&found[1..]).into_owned())
    }

    /// The values of a `DataRow`.
    #[must_use]
    pub fn values(&self) -> Vec<Option<Vec<u8>>> {
        let (mut values, mut rest) = (Vec::new(), self.body.get(2..).unwrap_or_default());
        while let Some((head, tail)) = rest.split_at_checked(4) {
            let length = usize::try_from(i32::from_be_bytes([head[0], head[1], head[2], head[3]])).ok();
            let value = length.and_then(|n| tail.get(..n));
            rest = tail.get(value.map_or(0, <[u8]>::len)..).unwrap_or_default();
            values.push(value.map(<[u8]>::to_vec));
        }
        values
    }
}

/// The SQLSTATE of the first error, or nothing.
#[must_use]
pub fn code(heard: &[Message]) -> String {
    heard.iter().find(|m| m.tag == b'E').and_then(|m| m.field(b'C')).unwrap_or_default()
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
}

/// How long an answer may take: long beyond any that comes.
const PATIENCE: Duration = Duration::from_secs(60);

impl Client {
    /// Logs in.
    ///
    /// # Errors
    /// The connection fails, or the log-in is refused.
    pub fn connect(port: u16, user: &str, database: &str) -> io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream };
        let mut body = vec![0, 3, 0, 0];
        for word in ["user", user, "database", database, "client_encoding", "UTF8"] {
            body.extend_from_slice(word.as_bytes());
            body.push(0);
        }
        body.push(0);
        client.stream.write_all(&[&u32::try_from(body.len() + 4).unwrap_or(0).to_be_bytes()[..], &body].concat())?;
        let answer = client.until_ready()?;
        match answer.iter().find(|m| m.tag == b'E') {
            Some(error) => Err(io::Error::other(error.field(b'M').unwrap_or_default())),
            None => Ok(client),
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send(&mut self, tag: u8, body: &[u8]) -> io::Result<()> {
        self.send_all(&[(tag, body.to_vec())])
    }

    /// Sends messages in one piece: a server that hangs up over one of them has them all.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send_all(&mut self, messages: &[(u8, Vec<u8>)]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (tag, body) in messages {
            bytes.push(*tag);
            bytes.extend(u32::try_from(body.len() + 4).unwrap_or(0).to_be_bytes());
            bytes.extend_from_slice(body);
        }
        self.stream.write_all(&bytes)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// The connection is gone, or says nothing.
    pub fn receive(&mut self) -> io::Result<Message> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length.saturating_sub(4)];
        self.stream.read_exact(&mut body)?;
        Ok(Message { tag: head[0], body })
    }

    /// Reads up to `ReadyForQuery`, or to where the connection ends after a fatal error. Data that a COPY asks for is refused.
    ///
    /// # Errors
    /// The connection is gone without a word.
    pub fn until_ready(&mut self) -> io::Result<Vec<Message>> {
        let mut messages: Vec<Message> = Vec::new();
        loop {
            match self.receive() {
                Ok(message) => {
                    if message.tag == b'G' {
                        self.send(b'f', b"no data\0")?;
                    }
                    let ready = message.tag == b'Z';
                    messages.push(message);
                    if ready {
                        return Ok(messages);
                    }
                }
                Err(_) if messages.iter().any(|m| m.tag == b'E' && m.field(b'S').as_deref() == Some("FATAL")) => return Ok(messages),
                Err(error) => return Err(error),
            }
        }
    }

    /// A simple query.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn query(&mut self, text: &str) -> io::Result<Vec<Message>> {
        self.send(b'Q', &[text.as_bytes(), b"\0"].concat())?;
        self.until_ready()
    }

    /// Parse, Describe, Sync of a text without parameters.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn describe(&mut self, text: &str) -> io::Result<Vec<Message>> {
        let parse = [b"\0", text.as_bytes(), b"\0\0\0"].concat();
        self.send_all(&[(b'P', parse), (b'D', b"S\0".to_vec()), (b'S', Vec::new())])?;
        self.until_ready()
    }

    /// Parse, Bind, Execute, Sync of a text without parameters; results in format 0 (text) or 1 (binary).
    ///
    /// # Errors
    /// The connection is gone.
    pub fn extended(&mut self, text: &str, format: u8) -> io::Result<Vec<Message>> {
        self.send(b'P', &[b"\0", text.as_bytes(), b"\0\0\0"].concat())?;
        self.send(b'B', &[0, 0, 0, 0, 0, 0, 0, 1, 0, format])?;
        self.send(b'E', &[0, 0, 0, 0, 0])?;
        self.send(b'S', b"")?;
        self.until_ready()
    }
}
