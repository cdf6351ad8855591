//! The house's own tools: `cargo xtask tidy | content | figures | figure`.
//!
//! Each is a plain function that returns what it found; this file only prints and sets the exit code.

mod content;
mod figures;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = root();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => report("tidy", tidy::run(&root, false)),
        ["tidy", "--ratchet"] => report("tidy", tidy::run(&root, true)),
        ["content"] => content::run(&root),
        ["figures"] => figures::run(&root),
        ["figure", ref rest @ ..] => figures::one(&root, rest),
        _ => {
            eprintln!("usage: cargo xtask tidy [--ratchet] | content | figures | figure …");
            ExitCode::from(64)
        }
    }
}

/// The repository's root: the folder above this crate.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

fn report(name: &str, findings: Vec<String>) -> ExitCode {
    for finding in &findings {
        println!("{finding}");
    }
    println!("{name}: {} finding(s)", findings.len());
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
