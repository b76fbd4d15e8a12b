//! WITH (`parse_cte.c`). What goes through a recursive CTE is used there: its columns can change places from round to round.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, CommonTableExpr, Node, SelectStmt, SetOperation, WithClause};
use prost::Message;
use prost::encoding::decode_varint;

use super::scope::{Column, Cte, CteState};
use super::target::Out;
use super::{Resolver, Value, inner, strings, unknown};
use crate::sql::model::{Flow, UseKind};
use crate::sql::reject::{Checked, RefusalKind, Reject, Syntax};

impl Resolver<'_> {
    /// The CTEs of the innermost level.
    pub(super) fn with(&mut self, clause: &mut Option<WithClause>) -> Checked<()> {
        let Some(WithClause { ctes, recursive, location: _ }) = clause else { return Ok(()) };
        let recursive = *recursive;
        let mut all: Vec<&mut CommonTableExpr> = Vec::with_capacity(ctes.len());
        for node in ctes {
            let NodeEnum::CommonTableExpr(cte) = inner(node)? else { return Err(unknown("WITH")) };
            if recursive {
                self.define(Cte { name: cte.ctename.as_str().into(), state: CteState::Later });
            }
            all.push(cte);
        }
        for place in if recursive { order(&all) } else { (0..all.len()).collect() } {
            let Some(cte) = all.get_mut(place) else { continue };
            let columns = self.cte(cte, recursive)?;
            self.define(Cte { name: cte.ctename.as_str().into(), state: CteState::Known(columns) });
        }
        Ok(())
    }

    fn define(&mut self, cte: Cte) {
        if let Some(level) = self.levels.last_mut() {
            level.ctes.push(Rc::new(cte));
        }
    }

    /// The CTE of this name, the newest of the innermost level first.
    pub(super) fn cte_named(&self, name: &str) -> Option<Rc<Cte>> {
        self.levels.iter().rev().find_map(|l| l.ctes.iter().rev().find(|c| &*c.name == name)).cloned()
    }

    fn cte(&mut self, cte: &mut CommonTableExpr, recursive: bool) -> Checked<Vec<Column>> {
        let CommonTableExpr {
            ctename,
            aliascolnames,
            ctematerialized: _,
            ctequery,
            search_clause,
            cycle_clause,
            location,
            cterecursive: _, // of the analysed form, as all that follows
            cterefcount: _,
            ctecolnames: _,
            ctecoltypes: _,
            ctecoltypmods: _,
            ctecolcollations: _,
        } = cte;
        let names: Vec<Box<str>> = strings(aliascolnames)?.into_iter().map(Into::into).collect();
        let query = ctequery.as_mut().ok_or_else(|| unknown("an empty WITH query"))?;
        let form = form(query, ctename);
        let union = recursive && form.is_ok() && mentions(query, ctename);
        if recursive {
            let within = || {
                (
                    Syntax::InvalidRecursion,
                    format!("recursive reference to query \"{ctename}\" must not appear within its non-recursive term"),
                )
            };
            let (syntax, message) = form.err().unwrap_or_else(within);
            self.define(Cte { name: ctename.as_str().into(), state: CteState::Within(syntax, message.into()) });
        }
        let adds = search_clause.is_some() || cycle_clause.is_some();
        let added = |why: Reject| match why.kind {
            RefusalKind::Postgres(Syntax::UndefinedColumn) if adds => {
                unknown("a column of SEARCH or CYCLE in the query that it stands behind")
            }
            _ => why,
        };
        let outs = if union { self.recursive(query, ctename, &names).map_err(added)? } else { self.query(query)? };
        let mut columns = named(outs, &names, ctename, *location)?;
        if let Some(protobuf::CteSearchClause { search_col_list: _, search_breadth_first: _, search_seq_column, location: _ }) =
            search_clause
        {
            columns.push(computed(search_seq_column));
        }
        if let Some(cycle) = cycle_clause {
            let protobuf::CteCycleClause {
                cycle_col_list: _,
                cycle_mark_column,
                cycle_mark_value,
                cycle_mark_default,
                cycle_path_column,
                location: _,
                cycle_mark_type: _,
                cycle_mark_typmod: _,
                cycle_mark_collation: _,
                cycle_mark_neop: _,
            } = &mut **cycle;
            self.used_opt(cycle_mark_value, UseKind::Expression)?;
            self.used_opt(cycle_mark_default, UseKind::Expression)?;
            columns.push(computed(cycle_mark_column));
            columns.push(computed(cycle_path_column));
        }
        Ok(columns)
    }

    /// `first UNION [ALL] next`, where `next` reads the CTE itself.
    fn recursive(&mut self, query: &mut Node, name: &str, names: &[Box<str>]) -> Checked<Vec<Out>> {
        let NodeEnum::SelectStmt(select) = inner(query)? else { return Err(unknown("a recursive query")) };
        self.on_level(Vec::new(), |r| r.rounds(select, name, names))
    }

    /// On the level of the union, whose own WITH queries come before the query that it is.
    fn rounds(&mut self, select: &mut SelectStmt, name: &str, names: &[Box<str>]) -> Checked<Vec<Out>> {
        self.with(&mut select.with_clause)?;
        let (Some(first), Some(next)) = (&mut select.larg, &mut select.rarg) else { return Err(unknown("a recursive query")) };
        let mut outs = self.select(first)?;
        for out in &mut outs {
            self.consume(&out.value, UseKind::Recursive);
            out.value = Value::new(Flow::Computed, out.value.ty, out.value.at);
        }
        let columns = named(outs.clone(), names, name, -1)?;
        if let Some(around) = self.levels.iter_mut().nth_back(1) {
            around.ctes.push(Rc::new(Cte { name: name.into(), state: CteState::Known(columns) }));
        }
        let again = self.select(next)?;
        if again.len() != outs.len() {
            return Err(Reject::postgres(Syntax::SyntaxError, "each UNION query must have the same number of columns"));
        }
        again.iter().for_each(|o| self.consume(&o.value, UseKind::Recursive));
        Ok(outs)
    }
}

