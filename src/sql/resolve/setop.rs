//! UNION, INTERSECT, EXCEPT (`transformSetOperationStmt` in analyze.c).

use pg_query::protobuf::{SelectStmt, SetOperation};

use super::target::Out;
use super::{Resolver, absent, unknown};
use crate::sql::model::{Part, UseKind};
use crate::sql::reject::{Checked, Reject, Syntax};

impl Resolver<'_> {
    /// Both branches; a column of the result is the left one's in some rows, the right one's in others.
    pub(super) fn set_operation(&mut self, select: &mut SelectStmt) -> Checked<Vec<Out>> {
        absent(
            "a clause beside a set operation",
            select.target_list.is_empty() && select.from_clause.is_empty() && select.where_clause.is_none(),
        )?;
        let left = match &mut select.larg {
            Some(left) => self.select(left)?,
            None => return Err(unknown("a set operation without its left side")),
        };
        let right = match &mut select.rarg {
            Some(right) => self.select(right)?,
            None => return Err(unknown("a set operation without its right side")),
        };
        let compared = !(select.all && select.op == SetOperation::SetopUnion as i32);
        let mut outs = self.merged(left, right, compared, select.op)?;
        let mut sort = std::mem::take(&mut select.sort_clause);
        let sorted = self.order_by(&mut sort, &mut outs);
        select.sort_clause = sort;
        sorted.map(|()| outs)
    }

    /// The result of two branches.
    pub(super) fn merged(&mut self, left: Vec<Out>, right: Vec<Out>, compared: bool, op: i32) -> Checked<Vec<Out>> {
        if left.len() != right.len() {
            let word = match SetOperation::try_from(op) {
                Ok(SetOperation::SetopIntersect) => "INTERSECT",
                Ok(SetOperation::SetopExcept) => "EXCEPT",
                Ok(SetOperation::SetopUnion | SetOperation::SetopNone | SetOperation::Undefined) | Err(_) => "UNION",
            };
            return Err(Reject::postgres(Syntax::SyntaxError, format!("each {word} query must have the same number of columns")));
        }
        let mut outs = Vec::with_capacity(left.len());
        for (l, r) in left.into_iter().zip(right) {
            if compared {
                self.consume(&l.value, UseKind::SetOperation);
                self.consume(&r.value, UseKind::SetOperation);
            }
            let before = self.part_from(&Part::default());
            let value = self.either(l.value, r.value);
            let own = if compared { Vec::new() } else { [l.own, r.own, vec![self.part_from(&before)]].concat() };
            outs.push(Out { name: l.name, value, own });
        }
        Ok(outs)
    }
}
