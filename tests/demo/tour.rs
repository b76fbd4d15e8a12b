//! `pgscrim demo` as a visitor runs it: the built program, from a folder that is no checkout.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::NoTls;
use unicode_width::UnicodeWidthStr;

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
    let out = demo().arg("--once").output().unwrap();
    let (text, said) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap());
    assert!(out.status.success() && said.is_empty(), "{}: {said}\n{text}", out.status);
    assert!(!text.contains('\u{1b}'), "colour where no terminal is");
    for line in text.lines() {
        assert!(line.width() <= 80, "wider than 80 columns: {line}");
    }

    let masked = ["full_name", "id_number", "email", "phone"];
    let compared: Vec<Vec<&str>> = text.lines().map(cells).filter(|c| masked.contains(&c[..1].concat().as_str())).collect();
    assert_eq!(compared.len(), 2 * masked.len(), "{text}");
    assert!(compared.iter().any(|c| c[1].chars().any(|c| c > '\u{4e00}')), "nobody has a Chinese name\n{text}");
    for line in compared {
        assert_eq!(line.len(), 4, "{line:?}");
        assert!(!line[1].contains('…'), "the clear value is cut off: {line:?}");
        assert_eq!(text.matches(line[1]).count(), 1, "a clear value stands in another place: {line:?}");
        assert!(line[2].contains('*') && (line[3] == "***" || line[3] == "(not there)"), "{line:?}");
    }
    // In columns, not characters: the name of a column above begins where the value below does.
    let start = |label: &str, cell: &str| {
        let line = text.lines().find(|l| l.trim_start().starts_with(label)).unwrap();
        line[..line.find(cell).unwrap()].width()
    };
    assert_eq!(start("full_name", "**"), start("email", "*@") + 1, "{text}");
    assert_eq!(start("full_name", "***"), start("email", " ***") + 1, "{text}");

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
}

fn invited() -> Invited {
    let mut demo = demo().spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map(Result::unwrap);
    let server = lines.find_map(|l| l.split_once("a throwaway on 127.0.0.1:").map(|(_, p)| p.split(' ').next().unwrap().parse().unwrap()));
    let url = lines.find_map(|l| l.split_once("postgresql://support@").map(|(_, rest)| rest.split('/').next().unwrap().to_owned()));
    let policy = lines.find_map(|l| l.trim().strip_prefix("policy ").map(|p| p.split_whitespace().next().unwrap().to_owned()));
    assert!(lines.any(|l| l.contains("/metrics")));
    Invited { demo, address: url.unwrap(), policy: policy.unwrap(), server: server.unwrap() }
}

#[tokio::test(flavor = "current_thread")]
async fn it_stays_until_it_is_told_and_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let Invited { mut demo, address, policy, server } = invited();
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
