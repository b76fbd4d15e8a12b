//! Foreign keys of a table that is being made to itself: PostgreSQL looks their names up when the table is there.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, RangeVar};

use super::Resolver;
use super::names::TEMPORARY;

/// Takes out the tables that foreign keys refer to and that are the one which is made; they are put back by [`put_back`].
pub(super) fn take_out(resolver: &mut Resolver<'_>, made: &RangeVar, elements: &mut [Node]) -> Vec<RangeVar> {
    let temporary = made.relpersistence == "t" || made.schemaname == TEMPORARY;
    let schema = match &*made.schemaname {
        _ if temporary => TEMPORARY,
        "" => resolver.home().unwrap_or_default(), // that there is none is told where the table is made
        schema => schema,
    };
    let schema = schema.to_owned();
    let is_own = |referred: &RangeVar| {
        let bare = referred.schemaname.is_empty();
        let found = if bare { resolver.would_find(&schema, &referred.relname) } else { referred.schemaname == schema };
        found && referred.relname == made.relname && referred.catalogname.is_empty()
    };
    let own = elements.iter_mut().flat_map(constraints).filter_map(|c| c.pktable.take_if(|referred| is_own(referred)));
    let taken: Vec<RangeVar> = own.map(|referred| RangeVar { schemaname: schema.clone(), ..referred }).collect();
    for referred in &taken {
        *resolver.out.seen.relations.entry(referred.relname.as_str().into()).or_default() += 1;
    }
    taken
}

/// Puts back what was taken out, with its schema.
pub(super) fn put_back(elements: &mut [Node], taken: Vec<RangeVar>) {
    let is_bare = |c: &&mut protobuf::Constraint| c.contype == protobuf::ConstrType::ConstrForeign as i32 && c.pktable.is_none();
    for (constraint, referred) in elements.iter_mut().flat_map(constraints).filter(is_bare).zip(taken) {
        constraint.pktable = Some(referred);
    }
}

/// Those of a column, or one of the table.
fn constraints(element: &mut Node) -> Vec<&mut protobuf::Constraint> {
    match &mut element.node {
        Some(NodeEnum::Constraint(constraint)) => vec![constraint],
        Some(NodeEnum::ColumnDef(column)) => column.constraints.iter_mut().flat_map(constraints).collect(),
        _ => Vec::new(),
    }
}

impl Resolver<'_> {
    /// Whether a bare name is found in this schema, in which a relation is being made, before any other.
    fn would_find(&self, schema: &str, name: &str) -> bool {
        self.schemas().find(|s| *s == schema || self.find_in(s, name).is_some()) == Some(schema)
    }
}
