//! A file of verifiers in the manner of PgBouncer's `userlist.txt`: `"user" "SCRAM-SHA-256$…"`, one a line, a quote within quotes doubled,
//! lines that begin with `;` left out.

use std::collections::HashMap;

use super::Verifier;

/// Why a file is refused. Texts say where, never what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserlistError {
    /// A line is not `"user" "verifier"`.
    #[error("line {0} is not \"user\" \"verifier\"")]
    Line(usize),
    /// Its second part is a password or an MD5 hash: neither is of use here, and neither belongs in a file.
    #[error("line {0} holds no SCRAM-SHA-256 verifier (copy it from pg_authid.rolpassword)")]
    Verifier(usize),
    /// A user stands twice.
    #[error("line {0} names a user that an earlier line has named")]
    Twice(usize),
}

/// The verifiers of a file.
#[derive(Clone, Debug, Default)]
pub struct Userlist(HashMap<String, Verifier>);

impl Userlist {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, UserlistError> {
        let mut users = HashMap::new();
        for (line, number) in text.lines().map(str::trim).zip(1..) {
            if line.is_empty() || line.starts_with(';') {
                continue;
            }
            let (user, rest) = quoted(line).ok_or(UserlistError::Line(number))?;
            let (verifier, _) = quoted(rest.trim_start()).ok_or(UserlistError::Line(number))?;
            let verifier = Verifier::parse(&verifier).ok_or(UserlistError::Verifier(number))?;
            if users.insert(user, verifier).is_some() {
                return Err(UserlistError::Twice(number));
            }
        }
        Ok(Self(users))
    }

    /// The verifier of a user.
    #[must_use]
    pub fn get(&self, user: &str) -> Option<&Verifier> {
        self.0.get(user)
    }
}

/// A quoted text off the beginning, and what is behind it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut out = String::new();
    loop {
        let (part, after) = rest.split_once('"')?;
        out.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                out.push('"');
                rest = more;
            }
            None => return (!out.is_empty()).then_some((out, after)),
        }
    }
}
