//! Statements that act on the session: transactions, settings, prepared statements, cursors, notifications.

use pg_query::NodeEnum;
use pg_query::protobuf::{self, Node, TransactionStmtKind, VariableSetKind};

use super::{Resolver, absent, inner, strings, unknown};
use crate::sql::effect::{Deed, SettingChange, SettingScope};
use crate::sql::model::{Flow, Need, Output, UseKind};
use crate::sql::reject::{Checked, Reject};

/// WITH HOLD in `DeclareCursorStmt.options` (`CURSOR_OPT_HOLD` in parsenodes.h).
const HOLD: i32 = 0x0020;

impl Resolver<'_> {
    pub(super) fn transaction(&mut self, statement: &mut protobuf::TransactionStmt) -> Checked<()> {
        let protobuf::TransactionStmt { kind, options: _, savepoint_name, gid: _, chain, location: _ } = statement;
        let (chain, name) = (*chain, || savepoint_name.as_str().into());
        self.out.deed = match TransactionStmtKind::try_from(*kind) {
            Ok(TransactionStmtKind::TransStmtBegin | TransactionStmtKind::TransStmtStart) => Deed::Begin,
            Ok(TransactionStmtKind::TransStmtCommit) => Deed::Commit { chain },
            Ok(TransactionStmtKind::TransStmtRollback) => Deed::Rollback { chain },
            Ok(TransactionStmtKind::TransStmtSavepoint) => Deed::Savepoint(name()),
            Ok(TransactionStmtKind::TransStmtRelease) => Deed::Release(name()),
            Ok(TransactionStmtKind::TransStmtRollbackTo) => Deed::RollbackTo(name()),
            Ok(TransactionStmtKind::TransStmtPrepare) => {
                self.out.needs.push(Need::Maintenance("PREPARE TRANSACTION"));
                Deed::Commit { chain: false }
            }
            Ok(TransactionStmtKind::TransStmtCommitPrepared) => {
                self.out.needs.push(Need::Maintenance("COMMIT PREPARED"));
                Deed::CatalogChanged
            }
            Ok(TransactionStmtKind::TransStmtRollbackPrepared) => {
                self.out.needs.push(Need::Maintenance("ROLLBACK PREPARED"));
                Deed::None
            }
            Ok(TransactionStmtKind::Undefined) | Err(_) => return Err(unknown("a transaction statement")),
        };
        Ok(())
    }

    /// SET and RESET.
    pub(super) fn setting(&mut self, statement: &mut protobuf::VariableSetStmt) -> Checked<()> {
        let protobuf::VariableSetStmt { kind, name, args, jumble_args: _, is_local, location: _ } = statement;
        let scope = if *is_local { SettingScope::Local } else { SettingScope::Session };
        let folded: Box<str> = name.to_ascii_lowercase().into();
        let (name, values) = match VariableSetKind::try_from(*kind) {
            Ok(VariableSetKind::VarSetValue) => {
                let values = args.iter().map(|a| setting_value(a).ok_or_else(not_constant)).collect::<Checked<Vec<Box<str>>>>()?;
                for word in &values {
                    self.saw(word);
                    self.saw(&word.to_ascii_lowercase());
                }
                if &*folded == "session_authorization" {
                    return Err(Reject::unclear("setting", "SET SESSION AUTHORIZATION changes who the session is"));
                }
                (Some(folded), Some(values))
            }
            Ok(VariableSetKind::VarSetDefault | VariableSetKind::VarReset) => (Some(folded), None),
            Ok(VariableSetKind::VarResetAll) => (None, None),
            Ok(VariableSetKind::VarSetMulti) => return Ok(()), // SET TRANSACTION and its like: isolation, access mode, snapshot
            Ok(VariableSetKind::VarSetCurrent | VariableSetKind::Undefined) | Err(_) => return Err(unknown("a form of SET")),
        };
        self.out.deed = Deed::Set(SettingChange { name, values, scope });
        Ok(())
    }

    /// SHOW.
    pub(super) fn show_setting(&mut self, statement: &protobuf::VariableShowStmt) {
        let protobuf::VariableShowStmt { name } = statement;
        let names: Vec<&str> = if name.eq_ignore_ascii_case("all") { vec!["name", "setting", "description"] } else { vec![name] };
        self.own_rows(&names);
    }

    /// Rows of the server's own that no relation gives.
    pub(super) fn own_rows(&mut self, names: &[&str]) {
        let output = |n: &&str| Output { name: (*n).into(), flow: Flow::Computed, ty: None, origin: None, at: -1, own: Vec::new() };
        self.out.outputs = Some(names.iter().map(output).collect());
        self.out.returns_rows = true;
    }

    pub(super) fn prepare(&mut self, statement: &mut protobuf::PrepareStmt) -> Checked<()> {
        let protobuf::PrepareStmt { name, argtypes, query } = statement;
        self.params = self.type_names(argtypes)?;
        let query = query.as_mut().ok_or_else(|| unknown("PREPARE"))?;
        self.plannable(query)?;
        let rows = std::mem::take(&mut self.out.returns_rows);
        self.out.deed = Deed::Prepare { name: name.as_str().into(), rows };
        Ok(())
    }

    pub(super) fn execute(&mut self, statement: &mut protobuf::ExecuteStmt) -> Checked<()> {
        let protobuf::ExecuteStmt { name, params } = statement;
        self.used_all(params, UseKind::Expression)?;
        self.out.deed = Deed::Execute(name.as_str().into());
        self.out.returns_rows = true;
        Ok(())
    }

    pub(super) fn declare(&mut self, statement: &mut protobuf::DeclareCursorStmt) -> Checked<()> {
        let protobuf::DeclareCursorStmt { portalname, options, query } = statement;
        let query = query.as_mut().ok_or_else(|| unknown("DECLARE"))?;
        let outs = self.query(query)?;
        self.rows(outs);
        self.out.returns_rows = false;
        self.out.deed = Deed::Declare { name: portalname.as_str().into(), hold: *options & HOLD != 0 };
        Ok(())
    }

    pub(super) fn fetch(&mut self, statement: &protobuf::FetchStmt) {
        let protobuf::FetchStmt { direction: _, how_many: _, portalname, ismove } = statement;
        self.out.deed = Deed::Fetch(portalname.as_str().into());
        self.out.returns_rows = !*ismove;
    }

    /// `SELECT set_config('name', 'value', local)` as the whole statement is SET.
    pub(super) fn set_config(&mut self, select: &protobuf::SelectStmt) -> Checked<()> {
        let [target] = select.target_list.as_slice() else { return Ok(()) };
        let Some(NodeEnum::ResTarget(target)) = &target.node else { return Ok(()) };
        let Some(Node { node: Some(NodeEnum::FuncCall(call)) }) = target.val.as_deref() else { return Ok(()) };
        let simple = select.from_clause.is_empty()
            && select.where_clause.is_none()
            && select.with_clause.is_none()
            && select.limit_count.is_none()
            && select.limit_offset.is_none()
            && select.having_clause.is_none()
            // another call could stand in these
            && select.distinct_clause.is_empty()
            && select.group_clause.is_empty()
            && select.window_clause.is_empty()
            && select.sort_clause.is_empty();
        let ([name, value, local], true) = (call.args.as_slice(), simple) else { return Ok(()) };
        if !matches!(strings(&call.funcname)?.as_slice(), ["set_config"] | ["pg_catalog", "set_config"]) {
            return Ok(());
        }
        let (Some(name), Some(local)) = (self.constant_text(name), constant_bool(local)) else { return Ok(()) };
        let name: Box<str> = name.to_ascii_lowercase().into();
        let values = match &value.node {
            Some(NodeEnum::AConst(constant)) if constant.isnull => None,
            _ => match self.constant_text(value) {
                Some(text) if &*name == "search_path" => Some(path_names(text).ok_or_else(not_constant)?),
                Some(text) => Some(vec![text.into()]),
                None => return Ok(()),
            },
        };
        absent("set_config of session_authorization", &*name != "session_authorization")?;
        let scope = if local { SettingScope::Local } else { SettingScope::Session };
        self.out.deed = Deed::Set(SettingChange { name: Some(name), values, scope });
        Ok(())
    }

    /// A statement that PostgreSQL plans: what PREPARE and EXPLAIN can hold.
    pub(super) fn plannable(&mut self, node: &mut Node) -> Checked<()> {
        if let NodeEnum::SelectStmt(_) = inner(node)? {
            let outs = self.query(node)?;
            self.rows(outs);
            return Ok(());
        }
        match self.modify(inner(node)?) {
            Some(returned) => {
                let returned = returned?;
                self.notes_unasked(inner(node)?, &returned);
                if let Some(outs) = returned {
                    self.rows(outs);
                }
                Ok(())
            }
            None => Err(unknown("a statement of this kind")),
        }
    }
}

