//! What was measured, as a table for people and as JSON for machines.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::json;

/// One run of a load over one way.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) what: String,
    pub(crate) way: String,
    pub(crate) proxied: bool,
    /// Queries, rows or connections.
    pub(crate) count: u64,
    /// Nanoseconds of the proxy's process.
    pub(crate) cpu: u64,
    pub(crate) seconds: f64,
}

#[allow(clippy::cast_precision_loss, reason = "a measure for people")]
impl Sample {
    fn micros(&self) -> f64 {
        self.cpu as f64 / 1e3 / self.count.max(1) as f64
    }

    fn rate(&self) -> f64 {
        self.count as f64 / self.seconds
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) samples: Vec<Sample>,
    /// What, way, KiB.
    pub(crate) memory: Vec<(String, String, f64)>,
}

/// A ratio; nothing where what it is of was not measured.
fn share(ratio: f64) -> String {
    if ratio.is_finite() { format!("{ratio:.2}") } else { "–".into() }
}

/// Middle, least and most.
#[derive(Clone, Copy, Debug)]
struct Spread {
    middle: f64,
    least: f64,
    most: f64,
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
    Spread { middle: at(sorted.len() / 2), least: at(0), most: at(sorted.len().saturating_sub(1)) }
}

const BEGIN: &str = "<!-- the table begins -->";
const END: &str = "<!-- the table ends -->";

impl Results {
    /// Loads and ways in the order in which they first came.
    fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for s in &self.samples {
            if !pairs.contains(&(&s.what, &s.way)) {
                pairs.push((&s.what, &s.way));
            }
        }
        // A stable sort by the load's first place brings its ways together.
        let first: HashMap<&str, usize> = pairs.iter().enumerate().rev().map(|(i, p)| (p.0, i)).collect();
        pairs.sort_by_key(|p| first.get(p.0).copied());
        pairs
    }

    fn of(&self, what: &str, way: &str) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |s| s.what == what && s.way == way)
    }

    /// The table.
    pub(crate) fn table(&self) -> String {
        let mut out = String::from(
            "| load | way | per second | of direct | CPU µs each (least–most) | of PgBouncer |\n|---|---|---:|---:|---:|---:|\n",
        );
        for (what, way) in self.pairs() {
            let rate = spread(self.of(what, way).map(Sample::rate)).middle;
            let direct = spread(self.of(what, "direct").map(Sample::rate)).middle;
            let bouncer = spread(self.of(what, "PgBouncer").map(Sample::micros)).middle;
            let cpu = spread(self.of(what, way).map(Sample::micros));
            let (cpu, ratio) = if self.of(what, way).any(|s| s.proxied) {
                (format!("{:.3} ({:.3}–{:.3})", cpu.middle, cpu.least, cpu.most), share(cpu.middle / bouncer))
            } else {
                ("–".into(), "–".into())
            };
            let _ = writeln!(out, "| {what} | {way} | {rate:.0} | {} | {cpu} | {ratio} |", share(rate / direct));
        }
        if !self.memory.is_empty() {
            out.push_str("\n| memory | way | KiB |\n|---|---|---:|\n");
            for (what, way, kib) in &self.memory {
                let _ = writeln!(out, "| {what} | {way} | {kib:.1} |");
            }
        }
        out
    }

    /// Writes `benchmarks.json`, and the table into `benchmarks.md`.
    pub(crate) fn write(&self, folder: &Path, table: &str) -> anyhow::Result<()> {
        let samples: Vec<_> = self
            .samples
            .iter()
            .map(|s| json!({"load": s.what, "way": s.way, "count": s.count, "cpu_ns": s.cpu, "seconds": s.seconds}))
            .collect();
        let memory: Vec<_> = self.memory.iter().map(|(what, way, kib)| json!({"what": what, "way": way, "kib": kib})).collect();
        let all = json!({"machine": machine(), "samples": samples, "memory": memory});
        fs::write(folder.join("benchmarks.json"), serde_json::to_string_pretty(&all)? + "\n")?;
        let page = folder.join("benchmarks.md");
        let text = fs::read_to_string(&page).unwrap_or_else(|_| format!("# Benchmarks\n\n{BEGIN}\n{END}\n"));
        if let (Some((before, _)), Some((_, after))) = (text.split_once(BEGIN), text.split_once(END)) {
            fs::write(&page, format!("{before}{BEGIN}\nMachine: {}.\n\n{table}{END}{after}", machine()))?;
        }
        Ok(())
    }
}

/// Processor and kernel.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|l| l.strip_prefix("model name")?.split_once(": ")).map_or("unknown processor", |m| m.1);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{model}, {cores} threads, Linux {}", kernel.trim().split('-').next().unwrap_or_default())
}
