//! PostgreSQL's parser by the inner functions of `libpg_query`: a text is parsed once for its tree and the fingerprints of its
//! statements, and nothing is collected that nobody asks for. The one crate with unsafe code: `parser.c` and the calls of it.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

// Its library is what `parser.c` calls.
use pg_query as _;

/// As in `parser.c`.
#[repr(C)]
struct Raw {
    data: *mut c_char,
    len: usize,
    statements: *mut Statement,
    count: usize,
    failed: bool,
    message: *mut c_char,
    hint: *mut c_char,
    sqlstate: c_int,
    cursorpos: c_int,
}

unsafe extern "C" {
    fn parser_read(text: *const c_char, fingerprints: bool, result: *mut Raw);
    fn parser_print(tree: *const c_char, len: usize, result: *mut Raw);
    fn parser_free(result: *mut Raw);
}

impl Raw {
    fn empty() -> Self {
        Self {
            data: ptr::null_mut(),
            len: 0,
            statements: ptr::null_mut(),
            count: 0,
            failed: false,
            message: ptr::null_mut(),
            hint: ptr::null_mut(),
            sqlstate: 0,
            cursorpos: 0,
        }
    }

    /// What was answered, or why nothing was.
    fn checked(self) -> Result<Self, Failure> {
        if !self.failed && !self.data.is_null() {
            return Ok(self);
        }
        // SAFETY: where it is not null, it is what strdup gave, and `self` owns it.
        let text = |given: *mut c_char| (!given.is_null()).then(|| unsafe { CStr::from_ptr(given) }.to_string_lossy().into_owned());
        Err(Failure {
            message: text(self.message).unwrap_or_default(),
            hint: text(self.hint),
            sqlstate: unpacked(self.sqlstate),
            at: usize::try_from(self.cursorpos).ok().and_then(|at| at.checked_sub(1)),
        })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: `checked` found it not null; C wrote `len` bytes there, and `self` owns them.
        unsafe { std::slice::from_raw_parts(self.data.cast(), self.len) }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: each pointer is null or malloc's own, and is freed here alone; C leaves nulls behind.
        unsafe { parser_free(ptr::from_mut(self)) }
    }
}

/// Five characters of six bits each (`MAKE_SQLSTATE`).
fn unpacked(sqlstate: c_int) -> [u8; 5] {
    [0, 6, 12, 18, 24].map(|shift| b'0' + u8::try_from(sqlstate >> shift & 63).unwrap_or_default())
}

/// PostgreSQL's words for what it could not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Its message; empty where there was no memory for it.
    pub message: String,
    /// What would work.
    pub hint: Option<String>,
    /// Its code.
    pub sqlstate: [u8; 5],
    /// Where in the text, in characters; `None` where it does not say.
    pub at: Option<usize>,
}

/// The tree of a text: `ParseResult` of `pg_query.proto`. Lengths of messages have four bytes.
pub struct Tree(Raw);

// SAFETY: the memory is this value's alone, and malloc's may be freed by any thread.
unsafe impl Send for Tree {}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tree").field("len", &self.0.len).finish()
    }
}

impl Tree {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// Its statements.
    #[must_use]
    pub fn statements(&self) -> &[Statement] {
        if self.0.statements.is_null() {
            return &[];
        }
        // SAFETY: C made that many, and `self` owns them.
        unsafe { std::slice::from_raw_parts(self.0.statements, self.0.count) }
    }
}

/// What is known of a statement beside its tree.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Of its shape, literals aside; 0 where none was wanted.
    pub fingerprint: u64,
    /// Its tree lost an empty text, which a protobuf message cannot tell from none: it is not the client's statement any more, and the
    /// printer may trip over what is missing.
    pub emptied: bool,
}

/// Whether fingerprints are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprints {
    /// One for each statement.
    Wanted,
    /// None.
    Unwanted,
}

/// Parses a text.
///
/// # Errors
/// PostgreSQL's own: syntax errors, and its limit on the depth of the stack.
pub fn read(text: &CStr, fingerprints: Fingerprints) -> Result<Tree, Failure> {
    let mut raw = Raw::empty();
    // SAFETY: the text ends with a zero and is only read; C fills in `raw` and keeps neither.
    unsafe { parser_read(text.as_ptr(), fingerprints == Fingerprints::Wanted, &raw mut raw) };
    raw.checked().map(Tree)
}

/// A text that was printed.
pub struct Printed(Raw);

impl std::fmt::Debug for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Printed").field("len", &self.0.len).finish()
    }
}

impl Printed {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &CStr {
        // SAFETY: `checked` found it not null; C ended it with a zero, and `self` owns it.
        unsafe { CStr::from_ptr(self.0.data) }
    }
}

/// Prints the one statement of a tree, which is `ParseResult` of `pg_query.proto`. Of a statement that was [emptied](Statement) the
/// printer may not come back.
///
/// # Errors
/// There is not one statement, or one that cannot be printed.
pub fn print(tree: &[u8]) -> Result<Printed, Failure> {
    let mut raw = Raw::empty();
    // SAFETY: `len` bytes can be read there and are only read; C fills in `raw` and keeps neither.
    unsafe { parser_print(tree.as_ptr().cast(), tree.len(), &raw mut raw) };
    raw.checked().map(Printed)
}
