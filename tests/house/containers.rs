//! The container files, as far as no engine is needed: what they parse as, what they name, and that nothing runs as root.

use serde_json::Value;

use crate::{Source, none, sources, top};

/// YAML as JSON; the reader also refuses duplicate keys.
fn yaml(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|e| e.to_string())
}

/// Instructions of a Dockerfile, continued lines joined.
fn instructions(text: &str) -> Vec<(String, String)> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.filter_map(|l| l.split_once(' ')).map(|(word, rest)| (word.to_uppercase(), rest.trim().to_owned())).collect()
}

fn dockerfile(text: &str) -> Vec<String> {
    let all = instructions(text);
    let rest = |word: &str| all.iter().filter(|(w, _)| w == word).map(|(_, rest)| rest.as_str()).collect::<Vec<_>>();
    let mut faults = Vec::new();
    let stages = rest("FROM");
    if stages.len() < 2 {
        faults.push("Dockerfile: one stage only, so the image holds the compiler".to_owned());
    }
    faults
        .extend(stages.iter().filter(|s| !s.contains(':') || s.contains(":latest")).map(|s| format!("Dockerfile: '{s}' names no version")));
    match all.iter().rev().take_while(|(w, _)| w != "FROM").find(|(w, _)| w == "USER") {
        Some((_, user)) if user != "root" && user != "0" => {}
        _ => faults.push("Dockerfile: the last stage runs as root".to_owned()),
    }
    if rest("ENTRYPOINT").iter().any(|e| !e.starts_with('[')) {
        faults.push("Dockerfile: ENTRYPOINT is a shell's, which does not pass signals on".to_owned());
    }
    for copied in rest("COPY").iter().filter(|c| !c.contains("--from=")) {
        let mut words: Vec<&str> = copied.split_whitespace().filter(|w| !w.starts_with("--")).collect();
        words.pop();
        faults.extend(words.iter().filter(|w| !top().join(w).exists()).map(|w| format!("Dockerfile: COPY of '{w}', which is not there")));
    }
    faults
}

fn compose(text: &str) -> Vec<String> {
    let file = match yaml(text) {
        Ok(file) => file,
        Err(error) => return vec![format!("compose.yaml: {error}")],
    };
    let mut faults = Vec::new();
    let services = file["services"].as_object().cloned().unwrap_or_default();
    for (name, service) in &services {
        if let Some(image) = service["image"].as_str()
            && service["build"].is_null()
            && (!image.contains(':') || image.ends_with(":latest"))
        {
            faults.push(format!("compose.yaml: '{name}' takes '{image}', which names no version"));
        }
        let needs = match &service["depends_on"] {
            Value::Object(needs) => needs.keys().cloned().collect(),
            Value::Array(needs) => needs.iter().filter_map(|n| n.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        };
        faults.extend(
            needs.iter().filter(|n| !services.contains_key(*n)).map(|n| format!("compose.yaml: '{name}' needs '{n}', which is no service")),
        );
        for volume in service["volumes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let from = volume.split(':').next().unwrap_or_default();
            let there = if from.starts_with('.') {
                top().join("docker").join(from).exists()
            } else {
                !file["volumes"][from].is_null() || file["volumes"].get(from).is_some()
            };
            if !there {
                faults.push(format!("compose.yaml: '{name}' mounts '{from}', which is not there"));
            }
        }
    }
    faults
}

#[test]
fn container_files_are_whole() {
    let read = |path: &str| std::fs::read_to_string(top().join(path)).unwrap();
    let mut faults = dockerfile(&read("docker/Dockerfile"));
    faults.extend(compose(&read("docker/compose.yaml")));
    let services = yaml(&read("docker/compose.yaml")).unwrap();
    for service in ["postgres", "pgscrim", "prometheus", "grafana"] {
        assert!(services["services"][service].is_object(), "no service '{service}'");
    }
    for Source { path, text } in sources(&["docker"], &[".yaml", ".yml"]) {
        faults.extend(yaml(&text).err().map(|e| format!("{path}: {e}")));
    }
    for Source { path, text } in sources(&["docker"], &[".json"]) {
        faults.extend(serde_json::from_str::<Value>(&text).err().map(|e| format!("{path}: {e}")));
    }
    none(&faults);
}

#[test]
fn the_container_configuration_is_one() {
    let text = std::fs::read_to_string(top().join("docker/pgscrim/pgscrim.yaml")).unwrap();
    let (_, warnings) = pgscrim::config::Config::parse("pgscrim.yaml", &text, []).unwrap_or_else(|found| panic!("{found}"));
    assert!(warnings.is_empty(), "{warnings}");
}

/// Each metric that the dashboard and the alerts ask for is one that the product has.
#[test]
fn dashboards_ask_for_metrics_that_exist() {
    let declared = std::fs::read_to_string(top().join("src/server/metrics.rs")).unwrap();
    let asked = sources(&["docker"], &[".json", ".yml", ".yaml"]);
    let names =
        asked.iter().flat_map(|s| s.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')).filter(|w| w.starts_with("pgscrim_"));
    let known = |name: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        declared.contains(&format!("\"{base}\"")) || declared.contains(&format!("\"{name}\""))
    };
    let unknown: std::collections::BTreeSet<&str> = names.filter(|n| !known(n)).collect();
    none(&unknown.iter().map(|n| format!("no metric '{n}'")).collect::<Vec<_>>());
}

#[test]
fn planted_faults_are_found() {
    for (text, faults) in [
        ("FROM a:1 AS b\nFROM c:1\nUSER 10\nENTRYPOINT [\"x\"]\n", 0),
        ("FROM a:1\nUSER 10\n", 1),
        ("FROM a AS b\nFROM c:latest\nUSER 10\n", 2),
        ("FROM a:1 AS b\nUSER 10\nFROM c:1\n", 1),
        ("FROM a:1 AS b\nFROM c:1\nUSER root\n", 1),
        ("FROM a:1 AS b\nFROM c:1\nUSER 10\nENTRYPOINT x\nCOPY nothing there\n", 2),
    ] {
        assert_eq!(dockerfile(text).len(), faults, "{text}: {:?}", dockerfile(text));
    }
    for (text, faults) in [
        ("services: { a: { image: 'x:1', depends_on: [b] }, b: { image: 'y:2' } }", 0),
        ("services: { a: { image: x, depends_on: [b], volumes: ['./nothing:/x', 'data:/y'] } }", 4),
        ("services: { a: 1, a: 2 }", 1),
    ] {
        assert_eq!(compose(text).len(), faults, "{text}: {:?}", compose(text));
    }
}
