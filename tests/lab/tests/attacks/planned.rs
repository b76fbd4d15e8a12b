//! The attacks once more, and random queries, by the planner alone: what a permit lets the server give, but for the columns that the permit
//! masks, holds no canary, and is what the views by hand give where the clerk asks. The permits' texts run on the bare server, so that
//! seconds suffice for a first answer; `GENERATED` says how many queries. Not here: what runs by a name (cursors, EXECUTE), and what is
//! turned back.

use std::sync::Arc;

use lab::canary::{Canaries, Found};
use lab::dice::asked_for;
use lab::oracle::{Answer, Row, sorted};
use lab::queries::Generator;
use lab::wire::{Client, Message};
use pgscrim::base::RawSql;
use pgscrim::plan::{Cell, Names, Permit, Plan, Planned, Protocol, RowsOf, Setting, plan_text};
use pgscrim::policy::Profile;
use pgscrim::session::View;
use pgscrim::sql::DISAGREEMENT;
use pgscrim::wire::row_description;

use super::corpus::{Case, cases};
use super::generated::{STORED, TABLES, VIEWS};
use super::{Mode, Runner, has_an_oracle, lab};

fn plans(view: &View, cases: &[Case]) -> Vec<Vec<Vec<Planned>>> {
    let names = Names { epoch: 0, search_path: vec!["pg_catalog".into(), "public".into()], relations: Vec::new() };
    let View { catalog, profile, fingerprint_key, .. } = view;
    let setting = Setting { catalog, profile, names: &names, fingerprint_key, parse_limit: 1 << 20 };
    let plan = |step: &String| plan_text(&RawSql::new(&**step), &[], Protocol::Simple, setting);
    cases.iter().map(|case| case.steps.iter().map(plan).collect()).collect()
}

/// The text that gives a permit's rows.
fn runs(planned: &Planned) -> Option<(&Permit, &str)> {
    let Plan::Send(permit) = &planned.plan else { return None };
    let own = matches!(permit.rows_of(), RowsOf::Own) && permit.turned().is_none();
    own.then(|| (permit, permit.copied().unwrap_or(permit.text())))
}

fn is_masked(permit: &Permit, column: usize) -> bool {
    matches!(permit.cells().get(column), Some(Cell::Masked { .. }))
}

/// A row without the columns that the proxy masks.
fn unmasked(permit: &Permit, row: &Row) -> Row {
    row.iter().enumerate().filter(|(i, _)| !is_masked(permit, *i)).map(|(_, value)| value.clone()).collect()
}

/// What is wrong with an answer, whatever was asked.
fn faults(permit: &Permit, answer: &[Message], profile: &Profile, canaries: &Canaries) -> Vec<String> {
    let mut faults = Vec::new();
    for message in answer {
        match message.tag {
            b'T' => {
                let fields = row_description(&message.body).unwrap();
                let veiled = |(i, f): (usize, &pgscrim::wire::Field<'_>)| {
                    f.relation.0 != 0 && f.column > 0 && !is_masked(permit, i) && profile.read(f.relation, f.column).is_veiled()
                };
                if fields.iter().enumerate().any(veiled) || permit.arity().is_some_and(|n| n != fields.len()) {
                    faults.push("THE WITNESS TRIPS".to_owned());
                }
            }
            b'D' if !permit.keeps_rows() => {
                let found = |v: &Vec<u8>| canaries.find(v).or_else(|| canaries.find_value(v));
                let leak: Option<Found> = unmasked(permit, &message.values()).iter().flatten().find_map(found);
                faults.extend(leak.map(|found| format!("LEAK: {found}")));
            }
            _ => {}
        }
    }
    faults.truncate(2);
    faults
}

