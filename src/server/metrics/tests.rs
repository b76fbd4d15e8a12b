//! What is printed, under the contract's names.

use super::*;
use crate::audit::{Kind, Record, WhoPart};

#[test]
fn what_never_happened_is_printed_too() {
    let (metrics, handle) = Metrics::recorded();
    metrics.policy("sha256:aa");
    metrics.policy("sha256:bb");
    let open = metrics.connection(ConnectionState::Open);
    let session = SessionMetrics::new(&metrics, &["support".into(), "analyst".into()]);
    let text = handle.render();
    for line in [
        "pgscrim_connections{state=\"open\"} 2",
        "pgscrim_statements_total{decision=\"refused\",role=\"support+analyst\"} 0",
        "pgscrim_plan_cache_total{result=\"hit\"} 0",
        "pgscrim_audit_failures_total 0",
        "pgscrim_witness_trips_total 0",
        "pgscrim_reader_disagreements_total 0",
        "pgscrim_policy_info{hash=\"sha256:aa\"} 0",
        "pgscrim_policy_info{hash=\"sha256:bb\"} 1",
        concat!("pgscrim_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    drop((session, open));
    assert!(handle.render().contains("pgscrim_connections{state=\"open\"} 0"));
}

#[test]
fn steps_are_counted_and_timed() {
    let (metrics, handle) = Metrics::recorded();
    let session = SessionMetrics::new(&metrics, &[]);
    session.count(Counts { cache_misses: 2, ..Counts::default() }, Duration::from_micros(250));
    session.count(Counts { cache_hits: 3, witness_trips: 1, reader_disagreements: 2, ..Counts::default() }, Duration::from_secs(1));
    let text = handle.render();
    for line in [
        "pgscrim_plan_cache_total{result=\"hit\"} 3",
        "pgscrim_plan_cache_total{result=\"miss\"} 2",
        "pgscrim_witness_trips_total 1",
        "pgscrim_reader_disagreements_total 2",
        "pgscrim_plan_seconds_bucket{le=\"0.0003\"} 1",
        "pgscrim_plan_seconds_count 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
}

#[test]
fn labels_have_a_bound() {
    let (metrics, handle) = Metrics::recorded();
    for i in 0..1000 {
        metrics.refused(&format!("word {i}"));
    }
    for a in b'0'..=b'z' {
        metrics.upstream_error([a, b'"', b'0', b'0', b'0']);
    }
    metrics.upstream_error(*b"23505");
    let text = handle.render();
    assert_eq!(text.lines().filter(|l| l.starts_with("pgscrim_refusals_total{")).count(), WORDS + 1);
    assert!(text.contains("pgscrim_refusals_total{reason=\"other\"} 800"));
    assert!(text.contains("pgscrim_upstream_errors_total{sqlstate_class=\"other\"} 75"));
    assert!(text.contains("pgscrim_upstream_errors_total{sqlstate_class=\"23\"} 1"));
}

#[test]
fn the_audit_is_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let config = crate::config::Audit {
        file: folder.path().join("a.jsonl"),
        durability: crate::config::Durability::Each,
        on_failure: crate::config::OnFailure::Refuse,
        rotate: None,
        queue: 10,
    };
    let writer = super::super::audit_writer::AuditWriter::start(&config, None).unwrap();
    let record = Record::event(Kind::Policy, jiff::Timestamp::UNIX_EPOCH, &WhoPart::default(), None, None, None);
    let ticket = writer.handle().submit_unreserved(record).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(ticket.durable());
    let (metrics, handle) = Metrics::recorded();
    metrics.look(Some(&writer.handle()), Some(Duration::from_millis(1500)));
    let text = handle.render();
    for line in ["pgscrim_audit_records_total 2", "pgscrim_audit_queue 0", "pgscrim_catalog_age_seconds 1.5"] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    writer.stop();
}

#[test]
fn metrics_that_nobody_reads_count_nothing() {
    let metrics = Metrics::unread();
    metrics.refused("x");
    SessionMetrics::new(&metrics, &[]).count(Counts { cache_misses: 1, ..Counts::default() }, Duration::ZERO);
}
