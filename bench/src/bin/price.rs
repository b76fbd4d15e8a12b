//! What a statement costs the session's own thread, without sockets: time and allocations of a plan that is made, and of a whole query
//! through the state machine, its answer replayed from a real server. Usage: price [rounds]

#![allow(clippy::disallowed_methods, reason = "a benchmark reads files, the environment and the clock")]

use std::alloc::System;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::Context;
use pgscrim::base::RawSql;
use pgscrim::config::Config;
use pgscrim::demo::{Cluster, Setup, installations};
use pgscrim::plan::{Names, Protocol, Setting, plan_text};
use pgscrim::session::{Counts, Cx, Limits, PlanCache, Session, View};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const TABLES: &str = "CREATE ROLE pgscrim LOGIN; CREATE ROLE veiled LOGIN;
CREATE TABLE people (id int PRIMARY KEY, name text, email text, phone text, seen timestamptz, score numeric);
CREATE TABLE orders (id int PRIMARY KEY, person int REFERENCES people, placed timestamptz, total numeric);
CREATE TABLE lines (order_id int REFERENCES orders, item text, price numeric, quantity int);
INSERT INTO people SELECT g, 'Name ' || g, 'user' || g || '@example.com', '+49 30 ' || g, now(), g FROM generate_series(1, 1000) g;
GRANT ALL ON ALL TABLES IN SCHEMA public TO veiled;";

const POLICY: &str = "version: 1
classes: { personal: { level: 3 } }
tables:
  public.people: { columns: { email: personal, phone: personal } }
masks: { tail: { partial: { last: 4 } } }
roles:
  veiled: { members: [veiled], read: { public.people.email: { mask: email }, public.people.phone: { mask: tail } } }
";

const KEY: &str = "SELECT name FROM people WHERE id = 4711";
const JOIN: &str = "SELECT p.name, o.placed, o.total, sum(l.price * l.quantity) AS lines FROM people p JOIN orders o ON o.person = p.id \
    JOIN lines l ON l.order_id = o.id WHERE p.id = 4711 AND o.placed >= now() - interval '30 days' GROUP BY p.name, o.placed, o.total \
    ORDER BY o.placed DESC LIMIT 20";

/// A hundred lines: the shape of what a reporting tool sends.
fn report() -> String {
    let mut text = String::from(
        "WITH recent AS (SELECT o.id, o.person, o.placed, o.total FROM orders o WHERE o.placed > now() - interval '1 year')\nSELECT p.id,\n",
    );
    for month in 0..90 {
        let _ = writeln!(text, "  sum(CASE WHEN extract(day FROM r.placed) = {month} THEN r.total ELSE 0 END) AS column_{month},");
    }
    text + "  count(*)\nFROM people p\nJOIN recent r ON r.person = p.id\nWHERE p.score > 10\nGROUP BY p.id\nORDER BY p.id\n"
}

fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    out.extend_from_slice(&u32::try_from(body.len() + 4).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(body);
    out
}

fn query(text: &str) -> Vec<u8> {
    frame(b'Q', &[text.as_bytes(), &[0]].concat())
}

/// What the thread lends, and the server's connection.
struct Bench {
    session: Session,
    cache: PlanCache,
    server: TcpStream,
}

