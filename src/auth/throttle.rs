//! Slows sources that fail to log in. Each source has a count of failures that fades with time; from the fourth on, its attempts
//! (the good ones too) are let in one behind another with a pause that grows. The table is bounded.
//! Waiting is done by the caller; time comes in as durations since some fixed moment.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// Failures that cost nothing: people mistype.
const FREE: u32 = 3;
/// The pause after the first failure that counts; it doubles with each further one.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause between two attempts of one source.
const LONGEST: Duration = Duration::from_secs(2);
/// An attempt that would have to wait longer than this is refused at once.
const PATIENCE: Duration = Duration::from_secs(20);
/// One failure is forgotten after this long without another.
const FADE: Duration = Duration::from_secs(15);
/// Failures beyond this number are not counted, so that even an attacked source is free again after some minutes.
const WORST: u32 = 20;

/// Who tries: an IPv4 address, an IPv6 network of 64 bits (one customer's), or a local user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An address, an IPv6 one cut to its network.
    Address(IpAddr),
    /// A user id on this machine, by a unix socket.
    Local(u32),
}

impl Source {
    /// The source that an address belongs to.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => Self::Address(IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into())),
            v4 @ IpAddr::V4(_) => Self::Address(v4),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Record {
    failures: u32,
    last: Duration,
    next: Duration,
}

impl Record {
    fn faded(self, now: Duration) -> u32 {
        let forgotten = now.saturating_sub(self.last).as_secs() / FADE.as_secs();
        self.failures.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }
}

/// What an attempt has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on after this long.
    Wait(Duration),
    /// There are too many before it.
    Refuse,
}

/// The sources that failed lately.
#[derive(Debug)]
pub struct Throttle {
    records: HashMap<Source, Record>,
    capacity: usize,
}

impl Throttle {
    /// A table for at most this many sources.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { records: HashMap::new(), capacity: capacity.max(1) }
    }

    /// An attempt begins.
    pub fn attempt(&mut self, source: Source, now: Duration) -> Verdict {
        let Some(record) = self.records.get_mut(&source) else { return Verdict::Wait(Duration::ZERO) };
        let failures = record.faded(now);
        if failures == 0 {
            self.records.remove(&source);
            return Verdict::Wait(Duration::ZERO);
        }
        let start = record.next.max(now);
        let wait = start.saturating_sub(now);
        if wait > PATIENCE {
            return Verdict::Refuse;
        }
        record.next = start + pause(failures);
        Verdict::Wait(wait)
    }

    /// An attempt failed.
    pub fn failed(&mut self, source: Source, now: Duration) {
        if !self.records.contains_key(&source) && self.records.len() >= self.capacity {
            self.make_room(now);
        }
        let record = self.records.entry(source).or_insert(Record { failures: 0, last: now, next: now });
        record.failures = (record.faded(now) + 1).min(WORST);
        record.last = now;
        record.next = record.next.max(now + pause(record.failures));
    }

    /// Drops what has faded, or else the source that failed least, the oldest first.
    fn make_room(&mut self, now: Duration) {
        self.records.retain(|_, r| r.faded(now) > 0);
        if self.records.len() < self.capacity {
            return;
        }
        if let Some(least) = self.records.iter().min_by_key(|(_, r)| (r.faded(now), r.last)).map(|(s, _)| *s) {
            self.records.remove(&least);
        }
    }
}

fn pause(failures: u32) -> Duration {
    match failures.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => FIRST.saturating_mul(1 << doublings.min(10)).min(LONGEST),
    }
}
