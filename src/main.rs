//! The `pgscrim` binary: everything is in the library.

fn main() -> std::process::ExitCode {
    pgscrim::cli::main()
}
