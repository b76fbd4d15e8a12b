//! `pgscrim explain`: the decision on a statement, without running it. Reads the policy and the database's catalog as `serve` does.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::offline::Offline;
use crate::base::RawSql;
use crate::plan::{Action, ColumnUse, Kind, Names, Plan, Planned, Protocol, Setting, plan_text};
use crate::session::refusal_fields;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  pgscrim explain -c pgscrim.yaml --user alice --database shop 'SELECT name, email FROM users'")]
pub(super) struct Explain {
    /// The configuration file
    #[arg(short, long, value_name = "FILE", default_value = "pgscrim.yaml")]
    config: PathBuf,
    /// The login whose session it would be
    #[arg(short, long, value_name = "LOGIN")]
    user: String,
    /// The database [default: catalog.database]
    #[arg(short, long, value_name = "NAME")]
    database: Option<String>,
    /// The common name of the client's certificate
    #[arg(long, value_name = "NAME")]
    certificate: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The statement, or several with semicolons between them
    sql: String,
}

impl Explain {
    pub(super) fn run(self) -> ExitCode {
        match self.explain() {
            Ok(text) => {
                println!("{text}");
                ExitCode::SUCCESS
            }
            Err(text) => {
                eprintln!("{text}");
                ExitCode::FAILURE
            }
        }
    }

    fn explain(&self) -> Result<String, String> {
        let offline = Offline::read(&self.config, self.database.as_deref())?;
        let Some(view) = offline.view(&self.user, self.certificate.as_deref()) else {
            return Err(format!("error: login \"{}\" has no role in the policy: it could not log in", self.user));
        };
        let names = Names { epoch: 0, search_path: offline.search_path(&self.user), relations: Vec::new() };
        let setting = Setting {
            catalog: &view.catalog,
            profile: &view.profile,
            names: &names,
            fingerprint_key: &view.fingerprint_key,
            parse_limit: usize::try_from(offline.config.limits.parse).unwrap_or(usize::MAX),
        };
        let planned = plan_text(&RawSql::new(self.sql.as_str()), &[], Protocol::Simple, setting);
        let principal = &view.profile.principal;
        let roles: Vec<&str> = principal.roles.iter().map(|r| &**r).collect();
        if self.json {
            let statements: Vec<Value> = planned.iter().map(statement_json).collect();
            let whole = json!({ "user": self.user, "roles": roles, "unrestricted": view.profile.unrestricted, "statements": statements });
            return serde_json::to_string_pretty(&whole).map_err(|e| format!("error: {e}"));
        }
        let mut out =
            format!("principal   {}\nroles       {}", self.user, if roles.is_empty() { "-".to_owned() } else { roles.join(", ") });
        if view.profile.unrestricted {
            out.push_str(" (unrestricted)");
        }
        for one in &planned {
            out.push('\n');
            statement_text(&mut out, one);
        }
        Ok(out)
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Forward => "forward",
        Kind::MaskRows => "mask rows",
        Kind::Rewrite => "rewrite",
    }
}

fn action(column: &ColumnUse) -> &'static str {
    match column.action {
        Action::Allow => "allow",
        Action::Mask => "mask",
        Action::Deny => "deny",
    }
}

/// What is known of a statement's relations and columns, whatever was decided.
fn touched(planned: &Planned) -> (Vec<String>, &[ColumnUse]) {
    let decision = match &planned.plan {
        Plan::Send(permit) => permit.decision(),
        Plan::Refuse(refusal) => &refusal.decision,
    };
    (decision.relations.iter().flatten().map(ToString::to_string).collect(), &decision.columns)
}

fn statement_json(planned: &Planned) -> Value {
    let (relations, columns) = touched(planned);
    let columns: Vec<Value> = columns
        .iter()
        .map(|c| {
            json!({ "column": &*c.column, "class": c.class.as_deref(), "use": c.usage, "action": action(c),
                "mask": c.mask.as_deref(), "role": c.role.as_deref(), "reveal": c.reveal.words() })
        })
        .collect();
    let mut out = json!({ "statement": &*planned.described.text, "fingerprint": &*planned.described.fingerprint,
        "relations": relations, "columns": columns });
    let decided = match &planned.plan {
        Plan::Send(permit) => json!({ "plan": kind(permit.kind()), "sends": permit.text() }),
        Plan::Refuse(refusal) => {
            let text = refusal_fields(refusal);
            let fields = text.as_fields();
            json!({ "plan": "refuse", "sqlstate": fields.sqlstate, "message": fields.message, "hint": fields.hint })
        }
    };
    if let (Value::Object(out), Value::Object(decided)) = (&mut out, decided) {
        out.extend(decided);
    }
    out
}

fn statement_text(out: &mut String, planned: &Planned) {
    let (relations, columns) = touched(planned);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\nstatement   {}", planned.described.text);
    if !relations.is_empty() {
        let _ = writeln!(out, "relations   {}", relations.join(", "));
    }
    let width = |of: fn(&ColumnUse) -> &str| columns.iter().map(|c| of(c).chars().count()).max().unwrap_or(0);
    let (names, classes, uses) = (width(|c| &c.column), width(|c| c.class.as_deref().unwrap_or("-")), width(|c| c.usage));
    for (i, c) in columns.iter().enumerate() {
        let head = if i == 0 { "columns" } else { "" };
        let class = c.class.as_deref().unwrap_or("-");
        let mask = c.mask.as_deref().map(|m| format!(" {m}")).unwrap_or_default();
        let role = c.role.as_deref().map(|r| format!(" (role {r})")).unwrap_or_default();
        let reveal = c.reveal.words().join(", ");
        let reveal = if reveal.is_empty() { reveal } else { format!(", accepted leak: {reveal}") };
        let _ = writeln!(out, "{head:<11} {:<names$}  {class:<classes$}  {:<uses$}  {}{mask}{role}{reveal}", c.column, c.usage, action(c));
    }
    match &planned.plan {
        Plan::Send(permit) => {
            let _ = write!(out, "plan        {}\nsends       {}", kind(permit.kind()), permit.text());
            if let Some(turned) = permit.turned() {
                let _ = write!(out, "\nturned back from ${} on", turned.own() + 1);
            }
        }
        Plan::Refuse(refusal) => {
            let text = refusal_fields(refusal);
            let fields = text.as_fields();
            let _ = write!(out, "plan        refuse, SQLSTATE {}\n            {}", fields.sqlstate, fields.message);
            if let Some(hint) = fields.hint {
                let _ = write!(out, "\n            {hint}");
            }
        }
    }
}
