//! Conversations made from a seed: any messages in any order, right and wrong ones, as PostgreSQL answers them and as the proxy does.

use std::fmt::Write;

use lab::dice::{Dice, asked_for};

use crate::fixture::Fixture;
use crate::raw::{Message, Raw};
use crate::script::{Script, Step, read};
use crate::transcripts::comparable;

/// Conversations for each login. `GENERATED=n` asks for more.
const CONVERSATIONS: u64 = 60;

const DIVIDES: &str = "SELECT 1/(id-1) FROM item";

const NAMES: [&str; 4] = ["", "", "a", "b"];

/// Statements that mean the same whenever they run in a conversation.
const TEXTS: [&str; 25] = [
    "SELECT id, name FROM item ORDER BY id",
    "SELECT 1",
    "SELECT id FROM item WHERE id = $1",
    "INSERT INTO log (msg) VALUES ('x')",
    "INSERT INTO log (msg) VALUES ($1) RETURNING msg",
    "INSERT INTO log (msg) VALUES (NULL)",
    DIVIDES,
    DIVIDES,
    "SELEC",
    "",
    "BEGIN",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "SET search_path = other, public",
    "SET LOCAL search_path = other, public",
    "SET search_path = public",
    "SELECT count(*) FROM item",
    "SELECT count(*) FROM log",
    "DECLARE a CURSOR FOR SELECT id FROM item ORDER BY id",
    "FETCH 2 FROM a",
    "DISCARD PLANS",
    "UPDATE log SET msg = msg",
];

const STRINGS: [&str; 8] = [
    "SELECT 1; INSERT INTO log (msg) VALUES ('y'); SELECT count(*) FROM log",
    "INSERT INTO log (msg) VALUES ('y'); INSERT INTO log (msg) VALUES (NULL); SELECT 2",
    "BEGIN; INSERT INTO log (msg) VALUES ('z')",
    "COMMIT; SELECT count(*) FROM log",
    "PREPARE a AS SELECT name FROM item ORDER BY id",
    "EXECUTE a",
    "DEALLOCATE ALL",
    "CLOSE ALL",
];

/// One message as a line of a transcript.
fn line(dice: &mut Dice, out: &mut String) {
    let (name, other) = (dice.one(&NAMES), dice.one(&NAMES));
    let kind = dice.one(&["S", "P"]);
    match dice.roll(17) {
        0 | 1 => writeln!(out, "Q {}", dice.one(&TEXTS).replace("$1", "1")),
        2 => writeln!(out, "Q {}", dice.one(&STRINGS)),
        3..6 => writeln!(out, "P {name}|{}", dice.one(&TEXTS)),
        6..8 => writeln!(out, "B {name}|{other}||{}|", dice.one(&["", "", "1"])),
        8..11 => writeln!(out, "P |{0}\nB |||{1}|\nE |", dice.one(&TEXTS), dice.one(&["", "", "1"])),
        11 => writeln!(out, "D {kind} {name}"),
        12 | 13 => writeln!(out, "E {name}|{}", dice.one(&["0", "1", "2"])),
        14 => writeln!(out, "C {kind} {name}"),
        15 => writeln!(out, "H"),
        _ => writeln!(out, "S"),
    }
    .unwrap();
}

/// `failing` stands in the place of the statement that divides by zero.
fn conversation(seed: u64, failing: &str) -> Script {
    let mut dice = Dice::new(seed);
    let mut out = format!("--- {seed}\n");
    for _ in 0..5 + dice.roll(40) {
        line(&mut dice, &mut out);
    }
    // Whatever state the conversation is in, it ends with one answer that stands alone.
    out.push_str("S\nQ ROLLBACK\nQ SELECT 'the end'\n< Z\n");
    read(&out.replace(DIVIDES, failing)).remove(0)
}

/// All that is heard up to the last answer.
fn converse(script: &Script, raw: &mut Raw, cut: usize) -> Vec<Message> {
    let Some(Step::Say(bytes)) = script.steps.first() else { unreachable!("a script begins with what is said") };
    bytes.chunks(cut).for_each(|part| raw.send(part));
    let mut heard = Vec::new();
    let mut last = false;
    while let Some(message) = raw.hear() {
        last |= message.tag == b'D' && message.body.ends_with(b"the end");
        let ready = message.tag == b'Z';
        heard.push(message);
        if last && ready {
            return heard;
        }
    }
    heard
}

/// A query string that is refused is refused whole, so what stands before its error has no answer of its own (interface.md).
fn shown(heard: Vec<Message>, governed: bool) -> Vec<String> {
    heard.into_iter().map(|m| format!("{:?}", comparable(m, governed, false))).collect()
}

#[test]
fn generated_conversations_are_answered_as_postgresql_answers_them() {
    let mut fixture = Fixture::start("");
    let (first, count) = (asked_for("SEED", 1), asked_for("GENERATED", CONVERSATIONS));
    let mut wrong = Vec::new();
    for seed in first..first + count {
        let script = conversation(seed, DIVIDES);
        for (user, cut) in [("free", 4000), ("gov", usize::MAX), ("gov", 7)] {
            fixture.reset();
            let want = shown(converse(&script, &mut fixture.direct(user), usize::MAX), user == "gov");
            fixture.reset();
            let got = shown(converse(&script, &mut fixture.proxied(user), cut), user == "gov");
            if let Some(at) = (0..want.len().max(got.len())).find(|i| want.get(*i) != got.get(*i)) {
                let around = |all: &[String]| all[at.saturating_sub(3).min(all.len())..(at + 2).min(all.len())].join("\n      ");
                wrong.push(format!("SEED={seed} {user} at {at}:\n  PostgreSQL\n      {}\n  proxy\n      {}", around(&want), around(&got)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

/// What a refusal and a server's error have in common: that one stands there.
fn shape(message: Message) -> Message {
    let refusal = message.tag == b'E' && matches!(message.sqlstate().as_str(), "42883" | "42501");
    if refusal { Message { tag: b'E', body: b"no".to_vec() } } else { comparable(message, true, false) }
}

#[test]
fn a_refusal_behaves_as_an_error_of_the_server_in_its_place() {
    let mut fixture = Fixture::start("");
    let mut wrong = Vec::new();
    for seed in 1000..1000 + CONVERSATIONS {
        for cut in [usize::MAX, 5] {
            fixture.reset();
            let failing = conversation(seed, "SELECT nobody_made_this()");
            let want: Vec<Message> = converse(&failing, &mut fixture.direct("guest"), usize::MAX).into_iter().map(shape).collect();
            fixture.reset();
            let refused = conversation(seed, "SELECT pin FROM person");
            let got: Vec<Message> = converse(&refused, &mut fixture.proxied("guest"), cut).into_iter().map(shape).collect();
            if let Some(at) = (0..want.len().max(got.len())).find(|i| want.get(*i) != got.get(*i)) {
                let around = |all: &[Message]| format!("{:?}", &all[at.saturating_sub(3).min(all.len())..(at + 2).min(all.len())]);
                wrong.push(format!("seed {seed} at {at}:\n  error   {}\n  refusal {}", around(&want), around(&got)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}
