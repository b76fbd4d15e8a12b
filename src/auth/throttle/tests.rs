use super::*;

const ONE: Source = Source::Local(1);

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn few_failures_cost_nothing_and_many_are_slowed() {
    let mut throttle = Throttle::new(8);
    let mut waits = Vec::new();
    let mut now = Duration::ZERO;
    for _ in 0..9 {
        let Verdict::Wait(wait) = throttle.attempt(ONE, now) else { panic!("refused") };
        waits.push(wait.as_millis());
        now += wait;
        throttle.failed(ONE, now);
    }
    assert_eq!(waits, [0, 0, 0, 0, 100, 200, 400, 800, 1600]);
}

#[test]
fn parallel_attempts_stand_in_line_until_there_are_too_many() {
    let mut throttle = Throttle::new(8);
    (0..20).for_each(|_| throttle.failed(ONE, Duration::ZERO));
    let waits: Vec<Verdict> = (0..11).map(|_| throttle.attempt(ONE, Duration::ZERO)).collect();
    let want: Vec<Verdict> = (1..=10).map(|n| Verdict::Wait(seconds(2 * n))).chain([Verdict::Refuse]).collect();
    assert_eq!(waits, want);
    assert_eq!(throttle.attempt(Source::Local(2), Duration::ZERO), Verdict::Wait(Duration::ZERO));
}

#[test]
fn failures_fade() {
    let mut throttle = Throttle::new(8);
    (0..1000).for_each(|_| throttle.failed(ONE, Duration::ZERO));
    assert_eq!(throttle.attempt(ONE, seconds(15 * 20)), Verdict::Wait(Duration::ZERO));
    assert!(throttle.records.is_empty());
}

#[test]
fn the_table_is_bounded_and_keeps_the_worst() {
    let mut throttle = Throttle::new(8);
    (0..10).for_each(|_| throttle.failed(ONE, Duration::ZERO));
    (2..1000).for_each(|n| throttle.failed(Source::Local(n), seconds(1)));
    assert_eq!(throttle.records.len(), 8);
    assert!(throttle.records.contains_key(&ONE));
}

#[test]
fn an_ipv6_network_is_one_source() {
    let of = |text: &str| Source::of(text.parse().unwrap());
    assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
    assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
    assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
}
