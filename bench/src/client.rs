//! A client that costs next to nothing: it sends a query and counts the rows that come back without looking into them.
//! Log-in by `trust` only. Not here: anything that needs a password (`churn`).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

enum Socket {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A session that is logged in.
pub(crate) struct Client {
    socket: Socket,
    buffer: Box<[u8]>,
}

/// How rows are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A simple query.
    Text,
    /// The extended protocol with binary results.
    Binary,
}

fn frame(out: &mut Vec<u8>, tag: u8, body: &[u8]) {
    out.push(tag);
    out.extend_from_slice(&u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(body);
}

impl Client {
    /// Logs in.
    pub(crate) fn connect(port: u16, user: &str, tls: Option<&Arc<ClientConfig>>) -> anyhow::Result<Self> {
        let mut tcp = TcpStream::connect(("127.0.0.1", port))?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(Duration::from_secs(90)))?;
        let socket = match tls {
            None => Socket::Plain(tcp),
            Some(config) => {
                tcp.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])?;
                let mut answer = [0];
                tcp.read_exact(&mut answer)?;
                if answer != *b"S" {
                    bail!("no TLS at port {port}");
                }
                let connection = ClientConnection::new(Arc::clone(config), ServerName::try_from("localhost")?)?;
                Socket::Tls(Box::new(StreamOwned::new(connection, tcp)))
            }
        };
        let buffer = if tls.is_some() { 32 << 10 } else { 256 << 10 };
        let mut client = Self { socket, buffer: vec![0; buffer].into() };
        let mut packet = vec![0, 0, 0, 0, 0, 3, 0, 0];
        for text in ["user", user, "database", "postgres", "application_name", "bench"] {
            packet.extend_from_slice(text.as_bytes());
            packet.push(0);
        }
        packet.push(0);
        let length = u32::try_from(packet.len())?.to_be_bytes();
        packet.splice(..4, length);
        client.send(&packet)?;
        client.drain(|_| {}).context("log-in")?;
        Ok(client)
    }

    fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match &mut self.socket {
            Socket::Plain(s) => s.write_all(bytes)?,
            Socket::Tls(s) => {
                s.write_all(bytes)?;
                s.flush()?;
            }
        }
        Ok(())
    }

    /// Runs a query to its end; the number of rows and COPY rows, and the bytes of everything.
    pub(crate) fn run(&mut self, sql: &str, format: Format, between: impl FnMut(u64)) -> anyhow::Result<(u64, u64)> {
        let mut out = Vec::new();
        let text = [sql.as_bytes(), &[0]].concat();
        match format {
            Format::Text => frame(&mut out, b'Q', &text),
            Format::Binary => {
                frame(&mut out, b'P', &[&[0], text.as_slice(), &[0, 0]].concat());
                frame(&mut out, b'B', &[0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
                frame(&mut out, b'D', b"P\0");
                frame(&mut out, b'E', &[0, 0, 0, 0, 0]);
                frame(&mut out, b'S', &[]);
            }
        }
        self.send(&out)?;
        self.drain(between)
    }

    /// Reads up to a `ReadyForQuery`. `between` hears of the rows so far after each read.
    fn drain(&mut self, mut between: impl FnMut(u64)) -> anyhow::Result<(u64, u64)> {
        let (mut rows, mut bytes) = (0, 0);
        let mut head = Vec::with_capacity(5);
        let mut skip = 0_usize;
        let (mut error, mut ready) = (None, false);
        while !ready {
            let count = match &mut self.socket {
                Socket::Plain(s) => s.read(&mut self.buffer)?,
                Socket::Tls(s) => s.read(&mut self.buffer)?,
            };
            if count == 0 {
                bail!("the connection ended");
            }
            bytes += count as u64;
            let mut input = self.buffer.get(..count).unwrap_or_default();
            while !input.is_empty() {
                if skip > 0 {
                    let step = skip.min(input.len());
                    skip -= step;
                    input = input.get(step..).unwrap_or_default();
                    continue;
                }
                let step = (5 - head.len()).min(input.len());
                let (taken, rest) = input.split_at(step);
                head.extend_from_slice(taken);
                input = rest;
                let [tag, a, b, c, d] = *head.as_slice() else { continue };
                skip = (u32::from_be_bytes([a, b, c, d]) as usize).saturating_sub(4);
                head.clear();
                match tag {
                    b'D' | b'd' => rows += 1,
                    b'E' => {
                        error = Some(String::from_utf8_lossy(input.get(..skip.min(input.len())).unwrap_or_default()).replace('\0', " "));
                    }
                    b'Z' => ready = true,
                    _ => {}
                }
            }
            between(rows);
        }
        match error {
            Some(text) => bail!("the server answered: {text}"),
            None => Ok((rows, bytes)),
        }
    }
}
