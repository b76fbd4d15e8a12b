//! `pgscrim demo` as a visitor runs it: the built program, from a folder that is no checkout.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::NoTls;
use unicode_width::UnicodeWidthStr;

use super::ALONE;

fn demo() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pgscrim"));
    command.arg("demo").current_dir("/").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The cells of a line of the comparison: label, owner, support, analyst.
fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect()
}

#[test]
fn the_tour_shows_each_part_and_no_clear_value_where_a_mask_should_be() {
    let _alone = ALONE.blocking_lock();
    let out = demo().arg("--once").output().unwrap();
    let (text, said) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(out.status.success() && said.is_empty(), "{}: {said}\n{text}", out.status);
    assert!(!text.contains('\u{1b}'), "colour where no terminal is");
    for line in text.lines() {
        assert!(line.width() <= 80, "wider than 80 columns: {line}");
    }

    let masked = ["full_name", "id_number", "email", "phone"];
    let compared: Vec<(&str, Vec<&str>)> =
        text.lines().map(|l| (l, cells(l))).filter(|(_, c)| c.first().is_some_and(|label| masked.contains(label))).collect();
    assert_eq!(compared.len(), 2 * masked.len(), "{text}");
    assert!(compared.iter().any(|(_, c)| c[1].chars().any(|c| c > '\u{4e00}')), "nobody has a Chinese name\n{text}");
    let mut starts = BTreeSet::new();
    for (line, cells) in compared {
        assert_eq!(cells.len(), 4, "{line}");
        assert!(!cells[1].contains('…'), "the clear value is cut off: {line}");
        assert_eq!(text.matches(cells[1]).count(), 1, "a clear value stands in another place: {line}");
        assert!(cells[2].contains('*') && (cells[3] == "***" || cells[3] == "(not there)"), "{line}");
        starts.insert([1, 2, 3].map(|n| line[..line.rfind(cells[n]).unwrap()].width()));
    }
    // As a terminal counts, in which a Chinese character takes two columns.
    assert_eq!(starts.len(), 1, "columns do not stand below each other\n{text}");

    for part in ["ERROR:  42501: pgscrim: role \"support\"", "public.users.birth_date", "HINT:  ", "The hash chain holds"] {
        assert!(text.contains(part), "no '{part}' in\n{text}");
    }
    let refused: Vec<&str> = text.lines().skip_while(|l| !l.contains("LINE 1: ")).take(2).collect();
    assert_eq!(refused[0].find("birth_date"), refused[1].find('^'), "{refused:#?}");
    let records: Vec<Vec<&str>> = text
        .lines()
        .map(|l| l.split_whitespace().collect::<Vec<_>>())
        .filter(|w| w.len() > 4 && w[0].parse::<u32>().is_ok() && w[4] == "SELECT")
        .map(|w| w[1..4].to_vec())
        .collect();
    let want = [["owner", "allowed", "2"], ["support", "masked", "2"], ["analyst", "masked", "2"], ["support", "refused", "-"]];
    assert_eq!(records, want, "{text}");
}

/// What the invitation says, once it stands there.
struct Invited {
    demo: Child,
    address: String,
    policy: String,
    server: u16,
    /// A demo that nobody reads any more ends.
    _reader: Box<dyn Iterator<Item = String>>,
}

fn invited() -> Invited {
    let mut demo = demo().spawn().unwrap();
    let mut lines = Box::new(BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap));
    let server = lines.find_map(|l| l.split_once("a throwaway on 127.0.0.1:").map(|(_, p)| p.split(' ').next().unwrap().parse().unwrap()));
    let url = lines.find_map(|l| l.split_once("postgresql://support@").map(|(_, rest)| rest.split('/').next().unwrap().to_owned()));
    let policy = lines.find_map(|l| l.trim().strip_prefix("policy ").map(|p| p.split_whitespace().next().unwrap().to_owned()));
    assert!(lines.any(|l| l.contains("/metrics")));
    Invited { demo, address: url.unwrap(), policy: policy.unwrap(), server: server.unwrap(), _reader: lines }
}

#[tokio::test(flavor = "current_thread")]
async fn it_stays_until_it_is_told_and_leaves_nothing() {
    let _alone = ALONE.lock().await;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let Invited { mut demo, address, policy, server, _reader } = invited();
        let (client, connection) = tokio_postgres::connect(&format!("postgresql://support@{address}/shop"), NoTls).await.unwrap();
        let asked = async { client.query_one("SELECT phone FROM users WHERE id = 1", &[]).await.unwrap().get::<_, String>(0) };
        let phone = tokio::select! { phone = asked => phone, ended = connection => panic!("the connection ended: {ended:?}") };
        assert!(phone.starts_with("***"), "{phone}");
        assert!(Path::new(&policy).exists());

        kill(Pid::from_raw(demo.id().try_into().unwrap()), signal).unwrap();
        assert!(demo.wait().unwrap().success(), "{signal}");
        let mut said = String::new();
        demo.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "", "{signal}");
        assert!(!Path::new(&policy).parent().unwrap().exists(), "{signal}: its folder is still there");
        assert!(TcpStream::connect(&address).is_err() && TcpStream::connect(("127.0.0.1", server)).is_err(), "{signal}: something listens");
    }
}

#[test]
fn without_a_server_it_says_what_is_missing() {
    let out = demo().env("PGSCRIM_PG_BIN", "/nowhere").output().unwrap();
    let said = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(said.starts_with("error: no PostgreSQL server programs") && said.contains("PGSCRIM_PG_BIN"), "{said}");
}
