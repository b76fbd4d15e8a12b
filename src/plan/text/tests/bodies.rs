//! Functions in SQL: what is sent in the place of their calls, what is left to the server, and what is refused.

use super::*;
use crate::catalog::{Body, Function};
use crate::plan::decide::fixture::function;

/// A function over `public`: name, types of its arguments, what it gives, and its body.
fn made(oid: u32, name: &str, args: &[u32], returns: u32, text: &str) -> Function {
    let body = Body { text: text.into(), bound: false, parameters: Vec::new(), strict: false, public: true, sets: false };
    let count = u16::try_from(args.len()).unwrap();
    let arg_types = args.iter().map(|ty| Oid(*ty)).collect();
    Function { arg_types, returns: Oid(returns), volatility: 's', body: Some(body), ..function(oid, "public", name, count) }
}

fn with(function: Function, edit: impl FnOnce(&mut Body)) -> Function {
    let mut body = function.body.clone().unwrap();
    edit(&mut body);
    Function { body: Some(body), ..function }
}

fn functions() -> Vec<Function> {
    let mail = "SELECT email FROM public.users WHERE id = $1";
    let set = |f: Function| Function { returns_set: true, ..f };
    vec![
        made(40001, "mail", &[23], 25, mail),
        with(made(40002, "mail_of", &[23], 25, "SELECT email FROM users WHERE users.id = who"), |b| b.parameters = vec!["who".into()]),
        with(
            made(
                40003,
                "bound",
                &[23],
                25,
                "BEGIN ATOMIC\n SELECT users.email\n    FROM public.users\n   WHERE (users.id = bound.who);\nEND",
            ),
            |b| {
                b.bound = true;
                b.parameters = vec!["who".into()];
            },
        ),
        with(made(40004, "strict", &[23], 25, mail), |b| b.strict = true),
        set(made(40005, "all_of", &[], 23, "SELECT id FROM public.users")),
        Function {
            out_columns: vec![("who".into(), Oid(23)), ("what".into(), Oid(25))],
            ..set(made(40006, "pairs", &[23], 2249, "SELECT id, email FROM public.users WHERE id < $1"))
        },
        made(40007, "wide", &[], 1700, "SELECT id FROM public.users"),
        made(40008, "harmless", &[23], 25, "SELECT lower($1)"),
        made(40009, "reads_accounts", &[], 23, "SELECT id FROM accounts"),
        made(40010, "two", &[], 25, "SELECT 1; SELECT email FROM public.users"),
        made(40011, "writes", &[], 25, "UPDATE public.users SET email = 'x' RETURNING email"),
        Function { volatility: 'v', ..made(40012, "changing", &[], 25, "SELECT email FROM public.users") },
        made(40013, "calls_volatile", &[], 25, "SELECT email FROM public.users WHERE id = public.tells()"),
        with(made(40014, "private", &[], 25, "SELECT email FROM public.users"), |b| b.public = false),
        with(made(40015, "sets", &[], 25, "SELECT email FROM public.users"), |b| b.sets = true),
        with(made(40016, "sets_only", &[], 25, "SELECT 'a'"), |b| b.sets = true),
        made(40017, "locks", &[], 25, "SELECT email FROM public.users FOR UPDATE"),
        made(40018, "absent", &[], 25, "SELECT id_no FROM public.users"),
        made(40019, "unnamed", &[], 25, "SELECT email FROM public.users"),
        made(40020, "itself", &[23], 25, "SELECT CASE WHEN $1 < 1 THEN 'a' ELSE public.itself($1) END"),
        made(40021, "users", &[23], 25, "SELECT email FROM users WHERE id = $1"),
        with(made(40022, "users_of", &[23], 25, "SELECT users_of.email FROM users AS users_of WHERE users_of.id = $1"), |b| {
            b.parameters = vec!["id".into()];
        }),
        made(40023, "over", &[23], 25, mail),
        made(40024, "over", &[25], 25, "SELECT email FROM public.users WHERE email = $1"),
        made(40025, "nested", &[23], 25, "SELECT lower(mail($1))"),
        made(40026, "nested_harmless", &[23], 25, "SELECT harmless($1)"),
        Function { defaults: 1, ..made(40027, "with_default", &[23], 25, mail) },
        made(40028, "of_row", &[20500], 25, mail),
        made(40029, "pg_class_of", &[], 25, "SELECT 'x' FROM pg_stat_activity"),
        made(40030, "empty", &[], 25, ""),
        made(40032, "set_path", &[], 25, "SELECT set_config('search_path', 'elsewhere', false)"),
        Function { volatility: 'v', ..made(40033, "locked", &[], 25, "LOCK TABLE public.accounts IN SHARE MODE; SELECT 'a'") },
        Function { volatility: 'v', ..made(40034, "dealt", &[], 25, "SET search_path TO elsewhere; SELECT 'a'") },
        Function { variadic: true, ..made(40031, "many", &[23], 25, mail) },
    ]
}

