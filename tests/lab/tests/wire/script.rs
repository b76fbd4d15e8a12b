//! Transcripts: what a client says, and the types of what it hears, as lines of text.
//!
//! `--- name` begins one. `Q text`, `P name|text|oid,…`, `B portal|statement|formats|values|formats`, `D S name`, `E portal|rows`,
//! `C P name`, `H`, `S`, `X`, `d data`, `c`, `f why` and `raw hex` add a message; `repeat n` … `end` adds what stands between n
//! times. `< types` sends what was added and hears as many messages: `D*3`, `C:INSERT_0_1`, `E:42P01`, `ZT`; `(1 2 C)*5`
//! repeats several; `gone` is the end of the connection.

use crate::raw::{Message, Raw, frame, strings};

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Say(Vec<u8>),
    Hear(Vec<String>),
}

#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' {
            match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            }
        } else {
            c
        };
        out.extend(c.to_string().bytes());
    }
    out
}

fn formats(text: &str) -> Vec<u8> {
    let codes: Vec<i16> = text.split(',').filter(|c| !c.is_empty()).map(|c| c.parse().unwrap()).collect();
    let count = u16::try_from(codes.len()).unwrap().to_be_bytes().to_vec();
    codes.iter().fold(count, |mut out, c| {
        out.extend(c.to_be_bytes());
        out
    })
}

fn say(line: &str) -> Vec<u8> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let parts: Vec<&str> = rest.split('|').collect();
    let part = |i: usize| parts.get(i).copied().unwrap_or("");
    match word {
        "Q" => frame(b'Q', &strings(&[rest])),
        "P" => {
            let types: Vec<u32> = part(2).split(',').filter(|t| !t.is_empty()).map(|t| t.parse().unwrap()).collect();
            let mut body = strings(&[part(0), part(1)]);
            body.extend(u16::try_from(types.len()).unwrap().to_be_bytes());
            types.iter().for_each(|t| body.extend(t.to_be_bytes()));
            frame(b'P', &body)
        }
        "B" => {
            let mut body = strings(&[part(0), part(1)]);
            body.extend(formats(part(2)));
            let values: Vec<&str> = if part(3).is_empty() { Vec::new() } else { part(3).split(',').collect() };
            body.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
            for value in values {
                if value == "NULL" {
                    body.extend((-1_i32).to_be_bytes());
                } else {
                    let value = unescape(value);
                    body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
                    body.extend(value);
                }
            }
            body.extend(formats(part(4)));
            frame(b'B', &body)
        }
        "D" | "C" => {
            let (kind, name) = rest.split_once(' ').unwrap_or((rest, ""));
            frame(word.as_bytes()[0], &[kind.as_bytes(), name.as_bytes(), &[0]].concat())
        }
        "E" => frame(b'E', &[strings(&[part(0)]), part(1).parse::<i32>().unwrap_or(0).to_be_bytes().to_vec()].concat()),
        "H" | "S" | "X" | "c" => frame(word.as_bytes()[0], &[]),
        "d" => frame(b'd', &unescape(rest)),
        "f" => frame(b'f', &strings(&[rest])),
        "raw" => (0..rest.len()).step_by(2).map(|i| u8::from_str_radix(&rest[i..i + 2], 16).unwrap()).collect(),
        _ => panic!("no such line: {line}"),
    }
}

fn tokens(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut group: Option<Vec<String>> = None;
    for word in text.split_whitespace() {
        let (word, opens) = word.strip_prefix('(').map_or((word, false), |w| (w, true));
        if opens {
            group = Some(Vec::new());
        }
        if let Some((last, times)) = word.split_once(")*") {
            let mut one = group.take().unwrap();
            one.push(last.to_owned());
            (0..times.parse::<usize>().unwrap()).for_each(|_| out.extend(one.iter().cloned()));
        } else if let Some(group) = &mut group {
            group.push(word.to_owned());
        } else if let Some((word, times)) = word.split_once('*') {
            (0..times.parse::<usize>().unwrap()).for_each(|_| out.push(word.to_owned()));
        } else {
            out.push(word.to_owned());
        }
    }
    out
}

pub(crate) fn read(text: &str) -> Vec<Script> {
    let mut scripts: Vec<Script> = Vec::new();
    let mut said: Vec<u8> = Vec::new();
    let mut repeat: Option<(usize, Vec<u8>)> = None;
    for line in text.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
        if let Some(name) = line.strip_prefix("--- ") {
            assert!(said.is_empty(), "something is said and nothing heard before {name}");
            scripts.push(Script { name: name.to_owned(), steps: Vec::new() });
        } else if let Some(times) = line.strip_prefix("repeat ") {
            repeat = Some((times.parse().unwrap(), Vec::new()));
        } else if line == "end" {
            let (times, once) = repeat.take().unwrap();
            (0..times).for_each(|_| said.extend(&once));
        } else if let Some(heard) = line.strip_prefix("< ") {
            let steps = &mut scripts.last_mut().unwrap().steps;
            steps.push(Step::Say(std::mem::take(&mut said)));
            steps.push(Step::Hear(tokens(heard)));
        } else {
            let message = say(line);
            repeat.as_mut().map_or(&mut said, |(_, once)| once).extend(message);
        }
    }
    scripts
}

/// Whether a message is what a token says.
fn is(message: &Message, token: &str) -> bool {
    let (tag, more) = token.split_at(1);
    let more = more.strip_prefix(':').unwrap_or(more);
    let holds = match message.tag {
        _ if more.is_empty() => true,
        b'E' | b'N' => message.sqlstate() == more,
        b'C' => message.body.strip_suffix(&[0]) == Some(more.replace('_', " ").as_bytes()),
        _ => message.body == more.as_bytes(),
    };
    message.tag == tag.as_bytes()[0] && holds
}

/// Runs a transcript; `cut` is how many bytes go in one write. What was heard, up to the first message that was not expected.
pub(crate) fn run(script: &Script, raw: &mut Raw, cut: usize) -> Result<Vec<Message>, String> {
    let mut heard = Vec::new();
    for step in &script.steps {
        match step {
            Step::Say(bytes) => bytes.chunks(cut).for_each(|part| drop(raw.try_send(part))),
            Step::Hear(tokens) => {
                for token in tokens {
                    let message = raw.hear();
                    match message {
                        None if token == "gone" => return Ok(heard),
                        None => return Err(format!("the connection ended where {token} was expected, after {:?}", heard.last())),
                        Some(message) => {
                            let right = is(&message, token);
                            heard.push(message);
                            if !right {
                                let from = heard.len().saturating_sub(6);
                                return Err(format!("{token} was expected, heard {:?}", &heard[from..]));
                            }
                        }
                    }
                }
            }
        }
    }
    Ok(heard)
}
