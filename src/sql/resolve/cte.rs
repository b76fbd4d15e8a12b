//! WITH (`parse_cte.c`). What goes through a recursive CTE is used there: its columns can change places from round to round.

use std::rc::Rc;

use pg_query::NodeEnum;
use pg_query::protobuf::{self, CommonTableExpr, Node, SelectStmt, SetOperation, WithClause};

use super::scope::{Column, Cte, CteState, Level};
use super::target::Out;
use super::{Resolver, Value, inner, strings, unknown};
use crate::sql::model::{Flow, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

impl Resolver<'_> {
    /// The CTEs of the innermost level.
    pub(super) fn with(&mut self, clause: &mut Option<WithClause>) -> Checked<()> {
        let Some(WithClause { ctes, recursive, location: _ }) = clause else { return Ok(()) };
        let recursive = *recursive;
        let mut left: Vec<&mut CommonTableExpr> = Vec::with_capacity(ctes.len());
        for node in ctes {
            let NodeEnum::CommonTableExpr(cte) = inner(node)? else { return Err(unknown("WITH")) };
            if recursive {
                self.define(Cte { name: cte.ctename.as_str().into(), state: CteState::Later });
            }
            left.push(cte);
        }
        while !left.is_empty() {
            let cte = left.remove(if recursive { next(&left) } else { 0 });
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
        let outs = if union { self.recursive(query, ctename, &names)? } else { self.query(query)? };
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
        self.levels.push(Level::default());
        let outs = self.rounds(select, name, names);
        self.levels.pop();
        outs
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

/// Which of these can be read now: the first that names none of the others, as far as there is one (`TopologicalSort` in `parse_cte.c`).
fn next(left: &[&mut CommonTableExpr]) -> usize {
    let names = |cte: &CommonTableExpr, other: &CommonTableExpr| {
        cte.ctename != other.ctename && cte.ctequery.as_ref().is_some_and(|query| mentions(query, &other.ctename))
    };
    left.iter().position(|cte| !left.iter().any(|other| names(cte, other))).unwrap_or(0)
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
    use prost::Message;
    let named = protobuf::RangeVar { relname: name.to_owned(), ..Default::default() }.encode_to_vec();
    query.encode_to_vec().windows(named.len().max(1)).any(|w| w == named)
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