/// The order in which these can be read: each time the first that names none of those that are left, as far as there is one (`TopologicalSort` in
/// `parse_cte.c`). Each tree is looked through once.
fn order(ctes: &[&mut CommonTableExpr]) -> Vec<usize> {
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (i, cte) in ctes.iter().enumerate() {
        places.entry(cte.ctename.as_bytes()).or_default().push(i);
    }
    let named = |cte: &CommonTableExpr| -> BTreeSet<usize> {
        let bytes = cte.ctequery.as_deref().map(Message::encode_to_vec).unwrap_or_default();
        let others = relation_names(&bytes).filter(|name| *name != cte.ctename.as_bytes());
        others.filter_map(|name| places.get(name)).flatten().copied().collect()
    };
    let mut waits: BTreeMap<usize, BTreeSet<usize>> = ctes.iter().enumerate().map(|(i, cte)| (i, named(cte))).collect();
    let mut waited_for: HashMap<usize, Vec<usize>> = HashMap::new();
    for (i, others) in &waits {
        others.iter().for_each(|other| waited_for.entry(*other).or_default().push(*i));
    }
    let mut ready: BTreeSet<usize> = waits.iter().filter(|(_, others)| others.is_empty()).map(|(i, _)| *i).collect();
    let mut order = Vec::with_capacity(ctes.len());
    while let Some(next) = ready.pop_first().or_else(|| waits.keys().next().copied()) {
        waits.remove(&next);
        order.push(next);
        for i in waited_for.remove(&next).unwrap_or_default() {
            if let Some(others) = waits.get_mut(&i)
                && others.remove(&next)
                && others.is_empty()
            {
                ready.insert(i);
            }
        }
    }
    order
}

/// Whether a query has the form of a recursive one, or why it may not name itself (`checkWellFormedRecursion` in `parse_cte.c`).
fn form(query: &Node, name: &str) -> Result<(), (Syntax, String)> {
    let Some(NodeEnum::SelectStmt(s)) =
        query.node.as_ref().filter(|q| matches!(q, NodeEnum::SelectStmt(s) if s.op == SetOperation::SetopUnion as i32))
    else {
        let message = format!("recursive query \"{name}\" does not have the form non-recursive-term UNION [ALL] recursive-term");
        return Err((Syntax::InvalidRecursion, message));
    };
    let clauses = [
        ("ORDER BY", !s.sort_clause.is_empty()),
        ("OFFSET", s.limit_offset.is_some()),
        ("LIMIT", s.limit_count.is_some()),
        ("FOR UPDATE/SHARE", !s.locking_clause.is_empty()),
    ];
    match clauses.iter().find(|(_, there)| *there) {
        Some((clause, _)) => Err((Syntax::FeatureNotSupported, format!("{clause} in a recursive query is not implemented"))),
        None => Ok(()),
    }
}

/// Whether a name of a relation stands in a query: a hint only. Where it is another's name, the query is read as recursive too,
/// which records more uses and never fewer.
fn mentions(query: &Node, name: &str) -> bool {
    relation_names(&query.encode_to_vec()).any(|n| n == name.as_bytes())
}

/// What stands in a tree's bytes as the names of relations do. Other things can look so.
fn relation_names(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    /// `RangeVar.relname`: field 3, of a length.
    const RELNAME: u8 = 3 << 3 | 2;
    (0..bytes.len()).filter_map(|at| {
        let mut rest = bytes.get(at..)?.strip_prefix(&[RELNAME])?;
        let length = decode_varint(&mut rest).ok()?;
        rest.get(..usize::try_from(length).ok()?)
    })
}

/// The columns of a CTE by its column list, or by its query's names.
fn named(outs: Vec<Out>, names: &[Box<str>], cte: &str, location: i32) -> Checked<Vec<Column>> {
    if names.len() > outs.len() {
        let text = format!("WITH query \"{cte}\" has {} columns available but {} columns specified", outs.len(), names.len());
        return Err(Reject::postgres(Syntax::InvalidColumnReference, text).at(location));
    }
    let column = |(i, out): (usize, Out)| Column {
        name: names.get(i).cloned().unwrap_or(out.name),
        value: out.value,
        hidden: false,
        qualifier: None,
    };
    Ok(outs.into_iter().enumerate().map(column).collect())
}

fn computed(name: &str) -> Column {
    Column { name: name.into(), value: Value::computed(None), hidden: false, qualifier: None }
}
