//! The driver through which the conformance suite calls the emitter: `sioemit-conformance --list`, or `VARIANT`.

mod calls;
mod clients;
mod results;
mod value;

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::clients::{Clients, VARIANTS, blocks};

/// Why a call gets no answer of the emitter.
#[derive(Debug)]
pub enum Failure {
    /// Rust cannot express it.
    Skip(String),
    /// The emitter, or Redis, refused it.
    Refused(sioemit::Error),
}

impl From<sioemit::Error> for Failure {
    fn from(err: sioemit::Error) -> Self {
        Self::Refused(err)
    }
}

impl From<redis::RedisError> for Failure {
    fn from(err: redis::RedisError) -> Self {
        Self::Refused(err.into())
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [list] if list == "--list" => println!("{}", VARIANTS.join("\n")),
        [variant] if VARIANTS.contains(&variant.as_str()) => {
            if let Err(err) = answer_all(variant) {
                eprintln!("{err}");
                return ExitCode::FAILURE;
            }
        }
        _ => {
            eprintln!("usage: run --list, or run VARIANT, one of {}", VARIANTS.join(", "));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn answer_all(variant: &str) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let mut features = vec![
        "classic",
        "sharded",
        "streams",
        "python",
        "cluster",
        "pipeline",
        "server-count",
        "numbers",
        "replies",
        "confirm",
    ];
    if !blocks(variant) {
        features.push("together");
    }
    let hello = json!({
        "language": "rust", "variant": variant, "version": env!("CARGO_PKG_VERSION"), "features": features,
    });
    writeln!(out, "{hello}")?;
    let mut clients = Clients::new(variant)?;
    for line in io::stdin().lock().lines() {
        let line: Value = serde_json::from_str(&line?)?;
        let mut answer = results::answer(clients.call(&line));
        answer["id"] = line["id"].clone();
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
