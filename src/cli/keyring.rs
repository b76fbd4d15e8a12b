//! `pgscrim keyring init`: a keyring with one fresh key, readable by its owner alone.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::mask::KEY_BYTES;

const EXAMPLE: &str = "\
Example:
  pgscrim keyring init keyring.yaml

Then name it in the configuration: 'keyring: keyring.yaml'. To change keys later, add one under 'keys', make it
the current one, and keep the old one as long as something that was made with it is around:

  current: k2
  keys:
    k1: { file: k1.key }          # 32 bytes in hex or base64, in a file beside this one
    k2: { env: PGSCRIM_KEY_K2 }   # or in the environment

A mask takes the current key, or the one that it names: { pseudonym: { key: k1 } }.";

#[derive(Debug, Subcommand)]
pub(super) enum KeyringCommand {
    /// Make a keyring with one fresh key
    Init(Init),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Init {
    /// The file to make; one that is there is never overwritten
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl KeyringCommand {
    pub(super) fn run(self) -> ExitCode {
        let Self::Init(Init { file }) = self;
        match init(&file) {
            Ok(()) => {
                println!("made {} with the key 'k1'; keep a copy of it in a safe place", file.display());
                ExitCode::SUCCESS
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                eprintln!("error: '{}' is there already: its keys would be lost", file.display());
                ExitCode::FAILURE
            }
            Err(error) => {
                eprintln!("error: cannot make '{}': {}", file.display(), error.kind());
                ExitCode::FAILURE
            }
        }
    }
}

fn init(file: &Path) -> io::Result<()> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(&mut *key).map_err(io::Error::other)?;
    let hex = Zeroizing::new(hex::encode(key.as_slice()));
    let text = Zeroizing::new(format!(
        "# The keys of keyed masks. Who has this file can undo them: keep it as you keep passwords.\ncurrent: k1\nkeys:\n  k1: {}\n",
        *hex
    ));
    let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    to.write_all(text.as_bytes())?;
    to.sync_all()
}

#[cfg(test)]
mod tests;
