//! The tour: one query as three logins, one refusal, the audit records of exactly these statements; then how to look around.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;
use tokio_postgres::error::{DbError, ErrorPosition};
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use super::page::{self, Ink, WIDTH};
use super::{DATABASE, Out};
use crate::audit::Verifier;
use crate::demo::Cluster;

/// The logins, from the one that sees most to the one that sees least.
const LOGINS: [(&str, &str); 3] = [("owner", "unrestricted"), ("support", "the help desk"), ("analyst", "figures only")];
/// The login of the refusal.
const REFUSED: &str = "support";
/// How long the audit may take to be on disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// A result as text: the columns' names, and rows with `None` for NULL.
#[derive(Debug, Default)]
struct Answer {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Answer {
    fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// What stands in a row under a name; `None` where the login has no such column.
    fn cell(&self, row: usize, name: &str) -> Option<&str> {
        let value = self.rows.get(row)?.get(self.column(name)?)?;
        Some(value.as_deref().unwrap_or("NULL"))
    }
}

/// Does something on a connection of its own.
pub(super) async fn with<T>(config: Config, work: impl AsyncFnOnce(&Client) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::select! {
        done = work(&client) => done,
        ended = connection => { ended?; anyhow::bail!("the connection ended") }
    }
}

/// How a login connects to the shop through the proxy.
fn through(address: &str, user: &str) -> anyhow::Result<Config> {
    let address: SocketAddr = address.parse()?;
    let mut config = Config::new();
    config.host(address.ip().to_string()).port(address.port()).user(user).dbname(DATABASE).application_name("pgscrim demo");
    Ok(config)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the client library may come to tell more than rows")]
async fn ask(address: &str, user: &str, sql: &str) -> anyhow::Result<Answer> {
    with(through(address, user)?, async |client| {
        let mut answer = Answer::default();
        for message in client.simple_query(sql).await? {
            match message {
                SimpleQueryMessage::RowDescription(columns) => answer.names = columns.iter().map(|c| c.name().to_owned()).collect(),
                SimpleQueryMessage::Row(row) => {
                    answer.rows.push((0..row.len()).map(|i| row.try_get(i).map(|v| v.map(str::to_owned))).collect::<Result<_, _>>()?);
                }
                _ => {}
            }
        }
        Ok(answer)
    })
    .await
}

/// Shows everything.
pub(super) async fn tour(out: &Out, cluster: &Cluster, address: &str) -> anyhow::Result<()> {
    // Whom to show: one person of each script. Asked of the server itself, so that the audit holds the tour alone.
    let ids = "SELECT min(id) FILTER (WHERE locale LIKE 'zh%'), min(id) FILTER (WHERE locale LIKE 'en%') FROM users";
    let (chinese, english): (i64, i64) = with(cluster.connect("postgres", DATABASE), async |client| {
        let row = client.query_one(ids, &[]).await?;
        Ok((row.try_get(0)?, row.try_get(1)?))
    })
    .await?;

    let sql = format!("SELECT * FROM users WHERE id IN ({}, {}) ORDER BY id", chinese.min(english), chinese.max(english));
    out.say(&heading(out, 1, "One query, three logins", &sql))?;
    let mut answers = Vec::new();
    for (login, _) in LOGINS {
        answers.push(ask(address, login, &sql).await.with_context(|| format!("the query as '{login}'"))?);
    }
    out.say(&side_by_side(out, &answers))?;

    let sql = format!("SELECT full_name, birth_date FROM users WHERE id = {chinese}");
    out.say(&heading(out, 2, &format!("One refusal, as {REFUSED}"), &sql))?;
    let refusal = match ask(address, REFUSED, &sql).await {
        Ok(_) => anyhow::bail!("'{REFUSED}' was answered where the policy denies a column"),
        Err(error) => error.downcast::<tokio_postgres::Error>()?,
    };
    let refusal = refusal.as_db_error().context("no error of the proxy")?;
    out.say(&error_text(out, refusal, &sql))?;

    out.say(&heading(out, 3, "What the audit log holds of it", ""))?;
    let log = audit_of_the_tour(cluster, LOGINS.len() + 1).await?;
    out.say(&records(out, &log)?)
}

fn heading(out: &Out, number: u32, title: &str, sql: &str) -> String {
    let mut text = format!("\n{}", out.paint.ink(Ink::Strong, &format!("{number}  {title}")));
    if !sql.is_empty() {
        let _ = write!(text, "\n\n   {}", out.paint.ink(Ink::Plain, sql));
    }
    text
}

/// The columns of the answers below each other, the logins side by side.
fn side_by_side(out: &Out, answers: &[Answer]) -> String {
    let all: Vec<&String> = answers.first().map(|a| a.names.iter().collect()).unwrap_or_default();
    let rows = answers.first().map_or(0, |a| a.rows.len());
    let shown = |answer: &Answer, row: usize, name: &str| answer.cell(row, name).unwrap_or("(not there)").to_owned();
    let label = all.iter().map(|n| page::width(n)).max().unwrap_or(0);
    // What all see alike may be cut; what differs is what the eye should compare.
    let differs = |row: usize, name: &str| answers.iter().any(|a| a.cell(row, name) != answers.first().and_then(|f| f.cell(row, name)));
    let wanted = answers.iter().zip(LOGINS).map(|(answer, (login, about))| {
        let places = (0..rows).flat_map(|r| all.iter().map(move |n| (r, n.as_str())));
        let cells = places.filter(|(r, n)| differs(*r, n)).map(|(r, n)| page::width(&shown(answer, r, n)));
        cells.chain([page::width(login), page::width(about)]).max().unwrap_or(0)
    });
    let widths = page::share(wanted.collect(), WIDTH - 3 - label - 2 * answers.len());
    let line = |first: &str, cells: Vec<(Ink, String)>| {
        let mut line = format!("   {}", out.paint.ink(Ink::Faint, &page::cell(first, label)));
        for ((ink, text), width) in cells.into_iter().zip(&widths) {
            let _ = write!(line, "  {}", out.paint.ink(ink, &page::cell(&text, *width)));
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut text = String::from("\n");
    text += &line("", LOGINS.iter().map(|(login, _)| (Ink::Strong, (*login).to_owned())).collect());
    text += &line("", LOGINS.iter().map(|(_, about)| (Ink::Faint, (*about).to_owned())).collect());
    for row in 0..rows {
        text += &format!("   {}\n", out.paint.ink(Ink::Faint, &"─".repeat(WIDTH - 3)));
        for name in &all {
            let raw = answers.first().and_then(|a| a.cell(row, name));
            let cells = answers.iter().map(|answer| {
                let ink = match answer.cell(row, name) {
                    None => Ink::Refused,
                    Some(value) if Some(value) == raw => Ink::Clear,
                    Some(_) => Ink::Mask,
                };
                (ink, shown(answer, row, name))
            });
            text += &line(name, cells.collect());
        }
    }
    text.trim_end().to_owned()
}

/// An error as psql shows it with `VERBOSITY verbose`.
fn error_text(out: &Out, error: &DbError, sql: &str) -> String {
    let mut lines = vec![String::new()];
    let message = format!("{}: {}", error.code().code(), error.message());
    let said = page::wrap(&message, &format!("   {}:  ", error.severity()), "           ");
    lines.extend(said.iter().map(|l| out.paint.ink(Ink::Refused, l)));
    if let Some(ErrorPosition::Original(position)) = error.position()
        && let Some((line, columns)) = usize::try_from(*position).ok().and_then(|p| page::place(sql, p))
    {
        lines.push(format!("   LINE 1: {line}"));
        lines.push(format!("           {}{}", " ".repeat(columns), out.paint.ink(Ink::Refused, "^")));
    }
    if let Some(hint) = error.hint() {
        lines.extend(page::wrap(hint, "   HINT:  ", "          "));
    }
    lines.join("\n")
}

/// The log once the records of so many statements are in it.
async fn audit_of_the_tour(cluster: &Cluster, statements: usize) -> anyhow::Result<String> {
    let file = cluster.folder().join("audit.jsonl");
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        let log = std::fs::read_to_string(&file).unwrap_or_default();
        let whole = log.rfind('\n').map_or("", |end| log.get(..=end).unwrap_or_default());
        if whole.lines().filter(|l| l.contains(r#""kind":"statement""#)).count() >= statements {
            return Ok(whole.to_owned());
        }
        anyhow::ensure!(tokio::time::Instant::now() < until, "the audit log does not hold the tour's statements");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Each statement's record in two lines, the last of them whole, and whether the chain holds.
fn records(out: &Out, log: &str) -> anyhow::Result<String> {
    let mut text = format!("\n{}", out.paint.ink(Ink::Faint, "   seq  user     decision  rows  statement"));
    let mut last = "";
    let mut verifier = Verifier::default();
    for line in log.split_inclusive('\n') {
        verifier.line(line.as_bytes()).map_err(|broken| anyhow::anyhow!("audit.jsonl:{}: {}", broken.line, broken.reason))?;
        let line = line.trim_end();
        let record: Value = serde_json::from_str(line)?;
        let word = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if word("kind") != "statement" {
            continue;
        }
        last = line;
        let (seq, rows) = (number(&record, "seq"), number(&record, "rows"));
        let ink = match word("decision").as_str() {
            "allowed" => Ink::Clear,
            "refused" => Ink::Refused,
            _ => Ink::Mask,
        };
        let decision = out.paint.ink(ink, &page::cell(&word("decision"), 8));
        let statement = page::cell(&word("statement"), WIDTH - 34);
        let _ = write!(text, "\n   {seq:>3}  {:<7}  {decision}  {rows:>4}  {}", word("user"), statement.trim_end());
        if let Some(done) = what_was_done(&record) {
            for line in page::wrap(&done, "        ", "        ") {
                let _ = write!(text, "\n{}", out.paint.ink(Ink::Faint, &line));
            }
        }
    }
    let _ = write!(text, "\n\n   The last of them whole, with spaces to fit here (no literal is ever in it):\n");
    for line in page::wrap(&last.replace(",\"", ", \"").replace("},{", "}, {"), "   ", "   ") {
        let _ = write!(text, "\n{}", out.paint.ink(Ink::Faint, &line));
    }
    if let Ok(Some((first, end, _))) = verifier.finish() {
        let _ = write!(text, "\n\n   The hash chain holds from record {first} to {} (pgscrim audit verify).", end.seq);
    }
    Ok(text)
}

fn number(record: &Value, key: &str) -> String {
    record.get(key).filter(|n| n.is_number()).map_or_else(|| "-".to_owned(), Value::to_string)
}

/// `masked: email (email), phone (phone_tail)`.
fn what_was_done(record: &Value) -> Option<String> {
    let mut by_action: Vec<(String, Vec<String>)> = Vec::new();
    for column in record.get("columns")?.as_array()? {
        let word = |key: &str| column.get(key).and_then(Value::as_str);
        let (action, name) = (word("action")?, word("column")?.rsplit('.').next()?);
        if action == "allow" {
            continue;
        }
        let action = match action {
            "mask" => "masked",
            "deny" => "denied",
            other => other,
        };
        let shown = word("mask").map_or_else(|| name.to_owned(), |mask| format!("{name} ({mask})"));
        match by_action.iter_mut().find(|(a, _)| a == action) {
            Some((_, names)) if names.contains(&shown) => {}
            Some((_, names)) => names.push(shown),
            None => by_action.push((action.to_owned(), vec![shown])),
        }
    }
    let parts: Vec<String> = by_action.into_iter().map(|(action, names)| format!("{action}: {}", names.join(", "))).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// How to look around.
pub(super) fn invitation(out: &Out, cluster: &Cluster, address: &str, admin: SocketAddr) -> String {
    let mut text = format!("\n{}\n", out.paint.ink(Ink::Strong, "Your turn (no passwords; Ctrl-C ends it and leaves nothing behind)"));
    for (login, about) in LOGINS {
        let command = page::cell(&format!("psql postgresql://{login}@{address}/{DATABASE}"), 52);
        let _ = write!(text, "\n   {command}  {}", out.paint.ink(Ink::Faint, about));
    }
    let folder = cluster.folder().display();
    let _ = write!(text, "\n\n   policy   {folder}/shop.yaml   (edit it: statements follow)");
    let _ = write!(text, "\n   audit    {folder}/audit.jsonl");
    let _ = write!(text, "\n   metrics  http://{admin}/metrics");
    text + "\n"
}
