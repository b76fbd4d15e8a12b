//! Compiles `src/parser.c` against the headers of the `pg_query` crate, whose library it is linked with.

#![allow(clippy::disallowed_methods, clippy::expect_used, reason = "a build script reads the environment and files, and can only stop")]

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/parser.c");
    let library = sources().join("libpg_query");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("OUT_DIR"));
    let proto = fs::read_to_string(library.join("protobuf/pg_query.proto")).expect("pg_query.proto");
    fs::write(out.join("fields.h"), field_numbers(&proto)).expect("fields.h");
    let mut build = cc::Build::new();
    // as pg_query's own build script has it
    build.flag("-fno-strict-aliasing").flag("-fwrapv").warnings(false);
    if env::var("PROFILE").as_deref() == Ok("debug") {
        build.define("USE_ASSERT_CHECKING", None);
    }
    for folder in ["", "src", "src/include", "src/postgres/include", "vendor", "vendor/upb", "vendor/upb/third_party/utf8_range"] {
        build.include(library.join(folder));
    }
    build.include(out).file("src/parser.c").compile("pgscrim_parser");
}

/// Where the sources of the `pg_query` crate are, which no variable says.
fn sources() -> PathBuf {
    let cargo = env::var_os("CARGO").expect("CARGO");
    let platform = env::var("TARGET").expect("TARGET");
    let metadata = Command::new(cargo).args(["metadata", "--format-version=1", "--locked", "--filter-platform", &platform]).output();
    let metadata = String::from_utf8(metadata.expect("cargo metadata").stdout).expect("UTF-8");
    let package = metadata.split_once(r#"{"name":"pg_query","version":"#).expect("pg_query is a dependency").1;
    let path = package.split_once(r#""manifest_path":""#).and_then(|(_, rest)| rest.split_once('"')).expect("its manifest").0;
    Path::new(path).parent().expect("its folder").to_owned()
}

/// `FIELD_message_field`: its number, for each field of each message of a tree.
fn field_numbers(proto: &str) -> String {
    let mut header = String::from("enum\n{\n");
    let mut message = "";
    for line in proto.lines() {
        if let Some(name) = line.strip_prefix("message ") {
            message = name.trim_end_matches(['{', ' ']);
            if message == "SummaryResult" {
                message = ""; // has messages within, and is no part of a tree
            }
        } else if line.starts_with("enum ") {
            message = "";
        } else if let Some((field, number)) = line.split_once('=').filter(|_| !message.is_empty())
            && let Some(field) = field.split_whitespace().last()
        {
            let number: String = number.trim_start().chars().take_while(char::is_ascii_digit).collect();
            let _ = writeln!(header, "\tFIELD_{message}_{field} = {number},");
        }
    }
    header + "};\n#define FIELD_Node_float_ FIELD_Node_float\n"
}
