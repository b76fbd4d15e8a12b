//! Plans by shape against plans by text: a statement with other literals must be decided, described and printed from its shape as it is
//! from its own text.

use std::fmt::Write as _;

use pgscrim::base::RawSql;
use pgscrim::plan::{Names, Protocol, Setting, Shaped, plan_text};
use pgscrim::sql::Shape;

use crate::Lab;
use crate::dice::Dice;

/// Values that would mean something somewhere.
const TEXTS: &[&str] =
    &["x", "1", "NULL", "a%b_", "{1,2,3}", "2020-01-01", "true", "search_path", "SELECT 1; --", "/* $1 */", "\"q\"", "people", "[1]", " "];
const NUMBERS: &[&str] = &["1", "2", "3", "42", "999999999", "100000", "63"];

/// How many texts were decided by their shape.
#[derive(Debug)]
pub struct Held {
    /// Those that were.
    pub shaped: usize,
    /// Where the two differ.
    pub wrong: String,
}

/// Decides each text for each login by its shape, three times with other literals, and holds that against the plan of the text itself.
///
/// # Panics
/// Where the lab's database cannot be read.
#[must_use]
pub fn hold(lab: &Lab, logins: &[&str], path: &[&str], texts: Vec<String>) -> Held {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(pgscrim::server::run::read_database(&lab.config, "postgres")).unwrap();
    let path = path.iter().map(|s| (*s).into()).collect();
    let names = Names { epoch: 0, search_path: path, relations: Vec::new() };
    let views: Vec<_> = logins.iter().map(|login| database.view(login, None).unwrap()).collect();
    let work = move || {
        let (mut held, mut dice) = (Held { shaped: 0, wrong: String::new() }, Dice::new(1));
        for view in &views {
            let setting = Setting {
                catalog: &view.catalog,
                profile: &view.profile,
                names: &names,
                fingerprint_key: &view.fingerprint_key,
                parse_limit: 1 << 20,
            };
            for text in &texts {
                one(text, setting, &mut dice, &mut held);
            }
        }
        held
    };
    std::thread::Builder::new().stack_size(pgscrim::sql::STACK).spawn(work).unwrap().join().unwrap()
}

fn one(text: &str, setting: Setting<'_>, dice: &mut Dice, held: &mut Held) {
    let Some(shape) = Shape::of(text) else { return };
    let Some(shaped) = Shaped::learn(&shape, &[], Protocol::Simple, setting) else { return };
    held.shaped += 1;
    for n in 0..3 {
        let variant = if n == 0 { text.to_owned() } else { with_others(&shape.key(), dice) };
        let other = Shape::of(&variant).filter(|other| other.key() == shape.key()).expect("a variant has another shape");
        let (by_shape, by_text) = (vec![shaped.fill(&other)], plan_text(&RawSql::new(&*variant), &[], Protocol::Simple, setting));
        let (by_shape, by_text) = (format!("{by_shape:?}"), format!("{by_text:?}"));
        if by_shape != by_text {
            writeln!(held.wrong, "{}: {variant}\n  by shape: {by_shape}\n  by text: {by_text}", setting.profile.principal.login).unwrap();
        }
    }
}

/// A text of the shape with other literals.
fn with_others(key: &str, dice: &mut Dice) -> String {
    let (mut out, mut chosen) = (String::new(), std::collections::HashMap::new());
    let mut chars = key.chars();
    while let Some(c) = chars.next() {
        let of = match c {
            '\u{1}' => NUMBERS,
            '\u{2}' => TEXTS,
            _ => {
                out.push(c);
                continue;
            }
        };
        let number = chars.next().unwrap();
        let taken: Vec<String> = chosen.values().cloned().collect();
        let literal = chosen.entry(number).or_insert_with(|| {
            // more than there are values for: a number behind them tells them apart
            let new = dice.one(of).to_owned();
            if taken.contains(&new) {
                if c == '\u{1}' { (1000 + taken.len()).to_string() } else { format!("{new}{}", taken.len()) }
            } else {
                new
            }
        });
        let quote = if c == '\u{2}' { "'" } else { "" };
        write!(out, "{quote}{literal}{quote}").unwrap();
    }
    out
}