/// How what the server gives the clerk is unlike what the views give, the columns aside that the proxy masks.
fn differs(permit: &Permit, got: &Answer, want: &Answer) -> Option<String> {
    let left = |rows: &[Row]| sorted(rows.iter().map(|row| unmasked(permit, row)).collect());
    match (got, want) {
        (Answer::Rows(got), Answer::Rows(want)) if left(got) == left(want) => None,
        (Answer::Rows(got), Answer::Rows(want)) => Some(format!("{} rows, not these {}", got.len(), want.len())),
        (Answer::Rows(rows), Answer::Failed(why) | Answer::Refused(why)) => Some(format!("{} rows, not {why}", rows.len())),
        (Answer::Failed(why) | Answer::Refused(why), Answer::Rows(rows)) => Some(format!("{why}, not {} rows", rows.len())),
        (Answer::Failed(_) | Answer::Refused(_), Answer::Failed(_) | Answer::Refused(_)) => None,
    }
}

#[test]
fn a_permit_gives_the_clerk_the_veil() {
    hold("clerk");
}

#[test]
fn a_permit_gives_the_auditor_nothing_away() {
    hold("auditor");
}

#[test]
fn a_permit_gives_the_loader_nothing_away() {
    hold("loader");
}

#[test]
fn a_permit_gives_the_seer_nothing_away() {
    hold("seer");
}

fn hold(login: &'static str) {
    let (lab, mut cases) = (lab(), cases());
    let count = asked_for("GENERATED", 300);
    let random = [TABLES, VIEWS, STORED].into_iter().flat_map(|relations| (1..=count).map(move |seed| (seed, relations)));
    cases.extend(random.map(|(seed, relations)| Case {
        name: format!("random {seed}"),
        mark: '-',
        versions: 0..=u32::MAX,
        alone: false,
        steps: vec![Generator::new(seed, relations).query()],
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(pgscrim::server::run::read_database(&lab.config, "postgres")).unwrap();
    let view = database.view(login, None).unwrap();
    let cases = Arc::new(cases);
    let planned = {
        let (view, cases) = (Arc::clone(&view), Arc::clone(&cases));
        let work = move || plans(&view, &cases);
        std::thread::Builder::new().stack_size(pgscrim::sql::STACK).spawn(work).unwrap().join().unwrap()
    };
    let mut veil = Runner { veiled: true, ..Runner::new(lab.cluster.port(), "postgres", Mode::Simple) };
    let mut server = Client::connect(lab.cluster.port(), login, "postgres").unwrap();
    let (mut wrong, mut ran) = (Vec::new(), 0);
    for (case, steps) in cases.iter().zip(&planned) {
        // the second reader does not know what these say
        let disagree = |p: &&Planned| matches!(&p.plan, Plan::Refuse(refusal) if refusal.reason == DISAGREEMENT);
        if steps.iter().flatten().any(|p| disagree(&p)) && !case.steps.iter().any(|s| s.contains("U&\"")) {
            wrong.push(format!("THE READERS DISAGREE: {} of {login}: {}", case.name, case.steps.join(";;")));
        }
        // of a string of which something is refused nothing runs
        let strings: Vec<Vec<(&Permit, &str)>> = steps.iter().filter_map(|step| step.iter().map(runs).collect()).collect();
        let alone = matches!(steps.as_slice(), [step] if step.len() == 1);
        // before the attack, whose transaction it may have to wait for
        let by_hand = (login == "clerk" && alone && !strings.is_empty() && has_an_oracle(case)).then(|| veil.run(case).remove(0));
        if !case.alone {
            server.query("BEGIN").unwrap();
        }
        for (permit, text) in strings.into_iter().flatten() {
            ran += 1;
            let answer = server.query(text).unwrap();
            let found = faults(permit, &answer, &view.profile, &lab.canaries());
            wrong.extend(found.into_iter().map(|fault| format!("{fault}: {} to {login}: {text}", case.name)));
            if let Some(why) = by_hand.as_ref().and_then(|want| differs(permit, &Answer::of(&answer), want)) {
                wrong.push(format!("NOT THE VEIL: {}: {why}: {text}", case.name));
            }
        }
        server.query("ROLLBACK; RESET ALL; DEALLOCATE ALL").unwrap();
    }
    assert!(wrong.is_empty(), "{} of {ran} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran > cases.len() / 2, "hardly anything is permitted: {ran} texts");
}
