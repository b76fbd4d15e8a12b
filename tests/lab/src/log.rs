//! What the proxy logs in this process, at every level, kept for the search.

use std::io::{self, Write};
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::filter::LevelFilter;

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ONCE: Once = Once::new();

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Begins to keep; a test that has a subscriber of its own keeps its own.
pub(crate) fn listen() {
    ONCE.call_once(|| {
        let _ = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_ansi(false).with_writer(|| Keep).try_init();
    });
}

/// All of it so far.
pub(crate) fn written() -> Vec<u8> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The end of it, for a person who wonders.
pub(crate) fn end() -> String {
    let text = String::from_utf8_lossy(&written()).into_owned();
    let lines: Vec<&str> = text.lines().filter(|l| l.contains("pgscrim") && !l.contains("TRACE")).collect();
    lines.iter().skip(lines.len().saturating_sub(12)).copied().collect::<Vec<_>>().join("\n")
}
