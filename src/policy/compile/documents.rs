//! Columns of documents: from what is seen of each path into them to what is seen of the column. A path takes away from what is seen
//! around it, and gives nothing back: where the whole column is masked or absent, so is all that is in it.

use std::sync::Arc;

use super::relation::strictest;
use crate::mask::{Mask, Seen, Step};
use crate::policy::profile::{Absence, ColumnProfile, Condition, Document, DocumentPath, MaskRule, Outcome, Reveal};

/// Conditions on paths of one column that are told apart: each doubles what is written for it in SQL.
const CONDITIONS: usize = 4;

/// A column's part of a profile; `paths` are those into it.
pub(super) fn column(whole: Outcome, paths: Vec<DocumentPath>, write: bool) -> ColumnProfile {
    if paths.is_empty() {
        return ColumnProfile { read: whole, write, class: None, document: None };
    }
    let read = around(&whole, &paths);
    ColumnProfile { read, write, class: None, document: Some(Arc::new(Document { paths, whole })) }
}

/// What two profiles of one column come to where each may only take away.
pub(super) fn join(a: ColumnProfile, b: ColumnProfile) -> ColumnProfile {
    let write = a.write && b.write;
    let class = b.class.clone().or_else(|| a.class.clone());
    if a.document.is_none() && b.document.is_none() {
        return ColumnProfile { read: strictest(a.read, b.read), write, class, document: None };
    }
    let mut paths: Vec<DocumentPath> = Vec::new();
    for path in [&a, &b].into_iter().filter_map(|c| c.document.as_ref()).flat_map(|d| &d.paths) {
        match paths.iter_mut().find(|p| p.steps == path.steps) {
            None => paths.push(path.clone()),
            Some(one) => one.read = strictest(one.read.clone(), path.read.clone()),
        }
    }
    let whole = |c: ColumnProfile| c.document.map_or(c.read, |d| d.whole.clone());
    ColumnProfile { class, ..column(strictest(whole(a), whole(b)), paths, write) }
}

fn around(whole: &Outcome, paths: &[DocumentPath]) -> Outcome {
    match whole {
        Outcome::Clear => inside(&paths.iter().map(|p| (p, &p.read)).collect::<Vec<_>>(), CONDITIONS),
        Outcome::Masked(_) | Outcome::Absent(_) => whole.clone(),
        Outcome::Conditional(condition) => {
            let Condition { when, then, otherwise } = &**condition;
            let (then, otherwise) = (around(then, paths), around(otherwise, paths));
            Outcome::Conditional(Arc::new(Condition { when: Arc::clone(when), then, otherwise }))
        }
    }
}

/// Conditions stand outside: within a document the names in them could mean something else.
fn inside(paths: &[(&DocumentPath, &Outcome)], conditions: usize) -> Outcome {
    let first =
        paths.iter().find_map(|(_, read)| if let Outcome::Conditional(condition) = read { Some(Arc::clone(condition)) } else { None });
    let Some(condition) = first else { return of_paths(paths) };
    let Some(left) = conditions.checked_sub(1) else { return Outcome::Absent(Absence::Misfit { mask: "when".into() }) };
    let branch = |of: fn(&Condition) -> &Outcome| {
        let mut chosen = paths.to_vec();
        for (_, read) in &mut chosen {
            if let Outcome::Conditional(other) = read
                && other.when == condition.when
            {
                *read = of(other);
            }
        }
        inside(&chosen, left)
    };
    let (then, otherwise) = (branch(|c| &c.then), branch(|c| &c.otherwise));
    if let (Outcome::Absent(why), _) | (_, Outcome::Absent(why)) = (&then, &otherwise) {
        return Outcome::Absent(why.clone());
    }
    Outcome::Conditional(Arc::new(Condition { when: Arc::clone(&condition.when), then, otherwise }))
}

fn of_paths(paths: &[(&DocumentPath, &Outcome)]) -> Outcome {
    let mut tree: Vec<(Vec<Step>, Seen)> = Vec::new();
    let (mut names, mut by) = (Vec::new(), None);
    for (path, read) in paths {
        let (seen, name) = match read {
            Outcome::Masked(rule) => (Seen::Masked(Arc::clone(&rule.mask)), Some((&*rule.name, Some(&rule.role)))),
            Outcome::Absent(Absence::Denied { role }) => (Seen::Absent, Some(("absent", Some(role)))),
            Outcome::Absent(_) => (Seen::Absent, Some(("absent", None))),
            Outcome::Clear | Outcome::Conditional(_) => (Seen::Clear, None),
        };
        tree.push((path.steps.clone(), seen));
        if let Some((name, role)) = name {
            names.push(format!("{}: {name}", path.text));
            by = by.or(role);
        }
    }
    if names.is_empty() {
        return Outcome::Clear;
    }
    let role = by.map_or_else(|| "".into(), Arc::clone);
    let mask = Arc::new(Mask::document(tree));
    Outcome::Masked(MaskRule { name: names.join(", ").into(), mask, reveal: Reveal::default(), role })
}
