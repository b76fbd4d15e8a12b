//! Columns of documents and of composite types: from what is seen of each path into them, or of each field, to what is seen of the column.
//! It takes away from what is seen around it, and gives nothing back: where the whole column is masked or absent, so is all that is in it.

use std::sync::Arc;

use super::relation::strictest;
use crate::mask::{Mask, RowType, Seen, Step};
use crate::policy::profile::{Absence, ColumnProfile, Condition, Document, DocumentPath, Inside, MaskRule, Outcome, Reveal};

/// Conditions on paths of one column that are told apart: each doubles what is written for it in SQL.
const CONDITIONS: usize = 4;

/// A column's part of a profile; `paths` are those into it, or the fields of `row`.
pub(super) fn column(whole: Outcome, paths: Vec<DocumentPath>, row: Option<Arc<RowType>>, write: bool) -> ColumnProfile {
    if paths.is_empty() {
        return ColumnProfile { read: whole, write, class: None, document: None };
    }
    let read = around(&whole, &paths, row.as_ref());
    ColumnProfile { read, write, class: None, document: Some(Arc::new(Document { paths, whole, row })) }
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
        match paths.iter_mut().find(|p| p.inside == path.inside) {
            None => paths.push(path.clone()),
            Some(one) => one.read = strictest(one.read.clone(), path.read.clone()),
        }
    }
    let row = [&a, &b].into_iter().filter_map(|c| c.document.as_ref()).find_map(|d| d.row.clone());
    let whole = |c: ColumnProfile| c.document.map_or(c.read, |d| d.whole.clone());
    ColumnProfile { class, ..column(strictest(whole(a), whole(b)), paths, row, write) }
}

fn around(whole: &Outcome, paths: &[DocumentPath], row: Option<&Arc<RowType>>) -> Outcome {
    match whole {
        Outcome::Clear => inside(&paths.iter().map(|p| (p, &p.read)).collect::<Vec<_>>(), row, CONDITIONS),
        Outcome::Masked(_) | Outcome::Absent(_) => whole.clone(),
        Outcome::Conditional(condition) => {
            let Condition { when, then, otherwise } = &**condition;
            let (then, otherwise) = (around(then, paths, row), around(otherwise, paths, row));
            Outcome::Conditional(Arc::new(Condition { when: Arc::clone(when), then, otherwise }))
        }
    }
}

/// Conditions stand outside: within a document the names in them could mean something else.
fn inside(paths: &[(&DocumentPath, &Outcome)], row: Option<&Arc<RowType>>, conditions: usize) -> Outcome {
    let first =
        paths.iter().find_map(|(_, read)| if let Outcome::Conditional(condition) = read { Some(Arc::clone(condition)) } else { None });
    let Some(condition) = first else { return row.map_or_else(|| of_paths(paths), |row| of_fields(paths, row)) };
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
        inside(&chosen, row, left)
    };
    let (then, otherwise) = (branch(|c| &c.then), branch(|c| &c.otherwise));
    if let (Outcome::Absent(why), _) | (_, Outcome::Absent(why)) = (&then, &otherwise) {
        return Outcome::Absent(why.clone());
    }
    Outcome::Conditional(Arc::new(Condition { when: Arc::clone(&condition.when), then, otherwise }))
}

fn of_paths(paths: &[(&DocumentPath, &Outcome)]) -> Outcome {
    let mut tree: Vec<(Vec<Step>, Seen)> = Vec::new();
    for (path, read) in paths {
        let Inside::Path(steps) = &path.inside else { continue };
        let seen = match read {
            Outcome::Masked(rule) => Seen::Masked(Arc::clone(&rule.mask)),
            Outcome::Absent(_) => Seen::Absent,
            Outcome::Clear | Outcome::Conditional(_) => Seen::Clear,
        };
        tree.push((steps.clone(), seen));
    }
    rule(paths, || Mask::document(tree))
}

/// A value has all fields of its type: where one is absent, so is the column.
fn of_fields(fields: &[(&DocumentPath, &Outcome)], row: &Arc<RowType>) -> Outcome {
    let mut masked: Vec<(i16, Arc<Mask>)> = Vec::new();
    for (field, read) in fields {
        match (&field.inside, read) {
            (_, Outcome::Absent(why)) => return Outcome::Absent(why.clone()),
            (Inside::Field(number), Outcome::Masked(rule)) => masked.push((*number, Arc::clone(&rule.mask))),
            (Inside::Field(_), Outcome::Clear) => {}
            (Inside::Path(_), _) | (_, Outcome::Conditional(_)) => return Outcome::Absent(Absence::Derived),
        }
    }
    rule(fields, || Mask::composite(Arc::clone(row), &masked))
}

/// The rule of the column, called by those of all that is masked in it.
fn rule(paths: &[(&DocumentPath, &Outcome)], mask: impl FnOnce() -> Mask) -> Outcome {
    let (mut names, mut by) = (Vec::new(), None);
    for (path, read) in paths {
        let (name, role) = match read {
            Outcome::Masked(rule) => (&*rule.name, Some(&rule.role)),
            Outcome::Absent(Absence::Denied { role }) => ("absent", Some(role)),
            Outcome::Absent(_) => ("absent", None),
            Outcome::Clear | Outcome::Conditional(_) => continue,
        };
        names.push(format!("{}: {name}", path.text));
        by = by.or(role);
    }
    if names.is_empty() {
        return Outcome::Clear;
    }
    let role = by.map_or_else(|| "".into(), Arc::clone);
    Outcome::Masked(MaskRule { name: names.join(", ").into(), mask: Arc::new(mask()), reveal: Reveal::default(), role })
}