impl Bench {
    fn step(&mut self, work: impl FnOnce(&mut Session, &mut Cx<'_>), to_client: &mut Vec<u8>, to_server: &mut Vec<u8>) -> Counts {
        let (mut places, mut counts, mut finished) = (1000, Counts::default(), Vec::new());
        let mut cx =
            Cx { now: 0, cache: &mut self.cache, to_client, to_server, finished: &mut finished, places: &mut places, counts: &mut counts };
        work(&mut self.session, &mut cx);
        counts
    }

    /// Reads the server's answer up to its `ReadyForQuery`.
    fn answer(&mut self) -> anyhow::Result<Vec<u8>> {
        let (mut out, mut buffer) = (Vec::new(), [0; 8192]);
        while !out.ends_with(&[b'Z', 0, 0, 0, 5, b'I']) {
            let n = self.server.read(&mut buffer)?;
            anyhow::ensure!(n > 0, "the server is gone");
            out.extend_from_slice(buffer.get(..n).unwrap_or_default());
        }
        Ok(out)
    }

    /// Sends for real, with as many turns as the session's own questions need; the last answer of the server.
    fn real(&mut self, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
        self.step(|s, cx| s.client_bytes(bytes, cx), &mut to_client, &mut to_server);
        loop {
            self.server.write_all(&to_server)?;
            to_server.clear();
            let answer = self.answer()?;
            self.step(|s, cx| s.server_bytes(&answer, cx), &mut to_client, &mut to_server);
            if to_server.is_empty() {
                anyhow::ensure!(
                    !to_client.contains(&b'E') || !to_client.starts_with(b"E"),
                    "refused: {}",
                    String::from_utf8_lossy(&to_client)
                );
                return Ok(answer);
            }
        }
    }

    /// The same query again and again, its answer replayed.
    fn replay(&mut self, what: &str, rounds: u32, answer: &[u8], mut query: impl FnMut(u32) -> Vec<u8>) {
        let (mut to_client, mut to_server) = (Vec::with_capacity(4096), Vec::with_capacity(4096));
        let queries: Vec<_> = (0..rounds).map(&mut query).collect();
        let (region, began) = (Region::new(ALLOCATOR), cpu());
        for query in &queries {
            self.step(|s, cx| s.client_bytes(query, cx), &mut to_client, &mut to_server);
            self.step(|s, cx| s.server_bytes(answer, cx), &mut to_client, &mut to_server);
            to_client.clear();
            to_server.clear();
        }
        print(what, rounds, began, &region);
    }
}

/// Nanoseconds that this thread was on a CPU: others may use the machine too.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

#[allow(clippy::cast_precision_loss, reason = "a measure for people")]
fn print(what: &str, rounds: u32, began: u64, region: &Region<'_, System>) {
    let micros = (cpu() - began) as f64 / 1e3 / f64::from(rounds);
    let change = region.change();
    let each = |n: usize| n as f64 / f64::from(rounds);
    println!("| {what} | {micros:.2} | {:.1} | {:.0} |", each(change.allocations + change.reallocations), each(change.bytes_allocated));
}

fn view(cluster: &Cluster) -> anyhow::Result<Arc<View>> {
    let folder = cluster.folder().display();
    std::fs::write(cluster.folder().join("bench.yaml"), POLICY)?;
    let config = format!("upstream: {{ host: 127.0.0.1, port: {}, tls: disable }}\npolicies: {folder}/bench.yaml\n", cluster.port());
    let (config, _) = Config::parse("pgscrim.yaml", &config, []).map_err(|d| anyhow::anyhow!("{d}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let database = runtime.block_on(pgscrim::server::run::read_database(&config, "postgres"))?;
    database.view("veiled", None).context("no view")
}

fn connect(cluster: &Cluster) -> anyhow::Result<TcpStream> {
    let mut server = TcpStream::connect(("127.0.0.1", cluster.port()))?;
    let mut packet = vec![0, 0, 0, 0, 0, 3, 0, 0];
    packet.extend_from_slice(b"user\0veiled\0database\0postgres\0\0");
    let length = u32::try_from(packet.len())?.to_be_bytes();
    packet.splice(..4, length);
    server.write_all(&packet)?;
    Ok(server)
}

/// The work is done on a thread with the stack that the parser needs.
fn work(rounds: u32) -> anyhow::Result<()> {
    let installation = installations(std::env::var_os("PGSCRIM_PG_BIN").as_deref()).into_iter().next().context("no PostgreSQL")?;
    let cluster = Cluster::start(&installation, &Setup::default())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (client, connection) = cluster.connect("postgres", "postgres").connect(tokio_postgres::NoTls).await?;
        tokio::select! { done = client.batch_execute(TABLES) => done, ended = connection => ended }
    })?;
    let view = view(&cluster)?;
    println!("| what | CPU µs | allocations | bytes allocated |\n|---|---:|---:|---:|");
    let names = Names { epoch: 0, search_path: vec!["pg_catalog".into(), "public".into()], relations: Vec::new() };
    let setting = || Setting {
        catalog: &view.catalog,
        profile: &view.profile,
        names: &names,
        fingerprint_key: &view.fingerprint_key,
        parse_limit: 1 << 20,
    };
    for (what, text, n) in [
        ("plan: look-up by key", KEY, rounds),
        ("plan: join of three", JOIN, rounds / 4),
        ("plan: report of 100 lines", &report(), rounds / 40),
    ] {
        let raw = RawSql::new(text);
        let planned = plan_text(&raw, &[], Protocol::Simple, setting());
        if let Some(pgscrim::plan::Plan::Refuse(refusal)) = planned.first().map(|p| &p.plan) {
            println!("refused: {what}: {}", refusal.message);
        }
        let (region, began) = (Region::new(ALLOCATOR), cpu());
        for _ in 0..n {
            std::hint::black_box(plan_text(&raw, &[], Protocol::Simple, setting()));
        }
        print(what, n, began, &region);
    }
    let session = Session::new(Arc::clone(&view), Limits::default(), &[]);
    println!("session: {} bytes", size_of::<Session>());
    let mut bench = Bench { session, cache: PlanCache::new(32 << 20), server: connect(&cluster)? };
    bench.answer()?;
    let answer = bench.real(&query(KEY))?;
    bench.replay("simple, text in the cache", rounds, &answer, |_| query(KEY));
    bench.replay("simple, another literal each", rounds, &answer, |i| query(&format!("SELECT name FROM people WHERE id = {i}")));
    let parse = [frame(b'P', b"P0_1\0SELECT id, email FROM people WHERE id = $1\0\0\0"), frame(b'S', &[])].concat();
    bench.real(&parse)?;
    let bind =
        [frame(b'B', b"\0P0_1\0\0\0\0\x01\0\0\0\x0247\0\x01\0\0"), frame(b'D', b"P\0"), frame(b'E', &[0; 5]), frame(b'S', &[])].concat();
    let answer = bench.real(&bind)?;
    bench.replay("prepared, one of two masked", rounds, &answer, |_| bind.clone());
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let rounds = std::env::args().nth(1).map_or(Ok(20_000), |n| n.parse())?;
    let thread = std::thread::Builder::new().stack_size(32 << 20).spawn(move || work(rounds))?;
    thread.join().map_err(|_| anyhow::anyhow!("the work panicked"))?
}
