//! What tools read of the system catalog on every version of the server: psql's `\d` and its family, and `pg_dump --schema-only`, of a governed
//! login through the proxy, say what they say directly.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::pedantic,
    reason = "a test that cannot go on has failed, and short is better than exact"
)]

#[path = "../../catalog/installations.rs"]
mod installations;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use lab::Lab;

const COMMANDS: &str = include_str!("../../clients/describe.txt");
/// What stands before the answer to each command.
const MARK: &str = "== command";
const SETUP: &str = include_str!("../../clients/setup.sql");

/// What a program says to this input, with its errors at the end; `None` where it does not work with a server of this version.
fn said(mut command: Command, input: &str) -> Option<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let (text, errors) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    let lines = text.lines().chain(errors.lines());
    // pg_dump begins and ends with a random key; what PostgreSQL believes was meant, where psql is too old for it, only it says
    let passing = ["\\restrict ", "\\unrestrict ", "HINT:  Perhaps you meant"];
    let lines: Vec<&str> = lines.filter(|l| !passing.iter().any(|p| l.starts_with(p))).collect();
    (!errors.contains("server version mismatch")).then(|| lines.join("\n"))
}

#[test]
fn tools_describe_a_database_as_without_the_proxy() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/policy.yaml");
    let input: String = COMMANDS.lines().enumerate().map(|(n, line)| format!("\\echo {MARK} {n}\n{line}\n")).collect();
    for installation in installations::installations() {
        let lab = Lab::start_on(&installation, &policy, SETUP).unwrap();
        let version = installation.version;
        let describe = |port: u16| {
            let mut psql = lab.tool("psql", port, "governed");
            psql.arg("-X");
            said(psql, &input).unwrap()
        };
        let (through, direct) = (describe(lab.port), describe(lab.cluster.port()));
        assert!(direct.matches(MARK).count() == COMMANDS.lines().count() && direct.contains("Table \"public.people\""), "{direct}");
        for (got, want) in through.split(MARK).zip(direct.split(MARK)) {
            assert_eq!(got, want, "PostgreSQL {version}");
        }
        let dump = |port: u16| {
            let mut dump = lab.tool("pg_dump", port, "governed");
            dump.args(["--schema-only", "--schema=public", "--schema=other"]);
            said(dump, "")
        };
        let direct = dump(lab.cluster.port());
        assert!(direct.as_ref().is_none_or(|text| text.contains("CREATE TABLE public.people")), "{direct:?}");
        assert_eq!(dump(lab.port), direct, "PostgreSQL {version}");
    }
}
