//! `cargo xtask content`: every rule against the cases beside it.

use std::path::Path;
use std::process::ExitCode;

/// Runs every case and prints what failed.
pub fn run(root: &Path) -> ExitCode {
    let report = detect::cases::run_folder(&root.join("content/rules"));
    for fault in &report.faults {
        println!("{fault}");
    }
    for failure in &report.failures {
        println!("{failure}");
    }
    let bad = report.faults.len() + report.failures.len();
    println!("content: {} rules, {} cases, {bad} failed", report.rules, report.cases);
    if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
