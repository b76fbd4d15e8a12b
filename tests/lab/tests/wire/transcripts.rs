//! The transcripts of the `.txt` files beside: PostgreSQL itself first, then through the proxy.

use crate::fixture::Fixture;
use crate::raw::Message;
use crate::script::{Script, read, run};

fn scripts() -> Vec<Script> {
    [include_str!("simple.txt"), include_str!("extended.txt")].into_iter().flat_map(read).collect()
}

/// What differs by nature: the sender's process in a notification, the number of a relation that each run makes anew. For a
/// governed login also the position of an error, and the place in PostgreSQL's source where the proxy itself answers.
pub(crate) fn comparable(mut message: Message, governed: bool, own: bool) -> Message {
    match message.tag {
        b'A' => message.body[..4].fill(0),
        b'T' if own => without_origins(&mut message.body),
        b'E' | b'N' if governed => {
            let drop: &[u8] = if message.sqlstate() == "08P01" { b"PFLRM" } else { b"PFLR" };
            let parts: Vec<&[u8]> = message.body.split(|b| *b == 0).filter(|p| p.first().is_none_or(|l| !drop.contains(l))).collect();
            message.body = parts.join(&0);
        }
        _ => {}
    }
    message
}

/// Blanks the relation's number in each field of a `RowDescription`.
fn without_origins(body: &mut [u8]) {
    let fields = u16::from_be_bytes([body[0], body[1]]);
    let mut at = 2;
    for _ in 0..fields {
        at += body[at..].iter().position(|b| *b == 0).unwrap() + 1;
        body[at..at + 4].fill(0);
        at += 18;
    }
}

fn compare(fixture: &mut Fixture, script: &Script, user: &str, cut: usize) -> Result<(), String> {
    let governed = user != "free";
    let name = &script.name;
    let own = name.contains("temporary");
    fixture.reset();
    let want = run(script, &mut fixture.direct(user), usize::MAX).map_err(|e| format!("{name}: PostgreSQL: {e}"))?;
    fixture.reset();
    let got = run(script, &mut fixture.proxied(user), cut).map_err(|e| format!("{name}: {user}: {e}"))?;
    for (want, got) in want.into_iter().zip(got) {
        let (want, got) = (comparable(want, governed, own), comparable(got, governed, own));
        if want != got {
            return Err(format!("{name}: {user}:\n    PostgreSQL {want:?}\n    proxy      {got:?}"));
        }
    }
    Ok(())
}

#[test]
fn every_reply_is_the_one_that_postgresql_gives() {
    let mut fixture = Fixture::start("");
    let only = std::env::var("TRANSCRIPT").ok();
    let mut wrong = Vec::new();
    for script in scripts().iter().filter(|s| only.as_ref().is_none_or(|o| s.name.contains(o.as_str()))) {
        for user in ["free", "gov"].into_iter().filter(|u| *u == "free" || !script.name.ends_with("[free]")) {
            for cut in [usize::MAX, 1] {
                let bytes: usize = script.steps.iter().map(|s| if let crate::script::Step::Say(b) = s { b.len() } else { 0 }).sum();
                if cut == usize::MAX || bytes < 4000 {
                    wrong.extend(compare(&mut fixture, script, user, cut).err().map(|e| format!("cut {cut}: {e}")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}
