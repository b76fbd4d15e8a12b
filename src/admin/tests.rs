//! The endpoint over a real socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::*;
use crate::server::health::Health;
use crate::server::metrics::Metrics;

fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn readiness_names_what_is_missing() {
    let age = Arc::new(Mutex::new(None));
    let asked = Arc::clone(&age);
    let health = Health::new(None, Box::new(move || *asked.lock().unwrap()), Duration::from_secs(60));
    let (metrics, printer) = Metrics::recorded();
    let admin = serve("127.0.0.1:0", Shown { health: Arc::clone(&health), metrics, printer }).unwrap();
    let at = admin.address();
    assert_eq!(get(at, "/healthz"), (200, "ok\n".into()));
    assert_eq!(get(at, "/readyz"), (503, "not listening yet\nthe catalog was not loaded yet\n".into()));
    health.listening();
    *age.lock().unwrap() = Some(Duration::from_secs(61));
    assert_eq!(get(at, "/readyz"), (503, "the catalog is too old\n".into()));
    *age.lock().unwrap() = Some(Duration::from_secs(2));
    assert_eq!(get(at, "/readyz"), (200, "ready\n".into()));
    health.draining();
    assert_eq!(get(at, "/readyz"), (503, "shutting down\n".into()));
    let (status, text) = get(at, "/metrics");
    assert!(status == 200 && text.contains("pgscrim_catalog_age_seconds 2\n") && text.contains("# HELP pgscrim_connections"), "{text}");
    assert_eq!(get(at, "/").0, 404);
    drop(admin);
    assert!(TcpStream::connect(at).is_err());
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (metrics, printer) = Metrics::recorded();
    let health = Health::new(None, Box::new(|| None), Duration::ZERO);
    assert!(serve(&taken.local_addr().unwrap().to_string(), Shown { health, metrics, printer }).is_err());
}
