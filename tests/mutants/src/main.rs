//! `mutants COUNT SEED`, or `mutants = NUMBER…`: plants faults in `src/sql` and `src/plan`, one at a time, and says which of them the tests find. One build of a copy
//! of the checkout holds all mutants, each behind a switch that `PGSCRIM_MUTANT` turns; a sample of them is tried.
#![allow(clippy::disallowed_methods, reason = "a tool is a shell of its own")]

mod copy;
mod places;
mod trial;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use copy::Planted;

/// A number from a seed (splitmix64).
fn random(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `count` of the mutants, chosen by the seed: their numbers, which begin with one.
fn sample(all: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut numbers: Vec<usize> = (1..=all).collect();
    numbers.sort_by_key(|n| random(seed ^ random(*n as u64)));
    numbers.truncate(count);
    numbers.sort_unstable();
    numbers
}

fn listed(all: &[Planted]) -> String {
    let mut list = String::new();
    for (number, Planted { file, mutant }) in (1..).zip(all) {
        let _ = writeln!(list, "{number}\t{file}:{}\t{}\t{}", mutant.line, mutant.what, mutant.text);
    }
    list
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout");
    let folder = top.join("target/mutants");
    let (mut spared, tests) = (BTreeSet::new(), trial::tests());
    let (all, binaries) = loop {
        let all = copy::make(&top, &folder.join("tree"), &spared);
        match copy::build(&folder.join("tree"), &tests) {
            Ok(built) => break (all, built),
            // what the compiler would not have is left as it is
            Err(wrong) if !wrong.is_subset(&spared) => {
                println!("does not compile, and is spared: {wrong:?}");
                spared.extend(wrong);
            }
            Err(_) => panic!("the copy does not compile"),
        }
    };
    std::fs::write(folder.join("list.txt"), listed(&all)).expect("the list is written");
    println!(
        "{} mutants in {} lines; {} lines spared",
        all.len(),
        all.iter().map(|p| (&p.file, p.mutant.line)).collect::<BTreeSet<_>>().len(),
        spared.len()
    );
    let number = |text: &String| text.parse().expect("a number");
    let chosen = match arguments.as_slice() {
        [count, seed] => sample(all.len(), number(count), number(seed) as u64),
        [equals, numbers @ ..] if equals == "=" => numbers.iter().map(number).collect(),
        _ => panic!("mutants COUNT SEED, or mutants = NUMBER..."),
    };
    trial::run(&all, &chosen, &binaries, &folder);
}
