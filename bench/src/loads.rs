//! The loads: each is run for every way to the server, one after the other, round after round, so that what disturbs the machine
//! disturbs all of them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::client::{Client, Format};
use super::report::{Results, Sample};
use super::world::{PASSWORD, Proxy, World};
use super::{Arguments, process};

/// A way to the server.
struct Way<'a> {
    name: &'static str,
    user: &'static str,
    /// `None` for the server itself.
    proxy: Option<&'a Proxy>,
}

impl Way<'_> {
    fn port(&self, world: &World) -> u16 {
        self.proxy.map_or(world.cluster.port(), |p| p.port)
    }

    fn cpu(&self) -> u64 {
        self.proxy.map_or(0, |p| process::cpu(p.pid()))
    }
}

/// Text of the rows that are streamed.
const TABLE: &str = "SELECT * FROM people";
const VIEW: &str = "SELECT * FROM people_masked";

/// What pgscrim rewrites, since it looks into masks: a name, how often it is asked, and the text, with another `{n}` each time. A view by hand is
/// asked directly for the same.
const REWRITTEN: [(&str, u32, &str); 6] = [
    ("look-up by key", 3000, "SELECT id, name, lower(email), phone FROM people WHERE id = {n}"),
    ("a range of a key", 100, "SELECT id, upper(phone), email FROM people WHERE id BETWEEN {n} AND {n} + 2000 AND email LIKE 'u%'"),
    (
        "join and group",
        20,
        "SELECT split_part(p.email, '@', 2), count(*), sum(o.total) FROM people p JOIN orders o ON o.person = p.id \
         WHERE p.id BETWEEN {n} AND {n} + 5000 AND o.total > 3 GROUP BY 1",
    ),
    ("the whole table grouped", 1, "SELECT right(phone, 2), count(*) FROM people GROUP BY 1 ORDER BY 1"),
    ("the whole table sorted", 1, "SELECT id, email FROM people ORDER BY email, id LIMIT 20"),
    ("the whole table searched", 1, "SELECT count(*) FROM people WHERE phone LIKE '%77' OR email > 'v'"),
];
/// The role's name, the view that shows by hand what it sees, and how many times more seldom it asks: behind a fence each may read the whole table.
const VEILS: [(&str, &str, u32); 2] = [("veiled", "people_masked", 1), ("fenced", "people_fenced", 100)];

/// Runs everything that is asked for.
pub(crate) fn run(world: &World, arguments: &Arguments, results: &mut Results) -> anyhow::Result<()> {
    let (scrim, bouncer) = (world.scrim()?, world.bouncer()?);
    let mut ways = vec![Way { name: "direct", user: "plain", proxy: None }];
    ways.extend(bouncer.as_ref().map(|b| Way { name: "PgBouncer", user: "plain", proxy: Some(b) }));
    for (name, user) in [("pgscrim unrestricted", "free"), ("pgscrim nothing veiled", "plain"), ("pgscrim two masked", "veiled")] {
        ways.push(Way { name, user, proxy: Some(&scrim) });
    }
    let asked = |what: &str| arguments.only.as_deref().is_none_or(|only| what.contains(only));
    for round in 0..arguments.rounds {
        eprintln!("round {} of {}", round + 1, arguments.rounds);
        for (mode, clients) in [("simple", 1), ("simple", 16), ("prepared", 1), ("prepared", 16)] {
            let what = format!("select {mode}, {clients} clients");
            for way in ways.iter().filter(|_| asked(&what)) {
                results.samples.push(sample(&what, way, || pgbench(world, way, mode, clients, arguments.seconds))?);
            }
        }
        for (what, sql, format) in [
            ("rows text", TABLE, Format::Text),
            ("rows binary", TABLE, Format::Binary),
            ("copy text", "COPY people TO STDOUT", Format::Text),
            ("copy binary", "COPY people TO STDOUT (FORMAT binary)", Format::Text),
        ] {
            for way in ways.iter().filter(|_| asked(what)) {
                results.samples.push(sample(what, way, || rows(way.port(world), way.user, sql, format))?);
            }
            if sql == TABLE && asked(what) {
                let view = Way { name: "direct, masking view", user: "plain", proxy: None };
                results.samples.push(sample(what, &view, || rows(view.port(world), view.user, VIEW, format))?);
            }
        }
        for (user, view, seldom) in VEILS {
            for (name, times, sql) in REWRITTEN {
                let times = times.div_ceil(seldom);
                let what = format!("rewritten for {user}: {name}");
                if asked(&what) {
                    let by_hand = Way { name: "direct", user, proxy: None };
                    let text = sql.replace("people", view);
                    results.samples.push(sample(&what, &by_hand, || asks(by_hand.port(world), user, &text, times))?);
                    let veiled = Way { name: "pgscrim", user, proxy: Some(&scrim) };
                    results.samples.push(sample(&what, &veiled, || asks(veiled.port(world), user, sql, times))?);
                }
            }
        }
        for way in ways.iter().filter(|w| asked("idle process") && w.proxy.is_some() && w.user == "plain") {
            results.samples.push(sample("idle process, a second", way, || {
                std::thread::sleep(Duration::from_secs(5));
                Ok(5)
            })?);
        }
        for way in ways.iter().filter(|w| asked("connections") && (w.user == "plain" || w.proxy.is_none())) {
            results.samples.push(sample("connections with SCRAM", way, || connections(way.port(world)))?);
        }
    }
    for way in ways.iter().filter(|_| asked("growth")) {
        let Some(proxy) = way.proxy else { continue };
        for (what, sql) in [("growth while streaming rows", TABLE), ("growth while streaming COPY", "COPY people TO STDOUT")] {
            results.memory.push((what.into(), way.name.into(), growth(proxy, way.user, sql)?));
        }
    }
    drop(ways);
    drop((scrim, bouncer));
    for (what, tls) in [("idle session", false), ("idle session, TLS", true)] {
        for name in ["PgBouncer", "pgscrim"].into_iter().filter(|_| asked(what)) {
            let proxy = if name == "pgscrim" { Some(world.scrim()?) } else { world.bouncer()? };
            let Some(proxy) = proxy else { continue };
            let kib = idle(world, &proxy, arguments.sessions, tls).with_context(|| format!("{what} of {name}"))?;
            results.memory.push((what.into(), name.into(), kib));
        }
    }
    Ok(())
}

