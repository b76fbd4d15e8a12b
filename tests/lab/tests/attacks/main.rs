//! The attack corpus: each attack by each governed login, in the simple and in the extended protocol, with text and binary results. Each
//! must be refused, or be answered without a canary; and where the clerk is answered, by what views written by hand give.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

mod corpus;
mod generated;
mod planned;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use corpus::{Case, cases, file, folder};
use lab::Lab;
use lab::oracle::{Answer, Row, sorted};
use lab::tap::{Leak, Tap};
use lab::wire::{Client, Message};

const GOVERNED: [&str; 4] = ["clerk", "auditor", "loader", "seer"];

/// How a text is sent and its result asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Simple,
    Text,
    Binary,
}

struct Runner {
    port: u16,
    user: &'static str,
    mode: Mode,
    /// Texts are turned to the veil's schema.
    veiled: bool,
    client: Option<Client>,
}

impl Runner {
    fn new(port: u16, user: &'static str, mode: Mode) -> Self {
        Self { port, user, mode, veiled: false, client: None }
    }

    fn say(&mut self, mode: Mode, alone: bool, text: &str) -> Vec<Message> {
        if self.client.is_none() {
            let mut client = Client::connect(self.port, self.user, "postgres").unwrap();
            if self.veiled {
                client.query("SET search_path = veil, public").unwrap();
            }
            if !alone {
                client.query("BEGIN").unwrap();
            }
            self.client = Some(client);
        }
        let client = self.client.as_mut().unwrap();
        let answer = match mode {
            Mode::Simple => client.query(text),
            Mode::Text => client.extended(text, 0),
            Mode::Binary => client.extended(text, 1),
        };
        let answer = answer.unwrap_or_default();
        if answer.last().is_none_or(|m| m.tag != b'Z') {
            self.client = None;
        }
        answer
    }

    /// Runs an attack; gives what became of each of its messages.
    fn run(&mut self, case: &Case) -> Vec<Answer> {
        if case.alone {
            self.client = None;
        }
        let mut outcomes = Vec::new();
        for step in &case.steps {
            let text = if self.veiled { step.replace("public.", "veil.") } else { step.clone() };
            let answer = self.say(self.mode, case.alone, &text);
            outcomes.push(Answer::of(&answer));
        }
        if case.alone {
            self.client = None;
        } else {
            self.say(
                Mode::Simple,
                false,
                if case.steps.iter().any(|s| s.contains("PREPARE")) { "ROLLBACK; DEALLOCATE ALL; BEGIN" } else { "ROLLBACK; BEGIN" },
            );
        }
        outcomes
    }
}

fn lab() -> Lab {
    let lab = Lab::guarded(
        &folder().join("policy.yaml"),
        &format!("{}{}", file("schema.sql"), file("derived.sql")),
        &file("canaries.sql"),
        &["owner"],
        "",
    )
    .unwrap();
    let mut direct = Client::connect(lab.cluster.port(), "postgres", "postgres").unwrap();
    // the same views again, of what the clerk sees
    for text in [file("veil.sql"), format!("SET search_path = veil, public; {}; RESET search_path", file("derived.sql"))] {
        let made = direct.query(&text).unwrap();
        assert!(matches!(Answer::of(&made), Answer::Rows(_)), "{:?}", Answer::of(&made));
    }
    let mut clerk = Client::connect(lab.port, "clerk", "postgres").unwrap();
    for row in clerk.query("SELECT id, alias, pin, ref FROM public.people").unwrap().iter().filter(|m| m.tag == b'D') {
        let values: Vec<String> = row.values().into_iter().map(|v| String::from_utf8(v.unwrap()).unwrap()).collect();
        direct.query(&format!("INSERT INTO veil.map VALUES ({}, '{}', {}, '{}')", values[0], values[1], values[2], values[3])).unwrap();
    }
    lab
}

/// Whether the veil's views can be asked the same.
fn has_an_oracle(case: &Case) -> bool {
    let reads = |step: &String| ["SELECT", "WITH", "VALUES", "TABLE", "("].iter().any(|w| step.trim_start().starts_with(w));
    let strange = |step: &String| {
        // views have no children, no samples and no system columns, and these cannot be written
        ["pg_", "ctid", "tableoid", "regclass", "UPDATE", "FOR SHARE", "TABLESAMPLE", "search_path", "information_schema", " ONLY "]
            .iter()
            .any(|w| step.contains(w))
    };
    case.steps.iter().all(reads) && !case.steps.iter().any(strange)
}

