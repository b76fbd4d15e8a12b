//! A regression script taken apart as `psql` does: statements, and the data of `COPY … FROM stdin`. Commands of `psql` are left out.

use std::collections::HashMap;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Statement {
    pub text: String,
    /// The data that stands behind a `COPY … FROM stdin`.
    pub data: Option<String>,
}

impl Statement {
    /// Whether it is one of those that a governed login must be answered: queries, DML, cursors.
    pub fn is_asked(&self) -> bool {
        const ASKED: [&str; 12] =
            ["select", "values", "with", "table", "insert", "update", "delete", "merge", "declare", "fetch", "move", "close"];
        let bare = strip_comments(&self.text);
        let first: String = bare.trim_start_matches(['(', ' ', '\n']).chars().take_while(char::is_ascii_alphabetic).collect();
        ASKED.contains(&first.to_lowercase().as_str())
    }
}

fn strip_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let next = match rest.get(..2) {
            Some("--") => rest.split_once('\n').map_or("", |(_, after)| after),
            Some("/*") => rest.split_once("*/").map_or("", |(_, after)| after),
            _ => return rest,
        };
        rest = next.trim_start();
    }
}

/// The statements of a script. `folder` is what `:abs_srcdir` stands for.
pub fn statements(script: &str, folder: &str) -> Vec<Statement> {
    let (mut out, mut variables) = (Vec::new(), HashMap::new());
    let (mut rest, mut text) = (script, String::new());
    while !rest.is_empty() {
        if let Some(command) = rest.strip_prefix('\\') {
            let (line, after) = command.split_once('\n').unwrap_or((command, ""));
            set(line, folder, &mut variables);
            let ends = line.starts_with('g') || line.starts_with("watch") || line.starts_with("crosstabview");
            if ends && !text.trim().is_empty() {
                out.push(Statement { text: filled(&text, &variables), data: None });
            }
            text.clear();
            rest = after;
            continue;
        }
        let taken = token(rest);
        let (one, after) = rest.split_at(taken);
        rest = after;
        if one != ";" || depth(&text) > 0 {
            text.push_str(one);
            continue;
        }
        let text = filled(&std::mem::take(&mut text), &variables);
        let lower = strip_comments(&text).to_lowercase();
        let data = (lower.starts_with("copy") && lower.contains("from stdin")).then(|| {
            let lines = rest.split_once('\n').map_or("", |(_, after)| after);
            let end = lines.find("\\.\n").unwrap_or(lines.len());
            rest = lines.get(end + 3..).unwrap_or("");
            lines[..end].to_owned()
        });
        if !strip_comments(&text).is_empty() {
            out.push(Statement { text, data });
        }
    }
    out
}

fn set(line: &str, folder: &str, variables: &mut HashMap<String, String>) {
    let words: Vec<&str> = line.split_whitespace().collect();
    if let ["set", name, value @ ..] = &words[..] {
        let value: String = value.iter().map(|w| if *w == ":abs_srcdir" { folder.to_owned() } else { w.replace('\'', "") }).collect();
        variables.insert((*name).to_owned(), value);
    }
}

fn filled(text: &str, variables: &HashMap<String, String>) -> String {
    variables.iter().fold(text.trim().to_owned(), |text, (name, value)| {
        text.replace(&format!(":'{name}'"), &format!("'{value}'")).replace(&format!(":{name}"), value)
    })
}

/// How many parentheses are open, outside of what is quoted; `BEGIN ATOMIC` counts as one.
fn depth(text: &str) -> i32 {
    let (mut rest, mut depth) = (text, 0);
    while !rest.is_empty() {
        let (one, after) = rest.split_at(token(rest));
        depth += i32::from(one == "(") - i32::from(one == ")");
        rest = after;
    }
    let lower = text.to_lowercase();
    let atomic = lower.contains("begin atomic") && !lower.trim_end().ends_with("end");
    depth + i32::from(atomic)
}

/// The length of the next piece: something quoted, a comment, or a character.
fn token(rest: &str) -> usize {
    let end = |from: usize, mark: &str| rest[from..].find(mark).map_or(rest.len(), |at| from + at + mark.len());
    let mut chars = rest.chars();
    let first = chars.next().map_or(0, char::len_utf8);
    match rest.as_bytes() {
        [b'-', b'-', ..] => end(2, "\n"),
        [b'/', b'*', ..] => comment(rest),
        [b'E' | b'e', b'\'', ..] => 1 + quoted(&rest[1..], true),
        [b'\'', ..] => quoted(rest, false),
        [b'"', ..] => end(1, "\""),
        [b'$', ..] => match rest[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')) {
            Some(at) if rest[1 + at..].starts_with('$') && !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let tag = &rest[..at + 2];
                end(tag.len(), tag)
            }
            _ => 1,
        },
        [c, ..] if c.is_ascii_alphanumeric() || *c == b'_' => {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len()).max(1)
        }
        _ => first,
    }
}

fn comment(rest: &str) -> usize {
    let (mut at, mut deep) = (0, 0);
    while at < rest.len() {
        match rest.as_bytes().get(at..at + 2) {
            Some(b"/*") => (deep, at) = (deep + 1, at + 2),
            Some(b"*/") => {
                (deep, at) = (deep - 1, at + 2);
                if deep == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

fn quoted(rest: &str, escapes: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}
