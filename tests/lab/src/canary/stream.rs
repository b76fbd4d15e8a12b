//! The search over one connection's server bytes: all of them as they come, each value of each row, and values of a column or a row
//! put together, for canaries that come a character at a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Canaries, Found};

/// Bytes of a result that are kept for the search over many rows.
const KEPT: usize = 1 << 20;

/// The state of the search over one connection.
#[derive(Debug)]
pub struct Watch {
    canaries: Arc<Canaries>,
    /// The end of what was searched: a canary may go on in the next read.
    tail: Vec<u8>,
    frame: Vec<u8>,
    /// What the values of each column of the running result say together: as texts, and as numbers of characters.
    columns: BTreeMap<usize, (Vec<u8>, String)>,
    /// The same of all values, row by row.
    all: (Vec<u8>, String),
    found: Vec<Found>,
}

impl Watch {
    /// A connection's search.
    #[must_use]
    pub fn new(canaries: Arc<Canaries>) -> Self {
        Self {
            canaries,
            tail: Vec::new(),
            frame: Vec::new(),
            columns: BTreeMap::new(),
            all: (Vec::new(), String::new()),
            found: Vec::new(),
        }
    }

    /// What was found since the last time.
    pub fn take(&mut self) -> Vec<Found> {
        std::mem::take(&mut self.found)
    }

    /// Bytes that the server side sent. `framed` is false before the first message (answers to SSLRequest are single bytes).
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut joined = std::mem::take(&mut self.tail);
        joined.extend_from_slice(bytes);
        self.found.extend(self.canaries.find(&joined));
        let keep = joined.len().min(self.canaries.longest().saturating_sub(1));
        // what was found must not be found again in the part that is kept
        self.tail = if self.found.is_empty() { joined.split_off(joined.len() - keep) } else { Vec::new() };
        self.frame.extend_from_slice(bytes);
        self.frames();
    }

    fn frames(&mut self) {
        let mut at = 0;
        while let Some(head) = self.frame.get(at..at + 5) {
            let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let Some(body) = self.frame.get(at + 5..at + 1 + length) else { break };
            let (tag, body) = (head[0], body.to_vec());
            at += 1 + length.max(4);
            match tag {
                b'D' => self.row(&cells(&body)),
                b'd' => {
                    let line: Vec<Option<&[u8]>> = body.split(|b| matches!(b, b'\t' | b',' | b'\n')).map(Some).collect();
                    self.row(&line);
                }
                b'C' | b'c' | b'E' | b's' | b'Z' => self.result_ends(),
                _ => {}
            }
        }
        self.frame.drain(..at);
    }

    fn row(&mut self, values: &[Option<&[u8]>]) {
        for (i, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            self.found.extend(self.canaries.find_value(value));
            let column = self.columns.entry(i).or_default();
            for (text, characters) in [column, &mut self.all] {
                if text.len() < KEPT {
                    text.extend_from_slice(value);
                    characters.extend(character(value));
                }
            }
        }
    }

    fn result_ends(&mut self) {
        let columns = std::mem::take(&mut self.columns).into_values().chain([std::mem::take(&mut self.all)]);
        for (text, characters) in columns {
            self.found.extend(self.canaries.find(&text));
            self.found.extend(self.canaries.find(characters.as_bytes()));
        }
    }
}

/// The character whose number a value is, as text or as a binary integer.
fn character(value: &[u8]) -> Option<char> {
    let text = std::str::from_utf8(value).ok().and_then(|t| t.parse::<u32>().ok());
    let binary = || match value.len() {
        2 => Some(u32::from(u16::from_be_bytes(value.try_into().ok()?))),
        4 => Some(u32::from_be_bytes(value.try_into().ok()?)),
        8 => u32::try_from(u64::from_be_bytes(value.try_into().ok()?)).ok(),
        _ => None,
    };
    text.filter(|n| *n >= 32).or_else(binary).filter(|n| *n >= 32).and_then(char::from_u32)
}

/// The values of a `DataRow`'s body.
fn cells(body: &[u8]) -> Vec<Option<&[u8]>> {
    let mut cells = Vec::new();
    let mut rest = body.get(2..).unwrap_or_default();
    while let Some((head, tail)) = rest.split_at_checked(4) {
        let length = i32::from_be_bytes(head.try_into().unwrap_or_default());
        match usize::try_from(length).ok().and_then(|n| tail.split_at_checked(n)) {
            Some((value, next)) => {
                cells.push(Some(value));
                rest = next;
            }
            None => {
                cells.push(None);
                rest = tail;
            }
        }
    }
    cells
}