#[test]
fn nothing_veiled_gets_out() {
    let (mut cases, lab) = (cases(), lab());
    // what the server writes on its own account goes with the lab
    let file = lab.cluster.folder().join("data/never").display().to_string();
    cases.iter_mut().flat_map(|case| &mut case.steps).for_each(|step| *step = step.replace("/tmp/pgscrim-never", &file));
    let on_itself = Tap::start(lab.cluster.port(), lab.canaries(), &[]).unwrap();
    let mut server = Runner::new(on_itself.port(), "postgres", Mode::Simple);
    let mut veil = Runner { veiled: true, ..Runner::new(lab.cluster.port(), "postgres", Mode::Simple) };
    let mut runners: Vec<Runner> = Vec::new();
    for user in GOVERNED {
        runners.extend([Mode::Simple, Mode::Text, Mode::Binary].map(|mode| Runner::new(lab.port, user, mode)));
    }
    let (mut wrong, mut told) = (String::new(), [0usize; 3]);
    let mut log = std::env::var_os("ATTACKS_LOG").map(|path| std::fs::File::create(path).unwrap());
    let version = lab.version().unwrap();
    for case in &cases {
        let plain = server.run(case);
        let seen = on_itself.leaks();
        let alive = match case.mark {
            _ if !case.versions.contains(&version) => true,
            '=' => !seen.is_empty(),
            '?' => plain.iter().all(|o| matches!(o, Answer::Rows(_))),
            _ => true,
        };
        if !alive {
            writeln!(wrong, "no attack: {} ({:?})", case.name, plain.iter().filter(|o| !matches!(o, Answer::Rows(_))).collect::<Vec<_>>())
                .unwrap();
        }
        let by_hand = has_an_oracle(case).then(|| veil.run(case));
        for runner in &mut runners {
            let got = runner.run(case);
            let leaks: Vec<Leak> = lab.leaks();
            if let Some(leak) = leaks.first() {
                writeln!(wrong, "LEAK: {} to {} ({:?}): {}", case.name, runner.user, runner.mode, leak.found).unwrap();
            }
            for (i, outcome) in got.iter().enumerate() {
                told[match outcome {
                    Answer::Rows(_) => 0,
                    Answer::Refused(_) => 1,
                    Answer::Failed(_) => 2,
                }] += 1;
                if let Some(log) = &mut log
                    && runner.mode == Mode::Simple
                {
                    writeln!(
                        log,
                        "{}\t{}\t{}\t{}\t{}",
                        case.name,
                        case.steps[i].trim().replace('\n', " "),
                        runner.user,
                        case.mark,
                        outcome.short()
                    )
                    .unwrap();
                }
                let Answer::Rows(rows) = outcome else { continue };
                if runner.user == "clerk"
                    && runner.mode == Mode::Simple
                    && let Some(by_hand) = &by_hand
                {
                    match by_hand.get(i) {
                        Some(Answer::Rows(want)) if sorted(want.clone()) == sorted(rows.clone()) => {}
                        Some(Answer::Rows(want)) => {
                            let (got, want) = (sorted(rows.clone()), sorted(want.clone()));
                            let differ = got.iter().zip(&want).find(|(a, b)| a != b).map(|(a, b)| {
                                let cell = a.iter().zip(b).position(|(x, y)| x != y);
                                let show = |r: &Row| cell.map(|i| r[i].as_ref().map(|v| String::from_utf8_lossy(v).into_owned()));
                                (cell, show(a), show(b))
                            });
                            writeln!(wrong, "NOT THE VEIL: {}: {} rows, not {}; {differ:?}", case.name, got.len(), want.len()).unwrap();
                        }
                        other => {
                            writeln!(wrong, "NOT THE VEIL: {}: answered {} rows, the veil says {other:?}", case.name, rows.len()).unwrap()
                        }
                    }
                }
            }
        }
    }
    // past the test harness, which keeps what a test prints to itself
    let [answered, refused, failed] = told;
    writeln!(std::io::stdout(), "{} attacks: {answered} messages answered, {refused} refused, {failed} failed", cases.len()).unwrap();
    let _ = Arc::strong_count(&lab.canaries());
    assert!(wrong.is_empty(), "{} are wrong:\n{wrong}", wrong.lines().count());
}