fn sample(what: &str, way: &Way<'_>, work: impl FnOnce() -> anyhow::Result<u64>) -> anyhow::Result<Sample> {
    let (before, began) = (way.cpu(), Instant::now());
    let count = work().with_context(|| format!("{what}, {}", way.name))?;
    let seconds = began.elapsed().as_secs_f64();
    let cpu = way.cpu().saturating_sub(before);
    Ok(Sample { what: what.into(), way: way.name.into(), proxied: way.proxy.is_some(), count, cpu, seconds })
}

fn pgbench(world: &World, way: &Way<'_>, mode: &str, clients: u32, seconds: u32) -> anyhow::Result<u64> {
    let (port, clients, seconds) = (way.port(world).to_string(), clients.to_string(), seconds.to_string());
    let mut command = Command::new(world.program("pgbench")?);
    command.args(["-h", "127.0.0.1", "-p", &port, "-U", way.user, "-n", "-S", "-M", mode, "-c", &clients, "-j", "1", "-T", &seconds]);
    let output = command.arg("postgres").stderr(Stdio::piped()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|l| l.contains("actually processed"));
    let count = line.and_then(|l| l.rsplit(": ").next()?.split('/').next()?.trim().parse().ok());
    count.with_context(|| format!("pgbench: {text}{}", String::from_utf8_lossy(&output.stderr)))
}

fn rows(port: u16, user: &str, sql: &str, format: Format) -> anyhow::Result<u64> {
    let (rows, _) = Client::connect(port, user, None)?.run(sql, format, |_| {})?;
    Ok(rows)
}

/// Asks again and again, for another key each time.
fn asks(port: u16, user: &str, sql: &str, times: u32) -> anyhow::Result<u64> {
    let mut client = Client::connect(port, user, None)?;
    for i in 0..times {
        client.run(&sql.replace("{n}", &(1 + i * 7919 % 240_000).to_string()), Format::Text, |_| {})?;
    }
    Ok(times.into())
}

/// Logs in again and again, one query each.
fn connections(port: u16) -> anyhow::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(port).user("churn").password(PASSWORD).dbname("postgres");
        for _ in 0..200 {
            let (client, connection) = config.connect(tokio_postgres::NoTls).await?;
            tokio::select! {
                answer = client.simple_query("SELECT 1") => drop(answer?),
                ended = connection => ended?,
            }
        }
        Ok(200)
    })
}

/// KiB by which a proxy grows while a client takes a million rows and stops taking them for a while in their midst.
fn growth(proxy: &Proxy, user: &str, sql: &str) -> anyhow::Result<f64> {
    rows(proxy.port, user, "SELECT * FROM people LIMIT 1000", Format::Text)?;
    let mut client = Client::connect(proxy.port, user, None)?;
    process::forget_peak(proxy.pid());
    let before = process::resident(proxy.pid());
    let mut stalled = false;
    client.run(sql, Format::Text, |rows| {
        if rows > 200_000 && !std::mem::replace(&mut stalled, true) {
            std::thread::sleep(Duration::from_secs(1));
        }
    })?;
    Ok(kib(process::peak(proxy.pid()).saturating_sub(before)))
}

/// KiB of a session that has run one query and does nothing since.
fn idle(world: &World, proxy: &Proxy, sessions: usize, tls: bool) -> anyhow::Result<f64> {
    let open = || -> anyhow::Result<Client> {
        let mut client = Client::connect(proxy.port, "veiled", tls.then_some(&world.tls))?;
        client.run("SELECT id, email FROM people WHERE id = 1", Format::Text, |_| {})?;
        Ok(client)
    };
    drop((0..20).map(|_| open()).collect::<anyhow::Result<Vec<_>>>()?);
    std::thread::sleep(Duration::from_millis(500));
    let before = process::memory(proxy.pid());
    let clients = (0..sessions).map(|_| open()).collect::<anyhow::Result<Vec<_>>>()?;
    std::thread::sleep(Duration::from_secs(1));
    let after = process::memory(proxy.pid());
    drop(clients);
    Ok(kib(after.saturating_sub(before)) / kib(sessions as u64))
}

#[allow(clippy::cast_precision_loss, reason = "a measure for people")]
fn kib(n: u64) -> f64 {
    n as f64
}
