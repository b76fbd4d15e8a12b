use super::*;

fn parse(text: &str, env: &[(&str, &str)]) -> Result<(Config, Diagnostics), Diagnostics> {
    Config::parse("/etc/pgscrim/pgscrim.yaml", text, env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
}

fn good(text: &str) -> Config {
    let (config, found) = parse(text, &[]).unwrap();
    assert_eq!(found.to_string(), "");
    config
}

#[test]
fn an_empty_file_gives_every_default() {
    let config = good("");
    assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:6432".to_owned())]);
    assert_eq!((config.upstream.host.as_str(), config.upstream.port, config.upstream.tls), ("127.0.0.1", 5432, TlsMode::Prefer));
    assert_eq!(config.policies, PathBuf::from("/etc/pgscrim/policies/"));
    assert_eq!(config.tls, None);
    assert_eq!((config.auth.method, config.auth.allow_trust), (AuthMethod::Auto, false));
    assert_eq!((config.catalog.refresh, config.catalog.max_age), (Duration::from_secs(1), Duration::from_secs(60)));
    assert_eq!(config.admin, Admin { listen: Some("127.0.0.1:9187".to_owned()), explicit: false });
    assert_eq!(config.audit.file, PathBuf::from("/etc/pgscrim/audit/audit.jsonl"));
    assert_eq!((config.audit.durability, config.audit.on_failure, config.audit.rotate), (Durability::Batch, OnFailure::Refuse, None));
    let mib = 1 << 20;
    assert_eq!((config.limits.statement, config.limits.parse, config.limits.masked_row), (16 * mib, mib, 16 * mib));
    assert_eq!((config.limits.message, config.limits.connections), (256 * mib, 10_000));
    assert_eq!((config.keyring, config.log.format, config.log.level), (None, LogFormat::Text, LogLevel::Info));
}

#[test]
fn the_whole_example_is_read() {
    let config = good(
        "listen: [127.0.0.1:7000, '[::1]:7001', run/]
upstream: { host: /var/run/postgresql, port: 5433, tls: verify-full, ca: ca.pem }
policies: shop.yaml
tls: { cert: server.crt, key: /keys/server.key, client_ca: ca.crt, required: true }
auth: { method: scram, allow_trust: true, verifiers: users.txt }
catalog: { user: reader, password_file: pw, refresh: 500ms, max_age: 2m, database: shop }
admin: { listen: off }
audit: { file: /var/log/a.jsonl, durability: each, on_failure: continue, rotate: 1GiB }
limits: { statement: 2MiB, parse: 512KiB, masked_row: 1MB, message: 1GiB, connections: 5 }
keyring: keyring.yaml
log: { format: json, level: debug }
",
    );
    let unix = Listen::Unix { folder: PathBuf::from("/etc/pgscrim/run/"), port: 7000 };
    assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:7000".to_owned()), Listen::Tcp("[::1]:7001".to_owned()), unix]);
    assert_eq!((config.upstream.host.as_str(), config.upstream.tls), ("/var/run/postgresql", TlsMode::VerifyFull));
    let tls = config.tls.unwrap();
    assert_eq!((tls.cert, tls.key), (PathBuf::from("/etc/pgscrim/server.crt"), PathBuf::from("/keys/server.key")));
    assert_eq!((config.admin.listen, config.audit.rotate, config.limits.masked_row), (None, Some(1 << 30), 1_000_000));
    assert_eq!(config.keyring, Some(PathBuf::from("/etc/pgscrim/keyring.yaml")));
}

#[test]
fn errors_say_where_what_and_what_would_be_right() {
    for (text, want) in [
        ("upsteam: {}\n", "/etc/pgscrim/pgscrim.yaml:1:1: error: no key 'upsteam'\n  help: did you mean 'upstream'?"),
        ("upstream:\n  prot: 1\n", "/etc/pgscrim/pgscrim.yaml:2:3: error: no key 'upstream.prot'\n  help: did you mean 'port'?"),
        (
            "upstream: { tls: verify }\n",
            "/etc/pgscrim/pgscrim.yaml:1:18: error: 'upstream.tls' takes disable, prefer, require, verify-ca or verify-full, not 'verify'",
        ),
        (
            "upstream: { tls: perfer }\n",
            "/etc/pgscrim/pgscrim.yaml:1:18: error: 'upstream.tls' takes disable, prefer, require, verify-ca or verify-full, not 'perfer'\n  help: did you mean 'prefer'?",
        ),
        ("upstream: { tls: verify-ca }\n", "/etc/pgscrim/pgscrim.yaml:1:18: error: verifying the server's certificate needs 'upstream.ca'"),
        ("upstream: { port: 70000 }\n", "/etc/pgscrim/pgscrim.yaml:1:19: error: 'upstream.port' takes a port, not '70000'"),
        ("limits: { parse: 1Mib }\n", "/etc/pgscrim/pgscrim.yaml:1:18: error: 'limits.parse' takes a size, not '1Mib'"),
        ("catalog: { refresh: 1 }\n", "/etc/pgscrim/pgscrim.yaml:1:21: error: 'catalog.refresh' takes a duration, not '1'"),
        (
            "catalog: { password: hunter2 }\n",
            "/etc/pgscrim/pgscrim.yaml:1:12: error: 'catalog.password' is a secret and does not stand in this file\n  help: put it into a file, or into the variable 'PGSCRIM_CATALOG_PASSWORD'",
        ),
        ("tls: { cert: a }\n", "/etc/pgscrim/pgscrim.yaml:1:14: error: 'tls' needs 'tls.key'"),
        ("tls: { required: true }\n", "/etc/pgscrim/pgscrim.yaml:1:18: error: 'tls' needs 'tls.cert'"),
        ("listen: []\n", "/etc/pgscrim/pgscrim.yaml:1:9: error: 'listen' takes at least one address"),
        (
            "listen: '127.0.0.1:x'\n",
            "/etc/pgscrim/pgscrim.yaml:1:9: error: '127.0.0.1:x' is not an address for 'listen'\n  help: write host:port, as 127.0.0.1:6432",
        ),
        ("log: text\n", "/etc/pgscrim/pgscrim.yaml:1:6: error: 'log' is a mapping of keys, not a text"),
        ("policies: [a, b]\n", "/etc/pgscrim/pgscrim.yaml:1:11: error: 'policies' takes a file or a folder, not a list"),
        ("- a\n", "/etc/pgscrim/pgscrim.yaml:1:1: error: a configuration is a mapping of keys, not a list"),
        (
            "log: { level: info }\nlog: { level: info }\n",
            "/etc/pgscrim/pgscrim.yaml:2:1: error: the key 'log' stands twice\n  /etc/pgscrim/pgscrim.yaml:1:1: first here",
        ),
        ("catalog: { refresh: 2m }\n", "error: 'catalog.max_age' is shorter than 'catalog.refresh': every statement would be refused"),
    ] {
        assert_eq!(parse(text, &[]).unwrap_err().to_string(), want, "{text}");
    }
}

#[test]
fn the_environment_outranks_the_file() {
    let env = [
        ("PGSCRIM_UPSTREAM_HOST", "db.example.com"),
        ("PGSCRIM_LISTEN", "127.0.0.1:1, [::1]:2"),
        ("PGSCRIM_LIMITS_MASKED_ROW", "2MiB"),
        ("PGSCRIM_CATALOG_PASSWORD", "secret"),
        ("PGSCRIM_KEY_K2", "left alone"),
        ("HOME", "/root"),
    ];
    let (config, found) = parse("upstream: { host: a, port: 1 }\n", &env).unwrap();
    assert_eq!(found.to_string(), "");
    assert_eq!((config.upstream.host.as_str(), config.upstream.port), ("db.example.com", 1));
    assert_eq!(config.listen, [Listen::Tcp("127.0.0.1:1".to_owned()), Listen::Tcp("[::1]:2".to_owned())]);
    assert_eq!(config.limits.masked_row, 2 << 20);
    assert_eq!(config.catalog.password.as_ref().unwrap().expose(), b"secret");
    assert!(!format!("{config:?}").contains("secret"));
}

#[test]
fn a_variable_that_names_nothing_is_a_warning_and_a_wrong_one_an_error() {
    let (_, found) = parse("", &[("PGSCRIM_UPSTREAM_HOSTS", "x")]).unwrap();
    let want =
        "warning: the variable 'PGSCRIM_UPSTREAM_HOSTS' names no key of the configuration\n  help: did you mean 'PGSCRIM_UPSTREAM_HOST'?";
    assert_eq!(found.to_string(), want);
    let found = parse("", &[("PGSCRIM_UPSTREAM_PORT", "x")]).unwrap_err();
    assert_eq!(found.to_string(), "error: in the variable 'PGSCRIM_UPSTREAM_PORT': 'upstream.port' takes a port, not 'x'");
}

#[test]
fn every_key_has_a_variable_of_its_own_and_a_default_that_holds() {
    let mut variables: Vec<String> = keys().iter().map(Key::variable).collect();
    variables.sort();
    variables.dedup();
    assert_eq!(variables.len(), keys().len());
    for key in keys().iter().filter(|k| !k.default.is_empty()) {
        let (config, _) = parse("", &[(&key.variable(), key.default)]).unwrap();
        let plain = good("");
        let mut config = config;
        config.admin.explicit = false;
        assert_eq!(format!("{config:?}"), format!("{plain:?}"), "{}", key.path);
    }
}

#[test]
fn sizes_and_durations() {
    for (text, want) in [
        ("1", Some(1)),
        ("1B", Some(1)),
        ("2KiB", Some(2048)),
        ("3 MiB", Some(3 << 20)),
        ("1kB", Some(1000)),
        ("1M", None),
        ("", None),
        ("-1", None),
        ("99999999999TiB", None),
    ] {
        assert_eq!(parse_size(text), want, "{text}");
    }
    for (text, want) in [
        ("50ms", Some(50)),
        ("1s", Some(1000)),
        ("2m", Some(120_000)),
        ("1h", Some(3_600_000)),
        ("1d", Some(86_400_000)),
        ("1", None),
        ("s", None),
        ("1.5s", None),
    ] {
        assert_eq!(parse_duration(text), want.map(Duration::from_millis), "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "(listen|upstream|tls|limits|[a-z]|[:{}\\[\\], \\n'\"-]|1|MiB){0,40}") {
        let _ = parse(&text, &[]);
    }
}
