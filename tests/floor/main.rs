//! The floor: what two governed principals are answered without rewriting, over the catalog of a real PostgreSQL. The share that is
//! refused is printed. Not here: that the answers are right (the veil's own tests).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

mod profiles;

use std::collections::HashSet;
use std::io::Write;

use pgscrim::base::RawSql;
use pgscrim::catalog::Catalog;
use pgscrim::demo::{Cluster, Setup, installations, shop};
use pgscrim::plan::{Kind, Names, Plan, Planned, Protocol, Setting, plan_text};
use pgscrim::policy::Profile;
use pgscrim::upstream::catalog_loader::{Login, load};
use tokio::net::TcpStream;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

/// One shape with what is expected for both principals.
struct Case {
    want: [char; 2],
    name: &'static str,
    text: String,
}

fn cases(file: &'static str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in file.lines() {
        if let Some(head) = line.strip_prefix("= ") {
            let mut words = head.splitn(3, ' ');
            let mut want = || words.next().unwrap().chars().next().unwrap();
            let want = [want(), want()];
            cases.push(Case { want, name: words.next().unwrap(), text: String::new() });
        } else if let Some(case) = cases.last_mut() {
            case.text.push_str(line);
            case.text.push('\n');
        }
    }
    cases
}

/// Whether the server itself does not know what a text names: clients ask each version in other words.
async fn is_of_another_version(client: &Client, text: &str) -> bool {
    let error = client.prepare(text).await.err();
    let code = error.as_ref().and_then(|e| e.code()).cloned();
    code.is_some_and(|c| [SqlState::UNDEFINED_COLUMN, SqlState::UNDEFINED_TABLE, SqlState::UNDEFINED_FUNCTION].contains(&c))
}

/// The catalog of the sample shop, as the product's own loader reads it, and the clients' texts that are for other servers.
async fn catalog(clients: &[Case]) -> (Catalog, HashSet<String>) {
    let found = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref());
    let cluster =
        Cluster::start(found.first().expect("no PostgreSQL server programs: name their folder in PGSCRIM_PG_BIN"), &Setup::default())
            .unwrap();
    let (client, connection) = cluster.connect("postgres", "postgres").connect(tokio_postgres::NoTls).await.unwrap();
    let made = async {
        client.batch_execute(shop::SCHEMA).await.unwrap();
        client.batch_execute("CREATE VIEW public.eu_orders AS SELECT id, status FROM public.orders WHERE region = 'EU'").await.unwrap();
        let mut others = HashSet::new();
        for case in clients {
            if is_of_another_version(&client, &case.text).await {
                others.insert(case.text.clone());
            }
        }
        others
    };
    let others = tokio::select! { others = made => others, ended = connection => panic!("the server ended the connection: {ended:?}") };
    let stream = TcpStream::connect(("127.0.0.1", cluster.port())).await.unwrap();
    (Catalog::new(load(stream, Login { user: "postgres", password: None, database: "postgres" }).await.unwrap()), others)
}

/// What became of a text, and why where it was refused.
fn verdict(catalog: &Catalog, profile: &Profile, text: &str) -> (char, String) {
    let names = Names { epoch: 1, search_path: vec!["pg_catalog".into(), "public".into()], relations: Vec::new() };
    let setting = Setting { catalog, profile, names: &names, fingerprint_key: &[0; 32], parse_limit: 1 << 20 };
    let planned: Vec<Planned> = plan_text(&RawSql::new(text), &[], Protocol::Simple, setting);
    let mut worst = ('f', String::new());
    for one in planned {
        match one.plan {
            Plan::Refuse(refusal) => return ('r', format!("{:?}: {}", refusal.kind, refusal.message)),
            Plan::Send(permit) => match permit.kind() {
                Kind::Rewrite => worst = ('w', permit.text().to_owned()),
                Kind::MaskRows if worst.0 != 'w' => worst = ('m', permit.text().to_owned()),
                Kind::MaskRows | Kind::Forward => {}
            },
        }
    }
    worst
}

#[tokio::test(flavor = "current_thread")]
async fn the_floor_is_answered() {
    let clients = include_str!("clients.txt");
    let (catalog, others) = catalog(&cases(clients)).await;
    let people = [profiles::analyst(&catalog), profiles::clerk(&catalog)];
    let (mut wrong, mut told) = (Vec::new(), Vec::new());
    let applications = include_str!("applications.txt");
    for (file, text) in [("statements", include_str!("statements.txt")), ("clients", clients), ("applications", applications)] {
        let mut cases = cases(text);
        assert!(cases.len() >= 80, "{file}: {} shapes", cases.len());
        cases.retain(|c| file != "clients" || !others.contains(&c.text));
        for (i, profile) in people.iter().enumerate() {
            let mut refused = 0;
            for case in &cases {
                let (got, why) = verdict(&catalog, profile, &case.text);
                refused += usize::from(got == 'r');
                if got != case.want[i] {
                    wrong.push(format!("{} / {}: {got}, not {} ({why})", profile.principal.login, case.name, case.want[i]));
                }
            }
            told.push(format!("{file}: {refused} of {} shapes refused to {}", cases.len(), profile.principal.login));
        }
    }
    // past the test harness, which keeps what a test prints to itself
    writeln!(std::io::stdout(), "{}", told.join("\n")).unwrap();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
