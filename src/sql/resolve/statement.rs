//! Statements by kind. What is not named here is refused.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, DiscardMode, Node};

use super::target::Out;
use super::{Resolver, Value, inner, unknown};
use crate::sql::effect::Deed;
use crate::sql::model::{Need, Output};
use crate::sql::reject::Checked;

impl Resolver<'_> {
    /// A whole statement.
    pub(super) fn statement(&mut self, node: &mut Node) -> Checked<()> {
        match inner(node)? {
            NodeEnum::SelectStmt(select) if select.into_clause.is_some() => self.select_into(select),
            NodeEnum::SelectStmt(select) => {
                let outs = self.select(select)?;
                self.rows(outs);
                self.set_config(select)
            }
            NodeEnum::InsertStmt(_) | NodeEnum::UpdateStmt(_) | NodeEnum::DeleteStmt(_) | NodeEnum::MergeStmt(_) => self.plannable(node),
            NodeEnum::TransactionStmt(transaction) => self.transaction(transaction),
            NodeEnum::VariableSetStmt(setting) => self.setting(setting),
            NodeEnum::VariableShowStmt(show) => {
                self.show_setting(show);
                Ok(())
            }
            NodeEnum::PrepareStmt(prepare) => self.prepare(prepare),
            NodeEnum::ExecuteStmt(execute) => self.execute(execute),
            NodeEnum::DeallocateStmt(protobuf::DeallocateStmt { name, isall, location: _ }) => {
                self.out.deed = Deed::Deallocate((!*isall).then(|| name.as_str().into()));
                Ok(())
            }
            NodeEnum::DeclareCursorStmt(declare) => self.declare(declare),
            NodeEnum::FetchStmt(fetch) => {
                self.fetch(fetch);
                Ok(())
            }
            NodeEnum::ClosePortalStmt(protobuf::ClosePortalStmt { portalname }) => {
                self.out.deed = Deed::Close((!portalname.is_empty()).then(|| portalname.as_str().into()));
                Ok(())
            }
            NodeEnum::CopyStmt(copy) => self.copy(copy),
            NodeEnum::ExplainStmt(explain) => self.explain(explain),
            NodeEnum::CreateTableAsStmt(create) => self.create_as(create),
            NodeEnum::CreateStmt(create) => self.create(create),
            NodeEnum::DropStmt(drop) => self.drop(drop),
            NodeEnum::TruncateStmt(truncate) => self.truncate(truncate),
            NodeEnum::LockStmt(lock) => self.lock(lock),
            NodeEnum::ListenStmt(protobuf::ListenStmt { conditionname }) => {
                self.out.needs.push(Need::Listen(conditionname.as_str().into()));
                Ok(())
            }
            NodeEnum::NotifyStmt(protobuf::NotifyStmt { conditionname: _, payload: _, payload_location: _ })
            | NodeEnum::UnlistenStmt(protobuf::UnlistenStmt { conditionname: _ }) => Ok(()),
            NodeEnum::DiscardStmt(protobuf::DiscardStmt { target }) => self.discard(*target),
            NodeEnum::ConstraintsSetStmt(protobuf::ConstraintsSetStmt { constraints: _, deferred: _ }) => Ok(()),
            _ => self.utility(node),
        }
    }

    fn discard(&mut self, target: i32) -> Checked<()> {
        self.out.deed = match DiscardMode::try_from(target) {
            Ok(DiscardMode::DiscardAll) => Deed::DiscardAll,
            Ok(DiscardMode::DiscardPlans | DiscardMode::DiscardSequences | DiscardMode::DiscardTemp) => Deed::Discard,
            Ok(DiscardMode::Undefined) | Err(_) => return Err(unknown("DISCARD")),
        };
        Ok(())
    }

    /// The result columns that the client gets.
    pub(super) fn rows(&mut self, outs: Vec<Out>) {
        let output =
            |Out { name, value: Value { flow, ty, row: _, origin, given: _, at }, own }| Output { name, flow, ty, origin, at, own };
        self.out.outputs = Some(outs.into_iter().map(output).collect());
        self.out.returns_rows = true;
    }
}
