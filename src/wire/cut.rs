//! Cutting a byte stream into frames. A frame that is whole in what was just read is lent from there; one that is not is kept
//! until it is, or passes in pieces, as the caller rules by its type and length. Nothing is reserved on a peer's word.

/// Why a stream cannot be followed any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length is below 4.
    #[error("invalid message length")]
    Length,
    /// A type that this side never sends.
    #[error("unknown message type {0:#04x}")]
    Type(u8),
    /// Longer than the limit for its type.
    #[error("message of type {tag:#04x} is longer than the limit of {limit} bytes")]
    TooLong {
        /// Its type.
        tag: u8,
        /// The limit in bytes, length word included.
        limit: usize,
    },
}

/// A whole message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type byte.
    pub tag: u8,
    /// Type, length and body.
    pub whole: &'a [u8],
}

impl<'a> Frame<'a> {
    /// What follows the length.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        self.whole.get(5..).unwrap_or_default()
    }
}

/// Several whole messages of one type behind one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// Their type byte.
    pub tag: u8,
    /// All of them.
    pub bytes: &'a [u8],
    /// How many.
    pub count: usize,
}

impl<'a> Run<'a> {
    /// The frames of the run, one by one.
    pub fn frames(self) -> impl Iterator<Item = Frame<'a>> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            let (whole, tail) = rest.split_at_checked(total(rest)?)?;
            rest = tail;
            Some(Frame { tag: self.tag, whole })
        })
    }
}

/// What the cutter lends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// One whole message.
    Whole(Frame<'a>),
    /// Whole messages of the type that comes in runs.
    Run(Run<'a>),
    /// The beginning of a message that passes in pieces: its header and what there is of its body.
    Begin(Frame<'a>),
    /// More of it.
    Part {
        /// The bytes.
        bytes: &'a [u8],
        /// The message ends here.
        last: bool,
    },
}

/// What is to be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Keep it until it is whole; longer than this (length word included) is an error.
    UpTo(usize),
    /// Where it is not whole, let it pass in pieces.
    Pass,
}

/// The state of one direction.
#[derive(Debug)]
pub struct Cutter {
    types: &'static [u8],
    runs: &'static [u8],
    pending: Vec<u8>,
    lent: bool,
    passing: usize,
}

/// The length of the frame at the beginning of `bytes`, type byte included, where its header is there.
fn total(bytes: &[u8]) -> Option<usize> {
    let (_, rest) = bytes.split_first()?;
    rest.first_chunk::<4>().map(|length| 1 + u32::from_be_bytes(*length) as usize)
}

/// As many whole frames of one type as `input` begins with; there is at least one.
fn run<'a>(tag: u8, input: &mut &'a [u8]) -> Run<'a> {
    let bytes = *input;
    let (mut end, mut count) = (0, 0);
    while let Some(rest) = bytes.get(end..) {
        match (rest.first(), total(rest)) {
            (Some(first), Some(total)) if *first == tag && total >= 5 && total <= rest.len() => {
                end += total;
                count += 1;
            }
            _ => break,
        }
    }
    let (whole, rest) = bytes.split_at(end.min(bytes.len()));
    *input = rest;
    Run { tag, bytes: whole, count }
}

/// Holds a frame's length against the rule for its type; whether it has to be kept until it is whole.
fn keep(tag: u8, total: usize, rule: impl Fn(u8, usize) -> Hold) -> Result<bool, FrameError> {
    match rule(tag, total) {
        Hold::UpTo(limit) if total - 1 > limit => Err(FrameError::TooLong { tag, limit }),
        Hold::UpTo(_) => Ok(true),
        Hold::Pass => Ok(false),
    }
}

impl Cutter {
    /// A cutter for a side that sends these types, of which `runs` come in runs.
    #[must_use]
    pub fn new(types: &'static [u8], runs: &'static [u8]) -> Self {
        Self { types, runs, pending: Vec::new(), lent: false, passing: 0 }
    }

    /// Whether the stream stands between two messages.
    #[must_use]
    pub fn at_boundary(&self) -> bool {
        self.passing == 0 && (self.lent || self.pending.is_empty())
    }

    /// The type of the message that comes next where `input` follows; `None` within one that passes in pieces, or at the end.
    #[must_use]
    pub fn peek(&self, input: &[u8]) -> Option<u8> {
        let kept = if self.lent { None } else { self.pending.first() };
        if self.passing > 0 { None } else { kept.or(input.first()).copied() }
    }