/// On a stack as that of the threads that plan: one case goes as deep as can be.
fn plan(text: &str) -> Result<(String, Kind), String> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(crate::sql::STACK).spawn_scoped(scope, || plan_here(text));
        thread.unwrap().join().unwrap()
    })
}

fn plan_here(text: &str) -> Result<(String, Kind), String> {
    let mut contents = catalog().contents().clone();
    contents.functions.iter_mut().filter(|f| *f.name.name == *"lower").for_each(|f| f.volatility = 'i');
    contents.functions.extend(functions());
    contents.types.extend([(20, "int8"), (1043, "varchar")].map(|(oid, name)| TypeInfo {
        oid: Oid(oid),
        name: QualifiedName::new("pg_catalog", name),
        ..contents.types[0].clone()
    }));
    let mut p = profile();
    let users = p.relations.get_mut(&USERS).unwrap();
    users.columns.insert(2, seen(masked("redact", &MaskSpec::Redact, Reveal::default()), true));
    p.functions = functions().iter().map(|f| f.oid).chain([Oid(30001)]).filter(|oid| oid.0 != 40019).collect();
    let names = Names { search_path: vec!["pg_catalog".into(), "public".into()], ..Names::default() };
    let catalog = Catalog::new(contents);
    let setting = Setting { catalog: &catalog, profile: &p, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    match plan_text(&RawSql::new(text), &[], Protocol::Simple, setting).remove(0).plan {
        Plan::Send(permit) => Ok((permit.text().to_owned(), permit.kind())),
        Plan::Refuse(refusal) => Err(refusal.message.to_string()),
    }
}

#[test]
fn a_body_that_reads_what_is_veiled_stands_in_the_place_of_its_call() {
    for (text, want) in [
        (
            "SELECT mail(1)",
            "SELECT (SELECT \"rows of it\".c0 AS mail FROM (SELECT 1::int AS \"$1\") mail LEFT JOIN LATERAL (SELECT email FROM ",
        ),
        ("SELECT mail(1)", "users WHERE id = \"$1\" OFFSET 0) \"rows of it\"(c0) ON true LIMIT 1)"),
        ("SELECT mail_of(1)", "FROM (SELECT 1::int AS who) mail_of LEFT JOIN LATERAL"),
        ("SELECT mail_of(1)", "WHERE users.id = who OFFSET 0)"),
        ("SELECT bound(1)", "WHERE users.id = bound.who OFFSET 0)"),
        ("SELECT strict(1)", "ON strict.\"$1\" IS NOT NULL LIMIT 1"),
        ("SELECT wide()", "SELECT \"rows of it\".c0::numeric AS wide FROM (SELECT) wide"),
        ("SELECT * FROM all_of()", "FROM LATERAL (SELECT \"rows of it\".c0 AS all_of FROM (SELECT) all_of JOIN LATERAL"),
        ("SELECT x FROM all_of() AS x", "SELECT \"rows of it\".c0 AS x FROM (SELECT) all_of JOIN LATERAL"),
        ("SELECT * FROM pairs(2)", "SELECT \"rows of it\".c0 AS who, \"rows of it\".c1 AS what FROM"),
        ("SELECT * FROM pairs(2) AS p(a, b)", "\"rows of it\"(c0, c1) ON true) p(a, b)"),
        ("SELECT * FROM mail(1)", "SELECT \"rows of it\".c0 AS mail FROM (SELECT 1::int AS \"$1\") mail LEFT JOIN LATERAL"),
        ("SELECT u.id FROM users u, pairs(u.id) p", "FROM (SELECT u.id::int AS \"$1\") pairs JOIN LATERAL"),
        ("SELECT users(1)", "FROM (SELECT 1::int AS \"$1\") users LEFT JOIN LATERAL"),
        ("SELECT nested(1)", "SELECT pg_catalog.lower((SELECT \"rows of it\".c0 AS mail FROM (SELECT \"$1\"::int AS \"$1\") mail"),
        ("SELECT mail($1), mail_of($2)", "(SELECT $2::int AS who)"),
        ("SELECT mail(NULL), mail('1')", "(SELECT '1'::int AS \"$1\")"),
        ("SELECT changing()", "FROM (SELECT) changing"),
        ("INSERT INTO accounts (id) SELECT id FROM accounts WHERE mail(id) IS NULL", "INSERT INTO public.accounts"),
        ("SELECT pg_class_of()", "pg_class_of"),
    ] {
        let got = plan(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert!(got.0.contains(want) && got.1 == Kind::Rewrite, "{text}: {got:?}");
    }
}

#[test]
fn a_body_that_may_run_as_it_is_is_left_to_the_server() {
    for text in ["SELECT harmless(1)", "SELECT reads_accounts()", "SELECT nested_harmless(1)", "SELECT harmless(id) FROM users"] {
        let (sent, kind) = plan(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert!(sent.contains("public.") && !sent.contains("LATERAL") && kind != Kind::Rewrite, "{text}: {sent}");
    }
}

#[test]
fn what_cannot_stand_in_the_place_of_a_call_is_refused() {
    for (text, why) in [
        ("SELECT two()", "not one query"),
        ("SELECT writes()", "not a query"),
        ("SELECT set_path()", "another value each time"),
        ("SELECT locked()", "not one query"),
        ("SELECT dealt()", "not one query"),
        ("INSERT INTO accounts (id) SELECT 1 FROM accounts WHERE changing() IS NULL", "VOLATILE"),
        ("SELECT calls_volatile()", "another value each time"),
        ("SELECT private()", "not everybody"),
        ("SELECT sets()", "sets parameters"),
        ("SELECT sets_only()", "sets parameters"),
        ("SELECT locks()", "locks"),
        ("SELECT absent()", "id_no"),
        ("SELECT unnamed()", "may not use function"),
        ("SELECT itself(1)", "too deep"),
        ("SELECT users_of(1)", "named as it is itself"),
        ("SELECT over(1)", "cannot be put in its place here"),
        ("SELECT with_default()", "left to its default"),
        ("SELECT of_row(NULL)", "not understood here"),
        ("SELECT many(1)", "VARIADIC"),
        ("SELECT mail(VARIADIC 1)", "VARIADIC"),
        ("SELECT mail(a => 1)", "by name"),
        ("SELECT mail(1.5)", "types"),
        ("SELECT mail('1'::text)", "types"),
        ("SELECT $1::text, mail($1)", "types"),
        ("SELECT all_of()", "gives rows"),
        ("SELECT pairs(1)", "more than one value"),
        ("SELECT * FROM all_of() WITH ORDINALITY", "ORDINALITY"),
        ("SELECT * FROM ROWS FROM (all_of(), mail(1)) x", "in its place here"),
        ("SELECT y FROM all_of() AS x(y)", "another name than the alias"),
        ("UPDATE accounts SET id = 1 WHERE mail(id) IS NULL", "in its place here"),
        ("SELECT mail(GROUPING(id)) FROM accounts GROUP BY id", "an aggregate"),
        ("SELECT mail((ARRAY[id])[1]) FROM accounts", "not understood there"),
        ("SELECT mail(DISTINCT 1)", "not understood"),
        ("SELECT * FROM pairs(1) FOR UPDATE", "locking clause"),
    ] {
        let got = plan(text).map_or_else(|why| why, |sent| format!("{sent:?}"));
        assert!(got.contains(why), "{text}: {got}");
    }
}