fn not_constant() -> Reject {
    Reject::unclear("setting", "a setting that is not set by plain constants")
}

/// A value of SET as written: a word, a text or a number.
fn setting_value(node: &Node) -> Option<Box<str>> {
    use protobuf::a_const::Val;
    let Some(NodeEnum::AConst(protobuf::AConst { isnull: false, val: Some(val), location: _ })) = &node.node else { return None };
    match val {
        Val::Sval(s) => Some(s.sval.as_str().into()),
        Val::Ival(i) => Some(i.ival.to_string().into()),
        Val::Fval(f) => Some(f.fval.as_str().into()),
        Val::Boolval(b) => Some(if b.boolval { "true" } else { "false" }.into()),
        Val::Bsval(_) => None,
    }
}

fn constant_bool(node: &Node) -> Option<bool> {
    use protobuf::a_const::Val;
    match &node.node {
        Some(NodeEnum::AConst(protobuf::AConst { isnull: false, val: Some(Val::Boolval(b)), location: _ })) => Some(b.boolval),
        Some(NodeEnum::AConst(protobuf::AConst { isnull: false, val: Some(Val::Sval(s)), location: _ })) => match s.sval.as_str() {
            "t" | "true" | "on" | "1" | "yes" | "y" => Some(true),
            "f" | "false" | "off" | "0" | "no" | "n" => Some(false),
            _ => None,
        },
        Some(NodeEnum::TypeCast(cast)) => cast.arg.as_deref().and_then(constant_bool),
        _ => None,
    }
}

/// The names in a list as `SplitIdentifierString` (varlena.c) reads it: folded unless quoted.
fn path_names(text: &str) -> Option<Vec<Box<str>>> {
    let mut names = Vec::new();
    let mut rest = text.trim();
    if rest.is_empty() {
        return Some(names);
    }
    loop {
        if let Some(mut quoted) = rest.strip_prefix('"') {
            let mut name = String::new();
            loop {
                let (part, tail) = quoted.split_once('"')?;
                name.push_str(part);
                if let Some(more) = tail.strip_prefix('"') {
                    name.push('"');
                    quoted = more;
                } else {
                    rest = tail.trim_start();
                    break;
                }
            }
            names.push(name.into());
        } else {
            let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
            let (name, tail) = rest.split_at_checked(end)?;
            if name.is_empty() {
                return None;
            }
            names.push(crate::base::fold(name).into());
            rest = tail.trim_start();
        }
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => return rest.is_empty().then_some(names),
        }
    }
}
