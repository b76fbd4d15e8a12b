//! Random ON CONFLICT and MERGE, which views with triggers do not take: each beside a statement over the views that does the same by hand.

use lab::queries::Type::{Bool, Date, Int, Number, Text};
use lab::queries::{Generator, Named, Table, Type};

use crate::generate::TABLES;

/// A statement, and what gives its number of rows over the veil.
pub(crate) struct Upsert {
    pub(crate) text: String,
    pub(crate) by_hand: String,
}

/// A generator of both.
pub(crate) struct Upserts(Generator);

type Columns = Vec<(&'static str, Type)>;

impl Upserts {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Generator::new(seed, TABLES))
    }

    pub(crate) fn statement(&mut self) -> Upsert {
        let Upsert { text, by_hand } = if self.0.one_in(2) { self.conflict() } else { self.merge() };
        // a query inside may name what it reads with its schema
        Upsert { text, by_hand: by_hand.replace("public.", "veil.").replace("veil.plain", "public.plain") }
    }

    fn table(&mut self, names: &[&'static str]) -> Table {
        let name = self.0.dice.one(names);
        *TABLES.iter().find(|t| t.name == name).unwrap()
    }

    /// Some of a table's columns, behind its key.
    fn some(&mut self, table: &Table, most: usize) -> Columns {
        let mut all: Columns = table.columns[1..].iter().copied().filter(|(c, _)| (table.name, *c) != ("fenced", "region")).collect();
        let count = 1 + self.0.dice.roll(most);
        let count = count.min(all.len());
        (0..count).map(|_| all.swap_remove(self.0.dice.roll(all.len()))).collect()
    }

    /// Keys, some of them taken.
    fn keys(&mut self) -> Vec<usize> {
        let mut keys: Vec<usize> = (0..=self.0.dice.roll(4)).map(|_| 1 + self.0.dice.roll(14)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// A value, often one that stands for many behind the mask.
    fn given(&mut self, column: &str, ty: Type) -> String {
        match (column, self.0.dice.roll(3)) {
            ("name", 0) => "'A************'".into(),
            ("email", 0) => "'a***@example.com'".into(),
            ("phone", 0) => "'************1234'".into(),
            ("handle" | "note" | "secret", 0) => "'***'".into(),
            ("flag", 0) => "false".into(),
            (_, 1) => "NULL".into(),
            _ => self.0.literal(ty),
        }
    }

    /// `SET` over names of the target and of what is new, which the statement and the one by hand know by other names.
    fn set(&mut self, columns: &[(&'static str, Type)], target: &str, new: &str, news: &[Named], scope: &[Named]) -> String {
        let mut set: Vec<(&str, String)> = Vec::new();
        for (column, ty) in columns {
            let own = news.iter().filter(|(_, t)| t == ty).map(|(n, _)| n.clone()).collect::<Vec<_>>();
            let value = match self.0.dice.roll(5) {
                0 => format!("{target}.{column}"),
                1 | 2 if news.iter().any(|(n, _)| *n == format!("{new}.{column}")) => format!("{new}.{column}"),
                1 | 2 if !own.is_empty() => own[self.0.dice.roll(own.len())].clone(),
                3 => self.given(column, *ty),
                _ => self.0.expr(*ty, scope, 2),
            };
            set.push((column, value));
        }
        if self.0.one_in(3) {
            let (names, values): (Vec<&str>, Vec<String>) = set.into_iter().unzip();
            return format!("({}) = {}({})", names.join(", "), if names.len() == 1 { "ROW" } else { "" }, values.join(", "));
        }
        set.into_iter().map(|(c, v)| format!("{c} = {v}")).collect::<Vec<_>>().join(", ")
    }

    fn condition(&mut self, scope: &[Named]) -> String {
        if self.0.one_in(2) { "true".into() } else { self.0.expr(Bool, scope, 1) }
    }

    fn conflict(&mut self) -> Upsert {
        let table = self.table(&["people", "people", "plain"]);
        let (columns, keys) = (self.some(&table, 4), self.keys());
        let rows: Vec<Vec<String>> = keys.iter().map(|_| columns.iter().map(|(c, t)| self.given(c, *t)).collect()).collect();
        let news: Vec<Named> = columns.iter().map(|(c, t)| (format!("excluded.{c}"), *t)).collect();
        let scope: Vec<Named> = table.columns.iter().map(|(c, t)| (format!("m.{c}"), *t)).chain(news.iter().cloned()).collect();
        let targets = self.some(&table, 3);
        let (set, condition) = (self.set(&targets, "m", "excluded", &news, &scope), self.condition(&scope));
        let names: String = columns.iter().map(|(c, _)| format!(", {c}")).collect();
        let values = |cast: &dyn Fn(usize, &String) -> String| {
            let row = |(key, row): (&usize, &Vec<String>)| {
                format!("({key}{})", row.iter().enumerate().map(|(i, v)| format!(", {}", cast(i, v))).collect::<String>())
            };
            keys.iter().zip(&rows).map(row).collect::<Vec<_>>().join(", ")
        };
        let (plain, typed) = (values(&|_, v| v.clone()), values(&|i, v| format!("CAST({v} AS {})", sql_type(columns[i]))));
        let (seen, by_hand) = (seen(&table), |text: &str| text.replace("excluded.", "n."));
        Upsert {
            text: format!(
                "INSERT INTO {} AS m (id{names}) VALUES {plain} ON CONFLICT (id) DO UPDATE SET {set} WHERE {condition}",
                table.name
            ),
            by_hand: format!(
                "WITH n (id{names}) AS MATERIALIZED (VALUES {typed}), u AS (UPDATE {seen} m SET {} FROM n WHERE m.id = n.id AND ({}) RETURNING 1), \
                 i AS (INSERT INTO {seen} (id{names}) SELECT id{names} FROM n WHERE NOT EXISTS (SELECT 1 FROM {seen} m WHERE m.id = n.id) RETURNING 1) \
                 SELECT (SELECT count(*) FROM u) + (SELECT count(*) FROM i)",
                by_hand(&set),
                by_hand(&condition)
            ),
        }
    }

    fn merge(&mut self) -> Upsert {
        let table = self.table(&["people", "people", "fenced", "events", "plain"]);
        let (source, news) = self.source(&table);
        let scope: Vec<Named> = table.columns.iter().map(|(c, t)| (format!("m.{c}"), *t)).chain(news.iter().cloned()).collect();
        let on = format!("m.id = n.id AND {}", self.condition(&scope));
        let (first, second) = (self.condition(&scope), self.condition(&scope));
        let targets = self.some(&table, 3);
        let set = self.set(&targets, "m", "n", &news, &scope);
        let inserted = if table.name == "fenced" || self.0.one_in(2) { Columns::new() } else { self.some(&table, 2) };
        // a constant that is too long would fail in MERGE alone, where PostgreSQL folds it, be there a row or not
        let fits = |column: (&str, Type), value: String| if column.0 == "phone" { format!("left({value}, 20)") } else { value };
        let values: String = inserted.iter().map(|c| format!(", {}", fits(*c, self.0.expr(c.1, &news, 1)))).collect();
        let names: String = inserted.iter().map(|(c, _)| format!(", {c}")).collect();
        let (insert, seen) = (!inserted.is_empty(), seen(&table));
        let by_hand = if insert {
            format!(
                "INSERT INTO {seen} (id{names}) SELECT n.id + 1000{values} FROM n WHERE NOT EXISTS (SELECT 1 FROM {seen} m WHERE {on}) RETURNING 1"
            )
        } else {
            "SELECT 1 WHERE false".to_owned()
        };
        let otherwise =
            if insert { format!(" WHEN NOT MATCHED THEN INSERT (id{names}) VALUES (n.id + 1000{values})") } else { String::new() };
        Upsert {
            text: format!(
                "MERGE INTO {} AS m USING ({source}) AS n ON {on} WHEN MATCHED AND {first} THEN UPDATE SET {set} \
                 WHEN MATCHED AND {second} THEN DELETE{otherwise}",
                table.name
            ),
            by_hand: format!(
                "WITH n AS MATERIALIZED (SELECT * FROM ({source}) AS n), u AS (UPDATE {seen} m SET {set} FROM n WHERE {on} AND ({first}) RETURNING 1), \
                 d AS (DELETE FROM {seen} m USING n WHERE {on} AND CASE WHEN {first} THEN false ELSE {second} END RETURNING 1), i AS ({by_hand}) \
                 SELECT (SELECT count(*) FROM u) + (SELECT count(*) FROM d) + (SELECT count(*) FROM i)"
            ),
        }
    }

    /// What is merged, its columns named as the target's: rows that were read, or values.
    fn source(&mut self, table: &Table) -> (String, Vec<Named>) {
        let columns = self.some(table, 4);
        let names: String = columns.iter().map(|(c, _)| format!(", {c}")).collect();
        let news = columns.iter().map(|(c, t)| (format!("n.{c}"), *t)).collect();
        if self.0.one_in(2) {
            return (format!("SELECT id{names} FROM {} WHERE id <> {}", table.name, self.0.dice.roll(12)), news);
        }
        let keys = self.keys();
        let row = |this: &mut Self, key: &usize| {
            let values: String = columns.iter().map(|(c, t)| format!(", CAST({} AS {})", this.given(c, *t), sql_type((c, *t)))).collect();
            format!("({key}{values})")
        };
        let rows: Vec<String> = keys.iter().map(|key| row(self, key)).collect();
        (format!("SELECT * FROM (VALUES {}) AS v (id{names})", rows.join(", ")), news)
    }
}

/// Its name where what the clerk sees of it stands.
fn seen(table: &Table) -> String {
    format!("{}.{}", if table.plain { "public" } else { "veil" }, table.name)
}

fn sql_type((column, ty): (&str, Type)) -> &'static str {
    match (column, ty) {
        ("phone", _) => "varchar(20)",
        ("wealth", _) => "numeric(14,4)",
        (_, Int) => "int",
        (_, Text) => "text",
        (_, Bool) => "boolean",
        (_, Date) => "date",
        (_, Number) => "numeric",
    }
}