    /// Whether a message is passing in pieces and its end is still to come.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.passing > 0
    }

    /// The length of the message that is being kept until it is whole, 0 where none is.
    #[must_use]
    pub fn keeping(&self) -> usize {
        if self.lent { 0 } else { total(&self.pending).unwrap_or(self.pending.len()) }
    }

    /// Bytes of a frame that is not whole yet.
    #[must_use]
    pub fn held(&self) -> usize {
        if self.lent { 0 } else { self.pending.len() }
    }

    /// The next piece of `input`, which is advanced; `None` when more must be read.
    ///
    /// # Errors
    /// Where the stream cannot be followed any further.
    pub fn next<'s, 'i: 's>(&'s mut self, input: &mut &'i [u8], rule: impl Fn(u8, usize) -> Hold) -> Result<Option<Piece<'s>>, FrameError> {
        if self.lent {
            // A frame that had to be kept is rare and may have been large: its memory goes back at once.
            self.lent = false;
            self.pending = Vec::new();
        }
        if self.passing > 0 {
            return Ok(self.pass(input));
        }
        if self.pending.is_empty() { self.cut(input, rule) } else { self.complete(input, rule) }
    }

    fn pass<'a>(&mut self, input: &mut &'a [u8]) -> Option<Piece<'a>> {
        let (bytes, rest) = input.split_at(self.passing.min(input.len()));
        if bytes.is_empty() {
            return None;
        }
        *input = rest;
        self.passing -= bytes.len();
        Some(Piece::Part { bytes, last: self.passing == 0 })
    }

    /// Type and length of the frame that `bytes` begins with, where there is enough of it.
    fn header(&self, bytes: &[u8]) -> Result<Option<(u8, usize)>, FrameError> {
        let Some(tag) = bytes.first().copied() else { return Ok(None) };
        if !self.types.contains(&tag) {
            return Err(FrameError::Type(tag));
        }
        match total(bytes) {
            Some(total) if total < 5 => Err(FrameError::Length),
            other => Ok(other.map(|total| (tag, total))),
        }
    }

    fn cut<'a>(&mut self, input: &mut &'a [u8], rule: impl Fn(u8, usize) -> Hold) -> Result<Option<Piece<'a>>, FrameError> {
        let bytes = *input;
        let Some((tag, total)) = self.header(bytes)? else {
            self.pending.extend_from_slice(bytes);
            *input = &[];
            return Ok(None);
        };
        let keep = keep(tag, total, rule)?;
        if let Some((whole, rest)) = bytes.split_at_checked(total) {
            if self.runs.contains(&tag) {
                return Ok(Some(Piece::Run(run(tag, input))));
            }
            *input = rest;
            return Ok(Some(Piece::Whole(Frame { tag, whole })));
        }
        *input = &[];
        if keep {
            self.pending.extend_from_slice(bytes);
            return Ok(None);
        }
        self.passing = total - bytes.len();
        Ok(Some(Piece::Begin(Frame { tag, whole: bytes })))
    }

    /// Goes on with a frame whose beginning is kept.
    fn complete(&mut self, input: &mut &[u8], rule: impl Fn(u8, usize) -> Hold) -> Result<Option<Piece<'_>>, FrameError> {
        self.take(input, 5);
        let Some((tag, total)) = self.header(&self.pending)? else { return Ok(None) };
        if keep(tag, total, rule)? {
            self.take(input, total);
            if self.pending.len() < total {
                return Ok(None);
            }
        } else if self.pending.len() < total {
            self.passing = total - self.pending.len();
            self.lent = true;
            return Ok(Some(Piece::Begin(Frame { tag, whole: &self.pending })));
        }
        self.lent = true;
        Ok(Some(self.kept(tag)))
    }

    fn kept(&self, tag: u8) -> Piece<'_> {
        if self.runs.contains(&tag) {
            Piece::Run(Run { tag, bytes: &self.pending, count: 1 })
        } else {
            Piece::Whole(Frame { tag, whole: &self.pending })
        }
    }

    /// Moves bytes of `input` into what is kept until that is `length` long.
    fn take(&mut self, input: &mut &[u8], length: usize) {
        let missing = length.saturating_sub(self.pending.len()).min(input.len());
        let (head, rest) = input.split_at(missing);
        self.pending.extend_from_slice(head);
        *input = rest;
    }
}
